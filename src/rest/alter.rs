//! The document of `PATCH /v1/sessions/:id`: which lines are logged of a session, and its filters.

use serde_json::{Map, Value};

use super::parameters::shorten;
use super::refusal::Refusal;
use crate::session::{LOG_PARAMETERS, LogLevel};

/// What a document asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Levels that are logged of the session, or no longer.
    pub logs: Vec<(LogLevel, bool)>,
    /// The names of all filters that it is to have.
    pub filters: Option<Vec<String>>,
}

impl Changes {
    /// Reads a document for the session with this id.
    ///
    /// # Errors
    /// 400 with the place in the document.
    pub fn parse(text: &[u8], id: &str) -> Result<Self, Refusal> {
        let document: Value = serde_json::from_slice(text)
            .map_err(|error| Refusal::bad_request(format!("the body is no JSON: {error}")))?;
        let data = member(&document, "", "data")?;
        let data = data.ok_or_else(|| Refusal::bad_request("the body has no data"))?;
        let mut changes = Self::default();
        for (name, value) in object(data, "data")? {
            match name.as_str() {
                "id" if value == id => {}
                "type" if value == "sessions" => {}
                "attributes" => changes.read_attributes(value)?,
                "relationships" => changes.read_relationships(value)?,
                "links" | "meta" => {}
                _ => {
                    return Err(wrong(
                        &format!("data.{name}"),
                        "is not that of this session",
                    ));
                }
            }
        }
        Ok(changes)
    }

    fn read_attributes(&mut self, attributes: &Value) -> Result<(), Refusal> {
        for (name, value) in object(attributes, "data.attributes")? {
            if name != "parameters" {
                return Err(wrong(
                    &format!("data.attributes.{name}"),
                    "cannot be changed",
                ));
            }
            for (name, value) in object(value, "data.attributes.parameters")? {
                let place = format!("data.attributes.parameters.{name}");
                let level = LOG_PARAMETERS.iter().find(|(known, _)| known == name);
                let (_, level) = level.ok_or_else(|| {
                    wrong(&place, "is no parameter of a session: there are log_debug, log_info, log_notice, log_warning and log_error")
                })?;
                let on = switch(value).ok_or_else(|| wrong(&place, "is neither true nor false"))?;
                self.logs.push((*level, on));
            }
        }
        Ok(())
    }

    fn read_relationships(&mut self, relationships: &Value) -> Result<(), Refusal> {
        for (name, value) in object(relationships, "data.relationships")? {
            let place = format!("data.relationships.{name}");
            if name != "filters" {
                return Err(wrong(&place, "cannot be changed"));
            }
            let data = member(value, &place, "data")?;
            let filters = data.and_then(Value::as_array);
            let filters = filters.ok_or_else(|| wrong(&place, "has no array of data"))?;
            let mut names = Vec::new();
            for (at, filter) in filters.iter().enumerate() {
                let place = format!("{place}.data[{at}]");
                let is_filter = filter.get("type").is_some_and(|named| named == "filters");
                let name = filter.get("id").and_then(Value::as_str);
                let name = name.filter(|_| is_filter);
                let name =
                    name.ok_or_else(|| wrong(&place, "has not the id and type of a filter"))?;
                names.push(name.to_owned());
            }
            self.filters = Some(names);
        }
        Ok(())
    }
}

fn wrong(place: &str, what: &str) -> Refusal {
    Refusal::bad_request(format!("{} {what}", shorten(place)))
}

fn object<'v>(value: &'v Value, place: &str) -> Result<&'v Map<String, Value>, Refusal> {
    value
        .as_object()
        .ok_or_else(|| wrong(place, "is no object"))
}

fn member<'v>(value: &'v Value, place: &str, name: &str) -> Result<Option<&'v Value>, Refusal> {
    let place = if place.is_empty() { "the body" } else { place };
    Ok(object(value, place)?.get(name))
}

/// A truth value; command lines send texts.
fn switch(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(on) => Some(*on),
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "on" | "yes" | "1" => Some(true),
            "false" | "off" | "no" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<Changes, String> {
        Changes::parse(text.as_bytes(), "9").map_err(|refusal| refusal.detail().to_owned())
    }

    #[test]
    fn documents_are_read() {
        let changes = parse(
            r#"{"data":{"id":"9","type":"sessions","attributes":{"parameters":{"log_info":true,"log_debug":"off"}}}}"#,
        );
        let logs = vec![(LogLevel::Debug, false), (LogLevel::Info, true)];
        let mut found = changes.unwrap();
        found.logs.sort_by_key(|(level, _)| *level as u8);
        assert_eq!(
            found,
            Changes {
                logs,
                filters: None
            }
        );
        let changes = parse(
            r#"{"data":{"relationships":{"filters":{"data":[{"id":"a","type":"filters"}]}}}}"#,
        );
        assert_eq!(changes.unwrap().filters, Some(vec!["a".to_owned()]));
        assert_eq!(parse(r#"{"data":{}}"#).unwrap(), Changes::default());
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        for (text, place) in [
            ("", "the body is no JSON"),
            ("[]", "the body is no object"),
            ("{}", "the body has no data"),
            (r#"{"data":[]}"#, "data is no object"),
            (r#"{"data":{"id":"8"}}"#, "data.id"),
            (r#"{"data":{"type":"servers"}}"#, "data.type"),
            (
                r#"{"data":{"attributes":1}}"#,
                "data.attributes is no object",
            ),
            (
                r#"{"data":{"attributes":{"user":"x"}}}"#,
                "data.attributes.user cannot",
            ),
            (
                r#"{"data":{"attributes":{"parameters":{"log":1}}}}"#,
                "data.attributes.parameters.log is no parameter",
            ),
            (
                r#"{"data":{"attributes":{"parameters":{"log_info":1}}}}"#,
                "parameters.log_info is neither",
            ),
            (
                r#"{"data":{"relationships":{"services":{"data":[]}}}}"#,
                "data.relationships.services",
            ),
            (
                r#"{"data":{"relationships":{"filters":{}}}}"#,
                "filters has no array",
            ),
            (
                r#"{"data":{"relationships":{"filters":{"data":[{"id":"a"}]}}}}"#,
                "filters.data[0]",
            ),
        ] {
            let refused = parse(text).unwrap_err();
            assert!(refused.contains(place), "{text}: {refused}");
        }
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(parse(&deep).is_err());
    }

    proptest! {
        #[test]
        fn any_body_reads(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Changes::parse(&body, "9").is_ok();
        }
    }
}
