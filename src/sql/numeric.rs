//! `numeric`: exact decimal numbers, with PostgreSQL's rules for how many digits a result has.
//!
//! Each value knows how many digits it shows behind the point (its scale): 1.5 and 1.50 are equal and print differently.
//! Columns of the engine hold values in a form whose bytes sort as the numbers do ([`ordered`]).

pub mod ordered;
mod power;
mod text;

use std::cmp::Ordering;

use num_bigint::{BigInt, Sign};

use super::sqlstate::SqlError;

/// Fewest significant digits of a quotient (PostgreSQL's `NUMERIC_MIN_SIG_DIGITS`).
const SIGNIFICANT_MIN: i64 = 16;

/// Most digits behind the point that an operation adds (`NUMERIC_MAX_DISPLAY_SCALE`).
const DISPLAY_SCALE_MAX: i64 = 1000;

/// Most digits behind the point of a value (`NUMERIC_DSCALE_MAX`).
const SCALE_MAX: u32 = 16_383;

/// Most digits in front of the point.
const WHOLE_MAX: u64 = 131_072;

/// Decimal digits of one of PostgreSQL's digits, by which it counts weights.
const GROUP: i64 = 4;

/// A value of type `numeric`.
#[derive(Clone, Debug)]
pub enum Numeric {
    /// A number.
    Number(Decimal),
    /// `NaN`, which is equal to itself and greater than everything else.
    NaN,
    /// `Infinity` or `-Infinity`.
    Infinite {
        /// Whether it is below all numbers.
        negative: bool,
    },
}

/// `unscaled` × 10^-`scale`.
#[derive(Clone, Debug, Default)]
pub struct Decimal {
    unscaled: BigInt,
    scale: u32,
}

/// A value that is too long for the type.
pub(crate) fn overflow() -> SqlError {
    SqlError::new("22003", "value overflows numeric format")
}

fn by_zero() -> SqlError {
    SqlError::new("22012", "division by zero")
}

fn power_of_ten(exponent: u32) -> BigInt {
    BigInt::from(10).pow(exponent)
}

/// The quotient, rounded half away from zero.
fn rounded_quotient(dividend: &BigInt, divisor: &BigInt) -> BigInt {
    let (quotient, rest) = (dividend / divisor, dividend % divisor);
    match (rest.magnitude() << 1u32) >= *divisor.magnitude() {
        true if dividend.sign() == divisor.sign() => quotient + 1,
        true => quotient - 1,
        false => quotient,
    }
}

/// A scale between what all operations show and what none exceeds.
fn shown_scale(wanted: i64, least: u32) -> u32 {
    let scale = wanted.max(i64::from(least)).clamp(0, DISPLAY_SCALE_MAX);
    u32::try_from(scale).unwrap_or(0)
}

impl Decimal {
    /// The number `unscaled` × 10^-`scale`.
    pub fn new(unscaled: BigInt, scale: u32) -> Self {
        Self { unscaled, scale }
    }

    fn is_zero(&self) -> bool {
        self.unscaled.sign() == Sign::NoSign
    }

    fn is_negative(&self) -> bool {
        self.unscaled.sign() == Sign::Minus
    }

    /// Digits of the unscaled value.
    fn len(&self) -> u64 {
        let bits = self.unscaled.bits();
        match u128::try_from(self.unscaled.magnitude()) {
            Ok(0) => 0,
            Ok(small) => u64::from(small.ilog10()) + 1,
            // Digits in base ten are fewer than bits: from this many on nobody needs the exact number.
            Err(_) if bits > 8 * WHOLE_MAX => bits * 3 / 10,
            Err(_) => self.unscaled.magnitude().to_string().len() as u64,
        }
    }

    /// The exponent of the first of PostgreSQL's digits, in their base of 10000, and that digit.
    fn head(&self) -> (i64, u32) {
        if self.is_zero() {
            return (0, 0);
        }
        let digits = self.unscaled.magnitude().to_string();
        let before = digits.len() as i64 - i64::from(self.scale);
        let weight = (before - 1).div_euclid(GROUP);
        let count = usize::try_from(before - weight * GROUP).unwrap_or(1);
        let first = digits.bytes().chain(std::iter::repeat(b'0')).take(count);
        (
            weight,
            first.fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0')),
        )
    }

