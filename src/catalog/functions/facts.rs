//! Facts about the session and the server.

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;

use super::define::{Answer, Function, Gives};
use super::output::Value;
use super::value::{Kind, Row};
use crate::catalog::statement::Caller;
use crate::catalog::system::{Dictionary, name_of_arrow};
use crate::proxy::postgres::error::SqlError;
use crate::session::{ListenAddress, Remote};
use crate::sql::numeric::Numeric;

/// PostgreSQL's number for UTF-8, the one encoding there is.
const UTF8: i64 = 6;

/// The oid of the type `unknown`.
const UNKNOWN: u32 = 705;

/// A place in a write-ahead log: two hexadecimal numbers.
fn log_position(text: &str) -> Result<u64, SqlError> {
    let part = |part: &str| match part.len() {
        1..=8 => u64::from_str_radix(part, 16).ok(),
        _ => None,
    };
    let parts = text.split_once('/');
    let read = parts.and_then(|(high, low)| Some((part(high)? << 32) | part(low)?));
    read.ok_or_else(|| {
        let message = format!("invalid input syntax for type pg_lsn: \"{text}\"");
        SqlError::new("22P02", message)
    })
}

/// The type of an argument.
fn type_of(dictionary: &Dictionary, a: &Row<'_>) -> Answer {
    let Some(column) = a.columns.first() else {
        return Ok(Value::Null);
    };
    let data_type = column.array().data_type();
    let name = match column.pg_type() {
        Some(name) => name.to_owned(),
        None => name_of_arrow(data_type),
    };
    let found = dictionary.type_named(&format!("pg_catalog.\"{name}\""));
    Ok(match found.filter(|_| !data_type.is_null()) {
        Some(found) => found.oid.into(),
        None => UNKNOWN.into(),
    })
}

/// Functions that have one answer for everybody. `started` is when the server began to serve, in microseconds.
pub(super) fn functions(dictionary: &Arc<Dictionary>, started: i64) -> Vec<Arc<ScalarUDF>> {
    use Kind as K;
    let moment = |name| Function::stable(name).on(&[], Gives::StampTz, move |_| Ok(started.into()));
    let fixed = |name, gives, value: Value| {
        Function::stable(name).on(&[], gives, move |_| Ok(value.clone()))
    };
    let of_types = Arc::clone(dictionary);
    let nothing = |name| Function::volatile(name).on(&[], Gives::Named("void"), |_| Ok("".into()));
    let mut all = vec![
        moment("pg_postmaster_start_time"),
        moment("pg_conf_load_time"),
        // It is no standby, and writes no log to be replayed.
        fixed("pg_is_in_recovery", Gives::Bool, false.into()),
        fixed("pg_is_in_backup", Gives::Bool, false.into()),
        fixed("pg_current_wal_lsn", Gives::Named("pg_lsn"), Value::Null),
        fixed(
            "pg_current_wal_insert_lsn",
            Gives::Named("pg_lsn"),
            Value::Null,
        ),
        fixed(
            "pg_current_wal_flush_lsn",
            Gives::Named("pg_lsn"),
            Value::Null,
        ),
        fixed(
            "pg_last_wal_receive_lsn",
            Gives::Named("pg_lsn"),
            Value::Null,
        ),
        fixed(
            "pg_last_wal_replay_lsn",
            Gives::Named("pg_lsn"),
            Value::Null,
        ),
        Function::new("pg_wal_lsn_diff").on(&[K::Text, K::Text], Gives::Numeric, |a| {
            let (one, two) = (log_position(a.text(0))?, log_position(a.text(1))?);
            Ok(Numeric::new(i128::from(one) - i128::from(two), 0).into())
        }),
        fixed("pg_last_xact_replay_timestamp", Gives::StampTz, Value::Null),
        fixed("pg_my_temp_schema", Gives::Oid, Value::Int(0)),
        fixed("getdatabaseencoding", Gives::Named("name"), "UTF8".into()),
        fixed("pg_client_encoding", Gives::Named("name"), "UTF8".into()),
        fixed("pg_jit_available", Gives::Bool, false.into()),
        fixed("pg_trigger_depth", Gives::Int4, Value::Int(0)),
        fixed(
            "pg_current_xact_id_if_assigned",
            Gives::Named("xid8"),
            Value::Null,
        ),
        fixed("txid_current_if_assigned", Gives::Int8, Value::Null),
        Function::stable("pg_is_other_temp_schema").on(
            &[K::Any],
            Gives::Bool,
            |_| Ok(false.into()),
        ),
        Function::stable("pg_blocking_pids")
            .on(&[K::Int], Gives::Ints, |_| Ok(Value::Ints(Vec::new()))),
        Function::stable("pg_safe_snapshot_blocking_pids")
            .on(&[K::Int], Gives::Ints, |_| Ok(Value::Ints(Vec::new()))),
        Function::stable("pg_isolation_test_session_is_blocked").on(
            &[K::Int, K::Array],
            Gives::Bool,
            |_| Ok(false.into()),
        ),
        Function::new("pg_encoding_to_char").on(&[K::Int], Gives::Named("name"), |a| {
            Ok(ENCODINGS
                .get(a.int(0) as usize)
                .copied()
                .unwrap_or("")
                .into())
        }),
        Function::new("pg_char_to_encoding").on(&[K::Text], Gives::Int4, |a| {
            let plain = |name: &str| name.to_ascii_uppercase().replace(['-', '_'], "");
            let wanted = plain(a.text(0));
            let found = ENCODINGS.iter().position(|name| plain(name) == wanted);
            let found = found
                .map(|at| at as i64)
                .or((wanted == "UNICODE").then_some(UTF8));
            Ok(Value::Int(found.unwrap_or(-1)))
        }),
        Function::new("pg_encoding_max_length").on(&[K::Int], Gives::Int4, |a| {
            Ok((a.int(0) == UTF8).then_some(4i64).into())
        }),
        Function::stable("pg_typeof").on_nulls(&[K::Any], Gives::Reference("regtype"), move |a| {
            type_of(&of_types, a)
        }),
        Function::new("num_nulls").on_any_number(&[K::Any], Gives::Int4, |a| {
            Ok(Value::Int(
                (0..a.len()).filter(|place| a.is_null(*place)).count() as i64,
            ))
        }),
        Function::new("num_nonnulls").on_any_number(&[K::Any], Gives::Int4, |a| {
            Ok(Value::Int(
                (0..a.len()).filter(|place| !a.is_null(*place)).count() as i64,
            ))
        }),
        Function::stable("current_schemas").on(&[K::Bool], Gives::Texts, |a| {
            let implied = a.bool(0).then(|| Some("pg_catalog".to_owned()));
            Ok(implied
                .into_iter()
                .chain([Some("public".to_owned())])
                .collect::<Vec<_>>()
                .into())
        }),
        Function::volatile("txid_current").on(&[], Gives::Int8, |_| Err(no_transactions())),
        Function::volatile("pg_current_xact_id")
            .on(&[], Gives::Named("xid8"), |_| Err(no_transactions())),
        Function::volatile("pg_export_snapshot").on(&[], Gives::Text, |_| Err(no_transactions())),
        // Nobody listens, and nothing can be locked: these do nothing, as they would with nobody else around.
        Function::volatile("pg_notify")
            .on(&[K::Text, K::Text], Gives::Named("void"), |_| Ok("".into())),
        nothing("pg_advisory_unlock_all"),
        nothing("pg_stat_clear_snapshot"),
    ];
    let keys: [&[Kind]; 2] = [&[K::Int], &[K::Int, K::Int]];
    let locks = [
        ("pg_advisory_lock", None),
        ("pg_advisory_lock_shared", None),
        ("pg_advisory_xact_lock", None),
        ("pg_advisory_xact_lock_shared", None),
        ("pg_try_advisory_lock", Some(true)),
        ("pg_try_advisory_lock_shared", Some(true)),
        ("pg_try_advisory_xact_lock", Some(true)),
        ("pg_try_advisory_xact_lock_shared", Some(true)),
        ("pg_advisory_unlock", Some(false)),
        ("pg_advisory_unlock_shared", Some(false)),
    ];
    for (name, outcome) in locks {
        let mut function = Function::volatile(name);
        for takes in keys {
            function = match outcome {
                None => function.on(takes, Gives::Named("void"), |_| Err(no_locks())),
                Some(_) => function.on(takes, Gives::Bool, |_| Err(no_locks())),
            };
        }
        all.push(function);
    }
    all.into_iter().map(Function::done).collect()
}

