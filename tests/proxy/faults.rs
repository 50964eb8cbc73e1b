//! What breaks ends with its reason, takes nobody else along, and leaves nothing behind.

use std::io::Read;
use std::net::Shutdown;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Proxied, Setup, rows};
use crate::support::postgres::{Postgres, free_port};
use crate::support::program::eventually;
use crate::support::wire::{Client, kinds, query};

/// A result that takes a while to pass.
const LONG: &str = "SELECT repeat('x', 9989) FROM generate_series(1, 1000000)";

/// The number that the server gave to a session's connection.
fn backend(proxied: &mut Proxied, client: &Client) -> Pid {
    let id = client.process;
    let pid = proxied.ask(&format!(
        "SELECT connection_id FROM connections WHERE session_id = {id}"
    ));
    Pid::from_raw(pid.parse().expect("a number"))
}

/// Until the server has no connections but one's own.
fn unoccupied(server: &Postgres) {
    let sql = "SELECT count(*) FROM pg_stat_activity \
               WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
    eventually(|| server.ask(sql), |count| count == "0");
}

#[test]
fn a_backend_that_is_killed_in_the_midst_of_a_result_ends_its_session() {
    let server = Postgres::start();
    let mut proxied = Proxied::front(&server);
    let held = proxied.held();
    let mut client = proxied.raw();
    let mut other = proxied.raw();
    client.send(&query(LONG));
    client.message();
    kill(backend(&mut proxied, &client), Signal::SIGKILL).expect("it runs");
    // Whole messages, then the end: nothing is added to what the server said, nor cut off.
    let mut rest = Vec::new();
    client.tcp().read_to_end(&mut rest).expect("an orderly end");
    // PostgreSQL sends everybody else away, and says why.
    let said = other.until_closed();
    assert_eq!(
        said.last().map(|message| message.code()),
        Some("57P02"),
        "{said:?}"
    );
    drop((client, other));
    proxied.settles(held);
    // It recovers, and so does the service.
    eventually(|| proxied.said("SELECT 1").ok, |ok| *ok);
    proxied.settles(held);
}

#[test]
fn a_server_that_dies_takes_no_new_sessions_until_it_is_back() {
    let mut server = Postgres::start();
    let servers = format!(
        "{}monitor = {{ interval_ms = 50, failures_max = 1 }}\n",
        server.section("db1")
    );
    let setup = Setup {
        servers: &servers,
        ..Setup::default()
    };
    let mut proxied = setup.start();
    let held = proxied.held();
    let mut busy = proxied.raw();
    let mut idle = proxied.raw();
    busy.send(&query(LONG));
    busy.message();
    server.kill();
    let mut rest = Vec::new();
    // All that came before is there; the end may have a reason if the monitor was faster.
    busy.tcp().read_to_end(&mut rest).expect("an orderly end");
    idle.until_closed();
    drop((busy, idle));
    proxied.comes_to("SELECT state FROM servers", "Down");
    proxied.settles(held);
    let said = proxied.said("SELECT 1");
    let text = "FATAL:  service \"app\" has no server that takes sessions";
    assert!(said.err.contains(text), "{}", said.err);
    server.restart();
    proxied.comes_to("SELECT state FROM servers", "Running");
    assert_eq!(proxied.said("SELECT 1").out, "1");
    proxied.settles(held);
}

#[test]
fn a_server_that_hangs_is_down_and_its_sessions_hear_it() {
    let server = Postgres::start();
    let servers = format!(
        "{}[servers.db1.monitor]\nuser = \"monitor\"\npassword = \"secret\"\ninterval_ms = 100\n\
         timeout_ms = 500\nfailures_max = 2\n",
        server.section("db1")
    );
    let setup = Setup {
        servers: &servers,
        ..Setup::default()
    };
    let mut proxied = setup.start();
    proxied.comes_to("SELECT state, role FROM servers", "Running|primary");
    let held = proxied.held();
    let mut idle = proxied.raw();
    let mut open = proxied.raw();
    open.query("BEGIN");
    // It still takes connections, since the kernel does that, and says nothing any more.
    server.freeze();
    for client in [&mut idle, &mut open] {
        let last = client.until_closed().pop().expect("a last word");
        assert_eq!(last.code(), "57P02");
        let text = "terminating connection because server \"db1\" is down";
        assert_eq!(
            (last.field('M'), last.field('S')),
            (Some(text), Some("FATAL"))
        );
    }
    assert_eq!(proxied.ask("SELECT state FROM servers"), "Down");
    let said = proxied.said("SELECT 1");
    assert!(
        said.err.contains("has no server that takes sessions"),
        "{}",
        said.err
    );
    server.thaw();
    proxied.comes_to("SELECT state FROM servers", "Running");
    assert_eq!(proxied.said("SELECT 1").out, "1");
    drop((idle, open));
    proxied.settles(held);
}

