//! TLS on either leg, and logins in every combination of them that can work.

use std::path::Path;

use super::{Proxied, Setup, rows};
use crate::support::postgres::{Identity, Postgres, QUIET, Wanted, client};
use crate::support::program::{Said, finish};
use crate::support::wire::{GSSENC_REQUEST, PROTOCOL_3_0, SSL_REQUEST, packet};

/// A server that shows this certificate to whoever wants TLS.
fn server(identity: &Identity) -> Postgres {
    Postgres::wanted(Wanted {
        identity: Some(identity.clone()),
        ..Wanted::default()
    })
}

/// A proxy in a directory with the certificates `own` (the listener's) and `server` (the server's).
fn start(server: &Postgres, own: &Identity, servers: &Identity, lines: (&str, &str)) -> Proxied {
    let dir = tempfile::tempdir().expect("a directory");
    own.write(dir.path(), "own");
    servers.write(dir.path(), "server");
    let (server_lines, listener_lines) = lines;
    let section = format!("{}{server_lines}\n", server.section("db1"));
    let setup = Setup {
        servers: &section,
        listener: listener_lines,
        ..Setup::default()
    };
    setup.start_in(dir)
}

/// The lines of a listener that shows its own certificate.
const OWN: &str = "tls = { cert = \"own.crt\", key = \"own.key\" }";

/// Logs in by psql with these settings and asks whether the server's leg is inside TLS.
fn log_in(proxied: &Proxied, sslmode: &str, channel_binding: &str) -> Said {
    let mut command = proxied.psql();
    command
        .env("PGSSLMODE", sslmode)
        .env("PGCHANNELBINDING", channel_binding)
        .args([
            "-c",
            "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
        ]);
    finish(&mut command).into()
}

fn assert_works(proxied: &Proxied, sslmode: &str, channel_binding: &str, inside: &str) {
    let said = log_in(proxied, sslmode, channel_binding);
    assert_eq!(
        said.out, inside,
        "{sslmode} {channel_binding}: {}",
        said.err
    );
}

fn assert_fails(proxied: &Proxied, sslmode: &str, channel_binding: &str, reason: &str) {
    let said = log_in(proxied, sslmode, channel_binding);
    assert!(!said.ok, "{sslmode} {channel_binding}: {}", said.out);
    assert!(
        said.err.contains(reason),
        "{sslmode} {channel_binding}: {}",
        said.err
    );
}

/// What the two tables say of the legs of a session that is open now.
fn legs(proxied: &mut Proxied) -> String {
    proxied.ask(
        "SELECT s.tls IS NOT NULL, c.tls IS NOT NULL FROM sessions s JOIN connections c ON c.session_id = s.id",
    )
}

#[test]
fn clear_to_the_server() {
    let (own, theirs) = (Identity::new(), Identity::new());
    let server = server(&theirs);
    let mut plain = start(&server, &own, &theirs, ("", ""));
    assert_works(&plain, "disable", "prefer", "f");
    assert_works(&plain, "prefer", "prefer", "f");
    assert_fails(&plain, "require", "prefer", "server does not support SSL");
    assert_eq!(plain.held(), plain.held());

    let mut offered = start(&server, &own, &theirs, ("", OWN));
    let held = offered.held();
    for sslmode in ["disable", "prefer", "require"] {
        assert_works(&offered, sslmode, "prefer", "f");
        assert_works(&offered, sslmode, "disable", "f");
    }
    // The server knows of no TLS that it could be bound to.
    assert_fails(&offered, "require", "require", "channel binding");
    let mut command = offered.psql();
    command.env("PGSSLMODE", "require");
    let mut psql = crate::support::program::Psql::spawn(&offered.program, &mut command);
    assert_eq!(psql.ask("SELECT 1;"), "1");
    assert_eq!(legs(&mut offered), "t|f");
    let tls = offered.ask("SELECT tls FROM sessions WHERE service = 'app'");
    assert!(tls.starts_with("TLSv1.3"), "{tls}");
    psql.quit();
    offered.settles(held);
}

