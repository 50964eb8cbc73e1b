//! What functions make of rows, and the columns of it.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder,
    Float64Builder, Int16Builder, Int32Builder, Int64Builder, IntervalMonthDayNanoBuilder,
    LargeBinaryBuilder, ListBuilder, StringBuilder, Time64MicrosecondBuilder,
    TimestampMicrosecondBuilder, UInt32Builder, new_empty_array, new_null_array,
};
use arrow::compute::{cast, concat};
use arrow::datatypes::{DataType, IntervalUnit, TimeUnit};
use datafusion::common::Result;

use super::interval::Interval;
use crate::proxy::postgres::error::SqlError;
use crate::sql::numeric::{Numeric, ordered};

/// What a function makes of a row.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Null,
    Bool(bool),
    /// An integer, an `oid`, a day or an instant.
    Int(i64),
    Float(f64),
    Numeric(Numeric),
    /// A whole number that may have more digits than an integer.
    Wide(i128),
    Text(String),
    Bytes(Vec<u8>),
    Interval(Interval),
    /// `text[]`.
    Texts(Vec<Option<String>>),
    /// `integer[]`.
    Ints(Vec<Option<i32>>),
    /// A value of a type that depends on the arguments, as an array of one.
    One(ArrayRef),
}

macro_rules! from {
    ($($given:ty => $variant:ident ($value:ident) $as:expr;)*) => {$(
        impl From<$given> for Value {
            fn from($value: $given) -> Self {
                Self::$variant($as)
            }
        }
    )*};
}

