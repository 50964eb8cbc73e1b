//! Dates and times as text. The expensive part of a timestamp is everything above the second (calendar, zone), so
//! it is formatted once per second and reused: neighbouring rows mostly share it.

use super::digits::{FRACTION_BYTES, put_fraction};
use super::zone::Zone;
use bytes::BytesMut;

/// Microseconds in a second.
pub(super) const MICROS: i64 = 1_000_000;
/// Seconds in a day.
pub(super) const DAY_S: i64 = 86_400;
/// Days between 1970-01-01 and PostgreSQL's epoch, 2000-01-01.
pub(super) const EPOCH_DAYS: i64 = 10_957;

/// Bytes of a timestamp of our time, behind its length, with room to write its parts in whole pieces.
pub(super) const STAMP_CELL_BYTES: usize = 4 + HEAD_BYTES + FRACTION_BYTES + TAIL_BYTES;
const HEAD_BYTES: usize = 24;
const TAIL_BYTES: usize = 12;

/// `00` to `99`, two bytes each.
const PAIRS: [u8; 200] = {
    let mut pairs = [0; 200];
    let mut n = 0;
    while n < 100 {
        pairs[n * 2] = b'0' + (n / 10) as u8;
        pairs[n * 2 + 1] = b'0' + (n % 10) as u8;
        n += 1;
    }
    pairs
};

/// Two decimal digits of `n % 100`.
fn pair(n: i64) -> &'static [u8] {
    let at = n.rem_euclid(100) as usize * 2;
    &PAIRS[at..at + 2]
}

/// A short text on the stack.
#[derive(Debug, Clone, Copy)]
struct Short {
    bytes: [u8; 40],
    len: usize,
}

impl Short {
    const EMPTY: Self = Self {
        bytes: [0; 40],
        len: 0,
    };

