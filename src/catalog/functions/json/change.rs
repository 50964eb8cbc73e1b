//! Values that are made of others: without a part, with another one, in another form.

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;

use super::super::define::{Answer, Function, Gives};
use super::super::value::{Kind, Row, refuse_over};
use super::look::{is_string, place};
use super::{TYPES, text_array};
use crate::proxy::postgres::error::SqlError;
use crate::sql::params::json::{Form, Json, binary, check, parts, quoted, written};

/// How deep a path may lead.
const STEPS_MAX: usize = 256;

fn object<'a>(members: impl IntoIterator<Item = (String, &'a str)>) -> String {
    let members = members
        .into_iter()
        .map(|(name, member)| format!("{}:{member}", quoted(&name)));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

fn array<'a>(elements: impl IntoIterator<Item = &'a str>) -> String {
    format!("[{}]", elements.into_iter().collect::<Vec<_>>().join(","))
}

fn given(a: &Row<'_>, place: usize) -> Result<String, SqlError> {
    binary(a.text(place))
}

fn made(name: &str, text: &str) -> Answer {
    refuse_over(name, text.len() as u64)?;
    Ok(binary(text)?.into())
}

/// `||`: two objects become one, all else the elements of one array.
fn concatenated(left: &str, right: &str) -> Result<String, SqlError> {
    let elements = |parts| match parts {
        (Json::Array(elements), _) => elements,
        (_, whole) => vec![whole],
    };
    Ok(match (parts(left)?, parts(right)?) {
        (Json::Object(mut members), Json::Object(more)) => {
            members.extend(more);
            object(members)
        }
        (one, other) => array([elements((one, left)), elements((other, right))].concat()),
    })
}

/// `-`: without the member of a name, or the strings that are equal to it.
fn without(value: &str, name: &str) -> Result<String, SqlError> {
    Ok(match parts(value)? {
        Json::Object(members) => object(members.into_iter().filter(|(known, _)| known != name)),
        Json::Array(elements) => {
            let mut kept = Vec::with_capacity(elements.len());
            for element in elements {
                if !is_string(element, name)? {
                    kept.push(element);
                }
            }
            array(kept)
        }
        Json::Scalar(_) => return Err(SqlError::new("22023", "cannot delete from scalar")),
    })
}

/// `-`: without the element at a place.
fn without_element(value: &str, at: i64) -> Result<String, SqlError> {
    match parts(value)? {
        Json::Array(mut elements) => {
            if let Some(at) = place(at, elements.len()) {
                elements.remove(at);
            }
            Ok(array(elements))
        }
        Json::Object(_) => Err(SqlError::new(
            "22023",
            "cannot delete from object using integer index",
        )),
        Json::Scalar(_) => Err(SqlError::new("22023", "cannot delete from scalar")),
    }
}

/// What becomes of the value that a path leads to.
#[derive(Clone, Copy)]
enum Change<'a> {
    Delete,
    Set { new: &'a str, creates: bool },
}

