use std::any::Any;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::chunk::Chunk;
use super::handle::{Profile, Session};
use super::line::Line;
use super::segment::{Resident, SEGMENT_ROWS, Segment};

/// The sessions that lived in a chunk at one moment, in slot order. Never empty.
pub struct ChunkImage {
    chunk: Arc<Chunk>,
    segments: Vec<Arc<Segment>>,
    len: usize,
    /// How many changes the chunk had seen.
    changes: u64,
    generations: OnceLock<Vec<u64>>,
    versions: OnceLock<Arc<RowVersions>>,
}

/// A session of an image.
#[derive(Clone, Copy)]
pub struct ImageRow<'a> {
    /// Where it is found again by [`ChunkImage::at`].
    pub slot: u16,
    /// The session.
    pub session: &'a Arc<Session>,
    /// What changes rarely in it.
    pub profile: &'a Arc<Profile>,
}

/// A row that was chosen by its line.
#[derive(Clone, Copy, Debug)]
pub struct Chosen<T> {
    /// Its place among the image's rows.
    pub row: u16,
    /// Where it is found again by [`ChunkImage::at`].
    pub slot: u16,
    /// What it was chosen for.
    pub value: T,
}

impl ChunkImage {
    pub(super) fn new(
        chunk: &Arc<Chunk>,
        segments: Vec<Arc<Segment>>,
        len: usize,
        changes: u64,
    ) -> Self {
        Self {
            chunk: Arc::clone(chunk),
            segments,
            len,
            changes,
            generations: OnceLock::new(),
            versions: OnceLock::new(),
        }
    }

