//! Things of the catalog by name or oid: what PostgreSQL's types `regclass`, `regtype` … read and print.

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;

use super::define::{Answer, Function, Gives};
use super::output::Value;
use super::quote::ident;
use super::value::{Kind, Row};
use crate::catalog::functions::DATABASE;
use crate::catalog::system::{
    Dictionary, INFORMATION_SCHEMA, PG_CATALOG, Relation, SCHEMAS, named_objects, operators,
    schema_name, schema_oid,
};
use crate::proxy::postgres::error::SqlError;

/// The type of texts of a fixed length.
const BPCHAR: u32 = 1042;

/// The type of an argument of any type.
const ANY: u32 = 2276;

/// The parts of a qualified name, as SQL folds them.
///
/// # Errors
/// 42602 for what is no name.
fn parts(name: &str) -> Result<Vec<String>, SqlError> {
    let invalid = || SqlError::new("42602", "invalid name syntax");
    let mut parts = Vec::new();
    let mut rest = name.trim();
    loop {
        let (part, behind) = match rest.strip_prefix('"') {
            Some(quoted) => {
                let mut part = String::new();
                let mut chars = quoted.char_indices().peekable();
                let end = loop {
                    match chars.next() {
                        Some((_, '"')) if chars.next_if(|(_, c)| *c == '"').is_some() => {
                            part.push('"')
                        }
                        Some((at, '"')) => break at + 1,
                        Some((_, c)) => part.push(c),
                        None => return Err(invalid()),
                    }
                };
                (part, quoted.get(end..).unwrap_or(""))
            }
            None => {
                let end = rest.find('.').unwrap_or(rest.len());
                (rest[..end].trim().to_lowercase(), &rest[end..])
            }
        };
        if part.is_empty() {
            return Err(invalid());
        }
        parts.push(part);
        match behind.trim_start().strip_prefix('.') {
            Some(behind) => rest = behind.trim_start(),
            None if behind.trim().is_empty() => return Ok(parts),
            None => return Err(invalid()),
        }
    }
}

/// The schema, if one is given, and the name itself.
fn qualified(kind: &str, name: &str) -> Result<(Option<String>, String), SqlError> {
    let mut parts = parts(name)?;
    let last = parts.pop().unwrap_or_default();
    let schema = parts.pop();
    match parts.as_slice() {
        [] => Ok((schema, last)),
        [database] if database == DATABASE => Ok((schema, last)),
        [_] => {
            let message = format!("cross-database references are not implemented: {name}");
            Err(SqlError::new("0A000", message))
        }
        _ => Err(SqlError::new(
            "42601",
            format!("improper {kind} name (too many dotted names): {name}"),
        )),
    }
}

/// The relation of a name.
///
/// # Errors
/// 42P01 and 3F000 where there is none.
pub(super) fn relation<'a>(
    dictionary: &'a Dictionary,
    name: &str,
) -> Result<&'a Relation, SqlError> {
    let (schema, last) = qualified("relation", name)?;
    if let Some(found) = dictionary.relation_named(schema.as_deref(), &last) {
        return Ok(found);
    }
    match schema {
        Some(schema) if schema_oid(&schema).is_none() => Err(no_schema(&schema)),
        Some(schema) => Err(SqlError::new(
            "42P01",
            format!("relation \"{schema}.{last}\" does not exist"),
        )),
        None => Err(SqlError::new(
            "42P01",
            format!("relation \"{last}\" does not exist"),
        )),
    }
}

fn no_schema(name: &str) -> SqlError {
    SqlError::new("3F000", format!("schema \"{name}\" does not exist"))
}

pub(super) fn no_role(name: &str) -> SqlError {
    SqlError::new("42704", format!("role \"{name}\" does not exist"))
}

/// The name of a type as SQL writes it.
pub(super) fn format_type(dictionary: &Dictionary, oid: u32, modifier: i32) -> String {
    match oid {
        ANY => "\"any\"".to_owned(),
        oid => dictionary.format_type(oid, modifier),
    }
}

