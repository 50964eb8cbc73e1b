use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use datafusion::common::{ParamValues, Result, ScalarValue};
use datafusion::execution::config::SessionConfig;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, TryAcquireError};
use tokio_util::sync::CancellationToken;

use super::error::{CatalogError, StopReason};
use super::keys::Names;
use super::opened::Opened;
use super::settings::ClientSettings;
use super::snapshot::{NamedRows, PageEnd};
use crate::session::{
    ImageRow, KillReason, Membership, Profile, Reading, Registry, Session, SessionId, Topology,
};

/// The last row of a page up to which sessions are found by their names.
const PAGE_ROWS_MAX: usize = 8192;

/// Who asks, and how the answer is to be read.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The caller's own session, when it is one.
    pub session: Option<Arc<Session>>,
    /// The user that the caller was accepted as.
    pub user: Arc<str>,
    /// Whether the user is an administrator.
    pub admin: bool,
    /// What the caller calls itself.
    pub application_name: Arc<str>,
    /// The time zone that moments are read and written in: an IANA name or an offset such as `+02:00`.
    pub time_zone: Arc<str>,
    /// The caller's `search_path`.
    pub search_path: Arc<str>,
    /// The caller's parameters.
    pub settings: Arc<dyn ClientSettings>,
    /// What the caller has open, for statements that [read it](super::Prepared::reads_opened).
    pub opened: Arc<Opened>,
}

impl Caller {
    /// A caller without a session, in UTC, with the parameters that a client begins with.
    pub fn new(user: &str, admin: bool) -> Self {
        Self {
            session: None,
            user: user.into(),
            admin,
            application_name: "".into(),
            time_zone: "UTC".into(),
            search_path: "public".into(),
            settings: crate::sql::built_in_settings(),
            opened: Arc::default(),
        }
    }
}

/// One session as a statement sees it: who it is, and what changes rarely.
pub(super) type Row = (Arc<Session>, Arc<Profile>);

/// The row of an image, for as long as it is needed.
pub(super) fn own(row: ImageRow<'_>) -> Row {
    (Arc::clone(row.session), Arc::clone(row.profile))
}

/// One run of one statement: every scan in it sees one membership and one clock.
pub struct Statement {
    registry: Arc<Registry>,
    clock: Reading,
    caller: Option<Arc<Caller>>,
    parameters: ParamValues,
    /// It is planned for many runs: nothing may be said that is true of this one alone.
    to_be_kept: AtomicBool,
    /// Some scan of the statement reads all sessions: then lookups answer from the same membership.
    reads_all: AtomicBool,
    /// Scans of sessions that were planned.
    scans: AtomicUsize,
    /// It stands for several statements, which see the same.
    is_shared: bool,
    /// The page that one of those is, if it is one of a list in the order of ids.
    page: Option<PageEnd>,
    named: OnceLock<NamedRows>,
    membership: OnceLock<Membership>,
    /// Where the members stand, by id: made when one is asked for that has ended.
    places: OnceLock<HashMap<SessionId, (usize, u16)>>,
    looked_up: Mutex<HashMap<SessionId, Option<Row>>>,
    topology: OnceLock<Arc<Topology>>,
    /// 0 while it runs, else a [`StopReason`] and one.
    stopped: AtomicU8,
    /// Wakes whoever waits while the statement is stopped.
    stop: CancellationToken,
    /// How many further rows a statement that acts may produce.
    demand: Semaphore,
    /// The caller's own session, to be killed when its answer is out.
    own_kill: Mutex<Option<Arc<Session>>>,
}

impl Statement {
    /// A statement that reads `registry` from now on.
    pub fn new(registry: &Arc<Registry>, caller: Option<Arc<Caller>>) -> Self {
        Self::with_parameters(registry, caller, ParamValues::List(Vec::new()))
    }

    pub(super) fn with_parameters(
        registry: &Arc<Registry>,
        caller: Option<Arc<Caller>>,
        parameters: ParamValues,
    ) -> Self {
        Self {
            registry: Arc::clone(registry),
            clock: Reading::now(),
            caller,
            parameters,
            to_be_kept: AtomicBool::new(false),
            reads_all: AtomicBool::new(false),
            scans: AtomicUsize::new(0),
            is_shared: false,
            page: None,
            named: OnceLock::new(),
            membership: OnceLock::new(),
            places: OnceLock::new(),
            looked_up: Mutex::default(),
            topology: OnceLock::new(),
            stopped: AtomicU8::new(0),
            stop: CancellationToken::new(),
            demand: Semaphore::new(0),
            own_kill: Mutex::new(None),
        }
    }

    /// The same for several statements one after the other, of which one may be a page.
    pub(super) fn shared(self, page: Option<PageEnd>) -> Self {
        Self {
            is_shared: true,
            page,
            ..self
        }
    }

    pub(super) fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// The sessions of some names that the page ends with and the number of all, for the page and for its total.
    pub(super) fn named(&self, names: &Names<'_>) -> Option<(PageEnd, &NamedRows)> {
        let page = self.page.filter(|page| page.rows <= PAGE_ROWS_MAX)?;
        let named = self.named.get_or_init(|| NamedRows::of(names, self, page));
        named.are_of(names).then_some((page, named))
    }

    /// The statement that a context carries, or a new one when the context is somebody else's.
    pub(super) fn of(config: &SessionConfig, registry: &Arc<Registry>) -> Arc<Self> {
        match config.get_extension::<Self>() {
            Some(statement) => statement,
            None => Arc::new(Self::new(registry, None)),
        }
    }

    /// Who asks; nobody for the program itself.
    pub(super) fn caller(&self) -> Option<&Caller> {
        self.caller.as_deref()
    }

