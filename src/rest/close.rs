use std::sync::Arc;
use std::time::Duration;

use crate::session::{KillReason, Session};

/// Tells the session to end, after `ttl` if there is one.
pub fn close(session: &Arc<Session>, ttl: Option<Duration>, user: &str) {
    tracing::info!(session = %session.id(), user, ?ttl, "an administrator closes a session");
    match ttl {
        None => session.kill(KillReason::Administrator),
        Some(ttl) => session.kill_after(ttl),
    };
}
