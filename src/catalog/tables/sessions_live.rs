//! What traffic changes, gathered into arrays.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, StringViewArray, TimestampMicrosecondArray,
    UInt8Array,
};
use arrow::compute::take;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use super::sessions::Moment;
use crate::catalog::column::timestamp_type;
use crate::session::{ChunkImage, Line};

/// The rows that a live column is gathered from.
pub(super) struct LiveRows<'a> {
    pub source: LiveSource<'a>,
    pub moment: &'a Moment,
}

/// Where the changing values of rows are read.
pub(super) enum LiveSource<'a> {
    /// On the sessions' own lines. Each column reads them again: for one column alone.
    Lines(&'a ChunkImage),
    /// Copies of them, so that all columns show a row at one moment.
    Copies(&'a [Line]),
}

impl LiveRows<'_> {
    /// A value for each row. Made for each column by itself, so that the loop over the rows has nothing in it but
    /// what the column needs.
    #[inline]
    pub fn each<T>(&self, value: impl Fn(&Line, &Moment) -> T) -> Vec<T> {
        match self.source {
            LiveSource::Lines(image) => image.gather(|line| value(line, self.moment)),
            LiveSource::Copies(lines) => {
                let lines = lines.iter();
                lines.map(|line| value(line, self.moment)).collect()
            }
        }
    }
}

/// How a live column is gathered, by its SQL type.
pub(super) enum LiveCell {
    /// `text` out of a few known ones, by their number
    OneOf(&'static [&'static str], fn(&LiveRows<'_>) -> Vec<u8>),
    /// `bigint`
    Int(fn(&LiveRows<'_>) -> Vec<i64>),
    /// `double precision`
    Float(fn(&LiveRows<'_>) -> Vec<f64>),
    /// `boolean`
    Bool(fn(&LiveRows<'_>) -> Vec<bool>),
    /// The same where it may not be known
    MaybeBool(fn(&LiveRows<'_>) -> Vec<Option<bool>>),
    /// `timestamp with time zone`, in microseconds since the UNIX epoch
    Time(fn(&LiveRows<'_>) -> Vec<Option<i64>>),
}

impl LiveCell {
    pub fn data_type(&self) -> DataType {
        match self {
            Self::OneOf(..) => DataType::Utf8View,
            Self::Int(_) => DataType::Int64,
            Self::Float(_) => DataType::Float64,
            Self::Bool(_) | Self::MaybeBool(_) => DataType::Boolean,
            Self::Time(_) => timestamp_type(),
        }
    }

    /// The column over these rows.
    pub fn gather(&self, rows: &LiveRows<'_>) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            // The views of the few are copied, their texts shared.
            Self::OneOf(texts, number) => {
                let texts = StringViewArray::from_iter_values(*texts);
                take(&texts, &UInt8Array::from(number(rows)), None)?
            }
            Self::Int(value) => Arc::new(Int64Array::from(value(rows))),
            Self::Float(value) => Arc::new(Float64Array::from(value(rows))),
            Self::Bool(value) => Arc::new(BooleanArray::from(value(rows))),
            Self::MaybeBool(value) => Arc::new(BooleanArray::from(value(rows))),
            Self::Time(value) => {
                let moments = TimestampMicrosecondArray::from(value(rows));
                Arc::new(moments.with_data_type(timestamp_type()))
            }
        })
    }
}
