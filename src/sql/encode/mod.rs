//! Arrow rows → DataRow messages: the hot path of a bulk read.
//!
//! Each column of a batch is bound once to its typed buffer. Many rows are formatted column by column and put together
//! (`block`); few rows, and rows that hold what is of any length, take one `match` per value, written straight into the
//! send buffer with the lengths patched in afterwards. Nothing is allocated per value.

mod binary;
mod block;
mod column;
mod digits;
mod float;
pub mod interval;
mod line;
mod nested;
mod raw;
mod text;
mod time;
pub mod zone;

use self::block::{BLOCK_ROWS, Block, Shape};
use self::column::Column;
use super::charset::{Charset, NoEquivalent};
use super::sqlstate::SqlError;
use super::types::Format;
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{Field, Schema};
use bytes::{BufMut, BytesMut};
use interval::Forms;
use std::ops::Range;
use std::sync::Arc;
use zone::Zone;

pub use self::line::{LineEncoder, LineStyle};

/// The type of a DataRow message.
const DATA_ROW: u8 = b'D';
/// The type of a CopyData message. With values in binary it holds what a DataRow holds.
const COPY_DATA: u8 = b'd';

/// Most columns of a result (PostgreSQL's `MaxTupleAttributeNumber`).
const COLUMNS_MAX: usize = 1664;

/// A row or a batch that cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// A number or an instant that its PostgreSQL type does not hold.
    #[error("{0} out of range")]
    OutOfRange(&'static str),
    /// The client named result formats for another number of columns.
    #[error("bind message has {given} result formats but query has {columns} columns")]
    FormatCount {
        /// Formats in the Bind message.
        given: usize,
        /// Columns of the result.
        columns: usize,
    },
    /// More than [`COLUMNS_MAX`] columns.
    #[error("target lists can have at most {COLUMNS_MAX} entries")]
    TooManyColumns,
    /// A value or a row longer than the protocol's length fields can say.
    #[error("a row of the result is too long for the protocol")]
    RowTooLong,
    /// A value inside an array or a row that is too long with its quotation marks.
    #[error("an array or a row would be too long as text")]
    NestedTooLong,
    /// Nested lists of different lengths, for which the binary form of arrays has no place.
    #[error("multidimensional arrays must have sub-arrays with matching dimensions")]
    RaggedArray,
    /// A character that the client's character set has not.
    #[error("{0}")]
    NoEquivalent(NoEquivalent),
    /// A value without a text form.
    #[error("cannot convert a value of column \"{column}\" to text: {reason}")]
    NoText {
        /// The column.
        column: String,
        /// What the conversion said.
        reason: String,
    },
}

impl EncodeError {
    /// The SQLSTATE that PostgreSQL gives the same mishap.
    pub fn sqlstate(&self) -> &'static str {
        match self {
            Self::OutOfRange("date" | "timestamp" | "interval" | "time") => "22008",
            Self::OutOfRange(_) => "22003",
            Self::FormatCount { .. } => "08P01",
            Self::TooManyColumns => "54011",
            Self::RowTooLong | Self::NestedTooLong => "54000",
            Self::RaggedArray => "2202E",
            Self::NoText { .. } => "22P02",
            Self::NoEquivalent(_) => "22P05",
        }
    }
}

impl From<NoEquivalent> for EncodeError {
    fn from(missing: NoEquivalent) -> Self {
        Self::NoEquivalent(missing)
    }
}

impl From<EncodeError> for SqlError {
    fn from(error: EncodeError) -> Self {
        Self::new(error.sqlstate(), error.to_string())
    }
}

/// Writes the rows of one batch.
#[derive(Debug)]
pub struct RowEncoder {
    columns: Vec<Column>,
    /// The client's.
    charset: Charset,
    /// The type of the messages.
    message: u8,
    /// For a batch that is worth it and has no columns of any length.
    block: Option<Block>,
}

impl RowEncoder {
    /// Binds the columns of `batch`. `formats` is as in Bind: none (all text), one for all, or one for each column.
    /// `forms` are the client's.
    ///
    /// # Errors
    /// [`EncodeError::FormatCount`], [`EncodeError::TooManyColumns`], [`EncodeError::NoText`].
    pub fn try_new(
        batch: &RecordBatch,
        formats: &[Format],
        forms: &Forms,
    ) -> Result<Self, EncodeError> {
        let columns = bind(batch, formats, forms)?;
        let block = match batch.num_rows() {
            0..BLOCK_ROWS => None,
            _ => Block::of(&columns, &Shape::Message(DATA_ROW)),
        };
        Ok(Self {
            columns,
            charset: Charset::default(),
            message: DATA_ROW,
            block,
        })
    }

    /// The same for a client that speaks `charset`.
    pub fn in_charset(self, charset: Charset) -> Self {
        Self {
            charset,
            // Its texts are not changed.
            block: self.block.filter(|_| charset.is_same()),
            ..self
        }
    }

