//! Roots, powers and logarithms, to as many digits as PostgreSQL gives them.

use std::cmp::Ordering;

use num_bigint::BigInt;

use super::{
    Decimal, GROUP, Numeric, SIGNIFICANT_MIN, by_zero, overflow, power_of_ten, rounded_quotient,
    shown_scale,
};
use crate::sql::sqlstate::SqlError;

/// Digits that are computed beyond those that are asked for.
const GUARD: u32 = 30;

/// The natural logarithm of ten.
const LN_10: f64 = std::f64::consts::LN_10;

/// Most decimal digits of what the exponential function gives (`NUMERIC_MAX_RESULT_SCALE`).
const RESULT_SCALE_MAX: f64 = 2000.0;

/// A number of digits as an exponent that may be subtracted from a scale.
fn whole(value: f64) -> i64 {
    value.trunc() as i64
}

fn refused_logarithm(number: &Decimal) -> Option<SqlError> {
    let what = match () {
        () if number.is_zero() => "zero",
        () if number.is_negative() => "a negative number",
        () => return None,
    };
    Some(SqlError::new(
        "2201E",
        format!("cannot take logarithm of {what}"),
    ))
}

/// `atanh(1 / n)` × 10^`places`.
fn inverse_artanh(n: u32, places: u32) -> BigInt {
    let square = BigInt::from(n) * n;
    let mut power = power_of_ten(places) / n;
    let (mut sum, mut at) = (BigInt::ZERO, 1_u32);
    while power != BigInt::ZERO {
        sum += &power / at;
        power /= &square;
        at += 2;
    }
    sum
}

/// The natural logarithm of ten × 10^`places`.
fn ln_ten(places: u32) -> BigInt {
    // 10 = 2³ · 5/4, and ln of the quotient of n+1 and n-1 is twice the artanh of 1/n.
    (inverse_artanh(3, places) * 3 + inverse_artanh(9, places)) * 2
}

impl Decimal {
    fn to_f64(&self) -> f64 {
        Numeric::Number(self.clone()).to_f64()
    }

    /// The power of ten that the natural logarithm is near (PostgreSQL's `estimate_ln_dweight`).
    fn ln_weight(&self) -> i64 {
        let near_one = |tenths: i64| Self::new(tenths.into(), 1);
        let is_near = self.compared(&near_one(9)) != Ordering::Less
            && self.compared(&near_one(11)) != Ordering::Greater;
        if is_near {
            let one = Self::new(1.into(), 0);
            let distance = Self::new(self.unscaled.clone() - one.at(self.scale), self.scale);
            if distance.is_zero() {
                return 0;
            }
            let (weight, first) = distance.head();
            return weight * GROUP + whole(f64::from(first).log10());
        }
        whole(self.rough_ln().abs().log10())
    }

    /// The natural logarithm from the first digits.
    fn rough_ln(&self) -> f64 {
        let digits = self.unscaled.magnitude().to_string();
        let first = digits.get(..digits.len().min(15)).unwrap_or(&digits);
        let exponent = digits.len() as f64 - first.len() as f64 - f64::from(self.scale);
        first.parse::<f64>().unwrap_or(1.0).ln() + exponent * LN_10
    }

    /// The natural logarithm of a number above zero, at a scale.
    fn ln(&self, scale: u32) -> Self {
        let places = scale + GUARD;
        let digits = self.unscaled.magnitude().to_string();
        // The number as one between 0.316 and 3.16 and a power of ten.
        let mut exponent = digits.len() as i64 - i64::from(self.scale);
        if digits.as_bytes() < b"316".as_slice() {
            exponent -= 1;
        }
        let shift = i64::from(places) - i64::from(self.scale) - exponent;
        let mantissa = match u32::try_from(shift) {
            Ok(up) => &self.unscaled * power_of_ten(up),
            Err(_) => &self.unscaled / power_of_ten(u32::try_from(-shift).unwrap_or(0)),
        };
        let one = power_of_ten(places);
        let ratio = (&mantissa - &one) * &one / (&mantissa + &one);
        let square = &ratio * &ratio / &one;
        let (mut power, mut sum, mut at) = (ratio, BigInt::ZERO, 1_u32);
        while power != BigInt::ZERO {
            sum += &power / at;
            power = power * &square / &one;
            at += 2;
        }
        let tens = ln_ten(places) * exponent;
        Self::new(sum * 2 + tens, places).rounded(scale.into())
    }

