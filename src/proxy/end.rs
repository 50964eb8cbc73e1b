use std::fmt;
use std::io;

use crate::session::KillReason;

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
    /// The reason in the log, in the words that are the same for every protocol.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::ClientQuit => "client quit",
            Self::ClientEof => "client eof",
            Self::ClientReset(_) => "client reset",
            Self::ClientViolation(_) => "client error",
            Self::ServerEof => "server eof",
            Self::ServerError | Self::ServerReset(_) | Self::ServerViolation(_) => "server error",
            Self::LoginFailed(_) => "login failed",
            Self::Killed(KillReason::Administrator) => "killed",
            Self::Killed(KillReason::Shutdown | KillReason::ShutdownDeadline) => "drain",
            Self::Killed(KillReason::IdleTimeout) => "idle timeout",
            Self::Killed(KillReason::IdleInTransactionTimeout) => "idle in transaction timeout",
            Self::Killed(KillReason::ServerDown) => "server down",
        }
    }

    /// Whether this is how sessions usually end.
    pub fn is_usual(&self) -> bool {
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
            _ => f.write_str(self.reason()),
        }
    }
}
