//! Arrays.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, ListArray, ListBuilder, Scalar, StringBuilder, new_empty_array,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::kernels::cmp::not_distinct;
use arrow::compute::{cast, concat, filter, not};
use arrow::datatypes::{DataType, Field};
use datafusion::logical_expr::ScalarUDF;

use super::define::{Answer, Function, Gives};
use super::output::Value;
use super::value::{Kind, Row, list_item, refuse_over, texts};
use crate::proxy::postgres::error::SqlError;

/// An error of a conversion between types.
pub(super) fn failed(error: arrow::error::ArrowError) -> SqlError {
    SqlError::new("42804", error.to_string())
}

/// A list of these elements, as an array of one.
fn list(elements: ArrayRef) -> Value {
    let field = Arc::new(Field::new_list_field(elements.data_type().clone(), true));
    let offsets = OffsetBuffer::from_lengths([elements.len()]);
    Value::One(Arc::new(ListArray::new(field, offsets, elements, None)))
}

/// A list of lists of texts, as an array of one.
pub(super) fn list_of_texts(lists: impl Iterator<Item = Vec<Option<String>>>) -> ArrayRef {
    let mut builder = ListBuilder::new(ListBuilder::new(StringBuilder::new()));
    for texts in lists {
        texts
            .into_iter()
            .for_each(|text| builder.values().values().append_option(text));
        builder.values().append(true);
    }
    builder.append(true);
    Arc::new(builder.finish())
}

/// How many elements each dimension has; none in an empty array.
fn dimensions(elements: &ArrayRef) -> Vec<i64> {
    let mut lengths = Vec::new();
    let mut level = Arc::clone(elements);
    while !level.is_empty() {
        lengths.push(level.len() as i64);
        level = match level.as_list_opt::<i32>() {
            Some(lists) if !lists.is_null(0) => lists.value(0),
            _ => break,
        };
    }
    lengths
}

/// How deep arrays are nested in a type.
fn depth(data_type: &DataType) -> usize {
    list_item(data_type).map_or(0, |item| 1 + depth(item))
}

pub(super) fn dimension_of(a: &Row<'_>) -> Option<i64> {
    let at = usize::try_from(a.int(1)).ok()?.checked_sub(1)?;
    dimensions(&a.elements(0)).get(at).copied()
}

/// The subscript of an array's first element: the catalog's vectors begin at 0.
pub(super) fn first_subscript(a: &Row<'_>) -> i64 {
    let pg_type = a.columns.first().and_then(|column| column.pg_type());
    i64::from(!matches!(pg_type, Some("int2vector" | "oidvector")))
}

/// The leaves of nested lists.
fn leaves(elements: ArrayRef) -> ArrayRef {
    match elements.as_list_opt::<i32>() {
        Some(lists) => {
            let from = lists.value_offsets().first().copied().unwrap_or(0) as usize;
            let to = lists.value_offsets().last().copied().unwrap_or(0) as usize;
            leaves(lists.values().slice(from, to - from))
        }
        None => elements,
    }
}

fn joined(a: &Row<'_>) -> Answer {
    let (Some(delimiter), false) = (a.opt_text(1), a.is_null(0)) else {
        return Ok(Value::Null);
    };
    let instead = if a.len() > 2 { a.opt_text(2) } else { None };
    let mut out = String::new();
    let mut is_first = true;
    for text in texts(&leaves(a.elements(0)), a.zone)? {
        let Some(text) = text.as_deref().or(instead) else {
            continue;
        };
        if !std::mem::take(&mut is_first) {
            out.push_str(delimiter);
        }
        out.push_str(text);
        refuse_over("array_to_string", out.len() as u64)?;
    }
    Ok(out.into())
}

fn parts(a: &Row<'_>) -> Answer {
    let Some(text) = a.opt_text(0) else {
        return Ok(Value::Null);
    };
    let null = if a.len() > 2 { a.opt_text(2) } else { None };
    let parts: Vec<&str> = match (text, a.opt_text(1)) {
        ("", _) => Vec::new(),
        (text, None) => text.split("").filter(|part| !part.is_empty()).collect(),
        (text, Some("")) => vec![text],
        (text, Some(delimiter)) => text.split(delimiter).collect(),
    };
    refuse_over("string_to_array", (parts.len() as u64).saturating_mul(32))?;
    let owned = |part: &str| (Some(part) != null).then(|| part.to_owned());
    Ok(parts.into_iter().map(owned).collect::<Vec<_>>().into())
}

/// Which elements are the value, NULL being the same as NULL.
fn same(elements: &ArrayRef, value: &ArrayRef) -> Result<arrow::array::BooleanArray, SqlError> {
    let value = cast(value, elements.data_type()).map_err(failed)?;
    not_distinct(elements, &Scalar::new(value)).map_err(failed)
}

fn places(a: &Row<'_>) -> Result<Vec<i32>, SqlError> {
    let elements = a.elements(0);
    let found = same(&elements, &a.any(1))?;
    Ok((first_subscript(a) as i32..)
        .zip(found.iter())
        .filter(|(_, same)| *same == Some(true))
        .map(|(place, _)| place)
        .collect())
}

fn appended(one: ArrayRef, two: ArrayRef) -> Answer {
    let two = cast(&two, one.data_type()).map_err(failed)?;
    refuse_over(
        "array_cat",
        (one.get_buffer_memory_size() + two.get_buffer_memory_size()) as u64,
    )?;
    Ok(list(concat(&[one.as_ref(), two.as_ref()]).map_err(failed)?))
}

