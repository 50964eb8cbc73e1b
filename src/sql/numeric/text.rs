//! Values of `numeric` as texts and as numbers of floating point, and back.

use std::fmt;
use std::str::FromStr;

use num_bigint::{BigInt, Sign};

use super::ordered::COLUMN;
use super::{Decimal, Numeric, SCALE_MAX, WHOLE_MAX, overflow, power_of_ten};
use crate::sql::sqlstate::{SqlError, unreadable};

impl Numeric {
    /// The value of a `double precision`, of which 15 digits count.
    pub fn from_f64(value: f64) -> Self {
        Self::from_float(value, 14)
    }

    /// The value of a `real`, of which 6 digits count.
    pub fn from_f32(value: f32) -> Self {
        Self::from_float(value.into(), 5)
    }

    fn from_float(value: f64, digits_behind: usize) -> Self {
        if value.is_nan() {
            return Self::NaN;
        }
        if value.is_infinite() {
            return Self::Infinite {
                negative: value < 0.0,
            };
        }
        let text = format!("{value:.digits_behind$e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
        format!("{mantissa}e{exponent}")
            .parse()
            .unwrap_or(Self::NaN)
    }

    /// The nearest `double precision`.
    pub fn to_f64(&self) -> f64 {
        self.to_string().parse().unwrap_or(f64::NAN)
    }
}

impl fmt::Display for Numeric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = match self {
            Self::Number(number) => number,
            Self::NaN => return f.write_str("NaN"),
            Self::Infinite { negative: true } => return f.write_str("-Infinity"),
            Self::Infinite { negative: false } => return f.write_str("Infinity"),
        };
        let scale = number.scale as usize;
        let digits = number.unscaled.magnitude().to_string();
        let digits = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        let sign = if number.is_negative() { "-" } else { "" };
        match scale {
            0 => write!(f, "{sign}{whole}"),
            _ => write!(f, "{sign}{whole}.{fraction}"),
        }
    }
}

impl FromStr for Numeric {
    type Err = SqlError;

    /// As `numeric_in` reads it.
    fn from_str(text: &str) -> Result<Self, SqlError> {
        let malformed = || unreadable(text, &COLUMN);
        let trimmed = text.trim_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
        let (negative, unsigned) = match trimmed.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, trimmed.strip_prefix('+').unwrap_or(trimmed)),
        };
        match unsigned.to_ascii_lowercase().as_str() {
            "nan" if unsigned.len() == trimmed.len() => return Ok(Self::NaN),
            "inf" | "infinity" => return Ok(Self::Infinite { negative }),
            _ => {}
        }
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => {
                let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
                if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err(malformed());
                }
                (mantissa, exponent.parse::<i32>().map_err(|_| overflow())?)
            }
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !is_digits(whole) || !is_digits(fraction) {
            return Err(malformed());
        }
        let scale = fraction.len() as i64 - i64::from(exponent);
        let significant = whole.trim_start_matches('0').len() as i64 + i64::from(exponent);
        if significant > WHOLE_MAX as i64 || scale > i64::from(SCALE_MAX) {
            return Err(overflow());
        }
        let digits = format!("{whole}{fraction}");
        let unscaled = BigInt::parse_bytes(digits.as_bytes(), 10).ok_or_else(malformed)?;
        let unscaled = if negative { -unscaled } else { unscaled };
        let number = match u32::try_from(scale) {
            Ok(scale) => Decimal::new(unscaled, scale),
            Err(_) if unscaled.sign() == Sign::NoSign => Decimal::default(),
            Err(_) => {
                let zeros = u32::try_from(-scale).map_err(|_| overflow())?;
                Decimal::new(unscaled * power_of_ten(zeros), 0)
            }
        };
        number.checked()
    }
}
