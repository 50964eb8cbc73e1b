//! A dashboard: ten questions that charts ask, by SQL, beside PostgreSQL's answers from a table of the same rows.

use anyhow::{Result, ensure};

use super::Bench;
use super::clock::medians;
use super::load::Traffic;
use super::table::{Table, time};
use super::wire::Client;

/// What a dashboard of this size is about.
const SESSIONS: usize = 100_000;

/// Its charts. `{}` is the table.
const CHARTS: [(&str, &str); 10] = [
    ("how many", "SELECT count(*) FROM {}"),
    (
        "by service",
        "SELECT service, count(*) FROM {} GROUP BY service ORDER BY 2 DESC, 1",
    ),
    (
        "users with most sessions",
        "SELECT \"user\", count(*) FROM {} GROUP BY \"user\" ORDER BY 2 DESC, 1 LIMIT 10",
    ),
    (
        "traffic by service",
        "SELECT service, sum(bytes_in), sum(bytes_out), avg(bytes_out) FROM {} GROUP BY service ORDER BY 1",
    ),
    (
        "arrivals by minute",
        "SELECT date_trunc('minute', connected), count(*) FROM {} GROUP BY 1 ORDER BY 1",
    ),
    (
        "how idle",
        "SELECT CASE WHEN idle < 1 THEN '< 1 s' WHEN idle < 10 THEN '< 10 s' WHEN idle < 60 THEN '< 60 s' \
         ELSE '>= 60 s' END AS bucket, count(*) FROM {} GROUP BY 1 ORDER BY 1",
    ),
    (
        "in transactions",
        "SELECT service, count(*) FILTER (WHERE in_transaction), count(*) FROM {} GROUP BY service ORDER BY 1",
    ),
    (
        "users of a service",
        "SELECT service, count(DISTINCT \"user\") FROM {} GROUP BY service ORDER BY 1",
    ),
    (
        "applications of one service",
        "SELECT application_name, count(*), max(bytes_out) FROM {} WHERE service = 'service-3' GROUP BY 1 ORDER BY 1",
    ),
    (
        "longest connected",
        "SELECT \"user\", min(connected), max(seconds_alive) FROM {} WHERE application_name = 'jdbc' \
         GROUP BY \"user\" ORDER BY 2 LIMIT 20",
    ),
];

pub fn measure(bench: &mut Bench, table: &mut Table) -> Result<()> {
    if let Err(why) = bench.postgres() {
        table.note(why);
        return Ok(());
    }
    let Some((world, postgres)) = bench.beside_postgres(SESSIONS)? else {
        return Ok(());
    };
    let name = postgres.name();
    let there = postgres.table(world)?;
    let figures = world.under(Traffic::Touches, |world, _| {
        let mut ours = world.doors()?.client()?;
        let mut theirs = postgres.client()?;
        let mut figures = Vec::new();
        for (_, chart) in CHARTS {
            let (here, there) = (chart.replace("{}", "sessions"), chart.replace("{}", &there));
            figures.push(medians([&mut || ask(&mut ours, &here), &mut || {
                ask(&mut theirs, &there)
            }])?);
        }
        Ok(figures)
    })?;
    let mut whole = [0.0; 2];
    for ((chart, _), [ours, theirs]) in CHARTS.iter().zip(figures) {
        whole[0] += ours;
        whole[1] += theirs;
        let yardstick = format!("{name} {}", time(theirs));
        table.row(*chart, SESSIONS, time(ours), yardstick, theirs / ours, "–");
    }
    let [ours, theirs] = whole;
    let yardstick = format!("{name} {}", time(theirs));
    table.row(
        "the dashboard",
        SESSIONS,
        time(ours),
        yardstick,
        theirs / ours,
        "> 1×",
    );
    table.note("by the simple protocol, a connection each; the ratio is PostgreSQL's time to ours");
    Ok(())
}

fn ask(client: &mut Client, sql: &str) -> Result<()> {
    let rows = client.simple(sql)?.rows;
    ensure!(rows > 0, "no rows: {sql}");
    Ok(())
}
