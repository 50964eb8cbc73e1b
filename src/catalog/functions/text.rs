//! Texts, cut and put together.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use datafusion::logical_expr::ScalarUDF;
use rand::RngCore;

use super::define::{Answer, Function, Gives};
use super::output::Value;
use super::value::{Kind, Row, refuse_over};
use crate::proxy::postgres::error::SqlError;

/// The byte at which character `number`, counted from 0, begins; the end beyond it.
fn byte_of(text: &str, number: usize) -> usize {
    text.char_indices()
        .nth(number)
        .map_or(text.len(), |(at, _)| at)
}

fn count(number: i64) -> usize {
    usize::try_from(number).unwrap_or(0)
}

/// The first characters, or all but the last of them.
fn left(text: &str, number: i64) -> &str {
    match number {
        0.. => &text[..byte_of(text, count(number))],
        _ => {
            let kept = text
                .chars()
                .count()
                .saturating_sub(count(number.saturating_neg()));
            &text[..byte_of(text, kept)]
        }
    }
}

fn right(text: &str, number: i64) -> &str {
    let skipped = match number {
        0.. => text.chars().count().saturating_sub(count(number)),
        _ => count(number.saturating_neg()),
    };
    &text[byte_of(text, skipped)..]
}

/// `length` characters from `start`, which is counted from 1 and may be before the text.
fn substring(text: &str, start: i64, length: Option<i64>) -> Result<&str, SqlError> {
    let end = match length {
        Some(length) if length < 0 => {
            return Err(SqlError::new(
                "22011",
                "negative substring length not allowed",
            ));
        }
        Some(length) => start.checked_add(length),
        None => None,
    };
    let from = byte_of(text, count(start.saturating_sub(1)));
    let to = end.map_or(text.len(), |end| {
        byte_of(text, count(end.saturating_sub(1)))
    });
    Ok(text.get(from..to.max(from)).unwrap_or(""))
}

fn pad(name: &str, a: &Row<'_>, is_left: bool) -> Answer {
    let (text, width) = (a.text(0), count(a.int(1)));
    let fill = if a.len() > 2 { a.text(2) } else { " " };
    let length = text.chars().count();
    if length >= width || fill.is_empty() {
        return Ok(left(text, a.int(1).max(0)).into());
    }
    refuse_over(name, (width as u64).saturating_mul(4))?;
    let padding: String = fill.chars().cycle().take(width - length).collect();
    Ok(if is_left {
        padding + text
    } else {
        text.to_owned() + &padding
    }
    .into())
}

fn split_part(text: &str, delimiter: &str, number: i64) -> Answer {
    if number == 0 {
        return Err(SqlError::new("22023", "field position must not be zero"));
    }
    if delimiter.is_empty() {
        return Ok(if number == 1 || number == -1 {
            text
        } else {
            ""
        }
        .into());
    }
    let found = match number > 0 {
        true => text.split(delimiter).nth(count(number - 1)),
        false => {
            let parts = text.split(delimiter).count();
            parts
                .checked_sub(count(number.saturating_neg()))
                .and_then(|at| text.split(delimiter).nth(at))
        }
    };
    Ok(found.unwrap_or("").into())
}

fn initcap(text: &str) -> String {
    let mut is_inside = false;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match is_inside {
            true => out.extend(c.to_lowercase()),
            false => out.extend(c.to_uppercase()),
        }
        is_inside = c.is_alphanumeric();
    }
    out
}

fn translate(text: &str, from: &str, to: &str) -> String {
    let to: Vec<char> = to.chars().collect();
    let from: Vec<char> = from.chars().collect();
    let replaced = |c: char| match from.iter().position(|f| *f == c) {
        Some(at) => to.get(at).copied(),
        None => Some(c),
    };
    text.chars().filter_map(replaced).collect()
}

fn overlay(text: &str, new: &str, start: i64, length: Option<i64>) -> Answer {
    if start <= 0 {
        return Err(SqlError::new(
            "22011",
            "negative substring length not allowed",
        ));
    }
    let length = length.unwrap_or_else(|| new.chars().count() as i64);
    let front = substring(text, 1, Some(start - 1))?;
    let behind = substring(text, start.saturating_add(length), None)?;
    Ok(format!("{front}{new}{behind}").into())
}

fn joined(a: &Row<'_>, first: usize, separator: &str) -> Answer {
    let mut out = String::new();
    let mut is_first = true;
    for place in first..a.len() {
        let Some(text) = a.shown(place)? else {
            continue;
        };
        if !std::mem::take(&mut is_first) {
            out.push_str(separator);
        }
        out.push_str(&text);
        refuse_over("concat", out.len() as u64)?;
    }
    Ok(out.into())
}

