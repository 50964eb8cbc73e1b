//! Statements that are answered where they are asked: a row of constants, or a few sessions by their ids.
//!
//! Such an answer takes a few microseconds, less than it takes to hand a statement to a query thread and its rows back.
//! The shape of the plan is the proof of it: nothing but sessions found by a bounded number of ids, a choice of their
//! columns, and literals. There is no operator that could wait, and no function that could take its time.

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

use super::statement::Statement;
use super::table::{Batches, Scan};

/// Most ids that are looked up.
const IDS_MAX: usize = 16;
/// Most columns of an answer.
const COLUMNS_MAX: usize = 64;

/// One column of an answer.
#[derive(Clone, Debug)]
enum Output {
    /// A column of the scan.
    Column(usize),
    Literal(ScalarValue),
}

/// A statement that is answered at once, any number of times.
#[derive(Clone, Debug)]
pub(super) struct Brief {
    /// Where the rows come from; `None` for one row of constants.
    scan: Option<Scan>,
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
            let ids = scan.ids_max()?;
            let columns = 0..plan.schema().fields().len();
            return (ids <= IDS_MAX).then(|| Self {
                scan: Some(scan.clone()),
                outputs: columns.map(Output::Column).collect(),
                schema: plan.schema(),
            });
        }
        if plan.is::<PlaceholderRowExec>() {
            return plan.schema().fields().is_empty().then(|| Self {
                scan: None,
                outputs: Vec::new(),
                schema: plan.schema(),
            });
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
            scan: input.scan,
            schema: plan.schema(),
        })
    }

    /// The rows, read when they are asked for.
    pub fn run(self: Arc<Self>, statement: Arc<Statement>) -> Batches {
        let found: Batches = match &self.scan {
            None => return Box::new(std::iter::once_with(move || self.answer(&[], 1))),
            Some(scan) => {
                let scan = scan.clone();
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
