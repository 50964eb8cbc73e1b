use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use tracing::field::display;

use super::parameters::shorten;
use super::refusal::Refusal;

/// What every log line of one request carries: its id, the client's address, its user, its status and for how long it
/// has been under way.
#[derive(Clone, Debug)]
pub struct RequestLog {
    id: u64,
    begun: Instant,
    /// The client's address.
    remote: IpAddr,
    /// Empty until the client is known.
    user: Arc<str>,
    /// Why it is not answered as asked.
    refused: Option<Refused>,
}

/// What the log says of a refusal.
#[derive(Clone, Debug)]
struct Refused {
    /// What the client is told.
    detail: Arc<str>,
    /// Who the client said it was, and is not.
    claimed: Option<Arc<str>>,
    /// What went wrong inside.
    error: Option<Arc<str>>,
}

/// What was asked for.
pub struct AskedFor<'a> {
    /// What is done.
    pub method: &'a Method,
    /// The request's own method.
    pub sent: &'a Method,
    /// Of the resource.
    pub path: &'a str,
}

impl RequestLog {
    /// A request begins, which has this id and comes from there.
    pub fn begin(id: u64, remote: IpAddr) -> Self {
        Self {
            id,
            begun: Instant::now(),
            remote: remote.to_canonical(),
            user: "".into(),
            refused: None,
        }
    }

    /// The client is this user.
    pub fn known(&mut self, user: &Arc<str>) {
        self.user = Arc::clone(user);
    }

    /// The request is not answered as asked.
    pub fn refused(&mut self, refusal: &Refusal) {
        self.refused = Some(Refused {
            detail: refusal.detail().into(),
            claimed: refusal.claimed().map(|name| shorten(name).into()),
            error: refusal.cause().map(Into::into),
        });
    }

    /// The response begins. Reading is no event; what changes something or fails is.
    pub fn answered(&self, asked: &AskedFor<'_>, status: StatusCode) {
        let (request, user, remote) = (self.id, &*self.user, self.remote);
        let AskedFor { method, sent, path } = *asked;
        let sent = (sent != method).then(|| display(sent));
        let path = shorten(path);
        let (status, duration_ms) = (status.as_u16(), self.duration_ms());
        let Some(refused) = &self.refused else {
            match method.is_safe() {
                true => tracing::debug!(
                    request, %method, sent, path, status, duration_ms, user, %remote, "a request was answered"
                ),
                false => tracing::info!(
                    request, %method, sent, path, status, duration_ms, user, %remote, "a request was answered"
                ),
            }
            return;
        };
        let (detail, claimed) = (&*refused.detail, refused.claimed.as_deref());
        match &refused.error {
            Some(error) => tracing::error!(
                request, %method, sent, path, status, duration_ms, user, %remote, detail, %error, "a request failed"
            ),
            None => tracing::info!(
                request, %method, sent, path, status, duration_ms, user, claimed, %remote, detail,
                "a request was refused"
            ),
        }
    }

    /// The rest of a response with status 200 did not come about.
    pub fn cut_off(&self, error: &dyn std::fmt::Display) {
        let (request, user, remote) = (self.id, &*self.user, self.remote);
        let duration_ms = self.duration_ms();
        tracing::warn!(request, status = 200, duration_ms, user, %remote, %error, "a list was cut off");
    }

    /// The session is told to end, after `ttl` if there is one.
    pub fn closes(
        &self,
        session: impl std::fmt::Display,
        ttl: Option<Duration>,
        status: StatusCode,
    ) {
        let (request, user, remote) = (self.id, &*self.user, self.remote);
        let (status, duration_ms) = (status.as_u16(), self.duration_ms());
        let ttl_s = ttl.map(|ttl| ttl.as_secs_f64());
        tracing::info!(
            request, status, duration_ms, %session, user, %remote, ttl_s, "an administrator closes a session"
        );
    }

    fn duration_ms(&self) -> f64 {
        self.begun.elapsed().as_micros() as f64 / 1_000.0
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::net::Ipv6Addr;
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

    fn lines_of(log: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::DEBUG)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, log);
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    fn asked<'a>(method: &'a Method, path: &'a str) -> AskedFor<'a> {
        AskedFor {
            method,
            sent: method,
            path,
        }
    }

    #[test]
    fn every_line_says_whose_request_it_is_of() {
        let text = lines_of(|| {
            let mut log = RequestLog::begin(7, Ipv6Addr::LOCALHOST.into());
            log.known(&"anna".into());
            log.closes(9, None, StatusCode::NO_CONTENT);
            log.cut_off(&"the client has gone");
            log.answered(&asked(&Method::GET, "/v1/sessions"), StatusCode::OK);
            let delete = asked(&Method::DELETE, "/v1/sessions/9");
            log.answered(&delete, StatusCode::NO_CONTENT);
            log.refused(&Refusal::not_found("9 is not a session"));
            log.answered(&delete, StatusCode::NOT_FOUND);
            log.refused(&Refusal::defect("broken"));
            log.answered(
                &asked(&Method::GET, "/v1/sessions"),
                StatusCode::INTERNAL_SERVER_ERROR,
            );
        });
        assert_eq!(text.lines().count(), 6, "{text}");
        for line in text.lines() {
            for member in [
                "request=7",
                "status=",
                "duration_ms=",
                "user=\"anna\"",
                "remote=::1",
            ] {
                assert!(line.contains(member), "{member} in {line}");
            }
        }
        let levels: Vec<_> = text
            .lines()
            .filter_map(|line| line.split_whitespace().nth(1))
            .collect();
        assert_eq!(levels, ["INFO", "WARN", "DEBUG", "INFO", "INFO", "ERROR"]);
        assert!(text.contains("detail=\"9 is not a session\""), "{text}");
    }

    #[test]
    fn a_line_says_what_was_done_and_how_it_was_asked() {
        let text = lines_of(|| {
            let log = RequestLog::begin(1, [127, 0, 0, 1].into());
            let overridden = AskedFor {
                method: &Method::PATCH,
                sent: &Method::GET,
                path: "/v1/sessions/9",
            };
            log.answered(&overridden, StatusCode::NO_CONTENT);
            log.answered(&asked(&Method::GET, "/"), StatusCode::OK);
            let ttl = Some(Duration::from_millis(1_500));
            log.closes(9, ttl, StatusCode::NO_CONTENT);
        });
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[0].contains("method=PATCH sent=GET"), "{text}");
        assert!(lines[0].contains("INFO"), "{text}");
        assert!(!lines[1].contains("sent="), "{text}");
        assert!(lines[2].contains("ttl_s=1.5"), "{text}");
    }

    #[test]
    fn what_a_client_has_written_is_cut() {
        let long = "x".repeat(60_000);
        let text = lines_of(|| {
            let mut log = RequestLog::begin(1, [192, 0, 2, 1].into());
            log.refused(&Refusal::unauthorized("no").of_claimed(&long));
            log.answered(&asked(&Method::GET, &long), StatusCode::UNAUTHORIZED);
        });
        assert!(
            text.contains("claimed=\"xxx") && text.contains("path=\"xxx"),
            "{text}"
        );
        assert!(text.len() < 1_000, "{}", text.len());
    }
}