    /// The unscaled value at a scale that is no smaller.
    fn at(&self, scale: u32) -> BigInt {
        match scale.saturating_sub(self.scale) {
            0 => self.unscaled.clone(),
            more => &self.unscaled * power_of_ten(more),
        }
    }

    /// Rounded half away from zero to so many places behind the point, or in front of it where they are negative.
    fn rounded(&self, places: i64) -> Self {
        self.cut(places, rounded_quotient)
    }

    /// The same without rounding.
    fn truncated(&self, places: i64) -> Self {
        self.cut(places, |dividend, divisor| dividend / divisor)
    }

    fn cut(&self, places: i64, divide: impl Fn(&BigInt, &BigInt) -> BigInt) -> Self {
        let limit = i64::from(SCALE_MAX);
        let places = places.clamp(-(WHOLE_MAX as i64), limit);
        let scale = u32::try_from(places.max(0)).unwrap_or(0);
        let surplus = i64::from(self.scale) - places;
        let Ok(surplus) = u32::try_from(surplus) else {
            return Self::new(self.at(scale), scale);
        };
        let kept = match u64::from(surplus) > self.len() + 1 {
            true => BigInt::ZERO,
            false => divide(&self.unscaled, &power_of_ten(surplus)),
        };
        let zeros = u32::try_from(-places).unwrap_or(0);
        Self::new(kept * power_of_ten(zeros), scale)
    }

    /// The scale of a quotient (PostgreSQL's `select_div_scale`).
    fn quotient_scale(&self, divisor: &Self) -> u32 {
        let ((weight, first), (divisor_weight, divisor_first)) = (self.head(), divisor.head());
        let weight = weight - divisor_weight - i64::from(first <= divisor_first);
        shown_scale(
            SIGNIFICANT_MIN - weight * GROUP,
            self.scale.max(divisor.scale),
        )
    }

    /// The quotient at a scale, rounded.
    fn divided(&self, divisor: &Self, scale: u32) -> Self {
        let up = i64::from(scale) + i64::from(divisor.scale) - i64::from(self.scale);
        let (mut above, mut below) = (self.unscaled.clone(), divisor.unscaled.clone());
        match u32::try_from(up) {
            Ok(up) => above *= power_of_ten(up),
            Err(_) => below *= power_of_ten(u32::try_from(-up).unwrap_or(0)),
        }
        Self::new(rounded_quotient(&above, &below), scale)
    }

    fn compared(&self, other: &Self) -> Ordering {
        let scale = self.scale.max(other.scale);
        self.at(scale).cmp(&other.at(scale))
    }

    fn checked(self) -> Result<Numeric, SqlError> {
        let whole = self.len().saturating_sub(u64::from(self.scale));
        if whole > WHOLE_MAX {
            return Err(overflow());
        }
        Ok(Numeric::Number(match self.scale > SCALE_MAX {
            true => self.rounded(i64::from(SCALE_MAX)),
            false => self,
        }))
    }
}

impl From<i128> for Numeric {
    fn from(value: i128) -> Self {
        Self::Number(Decimal::new(value.into(), 0))
    }
}

impl From<i64> for Numeric {
    fn from(value: i64) -> Self {
        i128::from(value).into()
    }
}

/// What an operation makes of values of which at least one is no number.
struct Special {
    is_nan: bool,
    /// -1, 0 or 1 for each operand that is a number; infinities count double.
    signs: (i32, i32),
}

impl Special {
    fn of(one: &Numeric, other: &Numeric) -> Self {
        let is_nan = |value: &Numeric| matches!(value, Numeric::NaN);
        Self {
            is_nan: is_nan(one) || is_nan(other),
            signs: (one.magnitude(), other.magnitude()),
        }
    }
}

impl Numeric {
    /// The number `unscaled` × 10^-`scale`.
    pub fn new(unscaled: i128, scale: u32) -> Self {
        Self::Number(Decimal::new(unscaled.into(), scale))
    }

    /// The nearest whole number; `None` beyond 128 bits and for what is no number.
    pub fn to_i128(&self) -> Option<i128> {
        match self {
            Self::Number(number) => i128::try_from(number.rounded(0).unscaled).ok(),
            _ => None,
        }
    }

