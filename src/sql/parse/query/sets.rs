//! Functions that make rows in a SELECT list, beside columns.

use std::ops::ControlFlow;

use super::build::{alias, derived, folded, is_grouped, parts, quoted, select};
use super::functions::is_set_returning;
use crate::sql::names::{SAME, name};
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, OrderByExpr, OrderByKind, OrderByOptions, Query, Select, SelectItem, SetExpr,
    WildcardAdditionalOptions, WindowSpec, WindowType, visit_expressions,
};

/// `SELECT unnest(t.list), t.n + 1 AS n FROM t`: beside a function that makes rows, the engine computes what else there is
/// together with the columns that it is made of, and takes the two called `n` for one. So a query that does this is put
/// into another one, and its columns get their names there.
pub(super) fn apart_from_columns(query: &mut Query) {
    if query.order_by.is_some() {
        return sorted_apart(query);
    }
    let SetExpr::Select(inner) = query.body.as_mut() else {
        return;
    };
    if !can_be_put_apart(inner) || !shares_a_name(inner) || !makes_rows(&inner.projection) {
        return;
    }
    let columns = outer_columns(&mut inner.projection);
    query.body = select_from(columns, take_body(query));
}

/// `SELECT unnest(t.list) FROM t ORDER BY t.n`: the engine cannot sort by what is not among the columns where a function
/// makes rows of them. So such a query is put into another one, with what it is sorted by beside its columns. Rows of one
/// call stay as they are.
fn sorted_apart(query: &mut Query) {
    let (SetExpr::Select(inner), Some(order)) = (query.body.as_mut(), &mut query.order_by) else {
        return;
    };
    let OrderByKind::Expressions(keys) = &mut order.kind else {
        return;
    };
    if !can_be_put_apart(inner) {
        return;
    }
    let names: Vec<String> = inner.projection.iter().filter_map(shown).collect();
    let is_shown = |key: &OrderByExpr| match &key.expr {
        Expr::Value(_) => true,
        Expr::Identifier(ident) => names.contains(&folded(ident)),
        _ => false,
    };
    if keys.iter().all(is_shown) || !makes_rows(&inner.projection) {
        return;
    }
    let columns = outer_columns(&mut inner.projection);
    for (at, key) in keys
        .iter_mut()
        .enumerate()
        .filter(|(_, key)| !is_shown(key))
    {
        let hidden = quoted(format!("{SAME}key{at}"));
        inner.projection.push(SelectItem::ExprWithAlias {
            expr: std::mem::replace(&mut key.expr, Expr::Identifier(hidden.clone())),
            alias: hidden,
        });
    }
    let place = quoted(format!("{SAME}place"));
    keys.push(OrderByExpr {
        expr: Expr::Identifier(place.clone()),
        options: OrderByOptions::default(),
        with_fill: None,
    });
    let numbered = vec![
        SelectItem::Wildcard(WildcardAdditionalOptions::default()),
        SelectItem::ExprWithAlias {
            expr: row_number(),
            alias: place,
        },
    ];
    let inner = select_from(numbered, take_body(query));
    query.body = select_from(columns, inner);
}

fn take_body(query: &mut Query) -> Box<SetExpr> {
    std::mem::replace(&mut query.body, select(Vec::new(), None, None).body)
}

/// A SELECT from what another query gives.
fn select_from(columns: Vec<SelectItem>, body: Box<SetExpr>) -> Box<SetExpr> {
    let rows = derived(
        false,
        super::build::query(*body),
        alias(quoted(SAME.to_string()), Vec::new()),
    );
    select(columns, Some(rows), None).body
}

/// `row_number() OVER ()`
fn row_number() -> Expr {
    let mut expr = super::build::call("row_number", Vec::new());
    if let Expr::Function(function) = &mut expr {
        function.over = Some(WindowType::WindowSpec(WindowSpec {
            window_name: None,
            partition_by: Vec::new(),
            order_by: Vec::new(),
            window_frame: None,
        }));
    }
    expr
}

/// Of a wildcard it cannot be said how many columns it is; keys may go by the names of columns.
fn can_be_put_apart(select: &Select) -> bool {
    let is_plain = |item: &SelectItem| {
        matches!(
            item,
            SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. }
        )
    };
    select.projection.iter().all(is_plain) && !is_grouped(select) && select.distinct.is_none()
}

/// What a column of the result is called.
fn shown(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(folded(alias)),
        SelectItem::UnnamedExpr(expr) => Some(name(expr)),
        _ => None,
    }
}

/// Gives columns names that no other has, and returns how the query around shows them.
fn outer_columns(projection: &mut [SelectItem]) -> Vec<SelectItem> {
    let mut outer = Vec::with_capacity(projection.len());
    for (at, item) in projection.iter_mut().enumerate() {
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
    outer
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
fn makes_rows(projection: &Vec<SelectItem>) -> bool {
    let found = visit_expressions(projection, |expr| match expr {
        Expr::Function(function)
            if parts(&function.name).is_some_and(|(_, name)| is_set_returning(&name)) =>
        {
            ControlFlow::Break(())
        }
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}