pub(super) fn type_names(dictionary: &Dictionary, types: &[u32]) -> String {
    let names: Vec<_> = types
        .iter()
        .map(|oid| format_type(dictionary, *oid, -1))
        .collect();
    names.join(",")
}

/// A name, with its schema where a search does not go.
pub(super) fn visible_name(schema: u32, name: &str) -> String {
    match schema {
        INFORMATION_SCHEMA => format!("information_schema.{}", ident(name)),
        _ => ident(name),
    }
}

/// The oid of a thing of one kind by its name.
type Reader = fn(&Dictionary, &str) -> Result<u32, SqlError>;
/// Its name by its oid.
type Printer = fn(&Dictionary, u32) -> Option<String>;

/// The names and types inside the parentheses of a signature.
fn signature(dictionary: &Dictionary, text: &str) -> Option<(String, Vec<u32>)> {
    let (name, arguments) = text.trim().strip_suffix(')')?.split_once('(')?;
    let arguments = arguments
        .split(',')
        .map(str::trim)
        .filter(|argument| !argument.is_empty());
    let oids = arguments.map(|argument| match argument.to_ascii_lowercase().as_str() {
        "none" => Some(0),
        "\"any\"" => Some(ANY),
        _ => dictionary.type_named(argument).map(|found| found.oid),
    });
    Some((name.trim().to_owned(), oids.collect::<Option<_>>()?))
}

fn read_function(dictionary: &Dictionary, text: &str) -> Result<u32, SqlError> {
    let (_, name) = qualified("function", text)?;
    let mut found = dictionary.functions_named(&name);
    match (found.next(), found.next()) {
        (Some(function), None) => Ok(function.oid),
        (None, _) => Err(SqlError::new(
            "42883",
            format!("function \"{text}\" does not exist"),
        )),
        _ => Err(SqlError::new(
            "42725",
            format!("more than one function named \"{text}\""),
        )),
    }
}

fn read_procedure(dictionary: &Dictionary, text: &str) -> Result<u32, SqlError> {
    let missing = || SqlError::new("42883", format!("function \"{text}\" does not exist"));
    if !text.contains('(') {
        return Err(SqlError::new("22P02", "expected a left parenthesis"));
    }
    let (name, arguments) = signature(dictionary, text).ok_or_else(missing)?;
    let (_, name) = qualified("function", &name)?;
    let found = dictionary
        .functions_named(&name)
        .find(|function| function.arguments == arguments);
    Ok(found.ok_or_else(missing)?.oid)
}

fn bare_operator(text: &str) -> &str {
    text.rsplit_once('.').map_or(text, |(_, name)| name).trim()
}

fn read_operator(_: &Dictionary, text: &str) -> Result<u32, SqlError> {
    let name = bare_operator(text);
    let mut found = operators().filter(|(_, known, _)| *known == name);
    match (found.next(), found.next()) {
        (Some((oid, ..)), None) => Ok(oid),
        (None, _) => Err(SqlError::new(
            "42883",
            format!("operator does not exist: {text}"),
        )),
        _ => Err(SqlError::new(
            "42725",
            format!("more than one operator named {text}"),
        )),
    }
}

fn read_operator_with_types(dictionary: &Dictionary, text: &str) -> Result<u32, SqlError> {
    let missing = || SqlError::new("42883", format!("operator does not exist: {text}"));
    let (name, arguments) = signature(dictionary, text).ok_or_else(missing)?;
    let found = operators()
        .find(|(_, known, operands)| *known == bare_operator(&name) && operands[..] == arguments);
    Ok(found.ok_or_else(missing)?.0)
}

/// The reader of things that are only names.
fn named(table: &str, text: &str, what: &str, encoding: &str) -> Result<u32, SqlError> {
    let (_, name) = qualified(what, text)?;
    let mut found = named_objects(table).filter(|(_, known)| *known == name);
    let missing = || {
        SqlError::new(
            "42704",
            format!("{what} \"{text}\"{encoding} does not exist"),
        )
    };
    Ok(found.next().ok_or_else(missing)?.0)
}

fn name_of(table: &str, oid: u32) -> Option<String> {
    named_objects(table)
        .find(|(known, _)| *known == oid)
        .map(|(_, name)| ident(name))
}

