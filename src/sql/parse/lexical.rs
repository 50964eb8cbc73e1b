//! What is wrong with the words and signs of a text, in PostgreSQL's words.

use super::dialect::DoorDialect;
use crate::sql::sqlstate::SqlError;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, TokenizerError};

/// The lexer's error.
pub(super) fn error(sql: &str, error: &TokenizerError) -> SqlError {
    let message = error.message.as_str();
    let (line, column) = (error.location.line, error.location.column);
    let start = || offset(sql, line, column);
    let found = match message {
        "Unterminated string literal" => unterminated(sql, start(), "quoted string"),
        "Unterminated encoded string literal" => {
            let start = start();
            Some(start.map_or_else(|| unnamed(message), |start| escape(sql, start)))
        }
        _ if message.starts_with("Expected close delimiter '\"'") => {
            unterminated(sql, start(), "quoted identifier")
        }
        _ if message.starts_with("Unexpected EOF while in a multi-line comment") => {
            unterminated(sql, beginning(sql, "/*"), "/* comment")
        }
        _ if message.starts_with("Unterminated dollar-quoted") => {
            unterminated(sql, beginning(sql, "$"), "dollar-quoted string")
        }
        _ => None,
    };
    found.unwrap_or_else(|| unnamed(message).at(sql, line, column))
}

/// An error that PostgreSQL has no other words for.
fn unnamed(message: &str) -> SqlError {
    let mut message = message.to_owned();
    if let Some(first) = message.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    SqlError::new("42601", message)
}

/// Refuses an identifier of no letters.
///
/// # Errors
/// 42601.
pub(super) fn check_identifiers(sql: &str, tokens: &[TokenWithSpan]) -> Result<(), SqlError> {
    let is_empty = |token: &&TokenWithSpan| matches!(&token.token, Token::Word(word) if word.quote_style == Some('"') && word.value.is_empty());
    match tokens.iter().find(is_empty) {
        None => Ok(()),
        Some(token) => {
            let message = "zero-length delimited identifier at or near \"\"\"\"";
            let place = token.span.start;
            Err(SqlError::new("42601", message).at(sql, place.line, place.column))
        }
    }
}

/// The byte at which the character of a line and a column begins.
fn offset(sql: &str, line: u64, column: u64) -> Option<usize> {
    let line = usize::try_from(line).ok()?.checked_sub(1)?;
    let column = usize::try_from(column).ok()?.checked_sub(1)?;
    let begins = match line {
        0 => 0,
        line => sql.match_indices('\n').nth(line - 1)?.0 + 1,
    };
    let rest = sql.get(begins..)?;
    let within = rest
        .char_indices()
        .map(|(at, _)| at)
        .chain([rest.len()])
        .nth(column)?;
    Some(begins + within)
}

/// `error` at the character that begins at a byte.
fn at(error: SqlError, sql: &str, start: usize) -> SqlError {
    let before = sql.get(..start).unwrap_or(sql);
    SqlError {
        position: u32::try_from(before.chars().count() + 1).ok(),
        ..error
    }
}

fn unterminated(sql: &str, start: Option<usize>, what: &str) -> Option<SqlError> {
    let start = start?;
    let rest = sql.get(start..)?;
    let message = format!("unterminated {what} at or near \"{rest}\"");
    Some(at(SqlError::new("42601", message), sql, start))
}

/// Most places that are tried for the beginning of what has no end.
const TRIED_MAX: usize = 64;

/// Where what begins with `sign` and has no end begins: all before it can be read, and nothing that comes later begins
/// so.
fn beginning(sql: &str, sign: &str) -> Option<usize> {
    let reads = |text: &str| {
        Tokenizer::new(&DoorDialect::new(0), text)
            .tokenize()
            .is_ok()
    };
    let mut places = sql.rmatch_indices(sign).map(|(at, _)| at).take(TRIED_MAX);
    places.find(|at| reads(&sql[..*at]) && !reads(&sql[*at..]))
}

