//! Joins by columns of the same name: `JOIN … USING (k)` and `NATURAL JOIN`.
//!
//! PostgreSQL merges such columns into one, which comes first in `*`: of a FULL JOIN it has whichever side's value is
//! there, of a RIGHT JOIN the right side's. The engine takes any side's. So the merged column is written out wherever a
//! SELECT names it, and `*` as the list of columns that it stands for. Which column is whose is asked of the engine, table
//! by table.

use std::ops::ControlFlow;

use datafusion::common::Result;
use datafusion::error::DataFusionError;
use datafusion::execution::session_state::SessionState;
use datafusion::sql::sqlparser::ast::{
    self, Expr, Ident, Join, JoinConstraint, JoinOperator, ObjectName, ObjectNamePart, OrderByKind,
    Query, Select, SelectItem, SetExpr, TableFactor, TableWithJoins, VisitMut, VisitorMut,
};

use super::sources;
use crate::proxy::postgres::error::SqlError;
use crate::sql::parse::build;

/// SELECTs of a statement that are looked at: each of their tables is planned once more.
const SELECTS_MAX: usize = 100;

/// Writes the merged columns of all joins of a statement out.
///
/// What cannot be planned by itself is left to the engine.
///
/// # Errors
/// 42703 for a column that is not on both sides.
pub(super) async fn write_out(state: &SessionState, statement: &mut ast::Statement) -> Result<()> {
    for at in 0..SELECTS_MAX {
        let Some(tables) = sources::chosen(statement, at, merged_tables) else {
            break;
        };
        let mut columns = Vec::with_capacity(tables.len());
        for table in tables {
            columns.push(sources::columns_of(state, table).await);
        }
        let Some(columns) = columns.into_iter().collect::<Option<Vec<_>>>() else {
            continue;
        };
        let mut writer = Writer {
            skip: at,
            columns,
            merged: None,
            error: None,
        };
        let _ = VisitMut::visit(statement, &mut writer);
        if let Some(error) = writer.error {
            return Err(DataFusionError::External(Box::new(error)));
        }
    }
    Ok(())
}

/// The constraint of a join, and which side's value a merged column has.
fn constraint(operator: &mut JoinOperator) -> Option<(&mut JoinConstraint, Sided)> {
    use JoinOperator as O;
    Some(match operator {
        O::Join(constraint)
        | O::Inner(constraint)
        | O::Left(constraint)
        | O::LeftOuter(constraint) => (constraint, Sided::Left),
        O::Right(constraint) | O::RightOuter(constraint) => (constraint, Sided::Right),
        O::FullOuter(constraint) => (constraint, Sided::Either),
        _ => return None,
    })
}

#[derive(Clone, Copy)]
enum Sided {
    Left,
    Right,
    Either,
}

/// Whether a SELECT joins by columns of the same name.
fn merges(tables: &[TableWithJoins]) -> bool {
    tables.iter().any(|tables| {
        let mut joins = tables.joins.iter();
        let by_name = joins.any(|join| {
            let mut operator = join.join_operator.clone();
            matches!(
                constraint(&mut operator),
                Some((JoinConstraint::Using(_) | JoinConstraint::Natural, _))
            )
        });
        let factors =
            std::iter::once(&tables.relation).chain(tables.joins.iter().map(|j| &j.relation));
        by_name
            || factors.into_iter().any(|factor| {
                nested(factor).is_some_and(|inner| merges(std::slice::from_ref(inner)))
            })
    })
}

/// What stands in brackets without a name of its own.
fn nested(factor: &TableFactor) -> Option<&TableWithJoins> {
    match factor {
        TableFactor::NestedJoin {
            table_with_joins,
            alias: None,
        } => Some(table_with_joins),
        _ => None,
    }
}

/// The tables of a SELECT that joins by columns of the same name, from left to right.
fn merged_tables(select: &Select) -> Vec<&TableFactor> {
    let mut found = Vec::new();
    if merges(&select.from) {
        for tables in &select.from {
            factors(tables, &mut found);
        }
    }
    found
}

/// The tables of one item of a FROM, from left to right.
fn factors<'a>(tables: &'a TableWithJoins, found: &mut Vec<&'a TableFactor>) {
    let joined = tables.joins.iter().map(|join| &join.relation);
    for factor in std::iter::once(&tables.relation).chain(joined) {
        match nested(factor) {
            Some(inner) => factors(inner, found),
            None => found.push(factor),
        }
    }
}

