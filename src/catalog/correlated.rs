//! Subqueries that the engine cannot turn into joins: they are run for each set of values that they depend on.
//!
//! The engine plans a correlated subquery as a join, which is the fastest way, and refuses what it finds no join for:
//! one that need not be aggregated, that has a limit or set operations, that stands in ON or below OR, two levels deep.
//! A statement that it refuses is planned once more with each such subquery as a call: the call's arguments are the
//! outer columns that the subquery reads, and for each new set of arguments it plans and runs the subquery with literals
//! in their places. A table of FROM that reads those before it (LATERAL) is run for each of their rows likewise.

mod bind;
mod call;
mod lateral;

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, ScalarValue};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::expr::{Exists, InSubquery, SetComparison, SetQuantifier};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, LogicalPlan, Subquery};
use datafusion::physical_plan::ExecutionPlan;

use self::call::{Kind, call};
pub(super) use self::lateral::LateralPlanner;
use super::statement::Statement;

/// Subqueries of a statement that are tried one by one whether the engine can plan them; others are run as calls.
const TRIED_MAX: usize = 8;

/// What subqueries are planned and run with.
#[derive(Clone)]
struct Surroundings {
    state: Arc<SessionState>,
    statement: Arc<Statement>,
}

impl std::fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.statement.fmt(f)
    }
}

/// Plans a statement: the engine's own way if there is one.
pub(super) async fn physical_plan(
    state: &SessionState,
    statement: &Arc<Statement>,
    plan: &LogicalPlan,
) -> Result<Arc<dyn ExecutionPlan>> {
    let surroundings = || Surroundings {
        state: Arc::new(state.clone()),
        statement: Arc::clone(statement),
    };
    let own = match misplanned(plan)? {
        false => None,
        true => Some(Rewriter::of_misplanned(&surroundings()).rewrite(plan.clone())?),
    };
    let refused = match state
        .create_physical_plan(own.as_ref().unwrap_or(plan))
        .await
    {
        Ok(planned) => return Ok(planned),
        Err(refused) => refused,
    };
    let surroundings = surroundings();
    let mut rewriter = Rewriter::new(&surroundings, Vec::new());
    let rewritten = rewriter.rewrite(plan.clone())?;
    if rewriter.found == 0 {
        return Err(refused);
    }
    let mut planned = state.create_physical_plan(&rewritten).await?;
    if rewriter.found == 1 {
        return Ok(planned);
    }
    let mut left = Vec::new();
    for at in 0..rewriter.found.min(TRIED_MAX) {
        left.push(at);
        let rewritten = Rewriter::new(&surroundings, left.clone()).rewrite(plan.clone())?;
        match state.create_physical_plan(&rewritten).await {
            Ok(better) => planned = better,
            Err(_) => {
                left.pop();
            }
        }
    }
    Ok(planned)
}

/// The plan as it can be analysed for the types of its columns, if the engine refuses it as it stands.
pub(super) fn analysable(
    state: &SessionState,
    statement: &Arc<Statement>,
    plan: &LogicalPlan,
) -> Result<LogicalPlan> {
    let surroundings = Surroundings {
        state: Arc::new(state.clone()),
        statement: Arc::clone(statement),
    };
    Rewriter::new(&surroundings, Vec::new()).rewrite(plan.clone())
}

/// Puts calls in the places of subqueries.
struct Rewriter<'a> {
    surroundings: &'a Surroundings,
    /// Subqueries that are left to the engine, by their number.
    left: Vec<usize>,
    /// Only those are replaced that the engine would plan wrongly.
    only_misplanned: bool,
    /// Subqueries so far.
    found: usize,
}

impl<'a> Rewriter<'a> {
    fn new(surroundings: &'a Surroundings, left: Vec<usize>) -> Self {
        Self {
            surroundings,
            left,
            only_misplanned: false,
            found: 0,
        }
    }

    fn of_misplanned(surroundings: &'a Surroundings) -> Self {
        Self {
            only_misplanned: true,
            ..Self::new(surroundings, Vec::new())
        }
    }

    fn rewrite(&mut self, plan: LogicalPlan) -> Result<LogicalPlan> {
        let plan = plan.transform_up(|node| self.node(node))?;
        Ok(plan.data)
    }

