//! MariaDB through the proxy: what a direct connection gives, and what only a proxy can.

mod clients;
mod commands;
mod drivers;
mod ends;
mod faults;
mod handshakes;
mod kills;
mod logins;
mod monitor;
mod rows;
mod statements;

use std::process::Command;

use crate::proxy::{Proxied, Setup};
use crate::support::mariadb::{self, MariaDb, QUIET, Shell};
use crate::support::mysql;
use crate::support::program::{Said, finish};

/// In front of one server, as `db1`.
fn front(server: &MariaDb) -> Proxied {
    Setup {
        servers: &server.section("db1"),
        ..Setup::default()
    }
    .start()
}

/// One of MariaDB's clients, which would connect to the proxy.
fn client(proxied: &Proxied, name: &str) -> Command {
    mariadb::client(name, proxied.address.port())
}

/// A `mariadb` that is not typed into, in the database `app`.
fn asking(proxied: &Proxied, sql: &str) -> Command {
    let mut command = client(proxied, "mariadb");
    command.args(QUIET).args(["-e", sql, "app"]);
    command
}

/// Asks by `mariadb` through the proxy.
fn said(proxied: &Proxied, sql: &str) -> Said {
    finish(&mut asking(proxied, sql)).into()
}

/// A `mariadb` that stays connected, in the database `app`.
fn shell(proxied: &Proxied) -> Shell {
    Shell::spawn(client(proxied, "mariadb").arg("app"))
}

/// A raw client, logged in without a password.
fn raw(proxied: &Proxied) -> mysql::Client {
    mysql::Client::log_in(proxied.address, mysql::CAPABILITIES)
}

/// The id of the session that is the only one, once it is logged in.
fn only_session(proxied: &mut Proxied) -> String {
    let ready = "SELECT count(*) FROM sessions WHERE service = 'app' AND state = 'Session ready for routing'";
    proxied.comes_to(ready, "1");
    proxied.ask("SELECT id FROM sessions WHERE service = 'app'")
}
