//! Values as fields of lines, for the many rows of a block.

use super::{SHORT_TEXT_BYTES, make_room, put};
use crate::sql::encode::line::LineStyle;
use arrow::array::{Array, GenericStringArray, OffsetSizeTrait};

/// How the values of a column stand in a line.
pub(super) struct Field<'a> {
    pub(super) style: &'a LineStyle,
    /// Whether they are quoted in any case.
    pub(super) forced: bool,
}

impl Field<'_> {
    #[inline]
    pub(super) fn put_null(&self, to: &mut [u8], at: usize) -> usize {
        let null = &*self.style.null;
        to[at..at + null.len()].copy_from_slice(null);
        at + null.len()
    }

    /// Puts a text of at most 12 bytes, which stands in the view itself.
    #[inline]
    pub(super) fn put_inline(&self, view: u128, to: &mut [u8], at: usize) -> usize {
        const SPACES: u128 = u128::from_ne_bytes([b' '; 16]);
        let len = view as u32 as usize;
        // Behind its end is a character that is plain.
        let text = ((view >> 32) | (SPACES << (8 * len))).to_le_bytes();
        let is_plain = !self.forced && self.style.is_plain(&text);
        if is_plain && !self.style.is_mistakable(&text[..len]) {
            put(&text, to, at);
            return at + len;
        }
        at + self.style.escape(&text[..len], self.forced, &mut to[at..])
    }

    /// Puts a text, `len` bytes of `all` at `from`, and leaves room for the rest of a row.
    #[inline]
    pub(super) fn put_text(
        &self,
        (all, from, len): (&[u8], usize, usize),
        to: &mut Vec<u8>,
        at: usize,
        row_bytes_max: usize,
    ) -> usize {
        let text = &all[from..from + len];
        if len <= SHORT_TEXT_BYTES
            && !self.forced
            && let Some(cell) = all[from..].first_chunk::<SHORT_TEXT_BYTES>()
            && self.style.is_plain(cell)
            && !self.style.is_mistakable(text)
        {
            put(cell, to, at);
            return at + len;
        }
        make_room(to, at, LineStyle::bytes_max(len) + row_bytes_max);
        at + self.style.escape(text, self.forced, &mut to[at..])
    }

    /// Puts a text of the array, or null.
    #[inline]
    pub(super) fn put_nth<Offset: OffsetSizeTrait>(
        &self,
        texts: &GenericStringArray<Offset>,
        row: usize,
        to: &mut Vec<u8>,
        at: usize,
        row_bytes_max: usize,
    ) -> usize {
        if texts.is_null(row) {
            return self.put_null(to, at);
        }
        let from = texts.value_offsets()[row].as_usize();
        let len = texts.value_length(row).as_usize();
        self.put_text((texts.values(), from, len), to, at, row_bytes_max)
    }
}
