//! The program as it ships: its start, its memory while nothing happens, its size.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rollcall::catalog::DATABASE;

use super::clock::median;
use super::cores;
use super::registry::status_kib;
use super::table::{Table, time};
use super::wire::Client;
use super::{Bench, READER_CORE};

const PROGRAM: &str = env!("CARGO_BIN_EXE_rollcall");
const CONFIGURATION: &str = "sql.listen = \"127.0.0.1:0\"\nrest.listen = \"127.0.0.1:0\"\n";
/// The longest that it may take to say where it listens.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long it is left alone before its memory is looked at.
const SETTLE: Duration = Duration::from_millis(500);
const STARTS: usize = 11;

/// What the usual stack takes, measured earlier on a machine of the same kind.
const PLAIN_START_NS: f64 = 14e6;
const PLAIN_MEMORY_MIB: f64 = 56.0;
const PLAIN_BINARY_MB: f64 = 138.0;

/// The program, serving; killed when it is dropped.
pub struct Program {
    child: Child,
    /// Where its SQL door is.
    pub sql: SocketAddr,
    _directory: tempfile::TempDir,
}

impl Program {
    /// Starts it on free ports, and waits until it says where it listens.
    pub fn start() -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let configuration = directory.path().join("rollcall.toml");
        std::fs::write(&configuration, CONFIGURATION)?;
        Self::start_with(directory)
    }

    fn start_with(directory: tempfile::TempDir) -> Result<Self> {
        let mut child = Command::new(PROGRAM)
            .arg("--config")
            .arg(directory.path().join("rollcall.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let out = child.stdout.take();
        // From here on its end is this value's.
        let mut program = Self {
            child,
            sql: SocketAddr::from(([127, 0, 0, 1], 0)),
            _directory: directory,
        };
        let (sender, said) = channel();
        std::thread::spawn(move || {
            for line in out.into_iter().flat_map(|out| BufReader::new(out).lines()) {
                if line.is_ok_and(|line| sender.send(line).is_ok()) {
                    continue;
                }
                break;
            }
        });
        let deadline = Instant::now() + PATIENCE;
        program.sql = loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = said
                .recv_timeout(left)
                .context("the program does not start")?;
            let mut words = line.split_whitespace();
            if words.next() == Some("SQL") {
                let address = words.next().context("no address")?;
                break address.parse()?;
            }
        };
        Ok(program)
    }

    /// A number of its `/proc/PID/status`, in KiB.
    fn status_kib(&self, key: &str) -> Result<u64> {
        status_kib(&self.child.id().to_string(), key)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn measure(_: &mut Bench, table: &mut Table) -> Result<()> {
    cores::unpin();
    let outcome = figures(table);
    cores::pin(READER_CORE);
    outcome
}

fn figures(table: &mut Table) -> Result<()> {
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let begun = Instant::now();
        let program = Program::start()?;
        Client::connect(program.sql, "bench", DATABASE)?.simple("SELECT 1")?;
        starts.push(begun.elapsed().as_nanos() as f64);
    }
    let start = median(starts);
    table.row(
        "from start to the first answer",
        0,
        time(start),
        time(PLAIN_START_NS),
        start / PLAIN_START_NS,
        "≤ 20 ms",
    );

    let program = Program::start()?;
    std::thread::sleep(SETTLE);
    let mut memory = |name: &str, key: &str, target: &str| {
        let mib = program.status_kib(key)? as f64 / 1_024.0;
        let plain = match key {
            "VmRSS" => PLAIN_MEMORY_MIB,
            _ => 10.0,
        };
        table.row(
            name,
            0,
            format!("{mib:.1} MiB"),
            format!("{plain:.0} MiB"),
            mib / plain,
            target,
        );
        anyhow::Ok(())
    };
    memory("idle memory", "VmRSS", "≤ 60 MiB")?;
    memory("idle memory, anonymous part", "RssAnon", "reported")?;
    Client::connect(program.sql, "bench", DATABASE)?.simple("SELECT * FROM sessions")?;
    std::thread::sleep(SETTLE);
    memory("memory after a first client", "VmRSS", "reported")?;
    memory(
        "memory after a first client, anonymous part",
        "RssAnon",
        "reported",
    )?;

    let megabytes = std::fs::metadata(PROGRAM)?.len() as f64 / 1e6;
    table.row(
        "size of the program",
        0,
        format!("{megabytes:.1} MB"),
        format!("{PLAIN_BINARY_MB:.0} MB"),
        megabytes / PLAIN_BINARY_MB,
        "≤ 100 MB",
    );
    table.note("not pinned; yardstick: the usual stack, figures of an earlier measurement");
    Ok(())
}
