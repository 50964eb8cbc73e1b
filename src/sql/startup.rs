//! What a client says of itself in its start-up message.

use pgwire::messages::startup::NegotiateProtocolVersion;

use super::sqlstate::SqlError;
use super::{message, reply};
use crate::proxy::postgres::keys::{KEY_BYTES_3_0, KEY_BYTES_3_2};
use crate::proxy::postgres::opening::StartupMessage;
use crate::proxy::wire::Wire;

const PROTOCOL_MAJOR: u16 = 3;
const PROTOCOL_MINOR_MAX: u16 = 2;
/// Names of protocol extensions begin so; there are none that this server knows.
const PROTOCOL_EXTENSION: &str = "_pq_.";

/// What the client said of itself.
pub(super) struct Introduction {
    /// The user, not yet authenticated.
    pub user: String,
    /// The database.
    pub database: Option<String>,
    /// Values for parameters, in their order.
    pub settings: Vec<(String, String)>,
    /// Length of the secret key that its protocol version has room for, in bytes.
    pub key_bytes: usize,
}

impl Introduction {
    /// Reads the message, and tells the client through `wire` where it asked for more than there is.
    ///
    /// # Errors
    /// 0A000 for another protocol, 08P01 for a message that cannot be read, 28000 without a user.
    pub fn read(startup: &StartupMessage, wire: &mut Wire) -> Result<Self, SqlError> {
        let (major, minor) = ((startup.version >> 16) as u16, startup.version as u16);
        if major != PROTOCOL_MAJOR {
            let message = format!(
                "unsupported frontend protocol {major}.{minor}: server supports 3.0 to 3.{PROTOCOL_MINOR_MAX}"
            );
            return Err(SqlError::fatal("0A000", message));
        }
        let parameters = message::startup_parameters(&startup.body).map_err(fatal)?;
        let mut introduction = Self {
            user: String::new(),
            database: None,
            settings: Vec::new(),
            key_bytes: if minor < 2 {
                KEY_BYTES_3_0
            } else {
                KEY_BYTES_3_2
            },
        };
        let mut unknown = Vec::new();
        for (name, value) in parameters {
            match name.as_str() {
                "user" => introduction.user = value,
                "database" => introduction.database = Some(value).filter(|v| !v.is_empty()),
                "options" => introduction.settings.extend(options(&value)?),
                "replication" if matches!(value.as_str(), "false" | "off" | "no" | "0") => {}
                "replication" => {
                    return Err(SqlError::fatal(
                        "0A000",
                        "there is nothing to replicate from the catalog",
                    ));
                }
                extension if extension.starts_with(PROTOCOL_EXTENSION) => unknown.push(name),
                _ => introduction.settings.push((name, value)),
            }
        }
        if minor > PROTOCOL_MINOR_MAX || !unknown.is_empty() {
            let newest = minor.min(PROTOCOL_MINOR_MAX);
            let version = i32::from(PROTOCOL_MAJOR) << 16 | i32::from(newest);
            reply::put(
                &mut wire.output,
                &NegotiateProtocolVersion::new(version, unknown),
            );
        }
        if introduction.user.is_empty() {
            return Err(SqlError::fatal(
                "28000",
                "no user name specified in startup packet",
            ));
        }
        Ok(introduction)
    }
}

/// The same error, as one that ends the session.
pub(super) fn fatal(error: SqlError) -> SqlError {
    SqlError {
        severity: super::sqlstate::Severity::Fatal,
        ..error
    }
}

/// The start-up parameter `options`: `-c name=value` and `--name=value`, separated by spaces; a backslash takes the
/// next character as it is.
fn options(text: &str) -> Result<Vec<(String, String)>, SqlError> {
    let mut words = split_words(text).into_iter();
    let mut settings = Vec::new();
    while let Some(word) = words.next() {
        let setting = match (word.strip_prefix("--"), word.strip_prefix("-c")) {
            (Some(long), _) => Some(long.to_owned()),
            (None, Some("")) => words.next(),
            (None, Some(short)) => Some(short.to_owned()),
            (None, None) => None,
        };
        let pair = setting
            .as_deref()
            .and_then(|setting| setting.split_once('='));
        let Some((name, value)) = pair else {
            let message = format!("invalid option \"{word}\" in the startup packet");
            return Err(SqlError::fatal("42601", message)
                .with_hint("Options are of the form -c name=value or --name=value."));
        };
        settings.push((name.trim().replace('-', "_"), value.to_owned()));
    }
    Ok(settings)
}

fn split_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = None::<String>;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            c if c.is_ascii_whitespace() => words.extend(word.take()),
            '\\' => word.get_or_insert_default().extend(characters.next()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        options(text).unwrap_or_default()
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn options_are_read_in_both_forms() {
        assert_eq!(pairs(""), []);
        let all = pairs(r"-c statement_timeout=5s  --search-path=a\ b -cTimeZone=UTC");
        let expected = [
            pair("statement_timeout", "5s"),
            pair("search_path", "a b"),
            pair("TimeZone", "UTC"),
        ];
        assert_eq!(all, expected);
        for wrong in ["-c", "-d 1", "x", "--x", "-c x"] {
            assert!(options(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_options_never_panic(text in ".{0,80}") {
            let _ = options(&text);
        }
    }
}
