//! LATERAL: a table of FROM that is run for each row of those before it.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions, UInt32Array, new_null_array};
use arrow::compute::take;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Column, DFSchemaRef, JoinType, Result, ScalarValue};
use datafusion::execution::TaskContext;
use datafusion::execution::context::QueryPlanner;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{
    Expr, Extension, Join, LogicalPlan, LogicalPlanBuilder, UserDefinedLogicalNode,
    UserDefinedLogicalNodeCore,
};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, Distribution, ExecutionPlan, PlanProperties,
    SendableRecordBatchStream, execute_stream,
};
use datafusion::physical_planner::{DefaultPhysicalPlanner, ExtensionPlanner, PhysicalPlanner};
use futures::{StreamExt, TryStreamExt};

use super::bind::{bind, free, outer};
use super::{Surroundings, physical_plan};
use crate::catalog::statement::Statement;
use crate::catalog::stop::stoppable;

/// Whether the right side reads the left.
pub(super) fn is_lateral(join: &Join) -> bool {
    matches!(join.join_type, JoinType::Inner | JoinType::Left) && unwrapped(&join.right).is_some()
}

/// The right side as a query of its own, its name with it.
fn unwrapped(right: &LogicalPlan) -> Option<LogicalPlan> {
    match right {
        LogicalPlan::Subquery(subquery) => Some(subquery.subquery.as_ref().clone()),
        LogicalPlan::SubqueryAlias(alias) => {
            let input = unwrapped(&alias.input)?;
            LogicalPlanBuilder::from(input)
                .alias(alias.alias.clone())
                .and_then(LogicalPlanBuilder::build)
                .ok()
        }
        LogicalPlan::Projection(projection) => {
            let input = unwrapped(&projection.input)?;
            LogicalPlanBuilder::from(input)
                .project(projection.expr.clone())
                .and_then(LogicalPlanBuilder::build)
                .ok()
        }
        _ => None,
    }
}

/// The join as one that runs its right side again and again.
pub(super) fn join(join: Join) -> Result<LogicalPlan> {
    let Some(mut right) = unwrapped(&join.right) else {
        return Ok(LogicalPlan::Join(join));
    };
    let pairs = join.on.into_iter().map(|(left, right)| left.eq(right));
    if let Some(condition) = conjunction(pairs.chain(join.filter)) {
        let condition = outer(condition, join.left.schema())?;
        right = LogicalPlanBuilder::from(right).filter(condition)?.build()?;
    }
    let columns = free(&right)?.into_iter().map(|(_, column)| column);
    let node = LateralJoin {
        columns: columns
            .filter(|column| join.left.schema().has_column(column))
            .collect(),
        left: Arc::unwrap_or_clone(join.left),
        right,
        keeps_left: join.join_type == JoinType::Left,
        schema: join.schema,
    };
    Ok(LogicalPlan::Extension(Extension {
        node: Arc::new(node),
    }))
}

/// The join as the engine's plans hold it.
#[derive(Clone, Debug)]
struct LateralJoin {
    left: LogicalPlan,
    right: LogicalPlan,
    /// Columns of the left side that the right side reads.
    columns: Vec<Column>,
    /// Rows of the left side for which the right has none are kept.
    keeps_left: bool,
    schema: DFSchemaRef,
}

impl PartialEq for LateralJoin {
    fn eq(&self, other: &Self) -> bool {
        self.left == other.left && self.right == other.right && self.keeps_left == other.keeps_left
    }
}

impl Eq for LateralJoin {}

impl Hash for LateralJoin {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.left.hash(hasher);
        self.right.hash(hasher);
        self.keeps_left.hash(hasher);
    }
}

impl PartialOrd for LateralJoin {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.left
            .partial_cmp(&other.left)
            .filter(|order| *order != Ordering::Equal || self == other)
    }
}

impl UserDefinedLogicalNodeCore for LateralJoin {
    fn name(&self) -> &str {
        "LateralJoin"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.left]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LateralJoin")
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        let left = inputs.into_iter().next();
        Ok(Self {
            left: left.unwrap_or_else(|| self.left.clone()),
            ..self.clone()
        })
    }
}

/// Makes operators of the engine's plans, of this join too.
#[derive(Debug)]
pub(in crate::catalog) struct LateralPlanner;

#[async_trait]
impl QueryPlanner for LateralPlanner {
    async fn create_physical_plan(
        &self,
        plan: &LogicalPlan,
        session: &dyn Session,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(Self)])
            .create_physical_plan(plan, session)
            .await
    }
}

