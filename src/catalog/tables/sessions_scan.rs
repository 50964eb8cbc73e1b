//! How live sessions are read as columns.
//!
//! Without restrictions, whole chunks are handed out: the arrays of what does not change are kept with the chunk's
//! image and go out by reference, what traffic changes is gathered. With keys or an order, rows are picked first and
//! their columns built for just these.

use std::sync::{Arc, OnceLock};

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::Result;
use datafusion::logical_expr::Expr;

use super::sessions::{COLUMNS, ID, Moment, Origin, Sessions};
use crate::catalog::keys::{Keys, Wanted};
use crate::catalog::statement::{Row, Statement};
use crate::catalog::table::{Batches, Order, Request, Source};
use crate::session::{ChunkImage, LiveValues, Session, SessionId};

/// Rows in a batch of picked rows.
const PICKED_ROWS: usize = 8192;

impl Source for Sessions {
    fn name(&self) -> &'static str {
        "sessions"
    }

    fn schema(&self) -> Schema {
        Sessions::columns()
    }

    fn primary_key(&self) -> &'static [usize] {
        &[ID]
    }

    fn order_column(&self) -> Option<usize> {
        Some(ID)
    }

    fn accept(&self, filter: &Expr, keys: &mut Keys) -> bool {
        keys.restrict(filter)
    }

    fn announce(&self, statement: &Statement, keys: &Keys) {
        statement.will_scan();
        if !keys.names_ids() {
            statement.will_read_all();
        }
    }

    fn len(&self, statement: &Statement) -> usize {
        statement.membership().len()
    }

    fn partitions(&self, statement: &Statement, request: &Request, most: usize) -> usize {
        match request.keys.names_ids() {
            true => 1,
            false => statement.registry().chunks_used().clamp(1, most.max(1)),
        }
    }

    fn read(
        &self,
        statement: &Arc<Statement>,
        request: &Request,
        schema: SchemaRef,
        (part, parts): (usize, usize),
    ) -> Result<Batches> {
        let wanted = request.keys.resolve(statement)?;
        let reader = Reader {
            statement: Arc::clone(statement),
            moment: Moment::new(statement.clock().monotonic_ms, statement.registry()),
            columns: request.projection.clone(),
            schema,
        };
        let limit = request.limit.unwrap_or(usize::MAX);
        if wanted.ids.is_some() {
            let rows = reader.look_up(&wanted, request.order)?;
            return Ok(reader.picked(rows.into_iter().take(limit)));
        }
        if statement.is_sole_scan()
            && let Some(names) = wanted.names()
        {
            if request.projection.is_empty() {
                let rows = if part == 0 { names.count(statement) } else { 0 };
                return Ok(reader.counted(rows.min(limit)));
            }
            if let Some(order) = request.order
                && limit <= PICKED_ROWS
            {
                return Ok(reader.picked(names.first(statement, limit, order).into_iter()));
            }
        }
        if request.projection.is_empty() && request.keys.is_all() {
            let rows = match (part, statement.is_sole_scan()) {
                (0, true) => statement.registry().len(),
                (0, false) => statement.membership().len(),
                _ => 0,
            };
            return Ok(reader.counted(rows.min(limit)));
        }
        let membership = statement.membership();
        let images = membership.images();
        let share = images.len() * part / parts..images.len() * (part + 1) / parts;
        let images = images[share].to_vec();
        Ok(match request.order {
            Some(order) => {
                let rows = in_order(&images, &wanted, order);
                let row = move |place: Place| row(&images[place.image], place.row);
                reader.picked(rows.into_iter().map(row).take(limit))
            }
            None if request.keys.is_all() => reader.whole(images, limit),
            None => {
                let rows = images
                    .into_iter()
                    .flat_map(move |image| matching(&image, &wanted))
                    .take(limit);
                reader.picked(rows)
            }
        })
    }
}

/// Where a session stands among some images.
#[derive(Clone, Copy)]
struct Place {
    id: SessionId,
    image: usize,
    row: usize,
}

fn row(image: &ChunkImage, row: usize) -> Row {
    (
        Arc::clone(&image.sessions()[row]),
        Arc::clone(&image.profiles()[row]),
    )
}

fn admits(wanted: &Wanted, (session, profile): (&Session, &crate::session::Profile)) -> bool {
    let service = || session.listener().service.name.as_ref();
    wanted
        .services
        .as_ref()
        .is_none_or(|s| s.contains(service()))
        && wanted.users.as_ref().is_none_or(|users| {
            let user = profile.user.as_deref();
            user.is_some_and(|user| users.contains(user))
        })
}

fn matching(image: &ChunkImage, wanted: &Wanted) -> Vec<Row> {
    let rows = image.sessions().iter().zip(image.profiles());
    rows.filter(|(session, profile)| admits(wanted, (session, profile)))
        .map(|(session, profile)| (Arc::clone(session), Arc::clone(profile)))
        .collect()
}

