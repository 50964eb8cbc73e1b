//! Many rows at a time. Values of bounded length are formatted column by column into cells: the value's length and the
//! value, at the front of an array of one width. A row is then put together by copying whole cells, each over what the
//! one before it left behind its end; the widths are constants, so that a copy is a few moves instead of a call. Texts
//! are copied from where they are.
//!
//! What does not fit, and what cannot be sent at all, is left to the way of one row at a time, which knows all types
//! and all errors.

mod field;

use self::field::Field;
use super::column::{Column, EPOCH_S, Values, split};
use super::digits::put_i64;
use super::line::LineStyle;
use super::time::{MICROS, STAMP_CELL_BYTES};
use super::{COPY_DATA, EncodeError, float};
use crate::sql::types::Format;
use arrow::array::{
    Array, GenericStringArray, LargeStringArray, OffsetSizeTrait, StringArray, StringViewArray,
};
use arrow::buffer::NullBuffer;
use bytes::BytesMut;
use std::ops::Range;

/// Rows that are formatted together: few enough for their cells to stay in the nearest cache.
pub(super) const BLOCK_ROWS: usize = 32;

/// Bytes of a value's length.
const LENGTH_BYTES: usize = 4;
/// The length of null.
const NULL: [u8; LENGTH_BYTES] = (-1_i32).to_be_bytes();
/// Bytes of a message in front of its values: type, length, number of values.
const HEADER_BYTES: usize = 7;
/// A text up to this length is copied as one of this length, if it stands among others.
const SHORT_TEXT_BYTES: usize = 32;
/// A text up to this length stands in the view itself.
const INLINE_BYTES: usize = 12;

/// What a row becomes.
#[derive(Debug)]
pub(super) enum Shape<'a> {
    /// A message of this type with the number of values, and each value behind its length.
    Message(u8),
    /// A CopyData message with a line.
    Line(&'a LineStyle),
}

/// One width of cells for the rows of a block.
#[derive(Debug)]
struct Cells<const WIDTH: usize> {
    cells: Box<[[u8; WIDTH]; BLOCK_ROWS]>,
    /// Bytes of each cell that count, the length among them.
    lens: [u8; BLOCK_ROWS],
}

impl<const WIDTH: usize> Cells<WIDTH> {
    fn new() -> Self {
        Self {
            cells: Box::new([[0; WIDTH]; BLOCK_ROWS]),
            lens: [0; BLOCK_ROWS],
        }
    }

    /// Fills the cells of `rows` with what `write` writes behind the length, and returns the length of. Stops, and says
    /// so, where it has no value.
    fn fill(
        &mut self,
        rows: Range<usize>,
        nulls: Option<&NullBuffer>,
        mut write: impl FnMut(usize, &mut [u8]) -> Option<usize>,
    ) -> Option<()> {
        for ((row, cell), len) in rows.zip(&mut *self.cells).zip(&mut self.lens) {
            let (length, value) = cell.split_at_mut(LENGTH_BYTES);
            if nulls.is_some_and(|nulls| nulls.is_null(row)) {
                length.copy_from_slice(&NULL);
                *len = LENGTH_BYTES as u8;
                continue;
            }
            let written = write(row, value)?;
            length.copy_from_slice(&(written as u32).to_be_bytes());
            *len = (LENGTH_BYTES + written) as u8;
        }
        Some(())
    }

    /// Copies the cell of the block's row `nth` to `at`; returns where the next one goes.
    #[inline]
    fn put(&self, nth: usize, to: &mut [u8], at: usize) -> usize {
        to[at..at + WIDTH].copy_from_slice(&self.cells[nth]);
        at + usize::from(self.lens[nth])
    }

