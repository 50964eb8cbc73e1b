//! Limits, and what goes wrong on either side: everybody hears of it, and nothing is left behind.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use nix::sys::signal::Signal;

use super::{asking, front, raw, said, shell};
use crate::proxy::{Held, Proxied, ROWS, Setup};
use crate::support::mariadb::MariaDb;
use crate::support::mysql::Client;
use crate::support::program::{Said, eventually, finish};

/// What the program holds while nobody is connected, once it has served somebody.
pub fn held(proxied: &mut Proxied) -> Held {
    raw(proxied).command(1, b"");
    proxied.comes_to(ROWS, "0");
    proxied.least_held()
}

/// Everybody has gone and has left nothing behind.
pub fn settles(proxied: &mut Proxied, before: Held) {
    proxied.settles(before);
}

fn limited(server: &MariaDb, service: &str) -> Proxied {
    Setup {
        servers: &server.section("db1"),
        service,
        ..Setup::default()
    }
    .start()
}

#[test]
fn one_session_too_many_is_told_so() {
    let server = MariaDb::start();
    let mut proxied = limited(&server, "sessions_max = 2");
    let mut shells = [shell(&proxied), shell(&proxied)];
    for shell in &mut shells {
        assert_eq!(shell.ask("SELECT 1;"), "1");
    }
    let told = said(&proxied, "SELECT 1");
    assert!(told.err.contains("1040"), "{}", told.err);
    assert!(told.err.contains("Too many connections"), "{}", told.err);
    drop(shells);
    proxied.comes_to(ROWS, "0");
    assert_eq!(said(&proxied, "SELECT 1").out, "1");
}

#[test]
fn whoever_is_silent_for_too_long_is_told_and_closed() {
    let server = MariaDb::start();
    let mut proxied = limited(
        &server,
        "authentication_timeout_s = 1\nidle_timeout_s = 1\nidle_in_transaction_timeout_s = 1",
    );
    let mut silent = Client::connect(proxied.address);
    let told = silent.next().expect("an error");
    assert_eq!(
        (told.error(), told.sequence),
        (Some(1159), 2),
        "{}",
        told.text()
    );
    assert_eq!(silent.next(), None);
    for sql in ["DO 1", "BEGIN"] {
        let mut client = raw(&proxied);
        assert!(client.query(sql).is_ok());
        let told = client.next().expect("an error");
        assert_eq!(told.error(), Some(1927), "{}", told.text());
        assert!(told.text().contains("idle"), "{}", told.text());
        assert_eq!(client.next(), None);
    }
    proxied.comes_to(ROWS, "0");
}

#[test]
fn a_server_that_dies_takes_its_sessions_with_it() {
    let mut server = MariaDb::start();
    let mut proxied = front(&server);
    let before = held(&mut proxied);
    let mut idle = raw(&proxied);
    let mut active = raw(&proxied);
    active.command(3, b"SELECT SLEEP(600)");
    proxied.comes_to(
        "SELECT count(*) FROM sessions WHERE active AND service = 'app'",
        "1",
    );
    server.kill();
    assert_eq!(idle.next(), None);
    assert_eq!(active.next(), None);
    proxied.comes_to(ROWS, "0");
    proxied.comes_to("SELECT state FROM servers", "Down");
    let told = said(&proxied, "SELECT 1");
    assert!(told.err.contains("1429"), "{}", told.err);
    server.restart();
    proxied.comes_to("SELECT state FROM servers", "Running");
    assert_eq!(said(&proxied, "SELECT 1").out, "1");
    settles(&mut proxied, before);
}

/// Servers whose monitors have looked once and do not look again.
fn looked_at_once(servers: &[(&str, &MariaDb)]) -> String {
    let section = |(name, server): &(&str, &MariaDb)| {
        let section = server.section(name);
        format!("{section}[servers.{name}.monitor]\ninterval_ms = 3600000\n")
    };
    servers.iter().map(section).collect()
}

