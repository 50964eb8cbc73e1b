//! The registry alone: traffic beside a scan, sessions that come and go, and what one takes.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use rollcall::session::{Registry, RegistryFull};

use super::clock::{ROUNDS, median};
use super::cores;
use super::load::Traffic;
use super::markdown::grouped;
use super::table::{Table, rate};
use super::world::{Maker, Place, World};
use super::{Bench, READER_CORE, WRITER_CORE};

/// How long one round counts.
const WINDOW: Duration = Duration::from_millis(400);

/// The first argument of the process that measures memory.
pub const MEMORY_MODE: &str = "--memory-of";

/// Touches in a second, with a scan beside them and without.
pub fn touch(bench: &mut Bench, table: &mut Table) -> Result<()> {
    let sizes = bench.sizes().to_vec();
    let largest = sizes.last().copied();
    for size in sizes {
        let [beside, alone] = bench
            .world(size)?
            .under(Traffic::Touches, |world, writer| {
                let reader = world.reader();
                let scan = reader.prepare("SELECT max(idle) FROM sessions")?;
                reader.run(&scan, Vec::new())?;
                let mut rates = [Vec::new(), Vec::new()];
                for _ in 0..ROUNDS {
                    for (scanning, rates) in [true, false].into_iter().zip(&mut rates) {
                        let (begun, before) = (Instant::now(), writer.touches());
                        while begun.elapsed() < WINDOW {
                            match scanning {
                                true => drop(reader.run(&scan, Vec::new())?),
                                false => std::thread::sleep(WINDOW / 20),
                            }
                        }
                        let touches = (writer.touches() - before) as f64;
                        rates.push(touches / begun.elapsed().as_secs_f64());
                    }
                }
                Ok(rates.map(median))
            })?;
        table.row(
            "touches of random sessions beside scans",
            size,
            rate(beside, "touches"),
            rate(alone, "touches"),
            beside / alone,
            if largest == Some(size) {
                "≥ 0.95×"
            } else {
                "reported"
            },
        );
    }
    table.note(
        "one thread touches on one core, `SELECT max(idle)` runs without a pause on the other; \
         yardstick: the same without it",
    );
    Ok(())
}

/// Registers and drops in a second, and the bytes of a session.
pub fn register(bench: &mut Bench, table: &mut Table) -> Result<()> {
    let sizes = bench.sizes().to_vec();
    let registry = Registry::new();
    let maker = Maker::new(&registry);
    for cores in [&[WRITER_CORE][..], &[READER_CORE, WRITER_CORE]] {
        let mut rates = Vec::new();
        for _ in 0..ROUNDS {
            rates.push(churn(&registry, &maker, cores)?);
        }
        let threads = cores.len();
        let plural = if threads == 1 { "" } else { "s" };
        table.alone(
            format!("register, profile, drop on {threads} thread{plural}"),
            0,
            rate(median(rates), "sessions"),
            "–",
            "reported",
        );
    }
    for size in sizes {
        let bytes = memory_of(size)?;
        let mut row = |name: &str, total: usize, target: &str| {
            let each = total / size;
            table.row(
                name,
                size,
                format!("{} B", grouped(each)),
                "1,024 B".to_owned(),
                each as f64 / 1_024.0,
                target,
            );
        };
        row("memory of a session", bytes.registered, "≤ 1 KiB");
        row(
            "… with all columns kept for readers",
            bytes.read,
            "reported",
        );
    }
    table.note(
        "memory: resident set with the sessions less that before, in a process of its own, divided by their number; \
         users, services and the like are shared between sessions here, so that their strings take nothing of it",
    );
    Ok(())
}

/// Sessions that came and went in a second, on all these cores together.
fn churn(registry: &Arc<Registry>, maker: &Maker, cores: &[usize]) -> Result<f64> {
    let stop = AtomicBool::new(false);
    let stop = &stop;
    let begun = Instant::now();
    let sessions = std::thread::scope(|scope| {
        let count = |core: usize| {
            move || -> Result<u64, RegistryFull> {
                cores::pin(core);
                let mut sessions = 0;
                while !stop.load(Ordering::Relaxed) {
                    drop(maker.register(registry, Place(sessions as usize))?);
                    sessions += 1;
                }
                Ok(sessions)
            }
        };
        let threads: Vec<_> = cores.iter().map(|core| scope.spawn(count(*core))).collect();
        std::thread::sleep(WINDOW);
        stop.store(true, Ordering::Relaxed);
        let mut sessions = 0;
        for thread in threads {
            sessions += thread.join().map_err(|_| anyhow!("a thread failed"))??;
        }
        anyhow::Ok(sessions)
    })?;
    Ok(sessions as f64 / begun.elapsed().as_secs_f64())
}

/// What sessions take, in bytes of resident memory.
struct Memory {
    /// Registered and never looked at.
    registered: usize,
    /// With what was kept when all columns were read.
    read: usize,
}

/// Asks a process of its own, in which nothing else has used memory before.
fn memory_of(size: usize) -> Result<Memory> {
    let output = Command::new(std::env::current_exe()?)
        .args([MEMORY_MODE, &size.to_string()])
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<usize> = text.split_whitespace().flat_map(str::parse).collect();
    let [registered, read] = numbers[..] else {
        let error = String::from_utf8_lossy(&output.stderr);
        return Err(anyhow!("no report of memory: {}", error.trim()));
    };
    Ok(Memory { registered, read })
}

/// Prints what `size` sessions take: once registered, and once all their columns have been read.
pub fn report_memory(size: usize) -> Result<()> {
    let before = World::new(1)?;
    drop(before.reader().rows("SELECT * FROM sessions")?);
    let empty = status_kib("self", "VmRSS")?;
    let world = World::new(size)?;
    let registered = status_kib("self", "VmRSS")?;
    let prepared = world.reader().prepare("SELECT * FROM sessions")?;
    let rows = world.reader().run(&prepared, Vec::new())?;
    ensure!(rows == size, "{rows} rows");
    let read = status_kib("self", "VmRSS")?;
    let above = |kib: u64| kib.saturating_sub(empty) * 1_024;
    println!("{} {}", above(registered), above(read));
    Ok(())
}

/// A number of `/proc/PID/status` that is in KiB, such as `VmRSS`.
pub fn status_kib(process: &str, key: &str) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find(|line| line.starts_with(key));
    let number = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
    number.with_context(|| format!("no {key} of process {process}"))
}

/// Lets `VmHWM` of this process begin again from what is resident now.
pub fn forget_peak() -> Result<()> {
    std::fs::write("/proc/self/clear_refs", "5").context("the peak of memory cannot be reset")
}
