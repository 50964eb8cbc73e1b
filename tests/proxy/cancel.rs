//! Cancelling and killing reach whom they mean, and nobody else.

use std::io::Read;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::{Proxied, rows};
use crate::support::postgres::Postgres;
use crate::support::program::{Psql, eventually};
use crate::support::wire::{CANCEL_REQUEST, Client, Message, kinds, packet, query};

/// Sends a request to cancel and waits for the end of its connection, which has nothing else to say.
fn cancel(address: SocketAddr, process: u32, secret: &[u8]) {
    let mut client = Client::new(address);
    let body = [&process.to_be_bytes()[..], secret].concat();
    client.send(&packet(CANCEL_REQUEST, &body));
    assert_eq!(client.until_closed(), []);
}

/// Waits until the server runs so many statements that sleep.
fn sleeping(server: &Postgres, count: usize) {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    eventually(|| server.ask(sql), |answer| *answer == count.to_string());
}

fn code(messages: &[Message]) -> &str {
    crate::support::wire::first(messages, 'E').code()
}

/// Runs statements and cancels each of them until it ends; returns how many requests that took.
fn storm(address: SocketAddr, statements: usize) -> usize {
    let mut client = Client::new(address);
    super::log_in(&mut client);
    let mut requests = 0;
    for _ in 0..statements {
        client.send(&query("SELECT pg_sleep(600)"));
        // A request that comes before its statement does nothing.
        let short = Some(Duration::from_millis(20));
        client.tcp().set_read_timeout(short).expect("a timeout");
        while client.tcp().peek(&mut [0]).is_err() {
            cancel(address, client.process, &client.secret);
            requests += 1;
        }
        let patient = Some(crate::support::wire::PATIENCE);
        client.tcp().set_read_timeout(patient).expect("a timeout");
        assert_eq!(code(&client.until_ready()), "57014");
    }
    requests
}

#[test]
fn an_interrupt_ends_its_own_statement_in_a_storm_of_others() {
    let server = Postgres::start();
    let mut proxied = Proxied::front(&server);
    let held = proxied.held();
    let address = proxied.address;
    let mut bystander = proxied.session();
    assert_eq!(bystander.ask("SELECT 1;"), "1");
    bystander.type_in("SELECT pg_sleep(600);");
    let over = AtomicBool::new(false);
    let begun = std::time::Instant::now();
    let undisturbed = AtomicUsize::new(0);
    let requests = AtomicUsize::new(0);
    thread::scope(|scope| {
        // Short statements one after the other: a request that came too late would hit one of them.
        let calm = scope.spawn(|| {
            let mut client = Client::new(address);
            super::log_in(&mut client);
            while !over.load(Ordering::Acquire) && begun.elapsed() < crate::support::wire::PATIENCE
            {
                assert_eq!(kinds(&client.query("SELECT pg_sleep(0.01)")), "TDCZ");
                undisturbed.fetch_add(1, Ordering::Relaxed);
            }
        });
        let storms: Vec<_> = (0..10)
            .map(|_| scope.spawn(|| requests.fetch_add(storm(address, 20), Ordering::Relaxed)))
            .collect();
        let sleeps = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%psql%' AND wait_event = 'PgSleep'";
        for _ in 0..5 {
            // A psql that reads a script ends at an interrupt.
            let mut psql = proxied.session();
            psql.type_in("SELECT pg_sleep(600) AS psql;");
            eventually(|| server.ask(sleeps), |count| count == "1");
            psql.interrupt();
            assert_eq!(psql.next_line(), None);
            assert!(psql.complaints().contains("57014"), "{}", psql.complaints());
        }
        for storm in storms {
            storm.join().expect("only its own requests reach it");
        }
        over.store(true, Ordering::Release);
        calm.join().expect("nobody was disturbed");
    });
    println!("{requests:?} requests to cancel, {undisturbed:?} statements beside them");
    assert!(requests.into_inner() >= 200);
    assert_eq!(bystander.complaints(), "");
    sleeping(&server, 1);
    bystander.interrupt();
    assert_eq!(bystander.next_line(), None);
    assert!(
        bystander.complaints().contains("57014"),
        "{}",
        bystander.complaints()
    );
    drop(bystander);
    proxied.settles(held);
}

