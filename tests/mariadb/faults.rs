//! What breaks, what is too much and what never ends: each ends with its reason, takes nobody else along, and leaves
//! nothing behind.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::ends::{held, settles};
use super::{front, raw, said};
use crate::proxy::{Proxied, ROWS, Setup};
use crate::support::mariadb::MariaDb;
use crate::support::mysql::{CAPABILITIES, Client, packet};
use crate::support::program::eventually;

const QUERY: u8 = 3;
/// A result that takes a while to pass.
const LONG: &[u8] = b"SELECT seq, REPEAT('x', 1000) FROM seq_1_to_100000000";

/// A server whose monitor is somebody there.
fn watched(server: &MariaDb) -> String {
    format!(
        "{}[servers.db1.monitor]\nuser = \"monitor\"\npassword = \"secret\"\ninterval_ms = 100\n\
         timeout_ms = 500\nfailures_max = 2\n",
        server.section("db1")
    )
}

/// Until the server has no sessions of clients.
fn unoccupied(server: &MariaDb) {
    let others = "SELECT COUNT(*) FROM information_schema.PROCESSLIST \
                  WHERE USER NOT IN ('root', 'monitor', 'system user', 'event_scheduler')";
    eventually(|| server.ask(others), |count| count == "0");
}

#[test]
fn a_thread_that_is_killed_in_the_midst_of_a_result_ends_its_session() {
    let server = MariaDb::start();
    let mut proxied = front(&server);
    let before = held(&mut proxied);
    let mut client = raw(&proxied);
    let mut other = raw(&proxied);
    client.command(QUERY, LONG);
    client.next().expect("a result");
    let id = client.thread_id();
    let thread = proxied.ask(&format!(
        "SELECT connection_id FROM connections WHERE session_id = {id}"
    ));
    server.ask(&format!("KILL {thread}"));
    let mut rest = Vec::new();
    client.tcp().read_to_end(&mut rest).expect("an orderly end");
    assert!(other.query("DO 1").is_ok());
    drop((client, other));
    settles(&mut proxied, before);
    unoccupied(&server);
}

#[test]
fn a_server_that_hangs_is_down_and_its_sessions_hear_it() {
    let server = MariaDb::start();
    let mut proxied = Setup {
        servers: &watched(&server),
        ..Setup::default()
    }
    .start();
    proxied.comes_to("SELECT state, role FROM servers", "Running|primary");
    let mut idle = raw(&proxied);
    let mut open = raw(&proxied);
    assert!(open.query("BEGIN").is_ok());
    // It still takes connections, since the kernel does that, and says nothing any more.
    server.signal(Signal::SIGSTOP);
    for client in [&mut idle, &mut open] {
        let told = client.next().expect("an error");
        assert_eq!(told.error(), Some(1053), "{}", told.text());
        assert!(told.text().contains("\"db1\" is down"), "{}", told.text());
        assert_eq!(client.next(), None);
    }
    assert_eq!(proxied.ask("SELECT state FROM servers"), "Down");
    let told = said(&proxied, "SELECT 1");
    assert!(told.err.contains("1429"), "{}", told.err);
    server.signal(Signal::SIGCONT);
    proxied.comes_to("SELECT state FROM servers", "Running");
    assert_eq!(said(&proxied, "SELECT 1").out, "1");
    proxied.comes_to(ROWS, "0");
    unoccupied(&server);
}

#[test]
fn a_frozen_reader_with_full_buffers_can_be_ended() {
    let server = MariaDb::start();
    let mut proxied = front(&server);
    let before = held(&mut proxied);
    let mut client = raw(&proxied);
    client.command(QUERY, LONG);
    let waits =
        "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE = 'Writing to net'";
    eventually(|| server.ask(waits), |count| count == "1");
    let id = client.thread_id();
    assert_eq!(proxied.ask(&format!("SELECT kill_session({id})")), "t");
    // The client still does not read.
    proxied.comes_to(ROWS, "0");
    unoccupied(&server);
    settles(&mut proxied, before);
    drop(client);
}

