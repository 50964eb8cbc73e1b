//! PostgreSQL as a yardstick: a cluster of its own in a temporary directory, ended with the value.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid};

use super::READER_CORE;
use super::load;
use super::wire::Client;
use super::world::{Place, World, service_name, user_name};

/// Where Debian's packages, and others after them, put the programs.
const VERSIONS: &str = "/usr/lib/postgresql";
const SUPERUSER: &str = "bench";
const DATABASE: &str = "postgres";
/// How long it may take to start and to stop.
const PATIENCE: Duration = Duration::from_secs(30);
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
    statement_started timestamptz, in_transaction boolean NOT NULL, statements bigint NOT NULL, \
    bytes_in bigint NOT NULL, bytes_out bigint NOT NULL, tls text";

/// A running server.
pub struct Postgres {
    /// Its version, `15.4`.
    pub version: String,
    /// Where it listens.
    pub address: SocketAddr,
    server: Child,
    filled: Vec<usize>,
    _directory: tempfile::TempDir,
}

impl Postgres {
    /// Starts a server on a free port of the loopback interface, on the core of everybody who answers.
    ///
    /// # Errors
    /// When there is none on this machine, or it does not come up.
    pub fn start() -> Result<Self> {
        let programs = programs().context("PostgreSQL 15 not found: skipped")?;
        let directory = tempfile::tempdir()?;
        let data = directory.path().join("data");
        let account = account()?;
        if let Some((user, group)) = account {
            chown(directory.path(), Some(user), Some(group))?;
        }
        let command = |program: &str| {
            let mut command = Command::new(programs.join(program));
            // It refuses to run as root.
            if let Some((user, group)) = account {
                command.uid(user).gid(group);
            }
            command.current_dir(directory.path()).stdin(Stdio::null());
            command
        };
        let version = command("postgres").arg("--version").output()?.stdout;
        let version = String::from_utf8_lossy(&version);
        let version = version.split_whitespace().nth(2).unwrap_or("?").to_owned();
        let made = command("initdb")
            .args(["-N", "-A", "trust", "-E", "UTF8", "--locale", "C.UTF-8"])
            .args(["-U", SUPERUSER, "-D"])
            .arg(&data)
            .output()?;
        ensure!(
            made.status.success(),
            "initdb failed: {}",
            String::from_utf8_lossy(&made.stderr).trim()
        );
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = free.local_addr()?;
        drop(free);
        let mut start = command("postgres");
        start.arg("-D").arg(&data);
        start.args(["-h", "127.0.0.1", "-p", &address.port().to_string()]);
        start.args(["-c", "unix_socket_directories="]);
        for setting in SETTINGS {
            start.args(["-c", setting]);
        }
        let log = directory.path().join("log");
        let server = start
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()?;
        let mut postgres = Self {
            version,
            address,
            server,
            filled: Vec::new(),
            _directory: directory,
        };
        postgres.wait_until_up(&log)?;
        Ok(postgres)
    }

    /// What to call it in a table.
    pub fn name(&self) -> String {
        format!("PostgreSQL {}", self.version)
    }

    /// A new connection.
    pub fn client(&self) -> Result<Client> {
        Client::connect(self.address, SUPERUSER, DATABASE)
    }

    /// The user and the database of its clients.
    pub fn login(&self) -> (&'static str, &'static str) {
        (SUPERUSER, DATABASE)
    }

    /// Connections that are made from now on are served on any core, or on that of everybody who answers.
    pub fn pinned(&self, pinned: bool) {
        let process = Pid::from_raw(self.server.id() as i32);
        match pinned {
            true => load::pin_process(process, READER_CORE),
            false => load::unpin_process(process),
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

    fn wait_until_up(&mut self, log: &Path) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let ended = self.server.try_wait()?;
            if ended.is_none() && self.client().is_ok() {
                return Ok(());
            }
            if ended.is_some() || Instant::now() > deadline {
                let mut said = String::new();
                File::open(log)?.read_to_string(&mut said)?;
                bail!("PostgreSQL does not start: {}", said.trim());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let process = Pid::from_raw(self.server.id() as i32);
        // A fast shutdown first: it leaves no shared memory behind.
        let _ = kill(process, Signal::SIGINT);
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            match self.server.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(20)),
                _ => return,
            }
        }
        let _ = kill(process, Signal::SIGQUIT);
        let _ = self.server.wait();
    }
}

/// Where the programs of version 15 are, else those of the newest version.
fn programs() -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir(VERSIONS)
        .ok()?
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let version = path.file_name()?.to_str()?.parse().ok()?;
            let programs = path.join("bin");
            let whole = programs.join("postgres").exists() && programs.join("initdb").exists();
            whole.then_some((version, programs))
        })
        .collect();
    versions.sort_by_key(|(version, _)| (*version == 15, *version));
    versions.pop().map(|(_, programs)| programs)
}

/// One of PostgreSQL's client programs, from beside the server or from the path.
pub fn find(program: &str) -> Option<PathBuf> {
    let beside = programs().map(|programs| programs.join(program));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|directory| directory.join(program));
    beside.into_iter().chain(on_path).find(|file| file.exists())
}

/// Whom to run it as: the account `postgres` when we are root, else ourselves.
fn account() -> Result<Option<(u32, u32)>> {
    if !Uid::effective().is_root() {
        return Ok(None);
    }
    let accounts = std::fs::read_to_string("/etc/passwd")?;
    let fields = accounts
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| fields[0] == "postgres" && fields.len() > 3)
        .context("PostgreSQL cannot run as root and there is no account postgres: skipped")?;
    Ok(Some((fields[2].parse()?, fields[3].parse()?)))
}

/// The session of a place, as COPY reads it.
fn row(text: &mut String, place: Place) {
    let number = place.0;
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "{id}\t{service}\tlistener-{listener}\treadwritesplit\tpostgresql\t\\N\t\
         Session ready for routing\tf\t{user}\tshop\t{application}\t{address}\t{port}\t\
         2026-01-01 00:00:{second:02}.{id:06}+00\t{idle:.3}\t{alive:.3}\t\\N\tf\t0\t{bytes_in}\t\
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
