//! Everything that takes part in a section: the stand-in and the neighbours, on one core or on all.

use anyhow::Result;

use super::cluster::free_address;
use super::cores;
use super::neighbours::{Neighbour, Servers, Way};
use super::process::Process;
use super::{Bench, CORE};

/// The stand-in's database, and what proxies call the way there.
pub const CROWD: &str = "crowd";

/// On which cores everybody is: this program and all that it starts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Cores {
    One,
    All,
}

impl Cores {
    /// What to call it in a table.
    pub fn name(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::All => "all",
        }
    }
}

/// What was started; ended with the value.
pub struct Stage {
    pub neighbours: Vec<Neighbour>,
    _crowd: Process,
}

impl Stage {
    /// Starts these ways. One that cannot be started is left out, and a line says why.
    pub fn start(bench: &Bench, ways: &[Way], on: Cores) -> Result<Self> {
        let server = bench.postgres.process();
        match on {
            Cores::One => {
                cores::pin(CORE);
                cores::pin_process(server, CORE);
            }
            Cores::All => {
                cores::unpin();
                cores::unpin_process(server);
            }
        }
        let crowd = free_address()?;
        let mut stand_in = Process::start_mode(super::stand_in::MODE, &[crowd.to_string()])?;
        stand_in.wait_until_up(crowd)?;
        let servers = Servers {
            postgres: bench.postgres.address,
            crowd,
        };
        let mut neighbours = Vec::new();
        for way in ways {
            match way.start(servers) {
                Ok(neighbour) => neighbours.push(neighbour),
                Err(error) => println!("Left out: {}: {error:#}\n", way.name()),
            }
        }
        Ok(Self {
            neighbours,
            _crowd: stand_in,
        })
    }

    /// The neighbours in the order of a round: another one begins each time.
    pub fn turn(&self, round: usize) -> impl Iterator<Item = (usize, &Neighbour)> {
        let count = self.neighbours.len();
        let places = (0..count).map(move |at| (at + round) % count);
        places.map(|place| (place, &self.neighbours[place]))
    }
}
