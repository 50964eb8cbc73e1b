//! The parameters that there are.

use super::value::Kind;

/// One parameter.
#[derive(Debug)]
pub(super) struct Definition {
    /// Its name as PostgreSQL writes it; it is found in any case.
    pub name: &'static str,
    /// What it is when nobody says anything.
    pub default: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// Whether clients are told of its changes (PostgreSQL's `GUC_REPORT`).
    pub reported: bool,
    /// Its description in SHOW ALL.
    pub doc: &'static str,
}

const fn silent(
    name: &'static str,
    default: &'static str,
    kind: Kind,
    doc: &'static str,
) -> Definition {
    Definition {
        name,
        default,
        kind,
        reported: false,
        doc,
    }
}

const fn reported(
    name: &'static str,
    default: &'static str,
    kind: Kind,
    doc: &'static str,
) -> Definition {
    Definition {
        name,
        default,
        kind,
        reported: true,
        doc,
    }
}

const ISOLATION: Kind = Kind::OneOf(&[
    "serializable",
    "repeatable read",
    "read committed",
    "read uncommitted",
]);
const MESSAGES: Kind = Kind::OneOf(&[
    "debug5", "debug4", "debug3", "debug2", "debug1", "log", "notice", "warning", "error",
]);
/// Only "on": the other value would be a promise that cannot be kept.
const ALWAYS_ON: Kind = Kind::OneOf(&["on"]);
/// Only "off".
const ALWAYS_OFF: Kind = Kind::OneOf(&["off"]);

