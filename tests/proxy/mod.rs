//! PostgreSQL through the proxy: what a direct connection gives, and what only a proxy can.

mod activity;
mod bulk;
mod bytes;
mod cancel;
mod catalog;
mod drain;
mod faults;
mod limits;
mod metrics;
mod roles;
mod script;
pub mod statements;
mod tls;

use std::net::SocketAddr;
use std::process::Command;

use crate::support::postgres::{self, Postgres, QUIET};
use crate::support::program::{Program, Psql, Said, eventually, finish};
use crate::support::wire::{Client, PROTOCOL_3_0};

/// The rows of the service that the tests connect to.
pub const ROWS: &str = "SELECT count(*) FROM sessions WHERE service = 'app'";

/// What a test wants of its proxy, in lines of the configuration file.
#[derive(Default)]
pub struct Setup<'a> {
    /// Before all sections.
    pub top: &'a str,
    /// The sections of the servers.
    pub servers: &'a str,
    /// Those of them that the service `app` has, where it has not all.
    pub chosen: Option<&'a [&'a str]>,
    /// In the section of the service `app`, which has all servers unless this says otherwise.
    pub service: &'a str,
    /// In the section of the listener `app`.
    pub listener: &'a str,
    /// Sections behind them.
    pub more: &'a str,
}

impl Setup<'_> {
    fn config(&self) -> String {
        let is_chosen = |name: &&str| self.chosen.is_none_or(|chosen| chosen.contains(name));
        let names: Vec<String> = self
            .servers
            .lines()
            .filter_map(|line| line.strip_prefix("[servers.")?.strip_suffix(']'))
            .filter(|name| !name.contains('.'))
            .filter(is_chosen)
            .map(|name| format!("\"{name}\""))
            .collect();
        format!(
            "{}\n{}\n[services.app]\nrouter = \"readconnroute\"\nservers = [{}]\n{}\n\
             [listeners.app]\nservice = \"app\"\naddress = \"127.0.0.1:0\"\n{}\n{}\n",
            self.top,
            self.servers,
            names.join(", "),
            self.service,
            self.listener,
            self.more,
        )
    }

    pub fn start(&self) -> Proxied {
        self.start_in(tempfile::tempdir().expect("a directory"))
    }

    pub fn start_in(&self, dir: tempfile::TempDir) -> Proxied {
        let program = Program::start_in(dir, &self.config());
        let address = program.listener("app");
        let door = watcher(&program);
        Proxied {
            program,
            address,
            door,
        }
    }
}

/// A client of the SQL door.
fn watcher(program: &Program) -> Client {
    let mut door = Client::new(program.sql);
    door.start(PROTOCOL_3_0, &[("user", "watcher")]);
    door.until_ready();
    door
}

/// The program with one service `app`, and somebody who watches it by the SQL door.
pub struct Proxied {
    pub program: Program,
    pub address: SocketAddr,
    door: Client,
}

/// What a program holds when nobody is connected through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    descriptors: usize,
    threads: u64,
}

impl Proxied {
    /// In front of one server, as `db1`.
    fn front(server: &Postgres) -> Self {
        let servers = server.section("db1");
        Setup {
            servers: &servers,
            ..Setup::default()
        }
        .start()
    }

    /// One of PostgreSQL's clients, which would connect here.
    fn client(&self, name: &str) -> Command {
        postgres::client(name, "127.0.0.1", self.address.port())
    }

    /// A psql that is not typed into.
    fn psql(&self) -> Command {
        let mut command = self.client("psql");
        command.args(QUIET);
        command
    }

    /// Asks by psql through the proxy.
    fn said(&self, sql: &str) -> Said {
        finish(self.psql().args(["-c", sql])).into()
    }

    /// A psql that stays connected.
    fn session(&self) -> Psql {
        Psql::spawn(&self.program, &mut self.psql())
    }

    /// The same with another name in `application_name`.
    fn session_of(&self, user: &str, application: &str) -> Psql {
        let mut command = self.psql();
        command.env("PGUSER", user).env("PGAPPNAME", application);
        Psql::spawn(&self.program, &mut command)
    }

    /// One of each of these users and applications, all answered to.
    fn sessions_of(&self, clients: &[(&str, &str)]) -> Vec<Psql> {
        let mut psqls: Vec<Psql> = clients
            .iter()
            .map(|(user, application)| self.session_of(user, application))
            .collect();
        for psql in &mut psqls {
            assert_eq!(psql.ask("SELECT 1;"), "1");
        }
        psqls
    }

    /// A raw connection that has said nothing.
    fn connect(&self) -> Client {
        Client::new(self.address)
    }

    /// A raw client, logged in as a superuser without a password.
    fn raw(&self) -> Client {
        let mut client = self.connect();
        log_in(&mut client);
        client
    }

    /// Asks the SQL door: a line for each row, with `|` between the values.
    pub fn ask(&mut self, sql: &str) -> String {
        rows(&mut self.door, sql).join("\n")
    }

    /// Asks the SQL door until the answer is this one.
    pub fn comes_to(&mut self, sql: &str, expected: &str) {
        eventually(
            || rows(&mut self.door, sql).join("\n"),
            |answer| answer == expected,
        );
    }

    /// What it holds while nobody is connected, once it has served somebody.
    fn held(&mut self) -> Held {
        self.raw().send(b"X\0\0\0\x04");
        self.comes_to(ROWS, "0");
        self.least_held()
    }

    /// What it holds now: a monitor may be at work, so that what counts is the least of some looks.
    pub fn least_held(&self) -> Held {
        let looks = (0..50).map(|_| self.holds());
        let least = looks.reduce(|a, b| Held {
            descriptors: a.descriptors.min(b.descriptors),
            threads: a.threads.min(b.threads),
        });
        least.expect("fifty looks")
    }

    fn holds(&self) -> Held {
        Held {
            descriptors: self.program.descriptors(),
            threads: self.program.proc_status("Threads"),
        }
    }

    /// Everybody has gone and has left nothing behind.
    pub fn settles(&mut self, before: Held) {
        self.comes_to(ROWS, "0");
        self.comes_to("SELECT count(*) FROM connections", "0");
        self.comes_to("SELECT sum(connections) FROM servers", "0");
        self.comes_to("SELECT connections FROM services WHERE name = 'app'", "0");
        let not_more =
            |now: &Held| now.descriptors <= before.descriptors && now.threads <= before.threads;
        eventually(|| self.holds(), not_more);
    }
}

/// Logs in as a superuser without a password.
fn log_in(client: &mut Client) {
    client.start(PROTOCOL_3_0, &[("user", "trusted"), ("database", "app")]);
    client.until_ready();
}

/// Runs a text and returns a line for each row, with `|` between the values.
fn rows(client: &mut Client, sql: &str) -> Vec<String> {
    let messages = client.query(sql);
    if let Some(error) = messages.iter().find(|message| message.kind == 'E') {
        panic!("{sql}: {:?}", error.field('M'));
    }
    let values = |message: &crate::support::wire::Message| {
        let values: Vec<String> = message
            .values()
            .into_iter()
            .map(Option::unwrap_or_default)
            .collect();
        values.join("|")
    };
    messages
        .iter()
        .filter(|message| message.kind == 'D')
        .map(values)
        .collect()
}
