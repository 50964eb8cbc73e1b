//! Whether servers are there, and which part they play.
//!
//! With credentials a monitor keeps one connection to its server and asks it at each look; without, it connects by
//! TCP and hangs up, which PostgreSQL logs with `log_connections` only, and MariaDB is taken leave of as its protocol
//! wants it. A server that answers but does not let the
//! monitor in (a wrong password, no connection left) is up all the same: others may get in. Its role then stays as it
//! was last known. A server that says that it is starting up or going down takes no sessions: it is down.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::backend::{Backend, ConnectError};
use super::mariadb::{self, client::ClientError};
use crate::config::{MonitorConfig, MonitorCredentials, Protocol};
use crate::session::{Health, Server, ServerRole};

/// How the monitor's own sessions call themselves on the server.
const APPLICATION_NAME: &str = "rollcall monitor";

/// Class 57 without the statement's own errors: the server is starting up, shutting down or has crashed.
const NOT_SERVING: [&str; 3] = ["57P01", "57P02", "57P03"];

/// The same of MariaDB's: ER_SERVER_SHUTDOWN.
const SHUTTING_DOWN: u16 = 1053;
/// The user may not ask whether the server follows another (ER_SPECIFIC_ACCESS_DENIED_ERROR).
const NOT_ALLOWED: u16 = 1227;

/// Looks at all servers, all at once and each for at most its own timeout, so that nobody is served before it is known
/// which servers there are. The monitors go on from there.
pub async fn first_look(
    servers: impl IntoIterator<Item = (Arc<Backend>, MonitorConfig)>,
) -> Vec<Monitor> {
    let look = |(backend, config)| async move {
        let mut monitor = Monitor::new(backend, config);
        monitor.look().await;
        monitor
    };
    futures::future::join_all(servers.into_iter().map(look)).await
}

/// Watches one server.
pub struct Monitor {
    backend: Arc<Backend>,
    config: MonitorConfig,
    connection: Option<MonitorConnection>,
    /// Looks in a row that have failed.
    failures: u32,
    /// The server does not let the monitor in, and the log says so.
    complained: bool,
}

enum MonitorConnection {
    Postgres {
        client: Client,
        /// Moves the connection's messages.
        _driver: AbortOnDropHandle<()>,
    },
    MariaDb(mariadb::client::Client),
}

/// Why a look found nothing.
#[derive(Debug, thiserror::Error)]
enum LookError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("{}", Chain(.0))]
    Postgres(#[from] tokio_postgres::Error),
    #[error(transparent)]
    MariaDb(#[from] mariadb::client::ClientError),
    #[error("no answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
    #[error("no usable answer to the question for its role")]
    Answer,
}

impl LookError {
    /// Whether it is the monitor alone that the server refuses.
    fn is_refusal(&self) -> bool {
        match self {
            Self::Connect(_) | Self::TimedOut(_) => false,
            Self::Answer => true,
            Self::MariaDb(error) => match error {
                ClientError::Connect(_) | ClientError::Io(_) | ClientError::Protocol(_) => false,
                ClientError::Server { code, .. } => *code != SHUTTING_DOWN,
                ClientError::Plugin { .. } => true,
            },
            Self::Postgres(error) => match (error.code(), error.source()) {
                (Some(code), _) => !NOT_SERVING.contains(&code.code()),
                // A way of logging in that the monitor does not know: the server has answered.
                (None, Some(source)) => !source.is::<io::Error>(),
                (None, None) => false,
            },
        }
    }
}

/// An error with what caused it, which `tokio_postgres` leaves out.
struct Chain<'a>(&'a tokio_postgres::Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.source() {
            Some(source) => write!(f, "{}: {source}", self.0),
            None => self.0.fmt(f),
        }
    }
}

impl Monitor {
    /// A monitor that has not looked yet.
    pub fn new(backend: Arc<Backend>, config: MonitorConfig) -> Self {
        Self {
            backend,
            config,
            connection: None,
            failures: 0,
            complained: false,
        }
    }

