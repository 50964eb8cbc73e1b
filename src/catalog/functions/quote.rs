//! Texts as SQL writes them: `quote_ident`, `quote_literal`, `format`.

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;

use super::define::{Answer, Function, Gives};
use super::value::{Kind, Row, refuse_over};
use crate::proxy::postgres::error::SqlError;

/// Words that cannot stand as a name without quotation marks: all of PostgreSQL's keywords but the unreserved ones.
const RESERVED: &str = " all analyse analyze and any array as asc asymmetric authorization between bigint binary bit \
    boolean both case cast char character check coalesce collate collation column concurrently constraint create \
    cross current_catalog current_date current_role current_schema current_time current_timestamp current_user dec \
    decimal default deferrable desc distinct do else end except exists extract false fetch float for foreign freeze \
    from full grant greatest group grouping having ilike in initially inner inout int integer intersect interval into \
    is isnull join lateral leading least left like limit localtime localtimestamp national natural nchar none \
    normalize not notnull null nullif numeric offset on only or order out outer overlaps overlay placing position \
    precision primary real references returning right row select session_user setof similar smallint some substring \
    symmetric table tablesample then time timestamp to trailing treat trim true union unique user using values \
    varchar variadic verbose when where window with xmlattributes xmlconcat xmlelement xmlexists xmlforest \
    xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable ";

/// A name, in quotation marks where it needs them.
pub(super) fn ident(name: &str) -> String {
    let mut chars = name.chars();
    let is_plain = chars
        .next()
        .is_some_and(|c| c.is_ascii_lowercase() || c == '_')
        && chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !RESERVED.contains(&format!(" {name} "));
    match is_plain {
        true => name.to_owned(),
        false => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

/// A text as a string constant.
pub(super) fn literal(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    match doubled.contains('\\') {
        true => format!("E'{}'", doubled.replace('\\', "\\\\")),
        false => format!("'{doubled}'"),
    }
}

/// The parts of a name as SQL reads it: `One."Two"` is `one` and `Two`. What stands behind the last of them is an error
/// if `is_strict`.
fn parse_ident(text: &str, is_strict: bool) -> Result<Vec<Option<String>>, SqlError> {
    let refused = || {
        let message = format!("string is not a valid identifier: \"{text}\"");
        SqlError::new("22023", message)
    };
    let mut parts = Vec::new();
    let mut rest = text.trim_start();
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
                        None => {
                            return Err(refused().with_hint("String has unclosed double quotes."));
                        }
                    }
                };
                (part, quoted.get(end..).unwrap_or_default())
            }
            None => {
                let is_part = |(at, c): (usize, char)| {
                    c == '_'
                        || !c.is_ascii()
                        || c.is_ascii_alphabetic()
                        || (at > 0 && (c.is_ascii_digit() || c == '$'))
                };
                let end = rest.char_indices().find(|place| !is_part(*place));
                let (part, behind) = rest.split_at(end.map_or(rest.len(), |(at, _)| at));
                (part.to_lowercase(), behind)
            }
        };
        if part.is_empty() {
            return Err(refused());
        }
        parts.push(Some(part));
        match behind.trim_start().strip_prefix('.') {
            Some(next) => rest = next.trim_start(),
            None if is_strict && !behind.trim().is_empty() => return Err(refused()),
            None => return Ok(parts),
        }
    }
}

