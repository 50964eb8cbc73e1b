//! JSON schemas of what a resource's query makes, taken from the query itself.
//!
//! The same projection tells the writer what to write: a member that is added to a query is in its schema, and one
//! whose type changes has changed there. No member is required: what says nothing is left out, and so is what a request
//! does not want.

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, ExprSchemable, Projection};
use serde_json::{Map, Value, json};

use crate::catalog::COMMENT;
use crate::rest::paths;
use crate::rest::values::is_link;

/// The members of a resource object, by name, as its query's projection makes them: all columns but the first, which
/// is the id.
pub fn members(projection: &Projection) -> Vec<(String, Value)> {
    let input = projection.input.schema();
    let names = projection.schema.fields().iter().map(|field| field.name());
    let members = projection.expr.iter().zip(names).skip(1);
    members
        .map(|(expr, name)| (name.clone(), value(expr, input, name)))
        .collect()
}

/// The schema of what an expression at this place of an object becomes.
fn value(expr: &Expr, input: &DFSchema, path: &str) -> Value {
    let mut schema = match plain(expr) {
        _ if is_link(path) => json!({"type": "string", "format": "uri"}),
        Expr::Literal(text, _) if text.try_as_str().flatten().is_some() => {
            json!({"const": text.try_as_str().flatten()})
        }
        Expr::ScalarFunction(call) if call.func.name() == "named_struct" => {
            let members = paths::members(call);
            let member = |(name, expr): (&str, &Expr)| {
                (
                    name.to_owned(),
                    value(expr, input, &format!("{path}/{name}")),
                )
            };
            of_members(members.map(member))
        }
        Expr::ScalarFunction(ScalarFunction { func, args }) if func.name() == "make_array" => {
            let elements: Vec<_> = args.iter().map(|expr| value(expr, input, path)).collect();
            let mut array = json!({
                "type": "array",
                "minItems": elements.len(),
                "maxItems": elements.len(),
            });
            if let Some(first) = elements.first() {
                array["items"] = match elements.iter().all(|element| element == first) {
                    true => first.clone(),
                    false => json!({"anyOf": elements}),
                };
            }
            array
        }
        other => match other.get_type(input) {
            Ok(data_type) => of_type(&data_type),
            Err(_) => json!({}),
        },
    };
    if let Some(comment) = comment(expr, input) {
        schema["description"] = json!(comment);
    }
    schema
}

fn plain(expr: &Expr) -> &Expr {
    match expr {
        Expr::Alias(alias) => plain(&alias.expr),
        other => other,
    }
}

/// The schema of a type that the query leaves to the engine.
fn of_type(data_type: &DataType) -> Value {
    match data_type {
        DataType::Boolean => json!({"type": "boolean"}),
        data_type if data_type.is_integer() => json!({"type": "integer"}),
        data_type if data_type.is_floating() => json!({"type": "number"}),
        DataType::Timestamp(..) => json!({"type": "string", "format": "date-time"}),
        DataType::List(element) => json!({"type": "array", "items": of_type(element.data_type())}),
        DataType::Struct(fields) => of_members(
            fields
                .iter()
                .map(|field| (field.name().clone(), of_type(field.data_type()))),
        ),
        DataType::Map(..) => {
            json!({"type": "object", "additionalProperties": {"type": "string"}})
        }
        _ => json!({"type": "string"}),
    }
}

fn of_members(members: impl Iterator<Item = (String, Value)>) -> Value {
    let properties: Map<_, _> = members.collect();
    json!({"type": "object", "properties": properties, "additionalProperties": false})
}

/// What is said of the column that a value is made of, if it is made of one.
fn comment<'a>(expr: &Expr, input: &'a DFSchema) -> Option<&'a str> {
    let columns = expr.column_refs();
    let mut columns = columns.iter();
    let (Some(column), None) = (columns.next(), columns.next()) else {
        return None;
    };
    let (_, field) = input.qualified_field_from_column(column).ok()?;
    field.metadata().get(COMMENT).map(String::as_str)
}
