//! Queries: whether they only read, and their translation into what the engine understands.

use std::collections::HashSet;

use super::refuse::read_only;
use crate::sql::names::result_names;
use crate::sql::sqlstate::SqlError;
use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArgumentList, FunctionArguments, Ident, LimitClause, ObjectName,
    ObjectNamePart, Offset, OrderByKind, Query, Select, SelectItem, SetExpr, Statement,
    TableFactor, Value, VisitMut, VisitorMut,
};
use std::ops::ControlFlow;

/// Checks that nothing in `query` writes or locks, and rewrites PostgreSQL's words for functions.
///
/// # Errors
/// 25006 for SELECT INTO, FOR UPDATE and its kin, and data-modifying statements in WITH; 0A000 for clauses that the
/// engine would ignore.
pub(super) fn prepare(query: &mut Query) -> Result<(), SqlError> {
    let mut reader = Reader::default();
    match query.visit(&mut reader) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// Most tables that a query reads after its common table expressions are put in place: the planner copies them to
/// each place that names them, so that `FROM c, c` in each of thirty would make a plan of 2^30 tables.
const TABLES_MAX: usize = 2_000;

/// Walks a query. The depth was bounded before parsing.
#[derive(Default)]
struct Reader {
    /// For each query and SELECT around the current place, whether it has a FROM.
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

impl VisitorMut for Reader {
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
        fetch_as_limit(query);
        order_by_number(query);
        // ORDER BY belongs to the query, not to its SELECT.
        let from = query
            .body
            .as_select()
            .is_none_or(|select| !select.from.is_empty());
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
        number_duplicates(&mut select.projection);
        self.from.push(!select.from.is_empty());
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
            _ => ControlFlow::Continue(()),
        }
    }

    /// A query holds no statement but one that writes.
    fn pre_visit_statement(&mut self, _: &mut Statement) -> ControlFlow<SqlError> {
        ControlFlow::Break(read_only("a data-modifying statement"))
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<SqlError> {
        let Some(word) = bare_word(expr) else {
            return ControlFlow::Continue(());
        };
        let word = word.value.to_ascii_lowercase();
        let function = match word.as_str() {
            "user" if self.from.last() == Some(&true) => {
                *expr = Expr::Identifier(Ident::with_quote('"', "user"));
                return ControlFlow::Continue(());
            }
            "user" => "current_user",
            "current_user" | "session_user" | "current_role" | "current_catalog"
            | "current_schema" => &word,
            _ => return ControlFlow::Continue(()),
        };
        *expr = call(function);
        ControlFlow::Continue(())
    }
}

/// An identifier as it is compared.
fn folded(ident: &Ident) -> String {
    if ident.quote_style.is_some() {
        ident.value.clone()
    } else {
        ident.value.to_lowercase()
    }
}

fn unsupported(what: &str) -> ControlFlow<SqlError> {
    ControlFlow::Break(SqlError::new("0A000", format!("{what} is not supported")))
}

/// `FETCH FIRST n ROWS ONLY` is LIMIT by another name; the engine knows only that one.
fn fetch_as_limit(query: &mut Query) {
    let offset: Option<Offset> = match &query.limit_clause {
        None => None,
        Some(LimitClause::LimitOffset {
            limit: None,
            offset,
            limit_by,
        }) if limit_by.is_empty() => offset.clone(),
        Some(_) => return,
    };
    if query
        .fetch
        .as_ref()
        .is_some_and(|fetch| !fetch.with_ties && !fetch.percent)
    {
        let quantity = query.fetch.take().and_then(|fetch| fetch.quantity);
        let limit = Some(quantity.unwrap_or_else(|| number(1)));
        query.limit_clause = Some(LimitClause::LimitOffset {
            limit,
            offset,
            limit_by: Vec::new(),
        });
    }
}

/// `SELECT count(*) … ORDER BY count` sorts by the column that PostgreSQL calls `count`. The engine has another
/// name for it, so it is told the number.
fn order_by_number(query: &mut Query) {
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
const COLUMNS_MAX: usize = 1664;

fn number(n: usize) -> Expr {
    Expr::Value(Value::Number(n.to_string(), false).into())
}

/// PostgreSQL lets columns of a result share a name, the engine does not: those after the first get an alias, which
/// no client sees since it is given PostgreSQL's names.
fn number_duplicates(projection: &mut [SelectItem]) {
    if projection.len() < 2 {
        return;
    }
    let wildcard = projection.iter().any(|item| key(item).is_none());
    let mut names: HashSet<String> = HashSet::with_capacity(projection.len());
    // The shorter names that a qualified column may stand for.
    let mut shorter: HashSet<String> = HashSet::new();
    for (at, item) in projection.iter_mut().enumerate() {
        let Some((name, is_column)) = key(item) else {
            continue;
        };
        let last = name.rsplit('.').next().unwrap_or_default();
        let same = names.contains(&name)
            || (is_column && (names.contains(last) || shorter.contains(&name)));
        if same || (wildcard && is_column) {
            let alias = Ident::with_quote('"', format!("{name}:{}", at + 1));
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

/// An unquoted name without parentheses: a column, or one of the functions that are written so.
fn bare_word(expr: &Expr) -> Option<&Ident> {
    let ident = match expr {
        Expr::Identifier(ident) => ident,
        Expr::Function(function) if matches!(function.args, FunctionArguments::None) => {
            match function.name.0.as_slice() {
                [ObjectNamePart::Identifier(ident)] => ident,
                _ => return None,
            }
        }
        _ => return None,
    };
    ident.quote_style.is_none().then_some(ident)
}

/// `name()`.
fn call(name: &str) -> Expr {
    let nothing = FunctionArgumentList {
        duplicate_treatment: None,
        args: Vec::new(),
        clauses: Vec::new(),
    };
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(nothing),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}
