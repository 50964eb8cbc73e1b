//! What is in a value: its members and elements, as `json`, as `jsonb` or as text.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray, StructArray};
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::ScalarUDF;

use super::super::define::{Answer, Function, Gives};
use super::super::named;
use super::super::output::Value;
use super::super::sets::one_list;
use super::super::value::{Kind, Row, list_of, refuse_over};
use super::{TYPES, text_array};
use crate::proxy::postgres::error::SqlError;
use crate::sql::params::json::{Json, as_text, binary, check, parts};

/// An argument that is JSON, as its type writes it.
fn value<'a>(a: &'a Row<'_>, place: usize, is_binary: bool) -> Result<Cow<'a, str>, SqlError> {
    let text = a.text(place);
    if is_binary {
        return binary(text).map(Cow::Owned);
    }
    check(text)?;
    Ok(Cow::Borrowed(text))
}

/// A part of a value: as JSON, or as text where a string loses its quotation marks and null is NULL.
fn part(found: Option<&str>, is_text: bool) -> Answer {
    Ok(match found {
        None => Value::Null,
        Some(found) if is_text => as_text(found)?.map_or(Value::Null, Value::Text),
        Some(found) => found.into(),
    })
}

/// The member of this name; of those with one name the last.
pub(super) fn member<'a>(value: &'a str, name: &str) -> Result<Option<&'a str>, SqlError> {
    Ok(match parts(value)? {
        Json::Object(members) => {
            let found = members.iter().rfind(|(known, _)| known == name);
            found.map(|(_, member)| *member)
        }
        Json::Array(_) | Json::Scalar(_) => None,
    })
}

/// The place of an element that is counted from the front, or from the back if negative.
pub(super) fn place(at: i64, count: usize) -> Option<usize> {
    let at = match at < 0 {
        true => at.checked_add(i64::try_from(count).ok()?)?,
        false => at,
    };
    usize::try_from(at).ok().filter(|at| *at < count)
}

fn element(value: &str, at: i64) -> Result<Option<&str>, SqlError> {
    Ok(match parts(value)? {
        Json::Array(elements) => place(at, elements.len()).map(|at| elements[at]),
        Json::Object(_) | Json::Scalar(_) => None,
    })
}

/// What a path leads to, each step of which is the name of a member or the place of an element.
fn at_path<'a>(value: &'a str, path: &[Option<String>]) -> Result<Option<&'a str>, SqlError> {
    let mut found = value;
    for step in path {
        let Some(step) = step else {
            return Ok(None);
        };
        let next = match parts(found)? {
            Json::Object(_) => member(found, step)?,
            Json::Array(_) => match step.trim().parse() {
                Ok(at) => element(found, at)?,
                Err(_) => None,
            },
            Json::Scalar(_) => None,
        };
        match next {
            Some(next) => found = next,
            None => return Ok(None),
        }
    }
    Ok(Some(found))
}

/// The path after the first argument: an array of text, or texts.
fn path(a: &Row<'_>) -> Result<Vec<Option<String>>, SqlError> {
    let is_array = a.len() == 2
        && (a.opt_text(1).is_some_and(|text| text.starts_with('{'))
            || super::list_item(a.any(1).data_type()).is_some());
    match is_array {
        true => text_array(a, 1),
        false => (1..a.len()).map(|place| a.shown(place)).collect(),
    }
}

fn list<T>(name: &str, items: Vec<T>) -> Answer
where
    StringArray: From<Vec<T>>,
{
    let items = StringArray::from(items);
    refuse_over(name, items.values().len() as u64)?;
    Ok(one_list(Arc::new(items)))
}

fn refused(sentence: &str, name: &str) -> SqlError {
    SqlError::new("22023", sentence.replace("{}", name))
}

/// The elements of an array.
fn elements(a: &Row<'_>, name: &str, is_binary: bool, is_text: bool) -> Answer {
    let value = value(a, 0, is_binary)?;
    match parts(&value)? {
        Json::Array(elements) if is_text => {
            let texts = elements.into_iter().map(as_text);
            list(name, texts.collect::<Result<Vec<_>, _>>()?)
        }
        Json::Array(elements) => list(name, elements),
        Json::Object(_) if is_binary => {
            Err(refused("cannot extract elements from an object", name))
        }
        Json::Scalar(_) if is_binary => Err(refused("cannot extract elements from a scalar", name)),
        Json::Object(_) => Err(refused("cannot call {} on a non-array", name)),
        Json::Scalar(_) => Err(refused("cannot call {} on a scalar", name)),
    }
}