/// A column as a SELECT sees it.
#[derive(Clone)]
struct Column {
    name: String,
    expr: Expr,
    is_merged: bool,
}

/// Rewrites one SELECT.
struct Writer {
    skip: usize,
    /// The columns of its tables, in their order.
    columns: Vec<Vec<String>>,
    /// The columns of the SELECT that has been rewritten, for the ORDER BY of the query around it.
    merged: Option<Vec<Column>>,
    /// A column that is missing.
    error: Option<SqlError>,
}

impl VisitorMut for Writer {
    type Break = ();

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        if !merges(&select.from) {
            return ControlFlow::Continue(());
        }
        if self.skip > 0 {
            self.skip -= 1;
            return ControlFlow::Continue(());
        }
        let mut tables = std::mem::take(&mut self.columns).into_iter();
        let mut columns = Vec::new();
        for from in &mut select.from {
            match joined(from, &mut tables) {
                Ok(Some(found)) => columns.extend(found),
                Ok(None) => return ControlFlow::Break(()),
                Err(error) => {
                    self.error = Some(error);
                    return ControlFlow::Break(());
                }
            }
        }
        let mut items = Vec::with_capacity(select.projection.len());
        for item in std::mem::take(&mut select.projection) {
            match item {
                SelectItem::Wildcard(_) => items.extend(columns.iter().map(Column::item)),
                SelectItem::UnnamedExpr(Expr::Identifier(ident)) => {
                    items.push(match merged(&columns, &ident) {
                        Some(column) => column.item(),
                        None => SelectItem::UnnamedExpr(Expr::Identifier(ident)),
                    });
                }
                other => items.push(other),
            }
        }
        select.projection = items;
        let mut names = Names {
            columns: &columns,
            depth: 0,
        };
        let _ = VisitMut::visit(select, &mut names);
        self.merged = Some(columns);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let Some(columns) = self.merged.take() else {
            return ControlFlow::Continue(());
        };
        if let (SetExpr::Select(select), Some(order)) = (query.body.as_ref(), &mut query.order_by)
            && let OrderByKind::Expressions(keys) = &mut order.kind
        {
            for key in keys {
                if let Expr::Identifier(ident) = &key.expr
                    && let Some(column) = merged(&columns, ident)
                    && let Some(at) = place(&select.projection, &column.name)
                {
                    key.expr = build::number(at + 1);
                }
                let mut names = Names {
                    columns: &columns,
                    depth: 0,
                };
                let _ = VisitMut::visit(key, &mut names);
            }
        }
        ControlFlow::Break(())
    }
}

impl Column {
    fn item(&self) -> SelectItem {
        match self.expr {
            Expr::CompoundIdentifier(_) => SelectItem::UnnamedExpr(self.expr.clone()),
            _ => SelectItem::ExprWithAlias {
                expr: self.expr.clone(),
                alias: build::quoted(self.name.clone()),
            },
        }
    }
}

/// Where in a SELECT list an output column stands, if no wildcard before it hides that.
fn place(items: &[SelectItem], name: &str) -> Option<usize> {
    for (at, item) in items.iter().enumerate() {
        let found = match item {
            SelectItem::ExprWithAlias { alias, .. } => build::folded(alias),
            SelectItem::UnnamedExpr(Expr::Identifier(ident)) => build::folded(ident),
            SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => {
                parts.last().map(build::folded).unwrap_or_default()
            }
            SelectItem::UnnamedExpr(_) => continue,
            _ => return None,
        };
        if found == name {
            return Some(at);
        }
    }
    None
}

/// The merged column that a name means, if it can mean no other.
fn merged<'a>(columns: &'a [Column], ident: &Ident) -> Option<&'a Column> {
    let name = build::folded(ident);
    let mut named = columns.iter().filter(|column| column.name == name);
    match (named.next(), named.next()) {
        (Some(column), None) if column.is_merged => Some(column),
        _ => None,
    }
}

/// Puts expressions in the places of merged columns, but in subqueries, where names may mean others.
struct Names<'a> {
    columns: &'a [Column],
    depth: usize,
}

impl VisitorMut for Names<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let (0, Expr::Identifier(ident)) = (self.depth, &*expr)
            && let Some(column) = merged(self.columns, ident)
        {
            *expr = column.expr.clone();
        }
        ControlFlow::Continue(())
    }
}