    /// Digits behind the point; `None` of what is no number.
    pub fn scale(&self) -> Option<u32> {
        match self {
            Self::Number(number) => Some(number.scale),
            _ => None,
        }
    }

    /// -1, 0 or 1; -2 or 2 for infinities.
    fn magnitude(&self) -> i32 {
        match self {
            Self::Number(number) if number.is_zero() => 0,
            Self::Number(number) if number.is_negative() => -1,
            Self::Infinite { negative: true } => -2,
            Self::Infinite { negative: false } => 2,
            Self::Number(_) | Self::NaN => 1,
        }
    }

    /// Whether it is zero.
    pub fn is_zero(&self) -> bool {
        self.magnitude() == 0
    }

    /// Whether it is below zero.
    pub fn is_negative(&self) -> bool {
        self.magnitude() < 0
    }

    /// -1, 0 or 1.
    pub fn sign(&self) -> Self {
        match self {
            Self::NaN => Self::NaN,
            other => i128::from(other.magnitude().signum()).into(),
        }
    }

    /// `-self`.
    pub fn negated(self) -> Self {
        match self {
            Self::Number(number) => Self::Number(Decimal::new(-number.unscaled, number.scale)),
            Self::Infinite { negative } => Self::Infinite {
                negative: !negative,
            },
            Self::NaN => Self::NaN,
        }
    }

    /// Without its sign.
    pub fn absolute(self) -> Self {
        match self.is_negative() {
            true => self.negated(),
            false => self,
        }
    }

    /// The sum.
    ///
    /// # Errors
    /// 22003 for a result that is too long.
    pub fn add(&self, other: &Self) -> Result<Self, SqlError> {
        if let (Self::Number(one), Self::Number(two)) = (self, other) {
            let scale = one.scale.max(two.scale);
            return Decimal::new(one.at(scale) + two.at(scale), scale).checked();
        }
        let special = Special::of(self, other);
        Ok(match special.signs {
            _ if special.is_nan => Self::NaN,
            (2, -2) | (-2, 2) => Self::NaN,
            (one, two) => Self::Infinite {
                negative: one == -2 || two == -2,
            },
        })
    }

    /// The difference.
    ///
    /// # Errors
    /// 22003 for a result that is too long.
    pub fn subtract(&self, other: &Self) -> Result<Self, SqlError> {
        self.add(&other.clone().negated())
    }

    /// The product.
    ///
    /// # Errors
    /// 22003 for a result that is too long.
    pub fn multiply(&self, other: &Self) -> Result<Self, SqlError> {
        if let (Self::Number(one), Self::Number(two)) = (self, other) {
            let product = &one.unscaled * &two.unscaled;
            return Decimal::new(product, one.scale + two.scale).checked();
        }
        let special = Special::of(self, other);
        let (one, two) = special.signs;
        Ok(match special.is_nan || one * two == 0 {
            true => Self::NaN,
            false => Self::Infinite {
                negative: one * two < 0,
            },
        })
    }

    /// The quotient, with at least 16 significant digits.
    ///
    /// # Errors
    /// 22012 for zero as the divisor, 22003 for a result that is too long.
    pub fn divide(&self, divisor: &Self) -> Result<Self, SqlError> {
        if let (Self::Number(one), Self::Number(two)) = (self, divisor) {
            return match two.is_zero() {
                true => Err(by_zero()),
                false => one.divided(two, one.quotient_scale(two)).checked(),
            };
        }
        let special = Special::of(self, divisor);
        match special.signs {
            _ if special.is_nan => Ok(Self::NaN),
            (_, 0) => Err(by_zero()),
            (2 | -2, 2 | -2) => Ok(Self::NaN),
            (one @ (2 | -2), two) => Ok(Self::Infinite {
                negative: one * two < 0,
            }),
            _ => Ok(0_i128.into()),
        }
    }

    /// The quotient without its fraction.
    ///
    /// # Errors
    /// 22012 for zero as the divisor.
    pub fn divide_whole(&self, divisor: &Self) -> Result<Self, SqlError> {
        match (self, divisor) {
            (Self::Number(one), Self::Number(two)) if !two.is_zero() => {
                let scale = one.scale.max(two.scale);
                Decimal::new(one.at(scale) / two.at(scale), 0).checked()
            }
            _ => self.divide(divisor),
        }
    }

