//! What the catalog says of proxied sessions is what their server says of them.

use std::collections::BTreeMap;
use std::process::Stdio;

use super::{Proxied, Setup, rows};
use crate::support::postgres::{Postgres, free_port};
use crate::support::program::{Psql, eventually};
use crate::support::wire::{Client, query};

/// What both sides can say of a session whose state does not change: pid, user, database, application, whether a
/// statement runs, whether a transaction is open.
const CATALOG: &str = "SELECT c.connection_id, s.\"user\", s.database, coalesce(s.application_name, ''), \
     s.active, s.in_transaction FROM sessions s JOIN connections c ON c.session_id = s.id \
     WHERE s.service = 'app' AND coalesce(s.application_name, '') NOT LIKE 'pgbench%' \
     ORDER BY c.connection_id";
const SERVER: &str = "SELECT pid, usename, datname, application_name, state = 'active', \
     state LIKE 'idle in transaction%' OR state = 'active' AND application_name LIKE '%open%' \
     FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() \
     AND application_name NOT LIKE 'pgbench%' ORDER BY pid";

/// The part that holds while sessions are busy.
const CATALOG_ALL: &str = "SELECT c.connection_id, s.\"user\", s.database, s.application_name \
     FROM sessions s JOIN connections c ON c.session_id = s.id \
     WHERE s.application_name LIKE 'pgbench%' ORDER BY c.connection_id";
const SERVER_ALL: &str = "SELECT pid, usename, datname, application_name FROM pg_stat_activity \
     WHERE application_name LIKE 'pgbench%' ORDER BY pid";

/// Waits until the catalog and the server say the same, and returns it.
fn agree(proxied: &mut Proxied, server: &mut Client, catalog: &str, sql: &str) -> Vec<String> {
    let both = || {
        let ours = rows(&mut proxied.door, catalog);
        (ours, rows(server, sql))
    };
    eventually(both, |(ours, theirs)| ours == theirs).0
}

/// Somebody who asks the server itself.
fn observer(server: &Postgres) -> Client {
    let mut client = Client::new(([127, 0, 0, 1], server.port).into());
    super::log_in(&mut client);
    client
}

