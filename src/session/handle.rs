use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use futures::task::AtomicWaker;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::attributes::Attributes;
use super::chunk::Chunk;
use super::clock::monotonic_ms;
use super::end_reason::{EndReason, SaidReason};
use super::line::{Line, LiveValues, State, Transaction};
use super::registry::Registry;
use super::retained::{Retained, RetainedStatement};
use super::traffic::{Lane, Traffic};
use super::{Listener, SessionId};

/// Where a client connected from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remote {
    /// A TCP client.
    Tcp(SocketAddr),
    /// A client of a UNIX socket.
    Unix,
}

impl Remote {
    /// The plain address, without port: an IPv4 client of a dual-stack listener reads as IPv4, a client of a
    /// UNIX socket as `localhost`.
    pub fn address(&self) -> String {
        match self.ip() {
            Some(ip) => ip.to_string(),
            None => "localhost".to_owned(),
        }
    }

    /// The address of a TCP client.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(address) => Some(address.ip().to_canonical()),
            Self::Unix => None,
        }
    }

    /// The client's TCP port.
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Tcp(address) => Some(address.port()),
            Self::Unix => None,
        }
    }
}

/// What changes rarely in a session. A change costs the next reading a patch of what was derived from the session's
/// chunk.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    /// The user that the client was accepted as; none until then.
    pub user: Option<Arc<str>>,
    /// The database that the client asked for.
    pub database: Option<Arc<str>>,
    /// What the client calls itself.
    pub application_name: Option<Arc<str>>,
    /// What else it tells of itself; none of PostgreSQL's do.
    pub attributes: Option<Attributes>,
    /// The server that the session's traffic goes to; none on a service without servers.
    pub server: Option<Arc<str>>,
    /// TLS version and cipher suite of the client's leg; none in clear.
    pub tls: Option<Arc<str>>,
    /// The session's connections to servers.
    pub connections: Vec<Connection>,
    /// The names of the session's filters, in order.
    pub filters: Vec<Arc<str>>,
}

/// Where a connection to a server is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionState {
    /// Being set up.
    Connecting,
    /// Carries traffic.
    Established,
}

impl ConnectionState {
    /// `connecting` or `established`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Established => "established",
        }
    }
}

/// A session's connection to a server.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The server's name.
    pub server: Arc<str>,
    /// The server's own number of the connection, once it has told it.
    pub connection_id: Option<i64>,
    /// Where the connection is in its life.
    pub state: ConnectionState,
    /// Its start, in microseconds since the UNIX epoch.
    pub connected_us: i64,
    /// TLS version and cipher suite of the server's leg; none in clear.
    pub tls: Option<Arc<str>>,
}

/// Why a session was told to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum KillReason {
    /// An administrator closed it.
    Administrator = 1,
    /// The program is shutting down: it may finish what it does.
    Shutdown = 2,
    /// It was without traffic for longer than its service allows.
    IdleTimeout = 3,
    /// It was without traffic inside a transaction for longer than its service allows.
    IdleInTransactionTimeout = 4,
    /// Its server is down.
    ServerDown = 5,
    /// The program is shutting down, and the time for finishing is over.
    ShutdownDeadline = 6,
}

impl KillReason {
    const ALL: [Self; 6] = [
        Self::Administrator,
        Self::Shutdown,
        Self::IdleTimeout,
        Self::IdleInTransactionTimeout,
        Self::ServerDown,
        Self::ShutdownDeadline,
    ];

    /// Whether a session that was told to end for this reason can be told again, for another one.
    fn gives_way(told: u8) -> bool {
        told == 0 || told == Self::Shutdown as u8
    }
}

