//! How long statements take.

use std::time::{Duration, Instant};

use prometheus::core::Metric as _;
use prometheus::proto::Metric;
use prometheus::{Histogram, HistogramOpts};

use super::statement::Caller;

/// Upper bounds of the buckets, in seconds: from what a lookup by id takes to what makes people impatient.
const BOUNDS: [f64; 14] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5,
    10.0,
];

/// The latencies of all statements since the start, by the door that they came through.
#[derive(Debug)]
pub struct Latencies {
    sql: Histogram,
    rest: Histogram,
}

impl Latencies {
    pub(super) fn new() -> prometheus::Result<Self> {
        let histogram = || {
            // The names are those of whoever collects.
            let options = HistogramOpts::new("latency", "latency").buckets(BOUNDS.to_vec());
            Histogram::with_opts(options)
        };
        Ok(Self {
            sql: histogram()?,
            rest: histogram()?,
        })
    }

    /// What there is now, by the name of the door.
    pub fn collect(&self) -> [(&'static str, Metric); 2] {
        [("rest", self.rest.metric()), ("sql", self.sql.metric())]
    }

    /// A statement of this caller begins.
    pub(super) fn begin(&self, caller: &Caller) -> Latency {
        let histogram = match caller.session {
            // Clients of the SQL door are sessions, those of the REST door are not.
            Some(_) => &self.sql,
            None => &self.rest,
        };
        Latency {
            histogram: histogram.clone(),
            waited: Duration::ZERO,
            waiting_since: Some(Instant::now()),
        }
    }
}

/// What one statement has taken so far: the time that somebody waited for it. While its rows are on their way to the
/// client nobody waits for it, however slow the client is. It counts when it is dropped.
pub(super) struct Latency {
    histogram: Histogram,
    waited: Duration,
    waiting_since: Option<Instant>,
}

impl Latency {
    /// Somebody waits.
    pub fn wait(&mut self) {
        self.waiting_since.get_or_insert_with(Instant::now);
    }

    /// What was waited for is there.
    pub fn rest(&mut self) {
        if let Some(since) = self.waiting_since.take() {
            self.waited += since.elapsed();
        }
    }
}

impl Drop for Latency {
    fn drop(&mut self) {
        self.rest();
        self.histogram.observe(self.waited.as_secs_f64());
    }
}
