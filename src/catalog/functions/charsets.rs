//! Texts as bytes in other character sets.

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;

use super::define::{Answer, Function, Gives};
use super::value::{Kind, Row};
use crate::proxy::postgres::error::SqlError;
use crate::sql::charset::Charset;

/// The character set that an argument names; `role` says in the error what it is for.
fn charset(a: &Row<'_>, place: usize, role: &str) -> Result<Charset, SqlError> {
    let name = a.text(place);
    Charset::named(name).ok_or_else(|| {
        let message = format!("invalid {role} encoding name \"{name}\"");
        SqlError::new("22023", message)
    })
}

fn decoded(a: &Row<'_>) -> Result<String, SqlError> {
    charset(a, 1, "source")?.decode(a.bytes(0))
}

fn encoded(text: &str, charset: Charset) -> Answer {
    let bytes = charset.encode(text);
    Ok(bytes
        .map_err(|missing| SqlError::new("22P05", missing.to_string()))?
        .into())
}

pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    use Kind::{Bytes, Text};
    let all = [
        Function::new("convert_from").on(&[Bytes, Text], Gives::Text, |a| Ok(decoded(a)?.into())),
        Function::new("convert_to").on(&[Text, Text], Gives::Bytes, |a| {
            encoded(a.text(0), charset(a, 1, "destination")?)
        }),
        Function::new("convert").on(&[Bytes, Text, Text], Gives::Bytes, |a| {
            encoded(&decoded(a)?, charset(a, 2, "destination")?)
        }),
    ];
    all.map(Function::done).into()
}
