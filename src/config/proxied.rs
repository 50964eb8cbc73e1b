//! What is proxied: servers, the services in front of them, and the listeners of those.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use zeroize::Zeroizing;

use crate::session::{ListenAddress, ServerRole};
use crate::tls::TlsFiles;

/// A wire protocol that servers and their clients speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// PostgreSQL's, versions 3.0 to 3.2.
    PostgreSql,
    /// MariaDB's, which is MySQL's too.
    MariaDb,
}

impl Protocol {
    /// The name in the configuration and in the catalog.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PostgreSql => "postgresql",
            Self::MariaDb => "mariadb",
        }
    }

    /// Where its servers listen when nobody says otherwise.
    pub fn port(self) -> u16 {
        match self {
            Self::PostgreSql => 5432,
            Self::MariaDb => 3306,
        }
    }
}

/// `[servers.NAME]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerConfig {
    /// Its name.
    pub name: String,
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// What it speaks.
    pub protocol: Protocol,
    /// Its part in the cluster, if the file says so; a monitor with credentials finds out by itself.
    pub role: Option<ServerRole>,
    /// How connections to it are protected.
    pub tls: ServerTls,
    /// The server's own certificate (PEM), if it is known: a listener that shows the same one lets channel binding
    /// pass, and a server that shows another is not talked to.
    pub certificate: Option<PathBuf>,
    /// Whether it is told by the PROXY protocol on whose behalf a connection is made.
    pub proxy_protocol: bool,
    /// How its state is watched.
    pub monitor: MonitorConfig,
}

/// How connections to a server are protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerTls {
    /// In clear.
    Disable,
    /// Inside TLS, whoever answers.
    Require,
    /// Inside TLS, with a certificate for the server's host by an authority in this PEM file.
    VerifyFull {
        /// The authorities.
        ca: PathBuf,
    },
}

/// `[servers.NAME.monitor]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonitorConfig {
    /// Who the monitor logs in as; without, it only looks whether the server takes TCP connections.
    pub credentials: Option<MonitorCredentials>,
    /// Time between two looks.
    pub interval: Duration,
    /// How long a look may take.
    pub timeout: Duration,
    /// Looks in a row that must fail before the server counts as down.
    pub failures_max: u32,
}

impl Default for MonitorConfig {
    fn default() -> Self {
        Self {
            credentials: None,
            interval: Duration::from_secs(2),
            timeout: Duration::from_secs(3),
            failures_max: 2,
        }
    }
}

/// Who a monitor logs in as.
#[derive(Clone, PartialEq, Eq)]
pub struct MonitorCredentials {
    /// The user.
    pub user: String,
    /// Its password.
    pub password: Zeroizing<String>,
    /// The database, if any.
    pub database: Option<String>,
}

impl fmt::Debug for MonitorCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MonitorCredentials")
            .field("user", &self.user)
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}

/// `[services.NAME]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceConfig {
    /// Its name.
    pub name: String,
    /// How its sessions are routed.
    pub router: RouterConfig,
    /// The names of its servers.
    pub servers: Vec<String>,
    /// What they and its clients speak.
    pub protocol: Protocol,
    /// The most sessions at a time.
    pub sessions_max: usize,
    /// How long a connection to one server may take to come about.
    pub connect_timeout: Duration,
    /// How long a client may take from its connection to the end of its login.
    pub authentication_timeout: Duration,
    /// How long a client may stay without traffic outside a transaction; `None`: for ever.
    pub idle_timeout: Option<Duration>,
    /// How long a client may stay without traffic inside a transaction; `None`: for ever.
    pub idle_in_transaction_timeout: Option<Duration>,
    /// The names of its filters, in the order of the traffic from the client.
    pub filters: Vec<String>,
    /// How many of each session's last statements are retained; 0: none.
    pub retain_last_statements: usize,
    /// Where the text of a statement is cut that is retained or seen by filters, in bytes.
    pub statement_bytes_max: usize,
}

/// `[filters.NAME]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterConfig {
    /// Its name.
    pub name: String,
    /// What it does.
    pub module: FilterModule,
}

/// `module` of a filter, and what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilterModule {
    /// A line for each statement, in a file.
    QueryLog(QueryLogConfig),
}

impl FilterModule {
    /// The name in the configuration and in the catalog.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::QueryLog(_) => "qlafilter",
        }
    }
}

/// Where a query log is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryLogConfig {
    /// The file.
    pub file: PathBuf,
    /// How large it may become before it is put aside, in bytes; `None`: for ever.
    pub rotate_bytes: Option<u64>,
    /// How many of those that were put aside stay.
    pub files_max: u32,
}

/// `router` and `router_options` of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouterConfig {
    /// One server for a session, chosen when the client connects.
    ReadConnRoute {
        /// The part that the server must play; `None`: any.
        role: Option<ServerRole>,
    },
}

impl RouterConfig {
    /// The name in the configuration and in the catalog.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReadConnRoute { .. } => "readconnroute",
        }
    }
}

/// `[listeners.NAME]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerConfig {
    /// Its name.
    pub name: String,
    /// The name of its service.
    pub service: String,
    /// What its clients speak: the protocol of its service.
    pub protocol: Protocol,
    /// Where to listen.
    pub address: ListenAddress,
    /// TLS, if offered to clients.
    pub tls: Option<TlsFiles>,
    /// What becomes of SCRAM's channel binding.
    pub channel_binding: ChannelBinding,
    /// Who must say by the PROXY protocol on whose behalf they come, and is believed.
    pub proxy_protocol_networks: Vec<IpNet>,
}

/// What becomes of SCRAM's channel binding between a client and a server that both speak TLS to the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelBinding {
    /// The server's offer reaches the client: works where the listener shows the server's own certificate.
    Pass,
    /// The offer is taken out: works for clients that say `channel_binding=disable`.
    Disable,
}
