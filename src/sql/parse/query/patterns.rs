//! The patterns of LIKE and SIMILAR TO, with the escapes and in the words that the engine knows.

use std::ops::ControlFlow;

use super::build::{call, cast, literal, text};
use crate::sql::sqlstate::SqlError;
use datafusion::sql::sqlparser::ast::{DataType, Expr, Value, ValueWithSpan};

/// The character that ESCAPE names; `Some(None)` for none.
pub(super) fn escape_of(escape: &Option<ValueWithSpan>) -> Option<Option<char>> {
    let escape = escape.as_ref()?;
    match &escape.value {
        Value::SingleQuotedString(text) => Some(text.chars().next()),
        _ => None,
    }
}

/// Writes the pattern of LIKE with the backslash as its escape, which is the only one that the engine knows.
pub(super) fn escape(
    pattern: &mut Expr,
    escape: &mut Option<ValueWithSpan>,
) -> ControlFlow<SqlError> {
    let Some(with) = escape_of(escape) else {
        return ControlFlow::Continue(());
    };
    if let Some(Value::SingleQuotedString(text)) = escape.as_ref().map(|escape| &escape.value)
        && text.chars().count() > 1
    {
        let error = SqlError::new("22025", "invalid escape string");
        return ControlFlow::Break(
            error.with_hint("Escape string must be empty or one character."),
        );
    }
    *escape = None;
    if with == Some('\\') {
        return ControlFlow::Continue(());
    }
    *pattern = match literal(pattern) {
        Some(literal) => text(like_pattern(literal, with)),
        None => call(
            "like_escape",
            vec![
                cast(pattern.clone(), DataType::Text),
                text(with.map(String::from).unwrap_or_default()),
            ],
        ),
    };
    ControlFlow::Continue(())
}

/// A pattern of LIKE whose escape is `with`, or that has none, with the backslash as its escape.
pub(in crate::sql::parse) fn like_pattern(pattern: &str, with: Option<char>) -> String {
    let mut written = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            c if Some(c) == with => {
                written.push('\\');
                written.extend(chars.next());
            }
            '\\' => written.push_str("\\\\"),
            c => written.push(c),
        }
    }
    written
}

/// The regular expression that a pattern of SIMILAR TO stands for.
pub(super) fn similar(pattern: &str, escape: Option<char>) -> String {
    format!("^(?:{})$", similar_inside(pattern, escape))
}

/// The regular expression whose first group is what `substring(… FROM pattern FOR escape)` looks for: what stands between
/// two marks, an escape before a double quote each. As little as possible is left to the part before it.
pub(super) fn similar_part_of(pattern: &str, escape: &str) -> ControlFlow<SqlError, String> {
    let mut chars = escape.chars();
    let (Some(with), None) = (chars.next(), chars.next()) else {
        let error = SqlError::new("22025", "invalid escape string");
        return ControlFlow::Break(error.with_hint("Escape string must be one character."));
    };
    let mark = format!("{with}\"");
    let parts: Vec<&str> = pattern.split(&mark).collect();
    let inside = |part: &str| similar_inside(part, Some(with));
    ControlFlow::Continue(match parts.as_slice() {
        [before, part] => format!("^(?U:{})({})$", inside(before), inside(part)),
        [before, part, behind] => format!(
            "^(?U:{})({})(?:{})$",
            inside(before),
            inside(part),
            inside(behind)
        ),
        [whole] => similar(whole, Some(with)),
        _ => {
            let message = "SQL regular expression may not contain more than two \
                           escape-double-quote separators";
            return ControlFlow::Break(SqlError::new("2200C", message));
        }
    })
}

fn similar_inside(pattern: &str, escape: Option<char>) -> String {
    let mut regex = String::new();
    let mut chars = pattern.chars();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        match c {
            c if Some(c) == escape => {
                if let Some(next) = chars.next() {
                    if !next.is_alphanumeric() {
                        regex.push('\\');
                    }
                    regex.push(next);
                }
            }
            '[' => {
                in_class = true;
                regex.push(c);
            }
            ']' => {
                in_class = false;
                regex.push(c);
            }
            c if in_class => regex.push(c),
            '%' => regex.push_str("(?s:.*)"),
            '_' => regex.push_str("(?s:.)"),
            '(' => regex.push_str("(?:"),
            '.' | '^' | '$' | '\\' => {
                regex.push('\\');
                regex.push(c);
            }
            c => regex.push(c),
        }
    }
    regex
}
