//! `KILL` by text, and where the number is in it.
//!
//! What is looked for is `KILL [HARD | SOFT] [CONNECTION | QUERY] number`, with whatever space and comments MariaDB
//! allows in between. Everything else is the server's own affair and left alone: `KILL USER name`, `KILL QUERY ID
//! number` (which names a query), an expression instead of a number, and a KILL behind another statement.

use std::ops::Range;

/// Longest text that is looked at, in bytes. A client that cancels sends some twenty, perhaps with a comment that
/// traces it; the look must not cost long statements anything.
pub(super) const TEXT_BYTES_MAX: usize = 512;

/// A KILL of a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kill {
    /// Where the number is in the text.
    pub place: Range<usize>,
    pub number: u64,
    /// Its statement is to end, and not its connection.
    pub of_query: bool,
}

/// The KILL that a text is.
pub(super) fn find(text: &[u8]) -> Option<Kill> {
    let mut rest = skip_space(text);
    // Nearly every statement is told from KILL by its first letter.
    rest = word(rest, b"KILL")?;
    rest = word(rest, b"HARD")
        .or_else(|| word(rest, b"SOFT"))
        .unwrap_or(rest);
    let query = word(rest, b"QUERY");
    let of_query = query.is_some();
    rest = query.or_else(|| word(rest, b"CONNECTION")).unwrap_or(rest);
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, behind) = rest.split_at_checked(digits)?;
    if !matches!(skip_space(behind), [] | [b';', ..]) {
        return None;
    }
    let start = text.len() - rest.len();
    let number = std::str::from_utf8(number).ok()?.parse().ok()?;
    Some(Kill {
        place: start..start + digits,
        number,
        of_query,
    })
}

/// What follows the word and the space behind it.
fn word<'a>(text: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    let (head, rest) = text.split_at_checked(word.len())?;
    if !head.eq_ignore_ascii_case(word) {
        return None;
    }
    let behind = skip_space(rest);
    (behind.len() < rest.len()).then_some(behind)
}

/// Skips space and comments; those that MariaDB executes are none.
fn skip_space(mut text: &[u8]) -> &[u8] {
    loop {
        let rest = match text {
            [b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c, rest @ ..] => rest,
            [b'/', b'*', b'!', ..] | [b'/', b'*', b'M', b'!', ..] => return text,
            [b'/', b'*', comment @ ..] => match comment.windows(2).position(|end| end == b"*/") {
                Some(end) => &comment[end + 2..],
                None => return text,
            },
            [b'#', comment @ ..] => line_end(comment),
            [b'-', b'-', b' ' | b'\t' | b'\n' | b'\r', ..] => line_end(&text[2..]),
            _ => return text,
        };
        text = rest;
    }
}

fn line_end(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| *byte == b'\n');
    end.map_or(&[], |end| &text[end..])
}

/// The statement that a server answers as it does a KILL of a number that it does not know.
pub(super) fn unknown(number: u64) -> String {
    failure(1094, &format!("Unknown thread id: {number}"))
}

/// The same for a KILL of somebody else's.
pub(super) fn denied(number: u64) -> String {
    failure(1095, &format!("You are not owner of thread {number}"))
}

/// The statement that a server answers as it does a KILL that was carried out.
pub(super) const DONE: &str = "DO 0";

fn failure(code: u16, message: &str) -> String {
    format!("SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = {code}, MESSAGE_TEXT = '{message}'")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_number_is_found_in_each_form_of_kill() {
        for text in [
            "KILL 42",
            "kill query 42",
            "KILL CONNECTION 42;",
            "Kill Hard Query 42 ",
            "KILL SOFT 42",
            "  KILL\tSOFT\nCONNECTION 42 ; SELECT 1",
            "/* app:7 */ KILL QUERY 42",
            "KILL/**/42",
            "# 7\nKILL -- 8\n QUERY 42 # 9",
        ] {
            let kill = find(text.as_bytes()).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((&text[kill.place], kill.number), ("42", 42), "{text}");
            assert_eq!(
                kill.of_query,
                text.to_uppercase().contains("QUERY"),
                "{text}"
            );
        }
    }

    #[test]
    fn everything_else_is_left_alone() {
        for text in [
            "",
            "KILL",
            "KILL ",
            "KILL QUERY",
            "KILL QUERY ID 42",
            "KILL USER ann",
            "KILL USER 42",
            "KILL HARD USER 'ann'@'%'",
            "KILL CONNECTION_ID()",
            "KILL 42 + 1",
            "KILL 42abc",
            "KILL 4.2",
            "KILL -1",
            "KILL ?",
            "KILL @id",
            "KILL (SELECT 42)",
            "KILLQUERY 42",
            "KILL QUERY42",
            "KILL 99999999999999999999999",
            "SELECT 1; KILL 42",
            "SELECT 'KILL 42'",
            "/*! KILL 42 */",
            "/* KILL 42",
            "--KILL 42",
        ] {
            assert_eq!(find(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_found_is_a_number(text in r"(KILL|kill|SOFT|QUERY|ID|[0-9]{1,3}| |/\*|\*/|#|;|\PC){0,12}") {
            if let Some(kill) = find(text.as_bytes()) {
                prop_assert_eq!(text[kill.place].parse::<u64>(), Ok(kill.number));
            }
        }
    }
}