    /// The user who asks; nobody for the program itself.
    pub(super) fn user(&self) -> &str {
        self.caller.as_ref().map_or("", |caller| &caller.user)
    }

    /// The clock reading that everything in the statement is computed from.
    pub fn clock(&self) -> Reading {
        self.clock
    }

    /// The value of a parameter, `$1` or `$name`.
    pub(super) fn parameter(&self, name: &str) -> Result<ScalarValue> {
        let value = self.parameters.get_placeholders_with_values(name)?;
        Ok(value.value)
    }

    pub(super) fn parameters(&self) -> &ParamValues {
        &self.parameters
    }

    /// Says that what is planned now will run again.
    pub(super) fn plan_to_be_kept(&self) {
        self.to_be_kept.store(true, Ordering::Release);
    }

    pub(super) fn is_to_be_kept(&self) -> bool {
        self.to_be_kept.load(Ordering::Acquire)
    }

    pub(super) fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// Says while planning that one more scan will read sessions.
    pub(super) fn will_scan(&self) {
        self.scans.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn scans(&self) -> usize {
        self.scans.load(Ordering::Acquire)
    }

    /// Says what [`will_scan`](Self::will_scan) and [`will_read_all`](Self::will_read_all) would have, of a plan that
    /// was made before.
    pub(super) fn runs_kept(&self, scans: usize, reads_all: bool) {
        self.scans.store(scans, Ordering::Release);
        self.reads_all.store(reads_all, Ordering::Release);
    }

    /// Whether the statement reads sessions in one place only: then no other place can see others.
    pub(super) fn is_sole_scan(&self) -> bool {
        !self.is_shared && self.scans() == 1
    }

    /// Says while planning that the statement will read all sessions.
    pub(super) fn will_read_all(&self) {
        self.reads_all.store(true, Ordering::Release);
    }

    pub(super) fn reads_all(&self) -> bool {
        self.reads_all.load(Ordering::Acquire)
    }

    /// The sessions that were live when the statement first looked.
    pub fn membership(&self) -> &Membership {
        self.membership.get_or_init(|| self.registry.membership())
    }

    pub(super) fn topology(&self) -> &Arc<Topology> {
        self.topology.get_or_init(|| self.registry.topology())
    }

    /// The session with this id: always the same answer within the statement.
    pub(super) fn lookup(&self, id: SessionId) -> Option<Row> {
        if self.reads_all() {
            return self.lookup_member(id);
        }
        let mut looked_up = self.looked_up.lock();
        let find = || {
            let session = self.registry.get(id)?;
            let profile = self.registry.profile(&session)?;
            Some((session, profile))
        };
        looked_up.entry(id).or_insert_with(find).clone()
    }

    fn lookup_member(&self, id: SessionId) -> Option<Row> {
        let membership = self.membership();
        match self.registry.get(id) {
            Some(session) => membership.find(&session).map(own),
            // It ended since the statement began: the index has forgotten it, the membership has not.
            None => {
                let places = self.places.get_or_init(|| places(membership));
                let (image, slot) = *places.get(&id)?;
                membership.images().get(image)?.at(slot).map(own)
            }
        }
    }

    /// Stops the statement. Only the first reason counts.
    pub(super) fn stop(&self, why: StopReason) {
        let code = match why {
            StopReason::Cancelled => 1,
            StopReason::TimedOut => 2,
            StopReason::ClientGone => 3,
        };
        let _ = self
            .stopped
            .compare_exchange(0, code, Ordering::AcqRel, Ordering::Acquire);
        self.stop.cancel();
        self.demand.close();
    }

    /// Completes when the statement is stopped.
    pub(super) async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// An error once the statement has been stopped.
    pub(super) fn check(&self) -> Result<(), CatalogError> {
        let why = match self.stopped.load(Ordering::Relaxed) {
            0 => return Ok(()),
            1 => StopReason::Cancelled,
            2 => StopReason::TimedOut,
            _ => StopReason::ClientGone,
        };
        Err(CatalogError::Stopped(why))
    }

    /// Lets a statement that acts produce so many further rows.
    pub(super) fn demand(&self, rows: u32) {
        let room = Semaphore::MAX_PERMITS - self.demand.available_permits();
        self.demand.add_permits(room.min(rows as usize));
    }

    /// Waits until one more row is wanted.
    pub(super) async fn wanted(&self) -> Result<(), CatalogError> {
        match self.demand.try_acquire() {
            Ok(permit) => permit.forget(),
            Err(TryAcquireError::NoPermits) => match self.demand.acquire().await {
                Ok(permit) => permit.forget(),
                Err(_) => return self.check(),
            },
            Err(TryAcquireError::Closed) => return self.check(),
        }
        Ok(())
    }

    /// Tells a session to end: the caller's own only when its answer is out.
    pub(super) fn kill(&self, session: &Arc<Session>) -> bool {
        let caller = self.caller.as_ref().and_then(|c| c.session.as_ref());
        if caller.is_some_and(|own| Arc::ptr_eq(own, session)) {
            let mut own_kill = self.own_kill.lock();
            let first = own_kill.is_none() && session.kill_reason().is_none();
            *own_kill = Some(Arc::clone(session));
            return first;
        }
        session.kill(KillReason::Administrator)
    }

    /// Carries out what had to wait for the answer.
    pub(super) fn finish(&self) {
        if let Some(own) = self.own_kill.lock().take() {
            own.kill(KillReason::Administrator);
        }
    }
}

/// The image and slot of each member.
fn places(membership: &Membership) -> HashMap<SessionId, (usize, u16)> {
    let mut places = HashMap::with_capacity(membership.len());
    for (index, image) in membership.images().iter().enumerate() {
        places.extend(
            image
                .rows()
                .map(|row| (row.session.id(), (index, row.slot))),
        );
    }
    places
}

impl fmt::Debug for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Statement")
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}
