//! An error as PostgreSQL's protocol carries it.

use std::fmt;

use pgwire::error::ErrorInfo;
use pgwire::messages::response::ErrorResponse;

/// How far an error reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Severity {
    /// The statement failed, the session goes on.
    #[default]
    Error,
    /// The session ends.
    Fatal,
}

impl Severity {
    /// The word in the `S` and `V` fields.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
        }
    }
}

/// An error as ErrorResponse carries it. It may travel inside the engine's errors and comes out unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlError {
    /// How far it reaches.
    pub severity: Severity,
    /// SQLSTATE, five characters (PostgreSQL's appendix "Error Codes").
    pub code: &'static str,
    /// One sentence, without a full stop.
    pub message: String,
    /// More about the cause.
    pub detail: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// Where in the statement, in characters from 1.
    pub position: Option<u32>,
    /// What stands on both sides of the operator at fault, where that is a name or a constant: its place is found by it.
    pub operands: Option<Box<[String; 2]>>,
}

impl SqlError {
    /// An error of the statement.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            detail: None,
            hint: None,
            position: None,
            operands: None,
        }
    }

    /// An error that ends the session.
    pub fn fatal(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Fatal,
            ..Self::new(code, message)
        }
    }

    /// The error with more about its cause.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// The error with advice.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The error with what stands on both sides of its operator, empty where that is neither a name nor a constant.
    #[must_use]
    pub fn between(mut self, left: String, right: String) -> Self {
        self.operands = Some(Box::new([left, right]));
        self
    }

    /// The error with a place in the statement `sql`: `line` and `column` count characters from 1; line 0 is nowhere.
    #[must_use]
    pub fn at(mut self, sql: &str, line: u64, column: u64) -> Self {
        self.position = position(sql, line, column);
        self
    }
}

/// Characters from 1 up to `line` and `column`, both from 1.
fn position(sql: &str, line: u64, column: u64) -> Option<u32> {
    let lines_before = usize::try_from(line.checked_sub(1)?).ok()?;
    let before: usize = sql
        .split_inclusive('\n')
        .take(lines_before)
        .map(|line| line.chars().count())
        .sum();
    u32::try_from(before as u64 + column).ok()
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SqlError {}

impl From<SqlError> for ErrorInfo {
    fn from(error: SqlError) -> Self {
        let severity = error.severity.as_str().to_owned();
        let mut info = Self::new(severity.clone(), error.code.to_owned(), error.message);
        info.severity_nonlocalized = Some(severity);
        info.detail = error.detail;
        info.hint = error.hint;
        info.position = error.position.map(|position| position.to_string());
        info
    }
}

impl From<SqlError> for ErrorResponse {
    fn from(error: SqlError) -> Self {
        ErrorInfo::from(error).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_response_carries_every_field() {
        let error = SqlError::fatal("42601", "no")
            .with_detail("d")
            .with_hint("h")
            .at("é\nab", 2, 2);
        let fields = ErrorResponse::from(error).fields;
        let field = |key| {
            fields
                .iter()
                .find(|(k, _)| *k == key)
                .map(|(_, value)| value.as_str())
        };
        let values = [b'S', b'V', b'C', b'M', b'D', b'H', b'P'].map(field);
        assert_eq!(
            values,
            [
                Some("FATAL"),
                Some("FATAL"),
                Some("42601"),
                Some("no"),
                Some("d"),
                Some("h"),
                Some("4")
            ]
        );
    }

    #[test]
    fn a_place_that_is_nowhere_has_no_position() {
        assert_eq!(
            SqlError::new("42601", "no").at("select", 0, 0).position,
            None
        );
    }
}
