//! What sessions have asked last, and the log of all statements: for those who want it, of services that say so.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use nix::sys::signal::Signal;

use super::{Proxied, Setup, rows};
use crate::support::postgres::Postgres;
use crate::support::program::{PATIENCE, eventually};

const QUERIES: &str = "SELECT q.position, q.command, q.statement, q.server, coalesce(q.outcome, 'runs'), \
     q.completed >= q.received, q.duration >= 0 \
     FROM queries q JOIN sessions s ON s.id = q.session_id WHERE s.\"user\" = 'app' ORDER BY 1";

fn proxied(server: &Postgres, service: &str, more: &str) -> Proxied {
    let servers = format!("[servers.db1]\naddress = \"127.0.0.1:{}\"\n", server.port);
    let setup = Setup {
        servers: &servers,
        service,
        more,
        ..Setup::default()
    };
    setup.start()
}

/// The lines of a log, without the names of the columns.
pub fn logged(file: &Path) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_path(file).expect("a log");
    let records = reader.records();
    records
        .map(|record| record.expect("a line").iter().map(str::to_owned).collect())
        .collect()
}

#[test]
fn the_last_statements_of_a_session_are_a_table() {
    let server = Postgres::start();
    let mut proxied = proxied(
        &server,
        "retain_last_statements = 3\nmax_statement_bytes = 40",
        "",
    );
    let mut psql = proxied.session_of("app", "");
    psql.ask("SELECT 'not kept';");
    psql.ask("SELECT 1;");
    psql.ask("SELECT 1/0;");
    psql.ask("ALTER USER app PASSWORD 'other';");
    let last = [
        "1|Query|ALTER USER app PASSWORD '***';|db1|ok|t|t",
        "2|Query|SELECT 1/0;|db1|error|t|t",
        "3|Query|SELECT 1;|db1|ok|t|t",
    ];
    assert_eq!(rows(&mut proxied.door, QUERIES), last);
    let id = rows(
        &mut proxied.door,
        "SELECT id FROM sessions WHERE \"user\" = 'app'",
    );
    let document = |proxied: &Proxied, path: &str| {
        let answer = proxied.program.curl(path, &[]).json();
        let data = answer["data"]
            .as_array()
            .and_then(|list| list.last())
            .unwrap_or(&answer["data"]);
        data["attributes"]["queries"].clone()
    };
    for path in [format!("/v1/sessions/{}", id[0]), "/v1/sessions".to_owned()] {
        let queries = document(&proxied, &path);
        let statements: Vec<_> = queries
            .as_array()
            .expect("a list")
            .iter()
            .map(|query| query["statement"].as_str().expect("a text"))
            .collect();
        let expected = ["ALTER USER app PASSWORD '***';", "SELECT 1/0;", "SELECT 1;"];
        assert_eq!(statements, expected, "{queries}");
        assert_eq!(queries[0]["command"], "Query");
        assert_eq!(queries[0]["responses"][0]["server"], "db1");
        assert!(queries[0]["responses"][0]["duration"].is_u64());
        let (received, completed) = (&queries[0]["received"], &queries[0]["completed"]);
        assert!(received.as_str() <= completed.as_str(), "{queries}");
    }
    psql.type_in("SELECT pg_sleep(600), 'this is longer than forty bytes';");
    let running = "1|Query|SELECT pg_sleep(600), 'this is longer th|db1|runs||";
    eventually(
        || rows(&mut proxied.door, QUERIES),
        |rows| rows.first().is_some_and(|row| row == running),
    );
    let queries = document(&proxied, &format!("/v1/sessions/{}", id[0]));
    assert_eq!(queries[0]["responses"], serde_json::json!([]), "{queries}");
    let views = "SELECT query, info FROM pg_stat_activity JOIN information_schema.processlist ON pid = id \
        WHERE usename = 'app'";
    let text = "SELECT pg_sleep(600), 'this is longer th";
    assert_eq!(rows(&mut proxied.door, views), [format!("{text}|{text}")]);
}

#[test]
fn statements_that_nobody_retains_are_nowhere() {
    let server = Postgres::start();
    let mut proxied = proxied(&server, "", "");
    let mut psql = proxied.session_of("app", "");
    psql.ask("SELECT 1;");
    assert!(rows(&mut proxied.door, QUERIES).is_empty());
}

