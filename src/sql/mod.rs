//! Door 1: the PostgreSQL wire protocol.
//!
//! Whoever connects here is a session on the service that the door's listener belongs to, and reads the catalog.
//!
//! # The map
//!
//! | module | what it is |
//! | --- | --- |
//! | `message`, `reply` | what is in a client's message, and what is written to it |
//! | `startup`, `authenticate` | from the start-up message to an accepted client |
//! | `cancel` | how a running statement is stopped |
//! | [`charset`] | texts of clients that do not speak UTF-8 |
//! | `connection` | an accepted client: waits for messages, and says why a session ends |
//! | `simple`, `extended` | the two ways to run a statement |
//! | `portal` | statements that are ready to run, and those that run |
//! | `copy`, `cursor`, `prepared` | COPY, cursors and EXECUTE |
//! | `command`, `transaction`, `settings` | the statements that the door carries out itself |
//! | `query` | between a statement's text and the engine |
//! | `rows` | a result on its way to the client |
//! | [`parse`], [`params`], [`names`], [`types`], [`encode`], [`sqlstate`] | PostgreSQL's grammar, values, names and errors for the engine's |
//!
//! # Why the loop is our own
//!
//! From pgwire come the layout of the server's messages and SCRAM. Accepting, TLS, start-up, framing and portals
//! are done here, because that is where safety is decided: a frame's body is held to its length, what is announced
//! is bounded before it is buffered, nothing sent in clear survives the start of TLS, nothing is served after a
//! failed password, and a row limit is a number to count to and not one to allocate by.

mod authenticate;
mod cancel;
pub mod charset;
mod command;
mod connection;
mod copy;
mod cursor;
pub mod encode;
mod extended;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod message;
pub mod names;
pub mod numeric;
pub mod params;
pub mod parse;
mod portal;
mod prepared;
mod query;
mod reply;
mod rows;
mod settings;
mod simple;
pub mod sqlstate;
mod startup;
mod transaction;
pub mod types;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::auth::Users;
use crate::catalog::{Catalog, ClientSettings};
use crate::proxy::accept;
use crate::proxy::postgres::keys::CancelKeys;
use crate::proxy::transport::Socket;
use crate::proxy::wire::Wire;
use crate::session::{Listener, Remote};
use crate::tls::TlsSlot;

/// `server_version`: the PostgreSQL version whose manners clients may expect, then the program's own.
const SERVER_VERSION: &str = concat!("15.0 (Rollcall ", env!("CARGO_PKG_VERSION"), ")");
/// `server_version_num`.
const SERVER_VERSION_NUM: &str = "150000";

/// Sockets beyond the places, at least.
const SPARE_SOCKETS: usize = 32;

/// What the door allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The most clients at a time, those that are still logging in included; requests to cancel are not counted.
    pub connections_max: usize,
    /// How long a client may take from the connection to the end of its login.
    pub authentication_timeout: Duration,
    /// How long a client may stay without sending anything between statements; `None` for ever. A client can
    /// shorten it for itself.
    pub idle_timeout: Option<Duration>,
    /// How long a statement may run; `None` for ever. A client can shorten it for itself.
    pub statement_timeout: Option<Duration>,
    /// The longest message of a client that is logged in, in bytes; before that it is 10,000.
    pub frame_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 1_000,
            authentication_timeout: Duration::from_secs(60),
            idle_timeout: None,
            statement_timeout: None,
            frame_bytes_max: 16 * 1024 * 1024,
        }
    }
}

/// Everything that the clients of one listener share.
pub struct Door {
    catalog: Arc<Catalog>,
    listener: Arc<Listener>,
    users: Arc<Users>,
    tls: Option<Arc<TlsSlot>>,
    limits: Limits,
    /// One permit for each client that may be there.
    places: Arc<Semaphore>,
    /// One permit for each socket: more than places, so that those over the limit can be told so and cancels come
    /// through, but bounded, so that silent clients do not use up the process's descriptors.
    sockets: Arc<Semaphore>,
    keys: Arc<CancelKeys<()>>,
}

impl Door {
    /// A door to `catalog`, whose clients are sessions of `listener`. Without `tls` it speaks in clear only. When
    /// `users` has none, clients of this host are let in as administrators, and nobody else.
    pub fn new(
        catalog: Arc<Catalog>,
        listener: Arc<Listener>,
        users: Arc<Users>,
        tls: Option<Arc<TlsSlot>>,
        limits: Limits,
    ) -> Self {
        let places = limits.connections_max.min(Semaphore::MAX_PERMITS);
        Self {
            catalog,
            listener,
            users,
            tls,
            places: Arc::new(Semaphore::new(places)),
            sockets: Arc::new(Semaphore::new(
                (places + (places / 2).max(SPARE_SOCKETS)).min(Semaphore::MAX_PERMITS),
            )),
            keys: Arc::default(),
            limits,
        }
    }
}

/// The parameters that a client begins with, for callers that are no clients of the door.
pub(crate) fn built_in_settings() -> Arc<dyn ClientSettings> {
    Arc::new(settings::View::new(settings::Settings::new()))
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door")
            .field("listener", &self.listener.name)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Accepts clients until `shutdown`, and returns when all of them are gone: those that are idle are sent away at
/// once, statements that run are allowed to finish. Whoever does not want to wait for them drops the future, which
/// ends every client of it.
pub async fn serve(listener: TcpListener, door: Arc<Door>, shutdown: CancellationToken) {
    let clients = TaskTracker::new();
    let abort = CancellationToken::new();
    let _abort_on_drop = abort.clone().drop_guard();
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((tcp, peer)) => {
                let Ok(socket) = Arc::clone(&door.sockets).try_acquire_owned() else {
                    tracing::warn!(%peer, "a client was turned away: too many are logging in");
                    continue;
                };
                let client = client(Arc::clone(&door), tcp, Remote::Tcp(peer), shutdown.clone());
                let aborted = abort.clone().cancelled_owned();
                clients.spawn(async move {
                    let _socket = socket;
                    tokio::select! {
                        biased;
                        () = aborted => {}
                        () = client => {}
                    }
                });
            }
            Err(error) => {
                let next = accept::after_failure(&error, &door.listener.name, &shutdown);
                if next.await.is_break() {
                    break;
                }
            }
        }
    }
    drop(listener);
    clients.close();
    clients.wait().await;
}

/// Serves one client, from its registration to its end.
async fn client(door: Arc<Door>, tcp: TcpStream, remote: Remote, shutdown: CancellationToken) {
    let socket = match Socket::tcp(tcp) {
        Ok(socket) => socket,
        Err(error) => {
            tracing::debug!(%error, "a client left before it was served");
            return;
        }
    };
    match door.catalog.registry().register(&door.listener, remote) {
        Ok(guard) => connection::serve(&door, Wire::new(socket, guard), &shutdown).await,
        Err(error) => tracing::warn!(%error, "cannot serve a client"),
    }
}
