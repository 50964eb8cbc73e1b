//! Intervals: months, days and microseconds, which PostgreSQL keeps apart.

use std::sync::Arc;

use arrow::datatypes::{DataType, IntervalMonthDayNano, IntervalUnit};
use datafusion::logical_expr::ScalarUDF;

use super::define::{Function, Gives};
use super::value::{Kind, Row};
use crate::proxy::postgres::error::SqlError;

/// The type of intervals.
pub(super) const SPAN: DataType = DataType::Interval(IntervalUnit::MonthDayNano);

/// Microseconds in a day of 24 hours.
pub(super) const DAY: i64 = 86_400_000_000;

/// Days in a month where one has to be counted in days.
const MONTH_DAYS: i32 = 30;

/// A span of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Interval {
    pub months: i32,
    pub days: i32,
    pub micros: i64,
}

pub(super) fn out_of_range() -> SqlError {
    SqlError::new("22008", "interval out of range")
}

impl Interval {
    /// What lies between two instants: whole days, and the rest.
    pub fn of_difference(micros: i64) -> Self {
        Self {
            months: 0,
            // 2^63 microseconds are fewer than 2^27 days.
            days: (micros / DAY) as i32,
            micros: micros % DAY,
        }
    }

    /// Days of 24 hours become days.
    pub fn justify_hours(self) -> Result<Self, SqlError> {
        let whole = i32::try_from(self.micros / DAY).map_err(|_| out_of_range())?;
        let days = self.days.checked_add(whole).ok_or_else(out_of_range)?;
        Ok(Self {
            days,
            micros: self.micros % DAY,
            ..self
        }
        .with_clock_like_days())
    }

    /// Months of 30 days become months.
    pub fn justify_days(self) -> Result<Self, SqlError> {
        let whole = self.days / MONTH_DAYS;
        let mut months = self.months.checked_add(whole).ok_or_else(out_of_range)?;
        let mut days = self.days % MONTH_DAYS;
        if months > 0 && days < 0 {
            (days, months) = (days + MONTH_DAYS, months - 1);
        } else if months < 0 && days > 0 {
            (days, months) = (days - MONTH_DAYS, months + 1);
        }
        Ok(Self {
            months,
            days,
            ..self
        })
    }

    /// Both, with one sign for all parts.
    pub fn justify(self) -> Result<Self, SqlError> {
        let whole_days = self.micros / DAY;
        let mut micros = self.micros % DAY;
        let days = i64::from(self.days) + whole_days;
        let whole_months = days / i64::from(MONTH_DAYS);
        let mut days = (days % i64::from(MONTH_DAYS)) as i32;
        let months = i64::from(self.months) + whole_months;
        let mut months = i32::try_from(months).map_err(|_| out_of_range())?;
        if months > 0 && (days < 0 || (days == 0 && micros < 0)) {
            (days, months) = (days + MONTH_DAYS, months - 1);
        } else if months < 0 && (days > 0 || (days == 0 && micros > 0)) {
            (days, months) = (days - MONTH_DAYS, months + 1);
        }
        if days > 0 && micros < 0 {
            (micros, days) = (micros + DAY, days - 1);
        } else if days < 0 && micros > 0 {
            (micros, days) = (micros - DAY, days + 1);
        }
        Ok(Self {
            months,
            days,
            micros,
        })
    }

    fn with_clock_like_days(mut self) -> Self {
        if self.days > 0 && self.micros < 0 {
            (self.micros, self.days) = (self.micros + DAY, self.days - 1);
        } else if self.days < 0 && self.micros > 0 {
            (self.micros, self.days) = (self.micros - DAY, self.days + 1);
        }
        self
    }

