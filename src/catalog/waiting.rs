//! Functions that wait for somebody (`rdns`, `pg_sleep`), where the engine cannot call them.
//!
//! It calls them in SELECT lists and conditions only. In GROUP BY, ORDER BY and the arguments of aggregates and windows they
//! become columns of a list below, which those read.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, Result};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::optimizer::AnalyzerRule;

/// Has functions that wait called below whatever sorts and groups by them.
#[derive(Debug)]
pub(super) struct CallBelow;

fn waits(expr: &Expr) -> bool {
    matches!(expr, Expr::ScalarFunction(call) if call.func.as_async().is_some())
}

/// The name of the column of a call.
fn name(at: usize) -> String {
    format!("waiting {at}\u{1f}")
}

fn rewrite(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    if !matches!(
        plan,
        LogicalPlan::Sort(_) | LogicalPlan::Aggregate(_) | LogicalPlan::Window(_)
    ) {
        return Ok(Transformed::no(plan));
    }
    let mut calls: Vec<Expr> = Vec::new();
    plan.apply_expressions(|expr| {
        expr.apply(|expr| {
            if waits(expr) && !calls.contains(expr) {
                calls.push(expr.clone());
            }
            Ok(TreeNodeRecursion::Continue)
        })
    })?;
    let [input] = plan.inputs()[..] else {
        return Ok(Transformed::no(plan));
    };
    if calls.is_empty() {
        return Ok(Transformed::no(plan));
    }
    let columns = input.schema().iter().map(Expr::from);
    let called = calls
        .iter()
        .enumerate()
        .map(|(at, call)| call.clone().alias(name(at)));
    let below = LogicalPlanBuilder::from(input.clone())
        .project(columns.chain(called))?
        .build()?;
    let schema = Arc::clone(plan.schema());
    let is_aggregate = matches!(plan, LogicalPlan::Aggregate(_));
    let names = NamePreserver::new(&plan);
    let plan = plan.map_expressions(|expr| {
        let old = names.save(&expr);
        let expr = expr.transform_down(|expr| {
            Ok(match calls.iter().position(|call| *call == expr) {
                Some(at) => Transformed::yes(Expr::Column(Column::from_name(name(at)))),
                None => Transformed::no(expr),
            })
        })?;
        Ok(match expr.transformed {
            true => expr.update_data(|expr| old.restore(expr)),
            false => expr,
        })
    })?;
    let plan = plan
        .data
        .with_new_exprs(plan.data.expressions(), vec![below])?;
    if is_aggregate {
        return Ok(Transformed::yes(plan));
    }
    // Nobody above knows of the columns.
    let columns = schema.iter().map(Expr::from);
    let plan = LogicalPlanBuilder::from(plan).project(columns)?.build()?;
    Ok(Transformed::yes(plan))
}

impl AnalyzerRule for CallBelow {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(rewrite).data()
    }

    fn name(&self) -> &str {
        "call_below"
    }
}