from! {
    bool => Bool(value) value;
    i32 => Int(value) i64::from(value);
    u32 => Int(value) i64::from(value);
    i64 => Int(value) value;
    f64 => Float(value) value;
    String => Text(value) value;
    &str => Text(value) value.to_owned();
    Interval => Interval(value) value;
    Numeric => Numeric(value) value;
    Vec<Option<String>> => Texts(value) value;
    Vec<u8> => Bytes(value) value;
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// The column of results.
pub(super) enum Output {
    Bool(BooleanBuilder),
    Int2(Int16Builder),
    Int4(Int32Builder),
    Int8(Int64Builder),
    Oid(UInt32Builder),
    Float(Float64Builder),
    Numeric(LargeBinaryBuilder),
    Wide(Decimal128Builder),
    Text(StringBuilder),
    Bytes(BinaryBuilder),
    Date(Date32Builder),
    Time(Time64MicrosecondBuilder),
    Stamp(TimestampMicrosecondBuilder),
    Interval(IntervalMonthDayNanoBuilder),
    Texts(ListBuilder<StringBuilder>),
    Ints(ListBuilder<Int32Builder>),
    Ones(DataType, Vec<ArrayRef>),
}

impl Output {
    pub fn new(data_type: &DataType, rows: usize) -> Self {
        use DataType as D;
        match data_type {
            D::Boolean => Self::Bool(BooleanBuilder::with_capacity(rows)),
            D::Int16 => Self::Int2(Int16Builder::with_capacity(rows)),
            D::Int32 => Self::Int4(Int32Builder::with_capacity(rows)),
            D::Int64 => Self::Int8(Int64Builder::with_capacity(rows)),
            D::UInt32 => Self::Oid(UInt32Builder::with_capacity(rows)),
            D::Float64 => Self::Float(Float64Builder::with_capacity(rows)),
            D::LargeBinary => Self::Numeric(LargeBinaryBuilder::with_capacity(rows, rows * 12)),
            D::Decimal128(..) => {
                Self::Wide(Decimal128Builder::with_capacity(rows).with_data_type(data_type.clone()))
            }
            D::Utf8 => Self::Text(StringBuilder::with_capacity(rows, rows * 16)),
            D::Binary => Self::Bytes(BinaryBuilder::new()),
            D::Date32 => Self::Date(Date32Builder::with_capacity(rows)),
            D::Time64(TimeUnit::Microsecond) => {
                Self::Time(Time64MicrosecondBuilder::with_capacity(rows))
            }
            D::Timestamp(TimeUnit::Microsecond, _) => Self::Stamp(
                TimestampMicrosecondBuilder::with_capacity(rows).with_data_type(data_type.clone()),
            ),
            D::Interval(IntervalUnit::MonthDayNano) => {
                Self::Interval(IntervalMonthDayNanoBuilder::with_capacity(rows))
            }
            _ => Self::ones(data_type, rows),
        }
    }

    /// The column for values that are arrays of one already.
    pub fn ones(data_type: &DataType, rows: usize) -> Self {
        Self::Ones(data_type.clone(), Vec::with_capacity(rows))
    }

    /// The column for a function that makes arrays of text or integers itself.
    pub fn lists(item: &DataType) -> Self {
        match item {
            DataType::Int32 => Self::Ints(ListBuilder::new(Int32Builder::new())),
            _ => Self::Texts(ListBuilder::new(StringBuilder::new())),
        }
    }

    /// Adds the value of one row; what does not belong into the column is NULL.
    ///
    /// # Errors
    /// 22003 for an integer beyond the type's range.
    pub fn push(&mut self, value: Value) -> Result<(), SqlError> {
        let beyond = |name| SqlError::new("22003", format!("{name} out of range"));
        match (self, value) {
            (Self::Bool(column), Value::Bool(value)) => column.append_value(value),
            (Self::Bool(column), _) => column.append_null(),
            (Self::Int2(column), Value::Int(value)) => {
                column.append_value(i16::try_from(value).map_err(|_| beyond("smallint"))?);
            }
            (Self::Int2(column), _) => column.append_null(),
            (Self::Int4(column), Value::Int(value)) => {
                column.append_value(i32::try_from(value).map_err(|_| beyond("integer"))?);
            }
            (Self::Int4(column), _) => column.append_null(),
            (Self::Int8(column), Value::Int(value)) => column.append_value(value),
            (Self::Int8(column), _) => column.append_null(),
            (Self::Oid(column), Value::Int(value)) => {
                column.append_value(u32::try_from(value).map_err(|_| beyond("OID"))?);
            }
            (Self::Oid(column), _) => column.append_null(),
            (Self::Float(column), Value::Float(value)) => column.append_value(value),
            (Self::Float(column), _) => column.append_null(),
            (Self::Numeric(column), Value::Numeric(value)) => {
                column.append_value(ordered::encode(&value));
            }
            (Self::Numeric(column), _) => column.append_null(),
            (Self::Wide(column), Value::Wide(value)) => column.append_value(value),
            (Self::Wide(column), _) => column.append_null(),
            (Self::Text(column), Value::Text(value)) => column.append_value(value),
            (Self::Text(column), _) => column.append_null(),
            (Self::Bytes(column), Value::Bytes(value)) => column.append_value(value),
            (Self::Bytes(column), _) => column.append_null(),
            (Self::Date(column), Value::Int(value)) => {
                column.append_value(i32::try_from(value).map_err(|_| beyond("date"))?);
            }
            (Self::Date(column), _) => column.append_null(),
            (Self::Time(column), Value::Int(value)) => column.append_value(value),
            (Self::Time(column), _) => column.append_null(),
            (Self::Stamp(column), Value::Int(value)) => column.append_value(value),
            (Self::Stamp(column), _) => column.append_null(),
            (Self::Interval(column), Value::Interval(value)) => {
                column.append_value(value.to_arrow());
            }
            (Self::Interval(column), _) => column.append_null(),
            (Self::Texts(column), Value::Texts(values)) => {
                values
                    .into_iter()
                    .for_each(|v| column.values().append_option(v));
                column.append(true);
            }
            (Self::Texts(column), _) => column.append(false),
            (Self::Ints(column), Value::Ints(values)) => {
                values
                    .into_iter()
                    .for_each(|v| column.values().append_option(v));
                column.append(true);
            }
            (Self::Ints(column), _) => column.append(false),
            (Self::Ones(_, column), Value::One(value)) => column.push(value),
            (Self::Ones(data_type, column), _) => column.push(new_null_array(data_type, 1)),
        }
        Ok(())
    }

    pub fn finish(self) -> Result<ArrayRef> {
        Ok(match self {
            Self::Bool(mut column) => Arc::new(column.finish()),
            Self::Int2(mut column) => Arc::new(column.finish()),
            Self::Int4(mut column) => Arc::new(column.finish()),
            Self::Int8(mut column) => Arc::new(column.finish()),
            Self::Oid(mut column) => Arc::new(column.finish()),
            Self::Float(mut column) => Arc::new(column.finish()),
            Self::Numeric(mut column) => Arc::new(column.finish()),
            Self::Wide(mut column) => Arc::new(column.finish()),
            Self::Text(mut column) => Arc::new(column.finish()),
            Self::Bytes(mut column) => Arc::new(column.finish()),
            Self::Date(mut column) => Arc::new(column.finish()),
            Self::Time(mut column) => Arc::new(column.finish()),
            Self::Stamp(mut column) => Arc::new(column.finish()),
            Self::Interval(mut column) => Arc::new(column.finish()),
            Self::Texts(mut column) => Arc::new(column.finish()),
            Self::Ints(mut column) => Arc::new(column.finish()),
            Self::Ones(data_type, column) => {
                let column = column
                    .iter()
                    .map(|one| match one.data_type() == &data_type {
                        true => Ok(Arc::clone(one)),
                        false => cast(one, &data_type),
                    });
                let column = column.collect::<Result<Vec<_>, _>>()?;
                let column: Vec<&dyn Array> = column.iter().map(AsRef::as_ref).collect();
                match column.is_empty() {
                    true => new_empty_array(&data_type),
                    false => concat(&column)?,
                }
            }
        })
    }
}

/// Bytes that a value adds to a column, near enough.
pub(super) fn weight(value: &Value) -> u64 {
    let bytes = match value {
        Value::Text(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::Texts(texts) => texts.iter().flatten().map(|text| text.len() + 8).sum(),
        Value::Ints(values) => values.len() * 4,
        Value::Numeric(value) => value.weight(),
        Value::One(array) => array.get_array_memory_size(),
        _ => 16,
    };
    bytes as u64
}
