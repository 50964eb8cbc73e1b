//! PostgreSQL as a yardstick: the same sessions in a plain table.

use std::fmt::Write as _;
use std::net::SocketAddr;

use anyhow::Result;

use super::READER_CORE;
use super::cluster::{Cluster, DATABASE, SUPERUSER};
use super::cores;
use super::wire::Client;
use super::world::{Place, World, service_name, user_name};

/// Rows that are sent at a time when a table is filled.
const PIECE_ROWS: usize = 1_000;

/// All rows in memory, nothing waits for a disk, and no second process helps: there is one core for all.
const SETTINGS: [&str; 9] = [
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "autovacuum=off",
    "jit=off",
    "shared_buffers=1GB",
    "work_mem=256MB",
    "max_wal_size=8GB",
    "max_parallel_workers_per_gather=0",
];

/// The columns of `sessions` and their types there.
const COLUMNS: &str = "id bigint PRIMARY KEY, service text NOT NULL, listener text NOT NULL, \
    router text NOT NULL, protocol text NOT NULL, server text, state text NOT NULL, \
    active boolean NOT NULL, \"user\" text, database text, application_name text, \
    remote text NOT NULL, port integer, connected timestamptz NOT NULL, \
    idle double precision NOT NULL, seconds_alive double precision NOT NULL, \
    statement_started timestamptz, in_transaction boolean NOT NULL, \
    autocommit boolean, transaction_started timestamptz, statements bigint NOT NULL, \
    bytes_in bigint NOT NULL, bytes_out bigint NOT NULL, tls text";

/// A running server.
pub struct Postgres {
    cluster: Cluster,
    filled: Vec<usize>,
}

impl Postgres {
    /// Starts a server on the core of everybody who answers.
    ///
    /// # Errors
    /// When there is none on this machine, or it does not come up.
    pub fn start() -> Result<Self> {
        Ok(Self {
            cluster: Cluster::start(&SETTINGS)?,
            filled: Vec::new(),
        })
    }

    /// What to call it in a table.
    pub fn name(&self) -> String {
        self.cluster.name()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.cluster.address
    }

    /// A new connection.
    pub fn client(&self) -> Result<Client> {
        self.cluster.client()
    }

    /// The user and the database of its clients.
    pub fn login(&self) -> (&'static str, &'static str) {
        (SUPERUSER, DATABASE)
    }

    /// Connections that are made from now on are served on any core, or on that of everybody who answers.
    pub fn pinned(&self, pinned: bool) {
        let process = self.cluster.process();
        match pinned {
            true => cores::pin_process(process, READER_CORE),
            false => cores::unpin_process(process),
        }
    }

    /// The name of a table with the rows of this world, filled and analysed when it is first asked for.
    pub fn table(&mut self, world: &World) -> Result<String> {
        let size = world.len();
        let name = format!("sessions_{size}");
        if !self.filled.contains(&size) {
            let mut client = self.client()?;
            client.simple(&format!("CREATE UNLOGGED TABLE {name} ({COLUMNS})"))?;
            let mut place = 0;
            client.copy_in(&format!("COPY {name} FROM STDIN"), |piece| {
                let end = size.min(place + PIECE_ROWS);
                let mut text = String::new();
                for place in place..end {
                    row(&mut text, Place(place));
                }
                place = end;
                piece.extend(text.as_bytes());
            })?;
            client.simple(&format!("VACUUM ANALYZE {name}"))?;
            self.filled.push(size);
        }
        Ok(name)
    }
}

/// The session of a place, as COPY reads it.
fn row(text: &mut String, place: Place) {
    let number = place.0;
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "{id}\t{service}\tlistener-{listener}\treadwritesplit\tpostgresql\t\\N\t\
         Session ready for routing\tf\t{user}\tshop\t{application}\t{address}\t{port}\t\
         2026-01-01 00:00:{second:02}.{id:06}+00\t{idle:.3}\t{alive:.3}\t\\N\tf\t\\N\t\\N\t0\t{bytes_in}\t\
         {bytes_out}\t\\N",
        id = number + 1,
        service = service_name(place.service()),
        listener = place.service(),
        user = user_name(place.user()),
        application = place.application(),
        address = place.remote().ip(),
        port = place.remote().port(),
        second = number % 60,
        idle = number as f64 / 1_000.0,
        alive = 100.0 + number as f64 / 1_000.0,
        bytes_in = place.bytes_in(),
        bytes_out = place.bytes_out(),
    );
}
