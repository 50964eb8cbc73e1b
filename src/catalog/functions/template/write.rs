//! Moments and intervals as text by a template.

use std::fmt::Write;

use chrono::{Datelike, NaiveDateTime, Offset, TimeZone, Timelike};
use chrono_tz::OffsetName;

use super::{Case, DAYS, MONTHS, Piece, ROMAN, ordinal, pieces};
use crate::catalog::functions::interval::{DAY, Interval};
use crate::catalog::functions::parts::julian;
use crate::catalog::functions::zoned::{SECOND, clock, local};
use crate::proxy::postgres::error::SqlError;
use crate::sql::encode::zone::Zone;

/// What a template is filled with.
struct Fields {
    /// 0 is 1 BC.
    year: i64,
    /// From 1; 0 in an interval without months.
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    micros: i64,
    /// The date, when there is one.
    moment: Option<NaiveDateTime>,
    /// The zone's abbreviation and its offset in seconds.
    zone: Option<(String, i32)>,
}

fn abbreviation(zone: &Zone, instant: i64) -> (String, i32) {
    let second = instant.div_euclid(SECOND);
    match zone {
        Zone::Named(named) => match clock(instant) {
            Some(utc) => {
                let offset = named.offset_from_utc_datetime(&utc);
                let name = offset.abbreviation().unwrap_or_default().to_owned();
                (name, offset.fix().local_minus_utc())
            }
            None => (String::new(), 0),
        },
        Zone::Fixed(_) => {
            let offset = zone.offset_s(second);
            let mut name = format!("{:+03}", offset / 3600);
            if offset / 60 % 60 != 0 {
                let _ = write!(name, ":{:02}", (offset / 60 % 60).abs());
            }
            (name, offset)
        }
    }
}

/// A clock's time as text.
///
/// # Errors
/// 22008 for a time that the calendar does not reach.
pub(in super::super) fn stamp(micros: i64, template: &str) -> Result<String, SqlError> {
    let moment = clock(micros).ok_or_else(super::super::parts::stamp_out_of_range)?;
    write(template, &Fields::of(moment, None))
}

/// An instant as text, in a zone.
///
/// # Errors
/// As [`stamp`].
pub(in super::super) fn instant(
    micros: i64,
    template: &str,
    zone: &Zone,
) -> Result<String, SqlError> {
    let moment = clock(local(micros, zone)).ok_or_else(super::super::parts::stamp_out_of_range)?;
    write(
        template,
        &Fields::of(moment, Some(abbreviation(zone, micros))),
    )
}

/// An interval as text.
///
/// # Errors
/// 22007 for a pattern that only a date can fill.
pub(in super::super) fn interval(interval: Interval, template: &str) -> Result<String, SqlError> {
    let clock = interval.micros;
    write(
        template,
        &Fields {
            year: (interval.months / 12).into(),
            month: (interval.months % 12).into(),
            day: interval.days.into(),
            hour: clock / (3600 * SECOND),
            minute: clock / (60 * SECOND) % 60,
            second: clock / SECOND % 60,
            micros: clock % SECOND,
            moment: None,
            zone: None,
        },
    )
}

impl Fields {
    fn of(moment: NaiveDateTime, zone: Option<(String, i32)>) -> Self {
        Self {
            year: moment.year().into(),
            month: moment.month().into(),
            day: moment.day().into(),
            hour: moment.hour().into(),
            minute: moment.minute().into(),
            second: moment.second().into(),
            micros: (moment.nanosecond() / 1000).into(),
            moment: Some(moment),
            zone,
        }
    }

    /// The year as it is shown: none is 0.
    fn shown_year(&self, year: i64) -> i64 {
        match self.moment {
            Some(_) if year <= 0 => 1 - year,
            _ => year,
        }
    }

    fn second_of_day(&self) -> i64 {
        self.hour * 3600 + self.minute * 60 + self.second
    }

