//! Result columns: names that PostgreSQL gives them and the engine does not, or lets them share.

use std::collections::HashSet;

use super::build::{folded, number, quoted};
use super::wildcards::Wildcards;
use crate::sql::names::{SAME, name, result_names};
use datafusion::sql::sqlparser::ast::{Expr, OrderByKind, Query, SelectItem, SetExpr};

/// `SELECT count(*) … ORDER BY count` sorts by the column that PostgreSQL calls `count`. The engine has another
/// name for it, so it is told the number.
pub(super) fn order_by_number(query: &mut Query) {
    let names = result_names(query);
    let (SetExpr::Select(select), Some(order)) = (query.body.as_ref(), &mut query.order_by) else {
        return;
    };
    let OrderByKind::Expressions(keys) = &mut order.kind else {
        return;
    };
    if names.iter().any(Option::is_none) {
        return;
    }
    for key in keys {
        let Expr::Identifier(ident) = &key.expr else {
            continue;
        };
        let wanted = folded(ident);
        let mut same = names
            .iter()
            .enumerate()
            .filter(|(_, name)| name.as_ref() == Some(&wanted));
        if let (Some((at, _)), None) = (same.next(), same.next())
            && let Some(SelectItem::UnnamedExpr(item)) = select.projection.get(at)
            && !matches!(item, Expr::Identifier(_) | Expr::CompoundIdentifier(_))
        {
            key.expr = number(at + 1);
        }
    }
}

/// The most columns of a result, as in PostgreSQL.
pub(super) const COLUMNS_MAX: usize = 1664;

/// PostgreSQL lets columns of a result share a name, the engine does not: those after the first get an alias, which
/// no client sees since it is given PostgreSQL's names. A query around this one (`nested`) finds columns by their names:
/// there those are left alone that no wildcard beside them can have brought already.
pub(super) fn number_duplicates(projection: &mut [SelectItem], nested: bool) {
    if projection.len() < 2 {
        return;
    }
    let wildcards = Wildcards::of(projection);
    let mut names: HashSet<String> = HashSet::with_capacity(projection.len());
    // The shorter names that a qualified column may stand for.
    let mut shorter: HashSet<String> = HashSet::new();
    for (at, item) in projection.iter_mut().enumerate() {
        let Some((name, is_column)) = key(item) else {
            continue;
        };
        let last = name.rsplit('.').next().unwrap_or_default();
        let same =
            names.contains(&name) || shorter.contains(&name) || (is_column && names.contains(last));
        if same || (is_column && wildcards.may_bring(&name, nested)) {
            let shown = match item {
                SelectItem::UnnamedExpr(expr) => crate::sql::names::name(expr),
                SelectItem::ExprWithAlias { alias, .. } => folded(alias),
                _ => name.clone(),
            };
            let alias = quoted(format!("{shown}{SAME}{}", at + 1));
            match item {
                SelectItem::UnnamedExpr(expr) => {
                    *item = SelectItem::ExprWithAlias {
                        expr: expr.clone(),
                        alias,
                    };
                }
                SelectItem::ExprWithAlias { alias: old, .. } => *old = alias,
                _ => {}
            }
        }
        shorter.extend(
            name.match_indices('.')
                .map(|(at, _)| name[at + 1..].to_owned()),
        );
        names.insert(name);
    }
}

/// What the engine calls an item, near enough to find duplicates, and whether it is a column; `None` for a wildcard.
fn key(item: &SelectItem) -> Option<(String, bool)> {
    let mut expr = match item {
        SelectItem::ExprWithAlias { alias, .. } => {
            return Some((alias.value.to_lowercase(), false));
        }
        SelectItem::UnnamedExpr(expr) => expr,
        _ => return None,
    };
    // The engine leaves casts out of names.
    while let Expr::Cast { expr: inner, .. } | Expr::Nested(inner) = expr {
        expr = inner;
    }
    let is_column = matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
    Some((expr.to_string().to_lowercase(), is_column))
}

/// Gives each column of a query inside another the name that PostgreSQL gives it, so that the outer query finds it.
pub(super) fn name_columns(projection: &mut [SelectItem]) {
    for item in projection {
        if let SelectItem::UnnamedExpr(expr) = item
            && (super::functions::is_keyword(expr)
                || !matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_)))
        {
            *item = SelectItem::ExprWithAlias {
                alias: quoted(name(expr)),
                expr: expr.clone(),
            };
        }
    }
}