fn format(a: &Row<'_>) -> Answer {
    let Some(template) = a.opt_text(0) else {
        return Ok(super::output::Value::Null);
    };
    let refused = |message: &str| SqlError::new("22023", message);
    let too_few = || refused("too few arguments for format()");
    let mut out = String::new();
    let mut chars = template.chars().peekable();
    let mut next = 1usize;
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        if chars.next_if_eq(&'%').is_some() {
            out.push('%');
            continue;
        }
        let unterminated = || {
            refused("unterminated format() type specifier")
                .with_hint("For a single \"%\" use \"%%\".")
        };
        let number = |chars: &mut std::iter::Peekable<std::str::Chars<'_>>| -> Result<Option<usize>, SqlError> {
            let mut value = None;
            while let Some(digit) = chars.next_if(char::is_ascii_digit) {
                let digit = digit.to_digit(10).unwrap_or(0) as usize;
                let sum = value.unwrap_or(0usize).checked_mul(10).and_then(|sum| sum.checked_add(digit));
                let sum = sum.filter(|sum| i32::try_from(*sum).is_ok());
                value = Some(sum.ok_or_else(|| SqlError::new("22003", "number is out of range"))?);
            }
            Ok(value)
        };
        let mut width = number(&mut chars)?;
        let mut place = None;
        if chars.next_if_eq(&'$').is_some() {
            if width == Some(0) {
                return Err(refused(
                    "format specifies argument 0, but arguments are numbered from 1",
                ));
            }
            place = width.take();
        }
        let mut is_left = false;
        if width.is_none() {
            while chars.next_if_eq(&'-').is_some() {
                is_left = true;
            }
            if chars.next_if_eq(&'*').is_some() {
                let at = match number(&mut chars)? {
                    Some(at) if chars.next_if_eq(&'$').is_some() => at,
                    Some(_) => {
                        return Err(refused("width argument position must be ended by \"$\""));
                    }
                    None => {
                        next += 1;
                        next - 1
                    }
                };
                if at >= a.len() {
                    return Err(too_few());
                }
                let given = a.shown(at)?.unwrap_or_default();
                let given: i64 = given.trim().parse().unwrap_or(0);
                is_left |= given < 0;
                width = usize::try_from(given.unsigned_abs()).ok();
            } else {
                width = number(&mut chars)?;
            }
        }
        let kind = chars.next().ok_or_else(unterminated)?;
        if !matches!(kind, 's' | 'I' | 'L') {
            let message = format!("unrecognized format() type specifier \"{kind}\"");
            return Err(refused(&message).with_hint("For a single \"%\" use \"%%\"."));
        }
        let place = place.unwrap_or(next);
        if place >= a.len() {
            return Err(too_few());
        }
        next = place + 1;
        let shown = match (kind, a.shown(place)?) {
            ('s', value) => value.unwrap_or_default(),
            ('I', Some(value)) => ident(&value),
            ('I', None) => {
                return Err(SqlError::new(
                    "22004",
                    "null values cannot be formatted as an SQL identifier",
                ));
            }
            (_, Some(value)) => literal(&value),
            (_, None) => "NULL".to_owned(),
        };
        let blanks = width.unwrap_or(0).saturating_sub(shown.chars().count());
        refuse_over("format", (out.len() + blanks) as u64)?;
        let blanks = " ".repeat(blanks);
        match is_left {
            true => out.extend([shown, blanks]),
            false => out.extend([blanks, shown]),
        }
    }
    Ok(out.into())
}

pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    vec![
        Function::new("quote_ident")
            .on(&[Kind::Text], Gives::Text, |a| Ok(ident(a.text(0)).into()))
            .done(),
        Function::new("parse_ident")
            .on(&[Kind::Text], Gives::Texts, |a| {
                Ok(parse_ident(a.text(0), true)?.into())
            })
            .on(&[Kind::Text, Kind::Bool], Gives::Texts, |a| {
                Ok(parse_ident(a.text(0), a.bool(1))?.into())
            })
            .done(),
        Function::stable("quote_literal")
            .on(&[Kind::Any], Gives::Text, |a| {
                Ok(a.shown(0)?.map(|text| literal(&text)).into())
            })
            .done(),
        Function::stable("quote_nullable")
            .on_nulls(&[Kind::Any], Gives::Text, |a| {
                Ok(a.shown(0)?
                    .map_or_else(|| "NULL".to_owned(), |text| literal(&text))
                    .into())
            })
            .done(),
        Function::stable("format")
            .on_any_number(&[Kind::Text, Kind::Any], Gives::Text, format)
            .done(),
    ]
}