    /// Copies the value of the block's row `nth` as a field of a line.
    #[inline]
    fn put_field(&self, nth: usize, to: &mut [u8], at: usize, field: &Field<'_>) -> usize {
        // No scalar is empty: what has nothing behind its length is null.
        let len = usize::from(self.lens[nth]) - LENGTH_BYTES;
        if len == 0 {
            return field.put_null(to, at);
        }
        let start = at + usize::from(field.forced);
        let value = &self.cells[nth][LENGTH_BYTES..];
        to[start..start + WIDTH - LENGTH_BYTES].copy_from_slice(value);
        if !field.forced {
            return start + len;
        }
        to[at] = field.style.quote;
        to[start + len] = field.style.quote;
        start + len + 1
    }
}

/// One column of a block.
#[derive(Debug)]
enum Part {
    /// Null in all rows.
    Null,
    /// Texts, which are taken from the column.
    View(StringViewArray),
    Utf8(StringArray),
    LargeUtf8(LargeStringArray),
    /// Booleans, binary numbers and moments, and numbers of at most 11 characters.
    Narrow(Cells<16>),
    /// Numbers of at most 20 characters.
    Integer(Cells<24>),
    /// `double precision` as text.
    Float(Cells<32>),
    /// A moment as text.
    Stamp(Cells<STAMP_CELL_BYTES>),
    /// Other scalars, which are rarely longer.
    Scalar(Cells<64>),
}

impl Part {
    /// How the values of the column are kept; `None` if they are of any length, or are no scalars.
    fn of(column: &Column) -> Option<Self> {
        use Values as V;
        if column.is_null_throughout() {
            return Some(Self::Null);
        }
        Some(match (&column.values, column.format) {
            (V::Null, _) => Self::Null,
            (V::Utf8View(texts), _) => Self::View(texts.clone()),
            (V::Utf8(texts), _) => Self::Utf8(texts.clone()),
            (V::LargeUtf8(texts), _) => Self::LargeUtf8(texts.clone()),
            (
                V::Bool(_) | V::Int8(_) | V::Int16(_) | V::Int32(_) | V::UInt8(_) | V::UInt16(_),
                _,
            )
            | (V::Int64(_) | V::Float64(_) | V::Timestamp(..), Format::Binary) => {
                Self::Narrow(Cells::new())
            }
            (V::Int64(_), Format::Text) => Self::Integer(Cells::new()),
            (V::Float64(_), Format::Text) => Self::Float(Cells::new()),
            (V::Timestamp(..), Format::Text) => Self::Stamp(Cells::new()),
            (
                V::UInt32(_)
                | V::UInt64(_)
                | V::Float16(_)
                | V::Float32(_)
                | V::Date32(_)
                | V::Date64(_)
                | V::Time32(..)
                | V::Time64(..)
                | V::Months(..)
                | V::DayTime(..)
                | V::MonthDayNano(..)
                | V::Duration(..)
                | V::Decimal32(..)
                | V::Decimal64(..)
                | V::Decimal128(..)
                | V::Decimal256(..),
                _,
            ) => Self::Scalar(Cells::new()),
            _ => return None,
        })
    }

    /// Bytes that a row may overwrite for this column, unless it is a longer text.
    fn bytes_max(&self) -> usize {
        match self {
            Self::Null => LENGTH_BYTES,
            Self::View(_) | Self::Utf8(_) | Self::LargeUtf8(_) => LENGTH_BYTES + SHORT_TEXT_BYTES,
            Self::Narrow(_) => 16,
            Self::Integer(_) => 24,
            Self::Float(_) => 32,
            Self::Stamp(_) => STAMP_CELL_BYTES,
            Self::Scalar(_) => 64,
        }
    }

