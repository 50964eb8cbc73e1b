//! What goes on beside the traffic: somebody who polls the view, a query that never ends, or mere work.

use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

use super::cluster::SUPERUSER;
use super::neighbours::View;
use super::process::{Process, argument};
use super::wire::Client;
use super::{OTHER_CORE, cores};

/// The first argument of the process that only works; then follows the number of its threads.
pub const BURNER_MODE: &str = "--burn";

/// Between two looks at the view.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// As good as endless: the short side is kept, the long one streams past it on every core that the query threads have.
const ENDLESS: &str =
    "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000000000) b";

/// A thread that reads the view ten times a second.
pub struct Poller {
    stop: Sender<()>,
    thread: JoinHandle<Result<Vec<f64>>>,
}

impl Poller {
    /// Starts to poll. `apart`: from a core that is not that of the traffic, so that the asker's own work is not
    /// taken for that of the one who answers.
    pub fn start(view: View, apart: bool) -> Result<Self> {
        let mut client = Client::connect(view.address, SUPERUSER, view.database)?;
        let (stop, stopped) = channel();
        let thread = std::thread::spawn(move || {
            if apart {
                cores::pin(OTHER_CORE);
            }
            let mut times = Vec::new();
            let mut next = Instant::now();
            loop {
                let wait = next.saturating_duration_since(Instant::now());
                match stopped.recv_timeout(wait) {
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => return Ok(times),
                }
                let begun = Instant::now();
                client.simple(view.statement)?;
                times.push(begun.elapsed().as_secs_f64() * 1e3);
                next += POLL_INTERVAL;
            }
        });
        Ok(Self { stop, thread })
    }

    /// Stops; the time of each look, in milliseconds.
    pub fn stop(self) -> Result<Vec<f64>> {
        drop(self.stop);
        self.thread
            .join()
            .map_err(|_| anyhow!("the poller failed"))?
    }
}

/// A query that keeps the program's query threads busy.
pub struct HeavyQuery {
    socket: TcpStream,
    thread: JoinHandle<Result<()>>,
}

impl HeavyQuery {
    /// Starts it.
    pub fn start(door: View) -> Result<Self> {
        let mut client = Client::connect(door.address, SUPERUSER, door.database)?;
        let socket = client.socket().try_clone()?;
        let thread = std::thread::spawn(move || client.simple(ENDLESS).map(drop));
        Ok(Self { socket, thread })
    }

    /// Hangs up, which ends it. An error when it had ended before.
    pub fn stop(self) -> Result<()> {
        let ended = self.thread.is_finished();
        self.socket.shutdown(Shutdown::Both)?;
        let outcome = self
            .thread
            .join()
            .map_err(|_| anyhow!("the heavy query failed"))?;
        match ended {
            true => outcome.and(Err(anyhow!("it is no endless query"))),
            false => Ok(()),
        }
    }
}

/// A process that works as much as it can.
pub fn burner(threads: usize) -> Result<Process> {
    Process::start_mode(BURNER_MODE, &[threads.to_string()])
}

/// Works on so many threads until the process is ended.
pub fn burn(arguments: &[String]) -> Result<()> {
    let threads: usize = argument(arguments, 0)?;
    let works: Vec<_> = (0..threads)
        .map(|_| {
            std::thread::spawn(|| {
                let mut number = 1_u64;
                loop {
                    number = std::hint::black_box(number.wrapping_mul(6_364_136_223_846_793_005));
                }
            })
        })
        .collect();
    let first = works.into_iter().next().context("no threads")?;
    first.join().map_err(|_| anyhow!("the work failed"))
}
