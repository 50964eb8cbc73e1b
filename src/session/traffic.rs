use std::sync::atomic::{AtomicU64, Ordering};

/// Enough for the threads of most machines; more share.
const LANES: usize = 16;

/// What has passed through a service since its start, by sessions that live and by those that have ended.
///
/// Every message of every session of the service counts here. So that threads do not take a cache line from each
/// other for it, each has a lane of its own, and whoever reads adds them up.
#[derive(Debug, Default)]
pub struct Traffic([Counts; LANES]);

/// One cache line.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Counts {
    statements: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
}

/// Where a session's traffic is counted: one for each thread, as far as they go.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lane(u8);

impl Lane {
    /// The lane of a thread, by the thread's number among those that carry traffic.
    pub fn of_thread(number: usize) -> Self {
        Self((number % LANES) as u8)
    }
}

impl Traffic {
    /// Statements begun.
    pub fn statements(&self) -> u64 {
        self.sum(|counts| &counts.statements)
    }

    /// Bytes received from clients.
    pub fn bytes_in(&self) -> u64 {
        self.sum(|counts| &counts.bytes_in)
    }

    /// Bytes sent to clients.
    pub fn bytes_out(&self) -> u64 {
        self.sum(|counts| &counts.bytes_out)
    }

    #[inline]
    pub(super) fn count_statement(&self, lane: Lane) {
        self.lane(lane).statements.fetch_add(1, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn received(&self, lane: Lane, bytes: u64) {
        self.lane(lane).bytes_in.fetch_add(bytes, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn sent(&self, lane: Lane, bytes: u64) {
        self.lane(lane)
            .bytes_out
            .fetch_add(bytes, Ordering::Relaxed);
    }

    #[inline]
    fn lane(&self, lane: Lane) -> &Counts {
        &self.0[usize::from(lane.0) % LANES]
    }

    fn sum(&self, counter: impl Fn(&Counts) -> &AtomicU64) -> u64 {
        let counts = self.0.iter().map(|c| counter(c).load(Ordering::Relaxed));
        counts.fold(0, u64::wrapping_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_add_up() {
        let traffic = Traffic::default();
        for number in 0..2 * LANES {
            let lane = Lane::of_thread(number);
            traffic.count_statement(lane);
            traffic.received(lane, 10);
            traffic.sent(lane, 100);
        }
        let threads = 2 * LANES as u64;
        assert_eq!(traffic.statements(), threads);
        assert_eq!(traffic.bytes_in(), 10 * threads);
        assert_eq!(traffic.bytes_out(), 100 * threads);
    }
}
