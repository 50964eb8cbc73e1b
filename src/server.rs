//! The program: binds the doors and the proxy's listeners, drains them, re-reads users and certificates.
//!
//! Everything that can fail at start fails in [`Server::bind`], before anyone is served. The doors run on a
//! runtime of their own; signals are waited for on the calling thread, so that a busy door cannot hold up a
//! shutdown.

mod banner;
mod doors;
mod reload;
mod signals;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::auth::Users;
use crate::catalog::CatalogError;
use crate::config::Config;
use crate::proxy::{Proxy, ProxyError, accept};
use crate::session::{Registry, SessionLogs};
use crate::tls::{self, TlsError, TlsFiles, TlsSlot};
use crate::{rest, sql, threads};
use doors::Doors;
use reload::Reload;
use signals::{Signal, Signals};

/// Threads for the doors' sockets. Queries run elsewhere.
const IO_THREADS: usize = 2;

/// Why the program cannot start, or ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// A door's address cannot be listened on.
    #[error("{key}: cannot listen on {address}: {source}")]
    Bind {
        /// The key of the address in the configuration.
        key: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// What is proxied cannot be served.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// A certificate cannot be used.
    #[error("{key}: {source}")]
    Tls {
        /// The key of the certificate in the configuration.
        key: &'static str,
        /// What is wrong with it.
        source: TlsError,
    },
    /// Threads or signal handlers cannot be had.
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
    /// The query engine cannot be set up.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// A resource of the REST door cannot be planned.
    #[error(transparent)]
    Resource(#[from] rest::ResourceError),
    /// A door stopped serving although nobody asked it to.
    #[error("a door stopped by itself")]
    DoorStopped,
}

/// How [`Server::run`] ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// After the first signal, with the clients gone or the time for them over.
    Drained,
    /// By a second signal, with clients still connected.
    Forced {
        /// The exit code that a shell gives a process which that signal ended.
        code: i32,
    },
}

/// The program with its addresses bound and nobody served yet.
pub struct Server {
    io: Runtime,
    sql: Door,
    rest: Door,
    registry: Arc<Registry>,
    proxy: Proxy,
    users: Arc<Users>,
    config: Config,
    config_file: Option<PathBuf>,
}

/// A door's address, bound, and its certificate.
struct Door {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<Arc<TlsSlot>>,
}

impl Server {
    /// Binds both doors and all listeners. `config_file` is where `config` came from: what SIGHUP reads again. `logs`
    /// notes of which sessions more is logged.
    ///
    /// # Errors
    /// When an address is taken or not this machine's, or a certificate cannot be read any more.
    pub fn bind(
        config: Config,
        config_file: Option<PathBuf>,
        logs: Arc<SessionLogs>,
    ) -> Result<Self, ServerError> {
        let io = Builder::new_multi_thread()
            .worker_threads(IO_THREADS)
            .thread_name("rollcall-io")
            .on_thread_start(threads::give_way)
            .enable_all()
            .build()?;
        // A Tokio listener belongs to the runtime that it is made in.
        let in_io = io.enter();
        let sql = Door {
            tls: load_tls("sql.tls", config.sql.tls.as_ref(), tls::ALPN_SQL)?,
            ..Door::bind("sql.listen", config.sql.listen)?
        };
        let rest = Door {
            tls: load_tls("rest.tls", config.rest.tls.as_ref(), tls::ALPN_REST)?,
            ..Door::bind("rest.listen", config.rest.listen)?
        };
        drop(in_io);
        let registry = Registry::with_logs(logs);
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let proxy = Proxy::bind(&config, &registry, threads)?;
        Ok(Self {
            io,
            sql,
            rest,
            registry,
            proxy,
            users: Arc::new(Users::with_limits(
                config.users.clone(),
                config.limits.failed_logins,
            )),
            config,
            config_file,
        })
    }

