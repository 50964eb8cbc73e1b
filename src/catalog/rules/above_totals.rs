//! Conditions on the one row of an aggregate without groups.
//!
//! The engine's rule `push_down_filter` takes a condition below an aggregate when all columns in it are keys of the groups.
//! One without columns, which it may be only once the columns are put in place (`SELECT * FROM (SELECT count(*), 0 AS n …)
//! WHERE n <> 0`), goes below an aggregate without keys as well, and that has a row of nothing, too. A limit of one row
//! changes nothing there, and no condition passes it.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::{Limit, LogicalPlan, lit};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

/// Puts the limit between conditions and such aggregates.
#[derive(Debug)]
pub(super) struct LimitedTotals;

impl OptimizerRule for LimitedTotals {
    fn name(&self) -> &str {
        "limited_totals"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn supports_rewrite(&self) -> bool {
        true
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        match plan {
            // A condition right above speaks of the aggregate's columns, or is known to be constant.
            LogicalPlan::Filter(filter) if matches!(*filter.input, LogicalPlan::Aggregate(_)) => {
                Ok(Transformed::no(LogicalPlan::Filter(filter)))
            }
            LogicalPlan::Filter(_) => plan.map_children(limited),
            LogicalPlan::Join(join) if join.filter.is_some() => {
                LogicalPlan::Join(join).map_children(limited)
            }
            other => Ok(Transformed::no(other)),
        }
    }
}

/// The plan with limits on the aggregates that a condition above it would reach.
fn limited(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    match plan {
        LogicalPlan::Aggregate(aggregate) if aggregate.group_expr.is_empty() => {
            Ok(Transformed::yes(LogicalPlan::Limit(Limit {
                skip: None,
                fetch: Some(Box::new(lit(1_i64))),
                input: Arc::new(LogicalPlan::Aggregate(aggregate)),
            })))
        }
        // No condition passes this one either.
        LogicalPlan::Limit(_) => Ok(Transformed::no(plan)),
        other => other.map_children(limited),
    }
}