/// Fills a server that takes ten, and an eleventh to see whether that is an administrator.
fn crowd(server: &MariaDb) -> Vec<Client> {
    let address = SocketAddr::from(([127, 0, 0, 1], server.port));
    let client = |_| Client::log_in(address, crate::support::mysql::CAPABILITIES);
    let mut crowd: Vec<Client> = (0..10).map(client).collect();
    crowd.push(Client::connect(address));
    crowd
}

#[test]
fn a_server_that_takes_nobody_is_passed_over() {
    let (good, frozen, mut gone) = (MariaDb::start(), MariaDb::start(), MariaDb::start());
    let full = MariaDb::with_options(&["--max-connections=10"]);
    let servers = looked_at_once(&[
        ("gone", &gone),
        ("frozen", &frozen),
        ("full", &full),
        ("good", &good),
    ]);
    let proxied = Setup {
        servers: &servers,
        service: "connect_timeout_ms = 500",
        ..Setup::default()
    }
    .start();
    let _crowd = crowd(&full);
    frozen.signal(Signal::SIGSTOP);
    gone.kill();
    for _ in 0..4 {
        let told = said(&proxied, "SELECT @@port");
        assert_eq!(told.out, good.port.to_string(), "{}", told.err);
    }
    let log = proxied.program.log();
    for why in [
        "Too many connections",
        "no greeting within 500 ms",
        "Connection refused",
    ] {
        assert!(log.contains(why), "{why}");
    }
}

#[test]
fn what_a_full_server_says_is_told() {
    let server = MariaDb::with_options(&["--max-connections=10"]);
    let proxied = Setup {
        servers: &looked_at_once(&[("db1", &server)]),
        ..Setup::default()
    }
    .start();
    let _crowd = crowd(&server);
    let told = said(&proxied, "SELECT 1");
    assert!(told.err.contains("1040"), "{}", told.err);
}

/// An address of this machine that MariaDB does not take for its own: there it counts errors.
fn own_address() -> String {
    let socket = UdpSocket::bind("0.0.0.0:0").expect("a socket");
    socket.connect("198.51.100.1:9").expect("a network");
    socket.local_addr().expect("an address").ip().to_string()
}

#[test]
fn clients_that_only_knock_do_not_have_everybody_locked_out() {
    let server = MariaDb::with_options(&["--max-connect-errors=2"]);
    let servers = format!(
        "[servers.db1]\nprotocol = \"mariadb\"\naddress = \"{}:{}\"\n[servers.db1.monitor]\ninterval_ms = 50\n",
        own_address(),
        server.port
    );
    let mut proxied = Setup {
        servers: &servers,
        service: "authentication_timeout_s = 1",
        ..Setup::default()
    }
    .start();
    // Some hang up, some are sent away.
    for _ in 0..6 {
        drop(Client::connect(proxied.address));
    }
    let mut silent: Vec<Client> = (0..6).map(|_| Client::connect(proxied.address)).collect();
    for client in &mut silent {
        assert_eq!(client.next().expect("an error").error(), Some(1159));
    }
    proxied.comes_to(ROWS, "0");
    // The server has heard of each of them, and blocks nobody.
    let refused = "SELECT VARIABLE_VALUE >= 12 FROM information_schema.GLOBAL_STATUS \
                   WHERE VARIABLE_NAME = 'ACCESS_DENIED_ERRORS'";
    eventually(|| server.ask(refused), |enough| enough == "1");
    assert_eq!(said(&proxied, "SELECT 1").out, "1");
}

