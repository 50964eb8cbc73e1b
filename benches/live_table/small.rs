//! 5,000 sessions, looked at by the SQL door: what an administrator of a small proxy sees.

use anyhow::{Result, ensure};

use super::Bench;
use super::clock::median_of;
use super::load::{Random, Traffic};
use super::table::{Table, time};
use super::wire::Form;
use super::world::World;

const SESSIONS: usize = 5_000;

/// What PgBouncer takes to show as many clients, measured earlier on a machine of the same kind.
const PGBOUNCER_NS: f64 = 5.3e6;

pub fn measure(_: &mut Bench, table: &mut Table) -> Result<()> {
    // Not one of the bench's sizes: made here, and gone with the section.
    let mut world = World::new(SESSIONS)?;
    for traffic in Traffic::ALL {
        let [all, count, one] = world.under(traffic, |world, _| {
            let mut client = world.doors()?.client()?;
            client.prepare("one", "SELECT * FROM sessions WHERE id = $1")?;
            let all = median_of(&mut || {
                let rows = client.simple("SELECT * FROM sessions")?.rows;
                ensure!(rows >= SESSIONS - 1, "{rows} rows");
                Ok(())
            })?;
            let count =
                median_of(&mut || client.simple("SELECT count(*) FROM sessions").map(drop))?;
            let (ids, mut random) = (world.reader().lasting(), Random::new());
            let one = median_of(&mut || {
                let id = ids[random.below(ids.len())].to_string();
                let rows = client.execute("one", Some(&id), Form::Text)?.rows;
                ensure!(rows == 1, "{rows} rows for {id}");
                Ok(())
            })?;
            Ok([all, count, one])
        })?;
        let suffix = traffic.suffix();
        let mut row = |name: &str, ours: f64, limit_ns: f64, target: &str| {
            let pgbouncer = format!("PgBouncer {}", time(PGBOUNCER_NS));
            let ratio = ours / PGBOUNCER_NS;
            let missed = if ours > limit_ns { " (missed)" } else { "" };
            let target = format!("{target}{missed}");
            table.row(
                format!("{name}{suffix}"),
                SESSIONS,
                time(ours),
                pgbouncer,
                ratio,
                &target,
            );
        };
        row("SELECT *", all, 5e6, "≤ 5 ms");
        row("count(*)", count, 0.5e6, "≤ 0.5 ms");
        row("by id, prepared", one, 0.5e6, "≤ 0.5 ms");
    }
    table.note("PgBouncer: `SHOW CLIENTS` of 5,000 clients, a figure of an earlier measurement, not of this run");
    Ok(())
}
