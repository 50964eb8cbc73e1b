//! A subquery that stands for a value is NULL where it has no row, whatever its column can be. The engine would take the
//! column's word for it that it is never NULL, and leave out what asks (`IS NULL`, `coalesce`).

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::utils::take_function_args;
use datafusion::common::{Column, Result};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlan, LogicalPlanBuilder, ReturnFieldArgs, ScalarFunctionArgs,
    ScalarUDF, ScalarUDFImpl, Signature, Subquery, Volatility,
};
use datafusion::optimizer::AnalyzerRule;

/// The value itself, of a column that may be NULL.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Optional {
    signature: Signature,
}

impl ScalarUDFImpl for Optional {
    fn name(&self) -> &str {
        "optional"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let [given] = take_function_args(self.name(), types)?;
        Ok(given.clone())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let [given] = take_function_args(self.name(), args.arg_fields)?;
        Ok(Arc::new(Field::clone(given).with_nullable(true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = take_function_args(self.name(), args.args)?;
        Ok(value)
    }
}

/// Makes the column of such subqueries one that may be NULL.
#[derive(Debug)]
pub(super) struct OptionalSubqueries {
    optional: ScalarUDF,
}

impl Default for OptionalSubqueries {
    fn default() -> Self {
        let optional = Optional {
            // What is known beforehand would be put in its place, and be never NULL again.
            signature: Signature::any(1, Volatility::Volatile),
        };
        Self {
            optional: optional.into(),
        }
    }
}

impl OptionalSubqueries {
    fn optional(&self, subquery: Subquery) -> Result<Transformed<Expr>> {
        let schema = subquery.subquery.schema();
        let is_kept = schema.fields().len() != 1
            || schema.field(0).is_nullable()
            || has_always_a_row(&subquery.subquery);
        if is_kept {
            return Ok(Transformed::no(Expr::ScalarSubquery(subquery)));
        }
        let column = Column::from(schema.qualified_field(0));
        let value = self.optional.call(vec![Expr::Column(column.clone())]);
        let plan = LogicalPlanBuilder::from(Arc::clone(&subquery.subquery))
            .project([value.alias_qualified(column.relation, column.name)])?
            .build()?;
        let subquery = subquery.with_plan(Arc::new(plan));
        Ok(Transformed::yes(Expr::ScalarSubquery(subquery)))
    }
}

/// Whether a query makes a row of nothing too: it aggregates, and all rows are one group.
fn has_always_a_row(query: &LogicalPlan) -> bool {
    match query {
        LogicalPlan::Projection(projection) => has_always_a_row(&projection.input),
        LogicalPlan::SubqueryAlias(alias) => has_always_a_row(&alias.input),
        LogicalPlan::Sort(sort) => sort.fetch.is_none() && has_always_a_row(&sort.input),
        LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.is_empty(),
        LogicalPlan::EmptyRelation(empty) => empty.produce_one_row,
        _ => false,
    }
}

impl AnalyzerRule for OptionalSubqueries {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|plan| {
            let names = NamePreserver::new(&plan);
            let plan = plan.map_expressions(|expr| {
                let name = names.save(&expr);
                let written = expr.transform_up(|expr| match expr {
                    Expr::ScalarSubquery(subquery) => self.optional(subquery),
                    expr => Ok(Transformed::no(expr)),
                })?;
                Ok(match written.transformed {
                    true => written.update_data(|expr| name.restore(expr)),
                    false => written,
                })
            })?;
            match plan.transformed {
                true => plan.map_data(LogicalPlan::recompute_schema),
                false => Ok(plan),
            }
        })
        .data()
    }

    fn name(&self) -> &str {
        "optional_subqueries"
    }
}
