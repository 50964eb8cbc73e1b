use std::sync::Arc;

use ipnet::IpNet;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::mariadb::session::MariaDb;
use super::postgres::session::Postgres;
use super::relays::Place;
use super::router::Router;
use super::statements::Interest;
use crate::config::ServiceConfig;
use crate::session::{Listener, Registry, Remote, Service};
use crate::tls::TlsSlot;

/// A service, as the tasks of its clients see it.
pub(super) struct Proxied {
    /// The service in the catalog.
    pub service: Arc<Service>,
    pub config: ServiceConfig,
    pub router: Router,
    /// Who wants the statements of its sessions.
    pub interest: Arc<Interest>,
    /// One permit for each session.
    pub places: Arc<Semaphore>,
    /// One permit for each socket: more than places, so that those over the limit can be told so and cancels come
    /// through, but bounded, so that silent clients do not use up the process's descriptors.
    pub sockets: Arc<Semaphore>,
    pub registry: Arc<Registry>,
}

/// Sockets beyond the places, at least.
const SPARE_SOCKETS: usize = 1024;

impl Proxied {
    pub fn new(
        service: Arc<Service>,
        config: ServiceConfig,
        router: Router,
        interest: Arc<Interest>,
        registry: Arc<Registry>,
    ) -> Self {
        let places = config.sessions_max.min(Semaphore::MAX_PERMITS / 2);
        Self {
            service,
            router,
            interest,
            places: Arc::new(Semaphore::new(places)),
            sockets: Arc::new(Semaphore::new(places + places.max(SPARE_SOCKETS))),
            registry,
            config,
        }
    }
}

/// Where clients come into a service.
pub(super) struct Entrance {
    pub proxied: Arc<Proxied>,
    /// The listener in the catalog.
    pub listener: Arc<Listener>,
    /// The certificate that clients are shown, if TLS is offered.
    pub tls: Option<Arc<TlsSlot>>,
    /// Who must say by the PROXY protocol on whose behalf they come.
    pub trusted: Vec<IpNet>,
    pub speaks: Speaks,
}

impl Entrance {
    /// Whether a client from there must say who is behind it.
    pub fn trusts(&self, peer: Remote) -> bool {
        let is_in = |address| {
            self.trusted
                .iter()
                .any(|network| network.contains(&address))
        };
        peer.ip().is_some_and(is_in)
    }
}

/// The wire protocol of a listener, with what it needs beyond what is everybody's.
pub(super) enum Speaks {
    Postgres(Arc<Postgres>),
    MariaDb(Arc<MariaDb>),
}

/// What a client takes up from its first byte to its last, given back when this is dropped.
pub(super) struct Presence {
    _socket: OwnedSemaphorePermit,
    _place: Place,
    _token: TaskTrackerToken,
}

impl Presence {
    pub fn new(socket: OwnedSemaphorePermit, place: Place, token: TaskTrackerToken) -> Self {
        Self {
            _socket: socket,
            _place: place,
            _token: token,
        }
    }
}
