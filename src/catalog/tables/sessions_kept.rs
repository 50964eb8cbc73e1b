//! The arrays of what seldom changes, kept with the sessions' chunk.
//!
//! When sessions have come, gone or changed in a chunk, its arrays are not built anew: the next one is the last one
//! with its unchanged runs copied, and only the changed rows are asked for their values. So what churn costs a scan
//! follows from the churn.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, MutableArrayData, make_array};
use arrow::error::ArrowError;
use parking_lot::Mutex;

use super::sessions::COLUMNS;
use crate::catalog::column::Cell;
use crate::session::{ChunkImage, ImageRow, Profile, RowVersions, Run, Session};

/// Buffers of a text array above which its texts are copied together: each patch adds one, and leaves texts behind in
/// the others that nobody refers to.
const TEXT_BUFFERS_MAX: usize = 16;

/// The last array of each column that was asked for.
struct KeptColumns([Mutex<Option<KeptColumn>>; COLUMNS.len()]);

impl Default for KeptColumns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

struct KeptColumn {
    versions: Arc<RowVersions>,
    array: ArrayRef,
}

/// The kept columns of one image.
pub(super) struct ImageColumns<'a> {
    image: &'a ChunkImage,
    kept: Option<Arc<KeptColumns>>,
    /// How the image follows from the last one that an array was kept of: mostly the same for all columns.
    runs: Option<(Arc<RowVersions>, Option<Vec<Run>>)>,
}

impl<'a> ImageColumns<'a> {
    pub fn new(image: &'a ChunkImage) -> Self {
        Self {
            image,
            kept: image.derived(),
            runs: None,
        }
    }

    /// The column with this number, whose values the cell gives.
    pub fn array(
        &mut self,
        column: usize,
        cell: &Cell<Session, Profile>,
    ) -> Result<ArrayRef, ArrowError> {
        let Some(kept) = self.kept.clone() else {
            return Ok(self.build(cell));
        };
        let mut kept = kept.0[column].lock();
        let versions = self.image.versions();
        let array = match &*kept {
            Some(last) if Arc::ptr_eq(&last.versions, versions) => {
                return Ok(Arc::clone(&last.array));
            }
            Some(last) => self.patch(last, cell)?,
            None => self.build(cell),
        };
        // A statement that began earlier may come later.
        if kept
            .as_ref()
            .is_none_or(|last| last.versions.is_older_than(versions))
        {
            *kept = Some(KeptColumn {
                versions: Arc::clone(versions),
                array: Arc::clone(&array),
            });
        }
        Ok(array)
    }

    fn build(&self, cell: &Cell<Session, Profile>) -> ArrayRef {
        cell.build(self.image.rows().map(halves))
    }

    fn patch(
        &mut self,
        last: &KeptColumn,
        cell: &Cell<Session, Profile>,
    ) -> Result<ArrayRef, ArrowError> {
        if !matches!(&self.runs, Some((from, _)) if Arc::ptr_eq(from, &last.versions)) {
            let runs = self.image.runs_from(&last.versions);
            self.runs = Some((Arc::clone(&last.versions), runs));
        }
        match &self.runs {
            Some((_, Some(runs))) => patched(&last.array, self.image, runs, cell),
            _ => Ok(self.build(cell)),
        }
    }
}

fn patched(
    last: &ArrayRef,
    image: &ChunkImage,
    runs: &[Run],
    cell: &Cell<Session, Profile>,
) -> Result<ArrayRef, ArrowError> {
    let new_row = |run: &Run| match run {
        Run::New(slot) => image.at(*slot),
        Run::Same(_) => None,
    };
    let new_rows: Vec<ImageRow<'_>> = runs.iter().filter_map(new_row).collect();
    let new = cell.build(new_rows.into_iter().map(halves)).to_data();
    let last = last.to_data();
    let mut array = MutableArrayData::new(vec![&last, &new], false, image.len());
    let mut next_new = 0;
    for run in runs {
        match run {
            Run::Same(rows) => array.try_extend(0, rows.start, rows.end)?,
            Run::New(_) => {
                array.try_extend(1, next_new, next_new + 1)?;
                next_new += 1;
            }
        }
    }
    Ok(with_few_buffers(make_array(array.freeze())))
}

