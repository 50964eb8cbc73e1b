//! The query string of a request.
//!
//! A parameter that the API does not know is ignored, as the original does. One that it knows and this version
//! cannot do is refused, since a list that was not filtered would be taken for one that was.

use std::time::Duration;

use percent_encoding::percent_decode_str;

use super::json::Style;
use super::refusal::Refusal;
use super::tokens;

/// The longest delay that `ttl` can ask for.
const TTL_MAX: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The relational operators of the API.
const OPERATORS: [&str; 3] = ["filter", "fields", "page"];

/// The parameters of one request, decoded. Of two with one name the last counts.
#[derive(Debug, Default)]
pub struct Parameters {
    pairs: Vec<(String, String)>,
}

impl Parameters {
    /// Reads what stands after the question mark. Every text can be read.
    pub fn parse(query: Option<&str>) -> Self {
        let pair = |part: &str| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (decode(name), decode(value))
        };
        let parts = query.unwrap_or_default().split('&');
        Self {
            pairs: parts.filter(|part| !part.is_empty()).map(pair).collect(),
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

    /// Refuses what would change the rows or members of a document and is not there yet.
    ///
    /// # Errors
    /// When there is such a parameter.
    pub fn check_operators(&self) -> Result<(), Refusal> {
        for (name, _) in &self.pairs {
            let family = name.split('[').next().unwrap_or_default();
            if OPERATORS.contains(&family) {
                let shown = shorten(name);
                return Err(Refusal::bad_request(format!(
                    "the parameter {shown} is not supported by this version yet"
                )));
            }
        }
        Ok(())
    }

    fn is_on(&self, name: &str) -> bool {
        self.get(name)
            .is_some_and(|value| is_one_of(value, &["true", "yes", "on", "1"]))
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

fn decode(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
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
    fn operators_are_refused_by_name() {
        assert!(
            parse("pretty=true&filters=1&x[filter]=1")
                .check_operators()
                .is_ok()
        );
        for query in [
            "filter=/id=1",
            "filter%5Bid%5D=eq(1)",
            "fields[sessions]=user",
            "page%5bsize%5d=10",
        ] {
            let refusal = parse(query).check_operators().unwrap_err();
            assert_eq!(refusal.status, 400, "{query}");
        }
    }

    proptest! {
        #[test]
        fn any_query_string_reads(query in any::<String>()) {
            let parameters = parse(&query);
            parameters.style();
            parameters.rdns();
            let _ = (parameters.ttl().is_ok(), parameters.check_operators().is_ok());
        }
    }
}
