use std::sync::Arc;

use super::handle::{Profile, Session};

/// Slots in a segment. Larger ones make a change dearer that meets a reading, smaller ones an image.
pub(super) const SEGMENT_ROWS: usize = 64;

/// Neighbouring slots of a chunk, and who lives in them.
///
/// Images share segments with the chunk. Who changes one that an image holds copies it first: so an image costs a
/// reference for each segment, and a change never more than the segment that it falls in.
#[derive(Clone)]
pub(super) struct Segment {
    /// By slot; 0 where nobody lives.
    pub generations: [u64; SEGMENT_ROWS],
    /// By slot: how many changes the chunk had seen with the last one of the slot; 0 where nobody lives.
    pub versions: [u64; SEGMENT_ROWS],
    pub residents: [Option<Resident>; SEGMENT_ROWS],
    /// How many live here.
    pub live: usize,
}

#[derive(Clone)]
pub(super) struct Resident {
    pub session: Arc<Session>,
    pub profile: Arc<Profile>,
}

impl Default for Segment {
    fn default() -> Self {
        Self {
            generations: [0; SEGMENT_ROWS],
            versions: [0; SEGMENT_ROWS],
            residents: [const { None }; SEGMENT_ROWS],
            live: 0,
        }
    }
}
