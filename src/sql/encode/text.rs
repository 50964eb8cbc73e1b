//! Text forms of scalar values that are more than a number: bytea, numeric, and the quoting inside arrays and rows.

use super::EncodeError;
use arrow::datatypes::i256;
use bytes::{BufMut, BytesMut};

/// Appends `\x` and two lower-case hexadecimal digits for each byte.
pub(super) fn write_bytea(value: &[u8], out: &mut BytesMut) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.reserve(2 + value.len() * 2);
    out.extend_from_slice(b"\\x");
    for byte in value {
        out.put_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
    }
}

/// Decimal digits of the unscaled value of a numeric, on the stack.
pub(super) struct Digits {
    /// Whether the value is below zero.
    pub(super) negative: bool,
    bytes: [u8; 78],
    len: usize,
}

impl Digits {
    /// `None` if the value has more digits than any decimal type allows.
    pub(super) fn of(value: i256) -> Option<Self> {
        /// Half of the 76 digits that 256 bits hold.
        const HALF: i128 = 10_i128.pow(38);
        let mut digits = Self {
            negative: value.is_negative(),
            bytes: [b'0'; 78],
            len: 0,
        };
        let mut buffer = itoa::Buffer::new();
        match value.to_i128() {
            Some(value) => digits.push(buffer.format(value.unsigned_abs())),
            None => {
                let half = i256::from_i128(HALF);
                let high = value.checked_div(half)?.to_i128()?.unsigned_abs();
                let low = value.checked_rem(half)?.to_i128()?.unsigned_abs();
                digits.push(buffer.format(high));
                let low = buffer.format(low);
                // The buffer is full of zeros: skipping is padding.
                digits.len += 38_usize.checked_sub(low.len())?;
                digits.push(low);
            }
        }
        (digits.len <= digits.bytes.len()).then_some(digits)
    }

    fn push(&mut self, text: &str) {
        let end = self.len + text.len();
        if let Some(target) = self.bytes.get_mut(self.len..end) {
            target.copy_from_slice(text.as_bytes());
        }
        self.len = end;
    }

    /// The digits, most significant first, at least one.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Whether the value is zero.
    pub(super) fn is_zero(&self) -> bool {
        self.as_bytes() == b"0"
    }
}

/// Appends `digits × 10^-scale` with exactly `scale` digits behind the point.
pub(super) fn write_numeric(digits: &Digits, scale: i8, out: &mut BytesMut) {
    let text = digits.as_bytes();
    if digits.negative {
        out.put_u8(b'-');
    }
    let Ok(scale) = usize::try_from(scale) else {
        out.extend_from_slice(text);
        if !digits.is_zero() {
            out.put_bytes(b'0', scale.unsigned_abs().into());
        }
        return;
    };
    let whole = text.len().saturating_sub(scale);
    out.extend_from_slice(if whole == 0 { b"0" } else { &text[..whole] });
    if scale > 0 {
        out.put_u8(b'.');
        out.put_bytes(b'0', scale - (text.len() - whole));
        out.extend_from_slice(&text[whole..]);
    }
}

/// Longest text that is quoted inside another, in bytes with its quotation marks. Each row around a row doubles the
/// marks within it, so that a short statement could ask for more than the machine has.
const QUOTED_BYTES_MAX: usize = 64 << 20;

/// How a text stands inside another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quoting {
    /// An element of an array: `"` and `\` are escaped with a backslash.
    Array,
    /// A field of a row: `"` and `\` are doubled.
    Record,
}

impl Quoting {
    /// Quotes what stands in `out` from `start` on if it could be read as something else. `scratch` is reused
    /// between calls.
    ///
    /// # Errors
    ///
    /// [`EncodeError::NestedTooLong`].
    pub(super) fn apply(
        self,
        start: usize,
        out: &mut BytesMut,
        scratch: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let text = &out[start..];
        if !self.is_needed(text) {
            return Ok(());
        }
        let marks = text.iter().filter(|byte| is_escaped(**byte)).count();
        if text.len() + marks + 2 > QUOTED_BYTES_MAX {
            return Err(EncodeError::NestedTooLong);
        }
        scratch.clear();
        scratch.extend_from_slice(text);
        out.truncate(start);
        out.put_u8(b'"');
        for byte in &*scratch {
            if is_escaped(*byte) {
                out.put_u8(if self == Self::Array { b'\\' } else { *byte });
            }
            out.put_u8(*byte);
        }
        out.put_u8(b'"');
        Ok(())
    }

    fn is_needed(self, text: &[u8]) -> bool {
        let special = |byte: &u8| match byte {
            b'"' | b'\\' | b',' | b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => true,
            b'{' | b'}' => self == Self::Array,
            b'(' | b')' => self == Self::Record,
            _ => false,
        };
        text.is_empty()
            || text.iter().any(special)
            || (self == Self::Array && text.eq_ignore_ascii_case(b"null"))
    }
}

fn is_escaped(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\')
}