/// One live client connection, as everybody but its owner sees it.
///
/// A handle may outlive the session; what it then tells are the session's last values.
pub struct Session {
    pub(super) id: SessionId,
    pub(super) listener: Arc<Listener>,
    /// Who connected.
    peer: Remote,
    /// On whose behalf, if that was said. Boxed: most come for themselves.
    client: OnceLock<Box<SocketAddr>>,
    pub(super) connected_us: i64,
    pub(super) connected_ms: u64,
    pub(super) chunk: Arc<Chunk>,
    pub(super) slot: u16,
    pub(super) generation: u64,
    /// What the line said last, left behind before the slot is given up.
    pub(super) last: OnceLock<LiveValues>,
    kill: CancellationToken,
    kill_reason: AtomicU8,
    end_reason: SaidReason,
    /// Who serves the session by polling, and must not take a lock to see whether it was killed.
    server: AtomicWaker,
    cancel: OnceLock<Box<dyn Fn() + Send + Sync>>,
    /// When it is to be told to end, once somebody has put that off.
    pub(super) kill_at: OnceLock<watch::Sender<Instant>>,
    /// Its last statements, where they are kept. Boxed: most sessions keep none.
    retained: OnceLock<Box<Retained>>,
    /// Whether other filters are asked for: looked at with each message, the list only then.
    refilter: AtomicBool,
    filters_asked: Mutex<Option<Box<[Arc<str>]>>>,
}

impl Session {
    pub(super) fn new(
        id: SessionId,
        listener: Arc<Listener>,
        peer: Remote,
        connected: super::Reading,
        (chunk, slot, generation): (Arc<Chunk>, u16, u64),
    ) -> Self {
        Self {
            id,
            listener,
            peer,
            client: OnceLock::new(),
            connected_us: connected.utc_us,
            connected_ms: connected.monotonic_ms,
            chunk,
            slot,
            generation,
            last: OnceLock::new(),
            kill: CancellationToken::new(),
            kill_reason: AtomicU8::new(0),
            end_reason: SaidReason::default(),
            server: AtomicWaker::new(),
            cancel: OnceLock::new(),
            kill_at: OnceLock::new(),
            retained: OnceLock::new(),
            refilter: AtomicBool::new(false),
            filters_asked: Mutex::default(),
        }
    }

    /// The session's number.
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// The listener that accepted it; its service is the one the session was created on.
    pub fn listener(&self) -> &Arc<Listener> {
        &self.listener
    }

    /// Where the client connected from: as a proxy before this one has said, where one is trusted to.
    pub fn remote(&self) -> Remote {
        match self.client.get() {
            Some(client) => Remote::Tcp(**client),
            None => self.peer,
        }
    }

    /// When the client connected, in microseconds since the UNIX epoch.
    pub fn connected_us(&self) -> i64 {
        self.connected_us
    }

    /// When the client connected, on the clock of [`monotonic_ms`].
    pub fn connected_ms(&self) -> u64 {
        self.connected_ms
    }

    /// What traffic has made of it: current, or its last values once it has ended.
    pub fn live(&self) -> LiveValues {
        match self.line().read(self.generation, Line::values) {
            Some(values) => values,
            None => self.last_values(),
        }
    }

    /// Whether it has ended.
    pub fn is_ended(&self) -> bool {
        self.last.get().is_some()
    }

