use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Whether anything goes on on a connection.
#[derive(Debug)]
pub struct Pulse {
    begun: Instant,
    under_way: AtomicUsize,
    /// When something ended last, in milliseconds since the beginning.
    ended_ms: AtomicU64,
}

impl Pulse {
    /// For how long nothing has gone on; `None` while something does.
    pub fn quiet(&self) -> Option<Duration> {
        if self.under_way.load(Ordering::Acquire) > 0 {
            return None;
        }
        let ended = Duration::from_millis(self.ended_ms.load(Ordering::Relaxed));
        Some(self.begun.elapsed().saturating_sub(ended))
    }
}

impl Default for Pulse {
    fn default() -> Self {
        Self {
            begun: Instant::now(),
            under_way: AtomicUsize::new(0),
            ended_ms: AtomicU64::new(0),
        }
    }
}

/// Keeps a connection from counting as idle.
pub struct Hold(Arc<Pulse>);

impl Hold {
    /// Something goes on.
    pub fn new(pulse: &Arc<Pulse>) -> Self {
        pulse.under_way.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(pulse))
    }
}

impl Clone for Hold {
    fn clone(&self) -> Self {
        Self::new(&self.0)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let now_ms = u64::try_from(self.0.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.ended_ms.store(now_ms, Ordering::Relaxed);
        self.0.under_way.fetch_sub(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_quiet_since_its_last_end() {
        let pulse = Arc::new(Pulse::default());
        assert!(pulse.quiet().is_some());
        let hold = Hold::new(&pulse);
        let other = hold.clone();
        drop(hold);
        assert_eq!(pulse.quiet(), None);
        drop(other);
        assert!(
            pulse
                .quiet()
                .is_some_and(|quiet| quiet <= pulse.begun.elapsed())
        );
    }
}
