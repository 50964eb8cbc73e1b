//! Arrays: `ARRAY(SELECT …)`, comparisons with ANY and ALL, and literals such as `{a,b}`.

use std::ops::ControlFlow;

use super::build::{
    alias, arguments, bare, binary, boolean, call, derived, is_grouped, joined, literal, nested,
    quoted, select, text,
};
use super::unsupported;
use crate::sql::sqlstate::SqlError;
use datafusion::sql::sqlparser::ast::{
    Array, BinaryOperator, DataType, Expr, Function, FunctionArguments, Ident, LimitClause,
    OrderBy, OrderByExpr, OrderByKind, Query, SelectItem, SetExpr, UnaryOperator, Value,
};

/// Elements that ANY and ALL of operators other than `=` and `<>` are written out for.
const WRITTEN_OUT_MAX: usize = 200;

/// `ARRAY[elements]`.
pub(super) fn array(elements: Vec<Expr>) -> Expr {
    Expr::Array(Array {
        elem: elements,
        named: true,
    })
}

/// Rewrites comparisons with arrays and arrays of queries.
pub(super) fn rewrite(expr: &mut Expr) -> ControlFlow<SqlError> {
    let written = match expr {
        Expr::AnyOp {
            left,
            compare_op,
            right,
            ..
        } => compared(left, compare_op, right, true)?,
        Expr::AllOp {
            left,
            compare_op,
            right,
        } => compared(left, compare_op, right, false)?,
        Expr::Like {
            any,
            expr: left,
            pattern,
            negated,
            ..
        } => {
            let op = match negated {
                false => BinaryOperator::PGLikeMatch,
                true => BinaryOperator::PGNotLikeMatch,
            };
            like(left, &op, pattern, *any)?
        }
        Expr::ILike {
            any,
            expr: left,
            pattern,
            negated,
            ..
        } => {
            let op = match negated {
                false => BinaryOperator::PGILikeMatch,
                true => BinaryOperator::PGNotILikeMatch,
            };
            like(left, &op, pattern, *any)?
        }
        Expr::Function(Function {
            name,
            args: FunctionArguments::Subquery(query),
            ..
        }) if name.to_string().eq_ignore_ascii_case("array") => {
            let query = std::mem::replace(query.as_mut(), select(Vec::new(), None, None));
            Some(array_of(query))
        }
        _ => None,
    };
    if let Some(written) = written {
        *expr = written;
    }
    ControlFlow::Continue(())
}

/// LIKE and its kin of several patterns. The parser takes ALL for a function.
fn like(
    left: &Expr,
    op: &BinaryOperator,
    pattern: &Expr,
    any: bool,
) -> ControlFlow<SqlError, Option<Expr>> {
    if any {
        return compared(left, op, pattern, true);
    }
    let patterns = match pattern {
        Expr::Function(function) if function.name.to_string().eq_ignore_ascii_case("all") => {
            arguments(function)
        }
        _ => None,
    };
    match patterns.as_deref() {
        Some([patterns]) => compared(left, op, patterns, false),
        _ => ControlFlow::Continue(None),
    }
}

/// `left op ANY (right)` and `left op ALL (right)`; `None` where the engine does it.
fn compared(
    left: &Expr,
    op: &BinaryOperator,
    right: &Expr,
    any: bool,
) -> ControlFlow<SqlError, Option<Expr>> {
    let right = bare(right);
    if let Expr::Subquery(query) = right {
        let negated = match (op, any) {
            (BinaryOperator::Eq, true) => false,
            (BinaryOperator::NotEq, false) => true,
            _ => return ControlFlow::Continue(None),
        };
        return ControlFlow::Continue(Some(Expr::InSubquery {
            expr: Box::new(nested(left.clone())),
            subquery: query.clone(),
            negated,
        }));
    }
    let Some(elements) = elements(right)? else {
        return match op {
            BinaryOperator::Eq
            | BinaryOperator::NotEq
            | BinaryOperator::Lt
            | BinaryOperator::LtEq
            | BinaryOperator::Gt
            | BinaryOperator::GtEq => ControlFlow::Continue(None),
            _ => unsupported(&format!(
                "{op} ANY or ALL of an array that is not written out"
            )),
        };
    };
    if elements.is_empty() {
        return ControlFlow::Continue(Some(boolean(!any)));
    }
    let listed = match (op, any) {
        (BinaryOperator::Eq, true) => Some(false),
        (BinaryOperator::NotEq, false) => Some(true),
        _ => None,
    };
    if let Some(negated) = listed {
        return ControlFlow::Continue(Some(Expr::InList {
            expr: Box::new(nested(left.clone())),
            list: elements,
            negated,
        }));
    }
    if elements.len() > WRITTEN_OUT_MAX {
        let message = format!("{op} ANY or ALL of more than {WRITTEN_OUT_MAX} elements");
        return unsupported(&message);
    }
    let one = |element| Expr::Nested(Box::new(binary(left.clone(), op.clone(), element)));
    let exprs = elements.into_iter().map(one).collect();
    ControlFlow::Continue(Some(match any {
        true => joined(exprs, BinaryOperator::Or, false),
        false => joined(exprs, BinaryOperator::And, true),
    }))
}

