//! What is a wire protocol's own in the life of a proxied client. Everything else is the same for all of them, and
//! stands in [`client`](super::client) and [`parting`](super::parting).

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::backend::{Backend, ConnectError};
use super::end::End;
use super::proxy_protocol::Origin;
use super::relay::Track;
use super::service::Entrance;
use super::transport::Transport;
use super::wire::Wire;
use crate::session::KillReason;

/// A wire protocol, as one listener speaks it.
pub(super) trait Protocol: Send + Sync + Sized + 'static {
    /// Where a client and the proxy stand with each other until it is logged in.
    type Opened: Send + Sync;
    /// What is learnt from the messages that pass once it is logged in.
    type Walk: Track + Send + Sync;
    /// What makes a session known to its client, given back before the session's number is.
    type Key: Send + Sync;
    /// Ends what a session's server runs for it.
    type Cancel: Cancel;

    /// What a server is told before it is hung up on.
    const GOODBYE: &'static [u8];

    /// Everything that a client says before a server is chosen for it.
    fn open(&self, wire: Wire, entrance: &Entrance) -> impl Future<Output = Opening<Self>> + Send;

    /// Connects to a server, up to where the client's own login begins.
    fn connect(
        &self,
        backend: &Backend,
        origin: Origin,
        limit: Duration,
    ) -> impl Future<Output = Result<Transport, ConnectError>> + Send;

    /// Lets a client log in at its server: the server authenticates it, and what both say passes through.
    fn log_in(
        &self,
        login: Login<'_>,
        opened: &mut Self::Opened,
    ) -> impl Future<Output = Result<LoggedIn<Self>, Failed>> + Send;

    /// Appends what a client hears that is sent away before it is logged in. `None`: it has not come as far as
    /// [`Opening::Login`].
    fn refuse(&self, refusal: &Refusal, opened: Option<&Self::Opened>, output: &mut BytesMut);

    /// Appends what a client hears that is sent away between two messages of its server.
    fn send_away(&self, refusal: &Refusal, walk: &Self::Walk, output: &mut BytesMut);
}

/// Ends what a session's server runs for it, by another connection than the session's own.
pub(super) trait Cancel: Send + Sync + 'static {
    /// Asks for it, and returns when the server has taken note.
    fn request(&self) -> impl Future<Output = ()> + Send;
}

/// What came of a client's first words.
pub(super) enum Opening<P: Protocol> {
    /// It wants to log in.
    Login(Wire, P::Opened),
    /// It wants a session's statement cancelled, if it has named one.
    Cancel(Wire, Option<Arc<P::Cancel>>),
    /// What it sent is refused.
    Refused(Wire, Refusal),
    /// There is nobody left to answer.
    Over,
}

/// A client and the server that it is to log in at.
pub(super) struct Login<'a> {
    pub entrance: &'a Entrance,
    pub wire: &'a mut Wire,
    pub backend: &'a Arc<Backend>,
    pub server: Transport,
}

/// A client that is logged in.
pub(super) struct LoggedIn<P: Protocol> {
    pub server: Transport,
    /// What the server has sent ahead.
    pub rest: BytesMut,
    pub walk: P::Walk,
    pub key: Option<P::Key>,
    /// How its statements are cancelled, where they can be.
    pub cancel: Option<Arc<P::Cancel>>,
}

/// How a login ended that did not come about.
pub(super) enum Failed {
    /// The server takes nobody now, and the client has heard nothing from it yet.
    Unavailable {
        /// What is wrong with it.
        why: String,
        /// What it said, if it did, as its client is to hear it.
        said: Option<Bytes>,
    },
    /// Everything else; the client has been told what there was to tell.
    End(End),
}

/// Why a client is sent away.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The service has as many sessions as it may have.
    TooManySessions {
        /// The service's name.
        service: Arc<str>,
    },
    /// No server of the service takes sessions.
    NoServer {
        /// The service's name.
        service: Arc<str>,
    },
    /// None of those that do could be reached.
    Unreachable {
        /// The service's name.
        service: Arc<str>,
    },
    /// It took too long to log in.
    TooLate,
    /// Its session was told to end.
    Killed {
        reason: KillReason,
        /// The server of the session, if it has one.
        server: Option<Arc<str>>,
    },
    /// It sent what is not the protocol; the sentence says what.
    ClientViolation(String),
    /// Its server did.
    ServerViolation,
}

impl Refusal {
    /// What a client hears when its session ends like this before it wants to; `None` where there is nothing to tell.
    pub fn of(end: &End, server: Option<&Arc<str>>) -> Option<Self> {
        match end {
            End::Killed(reason) => Some(Self::Killed {
                reason: *reason,
                server: server.cloned(),
            }),
            End::ClientViolation(why) => Some(Self::ClientViolation(why.clone())),
            End::ServerViolation(_) => Some(Self::ServerViolation),
            _ => None,
        }
    }

    /// How a session ends that is refused so.
    pub fn end(&self) -> End {
        match self {
            Self::TooManySessions { .. }
            | Self::NoServer { .. }
            | Self::Unreachable { .. }
            | Self::TooLate => End::LoginFailed(self.to_string()),
            Self::Killed { reason, .. } => End::Killed(*reason),
            Self::ClientViolation(why) => End::ClientViolation(why.clone()),
            Self::ServerViolation => End::ServerViolation(self.to_string()),
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooManySessions { service } => {
                write!(f, "too many sessions on service \"{service}\"")
            }
            Self::NoServer { service } => {
                write!(f, "service \"{service}\" has no server that takes sessions")
            }
            Self::Unreachable { service } => {
                write!(f, "no server of service \"{service}\" can be reached")
            }
            Self::TooLate => f.write_str("canceling authentication due to timeout"),
            Self::Killed {
                reason: KillReason::IdleTimeout,
                ..
            } => f.write_str("terminating connection due to idle-session timeout"),
            Self::Killed {
                reason: KillReason::IdleInTransactionTimeout,
                ..
            } => f.write_str("terminating connection due to idle-in-transaction timeout"),
            Self::Killed {
                reason: KillReason::ServerDown,
                server,
            } => match server {
                Some(server) => {
                    write!(
                        f,
                        "terminating connection because server \"{server}\" is down"
                    )
                }
                None => f.write_str("terminating connection because its server is down"),
            },
            Self::Killed { .. } => {
                f.write_str("terminating connection due to administrator command")
            }
            Self::ClientViolation(why) => f.write_str(why),
            Self::ServerViolation => f.write_str("the server does not follow the protocol"),
        }
    }
}
