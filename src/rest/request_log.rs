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

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Mutex;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn every_line_says_whose_request_it_is_of() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::DEBUG)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            let mut log = RequestLog::begin(7);
            log.known(&"anna".into());
            log.closes(9, None, StatusCode::NO_CONTENT);
            log.cut_off(&"the client has gone");
            log.answered(&Method::GET, "/v1/sessions", StatusCode::OK);
            log.answered(&Method::DELETE, "/v1/sessions/9", StatusCode::NO_CONTENT);
            log.refused(&Refusal::defect("broken"));
            log.answered(
                &Method::GET,
                "/v1/sessions",
                StatusCode::INTERNAL_SERVER_ERROR,
            );
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 5, "{text}");
        for line in text.lines() {
            for member in ["request=7", "status=", "duration=", "user=\"anna\""] {
                assert!(line.contains(member), "{member} in {line}");
            }
        }
        let levels: Vec<_> = text
            .lines()
            .filter_map(|line| line.split_whitespace().nth(1))
            .collect();
        assert_eq!(levels, ["INFO", "WARN", "DEBUG", "INFO", "ERROR"]);
    }
}
