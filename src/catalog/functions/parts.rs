//! Fields of moments and intervals: `extract`, `date_part`, `date_trunc`, `date_bin`.

use std::sync::Arc;

use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike};
use datafusion::logical_expr::ScalarUDF;

use super::define::{Function, Gives};
use super::interval::{DAY, Interval};
use super::output::Value;
use super::value::{Kind, Row};
use super::zoned::{SECOND, clock, instant, local, named};
use crate::proxy::postgres::error::SqlError;
use crate::sql::encode::zone::Zone;
use crate::sql::numeric::Numeric;

/// A value with six digits behind the point: microseconds where it counts seconds.
type Scaled = i128;

const ONE: Scaled = 1_000_000;

/// What a field is taken from.
enum Source {
    /// A clock's time, and for an instant the offset of its zone in seconds and the instant itself.
    Clock(NaiveDateTime, i64, Option<(i32, i64)>),
    Date(NaiveDate),
    /// Microseconds of a day.
    Time(i64),
    Interval(Interval),
}

impl Source {
    fn type_name(&self) -> &'static str {
        match self {
            Self::Clock(_, _, Some(_)) => "timestamp with time zone",
            Self::Clock(_, _, None) => "timestamp without time zone",
            Self::Date(_) => "date",
            Self::Time(_) => "time without time zone",
            Self::Interval(_) => "interval",
        }
    }
}

pub(super) fn stamp_out_of_range() -> SqlError {
    SqlError::new("22008", "timestamp out of range")
}

/// The name of a field as it is written in PostgreSQL's source of units.
pub(super) fn unit(name: &str) -> String {
    let name = name.to_lowercase();
    let full = match name.as_str() {
        "us" | "usec" | "usecond" | "useconds" | "usecs" | "microsecond" | "microsecon" => {
            "microseconds"
        }
        "ms" | "msec" | "msecs" | "mseconds" | "millisecond" | "millisecon" => "milliseconds",
        "s" | "sec" | "secs" | "seconds" => "second",
        "m" | "min" | "mins" | "minutes" => "minute",
        "h" | "hr" | "hrs" | "hours" => "hour",
        "d" | "days" => "day",
        "w" | "weeks" => "week",
        "mon" | "mons" | "months" => "month",
        "qtr" | "quarters" => "quarter",
        "y" | "yr" | "yrs" | "years" => "year",
        "dec" | "decs" | "decades" => "decade",
        "c" | "cent" | "centuries" => "century",
        "mil" | "mils" | "millennia" => "millennium",
        "timezone_h" => "timezone_hour",
        "timezone_m" => "timezone_minute",
        _ => return name,
    };
    full.to_owned()
}

/// The year as PostgreSQL counts it: no year 0.
fn shown_year(year: i64) -> i64 {
    if year > 0 { year } else { year - 1 }
}

fn century(year: i64, years: i64) -> i64 {
    match year > 0 {
        true => (year + years - 1) / years,
        false => -((years - year) / years),
    }
}