/// What is wrong with `E'…'` that begins at a byte.
fn escape(sql: &str, start: usize) -> SqlError {
    let body_at = match sql[start..].find('\'') {
        Some(quote) => start + quote + 1,
        None => start,
    };
    let mut bytes: Vec<u8> = Vec::new();
    let mut chars = sql[body_at..].char_indices().peekable();
    let hint = "Unicode escapes must be \\uXXXX or \\UXXXXXXXX.";
    let invalid_escape = |place: usize| {
        let error = SqlError::new("22025", "invalid Unicode escape").with_hint(hint);
        at(error, sql, body_at + place)
    };
    while let Some((place, c)) = chars.next() {
        match c {
            '\'' => {
                if chars.next_if(|(_, c)| *c == '\'').is_none() {
                    return not_utf8(&bytes).unwrap_or_else(|| {
                        let message = "bytes above \\x7f in a string constant are not supported";
                        at(SqlError::new("0A000", message), sql, start)
                    });
                }
                bytes.push(b'\'');
            }
            '\\' => {
                let Some((_, kind)) = chars.next() else {
                    break;
                };
                let mut digits = |radix: u32, most: usize| -> String {
                    let mut found = String::new();
                    while found.len() < most
                        && let Some((_, digit)) = chars.next_if(|(_, c)| c.is_digit(radix))
                    {
                        found.push(digit);
                    }
                    found
                };
                match kind {
                    'x' => {
                        let code = digits(16, 2);
                        bytes.push(u8::from_str_radix(&code, 16).unwrap_or(b'x'));
                    }
                    '0'..='7' => {
                        let code = format!("{kind}{}", digits(8, 2));
                        let code = u32::from_str_radix(&code, 8).unwrap_or_default();
                        bytes.push((code & 0xff) as u8);
                    }
                    'u' | 'U' => {
                        let length = if kind == 'u' { 4 } else { 8 };
                        let code = digits(16, length);
                        if code.len() < length {
                            return invalid_escape(place);
                        }
                        let code = u32::from_str_radix(&code, 16).ok().and_then(char::from_u32);
                        match code {
                            Some(c) => bytes.extend(c.to_string().bytes()),
                            None => {
                                let message = "invalid Unicode escape value";
                                let error = SqlError::new("42601", message);
                                return at(error, sql, body_at + place);
                            }
                        }
                    }
                    other => bytes.extend(other.to_string().bytes()),
                }
            }
            other => bytes.extend(other.to_string().bytes()),
        }
    }
    unterminated(sql, Some(start), "quoted string")
        .unwrap_or_else(|| unnamed("unterminated quoted string"))
}

/// What is wrong with bytes that are no text.
fn not_utf8(bytes: &[u8]) -> Option<SqlError> {
    let error = std::str::from_utf8(bytes).err()?;
    let from = error.valid_up_to();
    let length = match bytes.get(from).copied().unwrap_or_default() {
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf7 => 4,
        _ => 1,
    };
    let wrong: Vec<String> = bytes
        .iter()
        .skip(from)
        .take(length)
        .map(|byte| format!("0x{byte:02x}"))
        .collect();
    let message = format!(
        "invalid byte sequence for encoding \"UTF8\": {}",
        wrong.join(" ")
    );
    Some(SqlError::new("22021", message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(sql: &str) -> String {
        let refused = Tokenizer::new(&DoorDialect::new(0), sql).tokenize();
        let refused = error(sql, &refused.expect_err("a mistake"));
        format!(
            "{} {} {:?}",
            refused.code, refused.message, refused.position
        )
    }

    #[test]
    fn what_has_no_end_is_named_from_its_beginning() {
        for (sql, expected) in [
            (
                "SELECT 'abc",
                "42601 unterminated quoted string at or near \"'abc\" Some(8)",
            ),
            (
                "SELECT\n \"ab",
                "42601 unterminated quoted identifier at or near \"\"ab\" Some(9)",
            ),
            (
                "SELECT /* é */ 1 /* x /* y */",
                "42601 unterminated /* comment at or near \"/* x /* y */\" Some(18)",
            ),
            (
                "SELECT $$a$$, $b$ x",
                "42601 unterminated dollar-quoted string at or near \"$b$ x\" Some(15)",
            ),
            (
                "SELECT E'\\xff'",
                "22021 invalid byte sequence for encoding \"UTF8\": 0xff None",
            ),
            ("SELECT E'a\\u00'", "22025 invalid Unicode escape Some(11)"),
            (
                "SELECT E'abc",
                "42601 unterminated quoted string at or near \"E'abc\" Some(8)",
            ),
        ] {
            assert_eq!(told(sql), expected, "{sql}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(sql in "[\\PC\n]*") {
            if let Err(refused) = Tokenizer::new(&DoorDialect::new(0), &sql).tokenize() {
                error(&sql, &refused);
            }
        }

        #[test]
        fn no_escape_panics(body in "[\\\\xuU0-9a-f'é ]*") {
            let sql = format!("SELECT E'{body}");
            if let Err(refused) = Tokenizer::new(&DoorDialect::new(0), &sql).tokenize() {
                error(&sql, &refused);
            }
        }
    }
}
