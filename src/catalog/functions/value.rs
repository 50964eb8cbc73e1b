//! Values between the engine's columns and functions that are written for one row.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, TimestampMicrosecondArray, new_empty_array, new_null_array,
};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Field, FieldRef, Float64Type, Int64Type, IntervalMonthDayNano,
    IntervalMonthDayNanoType, Time64MicrosecondType, TimeUnit, TimestampMicrosecondType,
};
use datafusion::common::{Result, ScalarValue};
use datafusion::error::DataFusionError;

use super::bounded::RESULT_BYTES_MAX;
use super::interval::{DAY, Interval, SPAN};
use super::numbers::{floats, numerics};
use crate::catalog::column::TYPE;
use crate::catalog::error::CatalogError;
use crate::proxy::postgres::error::SqlError;
use crate::sql::encode::zone::Zone;
use crate::sql::numeric::{Numeric, ordered};
use crate::sql::params::decode_parameter_in;
use crate::sql::types::Format;

pub(in crate::catalog) use crate::sql::encode::texts;
#[cfg(test)]
pub(in crate::catalog) use crate::sql::encode::texts_of;

/// What a function takes at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::catalog) enum Kind {
    /// `boolean`.
    Bool,
    /// Any integer, `oid` among them.
    Int,
    /// `double precision`.
    Float,
    /// `numeric`.
    Numeric,
    /// `text`.
    Text,
    /// `bytea`.
    Bytes,
    /// `date`.
    Date,
    /// `time without time zone`.
    Time,
    /// `timestamp without time zone`.
    Stamp,
    /// `timestamp with time zone`.
    StampTz,
    /// `interval`.
    Interval,
    /// `anyarray`.
    Array,
    /// `anyelement`.
    Any,
}

/// How badly an argument of a type fits; `None`: not at all. Text stands for PostgreSQL's untyped literals too, so it
/// fits everything, badly.
pub(super) fn misfit(kind: Kind, given: &DataType) -> Option<u32> {
    use DataType as D;
    if let D::Dictionary(_, value) = given {
        return misfit(kind, value);
    }
    let literal = matches!(given, D::Null) || is_text(given);
    let found = match kind {
        Kind::Any => Some(40),
        Kind::Text if literal => Some(0),
        Kind::Bool => matches!(given, D::Boolean).then_some(0),
        Kind::Int => given.is_integer().then_some(0),
        Kind::Float => match given {
            D::Float16 | D::Float32 | D::Float64 => Some(0),
            D::LargeBinary => Some(2),
            _ => given.is_integer().then_some(1),
        },
        Kind::Numeric => match given {
            D::LargeBinary => Some(0),
            D::Float16 | D::Float32 | D::Float64 => Some(8),
            _ => given.is_integer().then_some(2),
        },
        Kind::Text => None,
        Kind::Bytes => {
            matches!(given, D::Binary | D::BinaryView | D::FixedSizeBinary(_)).then_some(0)
        }
        Kind::Date => match given {
            D::Date32 | D::Date64 => Some(0),
            _ => None,
        },
        Kind::Time => match given {
            D::Time32(_) | D::Time64(_) => Some(0),
            _ => None,
        },
        Kind::Stamp => match given {
            D::Timestamp(_, None) => Some(0),
            D::Date32 | D::Date64 => Some(3),
            _ => None,
        },
        Kind::StampTz => match given {
            D::Timestamp(_, Some(_)) => Some(0),
            D::Timestamp(_, None) => Some(2),
            D::Date32 | D::Date64 => Some(2),
            _ => None,
        },
        Kind::Interval => match given {
            D::Interval(_) | D::Duration(_) => Some(0),
            D::Time32(_) | D::Time64(_) => Some(2),
            _ => None,
        },
        Kind::Array => list_item(given).map(|_| 0),
    };
    found.or_else(|| literal.then_some(9))
}

/// Whether a type is one of numbers, `numeric` among them.
pub(super) fn is_number(given: &DataType) -> bool {
    given.is_numeric() || *given == ordered::COLUMN
}

pub(super) fn is_text(given: &DataType) -> bool {
    matches!(
        given,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    )
}

/// The type of a list's elements.
pub(super) fn list_item(given: &DataType) -> Option<&DataType> {
    match given {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            Some(item.data_type())
        }
        _ => None,
    }
}

pub(super) fn list_of(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(item, true)))
}

/// The type of every instant that functions make.
pub(super) fn stamp_type(zoned: bool) -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, zoned.then(|| "+00:00".into()))
}

