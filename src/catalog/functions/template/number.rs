//! Numbers as text by a template, and back: `to_char(number, text)`, `to_number`.

use super::{Case, ordinal};
use crate::proxy::postgres::error::SqlError;

/// One piece of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Nine,
    Zero,
    Point,
    Group,
    Sign,
    Minus,
    Plus,
    PlusMinus,
    Ordinal(Case),
    Currency,
    Text(char),
}

/// A template for numbers.
#[derive(Debug, Default)]
struct Template {
    pieces: Vec<Piece>,
    is_bare: bool,
    /// `PR`: negative numbers in angle brackets.
    is_bracketed: bool,
    roman: Option<Case>,
    exponent: bool,
    /// Digit places in front of the point and behind it.
    before: usize,
    after: usize,
    /// Places that `V` shifts the number by.
    shift: usize,
    /// Among the places in front of the point the first, behind it the last, that is filled with zeros.
    zero_from: Option<usize>,
    zero_to: usize,
}

fn twice(what: &str) -> SqlError {
    SqlError::new("42601", format!("multiple {what}"))
}

impl Template {
    fn read(template: &str) -> Result<Self, SqlError> {
        let mut read = Self::default();
        let (mut has_point, mut has_shift) = (false, false);
        let mut rest = template;
        while let Some(first) = rest.chars().next() {
            let upper = rest
                .get(..4)
                .or(rest.get(..2))
                .unwrap_or(rest)
                .to_ascii_uppercase();
            let two = upper.get(..2).unwrap_or("");
            let lower = if first.is_ascii_lowercase() {
                Case::Lower
            } else {
                Case::Upper
            };
            let mut length = 2;
            match two {
                _ if upper == "EEEE" => {
                    length = 4;
                    read.exponent = true;
                }
                "FM" => read.is_bare = true,
                "MI" => read.pieces.push(Piece::Minus),
                "PL" => read.pieces.push(Piece::Plus),
                "SG" => read.pieces.push(Piece::PlusMinus),
                "PR" => read.is_bracketed = true,
                "RN" => read.roman = Some(lower),
                "TH" => read.pieces.push(Piece::Ordinal(lower)),
                _ => length = first.len_utf8(),
            }
            if length == first.len_utf8() {
                match first {
                    '9' | '0' => {
                        if has_point {
                            read.after += 1;
                            if first == '0' {
                                read.zero_to = read.after;
                            }
                        } else {
                            if first == '0' && read.zero_from.is_none() {
                                read.zero_from = Some(read.before);
                            }
                            read.before += 1;
                            read.shift += usize::from(has_shift);
                        }
                        read.pieces.push(if first == '9' {
                            Piece::Nine
                        } else {
                            Piece::Zero
                        });
                    }
                    '.' | 'D' | 'd' => {
                        if has_point {
                            return Err(twice("decimal points"));
                        }
                        if has_shift {
                            return Err(SqlError::new(
                                "42601",
                                "cannot use \"V\" and decimal point together",
                            ));
                        }
                        has_point = true;
                        read.pieces.push(Piece::Point);
                    }
                    'V' | 'v' => {
                        if has_point {
                            return Err(SqlError::new(
                                "42601",
                                "cannot use \"V\" and decimal point together",
                            ));
                        }
                        has_shift = true;
                    }
                    ',' | 'G' | 'g' => read.pieces.push(Piece::Group),
                    'S' | 's' => {
                        if read.pieces.contains(&Piece::Sign) {
                            return Err(SqlError::new("42601", "cannot use \"S\" twice"));
                        }
                        read.pieces.push(Piece::Sign);
                    }
                    'L' | 'l' => read.pieces.push(Piece::Currency),
                    'B' | 'b' | 'C' | 'c' => {}
                    '"' => {
                        let mut quoted = rest[1..].char_indices();
                        let mut end = rest.len();
                        while let Some((at, next)) = quoted.next() {
                            match next {
                                '"' => {
                                    end = at + 2;
                                    break;
                                }
                                '\\' => read
                                    .pieces
                                    .extend(quoted.next().map(|(_, c)| Piece::Text(c))),
                                next => read.pieces.push(Piece::Text(next)),
                            }
                        }
                        length = end;
                    }
                    other => read.pieces.push(Piece::Text(other)),
                }
            }
            rest = rest.get(length..).unwrap_or("");
        }
        Ok(read)
    }
}