/// The elements of an array that is written out.
fn elements(expr: &Expr) -> ControlFlow<SqlError, Option<Vec<Expr>>> {
    if let Some(value) = literal(expr) {
        return match read(value) {
            Ok(elements) => ControlFlow::Continue(Some(elements)),
            Err(error) => ControlFlow::Break(error),
        };
    }
    let found = match expr {
        Expr::Array(array) => Some(array.elem.clone()),
        Expr::Cast {
            expr,
            data_type: DataType::Array(element),
            ..
        } => match (bare(expr), element) {
            (
                Expr::Array(array),
                datafusion::sql::sqlparser::ast::ArrayElemTypeDef::SquareBracket(element, _),
            ) => {
                let typed = |value: &Expr| super::build::cast(value.clone(), (**element).clone());
                Some(array.elem.iter().map(typed).collect())
            }
            _ => None,
        },
        Expr::Tuple(elements) => Some(elements.clone()),
        _ => None,
    };
    ControlFlow::Continue(found)
}

/// Reads an array literal of one dimension: `{a,"b c",NULL}`.
///
/// # Errors
/// 22P02.
pub(super) fn read(value: &str) -> Result<Vec<Expr>, SqlError> {
    let element = |element| match element {
        Some(value) => text(value),
        None => Expr::Value(Value::Null.into()),
    };
    Ok(texts(value)?.into_iter().map(element).collect())
}

/// The elements of an array literal as texts, `None` for NULL.
///
/// # Errors
/// 22P02.
pub(in crate::sql) fn texts(value: &str) -> Result<Vec<Option<String>>, SqlError> {
    let malformed = || SqlError::new("22P02", format!("malformed array literal: \"{value}\""));
    let Some(opened) = value.trim().strip_prefix('{') else {
        let detail = "Array value must start with \"{\" or dimension information.";
        return Err(malformed().with_detail(detail));
    };
    let inner = opened.strip_suffix('}').ok_or_else(malformed)?;
    let mut elements = Vec::new();
    if inner.trim().is_empty() {
        return Ok(elements);
    }
    let mut chars = inner.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        let mut element = String::new();
        let is_quoted = chars.next_if_eq(&'"').is_some();
        if is_quoted {
            loop {
                match chars.next().ok_or_else(malformed)? {
                    '"' => break,
                    '\\' => element.push(chars.next().ok_or_else(malformed)?),
                    other => element.push(other),
                }
            }
            while chars.next_if(|c| c.is_whitespace()).is_some() {}
        } else {
            while let Some(c) = chars.next_if(|c| *c != ',') {
                match c {
                    '\\' => element.push(chars.next().ok_or_else(malformed)?),
                    '{' | '}' | '"' => return Err(malformed()),
                    other => element.push(other),
                }
            }
            element.truncate(element.trim_end().len());
            if element.is_empty() {
                return Err(malformed());
            }
        }
        elements.push(match !is_quoted && element.eq_ignore_ascii_case("null") {
            true => None,
            false => Some(element),
        });
        match chars.next() {
            None => return Ok(elements),
            Some(',') => {}
            Some(_) => return Err(malformed()),
        }
    }
}

/// Functions that make one row of many: what they stand in cannot be aggregated once more.
const AGGREGATES: [&str; 12] = [
    "count",
    "sum",
    "min",
    "max",
    "avg",
    "array_agg",
    "string_agg",
    "bool_and",
    "bool_or",
    "every",
    "json_agg",
    "jsonb_agg",
];

