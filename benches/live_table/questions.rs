//! Questions about all sessions: how many, how they group, how idle they are.

use std::hint::black_box;
use std::sync::Arc;

use anyhow::{Result, ensure};
use rollcall::session::monotonic_ms;

use super::Bench;
use super::clock::{median_of, medians};
use super::load::{Line, Traffic};
use super::memtable::Still;
use super::postgres::Postgres;
use super::table::{Table, time};
use super::wire::Form;
use super::world::World;

const COUNT: &str = "SELECT count(*) FROM sessions";

const GROUPS: [&str; 3] = [
    "SELECT service, count(*) FROM sessions GROUP BY service",
    "SELECT \"user\", count(*) FROM sessions GROUP BY \"user\"",
    "SELECT \"user\", service, count(*) FROM sessions GROUP BY \"user\", service",
];
const GROUP_NAMES: [&str; 3] = [
    "GROUP BY service",
    "GROUP BY user",
    "GROUP BY user, service",
];

/// The sessions are younger than this: no row passes, and every row is read.
const IDLE_S: u64 = 3_600;

/// `count(*)`, against the same at the smallest size.
pub fn count(bench: &mut Bench, table: &mut Table) -> Result<()> {
    let sizes = bench.sizes().to_vec();
    for traffic in Traffic::ALL {
        let mut yardstick = f64::NAN;
        for size in &sizes {
            let ours = bench.world(*size)?.under(traffic, |world, _| {
                let reader = world.reader();
                let prepared = reader.prepare(COUNT)?;
                median_of(&mut || reader.run(&prepared, Vec::new()).map(drop))
            })?;
            if yardstick.is_nan() {
                yardstick = ours;
            }
            table.row(
                format!("count(*){}", traffic.suffix()),
                *size,
                time(ours),
                time(yardstick),
                ours / yardstick,
                "≤ 1.2×",
            );
        }
    }
    table.note("prepared, in process; yardstick: the same at the smallest number of sessions");
    Ok(())
}

/// GROUP BY, against the engine's own table in memory and PostgreSQL.
pub fn group(bench: &mut Bench, table: &mut Table) -> Result<()> {
    let sizes = bench.sizes().to_vec();
    for traffic in Traffic::ALL {
        for size in &sizes {
            let figures = bench
                .world(*size)?
                .under(traffic, |world, _| groups(world))?;
            for (name, [ours, still]) in GROUP_NAMES.iter().zip(figures) {
                table.row(
                    format!("{name}{}", traffic.suffix()),
                    *size,
                    time(ours),
                    format!("MemTable {}", time(still)),
                    ours / still,
                    "≤ 1.1×",
                );
            }
        }
    }
    for size in sizes {
        against_postgres(bench, size, table)?;
    }
    table.note(
        "prepared, in process; MemTable: the engine's own table of the same rows, in batches of 4,096, planned once, \
         at rest",
    );
    Ok(())
}

/// Our time and the MemTable's, for each question.
fn groups(world: &mut World) -> Result<[[f64; 2]; 3]> {
    let reader = world.reader();
    let runtime = reader.runtime();
    let still = Still::new(reader.rows("SELECT id, service, \"user\" FROM sessions")?)?;
    let mut figures = [[f64::NAN; 2]; 3];
    for (sql, figures) in GROUPS.iter().zip(&mut figures) {
        let prepared = reader.prepare(sql)?;
        let plan = still.prepare(runtime, sql)?;
        let (live, at_rest) = (
            reader.run(&prepared, Vec::new())?,
            still.run(runtime, &plan)?,
        );
        // A group of one session is away while that is being replaced.
        ensure!(
            live.abs_diff(at_rest) <= 1,
            "{sql}: {live} rows against {at_rest}"
        );
        *figures = medians([
            &mut || reader.run(&prepared, Vec::new()).map(drop),
            &mut || still.run(runtime, &plan).map(drop),
        ])?;
    }
    Ok(figures)
}