/// The columns of joined tables, in the order of `*`. NATURAL becomes USING. `None` where the columns are not known.
///
/// # Errors
/// 42703 for a column that is not on both sides.
fn joined(
    tables: &mut TableWithJoins,
    columns: &mut impl Iterator<Item = Vec<String>>,
) -> Result<Option<Vec<Column>>, SqlError> {
    let Some(mut left) = factor(&mut tables.relation, columns)? else {
        return Ok(None);
    };
    for Join {
        relation,
        join_operator,
        ..
    } in &mut tables.joins
    {
        let Some(mut right) = factor(relation, columns)? else {
            return Ok(None);
        };
        let found = constraint(join_operator);
        let Some((constraint, sided)) = found else {
            left.extend(right);
            continue;
        };
        let keys: Vec<String> = match constraint {
            JoinConstraint::Using(names) => names
                .iter()
                .map(|name| {
                    name.0
                        .last()
                        .and_then(ObjectNamePart::as_ident)
                        .map(build::folded)
                })
                .collect::<Option<_>>()
                .unwrap_or_default(),
            JoinConstraint::Natural => {
                let is_common =
                    |column: &&Column| right.iter().any(|other| other.name == column.name);
                left.iter()
                    .filter(is_common)
                    .map(|column| column.name.clone())
                    .collect()
            }
            _ => Vec::new(),
        };
        if matches!(constraint, JoinConstraint::Natural) {
            let name = |key: &String| ObjectName::from(vec![build::quoted(key.clone())]);
            *constraint = match keys.is_empty() {
                true => JoinConstraint::On(build::boolean(true)),
                false => JoinConstraint::Using(keys.iter().map(name).collect()),
            };
        }
        let mut all = Vec::with_capacity(left.len() + right.len());
        for key in keys {
            let left = taken(&mut left, &key, "left")?;
            let right = taken(&mut right, &key, "right")?;
            let expr = match sided {
                Sided::Left => left.expr,
                Sided::Right => right.expr,
                Sided::Either => build::call("coalesce", vec![left.expr, right.expr]),
            };
            all.push(Column {
                name: key,
                expr,
                is_merged: true,
            });
        }
        all.append(&mut left);
        all.append(&mut right);
        left = all;
    }
    Ok(Some(left))
}

/// Takes the column of a name out.
fn taken(columns: &mut Vec<Column>, name: &str, side: &str) -> Result<Column, SqlError> {
    match columns.iter().position(|column| column.name == name) {
        Some(at) => Ok(columns.remove(at)),
        None => Err(SqlError::new(
            "42703",
            format!("column \"{name}\" specified in USING clause does not exist in {side} table"),
        )),
    }
}

fn factor(
    factor: &mut TableFactor,
    columns: &mut impl Iterator<Item = Vec<String>>,
) -> Result<Option<Vec<Column>>, SqlError> {
    if let TableFactor::NestedJoin {
        table_with_joins,
        alias: None,
    } = factor
    {
        return joined(table_with_joins, columns);
    }
    let (Some(table), Some(names)) = (table_name(factor), columns.next()) else {
        return Ok(None);
    };
    let column = |name: String| Column {
        expr: Expr::CompoundIdentifier(vec![
            build::quoted(table.clone()),
            build::quoted(name.clone()),
        ]),
        name,
        is_merged: false,
    };
    Ok(Some(names.into_iter().map(column).collect()))
}

/// The name by which a table's columns are qualified.
fn table_name(factor: &TableFactor) -> Option<String> {
    match factor {
        TableFactor::Table {
            alias: None, name, ..
        } => Some(build::folded(
            name.0.last().and_then(ObjectNamePart::as_ident)?,
        )),
        TableFactor::Table { alias, .. }
        | TableFactor::Derived { alias, .. }
        | TableFactor::Function { alias, .. }
        | TableFactor::UNNEST { alias, .. }
        | TableFactor::NestedJoin { alias, .. } => Some(build::folded(&alias.as_ref()?.name)),
        _ => None,
    }
}

/// Writes tables in brackets that have a name as subqueries: a name hides those within.
pub(super) struct NameBrackets;

impl VisitorMut for NameBrackets {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        if let TableFactor::NestedJoin {
            table_with_joins,
            alias: alias @ Some(_),
        } = factor
        {
            let all = SelectItem::Wildcard(ast::WildcardAdditionalOptions::default());
            let mut query = build::select(vec![all], None, None);
            if let SetExpr::Select(select) = query.body.as_mut() {
                select.from = vec![table_with_joins.as_ref().clone()];
            }
            *factor = TableFactor::Derived {
                lateral: false,
                subquery: Box::new(query),
                alias: alias.take(),
                sample: None,
            };
        }
        ControlFlow::Continue(())
    }
}
