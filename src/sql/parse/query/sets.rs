//! Functions that make rows in a SELECT list, beside columns.

use std::ops::ControlFlow;

use super::build::{alias, folded, is_grouped, parts, quoted, select};
use super::functions::is_set_returning;
use crate::sql::names::{SAME, name};
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, Query, Select, SelectItem, SetExpr, TableFactor, visit_expressions,
};

/// `SELECT unnest(t.list), t.n + 1 AS n FROM t`: beside a function that makes rows, the engine computes what else there is
/// together with the columns that it is made of, and takes the two called `n` for one. So a query that does this is put
/// into another one, and its columns get their names there.
pub(super) fn apart_from_columns(query: &mut Query) {
    if query.order_by.is_some() {
        return;
    }
    let SetExpr::Select(inner) = query.body.as_mut() else {
        return;
    };
    let is_plain = |item: &SelectItem| {
        matches!(
            item,
            SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. }
        )
    };
    // Of a wildcard it cannot be said how many columns it is; keys may go by the names of columns.
    if !inner.projection.iter().all(is_plain) || is_grouped(inner) || inner.distinct.is_some() {
        return;
    }
    if !shares_a_name(inner) || !makes_rows(inner) {
        return;
    }
    let mut outer = Vec::with_capacity(inner.projection.len());
    for (at, item) in inner.projection.iter_mut().enumerate() {
        let (expr, shown) = match item {
            SelectItem::ExprWithAlias { expr, alias } => (expr, alias.clone()),
            SelectItem::UnnamedExpr(expr) => {
                let shown = quoted(name(expr));
                (expr, shown)
            }
            _ => continue,
        };
        let hidden = quoted(format!("{SAME}{at}"));
        outer.push(SelectItem::ExprWithAlias {
            expr: Expr::Identifier(hidden.clone()),
            alias: shown,
        });
        *item = SelectItem::ExprWithAlias {
            expr: expr.clone(),
            alias: hidden,
        };
    }
    let nothing = select(Vec::new(), None, None).body;
    let inner = std::mem::replace(&mut query.body, nothing);
    let rows = TableFactor::Derived {
        lateral: false,
        subquery: Box::new(super::build::query(*inner)),
        alias: Some(alias(quoted(SAME.to_string()), Vec::new())),
        sample: None,
    };
    query.body = select(outer, Some(rows), None).body;
}

/// Whether something that is computed is called what a column in it is called.
fn shares_a_name(select: &Select) -> bool {
    select.projection.iter().any(|item| {
        let SelectItem::ExprWithAlias { expr, alias } = item else {
            return false;
        };
        if matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) {
            return false;
        }
        let shared = folded(alias);
        let is_shared = |column: &Ident| match folded(column) == shared {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        let found = visit_expressions(expr, |part| match part {
            Expr::Identifier(column) => is_shared(column),
            Expr::CompoundIdentifier(parts) => {
                parts.last().map_or(ControlFlow::Continue(()), is_shared)
            }
            _ => ControlFlow::Continue(()),
        });
        found.is_break()
    })
}

/// Whether a function that makes rows stands in the SELECT list.
fn makes_rows(select: &Select) -> bool {
    let found = visit_expressions(&select.projection, |expr| match expr {
        Expr::Function(function)
            if parts(&function.name).is_some_and(|(_, name)| is_set_returning(&name)) =>
        {
            ControlFlow::Break(())
        }
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}