    fn day_of_year(&self) -> i64 {
        match self.moment {
            Some(moment) => moment.ordinal().into(),
            None => (self.year * 12 + self.month) * 30 + self.day,
        }
    }
}

fn write(template: &str, fields: &Fields) -> Result<String, SqlError> {
    let mut out = String::with_capacity(template.len() + 8);
    for piece in pieces(template) {
        match piece {
            Piece::Text(text) | Piece::Quoted(text) => out.push(text),
            Piece::Pattern {
                name,
                case,
                is_bare,
                ordinal: ending,
            } => {
                let start = out.len();
                pattern(name, case, is_bare, fields, &mut out)?;
                if let Some(ending) = ending
                    && out[start..].ends_with(|last: char| last.is_ascii_digit())
                {
                    let ending = ordinal(&out[start..], ending);
                    out.push_str(ending);
                }
            }
        }
    }
    Ok(out)
}

fn in_case(text: &str, case: Case) -> String {
    match case {
        Case::Upper => text.to_uppercase(),
        Case::Lower => text.to_lowercase(),
        Case::Title => text.to_owned(),
    }
}

/// Writes a number with leading zeros, unless it is to be bare.
fn number(out: &mut String, value: i64, width: usize, is_bare: bool) {
    // A sign takes a place of its own.
    let width = if value < 0 { width + 1 } else { width };
    let _ = match is_bare {
        true => write!(out, "{value}"),
        false => write!(out, "{value:0width$}"),
    };
}

fn padded(out: &mut String, text: &str, width: usize, is_bare: bool) {
    let _ = match is_bare {
        true => write!(out, "{text}"),
        false => write!(out, "{text:<width$}"),
    };
}

