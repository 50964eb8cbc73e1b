//! Types of PostgreSQL whose values the engine holds as text: a cast to one of them gives a column that says so.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::sql::sqlparser::ast;

use super::column::TYPE;

/// Types that are held as text.
const TEXTS: [&str; 5] = ["uuid", "json", "jsonb", "inet", "cidr"];

/// A column of `data_type` under the name of the type `name`. An empty name tells the engine nothing of the column.
fn named_field(name: &str, data_type: DataType) -> FieldRef {
    let metadata: HashMap<_, _> = [(TYPE.to_owned(), name.to_owned())].into();
    Arc::new(Field::new("", data_type, true).with_metadata(metadata))
}

/// The column that a cast to one of these types gives.
pub(super) fn named_type(sql_type: &ast::DataType) -> Option<FieldRef> {
    use ast::DataType as D;
    let name = match sql_type {
        D::Uuid => "uuid",
        D::JSON => "json",
        D::JSONB => "jsonb",
        D::Custom(name, modifiers) if modifiers.is_empty() => {
            let last = name.0.last().and_then(|part| part.as_ident());
            last.map_or("", |ident| ident.value.as_str())
        }
        _ => return None,
    };
    let is = |known: &str| known.eq_ignore_ascii_case(name);
    let text = TEXTS.iter().find(|known| is(known));
    text.map(|text| named_field(text, DataType::Utf8View))
}
