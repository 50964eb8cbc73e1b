//! The outer columns of a subquery, and literals in their places.

use std::sync::Arc;

use arrow::datatypes::FieldRef;
use datafusion::common::metadata::FieldMetadata;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, ExprSchema, Result};
use datafusion::logical_expr::expr::{Exists, InSubquery, SetComparison};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, LogicalPlan, Subquery};

use super::{Bindings, with_plan};

/// The columns that a subquery reads of the queries around it, each once.
pub(super) fn free(plan: &LogicalPlan) -> Result<Vec<(FieldRef, Column)>> {
    let mut found = Vec::new();
    collect(plan, &mut Vec::new(), &mut found)?;
    Ok(found)
}

/// `bound` are the columns of queries inside the subquery, which hide outer ones.
fn collect(
    plan: &LogicalPlan,
    bound: &mut Vec<Arc<DFSchema>>,
    found: &mut Vec<(FieldRef, Column)>,
) -> Result<()> {
    let schema = Arc::new(merge_schema(&plan.inputs()));
    plan.apply_expressions(|expr| {
        expr.apply(|expr| {
            match expr {
                Expr::OuterReferenceColumn(field, column) => {
                    let is_bound = bound.iter().any(|schema| schema.has_column(column));
                    if !is_bound && !found.iter().any(|(_, known)| known == column) {
                        found.push((Arc::clone(field), column.clone()));
                    }
                }
                other => {
                    if let Some(subquery) = subquery_of(other) {
                        bound.push(Arc::clone(&schema));
                        collect(&subquery.subquery, bound, found)?;
                        bound.pop();
                    }
                }
            }
            Ok(TreeNodeRecursion::Continue)
        })
    })?;
    match plan {
        LogicalPlan::Join(join) => {
            collect(&join.left, bound, found)?;
            // A table of FROM may read those before it.
            bound.push(Arc::clone(join.left.schema()));
            collect(&join.right, bound, found)?;
            bound.pop();
        }
        LogicalPlan::Subquery(subquery) => collect(&subquery.subquery, bound, found)?,
        other => {
            for input in other.inputs() {
                collect(input, bound, found)?;
            }
        }
    }
    Ok(())
}

fn subquery_of(expr: &Expr) -> Option<&Subquery> {
    match expr {
        Expr::ScalarSubquery(subquery)
        | Expr::Exists(Exists { subquery, .. })
        | Expr::InSubquery(InSubquery { subquery, .. })
        | Expr::SetComparison(SetComparison { subquery, .. }) => Some(subquery),
        _ => None,
    }
}

/// The plan with literals in the places of outer columns.
pub(super) fn bind(plan: LogicalPlan, bindings: &Bindings) -> Result<LogicalPlan> {
    if bindings.is_empty() {
        return Ok(plan);
    }
    let schema = merge_schema(&plan.inputs());
    let plan = match plan {
        LogicalPlan::Join(mut join) => {
            let left = Arc::unwrap_or_clone(join.left);
            let inner = visible(bindings, left.schema());
            join.left = Arc::new(bind(left, bindings)?);
            join.right = Arc::new(bind(Arc::unwrap_or_clone(join.right), &inner)?);
            LogicalPlan::Join(join)
        }
        LogicalPlan::Subquery(subquery) => {
            let plan = bind(subquery.subquery.as_ref().clone(), bindings)?;
            // Without outer columns it is a table like others.
            return Ok(match plan.all_out_ref_exprs().is_empty() {
                true => plan,
                false => LogicalPlan::Subquery(with_plan(&subquery, plan)),
            });
        }
        other => {
            other
                .map_children(|child| Ok(Transformed::yes(bind(child, bindings)?)))?
                .data
        }
    };
    let names = NamePreserver::new(&plan);
    let inner = visible(bindings, &schema);
    let plan = plan.map_expressions(|expr| {
        let name = names.save(&expr);
        let expr = expr.transform_up(|expr| bind_expr(expr, bindings, &inner))?;
        Ok(expr.update_data(|expr| name.restore(expr)))
    })?;
    plan.data.recompute_schema()
}

/// What a query inside sees of the bindings.
fn visible(bindings: &Bindings, schema: &DFSchema) -> Bindings {
    let is_visible = |(column, _): &&(Column, _)| !schema.has_column(column);
    bindings.iter().filter(is_visible).cloned().collect()
}

fn bind_expr(expr: Expr, bindings: &Bindings, inner: &Bindings) -> Result<Transformed<Expr>> {
    let plan = |subquery: &Subquery| -> Result<Subquery> {
        let plan = bind(subquery.subquery.as_ref().clone(), inner)?;
        Ok(with_plan(subquery, plan))
    };
    Ok(match expr {
        Expr::OuterReferenceColumn(field, column) => {
            match bindings.iter().find(|(bound, _)| *bound == column) {
                // What is said of the column's type stays said.
                Some((_, value)) => {
                    let metadata = Some(FieldMetadata::from(field.as_ref()));
                    let metadata = metadata.filter(|metadata| !metadata.is_empty());
                    Transformed::yes(Expr::Literal(value.clone(), metadata))
                }
                None => Transformed::no(Expr::OuterReferenceColumn(field, column)),
            }
        }
        Expr::ScalarSubquery(subquery) => Transformed::yes(Expr::ScalarSubquery(plan(&subquery)?)),
        Expr::Exists(exists) => Transformed::yes(Expr::Exists(Exists {
            subquery: plan(&exists.subquery)?,
            ..exists
        })),
        Expr::InSubquery(within) => {
            let subquery = plan(&within.subquery)?;
            Transformed::yes(Expr::InSubquery(InSubquery { subquery, ..within }))
        }
        Expr::SetComparison(compared) => {
            let subquery = plan(&compared.subquery)?;
            Transformed::yes(Expr::SetComparison(SetComparison {
                subquery,
                ..compared
            }))
        }
        other => Transformed::no(other),
    })
}

/// The columns of `schema` in an expression as outer ones.
pub(super) fn outer(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    let expr = expr.transform_up(|expr| match expr {
        Expr::Column(column) if schema.has_column(&column) => {
            let field = schema.field_from_column(&column)?;
            Ok(Transformed::yes(Expr::OuterReferenceColumn(
                Arc::clone(field),
                column,
            )))
        }
        other => Ok(Transformed::no(other)),
    })?;
    Ok(expr.data)
}
