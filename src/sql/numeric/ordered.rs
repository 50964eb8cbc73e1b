//! The form in which columns hold values of `numeric`: bytes that sort as the numbers do.
//!
//! The kind (from -Infinity over numbers below zero, zero and numbers above it to NaN), the exponent, two digits to a
//! byte without zeros at the end, and a byte that ends them; of numbers below zero all of that turned over. Behind it the
//! scale, in two bytes: values that are equal differ in these only, and what is in front of them is the [`key`] that
//! equality is about.

use arrow::datatypes::DataType;
use bytes::{BufMut, BytesMut};
use num_bigint::BigInt;

use super::{Decimal, Numeric, WHOLE_MAX};

/// The type of columns of numerics. Nothing else is held in this type.
pub const COLUMN: DataType = DataType::LargeBinary;

/// The type of keys.
pub const KEY: DataType = DataType::Binary;

const MINUS_INFINITY: u8 = 0x10;
const NEGATIVE: u8 = 0x20;
const ZERO: u8 = 0x30;
const POSITIVE: u8 = 0x40;
const INFINITY: u8 = 0x50;
const NAN: u8 = 0x60;

/// What an exponent is counted from: zero is in the middle.
const BIAS: i64 = 1 << 23;

/// Bytes of the kind and the exponent.
const HEAD: usize = 4;

/// Bytes of the scale.
const SCALE: usize = 2;

/// Appends a number that is given by its digits in base ten, without zeros in front.
fn write(negative: bool, digits: &[u8], scale: u32, out: &mut Vec<u8>) {
    let significant = digits.iter().rposition(|digit| *digit != b'0');
    // At most SCALE_MAX.
    let scale_bytes = u16::try_from(scale).unwrap_or(u16::MAX).to_be_bytes();
    let Some(last) = significant else {
        out.push(ZERO);
        out.extend_from_slice(&scale_bytes);
        return;
    };
    let start = out.len();
    let exponent = digits.len() as i64 - i64::from(scale) + BIAS;
    out.push(if negative { !NEGATIVE } else { POSITIVE });
    out.extend_from_slice(&exponent.to_be_bytes()[5..]);
    for pair in digits[..=last].chunks(2) {
        let low = pair.get(1).map_or(0, |low| low - b'0');
        out.push((pair[0] - b'0') * 10 + low + 1);
    }
    out.push(0);
    if negative {
        for byte in &mut out[start..] {
            *byte = !*byte;
        }
    }
    out.extend_from_slice(&scale_bytes);
}

/// The bytes of a value.
pub fn encode(value: &Numeric) -> Vec<u8> {
    let mut out = Vec::with_capacity(16);
    let special = |kind| vec![kind, 0, 0];
    match value {
        Numeric::NaN => return special(NAN),
        Numeric::Infinite { negative: true } => return special(MINUS_INFINITY),
        Numeric::Infinite { negative: false } => return special(INFINITY),
        Numeric::Number(number) => match i128::try_from(&number.unscaled) {
            Ok(small) => encode_i128(small, number.scale, &mut out),
            Err(_) => {
                let digits = number.unscaled.magnitude().to_string();
                write(
                    number.is_negative(),
                    digits.as_bytes(),
                    number.scale,
                    &mut out,
                );
            }
        },
    }
    out
}

/// Appends the bytes of `unscaled` × 10^-`scale`.
pub fn encode_i128(unscaled: i128, scale: u32, out: &mut Vec<u8>) {
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(unscaled.unsigned_abs());
    write(unscaled < 0, digits.as_bytes(), scale, out);
}

/// What is equal of values that are equal.
pub fn key(bytes: &[u8]) -> &[u8] {
    bytes
        .get(..bytes.len().saturating_sub(SCALE))
        .unwrap_or(bytes)
}

/// A value taken apart.
struct Parts<'a> {
    kind: u8,
    /// Digits in front of the point; negative for zeros behind it.
    exponent: i64,
    pairs: &'a [u8],
    /// What the bytes are turned over with.
    mask: u8,
    scale: u16,
}

