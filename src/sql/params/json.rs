//! Texts of the types `json` and `jsonb`.
//!
//! A part of a `json` is a piece of its text as it stands, with the order, digits and white space that it has; so texts
//! are taken apart here and not read into a tree, which would keep none of them.

use serde::de::IgnoredAny;

use crate::sql::numeric::Numeric;
use crate::sql::sqlstate::SqlError;

/// How deep a value may be that is written anew.
const DEPTH_MAX: usize = 256;

/// The white space of JSON (RFC 8259, section 2).
const WHITE: [char; 4] = [' ', '\t', '\n', '\r'];

/// The parts of a value, each a piece of its text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Json<'a> {
    /// Names and what they stand for, in their order, those that come twice too.
    Object(Vec<(String, &'a str)>),
    Array(Vec<&'a str>),
    /// A string in quotation marks, a number, `true`, `false` or `null`.
    Scalar(&'a str),
}

/// What tells one form of writing from another.
#[derive(Clone, Copy)]
pub(crate) struct Form {
    between: &'static str,
    colon: &'static str,
    /// Members by the length of their names and then by their bytes, of those with one name the last; numbers and
    /// strings in one form.
    is_canonical: bool,
    is_indented: bool,
    skips_nulls: bool,
}

impl Form {
    /// As `jsonb` is written.
    pub const BINARY: Self = Self {
        between: ", ",
        colon: ": ",
        is_canonical: true,
        is_indented: false,
        skips_nulls: false,
    };
    /// As `jsonb_pretty` writes.
    pub const PRETTY: Self = Self {
        between: ",",
        is_indented: true,
        ..Self::BINARY
    };
    /// As `jsonb_strip_nulls` writes.
    pub const BINARY_WITHOUT_NULLS: Self = Self {
        skips_nulls: true,
        ..Self::BINARY
    };
    /// As `json_strip_nulls` writes.
    pub const WITHOUT_NULLS: Self = Self {
        between: ",",
        colon: ":",
        is_canonical: false,
        is_indented: false,
        skips_nulls: true,
    };
}

fn no_json() -> SqlError {
    SqlError::new("22P02", "invalid input syntax for type json")
}

/// Checks that a text is one value.
///
/// # Errors
/// 22P02 when it is none.
pub(crate) fn check(text: &str) -> Result<(), SqlError> {
    let read = serde_json::from_str::<IgnoredAny>(text);
    read.map(|_| ()).map_err(|_| no_json())
}

/// A text as the string that it is in JSON.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The string that stands in quotation marks.
///
/// # Errors
/// 22P05 when it has a character that no text has.
fn unquoted(text: &str) -> Result<String, SqlError> {
    let string: String = serde_json::from_str(text).map_err(|_| no_json())?;
    match string.contains('\0') {
        false => Ok(string),
        true => Err(
            SqlError::new("22P05", "unsupported Unicode escape sequence")
                .with_detail("\\u0000 cannot be converted to text."),
        ),
    }
}

/// A value as text: a string without its quotation marks, `null` as NULL, all others as they stand.
///
/// # Errors
/// 22P05 when it has a character that no text has.
pub(crate) fn as_text(value: &str) -> Result<Option<String>, SqlError> {
    match value.as_bytes().first() {
        Some(b'"') => unquoted(value).map(Some),
        _ => Ok((value != "null").then(|| value.to_owned())),
    }
}

/// Takes a value apart that was [checked](check).
///
/// # Errors
/// 22P05 when a name has a character that no text has; 22P02 for what is no value.
pub(crate) fn parts(value: &str) -> Result<Json<'_>, SqlError> {
    let value = value.trim_matches(WHITE);
    let within = |open: char, close: char| value.strip_prefix(open)?.strip_suffix(close);
    if let Some(elements) = within('[', ']') {
        return Ok(Json::Array(pieces(elements)));
    }
    let Some(members) = within('{', '}') else {
        return Ok(Json::Scalar(value));
    };
    let member = |piece: &'_ str| -> Option<(usize, usize)> {
        let name_end = string_end(piece)?;
        let colon = piece.get(name_end..)?.find(':')?;
        Some((name_end, name_end + colon + 1))
    };
    let members = pieces(members).into_iter().map(|piece| {
        let (name_end, value_start) = member(piece).ok_or_else(no_json)?;
        let (name, value) = (&piece[..name_end], &piece[value_start..]);
        Ok((unquoted(name)?, value.trim_matches(WHITE)))
    });
    members.collect::<Result<_, SqlError>>().map(Json::Object)
}

/// Where the string ends that a text begins with, behind its last quotation mark.
fn string_end(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// What stands between the commas that are within no brackets and no string.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut depth) = (0_usize, 0_usize);
    let (mut is_string, mut is_escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = is_string,
            b'"' => is_string = !is_string,
            _ if is_string => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                pieces.push(text[start..at].trim_matches(WHITE));
                start = at + 1;
            }
            _ => {}
        }
    }
    let last = text[start..].trim_matches(WHITE);
    if !(last.is_empty() && pieces.is_empty()) {
        pieces.push(last);
    }
    pieces
}

/// A text as a value of `jsonb`.
///
/// # Errors
/// 22P02 when it is no value; 22P05 when it has a character that no text has; 22003 when a number has too many digits;
/// 54001 when it is too deep.
pub(crate) fn binary(text: &str) -> Result<String, SqlError> {
    check(text)?;
    written(text, Form::BINARY)
}

