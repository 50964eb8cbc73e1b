//! Drivers that each do the same: they print the connection's id and wait for a line, then use prepared statements,
//! transactions, a value of more than one frame, KILL QUERY and COM_RESET_CONNECTION, and print what they find.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::drivers::client_dir;
use crate::proxy::{Proxied, ROWS, Setup};
use crate::support::mariadb::MariaDb;
use crate::support::postgres::Identity;

/// What each of them prints behind its session.
const FOUND: &str = "\
sum 124750 row 0
inside 1
rollback 1000
inside 1
commit 990
error 1146
length 20000000
killed
reset true
alive 1
";

/// Where Debian puts MariaDB's driver for Java.
const JAR: &str = "/usr/share/java/mariadb-java-client.jar";

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/mariadb/drivers")
        .join(name)
}

/// Runs a driver without TLS and with it, to the end.
fn drives(command: impl Fn() -> Command, last: &[&str]) {
    let server = MariaDb::start();
    let dir = tempfile::tempdir().expect("a directory");
    Identity::new().write(dir.path(), "own");
    let mut proxied = Setup {
        servers: &server.section("db1"),
        listener: "tls = { cert = \"own.crt\", key = \"own.key\" }",
        ..Setup::default()
    }
    .start_in(dir);
    for (tls, shown) in [("plain", "f"), ("tls", "t")] {
        let mut command = command();
        command
            .args([&proxied.address.port().to_string(), tls])
            .args(last);
        drive(&mut proxied, &mut command, shown);
        proxied.comes_to(ROWS, "0");
    }
}

fn drive(proxied: &mut Proxied, command: &mut Command, tls: &str) {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a driver");
    let mut out = BufReader::new(child.stdout.take().expect("piped"));
    let mut first = String::new();
    out.read_line(&mut first).expect("a line");
    let session = first.trim().strip_prefix("session ").expect("a session");
    let row = format!("SELECT \"user\", tls IS NOT NULL FROM sessions WHERE id = {session}");
    assert_eq!(proxied.ask(&row), format!("app|{tls}"));
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(b"go\n").expect("it reads");
    let mut found = String::new();
    out.read_to_string(&mut found).expect("UTF-8");
    assert!(child.wait().expect("an end").success(), "{found}");
    assert_eq!(found, FOUND);
}

#[test]
fn mysql_connector_python_does_what_it_does_directly() {
    let python = || {
        let mut command = Command::new(client_dir("python").join("bin/python"));
        command
            .arg(source("connector.py"))
            .env("PYTHONDONTWRITEBYTECODE", "1");
        command
    };
    // In Python alone, and on MySQL's library.
    drives(python, &["pure"]);
    drives(python, &["library"]);
}

#[test]
fn mysql_async_does_what_it_does_directly() {
    let program = client_dir("rust").join("debug/mariadb-client");
    drives(|| Command::new(&program), &[]);
}

#[test]
fn connector_j_does_what_it_does_directly() {
    let java = || {
        let mut command = Command::new("java");
        command
            .args(["-XX:TieredStopAtLevel=1", "-cp", JAR])
            .arg(source("Connector.java"));
        command
    };
    drives(java, &[]);
}
