//! What psql is allowed to show otherwise, and why.

use std::collections::{BTreeMap, BTreeSet};

/// Most lines of one kind that a difference is told by.
const LINES_MAX: usize = 12;

/// How two texts differ: `- ` before a line that only PostgreSQL prints, `+ ` before one that only the program does, in
/// the order of the texts. One that is printed twice by one side and once by the other counts once.
pub fn difference(ours: &str, theirs: &str) -> Vec<String> {
    let mut left: BTreeMap<&str, i64> = BTreeMap::new();
    ours.lines()
        .for_each(|line| *left.entry(line).or_default() += 1);
    theirs
        .lines()
        .for_each(|line| *left.entry(line).or_default() -= 1);
    let mut told = BTreeSet::new();
    let mut only = |text: &str, sign: i64, mark: &str| -> Vec<String> {
        let surplus = text.lines().filter(|line| left[line].signum() == sign);
        let surplus = surplus.map(|line| format!("{mark} {line}"));
        surplus.filter(|line| told.insert(line.clone())).collect()
    };
    let mut lines = only(theirs, -1, "-");
    lines.extend(only(ours, 1, "+"));
    if lines.is_empty() && ours != theirs {
        lines.push("! other order".to_owned());
    }
    lines
}

/// The differences that are right.
pub struct Allowed {
    by_script: BTreeMap<String, Entry>,
}

struct Entry {
    reason: String,
    lines: Vec<String>,
    /// The last column is left out of the comparison.
    but_last: bool,
}

/// What stands for an entry that leaves the last column out.
const BUT_LAST: &str = "~ but for the last column";

/// Lines without what is behind their last `|`.
fn without_last(text: &str) -> String {
    let cut = |line: &str| match line.rsplit_once('|') {
        Some((before, _)) => format!("{before}\n"),
        None => format!("{line}\n"),
    };
    text.lines().map(cut).collect()
}

impl Allowed {
    /// Reads the list: the script, with ` ; ` between its lines; the reason, indented by two spaces; then the lines of
    /// the difference, indented likewise. One that ends with `*` stands for one or more that begin so; [`BUT_LAST`]
    /// leaves the last column of both sides out.
    pub fn read(text: &str) -> Self {
        let mut by_script: BTreeMap<String, Entry> = BTreeMap::new();
        let mut script = None::<String>;
        let lines = text
            .lines()
            .filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
        for line in lines {
            let Some(part) = line.strip_prefix("  ") else {
                let before = by_script.insert(
                    line.to_owned(),
                    Entry {
                        reason: String::new(),
                        lines: Vec::new(),
                        but_last: false,
                    },
                );
                assert!(before.is_none(), "{line} is listed twice");
                script = Some(line.to_owned());
                continue;
            };
            let entry = script.as_ref().and_then(|script| by_script.get_mut(script));
            let entry = entry.unwrap_or_else(|| panic!("no script before {line:?}"));
            match part.starts_with(['-', '+', '!']) {
                _ if part == BUT_LAST => entry.but_last = true,
                true => entry.lines.push(part.to_owned()),
                false => entry.reason.push_str(part),
            }
        }
        for (script, entry) in &by_script {
            assert!(
                !entry.reason.is_empty(),
                "{script} differs without a reason"
            );
        }
        Self { by_script }
    }

    /// What is wrong with the difference of two texts, in the form of the list.
    pub fn compare(&mut self, script: &str, ours: &str, theirs: &str) -> Option<String> {
        let name = script.replace('\n', " ; ");
        let all = difference(ours, theirs);
        if !self
            .by_script
            .get(&name)
            .is_some_and(|entry| entry.but_last)
        {
            return self.judge(script, &all);
        }
        if all.is_empty() {
            self.by_script.remove(&name);
            return Some(format!("{name}\n  (listed, but gone) {BUT_LAST}\n"));
        }
        let but_last = difference(&without_last(ours), &without_last(theirs));
        self.judge(script, &but_last)
    }

    /// What is wrong with a difference, in the form of the list.
    pub fn judge(&mut self, script: &str, difference: &[String]) -> Option<String> {
        let name = script.replace('\n', " ; ");
        let entry = self.by_script.remove(&name);
        let allowed = entry.map(|entry| entry.lines).unwrap_or_default();
        let covers = |pattern: &String, line: &String| match pattern.strip_suffix('*') {
            Some(beginning) => line.starts_with(beginning),
            None => pattern == line,
        };
        let unlisted: Vec<&String> = difference
            .iter()
            .filter(|line| !allowed.iter().any(|pattern| covers(pattern, line)))
            .collect();
        let gone = allowed
            .iter()
            .filter(|pattern| !difference.iter().any(|line| covers(pattern, line)));
        let mut complaint = String::new();
        for mark in ["-", "+", "!"] {
            let lines: Vec<_> = unlisted
                .iter()
                .filter(|line| line.starts_with(mark))
                .collect();
            for line in lines.iter().take(LINES_MAX) {
                complaint.push_str(&format!("  {line}\n"));
            }
            if lines.len() > LINES_MAX {
                complaint.push_str(&format!(
                    "  ({} more with {mark})\n",
                    lines.len() - LINES_MAX
                ));
            }
        }
        for pattern in gone {
            complaint.push_str(&format!("  (listed, but gone) {pattern}\n"));
        }
        (!complaint.is_empty()).then(|| format!("{name}\n{complaint}"))
    }

    /// Scripts that are listed and were not judged.
    pub fn left(&self) -> Vec<&String> {
        self.by_script.keys().collect()
    }
}

#[test]
fn a_difference_is_allowed_as_long_as_it_is_there() {
    assert_eq!(difference("a\nb\nd", "a\nc\nd"), ["- c", "+ b"]);
    assert_eq!(difference("a\nb", "b\na"), ["! other order"]);
    assert!(difference("a", "a").is_empty());
    let read = || Allowed::read("# why\n\\d\n  Because.\n  - c\n  + b*\n");
    assert_eq!(read().compare("\\d", "b1\nb2", "c"), None);
    let wrong = read().compare("\\d", "d", "c");
    assert_eq!(
        wrong.as_deref(),
        Some("\\d\n  + d\n  (listed, but gone) + b*\n")
    );
    assert_eq!(read().compare("\\dt", "", ""), None);
    assert_eq!(read().left(), ["\\d"]);
    let read = || Allowed::read("\\dT\n  Because.\n  ~ but for the last column\n");
    assert_eq!(read().compare("\\dT", "a|b|", "a|b|c"), None);
    assert!(read().compare("\\dT", "a|x|", "a|b|c").is_some());
    assert!(read().compare("\\dT", "a|b|c", "a|b|c").is_some());
}