/// All parameters, in the order of SHOW ALL. Those that say "no effect" are set by drivers and tools as a matter of
/// routine, and have nothing to act on here.
pub(super) const DEFINITIONS: &[Definition] = &[
    reported(
        "application_name",
        "",
        Kind::ApplicationName,
        "The name that the client gives itself, a column of sessions.",
    ),
    silent(
        "backslash_quote",
        "safe_encoding",
        Kind::OneOf(&["safe_encoding"]),
        "Whether \\' stands for a quote in strings.",
    ),
    silent(
        "bytea_output",
        "hex",
        Kind::OneOf(&["hex"]),
        "The text form of binary values.",
    ),
    silent("check_function_bodies", "on", Kind::Bool, "No effect."),
    reported(
        "client_encoding",
        "UTF8",
        Kind::Encoding,
        "The client's character set.",
    ),
    silent(
        "client_min_messages",
        "notice",
        MESSAGES,
        "The least severe notices that are sent.",
    ),
    silent("cpu_tuple_cost", "0.01", Kind::Fixed, "No effect."),
    reported(
        "DateStyle",
        "ISO, MDY",
        Kind::DateStyle,
        "The text form of dates.",
    ),
    silent("default_tablespace", "", Kind::OneOf(&[""]), "No effect."),
    silent(
        "default_text_search_config",
        "pg_catalog.simple",
        Kind::Fixed,
        "No effect.",
    ),
    silent(
        "default_transaction_deferrable",
        "off",
        Kind::Bool,
        "Whether transactions are deferrable; recorded only.",
    ),
    silent(
        "default_transaction_isolation",
        "read committed",
        ISOLATION,
        "The isolation level of transactions; recorded only: every statement sees the sessions of its own time.",
    ),
    reported(
        "default_transaction_read_only",
        "on",
        ALWAYS_ON,
        "Whether transactions are read-only.",
    ),
    silent("enable_seqscan", "on", Kind::Bool, "No effect."),
    silent("escape_string_warning", "on", Kind::Bool, "No effect."),
    silent(
        "extra_float_digits",
        "1",
        Kind::Integer { min: 1, max: 3 },
        "Whether floating-point values are shown exactly, which they always are.",
    ),
    silent("geqo", "on", Kind::Bool, "No effect."),
    silent(
        "idle_in_transaction_session_timeout",
        "0",
        Kind::Milliseconds,
        "How long a client may be idle in a transaction.",
    ),
    silent(
        "idle_session_timeout",
        "0",
        Kind::Milliseconds,
        "How long a client may be idle outside of a transaction.",
    ),
    reported(
        "in_hot_standby",
        "off",
        Kind::Fixed,
        "Whether the server follows another one.",
    ),
    reported(
        "integer_datetimes",
        "on",
        Kind::Fixed,
        "Whether binary times are integers.",
    ),
    reported(
        "IntervalStyle",
        "postgres",
        Kind::OneOf(&["postgres"]),
        "The text form of intervals.",
    ),
    reported(
        "is_superuser",
        "off",
        Kind::Fixed,
        "Whether the user is an administrator.",
    ),
    silent("jit", "off", Kind::Bool, "No effect."),
    silent(
        "lc_collate",
        "C",
        Kind::Fixed,
        "The order of text: by code points.",
    ),
    silent(
        "lc_ctype",
        "C.UTF-8",
        Kind::Fixed,
        "The classes of characters.",
    ),
    silent(
        "lc_messages",
        "C",
        Kind::OneOf(&["C", "C.UTF-8", "POSIX", "en_US.UTF-8"]),
        "The language of messages.",
    ),
    silent(
        "lock_timeout",
        "0",
        Kind::Milliseconds,
        "No effect: nothing is ever locked.",
    ),
    silent(
        "max_identifier_length",
        "63",
        Kind::Fixed,
        "The longest name, in bytes.",
    ),
    silent(
        "max_index_keys",
        "32",
        Kind::Fixed,
        "The most columns of an index.",
    ),
    silent(
        "max_parallel_workers_per_gather",
        "0",
        Kind::Integer { min: 0, max: 1024 },
        "No effect.",
    ),
    silent(
        "role",
        "none",
        Kind::Fixed,
        "The role that the user has taken.",
    ),
    silent("row_security", "on", Kind::Bool, "No effect."),
    silent(
        "search_path",
        "\"$user\", public",
        Kind::SearchPath,
        "The schemas in which names are looked up.",
    ),
    reported(
        "server_encoding",
        "UTF8",
        Kind::Fixed,
        "The server's character set.",
    ),
    reported(
        "server_version",
        super::super::SERVER_VERSION,
        Kind::Fixed,
        "The PostgreSQL version whose manners clients may expect, and the program's own.",
    ),
    silent(
        "server_version_num",
        super::super::SERVER_VERSION_NUM,
        Kind::Fixed,
        "The same as a number.",
    ),
    reported("session_authorization", "", Kind::Fixed, "The user."),
    reported(
        "standard_conforming_strings",
        "on",
        ALWAYS_ON,
        "Whether a backslash in a string is a backslash.",
    ),
    silent(
        "statement_timeout",
        "0",
        Kind::Milliseconds,
        "How long a statement may run.",
    ),
    silent("synchronize_seqscans", "on", Kind::Bool, "No effect."),
    silent(
        "synchronous_commit",
        "on",
        Kind::OneOf(&["on", "off", "local", "remote_write", "remote_apply"]),
        "No effect.",
    ),
    reported(
        "TimeZone",
        "UTC",
        Kind::TimeZone,
        "The time zone that moments are shown and read in.",
    ),
    silent(
        "transaction_deferrable",
        "off",
        Kind::Bool,
        "Whether this transaction is deferrable; recorded only.",
    ),
    silent(
        "transaction_isolation",
        "read committed",
        ISOLATION,
        "The isolation level of this transaction; recorded only.",
    ),
    silent(
        "transaction_read_only",
        "on",
        ALWAYS_ON,
        "Whether this transaction is read-only.",
    ),
    silent("transaction_timeout", "0", Kind::Milliseconds, "No effect."),
    silent(
        "transform_null_equals",
        "off",
        ALWAYS_OFF,
        "Whether = NULL means IS NULL.",
    ),
    silent("work_mem", "4MB", Kind::Text, "No effect."),
    silent(
        "xmloption",
        "content",
        Kind::OneOf(&["content", "document"]),
        "No effect.",
    ),
];
