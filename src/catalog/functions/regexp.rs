//! Regular expressions with PostgreSQL's flags.

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;
use parking_lot::Mutex;
use regex::{Captures, Regex, RegexBuilder};

use super::define::{Answer, Function, Gives};
use super::output::Value;
use super::value::{Kind, Row, list_of, refuse_over};
use crate::proxy::postgres::error::SqlError;

/// Bytes that a compiled expression may take.
const COMPILED_BYTES_MAX: usize = 1 << 20;

/// Compiled expressions that a function remembers.
const REMEMBERED_MAX: usize = 8;

/// What flags ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Flags {
    is_global: bool,
    ignores_case: bool,
    is_extended: bool,
    is_literal: bool,
    /// `.` and `[^…]` stop at the end of a line.
    dot_stops: bool,
    /// `^` and `$` match at each line.
    is_multi_line: bool,
}

impl Flags {
    fn read(flags: &str) -> Result<Self, SqlError> {
        let mut read = Self {
            is_global: false,
            ignores_case: false,
            is_extended: false,
            is_literal: false,
            dot_stops: false,
            is_multi_line: false,
        };
        for flag in flags.chars() {
            match flag {
                'g' => read.is_global = true,
                'i' => read.ignores_case = true,
                'c' => read.ignores_case = false,
                'x' => read.is_extended = true,
                't' => read.is_extended = false,
                'q' => read.is_literal = true,
                'n' | 'm' => (read.dot_stops, read.is_multi_line) = (true, true),
                'p' => (read.dot_stops, read.is_multi_line) = (true, false),
                'w' => (read.dot_stops, read.is_multi_line) = (false, true),
                's' => (read.dot_stops, read.is_multi_line) = (false, false),
                'a' | 'b' | 'e' => {}
                other => {
                    let message = format!("invalid regular expression option: \"{other}\"");
                    return Err(SqlError::new("22023", message));
                }
            }
        }
        Ok(read)
    }

    /// Without `g`, for a function that has another for all matches.
    fn not_global(self, name: &str, instead: &str) -> Result<Self, SqlError> {
        if !self.is_global {
            return Ok(self);
        }
        let error = SqlError::new(
            "22023",
            format!("{name}() does not support the \"global\" option"),
        );
        Err(match instead {
            "" => error,
            instead => error.with_hint(format!("Use the {instead} function instead.")),
        })
    }
}

/// The expression in the words of the library that matches it.
fn translated(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('y') => out.push_str("\\b"),
            Some('Y') => out.push_str("\\B"),
            Some('m') => out.push_str("\\b{start}"),
            Some('M') => out.push_str("\\b{end}"),
            Some('Z') => out.push_str("\\z"),
            Some(next) => out.extend(['\\', next]),
            None => out.push('\\'),
        }
    }
    out
}

fn compile(pattern: &str, flags: Flags) -> Result<Regex, SqlError> {
    let (pattern, is_literal) = match pattern.strip_prefix("***") {
        Some(rest) if rest.starts_with('=') => (&rest[1..], true),
        Some(rest) if rest.starts_with(':') => (&rest[1..], flags.is_literal),
        _ => (pattern, flags.is_literal),
    };
    let pattern = if is_literal {
        regex::escape(pattern)
    } else {
        translated(pattern)
    };
    RegexBuilder::new(&pattern)
        .case_insensitive(flags.ignores_case)
        .ignore_whitespace(flags.is_extended)
        .dot_matches_new_line(!flags.dot_stops)
        .multi_line(flags.is_multi_line)
        .size_limit(COMPILED_BYTES_MAX)
        .build()
        .map_err(|error| {
            let text = error.to_string();
            let reason = text
                .rsplit_once("error: ")
                .map_or(text.as_str(), |(_, reason)| reason)
                .trim();
            let reason = reason_of(reason);
            SqlError::new("2201B", format!("invalid regular expression: {reason}"))
        })
}

/// PostgreSQL's words for what is wrong with an expression.
fn reason_of(reason: &str) -> &str {
    const REASONS: [(&str, &str); 7] = [
        ("unclosed group", "parentheses () not balanced"),
        ("unopened group", "parentheses () not balanced"),
        ("unclosed character class", "brackets [] not balanced"),
        ("repetition operator missing", "quantifier operand invalid"),
        ("repetition quantifier", "invalid repetition count(s)"),
        ("escape sequence", "invalid escape \\ sequence"),
        ("invalid character class range", "invalid character range"),
    ];
    let known = REASONS.iter().find(|(theirs, _)| reason.contains(theirs));
    known.map_or(reason, |(_, words)| words)
}

type Compiled = (String, Flags, Arc<Regex>);

/// The expressions that were used last: mostly it is one for all rows.
#[derive(Default)]
struct Known(Mutex<Vec<Compiled>>);

