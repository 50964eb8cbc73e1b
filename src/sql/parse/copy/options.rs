//! The options of COPY, checked in PostgreSQL's order.

use super::{CopyOptions, ForceQuote, Given, Value};
use crate::sql::encode::LineStyle;
use crate::sql::sqlstate::SqlError;

/// What is wanted, once all options are read.
#[derive(Default)]
struct Wanted {
    format: Option<String>,
    delimiter: Option<String>,
    null: Option<String>,
    header: Option<bool>,
    quote: Option<String>,
    escape: Option<String>,
    force_quote: Option<ForceQuote>,
    seen: Vec<String>,
}

/// Checks the options in PostgreSQL's order.
pub(super) fn read(sql: &str, given: Vec<Given>) -> Result<CopyOptions, SqlError> {
    let mut wanted = Wanted::default();
    for one in given {
        let at = |error: SqlError| error.at(sql, one.place.line, one.place.column);
        if wanted.seen.contains(&one.name) {
            let message = "conflicting or redundant options";
            return Err(at(SqlError::new("42601", message)));
        }
        wanted.seen.push(one.name.clone());
        let name = one.name.as_str();
        let place = one.place;
        let requires = |value: Value| match value {
            Value::Text(text) => Ok(text),
            _ => {
                let message = format!("{name} requires a parameter");
                Err(SqlError::new("42601", message))
            }
        };
        match name {
            "format" => {
                let format = requires(one.value)?;
                if !matches!(format.as_str(), "text" | "csv" | "binary") {
                    let message = format!("COPY format \"{format}\" not recognized");
                    let error = SqlError::new("22023", message);
                    return Err(error.at(sql, place.line, place.column));
                }
                wanted.format = Some(format);
            }
            "delimiter" => wanted.delimiter = Some(requires(one.value)?),
            "null" => wanted.null = Some(requires(one.value)?),
            "quote" => wanted.quote = Some(requires(one.value)?),
            "escape" => wanted.escape = Some(requires(one.value)?),
            "header" => wanted.header = Some(header(one.value)?),
            // It is about rows that are written on the server.
            "freeze" => {}
            "encoding" => {
                let encoding = requires(one.value)?;
                let plain: String = encoding
                    .chars()
                    .filter(char::is_ascii_alphanumeric)
                    .map(|c| c.to_ascii_lowercase())
                    .collect();
                if !matches!(plain.as_str(), "utf8" | "unicode" | "sqlascii") {
                    let message = "argument to option \"encoding\" must be a valid encoding name";
                    let error = SqlError::new("22023", message);
                    return Err(error.with_hint("The only character set is UTF8.").at(
                        sql,
                        place.line,
                        place.column,
                    ));
                }
            }
            "force_quote" => {
                wanted.force_quote = Some(match one.value {
                    Value::All => ForceQuote::All,
                    Value::List(names) => ForceQuote::Columns(names),
                    _ => {
                        let message =
                            "argument to option \"force_quote\" must be a list of column names";
                        let error = SqlError::new("22023", message);
                        return Err(error.at(sql, place.line, place.column));
                    }
                });
            }
            "force_not_null" | "force_null" => {}
            _ => {
                let message = format!("option \"{name}\" not recognized");
                let error = SqlError::new("42601", message);
                return Err(error.at(sql, place.line, place.column));
            }
        }
    }
    wanted.check()
}

/// Whether there is a header.
fn header(value: Value) -> Result<bool, SqlError> {
    let text = match value {
        Value::None => return Ok(true),
        Value::Text(text) => text.to_ascii_lowercase(),
        Value::All | Value::List(_) => String::new(),
    };
    match text.as_str() {
        "true" | "on" | "1" => Ok(true),
        "false" | "off" | "0" => Ok(false),
        "match" => Err(SqlError::new(
            "0A000",
            "cannot use \"match\" with HEADER in COPY TO",
        )),
        _ => Err(SqlError::new(
            "42601",
            "header requires a Boolean value or \"match\"",
        )),
    }
}

impl Wanted {
    fn check(self) -> Result<CopyOptions, SqlError> {
        let is = |format: &str| self.format.as_deref() == Some(format);
        let (csv, binary) = (is("csv"), is("binary"));
        let error = |code, message: &str| Err(SqlError::new(code, message));
        if binary && self.delimiter.is_some() {
            return error("42601", "cannot specify DELIMITER in BINARY mode");
        }
        if binary && self.null.is_some() {
            return error("42601", "cannot specify NULL in BINARY mode");
        }
        let text_or_csv = |text, csv_text| if csv { csv_text } else { text };
        let delimiter = self.delimiter.as_deref().unwrap_or(text_or_csv("\t", ","));
        let null = self.null.as_deref().unwrap_or(text_or_csv("\\N", ""));
        let quote = self.quote.as_deref().unwrap_or("\"");
        let escape = self.escape.as_deref().unwrap_or(quote);

        let &[delimiter] = delimiter.as_bytes() else {
            let message = "COPY delimiter must be a single one-byte character";
            return error("0A000", message);
        };
        if matches!(delimiter, b'\n' | b'\r') {
            let message = "COPY delimiter cannot be newline or carriage return";
            return error("22023", message);
        }
        if null.contains(['\n', '\r']) {
            let message = "COPY null representation cannot use newline or carriage return";
            return error("22023", message);
        }
        let in_escapes = |byte: u8| {
            matches!(byte, b'\\' | b'.') || byte.is_ascii_lowercase() || byte.is_ascii_digit()
        };
        if !csv && in_escapes(delimiter) {
            let message = format!("COPY delimiter cannot be \"{}\"", char::from(delimiter));
            return error("22023", &message);
        }
        if binary && self.header.unwrap_or(false) {
            return error("0A000", "cannot specify HEADER in BINARY mode");
        }
        if !csv && self.quote.is_some() {
            return error("0A000", "COPY quote available only in CSV mode");
        }
        let &[quote] = quote.as_bytes() else {
            let message = "COPY quote must be a single one-byte character";
            return error("0A000", message);
        };
        if csv && delimiter == quote {
            let message = "COPY delimiter and quote must be different";
            return error("22023", message);
        }
        if !csv && self.escape.is_some() {
            return error("0A000", "COPY escape available only in CSV mode");
        }
        let &[escape] = escape.as_bytes() else {
            let message = "COPY escape must be a single one-byte character";
            return error("0A000", message);
        };
        if !csv && self.force_quote.is_some() {
            return error("0A000", "COPY force quote available only in CSV mode");
        }
        for (name, what) in [("force_not_null", "not null"), ("force_null", "null")] {
            if self.seen.iter().any(|seen| seen == name) {
                let only = match csv {
                    true => "only available using COPY FROM",
                    false => "available only in CSV mode",
                };
                return error("0A000", &format!("COPY force {what} {only}"));
            }
        }
        if null.as_bytes().contains(&delimiter) {
            let message = "COPY delimiter must not appear in the NULL specification";
            return error("0A000", message);
        }
        if csv && null.as_bytes().contains(&quote) {
            let message = "CSV quote character must not appear in the NULL specification";
            return error("0A000", message);
        }
        let style = LineStyle {
            csv,
            delimiter,
            null: null.as_bytes().into(),
            quote,
            escape,
            forced: Vec::new(),
            is_single: false,
        };
        Ok(CopyOptions {
            style: (!binary).then_some(style),
            header: self.header.unwrap_or(false),
            force_quote: self.force_quote.unwrap_or(ForceQuote::Columns(Vec::new())),
        })
    }
}
