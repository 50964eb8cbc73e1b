//! Live sessions in the order of their ids, a batch at a time.
//!
//! Sessions that were registered one after the other live in neighbouring slots, so that an ordered list is mostly made
//! of long runs of a chunk: of these, the kept arrays are handed out as they are.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, MutableArrayData, make_array};
use arrow::datatypes::Int64Type;
use arrow::error::ArrowError;

use super::sessions::{ID, ID_CELL};
use super::sessions_kept::ImageColumns;
use crate::catalog::column::Cell;
use crate::catalog::table::Order;
use crate::session::{ChunkImage, Line, Profile, Session};

/// Rows in a batch that several runs are put together for.
const BATCH_ROWS: usize = 4096;
/// A run of so many rows is a batch by itself: none of its texts is copied.
const RUN_ROWS: usize = 512;

/// Where a session stands.
#[derive(Clone, Copy)]
struct Place {
    id: i64,
    image: u32,
    slot: u16,
    /// Its place among the image's rows.
    row: u16,
}

/// Sessions of some images, sorted. What is kept of them is their places: rows are made one batch at a time.
pub(super) struct Ordered {
    images: Vec<Arc<ChunkImage>>,
    places: Vec<Place>,
    next: usize,
    /// Arrays of the images that the last batch came from, by column. A later image's arrays may have taken their place
    /// with the chunk, and then they would have to be made again for each batch.
    arrays: HashMap<u32, HashMap<usize, ArrayRef>>,
}

/// Some neighbours in the order.
pub(super) struct Stretch<'a> {
    images: &'a [Arc<ChunkImage>],
    arrays: &'a mut HashMap<u32, HashMap<usize, ArrayRef>>,
    places: &'a [Place],
    runs: Vec<(u32, Range<usize>)>,
}

impl Ordered {
    /// All sessions.
    ///
    /// # Errors
    /// When their ids cannot be put into an array.
    pub fn all(
        images: Vec<Arc<ChunkImage>>,
        order: Order,
        limit: usize,
    ) -> Result<Self, ArrowError> {
        let mut places = Vec::with_capacity(images.iter().map(|image| image.len()).sum());
        for (number, image) in (0..).zip(&images) {
            let ids = ImageColumns::new(image).array(ID, &ID_CELL)?;
            let ids = ids.as_primitive::<Int64Type>().values();
            let slots = image.slots();
            places.extend(
                ids.iter()
                    .zip(slots)
                    .enumerate()
                    .map(|(row, (id, slot))| Place {
                        id: *id,
                        image: number,
                        slot,
                        row: row as u16,
                    }),
            );
        }
        Ok(Self::sorted(images, places, order, limit))
    }

    /// Those that `admits` lets through.
    pub fn some(
        images: Vec<Arc<ChunkImage>>,
        admits: impl Fn(&Session, &Profile) -> bool,
        order: Order,
        limit: usize,
    ) -> Self {
        let mut places = Vec::new();
        for (number, image) in (0..).zip(&images) {
            let rows = image.rows().enumerate();
            let rows = rows.filter(|(_, row)| admits(row.session, row.profile));
            places.extend(rows.map(|(place, row)| Place {
                id: row.session.id().into(),
                image: number,
                slot: row.slot,
                row: place as u16,
            }));
        }
        Self::sorted(images, places, order, limit)
    }

    fn sorted(
        images: Vec<Arc<ChunkImage>>,
        mut places: Vec<Place>,
        order: Order,
        limit: usize,
    ) -> Self {
        let key = |place: &Place| match order {
            Order::Ascending => place.id,
            Order::Descending => -place.id,
        };
        if limit < places.len() && limit > 0 {
            places.select_nth_unstable_by_key(limit - 1, key);
        }
        places.truncate(limit);
        places.shrink_to_fit();
        places.sort_unstable_by_key(key);
        Self {
            images,
            places,
            next: 0,
            arrays: HashMap::new(),
        }
    }

    /// The next rows; `None` at the end.
    pub fn next(&mut self) -> Option<Stretch<'_>> {
        let rest = self
            .places
            .get(self.next..)
            .filter(|rest| !rest.is_empty())?;
        let mut runs: Vec<(u32, Range<usize>)> = Vec::new();
        let mut rows = 0;
        while rows < rest.len() && rows < BATCH_ROWS {
            let run = run_at(&rest[rows..]);
            if run.len() >= RUN_ROWS && rows > 0 {
                break;
            }
            rows += run.len();
            runs.push((rest[rows - 1].image, run));
        }
        let places = &rest[..rows];
        self.next += rows;
        self.arrays
            .retain(|image, _| runs.iter().any(|(used, _)| used == image));
        Some(Stretch {
            images: &self.images,
            arrays: &mut self.arrays,
            places,
            runs,
        })
    }
}

/// The rows of the image that begin the places one after the other.
fn run_at(places: &[Place]) -> Range<usize> {
    let Some(first) = places.first() else {
        return 0..0;
    };
    let start = usize::from(first.row);
    let follows = |(ahead, place): &(usize, &Place)| {
        place.image == first.image && usize::from(place.row) == start + ahead
    };
    start..start + places.iter().enumerate().take_while(follows).count()
}

