//! What the catalog says of a session is what its server says.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use super::{client, front, only_session, raw, shell};
use crate::proxy::{Proxied, ROWS, Setup};
use crate::support::mariadb::{MariaDb, Shell};
use crate::support::postgres::Postgres;

#[test]
fn rows_agree_with_the_servers_own_list() {
    let server = MariaDb::start();
    let mut proxied = front(&server);
    let mut shells: Vec<Shell> = [
        ("app", "app"),
        ("ann", "other"),
        ("bob", "app"),
        ("ed", "other"),
    ]
    .into_iter()
    .map(|(user, database)| {
        let mut command = client(&proxied, "mariadb");
        Shell::spawn(command.args(["-u", user, database]))
    })
    .collect();
    for shell in &mut shells {
        assert_eq!(shell.ask("SELECT 1;"), "1");
    }
    shells[2].ask("USE other;");
    let ours = "SELECT c.connection_id, s.\"user\", s.database, s.server, s.protocol, c.state FROM sessions s \
                JOIN connections c ON c.session_id = s.id WHERE s.service = 'app' ORDER BY 1";
    let theirs = "SELECT ID, USER, DB, 'db1', 'mariadb', 'established' FROM information_schema.PROCESSLIST \
                  WHERE USER IN ('app', 'ann', 'bob', 'ed') ORDER BY ID";
    proxied.comes_to(ours, &server.ask(theirs).replace('\t', "|"));
    assert_eq!(proxied.ask(ours).lines().count(), 4);
    drop(shells);
    proxied.comes_to(ROWS, "0");
}

#[test]
fn a_transaction_shows_from_its_begin_to_its_end() {
    let server = MariaDb::start();
    let mut proxied = front(&server);
    let mut shell = shell(&proxied);
    shell.ask("CREATE TABLE t (id INT PRIMARY KEY);");
    let inside = "SELECT in_transaction FROM sessions WHERE service = 'app'";
    assert_eq!(proxied.ask(inside), "f");
    for (statement, shown) in [
        ("BEGIN;", "t"),
        ("INSERT INTO t VALUES (1);", "t"),
        ("INSERT INTO t VALUES (1);", "t"),
        ("COMMIT;", "f"),
        ("SET autocommit = 0;", "f"),
        ("INSERT INTO t VALUES (2);", "t"),
        ("ROLLBACK;", "f"),
        ("SET autocommit = 1;", "f"),
        ("START TRANSACTION READ ONLY;", "t"),
        // DDL commits.
        ("CREATE TABLE u (id INT);", "f"),
    ] {
        shell.ask(statement);
        proxied.comes_to(inside, shown);
    }
}

#[test]
fn a_session_is_not_idle_while_its_statement_runs() {
    let server = MariaDb::start();
    let mut proxied = front(&server);
    let mut shell = shell(&proxied);
    assert_eq!(shell.ask("SELECT 1;"), "1");
    let row = "SELECT active, idle = 0, statement_started IS NOT NULL FROM sessions WHERE service = 'app'";
    proxied.comes_to(row, "f|f|f");
    let before: i64 = proxied
        .ask("SELECT statements FROM sessions WHERE service = 'app'")
        .parse()
        .expect("a number");
    shell.type_in("SELECT SLEEP(600);");
    let sleeping = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE = 'User sleep'";
    crate::support::program::eventually(|| server.ask(sleeping), |count| count == "1");
    for _ in 0..20 {
        assert_eq!(proxied.ask(row), "t|t|t");
    }
    let after = format!("SELECT statements - {before} FROM sessions WHERE service = 'app'");
    assert_eq!(proxied.ask(&after), "1");
}

#[test]
fn the_program_that_connects_is_named() {
    let server = MariaDb::start();
    let mut proxied = front(&server);
    let mut shell = shell(&proxied);
    assert_eq!(shell.ask("SELECT 1;"), "1");
    let session = only_session(&mut proxied);
    let name = format!("SELECT application_name FROM sessions WHERE id = {session}");
    assert_eq!(proxied.ask(&name), "mysql");
    let path = format!("/v1/sessions/{session}");
    let document = proxied.program.curl(&path, &[]).json();
    let attributes = &document["data"]["attributes"];
    assert_eq!(attributes["user"], "app");
    assert_eq!(attributes["database"], "app");
}

/// Asks the REST door for the only session that a filter leaves.
fn session_with(proxied: &Proxied, filter: &str) -> serde_json::Value {
    let sent = format!("filter={filter}");
    let answer = proxied
        .program
        .curl("/v1/sessions", &["-G", "--data-urlencode", &sent]);
    let sessions = answer.json();
    let sessions = sessions["data"].as_array().expect("a list");
    assert_eq!(sessions.len(), 1, "{filter}: {sessions:?}");
    sessions[0]["attributes"].clone()
}

