//! Numbers with units, as parameters take and show them.

/// What a number counts when it names no unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Nothing in particular.
    None,
    /// Milliseconds.
    Ms,
    /// 1,024 bytes.
    Kb,
    /// Pages of 8,192 bytes.
    Pages,
    /// Seconds.
    S,
}

/// Names of amounts of time, largest first, in microseconds.
const TIMES: [(&str, u64); 6] = [
    ("d", 86_400_000_000),
    ("h", 3_600_000_000),
    ("min", 60_000_000),
    ("s", 1_000_000),
    ("ms", 1_000),
    ("us", 1),
];
/// Names of amounts of memory, largest first, in bytes.
const SIZES: [(&str, u64); 5] = [
    ("TB", 1 << 40),
    ("GB", 1 << 30),
    ("MB", 1 << 20),
    ("kB", 1 << 10),
    ("B", 1),
];

impl Unit {
    /// As `pg_settings.unit` says it.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Ms => Some("ms"),
            Self::S => Some("s"),
            Self::Kb => Some("kB"),
            Self::Pages => Some("8kB"),
        }
    }

    /// The named amounts of its kind, and how many of the smallest it is.
    fn scale(self) -> (&'static [(&'static str, u64)], u64) {
        match self {
            Self::None => (&[], 1),
            Self::Ms => (&TIMES, 1_000),
            Self::S => (&TIMES, 1_000_000),
            Self::Kb => (&SIZES, 1 << 10),
            Self::Pages => (&SIZES, 8 << 10),
        }
    }

    fn hint(self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Ms | Self::S => Some(
                "Valid units for this parameter are \"us\", \"ms\", \"s\", \"min\", \"h\", and \"d\"."
                    .to_owned(),
            ),
            Self::Kb | Self::Pages => Some(
                "Valid units for this parameter are \"B\", \"kB\", \"MB\", \"GB\", and \"TB\"."
                    .to_owned(),
            ),
        }
    }
}

/// A whole number in `unit`: a number, rounded, and another unit if it names one. The error is a hint, if there is any.
pub(super) fn integer(text: &str, unit: Unit) -> Result<i32, Option<String>> {
    let text = text.trim();
    let (number, name) = split(text);
    let number = number.ok_or(None)?;
    let (named, base) = unit.scale();
    let number = match name {
        "" => number,
        name => {
            let known = named.iter().find(|(known, _)| *known == name);
            let (_, amount) = known.ok_or_else(|| unit.hint())?;
            number * *amount as f64 / base as f64
        }
    };
    let number = number.round_ties_even();
    if !(f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&number) {
        return Err(Some("Value exceeds integer range.".to_owned()));
    }
    Ok(number as i32)
}

/// The number at the front of a text, and what stands behind it.
fn split(text: &str) -> (Option<f64>, &str) {
    let bare = text.trim_start_matches(['-', '+']);
    if let Some(digits) = bare.strip_prefix("0x").or_else(|| bare.strip_prefix("0X")) {
        let number = i64::from_str_radix(digits, 16).ok();
        let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
        return (number.map(|number| sign * number as f64), "");
    }
    // An exponent is part of the number; any other letter begins the unit.
    let letter = |(at, c): (usize, char)| {
        let rest = text.get(at + 1..).unwrap_or_default();
        let is_exponent = matches!(c, 'e' | 'E')
            && rest
                .trim_start_matches(['-', '+'])
                .starts_with(|c: char| c.is_ascii_digit());
        (c.is_ascii_alphabetic() && !is_exponent).then_some(at)
    };
    let at = text.char_indices().find_map(letter).unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let number = number
        .trim_end()
        .parse()
        .ok()
        .filter(|n: &f64| n.is_finite());
    (number, unit)
}

/// A number with the largest unit that it is a whole number of, as PostgreSQL shows it.
pub(super) fn shown(number: i32, unit: Unit) -> String {
    let (named, base) = unit.scale();
    let Some(amount) = u64::try_from(number).ok().filter(|number| *number > 0) else {
        return number.to_string();
    };
    let amount = amount * base;
    match named.iter().find(|(_, size)| amount.is_multiple_of(*size)) {
        Some((name, size)) => format!("{}{name}", amount / size),
        None => number.to_string(),
    }
}

/// A number without more digits than it has, to six of them.
pub(super) fn shown_real(number: f64) -> String {
    let exponent = number.abs().log10().floor();
    if number == 0.0 {
        return "0".to_owned();
    }
    if !(-5.0..6.0).contains(&exponent) {
        let text = format!("{number:.5e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let digits = digits.trim_end_matches('0').trim_end_matches('.');
        let (sign, exponent) = match exponent.strip_prefix('-') {
            Some(exponent) => ('-', exponent),
            None => ('+', exponent),
        };
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    let decimals = (5.0 - exponent).max(0.0) as usize;
    let text = format!("{number:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_take_units_and_are_shown_in_the_largest() {
        for (text, unit, expected) in [
            ("1.5MB", Unit::Kb, "1536kB"),
            ("100", Unit::Pages, "800kB"),
            ("4GB", Unit::Pages, "4GB"),
            ("0x10", Unit::None, "16"),
            ("1e3", Unit::Ms, "1s"),
            ("5 min", Unit::Ms, "5min"),
            ("-1", Unit::Kb, "-1"),
            ("0", Unit::Ms, "0"),
            ("90", Unit::S, "90s"),
            ("500us", Unit::Ms, "0"),
        ] {
            let number = integer(text, unit);
            assert_eq!(
                number.map(|n| shown(n, unit)),
                Ok(expected.to_owned()),
                "{text}"
            );
        }
        assert_eq!(integer("x", Unit::Ms), Err(None));
        assert!(integer("3 parsecs", Unit::Ms).is_err_and(|hint| hint.is_some()));
        assert!(integer("3000000000", Unit::None).is_err_and(|hint| hint.is_some()));
    }

    #[test]
    fn real_numbers_have_six_digits() {
        for (number, expected) in [
            (0.0, "0"),
            (1.5, "1.5"),
            (0.0025, "0.0025"),
            (100_000.0, "100000"),
            (1_000_000.0, "1e+06"),
            (f64::MAX, "1.79769e+308"),
            (-1.0, "-1"),
        ] {
            assert_eq!(shown_real(number), expected);
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,12}") {
            let _ = (integer(&text, Unit::Ms), integer(&text, Unit::Pages));
        }

        #[test]
        fn what_is_shown_is_read_back(number in any::<i32>()) {
            for unit in [Unit::None, Unit::Ms, Unit::S, Unit::Kb, Unit::Pages] {
                prop_assert_eq!(integer(&shown(number, unit), unit), Ok(number));
            }
        }
    }
}
