//! Traffic while a query keeps the query threads busy, beside traffic while another process works as much.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::Bench;
use super::figures::{Rounds, verdict};
use super::load::{self, HeavyQuery};
use super::markdown::{self, Column};
use super::neighbours::{Neighbour, Way};
use super::stage::{Cores, Stage};
use super::traffic::Traffic;

const COLUMNS: [Column; 5] = [
    Column::Text("beside the traffic"),
    Column::Number("transactions/s"),
    Column::Number("of alone"),
    Column::Number("of beside another process"),
    Column::Number("p99.9 ms"),
];

const TRAFFIC: Traffic = Traffic {
    protocol: "simple",
    clients: 16,
    reconnect: false,
};

/// How long the query runs alone, to see how many cores it takes.
const TRIAL: Duration = Duration::from_secs(1);

/// What goes on beside the traffic.
#[derive(Clone, Copy)]
enum Beside {
    Nothing,
    Query,
    Process,
}

const ALL: [Beside; 3] = [Beside::Nothing, Beside::Query, Beside::Process];

#[derive(Default)]
struct Figures {
    per_second: Rounds,
    p999_ms: Rounds,
}

pub fn measure(bench: &Bench) -> Result<()> {
    let stage = Stage::start(bench, &[Way::Rollcall], Cores::All)?;
    let neighbour = stage.neighbours.first().context("nothing to measure")?;
    let threads = threads_of_query(neighbour)?;
    let mut figures: [Figures; 3] = Default::default();
    for round in 0..bench.rounds {
        for at in 0..ALL.len() {
            let place = (at + round) % ALL.len();
            let outcome = match ALL[place] {
                Beside::Nothing => TRAFFIC.run_with_latencies(neighbour, bench.round)?,
                Beside::Query => {
                    let query = HeavyQuery::start(neighbour.view.context("no door")?)?;
                    let outcome = TRAFFIC.run_with_latencies(neighbour, bench.round);
                    query.stop()?;
                    outcome?
                }
                Beside::Process => {
                    let _burner = load::burner(threads)?;
                    TRAFFIC.run_with_latencies(neighbour, bench.round)?
                }
            };
            figures[place].per_second.add(outcome.per_second);
            figures[place].p999_ms.add(outcome.p999_ms);
        }
    }
    let [alone, query, process] = &figures;
    let row = |name: String, figures: &Figures| {
        [
            name,
            figures.per_second.show(0),
            figures.per_second.by(&alone.per_second).show(2),
            figures.per_second.by(&process.per_second).show(2),
            figures.p999_ms.show(2),
        ]
    };
    let rows = [
        row("nothing".to_owned(), alone),
        row("a cross join on the SQL door".to_owned(), query),
        row(format!("another process, {threads} threads"), process),
    ];
    markdown::print(&COLUMNS, &rows);
    bench.note_rounds();
    let met = query.per_second.median() >= process.per_second.min();
    println!(
        "- {} clients through Rollcall, nobody pinned; the query keeps {threads} cores busy when it is alone\n\
         - target: the query costs the traffic no more than the process does: {}",
        TRAFFIC.clients,
        verdict(met),
    );
    Ok(())
}

/// How many cores the query takes when nothing else goes on.
fn threads_of_query(neighbour: &Neighbour) -> Result<usize> {
    let process = neighbour.process.as_ref().context("no process")?;
    let query = HeavyQuery::start(neighbour.view.context("no door")?)?;
    std::thread::sleep(TRIAL);
    let (begun, before) = (Instant::now(), process.cpu()?);
    std::thread::sleep(TRIAL);
    let busy = (process.cpu()? - before).as_secs_f64() / begun.elapsed().as_secs_f64();
    query.stop()?;
    Ok((busy.round() as usize).max(1))
}