    /// As [`try_new`](Self::try_new), for COPY in its binary format: the messages are CopyData.
    ///
    /// # Errors
    /// [`EncodeError::TooManyColumns`], [`EncodeError::NoText`].
    pub fn try_new_for_copy(batch: &RecordBatch, forms: &Forms) -> Result<Self, EncodeError> {
        let encoder = Self::try_new(batch, &[Format::Binary], forms)?;
        Ok(Self {
            message: COPY_DATA,
            ..encoder
        })
    }

    /// Appends one DataRow message for each of `rows`, until `out` has `bytes_max` bytes; returns the row that comes
    /// next. On an error the messages of the rows in front of it stand in `out`.
    ///
    /// # Errors
    /// As [`RowEncoder::encode_row`].
    ///
    /// # Panics
    /// If the batch does not have all these rows.
    pub fn encode_rows(
        &mut self,
        rows: Range<usize>,
        out: &mut BytesMut,
        bytes_max: usize,
    ) -> Result<usize, EncodeError> {
        let mut next = rows.start;
        while next < rows.end && out.len() < bytes_max {
            let written = match &mut self.block {
                Some(block) => {
                    let shape = Shape::Message(self.message);
                    block.write(&mut self.columns, next..rows.end, out, bytes_max, &shape)
                }
                None => next,
            };
            if written == next {
                self.encode_row(next, out)?;
                next += 1;
            } else {
                next = written;
            }
        }
        Ok(next)
    }

    /// Appends row `row` as one DataRow message. On an error `out` is as it was.
    ///
    /// # Errors
    /// [`EncodeError::OutOfRange`], [`EncodeError::RowTooLong`], [`EncodeError::NestedTooLong`],
    /// [`EncodeError::RaggedArray`].
    ///
    /// # Panics
    /// If the batch has no row `row`.
    pub fn encode_row(&mut self, row: usize, out: &mut BytesMut) -> Result<(), EncodeError> {
        let start = out.len();
        let written = self.write_row(row, out);
        if written.is_err() {
            out.truncate(start);
        }
        written
    }

    fn write_row(&mut self, row: usize, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_u8(self.message);
        let length_at = out.len();
        out.put_i32(0);
        // At most COLUMNS_MAX.
        out.put_i16(self.columns.len() as i16);
        for column in &mut self.columns {
            let start = out.len();
            column.write_with_length(row, out)?;
            if !self.charset.is_same() {
                column.recode(start, self.charset, out)?;
            }
        }
        // The length counts itself.
        patch_length(out, length_at, 0)
    }
}

/// The text forms of the values of an array, as the door sends them.
///
/// # Errors
/// Of the encoder.
pub(crate) fn texts(array: &ArrayRef, zone: &Zone) -> Result<Vec<Option<String>>, SqlError> {
    let field = Field::new("value", array.data_type().clone(), true);
    texts_of(&field, array, zone)
}

/// The same of the column of a field.
///
/// # Errors
/// Of the encoder.
pub(crate) fn texts_of(
    field: &Field,
    array: &ArrayRef,
    zone: &Zone,
) -> Result<Vec<Option<String>>, SqlError> {
    /// The message's kind, its length and the number of columns.
    const HEAD: usize = 7;
    if array.data_type().is_null() {
        return Ok(vec![None; array.len()]);
    }
    if let Some(texts) = array.as_string_opt::<i32>()
        && field.metadata().is_empty()
    {
        return Ok(texts.iter().map(|text| text.map(str::to_owned)).collect());
    }
    let schema = Schema::new(vec![field.clone()]);
    let batch = RecordBatch::try_new(Arc::new(schema), vec![Arc::clone(array)])
        .map_err(|error| SqlError::new("XX000", error.to_string()))?;
    let mut encoder = RowEncoder::try_new(&batch, &[], &Forms::from(*zone))?;
    let mut message = BytesMut::new();
    let mut texts = Vec::with_capacity(array.len());
    for row in 0..array.len() {
        message.clear();
        encoder.encode_row(row, &mut message)?;
        let text = message.get(HEAD + 4..).map(String::from_utf8_lossy);
        let text = text.filter(|_| !array.is_null(row));
        texts.push(text.map(|text| text.into_owned()));
    }
    Ok(texts)
}

/// Binds the columns of `batch`.
fn bind(
    batch: &RecordBatch,
    formats: &[Format],
    forms: &Forms,
) -> Result<Vec<Column>, EncodeError> {
    let count = batch.num_columns();
    if count > COLUMNS_MAX {
        return Err(EncodeError::TooManyColumns);
    }
    if formats.len() > 1 && formats.len() != count {
        return Err(EncodeError::FormatCount {
            given: formats.len(),
            columns: count,
        });
    }
    let first = formats.first().copied().unwrap_or_default();
    let schema = batch.schema_ref();
    let column = |(n, array)| {
        let format = formats.get(n).copied().unwrap_or(first);
        Column::bind(schema.field(n), array, format, forms)
    };
    batch.columns().iter().enumerate().map(column).collect()
}

/// Writes at `at` the number of bytes behind it, less `excluded`.
fn patch_length(out: &mut BytesMut, at: usize, excluded: usize) -> Result<(), EncodeError> {
    let length = i32::try_from(out.len() - at - excluded).map_err(|_| EncodeError::RowTooLong)?;
    out[at..at + 4].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

#[cfg(test)]
mod tests;
