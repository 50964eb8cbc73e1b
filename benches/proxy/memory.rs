//! What a session takes that is logged in and idle, in user space.

use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::prctl::set_thp_disable;

use super::Bench;
use super::crowd::Crowd;
use super::figures::verdict;
use super::markdown::{self, Column, grouped};
use super::neighbours::Way;
use super::stage::{Cores, Stage};

const COLUMNS: [Column; 6] = [
    Column::Text("way"),
    Column::Number("sessions"),
    Column::Number("KiB/session"),
    Column::Number("KiB/session, no huge pages"),
    Column::Number("MiB without sessions"),
    Column::Text("≤ 3 KiB"),
];

const TARGET_KIB: f64 = 3.0;
/// Sessions that come and go before anything is measured: what the first ones make is not made again.
const WARM_UP: usize = 50;
/// How long a process is left alone before its memory is looked at.
const SETTLE: Duration = Duration::from_secs(2);

pub fn measure(bench: &Bench) -> Result<()> {
    let mut rows = Vec::new();
    for way in Way::ALL.into_iter().filter(|way| *way != Way::Direct) {
        // A neighbour that fails does not cost the others.
        match measure_both(bench, way) {
            Ok(some) => rows.extend(some),
            Err(error) => println!("Failed: {}: {error:#}\n", way.name()),
        }
    }
    markdown::print(&COLUMNS, &rows);
    println!(
        "\n- each session has sent one statement, so that PgBouncer too has a connection to the server for it; \
         the server is a stand-in\n- anonymous memory; sockets' memory in the kernel is not counted\n\
         - with huge pages, which some allocators ask for, memory comes 2 MiB at a time: the target is judged with \
         them, as everybody runs by default"
    );
    Ok(())
}

/// As it runs by default, and once more without huge pages, which tells what the sessions themselves take.
fn measure_both(bench: &Bench, way: Way) -> Result<Vec<[String; 6]>> {
    let usual = measure_one(bench, way)?;
    // The processes that are started inherit this.
    set_thp_disable(true)?;
    let exact = measure_one(bench, way);
    set_thp_disable(false)?;
    let rows = usual.iter().zip(exact?).zip(&bench.sizes);
    let rows = rows.map(|((usual, exact), size)| {
        [
            way.name().to_owned(),
            grouped(*size),
            format!("{:.2}", usual.session_kib),
            format!("{:.2}", exact.session_kib),
            format!("{:.1}", usual.empty_kib / 1_024.0),
            match way {
                Way::Rollcall => verdict(usual.session_kib <= TARGET_KIB),
                _ => String::new(),
            },
        ]
    });
    Ok(rows.collect())
}

/// For each number of sessions.
fn measure_one(bench: &Bench, way: Way) -> Result<Vec<Memory>> {
    // One at a time: the others' sessions would be in the way.
    let stage = Stage::start(bench, &[way], Cores::All)?;
    let Some(neighbour) = stage.neighbours.first() else {
        return Ok(Vec::new());
    };
    let process = neighbour.process.as_ref().context("no process")?;
    Crowd::default().grow(neighbour, WARM_UP)?;
    std::thread::sleep(SETTLE);
    let empty_kib = process.memory_kib("Rss")? as f64;
    let empty_anonymous_kib = process.memory_kib("Anonymous")? as f64;
    let mut crowd = Crowd::default();
    let mut memory = Vec::new();
    for &size in &bench.sizes {
        crowd.grow(neighbour, size)?;
        std::thread::sleep(SETTLE);
        let anonymous_kib = process.memory_kib("Anonymous")? as f64;
        memory.push(Memory {
            session_kib: (anonymous_kib - empty_anonymous_kib) / size as f64,
            empty_kib,
        });
    }
    Ok(memory)
}

struct Memory {
    /// Anonymous memory that a session adds.
    session_kib: f64,
    /// Resident memory without sessions.
    empty_kib: f64,
}
