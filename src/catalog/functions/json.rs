//! JSON: values as text of the types `json` and `jsonb`, and a look into such texts.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::{DataType, Field};
use datafusion::logical_expr::ScalarUDF;
use serde_json::Value as Json;

use super::define::{Answer, Function, Gives};
use super::output::Value;
use super::sets::one_list;
use super::template::write;
use super::value::{Kind, Row, is_number, list_of, refuse_over, texts};
use crate::catalog::column::TYPE;
use crate::proxy::postgres::error::SqlError;
use crate::sql::encode::zone::Zone;

/// Between the elements of an array, by who makes it.
const TIGHT: &str = ",";
const LOOSE: &str = ", ";

fn failed(error: arrow::error::ArrowError) -> SqlError {
    SqlError::new("XX000", error.to_string())
}

fn quoted(text: &str) -> String {
    Json::String(text.to_owned()).to_string()
}

fn is_json(pg_type: Option<&str>) -> bool {
    matches!(pg_type, Some("json" | "jsonb"))
}

fn type_of(field: &Field) -> Option<&str> {
    field.metadata().get(TYPE).map(String::as_str)
}

/// The values of an array as JSON. `pg_type` is the type that its field names.
fn values(
    array: &ArrayRef,
    pg_type: Option<&str>,
    separator: &str,
    zone: &Zone,
) -> Result<Vec<String>, SqlError> {
    use DataType as D;
    let null = || "null".to_owned();
    let each = |of: &dyn Fn(usize) -> Result<String, SqlError>| {
        (0..array.len())
            .map(|row| {
                if array.is_null(row) {
                    Ok(null())
                } else {
                    of(row)
                }
            })
            .collect()
    };
    match array.data_type() {
        D::Null => Ok(vec![null(); array.len()]),
        D::Boolean => each(&|row| Ok(array.as_boolean().value(row).to_string())),
        D::Struct(fields) => {
            let rows = array.as_struct();
            let columns = fields
                .iter()
                .zip(rows.columns())
                .map(|(field, column)| values(column, type_of(field), TIGHT, zone));
            let columns = columns.collect::<Result<Vec<_>, _>>()?;
            each(&|row| {
                let pairs = fields.iter().zip(&columns).map(|(field, column)| {
                    let value = column.get(row).map_or("null", String::as_str);
                    format!("{}:{value}", quoted(field.name()))
                });
                Ok(format!("{{{}}}", pairs.collect::<Vec<_>>().join(TIGHT)))
            })
        }
        D::List(item) => each(&|row| {
            let of_array = || pg_type.and_then(|name| name.strip_prefix('_'));
            let elements = values(
                &array.as_list::<i32>().value(row),
                type_of(item).or_else(of_array),
                TIGHT,
                zone,
            )?;
            Ok(format!("[{}]", elements.join(separator)))
        }),
        D::Timestamp(_, zoned) => {
            let is_zoned = zoned.is_some();
            let micros =
                arrow::compute::cast(array, &super::value::stamp_type(is_zoned)).map_err(failed)?;
            let micros = micros.as_primitive::<arrow::datatypes::TimestampMicrosecondType>();
            each(&|row| {
                let micros = micros.value(row);
                let text = match is_zoned {
                    true => write::instant(micros, "YYYY-MM-DD\"T\"HH24:MI:SS.US", zone)?,
                    false => write::stamp(micros, "YYYY-MM-DD\"T\"HH24:MI:SS.US")?,
                };
                let text = text.trim_end_matches('0').trim_end_matches('.');
                let offset = match is_zoned {
                    true => write::instant(micros, "TZH:TZM", zone)?,
                    false => String::new(),
                };
                Ok(format!("\"{text}{offset}\""))
            })
        }
        data_type => {
            let is_number = is_number(data_type);
            let is_raw = is_json(pg_type);
            let texts = texts(array, zone)?.into_iter().map(|text| match text {
                None => null(),
                Some(text) if is_raw || (is_number && !text.contains(['N', 'I'])) => text,
                Some(text) => quoted(&text),
            });
            Ok(texts.collect())
        }
    }
}

fn value_at(a: &Row<'_>, place: usize, separator: &str) -> Result<String, SqlError> {
    let pg_type = a.columns.get(place).and_then(super::value::Column::pg_type);
    let mut values = values(&a.any(place), pg_type, separator, a.zone)?;
    let value = values.pop().unwrap_or_else(|| "null".to_owned());
    refuse_over("to_json", value.len() as u64)?;
    Ok(value)
}

fn object(a: &Row<'_>) -> Result<String, SqlError> {
    if !a.len().is_multiple_of(2) {
        return Err(
            SqlError::new("22023", "argument list must have even number of elements").with_hint(
                "The arguments of json_build_object() must consist of alternating keys and values.",
            ),
        );
    }
    let mut pairs = Vec::new();
    for place in (0..a.len()).step_by(2) {
        let Some(key) = a.shown(place)? else {
            return Err(
                SqlError::new("22023", format!("argument {} cannot be null", place + 1))
                    .with_hint("Object keys should be text."),
            );
        };
        pairs.push(format!(
            "{} : {}",
            quoted(&key),
            value_at(a, place + 1, TIGHT)?
        ));
    }
    Ok(format!("{{{}}}", pairs.join(LOOSE)))
}