    fn node(&mut self, node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
        let node = match node {
            LogicalPlan::Join(join) if lateral::is_lateral(&join) => {
                return match self.is_left() {
                    true => Ok(Transformed::no(LogicalPlan::Join(join))),
                    false => Ok(Transformed::yes(lateral::join(join)?)),
                };
            }
            node => node,
        };
        if !node.expressions().iter().any(has_subquery) {
            return Ok(Transformed::no(node));
        }
        let schema = merge_schema(&node.inputs());
        let names = NamePreserver::new(&node);
        let node = node.map_expressions(|expr| {
            let name = names.save(&expr);
            let expr = expr.transform_up(|expr| self.subquery(expr, &schema))?;
            Ok(expr.update_data(|expr| name.restore(expr)))
        })?;
        node.map_data(LogicalPlan::recompute_schema)
    }

    /// Whether the next subquery is left to the engine.
    fn is_left(&mut self) -> bool {
        self.found += 1;
        self.only_misplanned || self.left.contains(&(self.found - 1))
    }

    fn subquery(
        &mut self,
        expr: Expr,
        schema: &datafusion::common::DFSchema,
    ) -> Result<Transformed<Expr>> {
        let (subquery, tested, kind) = match &expr {
            Expr::ScalarSubquery(subquery) => {
                // The engine runs those that depend on nothing once.
                if bind::free(&subquery.subquery)?.is_empty() {
                    return Ok(Transformed::no(expr));
                }
                (subquery, None, Kind::Scalar)
            }
            Expr::Exists(Exists { subquery, negated }) => {
                (subquery, None, Kind::Exists { negated: *negated })
            }
            Expr::InSubquery(InSubquery {
                expr,
                subquery,
                negated,
            }) => (
                subquery,
                Some(expr.as_ref()),
                Kind::Compared {
                    op: datafusion::logical_expr::Operator::Eq,
                    all: false,
                    negated: *negated,
                },
            ),
            Expr::SetComparison(SetComparison {
                expr,
                subquery,
                op,
                quantifier,
            }) => (
                subquery,
                Some(expr.as_ref()),
                Kind::Compared {
                    op: *op,
                    all: matches!(quantifier, SetQuantifier::All),
                    negated: false,
                },
            ),
            _ => return Ok(Transformed::no(expr)),
        };
        if self.is_left() && !is_misplanned(&expr)? {
            return Ok(Transformed::no(expr));
        }
        let number = self.found;
        let call = call(
            self.surroundings,
            number,
            kind,
            &subquery.subquery,
            tested,
            schema,
        )?;
        Ok(Transformed::yes(call))
    }
}

/// Whether the engine plans the subquery and comes to a wrong result: NOT IN with outer columns, where a NULL on the
/// left keeps a row out even if the subquery has no rows for it, and NOT IN with a constant on either side, which it joins
/// by no column and so without a thought of NULL.
fn is_misplanned(expr: &Expr) -> Result<bool> {
    match expr {
        Expr::InSubquery(InSubquery {
            expr,
            subquery,
            negated: true,
        }) => {
            let is_constant = match subquery.subquery.as_ref() {
                LogicalPlan::Projection(projection) => projection
                    .expr
                    .iter()
                    .any(|expr| expr.column_refs().is_empty()),
                _ => false,
            };
            Ok(is_constant
                || expr.column_refs().is_empty()
                || !bind::free(&subquery.subquery)?.is_empty())
        }
        _ => Ok(false),
    }
}

/// Whether the engine would come to a wrong result with one of a plan's subqueries.
pub(super) fn misplanned(plan: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    plan.apply(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                found |= is_misplanned(expr)?;
                Ok(match found {
                    true => TreeNodeRecursion::Stop,
                    false => TreeNodeRecursion::Continue,
                })
            })
        })
    })?;
    Ok(found)
}

fn has_subquery(expr: &Expr) -> bool {
    let is_subquery = |expr: &Expr| {
        Ok(matches!(
            expr,
            Expr::ScalarSubquery(_)
                | Expr::Exists(_)
                | Expr::InSubquery(_)
                | Expr::SetComparison(_)
        ))
    };
    expr.exists(is_subquery).unwrap_or(false)
}

/// The subquery with another plan.
fn with_plan(subquery: &Subquery, plan: LogicalPlan) -> Subquery {
    Subquery {
        outer_ref_columns: plan.all_out_ref_exprs(),
        subquery: Arc::new(plan),
        spans: subquery.spans.clone(),
    }
}

/// The values of columns of the rows around a subquery.
type Bindings = Vec<(datafusion::common::Column, ScalarValue)>;