#[test]
fn sessions_and_connections_agree_with_the_server_row_by_row() {
    let server = Postgres::start();
    let mut proxied = Proxied::front(&server);
    let mut observer = observer(&server);
    let held = proxied.held();
    let made = crate::support::program::finish(proxied.client("pgbench").args(["-i", "-q"]));
    assert!(made.status.success(), "{made:?}");
    let mut bench = proxied
        .client("pgbench")
        .args(["-n", "-c", "8", "-T", "60"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("pgbench starts");

    let mut psqls = proxied.sessions_of(&[
        ("app", "idle"),
        ("ann", "open"),
        ("bob", "renamed"),
        ("app", "busy"),
        ("app", "failed open"),
        ("ann", "busy and open"),
        ("trusted", ""),
    ]);
    psqls[1].ask("BEGIN; SELECT 1;");
    psqls[2].ask("SET application_name = 'another name ü';");
    psqls[3].type_in("SELECT pg_sleep(600);");
    psqls[4].ask("BEGIN; SELECT 1/0;");
    psqls[5].type_in("BEGIN; SELECT pg_sleep(600);");
    eventually(
        || {
            rows(
                &mut observer,
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'",
            )
        },
        |count| *count == ["2"],
    );
    for _ in 0..3 {
        let rows = agree(&mut proxied, &mut observer, CATALOG, SERVER);
        assert_eq!(rows.len(), psqls.len(), "{rows:?}");
        let busy = agree(&mut proxied, &mut observer, CATALOG_ALL, SERVER_ALL);
        assert_eq!(busy.len(), 8, "{busy:?}");
    }
    assert!(
        proxied
            .ask(CATALOG)
            .contains("|bob|app|another name ??|f|f")
    );
    reset(&mut psqls[2], &mut proxied, &mut observer);
    rest_agrees(&mut proxied);
    counters_agree(&mut proxied, 8 + psqls.len());

    // A psql that reads a script ends at an interrupt.
    for at in [3, 5] {
        psqls[at].interrupt();
        assert_eq!(psqls[at].next_line(), None);
    }
    assert_eq!(psqls[1].ask("COMMIT; SELECT 6;"), "6");
    bench.kill().expect("it runs");
    bench.wait().expect("an end");
    eventually(
        || rows(&mut proxied.door, CATALOG),
        |rows| {
            rows.iter()
                .all(|row| row.ends_with("|f|f") || row.contains("|failed open|f|t"))
        },
    );
    // Each session of the server that belonged to pgbench is gone with it.
    agree(&mut proxied, &mut observer, CATALOG_ALL, SERVER_ALL);
    for psql in psqls {
        psql.quit();
    }
    proxied.settles(held);
    counters_agree_at_rest(&mut proxied);
}

/// A name that is reset is the one of the login again.
fn reset(psql: &mut Psql, proxied: &mut Proxied, observer: &mut Client) {
    psql.ask("BEGIN; SET LOCAL application_name = 'for a moment'; SELECT 1;");
    agree(proxied, observer, NAMES, SERVER_NAMES);
    psql.ask("ROLLBACK;");
    agree(proxied, observer, NAMES, SERVER_NAMES);
    psql.ask("RESET application_name; SELECT 1;");
    let names = agree(proxied, observer, NAMES, SERVER_NAMES);
    assert!(
        names.iter().any(|row| row.ends_with("|renamed")),
        "{names:?}"
    );
}

const NAMES: &str = "SELECT c.connection_id, s.application_name FROM sessions s \
     JOIN connections c ON c.session_id = s.id WHERE s.\"user\" = 'bob' ORDER BY 1";
const SERVER_NAMES: &str =
    "SELECT pid, application_name FROM pg_stat_activity WHERE usename = 'bob' ORDER BY 1";

/// The REST door and the SQL door name the same sessions and say the same of them.
fn rest_agrees(proxied: &mut Proxied) {
    let listed = || {
        let answer = proxied.program.curl("/v1/sessions", &[]);
        assert_eq!(answer.status, 200);
        let data = answer.json()["data"].clone();
        let sessions = data.as_array().expect("a list").iter();
        let row = |session: &serde_json::Value| {
            let attributes = &session["attributes"];
            let service = &session["relationships"]["services"]["data"][0]["id"];
            let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
            let line = format!(
                "{}|{}|{}|{}",
                text(&attributes["user"]),
                text(&attributes["database"]),
                text(&attributes["application_name"]),
                attributes["port"],
            );
            (text(service) == "app").then(|| (text(&session["id"]), line))
        };
        sessions.filter_map(row).collect::<BTreeMap<_, _>>()
    };
    let sql =
        "SELECT id, \"user\", database, application_name, port FROM sessions WHERE service = 'app'";
    let both = || {
        let lines = rows(&mut proxied.door, sql);
        let split = |line: &String| {
            let (id, rest) = line.split_once('|').expect("columns");
            (id.to_owned(), rest.to_owned())
        };
        (
            lines.iter().map(split).collect::<BTreeMap<_, _>>(),
            listed(),
        )
    };
    let (ours, _) = eventually(both, |(sql, rest)| sql == rest);
    assert!(ours.len() >= 8, "{ours:?}");
}

/// As many as there are.
fn counters_agree(proxied: &mut Proxied, expected: usize) {
    let expected = expected.to_string();
    let sums = "SELECT (SELECT connections FROM services WHERE name = 'app') AS a, \
                (SELECT connections FROM servers) AS b, \
                (SELECT count(*) FROM sessions WHERE service = 'app') AS c, \
                (SELECT count(*) FROM connections) AS d";
    proxied.comes_to(sums, &[&expected[..]; 4].join("|"));
    let highest = "SELECT max_connections >= connections, total_connections >= max_connections \
                   FROM servers";
    assert_eq!(proxied.ask(highest), "t|t");
}

fn counters_agree_at_rest(proxied: &mut Proxied) {
    // The two requests to cancel were clients of the service, and needed no session of the server.
    let totals = "SELECT s.connections, v.connections, s.total_connections - v.total_connections \
                  FROM services s, servers v WHERE s.name = 'app'";
    assert_eq!(proxied.ask(totals), "0|0|2");
}

#[test]
fn the_end_of_a_session_that_has_said_nothing_is_told() {
    let server = Postgres::start();
    let mut proxied = Proxied::front(&server);
    let mut client = proxied.connect();
    let ids = "SELECT id FROM sessions WHERE service = 'app'";
    let ids = eventually(|| proxied.ask(ids), |id| !id.is_empty());
    let path = format!("/v1/sessions/{ids}");
    assert_eq!(proxied.program.curl(&path, &["-X", "DELETE"]).status, 204);
    assert!(client.next().is_none());
    let log = eventually(
        || proxied.program.log(),
        |log| log.contains("a session ended"),
    );
    let line = log.lines().find(|line| line.contains("a session ended"));
    let line = line.expect("a line");
    for told in [
        &format!("session={ids}"),
        "service=app",
        "reason=\"killed\"",
    ] {
        assert!(line.contains(told), "{told} in {line}");
    }
}

#[test]
fn a_row_follows_its_session_through_its_life() {
    let server = Postgres::start();
    let mut proxied = Proxied::front(&server);
    // From the first byte on, and before it.
    let mut client = proxied.connect();
    let columns = "SELECT state, server, \"user\", database FROM sessions WHERE service = 'app'";
    proxied.comes_to(columns, "Session Allocated|||");
    super::log_in(&mut client);
    proxied.comes_to(columns, "Session ready for routing|db1|trusted|app");
    let id = client.process;
    let mut look =
        |columns: &str| proxied.ask(&format!("SELECT {columns} FROM sessions WHERE id = {id}"));
    assert_eq!(
        look("listener, router, protocol, remote, tls, active, in_transaction, statement_started"),
        "app|readconnroute|postgresql|127.0.0.1||f|f|"
    );
    let port = client.tcp().local_addr().expect("an address").port();
    assert_eq!(look("port"), port.to_string());
    let counted = |look: &mut dyn FnMut(&str) -> String| -> Vec<u64> {
        let line = look("statements, bytes_in, bytes_out");
        line.split('|')
            .map(|n| n.parse().expect("a number"))
            .collect()
    };
    // Statements are simple ones and executions, pipelined or not, and bytes are all that pass.
    let before = counted(&mut look);
    let sent = query("SELECT 1");
    client.send(&sent);
    let messages = client.until_ready();
    let received: usize = messages.iter().map(|message| 5 + message.body.len()).sum();
    let after = counted(&mut look);
    let grown: Vec<u64> = after.iter().zip(&before).map(|(a, b)| a - b).collect();
    assert_eq!(grown, [1, sent.len() as u64, received as u64]);
    use crate::support::wire::{bind, execute, parse, sync};
    client.send(
        &[
            parse("", "SELECT 1"),
            bind("", ""),
            execute("", 0),
            bind("", ""),
            execute("", 0),
            sync(),
        ]
        .concat(),
    );
    client.until_ready();
    client.send(&query("SELECT 2").repeat(10));
    (0..10).for_each(|_| drop(client.until_ready()));
    assert_eq!(counted(&mut look)[0], after[0] + 12);
    // Busy, with the start of the statement, and not idle.
    client.send(&query("SELECT pg_sleep(3)"));
    let busy = "active, idle = 0, statement_started <= now(), statement_started > connected";
    eventually(|| look(busy), |answer| answer == "t|t|t|t");
    look("seconds_alive");
    drop(client);
    proxied.comes_to(super::ROWS, "0");
    // So has its connection, once the server has looked up from its statement: as without a proxy, it does not stop
    // one because nobody waits for it.
    eventually(
        || server.ask("SELECT count(*) FROM pg_stat_activity WHERE usename = 'trusted'"),
        |count| count == "0",
    );
}

#[test]
fn the_state_of_a_transaction_is_the_servers() {
    let server = Postgres::start();
    let mut proxied = Proxied::front(&server);
    let mut client = proxied.raw();
    let state = format!(
        "SELECT in_transaction, active FROM sessions WHERE id = {}",
        client.process
    );
    for (sql, open) in [
        ("BEGIN", true),
        ("SELECT 1", true),
        ("SELECT 1/0", true),
        ("ROLLBACK", false),
        ("BEGIN; SELECT 1; COMMIT", false),
        ("BEGIN; SELECT 1/0", true),
        ("COMMIT", false),
        ("BEGIN; COMMIT AND CHAIN", true),
        ("ROLLBACK", false),
    ] {
        client.query(sql);
        let expected = if open { "t|f" } else { "f|f" };
        assert_eq!(proxied.ask(&state), expected, "{sql}");
    }
}

#[test]
fn what_is_configured_is_listed() {
    let server = Postgres::start();
    let dir = tempfile::tempdir().expect("a directory");
    let socket = dir.path().join(".s.PGSQL.6432");
    let servers = format!(
        "{}role = \"primary\"\n[servers.db2]\naddress = \"127.0.0.1:{}\"\nrole = \"replica\"\n",
        server.section("db1"),
        free_port()
    );
    let more = format!(
        "[listeners.local]\nservice = \"app\"\naddress = \"{}\"\n",
        socket.display()
    );
    let setup = Setup {
        servers: &servers,
        service: "router_options = { role = \"primary\" }",
        more: &more,
        ..Setup::default()
    };
    let mut proxied = setup.start();
    assert_eq!(
        proxied.ask(
            "SELECT name, address, port, protocol, role, state FROM servers WHERE name = 'db1'"
        ),
        format!("db1|127.0.0.1|{}|postgresql|primary|Running", server.port)
    );
    proxied.comes_to(
        "SELECT role, state FROM servers WHERE name = 'db2'",
        "replica|Down",
    );
    assert_eq!(
        proxied.ask("SELECT name, router, state FROM services ORDER BY name"),
        "app|readconnroute|Started\ncatalog|catalog|Started"
    );
    assert_eq!(
        proxied.ask("SELECT name, service, protocol, address, port, state FROM listeners WHERE service = 'app' ORDER BY name"),
        format!(
            "app|app|postgresql|127.0.0.1|{}|Running\nlocal|app|postgresql|{}||Running",
            proxied.address.port(),
            socket.display()
        )
    );
    // A session by the UNIX socket.
    let mut command = proxied.psql();
    command.env("PGHOST", dir.path()).env("PGPORT", "6432");
    let mut psql = Psql::spawn(&proxied.program, &mut command);
    assert_eq!(psql.ask("SELECT current_user;"), "app");
    assert_eq!(
        proxied.ask("SELECT listener, remote, port, \"user\" FROM sessions WHERE service = 'app'"),
        "local|localhost||app"
    );
    psql.interrupt();
    psql.quit();
    proxied.comes_to(super::ROWS, "0");
    proxied.program.signal(nix::sys::signal::Signal::SIGTERM);
    assert_eq!(proxied.program.ended(), 0);
    assert!(!socket.exists(), "the socket is left behind");
}