    /// The exponential function, at a scale.
    fn exp(&self, scale: u32) -> Result<Self, SqlError> {
        let rough = self.to_f64();
        if rough.abs() >= RESULT_SCALE_MAX * 3.0 {
            return match rough > 0.0 {
                true => Err(overflow()),
                false => Ok(Self::new(BigInt::ZERO, scale)),
            };
        }
        let before = whole((rough / LN_10).max(0.0));
        let places = scale + GUARD + u32::try_from(before).unwrap_or(0);
        let one = power_of_ten(places);
        // Halved until it is small, and the result squared as often.
        let halvings = rough.abs().max(1.0).log2().ceil() as u32 + 8;
        let given = self.at(places.max(self.scale));
        let given = given / power_of_ten(self.scale.saturating_sub(places));
        let small: BigInt = given >> halvings;
        let (mut term, mut sum, mut at) = (one.clone(), one.clone(), 1_u32);
        loop {
            term = term * &small / &one / at;
            if term.magnitude().bits() <= 1 {
                break;
            }
            sum += &term;
            at += 1;
        }
        for _ in 0..halvings {
            sum = &sum * &sum / &one;
        }
        Ok(Self::new(sum, places).rounded(scale.into()))
    }

    /// The square root of a number that is not below zero, at a scale that is no smaller.
    fn root(&self, scale: u32) -> Self {
        // One digit more, to be rounded by.
        let root = self.at(2 * (scale + 1)).sqrt();
        Self::new(root, scale + 1).rounded(scale.into())
    }

    /// Rounded to so many significant digits, if that leaves any behind the point.
    fn significant(self, digits: i64) -> Self {
        let surplus = self.len() as i64 - digits;
        match surplus > 0 {
            true => self.rounded((i64::from(self.scale) - surplus).max(0)),
            false => self,
        }
    }

    /// A whole power, at a scale.
    fn raised(&self, exponent: i32, scale: u32) -> Result<Self, SqlError> {
        let one = || Self::new(1.into(), 0);
        match exponent {
            0 => return Ok(one().rounded(scale.into())),
            1 => return Ok(self.rounded(scale.into())),
            _ if self.is_zero() && exponent < 0 => return Err(by_zero()),
            -1 => return Ok(one().divided(self, scale)),
            _ if self.is_zero() => return Ok(Self::new(BigInt::ZERO, scale)),
            _ => {}
        }
        let rough = self.rough_ln() / LN_10 * f64::from(exponent);
        if rough > super::WHOLE_MAX as f64 {
            return Err(overflow());
        }
        if rough + 1.0 < -f64::from(scale) {
            return Ok(Self::new(BigInt::ZERO, scale));
        }
        let digits = i64::from(scale) + whole(rough.abs()) + i64::from(GUARD);
        let (mut square, mut result) = (self.clone(), one());
        let mut left = exponent.unsigned_abs();
        while left > 0 {
            if left & 1 == 1 {
                let product = Self::new(
                    &result.unscaled * &square.unscaled,
                    result.scale + square.scale,
                );
                result = product.significant(digits);
            }
            left >>= 1;
            if left > 0 {
                let product = Self::new(&square.unscaled * &square.unscaled, square.scale * 2);
                square = product.significant(digits);
            }
        }
        Ok(match exponent < 0 {
            true => one().divided(&result, scale),
            false => result.rounded(scale.into()),
        })
    }

    /// A power whose exponent is no whole number, of a number above zero.
    fn raised_by(&self, exponent: &Self) -> Result<Numeric, SqlError> {
        let rough = self.rough_ln() * exponent.to_f64();
        if rough.abs() > RESULT_SCALE_MAX * 3.01 {
            return match rough > 0.0 {
                true => Err(overflow()),
                false => Ok(Numeric::new(0, shown_scale(i64::MAX, 0))),
            };
        }
        let weight = whole(rough / LN_10);
        let scale = shown_scale(SIGNIFICANT_MIN - weight, self.scale.max(exponent.scale));
        let more = u32::try_from(weight.max(0)).unwrap_or(0) + exponent.len() as u32 + GUARD;
        let logarithm = self.ln(scale + more);
        let product = &logarithm.unscaled * &exponent.unscaled;
        let product = Self::new(product, logarithm.scale + exponent.scale);
        let product = product.rounded((scale + more).into());
        product.exp(scale)?.checked()
    }
}

impl Numeric {
    /// The square root.
    ///
    /// # Errors
    /// 2201F for numbers below zero.
    pub fn square_root(&self) -> Result<Self, SqlError> {
        if self.is_negative() {
            let message = "cannot take square root of a negative number";
            return Err(SqlError::new("2201F", message));
        }
        let Self::Number(number) = self else {
            return Ok(self.clone());
        };
        let (weight, _) = number.head();
        let before = (weight + 1) * GROUP / 2 - 1;
        let scale = shown_scale(SIGNIFICANT_MIN - before, number.scale);
        number.root(scale).checked()
    }

