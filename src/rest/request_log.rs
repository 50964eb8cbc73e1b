use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};

use super::refusal::Refusal;

/// What every log line of one request carries: its id, its user, its status and for how long it has been under way.
#[derive(Clone, Debug)]
pub struct RequestLog {
    id: u64,
    begun: Instant,
    /// Empty until the client is known.
    user: Arc<str>,
    /// What went wrong inside.
    error: Option<Arc<str>>,
}

impl RequestLog {
    /// A request begins, which has this id.
    pub fn begin(id: u64) -> Self {
        Self {
            id,
            begun: Instant::now(),
            user: "".into(),
            error: None,
        }
    }

    /// The client is this user.
    pub fn known(&mut self, user: &Arc<str>) {
        self.user = Arc::clone(user);
    }

    /// The request is not answered as asked.
    pub fn refused(&mut self, refusal: &Refusal) {
        self.error = refusal.cause().map(Into::into);
    }

    /// The response begins. Reading is no event; what changes something or fails is.
    pub fn answered(&self, method: &Method, path: &str, status: StatusCode) {
        let (id, user) = (self.id, &*self.user);
        let (status, duration) = (status.as_u16(), self.duration());
        match (&self.error, method.is_safe() && status < 400) {
            (Some(error), _) => tracing::error!(
                request = id, %method, path, status, ?duration, user, %error, "a request failed"
            ),
            (None, true) => tracing::debug!(
                request = id, %method, path, status, ?duration, user, "a request was answered"
            ),
            (None, false) => tracing::info!(
                request = id, %method, path, status, ?duration, user, "a request was answered"
            ),
        }
    }

    /// The rest of a response with status 200 did not come about.
    pub fn cut_off(&self, error: &dyn std::fmt::Display) {
        let (id, user) = (self.id, &*self.user);
        let duration = self.duration();
        tracing::warn!(request = id, status = 200, ?duration, user, %error, "a list was cut off");
    }

    /// The session is told to end, after `ttl` if there is one.
    pub fn closes(
        &self,
        session: impl std::fmt::Display,
        ttl: Option<Duration>,
        status: StatusCode,
    ) {
        let (id, user) = (self.id, &*self.user);
        let (status, duration) = (status.as_u16(), self.duration());
        tracing::info!(
            request = id, status, ?duration, %session, user, ?ttl, "an administrator closes a session"
        );
    }

    fn duration(&self) -> Duration {
        self.begun.elapsed()
    }
}