impl Stretch<'_> {
    /// How many rows.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// A kept column of the rows.
    ///
    /// # Errors
    /// When the texts are too many for one array.
    pub fn kept(
        &mut self,
        column: usize,
        cell: &Cell<Session, Profile>,
    ) -> Result<ArrayRef, ArrowError> {
        if let [(image, rows)] = self.runs.as_slice() {
            let (image, rows) = (*image, rows.clone());
            return Ok(self
                .array(image, column, cell)?
                .slice(rows.start, rows.len()));
        }
        let mut numbers: Vec<u32> = self.runs.iter().map(|(image, _)| *image).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let mut whole = Vec::with_capacity(numbers.len());
        for image in &numbers {
            whole.push(self.array(*image, column, cell)?.to_data());
        }
        let mut array = MutableArrayData::new(whole.iter().collect(), false, self.places.len());
        for (image, rows) in &self.runs {
            let number = numbers.partition_point(|number| number < image);
            array.try_extend(number, rows.start, rows.end)?;
        }
        Ok(make_array(array.freeze()))
    }

    fn array(
        &mut self,
        image: u32,
        column: usize,
        cell: &Cell<Session, Profile>,
    ) -> Result<ArrayRef, ArrowError> {
        let arrays = self.arrays.entry(image).or_default();
        if let Some(array) = arrays.get(&column) {
            return Ok(Arc::clone(array));
        }
        let array = ImageColumns::new(&self.images[image as usize]).array(column, cell)?;
        arrays.insert(column, Arc::clone(&array));
        Ok(array)
    }

    /// Copies of the rows' lines.
    pub fn lines(&self) -> Vec<Line> {
        let line = |place: &Place| {
            let image = &self.images[place.image as usize];
            image.read(place.slot, Line::copied)
        };
        self.places.iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use arrow::compute::concat;
    use proptest::prelude::*;

    use super::super::sessions::COLUMNS;
    use super::super::sessions::Origin;
    use super::*;
    use crate::session::{Listener, Registry, Remote, Service, SessionGuard};

    /// A column of all stretches.
    fn column(mut ordered: Ordered, number: usize, cell: &Cell<Session, Profile>) -> ArrayRef {
        let (mut arrays, mut lines) = (Vec::new(), 0);
        while let Some(mut stretch) = ordered.next() {
            let array = stretch.kept(number, cell).unwrap();
            assert_eq!(array.len(), stretch.len());
            lines += stretch.lines().len();
            array.to_data().validate_full().unwrap();
            arrays.push(array);
        }
        let arrays: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
        let column = concat(&arrays).unwrap();
        assert_eq!(column.len(), lines);
        column
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

        /// Whoever came and went, and wherever they live now.
        #[test]
        fn ordered_columns_are_those_of_the_sorted_sessions(
            count in 1u16..6_000,
            gone in proptest::collection::vec(any::<u16>(), 0..200),
            come in 0u16..200,
            descending in any::<bool>(),
            limit in prop_oneof![Just(usize::MAX), 1usize..7_000],
            only in any::<bool>(),
        ) {
            let registry = Registry::new();
            let service = Arc::new(Service::new("a service with a long name", "router"));
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 5433));
            let listener = Arc::new(Listener::new("sql", &service, "postgresql", address));
            let register = |number: u16| {
                let remote = Remote::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, number)));
                let guard = registry.register(&listener, remote).unwrap();
                guard.update(|profile| {
                    profile.user = (!number.is_multiple_of(3))
                        .then(|| format!("a user with a long name, number {number}").into());
                });
                guard
            };
            let mut held: Vec<SessionGuard> = (0..count).map(register).collect();
            for gone in gone {
                if held.len() > 1 {
                    drop(held.swap_remove(usize::from(gone) % held.len()));
                }
            }
            held.extend((0..come).map(register));
            let admits = |session: &Session, _: &Profile| session.remote().port() > Some(3);
            held.sort_by_key(|session| session.id());
            let mut sorted: Vec<_> = held
                .iter()
                .map(|session| registry.profile(session).unwrap())
                .zip(&held)
                .filter(|(profile, session)| !only || admits(session, profile))
                .collect();
            let order = if descending { Order::Descending } else { Order::Ascending };
            if descending {
                sorted.reverse();
            }
            sorted.truncate(limit);
            prop_assume!(!sorted.is_empty());
            for (number, column_of) in COLUMNS.iter().enumerate() {
                let (Origin::Kept(cell) | Origin::Aging(cell, _)) = &column_of.origin else {
                    continue;
                };
                let images = registry.membership().images().to_vec();
                let ordered = match only {
                    true => Ordered::some(images, admits, order, limit),
                    false => Ordered::all(images, order, limit).unwrap(),
                };
                let rows = sorted.iter().map(|(profile, session)| {
                    let session: &Session = session;
                    (session, profile.as_ref())
                });
                prop_assert_eq!(&column(ordered, number, cell), &cell.build(rows));
            }
        }
    }
}
