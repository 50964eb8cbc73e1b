//! The query string of a request.
//!
//! A parameter that the API does not know is ignored, as the original does.

use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::json::Style;
use super::refusal::Refusal;
use super::tokens;

/// The longest delay that `ttl` can ask for.
const TTL_MAX: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// What stands for itself in a query string (RFC 3986, section 3.4), as far as it helps to read it.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/')
    .remove(b',');

/// The parameters of one request, decoded. Of two with one name the last counts, but for filters.
#[derive(Debug, Default)]
pub struct Parameters {
    pairs: Vec<(String, String)>,
    /// The first one that cannot be read, as it is written.
    malformed: Option<String>,
}

impl Parameters {
    /// Reads what stands after the question mark. What of it cannot be read is told by [`Parameters::check`].
    pub fn parse(query: Option<&str>) -> Self {
        let mut parameters = Self::default();
        let parts = query.unwrap_or_default().split('&');
        for part in parts.filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            match (decode(name), decode(value)) {
                (Some(name), Some(value)) => parameters.pairs.push((name, value)),
                (Some(name), None) => parameters.refuse(name),
                (None, _) => parameters.refuse(name.to_owned()),
            }
        }
        parameters
    }

    fn refuse(&mut self, name: String) {
        self.malformed.get_or_insert(name);
    }

    /// Refuses parameters of which one cannot be read: whoever sent a filter does not want to go without it.
    ///
    /// # Errors
    /// 400 with its name.
    pub fn check(&self) -> Result<(), Refusal> {
        match &self.malformed {
            None => Ok(()),
            Some(name) => Err(Refusal::bad_request(format!(
                "the parameter {:?} is encoded wrongly: behind a % are two hexadecimal digits, and they stand for UTF-8",
                shorten(name)
            ))),
        }
    }

    /// `pretty`: on unless it says otherwise.
    pub fn style(&self) -> Style {
        match self.get("pretty") {
            Some(value) if is_one_of(value, &["false", "off", "no", "0"]) => Style::Compact,
            _ => Style::Pretty,
        }
    }

    /// `rdns`: whether host names are asked for instead of addresses.
    pub fn rdns(&self) -> bool {
        self.is_on("rdns")
    }

    /// `ttl`: how long to wait, in seconds. `None`: not at all.
    ///
    /// # Errors
    /// When it is not a number, or one of more than a year.
    pub fn ttl(&self) -> Result<Option<Duration>, Refusal> {
        let Some(written) = self.get("ttl") else {
            return Ok(None);
        };
        let wrong = || {
            let shown = shorten(written);
            Refusal::bad_request(format!(
                "ttl is a number of seconds, at most {}, not {shown:?}",
                TTL_MAX.as_secs()
            ))
        };
        let seconds: f64 = written.parse().map_err(|_| wrong())?;
        if seconds <= 0.0 {
            return Ok(None);
        }
        match Duration::try_from_secs_f64(seconds) {
            Ok(ttl) if ttl <= TTL_MAX => Ok(Some(ttl)),
            _ => Err(wrong()),
        }
    }

    /// `max-age`: how long a token is to live, in seconds. `None`: as long as tokens do.
    ///
    /// # Errors
    /// When it is not a whole number, or none that a token can live.
    pub fn max_age(&self) -> Result<Option<Duration>, Refusal> {
        let Some(written) = self.get("max-age") else {
            return Ok(None);
        };
        let most = tokens::AGE_MAX.as_secs();
        match written.parse() {
            Ok(seconds @ 1..) if seconds <= most => Ok(Some(Duration::from_secs(seconds))),
            _ => {
                let shown = shorten(written);
                Err(Refusal::bad_request(format!(
                    "max-age is a whole number of seconds from 1 to {most}, not {shown:?}"
                )))
            }
        }
    }

    /// `persist`: whether a token is to be kept in cookies.
    pub fn persist(&self) -> bool {
        self.is_on("persist")
    }

    fn is_on(&self, name: &str) -> bool {
        self.get(name)
            .is_some_and(|value| is_one_of(value, &["true", "yes", "on", "1"]))
    }

    /// All of them, in the request's order.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A query string with the same parameters, but for one.
    pub fn with(&self, changed: &str, value: impl std::fmt::Display) -> String {
        let mut text = String::new();
        let value = value.to_string();
        let others = self.pairs().filter(|(name, _)| *name != changed);
        for (name, value) in others.chain([(changed, value.as_str())]) {
            text.push(if text.is_empty() { '?' } else { '&' });
            text.extend(utf8_percent_encode(name, QUERY));
            text.push('=');
            text.extend(utf8_percent_encode(value, QUERY));
        }
        text
    }

    fn get(&self, name: &str) -> Option<&str> {
        let mut from_last = self.pairs.iter().rev();
        let found = from_last.find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// As much of a client's text as an error repeats.
pub fn shorten(text: &str) -> &str {
    const SHOWN_MAX: usize = 128;
    &text[..text.floor_char_boundary(SHOWN_MAX)]
}

fn is_one_of(value: &str, words: &[&str]) -> bool {
    words.iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// What is meant; `None` when that is no text.
fn decode(text: &str) -> Option<String> {
    let is_escape = |behind: &str| {
        let digits = behind.as_bytes().first_chunk::<2>();
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    if !text.split('%').skip(1).all(is_escape) {
        return None;
    }
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8();
    decoded.ok().map(|text| text.into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(query: &str) -> Parameters {
        Parameters::parse(Some(query))
    }

    #[test]
    fn pretty_and_rdns_take_the_documented_words() {
        assert_eq!(Parameters::parse(None).style(), Style::Pretty);
        for word in ["false", "off", "no", "0", "FALSE"] {
            assert_eq!(parse(&format!("pretty={word}")).style(), Style::Compact);
        }
        for word in ["", "true", "yes", "1", "maybe"] {
            assert_eq!(parse(&format!("pretty={word}")).style(), Style::Pretty);
        }
        assert!(!Parameters::parse(None).rdns());
        assert!(!parse("rdns").rdns());
        assert!(!parse("rdns=false&xrdns=true").rdns());
        assert!(parse("a=b&rdns=o%6E").rdns());
        assert!(parse("rdns=false&rdns=1").rdns());
    }

    #[test]
    fn ttl_is_seconds() {
        let ttl = |query| {
            parse(query)
                .ttl()
                .map_err(|refusal| refusal.status.as_u16())
        };
        assert_eq!(ttl(""), Ok(None));
        assert_eq!(ttl("ttl=0"), Ok(None));
        assert_eq!(ttl("ttl=-3"), Ok(None));
        assert_eq!(ttl("ttl=5"), Ok(Some(Duration::from_secs(5))));
        assert_eq!(ttl("ttl=0.5"), Ok(Some(Duration::from_millis(500))));
        for wrong in [
            "ttl=",
            "ttl=soon",
            "ttl=NaN",
            "ttl=inf",
            "ttl=1e300",
            "ttl=5s",
        ] {
            assert_eq!(ttl(wrong), Err(400), "{wrong}");
        }
    }

    #[test]
    fn a_token_s_age_is_whole_seconds_within_bounds() {
        let age = |query| parse(query).max_age().ok().flatten();
        assert_eq!(age(""), None);
        assert_eq!(age("max-age=1"), Some(Duration::from_secs(1)));
        assert_eq!(age("max-age=604800"), Some(tokens::AGE_MAX));
        for wrong in [
            "",
            "0",
            "-1",
            "1.5",
            "604801",
            "99999999999999999999",
            "soon",
        ] {
            let query = format!("max-age={wrong}");
            let refusal = parse(&query).max_age().unwrap_err();
            assert_eq!(refusal.status, 400, "{wrong}");
        }
        assert!(parse("persist=yes").persist());
        assert!(!parse("persist=no").persist());
    }

    #[test]
    fn a_query_string_is_written_again() {
        let parameters = parse("filter=/a=%22b%20c%22&page[number]=3&page[size]=2&x");
        let written = parameters.with("page[number]", 4);
        assert_eq!(
            written,
            "?filter=/a%3D%22b%20c%22&page%5Bsize%5D=2&x=&page%5Bnumber%5D=4"
        );
    }

    proptest! {
        #[test]
        fn any_query_string_reads(query in any::<String>()) {
            let parameters = parse(&query);
            parameters.style();
            parameters.rdns();
            let _ = parameters.ttl().is_ok();
            let again = parse(parameters.with("a", 1).trim_start_matches('?'));
            prop_assert!(again.pairs().any(|pair| pair == ("a", "1")));
        }
    }
}
