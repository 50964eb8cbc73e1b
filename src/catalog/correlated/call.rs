//! A subquery as a function of the outer columns that it reads.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use arrow::datatypes::DataType;
use datafusion::common::{Column, DFSchema, Result, ScalarValue, exec_err};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::type_coercion::binary::comparison_coercion;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, Operator,
    ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, cast,
};
use datafusion::physical_expr_common::datum::apply_cmp_for_nested;
use datafusion::physical_plan::execute_stream;
use futures::StreamExt;
use parking_lot::Mutex;
use tokio::runtime::Handle;

use super::bind::{bind, free};
use super::{Surroundings, physical_plan};
use crate::catalog::functions::{KEY, TO_FLOAT, TO_NUMERIC};
use crate::catalog::resolve::numerics::is_numeric;
use crate::catalog::stop::stoppable;

/// What is asked of a subquery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// Its one value.
    Scalar,
    /// Whether it has rows.
    Exists { negated: bool },
    /// How a value, the call's first argument, compares with all or any of its rows.
    Compared {
        op: Operator,
        all: bool,
        negated: bool,
    },
}

/// What a subquery came to for a set of arguments.
#[derive(Clone)]
enum Outcome {
    Value(ScalarValue),
    /// Its only column.
    Column(ArrayRef),
}

impl Outcome {
    fn size(&self) -> usize {
        match self {
            Self::Value(value) => value.size(),
            Self::Column(column) => column.get_array_memory_size(),
        }
    }
}

/// Outcomes by arguments, and what they take of the statements' memory.
struct Known {
    outcomes: HashMap<Vec<ScalarValue>, Outcome>,
    memory: MemoryReservation,
}

/// The function.
struct SubqueryCall {
    number: usize,
    kind: Kind,
    plan: LogicalPlan,
    outer: Vec<Column>,
    returns: DataType,
    signature: Signature,
    surroundings: Surroundings,
    known: Mutex<Known>,
}

/// What is compared in the place of a value of the first type beside one of the second, where one of them is numeric.
fn comparable(state: &SessionState, value: &Expr, [given, other]: [&DataType; 2]) -> Option<Expr> {
    if !is_numeric(given) && !is_numeric(other) {
        return None;
    }
    let call =
        |name: &str, value: Expr| Some(state.scalar_functions().get(name)?.call(vec![value]));
    if given.is_floating() || other.is_floating() {
        return match is_numeric(given) {
            true => call(TO_FLOAT, value.clone()),
            false => Some(value.clone()),
        };
    }
    let number = match is_numeric(given) {
        true => value.clone(),
        false => call(TO_NUMERIC, value.clone())?,
    };
    call(KEY, number)
}