#[test]
fn a_client_that_closes_its_half_still_gets_its_answers() {
    let server = MariaDb::start();
    let mut proxied = front(&server);
    let mut client = raw(&proxied);
    client.command(QUERY, b"SELECT SLEEP(1)");
    client.tcp().shutdown(Shutdown::Write).expect("a socket");
    let ends = |packet: &crate::support::mysql::Packet| packet.body.first() == Some(&0xfe);
    client.until(ends);
    assert_eq!(client.until(ends)[0].text(), "\u{1}0");
    assert_eq!(client.next(), None);
    proxied.comes_to(ROWS, "0");
    unoccupied(&server);
}

#[test]
fn maintenance_keeps_sessions_and_takes_no_new_ones() {
    let server = MariaDb::start();
    let mut proxied = front(&server);
    let mut kept = raw(&proxied);
    let set = |state: &str| format!("SELECT set_server_state('db1', '{state}')");
    assert_eq!(proxied.ask(&set("maintenance")), "t");
    let told = Client::connect(proxied.address).greeting;
    assert_eq!(told.error(), Some(1429), "{}", told.text());
    assert!(kept.query("DO 1").is_ok());
    assert_eq!(proxied.ask(&set("running")), "t");
    assert_eq!(said(&proxied, "SELECT 'new'").out, "new");
    assert!(kept.query("DO 1").is_ok());
}

#[test]
fn idle_sessions_end_and_busy_ones_do_not() {
    let server = MariaDb::start();
    let proxied = Setup {
        servers: &server.section("db1"),
        service: "idle_timeout_s = 1",
        ..Setup::default()
    }
    .start();
    let mut busy = raw(&proxied);
    busy.command(QUERY, b"DO SLEEP(3)");
    let mut idle = raw(&proxied);
    let told = idle.next().expect("an error");
    assert_eq!(told.error(), Some(1927), "{}", told.text());
    let done = busy.next().expect("an answer");
    assert!(done.is_ok(), "{}", done.text());
}

#[test]
fn three_hundred_over_a_limit_of_a_hundred() {
    let server = MariaDb::start();
    let mut proxied = Setup {
        servers: &server.section("db1"),
        service: "sessions_max = 100",
        ..Setup::default()
    }
    .start();
    let before = held(&mut proxied);
    let address = proxied.address;
    let crowd = || {
        let clients = (0..50).map(|_| {
            let mut client = Client::connect(address);
            let refused = client.greeting.error();
            if refused.is_none() {
                client.answer(CAPABILITIES);
                assert!(client.next().expect("an answer").is_ok());
            }
            (client, refused)
        });
        clients.collect::<Vec<_>>()
    };
    let clients: Vec<(Client, Option<u16>)> = std::thread::scope(|scope| {
        let crowds: Vec<_> = (0..6).map(|_| scope.spawn(crowd)).collect();
        let joined = crowds
            .into_iter()
            .map(|crowd| crowd.join().expect("a crowd"));
        joined.flatten().collect()
    });
    let refused: Vec<u16> = clients.iter().filter_map(|(_, refused)| *refused).collect();
    assert_eq!(refused, [1040; 200]);
    proxied.comes_to(ROWS, "100");
    assert_eq!(
        server.ask("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = 'trusted'"),
        "100"
    );
    drop(clients);
    settles(&mut proxied, before);
    unoccupied(&server);
    assert_eq!(said(&proxied, "SELECT 1").out, "1");
}

#[test]
fn a_server_that_is_none_ends_its_session_and_no_other() {
    let error = packet(0, b"\xff");
    let greets_half = packet(0, b"\x0a11.4.2-MariaDB\0\x07");
    let cases: [(&[u8], bool); 5] = [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", true),
        (b"\xff\xff\xff\0", true),
        (&error, true),
        (&greets_half, true),
        // It says nothing, and stays.
        (b"", false),
    ];
    for (says, hangs_up) in cases {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let says = says.to_vec();
        std::thread::spawn(move || {
            let mut kept = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                let _ = stream.write_all(&says);
                if !hangs_up {
                    kept.push(stream);
                }
            }
        });
        let servers = format!(
            "[servers.db1]\nprotocol = \"mariadb\"\naddress = \"127.0.0.1:{port}\"\n\
             [servers.db1.monitor]\ninterval_ms = 3600000\ntimeout_ms = 100\n"
        );
        let mut proxied = Setup {
            servers: &servers,
            service: "connect_timeout_ms = 200",
            ..Setup::default()
        }
        .start();
        let told = Client::connect(proxied.address).greeting;
        assert!(told.error().is_some(), "{}", told.text());
        proxied.comes_to(ROWS, "0");
        proxied.comes_to("SELECT sum(connections) FROM servers", "0");
    }
}

