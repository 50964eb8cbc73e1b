//! The configuration file and its checks.
//!
//! The file is TOML. `schema` is its shape as serde reads it, `check` turns that into a [`Config`] whose values
//! can all be used, `error` finds the line and key that a problem is about. Nothing is started before the whole
//! file has been checked.

mod check;
mod error;
mod proxied;
mod schema;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::auth::{AttemptLimits, UserMap};
use crate::tls::TlsFiles;

pub use error::{ConfigError, Problem};
pub use proxied::{
    ChannelBinding, FilterConfig, FilterModule, ListenerConfig, MonitorConfig, MonitorCredentials,
    Protocol, QueryLogConfig, RouterConfig, ServerConfig, ServerTls, ServiceConfig,
};

/// A checked configuration. `Config::default()` is what the program runs with when it is given no file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Config {
    /// The SQL door.
    pub sql: SqlConfig,
    /// The REST door.
    pub rest: RestConfig,
    /// The users of both doors; none: both doors take loopback peers only, anyone as an admin.
    pub users: UserMap,
    /// Backend database servers, in the order of their names.
    pub servers: Vec<ServerConfig>,
    /// What clients of the proxy connect to, in the order of their names.
    pub services: Vec<ServiceConfig>,
    /// Where they connect, in the order of their names.
    pub listeners: Vec<ListenerConfig>,
    /// What sees the traffic of services' sessions, in the order of their names.
    pub filters: Vec<FilterConfig>,
    /// Bounds of what clients may use.
    pub limits: Limits,
    /// What is logged.
    pub log: LogConfig,
}

/// `[sql]`
#[derive(Debug, Clone, PartialEq)]
pub struct SqlConfig {
    /// Where to listen.
    pub listen: SocketAddr,
    /// TLS, if offered.
    pub tls: Option<TlsFiles>,
}

/// `[rest]`
#[derive(Debug, Clone, PartialEq)]
pub struct RestConfig {
    /// Where to listen.
    pub listen: SocketAddr,
    /// TLS, if HTTPS is served instead of HTTP.
    pub tls: Option<TlsFiles>,
    /// Names that the `Host` header may have besides the listener's own, in lower case, without a port.
    pub hosts: Vec<String>,
}

/// `[limits]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Clients of the SQL door at a time.
    pub sql_connections_max: usize,
    /// Connections of the REST door at a time.
    pub rest_connections_max: usize,
    /// How long a client of the REST door may take for a request's head, and stay without asking anything.
    pub rest_idle_timeout: Duration,
    /// Memory of all queries together, in bytes.
    pub query_memory_bytes_max: usize,
    /// How long a statement may run; `None`: as long as it takes.
    pub statement_timeout: Option<Duration>,
    /// How long an SQL client may stay without a statement; `None`: for ever.
    pub idle_timeout: Option<Duration>,
    /// How long a client may take to authenticate.
    pub authentication_timeout: Duration,
    /// The largest message of an authenticated SQL client, in bytes.
    pub frame_bytes_max: usize,
    /// How long running statements may go on at shutdown.
    pub drain_timeout: Duration,
    /// How long a reverse DNS lookup may take.
    pub rdns_timeout: Duration,
    /// How many failed logins of the doors are allowed.
    pub failed_logins: AttemptLimits,
}

/// `[log]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// A directive such as `info` or `rollcall=debug,warn`.
    pub level: String,
    /// How a line is written.
    pub format: LogFormat,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for SqlConfig {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 5433).into(),
            tls: None,
        }
    }
}

impl Default for RestConfig {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 8989).into(),
            tls: None,
            hosts: Vec::new(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sql_connections_max: 100,
            rest_connections_max: 200,
            rest_idle_timeout: Duration::from_secs(30),
            query_memory_bytes_max: 256 << 20,
            statement_timeout: None,
            idle_timeout: None,
            authentication_timeout: Duration::from_secs(60),
            frame_bytes_max: 16 << 20,
            drain_timeout: Duration::from_secs(10),
            rdns_timeout: Duration::from_secs(1),
            failed_logins: AttemptLimits::default(),
        }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            level: "info".to_owned(),
            format: LogFormat::Text,
        }
    }
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// When the file cannot be read, or with every problem found in it.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let file = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|source| ConfigError::Read {
            file: file.clone(),
            source,
        })?;
        let text = error::utf8(&bytes, &file)?;
        let base_dir = path.parent().map(PathBuf::from).unwrap_or_default();
        Self::parse(text, &file, &base_dir)
    }

    /// Checks the text of a file. `file_name` is what errors call it, `base_dir` what relative paths in it start
    /// from.
    ///
    /// # Errors
    /// With every problem found.
    pub fn parse(text: &str, file_name: &str, base_dir: &Path) -> Result<Self, ConfigError> {
        let document = error::Document::parse(text, file_name)?;
        let schema = document.deserialize()?;
        check::check(schema, &document, base_dir)
    }
}
