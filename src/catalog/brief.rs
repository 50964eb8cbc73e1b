//! Statements that are answered where they are asked: a row of constants, a few sessions by their ids, or how many
//! sessions there are.
//!
//! Such an answer takes a few microseconds, less than it takes to hand a statement to a query thread and its rows back.
//! The shape of the plan is the proof of it: nothing but sessions found by a bounded number of ids, or a number that is
//! known, a choice of their columns, and literals. There is no operator that could wait, and no function that could take
//! its time.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use datafusion::common::{Result, ScalarValue};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{Column, Literal};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::placeholder_row::PlaceholderRowExec;
use datafusion::physical_plan::projection::ProjectionExec;

use super::count::Count;
use super::statement::Statement;
use super::table::{Batches, Scan};

/// Most ids that are looked up.
const IDS_MAX: usize = 16;
/// Most columns of an answer.
const COLUMNS_MAX: usize = 64;

/// One column of an answer.
#[derive(Clone, Debug)]
enum Output {
    /// A column of the rows.
    Column(usize),
    Literal(ScalarValue),
}

/// Where the rows come from.
#[derive(Clone, Debug)]
enum Rows {
    /// There is one, without columns.
    One,
    Found(Scan),
    Counted(Count),
}

/// A statement that is answered at once, any number of times.
#[derive(Clone, Debug)]
pub(super) struct Brief {
    rows: Rows,
    outputs: Vec<Output>,
    schema: SchemaRef,
}

impl Brief {
    /// What the plan does, if it is certain to be brief.
    pub fn of(plan: &Arc<dyn ExecutionPlan>) -> Option<Self> {
        let partitions = plan.properties().partitioning.partition_count();
        if plan.schema().fields().len() > COLUMNS_MAX || partitions != 1 {
            return None;
        }
        if let Some(scan) = plan.downcast_ref::<Scan>() {
            let is_brief = scan.ids_max().is_some_and(|ids| ids <= IDS_MAX);
            return is_brief.then(|| Self::all_of(plan, Rows::Found(scan.clone())));
        }
        if let Some(count) = plan.downcast_ref::<Count>() {
            let is_brief = count.is_at_once();
            return is_brief.then(|| Self::all_of(plan, Rows::Counted(count.clone())));
        }
        if plan.is::<PlaceholderRowExec>() {
            let is_empty = plan.schema().fields().is_empty();
            return is_empty.then(|| Self::all_of(plan, Rows::One));
        }
        if plan.is::<CooperativeExec>() {
            return Self::of(plan.children().first()?);
        }
        let projection = plan.downcast_ref::<ProjectionExec>()?;
        let input = Self::of(projection.input())?;
        let output = |expr: &Arc<dyn PhysicalExpr>| {
            if let Some(column) = expr.downcast_ref::<Column>() {
                return input.outputs.get(column.index()).cloned();
            }
            let literal = expr.downcast_ref::<Literal>()?;
            Some(Output::Literal(literal.value().clone()))
        };
        let outputs = projection.expr().iter().map(|named| output(&named.expr));
        Some(Self {
            outputs: outputs.collect::<Option<_>>()?,
            rows: input.rows,
            schema: plan.schema(),
        })
    }

    fn all_of(plan: &Arc<dyn ExecutionPlan>, rows: Rows) -> Self {
        let columns = 0..plan.schema().fields().len();
        Self {
            rows,
            outputs: columns.map(Output::Column).collect(),
            schema: plan.schema(),
        }
    }

    /// The rows, read when they are asked for.
    pub fn run(self: Arc<Self>, statement: Arc<Statement>) -> Batches {
        let found: Batches = match self.rows.clone() {
            Rows::One => return Box::new(std::iter::once_with(move || self.answer(&[], 1))),
            Rows::Counted(count) => {
                Box::new(std::iter::once_with(move || count.answer(&statement)))
            }
            Rows::Found(scan) => {
                let read = move || scan.read(&statement, 0);
                let failed = |error| Box::new(std::iter::once(Err(error))) as Batches;
                Box::new(
                    std::iter::once_with(read).flat_map(move |rows| rows.unwrap_or_else(failed)),
                )
            }
        };
        Box::new(found.map(move |batch| {
            let batch = batch?;
            self.answer(batch.columns(), batch.num_rows())
        }))
    }

    fn answer(&self, columns: &[ArrayRef], rows: usize) -> Result<RecordBatch> {
        let output = |output: &Output| match output {
            Output::Column(index) => Ok(Arc::clone(&columns[*index])),
            Output::Literal(value) => value.to_array_of_size(rows),
        };
        let outputs = self.outputs.iter().map(output).collect::<Result<_>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let schema = Arc::clone(&self.schema);
        Ok(RecordBatch::try_new_with_options(
            schema, outputs, &options,
        )?)
    }
}
