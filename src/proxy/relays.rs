//! The threads that relay.
//!
//! One runtime for each thread, and a session stays on its thread: a message wakes the thread that waits for it and no
//! other. With one runtime over all threads each of them would be woken to look for work, which costs more than a
//! message does.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use parking_lot::Mutex;
use tokio::runtime::{Builder, Handle};
use tokio_util::sync::CancellationToken;

use crate::session::Lane;

/// The threads, which end when this is dropped, with whatever runs on them.
#[derive(Debug)]
pub(super) struct Relays {
    threads: Vec<Relaying>,
    /// The first one's runtime.
    control: Handle,
    stop: CancellationToken,
    running: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Relaying {
    runtime: Handle,
    /// Where the traffic that it carries is counted.
    lane: Lane,
    /// How many clients it serves.
    clients: Arc<AtomicUsize>,
}

impl Relays {
    /// Starts so many threads, at least one.
    ///
    /// # Errors
    /// When the system has none.
    pub fn start(count: usize) -> io::Result<Self> {
        let stop = CancellationToken::new();
        let start = |number| -> io::Result<(Relaying, JoinHandle<()>)> {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let handle = runtime.handle().clone();
            let stopped = stop.clone().cancelled_owned();
            let thread = thread::Builder::new()
                .name("rollcall-relay".to_owned())
                .spawn(move || runtime.block_on(stopped))?;
            let relaying = Relaying {
                runtime: handle,
                lane: Lane::of_thread(number),
                clients: Arc::default(),
            };
            Ok((relaying, thread))
        };
        let (first, running) = start(0)?;
        let control = first.runtime.clone();
        let (mut threads, mut running) = (vec![first], vec![running]);
        for number in 1..count {
            let (relaying, thread) = start(number)?;
            threads.push(relaying);
            running.push(thread);
        }
        Ok(Self {
            threads,
            control,
            stop,
            running: Mutex::new(running),
        })
    }

    /// Ends the threads and waits until whatever ran on them is gone. Not to be called on one of them.
    pub fn stop(&self) {
        self.stop.cancel();
        let running = std::mem::take(&mut *self.running.lock());
        for thread in running {
            if thread.join().is_err() {
                tracing::error!("a thread that relays failed");
            }
        }
    }

    /// Where whatever serves all clients runs: accepting them and watching the servers is as urgent as relaying.
    pub fn control(&self) -> &Handle {
        &self.control
    }

    /// The thread that serves the fewest clients.
    pub fn choose(&self) -> Option<Place> {
        let fewest = self
            .threads
            .iter()
            .min_by_key(|thread| thread.clients.load(Ordering::Relaxed))?;
        fewest.clients.fetch_add(1, Ordering::Relaxed);
        Some(Place {
            runtime: fewest.runtime.clone(),
            lane: fewest.lane,
            clients: Arc::clone(&fewest.clients),
        })
    }
}

impl Drop for Relays {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A client's place on a thread, given back when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    runtime: Handle,
    lane: Lane,
    clients: Arc<AtomicUsize>,
}

impl Place {
    /// The thread's runtime.
    pub fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Where the traffic that the thread carries is counted.
    pub fn lane(&self) -> Lane {
        self.lane
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.clients.fetch_sub(1, Ordering::Relaxed);
    }
}
