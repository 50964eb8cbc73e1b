//! The last statements of a session, kept where its service asks for it.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;

/// A client's statement.
#[derive(Debug)]
pub struct RetainedStatement {
    /// The command of the wire protocol that brought it: `Query`, `Execute`, `COM_QUERY` …
    pub command: &'static str,
    /// Its text, cut at the bound of its service and without the passwords in it.
    pub text: Arc<str>,
    /// The server that it was sent to.
    pub server: Arc<str>,
    /// When it arrived, in microseconds since the UNIX epoch.
    pub received_us: i64,
    answer: OnceLock<Answer>,
}

/// How a statement was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// From its arrival to the end of the answer.
    pub duration: Duration,
    /// What the answer was.
    pub outcome: Outcome,
}

/// What became of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It succeeded.
    Ok,
    /// The server answered with an error.
    Error,
    /// The server passed over it, since one before it in the same pipeline had failed.
    Skipped,
    /// Its session ended first.
    Unanswered,
}

impl Outcome {
    /// `ok`, `error`, `skipped` or `unanswered`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Skipped => "skipped",
            Self::Unanswered => "unanswered",
        }
    }
}

impl RetainedStatement {
    /// A statement that has arrived just now, on its way to `server`.
    pub fn new(command: &'static str, text: Arc<str>, server: Arc<str>) -> Self {
        Self {
            command,
            text,
            server,
            received_us: super::clock::utc_us(),
            answer: OnceLock::new(),
        }
    }

    /// Takes note of the answer; the first one stands.
    pub fn answered(&self, answer: Answer) {
        self.answer.get_or_init(|| answer);
    }

    /// The answer; none while it runs.
    pub fn answer(&self) -> Option<Answer> {
        self.answer.get().copied()
    }

    /// When the answer was complete, in microseconds since the UNIX epoch; none while the statement runs.
    pub fn completed_us(&self) -> Option<i64> {
        let duration = self.answer()?.duration;
        Some(self.received_us + duration.as_micros() as i64)
    }
}

/// The last statements of one session.
#[derive(Debug)]
pub(super) struct Retained {
    /// At least 1.
    most: usize,
    /// The oldest one first.
    statements: Mutex<VecDeque<Arc<RetainedStatement>>>,
}

impl Retained {
    /// Room for so many, and for one at least.
    pub fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            statements: Mutex::default(),
        }
    }

    /// Adds one, in the place of the oldest one where there is no more room.
    pub fn push(&self, statement: Arc<RetainedStatement>) {
        let mut statements = self.statements.lock();
        if statements.len() >= self.most {
            statements.pop_front();
        }
        statements.push_back(statement);
    }

    /// All of them, the newest one first.
    pub fn newest_first(&self) -> Vec<Arc<RetainedStatement>> {
        self.statements.lock().iter().rev().cloned().collect()
    }
}
