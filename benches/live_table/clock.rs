//! Time: medians of rounds in which all contenders take turns, and CPU time.

use std::time::{Duration, Instant};

use anyhow::Result;
use rustix::time::{ClockId, clock_gettime};

/// Rounds that a median is of.
pub const ROUNDS: usize = 7;

/// A round repeats its question for at least this long, so that short ones can be told apart.
const ROUND_MIN: Duration = Duration::from_millis(15);

/// The most repetitions in a round.
const REPEATS_MAX: u32 = 20_000;

/// Something to be measured: does its work once.
pub type Contender<'a> = &'a mut dyn FnMut() -> Result<()>;

/// The median time that one run of each contender takes, in nanoseconds. They take turns, so that whatever disturbs
/// the machine disturbs all.
pub fn medians<const N: usize>(mut contenders: [Contender<'_>; N]) -> Result<[f64; N]> {
    let mut repeats = [0; N];
    for (contender, repeats) in contenders.iter_mut().zip(&mut repeats) {
        *repeats = repeats_of(contender)?;
    }
    let mut rounds = [const { Vec::new() }; N];
    for _ in 0..ROUNDS {
        for ((contender, repeats), times) in contenders.iter_mut().zip(repeats).zip(&mut rounds) {
            let begun = Instant::now();
            for _ in 0..repeats {
                contender()?;
            }
            times.push(begun.elapsed().as_nanos() as f64 / f64::from(repeats));
        }
    }
    Ok(rounds.map(median))
}

/// The median time that one run takes, in nanoseconds.
pub fn median_of(contender: Contender<'_>) -> Result<f64> {
    Ok(medians([contender])?[0])
}

/// How often a round repeats the contender. Runs it until it is warm.
fn repeats_of(contender: &mut Contender<'_>) -> Result<u32> {
    contender()?;
    let mut runs = 0;
    let begun = Instant::now();
    loop {
        contender()?;
        runs += 1;
        let spent = begun.elapsed();
        if spent >= ROUND_MIN || runs >= REPEATS_MAX {
            return Ok(runs);
        }
    }
}

/// The median of some numbers; not a number when there are none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        len if len % 2 == 1 => values[len / 2],
        len => f64::midpoint(values[len / 2 - 1], values[len / 2]),
    }
}

/// CPU time of the whole process and of the calling thread, in nanoseconds.
#[derive(Clone, Copy)]
struct CpuTimes {
    process: f64,
    thread: f64,
}

impl CpuTimes {
    fn now() -> Self {
        let read = |clock| {
            let time = clock_gettime(clock);
            time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
        };
        Self {
            process: read(ClockId::ProcessCPUTime),
            thread: read(ClockId::ThreadCPUTime),
        }
    }
}

/// Whose CPU time counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Every thread's.
    All,
    /// Every thread's but the one that asks: it is the client.
    AllButCaller,
}

/// The median CPU time that one run costs, in nanoseconds. No other work may go on in the process.
pub fn cpu_median_of(counted: Counted, mut contender: Contender<'_>) -> Result<f64> {
    let repeats = repeats_of(&mut contender)?;
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let before = CpuTimes::now();
        for _ in 0..repeats {
            contender()?;
        }
        let after = CpuTimes::now();
        let client = match counted {
            Counted::All => 0.0,
            Counted::AllButCaller => after.thread - before.thread,
        };
        times.push((after.process - before.process - client) / f64::from(repeats));
    }
    Ok(median(times))
}
