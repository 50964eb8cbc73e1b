use std::any::Any;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use super::handle::{Profile, Session};
use super::line::{Line, LiveValues, State};

/// Slots in a chunk. Measured: larger chunks gain little in scans, smaller ones cost 20–25 %.
pub const CHUNK_ROWS: usize = 4096;

/// A fixed number of slots: the changing lines side by side, and who lives in them.
pub(super) struct Chunk {
    /// Position among the registry's chunks.
    pub index: u32,
    lines: Box<[Line]>,
    residents: Mutex<Residents>,
}

struct Residents {
    /// Grows to the highest slot ever used.
    slots: Vec<Option<Resident>>,
    live: usize,
    /// The image of these residents; taken away when they change.
    image: Option<Arc<ChunkImage>>,
}

struct Resident {
    session: Arc<Session>,
    profile: Arc<Profile>,
}

impl Chunk {
    pub fn new(index: u32) -> Self {
        Self {
            index,
            lines: (0..CHUNK_ROWS).map(|_| Line::default()).collect(),
            residents: Mutex::new(Residents {
                slots: Vec::new(),
                live: 0,
                image: None,
            }),
        }
    }

    pub fn line(&self, slot: u16) -> &Line {
        &self.lines[usize::from(slot)]
    }

    pub fn move_in(&self, session: Arc<Session>) {
        let slot = usize::from(session.slot);
        let mut residents = self.residents.lock();
        if residents.slots.len() <= slot {
            residents.slots.resize_with(slot + 1, || None);
        }
        residents.slots[slot] = Some(Resident {
            session,
            profile: Arc::default(),
        });
        residents.live += 1;
        residents.image = None;
    }

    /// Returns what had been said of the session.
    pub fn move_out(&self, session: &Session) -> Option<Arc<Profile>> {
        let mut residents = self.residents.lock();
        let resident = residents.slots[usize::from(session.slot)].take();
        residents.live -= 1;
        residents.image = None;
        resident.map(|resident| resident.profile)
    }

    /// Changes the profile. `changed` is told the user before and after, while nobody else can change either.
    pub fn update(
        &self,
        slot: u16,
        change: impl FnOnce(&mut Profile),
        changed: impl FnOnce(Option<Arc<str>>, Option<&Arc<str>>),
    ) {
        let mut residents = self.residents.lock();
        if let Some(resident) = &mut residents.slots[usize::from(slot)] {
            let profile = Arc::make_mut(&mut resident.profile);
            let before = profile.user.clone();
            change(profile);
            if before != profile.user {
                changed(before, profile.user.as_ref());
            }
        }
        residents.image = None;
    }

    pub fn profile(&self, slot: u16, generation: u64) -> Option<Arc<Profile>> {
        let residents = self.residents.lock();
        let resident = residents.slots.get(usize::from(slot))?.as_ref()?;
        (resident.session.generation == generation).then(|| Arc::clone(&resident.profile))
    }

    /// Sets the state from outside the session's own task. The lock keeps the slot from changing hands.
    pub fn mark_stopping(&self, slot: u16, generation: u64) {
        let residents = self.residents.lock();
        let resident = residents.slots.get(usize::from(slot));
        if let Some(Some(resident)) = resident
            && resident.session.generation == generation
        {
            self.line(slot).advance(State::Stopping);
        }
    }

    /// The image of the sessions that live here now; none when nobody does.
    pub fn image(self: &Arc<Self>) -> Option<Arc<ChunkImage>> {
        let mut residents = self.residents.lock();
        if residents.live == 0 {
            return None;
        }
        if let Some(image) = &residents.image {
            return Some(Arc::clone(image));
        }
        let mut rows = Vec::with_capacity(residents.live);
        let mut sessions = Vec::with_capacity(residents.live);
        let mut profiles = Vec::with_capacity(residents.live);
        for resident in residents.slots.iter().flatten() {
            rows.push((resident.session.generation, resident.session.slot));
            sessions.push(Arc::clone(&resident.session));
            profiles.push(Arc::clone(&resident.profile));
        }
        let image = Arc::new(ChunkImage {
            chunk: Arc::clone(self),
            rows: rows.into(),
            sessions: sessions.into(),
            profiles: profiles.into(),
            derived: OnceLock::new(),
        });
        residents.image = Some(Arc::clone(&image));
        Some(image)
    }
}

/// The sessions that lived in a chunk at one moment, in slot order. Never empty.
pub struct ChunkImage {
    chunk: Arc<Chunk>,
    /// Generation and slot of each row, side by side for gathering.
    rows: Box<[(u64, u16)]>,
    sessions: Box<[Arc<Session>]>,
    profiles: Box<[Arc<Profile>]>,
    derived: OnceLock<Box<dyn Any + Send + Sync>>,
}

impl ChunkImage {
    /// The sessions, one for each row.
    pub fn sessions(&self) -> &[Arc<Session>] {
        &self.sessions
    }

    /// What changes rarely, one for each row.
    pub fn profiles(&self) -> &[Arc<Profile>] {
        &self.profiles
    }

    /// Reads the changing values of each row in turn.
    pub fn for_each_live(&self, mut see: impl FnMut(LiveValues)) {
        for (row, (generation, slot)) in self.rows.iter().enumerate() {
            let values = match self.chunk.line(*slot).read(*generation) {
                Some(values) => values,
                None => self.sessions[row].last_values(),
            };
            see(values);
        }
    }

    /// Whether the session is one of the rows, and which.
    pub fn position(&self, session: &Session) -> Option<usize> {
        if self.chunk.index != session.chunk.index {
            return None;
        }
        let row = self
            .rows
            .binary_search_by_key(&session.slot, |(_, slot)| *slot)
            .ok()?;
        (self.rows[row].0 == session.generation).then_some(row)
    }

    pub(super) fn chunk_index(&self) -> u32 {
        self.chunk.index
    }

    /// What a reader derived from this image, kept with it: built by the first caller, shared by all others.
    /// All callers must agree on one type; another type gets `None`.
    pub fn derived<T: Any + Send + Sync>(&self, build: impl FnOnce() -> T) -> Option<&T> {
        self.derived
            .get_or_init(|| Box::new(build()))
            .downcast_ref()
    }
}
