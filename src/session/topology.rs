use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use super::clock::utc_us;
use super::end_reason::Ends;
use super::traffic::Traffic;

/// How many sessions there are and have been: the `statistics` of the documented resources.
#[derive(Debug, Default)]
pub struct Counters {
    current: AtomicU64,
    total: AtomicU64,
    max: AtomicU64,
}

impl Counters {
    /// Live now.
    pub fn current(&self) -> u64 {
        self.current.load(Ordering::Relaxed)
    }

    /// Begun since the start of the program.
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// The most that were live at one time: a high-water mark, not a limit.
    pub fn max(&self) -> u64 {
        self.max.load(Ordering::Relaxed)
    }

    pub(super) fn begin(&self) {
        self.total.fetch_add(1, Ordering::Relaxed);
        let current = self.current.fetch_add(1, Ordering::Relaxed) + 1;
        self.max.fetch_max(current, Ordering::Relaxed);
    }

    pub(super) fn end(&self) {
        self.current.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What clients connect to: a router with its servers, filters and listeners.
#[derive(Debug)]
pub struct Service {
    /// The service's name, unique among services.
    pub name: Arc<str>,
    /// The name of its router module.
    pub router: Arc<str>,
    /// The names of the servers that it routes to.
    pub servers: Vec<Arc<str>>,
    /// The names of its filters, in the order of the traffic from the client.
    pub filters: Vec<Arc<str>>,
    /// How many of its last statements each session retains.
    pub retains: usize,
    /// Its sessions.
    pub sessions: Counters,
    /// Why its sessions have ended.
    pub ends: Ends,
    /// What its sessions have carried.
    pub traffic: Traffic,
    /// Start of the service, in microseconds since the UNIX epoch.
    pub started_us: i64,
}

impl Service {
    /// A service that starts now.
    pub fn new(name: &str, router: &str) -> Self {
        Self {
            name: name.into(),
            router: router.into(),
            servers: Vec::new(),
            filters: Vec::new(),
            retains: 0,
            sessions: Counters::default(),
            ends: Ends::default(),
            traffic: Traffic::default(),
            started_us: utc_us(),
        }
    }
}

/// An address that accepts clients for one service.
#[derive(Debug)]
pub struct Listener {
    /// The listener's name, unique among listeners.
    pub name: Arc<str>,
    /// The service that its clients' sessions are created on.
    pub service: Arc<Service>,
    /// The wire protocol that it speaks, `postgresql` or `mariadb`.
    pub protocol: Arc<str>,
    /// The bound address.
    pub address: ListenAddress,
}

/// Where a listener accepts clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddress {
    /// An IP address and a TCP port.
    Tcp(SocketAddr),
    /// The path of a UNIX domain socket.
    Unix(PathBuf),
}

impl From<SocketAddr> for ListenAddress {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

impl Listener {
    /// A listener of `service` at a bound address.
    pub fn new(
        name: &str,
        service: &Arc<Service>,
        protocol: &str,
        address: impl Into<ListenAddress>,
    ) -> Self {
        Self {
            name: name.into(),
            service: Arc::clone(service),
            protocol: protocol.into(),
            address: address.into(),
        }
    }
}

/// The part that a backend server plays in its cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerRole {
    /// Takes writes.
    Primary,
    /// Follows a primary.
    Replica,
}

impl ServerRole {
    /// `primary` or `replica`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Replica => "replica",
        }
    }
}

/// What a monitor last found of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Not looked at yet.
    Unknown,
    /// It takes connections.
    Up,
    /// It takes none.
    Down,
}

/// A backend database server.
#[derive(Debug)]
pub struct Server {
    /// The server's name, unique among servers.
    pub name: Arc<str>,
    /// Host name or address.
    pub address: Arc<str>,
    /// TCP port.
    pub port: u16,
    /// The wire protocol that it speaks.
    pub protocol: Arc<str>,
    /// Its connections.
    pub connections: Counters,
    health: AtomicU8,
    role: AtomicU8,
    maintenance: AtomicBool,
}

impl Server {
    /// A server that has not been looked at yet, with the part that it is configured to play.
    pub fn new(
        name: &str,
        address: &str,
        port: u16,
        protocol: &str,
        role: Option<ServerRole>,
    ) -> Self {
        let server = Self {
            name: name.into(),
            address: address.into(),
            port,
            protocol: protocol.into(),
            connections: Counters::default(),
            health: AtomicU8::new(0),
            role: AtomicU8::new(0),
            maintenance: AtomicBool::new(false),
        };
        server.set_role(role);
        server
    }

    /// What its monitor last found.
    pub fn health(&self) -> Health {
        match self.health.load(Ordering::Relaxed) {
            0 => Health::Unknown,
            1 => Health::Up,
            _ => Health::Down,
        }
    }

    /// Takes note of what its monitor found.
    pub fn set_health(&self, health: Health) {
        let code = match health {
            Health::Unknown => 0,
            Health::Up => 1,
            Health::Down => 2,
        };
        self.health.store(code, Ordering::Relaxed);
    }

    /// Its part in the cluster, when known.
    pub fn role(&self) -> Option<ServerRole> {
        match self.role.load(Ordering::Relaxed) {
            1 => Some(ServerRole::Primary),
            2 => Some(ServerRole::Replica),
            _ => None,
        }
    }

    /// Takes note of its part in the cluster.
    pub fn set_role(&self, role: Option<ServerRole>) {
        let code = match role {
            None => 0,
            Some(ServerRole::Primary) => 1,
            Some(ServerRole::Replica) => 2,
        };
        self.role.store(code, Ordering::Relaxed);
    }

    /// Whether it is in maintenance: it keeps its sessions and takes no new ones.
    pub fn in_maintenance(&self) -> bool {
        self.maintenance.load(Ordering::Relaxed)
    }

    /// Puts it into maintenance, or back. Returns whether it was not so before.
    pub fn set_maintenance(&self, maintenance: bool) -> bool {
        self.maintenance.swap(maintenance, Ordering::Relaxed) != maintenance
    }

    /// Whether new sessions may be given to it.
    pub fn takes_sessions(&self) -> bool {
        !self.in_maintenance() && self.health() != Health::Down
    }

    /// Counts a connection to it for as long as the result is held.
    pub fn count_connection(self: &Arc<Self>) -> CountedConnection {
        self.connections.begin();
        CountedConnection(Arc::clone(self))
    }
}

/// One connection in a server's counters.
#[derive(Debug)]
pub struct CountedConnection(Arc<Server>);

impl Drop for CountedConnection {
    fn drop(&mut self) {
        self.0.connections.end();
    }
}

/// Something that sees a session's traffic between client and router.
#[derive(Debug)]
pub struct Filter {
    /// The filter's name, unique among filters.
    pub name: Arc<str>,
    /// The module that implements it.
    pub module: Arc<str>,
}

/// What sessions are created on and routed through: everything that is configured rather than connected.
#[derive(Clone, Debug, Default)]
pub struct Topology {
    /// All services, in the order of their names.
    pub services: Vec<Arc<Service>>,
    /// All listeners, in the order of their names.
    pub listeners: Vec<Arc<Listener>>,
    /// All servers, in the order of their names.
    pub servers: Vec<Arc<Server>>,
    /// All filters, in the order of their names.
    pub filters: Vec<Arc<Filter>>,
}
