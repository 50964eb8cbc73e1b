//! Filters as they are written: paths, and what must hold.

use serde_json::Value;

use super::{Comparison, Condition};
use crate::rest::parameters::shorten;
use crate::rest::paths::Step;
use crate::rest::refusal::Refusal;

/// How deep an expression may nest.
const DEPTH_MAX: usize = 32;
/// Of how many comparisons an expression may consist.
const TERMS_MAX: usize = 256;

/// The steps of a JSON pointer (RFC 6901).
pub fn pointer(text: &str) -> Vec<Step> {
    let text = text.strip_prefix('/').unwrap_or(text);
    let tokens = text.split('/');
    tokens
        .map(|token| Step::Name(token.replace("~1", "/").replace("~0", "~")))
        .collect()
}

/// The steps of a JSONPath: names, places and wildcards, in dots or brackets (RFC 9535 without the rest).
///
/// # Errors
/// 400, with the place.
pub fn json_path(text: &str) -> Result<Vec<Step>, Refusal> {
    let wrong = |at: usize, what: &str| {
        let at = text[..at].chars().count() + 1;
        Refusal::bad_request(format!(
            "filter path {:?}: {what} at character {at}",
            shorten(text)
        ))
    };
    let mut steps = Vec::new();
    let mut rest = text.strip_prefix('$').unwrap_or(text);
    let mut first = rest.len() == text.len();
    while !rest.is_empty() {
        let at = text.len() - rest.len();
        if let Some(inner) = rest.strip_prefix('[') {
            let (step, after) = bracket(inner).ok_or_else(|| wrong(at, "no selector"))?;
            steps.push(step);
            rest = after;
        } else {
            let named = match rest.strip_prefix('.') {
                Some(named) => named,
                None if first => rest,
                None => return Err(wrong(at, "neither a dot nor a bracket")),
            };
            let end = named.find(['.', '[']).unwrap_or(named.len());
            let (name, after) = named.split_at(end);
            steps.push(match name {
                "" => return Err(wrong(at, "no name")),
                "*" => Step::All,
                name => Step::Name(name.to_owned()),
            });
            rest = after;
        }
        first = false;
    }
    match steps.is_empty() {
        true => Err(wrong(0, "no name")),
        false => Ok(steps),
    }
}

/// What stands in brackets, and what follows them.
fn bracket(inner: &str) -> Option<(Step, &str)> {
    for quote in ['\'', '"'] {
        if let Some(quoted) = inner.strip_prefix(quote) {
            let (name, after) = quoted.split_once(quote)?;
            return Some((Step::Name(name.to_owned()), after.strip_prefix(']')?));
        }
    }
    let (selector, after) = inner.split_once(']')?;
    let step = match selector.trim() {
        "*" => Step::All,
        place => Step::At(place.parse().ok()?),
    };
    Some((step, after))
}

/// Reads what must hold.
pub struct Parser<'a> {
    text: &'a str,
    /// Where it is, and where a mistake is.
    pub at: usize,
    /// How many comparisons it has read.
    pub terms: usize,
}

impl<'a> Parser<'a> {
    /// At the beginning of a text.
    pub fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            terms: 0,
        }
    }

    /// The whole text.
    ///
    /// # Errors
    /// What is wrong where it is then.
    pub fn whole(&mut self) -> Result<Condition, String> {
        let condition = match self.operator() {
            Some(_) => self.expression(0)?,
            None => {
                let value = scalar(self.text)?;
                self.at = self.text.len();
                self.terms = 1;
                Condition::Compare(Comparison::Equal, value)
            }
        };
        self.skip_space();
        match self.at == self.text.len() {
            true => Ok(condition),
            false => Err("something stands behind the expression".to_owned()),
        }
    }

    /// The name of an operator and its parenthesis, if they come next.
    fn operator(&self) -> Option<&str> {
        let rest = self.text[self.at..].trim_start();
        let (name, _) = rest.split_once('(')?;
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic());
        is_name.then_some(name)
    }

    fn expression(&mut self, depth: usize) -> Result<Condition, String> {
        self.skip_space();
        if depth >= DEPTH_MAX {
            return Err(format!("expressions nest deeper than {DEPTH_MAX}"));
        }
        let Some(name) = self.operator().map(str::to_owned) else {
            return Err("an operator and its arguments are expected".to_owned());
        };
        if let Some(comparison) = Comparison::named(&name) {
            self.at += name.len() + 1;
            return self.comparison(comparison);
        }
        if !["and", "or", "not"].contains(&name.as_str()) {
            return Err(format!("{:?} is no operator", shorten(&name)));
        }
        self.at += name.len() + 1;
        let mut inner = vec![self.expression(depth + 1)?];
        while self.take(',') {
            inner.push(self.expression(depth + 1)?);
        }
        if name == "not" && inner.len() > 1 {
            return Err("not takes one expression".to_owned());
        }
        if !self.take(')') {
            return Err("')' is expected".to_owned());
        }
        Ok(match (name.as_str(), inner.pop()) {
            ("not", Some(negated)) => Condition::Not(Box::new(negated)),
            (other, last) => {
                inner.extend(last);
                match other {
                    "and" => Condition::And(inner),
                    _ => Condition::Or(inner),
                }
            }
        })
    }

    fn comparison(&mut self, comparison: Comparison) -> Result<Condition, String> {
        self.terms += 1;
        if self.terms > TERMS_MAX {
            return Err(format!("there are more than {TERMS_MAX} comparisons"));
        }
        let rest = &self.text[self.at..];
        let end = end_of_value(rest).ok_or("')' is expected")?;
        let value = scalar(&rest[..end])?;
        self.at += end + 1;
        Ok(Condition::Compare(comparison, value))
    }

    fn take(&mut self, wanted: char) -> bool {
        self.skip_space();
        let found = self.text[self.at..].starts_with(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    fn skip_space(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }
}

/// The place of the parenthesis behind a JSON value.
fn end_of_value(text: &str) -> Option<usize> {
    let (mut in_string, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b')' if !in_string => return Some(at),
            _ => {}
        }
    }
    None
}

fn scalar(text: &str) -> Result<Value, String> {
    match serde_json::from_str(text) {
        Ok(Value::Array(_) | Value::Object(_)) => {
            Err("values are compared with strings, numbers, true, false and null only".to_owned())
        }
        Ok(value) => Ok(value),
        Err(error) => Err(format!("{:?} is no JSON value: {error}", shorten(text))),
    }
}
