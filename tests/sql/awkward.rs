//! Statements that are sent to hurt: each gets an answer or an error that says what is wrong, and the next client is
//! served as if nothing had been.

use std::collections::BTreeSet;

use crate::psql::{Pair, commands};
use crate::support::program::{Program, finish};
use crate::support::wire::{
    Client, Message, PROTOCOL_3_0, bind, describe, execute, parse, query, sync,
};

/// Written by hand. A line `%%` ends each.
const STATEMENTS: &str = include_str!("awkward.sql");

/// How long one may run that has no end, in milliseconds.
const TIMEOUT_MS: u32 = 500;

/// How long one may run that is to be answered.
const ANSWER_TIMEOUT_MS: u32 = 60_000;

/// An error that says that the program is wrong.
const INTERNAL: &str = "XX000";

/// How a statement is sent.
#[derive(Clone, Copy, Debug)]
enum By {
    Simple,
    Extended,
}

#[test]
fn statements_written_to_hurt_are_answered_or_refused() {
    let program = Program::start("");
    let mut statements: Vec<String> = STATEMENTS
        .split("\n%%\n")
        .map(|statement| statement.trim_end_matches("%%").to_owned())
        .collect();
    statements.extend(made());
    assert!(statements.len() >= 200, "{}", statements.len());
    all_are_survived(&program, &statements, TIMEOUT_MS);
}

#[test]
fn catalog_queries_of_psql_are_answered() {
    let pair = Pair::start("");
    let queries: Vec<String> = catalog_queries(&pair).into_iter().collect();
    assert!(queries.len() >= 100, "{}", queries.len());
    all_are_survived(&pair.ours, &queries, ANSWER_TIMEOUT_MS);
}

/// Sends each by both protocols.
fn all_are_survived(program: &Program, statements: &[String], timeout_ms: u32) {
    let mut wrong = Vec::new();
    for statement in statements {
        for by in [By::Simple, By::Extended] {
            if let Some(error) = internal_error(connect(program, timeout_ms), statement, by) {
                let start: String = statement.chars().take(300).collect();
                wrong.push(format!("{by:?}: {start}\n  {error}"));
            }
            let mut next = connect(program, timeout_ms);
            assert_eq!(next.value("SELECT 1"), "1", "after {statement:.300}");
            next.send(b"X\0\0\0\x04");
        }
    }
    assert!(
        wrong.is_empty(),
        "{} answers:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Sends a statement and waits for all that comes of it; what it says if the program was wrong.
fn internal_error(mut client: Client, statement: &str, by: By) -> Option<String> {
    client.send(&match by {
        By::Simple => query(statement),
        By::Extended => [
            parse("", statement),
            bind("", ""),
            describe('P', ""),
            execute("", 1000),
            sync(),
        ]
        .concat(),
    });
    loop {
        let Some(message) = client.next() else {
            return Some("the connection is closed".to_owned());
        };
        match message.kind {
            // Whatever is asked for, nothing is sent to be copied in.
            'G' => client.send(b"f\0\0\0\x05\0"),
            'E' if message.code() == INTERNAL => return Some(said(&message)),
            'Z' => return None,
            _ => {}
        }
    }
}

fn said(error: &Message) -> String {
    error.field('M').unwrap_or_default().to_owned()
}

fn connect(program: &Program, timeout_ms: u32) -> Client {
    let mut client = Client::new(program.sql);
    let options = format!("-c statement_timeout={timeout_ms}");
    client.start(PROTOCOL_3_0, &[("user", "rollcall"), ("options", &options)]);
    client.until_ready();
    client
}

/// What psql asks a real server for when it is given the commands that the catalog is compared by.
fn catalog_queries(pair: &Pair) -> BTreeSet<String> {
    let mut queries = BTreeSet::new();
    for script in commands().iter().filter(|script| script.starts_with('\\')) {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), format!("{script}\n")).expect("a file");
        let output = finish(pair.ask_theirs().arg("-E").arg("-f").arg(file.path()));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let blocks = text.split("********* QUERY **********\n").skip(1);
        queries.extend(blocks.filter_map(|block| {
            Some(
                block
                    .split_once("\n**************************")?
                    .0
                    .to_owned(),
            )
        }));
    }
    queries
}

