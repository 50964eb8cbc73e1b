//! Making, reading and showing moments.

use std::sync::Arc;

use arrow::datatypes::DataType;
use chrono::{Datelike, NaiveDate, NaiveDateTime, Utc};
use datafusion::logical_expr::ScalarUDF;

use super::decimal;
use super::define::{Answer, Function, Gives};
use super::interval::{DAY, Interval};
use super::output::Value;
use super::parts::stamp_out_of_range;
use super::template::{number, read, write};
use super::value::{Kind, Row};
use super::zoned::{SECOND, clock, instant, is_infinite, local, named};
use crate::proxy::postgres::error::SqlError;
use crate::sql::numeric::Numeric;

/// The day that a date is, after 1970-01-01.
fn make_date(a: &Row<'_>) -> Result<i64, SqlError> {
    let (year, month, day) = (a.int4(0)?, a.int(1), a.int(2));
    let refused = || {
        SqlError::new(
            "22008",
            format!("date field value out of range: {year}-{month:02}-{day:02}"),
        )
    };
    // Years before Christ are negative; there is none between them.
    let counted = match year {
        0 => return Err(refused()),
        year if year < 0 => year + 1,
        year => year,
    };
    let place = |part: i64| u32::try_from(part).ok();
    let date = place(month)
        .zip(place(day))
        .and_then(|(month, day)| NaiveDate::from_ymd_opt(counted, month, day));
    Ok(date.ok_or_else(refused)?.to_epoch_days().into())
}

fn make_stamp(a: &Row<'_>) -> Result<i64, SqlError> {
    Ok(make_date(a)? * DAY + make_time(a, 3)?)
}

/// Microseconds of a day, of the hours, minutes and seconds from an argument on.
fn make_time(a: &Row<'_>, from: usize) -> Result<i64, SqlError> {
    let (hour, minute, second) = (a.int(from), a.int(from + 1), a.float(from + 2));
    let is_time =
        (0..=24).contains(&hour) && (0..60).contains(&minute) && (0.0..=60.0).contains(&second);
    let micros = hour
        .wrapping_mul(3600)
        .wrapping_add(minute.wrapping_mul(60))
        .wrapping_mul(SECOND);
    let micros = micros.wrapping_add((second * 1e6).round_ties_even() as i64);
    if !is_time || micros > DAY {
        let message = format!("time field value out of range: {hour}:{minute:02}:{second:02}");
        return Err(SqlError::new("22008", message));
    }
    Ok(micros)
}

/// What lies between two times of a clock, in years, months and days as one counts them.
fn age(later: i64, earlier: i64) -> Result<Interval, SqlError> {
    let fields = |micros: i64| -> Result<(NaiveDateTime, [i64; 4]), SqlError> {
        let time = clock(micros).ok_or_else(stamp_out_of_range)?;
        let parts = [
            time.year().into(),
            time.month().into(),
            time.day().into(),
            micros.rem_euclid(DAY),
        ];
        Ok((time, parts))
    };
    let ((a, one), (b, two)) = (fields(later)?, fields(earlier)?);
    let is_negative = later < earlier;
    let sign = if is_negative { -1 } else { 1 };
    let [mut years, mut months, mut days, mut micros] =
        [0, 1, 2, 3].map(|at| (one[at] - two[at]) * sign);
    if micros < 0 {
        (micros, days) = (micros + DAY, days - 1);
    }
    let borrowed = if is_negative { a } else { b };
    while days < 0 {
        days += i64::from(borrowed.num_days_in_month());
        months -= 1;
    }
    if months < 0 {
        (months, years) = (months + 12, years - 1);
    }
    let narrow =
        |value: i64| i32::try_from(value * sign).map_err(|_| super::interval::out_of_range());
    Ok(Interval {
        months: narrow(years * 12 + months)?,
        days: narrow(days)?,
        micros: micros * sign,
    })
}

/// Seconds since 1970-01-01 as an instant.
fn of_epoch(seconds: f64) -> Answer {
    if seconds.is_nan() {
        return Err(SqlError::new("22008", "timestamp cannot be NaN"));
    }
    if seconds.is_infinite() {
        return Ok(Value::Int(if seconds > 0.0 { i64::MAX } else { i64::MIN }));
    }
    let micros = (seconds * 1e6).round_ties_even();
    match clock(micros as i64) {
        Some(_) if micros.abs() < 9.2e18 => Ok(Value::Int(micros as i64)),
        _ => Err(SqlError::new(
            "22008",
            format!("timestamp out of range: \"{seconds}\""),
        )),
    }
}

fn now() -> i64 {
    Utc::now().timestamp_micros()
}

