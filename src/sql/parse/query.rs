//! Queries: whether they only read, and their translation into what the engine understands.

mod arrays;
pub(crate) mod build;
mod columns;
mod empty;
mod functions;
mod limits;
mod literals;
mod operators;
mod patterns;
mod records;
mod rows;
mod sets;
mod tables;
mod types;
mod values;
mod wildcards;

pub(super) use self::arrays::texts;
use self::build::{cast, folded, literal};
use self::columns::{COLUMNS_MAX, name_columns, number_duplicates, order_by_number};
pub(crate) use self::functions::MOMENTS;
pub(crate) use self::literals::TypedNumbers;
#[cfg(test)]
pub(crate) use self::literals::plain_engine;
pub(super) use self::operators::named as operator;
pub(crate) use self::operators::{DISTINCT, NOT_DISTINCT};
pub(super) use self::patterns::like_pattern;
pub(crate) use self::tables::element;
use super::refuse::read_only;
use crate::sql::sqlstate::{SqlError, located};
use datafusion::sql::sqlparser::ast::{
    DataType, Expr, GroupByExpr, ObjectName, ObjectNamePart, Query, Select, SetExpr, Statement,
    TableFactor, VisitMut, VisitorMut,
};
use std::ops::ControlFlow;

/// Checks that nothing in `query` writes or locks, and rewrites PostgreSQL's words for functions.
///
/// # Errors
/// 25006 for SELECT INTO, FOR UPDATE and its kin, and data-modifying statements in WITH; 0A000 for clauses that the
/// engine would ignore.
pub(super) fn prepare(sql: &str, query: &mut Query) -> Result<(), SqlError> {
    let mut reader = Reader {
        sql,
        from: Vec::new(),
        queries: Vec::new(),
    };
    match query.visit(&mut reader) {
        ControlFlow::Break(error) => return Err(located(error, sql)),
        ControlFlow::Continue(()) => {}
    }
    literals::integers(query);
    Ok(())
}

/// Most tables that a query reads after its common table expressions are put in place: the planner copies them to
/// each place that names them, so that `FROM c, c` in each of thirty would make a plan of 2^30 tables.
const TABLES_MAX: usize = 2_000;

/// Walks a query. The depth was bounded before parsing.
struct Reader<'a> {
    /// The statement as it was written.
    sql: &'a str,
    /// For each query and SELECT around the current place, whether it reads tables.
    from: Vec<bool>,
    /// The queries around the current place.
    queries: Vec<Scope>,
}

/// A query and its common table expressions.
#[derive(Default)]
struct Scope {
    /// Tables that the query reads so far.
    tables: usize,
    /// Names of the common table expressions that are still to come, last first.
    coming: Vec<String>,
    /// Those that have been read, with their tables.
    known: Vec<(String, usize)>,
}