/// An argument for all rows.
#[derive(Debug)]
pub(super) struct Column {
    array: ArrayRef,
    /// The argument is one value for all rows.
    is_constant: bool,
    /// The type that its field names, if it is another than its Arrow type says.
    pg_type: Option<String>,
}

impl Column {
    /// Converts what was given to what is taken.
    pub fn read(array: ArrayRef, is_constant: bool, kind: Kind, zone: &Zone) -> Result<Self> {
        let array = match array.data_type() {
            DataType::Dictionary(_, value) => cast(&array, value)?,
            _ => array,
        };
        let array = match wanted(kind) {
            None if kind == Kind::Text => cast(&array, &DataType::Utf8)?,
            None => array,
            Some(wanted) if array.data_type() == &wanted => array,
            Some(wanted) if is_text(array.data_type()) => from_text(&array, &wanted, zone)?,
            Some(wanted) => convert(&array, &wanted, zone)?,
        };
        Ok(Self {
            array,
            is_constant,
            pg_type: None,
        })
    }

    /// The argument of a field.
    pub fn of_field(mut self, field: Option<&FieldRef>) -> Self {
        self.pg_type = field.and_then(|field| field.metadata().get(TYPE)).cloned();
        self
    }

    /// The type that its field names.
    pub fn pg_type(&self) -> Option<&str> {
        self.pg_type.as_deref()
    }

    pub fn row(&self, row: usize) -> usize {
        if self.is_constant { 0 } else { row }
    }

    pub fn is_null(&self, row: usize) -> bool {
        self.array.is_null(self.row(row)) || self.array.data_type().is_null()
    }

    pub fn array(&self) -> &ArrayRef {
        &self.array
    }
}

/// A value as one of a kind of moments, converted or read with the clock of a zone.
///
/// # Errors
/// What is wrong with a text.
pub(in crate::catalog) fn constant(
    value: &ScalarValue,
    kind: Kind,
    zone: &Zone,
) -> Result<ScalarValue> {
    let column = Column::read(value.to_array()?, true, kind, zone)?;
    ScalarValue::try_from_array(column.array(), 0)
}

/// The type that rows of a kind are read from; `None` for what is read as it is.
pub(super) fn wanted(kind: Kind) -> Option<DataType> {
    Some(match kind {
        Kind::Bool => DataType::Boolean,
        Kind::Int => DataType::Int64,
        Kind::Float => DataType::Float64,
        Kind::Numeric => ordered::COLUMN,
        Kind::Text => return None,
        Kind::Bytes => DataType::Binary,
        Kind::Date => DataType::Date32,
        Kind::Time => DataType::Time64(TimeUnit::Microsecond),
        Kind::Stamp => stamp_type(false),
        Kind::StampTz => stamp_type(true),
        Kind::Interval => SPAN,
        Kind::Array | Kind::Any => return None,
    })
}

fn from_text(array: &ArrayRef, wanted: &DataType, zone: &Zone) -> Result<ArrayRef> {
    let texts = cast(array, &DataType::Utf8)?;
    let texts = texts.as_string::<i32>();
    if matches!(wanted, DataType::Interval(_)) {
        let read = texts.iter().map(|text| {
            let interval = text.map(super::interval::read).transpose();
            interval
                .map(|interval| interval.map(Interval::to_arrow))
                .map_err(|error| DataFusionError::External(Box::new(error)))
        });
        let intervals = read.collect::<Result<arrow::array::IntervalMonthDayNanoArray>>()?;
        return Ok(Arc::new(intervals));
    }
    let values = texts.iter().map(|text| {
        let text = text.map(str::as_bytes);
        decode_parameter_in(text, Format::Text, 0, wanted, zone)
            .map_err(|error| DataFusionError::External(Box::new(error)))
    });
    let values = values.collect::<Result<Vec<ScalarValue>>>()?;
    match values.is_empty() {
        true => Ok(new_empty_array(wanted)),
        false => ScalarValue::iter_to_array(values),
    }
}

