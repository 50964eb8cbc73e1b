//! How live sessions are read as columns.
//!
//! Without restrictions, whole chunks are handed out: the arrays of what does not change are kept with the chunk's
//! image and go out by reference, what traffic changes is gathered. With keys or an order, rows are picked first and
//! their columns built for just these.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BooleanArray, BooleanBufferBuilder, Float64Array, RecordBatch,
    RecordBatchOptions,
};
use arrow::datatypes::{Int64Type, Schema, SchemaRef};
use arrow::error::ArrowError;
use datafusion::common::Result;
use datafusion::logical_expr::Expr;

use super::sessions::{COLUMNS, ID, ID_CELL, Moment, Origin, Sessions};
use super::sessions_kept::ImageColumns;
use super::sessions_live::{LiveRows, LiveSource};
use super::sessions_ordered::{Ordered, Stretch};
use super::sessions_statements;
use crate::catalog::column::Cell;
use crate::catalog::keys::{Keys, Wanted};
use crate::catalog::statement::{Row, Statement, own};
use crate::catalog::table::{Batches, Order, Request, Source};
use crate::session::{ChunkImage, Line, LogLevel, Profile, Session, SessionId};
use arrow::buffer::BooleanBuffer;

/// Most names whose sessions are counted without a look at them.
const NAMES_MAX: usize = 16;

/// Rows in a batch that does not come from one chunk.
const BATCH_ROWS: usize = 8192;

