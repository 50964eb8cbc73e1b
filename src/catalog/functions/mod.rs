//! Scalar functions that the catalog adds to the engine's own.

mod acl;
mod aggregates;
mod alike;
mod arrays;
mod asctime;
mod bounded;
mod charsets;
mod constant;
mod dates;
mod decimal;
mod define;
mod either;
mod facts;
mod float8;
mod gathered;
mod inet;
mod interval;
mod json;
mod keywords;
mod math;
mod ntile;
mod numbers;
mod numeric;
mod objects;
mod output;
mod parts;
mod percentile;
mod planner;
mod privileges;
mod quote;
mod rdns;
mod record;
mod reg;
mod regexp;
mod sets;
mod settings;
mod signs;
mod size;
mod sleep;
mod statistics;
mod template;
#[cfg(test)]
mod tests;
mod text;
mod textout;
mod totals;
mod typed;
mod value;
mod zoned;

use std::collections::HashSet;
use std::sync::Arc;

use arrow::datatypes::Field;
use chrono::Utc;
use datafusion::common::ScalarValue;
use datafusion::execution::SessionStateDefaults;
use datafusion::logical_expr::ScalarUDF;
use datafusion::logical_expr::async_udf::AsyncScalarUDF;

use super::column::TYPE;
use super::kept::Dependence;
use super::resolver::NameCache;
use super::statement::Caller;
use super::system::Dictionary;
use crate::sql::parse::MOMENTS;

pub(super) use aggregates::aggregates;
pub(crate) use asctime::asctime_texts;
pub(super) use define::argument_type;
pub(super) use define::moment_kind;
pub(super) use inet::NETWORK_KEY;
pub(crate) use interval::read_interval;
pub(super) use ntile::window_functions;
pub(super) use numeric::{
    KEY, KEYS, NEGATE, OPERATORS, ORDER, TO_FLOAT, TO_FLOATS, TO_NUMERIC, TO_NUMERICS, TRIM,
    number_converter,
};
pub(super) use planner::PostgresPlanner;
pub(super) use textout::{TEXT_OUT, has_own_text};
pub(super) use totals::narrow_sum;
#[cfg(test)]
pub(super) use value::texts_of;
pub(super) use value::{Kind, constant};
pub(super) use zoned::zone_of;

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
    let all = all
        .filter(|function| !LEFT_OUT.contains(&function.name()))
        .map(|function| {
            let own = bounded::bounded(&function)
                .or_else(|| alike::alike(&function))
                .or_else(|| record::record(&function));
            own.unwrap_or(function)
        });
    either::with_numerics(all.collect())
}

/// Functions that are the same for every caller.
pub(super) fn shared(names: &Arc<NameCache>, dictionary: &Arc<Dictionary>) -> Vec<Arc<ScalarUDF>> {
    let rdns = AsyncScalarUDF::new(Arc::new(rdns::Rdns::new(Arc::clone(names))));
    let sleep = AsyncScalarUDF::new(Arc::new(sleep::Sleep::default()));
    let started = Utc::now().timestamp_micros();
    let topics = [
        acl::functions(dictionary),
        aggregates::functions(),
        arrays::functions(),
        charsets::functions(),
        dates::functions(),
        facts::functions(dictionary, started),
        inet::functions(),
        interval::functions(),
        json::functions(),
        keywords::functions(),
        math::functions(),
        numeric::functions(),
        objects::functions(dictionary),
        parts::functions(),
        planner::functions(),
        privileges::functions(dictionary),
        quote::functions(),
        reg::functions(dictionary),
        regexp::functions(),
        sets::functions(),
        signs::functions(),
        size::functions(),
        statistics::functions(),
        text::functions(),
        typed::functions(),
    ];
    let mut all = vec![
        Arc::new(ScalarUDF::from(super::apart::Apart::default())),
        Arc::new(ScalarUDF::from(asctime::AscTime::default())),
        Arc::new(rdns.into_scalar_udf()),
        Arc::new(sleep.into_scalar_udf()),
        Arc::new(ScalarUDF::from(textout::TextOut::default())),
        Arc::new(ScalarUDF::from(float8::ToFloat::default())),
        constant_text("version", VERSION),
        constant::name_function("current_catalog", Some(DATABASE)),
        constant::name_function("current_database", Some(DATABASE)),
        constant::name_function("current_schema", Some(SCHEMA)),
    ];
    all.extend(topics.into_iter().flatten());
    all
}

