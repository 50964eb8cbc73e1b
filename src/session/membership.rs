use std::sync::Arc;

use super::chunk::ChunkImage;
use super::handle::Session;

/// The sessions that were live at one moment, however long they are looked at.
pub struct Membership {
    /// In the order of the chunks.
    images: Vec<Arc<ChunkImage>>,
    len: usize,
}

impl Membership {
    pub(super) fn new(images: Vec<Arc<ChunkImage>>) -> Self {
        let len = images.iter().map(|image| image.sessions().len()).sum();
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

    /// Where a session stands among the members: its image and row.
    pub fn position(&self, session: &Session) -> Option<(&Arc<ChunkImage>, usize)> {
        let index = self
            .images
            .binary_search_by_key(&session.chunk.index, |image| image.chunk_index())
            .ok()?;
        let image = &self.images[index];
        Some((image, image.position(session)?))
    }
}