/// Midnight of today in the zone, of the clock.
fn today(a: &Row<'_>) -> i64 {
    let shown = local(now(), a.zone);
    shown - shown.rem_euclid(DAY)
}

/// A number's digits with so many places behind the point, rounded as a decimal number: what a query writes with a
/// point is one to PostgreSQL.
fn float_digits(value: f64, places: usize) -> String {
    let shortest = value.to_string();
    let (whole, fraction) = shortest.split_once('.').unwrap_or((&shortest, ""));
    let scale = i8::try_from(fraction.len());
    match (format!("{whole}{fraction}").parse::<i128>(), scale) {
        (Ok(digits), Ok(scale)) if digits != 0 => decimal::text(digits, scale, places),
        _ => format!("{value:.places$}"),
    }
}

/// The day of a clock's time, after 1970-01-01.
fn day_of(micros: i64) -> i64 {
    match micros {
        i64::MAX => i32::MAX.into(),
        i64::MIN => i32::MIN.into(),
        micros => micros.div_euclid(DAY),
    }
}

/// Microseconds rounded to so many places of a second.
fn rounded(micros: i64, places: i64) -> i64 {
    let step = u32::try_from(6 - places.clamp(0, 6)).map_or(1, |zeros| 10_i64.pow(zeros));
    let down = micros.div_euclid(step) * step;
    match (micros - down) * 2 >= step {
        true => down.saturating_add(step),
        false => down,
    }
}

fn rounded_stamp(a: &Row<'_>) -> Answer {
    let micros = a.micros(0);
    Ok(match is_infinite(micros) {
        true => micros,
        false => rounded(micros, a.int(1)),
    }
    .into())
}

pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    use Kind as K;
    let to_char = Function::stable("to_char")
        .on(&[K::StampTz, K::Text], Gives::Text, |a| {
            Ok(write::instant(a.micros(0), a.text(1), a.zone)?.into())
        })
        .on(&[K::Stamp, K::Text], Gives::Text, |a| {
            Ok(write::stamp(a.micros(0), a.text(1))?.into())
        })
        .on(&[K::Interval, K::Text], Gives::Text, |a| {
            Ok(write::interval(a.interval(0), a.text(1))?.into())
        })
        .on(&[K::Int, K::Text], Gives::Text, |a| {
            let value = a.int(0);
            let digits = |places| decimal::text(value.into(), 0, places);
            Ok(number::write(a.text(1), digits, value as f64)?.into())
        })
        .on(&[K::Float, K::Text], Gives::Text, |a| {
            let value = a.float(0);
            Ok(number::write(a.text(1), |places| float_digits(value, places), value)?.into())
        })
        .on(&[K::Numeric, K::Text], Gives::Text, |a| {
            let value = a.numeric(0);
            let digits = |places: usize| value.rounded(places as i64).to_string();
            Ok(number::write(a.text(1), digits, value.to_f64())?.into())
        });
    let to_timestamp = Function::stable("to_timestamp")
        .on(&[K::Float], Gives::StampTz, |a| of_epoch(a.float(0)))
        .on(&[K::Text, K::Text], Gives::StampTz, |a| {
            let moment = read::moment(a.text(0), a.text(1))?;
            Ok(match moment.offset_s {
                Some(offset) => moment.micros - offset * SECOND,
                None => instant(moment.micros, a.zone),
            }
            .into())
        });
    let to_date = Function::new("to_date").on(&[K::Text, K::Text], Gives::Date, |a| {
        let moment = read::moment(a.text(0), a.text(1))?;
        Ok(moment.micros.div_euclid(DAY).into())
    });
    let to_number = Function::new("to_number").on(&[K::Text, K::Text], Gives::Numeric, |a| {
        let scale = number::scale(a.text(1));
        let digits = number::read(a.text(0), a.text(1), scale)?;
        Ok(Numeric::new(digits, scale).into())
    });
    let age = Function::volatile("age")
        .on(&[K::StampTz, K::StampTz], Gives::Interval, |a| {
            Ok(age(local(a.micros(0), a.zone), local(a.micros(1), a.zone))?.into())
        })
        .on(&[K::Stamp, K::Stamp], Gives::Interval, |a| {
            Ok(age(a.micros(0), a.micros(1))?.into())
        })
        .on(&[K::StampTz], Gives::Interval, |a| {
            Ok(age(today(a), local(a.micros(0), a.zone))?.into())
        })
        .on(&[K::Stamp], Gives::Interval, |a| {
            Ok(age(today(a), a.micros(0))?.into())
        })
        // Of a transaction, in transactions: there are none that anything could be older by.
        .on(&[K::Int], Gives::Int4, |_| Ok(Value::Int(0)));
    let stamp_takes = [K::Int, K::Int, K::Int, K::Int, K::Int, K::Float];
    let mut zoned_takes = stamp_takes.to_vec();
    zoned_takes.push(K::Text);
    let moments = ["clock_timestamp"].map(|name| {
        Function::volatile(name)
            .on(&[], Gives::StampTz, |_| Ok(now().into()))
            .done()
    });
    let mut all = vec![
        to_char.done(),
        to_timestamp.done(),
        to_date.done(),
        to_number.done(),
        age.done(),
        Function::new("make_date")
            .on(&[K::Int, K::Int, K::Int], Gives::Date, |a| {
                Ok(make_date(a)?.into())
            })
            .done(),
        Function::new("make_time")
            .on(&[K::Int, K::Int, K::Float], Gives::Time, |a| {
                Ok(make_time(a, 0)?.into())
            })
            .done(),
        Function::new("make_timestamp")
            .on(&stamp_takes, Gives::Stamp, |a| Ok(make_stamp(a)?.into()))
            .done(),
        Function::stable("make_timestamptz")
            .on(&stamp_takes, Gives::StampTz, |a| {
                Ok(instant(make_stamp(a)?, a.zone).into())
            })
            .on(&zoned_takes, Gives::StampTz, |a| {
                Ok(instant(make_stamp(a)?, &named(a.text(6))?).into())
            })
            .done(),
        Function::stable("timezone")
            .on(&[K::Text, K::StampTz], Gives::Stamp, |a| {
                Ok(local(a.micros(1), &named(a.text(0))?).into())
            })
            .on(&[K::Text, K::Stamp], Gives::StampTz, |a| {
                Ok(instant(a.micros(1), &named(a.text(0))?).into())
            })
            .done(),
        Function::volatile("timeofday")
            .on(&[], Gives::Text, |a| {
                let now = now();
                let fraction = now.rem_euclid(SECOND);
                let text = write::instant(now, "Dy Mon DD HH24:MI:SS", a.zone)?;
                let tail = write::instant(now, "YYYY TZ", a.zone)?;
                Ok(format!("{text}.{fraction:06} {tail}").into())
            })
            .done(),
    ];
    all.extend(moments);
    // What a text or another moment is as one of these types: casts, with the caller's zone. A text is read as the type
    // of the first overload.
    let time_of = |micros: i64| match is_infinite(micros) {
        true => Value::Null,
        false => micros.rem_euclid(DAY).into(),
    };
    all.extend([
        Function::stable("timestamptz")
            .on(&[K::StampTz], Gives::StampTz, |a| Ok(a.micros(0).into()))
            .on(&[K::StampTz, K::Int], Gives::StampTz, rounded_stamp)
            .done(),
        Function::stable("timestamp")
            .on(&[K::Stamp], Gives::Stamp, |a| Ok(a.micros(0).into()))
            .on(&[K::StampTz], Gives::Stamp, |a| {
                Ok(local(a.micros(0), a.zone).into())
            })
            .on(&[K::Stamp, K::Int], Gives::Stamp, rounded_stamp)
            .done(),
        Function::stable("date")
            .on(&[K::Date], Gives::Date, |a| Ok(a.date(0).into()))
            .on(&[K::Stamp], Gives::Date, |a| Ok(day_of(a.micros(0)).into()))
            .on(&[K::StampTz], Gives::Date, |a| {
                Ok(day_of(local(a.micros(0), a.zone)).into())
            })
            .done(),
        Function::stable("time")
            .on(&[K::Time], Gives::Time, |a| Ok(a.time(0).into()))
            .on(&[K::Stamp], Gives::Time, move |a| Ok(time_of(a.micros(0))))
            .on(&[K::StampTz], Gives::Time, move |a| {
                Ok(time_of(local(a.micros(0), a.zone)))
            })
            .on(&[K::Interval], Gives::Time, |a| {
                Ok(a.interval(0).micros.rem_euclid(DAY).into())
            })
            .on(&[K::Time, K::Int], Gives::Time, |a| {
                Ok(rounded(a.time(0), a.int(1)).into())
            })
            .done(),
        Function::new("interval_length")
            .on(
                &[K::Interval],
                Gives::Of(|_, _| DataType::Decimal128(38, 0)),
                |a| Ok(Value::Wide(a.interval(0).total())),
            )
            .done(),
        Function::new("interval")
            .on(&[K::Interval], Gives::Interval, |a| {
                Ok(a.interval(0).into())
            })
            .done(),
    ]);
    all
}
