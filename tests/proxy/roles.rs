//! Sessions go to servers that play the part that their service asks for.

use super::{Proxied, Setup, rows, watcher};
use crate::support::postgres::Postgres;
use crate::support::program::{Said, finish};

/// A monitor that logs in, often.
const MONITOR: &str = "monitor = { user = \"monitor\", password = \"secret\", interval_ms = 50 }\n";

/// A service and its listener.
fn service(name: &str, role: &str) -> String {
    format!(
        "[services.{name}]\nrouter = \"readconnroute\"\nservers = [\"db1\", \"db2\"]\n\
         router_options = {{ role = \"{role}\" }}\n\
         [listeners.{name}]\nservice = \"{name}\"\naddress = \"127.0.0.1:0\"\n"
    )
}

fn ask(proxied: &Proxied, listener: &str, sql: &str) -> Said {
    let port = proxied.program.listener(listener).port();
    let mut command = crate::support::postgres::client("psql", "127.0.0.1", port);
    command
        .args(crate::support::postgres::QUIET)
        .args(["-c", sql]);
    finish(&mut command).into()
}

#[test]
fn a_replica_takes_what_may_read_and_the_primary_what_may_write() {
    let primary = Postgres::start();
    let replica = primary.replica();
    let servers = format!(
        "{}{MONITOR}{}{MONITOR}",
        primary.section("db1"),
        replica.section("db2")
    );
    let more = service("write", "primary") + &service("read", "replica");
    let setup = Setup {
        servers: &servers,
        more: &more,
        ..Setup::default()
    };
    let mut proxied = setup.start();
    // Known before the first session is taken, not a while later.
    let roles = "SELECT name, role, state FROM servers ORDER BY name";
    assert_eq!(
        proxied.ask(roles),
        "db1|primary|Running\ndb2|replica|Running"
    );
    for _ in 0..4 {
        assert_eq!(
            ask(&proxied, "write", "SELECT pg_is_in_recovery()").out,
            "f"
        );
        assert_eq!(ask(&proxied, "read", "SELECT pg_is_in_recovery()").out, "t");
    }
    // A role is strict: nobody is sent to a server that plays another.
    let mut door = watcher(&proxied.program);
    assert_eq!(
        rows(&mut door, "SELECT set_server_state('db2', 'maintenance')"),
        ["t"]
    );
    let said = ask(&proxied, "read", "SELECT 1");
    let text = "service \"read\" has no server that takes sessions";
    assert!(said.err.contains(text), "{}", said.err);
    assert_eq!(ask(&proxied, "write", "SELECT 1").out, "1");
    rows(&mut door, "SELECT set_server_state('db2', 'running')");
    assert_eq!(ask(&proxied, "read", "SELECT 1").out, "1");
    // A replica that is promoted is found out.
    assert_eq!(replica.ask("SELECT pg_promote()"), "t");
    proxied.comes_to("SELECT role FROM servers WHERE name = 'db2'", "primary");
    let said = ask(&proxied, "read", "SELECT 1");
    assert!(said.err.contains(text), "{}", said.err);
}

#[test]
fn a_monitor_that_may_not_log_in_does_not_take_the_server_for_dead() {
    let server = Postgres::start();
    let servers = format!(
        "{}monitor = {{ user = \"monitor\", password = \"wrong-password\", interval_ms = 50, failures_max = 1 }}\n",
        server.section("db1")
    );
    let setup = Setup {
        servers: &servers,
        ..Setup::default()
    };
    let mut proxied = setup.start();
    // It answers, which is what its state says; that its role is not known is the monitor's problem.
    crate::support::program::eventually(
        || proxied.program.log(),
        |log| log.contains("28P01") || log.contains("password authentication failed"),
    );
    assert_eq!(proxied.ask("SELECT state, role FROM servers"), "Running|");
    assert_eq!(proxied.said("SELECT 1").out, "1");
    assert!(!proxied.program.log().contains("wrong-password"));
}