/// A value that was [checked](check), in another form.
///
/// # Errors
/// As those of [`binary`].
pub(crate) fn written(value: &str, form: Form) -> Result<String, SqlError> {
    let mut out = String::with_capacity(value.len());
    write(value, form, 0, &mut out)?;
    Ok(out)
}

fn write(value: &str, form: Form, depth: usize, out: &mut String) -> Result<(), SqlError> {
    if depth > DEPTH_MAX {
        return Err(SqlError::new("54001", "stack depth limit exceeded"));
    }
    let line = |depth: usize, out: &mut String| {
        if form.is_indented {
            out.push('\n');
            out.extend(std::iter::repeat_n("    ", depth));
        }
    };
    match parts(value)? {
        Json::Array(elements) => {
            out.push('[');
            for (at, element) in elements.into_iter().enumerate() {
                if at > 0 {
                    out.push_str(form.between);
                }
                line(depth + 1, out);
                write(element, form, depth + 1, out)?;
            }
            line(depth, out);
            out.push(']');
        }
        Json::Object(mut members) => {
            if form.skips_nulls {
                members.retain(|(_, member)| *member != "null");
            }
            if form.is_canonical {
                in_order(&mut members);
            }
            out.push('{');
            for (at, (name, member)) in members.iter().enumerate() {
                if at > 0 {
                    out.push_str(form.between);
                }
                line(depth + 1, out);
                out.push_str(&quoted(name));
                out.push_str(form.colon);
                write(member, form, depth + 1, out)?;
            }
            line(depth, out);
            out.push('}');
        }
        Json::Scalar(string) if string.starts_with('"') => {
            out.push_str(&quoted(&unquoted(string)?));
        }
        Json::Scalar(word @ ("true" | "false" | "null")) => out.push_str(word),
        Json::Scalar(number) if form.is_canonical => {
            out.push_str(&number.parse::<Numeric>()?.to_string());
        }
        Json::Scalar(number) => out.push_str(number),
    }
    Ok(())
}

/// The members as `jsonb` keeps them: the shortest names first, and of those with one name the last.
fn in_order(members: &mut Vec<(String, &str)>) {
    members.reverse();
    members.sort_by(|(a, _), (b, _)| (a.len(), a).cmp(&(b.len(), b)));
    members.dedup_by(|(a, _), (b, _)| a == b);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parts_are_pieces_of_the_text() {
        let text = " { \"a\\\"}\" : [1,  2.50] , \"b\":{\"c\":\",\"},\"a\": null } ";
        assert_eq!(
            parts(text).ok(),
            Some(Json::Object(vec![
                ("a\"}".to_owned(), "[1,  2.50]"),
                ("b".to_owned(), "{\"c\":\",\"}"),
                ("a".to_owned(), "null"),
            ]))
        );
        assert_eq!(parts("[ ]").ok(), Some(Json::Array(Vec::new())));
        assert_eq!(
            parts("[\"[,\", [1,[]]]").ok(),
            Some(Json::Array(vec!["\"[,\"", "[1,[]]"]))
        );
        assert_eq!(parts(" 1e3 ").ok(), Some(Json::Scalar("1e3")));
    }

    #[test]
    fn one_form_for_equal_values() {
        for (text, binary) in [
            ("{\"bb\":1,\"a\":2,\"bb\" : 3}", "{\"a\": 2, \"bb\": 3}"),
            (
                "[1.50, 1e2, -0, 0.1E-1, 12345678901234567890123]",
                "[1.50, 100, 0, 0.01, 12345678901234567890123]",
            ),
            ("\"\\u00e9\\n\\/\"", "\"é\\n/\""),
            ("[]", "[]"),
            ("{}", "{}"),
        ] {
            assert_eq!(super::binary(text).ok().as_deref(), Some(binary), "{text}");
        }
        assert_eq!(
            written("{\"b\": [null, {}], \"a\":null}", Form::PRETTY).ok(),
            Some(
                "{\n    \"a\": null,\n    \"b\": [\n        null,\n        {\n        }\n    ]\n}"
                    .to_owned()
            )
        );
        assert_eq!(
            written(
                "{ \"b\": [null, {\"c\":null}], \"a\":null}",
                Form::WITHOUT_NULLS
            )
            .ok(),
            Some("{\"b\":[null,{}]}".to_owned())
        );
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        let code = |text: &str| binary(text).map_err(|error| error.code).err();
        assert_eq!(code("[1,]"), Some("22P02"));
        assert_eq!(code("\"\\u0000\""), Some("22P05"));
        assert_eq!(code("{\"\\u0000\": 1}"), Some("22P05"));
        assert_eq!(code("\"\\ud800\""), Some("22P02"));
        assert_eq!(code("1e999999"), Some("22003"));
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(code(&deep), Some("54001"));
    }

    fn value() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            "[^\0]{0,8}".prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
                prop::collection::btree_map("[^\0]{0,4}", inner, 0..4).prop_map(|members| {
                    serde_json::Value::Object(members.into_iter().collect())
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_value_stays_what_it_is(value in value(), is_spaced in any::<bool>()) {
            let text = match is_spaced {
                true => serde_json::to_string_pretty(&value),
                false => serde_json::to_string(&value),
            };
            let again = binary(&text.unwrap()).unwrap();
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&again).unwrap(), value);
            prop_assert_eq!(binary(&again).ok(), Some(again));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[\\[\\]{}:,\"\\\\a1 ]{0,24}") {
            let _ = parts(&text);
            let _ = binary(&text);
        }
    }
}