/// The call in the place of a subquery, `tested` being what its rows are compared with.
pub(super) fn call(
    surroundings: &Surroundings,
    number: usize,
    kind: Kind,
    plan: &LogicalPlan,
    tested: Option<&Expr>,
    schema: &DFSchema,
) -> Result<Expr> {
    let state = &surroundings.state;
    let outer: Vec<Column> = free(plan)?.into_iter().map(|(_, column)| column).collect();
    let options = state.config().options();
    // Types are settled by the analyser; what it cannot do is said when the subquery is planned.
    let analysed = state
        .analyzer()
        .execute_and_check(plan.clone(), options, |_, _| {});
    let value_type = match analysed.as_ref().unwrap_or(plan).schema().fields().first() {
        Some(field) => field.data_type().clone(),
        None => DataType::Null,
    };
    let mut arguments: Vec<Expr> = outer.iter().cloned().map(Expr::Column).collect();
    let mut plan = plan.clone();
    let returns = match kind {
        Kind::Scalar => {
            plan = LogicalPlanBuilder::from(plan).limit(0, Some(2))?.build()?;
            value_type
        }
        Kind::Exists { .. } => {
            plan = LogicalPlanBuilder::from(plan).limit(0, Some(1))?.build()?;
            DataType::Boolean
        }
        Kind::Compared { .. } => {
            let Some(tested) = tested else {
                return exec_err!("nothing to compare a subquery with");
            };
            let tested_type = tested.get_type(schema)?;
            let mut tested = tested.clone();
            let (mut tested_type, mut value_type) = (tested_type, value_type);
            if let Some(alike) = comparable(state, &tested, [&tested_type, &value_type]) {
                let (qualifier, field) = plan.schema().qualified_field(0);
                let column = Expr::Column(Column::new(qualifier.cloned(), field.name()));
                let values = comparable(state, &column, [&value_type, &tested_type]);
                plan = LogicalPlanBuilder::from(plan)
                    .project([values.unwrap_or(column)])?
                    .build()?;
                tested = alike;
                tested_type = tested.get_type(schema)?;
                value_type = plan.schema().field(0).data_type().clone();
            }
            let Some(common) = comparison_coercion(&tested_type, &value_type) else {
                return datafusion::common::plan_err!(
                    "Cannot infer common argument type for comparison operation {tested_type} = {value_type}"
                );
            };
            if value_type != common {
                let (qualifier, field) = plan.schema().qualified_field(0);
                let column = Expr::Column(Column::new(qualifier.cloned(), field.name()));
                plan = LogicalPlanBuilder::from(plan)
                    .project([cast(column, common.clone())])?
                    .build()?;
            }
            arguments.insert(
                0,
                match tested_type == common {
                    true => tested,
                    false => cast(tested, common),
                },
            );
            DataType::Boolean
        }
    };
    let pool = &state.runtime_env().memory_pool;
    let signature = match arguments.len() {
        0 => Signature::nullary(Volatility::Stable),
        len => Signature::any(len, Volatility::Stable),
    };
    let function = SubqueryCall {
        number,
        kind,
        plan,
        outer,
        returns,
        signature,
        surroundings: surroundings.clone(),
        known: Mutex::new(Known {
            outcomes: HashMap::new(),
            memory: MemoryConsumer::new("correlated subquery").register(pool),
        }),
    };
    Ok(ScalarUDF::from(function).call(arguments))
}

impl SubqueryCall {
    /// What the subquery comes to for these values of the outer columns.
    fn outcome(&self, arguments: &[ScalarValue]) -> Result<Outcome> {
        if let Some(known) = self.known.lock().outcomes.get(arguments) {
            return Ok(known.clone());
        }
        self.surroundings.statement.check()?;
        let bindings = self.outer.iter().cloned().zip(arguments.iter().cloned());
        let plan = bind(self.plan.clone(), &bindings.collect())?;
        // This runs on a thread of the query runtime, which hands its other work to another one meanwhile.
        let batches = tokio::task::block_in_place(|| Handle::current().block_on(self.run(&plan)))?;
        let outcome = self.evaluate(&batches)?;
        let size = arguments.iter().map(ScalarValue::size).sum::<usize>() + outcome.size();
        let mut known = self.known.lock();
        known.memory.try_grow(size)?;
        known.outcomes.insert(arguments.to_vec(), outcome.clone());
        Ok(outcome)
    }

    async fn run(&self, plan: &LogicalPlan) -> Result<Vec<RecordBatch>> {
        let Surroundings { state, statement } = &self.surroundings;
        let planned = Box::pin(physical_plan(state, statement, plan)).await?;
        let mut rows = execute_stream(stoppable(planned)?, state.task_ctx())?;
        let mut batches = Vec::new();
        while let Some(batch) = rows.next().await {
            batches.push(batch?);
        }
        Ok(batches)
    }