fn convert(array: &ArrayRef, wanted: &DataType, zone: &Zone) -> Result<ArrayRef> {
    let given = array.data_type();
    match (given, wanted) {
        (_, DataType::LargeBinary) => Ok(Arc::new(numerics(array)?)),
        (DataType::LargeBinary, DataType::Float64) => Ok(Arc::new(floats(array))),
        (DataType::Timestamp(_, Some(_)), DataType::Timestamp(_, Some(_))) => {
            Ok(cast(array, wanted)?)
        }
        (
            DataType::Timestamp(..) | DataType::Date32 | DataType::Date64,
            DataType::Timestamp(..) | DataType::Date32 | DataType::Time64(_),
        ) if given != wanted => moments(array, wanted, zone),
        (DataType::Duration(_), DataType::Interval(_)) => {
            let micros = cast(
                &cast(array, &DataType::Duration(TimeUnit::Microsecond))?,
                &DataType::Int64,
            )?;
            let micros = micros.as_primitive::<Int64Type>();
            let intervals: arrow::array::IntervalMonthDayNanoArray =
                micros.unary(|micros| Interval::of_difference(micros).to_arrow());
            Ok(Arc::new(intervals))
        }
        _ => Ok(cast(array, wanted)?),
    }
}

/// Moments of one type as those of another, by the zone's clock.
fn moments(array: &ArrayRef, wanted: &DataType, zone: &Zone) -> Result<ArrayRef> {
    const NEVER: (i32, i32) = (i32::MAX, i32::MIN);
    let is_zoned = matches!(array.data_type(), DataType::Timestamp(_, Some(_)));
    // What the zone's clock shows.
    let clock: TimestampMicrosecondArray = match array.data_type() {
        DataType::Timestamp(_, zone_name) => {
            let micros = DataType::Timestamp(TimeUnit::Microsecond, zone_name.clone());
            let given = cast(array, &micros)?;
            let given = given.as_primitive::<TimestampMicrosecondType>();
            given.unary(|micros| match is_zoned {
                true => super::zoned::local(micros, zone),
                false => micros,
            })
        }
        _ => {
            let days = cast(array, &DataType::Date32)?;
            let midnight = |day: i32| match day {
                day if day == NEVER.0 => i64::MAX,
                day if day == NEVER.1 => i64::MIN,
                day => i64::from(day).saturating_mul(DAY),
            };
            days.as_primitive::<Date32Type>().unary(midnight)
        }
    };
    Ok(match wanted {
        DataType::Timestamp(_, None) => Arc::new(clock),
        DataType::Timestamp(_, Some(name)) => {
            let instants: TimestampMicrosecondArray =
                clock.unary(|micros| super::zoned::instant(micros, zone));
            Arc::new(instants.with_timezone(Arc::clone(name)))
        }
        DataType::Date32 => {
            let day = |micros: i64| match micros {
                i64::MAX => NEVER.0,
                i64::MIN => NEVER.1,
                micros => i32::try_from(micros.div_euclid(DAY)).unwrap_or(NEVER.0),
            };
            Arc::new(clock.unary::<_, Date32Type>(day))
        }
        _ => {
            let time =
                |micros: i64| (!super::zoned::is_infinite(micros)).then(|| micros.rem_euclid(DAY));
            Arc::new(clock.unary_opt::<_, Time64MicrosecondType>(time))
        }
    })
}

/// The arguments of one row. A place that is read as another kind than was asked for reads as nothing.
pub(super) struct Row<'a> {
    pub columns: &'a [Column],
    pub row: usize,
    pub zone: &'a Zone,
}

