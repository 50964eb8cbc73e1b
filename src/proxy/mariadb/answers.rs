//! What a server still has to say: the state of its answers to the commands that were sent.

use std::collections::VecDeque;

use super::capability;
use super::command::Answer;
use super::packet::{FRAME_BYTES_MAX, Values};
use super::status::{self, EOF, ERR, OK, Status};

/// A client may send so many commands ahead of their answers.
const AHEAD_MAX: usize = 1 << 20;
/// An EOF of before CLIENT_DEPRECATE_EOF is shorter than this, and no row that begins with its header is.
const EOF_LENGTH_MAX: usize = 8;

/// Which packet comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// None: nothing was asked.
    Nothing,
    /// The first of an answer.
    First(Answer),
    /// One of so many definitions of columns, before rows.
    Column(u64),
    /// The EOF behind them.
    ColumnsEnd,
    /// A row, or the end of the rows.
    Row { of_results: bool },
    /// One of so many definitions of a prepared statement.
    Definition(u32),
}

/// What a packet has told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// Nothing of interest.
    Nothing,
    /// The status of the session; more of the answer follows.
    Status,
    /// The server waits for a file of the client's.
    WantsFile,
    /// The answer is at its end, well or with an error.
    Ended(Answer, Outcome),
}

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Well.
    Done,
    /// With an error.
    Failed,
}

/// The answers that are under way and to come.
#[derive(Debug)]
pub(super) struct Answers {
    capabilities: u64,
    next: Next,
    /// What the answer that is under way is to.
    current: Answer,
    /// Those of the commands behind it.
    ahead: VecDeque<Answer>,
}

impl Answers {
    /// Of a client that has taken these capabilities.
    pub fn new(capabilities: u64) -> Self {
        Self {
            capabilities,
            next: Next::Nothing,
            current: Answer::Packet,
            ahead: VecDeque::new(),
        }
    }

    /// Whether something is still to come.
    pub fn is_pending(&self) -> bool {
        self.next != Next::Nothing
    }

    /// Whether the next packet is the first one of an answer to COM_STMT_PREPARE.
    pub fn begins_preparation(&self) -> bool {
        self.next == Next::First(Answer::Prepared)
    }

    /// A command was sent that is answered so. False when there are too many of them.
    pub fn expect(&mut self, answer: Answer) -> bool {
        if self.next == Next::Nothing {
            self.begin(answer);
        } else if self.ahead.len() < AHEAD_MAX {
            self.ahead.push_back(answer);
        } else {
            return false;
        }
        true
    }

    fn begin(&mut self, answer: Answer) {
        self.current = answer;
        self.next = match answer {
            Answer::Rows => Next::Row { of_results: false },
            answer => Next::First(answer),
        };
    }

    /// Whether a packet has to be seen whole: it may be the end of something. `first` is its first byte.
    pub fn looks_at(&self, first: Option<u8>, length: usize) -> bool {
        match self.next {
            Next::Nothing => false,
            Next::First(Answer::Fields) => matches!(first, Some(EOF | ERR)),
            Next::First(Answer::Login) => matches!(first, Some(OK | ERR)),
            Next::First(Answer::Events) => {
                matches!(first, Some(EOF | ERR)) && length <= status_bytes_max(first)
            }
            Next::First(_) | Next::ColumnsEnd => true,
            Next::Column(_) | Next::Definition(_) => false,
            Next::Row { .. } => match first {
                Some(ERR) => true,
                Some(EOF) => match self.takes(capability::DEPRECATE_EOF) {
                    true => length < FRAME_BYTES_MAX,
                    false => length <= EOF_LENGTH_MAX,
                },
                _ => false,
            },
        }
    }

