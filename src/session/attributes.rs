use std::fmt;
use std::sync::Arc;

/// The most that is kept of one client's attributes, names and values, in bytes.
const BYTES_MAX: usize = 4096;

/// Ends each name and each value, none of which has it inside.
const END: char = '\0';

/// What a client tells of itself by name when it connects: its program, library, host, process …
///
/// Kept in one allocation, since there is one for each session.
#[derive(Clone, PartialEq, Eq)]
pub struct Attributes(Arc<str>);

impl Attributes {
    /// Of these names and values. Bytes that are not UTF-8 are replaced, of a name that comes twice the first value
    /// counts, and what goes beyond 4 KiB is left out. `None` when there are none.
    pub fn new<'a>(pairs: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Option<Self> {
        let mut text = String::new();
        for (name, value) in pairs {
            let (name, value) = (shown(name), shown(value));
            let more = name.len() + value.len() + 2 * END.len_utf8();
            if name.is_empty() || entries(&text).any(|(known, _)| known == name) {
                continue;
            }
            if text.len() + more > BYTES_MAX {
                break;
            }
            for part in [&name, &value] {
                text.push_str(part);
                text.push(END);
            }
        }
        (!text.is_empty()).then(|| Self(text.into()))
    }

    /// Names and values, in the order in which they were told.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        entries(&self.0)
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut entries = self.iter();
        entries.find_map(|(known, value)| (known == name).then_some(value))
    }
}

impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace(END, "\u{fffd}")
}

fn entries(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut parts = text.split_terminator(END);
    std::iter::from_fn(move || Some((parts.next()?, parts.next()?)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs<'a>(pairs: &'a [(&'a str, &'a str)]) -> Option<Attributes> {
        let bytes = |(name, value): &(&'a str, &'a str)| (name.as_bytes(), value.as_bytes());
        Attributes::new(pairs.iter().map(bytes))
    }

    #[test]
    fn what_is_told_is_kept_in_order() {
        let told = [("_os", "Linux"), ("empty", ""), ("program_name", "mysql")];
        let kept = pairs(&told).expect("attributes");
        assert_eq!(kept.iter().collect::<Vec<_>>(), told);
        assert_eq!(kept.get("program_name"), Some("mysql"));
        assert_eq!(kept.get("_pid"), None);
        assert_eq!(pairs(&[]), None);
        assert_eq!(pairs(&[("", "x")]), None);
    }

    #[test]
    fn what_is_too_much_is_left_out() {
        let long = "x".repeat(4000);
        let kept =
            pairs(&[("a", "1"), ("long", &long), ("b", &long), ("c", "2")]).expect("attributes");
        let names: Vec<&str> = kept.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["a", "long"]);
        assert_eq!(pairs(&[("a", "1"), ("a", "2")]), pairs(&[("a", "1")]));
    }

    proptest! {
        #[test]
        fn any_bytes_are_pairs_of_texts(told in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..40), prop::collection::vec(any::<u8>(), 0..900)), 0..9)) {
            let bytes = told.iter().map(|(name, value)| (&name[..], &value[..]));
            if let Some(kept) = Attributes::new(bytes) {
                prop_assert!(kept.0.len() <= BYTES_MAX);
                let names: std::collections::HashSet<&str> = kept.iter().map(|(name, _)| name).collect();
                prop_assert_eq!(names.len(), kept.iter().count());
                prop_assert!(names.iter().all(|name| !name.is_empty()));
            }
        }
    }
}