#[test]
fn a_server_that_refuses_is_passed_over() {
    let server = Postgres::start();
    // The monitor looks once at the start and then not again while the test runs.
    let servers = format!(
        "[servers.db1]\naddress = \"127.0.0.1:{}\"\n{}",
        free_port(),
        server.section("db2")
    );
    let setup = Setup {
        servers: &servers,
        ..Setup::default()
    };
    let mut proxied = setup.start();
    let held = proxied.held();
    let clients: Vec<Client> = (0..4).map(|_| proxied.raw()).collect();
    assert_eq!(
        proxied.ask("SELECT DISTINCT server FROM sessions WHERE service = 'app'"),
        "db2"
    );
    assert_eq!(
        proxied.ask("SELECT name, connections, state FROM servers ORDER BY name"),
        "db1|0|Down\ndb2|4|Running"
    );
    drop(clients);
    proxied.settles(held);
}

#[test]
fn a_refusal_that_no_monitor_has_seen_yet_is_met_by_the_next_server() {
    let (mut first, second) = (Postgres::start(), Postgres::start());
    let rarely = "monitor = { interval_ms = 3600000 }\n";
    let servers = format!(
        "{}{rarely}{}{rarely}",
        first.section("db1"),
        second.section("db2")
    );
    let setup = Setup {
        servers: &servers,
        ..Setup::default()
    };
    let mut proxied = setup.start();
    let held = proxied.held();
    // Both are used alike.
    let spread: Vec<Client> = (0..6).map(|_| proxied.raw()).collect();
    let counts = "SELECT name, connections FROM servers ORDER BY name";
    assert_eq!(proxied.ask(counts), "db1|3\ndb2|3");
    drop(spread);
    proxied.settles(held);
    first.kill();
    let clients: Vec<Client> = (0..4).map(|_| proxied.raw()).collect();
    assert_eq!(proxied.ask(counts), "db1|0\ndb2|4");
    drop(clients);
    proxied.settles(held);
    // Nobody is left: the client hears of the service, not of the network.
    let mut second = second;
    second.kill();
    let mut client = proxied.connect();
    client.start(crate::support::wire::PROTOCOL_3_0, &[("user", "trusted")]);
    let last = client.until_closed().pop().expect("a last word");
    assert_eq!(last.code(), "08001");
    assert_eq!(
        last.field('M'),
        Some("no server of service \"app\" can be reached")
    );
    let log = proxied.program.log();
    assert!(log.contains("db1") && log.contains("db2"), "{log}");
    drop(client);
    proxied.settles(held);
}

#[test]
fn a_client_that_is_frozen_can_be_ended() {
    let server = Postgres::start();
    let mut proxied = Proxied::front(&server);
    let held = proxied.held();
    // One that is idle, and one that no longer takes the result that it asked for.
    let mut idle = proxied.session();
    assert_eq!(idle.ask("SELECT 1;"), "1");
    let mut reading = proxied.session();
    assert_eq!(reading.ask("SELECT 1;"), "1");
    reading.type_in("\\set FETCH_COUNT 1000");
    reading.type_in(&format!("{LONG} \\g /dev/null"));
    let busy = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND usename = 'app'";
    eventually(|| server.ask(busy), |count| count == "1");
    idle.freeze();
    reading.freeze();
    assert_eq!(
        proxied.ask("SELECT kill_session(id) FROM sessions WHERE service = 'app'"),
        "t\nt"
    );
    proxied.comes_to(super::ROWS, "0");
    unoccupied(&server);
    idle.kill();
    reading.kill();
    proxied.settles(held);
}

#[test]
fn a_frozen_reader_with_full_buffers_can_be_ended() {
    let server = Postgres::start();
    let mut proxied = Proxied::front(&server);
    let held = proxied.held();
    let mut client = proxied.raw();
    client.send(&query(LONG));
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'ClientWrite'";
    eventually(|| server.ask(waits), |count| count == "1");
    let id = client.process;
    assert_eq!(proxied.ask(&format!("SELECT kill_session({id})")), "t");
    // The client still does not read.
    proxied.comes_to(super::ROWS, "0");
    unoccupied(&server);
    proxied.settles(held);
    drop(client);
}

