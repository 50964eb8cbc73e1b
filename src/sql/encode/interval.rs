//! Intervals in the styles that `SET IntervalStyle` names.

use bytes::BytesMut;

use super::time::{write_fraction, write_interval as write_postgres};
use super::zone::Zone;

const MICROS: i64 = 1_000_000;

/// The text form of intervals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum IntervalStyle {
    /// `1 year 2 mons 3 days 04:05:06.5`
    #[default]
    Postgres,
    /// `@ 1 year 2 mons 3 days 4 hours 5 mins 6.5 secs`
    PostgresVerbose,
    /// `1-2`, `3 4:05:06.5`, `+1-2 +3 +4:05:06.5`
    SqlStandard,
    /// `P1Y2M3DT4H5M6.5S`
    Iso8601,
}

impl IntervalStyle {
    /// The names of all styles, as PostgreSQL lists them.
    pub const NAMES: &[&str] = &["postgres", "postgres_verbose", "sql_standard", "iso_8601"];

    /// The style of a name that was accepted; PostgreSQL's own for any other.
    pub fn named(name: &str) -> Self {
        match name {
            "postgres_verbose" => Self::PostgresVerbose,
            "sql_standard" => Self::SqlStandard,
            "iso_8601" => Self::Iso8601,
            _ => Self::Postgres,
        }
    }
}

/// The client's choices of how values read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Forms {
    /// For timestamps with time zone.
    pub zone: Zone,
    /// For intervals.
    pub intervals: IntervalStyle,
}

impl From<Zone> for Forms {
    fn from(zone: Zone) -> Self {
        Self {
            zone,
            ..Self::default()
        }
    }
}

/// An interval in the units that people read, all of one sign in each of the three that it is kept as.
struct Parts {
    years: i64,
    months: i64,
    days: i64,
    hours: i64,
    minutes: i64,
    seconds: i64,
    micros: i64,
}

impl Parts {
    fn of(months: i32, days: i32, micros: i64) -> Self {
        let seconds = micros / MICROS;
        Self {
            years: (months / 12).into(),
            months: (months % 12).into(),
            days: days.into(),
            hours: seconds / 3600,
            minutes: seconds / 60 % 60,
            seconds: seconds % 60,
            micros: micros % MICROS,
        }
    }

    fn all(&self) -> [i64; 7] {
        [
            self.years,
            self.months,
            self.days,
            self.hours,
            self.minutes,
            self.seconds,
            self.micros,
        ]
    }

    /// Whether its seconds, with what is behind the point, are none or less.
    fn seconds_sign(&self) -> i64 {
        match self.seconds {
            0 => self.micros.signum(),
            seconds => seconds.signum(),
        }
    }

    /// Seconds without their sign; of two digits, if asked for.
    fn write_seconds(&self, two_digits: bool, out: &mut BytesMut) {
        let seconds = self.seconds.abs();
        if two_digits && seconds < 10 {
            out.extend_from_slice(b"0");
        }
        write_number(seconds, out);
        write_fraction(self.micros.abs(), out);
    }
}

fn write_number(number: i64, out: &mut BytesMut) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Two digits, or more.
fn write_pair(number: i64, out: &mut BytesMut) {
    if number < 10 {
        out.extend_from_slice(b"0");
    }
    write_number(number, out);
}

/// Appends an interval in a style, as PostgreSQL's `EncodeInterval` does.
pub(super) fn write_interval(
    style: IntervalStyle,
    months: i32,
    days: i32,
    micros: i64,
    out: &mut BytesMut,
) {
    let parts = || Parts::of(months, days, micros);
    match style {
        IntervalStyle::Postgres => write_postgres(months, days, micros, out),
        IntervalStyle::PostgresVerbose => write_verbose(&parts(), out),
        IntervalStyle::SqlStandard => write_standard(&parts(), out),
        IntervalStyle::Iso8601 => write_iso(&parts(), out),
    }
}

