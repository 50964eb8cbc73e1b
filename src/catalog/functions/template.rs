//! Templates of `to_char`, `to_timestamp` and `to_date`: how PostgreSQL cuts them into patterns.

pub(super) mod number;
pub(super) mod read;
pub(super) mod write;

/// The patterns of dates and times. Of two that begin alike the longer stands first.
const PATTERNS: [&str; 51] = [
    "A.D.", "A.M.", "AD", "AM", "B.C.", "BC", "CC", "DAY", "DDD", "DD", "DY", "D", "FF1", "FF2",
    "FF3", "FF4", "FF5", "FF6", "FX", "HH24", "HH12", "HH", "IDDD", "ID", "IW", "IYYY", "IYY",
    "IY", "I", "J", "MI", "MM", "MONTH", "MON", "MS", "OF", "P.M.", "PM", "Q", "RM", "SSSSS",
    "SSSS", "SS", "TZH", "TZM", "TZ", "US", "WW", "W", "Y,YYY", "YYYY",
];

/// The rest of them: a constant's list has a length.
const SHORT_YEARS: [&str; 3] = ["YYY", "YY", "Y"];

/// How a pattern that stands for letters was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Upper,
    Lower,
    Title,
}

/// One piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Pattern {
        /// In capitals.
        name: &'static str,
        case: Case,
        /// `FM` stands in front of it: no blanks, no leading zeros.
        is_bare: bool,
        /// An ordinal ending behind it, in capitals or not.
        ordinal: Option<Case>,
    },
    Text(char),
    /// A character inside quotation marks or behind a backslash.
    Quoted(char),
}

fn pattern_at(rest: &str) -> Option<(&'static str, Case)> {
    PATTERNS.iter().chain(&SHORT_YEARS).find_map(|name| {
        let given = rest.get(..name.len())?;
        if !given.eq_ignore_ascii_case(name) {
            return None;
        }
        let letters: Vec<char> = given.chars().filter(char::is_ascii_alphabetic).collect();
        let is_upper = letters.iter().all(char::is_ascii_uppercase);
        let is_lower = letters.iter().all(char::is_ascii_lowercase);
        let is_title = letters.first().is_some_and(char::is_ascii_uppercase)
            && letters.iter().skip(1).all(char::is_ascii_lowercase);
        match *name {
            _ if is_upper => Some((*name, Case::Upper)),
            _ if is_lower => Some((*name, Case::Lower)),
            "MONTH" | "MON" | "DAY" | "DY" if is_title => Some((*name, Case::Title)),
            _ => None,
        }
    })
}

/// Cuts a template into pieces.
pub(super) fn pieces(template: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some(first) = rest.chars().next() {
        let mut is_bare = false;
        let mut ahead = rest;
        // Names in the language of the client are not padded either.
        while let Some("FM" | "fm" | "TM" | "tm") = ahead.get(..2) {
            is_bare = true;
            ahead = &ahead[2..];
        }
        if let Some((name, case)) = pattern_at(ahead) {
            ahead = &ahead[name.len()..];
            let ordinal = match ahead.get(..2) {
                Some("TH") => Some(Case::Upper),
                Some("th") => Some(Case::Lower),
                _ => None,
            };
            if ordinal.is_some() || ahead.starts_with("SP") {
                ahead = &ahead[2..];
            }
            pieces.push(Piece::Pattern {
                name,
                case,
                is_bare,
                ordinal,
            });
            rest = ahead;
            continue;
        }
        if ahead.len() < rest.len() {
            rest = ahead;
            continue;
        }
        rest = &rest[first.len_utf8()..];
        match first {
            '"' => {
                while let Some(next) = rest.chars().next() {
                    rest = &rest[next.len_utf8()..];
                    match next {
                        '"' => break,
                        '\\' => {
                            if let Some(escaped) = rest.chars().next() {
                                rest = &rest[escaped.len_utf8()..];
                                pieces.push(Piece::Quoted(escaped));
                            }
                        }
                        next => pieces.push(Piece::Quoted(next)),
                    }
                }
            }
            '\\' if rest.starts_with('"') => {
                rest = &rest[1..];
                pieces.push(Piece::Quoted('"'));
            }
            other => pieces.push(Piece::Text(other)),
        }
    }
    pieces
}

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub(super) const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// Months in Roman numerals.
pub(super) const ROMAN: [&str; 12] = [
    "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII",
];

/// The ending of an ordinal number.
pub(super) fn ordinal(number: &str, case: Case) -> &'static str {
    let digits: Vec<u8> = number.bytes().filter(u8::is_ascii_digit).collect();
    let tens = digits.len().checked_sub(2).and_then(|at| digits.get(at));
    let ending = match (tens, digits.last()) {
        (Some(b'1'), _) => ["TH", "th"],
        (_, Some(b'1')) => ["ST", "st"],
        (_, Some(b'2')) => ["ND", "nd"],
        (_, Some(b'3')) => ["RD", "rd"],
        _ => ["TH", "th"],
    };
    ending[usize::from(case != Case::Upper)]
}