/// The elements in the type of the other argument where they have none of their own.
fn typed(elements: ArrayRef, like: &DataType) -> ArrayRef {
    match elements.data_type() {
        DataType::Null if elements.is_empty() => new_empty_array(like),
        _ => elements,
    }
}

pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    use Kind::{Any, Array, Int, Text};
    let all =
        [
            Function::stable("array_to_string")
                .on_nulls(&[Array, Text], Gives::Text, joined)
                .on_nulls(&[Array, Text, Text], Gives::Text, joined),
            Function::new("string_to_array")
                .on_nulls(&[Text, Text], Gives::Texts, parts)
                .on_nulls(&[Text, Text, Text], Gives::Texts, parts),
            Function::new("string_to_table")
                .on_nulls(&[Text, Text], Gives::Texts, parts)
                .on_nulls(&[Text, Text, Text], Gives::Texts, parts),
            Function::new("array_of").on_nulls(&[Array], Gives::Same(0), |a| {
                Ok(match a.is_null(0) {
                    true => {
                        let item = a
                            .columns
                            .first()
                            .and_then(|column| list_item(column.array().data_type()));
                        list(new_empty_array(item.unwrap_or(&DataType::Utf8)))
                    }
                    false => Value::One(a.any(0)),
                })
            }),
            Function::new("array_upper").on(&[Array, Int], Gives::Int4, |a| {
                Ok(dimension_of(a)
                    .map(|length| first_subscript(a) + length - 1)
                    .into())
            }),
            Function::new("array_lower").on(&[Array, Int], Gives::Int4, |a| {
                Ok(dimension_of(a).map(|_| first_subscript(a)).into())
            }),
            Function::new("array_length")
                .on(&[Array, Int], Gives::Int4, |a| Ok(dimension_of(a).into())),
            Function::new("array_ndims").on(&[Array], Gives::Int4, |a| {
                let ndims = dimensions(&a.elements(0)).len() as i64;
                Ok((ndims > 0).then_some(ndims).into())
            }),
            Function::new("array_dims").on(&[Array], Gives::Text, |a| {
                let first = first_subscript(a);
                let dims: String = dimensions(&a.elements(0))
                    .iter()
                    .map(|length| format!("[{first}:{}]", first + length - 1))
                    .collect();
                Ok((!dims.is_empty()).then_some(dims).into())
            }),
            Function::new("cardinality").on(&[Array], Gives::Int4, |a| {
                Ok(Value::Int(leaves(a.elements(0)).len() as i64))
            }),
            Function::new("array_position")
                .on_nulls(&[Array, Any], Gives::Int4, |a| {
                    Ok(if a.is_null(0) {
                        Value::Null
                    } else {
                        places(a)?.first().copied().into()
                    })
                })
                .on_nulls(&[Array, Any, Int], Gives::Int4, |a| {
                    if a.is_null(0) {
                        return Ok(Value::Null);
                    }
                    let first = a.int(2);
                    Ok(places(a)?
                        .into_iter()
                        .find(|place| i64::from(*place) >= first)
                        .into())
                }),
            Function::new("array_positions").on_nulls(&[Array, Any], Gives::Ints, |a| {
                Ok(match a.is_null(0) {
                    true => Value::Null,
                    false => Value::Ints(places(a)?.into_iter().map(Some).collect()),
                })
            }),
            Function::new("array_append").on_nulls(&[Array, Any], Gives::Same(0), |a| {
                let value = a.any(1);
                appended(typed(a.elements(0), value.data_type()), value)
            }),
            Function::new("array_prepend").on_nulls(&[Any, Array], Gives::Same(1), |a| {
                let value = a.any(0);
                let elements = typed(a.elements(1), value.data_type());
                let value = cast(&value, elements.data_type()).map_err(failed)?;
                appended(value, elements)
            }),
            Function::new("array_cat").on_nulls(&[Array, Array], Gives::Same(0), |a| {
                Ok(match (a.is_null(0), a.is_null(1)) {
                    (true, true) => Value::Null,
                    (true, false) => Value::One(a.any(1)),
                    (false, true) => Value::One(a.any(0)),
                    (false, false) => {
                        let two = a.elements(1);
                        let one = typed(a.elements(0), two.data_type());
                        // An array and an element of it that is an array itself.
                        match (depth(one.data_type()), depth(two.data_type())) {
                            (more, less) if more == less + 1 => return appended(one, a.any(1)),
                            (less, more) if more == less + 1 => return appended(a.any(0), two),
                            _ => return appended(one, two),
                        }
                    }
                })
            }),
            Function::new("array_remove").on_nulls(&[Array, Any], Gives::Same(0), |a| {
                if a.is_null(0) {
                    return Ok(Value::Null);
                }
                let elements = a.elements(0);
                let kept = not(&same(&elements, &a.any(1))?).map_err(failed)?;
                Ok(list(filter(&elements, &kept).map_err(failed)?))
            }),
            Function::new("array_replace").on_nulls(&[Array, Any, Any], Gives::Same(0), |a| {
                if a.is_null(0) {
                    return Ok(Value::Null);
                }
                let elements = a.elements(0);
                let found = same(&elements, &a.any(1))?;
                let new = cast(&a.any(2), elements.data_type()).map_err(failed)?;
                let pick = (0..).zip(found.iter());
                let pick: Vec<_> = pick
                    .map(|(at, same)| if same == Some(true) { (1, 0) } else { (0, at) })
                    .collect();
                let picked = arrow::compute::interleave(&[elements.as_ref(), new.as_ref()], &pick);
                Ok(list(picked.map_err(failed)?))
            }),
        ];
    all.map(Function::done).into()
}
