//! Problems of a configuration file, each with its line and key.
//!
//! The parsed document keeps the place of every key and value. A problem is stated about a key, by path, and the
//! document finds the line. Values are not quoted in what serde says: one of them may be a password in the
//! wrong place.

use std::fmt;
use std::io;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use super::schema::File;

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{file}: cannot be read: {source}")]
    Read {
        /// The file as it was named.
        file: String,
        /// What the system says.
        source: io::Error,
    },
    /// The file is read, and has these problems; one line for each.
    #[error("{}", lines(.0))]
    Invalid(Vec<Problem>),
}

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
    lines.join("\n")
}

/// One thing that is wrong in a file. Displays as `FILE:LINE: KEY: what is wrong`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file as it was named.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The key with the tables that it is in, such as `limits.idle_timeout_s`; empty when the text is not TOML
    /// and has no key there.
    pub key: String,
    /// What is wrong, and often what to do.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

/// The bytes of a file as text.
pub(super) fn utf8<'a>(bytes: &'a [u8], file: &str) -> Result<&'a str, ConfigError> {
    std::str::from_utf8(bytes).map_err(|error| {
        ConfigError::Invalid(vec![Problem {
            file: file.to_owned(),
            line: line_of(bytes, error.valid_up_to()),
            key: String::new(),
            message: "the file is not UTF-8 text".to_owned(),
        }])
    })
}

/// A parsed file that knows where its keys are.
pub(super) struct Document<'a> {
    file: &'a str,
    text: &'a str,
    root: DeTable<'a>,
}

impl<'a> Document<'a> {
    pub(super) fn parse(text: &'a str, file: &'a str) -> Result<Self, ConfigError> {
        let (root, errors) = DeTable::parse_recoverable(text);
        let document = Self {
            file,
            text,
            root: root.into_inner(),
        };
        match errors.first() {
            None => Ok(document),
            Some(error) => Err(ConfigError::Invalid(vec![document.syntax_problem(error)])),
        }
    }

    pub(super) fn deserialize(&self) -> Result<File, ConfigError> {
        let root = Spanned::new(0..self.text.len(), self.root.clone());
        File::deserialize(Deserializer::from(root))
            .map_err(|error| ConfigError::Invalid(vec![self.shape_problem(&error)]))
    }

    /// A problem with the key at this path. A key that is not in the file (its default is what is wrong) has
    /// the line of the nearest table around it that is.
    pub(super) fn problem(&self, path: &[&str], message: impl Into<String>) -> Problem {
        let mut offset = 0;
        let mut table = Some(&self.root);
        for name in path {
            let entry = table.and_then(|table| table.iter().find(|(key, _)| key.get_ref() == name));
            let Some((key, value)) = entry else { break };
            offset = key.span().start;
            table = as_table(value);
        }
        Problem {
            file: self.file.to_owned(),
            line: line_of(self.text.as_bytes(), offset),
            key: dotted(path),
            message: message.into(),
        }
    }

    fn syntax_problem(&self, error: &toml::de::Error) -> Problem {
        let span = error.span().unwrap_or(0..0);
        let line = line_of(self.text.as_bytes(), span.start);
        let key = if error.message().starts_with("duplicate key") {
            self.text.get(span).unwrap_or_default().to_owned()
        } else {
            let on_line = |range: &Range<usize>| line_of(self.text.as_bytes(), range.start) == line;
            find(&self.root, &|key, _| on_line(key)).map_or_else(String::new, |path| dotted(&path))
        };
        Problem {
            file: self.file.to_owned(),
            line,
            key,
            message: error.message().to_owned(),
        }
    }

    /// What serde found, said in the words of the file. Its own message quotes the value.
    fn shape_problem(&self, error: &toml::de::Error) -> Problem {
        let span = error.span().unwrap_or(0..0);
        let mut path = find(&self.root, &|key, _| *key == span)
            .or_else(|| {
                find(&self.root, &|_, value| {
                    value.start <= span.start && span.end <= value.end
                })
            })
            .unwrap_or_default();

        let message = error.message();
        let expected = message.rsplit_once(", expected ").map(|(_, what)| what);
        if let Some(name) = message.strip_prefix("missing field `") {
            path.push(name.trim_end_matches('`'));
            return self.problem(&path, "is missing");
        }
        let message = match expected {
            Some(what) if message.starts_with("unknown field") => {
                format!("unknown key, expected {what}")
            }
            Some(what) if message.starts_with("invalid type") => {
                format!("expected {}", in_words_of_toml(what))
            }
            _ if message.starts_with("invalid value") => "the number is out of range".to_owned(),
            _ => message.to_owned(),
        };
        self.problem(&path, message)
    }
}

fn in_words_of_toml(expected: &str) -> &str {
    match expected {
        "i64" => "an integer",
        "a sequence" => "an array",
        "a map" => "a table",
        other => other,
    }
}

/// The deepest key of which the predicate (given the places of key and value) is true, as a path.
fn find<'t>(
    table: &'t DeTable<'_>,
    predicate: &impl Fn(&Range<usize>, &Range<usize>) -> bool,
) -> Option<Vec<&'t str>> {
    table.iter().find_map(|(key, value)| {
        let below = as_table(value).and_then(|table| find(table, predicate));
        let path = below.or_else(|| predicate(&key.span(), &value.span()).then(Vec::new));
        path.map(|mut path| {
            path.insert(0, key.get_ref().as_ref());
            path
        })
    })
}

fn as_table<'t, 'i>(value: &'t Spanned<DeValue<'i>>) -> Option<&'t DeTable<'i>> {
    match value.get_ref() {
        DeValue::Table(table) => Some(table),
        _ => None,
    }
}

/// The path as it would be written in a file.
pub(super) fn dotted(path: &[&str]) -> String {
    let is_bare = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
    };
    let names: Vec<String> = path
        .iter()
        .map(|name| {
            if is_bare(name) {
                (*name).to_owned()
            } else {
                format!("{name:?}")
            }
        })
        .collect();
    names.join(".")
}

fn line_of(text: &[u8], offset: usize) -> usize {
    let before = text.get(..offset).unwrap_or(text);
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}