/// A number as text. Its digits are given by `digits`, rounded to so many places behind the point.
///
/// # Errors
/// 42601 for a template that contradicts itself.
pub(in super::super) fn write(
    template: &str,
    digits: impl Fn(usize) -> String,
    value: f64,
) -> Result<String, SqlError> {
    let template = Template::read(template)?;
    if let Some(case) = template.roman {
        return Ok(roman(value, case, template.is_bare));
    }
    if template.exponent {
        return Ok(exponent(&template, value));
    }
    let number = digits(if template.shift > 0 {
        template.shift
    } else {
        template.after
    });
    let (is_negative, number) = match number.strip_prefix('-') {
        Some(number) => (
            number.bytes().any(|digit| (b'1'..=b'9').contains(&digit)),
            number,
        ),
        None => (false, number.as_str()),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let (whole, fraction) = match template.shift {
        0 => (whole.to_owned(), fraction),
        _ => (format!("{whole}{fraction}"), ""),
    };
    let whole = whole.trim_start_matches('0');
    Ok(filled(&template, is_negative, whole, fraction))
}

/// Lays digits into the places of a template. `whole` has no leading zeros.
fn filled(template: &Template, is_negative: bool, whole: &str, fraction: &str) -> String {
    let is_bare = template.is_bare;
    let is_too_long =
        whole.len() > template.before || !fraction.bytes().all(|b| b.is_ascii_digit());
    // A zero in front of the point is shown only where there is nothing else.
    let shows_zero = whole.is_empty()
        && (template.after == 0
            || (is_bare
                && fraction.bytes().all(|b| b == b'0')
                && template.zero_from.is_none()
                && template.zero_to == 0
                && template.before > 0));
    let whole = if shows_zero && template.before > 0 {
        "0"
    } else {
        whole
    };
    let unused = template.before.saturating_sub(whole.len());
    let unused = unused.min(template.zero_from.unwrap_or(usize::MAX));
    let padded = format!("{whole:0>width$}", width = template.before);
    // How many places behind the point are shown.
    let shown = match is_bare {
        true => fraction.trim_end_matches('0').len().max(template.zero_to),
        false => template.after,
    };
    let anchored_sign = match (
        template.is_bracketed,
        template.pieces.contains(&Piece::Sign),
    ) {
        (true, _) => {
            if is_negative {
                Some('<')
            } else {
                Some(' ')
            }
        }
        (false, true) => None,
        (false, false) => {
            let has_own = template
                .pieces
                .iter()
                .any(|p| matches!(p, Piece::Minus | Piece::PlusMinus));
            match (has_own, is_negative) {
                // The place of the sign is elsewhere.
                (true, _) => None,
                (false, true) => Some('-'),
                (false, false) => Some(' '),
            }
        }
    };
    let anchored_sign = anchored_sign.filter(|sign| *sign != ' ' || !is_bare);
    let leading_sign = {
        let sign = template.pieces.iter().position(|p| *p == Piece::Sign);
        let digit = template
            .pieces
            .iter()
            .position(|p| matches!(p, Piece::Nine | Piece::Zero));
        match (sign, digit) {
            (Some(sign), Some(digit)) if sign < digit => Some(if is_negative { '-' } else { '+' }),
            _ => None,
        }
    };
    let mut pending = anchored_sign.or(leading_sign);
    let mut out = String::new();
    let (mut place, mut is_behind) = (0, false);
    let places = template
        .pieces
        .iter()
        .filter(|p| matches!(p, Piece::Nine | Piece::Zero))
        .count();
    let mut left = places;
    for piece in &template.pieces {
        match piece {
            Piece::Nine | Piece::Zero => {
                left -= 1;
                let is_started = is_behind || place >= unused;
                if is_started && let Some(sign) = pending.take() {
                    out.push(sign);
                }
                let digit = match is_behind {
                    true => fraction.as_bytes().get(place),
                    false => padded.as_bytes().get(place),
                };
                if is_too_long {
                    if let Some(sign) = pending.take() {
                        out.push(sign);
                    }
                    out.push('#');
                } else if is_behind {
                    if place < shown {
                        out.push(digit.copied().map_or('0', char::from));
                    }
                } else if is_started {
                    out.push(digit.copied().map_or('0', char::from));
                } else if !is_bare {
                    out.push(' ');
                }
                place += 1;
                if left == 0 && template.is_bracketed && (is_negative || !is_bare) {
                    out.push(if is_negative { '>' } else { ' ' });
                }
            }
            Piece::Point => {
                if let Some(sign) = pending.take() {
                    out.push(sign);
                }
                out.push('.');
                (place, is_behind) = (0, true);
            }
            Piece::Group => match place > unused || (is_too_long && place > 0) {
                true => out.push(','),
                false if !is_bare => out.push(' '),
                false => {}
            },
            Piece::Sign => {
                if leading_sign.is_none() {
                    out.push(if is_negative { '-' } else { '+' });
                }
            }
            Piece::Minus => match (is_negative, is_bare) {
                (true, _) => out.push('-'),
                (false, false) => out.push(' '),
                (false, true) => {}
            },
            Piece::Plus => match (is_negative, is_bare) {
                (false, _) => out.push('+'),
                (true, false) => out.push(' '),
                (true, true) => {}
            },
            Piece::PlusMinus => out.push(if is_negative { '-' } else { '+' }),
            Piece::Ordinal(case) => {
                if !is_negative && template.after == 0 && !is_too_long {
                    out.push_str(ordinal(whole, *case));
                }
            }
            Piece::Currency => {
                if !is_bare {
                    out.push(' ');
                }
            }
            Piece::Text(text) => out.push(*text),
        }
    }
    out
}

fn roman(value: f64, case: Case, is_bare: bool) -> String {
    const NUMERALS: [(u32, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    let number = value.round_ties_even();
    if !(1.0..4000.0).contains(&number) {
        return "#".repeat(15);
    }
    let mut rest = number as u32;
    let mut text = String::new();
    for (worth, numeral) in NUMERALS {
        while rest >= worth {
            text.push_str(numeral);
            rest -= worth;
        }
    }
    if case == Case::Lower {
        text.make_ascii_lowercase();
    }
    if is_bare { text } else { format!("{text:>15}") }
}

fn exponent(template: &Template, value: f64) -> String {
    if !value.is_finite() {
        return format!(" #.{}", "#".repeat(template.after + 4));
    }
    let text = format!("{:.*e}", template.after, value);
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let sign = if exponent.starts_with('-') { '-' } else { '+' };
    let exponent = exponent.trim_start_matches('-');
    let blank = if value < 0.0 { "" } else { " " };
    format!("{blank}{mantissa}e{sign}{exponent:0>2}")
}

/// Digits behind the point that a template reads.
pub(in super::super) fn scale(template: &str) -> u32 {
    let after = Template::read(template).map_or(0, |template| template.after.max(template.shift));
    u32::try_from(after.min(18)).unwrap_or(0)
}

/// Reads a number: its digits, in the given scale.
///
/// # Errors
/// 22P02 for a text without a number, 22003 for too many digits.
pub(in super::super) fn read(text: &str, template: &str, scale: u32) -> Result<i128, SqlError> {
    let template = Template::read(template)?;
    let mut rest = text.trim_start().chars().peekable();
    let (mut digits, mut is_negative, mut behind) = (String::new(), false, None::<usize>);
    let take_sign = |rest: &mut std::iter::Peekable<std::str::Chars<'_>>,
                     is_negative: &mut bool| {
        while rest.next_if(|c| *c == ' ').is_some() {}
        if let Some(sign) = rest.next_if(|c| matches!(c, '-' | '+' | '<')) {
            *is_negative |= sign != '+';
        }
    };
    for piece in &template.pieces {
        match piece {
            Piece::Nine | Piece::Zero => {
                if digits.is_empty() {
                    take_sign(&mut rest, &mut is_negative);
                }
                if behind.is_none() && template.after > 0 && rest.next_if_eq(&'.').is_some() {
                    behind = Some(0);
                }
                if let Some(digit) = rest.next_if(char::is_ascii_digit) {
                    digits.push(digit);
                    behind = behind.map(|places| places + 1);
                }
            }
            Piece::Point => {
                if behind.is_none() && rest.next_if_eq(&'.').is_some() {
                    behind = Some(0);
                }
            }
            Piece::Group => {
                rest.next_if_eq(&',');
            }
            Piece::Sign | Piece::Minus | Piece::Plus | Piece::PlusMinus => {
                take_sign(&mut rest, &mut is_negative)
            }
            Piece::Ordinal(_) => {
                rest.next();
                rest.next();
            }
            Piece::Currency => {
                rest.next_if(|c| !c.is_ascii_digit());
            }
            Piece::Text(_) => {
                rest.next_if(|c| !c.is_ascii_digit() && !matches!(c, '-' | '+' | '.' | ','));
            }
        }
    }
    if digits.is_empty() {
        return Err(SqlError::new(
            "22P02",
            "invalid input syntax for type numeric: \" \"",
        ));
    }
    let overflow = || SqlError::new("22003", "value overflows numeric format");
    let places = behind.unwrap_or(0) + template.shift;
    let mut number: i128 = digits.parse().map_err(|_| overflow())?;
    let wanted = usize::try_from(scale).unwrap_or(0);
    let power = |places: usize| {
        u32::try_from(places)
            .ok()
            .and_then(|places| 10i128.checked_pow(places))
    };
    number = match wanted.checked_sub(places) {
        Some(more) => power(more)
            .and_then(|power| number.checked_mul(power))
            .ok_or_else(overflow)?,
        None => number / power(places - wanted).ok_or_else(overflow)?,
    };
    Ok(if is_negative { -number } else { number })
}