impl VisitorMut for Reader<'_> {
    type Break = SqlError;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<SqlError> {
        if let Some(lock) = query.locks.first() {
            return ControlFlow::Break(read_only(&format!("SELECT FOR {}", lock.lock_type)));
        }
        match query.body.as_ref() {
            SetExpr::Insert(_) => return ControlFlow::Break(read_only("INSERT")),
            SetExpr::Update(_) => return ControlFlow::Break(read_only("UPDATE")),
            SetExpr::Delete(_) => return ControlFlow::Break(read_only("DELETE")),
            SetExpr::Merge(_) => return ControlFlow::Break(read_only("MERGE")),
            _ => {}
        }
        let foreign = query.for_clause.is_some()
            || query.settings.is_some()
            || query.format_clause.is_some()
            || !query.pipe_operators.is_empty();
        if foreign {
            return unsupported("a clause behind the query");
        }
        if let SetExpr::Values(values) = query.body.as_mut() {
            values::alike(&mut values.rows);
            if let Some(branches) = values::branches(&values.rows) {
                query.body = branches;
            }
        }
        limits::rewrite(query)?;
        order_by_number(query);
        if self.queries.is_empty() {
            wildcards::hide_shared_names(query);
        }
        sets::apart_from_columns(query);
        // ORDER BY belongs to the query, not to its SELECT.
        let from = query.body.as_select().is_none_or(reads_tables);
        self.from.push(from);
        let ctes = query.with.iter().flat_map(|with| &with.cte_tables).rev();
        let coming = ctes.map(|cte| folded(&cte.alias.name)).collect();
        self.queries.push(Scope {
            coming,
            ..Scope::default()
        });
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<SqlError> {
        self.from.pop();
        let tables = self.queries.pop().map_or(0, |scope| scope.tables);
        if let Some(outer) = self.queries.last_mut() {
            // The queries of WITH are visited before all others.
            match outer.coming.pop() {
                Some(name) => outer.known.push((name, tables)),
                None => outer.tables += tables,
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &mut ObjectName) -> ControlFlow<SqlError> {
        let tables = match relation.0.as_slice() {
            [ObjectNamePart::Identifier(ident)] => {
                let name = folded(ident);
                let mut known = self.queries.iter().rev().flat_map(|scope| &scope.known);
                known
                    .find(|(cte, _)| *cte == name)
                    .map_or(1, |(_, tables)| *tables)
            }
            _ => 1,
        };
        if let Some(scope) = self.queries.last_mut() {
            scope.tables += tables;
            if scope.tables > TABLES_MAX {
                let error = SqlError::new("54001", "statement is too complex");
                return ControlFlow::Break(error.with_hint(format!(
                    "With its common table expressions put in place it reads more than {TABLES_MAX} tables."
                )));
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<SqlError> {
        if select.into.is_some() {
            return ControlFlow::Break(read_only("SELECT INTO"));
        }
        if select.projection.len() > COLUMNS_MAX {
            let message = format!("target lists can have at most {COLUMNS_MAX} entries");
            return ControlFlow::Break(SqlError::new("54011", message));
        }
        if let Some(selection) = select
            .selection
            .take_if(|condition| literal(condition).is_some())
        {
            select.selection = Some(cast(selection, DataType::Boolean));
        }
        if let GroupByExpr::Expressions(keys, _) = &mut select.group_by {
            *keys = std::mem::take(keys).into_iter().flat_map(members).collect();
        }
        // The engine's own names clash where PostgreSQL's are told apart below, and no outer query would find them.
        if self.queries.len() > 1 || select.projection.len() > 1 {
            name_columns(&mut select.projection);
        }
        wildcards::name_whole_tables(select);
        number_duplicates(&mut select.projection, self.queries.len() > 1);
        self.from.push(reads_tables(select));
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, _: &mut Select) -> ControlFlow<SqlError> {
        self.from.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<SqlError> {
        match factor {
            TableFactor::Table {
                sample: Some(_), ..
            } => unsupported("TABLESAMPLE"),
            _ => tables::rewrite(factor),
        }
    }

    /// A query holds no statement but one that writes.
    fn pre_visit_statement(&mut self, _: &mut Statement) -> ControlFlow<SqlError> {
        ControlFlow::Break(read_only("a data-modifying statement"))
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<SqlError> {
        functions::rewrite(expr, self.from.last() == Some(&true))?;
        types::rewrite(self.sql, expr)?;
        operators::rewrite(expr)?;
        arrays::rewrite(expr)
    }
}

/// What stands in brackets in GROUP BY are several keys.
fn members(key: Expr) -> Vec<Expr> {
    match key {
        Expr::Tuple(members) => members,
        key => vec![key],
    }
}

/// Whether there is anything but functions in FROM: then `user` and the like may be columns.
fn reads_tables(select: &Select) -> bool {
    let is_table = |factor: &TableFactor| {
        !matches!(
            factor,
            TableFactor::Table { args: Some(_), .. }
                | TableFactor::Function { .. }
                | TableFactor::UNNEST { .. }
        )
    };
    select.from.iter().any(|from| {
        is_table(&from.relation) || from.joins.iter().any(|join| is_table(&join.relation))
    })
}

fn unsupported<T>(what: &str) -> ControlFlow<SqlError, T> {
    ControlFlow::Break(SqlError::new("0A000", format!("{what} is not supported")))
}