    /// The interval times a factor: fractions of months go down into days, those of days into time.
    pub fn scaled(self, factor: impl Fn(f64) -> f64) -> Result<Self, SqlError> {
        let whole = |value: f64| match value.is_finite() && value.abs() <= f64::from(i32::MAX) {
            true => Ok(value as i32),
            false => Err(out_of_range()),
        };
        let to_micros = |value: f64| (value * 1e6).round_ties_even() / 1e6;
        let months_exact = factor(f64::from(self.months));
        let days_exact = factor(f64::from(self.days));
        let months = whole(months_exact)?;
        let mut days = whole(days_exact)?;
        let month_days = to_micros((months_exact - f64::from(months)) * f64::from(MONTH_DAYS));
        let rest = days_exact - f64::from(days) + month_days - month_days.trunc();
        let mut seconds = to_micros(rest * 86_400.0);
        if seconds.abs() >= 86_400.0 {
            let carried = (seconds / 86_400.0).trunc();
            days = days.checked_add(whole(carried)?).ok_or_else(out_of_range)?;
            seconds -= carried * 86_400.0;
        }
        days = days
            .checked_add(whole(month_days)?)
            .ok_or_else(out_of_range)?;
        let micros = (factor(self.micros as f64) + seconds * 1e6).round_ties_even();
        if !micros.is_finite() || micros.abs() >= i64::MAX as f64 {
            return Err(out_of_range());
        }
        Ok(Self {
            months,
            days,
            micros: micros as i64,
        })
    }

    /// All of it in microseconds, with months of 30 days: how PostgreSQL compares intervals.
    pub fn total(self) -> i128 {
        let days = i128::from(self.months) * i128::from(MONTH_DAYS) + i128::from(self.days);
        days * i128::from(DAY) + i128::from(self.micros)
    }

    /// Both together, each part for itself; `None` beyond what an interval holds.
    pub fn plus(self, other: Self) -> Option<Self> {
        Some(Self {
            months: self.months.checked_add(other.months)?,
            days: self.days.checked_add(other.days)?,
            micros: self.micros.checked_add(other.micros)?,
        })
    }

    /// What is left without the other.
    pub fn minus(self, other: Self) -> Option<Self> {
        Some(Self {
            months: self.months.checked_sub(other.months)?,
            days: self.days.checked_sub(other.days)?,
            micros: self.micros.checked_sub(other.micros)?,
        })
    }

    pub fn negated(self) -> Result<Self, SqlError> {
        let parts = || {
            Some(Self {
                months: self.months.checked_neg()?,
                days: self.days.checked_neg()?,
                micros: self.micros.checked_neg()?,
            })
        };
        parts().ok_or_else(out_of_range)
    }
}

pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    use Kind as K;
    let justify = |name, how: fn(Interval) -> Result<Interval, SqlError>| {
        Function::new(name)
            .on(&[K::Interval], Gives::Interval, move |a| {
                Ok(how(a.interval(0))?.into())
            })
            .done()
    };
    let mut make = Function::new("make_interval");
    for count in 0..=7 {
        let mut takes = vec![K::Int; count];
        if count == 7 {
            takes[6] = K::Float;
        }
        make = make.on(&takes, Gives::Interval, |a| Ok(make_interval(a)?.into()));
    }
    vec![
        justify("justify_hours", Interval::justify_hours),
        justify("justify_days", Interval::justify_days),
        justify("justify_interval", Interval::justify),
        make.done(),
        Function::new("interval_mul")
            .on(&[K::Interval, K::Float], Gives::Interval, |a| {
                let factor = a.float(1);
                Ok(a.interval(0).scaled(|part| part * factor)?.into())
            })
            .on(&[K::Float, K::Interval], Gives::Interval, |a| {
                let factor = a.float(0);
                Ok(a.interval(1).scaled(|part| part * factor)?.into())
            })
            .done(),
        Function::new("interval_div")
            .on(&[K::Interval, K::Float], Gives::Interval, |a| {
                let divisor = a.float(1);
                if divisor == 0.0 {
                    return Err(SqlError::new("22012", "division by zero"));
                }
                Ok(a.interval(0).scaled(|part| part / divisor)?.into())
            })
            .done(),
        Function::new("isfinite")
            .on(&[K::Interval], Gives::Bool, |_| Ok(true.into()))
            .on(&[K::Date], Gives::Bool, |a| {
                Ok((![i32::MIN, i32::MAX].contains(&a.date(0))).into())
            })
            .on(&[K::StampTz], Gives::Bool, |a| {
                Ok((![i64::MIN, i64::MAX].contains(&a.micros(0))).into())
            })
            .on(&[K::Stamp], Gives::Bool, |a| {
                Ok((![i64::MIN, i64::MAX].contains(&a.micros(0))).into())
            })
            .done(),
    ]
}