/// `ARRAY(query)`: the engine aggregates.
fn array_of(mut query: Query) -> Expr {
    if let Some(aggregated) = aggregate_in_place(&query) {
        return call("array_of", vec![Expr::Subquery(Box::new(aggregated))]);
    }
    let element = quoted("element");
    // The first column is all there is, so that an order by its number can be kept.
    let order = match (
        &query.limit_clause,
        query.order_by.as_ref().map(|order| &order.kind),
    ) {
        (None, Some(OrderByKind::Expressions(keys))) => match keys.as_slice() {
            [key] if is_first(&key.expr) => vec![OrderByExpr {
                expr: Expr::Identifier(element.clone()),
                ..key.clone()
            }],
            _ => Vec::new(),
        },
        _ => Vec::new(),
    };
    if !order.is_empty() {
        query.order_by = None;
    }
    let from = derived(
        false,
        query,
        alias(quoted("array source"), vec![element.clone()]),
    );
    let item = array_agg(Expr::Identifier(element), order);
    let query = select(vec![SelectItem::UnnamedExpr(item)], Some(from), None);
    call("array_of", vec![Expr::Subquery(Box::new(query))])
}

fn is_first(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(value) if matches!(&value.value, Value::Number(n, _) if n == "1"))
}

fn array_agg(element: Expr, order: Vec<OrderByExpr>) -> Expr {
    use datafusion::sql::sqlparser::ast::FunctionArgumentClause;
    let mut aggregate = call("array_agg", vec![element]);
    if let Expr::Function(Function {
        args: FunctionArguments::List(list),
        ..
    }) = &mut aggregate
        && !order.is_empty()
    {
        list.clauses.push(FunctionArgumentClause::OrderBy(order));
    }
    aggregate
}

/// A plain SELECT of one item can aggregate it itself, in its own order.
fn aggregate_in_place(query: &Query) -> Option<Query> {
    let SetExpr::Select(select) = query.body.as_ref() else {
        return None;
    };
    let limited = !matches!(
        &query.limit_clause,
        None | Some(LimitClause::LimitOffset {
            limit: None,
            offset: None,
            ..
        })
    );
    if select.distinct.is_some()
        || is_grouped(select)
        || select.having.is_some()
        || limited
        || query.fetch.is_some()
    {
        return None;
    }
    let (item, name) = match select.projection.as_slice() {
        [SelectItem::UnnamedExpr(item)] => (item, None),
        [SelectItem::ExprWithAlias { expr, alias }] => (expr, Some(alias)),
        _ => return None,
    };
    if makes_rows(item) {
        return None;
    }
    let order = match query.order_by.as_ref() {
        None => Vec::new(),
        Some(OrderBy {
            kind: OrderByKind::Expressions(keys),
            ..
        }) => {
            let key = |key: &OrderByExpr| {
                let named = match (&key.expr, name) {
                    (Expr::Identifier(ident), Some(name)) => ident.value == name.value,
                    _ => false,
                };
                let expr = match named || is_first(&key.expr) {
                    true => item.clone(),
                    false => key.expr.clone(),
                };
                OrderByExpr {
                    expr,
                    ..key.clone()
                }
            };
            keys.iter().map(key).collect()
        }
        Some(_) => return None,
    };
    let mut aggregated = query.clone();
    aggregated.order_by = None;
    if let SetExpr::Select(select) = aggregated.body.as_mut() {
        select.projection = vec![SelectItem::UnnamedExpr(array_agg(item.clone(), order))];
    }
    Some(aggregated)
}

/// Whether an item is an aggregate or makes several rows.
fn makes_rows(item: &Expr) -> bool {
    use datafusion::sql::sqlparser::ast::visit_expressions;
    visit_expressions(item, |expr| match expr {
        Expr::Function(function) => {
            let name = super::build::parts(&function.name).map(|(_, name)| name);
            let name = name.unwrap_or_default();
            match AGGREGATES.contains(&name.as_str())
                || super::functions::is_set_returning(&name)
                || function.over.is_some()
            {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        }
        _ => ControlFlow::Continue(()),
    })
    .is_break()
}

/// `NOT expr`.
pub(super) fn not(expr: Expr) -> Expr {
    Expr::UnaryOp {
        op: UnaryOperator::Not,
        expr: Box::new(nested(expr)),
    }
}

/// An element's name that no client writes.
pub(super) fn hidden(name: &str) -> Ident {
    quoted(format!("{name}\u{1f}"))
}
