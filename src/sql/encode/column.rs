//! One column of a batch, bound to its typed buffers.

use super::interval::{Forms, IntervalStyle, write_interval as write_interval_text};
use super::nested::{ArrayValues, RecordValues};
use super::time::{DAY_S, EPOCH_DAYS, MICROS, TimestampWriter};
use super::{EncodeError, binary, patch_length, raw, text};
use crate::sql::charset::Charset;
use crate::sql::numeric::ordered;
use crate::sql::types::{
    Format, fixed_length, is_array_of_texts, is_reference, is_text_type, pg_type_of,
};
use arrow::array::types::*;
use arrow::array::*;
use arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, IntervalUnit, TimeUnit, i256};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use bytes::{BufMut, BytesMut};
use std::sync::Arc;

/// Seconds between 1970-01-01 and PostgreSQL's epoch, 2000-01-01.
pub(super) const EPOCH_S: i64 = EPOCH_DAYS * DAY_S;

/// A bound column: where its values are, which are null, and how they are sent.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) values: Values,
    pub(super) nulls: Option<NullBuffer>,
    pub(super) format: Format,
    /// OID of the type it is sent as.
    pub(super) oid: u32,
}

/// Typed values. Buffers are shared with the batch, not copied.
#[derive(Debug)]
pub(super) enum Values {
    Null,
    Bool(BooleanBuffer),
    Int8(ScalarBuffer<i8>),
    Int16(ScalarBuffer<i16>),
    Int32(ScalarBuffer<i32>),
    Int64(ScalarBuffer<i64>),
    UInt8(ScalarBuffer<u8>),
    UInt16(ScalarBuffer<u16>),
    UInt32(ScalarBuffer<u32>),
    UInt64(ScalarBuffer<u64>),
    Float16(Float16Array),
    Float32(ScalarBuffer<f32>),
    Float64(ScalarBuffer<f64>),
    Utf8(StringArray),
    LargeUtf8(LargeStringArray),
    Utf8View(StringViewArray),
    Binary(BinaryArray),
    Numeric(LargeBinaryArray),
    BinaryView(BinaryViewArray),
    /// Values in their binary form.
    Raw(BinaryArray),
    FixedBinary(FixedSizeBinaryArray),
    Date32(ScalarBuffer<i32>),
    Date64(ScalarBuffer<i64>),
    Time32(ScalarBuffer<i32>, TimeUnit),
    Time64(ScalarBuffer<i64>, TimeUnit),
    Timestamp(ScalarBuffer<i64>, TimeUnit, TimestampWriter),
    Months(ScalarBuffer<i32>, IntervalStyle),
    DayTime(IntervalDayTimeArray, IntervalStyle),
    MonthDayNano(IntervalMonthDayNanoArray, IntervalStyle),
    Duration(ScalarBuffer<i64>, TimeUnit, IntervalStyle),
    Decimal32(ScalarBuffer<i32>, i8),
    Decimal64(ScalarBuffer<i64>, i8),
    Decimal128(ScalarBuffer<i128>, i8),
    Decimal256(ScalarBuffer<i256>, i8),
    Array(ArrayValues),
    Record(RecordValues),
    Dictionary(Vec<usize>, Box<Column>),
}

