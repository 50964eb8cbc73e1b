//! Ten thousand connections that ask nothing: held within the limit, told beyond it, and gone in time.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::support::program::{PATIENCE, Program, eventually};

/// How many there are.
const CONNECTIONS: usize = 10_000;
/// Memory that each may take of the program while it is held, in KiB.
const HELD_KIB_MAX: u64 = 64;
/// How many are there at a time of those that are turned away.
const AT_A_TIME: usize = 500;

/// What a connection has said before it falls silent.
const BEGINNINGS: [&str; 3] = [
    "",
    "GET /v1/sess",
    "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
];

fn allow_descriptors() {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    assert!(most >= 15_000, "ulimit -Hn is {most}: too few for this");
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
}

fn connect(address: SocketAddr, beginning: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // Who is turned away may be so before it has said anything.
    let _ = stream.write_all(beginning.as_bytes());
    stream
}

/// What comes until the other side has gone.
fn rest(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    if let Err(error) = stream.read_to_end(&mut text) {
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
    String::from_utf8(text).unwrap()
}

#[test]
fn ten_thousand_idle_connections_are_held_and_closed() {
    allow_descriptors();
    let program = Program::start(&format!(
        "limits.rest_connections_max = {}\nlimits.rest_idle_timeout_s = 20\n",
        CONNECTIONS + 10
    ));
    assert_eq!(program.curl("/v1/sessions", &[]).status, 200);
    let (before, descriptors) = (program.proc_status("VmRSS"), program.descriptors());
    let mut streams: Vec<_> = (0..CONNECTIONS)
        .map(|n| connect(program.rest, BEGINNINGS[n % BEGINNINGS.len()]))
        .collect();
    for asked in streams.iter_mut().skip(2).step_by(BEGINNINGS.len()) {
        let mut status = [0; 12];
        asked.read_exact(&mut status).unwrap();
        assert_eq!(&status, b"HTTP/1.1 200");
    }
    eventually(|| program.descriptors(), |open| *open >= CONNECTIONS);
    let grown = program.proc_status("VmRSS").saturating_sub(before);
    assert!(grown < CONNECTIONS as u64 * HELD_KIB_MAX, "{grown} KiB");

    // Whoever asks is answered meanwhile.
    assert_eq!(program.curl("/v1/sessions", &[]).status, 200);

    for stream in streams {
        rest(stream);
    }
    eventually(|| program.descriptors(), |open| *open < descriptors + 20);
    assert_eq!(program.curl("/v1/sessions", &[]).status, 200);
}

#[test]
fn ten_thousand_connections_beyond_the_limit_are_told() {
    let program =
        Program::start("limits.rest_connections_max = 50\nlimits.rest_idle_timeout_s = 20\n");
    let address = program.rest;
    let held: Vec<_> = (0..50).map(|_| connect(address, "")).collect();
    let before = program.proc_status("VmRSS");
    let beginnings: Vec<_> = BEGINNINGS.iter().cycle().take(AT_A_TIME).collect();
    for _ in 0..CONNECTIONS / AT_A_TIME {
        let streams: Vec<_> = beginnings
            .iter()
            .map(|beginning| connect(address, beginning))
            .collect();
        for stream in streams {
            let answer = rest(stream);
            let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
            assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            let detail = "there are too many connections";
            assert_eq!(body["errors"][0]["detail"], detail);
        }
    }
    let grown = program.proc_status("VmRSS").saturating_sub(before);
    assert!(grown < 64 * 1024, "{grown} KiB");
    // One line of the log says so, not thousands.
    assert_eq!(
        program.log().matches("all connections are taken").count(),
        1
    );

    let asked = program.curl("/v1/sessions", &[]);
    assert_eq!(asked.status, 503);
    // Those that hold the places are closed in time.
    eventually(
        || program.curl("/v1/sessions", &[]).status,
        |status| *status == 200,
    );
    drop(held);
}