fn array(a: &Row<'_>) -> Result<String, SqlError> {
    let values = (0..a.len()).map(|place| value_at(a, place, TIGHT));
    Ok(format!(
        "[{}]",
        values.collect::<Result<Vec<_>, _>>()?.join(LOOSE)
    ))
}

fn parse(text: &str) -> Result<Json, SqlError> {
    serde_json::from_str(text)
        .map_err(|_| SqlError::new("22P02", "invalid input syntax for type json"))
}

/// A value as `jsonb` prints it: keys by length, then by their bytes.
fn write_binary(value: &Json, out: &mut String) {
    match value {
        Json::Array(elements) => {
            out.push('[');
            for (at, element) in elements.iter().enumerate() {
                if at > 0 {
                    out.push_str(LOOSE);
                }
                write_binary(element, out);
            }
            out.push(']');
        }
        Json::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(key, _)| (key.len(), *key));
            out.push('{');
            for (at, (key, member)) in members.into_iter().enumerate() {
                if at > 0 {
                    out.push_str(LOOSE);
                }
                out.push_str(&quoted(key));
                out.push_str(": ");
                write_binary(member, out);
            }
            out.push('}');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

fn binary(text: &str) -> Result<String, SqlError> {
    let mut out = String::with_capacity(text.len());
    write_binary(&parse(text)?, &mut out);
    Ok(out)
}

/// A part of a value: as JSON, or as text where a string loses its quotation marks and null is NULL.
fn part(found: Option<&Json>, as_text: bool) -> Value {
    match found {
        None => Value::Null,
        Some(Json::Null) if as_text => Value::Null,
        Some(Json::String(text)) if as_text => text.as_str().into(),
        Some(found) => found.to_string().into(),
    }
}

fn member<'a>(value: &'a Json, key: &str) -> Option<&'a Json> {
    match value {
        Json::Object(members) => members.get(key),
        Json::Array(_) => element(value, key.parse().ok()?),
        _ => None,
    }
}

fn element(value: &Json, at: i64) -> Option<&Json> {
    let elements = value.as_array()?;
    let at = if at < 0 {
        at.checked_add(i64::try_from(elements.len()).ok()?)?
    } else {
        at
    };
    elements.get(usize::try_from(at).ok()?)
}

/// The steps of a path: an array of text, or texts.
fn steps(a: &Row<'_>) -> Result<Vec<String>, SqlError> {
    let of_list = a
        .columns
        .get(1)
        .is_some_and(|column| super::value::list_item(column.array().data_type()).is_some());
    if of_list {
        return Ok(texts(&a.elements(1), a.zone)?
            .into_iter()
            .flatten()
            .collect());
    }
    let steps = (1..a.len()).map(|place| Ok(a.shown(place)?.unwrap_or_default()));
    let steps: Vec<String> = steps.collect::<Result<_, SqlError>>()?;
    match steps.as_slice() {
        // A path written as an array's text.
        [path] if path.starts_with('{') && path.ends_with('}') => {
            let inner = path.trim_start_matches('{').trim_end_matches('}');
            Ok(inner
                .split(',')
                .map(|step| step.trim().trim_matches('"').to_owned())
                .collect())
        }
        _ => Ok(steps),
    }
}

fn list(items: impl Iterator<Item = Option<String>>, name: &'static str) -> Answer {
    let items: Vec<_> = items.collect();
    refuse_over(
        name,
        items.iter().flatten().map(|item| item.len() as u64).sum(),
    )?;
    Ok(one_list(Arc::new(StringArray::from(items))))
}

fn kind_name(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(_) => "number",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    }
}

fn scalar_refused(function: &str) -> SqlError {
    SqlError::new("22023", format!("cannot call {function} on a non-array"))
}

/// The pairs of a list of structs, as one object.
fn object_of_pairs(a: &Row<'_>) -> Answer {
    if a.is_null(0) {
        return Ok(Value::Null);
    }
    let pairs = a.elements(0);
    let Some(pairs) = pairs.as_struct_opt() else {
        return Ok(Value::Null);
    };
    let [keys, members] = pairs.columns() else {
        return Ok(Value::Null);
    };
    let keys = texts(keys, a.zone)?;
    let members = values(members, None, TIGHT, a.zone)?;
    let mut out = Vec::with_capacity(keys.len());
    for (key, member) in keys.into_iter().zip(members) {
        let key = key.ok_or_else(|| SqlError::new("22023", "field name must not be null"))?;
        out.push(format!("{} : {member}", quoted(&key)));
    }
    let text = format!("{{ {} }}", out.join(LOOSE));
    refuse_over("json_object_agg", text.len() as u64)?;
    Ok(text.into())
}

pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    use Kind::{Any, Int, Text};
    let (json, jsonb) = (Gives::Named("json"), Gives::Named("jsonb"));
    let texts_list = Gives::Of(|_, _| list_of(DataType::Utf8));
    let mut all = vec![
        Function::stable("to_json").on(&[Any], json, |a| Ok(value_at(a, 0, TIGHT)?.into())),
        Function::stable("to_jsonb").on(&[Any], jsonb, |a| {
            Ok(binary(&value_at(a, 0, TIGHT)?)?.into())
        }),
        Function::stable("row_to_json").on(&[Any], json, |a| Ok(value_at(a, 0, TIGHT)?.into())),
        Function::stable("array_to_json").on(&[Any], json, |a| Ok(value_at(a, 0, TIGHT)?.into())),
        // What json_agg and its kin are made of.
        Function::stable("json_of_list").on(&[Any], json, |a| Ok(value_at(a, 0, LOOSE)?.into())),
        Function::stable("jsonb_of_list").on(&[Any], jsonb, |a| {
            Ok(binary(&value_at(a, 0, LOOSE)?)?.into())
        }),
        Function::stable("json_of_pairs").on_nulls(&[Kind::Array], json, object_of_pairs),
        Function::stable("json_build_object").on_any_number(
            &[Any],
            json,
            |a| Ok(object(a)?.into()),
        ),
        Function::stable("jsonb_build_object")
            .on_any_number(&[Any], jsonb, |a| Ok(binary(&object(a)?)?.into())),
        Function::stable("json_build_array").on_any_number(&[Any], json, |a| Ok(array(a)?.into())),
        Function::stable("jsonb_build_array")
            .on_any_number(&[Any], jsonb, |a| Ok(binary(&array(a)?)?.into())),
        Function::new("json_array_elements").on(&[Text], texts_list, |a| {
            let value = parse(a.text(0))?;
            let elements = value
                .as_array()
                .ok_or_else(|| scalar_refused("json_array_elements"))?;
            list(
                elements.iter().map(|element| Some(element.to_string())),
                "json_array_elements",
            )
        }),
        Function::new("jsonb_array_elements").on(&[Text], texts_list, |a| {
            let value = parse(a.text(0))?;
            let elements = value
                .as_array()
                .ok_or_else(|| scalar_refused("jsonb_array_elements"))?;
            list(
                elements
                    .iter()
                    .map(|element| binary(&element.to_string()).ok()),
                "jsonb_array_elements",
            )
        }),
        Function::new("json_array_elements_text").on(&[Text], texts_list, |a| {
            let value = parse(a.text(0))?;
            let elements = value
                .as_array()
                .ok_or_else(|| scalar_refused("json_array_elements_text"))?;
            let text = |element: &Json| match part(Some(element), true) {
                Value::Text(text) => Some(text),
                _ => None,
            };
            list(elements.iter().map(text), "json_array_elements_text")
        }),
        Function::new("json_object_keys").on(&[Text], texts_list, |a| match parse(a.text(0))? {
            Json::Object(members) => list(
                members.keys().map(|key| Some(key.clone())),
                "json_object_keys",
            ),
            _ => Err(SqlError::new(
                "22023",
                "cannot call json_object_keys on a scalar",
            )),
        }),
    ];
    for (name, as_text) in [
        ("json_object_field", false),
        ("json_object_field_text", true),
    ] {
        let gives = if as_text { Gives::Text } else { json };
        all.push(Function::new(name).on(&[Text, Text], gives, move |a| {
            let value = parse(a.text(0))?;
            let found = value.as_object().and_then(|members| members.get(a.text(1)));
            Ok(part(found, as_text))
        }));
    }
    for (name, as_text) in [
        ("json_array_element", false),
        ("json_array_element_text", true),
    ] {
        let gives = if as_text { Gives::Text } else { json };
        all.push(Function::new(name).on(&[Text, Int], gives, move |a| {
            Ok(part(element(&parse(a.text(0))?, a.int(1)), as_text))
        }));
    }
    for (name, as_text) in [
        ("json_extract_path", false),
        ("json_extract_path_text", true),
    ] {
        let gives = if as_text { Gives::Text } else { json };
        all.push(
            Function::new(name).on_any_number(&[Text, Any], gives, move |a| {
                if a.is_null(0) {
                    return Ok(Value::Null);
                }
                let value = parse(a.text(0))?;
                let steps = steps(a)?;
                let found = steps
                    .iter()
                    .try_fold(&value, |value, step| member(value, step));
                Ok(part(found, as_text))
            }),
        );
    }
    for name in ["json_typeof", "jsonb_typeof"] {
        all.push(Function::new(name).on(&[Text], Gives::Text, |a| {
            Ok(kind_name(&parse(a.text(0))?).into())
        }));
    }
    for (name, refused) in [
        ("json_array_length", "cannot get array length of a scalar"),
        ("jsonb_array_length", "cannot get array length of a scalar"),
    ] {
        all.push(
            Function::new(name).on(&[Text], Gives::Int4, move |a| match parse(a.text(0))? {
                Json::Array(elements) => Ok(Value::Int(elements.len() as i64)),
                Json::Object(_) => Err(SqlError::new(
                    "22023",
                    "cannot get array length of a non-array",
                )),
                _ => Err(SqlError::new("22023", refused)),
            }),
        );
    }
    all.into_iter().map(Function::done).collect()
}
