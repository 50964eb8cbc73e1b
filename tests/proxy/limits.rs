//! What is bounded stays within its bounds, and whoever is refused hears why.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::{Proxied, Setup, rows};
use crate::support::fake::{Fake, Then, welcome};
use crate::support::postgres::Postgres;
use crate::support::program::{Psql, eventually};
use crate::support::wire::{Client, Message, PATIENCE, PROTOCOL_3_0, query, startup};

/// A proxy whose service has these further lines.
fn limited(servers: &str, service: &str) -> Proxied {
    Setup {
        servers,
        service,
        ..Setup::default()
    }
    .start()
}

/// The last word of a connection that ends.
fn last(client: &mut Client) -> Message {
    client.until_closed().pop().expect("a last word")
}

fn assert_ends(client: &mut Client, code: &str, text: &str) {
    let last = last(client);
    assert_eq!((last.code(), last.field('M')), (code, Some(text)));
    assert_eq!(
        (last.field('S'), last.field('V')),
        (Some("FATAL"), Some("FATAL"))
    );
}

#[test]
fn two_thousand_at_once_over_a_limit_of_a_thousand() {
    const CLIENTS: usize = 2_000;
    const SESSIONS_MAX: usize = 1_000;
    let fake = Fake::start(welcome(), Then::Listen);
    let mut proxied = limited(
        &fake.section("db1"),
        &format!("sessions_max = {SESSIONS_MAX}"),
    );
    let held = proxied.held();
    let answered_before = fake.started();
    // All are there before any of them says who it is.
    let mut clients: Vec<TcpStream> = (0..CLIENTS)
        .map(|_| {
            let client = TcpStream::connect(proxied.address).expect("a connection");
            client.set_read_timeout(Some(PATIENCE)).expect("a timeout");
            client
        })
        .collect();
    let packet = startup(PROTOCOL_3_0, &[("user", "many"), ("database", "x")]);
    for client in &mut clients {
        // Who is refused before it speaks may find its connection closed.
        let _ = client.write_all(&packet);
    }
    let (mut served, mut refused) = (Vec::new(), 0);
    for mut client in clients {
        let mut header = [0; 5];
        client.read_exact(&mut header).expect("an answer");
        if header[0] == b'R' {
            served.push(client);
            continue;
        }
        let mut text = Vec::new();
        client
            .read_to_end(&mut text)
            .expect("the end of the answer");
        let text = String::from_utf8_lossy(&text);
        assert_eq!(header[0], b'E', "{text}");
        assert!(text.contains("C53300\0"), "{text}");
        assert!(
            text.contains("too many sessions on service \"app\""),
            "{text}"
        );
        refused += 1;
    }
    assert_eq!(
        (served.len(), refused),
        (SESSIONS_MAX, CLIENTS - SESSIONS_MAX)
    );
    assert_eq!(fake.started() - answered_before, SESSIONS_MAX);
    proxied.comes_to(super::ROWS, &SESSIONS_MAX.to_string());
    assert_eq!(
        proxied.ask("SELECT count(*) FROM connections"),
        SESSIONS_MAX.to_string()
    );
    // A place that is given up is taken again.
    drop(served.pop());
    proxied.comes_to(super::ROWS, &(SESSIONS_MAX - 1).to_string());
    drop(proxied.raw());
    proxied.comes_to(super::ROWS, &(SESSIONS_MAX - 1).to_string());
    // One statement sends everybody away.
    let kill = "SELECT kill_session(id) FROM sessions WHERE service = 'app'";
    assert_eq!(proxied.ask(kill).lines().count(), SESSIONS_MAX - 1);
    for mut client in served {
        let mut rest = Vec::new();
        client.read_to_end(&mut rest).expect("an orderly end");
        assert!(String::from_utf8_lossy(&rest).contains("C57P01\0"));
    }
    proxied.settles(held);
}

