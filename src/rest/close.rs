use std::sync::Arc;
use std::time::Duration;

use crate::session::{KillReason, Session};

/// Tells the session to end, after `ttl` if there is one. Returns whether it had not been told before.
pub fn close(session: &Arc<Session>, ttl: Option<Duration>) -> bool {
    match ttl {
        None => session.kill(KillReason::Administrator),
        Some(ttl) => session.kill_after(ttl),
    }
}
