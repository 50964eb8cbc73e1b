//! The commands of a client, and what a server answers to each.

pub(super) const QUIT: u8 = 0x01;
pub(super) const INIT_DB: u8 = 0x02;
pub(super) const QUERY: u8 = 0x03;
const FIELD_LIST: u8 = 0x04;
const PROCESS_INFO: u8 = 0x0a;
pub(super) const PROCESS_KILL: u8 = 0x0c;
pub(super) const CHANGE_USER: u8 = 0x11;
const BINLOG_DUMP: u8 = 0x12;
const TABLE_DUMP: u8 = 0x13;
pub(super) const STMT_PREPARE: u8 = 0x16;
pub(super) const STMT_EXECUTE: u8 = 0x17;
const STMT_SEND_LONG_DATA: u8 = 0x18;
pub(super) const STMT_CLOSE: u8 = 0x19;
const STMT_FETCH: u8 = 0x1c;
const BINLOG_DUMP_GTID: u8 = 0x1e;
pub(super) const STMT_BULK_EXECUTE: u8 = 0xfa;

/// What a server says to a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// OK, ERR, a result set or the request for a file; more of them when the status says so.
    Results,
    /// The definitions of parameters and columns, as many as the first packet says.
    Prepared,
    /// Rows of a statement that is known already.
    Rows,
    /// Definitions of columns up to EOF.
    Fields,
    /// The dialogue of an authentication.
    Login,
    /// Events without end.
    Events,
    /// One packet, after which the session is in another database if it is OK.
    Database,
    /// One packet.
    Packet,
}

/// `None`: nothing is said to this command.
pub(super) fn answer(command: u8) -> Option<Answer> {
    match command {
        QUIT | STMT_SEND_LONG_DATA | STMT_CLOSE => None,
        QUERY | PROCESS_INFO | STMT_EXECUTE | STMT_BULK_EXECUTE => Some(Answer::Results),
        STMT_PREPARE => Some(Answer::Prepared),
        STMT_FETCH => Some(Answer::Rows),
        FIELD_LIST => Some(Answer::Fields),
        CHANGE_USER => Some(Answer::Login),
        BINLOG_DUMP | BINLOG_DUMP_GTID | TABLE_DUMP => Some(Answer::Events),
        INIT_DB => Some(Answer::Database),
        _ => Some(Answer::Packet),
    }
}

/// Whether a command runs a statement.
pub(super) fn is_statement(command: u8) -> bool {
    matches!(command, QUERY | STMT_EXECUTE | STMT_BULK_EXECUTE)
}
