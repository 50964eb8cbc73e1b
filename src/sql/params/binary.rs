//! Binary forms, as PostgreSQL's receive functions read them.

use super::{array, oid_to_arrow, unsupported, utf8};
use crate::sql::numeric::{Numeric, ordered};
use crate::sql::sqlstate::SqlError;
use arrow::datatypes::{DataType, IntervalMonthDayNano};
use datafusion::scalar::ScalarValue;
use pgwire::api::Type;
use std::fmt::Write;
use std::net::IpAddr;

/// Microseconds between 1970-01-01 and PostgreSQL's epoch, 2000-01-01.
const EPOCH_MICROS: i64 = 946_684_800_000_000;
/// Days between them.
const EPOCH_DAYS: i32 = 10_957;

/// The error for bytes that are no value of their type.
pub(super) fn malformed() -> SqlError {
    SqlError::new("22P03", "incorrect binary data format in bind parameter")
}

fn out_of_range(name: &str) -> SqlError {
    SqlError::new("22008", format!("{name} out of range"))
}

/// Reads big-endian fields from front to back.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], SqlError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], SqlError> {
        self.take(N)?.try_into().map_err(|_| malformed())
    }

    fn i16(&mut self) -> Result<i16, SqlError> {
        self.array().map(i16::from_be_bytes)
    }

    pub(super) fn i32(&mut self) -> Result<i32, SqlError> {
        self.array().map(i32::from_be_bytes)
    }

    fn i64(&mut self) -> Result<i64, SqlError> {
        self.array().map(i64::from_be_bytes)
    }

    /// Nothing may be left.
    pub(super) fn finish(&self) -> Result<(), SqlError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(malformed())
        }
    }
}

/// Reads `bytes` as a value of the PostgreSQL type `oid`, in the type that [`oid_to_arrow`] names.
pub(super) fn decode(bytes: &[u8], oid: u32) -> Result<ScalarValue, SqlError> {
    let natural = oid_to_arrow(oid).ok_or_else(|| unsupported(oid))?;
    let mut reader = Reader::new(bytes);
    let value = match natural {
        DataType::Utf8 => return string(bytes, oid),
        DataType::Binary => return Ok(ScalarValue::Binary(Some(bytes.to_vec()))),
        DataType::List(item) => return array::decode_binary(bytes, item.data_type()),
        DataType::Boolean => match reader.array()? {
            [0] => ScalarValue::Boolean(Some(false)),
            [_] => ScalarValue::Boolean(Some(true)),
        },
        DataType::Int16 => ScalarValue::Int16(Some(reader.i16()?)),
        DataType::Int32 => ScalarValue::Int32(Some(reader.i32()?)),
        // An OID is four bytes without a sign.
        DataType::Int64 if oid == Type::OID.oid() => {
            ScalarValue::Int64(Some(i64::from(reader.array().map(u32::from_be_bytes)?)))
        }
        DataType::Int64 => ScalarValue::Int64(Some(reader.i64()?)),
        DataType::Float32 => ScalarValue::Float32(Some(reader.array().map(f32::from_be_bytes)?)),
        DataType::Float64 => ScalarValue::Float64(Some(reader.array().map(f64::from_be_bytes)?)),
        DataType::LargeBinary => numeric(&mut reader)?,
        DataType::Date32 => match reader.i32()? {
            infinite @ (i32::MAX | i32::MIN) => ScalarValue::Date32(Some(infinite)),
            days => ScalarValue::Date32(Some(
                days.checked_add(EPOCH_DAYS)
                    .ok_or_else(|| out_of_range("date"))?,
            )),
        },
        DataType::Time64(_) => {
            let micros = reader.i64()?;
            if !(0..=86_400_000_000).contains(&micros) {
                return Err(out_of_range("time"));
            }
            ScalarValue::Time64Microsecond(Some(micros))
        }
        DataType::Timestamp(_, zone) => {
            let micros = match reader.i64()? {
                infinite @ (i64::MAX | i64::MIN) => infinite,
                micros => micros
                    .checked_add(EPOCH_MICROS)
                    .ok_or_else(|| out_of_range("timestamp"))?,
            };
            ScalarValue::TimestampMicrosecond(Some(micros), zone)
        }
        DataType::Interval(_) => {
            let (micros, days, months) = (reader.i64()?, reader.i32()?, reader.i32()?);
            let nanos = micros
                .checked_mul(1000)
                .ok_or_else(|| out_of_range("interval"))?;
            ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNano::new(months, days, nanos)))
        }
        _ => return Err(unsupported(oid)),
    };
    reader.finish()?;
    Ok(value)
}