fn part(field: &str, source: &Source) -> Result<Scaled, SqlError> {
    let field = unit(field);
    let unsupported = || {
        let known = [
            "microseconds",
            "milliseconds",
            "second",
            "minute",
            "hour",
            "day",
            "week",
            "month",
            "quarter",
            "year",
            "decade",
            "century",
            "millennium",
            "isoyear",
            "isodow",
            "dow",
            "doy",
            "julian",
            "epoch",
            "timezone",
            "timezone_hour",
            "timezone_minute",
        ];
        match known.contains(&field.as_str()) {
            true => SqlError::new(
                "0A000",
                format!(
                    "unit \"{field}\" not supported for type {}",
                    source.type_name()
                ),
            ),
            false => SqlError::new(
                "22023",
                format!(
                    "unit \"{field}\" not recognized for type {}",
                    source.type_name()
                ),
            ),
        }
    };
    let whole = |value: i64| Ok(Scaled::from(value) * ONE);
    match source {
        Source::Interval(interval) => {
            let (years, months) = (
                i64::from(interval.months / 12),
                i64::from(interval.months % 12),
            );
            let in_minute = interval.micros % (60 * SECOND);
            match field.as_str() {
                "microseconds" => whole(in_minute),
                "milliseconds" => Ok(Scaled::from(in_minute) * 1000),
                "second" => Ok(in_minute.into()),
                "minute" => whole(interval.micros / (60 * SECOND) % 60),
                "hour" => whole(interval.micros / (3600 * SECOND)),
                "day" => whole(interval.days.into()),
                "month" => whole(months),
                "quarter" => whole(months / 3 + 1),
                "year" => whole(years),
                "decade" => whole(years / 10),
                "century" => whole(years / 100),
                "millennium" => whole(years / 1000),
                "epoch" => {
                    // A year counts 365.25 days here.
                    let quarter_days = years * 1461 + (months * 30 + i64::from(interval.days)) * 4;
                    Ok(Scaled::from(quarter_days) * Scaled::from(DAY / 4)
                        + Scaled::from(interval.micros))
                }
                _ => Err(unsupported()),
            }
        }
        Source::Time(micros) => {
            let in_minute = micros % (60 * SECOND);
            match field.as_str() {
                "microseconds" => whole(in_minute),
                "milliseconds" => Ok(Scaled::from(in_minute) * 1000),
                "second" => Ok(in_minute.into()),
                "minute" => whole(micros / (60 * SECOND) % 60),
                "hour" => whole(micros / (3600 * SECOND)),
                "epoch" => Ok((*micros).into()),
                _ => Err(unsupported()),
            }
        }
        Source::Date(date) => date_field(&field, *date).map_or_else(
            || match field.as_str() {
                "epoch" => whole(i64::from(date.to_epoch_days()) * 86_400),
                _ => Err(unsupported()),
            },
            whole,
        ),
        Source::Clock(clock, micros, zoned) => {
            let in_day = micros.rem_euclid(DAY);
            let in_minute = in_day % (60 * SECOND);
            match (field.as_str(), zoned) {
                ("microseconds", _) => whole(in_minute),
                ("milliseconds", _) => Ok(Scaled::from(in_minute) * 1000),
                ("second", _) => Ok(in_minute.into()),
                ("minute", _) => whole(clock.minute().into()),
                ("hour", _) => whole(clock.hour().into()),
                ("epoch", Some((_, instant))) => Ok(Scaled::from(*instant)),
                ("epoch", None) => Ok(Scaled::from(*micros)),
                ("timezone", Some((offset, _))) => whole((*offset).into()),
                ("timezone_hour", Some((offset, _))) => whole((offset / 3600).into()),
                ("timezone_minute", Some((offset, _))) => whole((offset / 60 % 60).into()),
                ("julian", _) => {
                    let days = julian(clock.date());
                    // Rounded to six digits: the type has no more.
                    Ok(Scaled::from(days) * ONE
                        + (Scaled::from(in_day) * ONE + Scaled::from(DAY / 2)) / Scaled::from(DAY))
                }
                (field, _) => {
                    date_field(field, clock.date()).map_or_else(|| Err(unsupported()), whole)
                }
            }
        }
    }
}

/// The number of a day in the Julian calendar's count.
pub(super) fn julian(date: NaiveDate) -> i64 {
    i64::from(date.to_epoch_days()) + 2_440_588
}

fn date_field(field: &str, date: NaiveDate) -> Option<i64> {
    let year = i64::from(date.year());
    Some(match field {
        "day" => date.day().into(),
        "month" => date.month().into(),
        "quarter" => (date.month0() / 3 + 1).into(),
        "week" => date.iso_week().week().into(),
        "year" => shown_year(year),
        "decade" => year.div_euclid(10),
        "century" => century(year, 100),
        "millennium" => century(year, 1000),
        "isoyear" => shown_year(date.iso_week().year().into()),
        "dow" => date.weekday().num_days_from_sunday().into(),
        "isodow" => date.weekday().number_from_monday().into(),
        "doy" => date.ordinal().into(),
        "julian" => julian(date),
        _ => return None,
    })
}

