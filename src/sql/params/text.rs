//! Text forms, as PostgreSQL's input functions read them.

use super::{array, datetime};
use crate::sql::encode::zone::Zone;
use crate::sql::numeric::{Numeric, ordered};
use crate::sql::sqlstate::{SqlError, unreadable};
use crate::sql::types::sql_name;
use arrow::datatypes::DataType;
use datafusion::scalar::ScalarValue;

/// Reads `text` as a value of `natural`, one of the types that [`oid_to_arrow`](super::oid_to_arrow) names.
pub(super) fn decode(text: &str, natural: &DataType, zone: &Zone) -> Result<ScalarValue, SqlError> {
    let malformed = || unreadable(text, natural);
    let trimmed = text.trim_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
    let value = match natural {
        DataType::Utf8 => ScalarValue::Utf8(Some(text.to_owned())),
        DataType::Boolean => ScalarValue::Boolean(Some(boolean(trimmed).ok_or_else(malformed)?)),
        DataType::Int16 => ScalarValue::Int16(Some(trimmed.parse().map_err(|_| malformed())?)),
        DataType::Int32 => ScalarValue::Int32(Some(trimmed.parse().map_err(|_| malformed())?)),
        DataType::Int64 => ScalarValue::Int64(Some(trimmed.parse().map_err(|_| malformed())?)),
        DataType::Float32 => {
            let value: f32 = trimmed.parse().map_err(|_| malformed())?;
            check_finite(f64::from(value), trimmed, natural)?;
            ScalarValue::Float32(Some(value))
        }
        DataType::Float64 => {
            let value: f64 = trimmed.parse().map_err(|_| malformed())?;
            check_finite(value, trimmed, natural)?;
            ScalarValue::Float64(Some(value))
        }
        DataType::LargeBinary => {
            let number: Numeric = text.parse()?;
            ScalarValue::LargeBinary(Some(ordered::encode(&number)))
        }
        DataType::Binary => ScalarValue::Binary(Some(bytea(text).ok_or_else(malformed)?)),
        DataType::List(item) => array::decode_text(trimmed, item.data_type(), zone)?,
        temporal => datetime::decode(trimmed, temporal, zone)?,
    };
    Ok(value)
}

/// PostgreSQL's words and all their unambiguous beginnings.
fn boolean(text: &str) -> Option<bool> {
    let word = text.to_ascii_lowercase();
    let begins = |full: &str, least: usize| word.len() >= least && full.starts_with(&word);
    if begins("true", 1) || begins("yes", 1) || word == "on" || word == "1" {
        Some(true)
    } else if begins("false", 1) || begins("no", 1) || begins("off", 2) || word == "0" {
        Some(false)
    } else {
        None
    }
}

/// A number that became infinite without saying so is too large.
fn check_finite(value: f64, text: &str, natural: &DataType) -> Result<(), SqlError> {
    if value.is_infinite() && text.bytes().any(|byte| byte.is_ascii_digit()) {
        return Err(SqlError::new(
            "22003",
            format!("\"{text}\" is out of range for type {}", sql_name(natural)),
        ));
    }
    Ok(())
}

/// `\x` and hexadecimal digits, or bytes with `\\` and octal escapes.
fn bytea(text: &str) -> Option<Vec<u8>> {
    if let Some(hex) = text.strip_prefix("\\x") {
        let digits: Vec<u8> = hex
            .bytes()
            .filter(|byte| !byte.is_ascii_whitespace())
            .map(|byte| char::from(byte).to_digit(16).map(|digit| digit as u8))
            .collect::<Option<_>>()?;
        return digits
            .chunks(2)
            .map(|pair| pair.get(1).map(|low| (pair[0] << 4) | low))
            .collect();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match (first, tail) {
            (b'\\', [b'\\', tail @ ..]) => {
                bytes.push(b'\\');
                rest = tail;
            }
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', tail @ ..]) => {
                bytes.push(((a - b'0') << 6) | ((b - b'0') << 3) | (c - b'0'));
                rest = tail;
            }
            (b'\\', _) => return None,
            _ => bytes.push(*first),
        }
    }
    Some(bytes)
}
