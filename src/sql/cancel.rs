//! How a running statement is stopped.
//!
//! Whoever holds a session's secret key, or its handle, may ask for an end of the statement that runs. The request
//! meets the statement by its number, so one that comes too late is forgotten instead of hitting the next statement.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::connection::{End, Halt};
use super::sqlstate::SqlError;
use crate::proxy::wire::Wire;
use crate::session::Session;

/// Which statement of a session runs, and which one is to end.
#[derive(Default)]
pub(super) struct Running {
    /// Numbers the session's statements from 1.
    last: AtomicU64,
    /// The number of the one that runs; 0 between statements.
    current: AtomicU64,
    cancelled: AtomicU64,
    wake: Notify,
}

impl Running {
    /// Asks for an end of the statement that runs.
    pub fn cancel(&self) {
        let current = self.current.load(Ordering::Acquire);
        if current != 0 {
            self.cancelled.fetch_max(current, Ordering::Release);
            self.wake.notify_one();
        }
    }
}

/// A statement that runs, seen by what may stop it. Dropped when it ends.
pub(super) struct Watch {
    running: Arc<Running>,
    number: u64,
    deadline: Option<Instant>,
    session: Arc<Session>,
}

impl Watch {
    /// A statement begins, and may run for `timeout`.
    pub fn new(running: &Arc<Running>, session: &Arc<Session>, timeout: Option<Duration>) -> Self {
        let number = running.last.fetch_add(1, Ordering::Relaxed) + 1;
        running.current.store(number, Ordering::Release);
        Self {
            running: Arc::clone(running),
            number,
            deadline: timeout.and_then(|timeout| Instant::now().checked_add(timeout)),
            session: Arc::clone(session),
        }
    }

    /// Waits for `work`, unless the statement is cancelled or out of time, its session is killed, or its client
    /// disappears: then `work` is dropped, whether or not it would ever have yielded.
    pub async fn run<T>(&self, wire: &mut Wire, work: impl Future<Output = T>) -> Result<T, Halt> {
        let mut work = pin!(work);
        if let Some(done) = self.try_at_once(&mut work).await {
            return Ok(done);
        }
        tokio::select! {
            biased;
            halt = self.halted() => Err(halt),
            done = work => Ok(done),
            _ = wire.gone() => Err(Halt::End(End::Gone)),
        }
    }

    /// Sends what is to be sent, under the same conditions.
    pub async fn flush(&self, wire: &mut Wire) -> Result<(), Halt> {
        let mut flush = pin!(wire.flush());
        let flushed = match self.try_at_once(&mut flush).await {
            Some(flushed) => flushed,
            None => tokio::select! {
                biased;
                halt = self.halted() => return Err(halt),
                flushed = flush => flushed,
            },
        };
        flushed.map_err(|error| Halt::End(End::Lost(error)))
    }

    /// What `work` comes to without waiting, unless something is to stop the statement: then nobody has to stand in the
    /// queues of those who wait for a stop, nor set a timer.
    async fn try_at_once<T>(&self, work: &mut Pin<&mut impl Future<Output = T>>) -> Option<T> {
        if self.is_halted() {
            return None;
        }
        let poll = |cx: &mut Context<'_>| match work.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => Poll::Ready(None),
        };
        poll_fn(poll).await
    }

    /// Whether [`halted`](Self::halted) would complete at once.
    fn is_halted(&self) -> bool {
        self.session.kill_reason().is_some()
            || self.session.is_ended()
            || self.running.cancelled.load(Ordering::Acquire) == self.number
            || self
                .deadline
                .is_some_and(|deadline| deadline <= Instant::now())
    }

    async fn halted(&self) -> Halt {
        tokio::select! {
            biased;
            () = self.session.ending() => Halt::End(End::killed()),
            () = self.cancelled() => Halt::Error(SqlError::new(
                "57014",
                "canceling statement due to user request",
            )),
            () = self.out_of_time() => Halt::Error(SqlError::new(
                "57014",
                "canceling statement due to statement timeout",
            )),
        }
    }

    async fn cancelled(&self) {
        while self.running.cancelled.load(Ordering::Acquire) != self.number {
            // A wake-up that was meant for an earlier statement comes through here once.
            self.running.wake.notified().await;
        }
    }

    async fn out_of_time(&self) {
        match self.deadline {
            Some(deadline) => tokio::time::sleep_until(deadline).await,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.running.current.store(0, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cancel_between_statements_is_forgotten() {
        let running = Running::default();
        running.cancel();
        assert_eq!(running.cancelled.load(Ordering::Relaxed), 0);
    }
}
