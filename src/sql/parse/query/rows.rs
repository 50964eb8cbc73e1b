//! Rows that are written out: `(a, b)` and `ROW(a, b)`, and what is asked of them member by member.

use std::ops::ControlFlow;

use super::arrays::not;
use super::build::{bare, binary, call, joined, nested, parts};
use super::unsupported;
use crate::sql::sqlstate::SqlError;
use datafusion::sql::sqlparser::ast::{BinaryOperator, DataType, Expr, Function};

/// The engine's function that makes a row. By its other name, `row`, each would stand in an alias, whose type the engine
/// works out twice: with rows in rows that doubles for each level.
pub(super) const ROW: &str = "struct";

/// Rows that a comparison with a list of rows is written out for.
const ROWS_MAX: usize = 200;

/// Whether a condition holds for each member of a row.
pub(super) fn all_of(row: &[&Expr], condition: fn(Box<Expr>) -> Expr) -> Expr {
    let members = row
        .iter()
        .map(|member| condition(Box::new(nested((*member).clone()))));
    Expr::Nested(Box::new(joined(
        members.collect(),
        BinaryOperator::And,
        true,
    )))
}

/// The members of `(a, b)` or `ROW(a, b)`.
pub(super) fn row(expr: &Expr) -> Option<Vec<&Expr>> {
    match expr {
        Expr::Tuple(members) => Some(members.iter().collect()),
        Expr::Function(function) if is_row(function) => super::build::arguments(function),
        Expr::Nested(inner) => row(inner),
        _ => None,
    }
}

pub(super) fn is_row(function: &Function) -> bool {
    let name = function.name.to_string();
    name == ROW || name.eq_ignore_ascii_case("row")
}

/// A comparison of rows, member by member.
pub(super) fn rows(left: &[&Expr], op: &BinaryOperator, right: &[&Expr]) -> Expr {
    use BinaryOperator as B;
    let pair = |n: usize, op: &B| binary(left[n].clone(), op.clone(), right[n].clone());
    let all = |len: usize| (0..len).map(|n| pair(n, &B::Eq)).collect::<Vec<_>>();
    match op {
        B::Eq => joined(all(left.len()), B::And, true),
        B::NotEq => {
            let different = (0..left.len()).map(|n| pair(n, &B::NotEq)).collect();
            joined(different, B::Or, false)
        }
        _ => {
            let strict = match op {
                B::Lt | B::LtEq => B::Lt,
                _ => B::Gt,
            };
            let first_difference = (0..left.len()).map(|n| {
                let last = n + 1 == left.len();
                let mut terms = all(n);
                terms.push(pair(n, if last { op } else { &strict }));
                joined(terms, B::And, true)
            });
            joined(first_difference.collect(), B::Or, false)
        }
    }
}

pub(super) fn row_in_list(
    expr: &Expr,
    list: &[Expr],
    negated: bool,
) -> ControlFlow<SqlError, Option<Expr>> {
    let Some(left) = row(expr) else {
        return ControlFlow::Continue(None);
    };
    if list.len() > ROWS_MAX {
        return unsupported(&format!("IN with more than {ROWS_MAX} rows"));
    }
    let mut alternatives = Vec::with_capacity(list.len());
    for item in list {
        match row(item) {
            Some(right) if right.len() == left.len() => {
                alternatives.push(rows(&left, &BinaryOperator::Eq, &right));
            }
            _ => {
                let error = SqlError::new("42601", "unequal number of entries in row expressions");
                return ControlFlow::Break(error);
            }
        }
    }
    let any = joined(alternatives, BinaryOperator::Or, false);
    ControlFlow::Continue(Some(match negated {
        true => not(any),
        false => any,
    }))
}

/// Whether an operand is written as an interval.
fn is_interval(expr: &Expr) -> bool {
    match bare(expr) {
        Expr::Interval(_) => true,
        Expr::Cast { data_type, .. } => matches!(data_type, DataType::Interval { .. }),
        Expr::Function(function) => matches!(
            parts(&function.name),
            Some((_, name)) if name == "interval" || name == "make_interval"
        ),
        _ => false,
    }
}

/// `(a, b) OVERLAPS (c, d)`.
pub(super) fn overlaps(left: &Expr, right: &Expr) -> Option<Expr> {
    use BinaryOperator as B;
    let (left, right) = (row(left)?, row(right)?);
    let ([a, b], [c, d]) = (left.as_slice(), right.as_slice()) else {
        return None;
    };
    // An interval says how long the period is.
    let end = |start: &Expr, end: &Expr| match is_interval(end) {
        true => nested(binary(start.clone(), B::Plus, end.clone())),
        false => end.clone(),
    };
    let (b, d) = (end(a, b), end(c, d));
    let bounds = |name: &str, x: &Expr, y: &Expr| call(name, vec![x.clone(), y.clone()]);
    let before = |x: (&Expr, &Expr), y: (&Expr, &Expr)| {
        binary(
            bounds("least", x.0, x.1),
            B::Lt,
            bounds("greatest", y.0, y.1),
        )
    };
    let both = binary(before((a, &b), (c, &d)), B::And, before((c, &d), (a, &b)));
    let same = binary(bounds("least", a, &b), B::Eq, bounds("least", c, &d));
    Some(Expr::Nested(Box::new(binary(both, B::Or, same))))
}
