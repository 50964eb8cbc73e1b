//! What psql asks when somebody presses the tabulator key. It shows these queries nowhere, so they are taken from the
//! log of a real server that a psql on a terminal is typed into.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use super::Pair;
use crate::support::program::{PATIENCE, eventually};
use crate::support::wire::{Client, PROTOCOL_3_0};

/// What is typed before the key is pressed twice.
const TYPED: &str = include_str!("completion.txt");

/// How much is typed at once: a terminal throws away what it has no room for, which is some 4,000 bytes.
const TERMINAL_BYTES: usize = 1_500;

/// What the server's log has before the text of a statement.
const LOGGED: &str = "LOG:  statement: ";

#[test]
fn every_query_of_completion_is_answered() {
    let pair = Pair::start("log_statement = 'all'\nlog_line_prefix = ''");
    let before = pair.theirs.log().len();
    type_in(&pair);
    let log = pair.theirs.log();
    let asked = statements(&log[before..]);
    assert!(asked.len() >= 100, "{}: {asked:?}", asked.len());

    let mut client = Client::new(pair.ours.sql);
    client.start(PROTOCOL_3_0, &[("user", "rollcall")]);
    client.until_ready();
    let mut refused = Vec::new();
    for sql in &asked {
        let messages = client.query(sql);
        if let Some(error) = messages.iter().find(|message| message.kind == 'E') {
            refused.push(format!("{sql}\n{:?}\n", error.field('M')));
        }
    }
    assert!(
        refused.is_empty(),
        "{} of {}:\n{}",
        refused.len(),
        asked.len(),
        refused.join("\n")
    );
}

/// Types each line into a psql on a terminal, presses the key and takes the line back.
fn type_in(pair: &Pair) {
    let typed = TYPED
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut keys = vec![String::new()];
    for line in typed {
        if keys.last().is_some_and(|keys| keys.len() > TERMINAL_BYTES) {
            keys.push(String::new());
        }
        // Control-U takes the line back.
        let keys = keys.last_mut().expect("never empty");
        keys.push_str(&format!("{line}\t\t\u{15}"));
    }
    for keys in keys {
        press(pair, &keys);
    }
}

/// Presses these keys in a psql on a terminal, and leaves it.
fn press(pair: &Pair, keys: &str) {
    let psql = pair.ask_theirs();
    let words = [psql.get_program()].into_iter().chain(psql.get_args());
    let words: Vec<String> = words
        .map(|word| format!("'{}'", word.to_string_lossy()))
        .collect();
    let inputrc = tempfile::NamedTempFile::new().expect("a file");
    // However many there are: no question in between.
    let settings = "set completion-query-items 0\nset page-completions off\n";
    std::fs::write(inputrc.path(), settings).expect("a file");
    let mut terminal = Command::new("script");
    terminal
        .args(["-q", "-e", "-c", &words.join(" "), "/dev/null"])
        .env("TERM", "dumb")
        .env("INPUTRC", inputrc.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    for (name, value) in psql.get_envs() {
        terminal.env(name, value.unwrap_or_default());
    }
    let mut child = terminal.spawn().expect("a terminal");
    let mut keyboard = child.stdin.take().expect("piped");
    // What is typed before there is somebody to read it is taken by the terminal itself.
    prompted(child.stdout.take().expect("piped"))
        .recv_timeout(PATIENCE)
        .expect("a prompt");
    writeln!(keyboard, "{keys}\\q").expect("a terminal that reads");
    keyboard.flush().expect("a terminal that reads");
    eventually(|| child.try_wait().expect("a status"), Option::is_some);
}

/// Tells when the prompt appears, and takes everything that is printed, so that nobody waits for room.
fn prompted(mut screen: impl Read + Send + 'static) -> Receiver<()> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let (mut printed, mut more) = (Vec::new(), [0; 4096]);
        while let Ok(length @ 1..) = screen.read(&mut more) {
            printed.extend(&more[..length]);
            if printed.ends_with(b"=# ") {
                let _ = sender.send(());
            }
        }
    });
    receiver
}

/// The statements in a server's log; further lines of one begin with a tabulator.
fn statements(log: &str) -> BTreeSet<String> {
    let mut statements = BTreeSet::new();
    let mut current = None::<String>;
    for line in log.lines() {
        match (
            line.strip_prefix('\t'),
            line.strip_prefix(LOGGED),
            &mut current,
        ) {
            (Some(more), _, Some(statement)) => {
                statement.push('\n');
                statement.push_str(more);
            }
            (_, first, _) => {
                statements.extend(current.take());
                current = first.map(str::to_owned);
            }
        }
    }
    statements.extend(current);
    statements
}
