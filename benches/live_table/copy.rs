//! COPY … TO STDOUT of all sessions to a client that only counts, beside PostgreSQL's of a table with the same rows.

use anyhow::{Result, ensure};

use super::Bench;
use super::clock::{median_of, medians};
use super::load::Traffic;
use super::postgres::Postgres;
use super::registry::{forget_peak, status_kib};
use super::table::{Table, rate};
use super::wire::Client;
use super::world::World;

/// The formats, and the options that ask for them.
const FORMATS: [(&str, &str); 3] = [
    ("text", ""),
    ("csv", " (FORMAT csv, HEADER)"),
    ("binary", " (FORMAT binary)"),
];

pub fn measure(bench: &mut Bench, table: &mut Table) -> Result<()> {
    let missing = bench.postgres().err();
    for size in bench.sizes().to_vec() {
        match bench.beside_postgres(size)? {
            Some((world, postgres)) => {
                let name = postgres.name();
                let figures = world.under(Traffic::Touches, |world, _| both(world, postgres))?;
                for ((format, _), [ours, theirs]) in FORMATS.iter().zip(figures) {
                    table.row(
                        format!("COPY to the wire, {format}"),
                        size,
                        rows_per_second(size, ours),
                        format!("{name} {}", rows_per_second(size, theirs)),
                        theirs / ours,
                        "≥ 1×",
                    );
                }
            }
            None => {
                let world = bench.world(size)?;
                let figures = world.under(Traffic::Touches, |world, _| alone(world))?;
                for ((format, _), ours) in FORMATS.iter().zip(figures) {
                    let question = format!("COPY to the wire, {format}");
                    let ours = rows_per_second(size, ours);
                    table.alone(question, size, ours, "skipped", "≥ 1×");
                }
            }
        }
    }
    let world = bench.largest()?;
    let size = world.len();
    let mut client = world.doors()?.client()?;
    for (format, options) in FORMATS {
        let before = status_kib("self", "VmRSS")?;
        forget_peak()?;
        copied(&mut client, "sessions", options, size)?;
        let grown = status_kib("self", "VmHWM")?.saturating_sub(before);
        let grown = format!("{:.1} MiB", grown as f64 / 1_024.0);
        let question = format!("memory that COPY takes, {format}");
        table.alone(question, size, grown, "–", "≤ 16 MiB");
    }
    if let Some(why) = missing {
        table.note(why);
    }
    table.note(
        "one connection over loopback; server and client share one core, ours and PostgreSQL's alike",
    );
    Ok(())
}

/// Our time and PostgreSQL's, for each format.
fn both(world: &mut World, postgres: &mut Postgres) -> Result<[[f64; 2]; 3]> {
    let there = postgres.table(world)?;
    let size = world.len();
    let mut ours = world.doors()?.client()?;
    let mut theirs = postgres.client()?;
    let mut figures = [[f64::NAN; 2]; 3];
    for ((_, options), figures) in FORMATS.iter().zip(&mut figures) {
        *figures = medians([
            &mut || copied(&mut ours, "sessions", options, size),
            &mut || copied(&mut theirs, &there, options, size),
        ])?;
    }
    Ok(figures)
}

fn alone(world: &mut World) -> Result<[f64; 3]> {
    let size = world.len();
    let mut client = world.doors()?.client()?;
    let mut figures = [f64::NAN; 3];
    for ((_, options), figure) in FORMATS.iter().zip(&mut figures) {
        *figure = median_of(&mut || copied(&mut client, "sessions", options, size))?;
    }
    Ok(figures)
}

/// Copies all rows. A session may be between its end and its successor's beginning.
fn copied(client: &mut Client, table: &str, options: &str, size: usize) -> Result<()> {
    let rows = client
        .simple(&format!("COPY {table} TO STDOUT{options}"))?
        .rows;
    ensure!(rows + 1 >= size, "{rows} rows of {size}");
    Ok(())
}

fn rows_per_second(size: usize, nanoseconds: f64) -> String {
    rate(size as f64 / nanoseconds * 1e9, "rows")
}
