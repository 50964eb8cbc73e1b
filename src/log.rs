//! Which lines are logged: those of the configured level, and of single sessions more.
//!
//! A line is a session's when it carries the field `session`. Whether such a line is wanted is only known when it is
//! written; all others are decided by the level alone, once for each place in the code.

use std::fmt;
use std::sync::Arc;

use tracing::field::{Field, Visit};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, Filter};

use crate::session::{LogLevel, SessionId, SessionLogs};

/// The field that says which session a line is of.
const SESSION: &str = "session";

/// The filter of the log.
pub struct LogFilter {
    program: EnvFilter,
    sessions: Arc<SessionLogs>,
}

impl LogFilter {
    /// Lets through what `program` does, and what is wanted of single sessions.
    pub fn new(program: EnvFilter, sessions: Arc<SessionLogs>) -> Self {
        Self { program, sessions }
    }
}

fn level(metadata: &Metadata<'_>) -> Option<LogLevel> {
    Some(match *metadata.level() {
        Level::DEBUG => LogLevel::Debug,
        Level::INFO => LogLevel::Info,
        Level::WARN => LogLevel::Warning,
        Level::ERROR => LogLevel::Error,
        _ => return None,
    })
}

/// Whether a line of this place in the code can be one of a session.
fn may_be_a_session_s(metadata: &Metadata<'_>) -> bool {
    metadata.is_event() && level(metadata).is_some() && metadata.fields().field(SESSION).is_some()
}

impl<S: Subscriber> Filter<S> for LogFilter {
    fn enabled(&self, metadata: &Metadata<'_>, context: &Context<'_, S>) -> bool {
        Filter::<S>::enabled(&self.program, metadata, context)
            || self.sessions.any() && may_be_a_session_s(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        let program = Filter::<S>::callsite_enabled(&self.program, metadata);
        match may_be_a_session_s(metadata) && !program.is_always() {
            true => Interest::sometimes(),
            false => program,
        }
    }

    fn event_enabled(&self, event: &Event<'_>, context: &Context<'_, S>) -> bool {
        if Filter::<S>::enabled(&self.program, event.metadata(), context) {
            return true;
        }
        let mut id = SessionField(None);
        event.record(&mut id);
        match (id.0, level(event.metadata())) {
            (Some(id), Some(level)) => self.sessions.contains(id, level),
            _ => false,
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        let program = Filter::<S>::max_level_hint(&self.program)?;
        Some(program.max(LevelFilter::DEBUG))
    }
}

/// Reads the id in the field `session`.
struct SessionField(Option<SessionId>);

impl Visit for SessionField {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == SESSION {
            let id = format!("{value:?}").parse().ok();
            self.0 = id.and_then(SessionId::new);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use parking_lot::Mutex;
    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::{Layer, Registry};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_session_is_logged_in_more_detail_than_the_program() {
        let sessions = Arc::new(SessionLogs::default());
        let lines = Lines::default();
        let writer = lines.clone();
        let filter = LogFilter::new(EnvFilter::new("warn"), Arc::clone(&sessions));
        let layer = tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .with_filter(filter);
        let [one, other] = [7, 8].map(|id| SessionId::new(id).unwrap());
        let speak = |said: &str| {
            tracing::debug!(session = %one, said, "one");
            tracing::info!(session = %one, said, "one");
            tracing::debug!(session = %other, said, "other");
            tracing::debug!(said, "nobody");
            tracing::warn!(session = %other, said, "loud");
        };
        tracing::subscriber::with_default(Registry::default().with(layer), || {
            speak("before");
            sessions.set(one, LogLevel::Debug, true);
            speak("during");
            sessions.set(one, LogLevel::Debug, false);
            speak("after");
        });
        let text = String::from_utf8(lines.0.lock().clone()).unwrap();
        let said: Vec<&str> = text
            .lines()
            .map(
                |line| match (line.contains("one"), line.contains("during")) {
                    (true, true) => "one during",
                    (false, _) if line.contains("loud") => "loud",
                    _ => line,
                },
            )
            .collect();
        assert_eq!(said, ["loud", "one during", "loud", "loud"]);
    }
}
