//! Long lists that the table does not deliver in the wanted order: by other members than the id, or with host names,
//! which the engine would wait for before it hands out the first row.
//!
//! Sorting documents' columns would take memory for all of them, whatever is sent. So the ids are sorted first, with
//! nothing but what they are sorted by, and the rows are then looked up by their ids, some at a time, at the same moment.
//! What is kept of the list meanwhile are eight bytes a session.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{AsArray, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::Int64Type;
use arrow::error::ArrowError;
use datafusion::common::Column;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Projection, SortExpr, lit};

use super::listing::{key, page_of};
use super::operators::Page;
use super::paths::Place;
use super::refusal::Refusal;
use super::stream::next_batch;
use crate::catalog::{Catalog, Prepared, Snapshot};

/// Rows that are looked up at a time.
const PIECE_ROWS: usize = 2048;

/// What a list is made of.
pub struct Parts<'a> {
    /// What makes documents of rows.
    pub projection: &'a Projection,
    /// The rows that pass the filters.
    pub filtered: LogicalPlan,
    /// The columns, the id among them.
    pub columns: Vec<Expr>,
    /// What it is ordered by before the id, and whether largest first.
    pub sort: &'a [(Place, bool)],
    /// The page of it that is wanted.
    pub page: Option<Page>,
}

/// A planned list.
pub struct Sorted {
    /// The ids, in order.
    pub keys: Prepared,
    input: Arc<LogicalPlan>,
    columns: Vec<Expr>,
    key: Expr,
    key_at: usize,
}

impl Sorted {
    /// Plans it like a statement of the resource.
    ///
    /// # Errors
    /// That of the planner, which is a defect.
    pub fn plan(prepared: &Prepared, parts: Parts<'_>) -> Result<Self, Refusal> {
        let Parts {
            projection,
            filtered,
            columns,
            sort,
            page,
        } = parts;
        let key = key(projection)?;
        let key_at = columns.iter().position(|column| *column == key);
        let key_at = key_at.ok_or_else(|| Refusal::defect("a sorted list without ids"))?;
        let mut keys = vec![key.clone()];
        let mut order: Vec<SortExpr> = Vec::new();
        for (at, (place, descending)) in sort.iter().enumerate() {
            let name = format!("order {at}");
            order.push(Expr::Column(Column::from_name(&name)).sort(!descending, false));
            keys.push(place.expr.clone().alias(name));
        }
        order.push(key.clone().sort(true, false));
        Ok(Self {
            keys: prepared.with_plan(page_of(filtered, keys, order, page)?),
            input: Arc::clone(&projection.input),
            columns,
            key,
            key_at,
        })
    }

    /// The statement of the rows with these ids, in any order.
    fn of_ids(&self, ids: &[i64]) -> Result<Prepared, DataFusionError> {
        let ids = ids.iter().map(|id| lit(*id)).collect();
        let plan = LogicalPlanBuilder::from(Arc::clone(&self.input))
            .filter(self.key.clone().in_list(ids, false))?
            .project(self.columns.clone())?
            .build()?;
        Ok(self.keys.with_plan(plan))
    }
}

/// The rows of such a list.
pub struct SortedRows {
    catalog: Arc<Catalog>,
    snapshot: Snapshot,
    sorted: Arc<Sorted>,
    ids: std::vec::IntoIter<i64>,
}

impl SortedRows {
    /// Sorts the ids, for which the query may take `wait_max` from batch to batch.
    ///
    /// # Errors
    /// Those of the query.
    pub async fn begin(
        catalog: &Arc<Catalog>,
        snapshot: Snapshot,
        sorted: Arc<Sorted>,
        wait_max: Duration,
    ) -> Result<Self, DataFusionError> {
        let mut rows = catalog.run_at(&snapshot, &sorted.keys);
        let mut ids = Vec::new();
        while let Some(batch) = next_batch(&mut rows, wait_max).await? {
            ids.extend_from_slice(batch.column(0).as_primitive::<Int64Type>().values());
        }
        Ok(Self {
            catalog: Arc::clone(catalog),
            snapshot,
            sorted,
            ids: ids.into_iter(),
        })
    }

    /// The next rows, in order; none of those whose sessions have ended.
    ///
    /// # Errors
    /// Those of the query.
    pub async fn next(
        &mut self,
        wait_max: Duration,
    ) -> Result<Option<RecordBatch>, DataFusionError> {
        loop {
            let ids: Vec<i64> = self.ids.by_ref().take(PIECE_ROWS).collect();
            if ids.is_empty() {
                return Ok(None);
            }
            let statement = self.sorted.of_ids(&ids)?;
            let mut rows = self.catalog.run_at(&self.snapshot, &statement);
            let mut batches = Vec::new();
            while let Some(batch) = next_batch(&mut rows, wait_max).await? {
                batches.push(batch);
            }
            if !batches.is_empty() {
                return Ok(Some(in_order(&batches, self.sorted.key_at, &ids)?));
            }
        }
    }
}

/// The batches' rows in the order of these ids, which stand in one of their columns.
fn in_order(
    batches: &[RecordBatch],
    key_at: usize,
    ids: &[i64],
) -> Result<RecordBatch, ArrowError> {
    let [first, ..] = batches else {
        return Err(ArrowError::InvalidArgumentError("no rows".to_owned()));
    };
    let whole = concat_batches(first.schema_ref(), batches)?;
    let found = whole.column(key_at).as_primitive::<Int64Type>();
    let places: HashMap<i64, u32> = found.values().iter().copied().zip(0..).collect();
    let places = ids.iter().filter_map(|id| places.get(id).copied());
    take_record_batch(&whole, &UInt32Array::from_iter_values(places))
}
