//! Texts read as values of types that the engine holds as text, in the form that PostgreSQL writes them in.

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;

use super::define::{Function, Gives};
use super::value::Kind;
use crate::sql::params::typed_text;

/// Bytes that a `name` has room for.
const NAME_BYTES_MAX: usize = 63;

/// The first characters of a text.
fn first(text: &str, count: usize) -> &str {
    let end = text.char_indices().nth(count);
    end.map_or(text, |(end, _)| &text[..end])
}

pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    let read = |function: &'static str, name: &'static str| {
        Function::new(function)
            .on(&[Kind::Text], Gives::Named(name), move |a| {
                Ok(typed_text(name, a.text(0))?.into())
            })
            .done()
    };
    let mut all = [
        ("uuid_in", "uuid"),
        ("json_in", "json"),
        ("jsonb_in", "jsonb"),
    ]
    .map(|(function, name)| read(function, name))
    .to_vec();
    let fitted = |name, of: fn(&str, usize) -> &str| {
        Function::new(name).on(
            &[Kind::Text, Kind::Int],
            Gives::FittedText(name),
            move |a| {
                let length = usize::try_from(a.int(1)).unwrap_or_default();
                Ok(of(a.text(0), length).into())
            },
        )
    };
    all.extend(
        [
            fitted("varchar", first),
            // What it is filled up with counts nowhere: the door puts it there where a value leaves.
            fitted("bpchar", |text, length| {
                first(text, length).trim_end_matches(' ')
            }),
            Function::new("name").on(&[Kind::Text], Gives::Named("name"), |a| {
                let text = a.text(0);
                Ok((&text[..text.floor_char_boundary(NAME_BYTES_MAX)]).into())
            }),
            Function::new("char").on(&[Kind::Text], Gives::Named("char"), |a| {
                Ok(first(a.text(0), 1).into())
            }),
        ]
        .map(Function::done),
    );
    all
}