fn no_transactions() -> SqlError {
    SqlError::new(
        "0A000",
        "there are no transaction IDs: nothing is ever written",
    )
}

/// A lock that another client does not see would be a promise that is not kept.
fn no_locks() -> SqlError {
    SqlError::new("0A000", "advisory locks are not supported")
}

/// Facts about who asks.
pub(super) fn of_caller(caller: &Caller) -> Vec<Arc<ScalarUDF>> {
    let session = caller.session.as_ref();
    let fact = |name, gives, value: Option<Value>| {
        let value = value.unwrap_or(Value::Null);
        Function::stable(name)
            .on(&[], gives, move |_| Ok(value.clone()))
            .done()
    };
    let client = session.and_then(|session| match session.remote() {
        Remote::Tcp(address) => Some(address),
        _ => None,
    });
    let server = session.map(|session| session.listener().address.clone());
    let server = server.and_then(|address| match address {
        ListenAddress::Tcp(address) => Some(address),
        _ => None,
    });
    let host = |address: std::net::SocketAddr| Value::from(address.ip().to_canonical().to_string());
    let port = |address: std::net::SocketAddr| Value::Int(address.port().into());
    let inet = Gives::Named("inet");
    vec![
        fact("inet_client_addr", inet, client.map(host)),
        fact("inet_client_port", Gives::Int4, client.map(port)),
        fact(
            "inet_server_addr",
            inet,
            server.filter(|_| client.is_some()).map(host),
        ),
        fact(
            "inet_server_port",
            Gives::Int4,
            server.filter(|_| client.is_some()).map(port),
        ),
    ]
}

/// PostgreSQL's encodings, in the order of their numbers.
const ENCODINGS: [&str; 42] = [
    "SQL_ASCII",
    "EUC_JP",
    "EUC_CN",
    "EUC_KR",
    "EUC_TW",
    "EUC_JIS_2004",
    "UTF8",
    "MULE_INTERNAL",
    "LATIN1",
    "LATIN2",
    "LATIN3",
    "LATIN4",
    "LATIN5",
    "LATIN6",
    "LATIN7",
    "LATIN8",
    "LATIN9",
    "LATIN10",
    "WIN1256",
    "WIN1258",
    "WIN866",
    "WIN874",
    "KOI8R",
    "WIN1251",
    "WIN1252",
    "ISO_8859_5",
    "ISO_8859_6",
    "ISO_8859_7",
    "ISO_8859_8",
    "WIN1250",
    "WIN1253",
    "WIN1254",
    "WIN1255",
    "WIN1257",
    "KOI8U",
    "SJIS",
    "BIG5",
    "GBK",
    "UHC",
    "GB18030",
    "JOHAB",
    "SHIFT_JIS_2004",
];
