//! `json_to_record` and its kin in FROM: the query says which columns there are.

use std::ops::ControlFlow;

use super::build::{alias, call, cast, quoted, select, text};
use super::functions::TableFunction;
use super::tables::reads_columns;
use crate::sql::sqlstate::SqlError;
use datafusion::sql::sqlparser::ast::{
    DataType, Expr, Ident, ObjectNamePart, SelectItem, TableAlias, TableFactor,
};

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
        let member = match is_json(data_type) {
            true => "json_object_field",
            false => "json_object_field_text",
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
        TableFactor::Derived {
            lateral: false,
            subquery: Box::new(select(vec![rows], None, None)),
            alias: Some(alias(quoted("rows"), Vec::new())),
            sample: None,
        }
    });
    let names = columns.iter().map(|(name, _)| (*name).clone()).collect();
    ControlFlow::Continue(Some(TableFactor::Derived {
        lateral: reads_columns(argument),
        subquery: Box::new(select(items, elements, None)),
        alias: Some(alias(called.name.clone(), names)),
        sample: None,
    }))
}

fn is_json(data_type: &DataType) -> bool {
    match data_type {
        DataType::JSON | DataType::JSONB => true,
        DataType::Custom(name, _) => name
            .0
            .last()
            .and_then(ObjectNamePart::as_ident)
            .is_some_and(|ident| matches!(ident.value.as_str(), "json" | "jsonb")),
        _ => false,
    }
}
