//! The slowest of the traffic while somebody reads the view ten times a second, and while nobody does.

use anyhow::{Context, Result};

use super::Bench;
use super::crowd::Crowd;
use super::figures::{Rounds, quantile, verdict};
use super::load::Poller;
use super::markdown::{self, Column, grouped};
use super::neighbours::{Neighbour, Way};
use super::stage::{Cores, Stage};
use super::traffic::Traffic;

const COLUMNS: [Column; 9] = [
    Column::Text("cores"),
    Column::Text("way"),
    Column::Number("p99.9 ms, unpolled"),
    Column::Number("p99.9 ms, polled"),
    Column::Number("ratio"),
    Column::Number("transactions/s, unpolled"),
    Column::Number("transactions/s, polled"),
    Column::Number("ms/look"),
    Column::Text("≤ 1.1× or in range"),
];

const TRAFFIC: Traffic = Traffic {
    protocol: "simple",
    clients: 16,
    reconnect: false,
};

const RATIO_MAX: f64 = 1.1;

/// What one way did in all rounds.
#[derive(Clone, Default)]
struct Figures {
    unpolled: Series,
    polled: Series,
    look_ms: Rounds,
}

#[derive(Clone, Default)]
struct Series {
    p999_ms: Rounds,
    per_second: Rounds,
}

pub fn measure(bench: &Bench) -> Result<()> {
    let mut rows = Vec::new();
    for cores in [Cores::All, Cores::One] {
        let stage = Stage::start(bench, &[Way::Rollcall, Way::PgBouncer], cores)?;
        let mut crowds = Vec::new();
        for neighbour in &stage.neighbours {
            let mut crowd = Crowd::default();
            crowd.grow(neighbour, bench.largest())?;
            crowds.push(crowd);
        }
        let mut figures = vec![Figures::default(); stage.neighbours.len()];
        for round in 0..bench.rounds {
            for (place, neighbour) in stage.turn(round) {
                let order = [round % 2 == 0, round % 2 == 1];
                for polled in order {
                    figures[place].round(bench, neighbour, polled, cores)?;
                }
            }
        }
        let ways = stage.neighbours.iter().map(|neighbour| neighbour.way);
        rows.extend(
            ways.zip(&figures)
                .map(|(way, figures)| figures.row(cores, way)),
        );
    }
    markdown::print(&COLUMNS, &rows);
    bench.note_rounds();
    println!(
        "- {} idle sessions, {} clients of traffic; polled ten times a second: `SELECT * FROM sessions` on the SQL \
         door, `SHOW CLIENTS` in PgBouncer\n- one core: proxy, server and pgbench share it, and who polls has another",
        grouped(bench.largest()),
        TRAFFIC.clients,
    );
    Ok(())
}

impl Figures {
    fn round(
        &mut self,
        bench: &Bench,
        neighbour: &Neighbour,
        polled: bool,
        cores: Cores,
    ) -> Result<()> {
        let poller = match polled {
            true => {
                let view = neighbour.view.context("nothing to look at")?;
                Some(Poller::start(view, cores == Cores::One)?)
            }
            false => None,
        };
        let outcome = TRAFFIC.run_with_latencies(neighbour, bench.round);
        if let Some(poller) = poller {
            self.look_ms.add(quantile(poller.stop()?, 0.5));
        }
        let outcome = outcome?;
        let series = match polled {
            true => &mut self.polled,
            false => &mut self.unpolled,
        };
        series.p999_ms.add(outcome.p999_ms);
        series.per_second.add(outcome.per_second);
        Ok(())
    }

    fn row(&self, cores: Cores, way: Way) -> [String; 9] {
        let (polled, unpolled) = (&self.polled.p999_ms, &self.unpolled.p999_ms);
        let ratio = polled.median() / unpolled.median();
        let met = ratio <= RATIO_MAX || polled.median() <= unpolled.max();
        [
            cores.name().to_owned(),
            way.name().to_owned(),
            unpolled.show(2),
            polled.show(2),
            format!("{ratio:.2}"),
            self.unpolled.per_second.show(0),
            self.polled.per_second.show(0),
            self.look_ms.show(2),
            match way {
                Way::Rollcall => verdict(met),
                _ => String::new(),
            },
        ]
    }
}
