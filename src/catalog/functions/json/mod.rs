//! JSON: values as texts of the types `json` and `jsonb`, a look into such texts, and changes of them.

mod change;
mod look;
mod make;

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;

use super::define::Gives;
use super::value::{Row, list_item, texts};
use crate::proxy::postgres::error::SqlError;
use crate::sql::parse::array_elements;

/// The type that a function works on, which its name begins with, and that of the JSON that it gives.
const TYPES: [(&str, Gives); 2] = [
    ("json", Gives::Named("json")),
    ("jsonb", Gives::Named("jsonb")),
];

/// The elements of an array of text, or of the text that one is written as.
fn text_array(a: &Row<'_>, place: usize) -> Result<Vec<Option<String>>, SqlError> {
    let column = a
        .columns
        .get(place)
        .map(|column| column.array().data_type());
    match column.and_then(list_item) {
        Some(_) => texts(&a.elements(place), a.zone),
        None => array_elements(a.text(place)),
    }
}

pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    let mut all = make::functions();
    all.extend(look::functions());
    all.extend(change::functions());
    all
}