    /// Tells the session to end. Whoever serves it hears of it through [`SessionGuard::killed`].
    ///
    /// Returns whether this call was the one that told it: false when it had been told before or has ended. A session
    /// that may finish what it does at a shutdown can still be told to end at once.
    pub fn kill(&self, reason: KillReason) -> bool {
        if self.is_ended() {
            return false;
        }
        let tell = |told: u8| {
            (KillReason::gives_way(told) && told != reason as u8).then_some(reason as u8)
        };
        let first = self
            .kill_reason
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, tell)
            .is_ok();
        if first {
            self.chunk.mark_stopping(self.slot, self.generation);
            self.kill.cancel();
            self.server.wake();
        }
        first
    }

    /// Why the session was told to end, if it was.
    pub fn kill_reason(&self) -> Option<KillReason> {
        let told = self.kill_reason.load(Ordering::Acquire);
        KillReason::ALL
            .into_iter()
            .find(|reason| *reason as u8 == told)
    }

    /// Says why it ends, or would if it ended now; what was said last counts.
    pub fn ends_for(&self, reason: EndReason) {
        self.end_reason.say(reason);
    }

    /// Why it ends: as whoever serves it has said. A client that went without a word of a session that was told to
    /// end did so for that reason.
    pub fn end_reason(&self) -> EndReason {
        match (self.end_reason.get(), self.kill_reason()) {
            (EndReason::Unknown | EndReason::ClientEof, Some(told)) => told.into(),
            (said, _) => said,
        }
    }

    /// Asks for an end of the statement that runs now, as PostgreSQL's `pg_cancel_backend` does. Returns
    /// whether the session could be asked: false when it has ended or cannot cancel.
    pub fn cancel_statement(&self) -> bool {
        match self.cancel.get() {
            Some(cancel) if !self.is_ended() => {
                cancel();
                true
            }
            _ => false,
        }
    }

    /// The last statements of its client, the newest one first; none where they are not kept.
    pub fn retained_statements(&self) -> Vec<Arc<RetainedStatement>> {
        let retained = self.retained.get();
        retained.map_or_else(Vec::new, |retained| retained.newest_first())
    }

    /// Asks for other filters, by name and in the order of the traffic from the client, each with a new session of its
    /// own: also for those that are there already. It is done when the session runs no statement, and the names in its
    /// profile are the new ones then. Only the last one of several calls before that counts.
    pub fn ask_for_filters(&self, names: Box<[Arc<str>]>) {
        *self.filters_asked.lock() = Some(names);
        self.refilter.store(true, Ordering::Release);
        self.server.wake();
    }

    /// Completes when the session is told to end or has ended.
    pub async fn ending(&self) {
        self.kill.cancelled().await;
    }

    /// Wakes whoever waits for the end.
    pub(super) fn ended(&self) {
        self.kill.cancel();
    }

    pub(super) fn line(&self) -> &Line {
        self.chunk.line(self.slot)
    }

    /// The values left behind: they are set before the generation moves on, which is how a reader came here.
    pub(super) fn last_values(&self) -> LiveValues {
        self.last
            .get()
            .copied()
            .unwrap_or_else(|| self.line().values())
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("id", &self.id)
            .field("service", &self.listener.service.name)
            .field("remote", &self.remote())
            .finish_non_exhaustive()
    }
}

/// The owner's hold on a session: reports its traffic; dropping it ends the session.
pub struct SessionGuard {
    pub(super) session: Arc<Session>,
    pub(super) registry: Arc<Registry>,
    pub(super) lane: Lane,
}

impl SessionGuard {
    /// Where the session is registered, with all others.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// The session, to be shared.
    pub fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// Says which thread carries the session's traffic from now on.
    pub fn count_in(&mut self, lane: Lane) {
        self.lane = lane;
    }

    /// Moves the session on in its life; it never moves back.
    pub fn advance(&self, state: State) {
        self.session.line().advance(state);
    }

    /// Traffic that carries no bytes worth counting.
    pub fn touch(&self) {
        self.session.line().touch(monotonic_ms());
    }

    /// `bytes` came from the client. Traffic is counted from one place at a time: another one's would be lost.
    pub fn received(&self, bytes: u64) {
        self.session.line().received(bytes, monotonic_ms());
        self.traffic().received(self.lane, bytes);
    }

    /// `bytes` went to the client.
    pub fn sent(&self, bytes: u64) {
        self.session.line().sent(bytes, monotonic_ms());
        self.traffic().sent(self.lane, bytes);
    }

    /// A statement begins to run: until it ends, the session is not idle.
    pub fn statement_started(&self) {
        self.session.line().statement_started(monotonic_ms());
        self.traffic().count_statement(self.lane);
    }

