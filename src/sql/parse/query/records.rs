//! `json_to_record` and its kin in FROM: the query says which columns there are.

use std::ops::ControlFlow;

use super::build::{alias, call, cast, derived, quoted, select, text};
use super::functions::TableFunction;
use super::tables::reads_columns;
use super::types::{Target, target};
use crate::sql::sqlstate::SqlError;
use datafusion::sql::sqlparser::ast::{DataType, Expr, Ident, SelectItem, TableAlias, TableFactor};

/// The members of an object, or of each object of an array, as the columns that the alias defines. `None` for other
/// functions.
///
/// # Errors
/// 42601 without a definition of the columns.
pub(super) fn defined(
    function: &TableFunction,
    called: Option<&TableAlias>,
) -> ControlFlow<SqlError, Option<TableFactor>> {
    let of_array = match function.name.as_str() {
        "json_to_record" | "jsonb_to_record" => false,
        "json_to_recordset" | "jsonb_to_recordset" => true,
        _ => return ControlFlow::Continue(None),
    };
    let [argument] = function.arguments.as_slice() else {
        return ControlFlow::Continue(None);
    };
    let columns: Vec<(&Ident, &DataType)> = called
        .iter()
        .flat_map(|alias| &alias.columns)
        .filter_map(|column| Some((&column.name, column.data_type.as_ref()?)))
        .collect();
    let Some(called) =
        called.filter(|alias| !columns.is_empty() && columns.len() == alias.columns.len())
    else {
        let message = "a column definition list is required for functions returning \"record\"";
        return ControlFlow::Break(SqlError::new("42601", message));
    };
    let element = quoted("element");
    let object = match of_array {
        true => Expr::Identifier(element.clone()),
        false => argument.clone(),
    };
    let item = |(name, data_type): &(&Ident, &DataType)| {
        let member = match target(data_type) {
            Target::Call("json_in" | "jsonb_in") => "json_object_field",
            _ => "json_object_field_text",
        };
        let member = call(
            member,
            vec![object.clone(), text(super::build::folded(name))],
        );
        SelectItem::ExprWithAlias {
            expr: cast(member, (*data_type).clone()),
            alias: (*name).clone(),
        }
    };
    let items = columns.iter().map(item).collect();
    let elements = of_array.then(|| {
        let list = function.quoted_call("json_array_elements");
        let rows = SelectItem::ExprWithAlias {
            expr: call("unnest", vec![list]),
            alias: element,
        };
        derived(
            false,
            select(vec![rows], None, None),
            alias(quoted("rows"), Vec::new()),
        )
    });
    let names = columns.iter().map(|(name, _)| (*name).clone()).collect();
    ControlFlow::Continue(Some(derived(
        reads_columns(argument),
        select(items, elements, None),
        alias(called.name.clone(), names),
    )))
}
