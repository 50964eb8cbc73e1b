//! Texts read as values of types that the engine holds as text, in the form that PostgreSQL writes them in.

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;

use super::define::{Function, Gives};
use super::value::Kind;
use crate::sql::params::typed_text;

pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    let read = |function: &'static str, name: &'static str| {
        Function::new(function)
            .on(&[Kind::Text], Gives::Named(name), move |a| {
                Ok(typed_text(name, a.text(0))?.into())
            })
            .done()
    };
    [
        ("uuid_in", "uuid"),
        ("json_in", "json"),
        ("jsonb_in", "jsonb"),
    ]
    .map(|(function, name)| read(function, name))
    .into()
}