/// Sorts places, not rows: rows are made from them one batch at a time.
fn in_order(images: &[Arc<ChunkImage>], wanted: &Wanted, order: Order) -> Vec<Place> {
    let mut places = Vec::new();
    for (index, image) in images.iter().enumerate() {
        let rows = image.sessions().iter().zip(image.profiles()).enumerate();
        places.extend(
            rows.filter(|(_, (session, profile))| admits(wanted, (session, profile)))
                .map(|(row, (session, _))| Place {
                    id: session.id(),
                    image: index,
                    row,
                }),
        );
    }
    places.sort_unstable_by_key(|place| place.id);
    if order == Order::Descending {
        places.reverse();
    }
    places
}

/// The arrays of a chunk's unchanging columns, each built when first asked for.
struct KeptArrays([OnceLock<ArrayRef>; COLUMNS.len()]);

struct Reader {
    statement: Arc<Statement>,
    moment: Moment,
    columns: Vec<usize>,
    schema: SchemaRef,
}

impl Reader {
    fn look_up(&self, wanted: &Wanted, order: Option<Order>) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        for id in wanted.ids.iter().flatten() {
            self.statement.check()?;
            let found = self.statement.lookup(*id);
            rows.extend(found.filter(|(session, profile)| admits(wanted, (session, profile))));
        }
        if order == Some(Order::Descending) {
            rows.reverse();
        }
        Ok(rows)
    }

    /// So many rows without columns: nothing has to be read for a count.
    fn counted(self, rows: usize) -> Batches {
        Box::new(std::iter::once(self.batch(Vec::new(), rows)))
    }

    fn whole(self, images: Vec<Arc<ChunkImage>>, limit: usize) -> Batches {
        let mut left = limit;
        Box::new(images.into_iter().map_while(move |image| {
            let rows = image.sessions().len().min(left);
            left -= rows;
            let batch = || self.statement.check().map_err(Into::into);
            (rows > 0).then(|| {
                batch()
                    .and_then(|()| self.whole_batch(&image))
                    .map(|batch| batch.slice(0, rows))
            })
        }))
    }

    fn whole_batch(&self, image: &ChunkImage) -> Result<RecordBatch> {
        let live = self.gather(|values| image.for_each_live(|live| values.push(live)));
        let kept = image.derived(|| KeptArrays([const { OnceLock::new() }; COLUMNS.len()]));
        let array = |column: &usize| match &COLUMNS[*column].origin {
            Origin::Kept(cell) => {
                let build = || {
                    let profiles = image.profiles().iter().map(AsRef::as_ref);
                    let sessions = image.sessions().iter().map(AsRef::as_ref);
                    cell.build(sessions.zip(profiles))
                };
                match kept {
                    Some(KeptArrays(arrays)) => Arc::clone(arrays[*column].get_or_init(build)),
                    None => build(),
                }
            }
            Origin::Live(cell) => cell.build(live.iter().map(|values| (values, &self.moment))),
            Origin::Aging(cell) => {
                let sessions = image.sessions().iter().map(AsRef::as_ref);
                cell.build(sessions.map(|session| (session, &self.moment)))
            }
        };
        self.batch(
            self.columns.iter().map(array).collect(),
            image.sessions().len(),
        )
    }

    fn picked(self, rows: impl Iterator<Item = Row> + Send + 'static) -> Batches {
        let mut rows = rows;
        Box::new(std::iter::from_fn(move || {
            let picked: Vec<Row> = rows.by_ref().take(PICKED_ROWS).collect();
            (!picked.is_empty()).then(|| {
                self.statement.check()?;
                self.picked_batch(&picked)
            })
        }))
    }

    fn picked_batch(&self, rows: &[Row]) -> Result<RecordBatch> {
        let live = self.gather(|values| values.extend(rows.iter().map(|(s, _)| s.live())));
        let array = |column: &usize| match &COLUMNS[*column].origin {
            Origin::Kept(cell) => cell.build(rows.iter().map(|(s, p)| (s.as_ref(), p.as_ref()))),
            Origin::Live(cell) => cell.build(live.iter().map(|values| (values, &self.moment))),
            Origin::Aging(cell) => cell.build(rows.iter().map(|(s, _)| (s.as_ref(), &self.moment))),
        };
        self.batch(self.columns.iter().map(array).collect(), rows.len())
    }

    /// The changing values of all rows, read once so that a row's columns agree; nothing when no column asks.
    fn gather(&self, read: impl FnOnce(&mut Vec<LiveValues>)) -> Vec<LiveValues> {
        let mut values = Vec::new();
        let is_live = |column: &usize| matches!(COLUMNS[*column].origin, Origin::Live(_));
        if self.columns.iter().any(is_live) {
            read(&mut values);
        }
        values
    }

    fn batch(&self, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let schema = Arc::clone(&self.schema);
        Ok(RecordBatch::try_new_with_options(
            schema, columns, &options,
        )?)
    }
}
