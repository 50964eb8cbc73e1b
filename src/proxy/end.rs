use std::fmt;
use std::io;

use crate::session::{EndReason, KillReason, Session};

/// Why a session ended.
#[derive(Debug)]
pub(super) enum End {
    /// The client said goodbye.
    ClientQuit,
    /// The client's stream ended without a goodbye.
    ClientEof,
    /// The client's connection broke.
    ClientReset(io::Error),
    /// The client sent what is not the protocol.
    ClientViolation(String),
    /// The server's stream ended.
    ServerEof,
    /// The server's stream ended with an error.
    ServerError,
    /// The server's connection broke.
    ServerReset(io::Error),
    /// The server sent what is not the protocol.
    ServerViolation(String),
    /// The login did not come about; the reason has been told to the client.
    LoginFailed(String),
    /// It was told to end.
    Killed(KillReason),
}

impl End {
    /// The reason, in the words that are the same for every protocol.
    pub fn reason(&self) -> EndReason {
        match self {
            Self::ClientQuit => EndReason::ClientQuit,
            Self::ClientEof => EndReason::ClientEof,
            Self::ClientReset(_) => EndReason::ClientReset,
            Self::ClientViolation(_) => EndReason::ClientError,
            Self::ServerEof => EndReason::ServerEof,
            Self::ServerError | Self::ServerReset(_) | Self::ServerViolation(_) => {
                EndReason::ServerError
            }
            Self::LoginFailed(_) => EndReason::LoginFailed,
            Self::Killed(reason) => (*reason).into(),
        }
    }

    /// Tells of the end of a session: in its counters and in the log.
    pub fn report(&self, session: &Session, user: Option<&str>) {
        session.ends_for(self.reason());
        let (id, service) = (session.id(), &session.listener().service.name);
        let (remote, reason) = (session.remote().address(), self.reason().as_str());
        match self.is_usual() {
            true => {
                tracing::debug!(session = %id, %service, user, remote, reason, "a session ended");
            }
            false => {
                tracing::info!(session = %id, %service, user, remote, reason, end = %self, "a session ended");
            }
        }
    }

    /// Whether this is how sessions usually end.
    fn is_usual(&self) -> bool {
        matches!(self, Self::ClientQuit | Self::ClientEof)
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClientReset(error) | Self::ServerReset(error) => write!(f, "{error}"),
            Self::ClientViolation(why) | Self::ServerViolation(why) | Self::LoginFailed(why) => {
                f.write_str(why)
            }
            _ => f.write_str(self.reason().as_str()),
        }
    }
}