impl Column {
    /// Binds `array`, the column of a field.
    pub(super) fn bind(
        field: &Field,
        array: &ArrayRef,
        format: Format,
        forms: &Forms,
    ) -> Result<Self, EncodeError> {
        use DataType as D;
        macro_rules! values {
            ($t:ty) => {
                array.as_primitive::<$t>().values().clone()
            };
        }
        // Arrays of these units share one representation; only the downcast differs.
        macro_rules! by_unit {
            ($unit:expr, $s:ty, $ms:ty, $us:ty, $ns:ty) => {
                match $unit {
                    TimeUnit::Second => values!($s),
                    TimeUnit::Millisecond => values!($ms),
                    TimeUnit::Microsecond => values!($us),
                    TimeUnit::Nanosecond => values!($ns),
                }
            };
        }
        let ty = pg_type_of(field);
        if let Some(form) = written(array, field, format) {
            let form_field = Field::new(field.name(), form.data_type().clone(), true);
            let bound = Self::bind(&form_field, &form, format, forms)?;
            return Ok(Self {
                oid: ty.oid(),
                ..bound
            });
        }
        let name = field.name();
        let raw = match format {
            Format::Text => None,
            Format::Binary => raw::binary(name, array, &ty)?,
        };
        let values = match array.data_type() {
            _ if let Some(raw) = raw => Values::Raw(raw),
            D::Null => Values::Null,
            D::Boolean => Values::Bool(array.as_boolean().values().clone()),
            D::Int8 => Values::Int8(values!(Int8Type)),
            D::Int16 => Values::Int16(values!(Int16Type)),
            D::Int32 => Values::Int32(values!(Int32Type)),
            D::Int64 => Values::Int64(values!(Int64Type)),
            D::UInt8 => Values::UInt8(values!(UInt8Type)),
            D::UInt16 => Values::UInt16(values!(UInt16Type)),
            D::UInt32 => Values::UInt32(values!(UInt32Type)),
            D::UInt64 => Values::UInt64(values!(UInt64Type)),
            D::Float16 => Values::Float16(array.as_primitive::<Float16Type>().clone()),
            D::Float32 => Values::Float32(values!(Float32Type)),
            D::Float64 => Values::Float64(values!(Float64Type)),
            D::Utf8 => Values::Utf8(array.as_string().clone()),
            D::LargeUtf8 => Values::LargeUtf8(array.as_string().clone()),
            D::Utf8View => Values::Utf8View(array.as_string_view().clone()),
            D::Binary => Values::Binary(array.as_binary().clone()),
            D::LargeBinary => Values::Numeric(array.as_binary().clone()),
            D::BinaryView => Values::BinaryView(array.as_binary_view().clone()),
            D::FixedSizeBinary(_) => Values::FixedBinary(array.as_fixed_size_binary().clone()),
            D::Date32 => Values::Date32(values!(Date32Type)),
            D::Date64 => Values::Date64(values!(Date64Type)),
            D::Time32(TimeUnit::Second) => {
                Values::Time32(values!(Time32SecondType), TimeUnit::Second)
            }
            D::Time32(_) => Values::Time32(values!(Time32MillisecondType), TimeUnit::Millisecond),
            D::Time64(TimeUnit::Nanosecond) => {
                Values::Time64(values!(Time64NanosecondType), TimeUnit::Nanosecond)
            }
            D::Time64(_) => Values::Time64(values!(Time64MicrosecondType), TimeUnit::Microsecond),
            D::Timestamp(unit, named) => Values::Timestamp(
                by_unit!(
                    unit,
                    TimestampSecondType,
                    TimestampMillisecondType,
                    TimestampMicrosecondType,
                    TimestampNanosecondType
                ),
                *unit,
                TimestampWriter::new(named.is_some().then_some(forms.zone)),
            ),
            D::Interval(IntervalUnit::YearMonth) => {
                Values::Months(values!(IntervalYearMonthType), forms.intervals)
            }
            D::Interval(IntervalUnit::DayTime) => {
                let values = array.as_primitive::<IntervalDayTimeType>().clone();
                Values::DayTime(values, forms.intervals)
            }
            D::Interval(IntervalUnit::MonthDayNano) => {
                let values = array.as_primitive::<IntervalMonthDayNanoType>().clone();
                Values::MonthDayNano(values, forms.intervals)
            }
            D::Duration(unit) => Values::Duration(
                by_unit!(
                    unit,
                    DurationSecondType,
                    DurationMillisecondType,
                    DurationMicrosecondType,
                    DurationNanosecondType
                ),
                *unit,
                forms.intervals,
            ),
            D::Decimal32(_, scale) => Values::Decimal32(values!(Decimal32Type), *scale),
            D::Decimal64(_, scale) => Values::Decimal64(values!(Decimal64Type), *scale),
            D::Decimal128(_, scale) => Values::Decimal128(values!(Decimal128Type), *scale),
            D::Decimal256(_, scale) => Values::Decimal256(values!(Decimal256Type), *scale),
            D::List(_)
            | D::LargeList(_)
            | D::FixedSizeList(..)
            | D::ListView(_)
            | D::LargeListView(_) => Values::Array(ArrayValues::bind(field, array, format, forms)?),
            D::Struct(_) => Values::Record(RecordValues::bind(array.as_struct(), format, forms)?),
            D::Dictionary(..) => {
                let dictionary = array.as_any_dictionary();
                // Keys of null rows need not point anywhere; with no values there is nothing to point at.
                let keys = if dictionary.values().is_empty() {
                    Vec::new()
                } else {
                    dictionary.normalized_keys()
                };
                Values::Dictionary(
                    keys,
                    Box::new(Self::bind(field, dictionary.values(), format, forms)?),
                )
            }
            _ => Values::Utf8(displayed(name, array)?),
        };
        let oid = ty.oid();
        Ok(Self {
            values,
            nulls: array.logical_nulls(),
            format,
            oid,
        })
    }

