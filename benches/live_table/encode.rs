//! `SELECT *`: the encoder alone, and all the way to a client that only counts, beside PostgreSQL.

use anyhow::{Result, ensure};
use bytes::BytesMut;
use rollcall::sql::encode::RowEncoder;
use rollcall::sql::encode::interval::Forms;
use rollcall::sql::types::Format;

use super::Bench;
use super::clock::{median_of, medians};
use super::load::Traffic;
use super::postgres::Postgres;
use super::table::{Table, rate, time};
use super::wire::Form;
use super::world::World;

/// What the encoder of the usual stack makes, in rows of a second.
const ARROW_PG_ROWS: f64 = 1.0e6;

/// Bytes after which a door sends what it has.
const SEND_BYTES: usize = 64 * 1024;

const FORMS: [(&str, Form, Format); 2] = [
    ("text", Form::Text, Format::Text),
    ("binary", Form::Binary, Format::Binary),
];

pub fn measure(bench: &mut Bench, table: &mut Table) -> Result<()> {
    encoder(bench.largest()?, table)?;
    let missing = bench.postgres().err();
    for traffic in Traffic::ALL {
        for size in bench.sizes().to_vec() {
            match bench.beside_postgres(size)? {
                Some((world, postgres)) => {
                    let name = postgres.name();
                    let figures = world.under(traffic, |world, _| to_the_wire(world, postgres))?;
                    for ((form, ..), [ours, theirs]) in FORMS.iter().zip(figures) {
                        table.row(
                            format!("SELECT * to the wire, {form}{}", traffic.suffix()),
                            size,
                            rows_per_second(size, ours),
                            format!("{name} {}", rows_per_second(size, theirs)),
                            theirs / ours,
                            "≥ 2×",
                        );
                    }
                }
                None => {
                    let world = bench.world(size)?;
                    let figures = world.under(traffic, |world, _| ours_to_the_wire(world))?;
                    for ((form, ..), ours) in FORMS.iter().zip(figures) {
                        table.alone(
                            format!("SELECT * to the wire, {form}{}", traffic.suffix()),
                            size,
                            rows_per_second(size, ours),
                            "skipped",
                            "≥ 2×",
                        );
                    }
                }
            }
        }
    }
    if let Some(why) = missing {
        table.note(why);
    }
    table.note(
        "the encoder alone: batches → DataRow messages, 22 columns; its yardstick is what arrow-pg's makes, a figure \
         of an earlier measurement",
    );
    table.note(
        "to the wire: one connection over loopback; server and client share one core, ours and \
         PostgreSQL's alike",
    );
    Ok(())
}

fn encoder(world: &mut World, table: &mut Table) -> Result<()> {
    let size = world.len();
    let batches = world.reader().rows("SELECT * FROM sessions")?;
    let forms = Forms::default();
    for (form, _, format) in FORMS {
        let mut out = BytesMut::with_capacity(2 * SEND_BYTES);
        let ours = world.under(Traffic::Touches, |_, _| {
            median_of(&mut || {
                for batch in &batches {
                    let mut encoder = RowEncoder::try_new(batch, &[format], &forms)?;
                    let mut next = 0;
                    while next < batch.num_rows() {
                        next = encoder.encode_rows(next..batch.num_rows(), &mut out, SEND_BYTES)?;
                        if out.len() >= SEND_BYTES {
                            out.clear();
                        }
                    }
                }
                Ok(())
            })
        })?;
        let rows = size as f64 / ours * 1e9;
        table.row(
            format!(
                "the encoder alone, {form} ({} a row)",
                time(ours / size as f64)
            ),
            size,
            rate(rows, "rows"),
            format!("arrow-pg {}", rate(ARROW_PG_ROWS, "rows")),
            rows / ARROW_PG_ROWS,
            "≥ 8×",
        );
    }
    Ok(())
}

/// Our time and PostgreSQL's, for each form.
fn to_the_wire(world: &mut World, postgres: &mut Postgres) -> Result<[[f64; 2]; 2]> {
    let there = postgres.table(world)?;
    let size = world.len();
    let mut ours = world.doors()?.client()?;
    let mut theirs = postgres.client()?;
    ours.prepare("all", "SELECT * FROM sessions")?;
    theirs.prepare("all", &format!("SELECT * FROM {there}"))?;
    let mut figures = [[f64::NAN; 2]; 2];
    for ((_, form, _), figures) in FORMS.iter().zip(&mut figures) {
        *figures = medians([
            &mut || whole(ours.execute("all", None, *form)?.rows, size),
            &mut || whole(theirs.execute("all", None, *form)?.rows, size),
        ])?;
    }
    Ok(figures)
}

fn ours_to_the_wire(world: &mut World) -> Result<[f64; 2]> {
    let size = world.len();
    let mut ours = world.doors()?.client()?;
    ours.prepare("all", "SELECT * FROM sessions")?;
    let mut figures = [f64::NAN; 2];
    for ((_, form, _), figure) in FORMS.iter().zip(&mut figures) {
        *figure = median_of(&mut || whole(ours.execute("all", None, *form)?.rows, size))?;
    }
    Ok(figures)
}

/// A session may be between its end and its successor's beginning.
fn whole(rows: usize, size: usize) -> Result<()> {
    ensure!(rows + 1 >= size, "{rows} rows of {size}");
    Ok(())
}

fn rows_per_second(size: usize, nanoseconds: f64) -> String {
    rate(size as f64 / nanoseconds * 1e9, "rows")
}