    /// Looks at each interval until `shutdown`, and calls `went_down` when the server has gone down.
    pub async fn watch(mut self, went_down: impl Fn(&Server), shutdown: CancellationToken) {
        let mut looks = interval(self.config.interval);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick is at once.
        if self.backend.server.health() != Health::Unknown {
            looks.reset();
        }
        let watch = async {
            loop {
                looks.tick().await;
                if self.look().await {
                    went_down(&self.backend.server);
                }
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = watch => {}
        }
    }

    /// Looks once and takes note of what it finds. Returns whether the server has gone down.
    pub async fn look(&mut self) -> bool {
        let limit = self.config.timeout;
        let found = match timeout(limit, self.find()).await {
            Ok(found) => found,
            Err(_) => Err(LookError::TimedOut(limit)),
        };
        match found {
            Ok(role) => {
                self.complained = false;
                if let Some(role) = role {
                    self.found_role(role);
                }
                self.found_up();
                false
            }
            Err(error) => {
                // Whatever state it is in: the next look begins anew.
                self.connection = None;
                if error.is_refusal() {
                    self.found_refusal(&error);
                    self.found_up();
                    return false;
                }
                self.found_nothing(&error)
            }
        }
    }

    /// The server's role, where the monitor can ask.
    async fn find(&mut self) -> Result<Option<ServerRole>, LookError> {
        let Some(credentials) = &self.config.credentials else {
            match self.backend.protocol {
                Protocol::PostgreSql => self.backend.reach(self.config.timeout).await?,
                Protocol::MariaDb => mariadb::look(&self.backend, self.config.timeout).await?,
            }
            return Ok(None);
        };
        if let Some(kept) = &mut self.connection {
            // The server may have ended it for reasons of its own, such as a limit on idle time.
            if let Ok(role) = kept.role().await {
                return Ok(Some(role));
            }
        }
        let mut fresh = log_in(&self.backend, &self.config, credentials).await?;
        let role = fresh.role().await?;
        self.connection = Some(fresh);
        Ok(Some(role))
    }

    fn found_up(&mut self) {
        self.failures = 0;
        let server = &self.backend.server;
        if server.health() != Health::Up {
            server.set_health(Health::Up);
            tracing::info!(server = %server.name, "server is up");
        }
    }

    fn found_role(&self, role: ServerRole) {
        let server = &self.backend.server;
        let before = server.role();
        if before != Some(role) {
            server.set_role(Some(role));
            let (before, role) = (before.map(ServerRole::as_str), role.as_str());
            tracing::info!(server = %server.name, role, before, "server has another role");
        }
    }

    fn found_refusal(&mut self, error: &LookError) {
        if !self.complained {
            self.complained = true;
            let server = &self.backend.server.name;
            tracing::warn!(%server, %error, "server does not let its monitor in; its role is not known for certain");
        }
    }

    /// Returns whether this was one failure too many. One is, for a server that has never been seen.
    fn found_nothing(&mut self, error: &LookError) -> bool {
        self.failures = self.failures.saturating_add(1);
        let server = &self.backend.server;
        let failures_max = match server.health() {
            Health::Down => return false,
            Health::Unknown => 1,
            Health::Up => self.config.failures_max,
        };
        if self.failures < failures_max {
            tracing::debug!(server = %server.name, %error, failures = self.failures, "a look failed");
            return false;
        }
        server.set_health(Health::Down);
        tracing::warn!(server = %server.name, %error, "server is down");
        true
    }
}

impl fmt::Debug for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Monitor")
            .field("server", &self.backend.server.name)
            .field("failures", &self.failures)
            .finish_non_exhaustive()
    }
}

async fn log_in(
    backend: &Backend,
    config: &MonitorConfig,
    credentials: &MonitorCredentials,
) -> Result<MonitorConnection, LookError> {
    if backend.protocol == Protocol::MariaDb {
        let client = mariadb::client::Client::log_in(backend, credentials, config.timeout).await?;
        return Ok(MonitorConnection::MariaDb(client));
    }
    let transport = backend.connect(config.timeout).await?;
    let mut login = tokio_postgres::Config::new();
    if let Some(database) = &credentials.database {
        login.dbname(database);
    }
    let (client, connection) = login
        .user(&credentials.user)
        .password(credentials.password.as_str())
        .application_name(APPLICATION_NAME)
        // The transport is inside TLS already where it is meant to be.
        .ssl_mode(SslMode::Disable)
        .connect_raw(transport, NoTls)
        .await?;
    let driver = tokio::spawn(async move {
        // How it ends shows at the next look.
        let _ = connection.await;
    });
    Ok(MonitorConnection::Postgres {
        client,
        _driver: AbortOnDropHandle::new(driver),
    })
}

impl MonitorConnection {
    async fn role(&mut self) -> Result<ServerRole, LookError> {
        match self {
            Self::Postgres { client, .. } => postgres_role(client).await,
            Self::MariaDb(client) => mariadb_role(client).await,
        }
    }
}

async fn postgres_role(client: &Client) -> Result<ServerRole, LookError> {
    let query = "SELECT pg_catalog.pg_is_in_recovery()";
    let messages = client.simple_query(query).await?;
    let row = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    match row.map(|row| row.try_get(0)) {
        Some(Ok(Some("f"))) => Ok(ServerRole::Primary),
        Some(Ok(Some("t"))) => Ok(ServerRole::Replica),
        _ => Err(LookError::Answer),
    }
}

/// A server that only reads is a replica, and so is one that follows another, whether it would take writes or not.
async fn mariadb_role(client: &mut mariadb::client::Client) -> Result<ServerRole, LookError> {
    let reads_only = client.ask("SELECT @@global.read_only").await?;
    match reads_only.value() {
        Some("0" | "OFF") => {}
        Some(_) => return Ok(ServerRole::Replica),
        None => return Err(LookError::Answer),
    }
    let (question, threads) = match client.is_mariadb {
        true => (
            "SHOW ALL SLAVES STATUS",
            ["Slave_IO_Running", "Slave_SQL_Running"],
        ),
        false => (
            "SHOW REPLICA STATUS",
            ["Replica_IO_Running", "Replica_SQL_Running"],
        ),
    };
    match client.ask(question).await {
        Ok(status) if threads.iter().any(|thread| status.any(thread, "Yes")) => {
            Ok(ServerRole::Replica)
        }
        Ok(_)
        | Err(ClientError::Server {
            code: NOT_ALLOWED, ..
        }) => Ok(ServerRole::Primary),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests;