    /// A packet has passed; `body` is its beginning if it was looked at, and empty if not.
    pub fn passed(&mut self, body: &[u8]) -> Told {
        if status::is_progress(body) {
            return Told::Nothing;
        }
        match self.next {
            Next::Nothing => Told::Nothing,
            Next::First(answer) => self.first(answer, body),
            Next::Column(left) => {
                self.next = match left.saturating_sub(1) {
                    0 => self.behind_columns(),
                    left => Next::Column(left),
                };
                Told::Nothing
            }
            Next::ColumnsEnd => match (body.first(), Status::read(body)) {
                (Some(&ERR), _) => self.end(Outcome::Failed),
                // The rows are fetched later.
                (_, Some(status)) if status.has_cursor() => self.end(Outcome::Done),
                _ => {
                    self.next = Next::Row { of_results: true };
                    Told::Status
                }
            },
            Next::Row { of_results } => match body.first() {
                None => Told::Nothing,
                Some(&ERR) => self.end(Outcome::Failed),
                Some(_) => self.end_of_result(body, of_results),
            },
            Next::Definition(left) => match left.saturating_sub(1) {
                0 => self.end(Outcome::Done),
                left => {
                    self.next = Next::Definition(left);
                    Told::Nothing
                }
            },
        }
    }

    fn first(&mut self, answer: Answer, body: &[u8]) -> Told {
        if body.first() == Some(&ERR) {
            return self.end(Outcome::Failed);
        }
        match (answer, body.first()) {
            (Answer::Results, Some(&(OK | EOF))) => self.end_of_result(body, true),
            (Answer::Results, Some(0xfb)) => Told::WantsFile,
            (Answer::Results, _) => {
                let mut values = Values(body);
                let columns = values.int().unwrap_or(0);
                let follow = !self.takes(capability::CACHE_METADATA) || values.u8() != Some(0);
                self.next = match columns {
                    1.. if follow => Next::Column(columns),
                    _ => self.behind_columns(),
                };
                Told::Nothing
            }
            (Answer::Prepared, Some(&OK)) => match self.definitions(body) {
                0 => self.end(Outcome::Done),
                count => {
                    self.next = Next::Definition(count);
                    Told::Nothing
                }
            },
            (Answer::Login, Some(&OK))
            | (Answer::Fields | Answer::Events, Some(&EOF))
            | (Answer::Prepared | Answer::Database | Answer::Packet, _) => self.end(Outcome::Done),
            (Answer::Login | Answer::Fields | Answer::Events | Answer::Rows, _) => Told::Nothing,
        }
    }

    fn behind_columns(&self) -> Next {
        match self.takes(capability::DEPRECATE_EOF) {
            true => Next::Row { of_results: true },
            false => Next::ColumnsEnd,
        }
    }

    /// How many packets follow the first one of a prepared statement.
    fn definitions(&self, body: &[u8]) -> u32 {
        let mut values = Values(body);
        // Header and number.
        let counts = values.bytes(5).and_then(|_| values.u16().zip(values.u16()));
        let (columns, parameters) = counts.unwrap_or_default();
        let packets = |count: u16| match (count, self.takes(capability::DEPRECATE_EOF)) {
            (0, _) => 0,
            (count, true) => u32::from(count),
            (count, false) => u32::from(count) + 1,
        };
        packets(columns) + packets(parameters)
    }

    fn end_of_result(&mut self, body: &[u8], of_results: bool) -> Told {
        let more = Status::read(body).is_some_and(Status::has_more);
        if of_results && more {
            self.next = Next::First(Answer::Results);
            return Told::Status;
        }
        self.end(Outcome::Done)
    }

    fn end(&mut self, outcome: Outcome) -> Told {
        let ended = self.current;
        match self.ahead.pop_front() {
            Some(answer) => self.begin(answer),
            None => {
                self.next = Next::Nothing;
                self.ahead = VecDeque::new();
            }
        }
        Told::Ended(ended, outcome)
    }

    fn takes(&self, capability: u64) -> bool {
        self.capabilities & capability != 0
    }
}

/// The longest packet that ends a stream of events, in bytes: an error has its message.
fn status_bytes_max(first: Option<u8>) -> usize {
    match first {
        Some(ERR) => FRAME_BYTES_MAX,
        _ => EOF_LENGTH_MAX,
    }
}
