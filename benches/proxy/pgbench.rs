//! Throughput and CPU of all ways, everything on one core: ratios and CPU are steady there, as throughput over
//! several cores is not.

use std::time::Duration;

use anyhow::Result;

use super::Bench;
use super::figures::{Rounds, verdict};
use super::markdown::{self, Column};
use super::neighbours::Way;
use super::stage::{Cores, Stage};
use super::traffic::Traffic;

const CASES: [Traffic; 8] = [
    queries("simple", 1),
    queries("simple", 16),
    queries("simple", 64),
    queries("prepared", 1),
    queries("prepared", 16),
    queries("prepared", 64),
    log_ins(1),
    log_ins(16),
];

const COLUMNS: [Column; 6] = [
    Column::Text("traffic"),
    Column::Number("clients"),
    Column::Text("way"),
    Column::Number("transactions/s"),
    Column::Number("of direct"),
    Column::Number("CPU µs/transaction"),
];

const TARGETS: [Column; 5] = [
    Column::Text("target"),
    Column::Text("traffic"),
    Column::Number("ours"),
    Column::Number("yardstick"),
    Column::Text("verdict"),
];

/// The most that tracking may cost over the same relay without it.
const TRACKING_MAX: f64 = 1.03;

const WARM_UP: Duration = Duration::from_secs(2);

const fn queries(protocol: &'static str, clients: usize) -> Traffic {
    Traffic {
        protocol,
        clients,
        reconnect: false,
    }
}

const fn log_ins(clients: usize) -> Traffic {
    Traffic {
        protocol: "simple",
        clients,
        reconnect: true,
    }
}

/// What one way did in all rounds of a case.
#[derive(Clone, Default)]
struct Figures {
    per_second: Rounds,
    cpu_us: Rounds,
}

/// What all ways did in a case, in the order of the stage.
struct Case {
    traffic: Traffic,
    ways: Vec<(Way, Figures)>,
}

pub fn measure(bench: &Bench) -> Result<()> {
    let stage = Stage::start(bench, &Way::ALL, Cores::One)?;
    // The first ones would pay for what the server has not read and the processor has not seen yet.
    for (_, neighbour) in stage.turn(0) {
        queries("prepared", 16).run(neighbour, WARM_UP)?;
    }
    let mut cases = Vec::new();
    for traffic in CASES {
        let mut figures = vec![Figures::default(); stage.neighbours.len()];
        for round in 0..bench.rounds {
            for (place, neighbour) in stage.turn(round) {
                let outcome = traffic.run(neighbour, bench.round)?;
                figures[place].per_second.add(outcome.per_second);
                if outcome.cpu_us.is_finite() {
                    figures[place].cpu_us.add(outcome.cpu_us);
                }
            }
        }
        let ways = stage.neighbours.iter().map(|neighbour| neighbour.way);
        cases.push(Case {
            traffic,
            ways: ways.zip(figures).collect(),
        });
    }
    let rows: Vec<_> = cases.iter().flat_map(Case::rows).collect();
    markdown::print(&COLUMNS, &rows);
    bench.note_rounds();
    println!(
        "- everything on one core: pgbench (one thread), the proxy and the server; ratios round by round\n\
         - PgBouncer lets its clients in by itself and keeps its connections to the server: a log-in there \
         starts no process"
    );
    let targets: Vec<_> = cases.iter().flat_map(Case::targets).collect();
    if !targets.is_empty() {
        println!();
        markdown::print(&TARGETS, &targets);
    }
    Ok(())
}

impl Case {
    fn name(&self) -> &'static str {
        match self.traffic.reconnect {
            true => "connection per transaction",
            false => self.traffic.protocol,
        }
    }

    fn of(&self, way: Way) -> Option<&Figures> {
        let mut ways = self.ways.iter();
        ways.find_map(|(known, figures)| (*known == way).then_some(figures))
    }

    fn ratio(&self, way: Way) -> Option<Rounds> {
        let direct = self.of(Way::Direct)?;
        Some(self.of(way)?.per_second.by(&direct.per_second))
    }

    fn rows(&self) -> impl Iterator<Item = [String; 6]> {
        self.ways.iter().map(|(way, figures)| {
            [
                self.name().to_owned(),
                self.traffic.clients.to_string(),
                way.name().to_owned(),
                figures.per_second.show(0),
                self.ratio(*way).unwrap_or_default().show(2),
                figures.cpu_us.show(1),
            ]
        })
    }

    /// The targets that can be judged with the ways that were there.
    fn targets(&self) -> impl Iterator<Item = [String; 5]> {
        let targets = [
            self.cpu_target(),
            self.ratio_target(),
            self.tracking_target(),
        ];
        let name = format!("{}, {}", self.name(), self.traffic.clients);
        targets.into_iter().flatten().map(move |target| {
            let [what, ours, yardstick, verdict] = target;
            [what, name.clone(), ours, yardstick, verdict]
        })
    }

    fn cpu_target(&self) -> Option<[String; 4]> {
        if self.traffic.reconnect {
            return None;
        }
        let yardstick = match self.traffic.clients {
            64.. => Way::Copy,
            _ => Way::PgBouncer,
        };
        let (ours, theirs) = (self.of(Way::Rollcall)?, self.of(yardstick)?);
        let met = ours.cpu_us.median() <= theirs.cpu_us.median();
        Some([
            format!("CPU µs, at most of {}", yardstick.name()),
            ours.cpu_us.show(1),
            theirs.cpu_us.show(1),
            verdict(met),
        ])
    }

    fn ratio_target(&self) -> Option<[String; 4]> {
        if self.traffic.reconnect {
            return None;
        }
        let (ours, theirs) = (self.ratio(Way::Rollcall)?, self.ratio(Way::PgBouncer)?);
        let met = ours.median() >= theirs.min();
        Some([
            "of direct, at least PgBouncer's range".to_owned(),
            ours.show(2),
            theirs.show(2),
            verdict(met),
        ])
    }

    fn tracking_target(&self) -> Option<[String; 4]> {
        if self.traffic.reconnect {
            return None;
        }
        let (ours, theirs) = (self.of(Way::Rollcall)?, self.of(Way::Lazy)?);
        let ratio = ours.cpu_us.by(&theirs.cpu_us);
        Some([
            "CPU by that of the relay with lazy buffers".to_owned(),
            ratio.show(3),
            format!("{TRACKING_MAX}"),
            verdict(ratio.median() <= TRACKING_MAX),
        ])
    }
}
