//! Where sessions come from: listeners, wire protocols, routers and servers.
//!
//! # The map
//!
//! | module | what it is |
//! | --- | --- |
//! | `accept`, `listener` | an address that accepts clients for a service; the first is shared with the doors |
//! | `service` | what the tasks of a service's clients share |
//! | [`router`] | which server a session is given to |
//! | [`backend`], [`monitor`] | a connection to a server, and whether it can be had |
//! | [`transport`], `wire` | one end of a connection: TCP or UNIX socket, in clear or inside TLS; a client's, with its buffers |
//! | [`proxy_protocol`] | who is behind a connection that another proxy makes, and telling servers so |
//! | `client`, `parting` | a session from its first byte to its end, whatever its protocol |
//! | `protocol` | what is a wire protocol's own in that |
//! | [`postgres`], `mariadb` | the two: a session up to the end of its login, and what its messages tell |
//! | `filter`, `statements` | what sees a session's statements, and how they are followed |
//! | `relay`, `relays`, `timeouts` | traffic between a client and its server, and the threads for it |
//! | `end` | why a session ended |
//!
//! A session is one task on one relay thread, besides queries and their threads. It holds two sockets and a row of the
//! catalog; buffers are there only while data moves.

pub(crate) mod accept;
pub mod backend;
mod client;
mod end;
mod filter;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod listener;
pub mod mariadb;
pub mod monitor;
mod parting;
pub mod postgres;
mod protocol;
pub mod proxy_protocol;
mod relay;
mod relays;
pub mod router;
mod service;
mod statements;
mod timeouts;
pub mod transport;
pub(crate) mod wire;

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use self::backend::{Backend, BackendError};
pub use self::filter::FilterError;
pub use self::filter::Filters;
use self::listener::Bound;
use self::mariadb::session::MariaDb;
use self::postgres::session::Postgres;
use self::relays::Relays;
use self::router::Router;
use self::service::{Entrance, Proxied, Speaks};
use self::statements::Interest;
use crate::config::{Config, MonitorConfig, Protocol};
use crate::session::{
    ImageRow, KillReason, ListenAddress, Listener, Registry, Server, Service, Topology,
};
use crate::tls::{ALPN_SQL, TlsError, TlsSlot};

/// How long the end of the program may wait for threads and disks.
const END_PATIENCE: Duration = Duration::from_secs(2);
/// What is left of the drain time when the last sessions are told to end at once: for their farewells.
const FAREWELL_SHARE: u32 = 10;

/// Why the proxy cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// A listener's address cannot be listened on.
    #[error("listeners.{listener}.address: cannot listen on {address}: {source}")]
    Bind {
        /// The listener's name.
        listener: String,
        /// The address.
        address: ListenAddress,
        /// What the system says.
        source: io::Error,
    },
    /// A listener's certificate cannot be used.
    #[error("listeners.{listener}.tls: {source}")]
    Tls {
        /// The listener's name.
        listener: String,
        /// What is wrong with it.
        source: TlsError,
    },
    /// A server cannot be connected to as it is configured.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// A filter cannot be had.
    #[error("filters.{filter}: {source}")]
    Filter {
        /// The filter's name.
        filter: String,
        /// What is wrong with it.
        source: FilterError,
    },
    /// Something is named that is not there; the check of the configuration does not let it come to this.
    #[error("there is no {what} \"{name}\"")]
    Unknown {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// Threads cannot be had.
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
}

/// All proxied services, with their addresses bound and nobody served yet.
pub struct Proxy {
    registry: Arc<Registry>,
    services: Vec<Arc<Proxied>>,
    entrances: Vec<(Bound, Arc<Entrance>)>,
    servers: Vec<(Arc<Backend>, MonitorConfig)>,
    filters: Arc<Filters>,
    /// None where there is nothing to proxy.
    relays: Option<Arc<Relays>>,
}