fn with_few_buffers(array: ArrayRef) -> ArrayRef {
    match array.as_string_view_opt() {
        Some(texts) if texts.data_buffers().len() > TEXT_BUFFERS_MAX => Arc::new(texts.gc()),
        _ => array,
    }
}

fn halves(row: ImageRow<'_>) -> (&Session, &Profile) {
    (row.session, row.profile)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use proptest::prelude::*;

    use super::super::sessions::Origin;
    use super::*;
    use crate::session::{Listener, Registry, Remote, Service, SessionGuard};

    #[derive(Clone, Copy, Debug)]
    enum Change {
        Register,
        /// Of the session at this place, to the user with this number.
        Rename(usize, u16),
        Drop(usize),
    }

    fn changes() -> impl Strategy<Value = Vec<Change>> {
        let change = prop_oneof![
            3 => Just(Change::Register),
            2 => (0usize..200, any::<u16>()).prop_map(|(at, user)| Change::Rename(at, user)),
            3 => (0usize..200).prop_map(Change::Drop),
        ];
        proptest::collection::vec(change, 0..40)
    }

    /// Short, long and no name at all.
    fn user(number: u16) -> Option<Arc<str>> {
        match number % 3 {
            0 => None,
            1 => Some(format!("u{number}").into()),
            _ => Some(format!("a user with a long name, number {number}").into()),
        }
    }

    fn assert_same_as_built(image: &ChunkImage, asked: u32) {
        let mut columns = ImageColumns::new(image);
        for (number, column) in COLUMNS.iter().enumerate() {
            let (Origin::Kept(cell) | Origin::Aging(cell, _)) = &column.origin else {
                continue;
            };
            if asked & (1 << number) != 0 {
                let array = columns.array(number, cell).unwrap();
                array.to_data().validate_full().unwrap();
                assert_eq!(&array, &cell.build(image.rows().map(halves)));
                if let Some(texts) = array.as_string_view_opt() {
                    assert!(texts.data_buffers().len() <= TEXT_BUFFERS_MAX);
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

        /// Whichever columns are asked for at which image, and also when older images are asked again.
        #[test]
        fn patched_arrays_are_those_built_anew(
            count in 1u16..300,
            rounds in proptest::collection::vec((changes(), any::<u32>(), 0usize..4), 1..40),
        ) {
            let registry = Registry::new();
            let service = Arc::new(Service::new("a service with a long name", "router"));
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 5433));
            let listener = Arc::new(Listener::new("sql", &service, "postgresql", address));
            let register = |number: u16| {
                let address = Ipv4Addr::from_bits(u32::from(number) * 65_537);
                let remote = Remote::Tcp(SocketAddr::from((address, number)));
                let guard = registry.register(&listener, remote).unwrap();
                guard.update(|profile| profile.user = user(number));
                guard
            };
            let mut held: Vec<SessionGuard> = (0..count).map(register).collect();
            let mut images: Vec<Arc<ChunkImage>> = Vec::new();
            for (changes, asked, back) in rounds {
                for change in changes {
                    let len = held.len();
                    match change {
                        Change::Register => held.push(register(len as u16)),
                        Change::Rename(at, number) => {
                            held[at % len].update(|profile| profile.user = user(number));
                        }
                        Change::Drop(at) if len > 1 => drop(held.swap_remove(at % len)),
                        Change::Drop(_) => {}
                    }
                }
                let image = Arc::clone(&registry.membership().images()[0]);
                assert_same_as_built(&image, asked);
                images.push(image);
                let earlier = images.len().saturating_sub(1 + back);
                assert_same_as_built(&images[earlier], asked.rotate_left(7));
            }
        }
    }
}