/// A value with one change in it.
fn changed(
    value: &str,
    path: &[Option<String>],
    step: usize,
    change: Change<'_>,
) -> Result<String, SqlError> {
    let Some(wanted) = path.get(step) else {
        return Ok(value.to_owned());
    };
    let Some(wanted) = wanted else {
        let message = format!("path element at position {} is null", step + 1);
        return Err(SqlError::new("22004", message));
    };
    if step > STEPS_MAX {
        return Err(SqlError::new("54001", "stack depth limit exceeded"));
    }
    let is_last = step + 1 == path.len();
    // What stands there instead; nothing if it is to go.
    let replaced = |old: &str| match (is_last, change) {
        (false, _) => changed(old, path, step + 1, change).map(Some),
        (true, Change::Delete) => Ok(None),
        (true, Change::Set { new, .. }) => Ok(Some(new.to_owned())),
    };
    let added = match change {
        Change::Set { new, creates: true } if is_last => Some(new),
        _ => None,
    };
    Ok(match parts(value)? {
        Json::Object(members) => {
            let mut written = Vec::with_capacity(members.len() + 1);
            let mut is_there = false;
            for (name, member) in members {
                if name != *wanted {
                    written.push((name, member.to_owned()));
                    continue;
                }
                is_there = true;
                written.extend(replaced(member)?.map(|member| (name, member)));
            }
            if let Some(new) = added.filter(|_| !is_there) {
                written.push((wanted.clone(), new.to_owned()));
            }
            object(
                written
                    .iter()
                    .map(|(name, member)| (name.clone(), member.as_str())),
            )
        }
        Json::Array(elements) => {
            let at: i64 = wanted.trim().parse().map_err(|_| {
                let position = step + 1;
                SqlError::new(
                    "22P02",
                    format!("path element at position {position} is not an integer: \"{wanted}\""),
                )
            })?;
            let found = place(at, elements.len());
            let mut written = Vec::with_capacity(elements.len() + 1);
            for (number, element) in elements.into_iter().enumerate() {
                match Some(number) == found {
                    true => written.extend(replaced(element)?),
                    false => written.push(element.to_owned()),
                }
            }
            match added.filter(|_| found.is_none()) {
                Some(new) if at < 0 => written.insert(0, new.to_owned()),
                Some(new) => written.push(new.to_owned()),
                None => {}
            }
            array(written.iter().map(String::as_str))
        }
        Json::Scalar(_) if step == 0 => {
            let message = match change {
                Change::Delete => "cannot delete path in scalar",
                Change::Set { .. } => "cannot set path in scalar",
            };
            return Err(SqlError::new("22023", message));
        }
        Json::Scalar(scalar) => scalar.to_owned(),
    })
}

pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    use Kind::{Array, Bool, Int, Text};
    let [(_, json), (_, jsonb)] = TYPES;
    let set = |a: &Row<'_>| {
        let (value, new) = (given(a, 0)?, given(a, 2)?);
        let creates = a.len() < 4 || a.bool(3);
        let change = Change::Set { new: &new, creates };
        made(
            "jsonb_set",
            &changed(&value, &text_array(a, 1)?, 0, change)?,
        )
    };
    let delete_path = |a: &Row<'_>| {
        let value = given(a, 0)?;
        let path = text_array(a, 1)?;
        made(
            "jsonb_delete_path",
            &changed(&value, &path, 0, Change::Delete)?,
        )
    };
    let all = [
        Function::new("json_strip_nulls").on(&[Text], json, |a| {
            check(a.text(0))?;
            Ok(written(a.text(0), Form::WITHOUT_NULLS)?.into())
        }),
        Function::new("jsonb_strip_nulls").on(&[Text], jsonb, |a| {
            Ok(written(&given(a, 0)?, Form::BINARY_WITHOUT_NULLS)?.into())
        }),
        Function::new("jsonb_pretty").on(&[Text], Gives::Text, |a| {
            Ok(written(&given(a, 0)?, Form::PRETTY)?.into())
        }),
        Function::new("jsonb_concat").on(&[Text, Text], jsonb, |a| {
            made("jsonb_concat", &concatenated(&given(a, 0)?, &given(a, 1)?)?)
        }),
        Function::new("jsonb_delete")
            .on(&[Text, Text], jsonb, |a| {
                made("jsonb_delete", &without(&given(a, 0)?, a.text(1))?)
            })
            .on(&[Text, Int], jsonb, |a| {
                made("jsonb_delete", &without_element(&given(a, 0)?, a.int(1))?)
            })
            .on(&[Text, Array], jsonb, |a| {
                let mut value = given(a, 0)?;
                for name in text_array(a, 1)?.into_iter().flatten() {
                    value = without(&value, &name)?;
                }
                made("jsonb_delete", &value)
            }),
        Function::new("jsonb_delete_path")
            .on(&[Text, Text], jsonb, delete_path)
            .on(&[Text, Array], jsonb, delete_path),
        Function::new("jsonb_set")
            .on(&[Text, Text, Text], jsonb, set)
            .on(&[Text, Array, Text], jsonb, set)
            .on(&[Text, Text, Text, Bool], jsonb, set)
            .on(&[Text, Array, Text, Bool], jsonb, set),
    ];
    all.into_iter().map(Function::done).collect()
}