/// Those that are too long to be written down.
fn made() -> Vec<String> {
    let list = |n: usize, item: &dyn Fn(usize) -> String, by: &str| {
        (0..n).map(item).collect::<Vec<_>>().join(by)
    };
    let wrapped = |n: usize, open: &str, inner: &str, close: &str| {
        format!("{}{inner}{}", open.repeat(n), close.repeat(n))
    };
    let number = |n: usize| n.to_string();
    vec![
        format!("SELECT {}", wrapped(100, "(", "1", ")")),
        format!("SELECT {}", wrapped(10_000, "(", "1", ")")),
        format!("SELECT {}", wrapped(100_000, "(", "1", "")),
        format!("SELECT {}", wrapped(5_000, "", "1", ")")),
        format!("SELECT {}1", "- ".repeat(5_000)),
        format!("SELECT {}1", "-".repeat(5_000)),
        format!("SELECT {}true", "NOT ".repeat(5_000)),
        format!("SELECT {}", list(3_000, &number, " + ")),
        format!("SELECT {}", list(3_000, &|_| "true".into(), " AND ")),
        format!("SELECT {}", list(3_000, &|n| format!("'{n}'"), " || ")),
        format!("SELECT 1{}", "::int".repeat(3_000)),
        format!("SELECT a{}", "[1]".repeat(3_000)),
        format!("SELECT {}", wrapped(2_000, "ARRAY[", "1", "]")),
        format!("SELECT {}", wrapped(500, "abs(", "1", ")")),
        format!(
            "SELECT {}",
            wrapped(2_000, "CASE WHEN true THEN ", "1", " END")
        ),
        format!(
            "{}",
            wrapped(500, "SELECT * FROM (", "SELECT 1 AS a", ") AS s")
        ),
        format!("SELECT {}", wrapped(300, "(SELECT ", "1", ")")),
        format!(
            "SELECT * FROM sessions WHERE {}",
            wrapped(100, "EXISTS (SELECT 1 WHERE ", "true", ")")
        ),
        format!(
            "SELECT id FROM sessions WHERE id IN ({})",
            list(20_000, &number, ", ")
        ),
        format!(
            "SELECT id FROM sessions WHERE id NOT IN ({})",
            list(20_000, &number, ", ")
        ),
        format!(
            "SELECT id FROM sessions WHERE service IN ({})",
            list(20_000, &|n| format!("'s{n}'"), ", ")
        ),
        format!(
            "SELECT id FROM sessions WHERE {}",
            list(2_000, &|n| format!("id = {n}"), " OR ")
        ),
        format!(
            "SELECT id FROM sessions WHERE id = ANY ('{{{}}}')",
            list(20_000, &number, ",")
        ),
        format!(
            "SELECT id FROM sessions WHERE id = ANY (ARRAY[{}])",
            list(5_000, &number, ",")
        ),
        format!("VALUES {}", list(20_000, &|n| format!("({n})"), ", ")),
        format!("SELECT {}", list(1_700, &number, ", ")),
        format!("SELECT {}", list(3_000, &|n| format!("{n} AS c{n}"), ", ")),
        format!("SELECT 1 AS {}", "a".repeat(100_000)),
        format!("SELECT '{}'", "x".repeat(1_000_000)),
        format!("SELECT length('{}')", "ä".repeat(500_000)),
        format!("SELECT '{}'", "''".repeat(100_000)),
        format!("SELECT {}", "9".repeat(10_000)),
        format!("SELECT 0.{}1", "0".repeat(10_000)),
        format!("SELECT 1e{}", "9".repeat(1_000)),
        format!("SELECT '{}'::int", "9".repeat(10_000)),
        format!("SELECT '{}'::numeric", "9".repeat(10_000)),
        format!("{}SELECT 1", "/* a ".repeat(5_000)),
        format!("{}SELECT 1", wrapped(5_000, "/*", "", "*/")),
        format!("-- {}\nSELECT 1", "a".repeat(500_000)),
        format!("SELECT 1{}", " ".repeat(1_000_000)),
        ";".repeat(10_000),
        list(500, &|_| "SELECT 1".into(), "; "),
        format!("SELECT $${}", "$".repeat(10_000)),
        format!("SELECT ${}$a$", "x".repeat(5_000)),
        format!("SELECT \"{}\"", "\"\"".repeat(10_000)),
        format!("SELECT {}", list(5_000, &|n| format!("${}", n + 1), ", ")),
        format!(
            "SELECT * FROM {}",
            list(200, &|n| format!("sessions AS s{n}"), ", ")
        ),
        format!(
            "SELECT * FROM {}",
            list(40, &|n| format!("services AS s{n}"), " NATURAL JOIN ")
        ),
        format!("SELECT 1 {}", "UNION SELECT 1 ".repeat(1_000)),
        format!("SELECT 1 {}", "UNION ALL SELECT 1 ".repeat(1_000)),
        format!(
            "WITH {} SELECT * FROM c99",
            list(
                100,
                &|n| match n {
                    0 => "c0 AS (SELECT 1 AS a)".to_owned(),
                    n => format!(
                        "c{n} AS (SELECT x.a + y.a AS a FROM c{} AS x, c{} AS y)",
                        n - 1,
                        n - 1
                    ),
                },
                ", "
            )
        ),
        format!(
            "SELECT coalesce({}, 1)",
            list(2_000, &|_| "NULL".into(), ", ")
        ),
        format!(
            "SELECT id FROM sessions ORDER BY {}",
            list(1_000, &|_| "id".into(), ", ")
        ),
        format!(
            "SELECT count(*) FROM sessions GROUP BY {}",
            list(1_000, &|_| "id".into(), ", ")
        ),
        format!(
            "SELECT 1 FROM sessions GROUP BY CUBE ({})",
            list(30, &|_| "id".into(), ", ")
        ),
        format!(
            "SELECT '{}' LIKE '{}b'",
            "a".repeat(5_000),
            "%a".repeat(2_000)
        ),
        format!("SELECT '{}' ~ '{}b'", "a".repeat(100), "(a*)*".repeat(20)),
        format!("SELECT 'a' ~ '{}'", wrapped(2_000, "(", "a", ")")),
        format!("SELECT 'a' ~ '{}'", "a{1000}".repeat(10)),
        format!(
            "SELECT 'a' ~ '{}a{{99}}{}'",
            "(".repeat(5),
            "){99}".repeat(5)
        ),
        format!("EXPLAIN {}", "EXPLAIN ".repeat(1_000)),
        format!("SELECT 1 AS a{}", ", 2 AS a".repeat(500)),
        format!(
            "SET search_path = {}",
            list(2_000, &|n| format!("s{n}"), ", ")
        ),
        format!("SELECT '{}'::int[]", wrapped(200, "{", "1", "}")),
        format!("SELECT 'x' {}", "COLLATE \"C\" ".repeat(500)),
        format!("SELECT '{}'::interval", "1 day ".repeat(5_000)),
        format!("SELECT {}.a", list(500, &|_| "a".into(), ".")),
    ]
}
