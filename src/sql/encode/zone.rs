//! The client's time zone, as `SET TimeZone` names it.

use chrono::{DateTime, NaiveDateTime, Offset, TimeZone};
use chrono_tz::Tz;
use std::fmt;
use std::str::FromStr;

/// Greatest offset that a fixed zone may have, in seconds (PostgreSQL: 167 hours for zones without a name).
const FIXED_OFFSET_MAX_S: i32 = 167 * 3600;

/// A time zone: a name from the IANA database, or a fixed offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// A zone with history, such as `Europe/Berlin`.
    Named(Tz),
    /// Seconds east of UTC, always.
    Fixed(i32),
}

/// The text names no time zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid value for parameter \"TimeZone\": \"{0}\"")]
pub struct UnknownZone(pub String);

impl Default for Zone {
    fn default() -> Self {
        Self::Named(Tz::UTC)
    }
}

impl Zone {
    /// Seconds to add to UTC at the instant `second` (Unix time). Instants that the calendar of the zone database
    /// does not reach have no offset.
    pub fn offset_s(&self, second: i64) -> i32 {
        match self {
            Self::Fixed(offset) => *offset,
            Self::Named(Tz::UTC) => 0,
            Self::Named(zone) => DateTime::from_timestamp(second, 0).map_or(0, |utc| {
                zone.offset_from_utc_datetime(&utc.naive_utc())
                    .fix()
                    .local_minus_utc()
            }),
        }
    }

    /// Seconds between `local`, read off a clock in this zone, and UTC, as PostgreSQL decides: a time that the clock
    /// shows twice is the later one, one that it skips counts with the offset from before the jump.
    pub fn offset_of_local_s(&self, local: NaiveDateTime) -> i32 {
        match self {
            Self::Fixed(offset) => *offset,
            Self::Named(zone) => match zone.offset_from_local_datetime(&local).latest() {
                Some(offset) => offset.fix().local_minus_utc(),
                None => self.offset_s(local.and_utc().timestamp() - 86_400 / 2),
            },
        }
    }
}

impl FromStr for Zone {
    type Err = UnknownZone;

    /// Reads what PostgreSQL reads: a zone name in any case, hours east of UTC (`-3`, `5.5`), or a POSIX zone,
    /// whose sign counts to the west (`GMT+3`, `<+02>-02`, `+02:00`).
    fn from_str(text: &str) -> Result<Self, UnknownZone> {
        let unknown = || UnknownZone(text.to_owned());
        let name = text.trim();
        if let Ok(hours) = name.parse::<f64>() {
            let seconds = hours * 3600.0;
            let limit = f64::from(FIXED_OFFSET_MAX_S);
            // Not a number is in no range.
            if !(-limit..=limit).contains(&seconds) {
                return Err(unknown());
            }
            return Ok(Self::Fixed(seconds as i32));
        }
        if let Some(zone) = chrono_tz::TZ_VARIANTS
            .iter()
            .find(|zone| zone.name().eq_ignore_ascii_case(name))
        {
            return Ok(Self::Named(*zone));
        }
        let offset = match name.strip_prefix('<') {
            Some(rest) => rest.split_once('>').map(|(_, offset)| offset),
            None => Some(name.trim_start_matches(|c: char| c.is_ascii_alphabetic())),
        };
        offset
            .and_then(offset_east_s)
            .map(|east| Self::Fixed(-east))
            .ok_or_else(unknown)
    }
}

/// Prints the form that [`Zone::from_str`] reads.
impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(zone) => f.write_str(zone.name()),
            Self::Fixed(east) => {
                let (sign, inverse) = if *east < 0 { ('-', '+') } else { ('+', '-') };
                let (hours, minutes) = (east.abs() / 3600, east.abs() / 60 % 60);
                let clock = if minutes == 0 {
                    format!("{hours:02}")
                } else {
                    format!("{hours:02}:{minutes:02}")
                };
                write!(f, "<{sign}{clock}>{inverse}{clock}")
            }
        }
    }
}

/// Seconds in `[+-]HH[[:]MM[[:]SS]]`.
pub(crate) fn offset_east_s(text: &str) -> Option<i32> {
    let (sign, digits) = match text.as_bytes() {
        [b'-', ..] => (-1, &text[1..]),
        [b'+', ..] => (1, &text[1..]),
        _ => (1, text),
    };
    let mut parts = [0_i32; 3];
    if digits.contains(':') {
        let mut pieces = digits.split(':');
        for (slot, piece) in parts.iter_mut().zip(&mut pieces) {
            *slot = number(piece)?;
        }
        if pieces.next().is_some() {
            return None;
        }
    } else if digits.len() > 2 && digits.is_ascii() {
        let (hours, minutes) = digits.split_at(digits.len() - 2);
        parts = [number(hours)?, number(minutes)?, 0];
    } else {
        parts[0] = number(digits)?;
    }
    let [hours, minutes, seconds] = parts;
    let total = (hours <= 167 && minutes < 60 && seconds < 60)
        .then_some(hours * 3600 + minutes * 60 + seconds)?;
    (total <= FIXED_OFFSET_MAX_S).then_some(sign * total)
}

/// One to three decimal digits.
fn number(text: &str) -> Option<i32> {
    let plain = (1..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_read_as_postgresql_reads_them() {
        for (text, offset, shown) in [
            ("UTC", 0, "UTC"),
            ("europe/berlin", 3600, "Europe/Berlin"),
            ("-3.5", -12_600, "<-03:30>+03:30"),
            ("7", 25_200, "<+07>-07"),
            ("<+02>-02", 7200, "<+02>-02"),
            // POSIX: positive is west of Greenwich.
            ("+02:00", -7200, "<-02>+02"),
            ("GMT+03:00", -10_800, "<-03>+03"),
        ] {
            let zone: Zone = text.parse().unwrap();
            assert_eq!(
                (zone.offset_s(1_577_836_800), zone.to_string().as_str()),
                (offset, shown),
                "{text}"
            );
            assert_eq!(
                shown.parse::<Zone>().unwrap().offset_s(1_577_836_800),
                offset
            );
        }
        for text in [
            "",
            "Mars/Olympus",
            "+",
            "1000",
            "<+02",
            "NaN",
            "UTC+1:2:3:4",
            "+é1",
        ] {
            assert_eq!(text.parse::<Zone>(), Err(UnknownZone(text.to_owned())));
        }
    }

    #[test]
    fn local_times_around_the_change_of_summer_time() {
        let berlin: Zone = "Europe/Berlin".parse().unwrap();
        let at = |text: &str| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap();
        assert_eq!(berlin.offset_of_local_s(at("2026-03-29 02:30")), 3600);
        assert_eq!(berlin.offset_of_local_s(at("2026-10-25 02:30")), 3600);
    }
}