/// The same by both SQL doors, ours and PostgreSQL's, with one client.
fn against_postgres(bench: &mut Bench, size: usize, table: &mut Table) -> Result<()> {
    let name = match bench.postgres() {
        Ok(postgres) => postgres.name(),
        Err(why) => {
            table.note(why);
            return Ok(());
        }
    };
    let Some((world, postgres)) = bench.beside_postgres(size)? else {
        return Ok(());
    };
    let figures = world.under(Traffic::Touches, |world, _| groups_by_wire(world, postgres))?;
    for (question, [ours, theirs]) in GROUP_NAMES.iter().zip(figures) {
        table.row(
            format!("{question}, by SQL"),
            size,
            time(ours),
            format!("{name} {}", time(theirs)),
            theirs / ours,
            "≥ 10× faster",
        );
    }
    Ok(())
}

fn groups_by_wire(world: &mut World, postgres: &mut Postgres) -> Result<[[f64; 2]; 3]> {
    let there = postgres.table(world)?;
    let mut theirs = postgres.client()?;
    let mut ours = world.doors()?.client()?;
    let mut figures = [[f64::NAN; 2]; 3];
    for (number, (sql, figures)) in GROUPS.iter().zip(&mut figures).enumerate() {
        let name = format!("group{number}");
        ours.prepare(&name, sql)?;
        theirs.prepare(
            &name,
            &sql.replace("FROM sessions", &format!("FROM {there}")),
        )?;
        *figures = medians([
            &mut || ours.execute(&name, None, Form::Text).map(drop),
            &mut || theirs.execute(&name, None, Form::Text).map(drop),
        ])?;
    }
    Ok(figures)
}

/// `max(idle)` and how many are idle for longer, against a loop that reads as many lines.
pub fn idle(bench: &mut Bench, table: &mut Table) -> Result<()> {
    let sizes = bench.sizes().to_vec();
    for traffic in Traffic::ALL {
        for size in &sizes {
            let figures = idles(bench.world(*size)?, traffic)?;
            for (name, [ours, bare]) in ["max(idle)", "count(*) WHERE idle > …"].iter().zip(figures)
            {
                table.row(
                    format!("{name}{}", traffic.suffix()),
                    *size,
                    time(ours),
                    time(bare),
                    ours / bare,
                    "≤ 2×",
                );
            }
        }
    }
    table.note(
        "prepared, in process; yardstick: a bare loop that reads one 64-byte line per session, with the \
         same traffic on the lines instead",
    );
    Ok(())
}

/// Our time and the bare loop's, for each question.
fn idles(world: &mut World, traffic: Traffic) -> Result<[[f64; 2]; 2]> {
    let lines: Arc<[Line]> = (0..world.len()).map(|_| Line::default()).collect();
    lines.iter().for_each(|line| line.received(64));
    world.under_beside(traffic, Arc::clone(&lines), |world, writer| {
        let reader = world.reader();
        let longest = reader.prepare("SELECT max(idle) FROM sessions")?;
        let longer = format!("SELECT count(*) FROM sessions WHERE idle > {IDLE_S}");
        let longer = reader.prepare(&longer)?;
        // Each contender reads what the traffic goes to.
        let ask = |prepared| {
            writer.turn_to_lines(false);
            reader.run(prepared, Vec::new()).map(drop)
        };
        let longest = medians([&mut || ask(&longest), &mut || {
            writer.turn_to_lines(true);
            let now_ms = monotonic_ms();
            black_box(lines.iter().map(|line| line.idle_ms(now_ms)).max());
            Ok(())
        }])?;
        let longer = medians([&mut || ask(&longer), &mut || {
            writer.turn_to_lines(true);
            let now_ms = monotonic_ms();
            let idle = lines
                .iter()
                .filter(|line| line.idle_ms(now_ms) > IDLE_S * 1_000);
            black_box(idle.count());
            Ok(())
        }])?;
        Ok([longest, longer])
    })
}
