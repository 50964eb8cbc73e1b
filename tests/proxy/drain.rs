//! A signal ends the proxy in order.

use std::net::TcpStream;
use std::time::Instant;

use nix::sys::signal::Signal;

use super::{Proxied, Setup, rows};
use crate::support::postgres::Postgres;
use crate::support::program::eventually;
use crate::support::wire::{Client, kinds, query};

fn start(server: &Postgres, drain_timeout_s: u32) -> Proxied {
    let servers = server.section("db1");
    let top = format!("limits.drain_timeout_s = {drain_timeout_s}");
    let setup = Setup {
        top: &top,
        servers: &servers,
        ..Setup::default()
    };
    setup.start()
}

fn sleeping(server: &Postgres, count: &str) {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    eventually(|| server.ask(sql), |answer| answer == count);
}

fn assert_sent_away(client: &mut Client) {
    let last = client.until_closed().pop().expect("a last word");
    assert_eq!(last.code(), "57P01");
    assert_eq!(last.field('S'), Some("FATAL"));
}

/// No connection is left at the server.
fn unoccupied(server: &Postgres) {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'trusted'";
    eventually(|| server.ask(sql), |count| count == "0");
}

#[test]
fn idle_sessions_go_at_once_and_running_statements_finish() {
    let server = Postgres::start();
    let mut proxied = start(&server, 60);
    let mut idle = proxied.raw();
    let mut running = proxied.raw();
    let mut open = proxied.raw();
    open.query("BEGIN");
    open.query("CREATE TABLE kept AS SELECT 1 AS a");
    // It runs until this lock is given back.
    let mut lock = Client::new(([127, 0, 0, 1], server.port).into());
    super::log_in(&mut lock);
    lock.query("SELECT pg_advisory_lock(1)");
    running.send(&query("SELECT pg_advisory_lock(1), 'finished'"));
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
    eventually(|| server.ask(waiting), |count| count == "1");
    let address = proxied.address;
    proxied.program.signal(Signal::SIGTERM);
    assert_sent_away(&mut idle);
    // Nobody new is let in.
    eventually(|| TcpStream::connect(address).is_err(), |refused| *refused);
    // A transaction may come to its end.
    assert_eq!(rows(&mut open, "SELECT a FROM kept"), ["1"]);
    assert_eq!(kinds(&open.query("COMMIT")), "CZ");
    assert_sent_away(&mut open);
    lock.query("SELECT pg_advisory_unlock(1)");
    assert_eq!(kinds(&running.until_ready()), "TDCZ");
    assert_sent_away(&mut running);
    drop(lock);
    assert_eq!(proxied.program.ended(), 0);
    unoccupied(&server);
}

#[test]
fn what_does_not_finish_in_time_is_cancelled() {
    let server = Postgres::start();
    let mut proxied = start(&server, 1);
    let mut running = proxied.raw();
    running.send(&query("SELECT pg_sleep(600)"));
    let mut open = proxied.raw();
    open.query("BEGIN");
    sleeping(&server, "1");
    let begun = Instant::now();
    proxied.program.signal(Signal::SIGTERM);
    assert_sent_away(&mut running);
    assert_sent_away(&mut open);
    proxied.program.ended();
    // Whatever the exit code says, it was not the end of the statement that was waited for.
    assert!(begun.elapsed().as_secs() < 60);
    sleeping(&server, "0");
    unoccupied(&server);
}

#[test]
fn a_second_signal_does_not_wait() {
    let server = Postgres::start();
    let mut proxied = start(&server, 600);
    let mut running = proxied.raw();
    running.send(&query("SELECT pg_sleep(2)"));
    sleeping(&server, "1");
    proxied.program.signal(Signal::SIGTERM);
    eventually(
        || proxied.program.log(),
        |log| log.contains("no new clients"),
    );
    proxied.program.signal(Signal::SIGTERM);
    assert_eq!(proxied.program.ended(), 143);
    running.until_closed();
    unoccupied(&server);
}

#[test]
fn a_client_that_does_not_read_does_not_hold_it_up() {
    let server = Postgres::start();
    let mut proxied = start(&server, 1);
    let mut stuck = proxied.raw();
    stuck.send(&query(
        "SELECT repeat('x', 9989) FROM generate_series(1, 1000000)",
    ));
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'ClientWrite'";
    eventually(|| server.ask(waits), |count| count == "1");
    let mut silent = proxied.connect();
    proxied.comes_to(super::ROWS, "2");
    proxied.program.signal(Signal::SIGTERM);
    proxied.program.ended();
    silent.until_closed();
    unoccupied(&server);
}
