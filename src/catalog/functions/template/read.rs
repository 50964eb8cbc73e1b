//! Text as a moment by a template: `to_timestamp(text, text)` and `to_date`.

use chrono::{Datelike, Duration, NaiveDate, Weekday};

use super::{DAYS, MONTHS, Piece, ROMAN, pieces};
use crate::catalog::functions::zoned::SECOND;
use crate::proxy::postgres::error::SqlError;

/// What was read.
#[derive(Default)]
struct Fields {
    year: Option<i64>,
    iso_year: Option<i64>,
    century: Option<i64>,
    is_before_christ: bool,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    week: Option<i64>,
    week_of_month: Option<i64>,
    iso_week: Option<i64>,
    iso_day: Option<i64>,
    weekday: Option<i64>,
    julian: Option<i64>,
    hour: i64,
    /// The hour counts to 12 only.
    is_twelve: bool,
    is_afternoon: Option<bool>,
    minute: i64,
    second: i64,
    second_of_day: Option<i64>,
    micros: i64,
    zone_hours: Option<i64>,
    zone_minutes: i64,
}

/// A moment as it was read: a clock's time in microseconds since 1970-01-01, and the offset if one was given.
pub(in super::super) struct Moment {
    pub micros: i64,
    pub offset_s: Option<i64>,
}

/// Reads a moment.
///
/// # Errors
/// 22007 for text that does not follow the template, 22008 for fields that no date has.
pub(in super::super) fn moment(text: &str, template: &str) -> Result<Moment, SqlError> {
    let mut fields = Fields::default();
    let mut rest = text;
    let pieces = pieces(template);
    let mut is_exact = false;
    for (at, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Text(expected) if is_exact => {
                rest = rest
                    .strip_prefix(*expected)
                    .or_else(|| skip_one(rest))
                    .unwrap_or("");
            }
            Piece::Text(blank) if blank.is_whitespace() || is_separator(*blank) => {
                let trimmed = rest.trim_start();
                // A sign belongs to the number behind it only if nothing separates it.
                rest = match trimmed.chars().next() {
                    Some(first)
                        if is_separator(first)
                            && !(matches!(first, '-' | '+') && wants_sign(pieces.get(at + 1))) =>
                    {
                        &trimmed[first.len_utf8()..]
                    }
                    _ => trimmed,
                };
            }
            Piece::Text(_) | Piece::Quoted(_) => rest = skip_one(rest).unwrap_or(""),
            Piece::Pattern { name: "FX", .. } => is_exact = true,
            Piece::Pattern {
                name,
                is_bare,
                ordinal,
                ..
            } => {
                if !is_exact {
                    rest = rest.trim_start();
                }
                // Where a digit follows, a number has its full width.
                let is_fixed =
                    !is_bare && matches!(pieces.get(at + 1), Some(Piece::Pattern { .. }));
                if rest.is_empty() {
                    break;
                }
                rest = fields.read(name, rest, is_fixed)?;
                if ordinal.is_some() {
                    rest = rest.get(2..).unwrap_or("");
                }
            }
        }
    }
    fields.moment(text)
}

fn is_separator(c: char) -> bool {
    c.is_ascii_punctuation()
}

fn wants_sign(next: Option<&Piece>) -> bool {
    matches!(
        next,
        Some(Piece::Pattern {
            name: "TZH" | "OF",
            ..
        })
    )
}

fn skip_one(rest: &str) -> Option<&str> {
    let first = rest.chars().next()?;
    rest.get(first.len_utf8()..)
}

fn not_a(name: &str, given: &str, width: usize) -> SqlError {
    let shown: String = given.chars().take(width.max(1)).collect();
    SqlError::new("22007", format!("invalid value \"{shown}\" for \"{name}\""))
        .with_detail("Value must be an integer.")
}

/// The digits that a pattern reads at most where another number follows.
fn width(name: &str) -> usize {
    match name {
        "YYYY" | "IYYY" => 4,
        "YYY" | "IYY" | "DDD" | "IDDD" | "MS" | "FF3" => 3,
        "Y" | "I" | "D" | "ID" | "Q" | "W" | "FF1" => 1,
        "US" | "FF6" => 6,
        "FF4" => 4,
        "FF5" | "SSSSS" | "SSSS" => 5,
        "J" => 7,
        _ => 2,
    }
}

/// A number and what stands behind it.
fn number<'a>(
    name: &str,
    rest: &'a str,
    is_fixed: bool,
) -> Result<(i64, usize, &'a str), SqlError> {
    let width = width(name);
    let sign = usize::from(rest.starts_with(['-', '+']));
    let digits = rest
        .bytes()
        .skip(sign)
        .take_while(u8::is_ascii_digit)
        .count();
    let digits = if is_fixed { digits.min(width) } else { digits };
    // So many digits never overflow.
    let (number, behind) = rest.split_at(sign + digits.min(18));
    match number.parse() {
        Ok(value) if digits > 0 => Ok((value, digits, behind)),
        _ => Err(not_a(name, rest, width)),
    }
}

