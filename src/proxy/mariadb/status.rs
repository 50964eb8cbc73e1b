//! What a server says at the end of an answer: the packets OK, EOF and ERR.

use std::sync::Arc;

use super::packet::Values;

pub(super) const OK: u8 = 0x00;
pub(super) const EOF: u8 = 0xfe;
pub(super) const ERR: u8 = 0xff;

/// An EOF of before CLIENT_DEPRECATE_EOF: header, warnings, status.
const EOF_BYTES: usize = 5;

/// Bits of the status.
const IN_TRANSACTION: u16 = 1;
const AUTOCOMMIT: u16 = 1 << 1;
const MORE_RESULTS: u16 = 1 << 3;
const CURSOR_EXISTS: u16 = 1 << 6;
const SESSION_STATE_CHANGED: u16 = 1 << 14;

/// The code of what is no error but tells how far a long statement has come (MARIADB_CLIENT_PROGRESS).
const PROGRESS: u16 = 0xffff;
/// The server has rolled the transaction back.
const DEADLOCK: u16 = 1213;
/// The entry of a tracked session that names the database.
const TRACKED_SCHEMA: u8 = 1;

/// The status that OK and EOF carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Status(u16);

impl Status {
    /// Reads the status of OK or EOF, by whichever it is; `None` for anything else.
    pub fn read(body: &[u8]) -> Option<Self> {
        Self::split(body).map(|(status, _)| status)
    }

    /// The status, and what follows the warnings.
    fn split(body: &[u8]) -> Option<(Self, Values<'_>)> {
        let mut values = Values(body);
        match (values.u8()?, body.len()) {
            (EOF, EOF_BYTES) => {
                values.u16()?;
                let status = values.u16()?;
                return Some((Self(status), values));
            }
            (OK | EOF, _) => {}
            _ => return None,
        }
        // Rows, and the last id.
        values.int()?;
        values.int()?;
        let status = values.u16()?;
        values.u16()?;
        Some((Self(status), values))
    }

    /// Whether the session is inside a transaction.
    pub fn in_transaction(self) -> bool {
        self.0 & IN_TRANSACTION != 0
    }

    /// Whether a statement outside a transaction is one of its own.
    pub fn is_autocommit(self) -> bool {
        self.0 & AUTOCOMMIT != 0
    }

    /// Whether another answer to the same command follows.
    pub fn has_more(self) -> bool {
        self.0 & MORE_RESULTS != 0
    }

    /// Whether the rows wait in the server until they are fetched.
    pub fn has_cursor(self) -> bool {
        self.0 & CURSOR_EXISTS != 0
    }

    fn has_tracked(self) -> bool {
        self.0 & SESSION_STATE_CHANGED != 0
    }
}

/// The database that the session has changed to, as OK tells a client that took CLIENT_SESSION_TRACK. `Some(None)`:
/// to none.
pub(super) fn schema(body: &[u8]) -> Option<Option<Arc<str>>> {
    let (status, mut values) = Status::split(body)?;
    if !status.has_tracked() {
        return None;
    }
    // The text for people.
    values.string()?;
    let mut changes = Values(values.string()?);
    let mut schema = None;
    while let (Some(kind), Some(data)) = (changes.u8(), changes.string()) {
        if kind == TRACKED_SCHEMA {
            let name = Values(data).string()?;
            schema = Some((!name.is_empty()).then(|| String::from_utf8_lossy(name).into()));
        }
    }
    schema
}

/// The code and the message of ERR; `None` for anything else.
pub(super) fn error(body: &[u8]) -> Option<(u16, String)> {
    let mut values = Values(body);
    if values.u8()? != ERR {
        return None;
    }
    let code = values.u16()?;
    let message = match values.0 {
        [b'#', _, _, _, _, _, message @ ..] => message,
        message => message,
    };
    Some((code, String::from_utf8_lossy(message).into_owned()))
}

/// Whether the head of an ERR is none of an error.
pub(super) fn is_progress(body: &[u8]) -> bool {
    code(body) == Some(PROGRESS)
}

/// Whether an ERR tells of the end of the transaction, too.
pub(super) fn ends_transaction(body: &[u8]) -> bool {
    code(body) == Some(DEADLOCK)
}

fn code(body: &[u8]) -> Option<u16> {
    let mut values = Values(body);
    (values.u8()? == ERR).then(|| values.u16())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_found_in_each_of_its_packets() {
        let ok = Status::read(b"\0\x01\xfc\x00\x01\x0b\0\0\0").expect("OK");
        assert!(ok.in_transaction() && ok.has_more() && !ok.has_cursor());
        let eof = Status::read(b"\xfe\0\0\x42\0").expect("EOF");
        assert!(eof.has_cursor() && eof.is_autocommit() && !eof.in_transaction());
        let end = Status::read(b"\xfe\0\0\x03\0\0\0").expect("OK with the header of EOF");
        assert!(end.in_transaction());
        for none in [
            &b""[..],
            b"\0",
            b"\xfe",
            b"\xff\x01\0\0\0\0\0",
            b"\x01\0\0\0\0\0\0",
        ] {
            assert_eq!(Status::read(none), None, "{none:?}");
        }
    }

    /// `USE other` as MariaDB 10.11 answers it.
    #[test]
    fn a_tracked_database_is_read() {
        let body = b"\0\0\0\x02\x40\0\0\0\x08\x01\x06\x05other";
        assert_eq!(schema(body), Some(Some("other".into())));
        let none = b"\0\0\0\x02\x40\0\0\0\x03\x01\x01\x00";
        assert_eq!(schema(none), Some(None));
        assert_eq!(schema(b"\0\0\0\x02\0\0\0"), None);
        assert_eq!(schema(b"\0\0\0\x02\x40\0\0\0\x08\x01\x06\x05oth"), None);
    }

    #[test]
    fn an_error_is_told_from_a_report_of_progress() {
        let denied = b"\xff\x15\x04#28000Access denied";
        assert_eq!(error(denied), Some((1045, "Access denied".to_owned())));
        assert!(!is_progress(denied) && !ends_transaction(denied));
        assert!(is_progress(b"\xff\xff\xff\x01\x01\x02\0\0\0\x03abc"));
        assert!(ends_transaction(b"\xff\xbd\x04#40001Deadlock found"));
        // Before a client has said that it knows of SQLSTATEs.
        assert_eq!(
            error(b"\xff\x10\x04Too many"),
            Some((1040, "Too many".to_owned()))
        );
    }
}
