//! Values as JSON.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field};
use datafusion::logical_expr::ScalarUDF;

use super::super::define::{Answer, Function, Gives};
use super::super::template::write;
use super::super::value::{
    Column, Kind, Row, is_number, list_item, refuse_over, stamp_type, texts,
};
use super::text_array;
use crate::catalog::column::TYPE;
use crate::proxy::postgres::error::SqlError;
use crate::sql::encode::zone::Zone;
use crate::sql::params::json::{binary, quoted};

/// Between the elements of an array, by who makes it.
const TIGHT: &str = ",";
const LOOSE: &str = ", ";
const LINES: &str = ",\n ";

fn failed(error: arrow::error::ArrowError) -> SqlError {
    SqlError::new("XX000", error.to_string())
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
                Ok(format!("{{{}}}", pairs.collect::<Vec<_>>().join(separator)))
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
            let micros = arrow::compute::cast(array, &stamp_type(is_zoned)).map_err(failed)?;
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
    let pg_type = a.columns.get(place).and_then(Column::pg_type);
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

/// A row, if so wished with a line for each of its members.
fn row_in_lines(a: &Row<'_>) -> Answer {
    let separator = if a.bool(1) { LINES } else { TIGHT };
    Ok(value_at(a, 0, separator)?.into())
}

/// Before each element of an array that is an array or a row itself, but for the first.
const ELEMENT_LINE: &str = "\n ";

/// A value as an element of an aggregated array.
fn element(a: &Row<'_>) -> Answer {
    let value = value_at(a, 0, TIGHT)?;
    let data_type = a.columns.first().map(|column| column.array().data_type());
    let is_nested = data_type
        .is_some_and(|given| matches!(given, DataType::Struct(_)) || list_item(given).is_some());
    Ok(match is_nested {
        true => format!("{ELEMENT_LINE}{value}").into(),
        false => value.into(),
    })
}

/// An array of such elements.
fn array_of_elements(a: &Row<'_>) -> Result<String, SqlError> {
    let elements = texts(&a.elements(0), a.zone)?;
    let elements = elements
        .iter()
        .map(|value| value.as_deref().unwrap_or("null"));
    let elements = elements.collect::<Vec<_>>().join(LOOSE);
    let elements = elements.strip_prefix(ELEMENT_LINE).unwrap_or(&elements);
    refuse_over("json_agg", elements.len() as u64)?;
    Ok(format!("[{elements}]"))
}

/// An object of pairs: names and their values, which are JSON already.
fn object_of_pairs(a: &Row<'_>) -> Result<String, SqlError> {
    let pairs = a.elements(0);
    let columns = pairs.as_struct_opt().map(|pairs| pairs.columns());
    let Some([names, members]) = columns else {
        return Ok("{}".to_owned());
    };
    let (names, members) = (texts(names, a.zone)?, texts(members, a.zone)?);
    let mut out = Vec::with_capacity(names.len());
    for (name, member) in names.into_iter().zip(members) {
        let name = name.ok_or_else(|| SqlError::new("22023", "field name must not be null"))?;
        let member = member.as_deref().unwrap_or("null");
        out.push(format!("{} : {member}", quoted(&name)));
    }
    let text = format!("{{ {} }}", out.join(LOOSE));
    refuse_over("json_object_agg", text.len() as u64)?;
    Ok(text)
}

/// An object of texts: of names and values one after the other, or of an array of each.
fn object_of_texts(a: &Row<'_>) -> Result<String, SqlError> {
    let given = text_array(a, 0)?;
    let pairs: Vec<(Option<String>, Option<String>)> = match a.len() {
        1 => {
            let (pairs, rest) = given.as_chunks::<2>();
            if !rest.is_empty() {
                let message = "array must have even number of elements";
                return Err(SqlError::new("2202E", message));
            }
            pairs
                .iter()
                .cloned()
                .map(|[name, value]| (name, value))
                .collect()
        }
        _ => {
            let values = text_array(a, 1)?;
            if values.len() != given.len() {
                return Err(SqlError::new("2202E", "mismatched array dimensions"));
            }
            given.into_iter().zip(values).collect()
        }
    };
    let pairs = pairs.into_iter().map(|(name, value)| {
        let name =
            name.ok_or_else(|| SqlError::new("22004", "null value not allowed for object key"))?;
        let value = value.map_or_else(|| "null".to_owned(), |value| quoted(&value));
        Ok(format!("{} : {value}", quoted(&name)))
    });
    let pairs = pairs.collect::<Result<Vec<_>, SqlError>>()?;
    Ok(format!("{{{}}}", pairs.join(LOOSE)))
}

type Make = fn(&Row<'_>) -> Result<String, SqlError>;

/// What is made, as `json` and as `jsonb`.
fn both(make: Make) -> [(Gives, impl Fn(&Row<'_>) -> Answer + Clone); 2] {
    let answer = move |is_binary: bool| {
        move |a: &Row<'_>| {
            let text = make(a)?;
            Ok(match is_binary {
                true => binary(&text)?.into(),
                false => text.into(),
            })
        }
    };
    [
        (Gives::Named("json"), answer(false)),
        (Gives::Named("jsonb"), answer(true)),
    ]
}

pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    use Kind::{Any, Array, Bool, Text};
    let one: Make = |a| value_at(a, 0, TIGHT);
    let mut all = vec![
        Function::stable("row_to_json")
            .on(&[Any], Gives::Named("json"), move |a| Ok(one(a)?.into()))
            .on(&[Any, Bool], Gives::Named("json"), row_in_lines),
        Function::stable("array_to_json")
            .on(&[Any], Gives::Named("json"), move |a| Ok(one(a)?.into())),
        // What `json_agg` and its kin are made of.
        Function::stable("json_element").on(&[Any], Gives::Text, element),
    ];
    for (names, make) in [
        (["to_json", "to_jsonb"], one),
        (["json_of_list", "jsonb_of_list"], |a| value_at(a, 0, LOOSE)),
        (["json_of_elements", "jsonb_of_elements"], array_of_elements),
        (["json_of_pairs", "jsonb_of_pairs"], object_of_pairs),
    ] as [([&'static str; 2], Make); 4]
    {
        let made = names.into_iter().zip(both(make));
        all.extend(made.map(|(name, (gives, of))| Function::stable(name).on(&[Any], gives, of)));
    }
    for (names, make) in [
        (["json_build_object", "jsonb_build_object"], object as Make),
        (["json_build_array", "jsonb_build_array"], array),
    ] {
        let made = names.into_iter().zip(both(make));
        all.extend(
            made.map(|(name, (gives, of))| Function::stable(name).on_any_number(&[Any], gives, of)),
        );
    }
    let made = ["json_object", "jsonb_object"].into_iter();
    all.extend(made.zip(both(object_of_texts)).map(|(name, (gives, of))| {
        let takes: [&[Kind]; 4] = [&[Text], &[Array], &[Text, Text], &[Array, Array]];
        takes
            .into_iter()
            .fold(Function::new(name), |function, takes| {
                function.on(takes, gives, of.clone())
            })
    }));
    all.into_iter().map(Function::done).collect()
}