#[test]
fn what_a_client_tells_of_itself_is_shown_as_its_server_has_it() {
    let server = MariaDb::with_options(&["--performance-schema=ON"]);
    let mut proxied = front(&server);
    let mut shell = shell(&proxied);
    assert_eq!(shell.ask("SELECT 1;"), "1");
    // One that tells nothing.
    let silent = raw(&proxied);
    proxied.comes_to(ROWS, "2");
    let asked = "/attributes/client/connection_attributes/program_name=\"mysql\"";
    let shown = session_with(&proxied, asked);
    let told = server.ask(
        "SELECT ATTR_NAME, ATTR_VALUE FROM performance_schema.session_connect_attrs \
         JOIN information_schema.PROCESSLIST ON ID = PROCESSLIST_ID WHERE USER = 'app'",
    );
    let told: serde_json::Map<_, _> = told
        .lines()
        .map(|line| line.split_once('\t').expect("two values"))
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    assert!(told.contains_key("_pid"), "{told:?}");
    assert_eq!(
        shown["client"]["connection_attributes"],
        serde_json::Value::Object(told)
    );
    let path = format!("/v1/sessions/{}", silent.thread_id());
    let document = proxied.program.curl(&path, &[]).json();
    assert_eq!(document["data"]["attributes"]["user"], "trusted");
    assert!(document["data"]["attributes"].get("client").is_none());
    // Whoever goes on as somebody else tells of itself once more.
    let program = "import MySQLdb, sys\n\
        c = MySQLdb.connect(host='127.0.0.1', port=int(sys.argv[1]), user='app', passwd='secret')\n\
        c.change_user('ann', 'secret', 'other')\n\
        print('changed', flush=True)\n\
        sys.stdin.read()\n";
    let mut python = Command::new("/usr/bin/python3")
        .args(["-c", program, &proxied.address.port().to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python starts");
    let mut line = String::new();
    let out = python.stdout.take().expect("piped");
    BufReader::new(out).read_line(&mut line).expect("a line");
    assert_eq!(line, "changed\n");
    let shown = session_with(&proxied, "/attributes/user=\"ann\"");
    let pid = python.id().to_string();
    assert_eq!(shown["client"]["connection_attributes"]["_pid"], pid);
    drop(python.stdin.take());
    assert!(python.wait().expect("an end").success());
}

#[test]
fn autocommit_is_as_the_server_says() {
    let server = MariaDb::start();
    let mut proxied = front(&server);
    let mut shell = shell(&proxied);
    assert_eq!(shell.ask("SELECT 1;"), "1");
    let shown = "SELECT autocommit, in_transaction FROM sessions WHERE service = 'app'";
    proxied.comes_to(shown, "t|f");
    for (statement, row) in [
        ("SET autocommit = 0;", "f|f"),
        ("SET autocommit = 1;", "t|f"),
        ("BEGIN;", "t|t"),
    ] {
        shell.ask(statement);
        proxied.comes_to(shown, row);
    }
    let others = "SELECT count(*) FROM sessions WHERE service <> 'app' AND autocommit IS NULL";
    assert_eq!(proxied.ask(others), "1");
}

#[test]
fn both_protocols_are_one_list() {
    let (maria, postgres) = (MariaDb::start(), Postgres::start());
    let servers = format!("{}{}", maria.section("db1"), postgres.section("pg1"));
    let more = "[services.pg]\nrouter = \"readconnroute\"\nservers = [\"pg1\"]\n\
                [listeners.pg]\nservice = \"pg\"\naddress = \"127.0.0.1:0\"\n";
    let mut proxied = Setup {
        servers: &servers,
        chosen: Some(&["db1"]),
        more,
        ..Setup::default()
    }
    .start();
    let mut shells: Vec<Shell> = (0..3).map(|_| shell(&proxied)).collect();
    for shell in &mut shells {
        assert_eq!(shell.ask("SELECT 1;"), "1");
    }
    let port = proxied.program.listener("pg").port();
    let mut psqls: Vec<_> = (0..2)
        .map(|_| {
            let mut command = crate::support::postgres::client("psql", "127.0.0.1", port);
            command.args(crate::support::postgres::QUIET);
            crate::support::program::Psql::spawn(&proxied.program, &mut command)
        })
        .collect();
    for psql in &mut psqls {
        assert_eq!(psql.ask("SELECT 1;"), "1");
    }
    let counts = "SELECT service, count(*) FROM sessions GROUP BY 1 ORDER BY 1";
    assert_eq!(proxied.ask(counts), "app|3\ncatalog|1\npg|2");
    let protocols = "SELECT DISTINCT service, protocol FROM sessions ORDER BY 1";
    assert_eq!(
        proxied.ask(protocols),
        "app|mariadb\ncatalog|postgresql\npg|postgresql"
    );
    let listeners = "SELECT name, protocol FROM listeners WHERE name <> 'sql' ORDER BY 1";
    assert_eq!(proxied.ask(listeners), "app|mariadb\npg|postgresql");
}