fn pattern(
    name: &str,
    case: Case,
    is_bare: bool,
    fields: &Fields,
    out: &mut String,
) -> Result<(), SqlError> {
    let needs_date = || {
        SqlError::new(
            "22007",
            "invalid format specification for an interval value",
        )
        .with_hint("Intervals are not tied to specific calendar dates.")
    };
    let moment = || fields.moment.ok_or_else(needs_date);
    let year = fields.shown_year(fields.year);
    let iso_year = || Ok::<_, SqlError>(fields.shown_year(moment()?.iso_week().year().into()));
    match name {
        "A.M." | "P.M." | "AM" | "PM" => {
            let is_morning = fields.hour % 24 < 12;
            let text = match (name.contains('.'), is_morning) {
                (true, true) => "A.M.",
                (true, false) => "P.M.",
                (false, true) => "AM",
                (false, false) => "PM",
            };
            out.push_str(&in_case(text, case));
        }
        "A.D." | "B.C." | "AD" | "BC" => {
            moment()?;
            let text = match (name.contains('.'), fields.year > 0) {
                (true, true) => "A.D.",
                (true, false) => "B.C.",
                (false, true) => "AD",
                (false, false) => "BC",
            };
            out.push_str(&in_case(text, case));
        }
        "HH24" => number(out, fields.hour, 2, is_bare),
        "HH12" | "HH" => {
            let hour = match fields.hour % 12 {
                0 => 12,
                hour => hour,
            };
            number(out, hour, 2, is_bare);
        }
        "MI" => number(out, fields.minute, 2, is_bare),
        "SS" => number(out, fields.second, 2, is_bare),
        "FF1" => number(out, fields.micros / 100_000, 1, false),
        "FF2" => number(out, fields.micros / 10_000, 2, false),
        "FF3" | "MS" => number(out, fields.micros / 1000, 3, false),
        "FF4" => number(out, fields.micros / 100, 4, false),
        "FF5" => number(out, fields.micros / 10, 5, false),
        "FF6" | "US" => number(out, fields.micros, 6, false),
        "SSSS" | "SSSSS" => number(out, fields.second_of_day(), 0, true),
        "TZ" => {
            moment()?;
            if let Some((zone, _)) = &fields.zone {
                out.push_str(&in_case(zone, case));
            }
        }
        "TZH" | "TZM" | "OF" => {
            moment()?;
            let offset = fields.zone.as_ref().map_or(0, |(_, offset)| *offset);
            let sign = if offset < 0 { '-' } else { '+' };
            let (hours, minutes) = (offset.abs() / 3600, offset.abs() / 60 % 60);
            let _ = match name {
                "TZH" => write!(out, "{sign}{hours:02}"),
                "TZM" => write!(out, "{minutes:02}"),
                _ if minutes != 0 => write!(out, "{sign}{hours:02}:{minutes:02}"),
                _ => write!(out, "{sign}{hours:02}"),
            };
        }
        "MONTH" | "MON" | "RM" => {
            let months = if name == "RM" { &ROMAN } else { &MONTHS };
            // An interval without months has none to name.
            let at = match (fields.month, name) {
                (0, "RM") if fields.moment.is_none() && fields.year != 0 => 12,
                (month, _) if month < 0 => month + 13,
                (month, _) => month,
            };
            let month = usize::try_from(at - 1).ok().and_then(|at| months.get(at));
            if let Some(month) = month {
                match name {
                    "MONTH" => padded(out, &in_case(month, case), 9, is_bare),
                    "MON" => out.push_str(&in_case(&month[..3], case)),
                    _ => padded(out, &in_case(month, case), 4, is_bare),
                }
            }
        }
        "MM" => number(out, fields.month, 2, is_bare),
        "DAY" | "DY" => {
            let weekday = moment()?.weekday().num_days_from_sunday() as usize;
            if let Some(day) = DAYS.get(weekday) {
                match name {
                    "DAY" => padded(out, &in_case(day, case), 9, is_bare),
                    _ => out.push_str(&in_case(&day[..3], case)),
                }
            }
        }
        "DDD" => number(out, fields.day_of_year(), 3, is_bare),
        "IDDD" => {
            let moment = moment()?;
            let week = i64::from(moment.iso_week().week0()) * 7;
            number(
                out,
                week + i64::from(moment.weekday().number_from_monday()),
                3,
                is_bare,
            );
        }
        "DD" => number(out, fields.day, 2, is_bare),
        "D" => number(
            out,
            i64::from(moment()?.weekday().number_from_sunday()),
            0,
            true,
        ),
        "ID" => number(
            out,
            i64::from(moment()?.weekday().number_from_monday()),
            0,
            true,
        ),
        "WW" => number(out, (fields.day_of_year() - 1) / 7 + 1, 2, is_bare),
        "IW" => number(out, moment()?.iso_week().week().into(), 2, is_bare),
        "W" => number(out, (fields.day - 1) / 7 + 1, 0, true),
        "Q" if fields.month != 0 => number(out, (fields.month - 1) / 3 + 1, 0, true),
        "CC" => {
            let century = match (fields.moment.is_some(), fields.year) {
                (false, year) => year / 100,
                (true, year) if year > 0 => (year - 1) / 100 + 1,
                (true, year) => year / 100 - 1,
            };
            let is_short = (-99..=99).contains(&century);
            number(out, century, if is_short { 2 } else { 0 }, is_bare);
        }
        "Y,YYY" => {
            let _ = write!(out, "{},{:03}", year / 1000, year % 1000);
        }
        "YYYY" => number(out, year, 4, is_bare),
        "YYY" => number(out, year % 1000, 3, is_bare),
        "YY" => number(out, year % 100, 2, is_bare),
        "Y" => number(out, year % 10, 1, is_bare),
        "IYYY" => number(out, iso_year()?, 4, is_bare),
        "IYY" => number(out, iso_year()? % 1000, 3, is_bare),
        "IY" => number(out, iso_year()? % 100, 2, is_bare),
        "I" => number(out, iso_year()? % 10, 1, is_bare),
        "J" => {
            let days = match fields.moment {
                Some(moment) => julian(moment.date()),
                None => fields.second_of_day().div_euclid(DAY / SECOND),
            };
            number(out, days, 0, true);
        }
        // FX concerns reading only.
        _ => {}
    }
    Ok(())
}
