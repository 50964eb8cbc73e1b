//! How long a session may stay without traffic.
//!
//! Traffic only leaves its moment behind, as it does anyway. A timer looks at it now and then, and is set anew for the
//! moment at which the session will have been silent for too long if nothing more happens.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

use crate::session::{KillReason, SessionGuard, monotonic_ms};

/// The clock of traffic is coarser than a timer: below this, a timer would be set for a moment that is not there yet.
const RESOLUTION: Duration = Duration::from_millis(10);

/// A session's timer.
#[derive(Debug)]
pub(super) struct Timeouts {
    idle: Option<Duration>,
    idle_in_transaction: Option<Duration>,
    timer: Pin<Box<Sleep>>,
}

impl Timeouts {
    /// Starts now. `None` when nothing is limited.
    pub fn new(idle: Option<Duration>, idle_in_transaction: Option<Duration>) -> Option<Box<Self>> {
        let shortest = shortest(idle, idle_in_transaction)?;
        Some(Box::new(Self {
            idle,
            idle_in_transaction,
            timer: Box::pin(sleep(shortest)),
        }))
    }

    /// Completes when the session was without traffic for too long.
    pub fn poll(&mut self, cx: &mut Context<'_>, session: &SessionGuard) -> Poll<KillReason> {
        while self.timer.as_mut().poll(cx).is_ready() {
            let live = session.live();
            let silent_ms = match live.statement_started_ms {
                Some(_) => 0,
                None => monotonic_ms().saturating_sub(live.last_activity_ms),
            };
            let (limit, reason) = match live.in_transaction() {
                true => (
                    self.idle_in_transaction,
                    KillReason::IdleInTransactionTimeout,
                ),
                false => (self.idle, KillReason::IdleTimeout),
            };
            let silent = Duration::from_millis(silent_ms);
            if limit.is_some_and(|limit| silent >= limit) {
                return Poll::Ready(reason);
            }
            // What is limited now, and what may be limited as soon as a transaction begins or ends.
            let left = limit.map(|limit| limit - silent);
            let Some(next) = shortest(left, shortest(self.idle, self.idle_in_transaction)) else {
                return Poll::Pending;
            };
            self.timer
                .as_mut()
                .reset(Instant::now() + next.max(RESOLUTION));
        }
        Poll::Pending
    }
}

fn shortest(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
    a.into_iter().chain(b).min()
}
