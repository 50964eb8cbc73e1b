//! The live table, measured: what each question costs, beside a yardstick in the same run.
//!
//! `cargo bench --bench live_table` runs all sections and prints one Markdown table for each; `cargo bench --bench
//! live_table -- group json` runs those two. `ROLLCALL_BENCH_SIZES=1000,20000` measures at other numbers of sessions.
//!
//! # The load
//!
//! Each size is a registry of synthetic sessions: 8 services, 1,000 users, distinct remotes. While a question is
//! measured, one thread on a core of its own touches random sessions as fast as it can; a second pass adds 1,000
//! registers and drops a second. Everything that asks and answers shares the other core: the client, the doors, the
//! catalog's query threads and PostgreSQL alike. Where a section differs it says so.

mod clock;
#[path = "../shared/cluster.rs"]
mod cluster;
mod copy;
#[path = "../shared/cores.rs"]
mod cores;
mod dashboard;
mod doors;
mod drivers;
mod encode;
mod http;
mod json;
mod load;
mod lookup;
#[path = "../shared/markdown.rs"]
mod markdown;
mod memtable;
mod page;
mod ping;
mod postgres;
mod program;
mod questions;
mod registry;
mod small;
mod table;
#[path = "../shared/wire.rs"]
mod wire;
mod world;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use postgres::Postgres;
use table::Table;
use world::World;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Numbers of sessions to measure at.
const SIZES: [usize; 3] = [1_000, 100_000, 1_000_000];
const SIZES_VARIABLE: &str = "ROLLCALL_BENCH_SIZES";

/// No section begins later than this after the first one.
const BEGIN_UNTIL: Duration = Duration::from_secs(10 * 60);

/// The core of whoever asks and answers, and that of the traffic.
pub const READER_CORE: usize = 0;
pub const WRITER_CORE: usize = 1;

type Section = fn(&mut Bench, &mut Table) -> Result<()>;

/// In the order in which they run: those that want the process small come first.
const SECTIONS: [(&str, &str, Section); 15] = [
    ("program", "The program", program::measure),
    ("ping", "`SELECT 1`", ping::measure),
    ("register", "Coming and going", registry::register),
    ("wire5000", "5,000 sessions over the wire", small::measure),
    ("lookup", "One session by id", lookup::measure),
    ("count", "How many", questions::count),
    ("group", "Groups", questions::group),
    ("idle", "Idle", questions::idle),
    ("page", "A page of 50", page::measure),
    ("touch", "Traffic beside a scan", registry::touch),
    ("json", "JSON lists", json::measure),
    ("encode", "`SELECT *` to the wire", encode::measure),
    ("copy", "`COPY` to the wire", copy::measure),
    ("dashboard", "A dashboard", dashboard::measure),
    ("drivers", "Through drivers", drivers::measure),
];

/// What sections share.
pub struct Bench {
    sizes: Vec<usize>,
    worlds: Vec<World>,
    postgres: Option<Result<Postgres, String>>,
}

impl Bench {
    /// The numbers of sessions to measure at, smallest first.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// The world with so many sessions, made when it is first asked for.
    pub fn world(&mut self, size: usize) -> Result<&mut World> {
        let known = self.worlds.iter().position(|world| world.len() == size);
        let at = match known {
            Some(at) => at,
            None => {
                self.worlds.push(World::new(size)?);
                self.worlds.len() - 1
            }
        };
        Ok(&mut self.worlds[at])
    }

    /// The largest world.
    pub fn largest(&mut self) -> Result<&mut World> {
        let size = self.sizes.last().copied().context("no sizes")?;
        self.world(size)
    }

    /// A running PostgreSQL, or why there is none. Started when it is first asked for.
    pub fn postgres(&mut self) -> Result<&mut Postgres, String> {
        let start = || Postgres::start().map_err(|error| format!("{error:#}"));
        let server = self.postgres.get_or_insert_with(start);
        server.as_mut().map_err(|why| why.clone())
    }

    /// The world with so many sessions and PostgreSQL beside it, if that runs.
    pub fn beside_postgres(&mut self, size: usize) -> Result<Option<(&mut World, &mut Postgres)>> {
        self.world(size)?;
        let world = self.worlds.iter_mut().find(|world| world.len() == size);
        match (world, &mut self.postgres) {
            (Some(world), Some(Ok(postgres))) => Ok(Some((world, postgres))),
            _ => Ok(None),
        }
    }
}

fn sizes() -> Result<Vec<usize>> {
    let Ok(given) = std::env::var(SIZES_VARIABLE) else {
        return Ok(SIZES.to_vec());
    };
    let mut sizes = given
        .split(',')
        .map(|size| size.trim().parse())
        .collect::<Result<Vec<usize>, _>>()
        .with_context(|| format!("{SIZES_VARIABLE}: {given:?} is no list of numbers"))?;
    sizes.retain(|size| *size > 0);
    sizes.sort_unstable();
    sizes.dedup();
    anyhow::ensure!(!sizes.is_empty(), "{SIZES_VARIABLE}: no sizes");
    Ok(sizes)
}

fn run() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, size] = &arguments[..]
        && mode == registry::MEMORY_MODE
    {
        return registry::report_memory(size.parse().context("a number of sessions")?);
    }
    // Cargo adds options of the usual harness, such as --bench.
    let asked: Vec<&String> = arguments.iter().filter(|a| !a.starts_with('-')).collect();
    let known = |name: &str| SECTIONS.iter().any(|(known, ..)| *known == name);
    if let Some(unknown) = asked.iter().find(|name| !known(name)) {
        let names: Vec<&str> = SECTIONS.iter().map(|(name, ..)| *name).collect();
        anyhow::bail!("no section {unknown:?}; there are: {}", names.join(", "));
    }
    if cfg!(debug_assertions) {
        println!("Built without optimisation: these figures mean nothing.\n");
    }
    cores::pin(READER_CORE);
    let mut bench = Bench {
        sizes: sizes()?,
        worlds: Vec::new(),
        postgres: None,
    };
    let begun = Instant::now();
    let mut failed = 0;
    for (name, title, measure) in SECTIONS {
        if !asked.is_empty() && !asked.iter().any(|asked| *asked == name) {
            continue;
        }
        if begun.elapsed() > BEGIN_UNTIL {
            eprintln!("{name}: skipped, the time is over");
            continue;
        }
        println!("### {title} (`{name}`)\n");
        let section = Instant::now();
        let mut table = Table::default();
        let outcome = measure(&mut bench, &mut table);
        table.print();
        // One section that fails does not cost the others.
        if let Err(error) = outcome {
            println!("\nFailed: {error:#}");
            failed += 1;
        }
        eprintln!("{name}: {:.1} s", section.elapsed().as_secs_f64());
        println!();
    }
    eprintln!("all: {:.1} s", begun.elapsed().as_secs_f64());
    anyhow::ensure!(failed == 0, "{failed} sections failed");
    Ok(())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("live_table: {error:#}");
            ExitCode::FAILURE
        }
    }
}
