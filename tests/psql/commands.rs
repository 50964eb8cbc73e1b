use std::fs;
use std::process::Command;

use regex::Regex;

use super::differences::Allowed;
use super::{Pair, commands};
use crate::support::program::finish;

/// What psql prints of a script, without what differs between any two servers.
struct Printer {
    script: tempfile::NamedTempFile,
    same: Vec<(Regex, &'static str)>,
}

impl Printer {
    fn new() -> Self {
        let same = [
            // Where it is read from.
            (r"^psql:[^ ]*:\d+: ", ""),
            (r"^psql: ", ""),
            (r#"(at port "|, port )\d+"#, "${1}PORT"),
            (r"^LOCATION: .*\n", ""),
            // The minor version of the one that is installed.
            (r"\b1500\d\d\b", "1500NN"),
            // Sizes, of what has one on one side only.
            (r"\b\d+ (bytes|kB|MB|GB)\b", "SIZE"),
            (r"^Time: [\d.,]+ ms", "Time: MS"),
            (r"\bpg_temp_\d+\b", "pg_temp_N"),
        ];
        let same = same.map(|(pattern, by)| {
            (
                Regex::new(&format!("(?m){pattern}")).expect("a pattern"),
                by,
            )
        });
        Self {
            script: tempfile::NamedTempFile::new().expect("a file"),
            same: same.into(),
        }
    }

    fn print(&self, mut psql: Command, script: &str) -> String {
        fs::write(self.script.path(), format!("{script}\n")).expect("a file");
        let mut text = printed(psql.arg("-f").arg(self.script.path()));
        for (pattern, by) in &self.same {
            text = pattern.replace_all(&text, *by).into_owned();
        }
        text
    }
}

/// What a command prints: first what it has to say, then what it complains of.
fn printed(command: &mut Command) -> String {
    let output = finish(command);
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    text
}

#[test]
fn psql_shows_what_it_shows_of_postgresql() {
    let pair = Pair::start("");
    // Another version's psql asks other questions, and its server has other answers.
    let version = printed(
        pair.ask_theirs()
            .args(["-t", "-c", "SHOW server_version_num"]),
    );
    if !version.starts_with("15") {
        eprintln!("not compared: the installed server is {version}, not 15");
        return;
    }
    let printer = Printer::new();
    let mut allowed = Allowed::read(include_str!("differences.txt"));
    let mut complaints = Vec::new();
    for script in commands() {
        let ours = printer.print(pair.ask_ours(), &script);
        let theirs = printer.print(pair.ask_theirs(), &script);
        complaints.extend(allowed.compare(&script, &ours, &theirs));
    }
    assert!(allowed.left().is_empty(), "not asked: {:?}", allowed.left());
    let number = complaints.len();
    assert!(number == 0, "{number} differ:\n{}", complaints.join(""));
}