impl Proxy {
    /// Binds all listeners and starts as many threads to relay on, if there is anything to proxy.
    ///
    /// # Errors
    /// When an address is taken, a certificate cannot be used, or there are no threads to be had.
    pub fn bind(
        config: &Config,
        registry: &Arc<Registry>,
        threads: usize,
    ) -> Result<Self, ProxyError> {
        let mut servers = Vec::new();
        for server in &config.servers {
            let protocol = server.protocol.as_str();
            let row = Server::new(
                &server.name,
                &server.host,
                server.port,
                protocol,
                server.role,
            );
            let backend = Arc::new(Backend::new(server, Arc::new(row))?);
            servers.push((backend, server.monitor.clone()));
        }
        let backends: HashMap<&str, &Arc<Backend>> = servers
            .iter()
            .map(|(backend, _)| (&*backend.server.name, backend))
            .collect();
        let filters = Filters::start(&config.filters)
            .map_err(|(filter, source)| ProxyError::Filter { filter, source })?;
        let filters = Arc::new(filters);
        let keys = Arc::default();
        let mut services = Vec::new();
        for service in &config.services {
            let backend = |name: &String| {
                let backend = backends.get(name.as_str()).map(|b| Arc::clone(b));
                backend.ok_or_else(|| unknown("server", name))
            };
            let backends = service.servers.iter().map(backend);
            let router = Router::new(service.router, backends.collect::<Result<_, _>>()?);
            let names = |names: &[String]| names.iter().map(|n| n.as_str().into()).collect();
            let row = Service {
                servers: names(&service.servers),
                filters: names(&service.filters),
                retains: service.retain_last_statements,
                ..Service::new(&service.name, service.router.as_str())
            };
            let interest = Interest {
                retained_max: service.retain_last_statements,
                statement_bytes_max: service.statement_bytes_max,
                filters: row.filters.clone(),
                all_filters: Arc::clone(&filters),
            };
            services.push(Arc::new(Proxied::new(
                Arc::new(row),
                service.clone(),
                router,
                Arc::new(interest),
                Arc::clone(registry),
            )));
        }
        let is_empty = config.listeners.is_empty() && config.servers.is_empty();
        let relays = match is_empty {
            true => None,
            false => Some(Arc::new(Relays::start(threads)?)),
        };
        // A Tokio listener belongs to the runtime that it is made in.
        let in_control = relays.as_ref().map(|relays| relays.control().enter());
        let mut entrances = Vec::new();
        for listener in &config.listeners {
            let proxied = services
                .iter()
                .find(|s| *s.service.name == *listener.service);
            let proxied = proxied.ok_or_else(|| unknown("service", &listener.service))?;
            let tls = listener
                .tls
                .as_ref()
                .map(|files| TlsSlot::load(files, alpn(listener.protocol)));
            let tls = tls.transpose().map_err(|source| ProxyError::Tls {
                listener: listener.name.clone(),
                source,
            })?;
            let bound = Bound::new(&listener.address).map_err(|source| ProxyError::Bind {
                listener: listener.name.clone(),
                address: listener.address.clone(),
                source,
            })?;
            let service = &proxied.service;
            let protocol = listener.protocol;
            let row = Listener::new(&listener.name, service, protocol.as_str(), bound.address());
            let entrance = Entrance {
                proxied: Arc::clone(proxied),
                listener: Arc::new(row),
                tls: tls.map(Arc::new),
                trusted: listener.proxy_protocol_networks.clone(),
                speaks: match protocol {
                    Protocol::PostgreSql => Speaks::Postgres(Arc::new(Postgres {
                        keys: Arc::clone(&keys),
                        channel_binding: listener.channel_binding,
                    })),
                    Protocol::MariaDb => Speaks::MariaDb(Arc::new(MariaDb)),
                },
            };
            entrances.push((bound, Arc::new(entrance)));
        }
        drop(in_control);
        Ok(Self {
            registry: Arc::clone(registry),
            services,
            entrances,
            servers,
            filters,
            relays,
        })
    }

    /// Adds the services, listeners and servers to the catalog's.
    pub fn describe(&self, topology: &mut Topology) {
        let services = self.services.iter().map(|s| Arc::clone(&s.service));
        topology.services.extend(services);
        let listeners = self.entrances.iter().map(|(_, e)| Arc::clone(&e.listener));
        topology.listeners.extend(listeners);
        let servers = self.servers.iter().map(|(b, _)| Arc::clone(&b.server));
        topology.servers.extend(servers);
        topology.filters.extend(self.filters.describe());
        topology.services.sort_by(|a, b| a.name.cmp(&b.name));
        topology.listeners.sort_by(|a, b| a.name.cmp(&b.name));
        topology.servers.sort_by(|a, b| a.name.cmp(&b.name));
    }

    /// The certificates of the listeners that show one, by the listener's name.
    pub fn certificates(&self) -> Vec<(String, Arc<TlsSlot>)> {
        let entrances = self.entrances.iter().map(|(_, entrance)| entrance);
        let certificate =
            |e: &Arc<Entrance>| Some((e.listener.name.to_string(), Arc::clone(e.tls.as_ref()?)));
        entrances.filter_map(certificate).collect()
    }

    /// The filters, whose files may be opened anew.
    pub fn filters(&self) -> Arc<Filters> {
        Arc::clone(&self.filters)
    }

    /// What is to be waited for when the program ends.
    pub fn remains(&self) -> Remains {
        Remains {
            relays: self.relays.clone(),
            filters: Arc::clone(&self.filters),
        }
    }

