//! Binary forms of scalar values that are more than a number.

use super::text::Digits;
use crate::sql::charset::{Charset, NoEquivalent};
use bytes::{Buf, BufMut, BytesMut};

/// Appends a numeric as `numeric_send` does: number of base-10000 digits, weight of the first one, sign, digits
/// behind the decimal point, then the digits.
pub(super) fn write_numeric(digits: &Digits, scale: i8, out: &mut BytesMut) {
    const NEGATIVE: u16 = 0x4000;
    let text = digits.as_bytes();
    let scale = i32::from(scale);
    // The digit at `at` stands for 10^exponent; exponents of one base-10000 digit share their quotient by 4.
    let exponent_of = |at: usize| text.len() as i32 - 1 - at as i32 - scale;
    let significant = text
        .iter()
        .position(|d| *d != b'0')
        .zip(text.iter().rposition(|d| *d != b'0'));
    let Some((first, last)) = significant else {
        for field in [0, 0, 0, scale.max(0) as u16] {
            out.put_u16(field);
        }
        return;
    };
    let weight = exponent_of(first).div_euclid(4);
    let lowest = exponent_of(last).div_euclid(4);
    out.put_i16((weight - lowest + 1) as i16);
    out.put_i16(weight as i16);
    out.put_u16(if digits.negative { NEGATIVE } else { 0 });
    out.put_i16(scale.max(0) as i16);
    let mut at = first;
    for group in (lowest..=weight).rev() {
        let mut value = 0_u16;
        for exponent in (group * 4..group * 4 + 4).rev() {
            value *= 10;
            if at <= last && exponent_of(at) == exponent {
                value += u16::from(text[at] - b'0');
                at += 1;
            }
        }
        out.put_u16(value);
    }
}

/// Puts the elements of an array of texts, which stands in `out` from `start` on as `array_send` writes it, into a
/// character set.
///
/// # Errors
/// The first character that the character set has not.
pub(super) fn recode_array(
    start: usize,
    charset: Charset,
    out: &mut BytesMut,
) -> Result<(), NoEquivalent> {
    /// Number of dimensions, whether there are nulls, type of the elements.
    const HEAD_BYTES: usize = 12;
    /// Length and lower bound.
    const DIMENSION_BYTES: usize = 8;
    let mut written = out.split_off(start);
    let dimensions = written.first_chunk().map_or(0, |n| u32::from_be_bytes(*n));
    let head = HEAD_BYTES + dimensions as usize * DIMENSION_BYTES;
    out.extend_from_slice(&written.split_to(head.min(written.len())));
    while let Ok(length) = written.try_get_i32() {
        let length_at = out.len();
        out.put_i32(length);
        if let Ok(length) = usize::try_from(length) {
            out.extend_from_slice(&written.split_to(length.min(written.len())));
            charset.recode(out, length_at + 4)?;
            // No longer than the whole message, whose length is looked at.
            let length = (out.len() - length_at - 4) as i32;
            out[length_at..length_at + 4].copy_from_slice(&length.to_be_bytes());
        }
    }
    Ok(())
}
