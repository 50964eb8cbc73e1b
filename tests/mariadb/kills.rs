//! KILL means a session and reaches its thread on the server, and nobody else's.

use super::{client, front, only_session, raw, said, shell};
use crate::support::mariadb::{MariaDb, Shell};
use crate::support::program::{Said, eventually, finish};

const SLEEPING: &str =
    "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE = 'User sleep'";

fn sleep(server: &MariaDb, shell: &mut Shell, count: &str) {
    shell.type_in("SELECT SLEEP(600);");
    eventually(|| server.ask(SLEEPING), |answer| answer == count);
}

/// Moves the server's numbers away from ours, and connects somebody whose thread has the number of a session to come.
fn strangers(server: &MariaDb) -> Vec<Shell> {
    let mut strangers: Vec<Shell> = (0..8)
        .map(|_| Shell::spawn(&mut crate::support::mariadb::client("mariadb", server.port)))
        .collect();
    for shell in &mut strangers {
        assert_eq!(shell.ask("SELECT 1;"), "1");
    }
    strangers
}

#[test]
fn an_interrupt_ends_its_own_statement() {
    let server = MariaDb::start();
    let proxied = front(&server);
    let mut strangers = strangers(&server);
    let (mut one, mut other) = (shell(&proxied), shell(&proxied));
    sleep(&server, &mut strangers[0], "1");
    sleep(&server, &mut other, "2");
    sleep(&server, &mut one, "3");
    one.interrupt();
    let complaint = one.complaint().expect("an error");
    assert!(complaint.contains("1317"), "{complaint}");
    eventually(|| server.ask(SLEEPING), |count| count == "2");
    assert!(one.ask("SELECT 1;").ends_with('1'));
    assert_eq!(server.ask(SLEEPING), "2");
}

#[test]
fn kill_takes_the_number_of_a_session() {
    let server = MariaDb::start();
    let mut proxied = front(&server);
    let _strangers = strangers(&server);
    let mut victim = shell(&proxied);
    assert_eq!(victim.ask("SELECT 1;"), "1");
    let session = only_session(&mut proxied);
    for kill in [
        "KILL QUERY",
        "KILL SOFT QUERY",
        "/* tidy */ kill hard query",
    ] {
        sleep(&server, &mut victim, "1");
        assert_eq!(
            said(&proxied, &format!("{kill} {session}")).err,
            "",
            "{kill}"
        );
        let complaint = victim.complaint().expect("an error");
        assert!(complaint.contains("1317"), "{complaint}");
    }
    assert_eq!(said(&proxied, &format!("KILL {session}")).err, "");
    victim.type_in("SELECT 1;");
    let complaint = victim.complaint().expect("an error");
    let gone = ["1927", "2006", "2013"]
        .iter()
        .any(|code| complaint.contains(code));
    assert!(gone, "{complaint}");

    let mut victim = shell(&proxied);
    assert_eq!(victim.ask("SELECT 1;"), "1");
    let sql = "SELECT max(id) FROM sessions WHERE service = 'app'";
    let session = proxied.ask(sql);
    // COM_PROCESS_KILL.
    let killed: Said = finish(client(&proxied, "mariadb-admin").args(["kill", &session])).into();
    assert!(killed.ok, "{}", killed.err);
    proxied.comes_to(
        &format!("SELECT count(*) FROM sessions WHERE id = {session}"),
        "0",
    );
}

#[test]
fn a_number_that_is_no_session_here_is_unknown() {
    let server = MariaDb::start();
    let mut proxied = front(&server);
    let strangers = strangers(&server);
    let threads =
        "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'app' ORDER BY ID DESC LIMIT 1";
    let thread = server.ask(threads);
    let door = proxied.ask("SELECT pg_backend_pid()");
    for number in [
        thread.as_str(),
        door.as_str(),
        "2147483647",
        "4294967296",
        "0",
    ] {
        let told = said(&proxied, &format!("KILL {number}"));
        let expected = format!("ERROR 1094 (HY000) at line 1: Unknown thread id: {number}");
        assert!(told.err.ends_with(&expected), "{}", told.err);
    }
    let told: Said = finish(client(&proxied, "mariadb-admin").args(["kill", &thread])).into();
    assert!(told.err.contains("Unknown thread id"), "{}", told.err);
    for mut shell in strangers {
        assert_eq!(shell.ask("SELECT 1;"), "1");
    }
    // The number of a query, and a user, are the server's affair.
    assert!(
        said(&proxied, "KILL QUERY ID 999999")
            .err
            .contains("ERROR 1957")
    );
    let mut ann = Shell::spawn(client(&proxied, "mariadb").args(["-u", "ann"]));
    assert_eq!(ann.ask("SELECT 1;"), "1");
    let told: Said =
        finish(client(&proxied, "mariadb").args(["-u", "ann", "-e", "KILL USER ann"])).into();
    // It is one of them itself.
    assert!(!told.err.contains("1094"), "{}", told.err);
    eventually(
        || server.ask("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = 'ann'"),
        |count| count == "0",
    );
}

#[test]
fn whoever_is_killed_by_an_administrator_reads_1927() {
    let server = MariaDb::start();
    let mut proxied = front(&server);
    // Between two commands, while a statement runs, and between two rows.
    for sql in [
        "",
        "SELECT SLEEP(600)",
        "SELECT seq, REPEAT('x', 1000) FROM seq_1_to_100000000",
    ] {
        let mut client = raw(&proxied);
        let session = client.thread_id();
        if !sql.is_empty() {
            client.command(3, sql.as_bytes());
            proxied.comes_to(
                &format!("SELECT active FROM sessions WHERE id = {session}"),
                "t",
            );
        }
        assert_eq!(proxied.ask(&format!("SELECT kill_session({session})")), "t");
        let last = client
            .until(|packet| packet.error().is_some())
            .pop()
            .expect("an error");
        assert_eq!(last.error(), Some(1927), "{}", last.text());
        assert!(
            last.text().ends_with("#70100Connection was killed"),
            "{}",
            last.text()
        );
        if sql.is_empty() {
            // As if it were the answer to the next command.
            assert_eq!(last.sequence, 1);
        }
        assert_eq!(client.next(), None);
        proxied.comes_to(crate::proxy::ROWS, "0");
    }
    let mut shell = shell(&proxied);
    assert_eq!(shell.ask("SELECT 1;"), "1");
    let session = only_session(&mut proxied);
    assert_eq!(proxied.ask(&format!("SELECT kill_session({session})")), "t");
    proxied.comes_to(crate::proxy::ROWS, "0");
    shell.type_in("SELECT 1;");
    let complaint = shell.complaint().expect("an error");
    let known = ["1927", "2006", "2013"]
        .iter()
        .any(|code| complaint.contains(code));
    assert!(known, "{complaint}");
}
