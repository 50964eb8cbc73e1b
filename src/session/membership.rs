use std::sync::Arc;

use super::handle::Session;
use super::image::{ChunkImage, ImageRow};

/// The sessions that were live at one moment, however long they are looked at.
pub struct Membership {
    /// In the order of the chunks.
    images: Vec<Arc<ChunkImage>>,
    len: usize,
}

impl Membership {
    pub(super) fn new(images: Vec<Arc<ChunkImage>>) -> Self {
        let len = images.iter().map(|image| image.len()).sum();
        Self { images, len }
    }

    /// The sessions, by chunk.
    pub fn images(&self) -> &[Arc<ChunkImage>] {
        &self.images
    }

    /// How many sessions there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The session's row, if it is a member.
    pub fn find(&self, session: &Session) -> Option<ImageRow<'_>> {
        let index = self
            .images
            .binary_search_by_key(&session.chunk.index, |image| image.chunk_index())
            .ok()?;
        self.images[index].find(session)
    }
}