impl Row<'_> {
    fn at(&self, place: usize) -> Option<(&ArrayRef, usize)> {
        let column = self.columns.get(place)?;
        Some((&column.array, column.row(self.row)))
    }

    /// How many arguments there are.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    pub fn is_null(&self, place: usize) -> bool {
        self.columns
            .get(place)
            .is_none_or(|column| column.is_null(self.row))
    }

    pub fn text(&self, place: usize) -> &str {
        match self.columns.get(place) {
            Some(column) => column
                .array
                .as_string_opt::<i32>()
                .map_or("", |texts| texts.value(column.row(self.row))),
            None => "",
        }
    }

    /// The text, or nothing for NULL.
    pub fn opt_text(&self, place: usize) -> Option<&str> {
        (!self.is_null(place)).then(|| self.text(place))
    }

    pub fn bool(&self, place: usize) -> bool {
        self.at(place)
            .and_then(|(array, row)| Some(array.as_boolean_opt()?.value(row)))
            .unwrap_or_default()
    }

    pub fn int(&self, place: usize) -> i64 {
        self.at(place)
            .and_then(|(array, row)| Some(array.as_primitive_opt::<Int64Type>()?.value(row)))
            .unwrap_or_default()
    }

    /// The integer as a number that PostgreSQL keeps in an `integer`.
    ///
    /// # Errors
    /// 22003 beyond its range.
    pub fn int4(&self, place: usize) -> Result<i32, SqlError> {
        i32::try_from(self.int(place)).map_err(|_| SqlError::new("22003", "integer out of range"))
    }

    pub fn float(&self, place: usize) -> f64 {
        self.at(place)
            .and_then(|(array, row)| Some(array.as_primitive_opt::<Float64Type>()?.value(row)))
            .unwrap_or_default()
    }

    /// The number.
    pub fn numeric(&self, place: usize) -> Numeric {
        self.at(place)
            .and_then(|(array, row)| Some(array.as_binary_opt::<i64>()?.value(row)))
            .map_or(Numeric::NaN, ordered::decode)
    }

    /// The bytes of a number.
    pub fn numeric_bytes(&self, place: usize) -> &[u8] {
        match self.columns.get(place) {
            Some(column) => column
                .array
                .as_binary_opt::<i64>()
                .map_or(&[], |values| values.value(column.row(self.row))),
            None => &[],
        }
    }

    /// Days since 1970-01-01.
    pub fn date(&self, place: usize) -> i32 {
        self.at(place)
            .and_then(|(array, row)| Some(array.as_primitive_opt::<Date32Type>()?.value(row)))
            .unwrap_or_default()
    }

    /// Microseconds since midnight.
    pub fn time(&self, place: usize) -> i64 {
        self.at(place)
            .and_then(|(array, row)| {
                Some(
                    array
                        .as_primitive_opt::<Time64MicrosecondType>()?
                        .value(row),
                )
            })
            .unwrap_or_default()
    }

    /// Microseconds since 1970-01-01, in UTC or of a clock without a zone.
    pub fn micros(&self, place: usize) -> i64 {
        self.at(place)
            .and_then(|(array, row)| {
                Some(
                    array
                        .as_primitive_opt::<TimestampMicrosecondType>()?
                        .value(row),
                )
            })
            .unwrap_or_default()
    }

    pub fn interval(&self, place: usize) -> Interval {
        self.at(place)
            .and_then(|(array, row)| {
                Some(
                    array
                        .as_primitive_opt::<IntervalMonthDayNanoType>()?
                        .value(row),
                )
            })
            .map(Interval::from_arrow)
            .unwrap_or_default()
    }

    pub fn bytes(&self, place: usize) -> &[u8] {
        match self.columns.get(place) {
            Some(column) => column
                .array
                .as_binary_opt::<i32>()
                .map_or(&[], |values| values.value(column.row(self.row))),
            None => &[],
        }
    }

    /// The value itself, as an array of one.
    pub fn any(&self, place: usize) -> ArrayRef {
        match self.at(place) {
            Some((array, row)) => array.slice(row, 1),
            None => new_null_array(&DataType::Null, 1),
        }
    }

    /// The elements of a list.
    pub fn elements(&self, place: usize) -> ArrayRef {
        let found = self.at(place).and_then(|(array, row)| {
            if array.is_null(row) {
                return None;
            }
            match array.data_type() {
                DataType::List(_) => Some(array.as_list_opt::<i32>()?.value(row)),
                DataType::LargeList(_) => Some(array.as_list_opt::<i64>()?.value(row)),
                DataType::FixedSizeList(..) => Some(array.as_fixed_size_list_opt()?.value(row)),
                _ => None,
            }
        });
        found.unwrap_or_else(|| new_empty_array(&DataType::Null))
    }

    /// The value in its text form; `None` for NULL.
    ///
    /// # Errors
    /// Of the encoder.
    pub fn shown(&self, place: usize) -> Result<Option<String>, SqlError> {
        if self.is_null(place) {
            return Ok(None);
        }
        let mut texts = texts(&self.any(place), self.zone)?;
        Ok(texts.pop().flatten())
    }
}

/// Refuses what a function is about to make when it is more than memory is meant to hold.
///
/// # Errors
/// [`CatalogError::ResultTooLarge`]'s words and code.
pub(super) fn refuse_over(name: &str, bytes: u64) -> Result<(), SqlError> {
    if bytes <= RESULT_BYTES_MAX {
        return Ok(());
    }
    let error = CatalogError::ResultTooLarge(name.to_owned());
    Err(SqlError::new(error.sqlstate(), error.to_string()))
}

impl Interval {
    /// From the engine's form.
    pub fn from_arrow(value: IntervalMonthDayNano) -> Self {
        Self {
            months: value.months,
            days: value.days,
            micros: value.nanoseconds / 1000,
        }
    }

    /// In the engine's form. What is longer than nanoseconds can count ends at their limit.
    pub fn to_arrow(self) -> IntervalMonthDayNano {
        IntervalMonthDayNano::new(self.months, self.days, self.micros.saturating_mul(1000))
    }
}