/// The field, as a column of another type of PostgreSQL's than its Arrow type says.
fn named(field: Field, pg_type: &str) -> Field {
    field.with_metadata([(TYPE.to_owned(), pg_type.to_owned())].into())
}

/// Functions whose answer depends on who asks.
pub(super) fn of_caller(caller: &Caller) -> Vec<Arc<ScalarUDF>> {
    let pid = caller.session.as_ref().map(|s| s.id().get() as i32);
    let mut functions = vec![
        constant::name_function("current_schema", first_schema(&caller.search_path)),
        constant::name_function("current_user", Some(&caller.user)),
        constant::name_function("session_user", Some(&caller.user)),
        constant::name_function("current_role", Some(&caller.user)),
        constant::function("pg_backend_pid", ScalarValue::Int32(pid)),
    ];
    functions.extend(settings::of_caller(caller));
    functions.extend(facts::of_caller(caller));
    functions
}

/// The first schema of a search path that there is.
fn first_schema(search_path: &str) -> Option<&str> {
    let schemas = [SCHEMA, "pg_catalog", "information_schema"];
    let mut names = search_path
        .split(',')
        .map(|name| name.trim().trim_matches('"'));
    names.find(|name| schemas.contains(name))
}

/// The names of the functions that are made for each statement, and of those that are written in other words.
pub(super) fn of_statement_names() -> HashSet<String> {
    let nobody = of_caller(&Caller::new("", false));
    let made = nobody.iter().map(|function| function.name());
    made.chain(MOMENTS).map(str::to_owned).collect()
}

/// Functions that depend on their arguments and the time zone, which a kept plan is made for.
const AS_ARGUMENTS: [&str; 18] = [
    "array_to_string",
    "concat",
    "concat_ws",
    "date_part",
    "date_trunc",
    "extract",
    "format",
    "make_timestamptz",
    "pg_postmaster_start_time",
    "pg_conf_load_time",
    "pg_is_in_recovery",
    "pg_typeof",
    "quote_literal",
    "quote_nullable",
    "timestamptz_pl_interval",
    "timestamptz_mi_interval",
    "timezone",
    "to_char",
];

/// What a function that is not immutable depends on.
pub(super) fn dependence(name: &str) -> Dependence {
    match name {
        "current_user" | "session_user" | "current_role" | "pg_backend_pid" | "current_schema" => {
            Dependence::Caller
        }
        "current_setting" | "set_config" | "pg_client_encoding" => Dependence::CallerAndMoment,
        name if AS_ARGUMENTS.contains(&name) => Dependence::Nothing,
        // The dictionary stays what it is, but for roles.
        "format_type" | "obj_description" | "col_description" => Dependence::Nothing,
        name if name.contains("role") || name == "pg_get_userbyid" => Dependence::Moment,
        name if name.starts_with("reg") || name.starts_with("to_reg") => Dependence::Nothing,
        name if name.starts_with("pg_get_") || name.ends_with("_is_visible") => Dependence::Nothing,
        "inet_client_addr" | "inet_client_port" | "inet_server_addr" | "inet_server_port" => {
            Dependence::Caller
        }
        // What rdns() and asctime() depend on beside their arguments is asked for at each run.
        "version" | "current_catalog" | "current_database" | "rdns" | "asctime" | TEXT_OUT => {
            Dependence::Nothing
        }
        // The engine's own: now(), random() and the like.
        _ => Dependence::Moment,
    }
}

fn constant_text(name: &'static str, value: &str) -> Arc<ScalarUDF> {
    constant::function(name, ScalarValue::Utf8(Some(value.to_owned())))
}
