//! `t.*` and what stands beside it in a SELECT list.

use std::collections::HashSet;
use std::ops::ControlFlow;

use super::build::{folded, is_grouped, parts, quoted};
use crate::sql::names::{SAME, name};
use datafusion::sql::sqlparser::ast::{
    Expr, ObjectName, OrderByKind, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind as Qualifier, SetExpr, TableFactor, TableWithJoins,
    visit_expressions,
};

/// The tables that a SELECT list's wildcards stand for.
pub(super) enum Wildcards {
    /// `*`
    All,
    /// `t.*` of these, in lower case; of none, if there is no wildcard.
    Of(HashSet<String>),
}

impl Wildcards {
    pub fn of(projection: &[SelectItem]) -> Self {
        let mut tables = HashSet::new();
        for item in projection {
            match item {
                SelectItem::QualifiedWildcard(Qualifier::ObjectName(name), _) => {
                    tables.extend(parts(name).map(|(_, table)| table.to_lowercase()));
                }
                SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. } => {}
                _ => return Self::All,
            }
        }
        Self::Of(tables)
    }

    fn is_none(&self) -> bool {
        matches!(self, Self::Of(tables) if tables.is_empty())
    }

    /// Whether one of them may bring a column, written in lower case with or without its table. In a `nested` query a
    /// column without a table is taken to be of another one: what is there twice could not be named outside.
    pub fn may_bring(&self, column: &str, nested: bool) -> bool {
        match self {
            Self::All => true,
            Self::Of(tables) if nested => column.rsplit_once('.').is_some_and(|(table, _)| {
                let table = table.rsplit('.').next().unwrap_or(table);
                tables.contains(table.trim_matches('"'))
            }),
            Self::Of(tables) => !tables.is_empty(),
        }
    }
}

/// `SELECT t.* FROM s.t`: the engine knows a table under its whole name only, so that is put before the `*`.
pub(super) fn name_whole_tables(select: &mut Select) {
    let from = &select.from;
    for item in &mut select.projection {
        if let SelectItem::QualifiedWildcard(Qualifier::ObjectName(name), _) = item
            && let (1, Some((None, wanted))) = (name.0.len(), parts(name))
            && let Some(whole) = from.iter().find_map(|from| whole_name(from, &wanted))
        {
            *name = whole.clone();
        }
    }
}

/// The whole name of a table that is called `wanted` there, if it has another part.
fn whole_name<'a>(from: &'a TableWithJoins, wanted: &str) -> Option<&'a ObjectName> {
    let relations = from.joins.iter().map(|join| &join.relation);
    std::iter::once(&from.relation)
        .chain(relations)
        .find_map(|relation| match relation {
            TableFactor::Table {
                name, alias: None, ..
            } if name.0.len() > 1 => parts(name)
                .is_some_and(|(_, table)| table == wanted)
                .then_some(name),
            TableFactor::NestedJoin {
                table_with_joins,
                alias: None,
            } => whole_name(table_with_joins, wanted),
            _ => None,
        })
}

/// `SELECT t.*, 1 AS id`, with a column `id` in the table: PostgreSQL's result has both, the engine takes no second one.
/// What is computed gets an alias that no client sees, unless ORDER BY speaks of it.
pub(super) fn hide_shared_names(query: &mut Query) {
    let mut sorted_by = HashSet::new();
    if let Some(OrderByKind::Expressions(keys)) = query.order_by.as_ref().map(|order| &order.kind) {
        let _ = visit_expressions(keys, |expr| {
            if let Expr::Identifier(ident) = expr {
                sorted_by.insert(folded(ident));
            }
            ControlFlow::<()>::Continue(())
        });
    }
    let SetExpr::Select(select) = query.body.as_mut() else {
        return;
    };
    let is_keyed = is_grouped(select) || select.distinct.is_some();
    if is_keyed || Wildcards::of(&select.projection).is_none() {
        return;
    }
    for (at, item) in select.projection.iter_mut().enumerate() {
        let (shown, expr) = match item {
            SelectItem::ExprWithAlias { expr, alias } => (folded(alias), expr),
            SelectItem::UnnamedExpr(expr)
                if !matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) =>
            {
                (name(expr), expr)
            }
            _ => continue,
        };
        if !sorted_by.contains(&shown) {
            *item = SelectItem::ExprWithAlias {
                expr: expr.clone(),
                alias: quoted(format!("{shown}{SAME}{}", at + 1)),
            };
        }
    }
}
