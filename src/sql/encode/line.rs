//! Arrow rows → lines of COPY in its formats `text` and `csv`, each in a CopyData message.

use super::block::{BLOCK_ROWS, Block, Shape};
use super::column::{Column, Values};
use super::interval::Forms;
use super::{COPY_DATA, EncodeError, bind, patch_length};
use crate::sql::charset::Charset;
use arrow::array::RecordBatch;
use bytes::{BufMut, BytesMut};
use std::ops::Range;

/// Longest text for null with which lines are put together from cells, in bytes.
const SHORT_NULL_BYTES: usize = 16;

/// What lines look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineStyle {
    /// Whether values are quoted where they need it (`csv`) or escaped with backslashes (`text`).
    pub csv: bool,
    /// Between two values.
    pub delimiter: u8,
    /// In place of null.
    pub null: Box<[u8]>,
    /// Around a value that needs it; csv only.
    pub quote: u8,
    /// In front of `quote` and itself inside of quotes; csv only.
    pub escape: u8,
    /// The columns whose values are quoted in any case; those behind its end are not. csv only.
    pub forced: Vec<bool>,
    /// Whether there is one column only: then a value can look like the end of the data.
    pub is_single: bool,
}

impl LineStyle {
    /// The most bytes that [`escape`](Self::escape) makes of `len`.
    pub(super) fn bytes_max(len: usize) -> usize {
        2 * len + 2
    }

    pub(super) fn is_forced(&self, column: usize) -> bool {
        self.forced.get(column).copied().unwrap_or(false)
    }

    /// The most bytes that a line has for each value besides the value, if numbers and moments can stand in it as they
    /// are: none of their characters means anything else.
    pub(super) fn beside_value(&self) -> Option<usize> {
        let is_short = self.null.len() <= SHORT_NULL_BYTES;
        // The delimiter and two quotes.
        (is_short && self.leaves_scalars()).then_some(self.null.len() + 3)
    }

    /// Whether no character of a number, a moment or a truth value is a sign of the style.
    fn leaves_scalars(&self) -> bool {
        let in_scalar = |byte: &u8| byte.is_ascii_alphanumeric() || b" +-:.".contains(byte);
        let is_mistakable = in_scalar(&self.delimiter)
            || (self.csv && in_scalar(&self.quote))
            || (!self.null.is_empty() && self.null.iter().all(in_scalar));
        !is_mistakable
    }

    /// Whether none of these bytes has to be escaped or quoted. May say no of some that need not.
    #[inline]
    pub(super) fn is_plain<const N: usize>(&self, bytes: &[u8; N]) -> bool {
        let (delimiter, quote) = (self.delimiter, self.quote);
        // Without a branch in the loop, so that it is done for many bytes at a time.
        let special = if self.csv {
            bytes.iter().fold(0, |special, byte| {
                special
                    | u8::from(*byte == delimiter)
                    | u8::from(*byte == quote)
                    | u8::from(*byte == b'\n')
                    | u8::from(*byte == b'\r')
            })
        } else {
            bytes.iter().fold(0, |special, byte| {
                special
                    | u8::from(*byte < b' ')
                    | u8::from(*byte == b'\\')
                    | u8::from(*byte == delimiter)
            })
        };
        special == 0
    }

    /// Whether a plain value would be read as null or as the end of the data.
    #[inline]
    pub(super) fn is_mistakable(&self, value: &[u8]) -> bool {
        self.csv && (value == &*self.null || (self.is_single && value == b"\\."))
    }

    /// Writes a value to the front of `to` so that it is read as what it is, and returns the number of bytes.
    ///
    /// # Panics
    /// If `to` is shorter than [`bytes_max`](Self::bytes_max) of the value.
    pub(super) fn escape(&self, value: &[u8], forced: bool, to: &mut [u8]) -> usize {
        let mut at = 0;
        let mut put = |byte| {
            to[at] = byte;
            at += 1;
        };
        if self.csv {
            let special = |byte: &u8| {
                *byte == self.delimiter || *byte == self.quote || matches!(byte, b'\n' | b'\r')
            };
            if !forced && !self.is_mistakable(value) && !value.iter().any(special) {
                to[..value.len()].copy_from_slice(value);
                return value.len();
            }
            put(self.quote);
            for byte in value {
                if *byte == self.quote || *byte == self.escape {
                    put(self.escape);
                }
                put(*byte);
            }
            put(self.quote);
            return at;
        }
        for byte in value {
            let letter = match byte {
                0x08 => b'b',
                b'\t' => b't',
                b'\n' => b'n',
                0x0b => b'v',
                0x0c => b'f',
                b'\r' => b'r',
                b'\\' => b'\\',
                other if *other == self.delimiter => *other,
                other => {
                    put(*other);
                    continue;
                }
            };
            put(b'\\');
            put(letter);
        }
        at
    }

