//! `tableoid`, the column that every table has in PostgreSQL and tells which table a row is of: written as the oid of
//! the table that the query names.

use super::build::{call, folded, parts, quoted, text};
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, Select, SelectItem, TableFactor, TableWithJoins,
};

/// The column.
const TABLE_OID: &str = "tableoid";

/// The tables of a FROM clause: what they are called there, and what they are, unless they are queries.
#[derive(Default)]
pub(super) struct Tables(Vec<(String, Option<String>)>);

impl Tables {
    /// Those of a SELECT. Items that are the column by itself keep its name.
    pub fn of(select: &mut Select) -> Self {
        let mut tables = Self::default();
        for from in &select.from {
            tables.add_joined(from);
        }
        for item in &mut select.projection {
            if let SelectItem::UnnamedExpr(expr) = item
                && reference(expr).is_some_and(|(_, column)| folded(column) == TABLE_OID)
            {
                *item = SelectItem::ExprWithAlias {
                    expr: expr.clone(),
                    alias: quoted(TABLE_OID),
                };
            }
        }
        tables
    }

    fn add_joined(&mut self, from: &TableWithJoins) {
        self.add(&from.relation);
        for join in &from.joins {
            self.add(&join.relation);
        }
    }

    fn add(&mut self, factor: &TableFactor) {
        match factor {
            TableFactor::Table {
                name,
                alias,
                args: None,
                ..
            } => {
                let Some((schema, table)) = parts(name) else {
                    return;
                };
                let known = match alias {
                    Some(alias) => folded(&alias.name),
                    None => table.clone(),
                };
                let full = match schema {
                    Some(schema) => format!("\"{schema}\".\"{table}\""),
                    None => format!("\"{table}\""),
                };
                self.0.push((known, Some(full)));
            }
            TableFactor::Derived {
                alias: Some(alias), ..
            } => self.0.push((folded(&alias.name), None)),
            TableFactor::NestedJoin {
                table_with_joins, ..
            } => self.add_joined(table_with_joins),
            _ => {}
        }
    }
}

/// The column that an expression is, and its table where it is said.
fn reference(expr: &Expr) -> Option<(Option<&Ident>, &Ident)> {
    match expr {
        Expr::Identifier(column) => Some((None, column)),
        Expr::CompoundIdentifier(names) => match names.as_slice() {
            [table, column] => Some((Some(table), column)),
            _ => None,
        },
        _ => None,
    }
}

/// Rewrites the column; `scopes` are the tables of the queries around it, the innermost last.
pub(super) fn rewrite(expr: &mut Expr, scopes: &[Tables]) {
    let Some((table, column)) = reference(expr) else {
        return;
    };
    if column.value.len() != TABLE_OID.len() || folded(column) != TABLE_OID {
        return;
    }
    let found = match table {
        Some(table) => {
            let table = folded(table);
            let mut known = scopes.iter().rev().flat_map(|scope| &scope.0);
            known
                .find(|(name, _)| *name == table)
                .and_then(|(_, full)| full.clone())
        }
        None => match scopes.last().map(|scope| scope.0.as_slice()) {
            Some([(_, full)]) => full.clone(),
            _ => None,
        },
    };
    if let Some(full) = found {
        *expr = call("regclass", vec![text(full)]);
    }
}
