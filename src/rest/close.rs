use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::refusal::Refusal;
use crate::session::{KillReason, Session};

/// Closes that wait for their time, at most.
const DELAYED_MAX: usize = 4096;

/// Closes sessions, now or later.
pub struct Closer {
    delayed: Arc<Semaphore>,
}

impl Closer {
    /// Nothing waits yet.
    pub fn new() -> Self {
        Self {
            delayed: Arc::new(Semaphore::new(DELAYED_MAX)),
        }
    }

    /// Tells the session to end, after `ttl` if there is one. What waits ends with the session.
    ///
    /// # Errors
    /// 503 when too many wait already.
    pub fn close(
        &self,
        session: Arc<Session>,
        ttl: Option<Duration>,
        user: &str,
    ) -> Result<(), Refusal> {
        tracing::info!(session = %session.id(), user, ?ttl, "an administrator closes a session");
        let Some(ttl) = ttl else {
            session.kill(KillReason::Administrator);
            return Ok(());
        };
        let Ok(permit) = Arc::clone(&self.delayed).try_acquire_owned() else {
            return Err(Refusal::unavailable(format!(
                "{DELAYED_MAX} sessions wait for their ttl already"
            )));
        };
        tokio::spawn(async move {
            tokio::select! {
                () = session.ending() => {}
                () = tokio::time::sleep(ttl) => {
                    session.kill(KillReason::Administrator);
                }
            }
            drop(permit);
        });
        Ok(())
    }
}