    /// The statement ended.
    pub fn statement_ended(&self) {
        self.session.line().statement_ended(monotonic_ms());
    }

    /// Counts a statement; [`Self::statement_started`] does, too.
    pub fn count_statement(&self) {
        self.session.line().count_statement();
        self.traffic().count_statement(self.lane);
    }

    /// The traffic that was counted last has begun work for the client: until [`Self::work_ended`], the session is not
    /// idle.
    pub fn work_started(&self) {
        self.session.line().work_started();
    }

    /// The traffic that was counted last has ended the work.
    pub fn work_ended(&self) {
        self.session.line().work_ended();
    }

    /// Enters or leaves a transaction, which begins with the last statement.
    pub fn set_transaction(&self, transaction: Transaction) {
        self.session.line().set_transaction(transaction);
    }

    /// Whether each statement outside a transaction is one of its own, once the client's server has told.
    pub fn set_autocommit(&self, on: bool) {
        self.session.line().set_autocommit(on);
    }

    fn traffic(&self) -> &Traffic {
        &self.session.listener.service.traffic
    }

    /// Changes what changes rarely.
    pub fn update(&self, change: impl FnOnce(&mut Profile)) {
        let session = &self.session;
        session.chunk.update(session.slot, change, |before, after| {
            self.registry.rename(session, before, after);
        });
    }

    /// Whoever connected has said that the client is another one, who connected from there. Only the first call
    /// counts.
    pub fn comes_from(&self, client: SocketAddr) {
        self.session.client.get_or_init(|| Box::new(client));
        // What was derived from the row is no longer true.
        self.update(|_| {});
    }

    /// Says how to cancel the statement that runs. Only the first call counts.
    pub fn on_cancel(&self, cancel: impl Fn() + Send + Sync + 'static) {
        self.session.cancel.get_or_init(|| Box::new(cancel));
    }

    /// What changes rarely, as it is now.
    pub fn profile(&self) -> Option<Arc<Profile>> {
        self.registry.profile(&self.session)
    }

    /// Keeps so many of the client's last statements from now on, one at least. Only the first call counts.
    pub fn retain_statements(&self, most: usize) {
        let retained = || Box::new(Retained::new(most));
        self.session.retained.get_or_init(retained);
    }

    /// A statement has arrived; it is kept if [`Self::retain_statements`] was called.
    pub fn retain(&self, statement: Arc<RetainedStatement>) {
        if let Some(retained) = self.session.retained.get() {
            retained.push(statement);
        }
    }

    /// Whether other filters are asked for. The task's waker is gone then.
    #[inline]
    pub fn is_refiltered(&self) -> bool {
        self.session.refilter.load(Ordering::Acquire)
    }

    /// The names of the filters that were asked for last, once.
    pub fn filters_asked(&self) -> Option<Box<[Arc<str>]>> {
        self.session.refilter.store(false, Ordering::Release);
        self.session.filters_asked.lock().take()
    }

    /// Completes when the session is told to end.
    pub async fn killed(&self) {
        self.session.ending().await;
    }

    /// The same for whoever polls at each message: takes no lock.
    pub fn poll_killed(&self, cx: &mut Context<'_>) -> Poll<KillReason> {
        // Whoever may finish what it does can be told once more.
        let last_word = |reason: &KillReason| !KillReason::gives_way(*reason as u8);
        if let Some(reason) = self.session.kill_reason().filter(last_word) {
            return Poll::Ready(reason);
        }
        self.session.server.register(cx.waker());
        // It may have been told between the look and the registration.
        match self.session.kill_reason() {
            Some(reason) => Poll::Ready(reason),
            None => Poll::Pending,
        }
    }

    /// Whether the session has been told to end.
    pub fn is_killed(&self) -> bool {
        self.session.kill.is_cancelled()
    }
}

impl std::ops::Deref for SessionGuard {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl Drop for SessionGuard {
    fn drop(&mut self) {
        self.registry.end(&self.session);
    }
}