#[test]
fn tls_to_the_server() {
    let (own, theirs) = (Identity::new(), Identity::new());
    let server = server(&theirs);
    // The client has no TLS: the server's offer of channel binding is not for it.
    let mut proxied = start(&server, &own, &theirs, ("tls = \"require\"", ""));
    let held = proxied.held();
    assert_works(&proxied, "disable", "prefer", "t");
    assert_works(&proxied, "prefer", "prefer", "t");
    assert_works(&proxied, "disable", "disable", "t");
    let mut psql = proxied.session();
    assert_eq!(psql.ask("SELECT 1;"), "1");
    assert_eq!(legs(&mut proxied), "f|t");
    let tls = proxied.ask("SELECT tls FROM connections");
    assert!(tls.starts_with("TLSv1.3"), "{tls}");
    // Cancelling goes the same way.
    psql.type_in("SELECT pg_sleep(600);");
    crate::support::program::eventually(
        || server.ask("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"),
        |count| count == "1",
    );
    psql.interrupt();
    assert_eq!(psql.next_line(), None);
    assert!(psql.complaints().contains("57014"), "{}", psql.complaints());
    psql.quit();
    proxied.settles(held);
}

#[test]
fn tls_on_both_legs_with_two_certificates() {
    let (own, theirs) = (Identity::new(), Identity::new());
    let server = server(&theirs);
    let listener = format!("{OWN}\nchannel_binding = \"disable\"");
    let mut proxied = start(&server, &own, &theirs, ("tls = \"require\"", &listener));
    let held = proxied.held();
    assert_works(&proxied, "require", "disable", "t");
    assert_works(&proxied, "disable", "prefer", "t");
    // libpq notices that the offer was taken out, or insists on it.
    assert_fails(&proxied, "require", "prefer", "SCRAM");
    assert_fails(&proxied, "require", "require", "channel binding");
    proxied.settles(held);
}

#[test]
fn tls_on_both_legs_with_the_servers_own_certificate() {
    let theirs = Identity::new();
    let server = server(&theirs);
    let lines = (
        "tls = \"verify-full\"\nca = \"server.crt\"\ncertificate = \"server.crt\"",
        "tls = { cert = \"server.crt\", key = \"server.key\" }",
    );
    let mut proxied = start(&server, &theirs, &theirs, lines);
    let held = proxied.held();
    for channel_binding in ["require", "prefer", "disable"] {
        assert_works(&proxied, "require", channel_binding, "t");
    }
    assert_works(&proxied, "disable", "prefer", "t");
    // Who checks the certificate finds the server's.
    let mut command = proxied.psql();
    command
        .env("PGSSLMODE", "verify-full")
        .env(
            "PGSSLROOTCERT",
            proxied.program.dir.path().join("server.crt"),
        )
        .env("PGCHANNELBINDING", "require")
        .args(["-c", "SELECT 1"]);
    let said: Said = finish(&mut command).into();
    assert_eq!((said.out.as_str(), said.err.as_str()), ("1", ""));
    // Much data inside TLS on both legs is the same data.
    let sql = "SELECT md5(string_agg(g::text, '')) FROM generate_series(1, 100000) g";
    let mut direct = client("psql", "127.0.0.1", server.port);
    let direct: Said = finish(direct.args(QUIET).args(["-c", sql])).into();
    let mut command = proxied.psql();
    command.env("PGSSLMODE", "require").args([
        "-c",
        "COPY (SELECT g FROM generate_series(1, 1000000) g) TO STDOUT",
    ]);
    let copied: Said = finish(&mut command).into();
    assert_eq!(copied.out.lines().count(), 1_000_000);
    assert_eq!(proxied.said(sql).out, direct.out);
    proxied.settles(held);
}