fn source(a: &Row<'_>, kind: Kind) -> Result<Source, SqlError> {
    Ok(match kind {
        Kind::Interval => Source::Interval(a.interval(1)),
        Kind::Time => Source::Time(a.time(1)),
        Kind::Date => Source::Date(date_of(a.date(1)).ok_or_else(stamp_out_of_range)?),
        Kind::StampTz => {
            let instant = a.micros(1);
            let local = local(instant, a.zone);
            let offset = a.zone.offset_s(instant.div_euclid(SECOND));
            Source::Clock(
                clock(local).ok_or_else(stamp_out_of_range)?,
                local,
                Some((offset, instant)),
            )
        }
        _ => {
            let local = a.micros(1);
            Source::Clock(clock(local).ok_or_else(stamp_out_of_range)?, local, None)
        }
    })
}

/// The day so many days after 1970-01-01.
pub(super) fn date_of(days: i32) -> Option<NaiveDate> {
    NaiveDate::from_epoch_days(days)
}

/// Digits behind the point of a field.
fn scale_of(field: &str) -> u32 {
    match unit(field).as_str() {
        "second" | "epoch" | "julian" => 6,
        "milliseconds" => 3,
        _ => 0,
    }
}

/// The largest multiple of the unit that is not after the time, of a clock.
fn truncated(field: &str, micros: i64, type_name: &str) -> Result<i64, SqlError> {
    let time = clock(micros).ok_or_else(stamp_out_of_range)?;
    let date = time.date();
    let down = |size: i64| micros - micros.rem_euclid(size);
    let day = |date: Option<NaiveDate>| {
        let days = date.ok_or_else(stamp_out_of_range)?.to_epoch_days();
        Ok(i64::from(days) * DAY)
    };
    let years = |first: i32| day(NaiveDate::from_ymd_opt(first, 1, 1));
    let year = date.year();
    let field = unit(field);
    match field.as_str() {
        "microseconds" => Ok(micros),
        "milliseconds" => Ok(down(1000)),
        "second" => Ok(down(SECOND)),
        "minute" => Ok(down(60 * SECOND)),
        "hour" => Ok(down(3600 * SECOND)),
        "day" => Ok(down(DAY)),
        "week" => {
            let back = i64::from(date.weekday().num_days_from_monday());
            Ok(down(DAY) - back * DAY)
        }
        "month" => day(date.with_day(1)),
        "quarter" => day(NaiveDate::from_ymd_opt(year, date.month0() / 3 * 3 + 1, 1)),
        "year" => years(year),
        "decade" => years(year.div_euclid(10) * 10),
        "century" => years((year - 1).div_euclid(100) * 100 + 1),
        "millennium" => years((year - 1).div_euclid(1000) * 1000 + 1),
        "timezone" | "timezone_hour" | "timezone_minute" => Err(SqlError::new(
            "0A000",
            format!("unit \"{field}\" not supported for type {type_name}"),
        )),
        _ => Err(SqlError::new(
            "22023",
            format!("unit \"{field}\" not recognized for type {type_name}"),
        )),
    }
}

fn truncated_in(field: &str, micros: i64, zone: &Zone) -> Result<Value, SqlError> {
    const NAME: &str = "timestamp with time zone";
    let shown = local(micros, zone);
    let cut = truncated(field, shown, NAME)?;
    // Below a day the offset stays what it is: an hour that the clock shows twice is not left.
    let is_fine = ["microseconds", "milliseconds", "second", "minute", "hour"]
        .contains(&unit(field).as_str());
    Ok(match is_fine {
        true => Value::Int(micros - (shown - cut)),
        false => Value::Int(instant(cut, zone)),
    })
}

