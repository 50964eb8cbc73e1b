//! Tables where a value stands: `row_to_json(t)`, `SELECT t FROM t`. To PostgreSQL that is the row, which the engine does
//! not know: so its columns are written out. Which these are is asked of the engine, table by table.

use std::ops::ControlFlow;

use datafusion::execution::session_state::SessionState;
use datafusion::sql::sqlparser::ast::{
    self, Expr, Ident, ObjectNamePart, Select, SelectItem, TableFactor, TableWithJoins, VisitMut,
    VisitorMut,
};

use super::sources;
use crate::sql::parse::build;

/// SELECTs of a statement that are looked at: the table of each is planned once more.
const SELECTS_MAX: usize = 20;

/// Writes the rows of the table that FROM calls `name` out where it stands for a value. Whether there is one.
pub(super) async fn write_out(
    state: &SessionState,
    statement: &mut ast::Statement,
    name: &str,
) -> bool {
    let mut is_changed = false;
    for at in 0..SELECTS_MAX {
        let found = sources::chosen(statement, at, |select| {
            table(&select.from, name).into_iter().collect()
        });
        let Some(mut tables) = found else {
            break;
        };
        let Some(table) = tables.pop() else {
            break;
        };
        let Some(columns) = sources::columns_of(state, table).await else {
            continue;
        };
        let mut writer = Writer {
            name,
            skip: at,
            columns,
            is_changed: false,
        };
        let _ = VisitMut::visit(statement, &mut writer);
        is_changed |= writer.is_changed;
    }
    is_changed
}

/// What FROM calls a table.
fn called(factor: &TableFactor) -> Option<String> {
    let ident = match factor {
        TableFactor::Table {
            alias: Some(alias), ..
        }
        | TableFactor::Derived {
            alias: Some(alias), ..
        }
        | TableFactor::Function {
            alias: Some(alias), ..
        }
        | TableFactor::UNNEST {
            alias: Some(alias), ..
        } => &alias.name,
        TableFactor::Table { name, .. } => name.0.last().and_then(ObjectNamePart::as_ident)?,
        _ => return None,
    };
    Some(build::folded(ident))
}

/// The table of this name in a FROM.
fn table<'a>(from: &'a [TableWithJoins], name: &str) -> Option<&'a TableFactor> {
    let factors = from.iter().flat_map(|tables| {
        let joined = tables.joins.iter().map(|join| &join.relation);
        std::iter::once(&tables.relation).chain(joined)
    });
    let mut named = factors.filter(|factor| called(factor).as_deref() == Some(name));
    named.next()
}

/// Rewrites one SELECT.
struct Writer<'a> {
    name: &'a str,
    skip: usize,
    columns: Vec<String>,
    is_changed: bool,
}

impl VisitorMut for Writer<'_> {
    type Break = ();

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        if table(&select.from, self.name).is_none() {
            return ControlFlow::Continue(());
        }
        if self.skip > 0 {
            self.skip -= 1;
            return ControlFlow::Continue(());
        }
        let from = std::mem::take(&mut select.from);
        for item in &mut select.projection {
            if let SelectItem::UnnamedExpr(expr @ Expr::Identifier(_)) = item
                && names(expr, self.name)
            {
                *item = SelectItem::ExprWithAlias {
                    expr: expr.clone(),
                    alias: build::quoted(self.name),
                };
            }
        }
        let mut rows = Rows { of: self };
        let _ = VisitMut::visit(select, &mut rows);
        select.from = from;
        ControlFlow::Break(())
    }
}

fn names(expr: &Expr, name: &str) -> bool {
    matches!(expr, Expr::Identifier(ident) if build::folded(ident) == name)
}

/// Puts the row in the place of the name.
struct Rows<'a, 'b> {
    of: &'a mut Writer<'b>,
}

impl VisitorMut for Rows<'_, '_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if names(expr, self.of.name) {
            let mut fields = Vec::with_capacity(self.of.columns.len() * 2);
            for column in &self.of.columns {
                let path = vec![build::quoted(self.of.name), Ident::with_quote('"', column)];
                fields.push(build::text(column));
                fields.push(Expr::CompoundIdentifier(path));
            }
            *expr = build::call("named_struct", fields);
            self.of.is_changed = true;
        }
        ControlFlow::Continue(())
    }
}
