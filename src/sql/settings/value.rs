//! What parameters take, and the one form in which each value is kept and shown.

use crate::sql::encode::zone::Zone;
use crate::sql::sqlstate::SqlError;

/// Longest application name, in bytes; PostgreSQL's `NAMEDATALEN` less one.
const APPLICATION_NAME_BYTES_MAX: usize = 63;
/// Longest value of a free text, in bytes.
const TEXT_BYTES_MAX: usize = 1_000;
/// Longest duration, in milliseconds.
const MILLISECONDS_MAX: u64 = i32::MAX as u64;

/// What a parameter takes.
#[derive(Debug)]
pub(super) enum Kind {
    /// Nothing: the server says it.
    Fixed,
    /// A truth value.
    Bool,
    /// One of these, in any case.
    OneOf(&'static [&'static str]),
    /// A whole number.
    Integer {
        /// The smallest.
        min: i32,
        /// The largest.
        max: i32,
    },
    /// A duration; milliseconds when it names no unit.
    Milliseconds,
    /// Any short text.
    Text,
    /// Any text; shortened to what the column takes.
    ApplicationName,
    /// A list of schemas.
    SearchPath,
    /// ISO, with an order of day and month that cannot be mistaken for another.
    DateStyle,
    /// UTF-8 under its names, or no conversion.
    Encoding,
    /// A time zone.
    TimeZone,
}

impl Kind {
    /// Whether SET may give several values.
    pub fn is_list(&self) -> bool {
        matches!(self, Self::SearchPath | Self::DateStyle)
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
        match self {
            Self::Fixed => {
                let message = format!("parameter \"{name}\" cannot be changed");
                Err(SqlError::new("55P02", message))
            }
            Self::Bool => boolean(value)
                .map(|on| if on { "on" } else { "off" }.to_owned())
                .ok_or_else(refused),
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
            Self::Integer { min, max } => {
                let number: i32 = value.trim().parse().map_err(|_| refused())?;
                if (*min..=*max).contains(&number) {
                    Ok(number.to_string())
                } else {
                    Err(refused().with_hint(format!("The valid range is {min} .. {max}.")))
                }
            }
            Self::Milliseconds => milliseconds(value)
                .map(show_milliseconds)
                .map_err(|hint| refused().with_hint(hint)),
            Self::Text | Self::SearchPath if value.len() > TEXT_BYTES_MAX => Err(refused()),
            Self::Text | Self::SearchPath => Ok(value.to_owned()),
            Self::ApplicationName => Ok(application_name(value)),
            Self::DateStyle => date_style(value)
                .ok_or_else(|| refused().with_hint("Dates are shown and read in ISO form only.")),
            Self::Encoding => encoding(value)
                .map(str::to_owned)
                .ok_or_else(|| refused().with_hint("The only character set is UTF8.")),
            Self::TimeZone => match value.parse::<Zone>() {
                Ok(zone) => Ok(zone.to_string()),
                Err(_) => Err(refused()),
            },
        }
    }
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

fn boolean(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "on" | "true" | "t" | "yes" | "y" | "1" => Some(true),
        "off" | "of" | "false" | "f" | "no" | "n" | "0" => Some(false),
        _ => None,
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

fn encoding(value: &str) -> Option<&'static str> {
    let plain: String = value
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    match plain.as_str() {
        "utf8" | "unicode" => Some("UTF8"),
        // What a client asks for that wants bytes as they are, such as psql in the C locale.
        "sqlascii" => Some("SQL_ASCII"),
        _ => None,
    }
}

fn date_style(value: &str) -> Option<String> {
    let mut order = "MDY";
    for word in value.split(',') {
        match word.trim().to_ascii_uppercase().as_str() {
            "ISO" => {}
            "MDY" | "US" | "NONEURO" | "NONEUROPEAN" => order = "MDY",
            "YMD" => order = "YMD",
            _ => return None,
        }
    }
    Some(format!("ISO, {order}"))
}

/// A duration in milliseconds: a number, and a unit unless it is milliseconds. The error is a hint.
pub(super) fn milliseconds(value: &str) -> Result<u64, String> {
    let value = value.trim();
    let unit_at = value
        .find(|c: char| c.is_ascii_alphabetic())
        .unwrap_or(value.len());
    let (number, unit) = value.split_at(unit_at);
    let number: f64 = number.trim().parse().map_err(|_| {
        "Give a number and a unit: \"us\", \"ms\", \"s\", \"min\", \"h\" or \"d\".".to_owned()
    })?;
    let unit_ms = match unit.trim() {
        "us" => 0.001,
        "" | "ms" => 1.0,
        "s" => 1_000.0,
        "min" => 60_000.0,
        "h" => 3_600_000.0,
        "d" => 86_400_000.0,
        _ => {
            return Err(
                "Valid units are \"us\", \"ms\", \"s\", \"min\", \"h\" and \"d\".".to_owned(),
            );
        }
    };
    let ms = (number * unit_ms).round();
    if (0.0..=MILLISECONDS_MAX as f64).contains(&ms) {
        Ok(ms as u64)
    } else {
        Err(format!("The valid range is 0 ms .. {MILLISECONDS_MAX} ms."))
    }
}

/// A duration with the largest unit that it is a whole number of, as PostgreSQL shows it.
fn show_milliseconds(ms: u64) -> String {
    const UNITS: [(u64, &str); 4] = [
        (86_400_000, "d"),
        (3_600_000, "h"),
        (60_000, "min"),
        (1_000, "s"),
    ];
    if ms == 0 {
        return "0".to_owned();
    }
    match UNITS.iter().find(|(unit, _)| ms.is_multiple_of(*unit)) {
        Some((unit, name)) => format!("{}{name}", ms / unit),
        None => format!("{ms}ms"),
    }
}