/// The members of an object.
fn members<'a>(value: &'a str, name: &str) -> Result<Vec<(String, &'a str)>, SqlError> {
    match parts(value)? {
        Json::Object(members) => Ok(members),
        Json::Array(_) => Err(refused("cannot call {} on an array", name)),
        Json::Scalar(_) => Err(refused("cannot call {} on a scalar", name)),
    }
}

/// The columns of `json_each` and its kin. `of`: the type of the values, if they are no texts.
fn each_fields(of: Option<&str>) -> Fields {
    let value = Field::new("value", DataType::Utf8, true);
    let value = match of {
        Some(of) => named(value, of),
        None => value,
    };
    [Field::new("key", DataType::Utf8, true), value]
        .into_iter()
        .collect()
}

/// A list of texts, which becomes rows.
const TEXT_ROWS: Gives = Gives::Of(|_, _| list_of(DataType::Utf8));

type TypeOf = fn(&[FieldRef], &[Option<&ScalarValue>]) -> DataType;

/// What `json_each`, `jsonb_each` and those that make texts give.
const EACH: [[TypeOf; 2]; 2] = [
    [
        |_, _| list_of(DataType::Struct(each_fields(Some("json")))),
        |_, _| list_of(DataType::Struct(each_fields(None))),
    ],
    [
        |_, _| list_of(DataType::Struct(each_fields(Some("jsonb")))),
        |_, _| list_of(DataType::Struct(each_fields(None))),
    ],
];

/// The members of an object as rows.
fn each(a: &Row<'_>, name: &str, is_binary: bool, is_text: bool) -> Answer {
    let value = value(a, 0, is_binary)?;
    let members = match (parts(&value)?, is_binary) {
        (Json::Object(members), _) => members,
        (_, true) => return Err(refused("cannot call {} on a non-object", name)),
        (Json::Array(_), false) => {
            return Err(refused("cannot deconstruct an array as an object", name));
        }
        (Json::Scalar(_), false) => return Err(refused("cannot deconstruct a scalar", name)),
    };
    refuse_over(name, value.len() as u64)?;
    let names = StringArray::from_iter_values(members.iter().map(|(name, _)| name));
    let values: ArrayRef = match is_text {
        true => {
            let texts = members.iter().map(|(_, member)| as_text(member));
            Arc::new(texts.collect::<Result<StringArray, _>>()?)
        }
        false => Arc::new(StringArray::from_iter_values(
            members.iter().map(|(_, member)| *member),
        )),
    };
    let of = (!is_text).then_some(TYPES[usize::from(is_binary)].0);
    let rows = StructArray::new(each_fields(of), vec![Arc::new(names), values], None);
    Ok(one_list(Arc::new(rows)))
}

fn type_name(value: &str) -> Result<&'static str, SqlError> {
    Ok(match parts(value)? {
        Json::Object(_) => "object",
        Json::Array(_) => "array",
        Json::Scalar("null") => "null",
        Json::Scalar("true" | "false") => "boolean",
        Json::Scalar(string) if string.starts_with('"') => "string",
        Json::Scalar(_) => "number",
    })
}

fn length(value: &str) -> Answer {
    match parts(value)? {
        Json::Array(elements) => Ok(Value::Int(elements.len() as i64)),
        Json::Object(_) => Err(refused("cannot get array length of a non-array", "")),
        Json::Scalar(_) => Err(refused("cannot get array length of a scalar", "")),
    }
}

/// Whether a value is this string.
pub(super) fn is_string(value: &str, text: &str) -> Result<bool, SqlError> {
    Ok(value.starts_with('"') && as_text(value)?.as_deref() == Some(text))
}

/// Whether a text is the name of a member, or an element.
fn has(value: &str, text: &str) -> Result<bool, SqlError> {
    match parts(value)? {
        Json::Object(_) => Ok(member(value, text)?.is_some()),
        Json::Array(elements) => {
            let mut found = elements.into_iter().map(|element| is_string(element, text));
            found.try_fold(false, |any, found| Ok(any || found?))
        }
        Json::Scalar(scalar) => is_string(scalar, text),
    }
}

