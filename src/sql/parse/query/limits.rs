//! LIMIT, OFFSET and FETCH in the engine's terms, which takes numbers for them that are known beforehand.

use std::ops::ControlFlow;

use super::arrays::hidden;
use super::build::{alias, binary, call, derived, folded, literal, number, quoted, select};
use super::unsupported;
use crate::sql::names::result_names;
use crate::sql::sqlstate::SqlError;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, ExcludeSelectItem, Expr, LimitClause, ObjectName, Offset, OffsetRows, OrderBy,
    OrderByExpr, OrderByKind, Query, SelectItem, SetExpr, Value, WildcardAdditionalOptions,
    WindowSpec, WindowType, visit_expressions,
};

/// Writes what counts the rows of a query so that the engine knows it.
pub(super) fn rewrite(query: &mut Query) -> ControlFlow<SqlError> {
    let (mut limit, mut offset) = match query.limit_clause.take() {
        None => (None, None),
        Some(LimitClause::LimitOffset {
            limit,
            offset,
            limit_by,
        }) if limit_by.is_empty() => (limit, offset.map(|offset| offset.value)),
        // Not PostgreSQL's: the engine refuses it.
        other => {
            query.limit_clause = other;
            return ControlFlow::Continue(());
        }
    };
    let mut with_ties = false;
    if let Some(fetch) = query
        .fetch
        .take_if(|fetch| limit.is_none() && !fetch.percent)
    {
        with_ties = fetch.with_ties;
        limit = Some(fetch.quantity.unwrap_or_else(|| number(1)));
    }
    for count in [&mut limit, &mut offset].into_iter().flatten() {
        if let Some(text) = literal(count) {
            *count = read(text)?;
        }
    }
    let is_computed = [&limit, &offset].into_iter().flatten().any(has_subquery);
    if with_ties || is_computed {
        return numbered(query, limit, offset, with_ties);
    }
    if limit.is_some() || offset.is_some() {
        query.limit_clause = Some(LimitClause::LimitOffset {
            limit,
            offset: offset.map(rows),
            limit_by: Vec::new(),
        });
    }
    ControlFlow::Continue(())
}

fn rows(value: Expr) -> Offset {
    Offset {
        value,
        rows: OffsetRows::None,
    }
}

/// A number in quotes.
fn read(text: &str) -> ControlFlow<SqlError, Expr> {
    match text.trim().parse::<i64>() {
        Ok(count) => {
            ControlFlow::Continue(Expr::Value(Value::Number(count.to_string(), false).into()))
        }
        Err(_) => {
            let message = format!("invalid input syntax for type bigint: \"{text}\"");
            ControlFlow::Break(SqlError::new("22P02", message))
        }
    }
}

fn has_subquery(expr: &Expr) -> bool {
    visit_expressions(expr, |expr| match expr {
        Expr::Subquery(_) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    })
    .is_break()
}

/// Numbers the rows of a query by its order and chooses by the numbers: rows that the order does not tell apart have the
/// same number if the last of them bring their ties.
fn numbered(
    query: &mut Query,
    limit: Option<Expr>,
    offset: Option<Expr>,
    with_ties: bool,
) -> ControlFlow<SqlError> {
    let keys = keys(query)?;
    if with_ties && keys.is_empty() {
        let message = "WITH TIES cannot be specified without ORDER BY clause";
        return ControlFlow::Break(SqlError::new("42601", message));
    }
    let place = hidden("place");
    let named = |query: Query, name: &str| derived(false, query, alias(hidden(name), Vec::new()));
    let nothing = SetExpr::Values(datafusion::sql::sqlparser::ast::Values {
        explicit_row: false,
        value_keyword: false,
        rows: Vec::new(),
    });
    let body = std::mem::replace(query.body.as_mut(), nothing);
    let rank = if with_ties { "rank" } else { "row_number" };
    let mut numbers = call(rank, Vec::new());
    if let Expr::Function(function) = &mut numbers {
        function.over = Some(WindowType::WindowSpec(WindowSpec {
            window_name: None,
            partition_by: Vec::new(),
            order_by: keys,
            window_frame: None,
        }));
    }
    let all = SelectItem::Wildcard(WildcardAdditionalOptions::default());
    let numbered = select(
        vec![
            all,
            SelectItem::ExprWithAlias {
                expr: numbers,
                alias: place.clone(),
            },
        ],
        Some(named(super::build::query(body), "limited")),
        None,
    );
    let but_place = SelectItem::Wildcard(WildcardAdditionalOptions {
        opt_exclude: Some(ExcludeSelectItem::Single(ObjectName::from(vec![
            place.clone(),
        ]))),
        ..WildcardAdditionalOptions::default()
    });
    let this = Expr::Identifier(place);
    let skipped = match &offset {
        Some(offset) => call("coalesce", vec![offset.clone(), number(0)]),
        None => number(0),
    };
    let after = binary(this.clone(), BinaryOperator::Gt, skipped.clone());
    let within = limit.map(|limit| {
        let last = binary(skipped, BinaryOperator::Plus, limit);
        // A limit of NULL is none.
        let within = binary(this.clone(), BinaryOperator::LtEq, last);
        call("coalesce", vec![within, super::build::boolean(true)])
    });
    let condition = match (within, with_ties) {
        (within, true) => within,
        (Some(within), false) => Some(binary(after, BinaryOperator::And, within)),
        (None, false) => Some(after),
    };
    let chosen = select(
        vec![but_place],
        Some(named(numbered, "numbered")),
        condition,
    );
    *query.body = *chosen.body;
    query.order_by = Some(OrderBy {
        kind: OrderByKind::Expressions(vec![OrderByExpr {
            expr: this,
            options: datafusion::sql::sqlparser::ast::OrderByOptions {
                asc: None,
                nulls_first: None,
            },
            with_fill: None,
        }]),
        interpolate: None,
    });
    if let (true, Some(offset)) = (with_ties, offset) {
        query.limit_clause = Some(LimitClause::LimitOffset {
            limit: None,
            offset: Some(rows(offset)),
            limit_by: Vec::new(),
        });
    }
    ControlFlow::Continue(())
}

/// What a query is sorted by, as columns of its result.
fn keys(query: &Query) -> ControlFlow<SqlError, Vec<OrderByExpr>> {
    let names = result_names(query);
    let keys = match query.order_by.as_ref().map(|order| &order.kind) {
        Some(OrderByKind::Expressions(keys)) => keys.as_slice(),
        _ => &[],
    };
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        let name = match &key.expr {
            Expr::Identifier(ident) => Some(folded(ident)),
            Expr::CompoundIdentifier(parts) => parts.last().map(folded),
            Expr::Value(value) => match &value.value {
                Value::Number(digits, _) => {
                    let at = digits
                        .parse::<usize>()
                        .ok()
                        .and_then(|at| at.checked_sub(1));
                    at.filter(|at| names.iter().take(*at).all(Option::is_some))
                        .and_then(|at| names.get(at).cloned().flatten())
                }
                _ => None,
            },
            _ => None,
        };
        let has_wildcard = names.iter().any(Option::is_none);
        let name = name.filter(|name| has_wildcard || names.contains(&Some(name.clone())));
        let Some(name) = name else {
            return unsupported(
                "ORDER BY of what is no column of the result, with a computed LIMIT or WITH TIES,",
            );
        };
        found.push(OrderByExpr {
            expr: Expr::Identifier(quoted(name)),
            ..key.clone()
        });
    }
    ControlFlow::Continue(found)
}