#[async_trait]
impl ExtensionPlanner for LateralPlanner {
    async fn plan_extension(
        &self,
        _: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _: &[&LogicalPlan],
        inputs: &[Arc<dyn ExecutionPlan>],
        session: &dyn Session,
        _: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let (Some(node), Some(input)) =
            (node.as_any().downcast_ref::<LateralJoin>(), inputs.first())
        else {
            return Ok(None);
        };
        let Some(state) = session.as_any().downcast_ref::<SessionState>() else {
            return Ok(None);
        };
        let Some(statement) = state.config().get_extension::<Statement>() else {
            return Ok(None);
        };
        let schema: SchemaRef = Arc::clone(node.schema.inner());
        let mut columns = Vec::with_capacity(node.columns.len());
        for column in &node.columns {
            let at = node.left.schema().index_of_column(column)?;
            columns.push((column.clone(), at));
        }
        Ok(Some(Arc::new(LateralExec {
            properties: Arc::new(PlanProperties::new(
                EquivalenceProperties::new(Arc::clone(&schema)),
                Partitioning::UnknownPartitioning(1),
                EmissionType::Incremental,
                Boundedness::Bounded,
            )),
            input: Arc::clone(input),
            right: Arc::new(node.right.clone()),
            columns: columns.into(),
            keeps_left: node.keeps_left,
            schema,
            surroundings: Surroundings {
                state: Arc::new(state.clone()),
                statement,
            },
        })))
    }
}

/// Runs the right side for each row of the left.
#[derive(Clone, Debug)]
struct LateralExec {
    input: Arc<dyn ExecutionPlan>,
    right: Arc<LogicalPlan>,
    columns: Arc<[(Column, usize)]>,
    keeps_left: bool,
    schema: SchemaRef,
    surroundings: Surroundings,
    properties: Arc<PlanProperties>,
}

impl LateralExec {
    /// What one row of the left side comes to.
    async fn row(self, left: RecordBatch) -> Result<SendableRecordBatchStream> {
        let Surroundings { state, statement } = &self.surroundings;
        statement.check()?;
        let mut bindings = Vec::with_capacity(self.columns.len());
        for (column, at) in self.columns.iter() {
            bindings.push((
                column.clone(),
                ScalarValue::try_from_array(left.column(*at), 0)?,
            ));
        }
        let plan = bind(self.right.as_ref().clone(), &bindings)?;
        let planned = Box::pin(physical_plan(state, statement, &plan)).await?;
        let rows = execute_stream(stoppable(planned)?, state.task_ctx())?;
        let schema = Arc::clone(&self.schema);
        let joined = futures::stream::try_unfold(
            (rows, self.keeps_left, self, left),
            |(mut rows, mut alone, exec, left)| async move {
                while let Some(batch) = rows.try_next().await? {
                    if batch.num_rows() > 0 {
                        alone = false;
                        let joined = exec.joined(&left, &batch)?;
                        return Ok(Some((joined, (rows, alone, exec, left))));
                    }
                }
                if alone {
                    let joined = exec.alone(&left)?;
                    return Ok(Some((joined, (rows, false, exec, left))));
                }
                Ok(None)
            },
        );
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, joined)))
    }

    fn joined(&self, left: &RecordBatch, right: &RecordBatch) -> Result<RecordBatch> {
        let first = UInt32Array::from(vec![0; right.num_rows()]);
        let mut columns = Vec::with_capacity(self.schema.fields().len());
        for column in left.columns() {
            columns.push(take(column, &first, None)?);
        }
        let types = self.schema.fields().iter().skip(columns.len());
        for (column, field) in right.columns().iter().zip(types) {
            columns.push(arrow::compute::cast(column, field.data_type())?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(right.num_rows()));
        Ok(RecordBatch::try_new_with_options(
            Arc::clone(&self.schema),
            columns,
            &options,
        )?)
    }

    fn alone(&self, left: &RecordBatch) -> Result<RecordBatch> {
        let mut columns = left.columns().to_vec();
        for field in self.schema.fields().iter().skip(columns.len()) {
            columns.push(new_null_array(field.data_type(), 1));
        }
        let options = RecordBatchOptions::new().with_row_count(Some(1));
        Ok(RecordBatch::try_new_with_options(
            Arc::clone(&self.schema),
            columns,
            &options,
        )?)
    }
}

impl DisplayAs for LateralExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LateralExec")
    }
}

impl ExecutionPlan for LateralExec {
    fn name(&self) -> &'static str {
        "LateralExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        vec![Distribution::SinglePartition]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match children.pop() {
            Some(input) => Ok(Arc::new(Self {
                input,
                ..self.as_ref().clone()
            })),
            None => Ok(self),
        }
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        let exec = self.clone();
        let joined = input
            .map_ok(|batch| {
                let rows = (0..batch.num_rows()).map(move |row| Ok(batch.slice(row, 1)));
                futures::stream::iter(rows)
            })
            .try_flatten()
            .and_then(move |row| exec.clone().row(row))
            .try_flatten()
            .boxed();
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            joined,
        )))
    }
}
