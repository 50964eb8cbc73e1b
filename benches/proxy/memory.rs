//! What a session takes that is logged in and idle, in user space.

use std::time::Duration;

use anyhow::Result;

use super::Bench;
use super::crowd::Crowd;
use super::figures::verdict;
use super::markdown::{self, Column, grouped};
use super::neighbours::Way;
use super::process::Process;
use super::stage::{Cores, Stage};

const COLUMNS: [Column; 6] = [
    Column::Text("way"),
    Column::Number("sessions"),
    Column::Number("KiB/session, anonymous"),
    Column::Number("KiB/session, resident"),
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
    for way in Way::ALL {
        // One at a time: the others' sessions would be in the way.
        let stage = Stage::start(bench, &[way], Cores::All)?;
        let Some(neighbour) = stage.neighbours.first() else {
            continue;
        };
        let Some(process) = &neighbour.process else {
            continue;
        };
        Crowd::default().grow(neighbour, WARM_UP)?;
        let empty = Memory::of(process)?;
        let mut crowd = Crowd::default();
        for &size in &bench.sizes {
            crowd.grow(neighbour, size)?;
            let full = Memory::of(process)?;
            let each = |full: u64, empty: u64| (full as f64 - empty as f64) / size as f64;
            let anonymous = each(full.anonymous_kib, empty.anonymous_kib);
            rows.push([
                way.name().to_owned(),
                grouped(size),
                format!("{anonymous:.2}"),
                format!("{:.2}", each(full.resident_kib, empty.resident_kib)),
                format!("{:.1}", empty.resident_kib as f64 / 1_024.0),
                match way {
                    Way::Rollcall => verdict(anonymous <= TARGET_KIB),
                    _ => String::new(),
                },
            ]);
        }
    }
    markdown::print(&COLUMNS, &rows);
    println!(
        "\n- each session has sent one statement, so that PgBouncer too has a connection to the server for it; \
         the server is a stand-in\n- sockets' memory in the kernel is not counted"
    );
    Ok(())
}

struct Memory {
    anonymous_kib: u64,
    resident_kib: u64,
}

impl Memory {
    fn of(process: &Process) -> Result<Self> {
        std::thread::sleep(SETTLE);
        Ok(Self {
            anonymous_kib: process.memory_kib("Anonymous")?,
            resident_kib: process.memory_kib("Rss")?,
        })
    }
}
