//! A client that was let in: waits for its messages, and says why its session ends.

use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use hashbrown::HashMap;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::authenticate::{self, Accepted};
use super::cancel::{Running, Watch};
use super::portal::{Portal, Statement};
use super::settings::{Settings, Snapshot, View};
use super::sqlstate::{Severity, SqlError};
use super::startup::fatal;
use super::transaction::Transaction;
use super::{Door, message, reply};
use crate::auth::{Account, Role};
use crate::catalog::{Caller, Rows};
use crate::proxy::postgres::frame::{self, Frame};
use crate::proxy::postgres::keys::IssuedKey;
use crate::proxy::postgres::opening::{self, Opening};
use crate::proxy::wire::{FLUSH_BYTES, Wire};
use crate::session::{EndReason, KillReason, SessionId, State};

/// Most results that wait for their completion to be sent: each holds what its statement saw.
const FINISHED_MAX: usize = 32;

/// Why a session ends.
#[derive(Debug)]
pub(super) enum End {
    /// The client said goodbye.
    Quit,
    /// The client went without a word.
    Gone,
    /// The connection broke.
    Lost(io::Error),
    /// The client is sent away, with an error that says why.
    Refused(SqlError),
}

impl End {
    /// The session was told to end, or the program is about to.
    pub fn killed() -> Self {
        let message = "terminating connection due to administrator command";
        Self::Refused(SqlError::fatal("57P01", message))
    }

    /// The reason, in the words that are the same for every protocol.
    fn reason(&self, told: Option<KillReason>, logged_in: bool) -> EndReason {
        match self {
            Self::Quit => EndReason::ClientQuit,
            Self::Gone => EndReason::ClientEof,
            Self::Lost(_) => EndReason::ClientReset,
            Self::Refused(error) => match error.code {
                "57P01" => told.map_or(EndReason::Drain, EndReason::from),
                "57P05" => EndReason::IdleTimeout,
                "25P03" => EndReason::IdleInTransactionTimeout,
                _ if logged_in => EndReason::ClientError,
                _ => EndReason::LoginFailed,
            },
        }
    }
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        Self::Lost(error)
    }
}

impl From<SqlError> for End {
    fn from(error: SqlError) -> Self {
        Self::Refused(error)
    }
}

/// Why a statement goes no further.
#[derive(Debug)]
pub(super) enum Halt {
    /// It failed; the session goes on.
    Error(SqlError),
    /// The session ends.
    End(End),
}

impl From<SqlError> for Halt {
    fn from(error: SqlError) -> Self {
        match error.severity {
            Severity::Error => Self::Error(error),
            Severity::Fatal => Self::End(End::Refused(error)),
        }
    }
}

/// Serves one client, from its first byte to its end.
pub(super) async fn serve(door: &Arc<Door>, wire: Wire, shutdown: &CancellationToken) {
    let session = Arc::clone(wire.guard.session());
    let deadline = Instant::now() + door.limits.authentication_timeout;
    // Most who come no further just go.
    session.ends_for(EndReason::ClientEof);
    // Boxed, so that the task of a client that waits is no larger than waiting needs. It has the session, which is to
    // end when its end has been told of.
    let mut opening = Box::pin(opening::open(wire, door.tls.as_deref()));
    let opened = tokio::select! {
        biased;
        () = session.ending() => return,
        () = shutdown.cancelled() => return session.ends_for(EndReason::Drain),
        () = tokio::time::sleep_until(deadline) => return session.ends_for(EndReason::LoginFailed),
        opened = opening.as_mut() => opened,
    };
    drop(opening);
    let (mut wire, startup) = match opened {
        Opening::Login(wire, startup) => (wire, startup),
        Opening::Refused(wire, error) => {
            return part(wire, None, error.into()).await;
        }
        Opening::Cancel(wire, id, secret) => {
            wire.guard.ends_for(EndReason::CancelRequest);
            return cancel(door, id, &secret);
        }
        Opening::Over => return,
    };
    let accepted = tokio::select! {
        biased;
        () = session.ending() => Err(End::killed()),
        () = shutdown.cancelled() => Err(End::killed()),
        () = tokio::time::sleep_until(deadline) => {
            Err(SqlError::fatal("57014", "canceling authentication due to timeout").into())
        }
        accepted = Box::pin(authenticate::log_in(&mut wire, door, &startup)) => accepted,
    };
    drop(startup);
    match accepted {
        Ok(accepted) => {
            let (user, remote) = (&*accepted.account.name, session.remote().address());
            tracing::info!(session = %session.id(), user, remote, "a client logged in");
            let mut connection = Box::new(Connection::new(Arc::clone(door), wire, accepted));
            let end = connection.run(shutdown).await;
            connection.leave(end).await;
        }
        Err(end) => part(wire, None, end).await,
    }
}

