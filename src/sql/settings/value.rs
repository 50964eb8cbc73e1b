//! What parameters take, and the one form in which each value is kept and shown.

use super::number::{self, Unit};
use crate::sql::charset::Charset;
use crate::sql::encode::zone::Zone;
use crate::sql::sqlstate::SqlError;

/// Longest application name, in bytes; PostgreSQL's `NAMEDATALEN` less one.
const APPLICATION_NAME_BYTES_MAX: usize = 63;
/// Longest value of a free text, in bytes.
const TEXT_BYTES_MAX: usize = 1_000;

/// The type of what the server says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Bool,
    Integer,
    Text,
}

/// What a parameter takes.
#[derive(Debug)]
pub(super) enum Kind {
    /// Nothing: the server says it.
    Fixed(Type),
    /// A truth value.
    Bool,
    /// Only this truth value: the other one would be a promise that cannot be kept.
    Always(bool),
    /// One of these, in any case.
    OneOf(&'static [&'static str]),
    /// A whole number.
    Integer {
        /// The smallest.
        min: i32,
        /// The largest.
        max: i32,
        /// What it counts.
        unit: Unit,
    },
    /// A number.
    Real {
        /// The smallest.
        min: f64,
        /// The largest.
        max: f64,
    },
    /// Any short text.
    Text,
    /// Any text; shortened to what the column takes.
    ApplicationName,
    /// A list of schemas.
    SearchPath,
    /// ISO, with an order of day and month that cannot be mistaken for another.
    DateStyle,
    /// A character set.
    Encoding,
    /// A time zone.
    TimeZone,
}

impl Kind {
    /// Whether SET may give several values.
    pub fn is_list(&self) -> bool {
        matches!(self, Self::SearchPath | Self::DateStyle)
    }

    /// `pg_settings.vartype`.
    pub fn vartype(&self) -> &'static str {
        match self {
            Self::Fixed(Type::Bool) | Self::Bool | Self::Always(_) => "bool",
            Self::Fixed(Type::Integer) | Self::Integer { .. } => "integer",
            Self::Real { .. } => "real",
            Self::OneOf(_) => "enum",
            _ => "string",
        }
    }

    /// The form in which `value` is kept.
    ///
    /// # Errors
    /// 22023, with what is taken as a hint; 55P02 for a parameter that cannot be set.
    pub fn accept(&self, name: &str, value: &str) -> Result<String, SqlError> {
        let refused = || {
            let message = format!("invalid value for parameter \"{name}\": \"{value}\"");
            SqlError::new("22023", message)
        };
        let truth = || {
            boolean(value).ok_or_else(|| {
                let message = format!("parameter \"{name}\" requires a Boolean value");
                SqlError::new("22023", message)
            })
        };
        match self {
            Self::Fixed(_) => {
                let message = format!("parameter \"{name}\" cannot be changed");
                Err(SqlError::new("55P02", message))
            }
            Self::Bool => truth().map(|on| on_off(on).to_owned()),
            Self::Always(only) => match truth()? {
                wanted if wanted == *only => Ok(on_off(wanted).to_owned()),
                _ => Err(refused().with_hint(format!("Available values: {}.", on_off(*only)))),
            },
            Self::OneOf(values) => {
                let spelled = match boolean(value) {
                    Some(true) if values.contains(&"on") => "on",
                    Some(false) if values.contains(&"off") => "off",
                    _ => value,
                };
                let found = values.iter().find(|v| v.eq_ignore_ascii_case(spelled));
                found.map(|v| (*v).to_owned()).ok_or_else(|| {
                    refused().with_hint(format!("Available values: {}.", values.join(", ")))
                })
            }
            Self::Integer { min, max, unit } => {
                let number = number::integer(value, *unit).map_err(|hint| match hint {
                    Some(hint) => refused().with_hint(hint),
                    None => refused(),
                })?;
                if !(*min..=*max).contains(&number) {
                    let unit = unit.name().map(|unit| format!(" {unit}"));
                    let number = format!("{number}{}", unit.unwrap_or_default());
                    return Err(outside(name, &number, min, max));
                }
                Ok(number::shown(number, *unit))
            }
            Self::Real { min, max } => {
                let number: f64 = value.trim().parse().map_err(|_| refused())?;
                if !(*min..=*max).contains(&number) {
                    let (min, max) = (number::shown_real(*min), number::shown_real(*max));
                    return Err(outside(name, &number::shown_real(number), min, max));
                }
                Ok(number::shown_real(number))
            }
            Self::Text | Self::SearchPath if value.len() > TEXT_BYTES_MAX => Err(refused()),
            Self::Text | Self::SearchPath => Ok(value.to_owned()),
            Self::ApplicationName => Ok(application_name(value)),
            Self::DateStyle => date_style(value).map_err(|word| {
                refused()
                    .with_detail(format!("Unrecognized key word: \"{word}\"."))
                    .with_hint("Dates are shown and read in ISO form only.")
            }),
            Self::Encoding => match Charset::named(value) {
                Some(charset) => Ok(charset.name().to_owned()),
                None => Err(refused()),
            },
            Self::TimeZone => match value.parse::<Zone>() {
                Ok(zone) => Ok(zone.to_string()),
                Err(_) => Err(refused()),
            },
        }
    }
}

fn outside(
    name: &str,
    number: &str,
    min: impl std::fmt::Display,
    max: impl std::fmt::Display,
) -> SqlError {
    let message =
        format!("{number} is outside the valid range for parameter \"{name}\" ({min} .. {max})");
    SqlError::new("22023", message)
}

/// Several values of SET as one text.
pub(super) fn flatten(kind: &Kind, values: &[String]) -> String {
    let one = |value: &String| match kind {
        Kind::SearchPath => identifier(value),
        _ => value.clone(),
    };
    values.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// A schema as it would be written in SQL.
fn identifier(name: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let leads = |c: char| !c.is_ascii_digit();
    if name.starts_with(leads) && name.chars().all(plain) {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

fn on_off(value: bool) -> &'static str {
    if value { "on" } else { "off" }
}

/// A truth value under its names, which may be shortened as long as they cannot be mistaken.
fn boolean(value: &str) -> Option<bool> {
    let value = value.to_ascii_lowercase();
    let is = |name: &str, least: usize| value.len() >= least && name.starts_with(&value);
    if is("true", 1) || is("yes", 1) || is("on", 2) || value == "1" {
        Some(true)
    } else if is("false", 1) || is("no", 1) || is("off", 2) || value == "0" {
        Some(false)
    } else {
        None
    }
}

fn application_name(value: &str) -> String {
    let mut name: String = value
        .chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect();
    name.truncate(name.floor_char_boundary(APPLICATION_NAME_BYTES_MAX));
    name
}

/// The date style; the error is the word that is not taken.
fn date_style(value: &str) -> Result<String, &str> {
    let mut order = "MDY";
    for word in value.split(',').map(str::trim) {
        match word.to_ascii_uppercase().as_str() {
            "ISO" => {}
            "MDY" | "US" | "NONEURO" | "NONEUROPEAN" => order = "MDY",
            "YMD" => order = "YMD",
            _ => return Err(word),
        }
    }
    Ok(format!("ISO, {order}"))
}
