//! The traffic beside every question: one thread on a core of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use rollcall::session::{Registry, RegistryFull, SessionGuard, monotonic_ms};

use super::WRITER_CORE;
use super::cores::pin;
use super::world::{Maker, Place};

/// Touches between two looks at the time and at whether to stop.
const BURST: u64 = 64;

/// What the traffic consists of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Traffic {
    /// Touches of random sessions, as fast as they go.
    Touches,
    /// The same, and every so often a random session ends and another one begins.
    Churn {
        /// Sessions that end, and begin, in a second.
        per_second: u32,
    },
}

impl Traffic {
    /// Both kinds of load that questions are asked under.
    pub const ALL: [Self; 2] = [Self::Touches, Self::Churn { per_second: 1_000 }];

    /// What to add to the name of a question.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Touches => "",
            Self::Churn { .. } => ", with churn",
        }
    }
}

/// A small random number generator (xorshift), so that the traffic is nothing but traffic.
pub struct Random(u64);

impl Random {
    /// One that begins the same way each time.
    pub fn new() -> Self {
        Self(0x9E37_79B9_7F4A_7C15)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end
    }
}

/// One 64-byte line that traffic changes as it does a session: what a bare loop reads.
#[derive(Default)]
#[repr(align(64))]
pub struct Line {
    last_activity_ms: AtomicU64,
    bytes_in: AtomicU64,
}

impl Line {
    /// Milliseconds since the last traffic.
    pub fn idle_ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_sub(self.last_activity_ms.load(Ordering::Relaxed))
    }

    /// Bytes came.
    pub fn received(&self, bytes: u64) {
        self.bytes_in.fetch_add(bytes, Ordering::Relaxed);
        self.last_activity_ms
            .store(monotonic_ms(), Ordering::Relaxed);
    }
}

/// What traffic goes to, and what is needed to replace one of them.
pub struct Crowd {
    pub registry: Arc<Registry>,
    pub maker: Arc<Maker>,
    pub sessions: Vec<SessionGuard>,
    /// As many lines as there are sessions, or none.
    pub lines: Arc<[Line]>,
}

/// The thread that makes traffic. It owns the sessions until it is stopped.
pub struct Writer {
    shared: Arc<Shared>,
    thread: JoinHandle<(Crowd, Result<(), RegistryFull>)>,
}

/// What the thread is told, and what it tells.
#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    on_lines: AtomicBool,
    touches: AtomicU64,
}

impl Writer {
    /// Starts traffic on the sessions.
    pub fn start(crowd: Crowd, traffic: Traffic) -> Result<Self> {
        let shared = Arc::new(Shared::default());
        let told = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("traffic".to_owned());
        let thread = thread.spawn(move || {
            pin(WRITER_CORE);
            let mut work = Work {
                crowd,
                told,
                random: Random::new(),
            };
            let outcome = work.run(traffic);
            (work.crowd, outcome)
        })?;
        Ok(Self { shared, thread })
    }

    /// How often it has touched a session.
    pub fn touches(&self) -> u64 {
        self.shared.touches.load(Ordering::Relaxed)
    }

    /// Turns the traffic to the lines, or back to the sessions.
    pub fn turn_to_lines(&self, on_lines: bool) {
        self.shared.on_lines.store(on_lines, Ordering::Relaxed);
    }

    /// Stops the traffic and gives the sessions back.
    pub fn stop(self) -> Result<Vec<SessionGuard>> {
        self.shared.stop.store(true, Ordering::Relaxed);
        let (crowd, outcome) = self
            .thread
            .join()
            .map_err(|_| anyhow!("the traffic failed"))?;
        outcome?;
        Ok(crowd.sessions)
    }
}

struct Work {
    crowd: Crowd,
    told: Arc<Shared>,
    random: Random,
}

impl Work {
    fn run(&mut self, traffic: Traffic) -> Result<(), RegistryFull> {
        let interval = match traffic {
            Traffic::Touches => None,
            Traffic::Churn { per_second } => Some(Duration::from_secs(1) / per_second.max(1)),
        };
        let mut next = Instant::now();
        while !self.told.stop.load(Ordering::Relaxed) {
            self.touch();
            self.told.touches.fetch_add(BURST, Ordering::Relaxed);
            if let Some(interval) = interval
                && Instant::now() >= next
            {
                self.replace_one()?;
                next += interval;
            }
        }
        Ok(())
    }

    fn touch(&mut self) {
        let Crowd {
            sessions, lines, ..
        } = &self.crowd;
        let random = &mut self.random;
        if self.told.on_lines.load(Ordering::Relaxed) && !lines.is_empty() {
            (0..BURST).for_each(|_| lines[random.below(lines.len())].received(64));
        } else {
            (0..BURST).for_each(|_| sessions[random.below(sessions.len())].received(64));
        }
    }

    /// Ends a random session of those that do not last, and begins one in its place.
    fn replace_one(&mut self) -> Result<(), RegistryFull> {
        let Crowd {
            registry,
            maker,
            sessions,
            ..
        } = &mut self.crowd;
        let mut at = self.random.below(sessions.len());
        if Place(at).lasts() {
            at ^= 1;
        }
        if at < sessions.len() {
            let last = sessions.len() - 1;
            drop(sessions.swap_remove(at));
            sessions.push(maker.register(registry, Place(at))?);
            sessions.swap(at, last);
        }
        Ok(())
    }
}