/// A request to cancel; nothing is answered, whether or not its key fits.
fn cancel(door: &Door, id: SessionId, secret: &[u8]) {
    if door.keys.open(id, secret).is_none() {
        tracing::debug!(session = %id, "a request to cancel without the right key");
        return;
    }
    if let Some(session) = door.catalog.registry().get(id) {
        session.cancel_statement();
    }
}

/// Tells the client why it is sent away, if it is, and closes.
async fn part(mut wire: Wire, user: Option<&str>, end: End) {
    let (session, remote) = (wire.guard.id(), wire.guard.remote().address());
    wire.guard
        .ends_for(end.reason(wire.guard.kill_reason(), user.is_some()));
    match end {
        End::Quit | End::Gone => tracing::debug!(%session, user, remote, "a client left"),
        End::Lost(error) => tracing::debug!(%session, user, remote, %error, "a client was lost"),
        End::Refused(error) => {
            let reason = error.message.as_str();
            tracing::info!(%session, user, remote, code = error.code, reason, "a client was sent away");
            reply::error(&mut wire.output, fatal(error));
            wire.close().await;
        }
    }
}

/// An accepted client and all that belongs to it alone.
pub(super) struct Connection {
    pub door: Arc<Door>,
    /// Stands before the session, whose number may be given out again once it has ended.
    key: IssuedKey<()>,
    pub wire: Wire,
    pub account: Account,
    pub settings: Settings,
    /// The settings as the engine's functions see them.
    view: Arc<View>,
    pub transaction: Transaction,
    /// Prepared statements by name; the unnamed one is the empty name.
    pub statements: HashMap<String, Arc<Statement>>,
    /// Portals by name; the unnamed one is the empty name.
    pub portals: HashMap<String, Portal>,
    /// Results whose completion is written but may not have been sent.
    pub finished: Vec<Rows>,
    /// After an error in the extended protocol, until Sync.
    pub skipping: bool,
    pub running: Arc<Running>,
    /// The caller as the engine was last told of it, with the settings of that time.
    caller: Option<(Snapshot, Arc<Caller>)>,
    place: OwnedSemaphorePermit,
}

impl Connection {
    fn new(door: Arc<Door>, wire: Wire, accepted: Accepted) -> Self {
        let running = Arc::<Running>::default();
        let cancelled = Arc::clone(&running);
        wire.guard.on_cancel(move || cancelled.cancel());
        Self {
            door,
            wire,
            account: accepted.account,
            view: Arc::new(View::new(accepted.settings.in_force())),
            settings: accepted.settings,
            transaction: Transaction::default(),
            statements: HashMap::new(),
            portals: HashMap::new(),
            finished: Vec::new(),
            skipping: false,
            running,
            caller: None,
            key: accepted.key,
            place: accepted.place,
        }
    }

    /// Serves the client's messages until one of both sides has enough.
    async fn run(&mut self, shutdown: &CancellationToken) -> End {
        reply::ready(&mut self.wire.output, self.transaction.status());
        self.wire.guard.advance(State::Routing);
        if let Err(end) = self.flush().await {
            return end;
        }
        loop {
            let served = match self.next_frame(shutdown).await {
                // Boxed, so that the task of an idle client is no larger than waiting needs.
                Ok(frame) => Box::pin(self.serve_guarded(frame)).await,
                Err(end) => Err(end),
            };
            if let Err(end) = served {
                return end;
            }
        }
    }