    /// Formats the values of `rows`; `None` if one does not fit or cannot be sent.
    fn fill(
        &mut self,
        column: &mut Column,
        rows: Range<usize>,
        scratch: &mut BytesMut,
    ) -> Option<()> {
        match self {
            Self::Null | Self::View(_) | Self::Utf8(_) | Self::LargeUtf8(_) => Some(()),
            Self::Narrow(cells) => fill_narrow(cells, column, rows),
            Self::Integer(cells) => match &column.values {
                Values::Int64(v) => cells.fill(rows, column.nulls.as_ref(), |row, to| {
                    Some(put_i64(v[row], to))
                }),
                _ => None,
            },
            Self::Float(cells) => match &column.values {
                Values::Float64(v) => cells.fill(rows, column.nulls.as_ref(), |row, to| {
                    float::put_thousandths(v[row], to).or_else(|| {
                        scratch.clear();
                        float::write_f64(v[row], scratch);
                        copy(scratch, to)
                    })
                }),
                _ => None,
            },
            Self::Stamp(cells) => match &mut column.values {
                Values::Timestamp(v, unit, writer) => {
                    cells.fill(rows, column.nulls.as_ref(), |row, to| {
                        let (second, fraction) = finite(v[row]).map(|value| split(value, *unit))?;
                        writer.put(second, fraction, to)
                    })
                }
                _ => None,
            },
            Self::Scalar(cells) => {
                let nulls = column.nulls.clone();
                cells.fill(rows, nulls.as_ref(), |row, to| {
                    scratch.clear();
                    column.write(row, scratch).ok()?;
                    copy(scratch, to)
                })
            }
        }
    }
}

fn fill_narrow(cells: &mut Cells<16>, column: &Column, rows: Range<usize>) -> Option<()> {
    let nulls = column.nulls.as_ref();
    macro_rules! numbers {
        ($values:expr, $binary:ty) => {
            match column.format {
                Format::Text => cells.fill(rows, nulls, |row, to| {
                    Some(put_i64($values[row].into(), to))
                }),
                Format::Binary => cells.fill(rows, nulls, |row, to| {
                    copy(&<$binary>::from($values[row]).to_be_bytes(), to)
                }),
            }
        };
    }
    match &column.values {
        Values::Bool(v) => {
            let shown = match column.format {
                Format::Text => [b'f', b't'],
                Format::Binary => [0, 1],
            };
            cells.fill(rows, nulls, |row, to| {
                to[0] = shown[usize::from(v.value(row))];
                Some(1)
            })
        }
        Values::Int8(v) => numbers!(v, i16),
        Values::Int16(v) => numbers!(v, i16),
        Values::UInt8(v) => numbers!(v, i16),
        Values::Int32(v) => numbers!(v, i32),
        Values::UInt16(v) => numbers!(v, i32),
        Values::Int64(v) => numbers!(v, i64),
        Values::Float64(v) => cells.fill(rows, nulls, |row, to| copy(&v[row].to_be_bytes(), to)),
        Values::Timestamp(v, unit, _) => cells.fill(rows, nulls, |row, to| {
            let (second, fraction) = finite(v[row]).map(|value| split(value, *unit))?;
            let second = second.checked_sub(EPOCH_S)?.checked_mul(MICROS)?;
            copy(&second.checked_add(fraction)?.to_be_bytes(), to)
        }),
        _ => None,
    }
}

/// A moment that is not one of the infinities, which the ends of the range stand for.
fn finite(value: i64) -> Option<i64> {
    (value != i64::MIN && value != i64::MAX).then_some(value)
}

/// Copies a value to the front of a cell, if it fits.
#[inline]
fn copy(value: &[u8], to: &mut [u8]) -> Option<usize> {
    to.get_mut(..value.len())?.copy_from_slice(value);
    Some(value.len())
}

/// The rows that are being formatted, and the buffer in which messages are put together.
#[derive(Debug)]
pub(super) struct Block {
    parts: Vec<Part>,
    /// Bytes that a row may overwrite, unless it has longer texts.
    row_bytes_max: usize,
    /// The rows in the block.
    rows: Range<usize>,
    /// Whether they could be formatted.
    whole: bool,
    /// Longer than what was written last: only its front is fresh.
    messages: Vec<u8>,
    scratch: BytesMut,
}