/// The place of a name in a list, in full or by its first letters.
fn name_in<'a>(names: &[&str], letters: Option<usize>, rest: &'a str) -> Option<(i64, &'a str)> {
    let found = (1..).zip(names).filter_map(|(number, name)| {
        let name = letters.map_or(*name, |letters| &name[..letters]);
        let given = rest.get(..name.len())?;
        given
            .eq_ignore_ascii_case(name)
            .then_some((number, name.len()))
    });
    let (number, length) = found.max_by_key(|(_, length)| *length)?;
    Some((number, &rest[length..]))
}

impl Fields {
    fn read<'a>(&mut self, name: &str, rest: &'a str, is_fixed: bool) -> Result<&'a str, SqlError> {
        let unknown = |letters: usize| {
            let shown: String = rest.chars().take(letters).collect();
            SqlError::new("22007", format!("invalid value \"{shown}\" for \"{name}\"")).with_detail(
                "The given value did not match any of the allowed values for this field.",
            )
        };
        let list = |names: &[&str], letters| {
            name_in(names, letters, rest).ok_or_else(|| unknown(letters.unwrap_or(9)))
        };
        match name {
            "MONTH" => {
                let (month, behind) = list(&MONTHS, None).or_else(|_| list(&MONTHS, Some(3)))?;
                self.month = Some(month);
                return Ok(behind);
            }
            "MON" => {
                let (month, behind) = list(&MONTHS, Some(3))?;
                self.month = Some(month);
                return Ok(behind);
            }
            "RM" => {
                let (month, behind) = list(&ROMAN, None)?;
                self.month = Some(month);
                return Ok(behind);
            }
            "DAY" => return Ok(list(&DAYS, None).or_else(|_| list(&DAYS, Some(3)))?.1),
            "DY" => return Ok(list(&DAYS, Some(3))?.1),
            "AM" | "PM" => {
                let (which, behind) = list(&["AM", "PM"], None)?;
                (self.is_afternoon, self.is_twelve) = (Some(which == 2), true);
                return Ok(behind);
            }
            "A.M." | "P.M." => {
                let (which, behind) = list(&["A.M.", "P.M."], None)?;
                (self.is_afternoon, self.is_twelve) = (Some(which == 2), true);
                return Ok(behind);
            }
            "AD" | "BC" => {
                let (which, behind) = list(&["AD", "BC"], None)?;
                self.is_before_christ = which == 2;
                return Ok(behind);
            }
            "A.D." | "B.C." => {
                let (which, behind) = list(&["A.D.", "B.C."], None)?;
                self.is_before_christ = which == 2;
                return Ok(behind);
            }
            "TZ" => {
                let message = format!("formatting field \"{name}\" is only supported in to_char");
                return Err(SqlError::new("0A000", message));
            }
            "OF" => {
                let (hours, _, mut behind) = number("TZH", rest, true)?;
                self.zone_hours = Some(hours);
                if let Some(minutes) = behind.strip_prefix(':') {
                    (self.zone_minutes, _, behind) = number("TZM", minutes, true)?;
                }
                return Ok(behind);
            }
            "Y,YYY" => {
                let (thousands, _, behind) = number("Y", rest, false)?;
                let behind = behind.strip_prefix(',').ok_or_else(|| unknown(9))?;
                let (units, _, behind) = number("YYY", behind, true)?;
                self.year = Some(thousands.saturating_mul(1000).saturating_add(units));
                return Ok(behind);
            }
            _ => {}
        }
        let (value, digits, behind) = number(name, rest, is_fixed)?;
        let fraction = |places: usize| {
            let shift = u32::try_from(6 - places.min(6)).unwrap_or(0);
            value.saturating_mul(10i64.pow(shift))
        };
        match name {
            "YYYY" => self.year = Some(value),
            "YYY" | "YY" | "Y" => self.year = Some(nearest_year(value, digits)),
            "IYYY" => self.iso_year = Some(value),
            "IYY" | "IY" | "I" => self.iso_year = Some(nearest_year(value, digits)),
            "CC" => self.century = Some(value),
            "MM" => self.month = Some(value),
            "DD" => self.day = Some(value),
            "DDD" => self.day_of_year = Some(value),
            "IDDD" => {
                self.iso_week = Some((value - 1).div_euclid(7) + 1);
                self.iso_day = Some((value - 1).rem_euclid(7) + 1);
            }
            "WW" => self.week = Some(value),
            "W" => self.week_of_month = Some(value),
            "IW" => self.iso_week = Some(value),
            "ID" => self.iso_day = Some(value),
            "D" => self.weekday = Some(value),
            "J" => self.julian = Some(value),
            "HH24" => self.hour = value,
            "HH12" | "HH" => (self.hour, self.is_twelve) = (value, true),
            "MI" => self.minute = value,
            "SS" => self.second = value,
            "SSSS" | "SSSSS" => self.second_of_day = Some(value),
            "MS" | "US" | "FF1" | "FF2" | "FF3" | "FF4" | "FF5" | "FF6" => {
                self.micros = fraction(digits)
            }
            "TZH" => self.zone_hours = Some(value),
            "TZM" => self.zone_minutes = value,
            // The quarter says nothing that a month does not.
            _ => {}
        }
        Ok(behind)
    }

    fn moment(&self, text: &str) -> Result<Moment, SqlError> {
        let refused = || {
            SqlError::new(
                "22008",
                format!("date/time field value out of range: \"{text}\""),
            )
        };
        let date = self.date().ok_or_else(refused)?;
        let mut hour = self.hour;
        if self.is_twelve {
            if !(1..=12).contains(&hour) {
                return Err(SqlError::new(
                    "22008",
                    format!("hour \"{hour}\" is invalid for the 12-hour clock"),
                )
                .with_hint("Use the 24-hour clock, or give an hour between 1 and 12."));
            }
            hour = match self.is_afternoon {
                Some(true) if hour < 12 => hour + 12,
                Some(false) | None if hour == 12 => 0,
                _ => hour,
            };
        }
        let in_range = (0..=24).contains(&hour)
            && (0..60).contains(&self.minute)
            && (0..=60).contains(&self.second);
        if !in_range || (hour == 24 && (self.minute > 0 || self.second > 0)) {
            return Err(refused());
        }
        let second = match self.second_of_day {
            Some(second) if (0..=86_400).contains(&second) => second,
            Some(_) => return Err(refused()),
            None => hour * 3600 + self.minute * 60 + self.second,
        };
        let seconds = i64::from(date.to_epoch_days()) * 86_400 + second;
        let offset_s = self.zone_hours.map(|hours| {
            let minutes = self.zone_minutes * if hours < 0 { -1 } else { 1 };
            hours
                .saturating_mul(3600)
                .saturating_add(minutes.saturating_mul(60))
        });
        if offset_s.is_some_and(|offset| offset.abs() > 16 * 3600) {
            return Err(refused());
        }
        let micros = seconds
            .checked_mul(SECOND)
            .and_then(|micros| micros.checked_add(self.micros));
        Ok(Moment {
            micros: micros.ok_or_else(refused)?,
            offset_s,
        })
    }

    fn date(&self) -> Option<NaiveDate> {
        if let Some(day) = self.julian {
            return NaiveDate::from_epoch_days(i32::try_from(day - 2_440_588).ok()?);
        }
        if let (Some(year), week) = (self.iso_year, self.iso_week) {
            let weekday = match self.iso_day {
                None | Some(1) => Weekday::Mon,
                Some(2) => Weekday::Tue,
                Some(3) => Weekday::Wed,
                Some(4) => Weekday::Thu,
                Some(5) => Weekday::Fri,
                Some(6) => Weekday::Sat,
                Some(7) => Weekday::Sun,
                Some(_) => return None,
            };
            let week = u32::try_from(week.unwrap_or(1)).ok()?;
            return NaiveDate::from_isoywd_opt(i32::try_from(year).ok()?, week, weekday);
        }
        let mut year = self.year;
        if let Some(century) = self.century {
            let within = year.map_or(1, |year| year % 100);
            year = Some(match within {
                0 => century.checked_mul(100)?,
                within => century
                    .checked_sub(1)?
                    .checked_mul(100)?
                    .checked_add(within)?,
            });
        }
        // The year 0 of the template's default is 1 BC.
        let mut year = year.unwrap_or(0);
        if self.is_before_christ {
            year = 1 - year;
        } else if year < 0 {
            year += 1;
        }
        let year = i32::try_from(year).ok()?;
        if let Some(day) = self.day_of_year {
            return NaiveDate::from_yo_opt(year, u32::try_from(day).ok()?);
        }
        if let Some(week) = self.week {
            let first = NaiveDate::from_ymd_opt(year, 1, 1)?;
            return first.checked_add_signed(Duration::days(
                (1..=53).contains(&week).then_some((week - 1) * 7)?,
            ));
        }
        let day = match (self.day, self.week_of_month) {
            (Some(day), _) => day,
            (None, Some(week)) => (week.checked_sub(1)?).checked_mul(7)? + 1,
            (None, None) => 1,
        };
        let month = u32::try_from(self.month.unwrap_or(1)).ok()?;
        let date = NaiveDate::from_ymd_opt(year, month, u32::try_from(day).ok()?)?;
        (date.year() == year).then_some(date)
    }
}

/// The year of two or three digits that is nearest to 2020.
fn nearest_year(value: i64, digits: usize) -> i64 {
    match digits {
        0 => value,
        1 | 2 if value < 70 => value + 2000,
        1 | 2 => value + 1900,
        3 if value >= 520 => value + 1000,
        3 => value + 2000,
        _ => value,
    }
}
