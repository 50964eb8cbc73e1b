//! Subqueries for one value: they are NULL where they find no row, whatever they select.
//!
//! The engine takes from the selected column whether there can be a NULL, and makes `(SELECT 1 FROM t WHERE …) IS NULL`
//! false beforehand. So the value of such a column goes through a function that may give NULL for all that the engine knows.

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::utils::take_function_args;
use datafusion::common::{Result, internal_err};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlan, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};
use datafusion::optimizer::AnalyzerRule;

/// Puts the function around the subqueries of a plan.
#[derive(Debug)]
pub(in crate::catalog) struct NullWithoutRow(Arc<ScalarUDF>);

impl Default for NullWithoutRow {
    fn default() -> Self {
        Self(Arc::new(ScalarUDF::from(MaybeNull::default())))
    }
}

impl AnalyzerRule for NullWithoutRow {
    fn name(&self) -> &str {
        "null_without_row"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let analyzed = plan.transform_up_with_subqueries(|plan| {
            let names = NamePreserver::new(&plan);
            let wrapped = plan.map_expressions(|expr| {
                let name = names.save(&expr);
                let wrapped = expr.transform_up(|expr| self.wrap(expr))?;
                Ok(match wrapped.transformed {
                    true => wrapped.update_data(|expr| name.restore(expr)),
                    false => wrapped,
                })
            })?;
            match wrapped.transformed {
                true => wrapped.map_data(LogicalPlan::recompute_schema),
                false => Ok(wrapped),
            }
        })?;
        Ok(analyzed.data)
    }
}

impl NullWithoutRow {
    fn wrap(&self, expr: Expr) -> Result<Transformed<Expr>> {
        let Expr::ScalarSubquery(subquery) = &expr else {
            return Ok(Transformed::no(expr));
        };
        let plan = &subquery.subquery;
        let is_nullable = plan
            .schema()
            .fields()
            .iter()
            .all(|field| field.is_nullable());
        match is_nullable || has_always_a_row(plan) {
            true => Ok(Transformed::no(expr)),
            false => Ok(Transformed::yes(self.0.call(vec![expr]))),
        }
    }
}

/// Whether a plan is an aggregate without groups, which has a row of nothing, too.
fn has_always_a_row(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.is_empty(),
        LogicalPlan::Projection(projection) => has_always_a_row(&projection.input),
        LogicalPlan::SubqueryAlias(alias) => has_always_a_row(&alias.input),
        LogicalPlan::EmptyRelation(nothing) => nothing.produce_one_row,
        _ => false,
    }
}

/// `maybe_null(any) → any`: the same value.
#[derive(Debug, PartialEq, Eq, Hash)]
struct MaybeNull {
    signature: Signature,
}

impl Default for MaybeNull {
    fn default() -> Self {
        Self {
            signature: Signature::any(1, Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for MaybeNull {
    fn name(&self) -> &str {
        "maybe_null"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        internal_err!("the type depends on the argument's field")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let [field] = take_function_args(self.name(), args.arg_fields)?;
        Ok(Arc::new(field.as_ref().clone().with_nullable(true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = take_function_args(self.name(), args.args)?;
        Ok(value)
    }
}