#[test]
fn a_query_log_has_a_line_for_each_statement() {
    let server = Postgres::start();
    let more = "[filters.log]\nmodule = \"qlafilter\"\nfile = \"queries.csv\"\n";
    let mut proxied = proxied(&server, "filters = [\"log\"]", more);
    let mut psql = proxied.session_of("app", "");
    psql.ask("SELECT 'a, \"b\"',\n 2;");
    psql.ask("SELECT 1/0;");
    let filters = "SELECT f.name, f.module, p.position FROM filters f JOIN session_filters p ON p.filter = f.name";
    assert_eq!(rows(&mut proxied.door, filters), ["log|qlafilter|1"]);
    let id = rows(
        &mut proxied.door,
        "SELECT id FROM sessions WHERE \"user\" = 'app'",
    );
    let file = proxied.program.dir.path().join("queries.csv");
    let lines = eventually(|| logged(&file), |lines| lines.len() == 2);
    let told: Vec<_> = lines
        .iter()
        .map(|line| {
            line[5].parse::<f64>().expect("milliseconds");
            [&line[1..5], &line[6..]].concat().join("|")
        })
        .collect();
    let who = format!("{}|app|app|127.0.0.1", id[0]);
    assert_eq!(
        told,
        [
            format!("{who}|ok|SELECT 'a, \"b\"',  2;"),
            format!("{who}|error|SELECT 1/0;"),
        ]
    );

    // Somebody moves the file away, as logrotate does.
    let moved = proxied.program.dir.path().join("moved.csv");
    std::fs::rename(&file, &moved).expect("moved");
    proxied.program.signal(Signal::SIGHUP);
    eventually(|| file.exists(), |exists| *exists);
    psql.ask("SELECT 3;");
    eventually(|| logged(&file), |lines| lines.len() == 1);
    assert_eq!(logged(&moved).len(), 2);

    // What runs when the program ends is in it, too, however it ends.
    let mut others: Vec<_> = (0..9).map(|_| proxied.session_of("app", "")).collect();
    for session in others.iter_mut().chain([&mut psql]) {
        session.type_in("SELECT pg_sleep(600);");
    }
    let runs = "SELECT count(*) FROM sessions WHERE \"user\" = 'app' AND active";
    eventually(|| rows(&mut proxied.door, runs), |count| *count == ["10"]);
    proxied.program.signal(Signal::SIGTERM);
    eventually(
        || proxied.program.log(),
        |log| log.contains("no new clients"),
    );
    proxied.program.signal(Signal::SIGTERM);
    assert_eq!(proxied.program.ended(), 143);
    let last = logged(&file).split_off(1);
    let unanswered = |line: &Vec<String>| line[6..] == ["unanswered", "SELECT pg_sleep(600);"];
    assert!(last.len() == 10 && last.iter().all(unanswered), "{last:?}");
}

/// Gives a session these filters, over a connection that stays: what comes next comes at once.
fn alter(door: &mut TcpStream, session: u32, filters: &[&str]) {
    let names: Vec<String> = filters
        .iter()
        .map(|name| format!("{{\"id\":\"{name}\",\"type\":\"filters\"}}"))
        .collect();
    let body = format!(
        "{{\"data\":{{\"relationships\":{{\"filters\":{{\"data\":[{}]}}}}}}}}",
        names.join(",")
    );
    let request = format!(
        "PATCH /v1/sessions/{session} HTTP/1.1\r\nHost: localhost\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    door.write_all(request.as_bytes())
        .expect("a door that reads");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        door.read_exact(&mut byte).expect("an answer");
        answer.push(byte[0]);
    }
    assert!(answer.starts_with(b"HTTP/1.1 204 "), "{answer:?}");
}

#[test]
fn filters_are_in_force_once_the_door_has_said_so() {
    let server = Postgres::start();
    let filter =
        |name| format!("[filters.{name}]\nmodule = \"qlafilter\"\nfile = \"{name}.csv\"\n");
    let proxied = proxied(&server, "", &["one", "two"].map(filter).concat());
    let mut client = proxied.raw();
    let mut door = TcpStream::connect(proxied.program.rest).expect("a connection");
    door.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    door.set_nodelay(true).expect("no delay");
    let wanted = [&["one"][..], &[], &["two"], &["one", "two"]];
    let mut expected = [Vec::new(), Vec::new()];
    for (n, filters) in (0..1_000).zip(wanted.iter().cycle()) {
        alter(&mut door, client.process, filters);
        let sql = format!("SELECT {n}");
        client.query(&sql);
        for (name, statements) in ["one", "two"].iter().zip(&mut expected) {
            if filters.contains(name) {
                statements.push(sql.clone());
            }
        }
    }
    for (name, expected) in ["one", "two"].iter().zip(&expected) {
        let file = proxied.program.dir.path().join(format!("{name}.csv"));
        let statements = || -> Vec<String> {
            let lines = logged(&file);
            lines.into_iter().map(|mut line| line.remove(7)).collect()
        };
        let seen = eventually(statements, |seen| seen.last() == expected.last());
        assert_eq!(seen, *expected, "{name}");
    }
}