    fn evaluate(&self, batches: &[RecordBatch]) -> Result<Outcome> {
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        Ok(match self.kind {
            Kind::Scalar => {
                if rows > 1 {
                    return exec_err!("subquery returned more than one row");
                }
                let batch = batches.iter().find(|batch| batch.num_rows() > 0);
                Outcome::Value(match batch {
                    Some(batch) => {
                        let value = ScalarValue::try_from_array(batch.column(0), 0)?;
                        value.cast_to(&self.returns)?
                    }
                    None => ScalarValue::try_from(&self.returns)?,
                })
            }
            Kind::Exists { negated } => {
                Outcome::Value(ScalarValue::Boolean(Some((rows > 0) != negated)))
            }
            Kind::Compared { .. } => {
                let columns: Vec<&dyn arrow::array::Array> = batches
                    .iter()
                    .filter(|batch| batch.num_rows() > 0)
                    .map(|batch| batch.column(0).as_ref())
                    .collect();
                match columns.as_slice() {
                    [] => Outcome::Value(ScalarValue::Null),
                    columns => Outcome::Column(arrow::compute::concat(columns)?),
                }
            }
        })
    }

    /// The answer for one row.
    fn answer(&self, arguments: &[ScalarValue]) -> Result<ScalarValue> {
        let Kind::Compared { op, all, negated } = self.kind else {
            return match self.outcome(arguments)? {
                Outcome::Value(value) => Ok(value),
                Outcome::Column(_) => exec_err!("a subquery came to more than a value"),
            };
        };
        let Some((tested, outer)) = arguments.split_first() else {
            return exec_err!("nothing to compare a subquery with");
        };
        let found = match self.outcome(outer)? {
            // No rows: ALL holds and ANY does not, whatever is compared.
            Outcome::Value(_) => Some(all),
            Outcome::Column(column) => {
                let compared = apply_cmp_for_nested(
                    op,
                    &ColumnarValue::Scalar(tested.clone()),
                    &ColumnarValue::Array(column),
                )?;
                compared_with(&compared, all)?
            }
        };
        Ok(ScalarValue::Boolean(found.map(|found| found != negated)))
    }
}

/// Whether any or all comparisons hold; unknown where that depends on NULL.
fn compared_with(compared: &ColumnarValue, all: bool) -> Result<Option<bool>> {
    let compared = compared.to_array(1)?;
    let Some(compared) = compared.as_any().downcast_ref::<BooleanArray>() else {
        return exec_err!("a comparison came to something else than a truth value");
    };
    let decides = !all;
    if compared.iter().any(|one| one == Some(decides)) {
        return Ok(Some(decides));
    }
    Ok(match arrow::array::Array::null_count(compared) {
        0 => Some(all),
        _ => None,
    })
}

impl std::fmt::Debug for SubqueryCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SubqueryCall")
            .field("number", &self.number)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl PartialEq for SubqueryCall {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
            && self.kind == other.kind
            && Arc::ptr_eq(&self.surroundings.state, &other.surroundings.state)
    }
}

impl Eq for SubqueryCall {}

impl Hash for SubqueryCall {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        (self.number, self.kind).hash(hasher);
    }
}

impl ScalarUDFImpl for SubqueryCall {
    fn name(&self) -> &str {
        match self.kind {
            Kind::Scalar => "subquery",
            Kind::Exists { .. } => "exists",
            Kind::Compared { .. } => "compared_with_subquery",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.returns.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_constant = args
            .args
            .iter()
            .all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let row = |row: usize| -> Result<Vec<ScalarValue>> {
            args.args
                .iter()
                .map(|arg| match arg {
                    ColumnarValue::Scalar(value) => Ok(value.clone()),
                    ColumnarValue::Array(array) => ScalarValue::try_from_array(array, row),
                })
                .collect()
        };
        if is_constant {
            return Ok(ColumnarValue::Scalar(self.answer(&row(0)?)?));
        }
        let mut answers = Vec::with_capacity(args.number_rows);
        for at in 0..args.number_rows {
            answers.push(self.answer(&row(at)?)?);
        }
        match answers.is_empty() {
            true => Ok(ColumnarValue::Array(arrow::array::new_empty_array(
                &self.returns,
            ))),
            false => Ok(ColumnarValue::Array(ScalarValue::iter_to_array(answers)?)),
        }
    }
}
