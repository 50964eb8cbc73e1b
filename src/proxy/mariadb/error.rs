//! Errors as the protocol carries them.

use bytes::{BufMut, BytesMut};

use super::{packet, status};
use crate::proxy::protocol::Refusal;
use crate::session::KillReason;

/// The longest message of a server, in bytes (MYSQL_ERRMSG_SIZE).
const MESSAGE_BYTES_MAX: usize = 512;

/// An error: its code, its SQLSTATE and what people read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SqlError {
    pub code: u16,
    pub state: &'static [u8; 5],
    pub message: String,
}

impl SqlError {
    pub fn new(code: u16, state: &'static [u8; 5], message: impl Into<String>) -> Self {
        Self {
            code,
            state,
            message: message.into(),
        }
    }

    /// Appends ERR. A client that has not heard the greeting knows of no SQLSTATE.
    pub fn put(&self, output: &mut BytesMut, sequence: u8, greeted: bool) {
        let mut body = BytesMut::new();
        body.put_u8(status::ERR);
        body.put_u16_le(self.code);
        if greeted {
            body.put_u8(b'#');
            body.put_slice(self.state);
        }
        let mut end = self.message.len().min(MESSAGE_BYTES_MAX);
        while !self.message.is_char_boundary(end) {
            end -= 1;
        }
        body.put_slice(&self.message.as_bytes()[..end]);
        packet::put(output, sequence, &body);
    }
}

/// A refusal under a code of MariaDB's servers: one of its clients' own, as MySQL Router sends them, is taken for a
/// malformed packet by MariaDB Connector/C. 1429 is what a server says that cannot reach another one.
impl From<&Refusal> for SqlError {
    fn from(refusal: &Refusal) -> Self {
        let killed = |why: &str| Self::new(1927, b"70100", format!("Connection was killed{why}"));
        let stopping =
            |why: &str| Self::new(1053, b"08S01", format!("Server shutdown in progress{why}"));
        match refusal {
            Refusal::TooManySessions { service } => {
                let message = format!("Too many connections on service \"{service}\"");
                Self::new(1040, b"08004", message)
            }
            Refusal::NoServer { .. } | Refusal::Unreachable { .. } => Self::new(
                1429,
                b"HY000",
                format!("Unable to connect to foreign data source: {refusal}"),
            ),
            Refusal::TooLate => Self::new(
                1159,
                b"08S01",
                "Got timeout reading communication packets: the login took too long",
            ),
            Refusal::Killed { reason, server } => match reason {
                KillReason::Administrator => killed(""),
                KillReason::IdleTimeout => killed(": it was idle for too long"),
                KillReason::IdleInTransactionTimeout => {
                    killed(": it was idle in a transaction for too long")
                }
                KillReason::ServerDown => {
                    let server = server.as_deref().unwrap_or_default();
                    stopping(&format!(": server \"{server}\" is down"))
                }
                KillReason::Shutdown | KillReason::ShutdownDeadline => stopping(""),
            },
            Refusal::ClientViolation(why) => {
                Self::new(1043, b"08S01", format!("Bad handshake: {why}"))
            }
            Refusal::ServerViolation => Self::new(
                1835,
                b"HY000",
                "Malformed communication packet: the server does not follow the protocol",
            ),
        }
    }
}