    pub(super) fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }

    /// Whether there is nothing but null.
    pub(super) fn is_null_throughout(&self) -> bool {
        let nulls = self.nulls.as_ref();
        nulls.is_some_and(|nulls| nulls.null_count() == nulls.len())
    }

    /// The array values, if this is a column of arrays.
    pub(super) fn as_array_mut(&mut self) -> Option<&mut ArrayValues> {
        match &mut self.values {
            Values::Array(values) => Some(values),
            _ => None,
        }
    }

    /// Whether this is a column of arrays.
    pub(super) fn is_array(&self) -> bool {
        matches!(self.values, Values::Array(_))
    }

    /// Appends the value's length and the value; length -1 and nothing for null.
    pub(super) fn write_with_length(
        &mut self,
        row: usize,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        if self.is_null(row) {
            out.put_i32(-1);
            return Ok(());
        }
        let length_at = out.len();
        out.put_i32(0);
        self.write(row, out)?;
        patch_length(out, length_at, 4)
    }

    /// Puts the value that stands with its length in `out` from `start` on into the client's character set.
    pub(super) fn recode(
        &self,
        start: usize,
        charset: Charset,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        let value = start + 4;
        if value >= out.len() {
            return Ok(());
        }
        match self.format {
            Format::Binary if is_array_of_texts(self.oid) => {
                binary::recode_array(value, charset, out)?;
            }
            Format::Binary if !is_text_type(self.oid) => return Ok(()),
            _ => charset.recode(out, value)?,
        }
        patch_length(out, start, 4)
    }

    /// Appends the value, which is not null.
    pub(super) fn write(&mut self, row: usize, out: &mut BytesMut) -> Result<(), EncodeError> {
        let format = self.format;
        match &mut self.values {
            Values::Null => {}
            Values::Bool(v) => match format {
                Format::Text => out.put_u8(if v.value(row) { b't' } else { b'f' }),
                Format::Binary => out.put_u8(u8::from(v.value(row))),
            },
            Values::Int8(v) => write_int2(v[row].into(), format, out),
            Values::Int16(v) => write_int2(v[row], format, out),
            Values::UInt8(v) => write_int2(v[row].into(), format, out),
            Values::Int32(v) => write_int4(v[row], format, out),
            Values::UInt16(v) => write_int4(v[row].into(), format, out),
            Values::Int64(v) => write_int8(v[row], format, out),
            Values::UInt32(v) => match format {
                Format::Text => write_int8(v[row].into(), format, out),
                Format::Binary => out.put_u32(v[row]),
            },
            Values::UInt64(v) => {
                let value = i64::try_from(v[row]).map_err(|_| EncodeError::OutOfRange("bigint"))?;
                write_int8(value, format, out);
            }
            Values::Float16(v) => write_float4(v.value(row).to_f32(), format, out),
            Values::Float32(v) => write_float4(v[row], format, out),
            Values::Float64(v) => match format {
                Format::Text => super::float::write_f64(v[row], out),
                Format::Binary => out.put_f64(v[row]),
            },
            Values::Utf8(v) => out.extend_from_slice(v.value(row).as_bytes()),
            Values::LargeUtf8(v) => out.extend_from_slice(v.value(row).as_bytes()),
            Values::Utf8View(v) => out.extend_from_slice(v.value(row).as_bytes()),
            Values::Binary(v) => write_bytea(v.value(row), format, out),
            Values::Numeric(v) => match format {
                Format::Text => ordered::write_text(v.value(row), out),
                Format::Binary => ordered::write_binary(v.value(row), out),
            },
            Values::BinaryView(v) => write_bytea(v.value(row), format, out),
            Values::FixedBinary(v) => write_bytea(v.value(row), format, out),
            Values::Raw(v) => out.extend_from_slice(v.value(row)),
            Values::Date32(v) => match v[row] {
                i32::MAX => write_infinite_date(true, format, out),
                i32::MIN => write_infinite_date(false, format, out),
                days => write_date(days.into(), format, out)?,
            },
            Values::Date64(v) => match v[row] {
                i64::MAX => write_infinite_date(true, format, out),
                i64::MIN => write_infinite_date(false, format, out),
                millis => write_date(millis.div_euclid(DAY_S * 1000), format, out)?,
            },
            Values::Time32(v, unit) => write_time(micros(v[row].into(), *unit), format, out)?,
            Values::Time64(v, unit) => write_time(micros(v[row], *unit), format, out)?,
            Values::Timestamp(v, unit, writer) => match v[row] {
                i64::MAX => write_infinite_timestamp(true, format, out),
                i64::MIN => write_infinite_timestamp(false, format, out),
                value => {
                    let (second, fraction) = split(value, *unit);
                    match format {
                        Format::Text => writer.write(second, fraction, out),
                        Format::Binary => {
                            let value = second
                                .checked_sub(EPOCH_S)
                                .and_then(|second| {
                                    second.checked_mul(MICROS)?.checked_add(fraction)
                                })
                                .ok_or(EncodeError::OutOfRange("timestamp"))?;
                            out.put_i64(value);
                        }
                    }
                }
            },
            Values::Months(v, style) => write_interval(*style, v[row], 0, 0, format, out),
            Values::DayTime(v, style) => {
                let value = v.value(row);
                write_interval(
                    *style,
                    0,
                    value.days,
                    i64::from(value.milliseconds) * 1000,
                    format,
                    out,
                );
            }
            Values::MonthDayNano(v, style) => {
                let value = v.value(row);
                write_interval(
                    *style,
                    value.months,
                    value.days,
                    value.nanoseconds / 1000,
                    format,
                    out,
                );
            }
            Values::Duration(v, unit, style) => {
                // As the difference of two timestamps in PostgreSQL: whole days first.
                let (second, fraction) = split(v[row], *unit);
                let days = (second + i64::from(second < 0 && fraction > 0)) / DAY_S;
                let rest = (second - days * DAY_S) * MICROS + fraction;
                let days = i32::try_from(days).map_err(|_| EncodeError::OutOfRange("interval"))?;
                write_interval(*style, 0, days, rest, format, out);
            }
            Values::Decimal32(v, scale) => {
                write_decimal(i256::from_i128(v[row].into()), *scale, format, out)?
            }
            Values::Decimal64(v, scale) => {
                write_decimal(i256::from_i128(v[row].into()), *scale, format, out)?
            }
            Values::Decimal128(v, scale) => {
                write_decimal(i256::from_i128(v[row]), *scale, format, out)?
            }
            Values::Decimal256(v, scale) => write_decimal(v[row], *scale, format, out)?,
            Values::Array(values) => match format {
                Format::Text => values.write_text(row, out)?,
                Format::Binary => values.write_binary(row, out)?,
            },
            Values::Record(values) => match format {
                Format::Text => values.write_text(row, out)?,
                Format::Binary => values.write_binary(row, out)?,
            },
            Values::Dictionary(keys, values) => values.write(keys[row], out)?,
        }
        Ok(())
    }
}