impl Block {
    /// A block for these columns; `None` if one of them cannot be formatted this way.
    pub(super) fn of(columns: &[Column], shape: &Shape<'_>) -> Option<Self> {
        let beside = match shape {
            Shape::Message(_) => 0,
            Shape::Line(style) => style.beside_value()?,
        };
        let parts = columns.iter().map(Part::of).collect::<Option<Vec<_>>>()?;
        let cells: usize = parts.iter().map(|part| part.bytes_max() + beside).sum();
        Some(Self {
            parts,
            row_bytes_max: HEADER_BYTES + cells,
            rows: 0..0,
            whole: false,
            messages: Vec::new(),
            scratch: BytesMut::new(),
        })
    }

    /// Appends the messages of the first of `rows` until `out` has `bytes_max` bytes; returns the row that comes next.
    /// That is the first one if it has to be written alone.
    pub(super) fn write(
        &mut self,
        columns: &mut [Column],
        rows: Range<usize>,
        out: &mut BytesMut,
        bytes_max: usize,
        shape: &Shape<'_>,
    ) -> usize {
        if !self.rows.contains(&rows.start) {
            self.rows = rows.start..rows.end.min(rows.start + BLOCK_ROWS);
            let fill = |(part, column): (&mut Part, &mut Column)| {
                part.fill(column, self.rows.clone(), &mut self.scratch)
            };
            let filled: Option<()> = self.parts.iter_mut().zip(columns).map(fill).collect();
            self.whole = filled.is_some();
        }
        if !self.whole {
            return rows.start;
        }
        let end = rows.end.min(self.rows.end);
        let room = bytes_max.saturating_sub(out.len());
        let (mut next, mut len) = (rows.start, 0);
        while next < end && len < room {
            let put = match shape {
                Shape::Message(kind) => self.put_row(next, len, *kind),
                Shape::Line(style) => self.put_line(next, len, style),
            };
            match put {
                Ok(after) => len = after,
                // It meets the same fate alone.
                Err(_) => {
                    self.whole = false;
                    break;
                }
            }
            next += 1;
        }
        out.extend_from_slice(&self.messages[..len]);
        next
    }

    /// Puts the message of a row of the block together at `start`; returns where it ends.
    fn put_row(&mut self, row: usize, start: usize, kind: u8) -> Result<usize, EncodeError> {
        let nth = row - self.rows.start;
        let to = &mut self.messages;
        make_room(to, start, self.row_bytes_max);
        let mut at = start + HEADER_BYTES;
        for part in &self.parts {
            at = match part {
                Part::Null => put(&NULL, to, at),
                Part::Narrow(cells) => cells.put(nth, to, at),
                Part::Integer(cells) => cells.put(nth, to, at),
                Part::Float(cells) => cells.put(nth, to, at),
                Part::Stamp(cells) => cells.put(nth, to, at),
                Part::Scalar(cells) => cells.put(nth, to, at),
                Part::View(texts) if texts.is_null(row) => put(&NULL, to, at),
                Part::View(texts) => {
                    let view = texts.views()[row];
                    let len = view as u32;
                    if len as usize <= INLINE_BYTES {
                        let cell = ((view >> 32) << 32) | u128::from(len.swap_bytes());
                        put(&cell.to_le_bytes(), to, at);
                        at + LENGTH_BYTES + len as usize
                    } else {
                        let all = &texts.data_buffers()[(view >> 64) as u32 as usize];
                        put_text(
                            all,
                            (view >> 96) as usize,
                            len as usize,
                            to,
                            at,
                            self.row_bytes_max,
                        )
                    }
                }
                Part::Utf8(texts) => put_nth(texts, row, to, at, self.row_bytes_max),
                Part::LargeUtf8(texts) => put_nth(texts, row, to, at, self.row_bytes_max),
            };
        }
        // The length counts itself, but not the type. No value is longer than the row.
        let length = i32::try_from(at - start - 1).map_err(|_| EncodeError::RowTooLong)?;
        to[start] = kind;
        put(&length.to_be_bytes(), to, start + 1);
        // At most COLUMNS_MAX.
        put(&(self.parts.len() as i16).to_be_bytes(), to, start + 5);
        Ok(at)
    }