#[test]
fn what_does_not_finish_in_time_is_cancelled() {
    let server = MariaDb::start();
    let mut proxied = Setup {
        top: "limits.drain_timeout_s = 2",
        servers: &watched(&server),
        ..Setup::default()
    }
    .start();
    let mut active = raw(&proxied);
    active.command(QUERY, b"DO SLEEP(600)");
    let sleeping = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE = 'User sleep'";
    eventually(|| server.ask(sleeping), |count| count == "1");
    let begun = Instant::now();
    proxied.program.signal(Signal::SIGTERM);
    let told = active.next().expect("a last word");
    assert_eq!(told.error(), Some(1053), "{}", told.text());
    assert_eq!(proxied.program.ended(), 0);
    assert!(begun.elapsed() < Duration::from_secs(30));
    eventually(|| server.ask(sleeping), |count| count == "0");
    unoccupied(&server);
}

/// How many ways [`end`] knows.
const WAYS: usize = 12;

/// A session that ends in this way. The ones of the user `idle` are ended by somebody else.
fn end(proxied: std::net::SocketAddr, way: usize) {
    let mut client = match way {
        0..=2 => Client::connect(proxied),
        3 => {
            let mut killed = Client::connect(proxied);
            killed.answer_as("idle", CAPABILITIES);
            killed
        }
        _ => Client::log_in(proxied, CAPABILITIES),
    };
    match way {
        // Before the answer to the greeting, in the midst of it, and with something else.
        0 => {}
        1 => client.send_bytes(b"\x50\0\0\x01half"),
        2 => {
            client.send(1, b"hello");
            assert_eq!(client.next().expect("an error").error(), Some(1043));
        }
        3 => while client.next().is_some() {},
        // In order, and without a word.
        4 => client.command(1, b""),
        5 => {}
        6 => assert!(client.query("BEGIN").is_ok()),
        // With a result half read, and with one that has not begun.
        7 => {
            client.command(QUERY, LONG);
            client.next().expect("a result");
        }
        8 => client.command(QUERY, b"DO SLEEP(0.2)"),
        // By its own hand, at its server.
        9 => {
            let id = client.thread_id();
            client.command(QUERY, format!("KILL {id}").as_bytes());
            while client.next().is_some() {}
        }
        10 => {
            client.tcp().shutdown(Shutdown::Write).expect("a socket");
            assert_eq!(client.next(), None);
        }
        // As somebody whom the server does not let in.
        _ => {
            client.command(0x11, b"app\0\0app\0\x2d\0mysql_native_password\0");
            while let Some(asked) = client.next() {
                match asked.body.first() {
                    Some(0xfe) => client.send(asked.sequence + 1, b""),
                    _ => break,
                }
            }
        }
    }
}

/// Ends sessions in each way, some at a time, until all have ended.
fn round(proxied: &mut Proxied, times: usize) {
    let address = proxied.address;
    std::thread::scope(|scope| {
        let enders: Vec<_> = (0..WAYS)
            .map(|way| scope.spawn(move || (0..times).for_each(|_| end(address, way))))
            .collect();
        while enders.iter().any(|ender| !ender.is_finished()) {
            proxied.ask("SELECT kill_session(id) FROM sessions WHERE \"user\" = 'idle'");
        }
        for ender in enders {
            ender.join().expect("an end");
        }
    });
    proxied.comes_to(ROWS, "0");
}

#[test]
fn hundreds_of_sessions_that_end_in_every_way_leave_nothing() {
    let server = MariaDb::start();
    let mut proxied = front(&server);
    let before = held(&mut proxied);
    round(&mut proxied, 10);
    let settled = proxied.program.proc_status("VmRSS");
    round(&mut proxied, 40);
    settles(&mut proxied, before);
    unoccupied(&server);
    let after = proxied.program.proc_status("VmRSS");
    assert!(
        after < settled + 16 * 1024,
        "{settled} KiB grew to {after} KiB"
    );
    // Whoever is left can still come.
    assert_eq!(said(&proxied, "SELECT 1").out, "1");
}
