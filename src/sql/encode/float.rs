//! Floating point as `float4out` and `float8out` print it: the fewest digits that read back to the same bits,
//! plain from 1e-4 up to 1e15 (1e6 for `real`), with an exponent of at least two digits outside.

use super::digits::{put_fraction, put_u64};
use bytes::BytesMut;

/// Appends `value` in the text form of `double precision`.
pub(super) fn write_f64(value: f64, out: &mut BytesMut) {
    if write_special(value, out) {
        return;
    }
    if write_thousandths(value, out) {
        return;
    }
    let mut buffer = ryu::Buffer::new();
    let text = buffer.format_finite(value);
    let magnitude = value.abs();
    if (1e-4..1e15).contains(&magnitude) {
        return out.extend_from_slice(text.strip_suffix(".0").unwrap_or(text).as_bytes());
    }
    let mut decimal = Decimal::parse(text);
    if decimal.is_midpoint(f64::MANTISSA_DIGITS) {
        // PostgreSQL never prints the point halfway between two values, as some readers round it the other way.
        for precision in decimal.len - 1..17 {
            let longer = Decimal::parse(&format!("{value:.precision$e}"));
            if !longer.is_midpoint(f64::MANTISSA_DIGITS) && longer.text().parse() == Ok(value) {
                decimal = longer;
                break;
            }
        }
    }
    decimal.write(out);
}

/// Appends `value` if it is a whole number of thousandths, as measured seconds and rounded numbers are; returns whether
/// it did. A decimal of at most 15 digits that reads back to the value is the shortest one.
fn write_thousandths(value: f64, out: &mut BytesMut) -> bool {
    let thousandths = (value * 1000.0).round();
    if !(1.0..1e15).contains(&thousandths.abs()) || thousandths / 1000.0 != value {
        return false;
    }
    let thousandths = thousandths as i64;
    if thousandths < 0 {
        out.extend_from_slice(b"-");
    }
    let thousandths = thousandths.unsigned_abs();
    out.extend_from_slice(itoa::Buffer::new().format(thousandths / 1000).as_bytes());
    super::time::write_fraction((thousandths % 1000) as i64 * 1000, out);
    true
}

/// Writes `value` to the front of `to`, and returns its length, if it is zero or a whole number of thousandths that
/// [`write_f64`] takes the short way with. Up to 28 bytes are overwritten.
///
/// # Panics
/// If `to` is shorter than that.
#[inline]
pub(super) fn put_thousandths(value: f64, to: &mut [u8]) -> Option<usize> {
    let magnitude = value.abs();
    let thousandths = magnitude * 1000.0 + 0.5;
    if thousandths.is_nan() || thousandths >= 1e15 {
        return None;
    }
    // Rounding may be off where the product was: then the quotient is another value.
    let thousandths = thousandths as i64;
    if thousandths as f64 / 1000.0 != magnitude {
        return None;
    }
    let thousandths = thousandths.unsigned_abs();
    let mut len = 0;
    if value.is_sign_negative() {
        to[0] = b'-';
        len = 1;
    }
    len += put_u64(thousandths / 1000, &mut to[len..]);
    match thousandths % 1000 {
        0 => {}
        fraction => len += put_fraction(fraction * 1000, &mut to[len..]),
    }
    Some(len)
}

/// Appends `value` in the text form of `real`.
pub(super) fn write_f32(value: f32, out: &mut BytesMut) {
    if write_special(f64::from(value), out) {
        return;
    }
    let mut buffer = ryu::Buffer::new();
    let text = buffer.format_finite(value);
    let magnitude = value.abs();
    if (1e-4..1e6).contains(&magnitude) {
        return out.extend_from_slice(text.strip_suffix(".0").unwrap_or(text).as_bytes());
    }
    let mut decimal = Decimal::parse(text);
    if decimal.is_midpoint(f32::MANTISSA_DIGITS) {
        for precision in decimal.len - 1..9 {
            let longer = Decimal::parse(&format!("{value:.precision$e}"));
            if !longer.is_midpoint(f32::MANTISSA_DIGITS) && longer.text().parse() == Ok(value) {
                decimal = longer;
                break;
            }
        }
    }
    decimal.write(out);
}

/// The values that have a name, and zero, which has no exponent.
fn write_special(value: f64, out: &mut BytesMut) -> bool {
    let name: &[u8] = if value.is_nan() {
        b"NaN"
    } else if value == f64::INFINITY {
        b"Infinity"
    } else if value == f64::NEG_INFINITY {
        b"-Infinity"
    } else if value == 0.0 {
        if value.is_sign_negative() {
            b"-0"
        } else {
            b"0"
        }
    } else {
        return false;
    };
    out.extend_from_slice(name);
    true
}

/// A finite decimal: `d.ddd × 10^exponent`.
struct Decimal {
    negative: bool,
    digits: [u8; 20],
    len: usize,
    exponent: i32,
}