    /// Appends as much as there is room for; callers stay below 40 bytes.
    fn push(&mut self, text: &[u8]) {
        let end = (self.len + text.len()).min(self.bytes.len());
        self.bytes[self.len..end].copy_from_slice(&text[..end - self.len]);
        self.len = end;
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Year (0 is 1 BC), month and day of a day counted from 1970-01-01 in the proleptic Gregorian calendar.
/// Eras of 400 years begin on 1 March, so that the leap day is the last of a year.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Pushes `YYYY-MM-DD`, years counted from 1; returns whether the year is before Christ.
fn push_date(days: i64, out: &mut Short) -> bool {
    let (year, month, day) = civil(days);
    let bc = year <= 0;
    let shown = if bc { 1 - year } else { year };
    if shown < 10_000 {
        out.push(pair(shown / 100));
        out.push(pair(shown));
    } else {
        out.push(itoa::Buffer::new().format(shown).as_bytes());
    }
    for part in [month, day] {
        out.push(b"-");
        out.push(pair(part));
    }
    bc
}

/// Pushes `HH:MM:SS` of a second within a day; 86400 is `24:00:00`.
fn push_clock(second: i64, out: &mut Short) {
    let mut text = *b"00:00:00";
    text[..2].copy_from_slice(pair(second / 3600));
    text[3..5].copy_from_slice(pair(second / 60 % 60));
    text[6..].copy_from_slice(pair(second % 60));
    out.push(&text);
}

/// Appends a fraction of a second without trailing zeros: nothing, `.5`, `.123456`.
pub(super) fn write_fraction(micros: i64, out: &mut BytesMut) {
    if micros == 0 {
        return;
    }
    let mut text = [b'.', 0, 0, 0, 0, 0, 0];
    text[1..3].copy_from_slice(pair(micros / 10_000));
    text[3..5].copy_from_slice(pair(micros / 100));
    text[5..7].copy_from_slice(pair(micros));
    let len = text
        .iter()
        .rposition(|digit| *digit != b'0')
        .map_or(0, |last| last + 1);
    out.extend_from_slice(&text[..len]);
}

/// Appends a day counted from 1970-01-01; the ends of the range are the infinities.
pub(super) fn write_date(days: i64, out: &mut BytesMut) {
    let mut text = Short::EMPTY;
    if push_date(days, &mut text) {
        text.push(b" BC");
    }
    out.extend_from_slice(text.as_bytes());
}

/// Appends a time of day in microseconds, at most 24 hours.
pub(super) fn write_time(micros: i64, out: &mut BytesMut) {
    let mut text = Short::EMPTY;
    push_clock(micros / MICROS, &mut text);
    out.extend_from_slice(text.as_bytes());
    write_fraction(micros % MICROS, out);
}

/// Formats the timestamps of one column.
#[derive(Debug)]
pub(super) struct TimestampWriter {
    /// `None`: the column has no time zone, values are printed as they are.
    zone: Option<Zone>,
    /// The zone's offset and the seconds (first, end) for which it holds.
    offset: (i64, i64, i32),
    /// The second that `head` belongs to.
    second: Option<i64>,
    /// The local day and the offset that `tail` and the date in `head` belong to.
    day: Option<(i64, Option<i32>)>,
    head: Short,
    /// Length of the date and the space in `head`.
    date_len: usize,
    tail: Short,
}

impl TimestampWriter {
    pub(super) fn new(zone: Option<Zone>) -> Self {
        Self {
            zone,
            offset: (0, 0, 0),
            second: None,
            day: None,
            head: Short::EMPTY,
            date_len: 0,
            tail: Short::EMPTY,
        }
    }

    /// Appends the instant `second` (Unix time) plus `micros` (0 to 999,999).
    pub(super) fn write(&mut self, second: i64, micros: i64, out: &mut BytesMut) {
        if self.second != Some(second) {
            self.format(second);
        }
        out.extend_from_slice(self.head.as_bytes());
        write_fraction(micros, out);
        out.extend_from_slice(self.tail.as_bytes());
    }

    /// Writes to the front of `to` what [`write`](Self::write) appends, and returns its length; `None` if it is longer
    /// than a timestamp of our time.
    ///
    /// # Panics
    /// If `to` is shorter than a cell without its length.
    pub(super) fn put(&mut self, second: i64, micros: i64, to: &mut [u8]) -> Option<usize> {
        if self.second != Some(second) {
            self.format(second);
        }
        if self.head.len > HEAD_BYTES || self.tail.len > TAIL_BYTES {
            return None;
        }
        to[..HEAD_BYTES].copy_from_slice(&self.head.bytes[..HEAD_BYTES]);
        let mut at = self.head.len;
        if micros != 0 {
            at += put_fraction(micros.unsigned_abs(), &mut to[at..]);
        }
        to[at..at + TAIL_BYTES].copy_from_slice(&self.tail.bytes[..TAIL_BYTES]);
        Some(at + self.tail.len)
    }

    fn format(&mut self, second: i64) {
        let offset = self.zone.map(|zone| self.offset_s(zone, second));
        let local = second.saturating_add(i64::from(offset.unwrap_or(0)));
        let day = local.div_euclid(DAY_S);
        if self.day != Some((day, offset)) {
            self.head = Short::EMPTY;
            self.tail = Short::EMPTY;
            let bc = push_date(day, &mut self.head);
            self.head.push(b" ");
            self.date_len = self.head.len;
            if let Some(offset) = offset {
                push_offset(offset, &mut self.tail);
            }
            if bc {
                self.tail.push(b" BC");
            }
            self.day = Some((day, offset));
        }
        self.head.len = self.date_len;
        push_clock(local.rem_euclid(DAY_S), &mut self.head);
        self.second = Some(second);
    }

    /// A look into the zone database costs more than the rest of a timestamp. A day whose two ends have one offset
    /// has it throughout.
    fn offset_s(&mut self, zone: Zone, second: i64) -> i32 {
        let (from, end, offset) = self.offset;
        if (from..end).contains(&second) {
            return offset;
        }
        let from = second.saturating_sub(second.rem_euclid(DAY_S));
        let end = from.saturating_add(DAY_S);
        let offset = zone.offset_s(from);
        if offset != zone.offset_s(end) {
            return zone.offset_s(second);
        }
        self.offset = (from, end, offset);
        offset
    }
}

/// `+00`, `+05:30`, `-00:53:28`.
fn push_offset(offset_s: i32, out: &mut Short) {
    let offset = i64::from(offset_s);
    out.push(if offset < 0 { b"-" } else { b"+" });
    let (hours, minutes, seconds) = (
        offset.abs() / 3600,
        offset.abs() / 60 % 60,
        offset.abs() % 60,
    );
    // A fixed zone may lie more than 99 hours away.
    if hours < 100 {
        out.push(pair(hours));
    } else {
        out.push(itoa::Buffer::new().format(hours).as_bytes());
    }
    if minutes != 0 || seconds != 0 {
        out.push(b":");
        out.push(pair(minutes));
    }
    if seconds != 0 {
        out.push(b":");
        out.push(pair(seconds));
    }
}

/// Appends an interval in PostgreSQL's own style: `1 year 2 mons 3 days 04:05:06.789`. After a negative part a
/// positive one carries its sign.
pub(super) fn write_interval(months: i32, days: i32, micros: i64, out: &mut BytesMut) {
    let start = out.len();
    let mut after_negative = false;
    for (value, unit) in [(months / 12, "year"), (months % 12, "mon"), (days, "day")] {
        if value == 0 {
            continue;
        }
        if out.len() > start {
            out.extend_from_slice(b" ");
        }
        if after_negative && value > 0 {
            out.extend_from_slice(b"+");
        }
        out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
        out.extend_from_slice(b" ");
        out.extend_from_slice(unit.as_bytes());
        if value != 1 {
            out.extend_from_slice(b"s");
        }
        after_negative = value < 0;
    }
    if micros == 0 && out.len() > start {
        return;
    }
    if out.len() > start {
        out.extend_from_slice(b" ");
    }
    if micros < 0 {
        out.extend_from_slice(b"-");
    } else if after_negative {
        out.extend_from_slice(b"+");
    }
    let (seconds, fraction) = ((micros / MICROS).abs(), (micros % MICROS).abs());
    let mut text = Short::EMPTY;
    let hours = seconds / 3600;
    if hours < 100 {
        text.push(pair(hours));
    } else {
        text.push(itoa::Buffer::new().format(hours).as_bytes());
    }
    text.push(b":");
    text.push(pair(seconds / 60 % 60));
    text.push(b":");
    text.push(pair(seconds % 60));
    out.extend_from_slice(text.as_bytes());
    write_fraction(fraction, out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, Datelike};
    use proptest::prelude::*;

    fn text(write: impl FnOnce(&mut BytesMut)) -> String {
        let mut out = BytesMut::new();
        write(&mut out);
        String::from_utf8(out.to_vec()).unwrap()
    }

    fn stamp(zone: Option<&str>, second: i64, micros: i64) -> String {
        let zone = zone.map(|name| name.parse().unwrap());
        text(|out| TimestampWriter::new(zone).write(second, micros, out))
    }

    #[test]
    fn timestamps_read_as_postgresql_prints_them() {
        for (zone, second, micros, expected) in [
            (
                Some("UTC"),
                1_795_514_400,
                123_456,
                "2026-11-24 10:00:00.123456+00",
            ),
            (
                Some("Asia/Kolkata"),
                1_795_514_400,
                120_000,
                "2026-11-24 15:30:00.12+05:30",
            ),
            (Some("-3.5"), 1_577_836_800, 0, "2019-12-31 20:30:00-03:30"),
            (
                Some("Europe/Berlin"),
                -5_364_662_400,
                0,
                "1800-01-01 00:53:28+00:53:28",
            ),
            (
                Some("Europe/Berlin"),
                -62_167_219_200,
                0,
                "0001-01-01 00:53:28+00:53:28 BC",
            ),
            (None, 327_403_382_400, 5, "12345-01-01 00:00:00.000005"),
            (None, -1, 999_999, "1969-12-31 23:59:59.999999"),
        ] {
            assert_eq!(stamp(zone, second, micros), expected);
        }
    }

    #[test]
    fn a_column_crosses_seconds_days_and_the_change_of_summer_time() {
        let mut writer = TimestampWriter::new(Some("Europe/Berlin".parse().unwrap()));
        let lines: Vec<String> = [
            1_774_745_999,
            1_774_745_999,
            1_774_746_000,
            1_774_832_400,
            1_774_659_600,
        ]
        .map(|second| text(|out| writer.write(second, 0, out)))
        .into();
        assert_eq!(
            lines,
            [
                "2026-03-29 01:59:59+01",
                "2026-03-29 01:59:59+01",
                "2026-03-29 03:00:00+02",
                "2026-03-30 03:00:00+02",
                "2026-03-28 02:00:00+01"
            ]
        );
    }

    #[test]
    fn dates_and_times_read_as_postgresql_prints_them() {
        assert_eq!(text(|out| write_date(EPOCH_DAYS, out)), "2000-01-01");
        assert_eq!(text(|out| write_date(-735_160, out)), "0044-03-15 BC");
        assert_eq!(text(|out| write_time(3_723_450_000, out)), "01:02:03.45");
        assert_eq!(text(|out| write_time(DAY_S * MICROS, out)), "24:00:00");
    }

    #[test]
    fn intervals_read_as_postgresql_prints_them() {
        const CLOCK: i64 = 14_706_000_000;
        for (months, days, micros, expected) in [
            (14, 3, 14_706_789_000, "1 year 2 mons 3 days 04:05:06.789"),
            (-12, 2, 0, "-1 years +2 days"),
            (-14, 0, 0, "-1 years -2 mons"),
            (0, 1, -CLOCK, "1 day -04:05:06"),
            (0, -1, CLOCK, "-1 days +04:05:06"),
            (0, 0, 0, "00:00:00"),
            (0, 0, -500_000, "-00:00:00.5"),
            (1, -1, 0, "1 mon -1 days"),
            (0, 0, 108_000_000_000, "30:00:00"),
            (-13, 1, 0, "-1 years -1 mons +1 day"),
            (0, 0, 3_600_000_000_000, "1000:00:00"),
        ] {
            assert_eq!(
                text(|out| write_interval(months, days, micros, out)),
                expected
            );
        }
        assert!(
            text(|out| write_interval(i32::MIN, i32::MIN, i64::MIN, out))
                .starts_with("-178956970 years")
        );
    }

    proptest! {
        #[test]
        fn timestamps_round_trip(second in -62_135_596_800_i64..253_402_300_800, micros in 0_i64..1_000_000) {
            let printed = stamp(Some("America/St_Johns"), second, micros);
            // Old offsets have seconds, which the reader below does not know.
            let whole_minutes = Zone::Named(chrono_tz::America::St_Johns).offset_s(second) % 60 == 0;
            if whole_minutes && DateTime::from_timestamp(second, 0).unwrap().year() > 1 {
                let read = DateTime::parse_from_str(&printed, "%Y-%m-%d %H:%M:%S%.f%#z").unwrap();
                prop_assert_eq!(read.timestamp_micros(), second * MICROS + micros);
            }
        }

        #[test]
        fn timestamps_read_the_same_in_a_cell(second: i64, shift in 0_u32..64, micros in 0_i64..1_000_000) {
            let second = second >> shift;
            for zone in ["UTC", "Asia/Kathmandu", "-167"] {
                let mut cell = [0; STAMP_CELL_BYTES - 4];
                let mut writer = TimestampWriter::new(Some(zone.parse().unwrap()));
                if let Some(len) = writer.put(second, micros, &mut cell) {
                    prop_assert_eq!(std::str::from_utf8(&cell[..len]).unwrap(), stamp(Some(zone), second, micros));
                } else {
                    prop_assert!(stamp(Some(zone), second, 0).len() > 22);
                }
            }
        }

        #[test]
        fn no_second_panics(second: i64, micros in 0_i64..1_000_000) {
            for zone in ["UTC", "Asia/Kathmandu", "-167"] {
                prop_assert!(stamp(Some(zone), second, micros).len() > 20);
            }
        }
    }
}
