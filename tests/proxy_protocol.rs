//! Who is behind another proxy is known: to the catalog, and to servers that want to hear of it.

use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

use crate::proxy::{Proxied, ROWS, Setup};
use crate::support::mariadb::{self, MariaDb};
use crate::support::mysql;
use crate::support::postgres::{Identity, Postgres, free_port};
use crate::support::program::{Said, eventually, finish};
use crate::support::wire::{Client, PROTOCOL_3_0, SSL_REQUEST, packet, startup};

/// A client that says that it is another one.
const V1: &[u8] = b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 3306\r\n";
/// The same of IPv6 in the other version, with something that nobody asked for behind it.
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x29\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07\
                    \x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x12\x67\x0c\xea\x05\0\x02ab";
/// For nobody else, in both versions.
const LOCAL: [&[u8]; 2] = [b"PROXY UNKNOWN\r\n", b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"];

/// What a listener takes a header from.
const TRUSTING: &str = "proxy_protocol_networks = [\"10.0.0.0/8\", \"127.0.0.1\"]";

const WHO: &str =
    "SELECT remote, port FROM sessions WHERE service = 'app' AND state LIKE '%routing'";

fn front_of(section: &str, listener: &str) -> Proxied {
    Setup {
        servers: section,
        service: "authentication_timeout_s = 1",
        listener,
        ..Setup::default()
    }
    .start()
}

/// A raw client of PostgreSQL's protocol, logged in behind these bytes.
fn postgres_behind(proxied: &Proxied, header: &[u8]) -> Client {
    let mut client = Client::new(proxied.address);
    let parameters = [("user", "trusted"), ("database", "app")];
    client.send(&[header, &startup(PROTOCOL_3_0, &parameters)].concat());
    client.until_ready();
    client
}

/// A raw client of MariaDB's protocol, logged in behind these bytes.
fn mariadb_behind(proxied: &Proxied, header: &[u8]) -> mysql::Client {
    let mut client = mysql::Client::connect_behind(proxied.address, header);
    client.answer(mysql::CAPABILITIES);
    let ok = client.next().expect("an answer");
    assert!(ok.is_ok(), "{}", ok.text());
    client
}

fn place_of(tcp: &TcpStream) -> String {
    let address = tcp.local_addr().expect("an address");
    format!("{}|{}", address.ip(), address.port())
}

#[test]
fn a_client_behind_a_header_is_who_it_says_by_either_protocol() {
    let (postgres, mariadb) = (Postgres::start(), MariaDb::start());
    let mut proxied = front_of(&postgres.section("db1"), TRUSTING);
    for (header, who) in [(V1, "192.0.2.7|4711"), (V2, "2001:db8::7|4711")] {
        let client = postgres_behind(&proxied, header);
        proxied.comes_to(WHO, who);
        drop(client);
        proxied.comes_to(ROWS, "0");
    }
    for header in LOCAL {
        let client = postgres_behind(&proxied, header);
        let own = place_of(client.tcp());
        proxied.comes_to(WHO, &own);
        drop(client);
        proxied.comes_to(ROWS, "0");
    }
    let mut proxied = front_of(&mariadb.section("db1"), TRUSTING);
    for (header, who) in [(V1, "192.0.2.7|4711"), (V2, "2001:db8::7|4711")] {
        let client = mariadb_behind(&proxied, header);
        proxied.comes_to(WHO, who);
        drop(client);
        proxied.comes_to(ROWS, "0");
    }
    for header in LOCAL {
        let client = mariadb_behind(&proxied, header);
        let own = place_of(client.tcp());
        proxied.comes_to(WHO, &own);
        drop(client);
        proxied.comes_to(ROWS, "0");
    }
}

#[test]
fn a_header_may_come_in_pieces_and_is_seen_when_it_is_there() {
    let server = Postgres::start();
    let mut proxied = front_of(&server.section("db1"), TRUSTING);
    let mut client = Client::new(proxied.address);
    let own = place_of(client.tcp());
    let any = "SELECT remote, port FROM sessions WHERE service = 'app'";
    proxied.comes_to(any, &own);
    let (last, before) = V1.split_last().expect("bytes");
    for byte in before {
        client.send(&[*byte]);
    }
    assert_eq!(proxied.ask(any), own);
    client.send(&[*last]);
    proxied.comes_to(any, "192.0.2.7|4711");
    let found = "SELECT count(*) FROM sessions WHERE remote = '192.0.2.7' AND port = 4711";
    assert_eq!(proxied.ask(found), "1");
}

/// The handshake is read by somebody else than the header.
#[test]
fn tls_may_follow_a_header_at_once() {
    let server = Postgres::start();
    let dir = tempfile::tempdir().expect("a directory");
    Identity::new().write(dir.path(), "own");
    let listener = format!("{TRUSTING}\ntls = {{ cert = \"own.crt\", key = \"own.key\" }}");
    let setup = Setup {
        servers: &server.section("db1"),
        listener: &listener,
        ..Setup::default()
    };
    let mut proxied = setup.start_in(dir);
    for asks in [true, false] {
        let mut client = Client::new(proxied.address);
        if asks {
            client.send(&[V2, &packet(SSL_REQUEST, b"")].concat());
            assert_eq!(client.byte(), b'S');
        } else {
            client.send(V2);
        }
        client.start_tls_for(&[b"postgresql"]);
        client.start(PROTOCOL_3_0, &[("user", "trusted"), ("database", "app")]);
        client.until_ready();
        let who = "SELECT remote, tls LIKE 'TLS%' FROM sessions WHERE service = 'app' AND state LIKE '%routing'";
        proxied.comes_to(who, "2001:db8::7|t");
        drop(client);
        proxied.comes_to(ROWS, "0");
    }
}

#[test]
fn whoever_is_trusted_must_send_a_header_in_time() {
    let (postgres, mariadb) = (Postgres::start(), MariaDb::start());
    let mut proxied = front_of(&postgres.section("db1"), TRUSTING);
    let mut client = Client::new(proxied.address);
    client.start(PROTOCOL_3_0, &[("user", "trusted"), ("database", "app")]);
    let told = client.next().expect("an error");
    assert_eq!(told.code(), "08P01");
    assert_eq!(
        told.field('M'),
        Some("a header of the PROXY protocol must come first from this address")
    );
    // Half of one, and silence.
    let mut client = Client::new(proxied.address);
    client.send(&V2[..20]);
    assert_eq!(client.until_closed(), []);
    proxied.comes_to(ROWS, "0");

    let mut proxied = front_of(&mariadb.section("db1"), TRUSTING);
    let mut silent = TcpStream::connect(proxied.address).expect("a listener");
    assert_eq!(silent.read(&mut [0]).expect("an end"), 0);
    let told = mysql::Client::connect_behind(proxied.address, b"GET / HTTP/1.1\r\n\r\n").greeting;
    assert_eq!(told.error(), Some(1043), "{}", told.text());
    assert!(told.text().contains("PROXY protocol"), "{}", told.text());
    proxied.comes_to(ROWS, "0");
}

#[test]
fn nobody_else_is_listened_to() {
    let (postgres, mariadb) = (Postgres::start(), MariaDb::start());
    let stranger = "proxy_protocol_networks = [\"10.0.0.0/8\", \"::1\"]";
    for listener in ["", stranger] {
        let mut proxied = front_of(&postgres.section("db1"), listener);
        let client = postgres_behind(&proxied, b"");
        let own = place_of(client.tcp());
        proxied.comes_to(WHO, &own);
        let mut liar = Client::new(proxied.address);
        liar.send(V1);
        let told = liar.next().expect("an error");
        assert_eq!(told.code(), "08P01");
        let proxied = front_of(&mariadb.section("db1"), listener);
        let mut liar = mysql::Client::connect_behind(proxied.address, V1);
        let told = liar.next().expect("an error");
        assert_eq!(told.error(), Some(1043), "{}", told.text());
    }
}

/// A server that takes headers from this host, and a user whom it knows at one address only.
fn hearing(identity: Option<Identity>) -> MariaDb {
    let server = MariaDb::wanted(mariadb::Wanted {
        identity,
        options: vec![
            "--proxy-protocol-networks=127.0.0.0/8".to_owned(),
            "--skip-name-resolve".to_owned(),
        ],
    });
    server.ask("CREATE USER far@'192.0.2.7'; GRANT ALL ON app.* TO far@'192.0.2.7'");
    server
}

/// Tells a server of its clients; its monitor looks all the time and may end statements.
fn telling(server: &MariaDb) -> String {
    format!(
        "{}proxy_protocol = true\n[servers.db1.monitor]\nuser = \"monitor\"\npassword = \"secret\"\ninterval_ms = 10\n",
        server.section("db1")
    )
}

fn hosts(server: &MariaDb, user: &str) -> String {
    server.ask(&format!(
        "SELECT HOST FROM information_schema.PROCESSLIST WHERE USER = '{user}'"
    ))
}

#[test]
fn a_server_hears_of_its_clients_and_of_nobody_behind_the_proxys_own_connections() {
    let server = hearing(None);
    let mut proxied = front_of(&telling(&server), TRUSTING);
    for (header, host) in [(V1, "192.0.2.7:4711"), (V2, "2001:db8::7:4711")] {
        let mut client = mariadb_behind(&proxied, header);
        eventually(|| hosts(&server, "trusted"), |hosts| hosts == host);
        // What ends a statement is a connection of its own.
        client.command(3, b"SELECT SLEEP(600)");
        proxied.comes_to(
            "SELECT count(*) FROM sessions WHERE active AND service = 'app'",
            "1",
        );
        let cancel = format!("SELECT pg_cancel_backend({})", client.thread_id());
        assert_eq!(proxied.ask(&cancel), "t");
        // MariaDB's SLEEP returns 1 when it is interrupted.
        let ended = client.until(|packet| packet.error().is_some() || packet.body == b"\x011");
        assert!(ended.len() > 1 || ended[0].error() == Some(1317));
        drop(client);
        proxied.comes_to(ROWS, "0");
    }
    let monitors = hosts(&server, "monitor");
    assert!(monitors.starts_with("127.0.0.1:"), "{monitors}");
    assert_eq!(
        proxied.ask("SELECT state, role FROM servers"),
        "Running|primary"
    );
    // An account of one host.
    let mut far = mysql::Client::connect_behind(proxied.address, V1);
    far.answer_as("far", mysql::CAPABILITIES);
    let ok = far.next().expect("an answer");
    assert!(ok.is_ok(), "{}", ok.text());
    let mut near = mysql::Client::connect_behind(proxied.address, LOCAL[0]);
    near.answer_as("far", mysql::CAPABILITIES);
    assert_eq!(near.next().expect("an answer").error(), Some(1045));
}

#[test]
fn without_a_header_of_its_own_a_client_is_shown_to_the_server_as_it_came() {
    let server = hearing(Some(Identity::new()));
    let dir = tempfile::tempdir().expect("a directory");
    let socket = dir.path().join("socket").display().to_string();
    // TLS begins behind the header, too.
    let sections = telling(&server).replace("proxy_protocol", "tls = \"require\"\nproxy_protocol");
    let more = format!("[listeners.local]\nservice = \"app\"\naddress = \"{socket}\"\n");
    let proxied = Setup {
        servers: &sections,
        more: &more,
        ..Setup::default()
    }
    .start();
    let client = mariadb_behind(&proxied, b"");
    let own = client.tcp().local_addr().expect("an address").to_string();
    eventually(|| hosts(&server, "trusted"), |hosts| *hosts == own);
    drop(client);
    eventually(|| hosts(&server, "trusted"), String::is_empty);
    // To be local to the proxy is not to be local to the server.
    let mut command = Command::new("mariadb");
    command.args([
        "--no-defaults",
        "-N",
        "-B",
        "-S",
        &socket,
        "-u",
        "trusted",
        "-e",
    ]);
    let said: Said = finish(command.arg("SELECT SUBSTRING_INDEX(USER(), '@', -1)")).into();
    assert_eq!(said.out, "127.0.0.1", "{}", said.err);
}

/// HAProxy in front of a listener, which ends with the test.
struct HaProxy {
    child: Child,
    address: SocketAddr,
    _dir: tempfile::TempDir,
}

impl HaProxy {
    /// `how` it tells who is behind it.
    fn start(how: &str, to: SocketAddr) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let file = dir.path().join("haproxy.cfg");
        let text = format!(
            "defaults\n  mode tcp\n  timeout connect 60s\n  timeout client 60s\n  timeout server 60s\n\
             listen app\n  bind {address}\n  server app {to} {how}\n"
        );
        std::fs::write(&file, text).expect("a file");
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--", "haproxy", "-db", "-q", "-f"])
            .arg(file)
            .stdin(Stdio::null())
            .spawn()
            .expect("haproxy starts");
        eventually(|| TcpStream::connect(address).is_ok(), |up| *up);
        Self {
            child,
            address,
            _dir: dir,
        }
    }
}

impl Drop for HaProxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn haproxy_in_front_hides_nobody() {
    let (postgres, mariadb) = (Postgres::start(), MariaDb::start());
    for how in ["send-proxy", "send-proxy-v2"] {
        let mut proxied = front_of(&postgres.section("db1"), TRUSTING);
        let haproxy = HaProxy::start(how, proxied.address);
        proxied.comes_to(ROWS, "0");
        let mut client = Client::new(haproxy.address);
        client.start(PROTOCOL_3_0, &[("user", "trusted"), ("database", "app")]);
        client.until_ready();
        let own = place_of(client.tcp());
        proxied.comes_to(WHO, &own);
        let mut proxied = front_of(&mariadb.section("db1"), TRUSTING);
        let haproxy = HaProxy::start(how, proxied.address);
        proxied.comes_to(ROWS, "0");
        let client = mysql::Client::log_in(haproxy.address, mysql::CAPABILITIES);
        let own = place_of(client.tcp());
        proxied.comes_to(WHO, &own);
    }
}
