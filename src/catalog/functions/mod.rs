//! Scalar functions that the catalog adds to the engine's own.

mod asctime;
mod bounded;
mod constant;
mod rdns;
mod settings;

use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::execution::SessionStateDefaults;
use datafusion::logical_expr::ScalarUDF;
use datafusion::logical_expr::async_udf::AsyncScalarUDF;

use super::kept::Dependence;
use super::resolver::NameCache;
use super::statement::Caller;

pub(crate) use asctime::asctime_texts;

/// The name of the one database.
pub const DATABASE: &str = "rollcall";

/// The name of the schema that the tables are in.
pub(super) const SCHEMA: &str = "public";

/// What [`version()`](constant) answers: PostgreSQL's version that we behave like, then our own.
pub const VERSION: &str = concat!("PostgreSQL 15.0 (Rollcall ", env!("CARGO_PKG_VERSION"), ")");

/// Functions of the engine that are left out: they make arrays of any length from two numbers, and where PostgreSQL
/// has the name at all it means rows.
const LEFT_OUT: [&str; 5] = [
    "range",
    "generate_series",
    "array_repeat",
    "array_resize",
    "array_concat",
];

/// The engine's own scalar functions, without or with a bound on those that can make much of little.
pub(super) fn of_engine() -> Vec<Arc<ScalarUDF>> {
    let all = SessionStateDefaults::default_scalar_functions().into_iter();
    all.filter(|function| !LEFT_OUT.contains(&function.name()))
        .map(|function| bounded::bounded(&function).unwrap_or(function))
        .collect()
}

/// Functions that are the same for every caller.
pub(super) fn shared(names: &Arc<NameCache>) -> Vec<Arc<ScalarUDF>> {
    let rdns = AsyncScalarUDF::new(Arc::new(rdns::Rdns::new(Arc::clone(names))));
    vec![
        Arc::new(ScalarUDF::from(asctime::AscTime::default())),
        Arc::new(rdns.into_scalar_udf()),
        text("version", VERSION),
        text("current_catalog", DATABASE),
        text("current_database", DATABASE),
        text("current_schema", SCHEMA),
    ]
}

/// Functions whose answer depends on who asks.
pub(super) fn of_caller(caller: &Caller) -> Vec<Arc<ScalarUDF>> {
    let pid = caller.session.as_ref().map(|s| s.id().get() as i32);
    let mut functions = vec![
        text("current_user", &caller.user),
        text("session_user", &caller.user),
        text("current_role", &caller.user),
        constant::function("pg_backend_pid", ScalarValue::Int32(pid)),
    ];
    functions.extend(settings::of_caller(caller));
    functions
}

/// What a function that is not immutable depends on.
pub(super) fn dependence(name: &str) -> Dependence {
    match name {
        "current_user" | "session_user" | "current_role" | "pg_backend_pid" => Dependence::Caller,
        "current_setting" | "set_config" => Dependence::CallerAndMoment,
        // What rdns() and asctime() depend on beside their arguments is asked for at each run.
        "version" | "current_catalog" | "current_database" | "current_schema" | "rdns"
        | "asctime" => Dependence::Nothing,
        // The engine's own: now(), random() and the like.
        _ => Dependence::Moment,
    }
}

fn text(name: &'static str, value: &str) -> Arc<ScalarUDF> {
    constant::function(name, ScalarValue::Utf8(Some(value.to_owned())))
}