fn write_iso(parts: &Parts, out: &mut BytesMut) {
    let unit = |value: i64, unit: &[u8], out: &mut BytesMut| {
        if value != 0 {
            write_number(value, out);
            out.extend_from_slice(unit);
        }
    };
    if parts.all() == [0; 7] {
        out.extend_from_slice(b"PT0S");
        return;
    }
    out.extend_from_slice(b"P");
    unit(parts.years, b"Y", out);
    unit(parts.months, b"M", out);
    unit(parts.days, b"D", out);
    let sign = parts.seconds_sign();
    if parts.hours == 0 && parts.minutes == 0 && sign == 0 {
        return;
    }
    out.extend_from_slice(b"T");
    unit(parts.hours, b"H", out);
    unit(parts.minutes, b"M", out);
    if sign != 0 {
        if sign < 0 {
            out.extend_from_slice(b"-");
        }
        parts.write_seconds(false, out);
        out.extend_from_slice(b"S");
    }
}

/// The first part that is not zero says whether it is `ago`; the others have signs against that.
fn write_verbose(parts: &Parts, out: &mut BytesMut) {
    let mut ago = None;
    out.extend_from_slice(b"@");
    for (value, unit) in [
        (parts.years, "year"),
        (parts.months, "mon"),
        (parts.days, "day"),
        (parts.hours, "hour"),
        (parts.minutes, "min"),
    ] {
        if value == 0 {
            continue;
        }
        let value = match *ago.get_or_insert(value < 0) {
            true => -value,
            false => value,
        };
        out.extend_from_slice(b" ");
        write_number(value, out);
        out.extend_from_slice(b" ");
        out.extend_from_slice(unit.as_bytes());
        if value != 1 {
            out.extend_from_slice(b"s");
        }
    }
    let sign = parts.seconds_sign();
    if sign != 0 {
        out.extend_from_slice(b" ");
        if *ago.get_or_insert(sign < 0) != (sign < 0) {
            out.extend_from_slice(b"-");
        }
        parts.write_seconds(false, out);
        out.extend_from_slice(b" sec");
        if parts.seconds.abs() != 1 || parts.micros != 0 {
            out.extend_from_slice(b"s");
        }
    }
    match ago {
        None => out.extend_from_slice(b" 0"),
        Some(true) => out.extend_from_slice(b" ago"),
        Some(false) => {}
    }
}

