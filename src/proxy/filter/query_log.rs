//! The module `qlafilter`: a line for each statement, in a file.
//!
//! Sessions only leave their lines in a buffer; a thread of the filter's own writes them. A disk that does not keep up
//! holds up nobody: beyond a bound lines are lost, and the log of the program says how many.

use std::sync::Arc;
use std::thread::JoinHandle;

use chrono::{DateTime, SecondsFormat};
use parking_lot::{Condvar, Mutex};

use super::log_file::LogFile;
use super::{Filter, FilterError, FilterSession, Finished};
use crate::config::QueryLogConfig;
use crate::session::SessionGuard;

/// The most that waits to be written, in bytes.
const WAITING_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What the columns are called, in the first line of a file.
const COLUMNS: [&str; 8] = [
    "time",
    "session",
    "service",
    "user",
    "remote",
    "duration_ms",
    "outcome",
    "statement",
];

/// A query log and the thread that writes it.
pub(super) struct QueryLog {
    shared: Arc<Shared>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    name: String,
    waiting: Mutex<Waiting>,
    come: Condvar,
}

#[derive(Default)]
struct Waiting {
    lines: Vec<u8>,
    lost: u64,
    reopens: bool,
    ends: bool,
}

impl QueryLog {
    /// Opens the file and starts the thread.
    ///
    /// # Errors
    /// When the file cannot be written, or there is no thread to be had.
    pub fn start(name: &str, config: &QueryLogConfig) -> Result<Self, FilterError> {
        let failed = |source| FilterError::File {
            path: config.file.clone(),
            source,
        };
        let file = LogFile::open(config, &line(COLUMNS)).map_err(failed)?;
        let shared = Arc::new(Shared {
            name: name.to_owned(),
            waiting: Mutex::default(),
            come: Condvar::new(),
        });
        let thread = std::thread::Builder::new().name("query-log".to_owned());
        let write = {
            let shared = Arc::clone(&shared);
            move || shared.write(file)
        };
        Ok(Self {
            shared,
            writer: Mutex::new(Some(thread.spawn(write).map_err(FilterError::Thread)?)),
        })
    }
}

impl Filter for QueryLog {
    fn begin(&self, session: &SessionGuard) -> Box<dyn FilterSession> {
        Box::new(QueryLogSession {
            log: Arc::clone(&self.shared),
            session: session.id().to_string(),
            service: Arc::clone(&session.listener().service.name),
            remote: session.remote().address(),
        })
    }

    fn reopen(&self) {
        self.shared.waiting.lock().reopens = true;
        self.shared.come.notify_one();
    }

    fn finish(&self) {
        self.shared.waiting.lock().ends = true;
        self.shared.come.notify_one();
        let writer = self.writer.lock().take();
        if writer.is_some_and(|writer| writer.join().is_err()) {
            let filter = &self.shared.name;
            tracing::error!(%filter, "the writer of a query log failed");
        }
    }
}

impl Drop for QueryLog {
    fn drop(&mut self) {
        self.finish();
    }
}

/// One session's part in a query log.
struct QueryLogSession {
    log: Arc<Shared>,
    session: String,
    service: Arc<str>,
    remote: String,
}

impl FilterSession for QueryLogSession {
    fn finished(&mut self, statement: &Finished<'_>) {
        let time = DateTime::from_timestamp_micros(statement.received_us).unwrap_or_default();
        let duration_ms = statement.answer.duration.as_secs_f64() * 1_000.0;
        let line = line([
            &time.to_rfc3339_opts(SecondsFormat::Micros, true),
            &self.session,
            &self.service,
            statement.user.unwrap_or_default(),
            &self.remote,
            &format!("{duration_ms:.3}"),
            statement.answer.outcome.as_str(),
            &one_line(statement.text),
        ]);
        self.log.append(&line);
    }
}

/// A line of the file: values with commas or quotes in them are quoted (RFC 4180).
fn line(values: [&str; COLUMNS.len()]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // A vector takes everything.
    let _ = writer.write_record(values);
    writer.into_inner().unwrap_or_default()
}

/// A statement takes one line: line breaks and tabs become blanks, other control characters nothing.
fn one_line(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' | '\t' => Some(' '),
        c => (!c.is_control()).then_some(c),
    };
    text.chars().filter_map(shown).collect()
}

impl Shared {
    fn append(&self, line: &[u8]) {
        let mut waiting = self.waiting.lock();
        if waiting.lines.len() + line.len() > WAITING_BYTES_MAX {
            waiting.lost += 1;
            return;
        }
        waiting.lines.extend_from_slice(line);
        drop(waiting);
        self.come.notify_one();
    }

    /// Writes until the filter is to finish.
    fn write(&self, mut file: LogFile) {
        loop {
            let mut waiting = self.waiting.lock();
            while waiting.lines.is_empty() && !waiting.reopens && !waiting.ends {
                self.come.wait(&mut waiting);
            }
            let Waiting {
                lines,
                lost,
                reopens,
                ends,
            } = std::mem::take(&mut *waiting);
            drop(waiting);
            let filter = &self.name;
            let reopened = match reopens {
                true => file.reopen(),
                false => Ok(()),
            };
            if let Err(error) = reopened.and_then(|()| file.append(&lines)) {
                let path = file.path().display();
                tracing::error!(%filter, %path, %error, "statements are missing in a query log");
            }
            if lost > 0 {
                tracing::warn!(%filter, lost, "a query log does not keep up: statements are missing in it");
            }
            if ends {
                return;
            }
        }
    }
}