#[test]
fn a_request_with_a_wrong_key_does_nothing() {
    let server = Postgres::start();
    let mut proxied = Proxied::front(&server);
    let held = proxied.held();
    let (mut victim, other) = (proxied.raw(), proxied.raw());
    victim.send(&query("SELECT pg_sleep(600)"));
    sleeping(&server, 1);
    let mut wrong = victim.secret.clone();
    wrong[0] ^= 1;
    for secret in [
        &wrong[..],
        &other.secret,
        &[],
        &[0; 4],
        &[7; 32],
        &victim.secret[..3],
    ] {
        cancel(proxied.address, victim.process, secret);
        cancel(proxied.address, u32::MAX, secret);
    }
    // The server's own number of the connection is nobody's here.
    let pid: u32 = proxied
        .ask(&format!(
            "SELECT connection_id FROM connections WHERE session_id = {}",
            victim.process
        ))
        .parse()
        .expect("a number");
    cancel(proxied.address, pid, &victim.secret);
    sleeping(&server, 1);
    cancel(proxied.address, victim.process, &victim.secret);
    assert_eq!(code(&victim.until_ready()), "57014");
    // The key is of no use once its session is over.
    let (process, secret) = (victim.process, victim.secret.clone());
    drop(victim);
    proxied.comes_to(super::ROWS, "1");
    cancel(proxied.address, process, &secret);
    drop(other);
    proxied.settles(held);
}

#[test]
fn the_sql_door_cancels_and_ends_proxied_sessions() {
    let server = Postgres::start();
    let mut proxied = Proxied::front(&server);
    let held = proxied.held();
    let mut victim = proxied.raw();
    let mut other = proxied.raw();
    other.send(&query("SELECT pg_sleep(600)"));
    victim.send(&query("SELECT pg_sleep(600)"));
    sleeping(&server, 2);
    let id = victim.process;
    assert_eq!(proxied.ask(&format!("SELECT pg_cancel_backend({id})")), "t");
    assert_eq!(code(&victim.until_ready()), "57014");
    assert_eq!(rows(&mut victim, "SELECT 1"), ["1"]);
    sleeping(&server, 1);
    // Busy, idle, in a transaction, in a failed one: the end is told in the protocol.
    let kills = [
        ("pg_terminate_backend", "SELECT pg_sleep(600)"),
        ("kill_session", "SELECT pg_sleep(600)"),
        ("kill_session", "SELECT 1"),
        ("kill_session", "BEGIN"),
        ("pg_terminate_backend", "BEGIN; SELECT 1/0"),
        ("kill_session", "COPY (SELECT 1) TO STDOUT"),
    ];
    for (function, sql) in kills {
        let mut victim = proxied.raw();
        victim.send(&query(sql));
        if sql.contains("sleep") {
            sleeping(&server, 2);
        } else {
            victim.until_ready();
        }
        let id = victim.process;
        assert_eq!(proxied.ask(&format!("SELECT {function}({id})")), "t");
        let last = victim.until_closed();
        let last = last.last().expect("a last word");
        assert_eq!(last.code(), "57P01", "{sql}");
        assert_eq!(last.field('S'), Some("FATAL"));
        assert_eq!(
            last.field('M'),
            Some("terminating connection due to administrator command")
        );
        proxied.comes_to(
            &format!("SELECT count(*) FROM sessions WHERE id = {id}"),
            "0",
        );
        // Nor does the server go on with what the session ran.
        sleeping(&server, 1);
    }
    drop((victim, other));
    proxied.settles(held);
}