impl Source for Sessions {
    fn name(&self) -> &'static str {
        "sessions"
    }

    fn comment(&self) -> &'static str {
        "Who is connected"
    }

    fn schema(&self) -> Schema {
        Sessions::columns()
    }

    fn document_schema(&self) -> Schema {
        Sessions::document_columns()
    }

    fn primary_key(&self) -> &'static [usize] {
        &[ID]
    }

    fn foreign_keys(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[
            ("service", "services", "name"),
            ("listener", "listeners", "name"),
        ]
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

    fn counts_at_once(&self, keys: &Keys) -> bool {
        keys.is_all() || keys.names_max().is_some_and(|names| names <= NAMES_MAX)
    }

    fn count(&self, statement: &Arc<Statement>, keys: &Keys) -> Result<Option<usize>> {
        Ok(known(statement, &keys.resolve(statement)?))
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
        let limit = request.limit.unwrap_or(usize::MAX);
        let reader = Reader {
            statement: Arc::clone(statement),
            moment: Moment::new(statement.clock().monotonic_ms, statement.registry()),
            columns: request.projection.clone(),
            schema,
        };
        if wanted.ids.is_some() {
            let rows = reader.look_up(&wanted, request.order)?.into_iter();
            return match wanted.idle {
                None => Ok(reader.picked(rows.take(limit))),
                Some(idle) => reader.chosen_of(rows, idle, limit),
            };
        }
        if request.projection.is_empty()
            && let Some(rows) = known(statement, &wanted)
        {
            let rows = if part == 0 { rows } else { 0 };
            return Ok(reader.counted(rows.min(limit)));
        }
        if let Some(names) = wanted.names()
            && let Some(order) = request.order
            && let Some((page, named)) = statement.named(&names)
            && limit <= page.rows
            && page.descending == (order == Order::Descending)
        {
            let rows: Vec<Row> = named.rows.iter().take(limit).cloned().collect();
            return Ok(reader.picked(rows.into_iter()));
        }
        if statement.is_sole_scan()
            && let Some(names) = wanted.names()
            && let Some(order) = request.order
            && limit <= BATCH_ROWS
        {
            return Ok(reader.picked(names.first(statement, limit, order).into_iter()));
        }
        let membership = statement.membership();
        let images = membership.images();
        let share = images.len() * part / parts..images.len() * (part + 1) / parts;
        let images = images[share].to_vec();
        if let Some(idle) = wanted.idle {
            return Ok(reader.chosen(images, wanted, idle, limit));
        }
        Ok(match request.order {
            Some(order) if request.keys.is_all() => {
                reader.ordered(Ordered::all(images, order, limit)?)
            }
            Some(order) => {
                let admits =
                    |session: &Session, profile: &Profile| admits(&wanted, session, profile);
                reader.ordered(Ordered::some(images, admits, order, limit))
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

/// How many sessions are wanted, where nobody has to be looked at to know.
fn known(statement: &Statement, wanted: &Wanted) -> Option<usize> {
    match wanted.names() {
        Some(names) => match statement.named(&names) {
            Some((_, named)) => Some(named.count),
            None => statement.is_sole_scan().then(|| names.count(statement)),
        },
        None if !wanted.is_all() => None,
        None if statement.is_sole_scan() => Some(statement.registry().len()),
        None => Some(statement.membership().len()),
    }
}

pub(super) fn admits(wanted: &Wanted, session: &Session, profile: &Profile) -> bool {
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
    let rows = image.rows();
    rows.filter(|row| admits(wanted, row.session, row.profile))
        .map(own)
        .collect()
}

/// What a scan is read with.
pub(super) struct Reader {
    pub statement: Arc<Statement>,
    pub moment: Moment,
    /// Positions of the wanted columns.
    pub columns: Vec<usize>,
    schema: SchemaRef,
}

impl Reader {
    fn look_up(&self, wanted: &Wanted, order: Option<Order>) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        for id in wanted.ids.iter().flatten() {
            self.statement.check()?;
            let found = self.statement.lookup(*id);
            rows.extend(found.filter(|(session, profile)| admits(wanted, session, profile)));
        }
        if order == Some(Order::Descending) {
            rows.reverse();
        }
        Ok(rows)
    }

    /// So many rows without columns. In batches, because the engine fills whatever it adds to them with values.
    fn counted(self, rows: usize) -> Batches {
        let starts = (0..rows).step_by(BATCH_ROWS);
        Box::new(starts.map(move |start| self.batch(Vec::new(), BATCH_ROWS.min(rows - start))))
    }

    fn whole(self, images: Vec<Arc<ChunkImage>>, limit: usize) -> Batches {
        let mut left = limit;
        Box::new(images.into_iter().map_while(move |image| {
            let rows = image.len().min(left);
            left -= rows;
            (rows > 0).then(|| {
                self.statement.check()?;
                let batch = self.whole_batch(&image)?;
                Ok(match rows == image.len() {
                    true => batch,
                    false => batch.slice(0, rows),
                })
            })
        }))
    }

    fn whole_batch(&self, image: &ChunkImage) -> Result<RecordBatch> {
        let copies;
        let source = match self.live_columns() {
            0 | 1 => LiveSource::Lines(image),
            _ => {
                copies = image.gather(Line::copied);
                LiveSource::Copies(&copies)
            }
        };
        let mut kept = ImageColumns::new(image);
        self.assemble(source, image.len(), |column, cell| kept.array(column, cell))
    }

    fn ordered(self, mut rows: Ordered) -> Batches {
        Box::new(std::iter::from_fn(move || {
            let stretch = rows.next()?;
            Some(match self.statement.check() {
                Ok(()) => self.ordered_batch(stretch),
                Err(stopped) => Err(stopped.into()),
            })
        }))
    }

    fn ordered_batch(&self, mut stretch: Stretch<'_>) -> Result<RecordBatch> {
        let copies = match self.live_columns() {
            0 => Vec::new(),
            _ => stretch.lines(),
        };
        self.assemble(
            LiveSource::Copies(&copies),
            stretch.len(),
            |column, cell| stretch.kept(column, cell),
        )
    }

    fn picked(self, rows: impl Iterator<Item = Row> + Send + 'static) -> Batches {
        let mut rows = rows;
        Box::new(std::iter::from_fn(move || {
            let picked: Vec<Row> = rows.by_ref().take(BATCH_ROWS).collect();
            (!picked.is_empty()).then(|| {
                self.statement.check()?;
                self.picked_batch(&picked)
            })
        }))
    }

    fn picked_batch(&self, rows: &[Row]) -> Result<RecordBatch> {
        let copies: Vec<Line> = match self.live_columns() {
            0 => Vec::new(),
            _ => rows.iter().map(|(s, _)| s.live().into()).collect(),
        };
        self.batch_of(rows, &copies)
    }

    /// The columns of these rows, what changes as it is on copies of their lines.
    pub fn batch_of(&self, rows: &[Row], copies: &[Line]) -> Result<RecordBatch> {
        let rows = rows.iter().map(|(s, p)| (s.as_ref(), p.as_ref()));
        let copies = LiveSource::Copies(copies);
        self.assemble(copies, rows.len(), |_, cell| Ok(cell.build(rows.clone())))
    }

    /// The wanted columns of so many rows: `kept` gives those that stay, by number and cell, `live` is read for the
    /// others.
    pub fn assemble(
        &self,
        live: LiveSource<'_>,
        rows: usize,
        mut kept: impl FnMut(usize, &Cell<Session, Profile>) -> Result<ArrayRef, ArrowError>,
    ) -> Result<RecordBatch> {
        let live = LiveRows {
            source: live,
            moment: &self.moment,
        };
        let array = |column: &usize| match &COLUMNS[*column].origin {
            Origin::Kept(cell) => kept(*column, cell),
            Origin::Live(cell) => cell.gather(&live),
            Origin::Aging(cell, value) => Ok(self.aged(&kept(*column, cell)?, *value)),
            Origin::Logged(_) if !self.statement.registry().logs().any() => {
                let none = BooleanBuffer::new_unset(rows);
                Ok(Arc::new(BooleanArray::new(none, None)) as ArrayRef)
            }
            Origin::Logged(level) => Ok(self.logged(&kept(ID, &ID_CELL)?, *level)),
            Origin::Statements => {
                let ids = kept(ID, &ID_CELL)?;
                Ok(sessions_statements::of_sessions(&ids, &self.statement))
            }
        };
        let columns = self.columns.iter().map(array).collect::<Result<_, _>>()?;
        self.batch(columns, rows)
    }

    /// How many of the columns change with traffic: when there are several, each row is read once, so that they agree.
    fn live_columns(&self) -> usize {
        let is_live = |column: &&usize| matches!(COLUMNS[**column].origin, Origin::Live(_));
        self.columns.iter().filter(is_live).count()
    }

    fn logged(&self, ids: &ArrayRef, level: LogLevel) -> ArrayRef {
        let mut flags = BooleanBufferBuilder::new(ids.len());
        flags.append_n(ids.len(), false);
        // Every session has an id.
        let ids = ids.as_primitive::<Int64Type>().values().iter();
        let ids = ids.filter_map(|id| SessionId::new(*id));
        for place in self.statement.registry().logs().places(ids, level) {
            flags.set_bit(place, true);
        }
        Arc::new(BooleanArray::new(flags.finish(), None))
    }

    fn aged(&self, kept: &ArrayRef, value: fn(i64, &Moment) -> f64) -> ArrayRef {
        let kept = kept.as_primitive::<Int64Type>().values().iter();
        let values = kept.map(|kept| value(*kept, &self.moment));
        Arc::new(Float64Array::from_iter_values(values))
    }

    pub fn batch(&self, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let schema = Arc::clone(&self.schema);
        Ok(RecordBatch::try_new_with_options(
            schema, columns, &options,
        )?)
    }
}