impl Decimal {
    /// Reads what `ryu` or `{:e}` printed: at most 17 significant digits, a point, an exponent.
    fn parse(text: &str) -> Self {
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let mut decimal = Self {
            negative: false,
            digits: [0; 20],
            len: 0,
            exponent: exponent.parse().unwrap_or(0),
        };
        let mut point_seen = false;
        let mut point = 0;
        for byte in mantissa.bytes() {
            match byte {
                b'-' => decimal.negative = true,
                b'.' => point_seen = true,
                // Zeros in front of the first digit count for the exponent only.
                b'0' if decimal.len == 0 => point -= i32::from(point_seen),
                digit => {
                    if let Some(slot) = decimal.digits.get_mut(decimal.len) {
                        *slot = digit;
                        decimal.len += 1;
                    }
                    point += i32::from(!point_seen);
                }
            }
        }
        decimal.exponent += point - 1;
        while decimal.len > 1 && decimal.digits[decimal.len - 1] == b'0' {
            decimal.len -= 1;
        }
        decimal
    }

    /// Whether the decimal lies exactly between two neighbours of a binary format with `mantissa_bits`: its odd part
    /// has one bit more than the mantissa. Smaller powers of ten than 0 cannot be the shortest form of a neighbour.
    fn is_midpoint(&self, mantissa_bits: u32) -> bool {
        let power = self.exponent - (self.len as i32 - 1);
        if !(0..=23).contains(&power) {
            return false;
        }
        let whole = self.digits[..self.len]
            .iter()
            .fold(0_u128, |n, d| n * 10 + u128::from(d - b'0'));
        let product = whole * 5_u128.pow(power as u32);
        let odd = product >> product.trailing_zeros();
        u128::BITS - odd.leading_zeros() == mantissa_bits + 1
    }

    fn text(&self) -> String {
        let mut out = BytesMut::new();
        self.write(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    /// `1e+20`, `-1.5e-07`.
    fn write(&self, out: &mut BytesMut) {
        if self.negative {
            out.extend_from_slice(b"-");
        }
        out.extend_from_slice(&self.digits[..1]);
        if self.len > 1 {
            out.extend_from_slice(b".");
            out.extend_from_slice(&self.digits[1..self.len]);
        }
        out.extend_from_slice(if self.exponent < 0 { b"e-" } else { b"e+" });
        let exponent = self.exponent.unsigned_abs();
        if exponent < 10 {
            out.extend_from_slice(b"0");
        }
        out.extend_from_slice(itoa::Buffer::new().format(exponent).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn f64_text(value: f64) -> String {
        let mut out = BytesMut::new();
        write_f64(value, &mut out);
        String::from_utf8(out.to_vec()).unwrap()
    }

    fn f32_text(value: f32) -> String {
        let mut out = BytesMut::new();
        write_f32(value, &mut out);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn double_precision_reads_as_postgresql_prints_it() {
        for (value, text) in [
            (1.0, "1"),
            (0.1, "0.1"),
            (-0.0, "-0"),
            (1e20, "1e+20"),
            (1e15, "1e+15"),
            (123_456_789_012_345.0, "123456789012345"),
            (1_234_567_890_123_456.0, "1.234567890123456e+15"),
            (9_007_199_254_740_992.0, "9.007199254740992e+15"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (0.000012345, "1.2345e-05"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            // The shortest digits are the midpoint between two values: PostgreSQL prints one more.
            (1e23, "9.999999999999999e+22"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(f64_text(value), text);
        }
    }

    #[test]
    fn real_reads_as_postgresql_prints_it() {
        for (value, text) in [
            (1e5_f32, "100000"),
            (1e6, "1e+06"),
            (1_234_567.0, "1.234567e+06"),
            (16_777_216.0, "1.6777216e+07"),
            (0.1, "0.1"),
            (1e-5, "1e-05"),
            (f32::INFINITY, "Infinity"),
        ] {
            assert_eq!(f32_text(value), text);
        }
    }

    proptest! {
        #[test]
        fn round_numbers_take_the_short_way_to_the_same_text(n in -1_000_000_000_000_i64..1_000_000_000_000, by in 1_u8..=4) {
            let value = n as f64 / f64::from(10_u32.pow(by.into()));
            if value == 0.0 || value.abs() >= 1e-4 {
                prop_assert_eq!(f64_text(value), value.to_string());
            }
        }

        #[test]
        fn thousandths_read_the_same_in_a_cell(n in -2_000_000_000_000_000_i64..2_000_000_000_000_000, shift in 0_u32..51, bits: u64) {
            for value in [(n >> shift) as f64 / 1000.0, (n >> shift) as f64 / 10_000.0, f64::from_bits(bits), -0.0] {
                let mut cell = [0; 28];
                if let Some(len) = put_thousandths(value, &mut cell) {
                    prop_assert_eq!(std::str::from_utf8(&cell[..len]).unwrap(), f64_text(value));
                }
            }
        }

        #[test]
        fn floats_read_back_to_the_same_bits(bits64: u64, bits32: u32) {
            let (wide, narrow) = (f64::from_bits(bits64), f32::from_bits(bits32));
            if !wide.is_nan() {
                prop_assert_eq!(f64_text(wide).parse::<f64>().unwrap().to_bits(), bits64);
            }
            if !narrow.is_nan() {
                prop_assert_eq!(f32_text(narrow).parse::<f32>().unwrap().to_bits(), bits32);
            }
        }
    }
}