impl<'a> Parts<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        let nan = Self {
            kind: NAN,
            exponent: 0,
            pairs: &[],
            mask: 0,
            scale: 0,
        };
        let Some((front, scale)) = bytes.split_last_chunk::<SCALE>() else {
            return nan;
        };
        let scale = u16::from_be_bytes(*scale);
        let Some(kind) = front.first().copied() else {
            return nan;
        };
        let mask = if kind == NEGATIVE { 0xFF } else { 0 };
        let Some(([_, exponent @ ..], pairs)) = front.split_first_chunk::<HEAD>() else {
            return Self { kind, scale, ..nan };
        };
        let exponent = exponent
            .iter()
            .fold(0_i64, |sum, byte| (sum << 8) | i64::from(byte ^ mask));
        let exponent = exponent - BIAS;
        // Bytes that no value has.
        if exponent.unsigned_abs() > 2 * WHOLE_MAX {
            return nan;
        }
        Self {
            kind,
            exponent,
            pairs: pairs.get(..pairs.len().saturating_sub(1)).unwrap_or(&[]),
            mask,
            scale,
        }
    }

    /// The digit that stands for 10^`exponent`.
    fn digit(&self, exponent: i64) -> u8 {
        let at = usize::try_from(self.exponent - 1 - exponent).unwrap_or(usize::MAX);
        let pair = self
            .pairs
            .get(at / 2)
            .map(|pair| (pair ^ self.mask).saturating_sub(1));
        match (pair, at % 2) {
            (None, _) => 0,
            (Some(pair), 0) => pair / 10,
            (Some(pair), _) => pair % 10,
        }
    }

    fn special(&self) -> Option<&'static str> {
        match self.kind {
            NAN => Some("NaN"),
            INFINITY => Some("Infinity"),
            MINUS_INFINITY => Some("-Infinity"),
            _ => None,
        }
    }
}

/// The value of these bytes.
pub fn decode(bytes: &[u8]) -> Numeric {
    let parts = Parts::of(bytes);
    match parts.kind {
        ZERO => return Numeric::new(0, parts.scale.into()),
        INFINITY => return Numeric::Infinite { negative: false },
        MINUS_INFINITY => return Numeric::Infinite { negative: true },
        POSITIVE | NEGATIVE => {}
        _ => return Numeric::NaN,
    }
    let last = -i64::from(parts.scale);
    let exponents = (last..parts.exponent).rev();
    let unscaled = match exponents.clone().count() {
        0..=38 => BigInt::from(exponents.fold(0_i128, |sum, exponent| {
            sum * 10 + i128::from(parts.digit(exponent))
        })),
        _ => {
            let digits: Vec<u8> = exponents.map(|exponent| parts.digit(exponent)).collect();
            BigInt::from_radix_be(num_bigint::Sign::Plus, &digits, 10).unwrap_or_default()
        }
    };
    let unscaled = match parts.kind {
        NEGATIVE => -unscaled,
        _ => unscaled,
    };
    Numeric::Number(Decimal::new(unscaled, parts.scale.into()))
}

/// Appends the text of a value.
pub fn write_text(bytes: &[u8], out: &mut BytesMut) {
    let parts = Parts::of(bytes);
    if let Some(special) = parts.special() {
        out.extend_from_slice(special.as_bytes());
        return;
    }
    if parts.kind == NEGATIVE {
        out.put_u8(b'-');
    }
    for exponent in (0..parts.exponent.max(1)).rev() {
        out.put_u8(b'0' + parts.digit(exponent));
    }
    if parts.scale > 0 {
        out.put_u8(b'.');
        for place in 1..=i64::from(parts.scale) {
            out.put_u8(b'0' + parts.digit(-place));
        }
    }
}

/// Appends a value as `numeric_send` does: number of base-10000 digits, weight of the first one, sign, digits behind the
/// point, then the digits.
pub fn write_binary(bytes: &[u8], out: &mut BytesMut) {
    let parts = Parts::of(bytes);
    let sign: u16 = match parts.kind {
        NEGATIVE => 0x4000,
        NAN => 0xC000,
        INFINITY => 0xD000,
        MINUS_INFINITY => 0xF000,
        _ => 0,
    };
    if parts.pairs.is_empty() {
        // What stands for the scale of an infinity is a bit of its sign.
        let scale = if sign >= 0xD000 { 0x20 } else { parts.scale };
        for field in [0, 0, sign, scale] {
            out.put_u16(field);
        }
        return;
    }
    let weight = (parts.exponent - 1).div_euclid(4);
    let digits = parts.pairs.len() as i64 * 2;
    // The last pair ends with a zero where there is an odd number of digits.
    let is_even = parts.digit(parts.exponent - digits) != 0;
    let last = parts.exponent - digits + i64::from(!is_even);
    let lowest = last.div_euclid(4);
    // Both within the type's range.
    out.put_i16((weight - lowest + 1) as i16);
    out.put_i16(weight as i16);
    out.put_u16(sign);
    out.put_u16(parts.scale);
    for group in (lowest..=weight).rev() {
        let value = (group * 4..group * 4 + 4).rev().fold(0, |sum, exponent| {
            sum * 10 + u16::from(parts.digit(exponent))
        });
        out.put_u16(value);
    }
}

/// The text of a value.
pub fn text(bytes: &[u8]) -> String {
    let mut out = BytesMut::new();
    write_text(bytes, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}