    /// Ends the session. What the client had open is stopped first.
    async fn leave(mut self: Box<Self>, end: End) {
        self.portals.clear();
        let Self {
            wire,
            account,
            key,
            place,
            ..
        } = *self;
        drop((key, place));
        part(wire, Some(&account.name), end).await;
    }

    async fn next_frame(&mut self, shutdown: &CancellationToken) -> Result<Frame, End> {
        let session = Arc::clone(self.wire.guard.session());
        loop {
            let bytes_max = self.door.limits.frame_bytes_max;
            if let Some(frame) =
                frame::next(&mut self.wire.input, bytes_max).map_err(SqlError::from)?
            {
                // What was pipelined does not keep a session alive that was told to end.
                if self.wire.guard.is_killed() {
                    return Err(End::killed());
                }
                return Ok(frame);
            }
            let (timeout, refusal) = self.idle_timeout();
            let idle = async {
                match timeout {
                    Some(timeout) => tokio::time::sleep(timeout).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = session.ending() => return Err(End::killed()),
                () = shutdown.cancelled() => return Err(End::killed()),
                read = self.wire.read() => if !read? {
                    return Err(End::Gone);
                },
                () = idle => return Err(refusal.into()),
            }
        }
    }

    /// How long the client may be idle now, and what it is told when it was.
    fn idle_timeout(&self) -> (Option<Duration>, SqlError) {
        let limit = self.door.limits.idle_timeout;
        let (name, code, what) = if self.transaction.is_open() {
            (
                "idle_in_transaction_session_timeout",
                "25P03",
                "idle-in-transaction timeout",
            )
        } else {
            ("idle_session_timeout", "57P05", "idle-session timeout")
        };
        let message = format!("terminating connection due to {what}");
        let timeout = shorter(self.settings.duration(name), limit);
        (timeout, SqlError::fatal(code, message))
    }

    /// A panic here ends this session and no other.
    async fn serve_guarded(&mut self, frame: Frame) -> Result<(), End> {
        let served = AssertUnwindSafe(self.serve_frame(frame)).catch_unwind();
        served.await.unwrap_or_else(|_| {
            tracing::error!("serving a client panicked");
            Err(SqlError::fatal("XX000", "the connection failed by an internal error").into())
        })
    }

    async fn serve_frame(&mut self, frame: Frame) -> Result<(), End> {
        let Frame { kind, body } = frame;
        if self.skipping && !matches!(kind, b'S' | b'X') {
            return Ok(());
        }
        match kind {
            b'Q' => match message::query(&body, self.settings.charset()) {
                Ok(sql) => Box::pin(self.simple_query(&sql)).await,
                Err(error) => {
                    self.fail(error);
                    self.ready().await
                }
            },
            b'P' | b'B' | b'D' | b'E' | b'C' => match self.extended(kind, &body).await {
                Ok(()) => self.flush_if_full().await,
                Err(Halt::Error(error)) => {
                    self.fail(error);
                    self.skipping = true;
                    // At once: the client may wait for it before it sends its Sync.
                    self.flush().await
                }
                Err(Halt::End(end)) => Err(end),
            },
            b'H' => self.flush().await,
            b'S' => self.sync(&body).await,
            b'X' => Err(End::Quit),
            b'F' => {
                self.fail(SqlError::new(
                    "0A000",
                    "function calls by message are not supported",
                ));
                self.ready().await
            }
            // Left over from a COPY that failed: to be ignored.
            b'c' | b'd' | b'f' => Ok(()),
            other => {
                let message = format!("invalid frontend message type {other}");
                Err(SqlError::fatal("08P01", message).into())
            }
        }
    }

    /// A statement failed: the client is told, and the transaction is broken. What was open in it is gone, unless the
    /// client has begun it and goes back to a savepoint.
    pub fn fail(&mut self, error: SqlError) {
        tracing::debug!(session = %self.wire.guard.id(), code = error.code, "a statement failed");
        self.transaction.fail();
        self.show_transaction();
        if !self.transaction.is_open() {
            self.drop_portals();
            self.settings.rollback();
        }
        self.view.show(&self.settings);
        let start = self.wire.output.len();
        reply::error(&mut self.wire.output, error);
        self.recode_reply(start);
    }

    /// Puts the message that stands in the output from `start` on into the client's character set: one that it must get.
    fn recode_reply(&mut self, start: usize) {
        reply::recode(&mut self.wire.output, start, self.settings.charset());
    }

    /// Ends a cycle: what was set is told, and the client may go on.
    pub async fn ready(&mut self) -> Result<(), End> {
        if !self.transaction.is_open() {
            // Portals live as long as their transaction.
            self.hold_portals();
            self.settings.commit();
        }
        for (name, value) in self.settings.report_changes() {
            if name == "application_name" {
                let value = (!value.is_empty()).then(|| value.as_str().into());
                self.wire
                    .guard
                    .update(|profile| profile.application_name = value);
            }
            let start = self.wire.output.len();
            reply::parameter_status(&mut self.wire.output, name, &value);
            self.recode_reply(start);
        }
        reply::ready(&mut self.wire.output, self.transaction.status());
        self.flush().await
    }

    /// Sends what is written, and then carries out what had to wait for it.
    pub async fn flush(&mut self) -> Result<(), End> {
        let session = Arc::clone(self.wire.guard.session());
        tokio::select! {
            biased;
            flushed = self.wire.flush() => flushed?,
            () = session.ending() => return Err(End::killed()),
        }
        self.finished.drain(..).for_each(Rows::finish);
        Ok(())
    }

    async fn flush_if_full(&mut self) -> Result<(), End> {
        if self.wire.output.len() >= FLUSH_BYTES || self.finished.len() >= FINISHED_MAX {
            self.flush().await?;
        }
        Ok(())
    }

    /// Watches over a statement that begins.
    pub fn watch(&self) -> Watch {
        let limit = self.door.limits.statement_timeout;
        let timeout = shorter(self.settings.duration("statement_timeout"), limit);
        Watch::new(&self.running, self.wire.guard.session(), timeout)
    }

    /// Who asks, for the engine.
    pub fn caller(&mut self) -> Arc<Caller> {
        if let Some((snapshot, caller)) = &self.caller
            && self.settings.is_current(snapshot)
        {
            return Arc::clone(caller);
        }
        let caller = Arc::new(Caller {
            session: Some(Arc::clone(self.wire.guard.session())),
            user: Arc::clone(&self.account.name),
            admin: self.account.role == Role::Admin,
            application_name: self.settings.text("application_name").into(),
            time_zone: self.settings.time_zone().into(),
            search_path: self.settings.text("search_path").into(),
            settings: Arc::clone(&self.view) as _,
            opened: Arc::default(),
        });
        self.view.show(&self.settings);
        self.caller = Some((self.settings.snapshot(), Arc::clone(&caller)));
        caller
    }

    /// Takes over what a statement that is done has set.
    ///
    /// # Errors
    /// None that setting it did not meet already.
    pub fn take_over_settings(&mut self) -> Result<(), SqlError> {
        for change in self.view.take_changes() {
            // What the view shows is to be looked at anew, whatever becomes of the settings.
            self.caller = None;
            self.settings.apply(&change)?;
        }
        Ok(())
    }

    /// A warning, unless the client wants errors only.
    pub fn warn(&mut self, code: &'static str, message: impl Into<String>) {
        if self.settings.text("client_min_messages") != "error" {
            let start = self.wire.output.len();
            reply::warning(&mut self.wire.output, SqlError::new(code, message));
            self.recode_reply(start);
        }
    }
}

/// The shorter of two times, of which either may be missing.
fn shorter(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
