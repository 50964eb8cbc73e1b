//! `current_setting`, `set_config` and what else tells of them: the caller's parameters in queries.

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;

use super::define::{Function, Gives};
use super::value::Kind::{Bool, Text};
use super::value::Row;
use crate::catalog::statement::Caller;
use crate::proxy::postgres::error::SqlError;

/// The functions, over the parameters of `caller`. The value may change while a statement runs, by the statement
/// itself.
///
/// - `current_setting(name text [, missing_ok boolean]) → text`: NULL for a name that is no parameter if `missing_ok`.
/// - `set_config(name text, value text, is_local boolean) → text`: what the parameter is from now on. NULL as the value
///   resets it.
/// - `pg_client_encoding() → name`: the parameter `client_encoding`.
pub(super) fn of_caller(caller: &Caller) -> [Arc<ScalarUDF>; 3] {
    let parameters = Arc::clone(&caller.settings);
    let current = move |a: &Row<'_>| {
        let name = a.text(0);
        match parameters.get(name) {
            None if a.len() == 1 || !a.bool(1) => {
                let message = format!("unrecognized configuration parameter \"{name}\"");
                Err(SqlError::new("42704", message))
            }
            value => Ok(value.into()),
        }
    };
    let parameters = Arc::clone(&caller.settings);
    let set = move |a: &Row<'_>| {
        let Some(name) = a.opt_text(0) else {
            return Err(SqlError::new("22004", "SET requires parameter name"));
        };
        let is_local = !a.is_null(2) && a.bool(2);
        Ok(parameters.set(name, a.opt_text(1), is_local)?.into())
    };
    let parameters = Arc::clone(&caller.settings);
    let encoding = move |_: &Row<'_>| Ok(parameters.get("client_encoding").into());
    [
        Function::volatile("pg_client_encoding")
            .on(&[], Gives::Named("name"), encoding)
            .done(),
        Function::volatile("current_setting")
            .on(&[Text], Gives::Text, current.clone())
            .on(&[Text, Bool], Gives::Text, current)
            .done(),
        Function::volatile("set_config")
            .on_nulls(&[Text, Text, Bool], Gives::Text, set)
            .done(),
    ]
}
