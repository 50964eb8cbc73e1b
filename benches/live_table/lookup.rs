//! One session by id: raw, in this process, and by both doors.

use anyhow::{Context, Result, ensure};
use datafusion::common::ScalarValue;
use rollcall::session::SessionId;

use super::Bench;
use super::clock::{Counted, cpu_median_of, median_of};
use super::http;
use super::load::{Random, Traffic};
use super::table::{Table, time};
use super::wire::Form;
use super::world::World;

const SQL: &str = "SELECT * FROM sessions WHERE id = $1";
/// Where links of documents begin.
const BASE: &str = "http://localhost:8989/v1/";
const WALL_TARGET: &str = "≤ 1.2×";
const CPU_TARGET: &str = "≤ 20 µs";

/// The ways to ask, and what a row in the table is called.
const WAYS: [(&str, Way); 5] = [
    ("`Registry::get`", Way::Raw),
    ("by id, in process", Way::InProcess),
    ("by id, in process, as JSON", Way::Document),
    ("by id, by SQL", Way::Sql),
    ("by id, by REST", Way::Rest),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Raw,
    InProcess,
    Document,
    Sql,
    Rest,
}

pub fn measure(bench: &mut Bench, table: &mut Table) -> Result<()> {
    let sizes = bench.sizes().to_vec();
    for traffic in Traffic::ALL {
        let mut yardsticks = [f64::NAN; WAYS.len()];
        for (nth, size) in sizes.iter().enumerate() {
            let world = bench.world(*size)?;
            for ((name, way), yardstick) in WAYS.iter().zip(&mut yardsticks) {
                let ours = wall(world, *way, traffic)?;
                if nth == 0 {
                    *yardstick = ours;
                }
                table.row(
                    format!("{name}{}", traffic.suffix()),
                    *size,
                    time(ours),
                    time(*yardstick),
                    ours / *yardstick,
                    if *way == Way::Raw {
                        "reported"
                    } else {
                        WALL_TARGET
                    },
                );
            }
        }
    }
    for size in sizes {
        let world = bench.world(size)?;
        for (name, way) in WAYS.iter().skip(1) {
            let ours = cpu(world, *way)?;
            table.row(
                format!("{name}, our CPU"),
                size,
                time(ours),
                "20 µs".to_owned(),
                ours / 20e3,
                CPU_TARGET,
            );
        }
    }
    table.note("yardstick: the same at the smallest number of sessions");
    table.note(
        "prepared once, one Bind, Execute and Sync, or one GET on a kept connection, per answer; client and program \
         share one core, so the time by a door holds the client's part too",
    );
    table.note(
        "our CPU: CPU time of the process per answer, without traffic; by a door less that of the thread that is \
         the client",
    );
    Ok(())
}

/// The time of one answer.
fn wall(world: &mut World, way: Way, traffic: Traffic) -> Result<f64> {
    world.doors()?;
    world.under(traffic, |world, _| {
        with_asker(world, way, |ask| median_of(ask))
    })
}

/// Our own CPU time for one answer.
fn cpu(world: &mut World, way: Way) -> Result<f64> {
    let counted = match way {
        Way::Raw | Way::InProcess | Way::Document => Counted::All,
        Way::Sql | Way::Rest => Counted::AllButCaller,
    };
    with_asker(world, way, |ask| cpu_median_of(counted, ask))
}

/// Hands over something that asks for a random session that lasts.
fn with_asker(
    world: &mut World,
    way: Way,
    measure: impl FnOnce(&mut dyn FnMut() -> Result<()>) -> Result<f64>,
) -> Result<f64> {
    let mut client = world.doors()?.client()?;
    let rest = world.doors()?.rest;
    let reader = world.reader();
    let mut random = Random::new();
    let mut any = || {
        let ids = reader.lasting();
        ids[random.below(ids.len())]
    };
    match way {
        Way::Raw => {
            let registry = world.registry();
            measure(&mut || {
                let found = SessionId::new(any()).and_then(|id| registry.get(id));
                ensure!(found.is_some(), "a session is missing");
                Ok(())
            })
        }
        Way::InProcess => {
            let prepared = reader.prepare(SQL)?;
            measure(&mut || {
                let id = any();
                let rows = reader.run(&prepared, vec![ScalarValue::Int64(Some(id))])?;
                ensure!(rows == 1, "{rows} rows for {id} in process");
                Ok(())
            })
        }
        Way::Document => {
            let documents = reader.documents()?;
            let mut text = Vec::new();
            measure(&mut || {
                let id = any().to_string();
                let rows = documents.one(&id).context("an id that is none")?;
                text.clear();
                reader.drain(rows, |batch| Ok(documents.single(&batch, BASE, &mut text)?))?;
                ensure!(!text.is_empty(), "no document of {id}");
                Ok(())
            })
        }
        Way::Sql => {
            client.prepare("one", SQL)?;
            measure(&mut || {
                let id = any().to_string();
                let rows = client.execute("one", Some(&id), Form::Text)?.rows;
                ensure!(rows == 1, "{rows} rows for {id} by SQL");
                Ok(())
            })
        }
        Way::Rest => {
            let mut client = http::Client::connect(rest)?;
            measure(&mut || {
                client.get(&format!("/v1/sessions/{}", any()))?;
                Ok(())
            })
        }
    }
}