fn chr(code: i64) -> Answer {
    match u32::try_from(code) {
        Err(_) => Err(SqlError::new("22023", "character number must be positive")),
        Ok(0) => Err(SqlError::new("54000", "null character not permitted")),
        Ok(code) if code > 0x10_FFFF => Err(SqlError::new(
            "54000",
            format!("requested character too large for encoding: {code}"),
        )),
        Ok(code) => match char::from_u32(code) {
            Some(c) => Ok(c.to_string().into()),
            None => Err(SqlError::new(
                "54000",
                format!("requested character not valid for encoding: {code}"),
            )),
        },
    }
}

fn unrecognized(encoding: &str) -> SqlError {
    SqlError::new("22023", format!("unrecognized encoding: \"{encoding}\""))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn encode(bytes: &[u8], encoding: &str) -> Answer {
    Ok(match encoding.to_ascii_lowercase().as_str() {
        "hex" => hex(bytes),
        "base64" => {
            let text = STANDARD.encode(bytes);
            // Lines of 76 characters, as in mail.
            let lines: Vec<&str> = text
                .as_bytes()
                .chunks(76)
                .filter_map(|line| str::from_utf8(line).ok())
                .collect();
            lines.join("\n")
        }
        "escape" => {
            let mut out = String::new();
            for byte in bytes {
                match byte {
                    b'\\' => out.push_str("\\\\"),
                    0 | 0x80.. => out.push_str(&format!("\\{byte:03o}")),
                    byte => out.push(char::from(*byte)),
                }
            }
            out
        }
        _ => return Err(unrecognized(encoding)),
    }
    .into())
}

fn decode(text: &str, encoding: &str) -> Answer {
    let bytes = match encoding.to_ascii_lowercase().as_str() {
        "hex" => from_hex(text)?,
        "base64" => {
            let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
            STANDARD.decode(plain).map_err(|_| {
                SqlError::new("22023", "invalid base64 end sequence").with_hint(
                    "Input data is missing padding, is truncated, or is otherwise corrupted.",
                )
            })?
        }
        "escape" => unescaped(text)?,
        _ => return Err(unrecognized(encoding)),
    };
    Ok(bytes.into())
}

fn from_hex(text: &str) -> Result<Vec<u8>, SqlError> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    if let Some(wrong) = digits.iter().find(|c| !c.is_ascii_hexdigit()) {
        return Err(SqlError::new(
            "22023",
            format!("invalid hexadecimal digit: \"{wrong}\""),
        ));
    }
    if digits.len() % 2 == 1 {
        return Err(SqlError::new(
            "22023",
            "invalid hexadecimal data: odd number of digits",
        ));
    }
    let digit = |c: &char| c.to_digit(16).unwrap_or(0) as u8;
    let pairs = digits.chunks_exact(2);
    Ok(pairs
        .filter_map(|pair| Some(digit(pair.first()?) << 4 | digit(pair.last()?)))
        .collect())
}

fn unescaped(text: &str) -> Result<Vec<u8>, SqlError> {
    let invalid = || SqlError::new("22P02", "invalid input syntax for type bytea");
    if let Some(digits) = text.strip_prefix("\\x") {
        return from_hex(digits);
    }
    let mut rest = text.as_bytes();
    let mut out = Vec::with_capacity(rest.len());
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        if *first != b'\\' {
            out.push(*first);
            continue;
        }
        if let Some(behind) = rest.strip_prefix(b"\\") {
            out.push(b'\\');
            rest = behind;
            continue;
        }
        let digits = rest
            .get(..3)
            .and_then(|digits| str::from_utf8(digits).ok())
            .ok_or_else(invalid)?;
        out.push(u8::from_str_radix(digits, 8).map_err(|_| invalid())?);
        rest = &rest[3..];
    }
    Ok(out)
}

