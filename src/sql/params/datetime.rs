//! Dates, times and intervals in ISO 8601 form, as drivers send them.

use crate::sql::encode::zone::{Zone, offset_east_s};
use crate::sql::sqlstate::{SqlError, unreadable};
use arrow::datatypes::{DataType, TimeUnit};
use chrono::NaiveDate;
use datafusion::scalar::ScalarValue;

/// Microseconds in a second.
const MICROS: i64 = 1_000_000;
/// Microseconds in a day.
const DAY_MICROS: i64 = 86_400 * MICROS;

/// A date, a time, and the offset from UTC in seconds, as far as a text has them.
#[derive(Debug, Default, Clone, Copy)]
struct Parts {
    days: Option<i64>,
    micros: Option<i64>,
    offset_s: Option<i32>,
}

/// Why a text is not read.
enum Trouble {
    Syntax,
    Range,
}

/// Reads `text` as the temporal type `natural`.
pub(super) fn decode(text: &str, natural: &DataType, zone: &Zone) -> Result<ScalarValue, SqlError> {
    if let DataType::Interval(_) = natural {
        let interval = ScalarValue::try_from_string(text.to_owned(), natural);
        return interval.map_err(|_| unreadable(text, natural));
    }
    let infinite = match text.to_ascii_lowercase().as_str() {
        "infinity" | "+infinity" => Some(true),
        "-infinity" => Some(false),
        _ => None,
    };
    if let Some(positive) = infinite {
        let micros = if positive { i64::MAX } else { i64::MIN };
        return match natural {
            DataType::Date32 => Ok(ScalarValue::Date32(Some(if positive {
                i32::MAX
            } else {
                i32::MIN
            }))),
            DataType::Timestamp(_, zone) => Ok(ScalarValue::TimestampMicrosecond(
                Some(micros),
                zone.clone(),
            )),
            _ => Err(unreadable(text, natural)),
        };
    }
    let value = parts(text).and_then(|parts| value(parts, natural, zone));
    value.map_err(|trouble| match trouble {
        Trouble::Syntax => syntax(text, natural),
        Trouble::Range => SqlError::new(
            "22008",
            format!("date/time field value out of range: \"{text}\""),
        ),
    })
}

fn syntax(text: &str, natural: &DataType) -> SqlError {
    let name = match natural {
        DataType::Date32 => "date",
        DataType::Time64(_) => "time",
        DataType::Timestamp(_, Some(_)) => "timestamp with time zone",
        _ => "timestamp",
    };
    SqlError::new(
        "22007",
        format!("invalid input syntax for type {name}: \"{text}\""),
    )
}

fn value(parts: Parts, natural: &DataType, zone: &Zone) -> Result<ScalarValue, Trouble> {
    match natural {
        DataType::Date32 => {
            let days = parts.days.ok_or(Trouble::Syntax)?;
            Ok(ScalarValue::Date32(Some(
                i32::try_from(days).map_err(|_| Trouble::Range)?,
            )))
        }
        DataType::Time64(TimeUnit::Microsecond) => Ok(ScalarValue::Time64Microsecond(Some(
            parts.micros.ok_or(Trouble::Syntax)?,
        ))),
        DataType::Timestamp(TimeUnit::Microsecond, named) => {
            let days = parts.days.ok_or(Trouble::Syntax)?;
            let local = days
                .checked_mul(DAY_MICROS)
                .and_then(|day| day.checked_add(parts.micros.unwrap_or(0)));
            let local = local.ok_or(Trouble::Range)?;
            // Without a zone in the type, one in the text is ignored, as PostgreSQL does.
            let offset_s = match (named, parts.offset_s) {
                (None, _) => 0,
                (Some(_), Some(offset)) => offset,
                (Some(_), None) => {
                    let clock =
                        chrono::DateTime::from_timestamp_micros(local).ok_or(Trouble::Range)?;
                    zone.offset_of_local_s(clock.naive_utc())
                }
            };
            let utc = local
                .checked_sub(i64::from(offset_s) * MICROS)
                .ok_or(Trouble::Range)?;
            Ok(ScalarValue::TimestampMicrosecond(Some(utc), named.clone()))
        }
        _ => Err(Trouble::Syntax),
    }
}

/// Reads `[date][( |T)time][offset][ BC]`.
fn parts(text: &str) -> Result<Parts, Trouble> {
    if text.eq_ignore_ascii_case("epoch") {
        return Ok(Parts {
            days: Some(0),
            micros: Some(0),
            offset_s: Some(0),
        });
    }
    let (text, bc) = match text
        .len()
        .checked_sub(3)
        .and_then(|at| text.split_at_checked(at))
    {
        Some((rest, era)) if era.eq_ignore_ascii_case(" bc") => (rest, true),
        _ => (text, false),
    };
    let mut parts = Parts::default();
    let rest = match date(text, bc)? {
        Some((days, rest)) => {
            parts.days = Some(days);
            rest.strip_prefix(['T', 't', ' '])
                .map_or(rest, str::trim_start)
        }
        None => text,
    };
    if rest.is_empty() {
        return Ok(parts);
    }
    // An offset begins with a sign, a letter or a space; a time has none of these.
    let offset_at = rest
        .find(|c: char| !(c.is_ascii_digit() || c == ':' || c == '.'))
        .unwrap_or(rest.len());
    let (clock, offset) = rest.split_at(offset_at);
    if !clock.is_empty() {
        parts.micros = Some(time(clock)?);
    }
    let offset = offset.trim();
    if !offset.is_empty() {
        parts.offset_s = Some(self::offset(offset, parts)?);
    }
    Ok(parts)
}

