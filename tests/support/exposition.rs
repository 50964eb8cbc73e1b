//! Prometheus's text form, read strictly.
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>

use std::collections::{BTreeMap, BTreeSet};

type Labels = BTreeMap<String, String>;

/// What a scrape says, after every rule of the form has been checked.
#[derive(Debug, Default)]
pub struct Exposition {
    samples: BTreeMap<(String, Labels), f64>,
    pub families: BTreeMap<String, String>,
}

impl Exposition {
    pub fn parse(text: &str) -> Self {
        assert!(text.ends_with('\n'), "the last line ends");
        let mut all = Self::default();
        let mut family = String::new();
        let mut helped = BTreeSet::new();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').expect("a help text");
                assert!(!help.is_empty() && is_name(name), "{line}");
                assert!(helped.insert(name.to_owned()), "helped twice: {line}");
                family = name.to_owned();
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').expect("a type");
                assert_eq!(name, family, "the type follows the help");
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
                let before = all.families.insert(name.to_owned(), kind.to_owned());
                assert_eq!(before, None, "typed twice: {line}");
            } else {
                let (name, labels, value) = sample(line);
                let kind = all.families.get(&family).expect("a type first");
                let suffixes: &[&str] = match kind.as_str() {
                    "histogram" => &["_bucket", "_sum", "_count"],
                    _ => &[""],
                };
                let own = |suffix: &&str| name == format!("{family}{suffix}");
                assert!(suffixes.iter().any(own), "{line} in {family}");
                assert!(value >= 0.0, "{line}");
                let before = all.samples.insert((name, labels), value);
                assert_eq!(before, None, "twice: {line}");
            }
        }
        all.check_histograms();
        all
    }

    /// The one sample with exactly these labels.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let key = (name.to_owned(), labels.iter().map(own).collect());
        *self
            .samples
            .get(&key)
            .unwrap_or_else(|| panic!("no {key:?}"))
    }

    /// All samples of a name that have this label, added up.
    pub fn sum(&self, name: &str, label: (&str, &str)) -> f64 {
        let has = |labels: &Labels| labels.get(label.0).map(String::as_str) == Some(label.1);
        let of_name = self
            .samples
            .iter()
            .filter(|((n, l), _)| n == name && has(l));
        of_name.map(|(_, value)| value).sum()
    }

    /// How many samples a name has.
    pub fn count(&self, name: &str) -> usize {
        self.samples.keys().filter(|(n, _)| n == name).count()
    }

    /// Buckets grow with their bounds, and the last one has everything.
    fn check_histograms(&self) {
        for (family, _) in self
            .families
            .iter()
            .filter(|(_, kind)| *kind == "histogram")
        {
            let mut buckets: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
            let bucket = format!("{family}_bucket");
            for ((_, labels), value) in self.samples.iter().filter(|((n, _), _)| *n == bucket) {
                let mut labels = labels.clone();
                let bound = labels.remove("le").expect("a bound");
                let bound = bound.replace("+Inf", "inf").parse().expect("a number");
                buckets.entry(labels).or_default().push((bound, *value));
            }
            assert!(!buckets.is_empty(), "{family} has buckets");
            for (labels, mut bounds) in buckets {
                bounds.sort_by(|a, b| a.0.total_cmp(&b.0));
                assert!(bounds.is_sorted_by_key(|(_, count)| *count), "{bounds:?}");
                let last = bounds.last().expect("one at least");
                assert_eq!(last.0, f64::INFINITY);
                let count = (format!("{family}_count"), labels.clone());
                assert_eq!(self.samples.get(&count), Some(&last.1));
                assert!(
                    self.samples
                        .contains_key(&(format!("{family}_sum"), labels))
                );
            }
        }
    }
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Name, labels and value of a line.
fn sample(line: &str) -> (String, Labels, f64) {
    let (series, value) = line.rsplit_once(' ').expect("a value");
    let value = value.parse().unwrap_or_else(|_| panic!("{line}"));
    let (name, mut rest) = match series.split_once('{') {
        Some((name, rest)) => (name, rest.strip_suffix('}').expect("a closing brace")),
        None => (series, ""),
    };
    assert!(is_name(name), "{line}");
    let mut labels = Labels::new();
    while !rest.is_empty() {
        let (label, quoted) = rest.split_once("=\"").expect("a label");
        assert!(is_name(label), "{line}");
        let mut text = String::new();
        let mut chars = quoted.chars();
        loop {
            match chars.next().expect("a closing quote") {
                '"' => break,
                '\\' => text.push(match chars.next() {
                    Some('n') => '\n',
                    Some(same @ ('\\' | '"')) => same,
                    other => panic!("\\{other:?} in {line}"),
                }),
                other => text.push(other),
            }
        }
        assert_eq!(labels.insert(label.to_owned(), text), None, "{line}");
        rest = chars.as_str();
        rest = match rest.strip_prefix(',') {
            Some(more) => more,
            None => {
                assert!(rest.is_empty(), "{line}");
                rest
            }
        };
    }
    (name.to_owned(), labels, value)
}
