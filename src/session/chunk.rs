use std::any::Any;
use std::sync::Arc;

use parking_lot::Mutex;

use super::handle::{Profile, Session};
use super::image::ChunkImage;
use super::line::{Line, State};
use super::segment::{Resident, SEGMENT_ROWS, Segment};

/// Slots in a chunk. Measured: larger chunks gain little in scans, smaller ones cost 20–25 %.
pub const CHUNK_ROWS: usize = 4096;

/// Changes without a reading between them after which what a reader had derived is given up: most of it would have to
/// be derived anew.
const CHANGES_MAX: u64 = CHUNK_ROWS as u64;

/// A fixed number of slots: the changing lines side by side, and who lives in them.
pub(super) struct Chunk {
    /// Position among the registry's chunks.
    pub index: u32,
    lines: Box<[Line]>,
    residents: Mutex<Residents>,
}

#[derive(Default)]
struct Residents {
    /// Grows to the highest one ever used.
    segments: Vec<Arc<Segment>>,
    live: usize,
    /// How often somebody came, went or changed a profile.
    changes: u64,
    /// The image of these residents; taken away when they change.
    image: Option<Arc<ChunkImage>>,
    /// What a reader keeps with the chunk.
    derived: Option<Arc<dyn Any + Send + Sync>>,
    /// `changes` when the last image was made.
    imaged_at: u64,
}

impl Residents {
    /// The segment of a slot, and the slot's place in it, to be changed: no image shows the change.
    fn change(&mut self, slot: u16) -> (&mut Segment, usize) {
        let slot = usize::from(slot);
        self.changes += 1;
        // Gone before the segment is asked for: when nobody reads this image, nothing has to be copied.
        self.image = None;
        if self.changes - self.imaged_at > CHANGES_MAX {
            self.derived = None;
        }
        let (segment, place) = (slot / SEGMENT_ROWS, slot % SEGMENT_ROWS);
        if self.segments.len() <= segment {
            self.segments.resize_with(segment + 1, Arc::default);
        }
        (Arc::make_mut(&mut self.segments[segment]), place)
    }

    fn resident(&self, slot: u16, generation: u64) -> Option<&Resident> {
        let slot = usize::from(slot);
        let resident =
            self.segments.get(slot / SEGMENT_ROWS)?.residents[slot % SEGMENT_ROWS].as_ref();
        resident.filter(|resident| resident.session.generation == generation)
    }
}

impl Chunk {
    pub fn new(index: u32) -> Self {
        Self {
            index,
            lines: (0..CHUNK_ROWS).map(|_| Line::default()).collect(),
            residents: Mutex::default(),
        }
    }

    pub fn line(&self, slot: u16) -> &Line {
        &self.lines[usize::from(slot)]
    }

    /// All lines, by slot.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    pub fn move_in(&self, session: Arc<Session>) {
        let mut residents = self.residents.lock();
        residents.live += 1;
        let version = residents.changes + 1;
        let (segment, place) = residents.change(session.slot);
        segment.live += 1;
        segment.generations[place] = session.generation;
        segment.versions[place] = version;
        segment.residents[place] = Some(Resident {
            session,
            profile: Arc::default(),
        });
    }

    /// Returns what had been said of the session.
    pub fn move_out(&self, session: &Session) -> Option<Arc<Profile>> {
        let mut residents = self.residents.lock();
        residents.live -= 1;
        if residents.live == 0 {
            residents.derived = None;
        }
        let (segment, place) = residents.change(session.slot);
        segment.live -= 1;
        segment.generations[place] = 0;
        segment.versions[place] = 0;
        let resident = segment.residents[place].take();
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
        let version = residents.changes + 1;
        let (segment, place) = residents.change(slot);
        if let Some(resident) = &mut segment.residents[place] {
            segment.versions[place] = version;
            let profile = Arc::make_mut(&mut resident.profile);
            let before = profile.user.clone();
            change(profile);
            if before != profile.user {
                changed(before, profile.user.as_ref());
            }
        }
    }

    pub fn profile(&self, slot: u16, generation: u64) -> Option<Arc<Profile>> {
        let residents = self.residents.lock();
        let resident = residents.resident(slot, generation)?;
        Some(Arc::clone(&resident.profile))
    }

    /// Sets the state from outside the session's own task. The lock keeps the slot from changing hands.
    pub fn mark_stopping(&self, slot: u16, generation: u64) {
        let residents = self.residents.lock();
        if residents.resident(slot, generation).is_some() {
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
        residents.imaged_at = residents.changes;
        let segments = residents.segments.clone();
        let image = ChunkImage::new(self, segments, residents.live, residents.changes);
        let image = Arc::new(image);
        residents.image = Some(Arc::clone(&image));
        Some(image)
    }

    /// What a reader keeps with the chunk: made by the first one to ask, and again once it has been given up.
    pub fn derived<T: Any + Send + Sync + Default>(&self) -> Option<Arc<T>> {
        let mut residents = self.residents.lock();
        let derived = residents
            .derived
            .get_or_insert_with(|| Arc::new(T::default()));
        Arc::clone(derived).downcast().ok()
    }
}