/// What is sent of values that are held in another form: one of the two of a reference, and texts of fixed length
/// filled up.
fn written(array: &ArrayRef, field: &Field, format: Format) -> Option<ArrayRef> {
    if is_reference(field) {
        let both = array.as_struct_opt()?;
        let at = usize::from(format == Format::Text);
        return both.columns().get(at).cloned();
    }
    let length = fixed_length(field)?;
    let texts = arrow::compute::cast(array, &DataType::Utf8View).ok()?;
    let texts = texts.as_string_view().iter();
    let filled = texts.map(|text| text.map(|text| format!("{text:length$}")));
    Some(Arc::new(filled.collect::<StringArray>()))
}

/// The rows of a type that PostgreSQL does not have, in Arrow's own text form.
fn displayed(name: &str, array: &ArrayRef) -> Result<StringArray, EncodeError> {
    let no_text = |reason: String| EncodeError::NoText {
        column: name.to_owned(),
        reason,
    };
    let options = FormatOptions::new().with_display_error(false);
    let formatter =
        ArrayFormatter::try_new(array, &options).map_err(|error| no_text(error.to_string()))?;
    (0..array.len())
        .map(|row| match array.is_null(row) {
            true => Ok(None),
            false => formatter
                .value(row)
                .try_to_string()
                .map(Some)
                .map_err(|error| no_text(error.to_string())),
        })
        .collect()
}