fn truncated_interval(field: &str, interval: Interval) -> Result<Interval, SqlError> {
    let months = |size: i32| Interval {
        months: interval.months / size * size,
        ..Interval::default()
    };
    let micros = |size: i64| Interval {
        micros: interval.micros / size * size,
        ..interval
    };
    let field = unit(field);
    Ok(match field.as_str() {
        "millennium" => months(12_000),
        "century" => months(1200),
        "decade" => months(120),
        "year" => months(12),
        "quarter" => months(3),
        "month" => months(1),
        "day" => Interval {
            micros: 0,
            ..interval
        },
        "hour" => micros(3600 * SECOND),
        "minute" => micros(60 * SECOND),
        "second" => micros(SECOND),
        "milliseconds" => micros(1000),
        "microseconds" => interval,
        "week" => {
            return Err(
                SqlError::new("0A000", "unit \"week\" not supported for type interval")
                    .with_detail("Months usually have fractional weeks."),
            );
        }
        _ => {
            return Err(SqlError::new(
                "22023",
                format!("unit \"{field}\" not recognized for type interval"),
            ));
        }
    })
}

fn binned(a: &Row<'_>) -> Result<Value, SqlError> {
    let stride = a.interval(0);
    if stride.months != 0 {
        let message = "timestamps cannot be binned into intervals containing months or years";
        return Err(SqlError::new("0A000", message));
    }
    let stride = stride.total();
    if stride <= 0 {
        return Err(SqlError::new("22008", "stride must be greater than zero"));
    }
    let (source, origin) = (i128::from(a.micros(1)), i128::from(a.micros(2)));
    let bin = source - (source - origin).rem_euclid(stride);
    i64::try_from(bin)
        .map(Value::Int)
        .map_err(|_| stamp_out_of_range())
}

pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    use Kind as K;
    let mut extract = Function::stable("extract");
    let mut date_part = Function::stable("date_part");
    for kind in [K::StampTz, K::Stamp, K::Date, K::Time, K::Interval] {
        extract = extract.on(&[K::Text, kind], Gives::Numeric, move |a| {
            let field = a.text(0);
            let source = source(a, kind)?;
            let value = part(field, &source)?;
            let scale = match (&source, unit(field).as_str()) {
                (Source::Date(_), _) => 0,
                // A quotient of numerics is added to the day.
                (Source::Clock(clock, micros, _), "julian") => {
                    let day = Numeric::from(julian(clock.date()));
                    let part = Numeric::from(micros.rem_euclid(DAY));
                    return Ok(day.add(&part.divide(&DAY.into())?)?.into());
                }
                _ => scale_of(field),
            };
            Ok(Numeric::new(value / 10i128.pow(6 - scale), scale).into())
        });
        date_part = date_part.on(&[K::Text, kind], Gives::Float, move |a| {
            Ok((part(a.text(0), &source(a, kind)?)? as f64 / 1e6).into())
        });
    }
    let bin = Function::new("date_bin")
        .on(
            &[K::Interval, K::StampTz, K::StampTz],
            Gives::StampTz,
            binned,
        )
        .on(&[K::Interval, K::Stamp, K::Stamp], Gives::Stamp, binned);
    let trunc = Function::stable("date_trunc")
        .on(&[K::Text, K::StampTz], Gives::StampTz, |a| {
            truncated_in(a.text(0), a.micros(1), a.zone)
        })
        .on(&[K::Text, K::Stamp], Gives::Stamp, |a| {
            let micros = truncated(a.text(0), a.micros(1), "timestamp without time zone")?;
            Ok(micros.into())
        })
        .on(&[K::Text, K::Interval], Gives::Interval, |a| {
            Ok(truncated_interval(a.text(0), a.interval(1))?.into())
        })
        .on(&[K::Text, K::StampTz, K::Text], Gives::StampTz, |a| {
            truncated_in(a.text(0), a.micros(1), &named(a.text(2))?)
        });
    vec![extract.done(), date_part.done(), bin.done(), trunc.done()]
}