    /// How many sessions there are; never 0.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The sessions.
    pub fn rows(&self) -> Rows<'_> {
        Rows {
            image: self,
            slot: 0,
            left: self.len,
        }
    }

    /// The session in this slot.
    pub fn at(&self, slot: u16) -> Option<ImageRow<'_>> {
        let segment = self.segments.get(usize::from(slot) / SEGMENT_ROWS)?;
        let Resident { session, profile } =
            segment.residents[usize::from(slot) % SEGMENT_ROWS].as_ref()?;
        Some(ImageRow {
            slot,
            session,
            profile,
        })
    }

    /// The session's own row, if it is here.
    pub fn find(&self, session: &Session) -> Option<ImageRow<'_>> {
        if self.chunk.index != session.chunk.index {
            return None;
        }
        let row = self.at(session.slot)?;
        (row.session.generation == session.generation).then_some(row)
    }

    /// What `read` makes of each row's line, which may change meanwhile. It may be asked for a row twice.
    #[inline]
    pub fn gather<T>(&self, read: impl Fn(&Line) -> T) -> Vec<T> {
        let generations = self.generations();
        let slots = self.chunk.lines().iter().zip(generations);
        let value = |(slot, (line, generation)): (usize, (&Line, &u64))| {
            self.read_line(slot as u16, line, *generation, &read)
        };
        let mut values = Vec::with_capacity(self.len);
        if generations.len() == self.len {
            // Somebody lives in each slot: a loop without a choice in it.
            values.extend(slots.enumerate().map(value));
        } else {
            let lived_in = |(_, (_, generation)): &(usize, (&Line, &u64))| **generation != 0;
            values.extend(slots.enumerate().filter(lived_in).map(value));
        }
        values
    }

    /// The rows whose line `choose` makes something of, with what that is.
    #[inline]
    pub fn choose<T>(&self, choose: impl Fn(&Line) -> Option<T>) -> Vec<Chosen<T>> {
        let mut chosen = Vec::new();
        let slots = self.chunk.lines().iter().zip(self.generations());
        let mut row = 0;
        for (slot, (line, generation)) in (0..).zip(slots) {
            if *generation == 0 {
                continue;
            }
            if let Some(value) = self.read_line(slot, line, *generation, &choose) {
                chosen.push(Chosen { row, slot, value });
            }
            row += 1;
        }
        chosen
    }

    /// What `read` makes of the line of the session in this slot, which may change meanwhile. It may be asked twice.
    #[inline]
    pub fn read<T>(&self, slot: u16, read: impl Fn(&Line) -> T) -> T {
        let line = self.chunk.line(slot);
        let generation = self.generations().get(usize::from(slot));
        self.read_line(slot, line, generation.copied().unwrap_or(0), read)
    }

    #[inline]
    fn read_line<T>(
        &self,
        slot: u16,
        line: &Line,
        generation: u64,
        read: impl Fn(&Line) -> T,
    ) -> T {
        match line.read(generation, &read) {
            Some(value) => value,
            None => self.read_last(slot, line, read),
        }
    }

    /// The slots of the sessions, in order.
    pub fn slots(&self) -> impl Iterator<Item = u16> {
        let slots = (0..).zip(self.generations());
        slots.filter_map(|(slot, generation)| (*generation != 0).then_some(slot))
    }

    /// The generation of each slot side by side, 0 where nobody lives.
    fn generations(&self) -> &[u64] {
        self.generations.get_or_init(|| {
            let mut generations = Vec::with_capacity(self.segments.len() * SEGMENT_ROWS);
            for segment in &self.segments {
                generations.extend_from_slice(&segment.generations);
            }
            generations
        })
    }

    /// The session ended since the image was made, and has left its last values behind. Apart, so that a loop has only
    /// the usual case in it.
    #[cold]
    #[inline(never)]
    fn read_last<T>(&self, slot: u16, line: &Line, read: impl Fn(&Line) -> T) -> T {
        match self.at(slot) {
            Some(row) => read(&row.session.last_values().into()),
            None => read(line),
        }
    }

    pub(super) fn chunk_index(&self) -> u32 {
        self.chunk.index
    }

    /// Tells these rows from those of other images of the same chunk: the same object until something changes.
    pub fn versions(&self) -> &Arc<RowVersions> {
        self.versions.get_or_init(|| {
            let segments = self.segments.iter();
            Arc::new(RowVersions {
                changes: self.changes,
                by_slot: segments.map(|segment| segment.versions).collect(),
            })
        })
    }

    /// How these rows follow, in order, from those of another image of the same chunk, which may be an older or a
    /// newer one. `None` when the two are so far apart that it is no use.
    pub fn runs_from(&self, other: &RowVersions) -> Option<Vec<Run>> {
        if self.changes.abs_diff(other.changes) > self.len as u64 {
            return None;
        }
        let mut runs = Vec::new();
        let mut row = 0;
        let nobody = [0; SEGMENT_ROWS];
        for (index, segment) in self.segments.iter().enumerate() {
            let before = other.by_slot.get(index).unwrap_or(&nobody);
            if *before == segment.versions {
                push_same(&mut runs, row..row + segment.live);
                row += segment.live;
                continue;
            }
            for (place, (old, new)) in before.iter().zip(&segment.versions).enumerate() {
                match (*old, *new) {
                    (_, 0) => {}
                    (old, new) if old == new => push_same(&mut runs, row..row + 1),
                    _ => runs.push(Run::New((index * SEGMENT_ROWS + place) as u16)),
                }
                row += usize::from(*old != 0);
            }
        }
        Some(runs)
    }

    /// What a reader keeps with the chunk beyond this image: made when first asked for, given up when the chunk has
    /// changed too much for it to be of use. All readers must agree on one type; another type gets `None`.
    pub fn derived<T: Any + Send + Sync + Default>(&self) -> Option<Arc<T>> {
        self.chunk.derived()
    }
}

/// The sessions of an image, in slot order.
pub struct Rows<'a> {
    image: &'a ChunkImage,
    slot: u16,
    left: usize,
}

impl<'a> Iterator for Rows<'a> {
    type Item = ImageRow<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.left > 0 {
            let row = self.image.at(self.slot);
            self.slot += 1;
            if row.is_some() {
                self.left -= 1;
                return row;
            }
        }
        None
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Rows<'_> {}

/// Which session in which version of its profile each row of an image is.
pub struct RowVersions {
    changes: u64,
    by_slot: Vec<[u64; SEGMENT_ROWS]>,
}

impl RowVersions {
    /// Whether it is that of an older image than the other, of the same chunk.
    pub fn is_older_than(&self, other: &Self) -> bool {
        self.changes < other.changes
    }
}

/// Some rows of an image, told by those of another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Run {
    /// The same as these rows of the other one, counted from 0.
    Same(Range<usize>),
    /// The row in this slot, which the other one does not have.
    New(u16),
}

fn push_same(runs: &mut Vec<Run>, rows: Range<usize>) {
    match runs.last_mut() {
        Some(Run::Same(before)) if before.end == rows.start => before.end = rows.end,
        _ if rows.is_empty() => {}
        _ => runs.push(Run::Same(rows)),
    }
}
