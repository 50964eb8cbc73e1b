//! Bound parameters: the bytes of a Bind message → the engine's scalars.
//!
//! A client may declare another type than the one the statement wants (int4 where a bigint is compared, as drivers do).
//! The value is read in the type that the client declared and then converted by value, never by reinterpretation; what
//! would not survive the conversion is an error.

mod array;
mod binary;
mod datetime;
pub(crate) mod json;
mod moment;
mod text;
mod typed;

pub use typed::typed_text;

pub(crate) use self::moment::is_relative;
use super::charset::Charset;
use super::encode::texts;
use super::encode::zone::Zone;
use super::numeric::Numeric;
use super::numeric::ordered::{self, COLUMN};
use super::sqlstate::SqlError;
use super::types::{Format, is_array_of_texts, is_text_type, pg_type, sql_name};
use crate::catalog::TYPE;
use arrow::array::Array;
use arrow::datatypes::{DataType, Field, FieldRef, IntervalUnit, TimeUnit};
use datafusion::scalar::ScalarValue;
use pgwire::api::Type;
use std::sync::Arc;

/// The type in which values of the PostgreSQL type `oid` are read; `None` for a type that is not supported.
pub fn oid_to_arrow(oid: u32) -> Option<DataType> {
    let array = |item| Some(DataType::List(Arc::new(Field::new_list_field(item, true))));
    let scalar = match Type::from_oid(oid)? {
        Type::BOOL => DataType::Boolean,
        Type::INT2 => DataType::Int16,
        Type::INT4 => DataType::Int32,
        Type::INT8 | Type::OID => DataType::Int64,
        Type::FLOAT4 => DataType::Float32,
        Type::FLOAT8 => DataType::Float64,
        Type::NUMERIC => COLUMN,
        Type::TEXT
        | Type::VARCHAR
        | Type::BPCHAR
        | Type::NAME
        | Type::CHAR
        | Type::UNKNOWN
        | Type::UUID
        | Type::JSON
        | Type::JSONB
        | Type::INET
        | Type::CIDR => DataType::Utf8,
        Type::BYTEA => DataType::Binary,
        Type::DATE => DataType::Date32,
        Type::TIME => DataType::Time64(TimeUnit::Microsecond),
        Type::TIMESTAMP => DataType::Timestamp(TimeUnit::Microsecond, None),
        Type::TIMESTAMPTZ => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Type::INTERVAL => DataType::Interval(IntervalUnit::MonthDayNano),
        Type::BOOL_ARRAY => return array(DataType::Boolean),
        Type::INT2_ARRAY => return array(DataType::Int16),
        Type::INT4_ARRAY => return array(DataType::Int32),
        Type::INT8_ARRAY | Type::OID_ARRAY => return array(DataType::Int64),
        Type::FLOAT4_ARRAY => return array(DataType::Float32),
        Type::FLOAT8_ARRAY => return array(DataType::Float64),
        Type::NUMERIC_ARRAY => return array(COLUMN),
        Type::TEXT_ARRAY
        | Type::VARCHAR_ARRAY
        | Type::BPCHAR_ARRAY
        | Type::NAME_ARRAY
        | Type::UUID_ARRAY => {
            return array(DataType::Utf8);
        }
        Type::BYTEA_ARRAY => return array(DataType::Binary),
        Type::DATE_ARRAY => return array(DataType::Date32),
        Type::TIMESTAMP_ARRAY => return array(DataType::Timestamp(TimeUnit::Microsecond, None)),
        Type::TIMESTAMPTZ_ARRAY => {
            return array(DataType::Timestamp(
                TimeUnit::Microsecond,
                Some("UTC".into()),
            ));
        }
        _ => return None,
    };
    Some(scalar)
}

