//! Whoever can log in at the server can through the proxy, plain and inside TLS on either side.

use std::path::Path;

use super::{asking, client, front, said};
use crate::proxy::{Proxied, Setup};
use crate::support::mariadb::{MariaDb, QUIET, Wanted};
use crate::support::postgres::Identity;
use crate::support::program::{Said, finish};

fn said_by(proxied: &Proxied, user: &str, arguments: &[&str]) -> Said {
    let mut command = client(proxied, "mariadb");
    let sql = "SELECT SUBSTRING_INDEX(USER(), '@', 1), DATABASE()";
    command.args(QUIET).args(["-u", user, "-e", sql]);
    finish(command.args(arguments)).into()
}

#[test]
fn each_plugin_passes_through() {
    let server = MariaDb::start();
    let proxied = front(&server);
    for user in ["app", "ed", "trusted"] {
        let mut arguments = vec!["app"];
        if user == "trusted" {
            arguments.push("--password=");
        }
        let said = said_by(&proxied, user, &arguments);
        assert_eq!(said.out, format!("{user}\tapp"), "{}", said.err);
        assert_eq!(said_by(&proxied, "app", &[]).out, "app\tNULL");
    }
    for user in ["app", "ed", "nobody"] {
        let said = said_by(&proxied, user, &["--password=wrong"]);
        assert!(!said.ok);
        assert!(said.err.contains("ERROR 1045 (28000)"), "{}", said.err);
        assert!(said.err.contains("Access denied for user"), "{}", said.err);
    }
    let said = said_by(&proxied, "app", &["nowhere"]);
    assert!(said.err.contains("ERROR 1044 (42000)"), "{}", said.err);
}

/// Each leg in clear and inside TLS, with a certificate that is checked.
#[test]
fn tls_is_each_sides_own() {
    let (ours, theirs) = (Identity::new(), Identity::new());
    for server_tls in [false, true] {
        let server = MariaDb::wanted(Wanted {
            identity: server_tls.then(|| theirs.clone()),
            ..Wanted::default()
        });
        let dir = tempfile::tempdir().expect("a directory");
        ours.write(dir.path(), "own");
        theirs.write(dir.path(), "db1");
        let mut servers = server.section("db1");
        if server_tls {
            servers += "tls = \"verify-full\"\nca = \"db1.crt\"\n";
        }
        let ca = dir.path().join("own.crt").display().to_string();
        let mut proxied = Setup {
            servers: &servers,
            listener: "tls = { cert = \"own.crt\", key = \"own.key\" }",
            ..Setup::default()
        }
        .start_in(dir);
        for client_tls in [false, true] {
            for user in ["app", "ed"] {
                let tls = match client_tls {
                    true => vec!["--ssl-verify-server-cert", "--ssl-ca", &ca],
                    false => vec!["--skip-ssl"],
                };
                let mut command = client(&proxied, "mariadb");
                // What the server knows of its own leg.
                let sql = "SELECT VARIABLE_VALUE <> '' FROM information_schema.SESSION_STATUS \
                           WHERE VARIABLE_NAME = 'Ssl_cipher'";
                command.args(QUIET).args(["-u", user, "-e", sql]).args(tls);
                let said: Said = finish(&mut command).into();
                let expected = if server_tls { "1" } else { "0" };
                assert_eq!(
                    said.out, expected,
                    "{server_tls} {client_tls}: {}",
                    said.err
                );
            }
            rows_tell(&mut proxied, client_tls, server_tls, Path::new(&ca));
        }
    }
}

/// Both legs are shown in the catalog.
fn rows_tell(proxied: &mut Proxied, client_tls: bool, server_tls: bool, ca: &Path) {
    let mut command = client(proxied, "mariadb");
    match client_tls {
        true => command.arg("--ssl-ca").arg(ca),
        false => command.arg("--skip-ssl"),
    };
    let mut shell = crate::support::mariadb::Shell::spawn(&mut command);
    assert_eq!(shell.ask("SELECT 1;"), "1");
    let sql = "SELECT s.tls LIKE 'TLSv1.%', c.tls LIKE 'TLSv1.%' FROM sessions s \
               JOIN connections c ON c.session_id = s.id WHERE s.service = 'app'";
    let shown = |tls: bool| if tls { "t" } else { "" };
    proxied.comes_to(sql, &format!("{}|{}", shown(client_tls), shown(server_tls)));
    shell.quit();
    proxied.comes_to(crate::proxy::ROWS, "0");
}

#[test]
fn a_server_without_tls_is_not_talked_to_where_tls_is_demanded() {
    let server = MariaDb::start();
    let servers = format!("{}tls = \"require\"\n", server.section("db1"));
    let proxied = Setup {
        servers: &servers,
        ..Setup::default()
    }
    .start();
    let said = said(&proxied, "SELECT 1");
    assert!(said.err.contains("1429"), "{}", said.err);
    assert!(proxied.program.log().contains("it does not offer TLS"));
}

#[test]
fn the_number_that_a_client_is_given_is_its_sessions() {
    let server = MariaDb::start();
    let mut proxied = front(&server);
    let program = "import pymysql, sys\n\
        c = pymysql.connect(host='127.0.0.1', port=int(sys.argv[1]), user='app', password='secret')\n\
        print(c.thread_id(), flush=True)\nsys.stdin.readline()\n";
    let mut python = std::process::Command::new("/usr/bin/python3")
        .args(["-c", program, &proxied.address.port().to_string()])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("python starts");
    let mut told = String::new();
    let mut out = std::io::BufReader::new(python.stdout.take().expect("piped"));
    std::io::BufRead::read_line(&mut out, &mut told).expect("a line");
    let session = super::only_session(&mut proxied);
    assert_eq!(told.trim(), session);
    let thread = proxied.ask("SELECT connection_id FROM connections");
    assert_eq!(
        server.ask("SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'app'"),
        thread
    );
    drop(python.stdin.take());
    assert!(python.wait().expect("an end").success());
}

#[test]
fn clients_that_compress_go_on_without() {
    let server = MariaDb::start();
    let proxied = front(&server);
    let mut command = asking(&proxied, "SELECT REPEAT('x', 100000)");
    let said: Said = finish(command.arg("--compress")).into();
    assert_eq!(said.out.len(), 100_000, "{}", said.err);
}
