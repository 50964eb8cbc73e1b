use std::sync::atomic::{AtomicU8, AtomicU64, Ordering, fence};

/// Where a session is in its life. The names are those of the documented resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum State {
    /// Accepted, not yet authenticated.
    Allocated = 0,
    /// Authenticated, no router session yet.
    Ready = 1,
    /// Router and filter sessions exist.
    Routing = 2,
    /// On its way out.
    Stopping = 3,
}

impl State {
    /// The documented name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allocated => "Session Allocated",
            Self::Ready => "Session Ready",
            Self::Routing => "Session ready for routing",
            Self::Stopping => "Stopping session",
        }
    }

    fn from_u8(value: u8) -> Self {
        match value {
            0 => Self::Allocated,
            1 => Self::Ready,
            2 => Self::Routing,
            _ => Self::Stopping,
        }
    }
}

/// What traffic has made of a session, read at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveValues {
    /// Where the session is in its life.
    pub state: State,
    /// Whether the session is inside a transaction.
    pub in_transaction: bool,
    /// [`monotonic_ms`](super::monotonic_ms) of the last traffic in either direction.
    pub last_activity_ms: u64,
    /// [`monotonic_ms`](super::monotonic_ms) of the start of the running statement, if one runs.
    pub statement_started_ms: Option<u64>,
    /// Statements begun so far.
    pub statements: u64,
    /// Bytes received from the client.
    pub bytes_in: u64,
    /// Bytes sent to the client.
    pub bytes_out: u64,
}

impl LiveValues {
    /// Seconds since the last traffic; 0 while a statement runs.
    pub fn idle_s(&self, now_ms: u64) -> f64 {
        match self.statement_started_ms {
            Some(_) => 0.0,
            None => now_ms.saturating_sub(self.last_activity_ms) as f64 / 1_000.0,
        }
    }
}

/// The changing part of one slot: one cache line that only its session's own traffic writes.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(super) struct Line {
    /// Odd while a session lives here; it moves on when one comes and when one goes.
    generation: AtomicU64,
    last_activity_ms: AtomicU64,
    /// 0 when no statement runs.
    statement_started_ms: AtomicU64,
    statements: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    state: AtomicU8,
    in_transaction: AtomicU8,
}

impl Line {
    /// Makes the line that of a new session and returns its generation. The slot must be free and owned.
    pub fn open(&self, now_ms: u64) -> u64 {
        let relaxed = Ordering::Relaxed;
        // The fence keeps these stores behind the even generation that closed the slot.
        fence(Ordering::Release);
        self.last_activity_ms.store(now_ms, relaxed);
        self.statement_started_ms.store(0, relaxed);
        self.statements.store(0, relaxed);
        self.bytes_in.store(0, relaxed);
        self.bytes_out.store(0, relaxed);
        self.state.store(State::Allocated as u8, relaxed);
        self.in_transaction.store(0, relaxed);
        let generation = self.generation.load(relaxed) + 1;
        self.generation.store(generation, Ordering::Release);
        generation
    }

    /// Frees the line. The session's final values must have been left behind before.
    pub fn close(&self) {
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// The values, if the session of this generation still lives here.
    pub fn read(&self, generation: u64) -> Option<LiveValues> {
        if self.generation.load(Ordering::Acquire) != generation {
            return None;
        }
        let values = self.values();
        fence(Ordering::Acquire);
        (self.generation.load(Ordering::Relaxed) == generation).then_some(values)
    }

    /// The values as they stand, for the session's owner.
    pub fn values(&self) -> LiveValues {
        let relaxed = Ordering::Relaxed;
        // Before the last activity, so that the end of a statement is never seen without its moment.
        let started = self.statement_started_ms.load(Ordering::Acquire);
        LiveValues {
            state: State::from_u8(self.state.load(relaxed)),
            in_transaction: self.in_transaction.load(relaxed) != 0,
            last_activity_ms: self.last_activity_ms.load(relaxed),
            statement_started_ms: (started != 0).then_some(started),
            statements: self.statements.load(relaxed),
            bytes_in: self.bytes_in.load(relaxed),
            bytes_out: self.bytes_out.load(relaxed),
        }
    }

    pub fn touch(&self, now_ms: u64) {
        self.last_activity_ms.store(now_ms, Ordering::Relaxed);
    }

    pub fn received(&self, bytes: u64, now_ms: u64) {
        self.bytes_in.fetch_add(bytes, Ordering::Relaxed);
        self.touch(now_ms);
    }

    pub fn sent(&self, bytes: u64, now_ms: u64) {
        self.bytes_out.fetch_add(bytes, Ordering::Relaxed);
        self.touch(now_ms);
    }

    pub fn statement_started(&self, now_ms: u64) {
        self.count_statement();
        self.work_started(now_ms);
    }

    pub fn count_statement(&self) {
        self.statements.fetch_add(1, Ordering::Relaxed);
    }

    pub fn work_started(&self, now_ms: u64) {
        self.touch(now_ms);
        self.statement_started_ms
            .store(now_ms.max(1), Ordering::Relaxed);
    }

    pub fn statement_ended(&self, now_ms: u64) {
        self.touch(now_ms);
        self.statement_started_ms.store(0, Ordering::Release);
    }

    pub fn set_in_transaction(&self, inside: bool) {
        self.in_transaction
            .store(u8::from(inside), Ordering::Relaxed);
    }

    /// Moves the session on; a session that is stopping stays so.
    pub fn advance(&self, state: State) {
        self.state.fetch_max(state as u8, Ordering::Relaxed);
    }
}