/// The same as a column, which says which type of PostgreSQL its values are of.
pub fn oid_to_field(oid: u32) -> Option<FieldRef> {
    let field = Field::new("", oid_to_arrow(oid)?, true);
    let known = Type::from_oid(oid)?;
    let is_named = pg_type(field.data_type()) != known && known != Type::UNKNOWN;
    Some(Arc::new(match is_named {
        true => field.with_metadata([(TYPE.to_owned(), known.name().to_owned())].into()),
        false => field,
    }))
}

/// As [`decode_parameter_in`], for a client in UTC.
///
/// # Errors
/// As there.
pub fn decode_parameter(
    value: Option<&[u8]>,
    format: Format,
    declared_oid: u32,
    wanted: &DataType,
) -> Result<ScalarValue, SqlError> {
    decode_parameter_in(value, format, declared_oid, wanted, &Zone::default())
}

/// Reads a bound value. `declared_oid` is the type from Parse, 0 if unspecified; `wanted` is the type that the statement
/// has at this place and the type of the result; `DataType::Null` takes any. Texts of instants without an offset are
/// in `zone`.
///
/// # Errors
/// 22P02 and 22007 for malformed text, 22P03 for malformed binary, 22003 and 22008 out of range, 22021 for bytes that
/// are not UTF-8, 0A000 for a type that is not supported, 42846 where the types have nothing in common.
pub fn decode_parameter_in(
    value: Option<&[u8]>,
    format: Format,
    declared_oid: u32,
    wanted: &DataType,
    zone: &Zone,
) -> Result<ScalarValue, SqlError> {
    let Some(bytes) = value else {
        return ScalarValue::try_from(wanted).map_err(|error| SqlError::from_engine(&error));
    };
    let is_declared = declared_oid != 0 && declared_oid != Type::UNKNOWN.oid();
    let oid = if is_declared {
        declared_oid
    } else {
        natural_oid(wanted)
    };
    let natural = oid_to_arrow(oid).ok_or_else(|| unsupported(oid))?;
    let decoded = match format {
        Format::Text => {
            let text = utf8(bytes)?;
            // A text is read as what is wanted; any other type as what was declared.
            if natural == DataType::Utf8 && (is_text(wanted) || wanted.is_null()) {
                let name = Type::from_oid(oid);
                let name = name.as_ref().map_or("text", Type::name);
                ScalarValue::Utf8(Some(typed_text(name, text)?))
            } else if natural == DataType::Utf8 {
                let natural = oid_to_arrow(natural_oid(wanted)).ok_or_else(|| unsupported(oid))?;
                text::decode(text, &natural, zone)?
            } else {
                text::decode(text, &natural, zone)?
            }
        }
        Format::Binary => binary::decode(bytes, oid)?,
    };
    convert(decoded, wanted, zone)
}

/// The text of a value from a client that speaks `charset`, as UTF-8; none of a value that is no text.
///
/// # Errors
/// As [`Charset::decode`].
pub(super) fn decode_text(
    bytes: &[u8],
    format: Format,
    declared_oid: u32,
    charset: Charset,
) -> Result<Option<Vec<u8>>, SqlError> {
    match format {
        Format::Binary if is_array_of_texts(declared_oid) => {
            array::decode_texts(bytes, charset).map(Some)
        }
        Format::Binary if !is_text_type(declared_oid) => Ok(None),
        _ => Ok(Some(charset.decode(bytes)?.into_bytes())),
    }
}

/// The OID of the type that values of `wanted` are sent in.
fn natural_oid(wanted: &DataType) -> u32 {
    pg_type(wanted).oid()
}

fn unsupported(oid: u32) -> SqlError {
    let name = Type::from_oid(oid).map_or_else(
        || format!("with OID {oid}"),
        |known| known.name().to_owned(),
    );
    SqlError::new(
        "0A000",
        format!("parameters of type {name} are not supported"),
    )
}