#[test]
fn a_service_takes_as_many_sessions_as_it_says() {
    let server = Postgres::start();
    let mut proxied = limited(&server.section("db1"), "sessions_max = 2");
    let held = proxied.held();
    let first = proxied.raw();
    let second = proxied.raw();
    let said = proxied.said("SELECT 1");
    assert!(!said.ok);
    assert!(
        said.err
            .contains("FATAL:  too many sessions on service \"app\""),
        "{}",
        said.err
    );
    // A session's own cancel is no session.
    let mut second = second;
    second.send(&query("SELECT pg_sleep(600)"));
    eventually(
        || server.ask("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"),
        |count| count == "1",
    );
    let mut request = proxied.connect();
    let body = [&second.process.to_be_bytes()[..], &second.secret].concat();
    request.send(&crate::support::wire::packet(
        crate::support::wire::CANCEL_REQUEST,
        &body,
    ));
    assert_eq!(request.until_closed(), []);
    let answer = second.until_ready();
    assert_eq!(crate::support::wire::first(&answer, 'E').code(), "57014");
    drop(first);
    proxied.comes_to(super::ROWS, "1");
    assert_eq!(proxied.said("SELECT 1").out, "1");
    drop(second);
    proxied.settles(held);
}

#[test]
fn whoever_logs_in_too_slowly_is_told_and_closed() {
    let server = Postgres::start();
    let mut proxied = limited(&server.section("db1"), "authentication_timeout_s = 3");
    let held = proxied.held();
    let text = "canceling authentication due to timeout";
    // Says nothing at all.
    let mut silent = proxied.connect();
    // Says who it is, and no password.
    let mut asked = proxied.connect();
    asked.start(PROTOCOL_3_0, &[("user", "app"), ("database", "app")]);
    // Announces more than it sends.
    let mut half = proxied.connect();
    half.send(&startup(PROTOCOL_3_0, &[("user", "app")])[..9]);
    // Sends a byte a second, for as long as it may.
    let mut dripping = proxied.connect();
    let packet = startup(
        PROTOCOL_3_0,
        &[("user", "trusted"), ("application_name", "drop by drop")],
    );
    let short = Some(Duration::from_secs(1));
    dripping.tcp().set_read_timeout(short).expect("a timeout");
    let sent = packet.iter().take_while(|byte| {
        let taken = dripping.tcp().write_all(&[**byte]).is_ok();
        taken
            && dripping.tcp().peek(&mut [0]).is_err_and(|error| {
                matches!(
                    error.kind(),
                    std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                )
            })
    });
    let sent = sent.count();
    assert!(
        (2..packet.len()).contains(&sent),
        "{sent} bytes were waited for"
    );
    assert_ends(&mut asked, "57014", text);
    // Who has not said that it speaks the protocol hears nothing, as from PostgreSQL.
    for client in [&mut silent, &mut half, &mut dripping] {
        client
            .tcp()
            .set_read_timeout(Some(PATIENCE))
            .expect("a timeout");
        assert_eq!(client.until_closed(), []);
    }
    // Who is through is not bound by it.
    let mut through = proxied.raw();
    assert_eq!(rows(&mut through, "SELECT pg_sleep(3.5)"), [""]);
    drop((silent, asked, half, dripping, through));
    proxied.settles(held);
}

#[test]
fn a_server_that_does_not_answer_a_login_is_waited_for_as_long() {
    let fake = Fake::start(Vec::new(), Then::Listen);
    let mut proxied = limited(&fake.section("db1"), "authentication_timeout_s = 1");
    let mut client = proxied.connect();
    client.start(PROTOCOL_3_0, &[("user", "x")]);
    assert_ends(
        &mut client,
        "57014",
        "canceling authentication due to timeout",
    );
    proxied.comes_to(super::ROWS, "0");
    proxied.comes_to("SELECT sum(connections) FROM servers", "0");
}

#[test]
fn idle_sessions_end_and_busy_ones_do_not() {
    let server = Postgres::start();
    let mut proxied = limited(
        &server.section("db1"),
        "idle_timeout_s = 1\nidle_in_transaction_timeout_s = 2",
    );
    let held = {
        proxied.comes_to(super::ROWS, "0");
        proxied.held()
    };
    let mut idle = proxied.raw();
    let mut open = proxied.raw();
    open.query("BEGIN");
    let mut failed = proxied.raw();
    failed.query("BEGIN; SELECT 1/0");
    let mut busy = proxied.raw();
    busy.send(&query("SELECT pg_sleep(2.5)"));
    let mut active = proxied.raw();
    let mut stopped = proxied.session();
    assert_eq!(stopped.ask("SELECT 1;"), "1");
    stopped.freeze();
    // Traffic, even now and then, keeps a session.
    for _ in 0..8 {
        assert_eq!(rows(&mut active, "SELECT pg_sleep(0.2)"), [""]);
    }
    assert_ends(
        &mut idle,
        "57P05",
        "terminating connection due to idle-session timeout",
    );
    for client in [&mut open, &mut failed] {
        let text = "terminating connection due to idle-in-transaction timeout";
        assert_ends(client, "25P03", text);
    }
    let answer = busy.until_ready();
    assert_eq!(crate::support::wire::kinds(&answer), "TDCZ");
    assert_ends(
        &mut busy,
        "57P05",
        "terminating connection due to idle-session timeout",
    );
    drop(active);
    // The one that does not read is gone like the others.
    proxied.comes_to(super::ROWS, "0");
    stopped.kill();
    eventually(
        || server.ask("SELECT count(*) FROM pg_stat_activity WHERE usename IN ('app', 'trusted')"),
        |count| count == "0",
    );
    proxied.settles(held);
}

