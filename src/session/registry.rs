use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use arc_swap::ArcSwap;
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use parking_lot::{Mutex, RwLock};

use super::chunk::{CHUNK_ROWS, Chunk};
use super::directory::Directory;
use super::handle::{Profile, Remote, Session, SessionGuard};
use super::{Lane, Listener, LogLevel, Membership, Reading, SessionId, SessionLogs, Topology};

const SHARDS: usize = 64;

type Shard = RwLock<HashMap<u32, Arc<Session>>>;

/// Every id is taken: no further session can be registered until one ends.
#[derive(Debug, thiserror::Error)]
#[error("all {0} session ids are in use")]
pub struct RegistryFull(u32);

/// A name that sessions share and are found by.
#[derive(Clone, Copy, Debug)]
pub enum SharedName<'a> {
    /// The service that they were created on.
    Service(&'a str),
    /// The user that their clients were accepted as.
    User(&'a str),
}

/// The live sessions, and what they are created on. See the [module](super) for how it is built.
pub struct Registry {
    chunks: RwLock<Vec<Arc<Chunk>>>,
    free: Mutex<FreeSlots>,
    index: Box<[Shard]>,
    by_service: Directory,
    by_user: Directory,
    next_id: AtomicU32,
    id_max: u32,
    len: AtomicUsize,
    topology: ArcSwap<Topology>,
    logs: Arc<SessionLogs>,
    wall_offset_us: i64,
}

struct FreeSlots {
    /// Newest last, so that churn stays in few chunks.
    freed: Vec<(Arc<Chunk>, u16)>,
    /// The first slot of the newest chunk that was never used, with the chunk.
    fresh: Option<(Arc<Chunk>, u16)>,
}

impl Registry {
    /// An empty registry.
    pub fn new() -> Arc<Self> {
        Self::with_id_max(SessionId::MAX)
    }

    /// An empty registry; of which sessions more is logged is noted here.
    pub fn with_logs(logs: Arc<SessionLogs>) -> Arc<Self> {
        Self::with(SessionId::MAX, logs)
    }

    /// An empty registry whose ids start again from 1 after `id_max` (at most [`SessionId::MAX`]).
    pub fn with_id_max(id_max: u32) -> Arc<Self> {
        Self::with(id_max, Arc::default())
    }

    fn with(id_max: u32, logs: Arc<SessionLogs>) -> Arc<Self> {
        let now = Reading::now();
        Arc::new(Self {
            chunks: RwLock::new(Vec::new()),
            free: Mutex::new(FreeSlots {
                freed: Vec::new(),
                fresh: None,
            }),
            index: (0..SHARDS).map(|_| Shard::default()).collect(),
            by_service: Directory::new(),
            by_user: Directory::new(),
            next_id: AtomicU32::new(1),
            id_max: id_max.clamp(1, SessionId::MAX),
            len: AtomicUsize::new(0),
            topology: ArcSwap::default(),
            logs,
            wall_offset_us: now.utc_us - now.monotonic_ms as i64 * 1_000,
        })
    }

    /// Begins a session of a client that `listener` accepted, in the state
    /// [`Allocated`](super::State::Allocated). It lives until the guard is dropped.
    pub fn register(
        self: &Arc<Self>,
        listener: &Arc<Listener>,
        remote: Remote,
    ) -> Result<SessionGuard, RegistryFull> {
        if self.len.fetch_add(1, Ordering::Relaxed) >= self.id_max as usize {
            self.len.fetch_sub(1, Ordering::Relaxed);
            return Err(RegistryFull(self.id_max));
        }
        let now = Reading::now();
        let (chunk, slot) = self.take_slot();
        let generation = chunk.line(slot).open(now.monotonic_ms);
        let session = self.enter_index(|id| {
            let place = (Arc::clone(&chunk), slot, generation);
            Session::new(id, Arc::clone(listener), remote, now, place)
        });
        chunk.move_in(Arc::clone(&session));
        self.by_service.insert(&listener.service.name, &session);
        listener.service.sessions.begin();
        Ok(SessionGuard {
            session,
            registry: Arc::clone(self),
            lane: Lane::default(),
        })
    }

    /// The live session with this id.
    pub fn get(&self, id: SessionId) -> Option<Arc<Session>> {
        self.shard(id.get()).read().get(&id.get()).cloned()
    }

    /// What changes rarely in a session; none once it has ended.
    pub fn profile(&self, session: &Session) -> Option<Arc<Profile>> {
        session.chunk.profile(session.slot, session.generation)
    }

    /// How many live sessions have this name.
    pub fn count(&self, name: SharedName<'_>) -> usize {
        let (directory, name) = self.directory(name);
        directory.count(name)
    }

    /// The first `most` live sessions that have this name, in the order of their ids, or the last ones from the last.
    pub fn first(
        &self,
        name: SharedName<'_>,
        most: usize,
        from_the_last: bool,
    ) -> Vec<Arc<Session>> {
        let (directory, name) = self.directory(name);
        directory.first(name, most, from_the_last)
    }

    /// Both at one moment: how many live sessions have this name, and the first of them.
    pub fn count_and_first(
        &self,
        name: SharedName<'_>,
        most: usize,
        from_the_last: bool,
    ) -> (usize, Vec<Arc<Session>>) {
        let (directory, name) = self.directory(name);
        directory.count_and_first(name, most, from_the_last)
    }

    fn directory<'a>(&self, name: SharedName<'a>) -> (&Directory, &'a str) {
        match name {
            SharedName::Service(name) => (&self.by_service, name),
            SharedName::User(name) => (&self.by_user, name),
        }
    }

    /// A session's user has changed.
    pub(super) fn rename(
        &self,
        session: &Arc<Session>,
        before: Option<Arc<str>>,
        after: Option<&Arc<str>>,
    ) {
        if let Some(before) = before {
            self.by_user.remove(&before, session.id);
        }
        if let Some(after) = after {
            self.by_user.insert(after, session);
        }
    }

    /// How many sessions are live.
    pub fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    /// Whether no session is live.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many chunks sessions have lived in at one time: what a reading of all sessions can be split into.
    pub fn chunks_used(&self) -> usize {
        self.chunks.read().len()
    }

    /// The sessions that are live now: none twice, and none missing that lives throughout the call.
    pub fn membership(&self) -> Membership {
        let chunks = self.chunks.read().clone();
        Membership::new(chunks.iter().filter_map(Chunk::image).collect())
    }

    /// Of which sessions more is logged than the program's level asks for.
    pub fn logs(&self) -> &SessionLogs {
        &self.logs
    }

    /// Lines of this level are logged of the session from now on, or no longer.
    pub fn set_log(&self, session: &Session, level: LogLevel, on: bool) {
        self.logs.set(session.id, level, on);
        // It may have ended, and been forgotten, in the meantime.
        if session.is_ended() {
            self.logs.forget(session.id);
        }
    }

    /// What sessions are created on and routed through.
    pub fn topology(&self) -> Arc<Topology> {
        self.topology.load_full()
    }

    /// Puts another topology in place; sessions keep what they were created on.
    pub fn set_topology(&self, topology: Topology) {
        self.topology.store(Arc::new(topology));
    }

    /// What to add to a moment on the clock of [`monotonic_ms`](super::monotonic_ms), in microseconds, for
    /// microseconds since the UNIX epoch. Fixed at the start, so that a moment reads the same at every look.
    pub fn wall_offset_us(&self) -> i64 {
        self.wall_offset_us
    }

    /// Ends a session: called once, by its guard.
    pub(super) fn end(&self, session: &Arc<Session>) {
        let mut last = session.line().values();
        last.state = super::State::Stopping;
        // A second call cannot happen, and the first values would stand.
        let _ = session.last.set(last);
        let profile = session.chunk.move_out(session);
        if let Some(user) = profile.as_ref().and_then(|profile| profile.user.as_ref()) {
            self.by_user.remove(user, session.id);
        }
        self.by_service
            .remove(&session.listener.service.name, session.id);
        self.shard(session.id.get())
            .write()
            .remove(&session.id.get());
        self.logs.forget(session.id);
        session.line().close();
        session.ended();
        self.free
            .lock()
            .freed
            .push((Arc::clone(&session.chunk), session.slot));
        let service = &session.listener.service;
        service.ends.count(session.end_reason());
        service.sessions.end();
        self.len.fetch_sub(1, Ordering::Relaxed);
    }

    /// Enters a new session under the next id that no live session has.
    fn enter_index(&self, session: impl Fn(SessionId) -> Session) -> Arc<Session> {
        loop {
            let number = self.next_number();
            let Some(id) = SessionId::new(i64::from(number)) else {
                continue;
            };
            let mut shard = self.shard(number).write();
            if let Entry::Vacant(place) = shard.entry(number) {
                return Arc::clone(place.insert(Arc::new(session(id))));
            }
        }
    }

    fn next_number(&self) -> u32 {
        let following = |number: u32| Some(if number >= self.id_max { 1 } else { number + 1 });
        match self
            .next_id
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, following)
        {
            Ok(number) | Err(number) => number,
        }
    }

    fn shard(&self, number: u32) -> &Shard {
        &self.index[number as usize % SHARDS]
    }

    fn take_slot(&self) -> (Arc<Chunk>, u16) {
        let mut free = self.free.lock();
        if let Some(slot) = free.freed.pop() {
            return slot;
        }
        let (chunk, slot) = match free.fresh.take() {
            Some(fresh) => fresh,
            None => (self.add_chunk(), 0),
        };
        if usize::from(slot) + 1 < CHUNK_ROWS {
            free.fresh = Some((Arc::clone(&chunk), slot + 1));
        }
        (chunk, slot)
    }

    fn add_chunk(&self) -> Arc<Chunk> {
        let mut chunks = self.chunks.write();
        let chunk = Arc::new(Chunk::new(chunks.len() as u32));
        chunks.push(Arc::clone(&chunk));
        chunk
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