/// The text in `bytes`.
fn utf8(bytes: &[u8]) -> Result<&str, SqlError> {
    let invalid = |at: usize| {
        let byte = bytes.get(at).copied().unwrap_or_default();
        SqlError::new(
            "22021",
            format!("invalid byte sequence for encoding \"UTF8\": 0x{byte:02x}"),
        )
    };
    let text = std::str::from_utf8(bytes).map_err(|error| invalid(error.valid_up_to()))?;
    match text.bytes().position(|byte| byte == 0) {
        Some(at) => Err(invalid(at)),
        None => Ok(text),
    }
}

/// The value in the type `wanted`, converted by value.
///
/// # Errors
/// 22003 and 22008 out of range, 42846 where the types have nothing in common.
pub(super) fn convert(
    value: ScalarValue,
    wanted: &DataType,
    zone: &Zone,
) -> Result<ScalarValue, SqlError> {
    let given = value.data_type();
    if wanted.is_null() || given == *wanted {
        return Ok(value);
    }
    let is_fractional = given.is_floating() || given == COLUMN;
    match (&value, wanted) {
        (ScalarValue::LargeBinary(Some(bytes)), DataType::Float32 | DataType::Float64) => {
            let value = ScalarValue::Float64(Some(ordered::decode(bytes).to_f64()));
            return convert(value, wanted, zone);
        }
        (number, DataType::LargeBinary) if given.is_numeric() => {
            let number = match number {
                ScalarValue::Float32(Some(value)) => Numeric::from_f32(*value),
                ScalarValue::Float64(Some(value)) => Numeric::from_f64(*value),
                whole => whole.to_string().parse()?,
            };
            return Ok(ScalarValue::LargeBinary(Some(ordered::encode(&number))));
        }
        // A text that came in binary, or fractional digits that an integer has no place for.
        (ScalarValue::Utf8(Some(text)), _) if !is_text(wanted) => {
            let natural = oid_to_arrow(natural_oid(wanted))
                .ok_or_else(|| unsupported(natural_oid(wanted)))?;
            if natural != DataType::Utf8 {
                return convert(text::decode(text, &natural, zone)?, wanted, zone);
            }
        }
        (ScalarValue::List(given), DataType::List(item))
            if is_text(item.data_type()) && !is_text(&given.value_type()) && given.len() == 1 =>
        {
            let elements = given.value(0);
            let element = |at| {
                let element = ScalarValue::try_from_array(&elements, at);
                let element = element.map_err(|error| SqlError::from_engine(&error))?;
                convert(element, item.data_type(), zone)
            };
            let elements: Vec<_> = (0..elements.len()).map(element).collect::<Result<_, _>>()?;
            return Ok(array::list(&elements, item.data_type()));
        }
        (number, _) if is_fractional && wanted.is_integer() => {
            let text = match number {
                ScalarValue::LargeBinary(Some(bytes)) => ordered::text(bytes),
                number => number.to_string(),
            };
            let whole = match text.split_once('.') {
                Some((whole, fraction)) if fraction.bytes().all(|digit| digit == b'0') => whole,
                _ => &text,
            };
            return convert(text::decode(whole, &DataType::Int64, zone)?, wanted, zone);
        }
        _ => {}
    }
    let incompatible = || {
        let message = format!(
            "cannot cast type {} to {}",
            sql_name(&given),
            sql_name(wanted)
        );
        SqlError::new("42846", message)
    };
    // The engine would take a date for the number of its day.
    if given.is_temporal() != wanted.is_temporal() && !is_text(wanted) {
        return Err(incompatible());
    }
    // What is no text has PostgreSQL's form of it; a truth value's is the one that a cast gives it.
    let value = match is_text(wanted) && !is_text(&given) && given != DataType::Boolean {
        true => {
            let array = value.to_array().map_err(|_| incompatible())?;
            ScalarValue::Utf8(texts(&array, zone)?.pop().flatten())
        }
        false => value,
    };
    value.cast_to(wanted).map_err(|error| {
        let error = SqlError::from_engine(&error);
        match error.code {
            code if code.starts_with("22") => error,
            _ => incompatible(),
        }
    })
}

fn is_text(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    )
}

#[cfg(test)]
mod tests;
