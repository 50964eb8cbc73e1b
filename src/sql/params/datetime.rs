//! Dates, times and intervals from their text forms.

use super::moment;
use crate::catalog::read_interval;
use crate::sql::encode::zone::Zone;
use crate::sql::sqlstate::{SqlError, unreadable};
use arrow::datatypes::{DataType, TimeUnit};
use chrono::Utc;
use datafusion::scalar::ScalarValue;

/// Microseconds in a second.
pub(super) const MICROS: i64 = 1_000_000;
/// Microseconds in a day.
pub(super) const DAY_MICROS: i64 = 86_400 * MICROS;

/// A date, a time, and the offset from UTC in seconds, as far as a text has them.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Parts {
    pub days: Option<i64>,
    pub micros: Option<i64>,
    pub offset_s: Option<i32>,
}

/// Why a text is not read.
pub(super) enum Trouble {
    Syntax,
    Range,
    /// A month or a day beyond what any has: the fields may stand in another order than they are read in.
    Field,
    /// An offset from UTC that no place has.
    Offset,
    /// Nobody knows the zone.
    Zone(String),
}

/// Reads `text` as the temporal type `natural`.
pub(super) fn decode(text: &str, natural: &DataType, zone: &Zone) -> Result<ScalarValue, SqlError> {
    if let DataType::Interval(_) = natural {
        return read_interval(text)
            .map(|interval| ScalarValue::IntervalMonthDayNano(Some(interval)));
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
    let is_time = matches!(natural, DataType::Time64(_));
    let now_us = Utc::now().timestamp_micros();
    let read = moment::read(text, is_time, now_us, zone);
    let value = read.and_then(|parts| value(parts, natural, zone));
    let range = || {
        let message = format!("date/time field value out of range: \"{text}\"");
        SqlError::new("22008", message)
    };
    value.map_err(|trouble| match trouble {
        Trouble::Syntax => syntax(text, natural),
        Trouble::Range => range(),
        Trouble::Field => range().with_hint("Perhaps you need a different \"datestyle\" setting."),
        Trouble::Offset => SqlError::new(
            "22009",
            format!("time zone displacement out of range: \"{text}\""),
        ),
        Trouble::Zone(name) => {
            SqlError::new("22023", format!("time zone \"{name}\" not recognized"))
        }
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