const KINDS: [(&str, &str, Reader, Printer); 11] = [
    (
        "regclass",
        "regclassout",
        |dictionary, text| Ok(relation(dictionary, text)?.oid),
        |dictionary, oid| {
            dictionary
                .relation(oid)
                .map(|r| visible_name(r.schema, &r.name))
        },
    ),
    (
        "regtype",
        "regtypeout",
        |dictionary, text| match dictionary.type_named(text) {
            Some(found) => Ok(found.oid),
            None => Err(SqlError::new(
                "42704",
                format!("type \"{}\" does not exist", text.trim()),
            )),
        },
        |dictionary, oid| {
            dictionary
                .type_of(oid)
                .map(|_| format_type(dictionary, oid, -1))
        },
    ),
    ("regproc", "regprocout", read_function, |dictionary, oid| {
        let function = dictionary.function(oid)?;
        let is_sole = dictionary.functions_named(&function.name).nth(1).is_none();
        let name = ident(&function.name);
        Some(match (is_sole, schema_name(function.schema)) {
            (false, Some(schema)) => format!("{schema}.{name}"),
            _ => name,
        })
    }),
    (
        "regprocedure",
        "regprocedureout",
        read_procedure,
        |dictionary, oid| {
            let function = dictionary.function(oid)?;
            let types = type_names(dictionary, &function.arguments);
            Some(format!("{}({types})", ident(&function.name)))
        },
    ),
    ("regoper", "regoperout", read_operator, |_, oid| {
        let (_, name, _) = operators().find(|(known, ..)| *known == oid)?;
        let is_sole = operators()
            .filter(|(_, known, _)| *known == name)
            .nth(1)
            .is_none();
        Some(if is_sole {
            name.to_owned()
        } else {
            format!("pg_catalog.{name}")
        })
    }),
    (
        "regoperator",
        "regoperatorout",
        read_operator_with_types,
        |dictionary, oid| {
            let (_, name, operands) = operators().find(|(known, ..)| *known == oid)?;
            let [left, right] = operands.map(|operand| match operand {
                0 => "NONE".to_owned(),
                operand => format_type(dictionary, operand, -1),
            });
            Some(format!("{name}({left},{right})"))
        },
    ),
    (
        "regnamespace",
        "regnamespaceout",
        |_, text| {
            let name = parts(text)?.pop().unwrap_or_default();
            schema_oid(&name).ok_or_else(|| no_schema(&name))
        },
        |_, oid| schema_name(oid).map(ident),
    ),
    (
        "regrole",
        "regroleout",
        |dictionary, text| {
            let name = parts(text)?.pop().unwrap_or_default();
            dictionary.role_named(&name).ok_or_else(|| no_role(&name))
        },
        |dictionary, oid| dictionary.role(oid).map(|name| ident(&name)),
    ),
    (
        "regcollation",
        "regcollationout",
        |_, text| named("pg_collation", text, "collation", " for encoding \"UTF8\""),
        |_, oid| name_of("pg_collation", oid),
    ),
    (
        "regconfig",
        "regconfigout",
        |_, text| named("pg_ts_config", text, "text search configuration", ""),
        |_, oid| name_of("pg_ts_config", oid),
    ),
    (
        "regdictionary",
        "regdictionaryout",
        |_, text| named("pg_ts_dict", text, "text search dictionary", ""),
        |_, oid| name_of("pg_ts_dict", oid),
    ),
];

/// The oid that an argument is, if it is one.
pub(super) fn oid(a: &Row<'_>, place: usize) -> Result<u32, SqlError> {
    u32::try_from(a.int(place)).map_err(|_| SqlError::new("22003", "OID out of range"))
}

/// An oid as text writes it; `-` is none.
fn oid_of_text(text: &str) -> Option<u32> {
    match text.trim() {
        "-" => Some(0),
        text if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    }
}

/// What PostgreSQL shows of an oid: the thing's name, or the number.
fn printed(dictionary: &Dictionary, oid: u32, print: Printer) -> Answer {
    Ok(match (oid, print(dictionary, oid)) {
        (0, _) => "-".to_owned(),
        (_, Some(name)) => name,
        (oid, None) => oid.to_string(),
    }
    .into())
}

