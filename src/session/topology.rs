use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::clock::utc_us;

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
    /// Its sessions.
    pub sessions: Counters,
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
            sessions: Counters::default(),
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
    pub address: SocketAddr,
}

impl Listener {
    /// A listener of `service` at a bound address.
    pub fn new(name: &str, service: &Arc<Service>, protocol: &str, address: SocketAddr) -> Self {
        Self {
            name: name.into(),
            service: Arc::clone(service),
            protocol: protocol.into(),
            address,
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
    /// Its part in the cluster, when known.
    pub role: Option<ServerRole>,
    /// Its connections.
    pub connections: Counters,
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