/// Whole seconds and microseconds of a second.
pub(super) fn split(value: i64, unit: TimeUnit) -> (i64, i64) {
    let (per_second, per_micro, micros) = match unit {
        TimeUnit::Second => return (value, 0),
        TimeUnit::Millisecond => (1000, 1, 1000),
        TimeUnit::Microsecond => (MICROS, 1, 1),
        TimeUnit::Nanosecond => (1_000_000_000, 1000, 1),
    };
    (
        value.div_euclid(per_second),
        value.rem_euclid(per_second) / per_micro * micros,
    )
}

/// Microseconds, or `None` past their range.
fn micros(value: i64, unit: TimeUnit) -> Option<i64> {
    let (seconds, fraction) = split(value, unit);
    seconds.checked_mul(MICROS)?.checked_add(fraction)
}

fn write_int2(value: i16, format: Format, out: &mut BytesMut) {
    match format {
        Format::Text => out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes()),
        Format::Binary => out.put_i16(value),
    }
}

fn write_int4(value: i32, format: Format, out: &mut BytesMut) {
    match format {
        Format::Text => out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes()),
        Format::Binary => out.put_i32(value),
    }
}

fn write_int8(value: i64, format: Format, out: &mut BytesMut) {
    match format {
        Format::Text => out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes()),
        Format::Binary => out.put_i64(value),
    }
}

fn write_float4(value: f32, format: Format, out: &mut BytesMut) {
    match format {
        Format::Text => super::float::write_f32(value, out),
        Format::Binary => out.put_f32(value),
    }
}

fn write_bytea(value: &[u8], format: Format, out: &mut BytesMut) {
    match format {
        Format::Text => text::write_bytea(value, out),
        Format::Binary => out.extend_from_slice(value),
    }
}

// The ends of the integer range stand for infinity in dates and timestamps.

fn write_infinite_date(positive: bool, format: Format, out: &mut BytesMut) {
    match format {
        Format::Text => out.extend_from_slice(infinity(positive)),
        Format::Binary => out.put_i32(if positive { i32::MAX } else { i32::MIN }),
    }
}

fn write_infinite_timestamp(positive: bool, format: Format, out: &mut BytesMut) {
    match format {
        Format::Text => out.extend_from_slice(infinity(positive)),
        Format::Binary => out.put_i64(if positive { i64::MAX } else { i64::MIN }),
    }
}

fn infinity(positive: bool) -> &'static [u8] {
    if positive { b"infinity" } else { b"-infinity" }
}

fn write_date(days: i64, format: Format, out: &mut BytesMut) -> Result<(), EncodeError> {
    match format {
        Format::Text => super::time::write_date(days, out),
        Format::Binary => {
            out.put_i32(
                i32::try_from(days - EPOCH_DAYS).map_err(|_| EncodeError::OutOfRange("date"))?,
            );
        }
    }
    Ok(())
}

fn write_time(micros: Option<i64>, format: Format, out: &mut BytesMut) -> Result<(), EncodeError> {
    let micros = micros
        .filter(|micros| (0..=DAY_S * MICROS).contains(micros))
        .ok_or(EncodeError::OutOfRange("time"))?;
    match format {
        Format::Text => super::time::write_time(micros, out),
        Format::Binary => out.put_i64(micros),
    }
    Ok(())
}

fn write_interval(
    style: IntervalStyle,
    months: i32,
    days: i32,
    micros: i64,
    format: Format,
    out: &mut BytesMut,
) {
    match format {
        Format::Text => write_interval_text(style, months, days, micros, out),
        Format::Binary => {
            out.put_i64(micros);
            out.put_i32(days);
            out.put_i32(months);
        }
    }
}

fn write_decimal(
    value: i256,
    scale: i8,
    format: Format,
    out: &mut BytesMut,
) -> Result<(), EncodeError> {
    let digits = text::Digits::of(value).ok_or(EncodeError::OutOfRange("numeric"))?;
    match format {
        Format::Text => text::write_numeric(&digits, scale, out),
        Format::Binary => binary::write_numeric(&digits, scale, out),
    }
    Ok(())
}