/// Years, months, weeks, days, hours, minutes, seconds: as many as are given.
fn make_interval(a: &Row<'_>) -> Result<Interval, SqlError> {
    let mut given = [0i64; 6];
    for (place, slot) in given.iter_mut().enumerate().take(a.len()) {
        *slot = i64::from(a.int4(place)?);
    }
    let [years, months, weeks, days, hours, minutes] = given;
    let seconds = if a.len() == 7 { a.float(6) } else { 0.0 };
    let micros = (seconds * 1e6).round_ties_even();
    if !micros.is_finite() || micros.abs() >= i64::MAX as f64 {
        return Err(out_of_range());
    }
    let narrow = |value: i64| i32::try_from(value).map_err(|_| out_of_range());
    let clock = (hours * 3600 + minutes * 60).checked_mul(1_000_000);
    Ok(Interval {
        months: narrow(years * 12 + months)?,
        days: narrow(weeks * 7 + days)?,
        micros: clock
            .and_then(|clock| clock.checked_add(micros as i64))
            .ok_or_else(out_of_range)?,
    })
}

/// Months, days and microseconds of one unit, and how fractions of it go down: into days or into microseconds.
fn unit(name: &str) -> Option<(i64, i64, i64)> {
    const SECOND: i64 = 1_000_000;
    Some(match super::parts::unit(name).as_str() {
        "microseconds" => (0, 0, 1),
        "milliseconds" => (0, 0, 1000),
        "second" => (0, 0, SECOND),
        "minute" => (0, 0, 60 * SECOND),
        "hour" => (0, 0, 3600 * SECOND),
        "day" => (0, 1, 0),
        "week" => (0, 7, 0),
        "month" => (1, 0, 0),
        "year" => (12, 0, 0),
        "decade" => (120, 0, 0),
        "century" => (1200, 0, 0),
        "millennium" => (12_000, 0, 0),
        _ => return None,
    })
}

/// The sum of what was read so far.
#[derive(Default)]
struct Sum {
    months: f64,
    days: f64,
    micros: f64,
}

impl Sum {
    /// Adds so many of a unit; what is no whole month is days, what is no whole day is time.
    fn add(&mut self, number: f64, (months, days, micros): (i64, i64, i64)) {
        let exact = number * months as f64;
        self.months += exact.trunc();
        let rest = (exact.fract() * f64::from(MONTH_DAYS) * 1e6).round() / 1e6;
        let exact = number * days as f64 + rest;
        self.days += exact.trunc();
        self.micros += exact.fract() * DAY as f64 + number * micros as f64;
    }

    fn interval(&self) -> Option<Interval> {
        let narrow = |value: f64| (value.abs() <= f64::from(i32::MAX)).then_some(value as i32);
        let micros = self.micros.round_ties_even();
        (micros.abs() < i64::MAX as f64).then_some(())?;
        Some(Interval {
            months: narrow(self.months)?,
            days: narrow(self.days)?,
            micros: micros as i64,
        })
    }
}

/// `[-]H:MM[:SS[.f]]` in microseconds.
fn clock(text: &str) -> Option<f64> {
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut parts = text.split(':');
    let whole = |part: &str| match part.bytes().all(|b| b.is_ascii_digit()) {
        true => part.parse::<f64>().ok(),
        false => None,
    };
    let hours = whole(parts.next()?)?;
    let minutes = whole(parts.next()?).filter(|minutes| *minutes < 60.0)?;
    let seconds = match parts.next() {
        Some(seconds) if !seconds.starts_with(['-', '+']) => {
            seconds.parse::<f64>().ok().filter(|s| *s < 61.0)?
        }
        Some(_) => return None,
        None => 0.0,
    };
    parts
        .next()
        .is_none()
        .then_some(sign * (hours * 3600.0 + minutes * 60.0 + seconds) * 1e6)
}