/// The reader of a type whose values are numbers of 32 bits without a sign.
fn number(name: &'static str, gives: Gives) -> Function {
    Function::new(name)
        .on(&[Kind::Int], gives, |a| Ok(oid(a, 0)?.into()))
        .on(&[Kind::Text], gives, move |a| {
            let text = a.text(0);
            let read = oid_of_text(text).filter(|_| text.trim() != "-");
            let invalid = || {
                let message = format!("invalid input syntax for type {name}: \"{text}\"");
                SqlError::new("22P02", message)
            };
            Ok(read.ok_or_else(invalid)?.into())
        })
}

pub(super) fn functions(dictionary: &Arc<Dictionary>) -> Vec<Arc<ScalarUDF>> {
    use Kind::{Int, Text};
    let mut all = vec![
        number("oid", Gives::Oid),
        number("xid", Gives::Reference("xid")),
        {
            let (one, two) = (Arc::clone(dictionary), Arc::clone(dictionary));
            Function::stable("format_type")
                .on_nulls(&[Int, Int], Gives::Text, move |a| {
                    if a.is_null(0) {
                        return Ok(Value::Null);
                    }
                    let modifier = if a.is_null(1) { -1 } else { a.int4(1)? };
                    let oid = oid(a, 0)?;
                    // Without a length it is another type than `character`, which is one of 1.
                    if oid == BPCHAR && !a.is_null(1) && modifier < 0 {
                        return Ok("bpchar".into());
                    }
                    Ok(format_type(&one, oid, modifier).into())
                })
                .on(&[Int], Gives::Text, move |a| {
                    Ok(format_type(&two, oid(a, 0)?, -1).into())
                })
        },
    ];
    for (reader_name, printer_name, read, print) in KINDS {
        let dictionaries: [Arc<Dictionary>; 4] = std::array::from_fn(|_| Arc::clone(dictionary));
        let [for_text, for_print, for_show, for_to] = dictionaries;
        all.push(
            Function::stable(reader_name)
                .on(&[Int], Gives::Reference(reader_name), |a| {
                    Ok(oid(a, 0)?.into())
                })
                .on(
                    &[Text],
                    Gives::Reference(reader_name),
                    move |a| match oid_of_text(a.text(0)) {
                        Some(oid) => Ok(oid.into()),
                        None => Ok(read(&for_text, a.text(0))?.into()),
                    },
                ),
        );
        all.push(
            Function::stable(printer_name)
                .on(&[Int], Gives::Text, move |a| {
                    printed(&for_print, oid(a, 0)?, print)
                })
                // What is a name already was read and is printed again.
                .on(&[Text], Gives::Text, move |a| {
                    match oid_of_text(a.text(0)) {
                        Some(oid) => printed(&for_show, oid, print),
                        None => printed(&for_show, read(&for_show, a.text(0))?, print),
                    }
                }),
        );
        if let Some(name) = TO_NAMES
            .iter()
            .find(|name| name.strip_prefix("to_") == Some(reader_name))
        {
            all.push(
                Function::stable(name).on(&[Text], Gives::Reference(reader_name), move |a| {
                    Ok(read(&for_to, a.text(0)).ok().into())
                }),
            );
        }
    }
    all.into_iter().map(Function::done).collect()
}

/// The readers that say nothing of what is not there.
const TO_NAMES: [&str; 9] = [
    "to_regclass",
    "to_regtype",
    "to_regproc",
    "to_regprocedure",
    "to_regoper",
    "to_regoperator",
    "to_regnamespace",
    "to_regrole",
    "to_regcollation",
];

/// Whether there is a schema of this name or oid.
pub(super) fn has_schema(oid: u32) -> bool {
    SCHEMAS.iter().any(|(known, _)| *known == oid)
}

/// Whether a search without a schema finds what is in this one.
pub(super) fn is_searched(schema: u32) -> bool {
    schema == PG_CATALOG || schema == crate::catalog::system::PUBLIC
}