/// Whether a value has in it what another has, as `@>` tells: both as `jsonb` writes them.
fn contains(value: &str, other: &str, is_within: bool) -> Result<bool, SqlError> {
    let all = |others: Vec<&str>, found: &dyn Fn(&str) -> Result<bool, SqlError>| {
        for other in others {
            if !found(other)? {
                return Ok(false);
            }
        }
        Ok(true)
    };
    match (parts(value)?, parts(other)?) {
        (Json::Object(_), Json::Object(members)) => {
            for (name, wanted) in members {
                match member(value, &name)? {
                    Some(found) if contains(found, wanted, true)? => {}
                    _ => return Ok(false),
                }
            }
            Ok(true)
        }
        (Json::Array(elements), Json::Array(others)) => all(others, &|other| {
            for element in &elements {
                if contains(element, other, true)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }),
        // An array may contain a scalar, but none that stands in another one.
        (Json::Array(elements), Json::Scalar(other)) => Ok(!is_within && elements.contains(&other)),
        (Json::Scalar(value), Json::Scalar(other)) => Ok(value == other),
        _ => Ok(false),
    }
}

/// Functions that come for `json` and for `jsonb`.
fn of_both(is_binary: bool) -> Vec<Function> {
    use Kind::{Any, Int, Text};
    // The operators do not know which of both types they are of.
    let (_, json) = match is_binary {
        true => TYPES[1],
        false => ("json", Gives::Json),
    };
    let name = |json: &'static str, jsonb: &'static str| if is_binary { jsonb } else { json };
    let mut all = Vec::new();
    for is_text in [false, true] {
        let gives = if is_text { Gives::Text } else { json };
        let pick = |plain: &'static str, text: &'static str| if is_text { text } else { plain };
        let field = pick(
            name("json_object_field", "jsonb_object_field"),
            name("json_object_field_text", "jsonb_object_field_text"),
        );
        all.push(
            Function::new(field)
                .on(&[Text, Text], gives, move |a| {
                    part(member(&value(a, 0, is_binary)?, a.text(1))?, is_text)
                })
                .on(&[Text, Int], gives, move |a| {
                    part(element(&value(a, 0, is_binary)?, a.int(1))?, is_text)
                }),
        );
        let extract = pick(
            name("json_extract_path", "jsonb_extract_path"),
            name("json_extract_path_text", "jsonb_extract_path_text"),
        );
        all.push(
            Function::new(extract).on_any_number(&[Text, Any], gives, move |a| {
                if a.is_null(0) {
                    return Ok(Value::Null);
                }
                part(at_path(&value(a, 0, is_binary)?, &path(a)?)?, is_text)
            }),
        );
        let array = pick(
            name("json_array_elements", "jsonb_array_elements"),
            name("json_array_elements_text", "jsonb_array_elements_text"),
        );
        all.push(Function::new(array).on(&[Text], TEXT_ROWS, move |a| {
            elements(a, array, is_binary, is_text)
        }));
        let object = pick(
            name("json_each", "jsonb_each"),
            name("json_each_text", "jsonb_each_text"),
        );
        let rows = Gives::Of(EACH[usize::from(is_binary)][usize::from(is_text)]);
        all.push(
            Function::new(object).on(&[Text], rows, move |a| each(a, object, is_binary, is_text)),
        );
    }
    let keys = name("json_object_keys", "jsonb_object_keys");
    all.push(Function::new(keys).on(&[Text], TEXT_ROWS, move |a| {
        let value = value(a, 0, is_binary)?;
        let names = members(&value, keys)?.into_iter().map(|(name, _)| name);
        list(keys, names.collect::<Vec<_>>())
    }));
    let kind = name("json_typeof", "jsonb_typeof");
    all.push(Function::new(kind).on(&[Text], Gives::Text, move |a| {
        Ok(type_name(&value(a, 0, is_binary)?)?.into())
    }));
    let count = name("json_array_length", "jsonb_array_length");
    all.push(Function::new(count).on(&[Text], Gives::Int4, move |a| {
        length(&value(a, 0, is_binary)?)
    }));
    all
}

pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    use Kind::{Array, Text};
    let mut all = of_both(false);
    all.extend(of_both(true));
    let contained = |a: &Row<'_>, [value_at, other_at]: [usize; 2]| -> Answer {
        let (value, other) = (value(a, value_at, true)?, value(a, other_at, true)?);
        Ok(contains(&value, &other, false)?.into())
    };
    all.extend([
        Function::new("jsonb_contains")
            .on(&[Text, Text], Gives::Bool, move |a| contained(a, [0, 1])),
        Function::new("jsonb_contained")
            .on(&[Text, Text], Gives::Bool, move |a| contained(a, [1, 0])),
        Function::new("jsonb_exists").on(&[Text, Text], Gives::Bool, |a| {
            Ok(has(&value(a, 0, true)?, a.text(1))?.into())
        }),
    ]);
    for (name, is_all) in [("jsonb_exists_any", false), ("jsonb_exists_all", true)] {
        let of_texts = move |a: &Row<'_>| {
            let value = value(a, 0, true)?;
            for text in text_array(a, 1)?.into_iter().flatten() {
                if has(&value, &text)? != is_all {
                    return Ok((!is_all).into());
                }
            }
            Ok(is_all.into())
        };
        all.push(
            Function::new(name)
                .on(&[Text, Array], Gives::Bool, of_texts)
                .on(&[Text, Text], Gives::Bool, of_texts),
        );
    }
    all.into_iter().map(Function::done).collect()
}
