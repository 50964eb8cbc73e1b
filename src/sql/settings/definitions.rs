//! The parameters that there are.

mod absent;
mod unused;

use self::absent::ABSENT;
use self::unused::UNUSED;
use super::number::Unit;
use super::value::{Kind, Type};
use crate::sql::encode::interval::IntervalStyle;

const BEHAVIOR: &str = "Client Connection Defaults / Statement Behavior";
const CONNECTIONS: &str = "Connections and Authentication / Connection Settings";
const LOCALE: &str = "Client Connection Defaults / Locale and Formatting";
const OTHER_PLATFORMS: &str = "Version and Platform Compatibility / Other Platforms and Clients";
const PRESET: &str = "Preset Options";
const PREVIOUS: &str = "Version and Platform Compatibility / Previous PostgreSQL Versions";
const TLS: &str = "Connections and Authentication / SSL";
const WHAT_TO_LOG: &str = "Reporting and Logging / What to Log";

/// Not in SHOW ALL and `pg_settings`: they are asked for by name.
const HIDDEN: [&str; 3] = ["is_superuser", "role", "session_authorization"];

/// One parameter.
#[derive(Debug)]
pub(super) struct Definition {
    /// Its name as PostgreSQL writes it; it is found in any case.
    pub name: &'static str,
    /// What it is when nobody says anything.
    pub default: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// PostgreSQL's group of parameters.
    pub category: &'static str,
    /// Whether clients are told of its changes (PostgreSQL's `GUC_REPORT`).
    pub reported: bool,
    /// Its description in SHOW ALL.
    pub doc: &'static str,
}

const fn silent(
    name: &'static str,
    default: &'static str,
    kind: Kind,
    category: &'static str,
    doc: &'static str,
) -> Definition {
    Definition {
        name,
        default,
        kind,
        category,
        reported: false,
        doc,
    }
}

