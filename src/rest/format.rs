use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, HeaderValue, StatusCode};

use super::refusal::Refusal;

/// What a list is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON:API document, as all clients of the documented API read it.
    Json,
    /// The same under JSON:API's own media type.
    JsonApi,
    /// The document's objects, one a line.
    Lines,
    /// RFC 4180, the names in the first line.
    Csv,
    /// Arrow's IPC stream.
    Arrow,
}

/// Media types and what they ask for, the best first.
pub const FORMATS: [(&str, Format); 5] = [
    ("application/json", Format::Json),
    ("application/vnd.api+json", Format::JsonApi),
    ("application/x-ndjson", Format::Lines),
    ("text/csv", Format::Csv),
    ("application/vnd.apache.arrow.stream", Format::Arrow),
];

impl Format {
    /// What a request accepts best (RFC 9110, section 12.5.1).
    ///
    /// # Errors
    /// 406 when it accepts nothing that there is.
    pub fn accepted(headers: &HeaderMap) -> Result<Self, Refusal> {
        let mut ranges = Vec::new();
        for value in headers.get_all(ACCEPT) {
            let value = value.to_str().unwrap_or_default();
            ranges.extend(
                value
                    .split(',')
                    .map(str::trim)
                    .filter(|range| !range.is_empty()),
            );
        }
        if ranges.is_empty() {
            return Ok(Self::Json);
        }
        let mut best: Option<(f32, Self)> = None;
        for range in ranges {
            let (range, quality) = quality(range);
            let named = FORMATS.iter().find(|(name, _)| is_in(range, name));
            if let Some((_, format)) = named
                && quality > 0.0
                && best.is_none_or(|(other, _)| quality > other)
            {
                best = Some((quality, *format));
            }
        }
        let refused = || {
            let names = FORMATS.map(|(name, _)| name).join(", ");
            Refusal::new(
                StatusCode::NOT_ACCEPTABLE,
                format!("lists are there as {names}"),
            )
        };
        best.map(|(_, format)| format).ok_or_else(refused)
    }

    /// As which of the two forms of JSON a request accepts a document better that has no other form.
    pub fn of_document(headers: &HeaderMap) -> Self {
        let accepted = |format: Self| {
            let values = headers.get_all(ACCEPT).iter();
            let values = values.filter_map(|value| value.to_str().ok());
            let ranges = values.flat_map(|value| value.split(',').map(str::trim));
            let qualities = ranges
                .map(quality)
                .filter(|(range, _)| is_in(range, format.name()))
                .map(|(_, quality)| quality);
            qualities.reduce(f32::max)
        };
        match accepted(Self::JsonApi) > accepted(Self::Json) {
            true => Self::JsonApi,
            false => Self::Json,
        }
    }

    /// Its media type, without parameters.
    pub fn name(self) -> &'static str {
        let named = FORMATS.iter().find(|(_, format)| *format == self);
        named.map_or("", |(name, _)| name)
    }

    /// The response's media type.
    pub fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json => "application/json; charset=utf-8",
            Self::JsonApi => "application/vnd.api+json",
            Self::Lines => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Arrow => "application/vnd.apache.arrow.stream",
        })
    }
}

/// A media range without its parameters, and how much it is wanted.
fn quality(range: &str) -> (&str, f32) {
    let mut parts = range.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let quality = parts.find_map(|part| {
        let (key, value) = part.split_once('=')?;
        key.trim()
            .eq_ignore_ascii_case("q")
            .then(|| value.trim().parse())
    });
    match quality {
        None => (name, 1.0),
        Some(Ok(quality)) => (name, quality),
        Some(Err(_)) => (name, 0.0),
    }
}

fn is_in(range: &str, name: &str) -> bool {
    match range.split_once('/') {
        Some(("*", "*")) => true,
        Some((family, "*")) => name.starts_with(&format!("{}/", family.to_ascii_lowercase())),
        _ => range.eq_ignore_ascii_case(name),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn accepted(accept: &str) -> Option<Format> {
        let value = HeaderValue::from_str(accept).unwrap();
        Format::accepted(&HeaderMap::from_iter([(ACCEPT, value)])).ok()
    }

    #[test]
    fn the_best_that_there_is_is_chosen() {
        assert_eq!(Format::accepted(&HeaderMap::new()).ok(), Some(Format::Json));
        for (accept, format) in [
            ("application/json, text/plain, */*", Some(Format::Json)),
            ("text/html, */*;q=0.8", Some(Format::Json)),
            ("text/*", Some(Format::Csv)),
            ("Text/CSV", Some(Format::Csv)),
            (
                "text/csv;q=0.5, application/x-ndjson;q=0.6",
                Some(Format::Lines),
            ),
            ("application/vnd.api+json", Some(Format::JsonApi)),
            ("application/vnd.apache.arrow.stream", Some(Format::Arrow)),
            ("application/json;q=0, text/csv;q=0.1", Some(Format::Csv)),
            ("", Some(Format::Json)),
            ("text/html", None),
            ("text/csv;q=0", None),
            ("text/csv;q=x", None),
        ] {
            assert_eq!(accepted(accept), format, "{accept}");
        }
    }

    #[test]
    fn a_document_is_json_unless_the_other_is_preferred() {
        assert_eq!(Format::of_document(&HeaderMap::new()), Format::Json);
        for (accept, format) in [
            ("application/vnd.api+json", Format::JsonApi),
            ("text/csv, application/vnd.api+json;q=0.1", Format::JsonApi),
            (
                "application/json;q=0.5, application/vnd.api+json",
                Format::JsonApi,
            ),
            ("application/json, application/vnd.api+json", Format::Json),
            ("application/json, text/plain, */*", Format::Json),
            ("application/vnd.api+json, */*", Format::Json),
            ("text/html", Format::Json),
        ] {
            let value = HeaderValue::from_static(accept);
            let headers = HeaderMap::from_iter([(ACCEPT, value)]);
            assert_eq!(Format::of_document(&headers), format, "{accept}");
        }
    }

    proptest! {
        #[test]
        fn any_accept_reads(accept in "[ -~]{0,40}") {
            let _ = accepted(&accept);
            let value = HeaderValue::from_str(&accept).unwrap();
            let _ = Format::of_document(&HeaderMap::from_iter([(ACCEPT, value)]));
        }
    }
}
