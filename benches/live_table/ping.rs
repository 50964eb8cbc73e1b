//! `SELECT 1` by pgbench: what any statement costs at least, beside PostgreSQL. Nobody is pinned here.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use rollcall::catalog::DATABASE;

use super::clock::{ROUNDS, median};
use super::cores;
use super::program::Program;
use super::table::{Table, time};
use super::{Bench, READER_CORE};

/// Seconds of one round.
const SECONDS: &str = "1";
const MODES: [&str; 3] = ["simple", "extended", "prepared"];

/// Someone to ask.
struct Server<'a> {
    address: SocketAddr,
    user: &'a str,
    database: &'a str,
}

pub fn measure(bench: &mut Bench, table: &mut Table) -> Result<()> {
    let Some(pgbench) = super::cluster::find("pgbench") else {
        table.note("pgbench not found: skipped");
        return Ok(());
    };
    cores::unpin();
    let outcome = figures(bench, &pgbench, table);
    cores::pin(READER_CORE);
    if let Ok(postgres) = bench.postgres() {
        postgres.pinned(true);
    }
    outcome?;
    table.note(
        "one client, one connection; ours is the program as it ships, in a process of its own",
    );
    Ok(())
}

fn figures(bench: &mut Bench, pgbench: &Path, table: &mut Table) -> Result<()> {
    let program = Program::start()?;
    let ours = Server {
        address: program.sql,
        user: "bench",
        database: DATABASE,
    };
    let (name, theirs) = match bench.postgres() {
        Ok(postgres) => {
            postgres.pinned(false);
            let (user, database) = postgres.login();
            let address = postgres.address();
            let server = Server {
                address,
                user,
                database,
            };
            (postgres.name(), Some(server))
        }
        Err(why) => {
            table.note(why);
            ("skipped".to_owned(), None)
        }
    };
    let directory = tempfile::tempdir()?;
    let script = directory.path().join("select_1.sql");
    std::fs::write(&script, "SELECT 1;\n")?;
    for mode in MODES {
        let mut rounds = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            for (server, rounds) in [Some(&ours), theirs.as_ref()].iter().zip(&mut rounds) {
                if let Some(server) = server {
                    rounds.push(server.latency(pgbench, &script, mode)?);
                }
            }
        }
        let [ours, theirs] = rounds.map(median);
        table.row(
            format!("SELECT 1, {mode}"),
            0,
            time(ours),
            format!("{name} {}", time(theirs)),
            ours / theirs,
            "≤ 1.5×",
        );
    }
    Ok(())
}

impl Server<'_> {
    /// The mean time of an answer in one round, in nanoseconds.
    fn latency(&self, pgbench: &Path, script: &Path, mode: &str) -> Result<f64> {
        let output = Command::new(pgbench)
            .args(["-n", "-c", "1", "-j", "1", "-T", SECONDS, "-M", mode, "-f"])
            .arg(script)
            .args(["-h", &self.address.ip().to_string()])
            .args(["-p", &self.address.port().to_string()])
            .args(["-U", self.user, self.database])
            .stdin(Stdio::null())
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        ensure!(
            output.status.success(),
            "pgbench: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
        // Its own latency is rounded to microseconds.
        let per_second: f64 = text
            .lines()
            .find_map(|line| line.strip_prefix("tps = ")?.split(' ').next())
            .context("pgbench says nothing of transactions")?
            .parse()?;
        Ok(1e9 / per_second)
    }
}
