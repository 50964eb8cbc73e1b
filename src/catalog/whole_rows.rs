//! Tables where a value stands: `row_to_json(t)`, `SELECT t FROM t`. To PostgreSQL that is the row, which the engine does
//! not know: so its columns are written out. Which these are is asked of the engine, table by table.

use std::ops::ControlFlow;

use datafusion::execution::session_state::SessionState;
use datafusion::sql::sqlparser::ast::{
    self, Expr, Ident, ObjectNamePart, Select, SelectItem, TableFactor, TableWithJoins, VisitMut,
    VisitorMut,
};

use super::sources;
use crate::sql::parse::{build, element};

/// SELECTs of a statement that are looked at: the table of each is planned once more.
const SELECTS_MAX: usize = 20;

/// Writes the rows of the table that FROM calls `name` out where it stands for a value. Whether there is one.
pub(super) async fn write_out(
    state: &SessionState,
    statement: &mut ast::Statement,
    name: &str,
) -> bool {
    let mut elements = Elements {
        name,
        is_changed: false,
    };
    let _ = VisitMut::visit(statement, &mut elements);
    let mut is_changed = elements.is_changed;
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
        let mut fields = Vec::with_capacity(self.columns.len() * 2);
        for column in &self.columns {
            let path = vec![build::quoted(self.name), Ident::with_quote('"', column)];
            fields.push(build::text(column));
            fields.push(Expr::CompoundIdentifier(path));
        }
        let row = build::call("named_struct", fields);
        self.is_changed |= put(row, self.name, select);
        ControlFlow::Break(())
    }
}

/// Puts a value in the place of a table's name. Whether it stands anywhere.
fn put(row: Expr, name: &str, select: &mut Select) -> bool {
    let mut from = std::mem::take(&mut select.from);
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(expr @ Expr::Identifier(_)) = item
            && names(expr, name)
        {
            *item = SelectItem::ExprWithAlias {
                expr: expr.clone(),
                alias: build::quoted(name),
            };
        }
    }
    let mut rows = Rows {
        name,
        row,
        is_changed: false,
    };
    let _ = VisitMut::visit(select, &mut rows);
    for tables in &mut from {
        let joined = tables.joins.iter_mut().map(|join| &mut join.relation);
        for factor in std::iter::once(&mut tables.relation).chain(joined) {
            // Others do not see the table.
            if matches!(factor, TableFactor::Derived { lateral: true, .. }) {
                let _ = VisitMut::visit(factor, &mut rows);
            }
        }
    }
    select.from = from;
    rows.is_changed
}

/// Puts their values in the place of elements of JSON: of a function of single values the row is the value.
struct Elements<'a> {
    name: &'a str,
    is_changed: bool,
}

impl VisitorMut for Elements<'_> {
    type Break = ();

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        if let Some(value) = table(&select.from, self.name).and_then(element) {
            let path = vec![build::quoted(self.name), value.clone()];
            self.is_changed |= put(Expr::CompoundIdentifier(path), self.name, select);
        }
        ControlFlow::Continue(())
    }
}

fn names(expr: &Expr, name: &str) -> bool {
    matches!(expr, Expr::Identifier(ident) if build::folded(ident) == name)
}

/// Puts the row in the place of the name.
struct Rows<'a> {
    name: &'a str,
    row: Expr,
    is_changed: bool,
}

impl VisitorMut for Rows<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if names(expr, self.name) {
            *expr = self.row.clone();
            self.is_changed = true;
        }
        ControlFlow::Continue(())
    }
}
