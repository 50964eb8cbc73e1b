use std::sync::atomic::{AtomicU8, AtomicU64, Ordering, fence};

/// What [`Line::autocommit`] may be.
const UNTOLD: u8 = 0;
const OFF: u8 = 1;
const ON: u8 = 2;

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
    /// The documented names of all states, in the order of their numbers.
    pub const NAMES: [&'static str; 4] = [
        "Session Allocated",
        "Session Ready",
        "Session ready for routing",
        "Stopping session",
    ];

    /// The documented name.
    pub fn as_str(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    #[inline]
    fn from_u8(value: u8) -> Self {
        match value {
            0 => Self::Allocated,
            1 => Self::Ready,
            2 => Self::Routing,
            _ => Self::Stopping,
        }
    }
}

/// Where a session is with its transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Transaction {
    /// In none.
    #[default]
    None = 0,
    /// Inside one.
    Open = 1,
    /// Inside one in which a statement failed: it can only be ended.
    Failed = 2,
}

impl Transaction {
    /// The lowest bits of [`Line::transaction`].
    const BITS: u32 = 2;

    #[inline]
    fn from_low_bits(value: u64) -> Self {
        match value & ((1 << Self::BITS) - 1) {
            0 => Self::None,
            1 => Self::Open,
            _ => Self::Failed,
        }
    }
}

/// What traffic has made of a session, read at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveValues {
    /// Where the session is in its life.
    pub state: State,
    /// Where it is with its transaction.
    pub transaction: Transaction,
    /// [`monotonic_ms`](super::monotonic_ms) of the start of the transaction, inside one.
    pub transaction_started_ms: Option<u64>,
    /// Whether each statement outside a transaction is one of its own; `None` until the server has told.
    pub autocommit: Option<bool>,
    /// [`monotonic_ms`](super::monotonic_ms) of the last traffic in either direction.
    pub last_activity_ms: u64,
    /// [`monotonic_ms`](super::monotonic_ms) of the start of the running statement, if one runs.
    pub statement_started_ms: Option<u64>,
    /// The same of the last statement that was begun, whether or not it still runs.
    pub last_statement_ms: Option<u64>,
    /// Statements begun so far.
    pub statements: u64,
    /// Bytes received from the client.
    pub bytes_in: u64,
    /// Bytes sent to the client.
    pub bytes_out: u64,
}

impl LiveValues {
    /// Whether the session is inside a transaction.
    pub fn in_transaction(&self) -> bool {
        self.transaction != Transaction::None
    }

    /// Seconds since the last traffic; 0 while a statement runs.
    pub fn idle_s(&self, now_ms: u64) -> f64 {
        Line::from(*self).idle_s(now_ms)
    }
}

/// The changing part of one slot: one cache line that only its session's own traffic writes.
///
/// Its values are read one by one and inline, so that a scan loads those that it asks for and no others.
#[derive(Debug, Default)]
#[repr(align(64))]
pub struct Line {
    /// Odd while a session lives here; it moves on when one comes and when one goes.
    generation: AtomicU64,
    last_activity_ms: AtomicU64,
    /// When the last statement began, doubled, and 1 more while it runs; 0 before the first one.
    statement: AtomicU64,
    statements: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    /// When the transaction began, and [`Transaction`] in the lowest bits; 0 outside of one.
    transaction: AtomicU64,
    state: AtomicU8,
    /// [`UNTOLD`], [`OFF`] or [`ON`].
    autocommit: AtomicU8,
}

/// In [`Line::statement`]: it runs.
const RUNS: u64 = 1;

impl Line {
    /// Makes the line that of a new session and returns its generation. The slot must be free and owned.
    pub(super) fn open(&self, now_ms: u64) -> u64 {
        let relaxed = Ordering::Relaxed;
        // The fence keeps these stores behind the even generation that closed the slot.
        fence(Ordering::Release);
        self.last_activity_ms.store(now_ms, relaxed);
        self.statement.store(0, relaxed);
        self.statements.store(0, relaxed);
        self.bytes_in.store(0, relaxed);
        self.bytes_out.store(0, relaxed);
        self.transaction.store(0, relaxed);
        self.state.store(State::Allocated as u8, relaxed);
        self.autocommit.store(UNTOLD, relaxed);
        let generation = self.generation.load(relaxed) + 1;
        self.generation.store(generation, Ordering::Release);
        generation
    }

