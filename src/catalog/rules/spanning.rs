//! Inner joins whose conditions the engine would lose or change while it reorders them.
//!
//! Its rule `eliminate_cross_join` takes apart a tree of inner joins, and joins the tables anew, one after the other, by
//! those pairs of equal keys of which one side belongs to what is joined already and the other to the next table. A pair
//! for which that never comes true is forgotten: of `JOIN z ON z.c = x.a[y.b]`, when z comes before y, nothing is left.
//! And whether NULL equals NULL is taken from the topmost join for all of them, so that `IS NOT DISTINCT FROM` becomes `=`
//! below an ordinary join, and the other way round above one.
//!
//! Such pairs are made filters beforehand, which that rule keeps as they are. The engine's own rule makes them keys again
//! at the end, where a join has both sides, so that they are hashed.

use datafusion::common::tree_node::Transformed;
use datafusion::common::{NullEquality, Result};
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{BinaryExpr, Expr, Join, JoinType, LogicalPlan, Operator};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

/// Makes filters of the keys that would not live through being reordered.
#[derive(Debug)]
pub(super) struct FiltersOfKeys;

impl OptimizerRule for FiltersOfKeys {
    fn name(&self) -> &str {
        "filters_of_keys"
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
        let LogicalPlan::Join(join) = plan else {
            return Ok(Transformed::no(plan));
        };
        if join.join_type != JoinType::Inner || join.on.is_empty() {
            return Ok(Transformed::no(LogicalPlan::Join(join)));
        }
        let mut tables = Vec::new();
        gather(&join.left, &mut tables);
        gather(&join.right, &mut tables);
        let same_null = join.null_equality == NullEquality::NullEqualsNull;
        let is_safe = |(left, right): &(Expr, Expr)| {
            !same_null && is_of_one(left, &tables) && is_of_one(right, &tables)
        };
        if join.on.iter().all(is_safe) {
            return Ok(Transformed::no(LogicalPlan::Join(join)));
        }
        let Join { on, filter, .. } = &join;
        let (kept, moved): (Vec<_>, Vec<_>) = on.iter().cloned().partition(is_safe);
        let op = match same_null {
            true => Operator::IsNotDistinctFrom,
            false => Operator::Eq,
        };
        let filters = moved.into_iter().map(|(left, right)| {
            Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right)))
        });
        let filter = conjunction(filter.iter().cloned().chain(filters));
        Ok(Transformed::yes(LogicalPlan::Join(Join {
            on: kept,
            filter,
            null_equality: NullEquality::NullEqualsNothing,
            ..join
        })))
    }
}

/// The tables that a tree of inner joins is made of, as that rule takes it apart.
fn gather<'a>(plan: &'a LogicalPlan, tables: &mut Vec<&'a LogicalPlan>) {
    match plan {
        LogicalPlan::Join(join) if join.join_type == JoinType::Inner => {
            gather(&join.left, tables);
            gather(&join.right, tables);
        }
        table => tables.push(table),
    }
}

/// Whether a key is made of columns of one table.
fn is_of_one(key: &Expr, tables: &[&LogicalPlan]) -> bool {
    let columns = key.column_refs();
    !columns.is_empty()
        && tables.iter().any(|table| {
            columns
                .iter()
                .all(|column| table.schema().has_column(column))
        })
}