    /// Takes a first look at the servers, then serves until `shutdown`, and returns when all clients are gone: idle ones
    /// are sent away at once, the others when what they run has ended, at the latest shortly before `drain_timeout` is
    /// over. Whoever does not want to wait for them drops the future, which ends every client of it.
    ///
    /// # Errors
    /// When something in it fails that should not.
    pub async fn serve(
        self,
        shutdown: CancellationToken,
        drain_timeout: Duration,
    ) -> Result<(), ProxyError> {
        let Some(relays) = self.relays.clone() else {
            shutdown.cancelled().await;
            return Ok(());
        };
        let control = relays.control().clone();
        let serving = control.spawn(self.serve_on(relays, shutdown, drain_timeout));
        match AbortOnDropHandle::new(serving).await {
            // Its thread is being ended.
            Err(error) if error.is_cancelled() => Ok(()),
            served => Ok(served.map_err(io::Error::other)?),
        }
    }

    async fn serve_on(
        self,
        relays: Arc<Relays>,
        shutdown: CancellationToken,
        drain_timeout: Duration,
    ) {
        // Dropped with the future, they end; tracked only, they would hold the threads that they run on.
        let (mut watching, mut listening) = (JoinSet::new(), JoinSet::new());
        for monitor in monitor::first_look(self.servers).await {
            let registry = Arc::clone(&self.registry);
            let went_down = move |server: &Server| end_sessions_of(&registry, server);
            watching.spawn(monitor.watch(went_down, shutdown.clone()));
        }
        let clients = TaskTracker::new();
        for (bound, entrance) in self.entrances {
            let listener = &entrance.listener;
            let (name, service) = (&listener.name, &listener.service.name);
            tracing::info!(listener = %name, %service, address = %listener.address, "listening");
            let (relays, clients) = (Arc::clone(&relays), clients.clone());
            let shutdown = shutdown.clone();
            listening.spawn(listener::accept(bound, entrance, relays, clients, shutdown));
        }
        while let Some(ended) = listening.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a listener failed");
            }
        }
        shutdown.cancelled().await;
        drain(&self.registry, &self.services, &clients, drain_timeout).await;
        while watching.join_next().await.is_some() {}
    }
}

/// What the proxy leaves behind: sessions that are to be ended, and what they have told their filters.
pub struct Remains {
    relays: Option<Arc<Relays>>,
    filters: Arc<Filters>,
}

impl Remains {
    /// Ends the sessions that are left and returns when filters have written what there is to write, or when that takes
    /// longer than a program that was told to end may take.
    pub fn settle(self) {
        let (settled, done) = mpsc::channel::<()>();
        let settle = move || {
            if let Some(relays) = &self.relays {
                relays.stop();
            }
            self.filters.finish();
            drop(settled);
        };
        let thread = thread::Builder::new().name("rollcall-end".to_owned());
        if thread.spawn(settle).is_err()
            || done.recv_timeout(END_PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout)
        {
            tracing::warn!(
                "not waited for what is still being written: query logs may lack their last lines"
            );
        }
    }
}

/// What listeners agree to speak inside TLS.
fn alpn(protocol: Protocol) -> &'static [&'static str] {
    match protocol {
        Protocol::PostgreSql => ALPN_SQL,
        Protocol::MariaDb => &[],
    }
}

fn unknown(what: &'static str, name: &str) -> ProxyError {
    ProxyError::Unknown {
        what,
        name: name.to_owned(),
    }
}

/// Tells the sessions to end, first when they can, then at once.
async fn drain(
    registry: &Registry,
    services: &[Arc<Proxied>],
    clients: &TaskTracker,
    drain_timeout: Duration,
) {
    clients.close();
    tell(registry, services, KillReason::Shutdown);
    let patience = drain_timeout - drain_timeout / FAREWELL_SHARE;
    if tokio::time::timeout(patience, clients.wait())
        .await
        .is_err()
    {
        tell(registry, services, KillReason::ShutdownDeadline);
        clients.wait().await;
    }
}

fn tell(registry: &Registry, services: &[Arc<Proxied>], reason: KillReason) {
    for service in services {
        let name = crate::session::SharedName::Service(&service.service.name);
        for session in registry.first(name, usize::MAX, false) {
            session.kill(reason);
        }
    }
}

/// A server went down: the sessions whose traffic goes there end.
fn end_sessions_of(registry: &Registry, server: &Server) {
    let membership = registry.membership();
    let mut ended = 0;
    for image in membership.images() {
        let of_server = |row: &ImageRow<'_>| row.profile.server.as_deref() == Some(&*server.name);
        let rows = image.rows().filter(of_server);
        ended += rows
            .filter(|row| row.session.kill(KillReason::ServerDown))
            .count();
    }
    tracing::warn!(server = %server.name, sessions = ended, "a server is down: its sessions end");
}