    /// The variance, or with `root` the standard deviation, of `count` numbers by their sum and that of their squares:
    /// of all there is, or as far as a sample tells.
    ///
    /// # Errors
    /// 22012 for a sample of one, 22003 for a result that is too long.
    pub fn deviation(
        count: i64,
        sum: &Self,
        squares: &Self,
        sample: bool,
        root: bool,
    ) -> Result<Self, SqlError> {
        let numbers = Self::from(count);
        let distance = numbers.multiply(squares)?.subtract(&sum.multiply(sum)?)?;
        if distance.is_zero() || distance.is_negative() {
            return Ok(Self::from(0_i64));
        }
        let divisor = numbers.multiply(&Self::from(if sample { count - 1 } else { count }))?;
        match distance.divide(&divisor)? {
            Self::Number(variance) if root => variance.root(variance.scale).checked(),
            variance => Ok(variance),
        }
    }

    /// The exponential function.
    ///
    /// # Errors
    /// 22003 for a result that is too long.
    pub fn exponential(&self) -> Result<Self, SqlError> {
        let number = match self {
            Self::Number(number) => number,
            Self::Infinite { negative: true } => return Ok(0_i128.into()),
            other => return Ok(other.clone()),
        };
        let weight = (number.to_f64() / LN_10).clamp(-RESULT_SCALE_MAX, RESULT_SCALE_MAX);
        let scale = shown_scale(SIGNIFICANT_MIN - whole(weight), number.scale);
        number.exp(scale)?.checked()
    }

    /// The natural logarithm.
    ///
    /// # Errors
    /// 2201E for zero and what is below.
    pub fn logarithm(&self) -> Result<Self, SqlError> {
        let number = match self {
            Self::Number(number) => number,
            Self::Infinite { negative: true } => {
                let message = "cannot take logarithm of a negative number";
                return Err(SqlError::new("2201E", message));
            }
            other => return Ok(other.clone()),
        };
        if let Some(refused) = refused_logarithm(number) {
            return Err(refused);
        }
        let scale = shown_scale(SIGNIFICANT_MIN - number.ln_weight(), number.scale);
        number.ln(scale).checked()
    }

    /// The logarithm to a base.
    ///
    /// # Errors
    /// 2201E for zero and what is below, 22012 for the base 1.
    pub fn logarithm_to(&self, base: &Self) -> Result<Self, SqlError> {
        let (number, base) = match (self, base) {
            (Self::Number(number), Self::Number(base)) => (number, base),
            // As far as there is an answer, it is the quotient of both.
            (number, base) => return number.logarithm()?.divide(&base.logarithm()?),
        };
        if let Some(refused) = refused_logarithm(base).or_else(|| refused_logarithm(number)) {
            return Err(refused);
        }
        let (weight, base_weight) = (number.ln_weight(), base.ln_weight());
        let least = number.scale.max(base.scale);
        let scale = shown_scale(SIGNIFICANT_MIN - (weight - base_weight), least);
        let more = u32::try_from(base_weight.abs().max(weight.abs())).unwrap_or(0);
        let divisor = base.ln(scale + 2 * more + GUARD);
        if divisor.is_zero() {
            return Err(by_zero());
        }
        let dividend = number.ln(scale + 2 * more + GUARD);
        let quotient = rounded_quotient(
            &(dividend.unscaled * power_of_ten(scale)),
            &divisor.unscaled,
        );
        Decimal::new(quotient, scale).checked()
    }

    /// The power.
    ///
    /// # Errors
    /// 2201F where there is none among the real numbers, 22012 for zero with an exponent below zero, 22003 for a
    /// result that is too long.
    pub fn power(&self, exponent: &Self) -> Result<Self, SqlError> {
        let (base, exponent) = match (self, exponent) {
            (Self::Number(base), Self::Number(exponent)) => (base, exponent),
            (base, exponent) => {
                let (base, exponent) = (base.to_f64(), exponent.to_f64());
                return Ok(Self::from_f64(base.powf(exponent)));
            }
        };
        let is_whole = exponent.compared(&exponent.truncated(0)) == Ordering::Equal;
        if base.is_zero() && exponent.is_negative() {
            let message = "zero raised to a negative power is undefined";
            return Err(SqlError::new("2201F", message));
        }
        if base.is_negative() && !is_whole {
            let message = "a negative number raised to a non-integer power yields a complex result";
            return Err(SqlError::new("2201F", message));
        }
        let small = i32::try_from(&exponent.truncated(0).unscaled).ok();
        if let (true, Some(small)) = (is_whole, small) {
            let scale = shown_scale(SIGNIFICANT_MIN, base.scale);
            return base.raised(small, scale)?.checked();
        }
        if base.is_zero() {
            return Ok(Self::new(0, shown_scale(SIGNIFICANT_MIN, 0)));
        }
        let is_odd = is_whole && exponent.truncated(0).unscaled.bit(0);
        let positive = Decimal::new(base.unscaled.magnitude().clone().into(), base.scale);
        let power = positive.raised_by(exponent)?;
        Ok(match base.is_negative() && is_odd {
            true => power.negated(),
            false => power,
        })
    }
}