#[test]
fn clients_that_vanish_leave_nothing_behind() {
    let server = MariaDb::start();
    let mut proxied = front(&server);
    let before = held(&mut proxied);
    // Before the answer to the greeting, in the middle of it, idle, in a transaction, and with a result half read.
    drop(Client::connect(proxied.address));
    Client::connect(proxied.address).send_bytes(b"\x50\0\0\x01half");
    drop(raw(&proxied));
    assert!(raw(&proxied).query("BEGIN").is_ok());
    for _ in 0..3 {
        let mut client = raw(&proxied);
        client.command(3, b"SELECT seq, REPEAT('x', 1000) FROM seq_1_to_100000000");
        client.next().expect("a result");
    }
    settles(&mut proxied, before);
    eventually(
        || server.ask("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = 'trusted'"),
        |count| count == "0",
    );
}

#[test]
fn what_is_not_the_protocol_is_refused() {
    let server = MariaDb::start();
    let mut proxied = front(&server);
    let ssl = [&(0x0000_8a00u32).to_le_bytes()[..], &[0; 28]].concat();
    let bad: [&[u8]; 5] = [
        b"",
        b"hello",
        &[0; 40],
        &ssl,
        b"\xff\xff\xff\xff\0\0\0\x01\x2d",
    ];
    for body in bad {
        let mut client = Client::connect(proxied.address);
        client.send(1, body);
        let told = client.next().expect("an error");
        assert_eq!((told.error(), told.sequence), (Some(1043), 2), "{body:?}");
        assert_eq!(client.next(), None);
    }
    // What is announced as too long is not waited for.
    let mut client = Client::connect(proxied.address);
    client.send_bytes(b"\xff\xff\xff\x01");
    assert_eq!(client.next().expect("an error").error(), Some(1043));
    proxied.comes_to(ROWS, "0");
}

#[test]
fn a_drain_lets_statements_finish() {
    let server = MariaDb::start();
    let proxied = front(&server);
    let mut idle = raw(&proxied);
    let mut active = raw(&proxied);
    active.command(3, b"SELECT SLEEP(2)");
    let sleeping = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE = 'User sleep'";
    eventually(|| server.ask(sleeping), |count| count == "1");
    proxied.program.signal(Signal::SIGTERM);
    let told = idle.next().expect("an error");
    assert_eq!(
        (told.error(), told.sequence),
        (Some(1053), 1),
        "{}",
        told.text()
    );
    assert_eq!(idle.next(), None);
    let ends = |packet: &crate::support::mysql::Packet| packet.body.first() == Some(&0xfe);
    active.until(ends);
    let rows = active.until(ends);
    assert_eq!(rows[0].text(), "\u{1}0");
    assert_eq!(active.next().expect("an error").error(), Some(1053));
    assert_eq!(active.next(), None);
}

#[test]
fn a_slow_reader_slows_its_writer_and_nobody_else() {
    let server = MariaDb::start();
    let proxied = front(&server);
    let mut slow = raw(&proxied);
    slow.command(3, b"SELECT REPEAT('x', 1000) FROM seq_1_to_50000");
    let memory = proxied.program.proc_status("VmRSS");
    for _ in 0..50 {
        assert_eq!(said(&proxied, "SELECT 1").out, "1");
    }
    assert!(proxied.program.proc_status("VmRSS") < memory + 16 * 1024);
    let ends = |packet: &crate::support::mysql::Packet| packet.body.first() == Some(&0xfe);
    slow.tcp()
        .set_read_timeout(Some(Duration::from_secs(60)))
        .expect("a timeout");
    assert_eq!(
        slow.until(ends).len() + slow.until(ends).len(),
        3 + 50_000 + 1
    );
}

/// One client after the other, and many at a time.
#[test]
fn many_short_sessions_leave_nothing_behind() {
    let server = MariaDb::start();
    let mut proxied = front(&server);
    let before = held(&mut proxied);
    let address = proxied.address;
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(move || {
                for round in 0..50 {
                    let mut client = Client::log_in(address, crate::support::mysql::CAPABILITIES);
                    assert!(client.query("DO 1").is_ok());
                    if round % 2 == 0 {
                        client.command(1, b"");
                    }
                }
            });
        }
    });
    let _: Said = finish(&mut asking(&proxied, "SELECT 1")).into();
    settles(&mut proxied, before);
}
