//! Live sessions that are chosen by how long they are idle, without a look at anything else of those that are not.
//!
//! What a row is chosen by may change at any moment: its line is copied when it is chosen, and the row is shown as it was
//! then.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt16Array};
use arrow::compute::take;
use arrow::error::ArrowError;
use datafusion::common::Result;

use super::sessions::{COLUMNS, Moment, Origin};
use super::sessions_kept::ImageColumns;
use super::sessions_live::LiveSource;
use super::sessions_scan::{Reader, admits};
use crate::catalog::column::Cell;
use crate::catalog::keys::{IdleRange, Wanted};
use crate::catalog::table::Batches;
use crate::session::{Chosen, ChunkImage, Line, Profile, Session};

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
                let batch = match self.columns.is_empty() {
                    true => self.chosen_count(&image, &wanted, idle, left),
                    false => self.chosen_batch(&image, &wanted, idle, left),
                };
                match batch {
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

    fn chosen_count(
        &self,
        image: &ChunkImage,
        wanted: &Wanted,
        idle: IdleRange,
        limit: usize,
    ) -> Result<RecordBatch> {
        let chosen = choose(image, wanted, |line| {
            is_idle(line, idle, &self.moment).then_some(())
        });
        self.batch(Vec::new(), chosen.len().min(limit))
    }

    fn chosen_batch(
        &self,
        image: &ChunkImage,
        wanted: &Wanted,
        idle: IdleRange,
        limit: usize,
    ) -> Result<RecordBatch> {
        let mut chosen = choose(image, wanted, |line| {
            // Copied first, so that what is shown is what it was chosen by.
            let copy = line.copied();
            is_idle(&copy, idle, &self.moment).then_some(copy)
        });
        chosen.truncate(limit);
        let rows = UInt16Array::from_iter_values(chosen.iter().map(|chosen| chosen.row));
        let copies: Vec<Line> = chosen.into_iter().map(|chosen| chosen.value).collect();
        let live = self.live_rows(LiveSource::Copies(&copies));
        let mut kept = ImageColumns::new(image);
        let mut kept =
            |column: usize, cell: &Cell<Session, Profile>| -> Result<ArrayRef, ArrowError> {
                let array = kept.array(column, cell)?;
                match rows.len() == array.len() {
                    true => Ok(array),
                    false => take(&array, &rows, None),
                }
            };
        let array = |column: &usize| match &COLUMNS[*column].origin {
            Origin::Kept(cell) => kept(*column, cell),
            Origin::Live(cell) => cell.gather(&live),
            Origin::Aging(cell, value) => Ok(self.aged(&kept(*column, cell)?, *value)),
        };
        let columns = self.columns.iter().map(array).collect::<Result<_, _>>()?;
        self.batch(columns, copies.len())
    }
}

#[inline]
fn is_idle(line: &Line, idle: IdleRange, moment: &Moment) -> bool {
    idle.contains(line.idle_s(moment.now_ms))
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
