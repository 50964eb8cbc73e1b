//! The texts of dates and times that PostgreSQL reads (with `DateStyle` ISO, MDY): words, fields in any order, zones.

use super::datetime::{DAY_MICROS, MICROS, Parts, Trouble};
use crate::sql::encode::zone::{Zone, offset_east_s};
use chrono::{DateTime, NaiveDate};

/// Months by the first letters of their names; the rest may follow.
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const WEEKDAYS: [&str; 7] = [
    "sunday",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
];

/// Abbreviations of PostgreSQL's default set that are no names of the zone database, in hours east of UTC.
const ABBREVIATIONS: [(&str, i32); 18] = [
    ("adt", -3),
    ("akdt", -8),
    ("akst", -9),
    ("ast", -4),
    ("bst", 1),
    ("cdt", -5),
    ("cest", 2),
    ("cst", -6),
    ("edt", -4),
    ("eest", 3),
    ("jst", 9),
    ("kst", 9),
    ("mdt", -6),
    ("msk", 3),
    ("nzdt", 13),
    ("nzst", 12),
    ("pdt", -7),
    ("pst", -8),
];

/// Days from 4713-11-24 BC, where Julian days begin, to 1970-01-01.
const JULIAN_EPOCH_DAY: i64 = 2_440_588;

/// Whether a text has a word in it that means another moment each time.
pub(crate) fn is_relative(text: &str) -> bool {
    const WORDS: [&str; 4] = ["now", "today", "tomorrow", "yesterday"];
    let mut words = text.split(|c: char| !c.is_ascii_alphabetic());
    words.any(|word| WORDS.iter().any(|known| known.eq_ignore_ascii_case(word)))
}

/// What a text has said so far.
#[derive(Default)]
struct Reading {
    parts: Parts,
    /// The month, if it was named.
    month: Option<u32>,
    /// Numbers that are days, months or years, in their order.
    numbers: Vec<String>,
    zone: Option<Zone>,
    is_afternoon: Option<bool>,
    is_bc: bool,
    /// A `T` came last: a time follows.
    expects_time: bool,
}

/// Reads a text; words such as `now` are told of `now_us`, microseconds since 1970-01-01 in UTC, in `zone`. Where a
/// time is wanted (`is_time`), digits that could be a date are one.
pub(super) fn read(text: &str, is_time: bool, now_us: i64, zone: &Zone) -> Result<Parts, Trouble> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let mut reading = Reading {
        expects_time: is_time
            && matches!(digits, 4 | 6)
            && !text[digits..].starts_with(['-', '/', ':']),
        ..Reading::default()
    };
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == ',');
        let Some(first) = rest.chars().next() else {
            break;
        };
        let length = match first {
            '0'..='9' => reading.digits(rest)?,
            'a'..='z' | 'A'..='Z' => reading.letters(rest, now_us, zone)?,
            '+' | '-' => reading.offset(rest)?,
            _ => return Err(Trouble::Syntax),
        };
        rest = &rest[length..];
    }
    reading.done()
}

impl Reading {
    fn has_date(&self) -> bool {
        self.parts.days.is_some() || self.numbers.len() == 3
    }