/// Pieces of a number or a word each: `1day` is two.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    for word in text.split_whitespace() {
        let numeric = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | ':');
        match word.find(|c: char| !numeric(c)) {
            Some(at) if at > 0 => pieces.extend([&word[..at], &word[at..]]),
            _ => pieces.push(word),
        }
    }
    pieces
}

/// Reads PostgreSQL's forms but ISO 8601's: `1 year 2 mons 3 days 04:05:06`, `1-2`, `90 minutes ago`.
fn read_words(text: &str) -> Option<Interval> {
    let mut sum = Sum::default();
    let mut pieces = pieces(text.trim_start_matches(['@', ' ']))
        .into_iter()
        .peekable();
    pieces.peek()?;
    let mut is_ago = false;
    while let Some(piece) = pieces.next() {
        if piece.eq_ignore_ascii_case("ago") && pieces.peek().is_none() {
            is_ago = true;
        } else if piece.contains(':') {
            sum.micros += clock(piece)?;
        } else if piece.get(1..).is_some_and(|rest| rest.contains('-')) {
            let sign = if piece.starts_with('-') { -1.0 } else { 1.0 };
            let first = piece.trim_start_matches(['-', '+']);
            let (years, months) = first.split_once('-')?;
            let years: f64 = years.parse().ok()?;
            sum.months += sign * (years * 12.0 + months.parse::<f64>().ok()?);
        } else {
            let number: f64 = piece
                .parse()
                .ok()
                .filter(|number: &f64| number.is_finite())?;
            match pieces.next_if(|next| {
                next.starts_with(|c: char| c.is_ascii_alphabetic())
                    && !next.eq_ignore_ascii_case("ago")
            }) {
                Some(name) => sum.add(number, unit(name)?),
                // Without a unit: days in front of a time, else seconds.
                None if pieces.peek().is_some_and(|next| next.contains(':')) => {
                    sum.add(number, (0, 1, 0))
                }
                None => sum.add(number, (0, 0, 1_000_000)),
            }
        }
    }
    let interval = sum.interval()?;
    if is_ago {
        interval.negated().ok()
    } else {
        Some(interval)
    }
}

/// Reads ISO 8601's form: `P1Y2M3DT4H5M6S`.
fn read_iso(text: &str) -> Option<Interval> {
    let mut sum = Sum::default();
    let mut rest = text.strip_prefix('P')?;
    let mut is_time = false;
    (!rest.is_empty()).then_some(())?;
    while !rest.is_empty() {
        if let Some(behind) = rest.strip_prefix('T') {
            (rest, is_time) = (behind, true);
            continue;
        }
        let end = rest.find(|c: char| c.is_ascii_alphabetic())?;
        let number: f64 = rest[..end].parse().ok()?;
        let unit = match (&rest[end..end + 1], is_time) {
            ("Y", false) => (12, 0, 0),
            ("M", false) => (1, 0, 0),
            ("W", false) => (0, 7, 0),
            ("D", false) => (0, 1, 0),
            ("H", true) => (0, 0, 3_600_000_000),
            ("M", true) => (0, 0, 60_000_000),
            ("S", true) => (0, 0, 1_000_000),
            _ => return None,
        };
        sum.add(number, unit);
        rest = &rest[end + 1..];
    }
    sum.interval()
}

/// Reads an interval as PostgreSQL does.
///
/// # Errors
/// 22007 for what is none.
pub(super) fn read(text: &str) -> Result<Interval, SqlError> {
    let trimmed = text.trim();
    read_words(trimmed)
        .or_else(|| read_iso(trimmed))
        .ok_or_else(|| {
            SqlError::new(
                "22007",
                format!("invalid input syntax for type interval: \"{text}\""),
            )
        })
}

/// The same as the engine holds it.
///
/// # Errors
/// 22007 for what is none.
pub(crate) fn read_interval(text: &str) -> Result<IntervalMonthDayNano, SqlError> {
    read(text).map(Interval::to_arrow)
}