    /// Frees the line. The session's final values must have been left behind before.
    pub(super) fn close(&self) {
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// What `read` makes of the line, if the session of this generation lives here before and after.
    #[inline]
    pub(super) fn read<T>(&self, generation: u64, read: impl Fn(&Self) -> T) -> Option<T> {
        if self.generation.load(Ordering::Acquire) != generation {
            return None;
        }
        let value = read(self);
        fence(Ordering::Acquire);
        (self.generation.load(Ordering::Relaxed) == generation).then_some(value)
    }

    /// All values.
    pub fn values(&self) -> LiveValues {
        // The start of a statement comes before the last activity: see `statement_started_ms`.
        let statement = self.statement.load(Ordering::Acquire);
        let transaction = self.transaction.load(Ordering::Relaxed);
        LiveValues {
            state: self.state(),
            transaction: Transaction::from_low_bits(transaction),
            transaction_started_ms: began(transaction),
            autocommit: self.autocommit(),
            last_activity_ms: self.last_activity_ms(),
            statement_started_ms: running(statement),
            last_statement_ms: begun(statement),
            statements: self.statements(),
            bytes_in: self.bytes_in(),
            bytes_out: self.bytes_out(),
        }
    }

    /// A line of nobody's with the same values, which stands still.
    #[inline]
    pub fn copied(&self) -> Self {
        let copy = |value: &AtomicU64| AtomicU64::new(value.load(Ordering::Relaxed));
        Self {
            generation: AtomicU64::new(0),
            // The start of a statement comes before the last activity: see `statement_started_ms`.
            statement: self.statement.load(Ordering::Acquire).into(),
            last_activity_ms: copy(&self.last_activity_ms),
            statements: copy(&self.statements),
            bytes_in: copy(&self.bytes_in),
            bytes_out: copy(&self.bytes_out),
            transaction: copy(&self.transaction),
            state: self.state.load(Ordering::Relaxed).into(),
            autocommit: self.autocommit.load(Ordering::Relaxed).into(),
        }
    }

    /// Seconds since the last traffic; 0 while a statement runs.
    #[inline]
    pub fn idle_s(&self, now_ms: u64) -> f64 {
        match self.statement_started_ms() {
            Some(_) => 0.0,
            // Signed, which the processor converts in one step.
            None => now_ms.saturating_sub(self.last_activity_ms()) as i64 as f64 / 1_000.0,
        }
    }

    /// Where the session is in its life.
    #[inline]
    pub fn state(&self) -> State {
        State::from_u8(self.state.load(Ordering::Relaxed))
    }

    /// Whether the session is inside a transaction.
    #[inline]
    pub fn in_transaction(&self) -> bool {
        self.transaction.load(Ordering::Relaxed) != 0
    }

    /// Where the session is with its transaction.
    #[inline]
    pub fn transaction(&self) -> Transaction {
        Transaction::from_low_bits(self.transaction.load(Ordering::Relaxed))
    }

    /// [`monotonic_ms`](super::monotonic_ms) of the start of the transaction, inside one.
    #[inline]
    pub fn transaction_started_ms(&self) -> Option<u64> {
        began(self.transaction.load(Ordering::Relaxed))
    }

    /// Whether each statement outside a transaction is one of its own; `None` until the server has told.
    #[inline]
    pub fn autocommit(&self) -> Option<bool> {
        match self.autocommit.load(Ordering::Relaxed) {
            UNTOLD => None,
            told => Some(told == ON),
        }
    }

    /// [`monotonic_ms`](super::monotonic_ms) of the last traffic in either direction.
    #[inline]
    pub fn last_activity_ms(&self) -> u64 {
        self.last_activity_ms.load(Ordering::Relaxed)
    }

    /// [`monotonic_ms`](super::monotonic_ms) of the start of the running statement, if one runs. Who reads it before
    /// the last activity never sees the end of a statement without its moment.
    #[inline]
    pub fn statement_started_ms(&self) -> Option<u64> {
        running(self.statement.load(Ordering::Acquire))
    }

    /// [`monotonic_ms`](super::monotonic_ms) of the start of the last statement, whether or not it still runs.
    #[inline]
    pub fn last_statement_ms(&self) -> Option<u64> {
        begun(self.statement.load(Ordering::Relaxed))
    }

    /// Statements begun so far.
    #[inline]
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// Bytes received from the client.
    #[inline]
    pub fn bytes_in(&self) -> u64 {
        self.bytes_in.load(Ordering::Relaxed)
    }

    /// Bytes sent to the client.
    #[inline]
    pub fn bytes_out(&self) -> u64 {
        self.bytes_out.load(Ordering::Relaxed)
    }

    pub(super) fn touch(&self, now_ms: u64) {
        self.last_activity_ms.store(now_ms, Ordering::Relaxed);
    }

    pub(super) fn received(&self, bytes: u64, now_ms: u64) {
        add(&self.bytes_in, bytes);
        self.touch(now_ms);
    }

    pub(super) fn sent(&self, bytes: u64, now_ms: u64) {
        add(&self.bytes_out, bytes);
        self.touch(now_ms);
    }

    pub(super) fn statement_started(&self, now_ms: u64) {
        self.count_statement();
        self.touch(now_ms);
        self.work_started();
    }

    pub(super) fn statement_ended(&self, now_ms: u64) {
        self.touch(now_ms);
        self.work_ended();
    }

    pub(super) fn count_statement(&self) {
        add(&self.statements, 1);
    }

    /// Begins at the last activity.
    pub(super) fn work_started(&self) {
        let now_ms = self.last_activity_ms().max(1);
        self.statement.store(now_ms << 1 | RUNS, Ordering::Relaxed);
    }

    /// Ends with the last activity.
    pub(super) fn work_ended(&self) {
        let statement = self.statement.load(Ordering::Relaxed);
        self.statement.store(statement & !RUNS, Ordering::Release);
    }

    /// One that is entered began with the last statement.
    pub(super) fn set_transaction(&self, now: Transaction) {
        let started_ms = self.transaction_started_ms();
        let started_ms = started_ms.or_else(|| self.last_statement_ms());
        let started_ms = started_ms.unwrap_or_else(|| self.last_activity_ms());
        let transaction = pack(now, started_ms);
        self.transaction.store(transaction, Ordering::Relaxed);
    }

    pub(super) fn set_autocommit(&self, on: bool) {
        self.autocommit.store(told(on), Ordering::Relaxed);
    }

    /// Moves the session on; a session that is stopping stays so.
    pub(super) fn advance(&self, state: State) {
        self.state.fetch_max(state as u8, Ordering::Relaxed);
    }
}

/// [`Line::autocommit`].
fn told(on: bool) -> u8 {
    if on { ON } else { OFF }
}

/// What [`Line::statement`] says of a statement that runs.
#[inline]
fn running(statement: u64) -> Option<u64> {
    (statement & RUNS != 0).then_some(statement >> 1)
}

/// What [`Line::statement`] says of the last statement.
#[inline]
fn begun(statement: u64) -> Option<u64> {
    (statement != 0).then_some(statement >> 1)
}

/// What [`Line::transaction`] says of its start.
#[inline]
fn began(transaction: u64) -> Option<u64> {
    (transaction != 0).then_some(transaction >> Transaction::BITS)
}

/// [`Line::transaction`].
fn pack(transaction: Transaction, started_ms: u64) -> u64 {
    match transaction {
        Transaction::None => 0,
        inside => started_ms << Transaction::BITS | inside as u64,
    }
}

/// Nobody but the session's own traffic writes, and that from one place at a time: the bus need not be locked for it.
#[inline]
fn add(counter: &AtomicU64, more: u64) {
    let before = counter.load(Ordering::Relaxed);
    counter.store(before.wrapping_add(more), Ordering::Relaxed);
}

/// A line of nobody's, which stands still.
impl From<LiveValues> for Line {
    fn from(values: LiveValues) -> Self {
        Self {
            generation: AtomicU64::new(0),
            last_activity_ms: values.last_activity_ms.into(),
            statement: values
                .last_statement_ms
                .map_or(0, |begun_ms| {
                    begun_ms << 1 | u64::from(values.statement_started_ms.is_some())
                })
                .into(),
            statements: values.statements.into(),
            bytes_in: values.bytes_in.into(),
            bytes_out: values.bytes_out.into(),
            transaction: pack(
                values.transaction,
                values.transaction_started_ms.unwrap_or(0),
            )
            .into(),
            state: (values.state as u8).into(),
            autocommit: values.autocommit.map_or(UNTOLD, told).into(),
        }
    }
}
