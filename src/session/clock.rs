use std::time::{SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

/// Milliseconds on the kernel's coarse monotonic clock.
///
/// Read from memory that the kernel shares with the process, without a system call: cheap enough for every
/// message. Its resolution is one timer tick of the kernel, at most 10 ms.
pub fn monotonic_ms() -> u64 {
    let now = clock_gettime(ClockId::MonotonicCoarse);
    now.tv_sec as u64 * 1_000 + now.tv_nsec as u64 / 1_000_000
}

/// Microseconds since 1970-01-01 00:00:00 UTC on the system clock.
pub(super) fn utc_us() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_micros() as i64,
        Err(before) => -(before.duration().as_micros() as i64),
    }
}

/// One look at the clock, shared by everything that a statement computes from time.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// [`monotonic_ms`] at that moment.
    pub monotonic_ms: u64,
    /// Microseconds since the UNIX epoch at that moment.
    pub utc_us: i64,
}

impl Reading {
    /// Reads both clocks.
    pub fn now() -> Self {
        Self {
            monotonic_ms: monotonic_ms(),
            utc_us: utc_us(),
        }
    }
}