    /// Serves both doors until a signal, then drains them. Writes the addresses to `out` as soon as clients can
    /// connect.
    ///
    /// # Errors
    /// When the signals cannot be listened for, or a door ends by itself.
    pub fn run(self, out: &mut impl Write) -> Result<Outcome, ServerError> {
        let control = Builder::new_current_thread().enable_all().build()?;
        let reload = Reload::new(&self);
        let Self {
            io,
            sql,
            rest,
            registry,
            proxy,
            users,
            config,
            ..
        } = self;
        let remains = proxy.remains();
        let banner = banner::banner(&sql, &rest, &config.users);
        let ended = control.block_on(async {
            let mut signals = Signals::listen()?;
            let open = Doors::open(&sql, &rest, registry, &proxy, &users, &config).await?;
            let shutdown = CancellationToken::new();
            let mut doors = JoinSet::new();
            let serving = sql::serve(sql.listener, open.sql, shutdown.clone());
            doors.spawn_on(serving, io.handle());
            let serving = rest::serve(rest.listener, open.rest, shutdown.clone());
            let serving = async {
                if let Err(error) = serving.await {
                    tracing::error!(%error, "the REST door failed");
                }
            };
            doors.spawn_on(serving, io.handle());
            let serving = proxy.serve(shutdown.clone(), config.limits.drain_timeout);
            let serving = async {
                if let Err(error) = serving.await {
                    tracing::error!(%error, "the proxy failed");
                }
            };
            doors.spawn_on(serving, io.handle());
            // The program does not depend on someone reading its output.
            let _ = out.write_all(banner.as_bytes()).and_then(|()| out.flush());

            until_stopped(&mut signals, &mut doors, &reload).await?;
            shutdown.cancel();
            let second = until_stop_signal(&mut signals);
            Ok(drain(doors, config.limits.drain_timeout, second).await)
        });
        // Of what has not ended by now, only what filters are told is waited for.
        io.shutdown_background();
        remains.settle();
        ended
    }
}

/// Returns at the first signal to stop.
async fn until_stopped(
    signals: &mut Signals,
    doors: &mut JoinSet<()>,
    reload: &Reload,
) -> Result<(), ServerError> {
    loop {
        tokio::select! {
            signal = signals.next() => match signal {
                Signal::Hangup => reload.run(),
                Signal::Interrupt | Signal::Terminate => return Ok(()),
            },
            ended = doors.join_next() => {
                if let Some(Err(error)) = ended {
                    tracing::error!(%error, "a door failed");
                }
                return Err(ServerError::DoorStopped);
            }
        }
    }
}

/// The next signal to stop; the others are passed over.
async fn until_stop_signal(signals: &mut Signals) -> Signal {
    loop {
        match signals.next().await {
            Signal::Hangup => tracing::warn!("SIGHUP: stopping, nothing is read again"),
            signal => return signal,
        }
    }
}

/// Waits for the doors, which have been told to stop, until they are empty, their time is over or a second
/// signal comes.
async fn drain(
    mut doors: JoinSet<()>,
    drain_timeout: Duration,
    second: impl Future<Output = Signal>,
) -> Outcome {
    tracing::info!(?drain_timeout, "stopping: no new clients");
    let drained = async {
        while let Some(ended) = doors.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a door failed while draining");
            }
        }
    };
    tokio::select! {
        () = drained => tracing::info!("stopped"),
        () = tokio::time::sleep(drain_timeout) => {
            tracing::warn!("stopped with clients still connected: their time was over");
        }
        signal = second => {
            tracing::warn!("stopped with clients still connected: second signal");
            return Outcome::Forced { code: signal.exit_code() };
        }
    }
    Outcome::Drained
}

impl Door {
    fn bind(key: &'static str, address: SocketAddr) -> Result<Self, ServerError> {
        let bound = accept::listen(address);
        let (listener, address) = bound.map_err(|source| ServerError::Bind {
            key,
            address,
            source,
        })?;
        Ok(Self {
            listener,
            address,
            tls: None,
        })
    }
}

fn load_tls(
    key: &'static str,
    files: Option<&TlsFiles>,
    alpn: &'static [&'static str],
) -> Result<Option<Arc<TlsSlot>>, ServerError> {
    files
        .map(|files| TlsSlot::load(files, alpn).map(Arc::new))
        .transpose()
        .map_err(|source| ServerError::Tls { key, source })
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    fn door(serving: impl Future<Output = ()> + Send + 'static) -> JoinSet<()> {
        let mut doors = JoinSet::new();
        doors.spawn(serving);
        doors
    }

    #[tokio::test]
    async fn draining_ends_with_the_last_door() {
        let outcome = drain(door(ready(())), LONG, pending()).await;
        assert_eq!(outcome, Outcome::Drained);
    }

    #[tokio::test]
    async fn draining_ends_when_its_time_is_over() {
        let outcome = drain(door(pending()), Duration::ZERO, pending()).await;
        assert_eq!(outcome, Outcome::Drained);
    }

    #[tokio::test]
    async fn a_second_signal_ends_draining_with_its_exit_code() {
        for (signal, code) in [(Signal::Interrupt, 130), (Signal::Terminate, 143)] {
            let outcome = drain(door(pending()), LONG, ready(signal)).await;
            assert_eq!(outcome, Outcome::Forced { code });
        }
    }
}