    fn append(&self, value: &[u8], forced: bool, out: &mut BytesMut) {
        let start = out.len();
        out.resize(start + Self::bytes_max(value.len()), 0);
        let written = self.escape(value, forced, &mut out[start..]);
        out.truncate(start + written);
    }

    /// Appends a message with a line of these values, the names of the columns, in the client's character set.
    ///
    /// # Errors
    /// [`EncodeError::RowTooLong`], [`EncodeError::NoEquivalent`].
    pub fn write_names(
        &self,
        names: &[String],
        charset: Charset,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        let start = out.len();
        let field = |n: usize, out: &mut BytesMut| {
            let name = names.get(n).map(String::as_bytes).unwrap_or_default();
            // Only what needs quotes gets them here.
            self.append(name, false, out);
            Ok(())
        };
        self.write_line(names.len(), out, field)?;
        recode_line(start, charset, out)
    }

    fn write_line(
        &self,
        fields: usize,
        out: &mut BytesMut,
        mut field: impl FnMut(usize, &mut BytesMut) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        out.put_u8(COPY_DATA);
        let length_at = out.len();
        out.put_i32(0);
        for n in 0..fields {
            if n > 0 {
                out.put_u8(self.delimiter);
            }
            field(n, out)?;
        }
        out.put_u8(b'\n');
        patch_length(out, length_at, 0)
    }
}

/// Writes the rows of one batch.
#[derive(Debug)]
pub struct LineEncoder<'a> {
    style: &'a LineStyle,
    columns: Vec<Column>,
    /// The client's.
    charset: Charset,
    block: Option<Block>,
    scratch: BytesMut,
}

impl<'a> LineEncoder<'a> {
    /// Binds the columns of `batch`. `forms` are the client's.
    ///
    /// # Errors
    /// [`EncodeError::TooManyColumns`], [`EncodeError::NoText`].
    pub fn try_new(
        batch: &RecordBatch,
        style: &'a LineStyle,
        forms: &Forms,
    ) -> Result<Self, EncodeError> {
        let columns = bind(batch, &[], forms)?;
        let block = match batch.num_rows() {
            0..BLOCK_ROWS => None,
            _ => Block::of(&columns, &Shape::Line(style)),
        };
        Ok(Self {
            style,
            columns,
            charset: Charset::default(),
            block,
            scratch: BytesMut::new(),
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

    /// Appends one CopyData message for each of `rows`, until `out` has `bytes_max` bytes; returns the row that comes
    /// next. On an error the messages of the rows in front of it stand in `out`.
    ///
    /// # Errors
    /// [`EncodeError::OutOfRange`], [`EncodeError::RowTooLong`].
    ///
    /// # Panics
    /// If the batch does not have all these rows.
    pub fn encode_rows(
        &mut self,
        rows: Range<usize>,
        out: &mut BytesMut,
        bytes_max: usize,
    ) -> Result<usize, EncodeError> {
        let shape = Shape::Line(self.style);
        let mut next = rows.start;
        while next < rows.end && out.len() < bytes_max {
            let written = match &mut self.block {
                Some(block) => {
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

    /// Appends one row. On an error `out` is as it was.
    fn encode_row(&mut self, row: usize, out: &mut BytesMut) -> Result<(), EncodeError> {
        let start = out.len();
        let (style, columns, scratch) = (self.style, &mut self.columns, &mut self.scratch);
        let leaves_scalars = style.leaves_scalars();
        let written = style.write_line(columns.len(), out, |n, out| {
            let column = &mut columns[n];
            let forced = style.is_forced(n);
            if column.is_null(row) || matches!(column.values, Values::Null) {
                out.extend_from_slice(&style.null);
                return Ok(());
            }
            if leaves_scalars && !forced && is_scalar(&column.values) {
                return column.write(row, out);
            }
            scratch.clear();
            column.write(row, scratch)?;
            style.append(scratch, forced, out);
            Ok(())
        });
        let written = written.and_then(|()| recode_line(start, self.charset, out));
        if written.is_err() {
            out.truncate(start);
        }
        written
    }
}

/// Puts the line of the message that stands in `out` from `start` on into the client's character set.
fn recode_line(start: usize, charset: Charset, out: &mut BytesMut) -> Result<(), EncodeError> {
    if charset.is_same() {
        return Ok(());
    }
    charset.recode(out, start + 5)?;
    patch_length(out, start + 1, 0)
}

/// Whether the values are numbers, moments or truth values.
fn is_scalar(values: &Values) -> bool {
    use Values as V;
    !matches!(
        values,
        V::Utf8(_)
            | V::LargeUtf8(_)
            | V::Utf8View(_)
            | V::Binary(_)
            | V::BinaryView(_)
            | V::FixedBinary(_)
            | V::Raw(_)
            | V::Array(_)
            | V::Record(_)
            | V::Dictionary(..)
    )
}

#[cfg(test)]
mod tests;
