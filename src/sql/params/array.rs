//! One-dimensional arrays in both forms.

use super::{binary, convert, oid_to_arrow, text, unsupported};
use crate::sql::charset::Charset;
use crate::sql::encode::zone::Zone;
use crate::sql::sqlstate::SqlError;
use arrow::datatypes::DataType;
use datafusion::scalar::ScalarValue;

/// Reads `{a,"b c",NULL}` with elements of the type `item`.
pub(super) fn decode_text(
    text: &str,
    item: &DataType,
    zone: &Zone,
) -> Result<ScalarValue, SqlError> {
    let malformed = || SqlError::new("22P02", format!("malformed array literal: \"{text}\""));
    // Bounds such as `[1:3]=` say nothing that the elements do not.
    let body = match text.starts_with('[') {
        true => text.split_once('=').ok_or_else(malformed)?.1,
        false => text,
    };
    let body = body
        .trim()
        .strip_prefix('{')
        .and_then(|body| body.strip_suffix('}'))
        .ok_or_else(malformed)?;
    let mut values = Vec::new();
    if !body.trim().is_empty() {
        let mut rest = body;
        loop {
            let (element, behind) = element(rest).ok_or_else(malformed)?;
            values.push(match element {
                Some(element) => convert(text::decode(&element, item, zone)?, item, zone)?,
                None => null(item)?,
            });
            match behind.strip_prefix(',') {
                Some(next) => rest = next,
                None if behind.is_empty() => break,
                None => return Err(malformed()),
            }
        }
    }
    Ok(list(&values, item))
}

fn null(item: &DataType) -> Result<ScalarValue, SqlError> {
    ScalarValue::try_from(item).map_err(|error| SqlError::from_engine(&error))
}

pub(super) fn list(values: &[ScalarValue], item: &DataType) -> ScalarValue {
    ScalarValue::List(ScalarValue::new_list_nullable(values, item))
}

/// The element at the beginning of `text` and what follows it; an element is `None` for NULL.
fn element(text: &str) -> Option<(Option<String>, &str)> {
    let text = text.trim_start();
    if let Some(quoted) = text.strip_prefix('"') {
        let mut value = String::new();
        let mut chars = quoted.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => return Some((Some(value), quoted[at + 1..].trim_start())),
                '\\' => value.push(chars.next()?.1),
                _ => value.push(c),
            }
        }
        return None;
    }
    let mut value = String::new();
    let mut chars = text.char_indices();
    let mut end = text.len();
    while let Some((at, c)) = chars.next() {
        match c {
            ',' => {
                end = at;
                break;
            }
            // More dimensions, or a quote in the middle.
            '{' | '}' | '"' => return None,
            '\\' => value.push(chars.next()?.1),
            _ => value.push(c),
        }
    }
    let word = value.trim_end();
    if word.is_empty() {
        return None;
    }
    let value = if word.eq_ignore_ascii_case("null") {
        None
    } else {
        Some(word.to_owned())
    };
    Some((value, &text[end..]))
}

/// An array of texts in its binary form, with its elements in UTF-8.
///
/// # Errors
/// 22P03 for what is no array, and as [`Charset::decode`].
pub(super) fn decode_texts(bytes: &[u8], charset: Charset) -> Result<Vec<u8>, SqlError> {
    /// Number of dimensions, whether there are nulls, type of the elements.
    const HEAD_BYTES: usize = 12;
    /// Length and lower bound.
    const DIMENSION_BYTES: usize = 8;
    let dimensions = binary::Reader::new(bytes).i32()?;
    let dimensions = usize::try_from(dimensions).map_err(|_| binary::malformed())?;
    let head = dimensions
        .checked_mul(DIMENSION_BYTES)
        .and_then(|bytes| bytes.checked_add(HEAD_BYTES));
    let (head, elements) = head
        .and_then(|head| bytes.split_at_checked(head))
        .ok_or_else(binary::malformed)?;
    let mut decoded = head.to_vec();
    let mut reader = binary::Reader::new(elements);
    while reader.finish().is_err() {
        let length = reader.i32()?;
        let Ok(length) = usize::try_from(length) else {
            decoded.extend_from_slice(&length.to_be_bytes());
            continue;
        };
        let text = charset.decode(reader.take(length)?)?;
        let length = i32::try_from(text.len()).map_err(|_| binary::malformed())?;
        decoded.extend_from_slice(&length.to_be_bytes());
        decoded.extend_from_slice(text.as_bytes());
    }
    Ok(decoded)
}

/// Reads an array as `array_recv` does; `item` is the element type of the declared array.
pub(super) fn decode_binary(bytes: &[u8], item: &DataType) -> Result<ScalarValue, SqlError> {
    let mut reader = binary::Reader::new(bytes);
    let dimensions = reader.i32()?;
    let _has_nulls = reader.i32()?;
    let oid = reader.i32()?.cast_unsigned();
    let count = match dimensions {
        0 => 0,
        1 => {
            let count = usize::try_from(reader.i32()?).map_err(|_| binary::malformed())?;
            let _lower_bound = reader.i32()?;
            count
        }
        _ => {
            return Err(SqlError::new(
                "0A000",
                "parameters may be arrays of one dimension only",
            ));
        }
    };
    oid_to_arrow(oid)
        .filter(|element| !element.is_nested())
        .ok_or_else(|| unsupported(oid))?;
    let zone = Zone::default();
    let mut values = Vec::new();
    // The count is only what the client says; each element takes its length at least.
    for _ in 0..count {
        let length = reader.i32()?;
        values.push(match usize::try_from(length) {
            Ok(length) => convert(binary::decode(reader.take(length)?, oid)?, item, &zone)?,
            Err(_) if length == -1 => null(item)?,
            Err(_) => return Err(binary::malformed()),
        });
    }
    reader.finish()?;
    Ok(list(&values, item))
}