#[test]
fn a_kill_in_the_midst_of_a_result_ends_at_a_message_boundary() {
    let server = Postgres::start();
    let mut proxied = Proxied::front(&server);
    let held = proxied.held();
    for round in 0..5 {
        let mut client = proxied.raw();
        client.send(&query(
            "SELECT repeat('x', 700000) FROM generate_series(1, 100000)",
        ));
        for _ in 0..round + 2 {
            client.message();
        }
        proxied.ask(&format!("SELECT kill_session({})", client.process));
        // What is read are whole messages, or this would not get past the cut.
        let last = client.until_closed();
        assert_eq!(last.last().expect("a last word").kind, 'E');
        assert_eq!(last.last().expect("a last word").code(), "57P01");
    }
    proxied.settles(held);
}

#[test]
fn a_kill_before_the_login_is_over_ends_it() {
    let server = Postgres::start();
    let mut proxied = Proxied::front(&server);
    let held = proxied.held();
    let kill = "SELECT kill_session(id) FROM sessions WHERE service = 'app'";
    // Before the first byte, and while the password is asked for.
    let mut silent = proxied.connect();
    proxied.comes_to(super::ROWS, "1");
    assert_eq!(proxied.ask(kill), "t");
    silent.until_closed();
    proxied.comes_to(super::ROWS, "0");
    let mut asked = proxied.connect();
    asked.start(
        crate::support::wire::PROTOCOL_3_0,
        &[("user", "app"), ("database", "app")],
    );
    assert_eq!(asked.message().kind, 'R');
    assert_eq!(proxied.ask(kill), "t");
    assert_eq!(
        asked.until_closed().last().expect("a last word").code(),
        "57P01"
    );
    proxied.settles(held);
}

#[test]
fn a_condition_closes_exactly_those_that_meet_it() {
    let server = Postgres::start();
    let mut proxied = Proxied::front(&server);
    let held = proxied.held();
    let idle: Vec<_> = (0..3).map(|_| proxied.raw()).collect();
    let mut busy = proxied.raw();
    busy.send(&query("SELECT pg_sleep(600)"));
    sleeping(&server, 1);
    // All of the first have now been idle for longer than all of the last will have been.
    proxied.comes_to(
        "SELECT min(idle) > 1.5 FROM sessions WHERE service = 'app' AND NOT active",
        "t",
    );
    let mut fresh: Vec<_> = (0..2).map(|_| proxied.raw()).collect();
    let killed = proxied.ask(
        "SELECT id, kill_session(id) FROM sessions WHERE service = 'app' AND idle > 1.4 ORDER BY id",
    );
    let expected: Vec<String> = idle
        .iter()
        .map(|client| format!("{}|t", client.process))
        .collect();
    assert_eq!(killed, expected.join("\n"));
    for mut client in idle {
        assert_eq!(
            client.until_closed().last().expect("a last word").code(),
            "57P01"
        );
    }
    proxied.comes_to(super::ROWS, "3");
    for client in &mut fresh {
        assert_eq!(rows(client, "SELECT 1"), ["1"]);
    }
    // As does one by user, and one that everybody meets.
    let mut psqls: Vec<Psql> = ["ann", "bob"]
        .map(|user| proxied.session_of(user, "x"))
        .into();
    for psql in &mut psqls {
        assert_eq!(psql.ask("SELECT 1;"), "1");
    }
    assert_eq!(
        proxied.ask("SELECT kill_session(id) FROM sessions WHERE \"user\" = 'ann'"),
        "t"
    );
    proxied.comes_to(super::ROWS, "4");
    assert_eq!(psqls[1].ask("SELECT 2;"), "2");
    psqls[0].type_in("SELECT 3;");
    assert_eq!(psqls[0].next_line(), None);
    assert!(
        psqls[0].complaints().contains("57P01"),
        "{}",
        psqls[0].complaints()
    );
    assert_eq!(
        proxied.ask("SELECT kill_session(id) FROM sessions WHERE service = 'app'"),
        "t\nt\nt\nt"
    );
    let mut rest = Vec::new();
    let _ = busy.tcp().read_to_end(&mut rest);
    assert!(rest.windows(5).any(|text| text == b"57P01"), "{rest:?}");
    drop((fresh, psqls));
    proxied.settles(held);
}