/// A random UUID of version 4.
fn uuid() -> String {
    let mut bytes = [0u8; 16];
    rand::rng().fill_bytes(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = hex(&bytes);
    [
        &text[..8],
        &text[8..12],
        &text[12..16],
        &text[16..20],
        &text[20..],
    ]
    .join("-")
}

pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    use Kind::{Any, Bytes, Int, Text};
    let padding = |name: &'static str, is_left| {
        let body = move |a: &Row<'_>| pad(name, a, is_left);
        Function::new(name).on(&[Text, Int], Gives::Text, body).on(
            &[Text, Int, Text],
            Gives::Text,
            body,
        )
    };
    let sub = |name| {
        Function::new(name)
            .on(&[Text, Int], Gives::Text, |a| {
                Ok(substring(a.text(0), a.int(1), None)?.into())
            })
            .on(&[Text, Int, Int], Gives::Text, |a| {
                Ok(substring(a.text(0), a.int(1), Some(a.int(2)))?.into())
            })
    };
    let hex_of = |name| {
        // An integer's width is that of its type.
        Function::new(name).on(&[Int], Gives::Text, |a| {
            let value = a.int(0);
            Ok(match i32::try_from(value) {
                Ok(value) => format!("{value:x}"),
                Err(_) => format!("{value:x}"),
            }
            .into())
        })
    };
    let all = [
        Function::new("left").on(&[Text, Int], Gives::Text, |a| {
            Ok(left(a.text(0), a.int(1)).into())
        }),
        Function::new("right").on(&[Text, Int], Gives::Text, |a| {
            Ok(right(a.text(0), a.int(1)).into())
        }),
        padding("lpad", true),
        padding("rpad", false),
        sub("substr"),
        super::regexp::substring(sub("substring")),
        Function::new("repeat").on(&[Text, Int], Gives::Text, |a| {
            let (text, times) = (a.text(0), count(a.int(1)));
            refuse_over("repeat", (text.len() as u64).saturating_mul(times as u64))?;
            Ok(text.repeat(if text.is_empty() { 0 } else { times }).into())
        }),
        Function::new("split_part").on(&[Text, Text, Int], Gives::Text, |a| {
            split_part(a.text(0), a.text(1), a.int(2))
        }),
        Function::new("initcap").on(&[Text], Gives::Text, |a| Ok(initcap(a.text(0)).into())),
        Function::new("translate").on(&[Text, Text, Text], Gives::Text, |a| {
            Ok(translate(a.text(0), a.text(1), a.text(2)).into())
        }),
        Function::new("overlay")
            .on(&[Text, Text, Int], Gives::Text, |a| {
                overlay(a.text(0), a.text(1), a.int(2), None)
            })
            .on(&[Text, Text, Int, Int], Gives::Text, |a| {
                overlay(a.text(0), a.text(1), a.int(2), Some(a.int(3)))
            }),
        Function::new("strpos").on(&[Text, Text], Gives::Int4, |a| {
            Ok(position(a.text(0), a.text(1)))
        }),
        Function::new("position").on(&[Text, Text], Gives::Int4, |a| {
            Ok(position(a.text(0), a.text(1)))
        }),
        Function::stable("concat").on_any_number(&[Any], Gives::Text, |a| joined(a, 0, "")),
        Function::stable("concat_ws").on_any_number(&[Text, Any], Gives::Text, |a| {
            match a.opt_text(0) {
                Some(separator) => joined(a, 1, separator),
                None => Ok(Value::Null),
            }
        }),
        Function::new("chr").on(&[Int], Gives::Text, |a| chr(a.int(0))),
        Function::new("ascii").on(&[Text], Gives::Int4, |a| {
            Ok(Value::Int(
                a.text(0).chars().next().map_or(0, |c| u32::from(c).into()),
            ))
        }),
        hex_of("to_hex"),
        Function::new("encode")
            .on(&[Bytes, Text], Gives::Text, |a| {
                encode(a.bytes(0), a.text(1))
            })
            .on(&[Text, Text], Gives::Text, |a| {
                encode(&unescaped(a.text(0))?, a.text(1))
            }),
        Function::new("decode").on(&[Text, Text], Gives::Bytes, |a| {
            decode(a.text(0), a.text(1))
        }),
        Function::new("length")
            .on(&[Text], Gives::Int4, |a| {
                Ok(Value::Int(a.text(0).chars().count() as i64))
            })
            .on(&[Bytes], Gives::Int4, |a| {
                Ok(Value::Int(a.bytes(0).len() as i64))
            }),
        Function::volatile("gen_random_uuid").on(&[], Gives::Named("uuid"), |_| Ok(uuid().into())),
        Function::new("like_escape").on(&[Text, Text], Gives::Text, |a| {
            Ok(crate::sql::parse::like_escape(a.text(0), a.text(1))?.into())
        }),
        Function::new("bytea")
            .on(&[Bytes], Gives::Bytes, |a| Ok(a.bytes(0).to_vec().into()))
            .on(&[Text], Gives::Bytes, |a| Ok(unescaped(a.text(0))?.into())),
        // Names and codes of characters: texts here.
        Function::new("name").on(&[Any], Gives::Named("name"), |a| Ok(a.shown(0)?.into())),
    ];
    all.map(Function::done).into()
}

/// The character at which `part` begins, from 1; 0 if it is nowhere.
fn position(text: &str, part: &str) -> Value {
    Value::Int(
        text.find(part)
            .map_or(0, |at| text[..at].chars().count() as i64 + 1),
    )
}