#[test]
fn a_client_that_disappears_takes_its_backend_along() {
    let server = Postgres::start();
    let mut proxied = Proxied::front(&server);
    let held = proxied.held();
    for round in 0..4 {
        let mut client = proxied.raw();
        match round {
            // Idle.
            0 => {}
            // While a statement runs that sends nothing: it runs to its end, as without a proxy.
            1 => client.send(&query("SELECT pg_sleep(2)")),
            // While a result comes: unread bytes make the end a reset.
            2 => {
                client.send(&query(LONG));
                client.message();
            }
            // While a transaction is open.
            _ => drop(client.query("BEGIN")),
        }
        client.vanish();
        proxied.comes_to(super::ROWS, "0");
        unoccupied(&server);
    }
    // In the midst of a login, or before it.
    proxied.connect().vanish();
    let mut asked = proxied.connect();
    asked.start(crate::support::wire::PROTOCOL_3_0, &[("user", "app")]);
    asked.message();
    asked.vanish();
    proxied.settles(held);
    unoccupied(&server);
}

#[test]
fn a_client_that_closes_its_half_still_gets_its_answers() {
    let server = Postgres::start();
    let mut proxied = Proxied::front(&server);
    let held = proxied.held();
    let mut client = proxied.raw();
    let last_words = [
        query("SELECT repeat('x', 100000) FROM generate_series(1, 100)"),
        query("SELECT 2"),
        b"X\0\0\0\x04".to_vec(),
    ];
    client.send(&last_words.concat());
    client.tcp().shutdown(Shutdown::Write).expect("connected");
    let messages = client.until_closed();
    assert_eq!(kinds(&messages), format!("T{}CZTDCZ", "D".repeat(100)));
    drop(client);
    proxied.settles(held);
}

#[test]
fn what_the_server_says_last_arrives() {
    let server = Postgres::start();
    let mut proxied = Proxied::front(&server);
    let held = proxied.held();
    let mut client = proxied.raw();
    let pid = backend(&mut proxied, &client);
    // The server ends the session in the protocol, idle and in the midst of an answer.
    assert_eq!(
        server.ask(&format!("SELECT pg_terminate_backend({pid})")),
        "t"
    );
    let last = client.until_closed();
    assert_eq!((kinds(&last).as_str(), last[0].code()), ("E", "57P01"));
    let mut client = proxied.raw();
    client.send(&query("SELECT repeat('x', 100000) FROM generate_series(1, 100); SELECT pg_terminate_backend(pg_backend_pid())"));
    let messages = client.until_closed();
    let last = messages.last().expect("a last word");
    assert_eq!(
        (
            last.code(),
            messages.iter().filter(|m| m.kind == 'D').count() >= 100
        ),
        ("57P01", true)
    );
    drop(client);
    proxied.settles(held);
}

#[test]
fn maintenance_keeps_sessions_and_takes_no_new_ones() {
    let server = Postgres::start();
    let mut proxied = Proxied::front(&server);
    let mut kept = proxied.raw();
    assert_eq!(
        proxied.ask("SELECT set_server_state('db1', 'maintenance')"),
        "t"
    );
    assert_eq!(
        proxied.ask("SELECT state FROM servers"),
        "Maintenance, Running"
    );
    let mut refused = proxied.connect();
    refused.start(crate::support::wire::PROTOCOL_3_0, &[("user", "trusted")]);
    let last = refused.until_closed().pop().expect("a last word");
    assert_eq!(last.code(), "57P03");
    assert_eq!(
        last.field('M'),
        Some("service \"app\" has no server that takes sessions")
    );
    assert_eq!(rows(&mut kept, "SELECT 'kept'"), ["kept"]);
    // It is looked after all the same.
    assert_eq!(
        proxied.ask("SELECT set_server_state('db1', 'running')"),
        "t"
    );
    assert_eq!(proxied.ask("SELECT state FROM servers"), "Running");
    assert_eq!(proxied.said("SELECT 'new'").out, "new");
    assert_eq!(rows(&mut kept, "SELECT 'kept'"), ["kept"]);
}