/// Texts, and the types that are read as their text.
fn string(bytes: &[u8], oid: u32) -> Result<ScalarValue, SqlError> {
    if oid == Type::UUID.oid() {
        let id: [u8; 16] = bytes.try_into().map_err(|_| malformed())?;
        let mut text = String::with_capacity(36);
        for (n, byte) in id.iter().enumerate() {
            if matches!(n, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            // Writing to a String does not fail.
            let _ = write!(text, "{byte:02x}");
        }
        return Ok(ScalarValue::Utf8(Some(text)));
    }
    if oid == Type::INET.oid() || oid == Type::CIDR.oid() {
        return address(bytes).map(|text| ScalarValue::Utf8(Some(text)));
    }
    let text = match bytes.split_first() {
        // The version of the format.
        Some((1, text)) if oid == Type::JSONB.oid() => text,
        _ if oid == Type::JSONB.oid() => return Err(malformed()),
        _ => bytes,
    };
    Ok(ScalarValue::Utf8(Some(utf8(text)?.to_owned())))
}

/// A network address: family, bits of the mask, whether it is a network, length of the address, the address.
fn address(bytes: &[u8]) -> Result<String, SqlError> {
    let (head, address) = bytes.split_at_checked(4).ok_or_else(malformed)?;
    let &[_, bits, is_network, length] = head else {
        return Err(malformed());
    };
    let address = match (<[u8; 4]>::try_from(address), <[u8; 16]>::try_from(address)) {
        (Ok(octets), _) => IpAddr::from(octets),
        (_, Ok(octets)) => IpAddr::from(octets),
        _ => return Err(malformed()),
    };
    let width = if address.is_ipv4() { 32 } else { 128 };
    if bits > width || u32::from(length) * 8 != u32::from(width) {
        return Err(malformed());
    }
    Ok(match bits == width && is_network == 0 {
        true => address.to_string(),
        false => format!("{address}/{bits}"),
    })
}

/// A numeric: number of base-10000 digits, weight of the first one, sign, digits behind the decimal point, the digits.
fn numeric(reader: &mut Reader<'_>) -> Result<ScalarValue, SqlError> {
    let count = reader.i16()?;
    let weight = i32::from(reader.i16()?);
    let sign = reader.i16()?.cast_unsigned();
    let scale = usize::try_from(reader.i16()?).map_err(|_| malformed())?;
    let special = match sign {
        0x0000 | 0x4000 => None,
        0xC000 => Some("NaN"),
        0xD000 => Some("Infinity"),
        0xF000 => Some("-Infinity"),
        _ => return Err(malformed()),
    };
    if let Some(special) = special {
        return number(special);
    }
    let count = i32::from(u16::try_from(count).map_err(|_| malformed())?);
    let mut groups = Vec::new();
    for _ in 0..count {
        let group = reader.i16()?;
        if !(0..10_000).contains(&group) {
            return Err(malformed());
        }
        groups.push(group);
    }
    let group = |exponent: i32| {
        usize::try_from(weight - exponent)
            .ok()
            .and_then(|at| groups.get(at))
            .copied()
            .unwrap_or(0)
    };
    let mut text = String::from(if sign == 0x4000 { "-0" } else { "0" });
    for exponent in (0..=weight).rev() {
        let _ = write!(text, "{:04}", group(exponent));
    }
    text.push('.');
    for exponent in (weight - count + 1..0).rev() {
        let _ = write!(text, "{:04}", group(exponent));
    }
    // The digits behind the point are whole groups; the scale says how many are meant.
    let fraction = text.len() - text.find('.').map_or(0, |point| point + 1);
    if fraction > scale {
        text.truncate(text.len() - (fraction - scale));
    }
    number(&text)
}

/// A numeric by its text.
fn number(text: &str) -> Result<ScalarValue, SqlError> {
    let number: Numeric = text.parse()?;
    Ok(ScalarValue::LargeBinary(Some(ordered::encode(&number))))
}