#[test]
fn what_is_no_start_up_packet_is_refused_and_forgotten() {
    let server = Postgres::start();
    let mut proxied = Proxied::front(&server);
    let held = proxied.held();
    let oversized = {
        let mut packet = 10_001_u32.to_be_bytes().to_vec();
        packet.extend(PROTOCOL_3_0.to_be_bytes());
        packet
    };
    let endless = [&0x7fff_ffff_u32.to_be_bytes()[..], &[b'x'; 100_000]].concat();
    let garbage: Vec<u8> = (0..20_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let texts: [&[u8]; 9] = [
        &oversized,
        &endless,
        &garbage,
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\0\0\0\0",
        b"\0\0\0\x07\0\0\0",
        b"\0\0\0\x04",
        // TLS to a listener that has none.
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
        // A request to cancel that is cut short.
        b"\0\0\0\x0c\x04\xd2\x16\x2e\0\0\0\x01",
    ];
    for text in texts {
        let mut client = proxied.connect();
        // It may be closed before all of it is taken.
        let _ = client.tcp().write_all(text);
        let mut answer = Vec::new();
        let _ = client.tcp().read_to_end(&mut answer);
        if let Some(first) = answer.first() {
            assert_eq!(*first, b'E', "{:?}", String::from_utf8_lossy(&answer));
        }
        // Nor does it matter when somebody goes after half of it.
        client = proxied.connect();
        let _ = client.tcp().write_all(&text[..text.len() / 2]);
        client.vanish();
    }
    let mut client = proxied.connect();
    client.send(&oversized);
    assert_eq!(last(&mut client).code(), "08P01");
    assert_eq!(proxied.said("SELECT 1").out, "1");
    drop(client);
    proxied.settles(held);
}

#[test]
fn a_server_that_is_none_ends_its_session_and_no_other() {
    let fakes = [
        b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
        b"R\x7f\xff\xff\xff".to_vec(),
        b"R\0\0\0\x03".to_vec(),
        vec![0; 50_000],
    ]
    .map(|answer| Fake::start(answer, Then::Close));
    for fake in fakes {
        let mut proxied = limited(&fake.section("db1"), "authentication_timeout_s = 2");
        let mut client = proxied.connect();
        client.start(PROTOCOL_3_0, &[("user", "x")]);
        let mut answer = Vec::new();
        let _ = client.tcp().read_to_end(&mut answer);
        proxied.comes_to(super::ROWS, "0");
        proxied.comes_to("SELECT sum(connections) FROM servers", "0");
        let memory = proxied.program.proc_status("VmRSS");
        assert!(memory < 512 * 1024, "{memory} KiB");
    }
}

#[test]
fn a_session_over_the_limit_of_its_server_hears_the_server() {
    let server = Postgres::wanted(crate::support::postgres::Wanted {
        settings: "max_connections = 5\nsuperuser_reserved_connections = 0".into(),
        ..Default::default()
    });
    let mut proxied = Proxied::front(&server);
    let psqls: Vec<Psql> = (0..5)
        .map(|_| {
            let mut psql = proxied.session();
            assert_eq!(psql.ask("SELECT 1;"), "1");
            psql
        })
        .collect();
    let said = proxied.said("SELECT 1");
    assert!(
        said.err.contains("FATAL:  sorry, too many clients already"),
        "{}",
        said.err
    );
    proxied.comes_to(super::ROWS, "5");
    drop(psqls);
    proxied.comes_to(super::ROWS, "0");
}