    /// Something that begins with a digit.
    fn digits(&mut self, rest: &str) -> Result<usize, Trouble> {
        let end = |accepted: fn(char) -> bool| rest.find(|c| !accepted(c)).unwrap_or(rest.len());
        let digits = end(|c| c.is_ascii_digit());
        let next = rest[digits..].chars().next();
        let follows = rest[digits..].chars().nth(1);
        match (next, follows) {
            (Some(':'), _) => {
                let length = end(|c| c.is_ascii_digit() || matches!(c, ':' | '.'));
                self.clock(&rest[..length])?;
                Ok(length)
            }
            (Some('-' | '/' | '.'), Some(c)) if c.is_ascii_alphanumeric() && !self.expects_time => {
                let is_clock = self.has_date() || digits >= 6 && next != Some('-');
                if is_clock && next == Some('.') {
                    let length = end(|c| c.is_ascii_digit() || c == '.');
                    self.clock(&rest[..length])?;
                    return Ok(length);
                }
                // `101112-08`: the time is over.
                if is_clock {
                    self.number(&rest[..digits])?;
                    return Ok(digits);
                }
                let length = end(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '/' | '.'));
                // A time may follow a T.
                let date = &rest[..length];
                let date = match date.find(['T', 't']) {
                    Some(at)
                        if date[at + 1..].starts_with(|c: char| c.is_ascii_digit())
                            && date[..at].ends_with(|c: char| c.is_ascii_digit()) =>
                    {
                        &date[..at]
                    }
                    _ => date,
                };
                let taken = self.date(date)?;
                Ok(taken)
            }
            _ => {
                let length = match self.expects_time {
                    true => end(|c| c.is_ascii_digit() || c == '.'),
                    false => digits,
                };
                self.number(&rest[..length])?;
                Ok(length)
            }
        }
    }

    /// A number by itself: a date, a time, or a part of a date.
    fn number(&mut self, digits: &str) -> Result<(), Trouble> {
        if self.expects_time || (self.has_date() && self.parts.micros.is_none()) {
            return self.clock(digits);
        }
        let wide = match digits.len() {
            8 => Some(digits.split_at(4)),
            6 if self.numbers.is_empty() && self.month.is_none() => Some(digits.split_at(2)),
            _ => None,
        };
        match wide {
            Some((year, rest)) => {
                self.parts.days = Some(day(&year_of(year, self.is_bc)?, &rest[..2], &rest[2..])?);
            }
            None => self.numbers.push(digits.to_owned()),
        }
        Ok(())
    }

    /// A date whose fields stand between signs; what is left of it may be an offset. Returns what was read.
    fn date(&mut self, text: &str) -> Result<usize, Trouble> {
        let sign = text
            .find(['-', '/', '.'])
            .map(|at| text[at..].chars().next().unwrap_or('-'));
        let sign = sign.ok_or(Trouble::Syntax)?;
        let fields: Vec<&str> = text.splitn(3, sign).collect();
        let (fields, length) = match fields.as_slice() {
            [first, second] if sign == '.' && second.len() == 3 => {
                return self.day_of_year(first, second).map(|()| text.len());
            }
            [first, second] if second.len() == 3 && first.len() >= 3 && is_digits(second) => {
                return self.day_of_year(first, second).map(|()| text.len());
            }
            [first, second, third] => {
                // The third ends where an offset begins.
                let end = third
                    .find(|c: char| !c.is_ascii_alphanumeric())
                    .unwrap_or(third.len());
                (
                    [*first, *second, &third[..end]],
                    first.len() + second.len() + 2 + end,
                )
            }
            _ => return Err(Trouble::Syntax),
        };
        let named = fields.iter().position(|field| month_of(field).is_some());
        let [first, second, third] = fields;
        let (year, month, day_text) = match named {
            Some(1) if first.len() >= 3 => (first, second, third),
            Some(1) => (third, second, first),
            Some(0) => (third, first, second),
            Some(_) => return Err(Trouble::Syntax),
            None if first.len() >= 3 => (first, second, third),
            None => (third, first, second),
        };
        let month = match month_of(month) {
            Some(month) => month.to_string(),
            None => month.to_owned(),
        };
        // An era may still come.
        self.numbers = vec![year_of(year, false)?, month, day_text.to_owned()];
        Ok(length)
    }

    fn day_of_year(&mut self, year: &str, number: &str) -> Result<(), Trouble> {
        let first = day(&year_of(year, false)?, "1", "1")?;
        let number: i64 = number.parse().map_err(|_| Trouble::Syntax)?;
        if !(1..=366).contains(&number) {
            return Err(Trouble::Range);
        }
        self.parts.days = Some(first + number - 1);
        Ok(())
    }

    /// `HH:MM[:SS[.ffffff]]`, or the same without colons.
    fn clock(&mut self, text: &str) -> Result<(), Trouble> {
        self.expects_time = false;
        if self.parts.micros.is_some() {
            return Err(Trouble::Syntax);
        }
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let micros = match (whole.contains(':'), whole.len()) {
            (true, _) => clock(text)?,
            (false, 2) => clock(&format!("{whole}:00"))?,
            (false, 4) => clock(&format!("{}:{}", &whole[..2], &whole[2..]))?,
            (false, 6) => {
                let point = if fraction.is_empty() { "" } else { "." };
                clock(&format!(
                    "{}:{}:{}{point}{fraction}",
                    &whole[..2],
                    &whole[2..4],
                    &whole[4..]
                ))?
            }
            _ => return Err(Trouble::Syntax),
        };
        self.parts.micros = Some(micros);
        Ok(())
    }

    /// Something that begins with a letter.
    fn letters(&mut self, rest: &str, now_us: i64, zone: &Zone) -> Result<usize, Trouble> {
        let end = rest
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        let next = rest[end..].chars().next();
        let word = rest[..end].to_ascii_lowercase();
        let has_date = self.parts.days.is_some() || !self.numbers.is_empty();
        match (word.as_str(), next) {
            ("t", Some('0'..='9')) => {
                self.expects_time = true;
                return Ok(end);
            }
            ("j", Some('0'..='9')) if !has_date => {
                let digits = rest[end..]
                    .find(|c: char| !c.is_ascii_digit())
                    .unwrap_or(rest.len() - end);
                let number: i64 = rest[end..end + digits]
                    .parse()
                    .map_err(|_| Trouble::Range)?;
                self.parts.days = Some(number - JULIAN_EPOCH_DAY);
                return Ok(end + digits);
            }
            // `26-Nov-2026` begins with a digit, `Nov-26-2026` with the month.
            (_, Some('-' | '/')) if month_of(&word).is_some() && !has_date => {
                let length = rest
                    .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '/')))
                    .unwrap_or(rest.len());
                return self.date(&rest[..length]);
            }
            _ => {}
        }
        if self.word(&word, now_us, zone) {
            return Ok(end);
        }
        // The name of a zone may have other signs in it.
        let end = rest
            .find(|c: char| {
                !(c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '+' | ':'))
            })
            .unwrap_or(rest.len());
        let name = rest[..end].to_ascii_lowercase();
        if self.zone.is_some() || self.parts.offset_s.is_some() {
            return Err(Trouble::Syntax);
        }
        if let Some((_, hours)) = ABBREVIATIONS.iter().find(|(known, _)| *known == name) {
            self.parts.offset_s = Some(hours * 3600);
            return Ok(end);
        }
        let is_zone = name.contains('/');
        match name.parse::<Zone>() {
            Ok(zone) if self.parts.micros.is_some() || has_date || self.month.is_some() => {
                self.zone = Some(zone);
                Ok(end)
            }
            _ if is_zone => Err(Trouble::Zone(name)),
            _ => Err(Trouble::Syntax),
        }
    }

    /// A word that is no zone. Whether it is known.
    fn word(&mut self, word: &str, now_us: i64, zone: &Zone) -> bool {
        let offset_s = zone.offset_s(now_us.div_euclid(MICROS));
        let local = now_us + i64::from(offset_s) * MICROS;
        let today = local.div_euclid(DAY_MICROS);
        let mut day = |days: i64| self.parts.days = Some(days);
        match word {
            "now" => {
                day(today);
                self.parts.micros = Some(local.rem_euclid(DAY_MICROS));
                self.parts.offset_s = Some(offset_s);
            }
            "today" => day(today),
            "tomorrow" => day(today + 1),
            "yesterday" => day(today - 1),
            "epoch" => {
                day(0);
                self.parts.micros = Some(0);
                self.parts.offset_s = Some(0);
            }
            "allballs" => {
                self.parts.micros = Some(0);
                self.parts.offset_s = Some(0);
            }
            "z" | "zulu" | "utc" | "gmt" | "ut" if self.parts.offset_s.is_none() => {
                self.parts.offset_s = Some(0);
            }
            "am" | "pm" if self.parts.micros.is_some() => self.is_afternoon = Some(word == "pm"),
            "ad" => {}
            "bc" => self.is_bc = true,
            "at" | "on" => {}
            _ if is_weekday(word) => {}
            _ => match month_of(word) {
                Some(month) if self.month.is_none() => self.month = Some(month),
                _ => return false,
            },
        }
        true
    }

    /// `+02`, `-05:30`, `-0330`.
    fn offset(&mut self, rest: &str) -> Result<usize, Trouble> {
        let end = rest[1..]
            .find(|c: char| !(c.is_ascii_digit() || c == ':'))
            .map_or(rest.len(), |at| at + 1);
        if self.parts.offset_s.is_some() {
            return Err(Trouble::Syntax);
        }
        let offset = offset_east_s(&rest[..end]).ok_or(Trouble::Syntax)?;
        if offset.abs() >= 16 * 3600 {
            return Err(Trouble::Offset);
        }
        self.parts.offset_s = Some(offset);
        Ok(end)
    }

    fn done(mut self) -> Result<Parts, Trouble> {
        let numbers: Vec<&str> = self.numbers.iter().map(String::as_str).collect();
        let named = self.month.map(|month| month.to_string());
        let fields = match (numbers.as_slice(), named.as_deref()) {
            ([], None) => None,
            ([first, second], Some(month)) => Some(match first.len() >= 3 {
                true => (*first, month, *second),
                false => (*second, month, *first),
            }),
            ([first, second, third], None) => Some(match first.len() >= 3 {
                true => (*first, *second, *third),
                false => (*third, *first, *second),
            }),
            _ => return Err(Trouble::Syntax),
        };
        if let Some((year, month, number)) = fields {
            if self.parts.days.is_some() {
                return Err(Trouble::Syntax);
            }
            self.parts.days = Some(day(&year_of(year, self.is_bc)?, month, number)?);
        }
        if let (Some(is_afternoon), Some(micros)) = (self.is_afternoon, self.parts.micros) {
            const NOON: i64 = DAY_MICROS / 2;
            const HOUR: i64 = 3600 * MICROS;
            if micros >= NOON + HOUR {
                return Err(Trouble::Range);
            }
            let hour = micros % NOON;
            self.parts.micros = Some(if is_afternoon { hour + NOON } else { hour });
        }
        if let Some(zone) = self.zone {
            let local = self
                .parts
                .days
                .unwrap_or(0)
                .checked_mul(DAY_MICROS)
                .and_then(|day| day.checked_add(self.parts.micros.unwrap_or(0)));
            let clock = local
                .and_then(DateTime::from_timestamp_micros)
                .ok_or(Trouble::Range)?;
            self.parts.offset_s = Some(zone.offset_of_local_s(clock.naive_utc()));
        }
        Ok(self.parts)
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The number of a month by its name or its first three letters.
fn month_of(word: &str) -> Option<u32> {
    let word = word.to_ascii_lowercase();
    let at = MONTHS.iter().position(|name| {
        *name == word || name[..3] == *word || (word == "sept" && *name == "september")
    })?;
    u32::try_from(at + 1).ok()
}

fn is_weekday(word: &str) -> bool {
    WEEKDAYS
        .iter()
        .any(|name| *name == word || (word.len() >= 3 && name.starts_with(word)))
}

/// A year as it is counted: of two digits in the years 1970 to 2069, before Christ from 0 downward.
fn year_of(text: &str, is_bc: bool) -> Result<String, Trouble> {
    if !is_digits(text) || text.len() > 6 {
        return Err(Trouble::Syntax);
    }
    let year: i32 = text.parse().map_err(|_| Trouble::Range)?;
    let year = match (text.len(), year) {
        (1 | 2, 0..70) if !is_bc => year + 2000,
        (1 | 2, _) if !is_bc => year + 1900,
        _ => year,
    };
    match (is_bc, year) {
        (_, 0) => Err(Trouble::Range),
        (true, year) => Ok((1 - year).to_string()),
        (false, year) => Ok(format!("{year:04}")),
    }
}

/// Days from 1970-01-01 to a date.
fn day(year: &str, month: &str, day: &str) -> Result<i64, Trouble> {
    let number = |text: &str| -> Result<u32, Trouble> {
        match is_digits(text) && text.len() <= 2 {
            true => text.parse().map_err(|_| Trouble::Range),
            false => Err(Trouble::Syntax),
        }
    };
    let year: i32 = year.parse().map_err(|_| Trouble::Range)?;
    let (month, day) = (number(month)?, number(day)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return Err(Trouble::Field);
    }
    let date = NaiveDate::from_ymd_opt(year, month, day).ok_or(Trouble::Range)?;
    Ok(date.signed_duration_since(NaiveDate::default()).num_days())
}

/// `HH:MM[:SS[.ffffff]]` in microseconds; what lies below a microsecond is rounded.
fn clock(text: &str) -> Result<i64, Trouble> {
    let mut fields = text.split(':');
    let mut whole = |most: i64| match fields.next() {
        Some(field) if (1..=2).contains(&field.len()) && is_digits(field) => field
            .parse::<i64>()
            .ok()
            .filter(|value| *value <= most)
            .ok_or(Trouble::Range),
        _ => Err(Trouble::Syntax),
    };
    let (hours, minutes) = (whole(24)?, whole(59)?);
    let (seconds, fraction) = match fields.next() {
        None => (0, 0),
        Some(field) => {
            let (whole, fraction) = field.split_once('.').unwrap_or((field, ""));
            if whole.len() > 2 || !is_digits(whole) || !(fraction.is_empty() || is_digits(fraction))
            {
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
    match total > DAY_MICROS {
        true => Err(Trouble::Range),
        false => Ok(total),
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
