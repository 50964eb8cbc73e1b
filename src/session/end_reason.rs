use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use super::handle::KillReason;

/// Why a session ended, in words that are the same for every protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum EndReason {
    /// Whoever served it did not say.
    Unknown,
    /// The client said goodbye.
    ClientQuit,
    /// The client's stream ended without a goodbye.
    ClientEof,
    /// The client's connection broke.
    ClientReset,
    /// The client sent what is not the protocol, or more than it may.
    ClientError,
    /// It was no session at all, but a request to cancel another one's statement.
    CancelRequest,
    /// The client was not let in.
    LoginFailed,
    /// The server's stream ended.
    ServerEof,
    /// The server failed, or sent what is not the protocol.
    ServerError,
    /// The server went down.
    ServerDown,
    /// An administrator closed it.
    Killed,
    /// The program was shutting down.
    Drain,
    /// It was without traffic for too long.
    IdleTimeout,
    /// It was without traffic inside a transaction for too long.
    IdleInTransactionTimeout,
}

impl EndReason {
    /// All reasons, in the order of their numbers.
    pub const ALL: [Self; 14] = [
        Self::Unknown,
        Self::ClientQuit,
        Self::ClientEof,
        Self::ClientReset,
        Self::ClientError,
        Self::CancelRequest,
        Self::LoginFailed,
        Self::ServerEof,
        Self::ServerError,
        Self::ServerDown,
        Self::Killed,
        Self::Drain,
        Self::IdleTimeout,
        Self::IdleInTransactionTimeout,
    ];

    /// The reason in logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::ClientQuit => "client quit",
            Self::ClientEof => "client eof",
            Self::ClientReset => "client reset",
            Self::ClientError => "client error",
            Self::CancelRequest => "cancel request",
            Self::LoginFailed => "login failed",
            Self::ServerEof => "server eof",
            Self::ServerError => "server error",
            Self::ServerDown => "server down",
            Self::Killed => "killed",
            Self::Drain => "drain",
            Self::IdleTimeout => "idle timeout",
            Self::IdleInTransactionTimeout => "idle in transaction timeout",
        }
    }
}

impl From<KillReason> for EndReason {
    fn from(reason: KillReason) -> Self {
        match reason {
            KillReason::Administrator => Self::Killed,
            KillReason::Shutdown | KillReason::ShutdownDeadline => Self::Drain,
            KillReason::IdleTimeout => Self::IdleTimeout,
            KillReason::IdleInTransactionTimeout => Self::IdleInTransactionTimeout,
            KillReason::ServerDown => Self::ServerDown,
        }
    }
}

/// The reason that was said last.
#[derive(Debug, Default)]
pub(super) struct SaidReason(AtomicU8);

impl SaidReason {
    pub fn say(&self, reason: EndReason) {
        self.0.store(reason as u8, Ordering::Relaxed);
    }

    pub fn get(&self) -> EndReason {
        let said = usize::from(self.0.load(Ordering::Relaxed));
        EndReason::ALL
            .get(said)
            .copied()
            .unwrap_or(EndReason::Unknown)
    }
}

/// How many sessions have ended for which reason.
#[derive(Debug, Default)]
pub struct Ends([AtomicU64; EndReason::ALL.len()]);

impl Ends {
    /// Sessions that have ended for this reason since the start of the program.
    pub fn total(&self, reason: EndReason) -> u64 {
        self.0[reason as usize].load(Ordering::Relaxed)
    }

    pub(super) fn count(&self, reason: EndReason) {
        self.0[reason as usize].fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_found_by_their_numbers() {
        for (number, reason) in EndReason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, number);
        }
    }

    #[test]
    fn the_last_reason_counts() {
        let said = SaidReason::default();
        assert_eq!(said.get(), EndReason::Unknown);
        said.say(EndReason::ClientEof);
        said.say(EndReason::LoginFailed);
        assert_eq!(said.get(), EndReason::LoginFailed);
    }
}
