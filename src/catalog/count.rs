//! `count(*)` over a scan: the rows are counted where they are, not handed out to be counted.
//!
//! The engine makes an array of ones as long as each batch and adds these up, so that counting costs something for
//! each row even where the number is known. A plan that is used once gets the number from the statistics; one that is
//! kept must not, since the number would stay in it: it gets an operator that counts when it runs.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, FieldRef, SchemaRef};
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::execution::TaskContext;
use datafusion::physical_expr::expressions::Literal;
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::udaf::AggregateFunctionExpr;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
};

use super::statement::Statement;
use super::table::Scan;

/// Puts a [`Count`] where the number of a scan's rows is asked for and nothing else.
#[derive(Debug)]
pub(super) struct CountScans;

impl PhysicalOptimizerRule for CountScans {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|plan| {
            Ok(match Count::of(&plan) {
                Some(count) => Transformed::yes(Arc::new(count) as Arc<dyn ExecutionPlan>),
                None => Transformed::no(plan),
            })
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "count_scans"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// One row: how many rows a scan has, in each column.
#[derive(Clone, Debug)]
pub(super) struct Count {
    scan: Scan,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl Count {
    /// What the operator does, if it counts the rows of a scan.
    fn of(plan: &Arc<dyn ExecutionPlan>) -> Option<Self> {
        let whole = plan.downcast_ref::<AggregateExec>()?;
        if !counts_rows(whole) {
            return None;
        }
        let mut input = whole.input();
        match whole.mode() {
            AggregateMode::Single | AggregateMode::SinglePartitioned => {}
            AggregateMode::Final | AggregateMode::FinalPartitioned => {
                input = below_exchange(input);
                let part = input.downcast_ref::<AggregateExec>()?;
                if *part.mode() != AggregateMode::Partial || !counts_rows(part) {
                    return None;
                }
                input = part.input();
            }
            _ => return None,
        }
        let scan = below_exchange(input).downcast_ref::<Scan>()?;
        if !scan.schema().fields().is_empty() || scan.fetch().is_some() {
            return None;
        }
        let schema = whole.schema();
        let is_number = |field: &FieldRef| *field.data_type() == DataType::Int64;
        if !schema.fields().iter().all(is_number) {
            return None;
        }
        Some(Self {
            scan: scan.clone(),
            properties: Arc::new(PlanProperties::new(
                EquivalenceProperties::new(Arc::clone(&schema)),
                Partitioning::UnknownPartitioning(1),
                EmissionType::Final,
                Boundedness::Bounded,
            )),
            schema,
        })
    }

    /// Whether the number is known without a look at the rows.
    pub fn is_at_once(&self) -> bool {
        self.scan.is_counted_at_once()
    }

    /// Counts within a statement.
    pub fn answer(&self, statement: &Arc<Statement>) -> Result<RecordBatch> {
        let rows = self.scan.count(statement)?;
        let rows = i64::try_from(rows).unwrap_or(i64::MAX);
        let column = Arc::new(Int64Array::from(vec![rows])) as ArrayRef;
        let columns = vec![column; self.schema.fields().len()];
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}

/// Whether all that is asked for is how many rows there are.
fn counts_rows(aggregate: &AggregateExec) -> bool {
    aggregate.group_expr().is_true_no_grouping()
        && aggregate.filter_expr().iter().all(Option::is_none)
        && !aggregate.aggr_expr().is_empty()
        && aggregate
            .aggr_expr()
            .iter()
            .all(|function| is_count_of_rows(function))
}

fn is_count_of_rows(function: &AggregateFunctionExpr) -> bool {
    let is_value = |argument: &Arc<dyn PhysicalExpr>| {
        let literal = argument.downcast_ref::<Literal>();
        literal.is_some_and(|literal| !literal.value().is_null())
    };
    function.fun().name() == "count"
        && !function.is_distinct()
        && function.expressions().iter().all(is_value)
}

/// What is below operators that hand on each row.
fn below_exchange(plan: &Arc<dyn ExecutionPlan>) -> &Arc<dyn ExecutionPlan> {
    if let Some(merge) = plan.downcast_ref::<CoalescePartitionsExec>()
        && merge.fetch().is_none()
    {
        return below_exchange(merge.input());
    }
    if let Some(exchange) = plan.downcast_ref::<RepartitionExec>() {
        return below_exchange(exchange.input());
    }
    match plan.downcast_ref::<CooperativeExec>() {
        Some(cooperative) => below_exchange(cooperative.input()),
        None => plan,
    }
}

impl DisplayAs for Count {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Count: ")?;
        self.scan.fmt_as(format, f)
    }
}

impl ExecutionPlan for Count {
    fn name(&self) -> &'static str {
        "Count"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn with_new_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn execute(&self, _: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let statement = self.scan.statement_of(&context);
        let count = self.clone();
        let answer = futures::stream::once(async move { count.answer(&statement) });
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            answer,
        )))
    }
}