impl Known {
    fn get(&self, pattern: &str, flags: Flags) -> Result<Arc<Regex>, SqlError> {
        let mut known = self.0.lock();
        let flags = Flags {
            is_global: false,
            ..flags
        };
        if let Some((.., regex)) = known.iter().find(|(p, f, _)| p == pattern && *f == flags) {
            return Ok(Arc::clone(regex));
        }
        let regex = Arc::new(compile(pattern, flags)?);
        if known.len() == REMEMBERED_MAX {
            known.remove(0);
        }
        known.push((pattern.to_owned(), flags, Arc::clone(&regex)));
        Ok(regex)
    }
}

fn flags_at(a: &Row<'_>, place: usize) -> Result<Flags, SqlError> {
    Flags::read(if a.len() > place { a.text(place) } else { "" })
}

/// The groups of a match, or all of it where the expression has none.
fn groups(captures: &Captures<'_>) -> Vec<Option<String>> {
    let owned = |group: Option<regex::Match<'_>>| group.map(|group| group.as_str().to_owned());
    match captures.len() {
        1 => vec![owned(captures.get(0))],
        _ => captures.iter().skip(1).map(owned).collect(),
    }
}

/// The rest of the text from a character, counted from 1.
fn start_at(a: &Row<'_>, place: usize) -> Result<usize, SqlError> {
    positive(a, place, "start")
}

fn positive(a: &Row<'_>, place: usize, name: &str) -> Result<usize, SqlError> {
    if a.len() <= place {
        return Ok(1);
    }
    let value = a.int(place);
    usize::try_from(value)
        .ok()
        .filter(|value| *value > 0)
        .ok_or_else(|| {
            SqlError::new(
                "22023",
                format!("invalid value for parameter \"{name}\": {value}"),
            )
        })
}

fn byte_of(text: &str, start: usize) -> usize {
    text.char_indices()
        .nth(start - 1)
        .map_or(text.len(), |(at, _)| at)
}

/// Puts a replacement's groups in.
fn expand(replacement: &str, captures: &Captures<'_>, out: &mut String) {
    let mut chars = replacement.chars();
    while let Some(c) = chars.next() {
        let group = match c {
            '\\' => match chars.next() {
                Some('&') => 0,
                Some(digit @ '1'..='9') => digit.to_digit(10).unwrap_or(0) as usize,
                Some('\\') | None => {
                    out.push('\\');
                    continue;
                }
                Some(other) => {
                    out.extend(['\\', other]);
                    continue;
                }
            },
            other => {
                out.push(other);
                continue;
            }
        };
        out.push_str(captures.get(group).map_or("", |group| group.as_str()));
    }
}

/// Replaces the match of this number, or all from the first where it is 0.
fn replace(regex: &Regex, text: &str, replacement: &str, start: usize, number: usize) -> Answer {
    let from = byte_of(text, start);
    let mut out = text[..from].to_owned();
    let mut copied = from;
    for (at, captures) in regex.captures_iter(&text[from..]).enumerate() {
        if number != 0 && at + 1 != number {
            continue;
        }
        let Some(whole) = captures.get(0) else { break };
        out.push_str(&text[copied..from + whole.start()]);
        expand(replacement, &captures, &mut out);
        copied = from + whole.end();
        refuse_over("regexp_replace", out.len() as u64)?;
        if number != 0 {
            break;
        }
    }
    out.push_str(&text[copied..]);
    Ok(out.into())
}

/// The parts between matches. An empty match at an end or behind another match parts nothing.
fn split(regex: &Regex, text: &str) -> Vec<Option<String>> {
    let mut parts = Vec::new();
    let mut from = 0;
    for found in regex.find_iter(text) {
        if found.is_empty()
            && (found.start() == from || found.start() == text.len())
            && found.start() != 0
        {
            continue;
        }
        if found.is_empty() && (found.start() == 0 || found.start() == text.len()) {
            continue;
        }
        parts.push(Some(text[from..found.start()].to_owned()));
        from = found.end();
    }
    parts.push(Some(text[from..].to_owned()));
    parts
}

/// Adds to `substring` the form that takes what an expression matches.
pub(super) fn substring(function: Function) -> Function {
    let known = Known::default();
    function.on(&[Kind::Text, Kind::Text], Gives::Text, move |a| {
        let regex = known.get(a.text(1), Flags::read("")?)?;
        let found = regex.captures(a.text(0));
        Ok(found
            .and_then(|captures| groups(&captures).into_iter().next().flatten())
            .into())
    })
}

pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    use Kind::{Int, Text};
    let with_flags = |name, gives, body: fn(&Known, &Row<'_>) -> Answer| {
        let (one, two) = (Known::default(), Known::default());
        Function::new(name)
            .on(&[Text, Text], gives, move |a| body(&one, a))
            .on(&[Text, Text, Text], gives, move |a| body(&two, a))
    };
    let regexp_match = with_flags("regexp_match", Gives::Texts, |known, a| {
        let flags = flags_at(a, 2)?.not_global("regexp_match", "regexp_matches")?;
        let regex = known.get(a.text(1), flags)?;
        Ok(regex
            .captures(a.text(0))
            .map(|captures| groups(&captures))
            .into())
    });
    // One list for each match: its rows are the rows of regexp_matches.
    let all_matches = with_flags(
        "regexp_matches",
        Gives::Of(|_, _| list_of(list_of(arrow::datatypes::DataType::Utf8))),
        |known, a| {
            let flags = flags_at(a, 2)?;
            let regex = known.get(a.text(1), flags)?;
            let limit = if flags.is_global { usize::MAX } else { 1 };
            let found = regex.captures_iter(a.text(0)).take(limit);
            Ok(Value::One(super::arrays::list_of_texts(
                found.map(|captures| groups(&captures)),
            )))
        },
    );
    let split_to_table = with_flags("regexp_split_to_table", Gives::Texts, |known, a| {
        let flags = flags_at(a, 2)?.not_global("regexp_split_to_table", "")?;
        let regex = known.get(a.text(1), flags)?;
        Ok(split(&regex, a.text(0)).into())
    });
    let split_to_array = with_flags("regexp_split_to_array", Gives::Texts, |known, a| {
        let flags = flags_at(a, 2)?.not_global("regexp_split_to_array", "")?;
        let regex = known.get(a.text(1), flags)?;
        Ok(split(&regex, a.text(0)).into())
    });
    let like = with_flags("regexp_like", Gives::Bool, |known, a| {
        let flags = flags_at(a, 2)?.not_global("regexp_like", "")?;
        Ok(known.get(a.text(1), flags)?.is_match(a.text(0)).into())
    });
    let mut count = Function::new("regexp_count");
    let mut substr = Function::new("regexp_substr");
    let mut replaced = Function::new("regexp_replace");
    for takes in [
        &[Text, Text][..],
        &[Text, Text, Int],
        &[Text, Text, Int, Text],
    ] {
        let known = Known::default();
        count = count.on(takes, Gives::Int4, move |a| {
            let flags = flags_at(a, 3)?.not_global("regexp_count", "")?;
            let text = &a.text(0)[byte_of(a.text(0), start_at(a, 2)?)..];
            Ok(Value::Int(
                known.get(a.text(1), flags)?.find_iter(text).count() as i64,
            ))
        });
    }
    let wide = [Text, Text, Int, Int, Text, Int];
    for length in 2..=wide.len() {
        let known = Known::default();
        substr = substr.on(&wide[..length], Gives::Text, move |a| {
            let flags = flags_at(a, 4)?.not_global("regexp_substr", "")?;
            let text = &a.text(0)[byte_of(a.text(0), start_at(a, 2)?)..];
            let number = positive(a, 3, "n")?;
            let group = if a.len() > 5 {
                usize::try_from(a.int(5)).unwrap_or(0)
            } else {
                0
            };
            let regex = known.get(a.text(1), flags)?;
            let found = regex.captures_iter(text).nth(number - 1);
            Ok(found
                .and_then(|captures| Some(captures.get(group)?.as_str().to_owned()))
                .into())
        });
    }
    for takes in [&[Text, Text, Text][..], &[Text, Text, Text, Text]] {
        let known = Known::default();
        replaced = replaced.on(takes, Gives::Text, move |a| {
            let flags = flags_at(a, 3)?;
            let regex = known.get(a.text(1), flags)?;
            replace(
                &regex,
                a.text(0),
                a.text(2),
                1,
                usize::from(!flags.is_global),
            )
        });
    }
    let wide = [Text, Text, Text, Int, Int, Text];
    for length in 4..=wide.len() {
        let known = Known::default();
        replaced = replaced.on(&wide[..length], Gives::Text, move |a| {
            let flags = flags_at(a, 5)?;
            let number = match a.len() {
                4 => usize::from(!flags.is_global),
                _ => usize::try_from(a.int(4)).map_err(|_| {
                    SqlError::new(
                        "22023",
                        format!("invalid value for parameter \"n\": {}", a.int(4)),
                    )
                })?,
            };
            let regex = known.get(a.text(1), flags)?;
            replace(&regex, a.text(0), a.text(2), start_at(a, 3)?, number)
        });
    }
    [
        regexp_match,
        all_matches,
        split_to_table,
        split_to_array,
        like,
        count,
        substr,
        replaced,
    ]
    .map(Function::done)
    .into()
}
