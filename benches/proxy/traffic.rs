//! `pgbench -S`: one row by its key, as fast as it goes.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::cluster::{Cluster, DATABASE, SUPERUSER, find};
use super::figures::quantile;
use super::neighbours::Neighbour;
use super::process::apart;

/// A million rows.
const SCALE: &str = "10";

/// What pgbench does.
#[derive(Clone, Copy)]
pub struct Traffic {
    pub protocol: &'static str,
    pub clients: usize,
    /// A connection for each transaction.
    pub reconnect: bool,
}

/// One round.
pub struct Outcome {
    /// Transactions in a second; the first log-ins do not count.
    pub per_second: f64,
    /// CPU time of the proxy for a transaction, in microseconds; not a number on the direct way.
    pub cpu_us: f64,
    /// The time that 99.9 % of the transactions stayed below, in milliseconds; not a number unless asked for.
    pub p999_ms: f64,
}

/// Makes the tables, and reads them once.
pub fn fill(postgres: &Cluster) -> Result<()> {
    run(pgbench(postgres.address)?.args(["-i", "-q", "-s", SCALE]))?;
    let mut client = postgres.client()?;
    client.simple("SELECT count(abalance) FROM pgbench_accounts")?;
    Ok(())
}

impl Traffic {
    /// One round on this way.
    pub fn run(self, way: &Neighbour, round: Duration) -> Result<Outcome> {
        self.measure(way, round, None)
    }

    /// The same with the time of each transaction written down.
    pub fn run_with_latencies(self, way: &Neighbour, round: Duration) -> Result<Outcome> {
        let directory = tempfile::tempdir()?;
        self.measure(way, round, Some(directory.path()))
    }

    fn measure(self, way: &Neighbour, round: Duration, log: Option<&Path>) -> Result<Outcome> {
        let mut command = pgbench(way.address)?;
        command.args(["-S", "-n", "-j", "1", "-M", self.protocol]);
        command.args(["-c", &self.clients.to_string()]);
        command.args(["-T", &round.as_secs().to_string()]);
        if self.reconnect {
            command.arg("-C");
        }
        if let Some(log) = log {
            command.arg("-l").arg(prefix(log));
        }
        let cpu = || {
            way.process
                .as_ref()
                .map(|process| process.cpu())
                .transpose()
        };
        let before = cpu()?;
        let said = run(&mut command).with_context(|| way.way.name())?;
        let spent = cpu()?.zip(before).map(|(after, before)| after - before);
        let p999_ms = match log {
            Some(log) => quantile(latencies_ms(log)?, 0.999),
            None => f64::NAN,
        };
        let transactions: f64 = number(&said, "number of transactions actually processed: ")?;
        Ok(Outcome {
            per_second: number(&said, "tps = ")?,
            cpu_us: spent.map_or(f64::NAN, |cpu| cpu.as_secs_f64() * 1e6 / transactions),
            p999_ms,
        })
    }
}

fn prefix(directory: &Path) -> String {
    format!("--log-prefix={}", directory.join("log").display())
}

/// The time of each transaction: the third field of a line, in microseconds.
fn latencies_ms(directory: &Path) -> Result<Vec<f64>> {
    let mut latencies = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let text = std::fs::read_to_string(entry?.path())?;
        for line in text.lines() {
            let field = line.split(' ').nth(2).context("a short line in the log")?;
            let microseconds: f64 = field.parse()?;
            latencies.push(microseconds / 1e3);
        }
    }
    ensure!(!latencies.is_empty(), "pgbench wrote no log");
    Ok(latencies)
}

fn pgbench(address: SocketAddr) -> Result<Command> {
    let program: PathBuf =
        find("pgbench").context("pgbench not found (apt-get install postgresql)")?;
    let mut command = apart(program);
    command
        .args(["-h", &address.ip().to_string()])
        .args(["-p", &address.port().to_string()])
        .args(["-U", SUPERUSER, "-d", DATABASE])
        .stdin(Stdio::null());
    Ok(command)
}

fn run(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    ensure!(
        output.status.success(),
        "pgbench: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The number after these words.
fn number(said: &str, words: &str) -> Result<f64> {
    let mut lines = said.lines();
    let value = lines.find_map(|line| line.strip_prefix(words)?.split([' ', '/']).next());
    let value = value.with_context(|| format!("pgbench does not say {words:?}"))?;
    Ok(value.parse()?)
}