const fn reported(
    name: &'static str,
    default: &'static str,
    kind: Kind,
    category: &'static str,
    doc: &'static str,
) -> Definition {
    Definition {
        name,
        default,
        kind,
        category,
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
const ALWAYS_ON: Kind = Kind::Always(true);
/// Only "off".
const ALWAYS_OFF: Kind = Kind::Always(false);

/// How many parameters there are.
pub(super) const COUNT: usize = OWN.len() + UNUSED.len() + ABSENT.len();

/// The parameter of a number below [`COUNT`].
///
/// # Panics
/// If there is none of this number.
pub(super) fn definition(index: usize) -> &'static Definition {
    let rest = index.saturating_sub(OWN.len());
    match OWN.get(index).or_else(|| UNUSED.get(rest)) {
        Some(found) => found,
        None => &ABSENT[rest - UNUSED.len()],
    }
}

/// The number of the parameter of this name, in any case.
pub(super) fn index_of(name: &str) -> Option<usize> {
    let is_it = |definition: &Definition| definition.name.eq_ignore_ascii_case(name);
    let mut all = OWN.iter().chain(UNUSED).chain(ABSENT);
    all.position(is_it)
}

/// The numbers of the parameters in the order of SHOW ALL.
pub(super) fn in_order() -> Vec<usize> {
    let is_shown = |index: &usize| !HIDDEN.contains(&definition(*index).name);
    let mut order: Vec<usize> = (0..COUNT).filter(is_shown).collect();
    order.sort_by_key(|index| definition(*index).name.to_ascii_lowercase());
    order
}

/// Parameters that mean something here, in the order of SHOW ALL.
const OWN: &[Definition] = &[
    reported(
        "application_name",
        "",
        Kind::ApplicationName,
        WHAT_TO_LOG,
        "The name that the client gives itself, a column of sessions.",
    ),
    silent(
        "backslash_quote",
        "safe_encoding",
        Kind::OneOf(&["safe_encoding"]),
        PREVIOUS,
        "Whether \\' stands for a quote in strings.",
    ),
    silent(
        "block_size",
        "8192",
        Kind::Fixed(Type::Integer),
        PRESET,
        "The size that sizes in pages are counted in.",
    ),
    silent(
        "bytea_output",
        "hex",
        Kind::OneOf(&["hex"]),
        BEHAVIOR,
        "The text form of binary values.",
    ),
    reported(
        "client_encoding",
        "UTF8",
        Kind::Encoding,
        LOCALE,
        "The client's character set.",
    ),
    silent(
        "client_min_messages",
        "notice",
        MESSAGES,
        BEHAVIOR,
        "The least severe notices that are sent.",
    ),
    reported(
        "DateStyle",
        "ISO, MDY",
        Kind::DateStyle,
        LOCALE,
        "The text form of dates.",
    ),
    silent(
        "default_tablespace",
        "",
        Kind::OneOf(&[""]),
        BEHAVIOR,
        "No effect.",
    ),
    silent(
        "default_text_search_config",
        "pg_catalog.simple",
        Kind::Fixed(Type::Text),
        LOCALE,
        "No effect.",
    ),
    silent(
        "default_transaction_deferrable",
        "off",
        Kind::Bool,
        BEHAVIOR,
        "Whether transactions are deferrable; recorded only.",
    ),
    silent(
        "default_transaction_isolation",
        "read committed",
        ISOLATION,
        BEHAVIOR,
        "The isolation level of transactions; recorded only: every statement sees the sessions of its own time.",
    ),
    reported(
        "default_transaction_read_only",
        "on",
        ALWAYS_ON,
        BEHAVIOR,
        "Whether transactions are read-only.",
    ),
    silent(
        "extra_float_digits",
        "1",
        Kind::Integer {
            min: 1,
            max: 3,
            unit: Unit::None,
        },
        LOCALE,
        "Whether floating-point values are shown exactly, which they always are.",
    ),
    silent(
        "idle_in_transaction_session_timeout",
        "0",
        Kind::Integer {
            min: 0,
            max: i32::MAX,
            unit: Unit::Ms,
        },
        BEHAVIOR,
        "How long a client may be idle in a transaction.",
    ),
    silent(
        "idle_session_timeout",
        "0",
        Kind::Integer {
            min: 0,
            max: i32::MAX,
            unit: Unit::Ms,
        },
        BEHAVIOR,
        "How long a client may be idle outside of a transaction.",
    ),
    reported(
        "in_hot_standby",
        "off",
        Kind::Fixed(Type::Bool),
        PRESET,
        "Whether the server follows another one.",
    ),
    reported(
        "integer_datetimes",
        "on",
        Kind::Fixed(Type::Bool),
        PRESET,
        "Whether binary times are integers.",
    ),
    reported(
        "IntervalStyle",
        "postgres",
        Kind::OneOf(IntervalStyle::NAMES),
        LOCALE,
        "The text form of intervals.",
    ),
    reported(
        "is_superuser",
        "off",
        Kind::Fixed(Type::Bool),
        PRESET,
        "Whether the user is an administrator.",
    ),
    silent(
        "lc_collate",
        "C",
        Kind::Fixed(Type::Text),
        PRESET,
        "The order of text: by code points.",
    ),
    silent(
        "lc_ctype",
        "C.UTF-8",
        Kind::Fixed(Type::Text),
        PRESET,
        "The classes of characters.",
    ),
    silent(
        "lc_messages",
        "C",
        Kind::OneOf(&["C", "C.UTF-8", "POSIX", "en_US.UTF-8"]),
        LOCALE,
        "The language of messages.",
    ),
    silent(
        "max_connections",
        "1000",
        Kind::Fixed(Type::Integer),
        CONNECTIONS,
        "The most clients of this door at a time.",
    ),
    silent(
        "max_function_args",
        "100",
        Kind::Fixed(Type::Integer),
        PRESET,
        "The most arguments of a function.",
    ),
    silent(
        "max_identifier_length",
        "63",
        Kind::Fixed(Type::Integer),
        PRESET,
        "The longest name, in bytes.",
    ),
    silent(
        "max_index_keys",
        "32",
        Kind::Fixed(Type::Integer),
        PRESET,
        "The most columns of an index.",
    ),
    silent(
        "role",
        "none",
        Kind::Fixed(Type::Text),
        BEHAVIOR,
        "The role that the user has taken.",
    ),
    silent(
        "search_path",
        "\"$user\", public",
        Kind::SearchPath,
        BEHAVIOR,
        "The schemas in which names are looked up.",
    ),
    reported(
        "server_encoding",
        "UTF8",
        Kind::Fixed(Type::Text),
        PRESET,
        "The server's character set.",
    ),
    reported(
        "server_version",
        crate::sql::SERVER_VERSION,
        Kind::Fixed(Type::Text),
        PRESET,
        "The PostgreSQL version whose manners clients may expect, and the program's own.",
    ),
    silent(
        "server_version_num",
        crate::sql::SERVER_VERSION_NUM,
        Kind::Fixed(Type::Integer),
        PRESET,
        "The same as a number.",
    ),
    reported(
        "session_authorization",
        "",
        Kind::Fixed(Type::Text),
        BEHAVIOR,
        "The user.",
    ),
    silent(
        "ssl",
        "off",
        Kind::Fixed(Type::Bool),
        TLS,
        "Whether clients can use TLS.",
    ),
    reported(
        "standard_conforming_strings",
        "on",
        ALWAYS_ON,
        PREVIOUS,
        "Whether a backslash in a string is a backslash.",
    ),
    silent(
        "statement_timeout",
        "0",
        Kind::Integer {
            min: 0,
            max: i32::MAX,
            unit: Unit::Ms,
        },
        BEHAVIOR,
        "How long a statement may run.",
    ),
    reported(
        "TimeZone",
        "UTC",
        Kind::TimeZone,
        LOCALE,
        "The time zone that moments are shown and read in.",
    ),
    silent(
        "transaction_deferrable",
        "off",
        Kind::Bool,
        BEHAVIOR,
        "Whether this transaction is deferrable; recorded only.",
    ),
    silent(
        "transaction_isolation",
        "read committed",
        ISOLATION,
        BEHAVIOR,
        "The isolation level of this transaction; recorded only.",
    ),
    silent(
        "transaction_read_only",
        "on",
        ALWAYS_ON,
        BEHAVIOR,
        "Whether this transaction is read-only.",
    ),
    silent(
        "transaction_timeout",
        "0",
        Kind::Integer {
            min: 0,
            max: i32::MAX,
            unit: Unit::Ms,
        },
        BEHAVIOR,
        "No effect.",
    ),
    silent(
        "transform_null_equals",
        "off",
        ALWAYS_OFF,
        OTHER_PLATFORMS,
        "Whether = NULL means IS NULL.",
    ),
];