/// Seconds east of UTC: `Z`, `+02`, `-05:30`, or a zone by name.
fn offset(text: &str, parts: Parts) -> Result<i32, Trouble> {
    if text.eq_ignore_ascii_case("z") || text.eq_ignore_ascii_case("utc") {
        return Ok(0);
    }
    if text.starts_with(['+', '-']) {
        return offset_east_s(text)
            .filter(|offset| offset.abs() < 16 * 3600)
            .ok_or(Trouble::Syntax);
    }
    let Ok(Zone::Named(zone)) = text.parse::<Zone>() else {
        return Err(Trouble::Syntax);
    };
    let local = parts
        .days
        .unwrap_or(0)
        .checked_mul(DAY_MICROS)
        .and_then(|day| day.checked_add(parts.micros.unwrap_or(0)));
    let clock = local
        .and_then(chrono::DateTime::from_timestamp_micros)
        .ok_or(Trouble::Range)?;
    Ok(Zone::Named(zone).offset_of_local_s(clock.naive_utc()))
}

/// A date at the beginning of `text`, `YYYY-MM-DD` or `YYYYMMDD`, in days since 1970-01-01, and what follows it.
fn date(text: &str, bc: bool) -> Result<Option<(i64, &str)>, Trouble> {
    let digits_end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (first, rest) = text.split_at(digits_end);
    let (year, month, day, rest) = if first.len() == 8 {
        (&first[..4], &first[4..6], &first[6..], rest)
    } else if first.len() >= 4 && rest.starts_with('-') {
        let (month, rest) = rest[1..].split_once('-').ok_or(Trouble::Syntax)?;
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        (first, month, &rest[..end], &rest[end..])
    } else {
        return Ok(None);
    };
    let number = |part: &str| match part.len() {
        1..=6 if part.bytes().all(|byte| byte.is_ascii_digit()) => {
            part.parse::<i32>().map_err(|_| Trouble::Range)
        }
        _ => Err(Trouble::Syntax),
    };
    let (year, month, day) = (number(year)?, number(month)?, number(day)?);
    if year == 0 {
        return Err(Trouble::Range);
    }
    let year = if bc { 1 - year } else { year };
    let date = NaiveDate::from_ymd_opt(year, month.unsigned_abs(), day.unsigned_abs())
        .ok_or(Trouble::Range)?;
    Ok(Some((
        date.signed_duration_since(NaiveDate::default()).num_days(),
        rest,
    )))
}

/// `HH:MM[:SS[.ffffff]]` in microseconds; what lies below a microsecond is rounded.
fn time(text: &str) -> Result<i64, Trouble> {
    let mut fields = text.split(':');
    let mut whole = |most: i64| match fields.next() {
        Some(field)
            if (1..=2).contains(&field.len())
                && field.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            field
                .parse::<i64>()
                .ok()
                .filter(|value| *value <= most)
                .ok_or(Trouble::Range)
        }
        _ => Err(Trouble::Syntax),
    };
    let (hours, minutes) = (whole(24)?, whole(59)?);
    let (seconds, fraction) = match fields.next() {
        None => (0, 0),
        Some(field) => {
            let (whole, fraction) = field.split_once('.').unwrap_or((field, ""));
            let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
            if !(1..=2).contains(&whole.len()) || !is_digits(whole) || !is_digits(fraction) {
                return Err(Trouble::Syntax);
            }
            let seconds = whole
                .parse::<i64>()
                .ok()
                .filter(|value| *value <= 60)
                .ok_or(Trouble::Range)?;
            (seconds, micros(fraction))
        }
    };
    if fields.next().is_some() {
        return Err(Trouble::Syntax);
    }
    let total = (hours * 3600 + minutes * 60 + seconds) * MICROS + fraction;
    if total > DAY_MICROS {
        Err(Trouble::Range)
    } else {
        Ok(total)
    }
}

/// Microseconds in the digits behind a decimal point.
fn micros(digits: &str) -> i64 {
    let digit = |n: usize| {
        digits
            .as_bytes()
            .get(n)
            .map_or(0, |digit| i64::from(digit - b'0'))
    };
    (0..6).fold(0, |micros, n| micros * 10 + digit(n)) + i64::from(digit(6) >= 5)
}
