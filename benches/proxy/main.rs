//! The proxy, measured: `pgbench` and `sysbench` through it and through its neighbours, its memory, and what looking
//! costs.
//!
//! `cargo bench --bench proxy` runs all sections and prints one Markdown table for each; `cargo bench --bench proxy
//! -- memory heavy` runs those two. `ROLLCALL_BENCH_ROUNDS` and `ROLLCALL_BENCH_SECONDS` make it shorter,
//! `ROLLCALL_BENCH_SIZES=1000,5000` chooses the numbers of idle sessions.
//!
//! # What is compared
//!
//! The program as it is built, PgBouncer in session mode, HAProxy in TCP mode and two bare relays of our own
//! ([`relay`]), each a process of its own in front of the same PostgreSQL. They take turns in every round, and another
//! one begins each time, so that whatever disturbs the machine disturbs all.
//!
//! This program does not link the library: what it measures is in other processes.

mod crowd;
mod figures;
mod heavy;
mod load;
mod mariadb;
mod memory;
mod neighbours;
mod pgbench;
mod polling;
mod process;
mod relay;
mod stage;
mod stand_in;
mod traffic;

#[path = "../shared/cluster.rs"]
mod cluster;
#[path = "../shared/cores.rs"]
#[allow(dead_code, reason = "the other benchmark uses the rest")]
mod cores;
#[path = "../shared/markdown.rs"]
mod markdown;
#[path = "../shared/wire.rs"]
#[allow(dead_code, reason = "the other benchmark uses the rest")]
mod wire;

use std::process::ExitCode;
use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use cluster::Cluster;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 5;
const ROUNDS_VARIABLE: &str = "ROLLCALL_BENCH_ROUNDS";
const SECONDS: u64 = 5;
const SECONDS_VARIABLE: &str = "ROLLCALL_BENCH_SECONDS";
const SIZES: [usize; 2] = [1_000, 5_000];
const SIZES_VARIABLE: &str = "ROLLCALL_BENCH_SIZES";

/// The core that all share when they are pinned, and one that is none of theirs.
pub const CORE: usize = 0;
pub const OTHER_CORE: usize = 1;

/// Everything stays in memory and nothing waits for a disk. One core or two are for all: no process helps another.
const POSTGRES_SETTINGS: [&str; 8] = [
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "autovacuum=off",
    "jit=off",
    "shared_buffers=512MB",
    "max_connections=300",
    "max_parallel_workers_per_gather=0",
];

type Section = fn(&Bench) -> Result<()>;

const SECTIONS: [(&str, &str, Section); 5] = [
    ("pgbench", "`pgbench -S`", pgbench::measure),
    (
        "sysbench",
        "`sysbench oltp_point_select` before MariaDB",
        mariadb::measure,
    ),
    ("memory", "Memory of idle sessions", memory::measure),
    (
        "polling",
        "Traffic while the view is polled",
        polling::measure,
    ),
    ("heavy", "Traffic beside a heavy query", heavy::measure),
];

/// What sections share.
pub struct Bench {
    /// Rounds that a median is of.
    pub rounds: usize,
    /// How long one round counts.
    pub round: Duration,
    /// Numbers of idle sessions, smallest first.
    pub sizes: Vec<usize>,
    /// The server behind all, with the tables of pgbench.
    pub postgres: Cluster,
}

impl Bench {
    /// The largest number of idle sessions.
    pub fn largest(&self) -> usize {
        self.sizes.last().copied().unwrap_or(0)
    }

    /// What every table should say of how it was made.
    pub fn note_rounds(&self) {
        println!(
            "\n- medians of {} interleaved rounds of {} s with the least and the most; {}",
            self.rounds,
            self.round.as_secs(),
            self.postgres.name(),
        );
    }
}

/// A positive number of the environment, or the usual one.
fn number<T: FromStr + PartialOrd + Default>(variable: &str, usual: T) -> Result<T> {
    let Ok(given) = std::env::var(variable) else {
        return Ok(usual);
    };
    match given.trim().parse() {
        Ok(number) if number > T::default() => Ok(number),
        _ => bail!("{variable}: {given:?} is no positive number"),
    }
}

fn sizes() -> Result<Vec<usize>> {
    let Ok(given) = std::env::var(SIZES_VARIABLE) else {
        return Ok(SIZES.to_vec());
    };
    let numbers = given.split(',').map(|size| size.trim().parse());
    let mut sizes = numbers
        .collect::<Result<Vec<usize>, _>>()
        .with_context(|| format!("{SIZES_VARIABLE}: {given:?} is no list of numbers"))?;
    sizes.sort_unstable();
    ensure!(sizes.first() > Some(&0), "{SIZES_VARIABLE}: 0 sessions");
    Ok(sizes)
}

/// Files for many sessions, here and in the processes that are started. A proxy holds two sockets of each.
fn raise_file_limit(sessions: usize) -> Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    let needed = 2 * sessions as u64 + 500;
    ensure!(
        hard >= needed,
        "{sessions} sessions need {needed} open files and {hard} are allowed (ulimit -Hn)"
    );
    Ok(())
}

fn run() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some((mode, arguments)) = arguments.split_first()
        && let Some(outcome) = process::serve_parent(mode, arguments)
    {
        return outcome;
    }
    // Cargo adds options of the usual harness, such as --bench.
    let asked: Vec<&String> = arguments.iter().filter(|a| !a.starts_with('-')).collect();
    let known = |name: &str| SECTIONS.iter().any(|(known, ..)| *known == name);
    if let Some(unknown) = asked.iter().find(|name| !known(name)) {
        let names: Vec<&str> = SECTIONS.iter().map(|(name, ..)| *name).collect();
        bail!("no section {unknown:?}; there are: {}", names.join(", "));
    }
    if cfg!(debug_assertions) {
        println!("Built without optimisation: these figures mean nothing.\n");
    }
    let bench = Bench {
        rounds: number(ROUNDS_VARIABLE, ROUNDS)?,
        round: Duration::from_secs(number(SECONDS_VARIABLE, SECONDS)?),
        sizes: sizes()?,
        postgres: Cluster::start(&POSTGRES_SETTINGS)?,
    };
    raise_file_limit(bench.largest())?;
    traffic::fill(&bench.postgres)?;
    let mut failed = 0;
    for (name, title, measure) in SECTIONS {
        if !asked.is_empty() && !asked.iter().any(|asked| *asked == name) {
            continue;
        }
        println!("### {title} (`{name}`)\n");
        let begun = Instant::now();
        // One section that fails does not cost the others.
        if let Err(error) = measure(&bench) {
            println!("\nFailed: {error:#}");
            failed += 1;
        }
        eprintln!("{name}: {:.1} s", begun.elapsed().as_secs_f64());
        println!();
    }
    ensure!(failed == 0, "{failed} sections failed");
    Ok(())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("proxy: {error:#}");
            ExitCode::FAILURE
        }
    }
}