#[test]
fn a_server_that_is_not_who_it_should_be_is_not_talked_to() {
    let (own, theirs) = (Identity::new(), Identity::new());
    let server = server(&theirs);
    let without_tls = Postgres::start();
    let cases: [(&Postgres, &str); 3] = [
        // By an authority that has nothing to do with it.
        (&server, "tls = \"verify-full\"\nca = \"own.crt\""),
        // Another certificate than the one that is known.
        (&server, "tls = \"require\"\ncertificate = \"own.crt\""),
        // It has no TLS.
        (&without_tls, "tls = \"require\""),
    ];
    for (server, lines) in cases {
        let mut proxied = start(server, &own, &theirs, (lines, ""));
        let said = proxied.said("SELECT 1");
        assert!(!said.ok, "{lines}");
        assert!(said.err.contains("FATAL:"), "{lines}: {}", said.err);
        assert!(
            said.err.contains("service \"app\""),
            "{lines}: {}",
            said.err
        );
        proxied.comes_to(super::ROWS, "0");
    }
    let good = start(
        &server,
        &own,
        &theirs,
        ("tls = \"verify-full\"\nca = \"server.crt\"", ""),
    );
    assert_works(&good, "disable", "prefer", "t");
}

#[test]
fn tls_from_the_first_byte() {
    let own = Identity::new();
    let server = Postgres::start();
    let mut proxied = start(&server, &own, &own, ("", OWN));
    let held = proxied.held();
    let mut client = proxied.connect();
    client.start_tls();
    super::log_in(&mut client);
    assert_eq!(rows(&mut client, "SELECT 1"), ["1"]);
    assert_eq!(legs(&mut proxied), "t|f");
    // A result that is longer than a record, and the end of it.
    let long = rows(
        &mut client,
        "SELECT length(repeat('x', 3000000)), repeat('y', 3000000)",
    );
    assert_eq!(long[0].len(), 7 + 1 + 3_000_000);
    drop(client);
    // Inside TLS, encryption is not offered again.
    let mut client = proxied.connect();
    client.send(&packet(GSSENC_REQUEST, b""));
    assert_eq!(client.byte(), b'N');
    client.send(&packet(SSL_REQUEST, b""));
    assert_eq!(client.byte(), b'S');
    client.start_tls();
    super::log_in(&mut client);
    assert_eq!(rows(&mut client, "SELECT 2"), ["2"]);
    drop(client);
    // A start-up message in clear right behind the request, which nobody could trust.
    let mut client = proxied.connect();
    let mut both = packet(SSL_REQUEST, b"");
    both.extend(crate::support::wire::startup(
        PROTOCOL_3_0,
        &[("user", "trusted")],
    ));
    client.send(&both);
    assert_eq!(client.message().code(), "08P01");
    drop(client);
    proxied.settles(held);
}

#[test]
fn what_cannot_work_is_said_before_anybody_connects() {
    let (own, theirs) = (Identity::new(), Identity::new());
    let refuse = |server_lines: &str, listener_lines: &str| -> String {
        let dir = tempfile::tempdir().expect("a directory");
        own.write(dir.path(), "own");
        theirs.write(dir.path(), "server");
        let section = format!("[servers.db1]\naddress = \"127.0.0.1:1\"\n{server_lines}\n");
        let setup = Setup {
            servers: &section,
            listener: listener_lines,
            ..Setup::default()
        };
        check(dir.path(), &setup.config())
    };
    // A client under TLS would be offered a binding to a certificate that it does not see.
    for lines in [
        "tls = \"require\"",
        "tls = \"require\"\ncertificate = \"server.crt\"",
    ] {
        let said = refuse(lines, OWN);
        assert!(said.contains("rollcall.toml:"), "{said}");
        assert!(said.contains("listeners.app"), "{said}");
        for way_out in ["channel_binding = \"disable\"", "certificate"] {
            assert!(said.contains(way_out), "{said}");
        }
    }
    assert!(refuse("tls = \"verify-full\"", "").contains("servers.db1"));
    assert!(refuse("tls = \"verify-full\"\nca = \"missing.crt\"", "").contains("missing.crt"));
}

/// Starts the program with a configuration that it refuses; returns what it says.
fn check(dir: &Path, config: &str) -> String {
    let path = dir.join("rollcall.toml");
    let any = "sql.listen = \"127.0.0.1:0\"\nrest.listen = \"127.0.0.1:0\"\n";
    std::fs::write(&path, format!("{any}{config}")).expect("a writable directory");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_rollcall"));
    let said: Said = finish(command.arg("--config").arg(&path)).into();
    assert!(!said.ok, "{}", said.out);
    assert_eq!(said.out, "", "nobody is told an address");
    said.err
}