/// SQL knows intervals of years and months, and those of days and times, under one sign. Others have signs in each part.
fn write_standard(parts: &Parts, out: &mut BytesMut) {
    let all = parts.all();
    let is_negative = all.iter().any(|part| *part < 0);
    let is_positive = all.iter().any(|part| *part > 0);
    let is_zero = |parts: &[i64]| parts.iter().all(|part| *part == 0);
    let (calendar, rest) = (!is_zero(&all[..2]), !is_zero(&all[2..]));
    let sign = |parts: &[i64]| match parts.iter().any(|part| *part < 0) {
        true => b"-",
        false => b"+",
    };
    let year_month = |out: &mut BytesMut| {
        write_number(parts.years.abs(), out);
        out.extend_from_slice(b"-");
        write_number(parts.months.abs(), out);
    };
    let time = |out: &mut BytesMut| {
        write_number(parts.hours.abs(), out);
        out.extend_from_slice(b":");
        write_pair(parts.minutes.abs(), out);
        out.extend_from_slice(b":");
        parts.write_seconds(true, out);
    };
    if !calendar && !rest {
        out.extend_from_slice(b"0");
        return;
    }
    if (is_negative && is_positive) || (calendar && rest) {
        out.extend_from_slice(sign(&all[..2]));
        year_month(out);
        out.extend_from_slice(b" ");
        out.extend_from_slice(sign(&all[2..3]));
        write_number(parts.days.abs(), out);
        out.extend_from_slice(b" ");
        out.extend_from_slice(sign(&all[3..]));
        time(out);
        return;
    }
    if is_negative {
        out.extend_from_slice(b"-");
    }
    if calendar {
        year_month(out);
        return;
    }
    if parts.days != 0 {
        write_number(parts.days.abs(), out);
        out.extend_from_slice(b" ");
    }
    time(out);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Months, days and microseconds.
    type Kept = (i32, i32, i64);

    /// What a PostgreSQL 15 prints of them in each style.
    const CASES: &[(Kept, [&str; 3])] = &[
        ((0, 0, 0), ["@ 0", "0", "PT0S"]),
        (
            (14, 3, 14706500000),
            [
                "@ 1 year 2 mons 3 days 4 hours 5 mins 6.5 secs",
                "+1-2 +3 +4:05:06.5",
                "P1Y2M3DT4H5M6.5S",
            ],
        ),
        ((14, 0, 0), ["@ 1 year 2 mons", "1-2", "P1Y2M"]),
        ((-14, 0, 0), ["@ 1 year 2 mons ago", "-1-2", "P-1Y-2M"]),
        (
            (0, 3, 14706000000),
            ["@ 3 days 4 hours 5 mins 6 secs", "3 4:05:06", "P3DT4H5M6S"],
        ),
        (
            (0, -3, -14706000000),
            [
                "@ 3 days 4 hours 5 mins 6 secs ago",
                "-3 4:05:06",
                "P-3DT-4H-5M-6S",
            ],
        ),
        ((0, 0, -500000), ["@ 0.5 secs ago", "-0:00:00.5", "PT-0.5S"]),
        ((0, 0, 1000000), ["@ 1 sec", "0:00:01", "PT1S"]),
        (
            (0, 1, -1000000),
            ["@ 1 day -1 sec", "+0-0 +1 -0:00:01", "P1DT-1S"],
        ),
        (
            (-14, 3, 14706000000),
            [
                "@ 1 year 2 mons -3 days -4 hours -5 mins -6 secs ago",
                "-1-2 +3 +4:05:06",
                "P-1Y-2M3DT4H5M6S",
            ],
        ),
        (
            (14, -3, -14706789000),
            [
                "@ 1 year 2 mons -3 days -4 hours -5 mins -6.789 secs",
                "+1-2 -3 -4:05:06.789",
                "P1Y2M-3DT-4H-5M-6.789S",
            ],
        ),
        (
            (1, 1, 3600000000),
            ["@ 1 mon 1 day 1 hour", "+0-1 +1 +1:00:00", "P1M1DT1H"],
        ),
        ((0, 0, -1000000), ["@ 1 sec ago", "-0:00:01", "PT-1S"]),
        (
            (0, 0, 359999000001),
            [
                "@ 99 hours 59 mins 59.000001 secs",
                "99:59:59.000001",
                "PT99H59M59.000001S",
            ],
        ),
        (
            (12, 0, 60000000),
            ["@ 1 year 1 min", "+1-0 +0 +0:01:00", "P1YT1M"],
        ),
        (
            (0, -1, 500000),
            ["@ 1 day -0.5 secs ago", "+0-0 -1 +0:00:00.5", "P-1DT0.5S"],
        ),
        (
            (-1, 0, -60000000),
            ["@ 1 mon 1 min ago", "-0-1 +0 -0:01:00", "P-1MT-1M"],
        ),
    ];

    #[test]
    fn intervals_read_in_every_style() {
        let styles = ["postgres_verbose", "sql_standard", "iso_8601"];
        for ((months, days, micros), wanted) in CASES {
            for (style, wanted) in styles.iter().zip(wanted) {
                let mut out = BytesMut::new();
                write_interval(
                    IntervalStyle::named(style),
                    *months,
                    *days,
                    *micros,
                    &mut out,
                );
                let text = String::from_utf8(out.to_vec()).unwrap();
                assert_eq!(text, *wanted, "{months} {days} {micros} in {style}");
            }
        }
    }
}