    /// Puts the message with the line of a row of the block together at `start`; returns where it ends.
    fn put_line(
        &mut self,
        row: usize,
        start: usize,
        style: &LineStyle,
    ) -> Result<usize, EncodeError> {
        let nth = row - self.rows.start;
        let (to, rest) = (&mut self.messages, self.row_bytes_max);
        make_room(to, start, rest);
        // Type and length.
        let mut at = start + 5;
        for (n, part) in self.parts.iter().enumerate() {
            let forced = style.is_forced(n);
            let field = Field { style, forced };
            at = match part {
                Part::Null => field.put_null(to, at),
                Part::Narrow(cells) => cells.put_field(nth, to, at, &field),
                Part::Integer(cells) => cells.put_field(nth, to, at, &field),
                Part::Float(cells) => cells.put_field(nth, to, at, &field),
                Part::Stamp(cells) => cells.put_field(nth, to, at, &field),
                Part::Scalar(cells) => cells.put_field(nth, to, at, &field),
                Part::View(texts) if texts.is_null(row) => field.put_null(to, at),
                Part::View(texts) => {
                    let view = texts.views()[row];
                    let len = view as u32 as usize;
                    if len <= INLINE_BYTES {
                        field.put_inline(view, to, at)
                    } else {
                        let all = &texts.data_buffers()[(view >> 64) as u32 as usize];
                        field.put_text((all, (view >> 96) as usize, len), to, at, rest)
                    }
                }
                Part::Utf8(texts) => field.put_nth(texts, row, to, at, rest),
                Part::LargeUtf8(texts) => field.put_nth(texts, row, to, at, rest),
            };
            to[at] = style.delimiter;
            at += 1;
        }
        // In place of the last delimiter, or of none.
        at = at.max(start + 6);
        to[at - 1] = b'\n';
        let length = i32::try_from(at - start - 1).map_err(|_| EncodeError::RowTooLong)?;
        to[start] = COPY_DATA;
        put(&length.to_be_bytes(), to, start + 1);
        Ok(at)
    }
}

/// Copies some bytes to `at`; returns where they end.
#[inline]
fn put<const N: usize>(bytes: &[u8; N], to: &mut [u8], at: usize) -> usize {
    to[at..at + N].copy_from_slice(bytes);
    at + N
}

/// Puts a text of the array, or null, to `at`, as [`put_text`] does.
#[inline]
fn put_nth<Offset: OffsetSizeTrait>(
    texts: &GenericStringArray<Offset>,
    row: usize,
    to: &mut Vec<u8>,
    at: usize,
    row_bytes_max: usize,
) -> usize {
    if texts.is_null(row) {
        return put(&NULL, to, at);
    }
    let from = texts.value_offsets()[row].as_usize();
    let len = texts.value_length(row).as_usize();
    put_text(texts.values(), from, len, to, at, row_bytes_max)
}

/// Copies a text, `len` bytes of `all` at `from`, to `at`, behind its length, and leaves room for the rest of a row.
#[inline]
fn put_text(
    all: &[u8],
    from: usize,
    len: usize,
    to: &mut Vec<u8>,
    at: usize,
    row_bytes_max: usize,
) -> usize {
    let at = put(&(len as u32).to_be_bytes(), to, at);
    if len <= SHORT_TEXT_BYTES
        && let Some(text) = all[from..].first_chunk::<SHORT_TEXT_BYTES>()
    {
        put(text, to, at);
        return at + len;
    }
    make_room(to, at, len + row_bytes_max);
    to[at..at + len].copy_from_slice(&all[from..from + len]);
    at + len
}

/// Makes sure that there are `bytes` at `at`.
#[inline]
fn make_room(to: &mut Vec<u8>, at: usize, bytes: usize) {
    if to.len() - at < bytes {
        to.resize((at + bytes).max(to.len() * 2), 0);
    }
}

#[cfg(test)]
mod tests;
