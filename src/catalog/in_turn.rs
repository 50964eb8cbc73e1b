//! UNION ALL in the order of its branches, `generate_series` in that of its numbers, and WITH RECURSIVE in that of its steps.
//!
//! SQL leaves the order open, but PostgreSQL's users know the rows to come branch by branch. The engine runs branches side
//! by side and hands out whatever is ready. Where nothing but the result or a list is made of the rows, they are run in
//! turn; below other aggregates, joins and sorts, where nobody can tell, side by side as before.

use std::fmt;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::execution::TaskContext;
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::execution_plan::{
    Boundedness, EmissionType, replace_children_if_necessary,
};
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
};
use futures::{StreamExt, TryStreamExt};

/// Operators that hand their rows on in the order in which they get them.
const ORDERLY: [&str; 8] = [
    "async_func",
    "BufferExec",
    "CoalescePartitionsExec",
    "CooperativeExec",
    "FilterExec",
    "GlobalLimitExec",
    "LocalLimitExec",
    "ProjectionExec",
];

/// The engine's operators for the rows of `generate_series` and of WITH RECURSIVE.
const SOURCES: [&str; 2] = ["LazyMemoryExec", "RecursiveQueryExec"];

/// Aggregates whose results show the order of the rows.
const LISTS: [&str; 4] = ["array_agg", "first_value", "last_value", "string_agg"];

/// The name of the operator.
pub(super) const IN_TURN: &str = "InTurn";

/// Has the branches of a UNION ALL run in turn where the result shows their order.
#[derive(Debug)]
pub(super) struct UnionsInTurn;

impl PhysicalOptimizerRule for UnionsInTurn {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let plan = ordered(&plan)?.unwrap_or(plan);
        plan.transform_up(|plan| {
            let input = match plan.downcast_ref::<AggregateExec>() {
                Some(aggregate) if makes_list(aggregate) => ordered(aggregate.input())?,
                _ => None,
            };
            Ok(match input {
                Some(input) => Transformed::yes(replace_children_if_necessary(plan, vec![input])?),
                None => Transformed::no(plan),
            })
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "unions_in_turn"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Whether an aggregate makes lists of rows that are not sorted for it.
fn makes_list(aggregate: &AggregateExec) -> bool {
    let mut functions = aggregate.aggr_expr().iter();
    functions
        .any(|function| LISTS.contains(&function.fun().name()) && function.order_bys().is_empty())
}

/// The plan with its rows in turn; `None` where they have no order that is known.
fn ordered(plan: &Arc<dyn ExecutionPlan>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    if let Some(union) = plan.downcast_ref::<UnionExec>() {
        let branches = union
            .inputs()
            .iter()
            .map(|input| Ok(ordered(input)?.unwrap_or_else(|| Arc::clone(input))));
        let branches = branches.collect::<Result<Vec<_>>>()?;
        return Ok(Some(Arc::new(InTurn::new(branches, union.schema()))));
    }
    if SOURCES.contains(&plan.name())
        && plan.properties().output_partitioning().partition_count() == 1
    {
        return Ok(Some(Arc::clone(plan)));
    }
    // Whoever spreads rows over threads loses their order.
    if let Some(exchange) = plan.downcast_ref::<RepartitionExec>()
        && matches!(exchange.partitioning(), Partitioning::RoundRobinBatch(_))
    {
        return ordered(exchange.input());
    }
    if !ORDERLY.contains(&plan.name()) {
        return Ok(None);
    }
    let [input] = plan.children()[..] else {
        return Ok(None);
    };
    match ordered(input)? {
        Some(input) => Ok(Some(replace_children_if_necessary(
            Arc::clone(plan),
            vec![input],
        )?)),
        None => Ok(None),
    }
}

/// The rows of one input after those of another.
#[derive(Debug)]
struct InTurn {
    inputs: Vec<Arc<dyn ExecutionPlan>>,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl InTurn {
    fn new(inputs: Vec<Arc<dyn ExecutionPlan>>, schema: SchemaRef) -> Self {
        let whole = |input: Arc<dyn ExecutionPlan>| -> Arc<dyn ExecutionPlan> {
            match input.properties().output_partitioning().partition_count() {
                1 => input,
                _ => Arc::new(CoalescePartitionsExec::new(input)),
            }
        };
        Self {
            inputs: inputs.into_iter().map(whole).collect(),
            properties: Arc::new(PlanProperties::new(
                EquivalenceProperties::new(Arc::clone(&schema)),
                Partitioning::UnknownPartitioning(1),
                EmissionType::Incremental,
                Boundedness::Bounded,
            )),
            schema,
        }
    }
}

impl DisplayAs for InTurn {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(IN_TURN)
    }
}

impl ExecutionPlan for InTurn {
    fn name(&self) -> &'static str {
        IN_TURN
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.inputs.iter().collect()
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self::new(children, Arc::clone(&self.schema))))
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn execute(&self, _: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let named = {
            let schema = Arc::clone(&self.schema);
            move |batch: RecordBatch| {
                let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
                let columns = batch.columns().to_vec();
                Ok(RecordBatch::try_new_with_options(
                    Arc::clone(&schema),
                    columns,
                    &options,
                )?)
            }
        };
        // An input begins when the one before it has ended.
        let rows = futures::stream::iter(self.inputs.clone())
            .map(move |input| input.execute(0, Arc::clone(&context)))
            .try_flatten()
            .map(move |batch| batch.and_then(&named));
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            rows,
        )))
    }
}
