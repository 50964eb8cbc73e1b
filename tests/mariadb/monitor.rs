//! A monitor with a user finds the part that its server plays, and ends what a session runs.

use super::{client, front, raw};
use crate::proxy::{Proxied, ROWS, Setup};
use crate::support::mariadb::{MariaDb, Shell, Wanted};
use crate::support::mysql;
use crate::support::postgres::Identity;
use crate::support::program::eventually;

const SLEEPING: &str =
    "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE = 'User sleep'";

/// Servers whose monitors log in so.
fn watched(servers: &[(&str, &MariaDb)], login: &str) -> String {
    let section = |(name, server): &(&str, &MariaDb)| {
        let section = server.section(name);
        format!("{section}[servers.{name}.monitor]\ninterval_ms = 20\n{login}\n")
    };
    servers.iter().map(section).collect()
}

const MONITOR: &str = "user = \"monitor\"\npassword = \"secret\"";

fn behind(servers: &str) -> Proxied {
    Setup {
        servers,
        ..Setup::default()
    }
    .start()
}

#[test]
fn a_server_that_only_reads_or_follows_is_a_replica() {
    let options = ["--log-bin=binlog", "--server-id=1"];
    let (one, other) = (
        MariaDb::with_options(&options),
        MariaDb::with_options(&["--log-bin=binlog", "--server-id=2"]),
    );
    let mut proxied = behind(&watched(&[("db1", &one), ("db2", &other)], MONITOR));
    let roles = "SELECT name, role, state FROM servers ORDER BY 1";
    proxied.comes_to(roles, "db1|primary|Running\ndb2|primary|Running");
    one.ask("SET GLOBAL read_only = 1");
    proxied.comes_to(roles, "db1|replica|Running\ndb2|primary|Running");
    one.ask("SET GLOBAL read_only = 0");
    proxied.comes_to(roles, "db1|primary|Running\ndb2|primary|Running");
    one.ask(
        "CREATE USER follower IDENTIFIED BY 'secret'; GRANT REPLICATION SLAVE ON *.* TO follower",
    );
    other.ask(&format!(
        "CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={}, MASTER_USER='follower', \
         MASTER_PASSWORD='secret', MASTER_USE_GTID=no; START SLAVE",
        one.port
    ));
    proxied.comes_to(roles, "db1|primary|Running\ndb2|replica|Running");
    other.ask("STOP SLAVE");
    proxied.comes_to(roles, "db1|primary|Running\ndb2|primary|Running");
}

#[test]
fn a_monitor_goes_by_tls_as_its_servers_sessions_do() {
    let identity = Identity::new();
    let server = MariaDb::wanted(Wanted {
        identity: Some(identity.clone()),
        ..Wanted::default()
    });
    for tls in ["", "tls = \"require\"\n"] {
        let login = format!("{MONITOR}\ndatabase = \"app\"");
        let servers = watched(&[("db1", &server)], &login);
        let servers = servers.replacen("protocol", &format!("{tls}protocol"), 1);
        let mut proxied = behind(&servers);
        proxied.comes_to("SELECT role, state FROM servers", "primary|Running");
    }
}

/// A plugin that the monitor does not know does not make its server one that is down.
#[test]
fn a_monitor_that_cannot_prove_its_password_says_so() {
    let server = MariaDb::start();
    let login = "user = \"ed\"\npassword = \"secret\"";
    let mut proxied = behind(&watched(&[("db1", &server)], login));
    proxied.comes_to("SELECT role, state FROM servers", "|Running");
    assert!(proxied.program.log().contains("client_ed25519"));
}

#[test]
fn a_monitor_that_is_not_let_in_does_not_take_its_server_for_dead() {
    let server = MariaDb::start();
    let login = "user = \"monitor\"\npassword = \"wrong\"";
    let mut proxied = behind(&watched(&[("db1", &server)], login));
    proxied.comes_to("SELECT role, state FROM servers", "|Running");
    assert!(
        proxied
            .program
            .log()
            .contains("does not let its monitor in")
    );
    assert_eq!(super::said(&proxied, "SELECT 1").out, "1");
}

#[test]
fn what_a_session_runs_can_be_ended_from_outside() {
    let server = MariaDb::start();
    let mut proxied = behind(&watched(&[("db1", &server)], MONITOR));
    let mut active = raw(&proxied);
    let session = active.thread_id();
    active.command(3, b"SELECT SLEEP(600)");
    eventually(|| server.ask(SLEEPING), |count| count == "1");
    let cancel = format!("SELECT pg_cancel_backend({session})");
    assert_eq!(proxied.ask(&cancel), "t");
    let ended = active.until(|packet| packet.error().is_some()).pop();
    assert_eq!(ended.expect("an error").error(), Some(1317));
    assert!(active.query("DO 1").is_ok());
    // Whoever is killed leaves nothing running.
    active.command(3, b"SELECT SLEEP(600)");
    eventually(|| server.ask(SLEEPING), |count| count == "1");
    assert_eq!(proxied.ask(&format!("SELECT kill_session({session})")), "t");
    eventually(|| server.ask(SLEEPING), |count| count == "0");
    proxied.comes_to(ROWS, "0");
}

#[test]
fn without_a_monitors_user_nobody_cancels() {
    let server = MariaDb::start();
    let mut proxied = front(&server);
    let client = raw(&proxied);
    let cancel = format!("SELECT pg_cancel_backend({})", client.thread_id());
    assert_eq!(proxied.ask(&cancel), "f");
}

/// The client's second connection comes to another server than its first.
#[test]
fn an_interrupt_finds_its_statement_on_another_server() {
    let (one, other) = (MariaDb::start(), MariaDb::start());
    let mut proxied = behind(&watched(&[("db1", &one), ("db2", &other)], MONITOR));
    let mut shells: Vec<Shell> = (0..2)
        .map(|_| Shell::spawn(&mut client(&proxied, "mariadb")))
        .collect();
    for shell in &mut shells {
        assert_eq!(shell.ask("SELECT 1;"), "1");
    }
    let sleeping = || {
        let count = |server: &MariaDb| server.ask(SLEEPING).parse::<u32>().expect("a number");
        count(&one) + count(&other)
    };
    for expected in 1..3 {
        shells[expected as usize - 1].type_in("SELECT SLEEP(600);");
        eventually(sleeping, |count| *count == expected);
    }
    for shell in &shells {
        shell.interrupt();
        let complaint = shell.complaint().expect("an error");
        assert!(complaint.contains("1317"), "{complaint}");
    }
    eventually(sleeping, |count| *count == 0);
    // A connection, too; but nobody else's.
    let mut victim = raw(&proxied);
    let named = victim.thread_id();
    let own = format!("SELECT server FROM sessions WHERE id = {named}");
    let server = proxied.ask(&own);
    let elsewhere = |proxied: &mut Proxied, user: &str| loop {
        let mut killer = mysql::Client::connect(proxied.address);
        killer.answer_as(user, mysql::CAPABILITIES);
        assert!(killer.next().expect("an answer").is_ok());
        let own = format!(
            "SELECT server FROM sessions WHERE id = {}",
            killer.thread_id()
        );
        if proxied.ask(&own) != server {
            return killer;
        }
    };
    let kill = format!("KILL {named}");
    let denied = elsewhere(&mut proxied, "idle").query(&kill);
    assert_eq!(denied.error(), Some(1095), "{}", denied.text());
    assert!(victim.query("DO 1").is_ok());
    assert!(elsewhere(&mut proxied, "trusted").query(&kill).is_ok());
    assert_eq!(victim.next().expect("an error").error(), Some(1927));
}
