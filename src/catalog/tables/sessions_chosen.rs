//! Live sessions that are chosen by how long they are idle, without a look at anything else of those that are not.
//!
//! What a row is chosen by may change at any moment: its line is copied when it is chosen, and the row is shown as it was
//! then.

use std::sync::Arc;

use arrow::array::{RecordBatch, UInt16Array};
use arrow::compute::take;
use datafusion::common::Result;

use super::sessions_kept::ImageColumns;
use super::sessions_live::LiveSource;
use super::sessions_scan::{Reader, admits};
use crate::catalog::keys::{IdleRange, Wanted};
use crate::catalog::statement::Row;
use crate::catalog::table::Batches;
use crate::session::{Chosen, ChunkImage, Line};

impl Reader {
    /// The rows of the images that are wanted and idle within the range, at most so many.
    pub(super) fn chosen(
        self,
        images: Vec<Arc<ChunkImage>>,
        wanted: Wanted,
        idle: IdleRange,
        limit: usize,
    ) -> Batches {
        let mut left = limit;
        let mut images = images.into_iter();
        Box::new(std::iter::from_fn(move || {
            while left > 0 {
                let image = images.next()?;
                if let Err(stopped) = self.statement.check() {
                    return Some(Err(stopped.into()));
                }
                match self.chosen_batch(&image, &wanted, idle, left) {
                    Ok(batch) if batch.num_rows() == 0 => {}
                    Ok(batch) => {
                        left -= batch.num_rows();
                        return Some(Ok(batch));
                    }
                    Err(error) => return Some(Err(error)),
                }
            }
            None
        }))
    }

    fn chosen_batch(
        &self,
        image: &ChunkImage,
        wanted: &Wanted,
        idle: IdleRange,
        limit: usize,
    ) -> Result<RecordBatch> {
        let is_idle = |line: &Line| idle.contains(line.idle_s(self.moment.now_ms));
        if self.columns.is_empty() {
            let chosen = choose(image, wanted, |line| is_idle(line).then_some(()));
            return self.batch(Vec::new(), chosen.len().min(limit));
        }
        let mut chosen = choose(image, wanted, |line| {
            // Copied first, so that what is shown is what it was chosen by.
            let copy = line.copied();
            is_idle(&copy).then_some(copy)
        });
        chosen.truncate(limit);
        let rows = UInt16Array::from_iter_values(chosen.iter().map(|chosen| chosen.row));
        let copies: Vec<Line> = chosen.into_iter().map(|chosen| chosen.value).collect();
        let mut kept = ImageColumns::new(image);
        self.assemble(LiveSource::Copies(&copies), copies.len(), |column, cell| {
            let array = kept.array(column, cell)?;
            match rows.len() == array.len() {
                true => Ok(array),
                false => take(&array, &rows, None),
            }
        })
    }

    /// Those of these rows that are idle within the range, at most so many.
    pub(super) fn chosen_of(
        self,
        rows: impl Iterator<Item = Row>,
        idle: IdleRange,
        limit: usize,
    ) -> Result<Batches> {
        let with_line = rows.map(|row| {
            let line: Line = row.0.live().into();
            (row, line)
        });
        let chosen = with_line.filter(|(_, line)| idle.contains(line.idle_s(self.moment.now_ms)));
        let (rows, lines): (Vec<Row>, Vec<Line>) = chosen.take(limit).unzip();
        let batch = self.batch_of(&rows, &lines)?;
        let batch = (batch.num_rows() > 0).then_some(Ok(batch));
        Ok(Box::new(batch.into_iter()))
    }
}

fn choose<T>(
    image: &ChunkImage,
    wanted: &Wanted,
    choose: impl Fn(&Line) -> Option<T>,
) -> Vec<Chosen<T>> {
    let mut chosen = image.choose(choose);
    if wanted.services.is_some() || wanted.users.is_some() {
        chosen.retain(|chosen| {
            let row = image.at(chosen.slot);
            row.is_some_and(|row| admits(wanted, row.session, row.profile))
        });
    }
    chosen
}