    /// What is left of a division by whole numbers, with the dividend's sign.
    ///
    /// # Errors
    /// 22012 for zero as the divisor.
    pub fn modulo(&self, divisor: &Self) -> Result<Self, SqlError> {
        match (self, divisor) {
            (Self::Number(one), Self::Number(two)) if !two.is_zero() => {
                let scale = one.scale.max(two.scale);
                Decimal::new(one.at(scale) % two.at(scale), scale).checked()
            }
            (Self::Infinite { .. }, Self::Number(two)) if !two.is_zero() => Ok(Self::NaN),
            (Self::Number(_), Self::Infinite { .. }) => Ok(self.clone()),
            _ => self.divide(divisor),
        }
    }

    /// Rounded half away from zero to so many places behind the point, or in front of it where they are negative.
    pub fn rounded(&self, places: i64) -> Self {
        match self {
            Self::Number(number) => {
                let places = places.clamp(-2000, 2000);
                Self::Number(number.rounded(places))
            }
            other => other.clone(),
        }
    }

    /// The same without rounding.
    pub fn truncated(&self, places: i64) -> Self {
        match self {
            Self::Number(number) => {
                let places = places.clamp(-2000, 2000);
                Self::Number(number.truncated(places))
            }
            other => other.clone(),
        }
    }

    /// The greatest whole number that is not above.
    pub fn floor(&self) -> Self {
        match self {
            Self::Number(number) => {
                let whole = number.truncated(0);
                let is_above = number.compared(&whole) == Ordering::Less;
                Self::Number(Decimal::new(whole.unscaled - i32::from(is_above), 0))
            }
            other => other.clone(),
        }
    }

    /// The least whole number that is not below.
    pub fn ceiling(&self) -> Self {
        self.clone().negated().floor().negated()
    }

    /// Without zeros at the end of the digits behind the point.
    pub fn trimmed(&self) -> Self {
        match self.least_scale() {
            Some(scale) => self.truncated(scale.into()),
            None => self.clone(),
        }
    }

    /// Digits behind the point that are needed; `None` of what is no number.
    pub fn least_scale(&self) -> Option<u32> {
        let Self::Number(number) = self else {
            return None;
        };
        if number.is_zero() {
            return Some(0);
        }
        let digits = number.unscaled.magnitude().to_string();
        let zeros = digits.len() - digits.trim_end_matches('0').len();
        Some(number.scale.saturating_sub(zeros as u32))
    }

    /// The value as one of `numeric(precision, scale)`.
    ///
    /// # Errors
    /// 22003 for more digits in front of the point than there is room for.
    pub fn fitted(&self, precision: i64, scale: i64) -> Result<Self, SqlError> {
        let overflow =
            |detail: String| SqlError::new("22003", "numeric field overflow").with_detail(detail);
        match self {
            Self::NaN => Ok(Self::NaN),
            Self::Infinite { .. } => Err(overflow(format!(
                "A field with precision {precision}, scale {scale} cannot hold an infinite value."
            ))),
            Self::Number(number) => {
                let fitted = number.rounded(scale);
                let whole = fitted.len() as i64 - i64::from(fitted.scale);
                if !fitted.is_zero() && whole > precision - scale {
                    let bound = match precision - scale {
                        0 => "1".to_owned(),
                        digits => format!("10^{digits}"),
                    };
                    return Err(overflow(format!(
                        "A field with precision {precision}, scale {scale} must round to an absolute value less than {bound}."
                    )));
                }
                Ok(Self::Number(fitted))
            }
        }
    }

    /// Bytes that it takes in a column, near enough.
    pub fn weight(&self) -> usize {
        match self {
            Self::Number(number) => usize::try_from(number.unscaled.bits() / 6).unwrap_or(0) + 16,
            _ => 16,
        }
    }
}

impl PartialEq for Numeric {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Numeric {}

impl PartialOrd for Numeric {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Numeric {
    fn cmp(&self, other: &Self) -> Ordering {
        let rank = |value: &Self| match value {
            Self::NaN => 3,
            other => other.magnitude(),
        };
        match (self, other) {
            (Self::Number(one), Self::Number(two)) => one.compared(two),
            (one, two) => rank(one).cmp(&rank(two)),
        }
    }
}

#[cfg(test)]
mod tests;
