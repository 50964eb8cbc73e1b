//! Numbers that are written out: an `integer` or a `bigint` where it has room for them, else a `numeric`, as in PostgreSQL.
//!
//! The engine takes whole numbers for `bigint` and all others for `double precision`. A number that is of another type is
//! handed over with it, in the form of a dictionary (`{int4: 5}`, `{numeric: '1.50'}`), which PostgreSQL does not have and
//! which the catalog's planner turns back. Numbers that stand beside numerics in VALUES and in CASE, of which the engine
//! wants to know the type at once, are numerics too.
//! Numbers that count (LIMIT, OFFSET), that stand for a column (ORDER BY 1) or that bound a window stay as they are.

use std::ops::ControlFlow;

use super::build::{arguments, boolean, literal, parts, quoted, text};
use crate::catalog::read_interval;
use crate::sql::numeric::{Numeric, ordered};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::Expr as Planned;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawDictionaryExpr};
use datafusion::sql::sqlparser::ast::{
    DictionaryField, Distinct, Expr, Fetch, Function, GroupByExpr, Interval, LimitClause,
    NamedWindowExpr, OrderByKind, Query, Select, SetExpr, TableFactor, UnaryOperator, Value,
    VisitMut, VisitorMut, WindowFrameBound, WindowSpec, WindowType,
};

/// The key of the dictionary.
const INTEGER: &str = "int4";

/// The same for a number that is given as text.
const NUMERIC: &str = "numeric";

/// Plans numbers that come with their types.
#[derive(Debug)]
pub(crate) struct TypedNumbers;

impl ExprPlanner for TypedNumbers {
    fn plan_dictionary_literal(
        &self,
        expr: RawDictionaryExpr,
        _: &DFSchema,
    ) -> datafusion::common::Result<PlannerResult<RawDictionaryExpr>> {
        if let ([Planned::Literal(key, _)], [Planned::Literal(value, _)]) =
            (expr.keys.as_slice(), expr.values.as_slice())
            && key.try_as_str() == Some(Some(NUMERIC))
            && let Some(Some(digits)) = value.try_as_str()
        {
            let number = digits.parse::<Numeric>();
            let number = number.map_err(|error| DataFusionError::External(Box::new(error)))?;
            let number = ScalarValue::LargeBinary(Some(ordered::encode(&number)));
            return Ok(PlannerResult::Planned(Planned::Literal(number, None)));
        }
        if let ([Planned::Literal(key, _)], [Planned::Literal(ScalarValue::Int64(Some(n)), _)]) =
            (expr.keys.as_slice(), expr.values.as_slice())
            && key.try_as_str() == Some(Some(INTEGER))
            && let Ok(number) = i32::try_from(*n)
        {
            let number = ScalarValue::Int32(Some(number));
            return Ok(PlannerResult::Planned(Planned::Literal(number, None)));
        }
        Ok(PlannerResult::Original(expr))
    }
}

/// The engine as it is, but that it knows numbers with types.
#[cfg(test)]
pub(crate) fn plain_engine(
    config: datafusion::prelude::SessionConfig,
    runtime: std::sync::Arc<datafusion::execution::runtime_env::RuntimeEnv>,
) -> datafusion::prelude::SessionContext {
    use datafusion::execution::{SessionStateBuilder, SessionStateDefaults};
    let mut planners = SessionStateDefaults::default_expr_planners();
    planners.insert(0, std::sync::Arc::new(TypedNumbers));
    let state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(runtime)
        .with_default_features()
        .with_expr_planners(planners)
        .build();
    datafusion::prelude::SessionContext::new_with_state(state)
}

/// Gives the numbers of a query their types.
pub(super) fn integers(query: &mut Query) {
    let _ = query.visit(&mut Integers::default());
}

/// Expressions out of a list, with their places in it.
type TakenOut = Vec<(usize, Expr)>;

#[derive(Default)]
struct Integers {
    /// What is kept from being visited, of each query around the current place.
    queries: Vec<(Option<LimitClause>, Option<Fetch>, TakenOut)>,
    /// The same of each SELECT: numbers in GROUP BY and in DISTINCT ON.
    selects: Vec<(TakenOut, TakenOut)>,
    /// Table functions around the current place, whose arguments stay as they are.
    functions: usize,
}

/// A number as it is written out, with its sign.
fn digits(expr: &Expr) -> Option<String> {
    let unsigned = |expr: &Expr| match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) => Some(digits.clone()),
            _ => None,
        },
        _ => None,
    };
    match expr {
        Expr::UnaryOp {
            op: UnaryOperator::Minus,
            expr,
        } => unsigned(expr).map(|digits| format!("-{digits}")),
        expr => unsigned(expr),
    }
}

/// The number with its type, if the engine would take it for another.
fn with_type(expr: &Expr) -> Option<Expr> {
    let digits = digits(expr)?;
    if digits.parse::<i32>().is_ok() {
        return Some(typed(INTEGER, expr.clone()));
    }
    match digits.parse::<i64>() {
        Ok(_) => None,
        Err(_) => Some(typed(NUMERIC, text(digits))),
    }
}

/// The value of a dictionary that has this key.
fn value_of<'a>(expr: &'a Expr, key: &str) -> Option<&'a Expr> {
    match expr {
        Expr::Dictionary(fields) => match fields.as_slice() {
            [field] if field.key.value == key => Some(field.value.as_ref()),
            _ => None,
        },
        _ => None,
    }
}

/// Makes numerics of the numbers, and with `texts` of the texts in quotes, that stand beside one.
fn all_numeric<'a>(exprs: impl Iterator<Item = &'a mut Expr>, texts: bool) {
    let exprs: Vec<&mut Expr> = exprs.collect();
    if !exprs.iter().any(|expr| value_of(expr, NUMERIC).is_some()) {
        return;
    }
    for expr in exprs {
        let number = value_of(expr, INTEGER).and_then(digits);
        let written = number.or_else(|| digits(expr)).or_else(|| match &*expr {
            Expr::Value(value) if texts => match &value.value {
                Value::SingleQuotedString(text) => Some(text.clone()),
                _ => None,
            },
            _ => None,
        });
        if let Some(written) = written {
            *expr = typed(NUMERIC, text(written));
        }
    }
}

fn is_number(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(value) if matches!(value.value, Value::Number(..)))
}

/// Takes what is meant out of a list and leaves something else in its place.
fn take_out<'a>(
    exprs: impl Iterator<Item = &'a mut Expr>,
    is_meant: impl Fn(&Expr) -> bool,
) -> TakenOut {
    exprs
        .enumerate()
        .filter(|(_, expr)| is_meant(expr))
        .map(|(at, expr)| (at, std::mem::replace(expr, boolean(true))))
        .collect()
}

fn put_back<'a>(exprs: impl Iterator<Item = &'a mut Expr>, taken: TakenOut) {
    let mut taken = taken.into_iter().peekable();
    for (at, expr) in exprs.enumerate() {
        if let Some((_, old)) = taken.next_if(|(place, _)| *place == at) {
            *expr = old;
        }
    }
}

/// What ORDER BY sorts by.
fn keys(query: &mut Query) -> impl Iterator<Item = &mut Expr> {
    let kind = query.order_by.as_mut().map(|order| &mut order.kind);
    let keys = match kind {
        Some(OrderByKind::Expressions(keys)) => keys.as_mut_slice(),
        _ => &mut [],
    };
    keys.iter_mut().map(|key| &mut key.expr)
}

fn groups(select: &mut Select) -> impl Iterator<Item = &mut Expr> {
    let groups = match &mut select.group_by {
        GroupByExpr::Expressions(groups, _) => groups.as_mut_slice(),
        GroupByExpr::All(_) => &mut [],
    };
    groups.iter_mut()
}

fn distinct(select: &mut Select) -> impl Iterator<Item = &mut Expr> {
    let distinct = match &mut select.distinct {
        Some(Distinct::On(exprs)) => exprs.as_mut_slice(),
        _ => &mut [],
    };
    distinct.iter_mut()
}

impl VisitorMut for Integers {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let (limit, fetch) = (query.limit_clause.take(), query.fetch.take());
        let places = take_out(keys(query), is_number);
        self.queries.push((limit, fetch, places));
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        if let Some((limit, fetch, places)) = self.queries.pop() {
            query.limit_clause = limit;
            query.fetch = fetch;
            put_back(keys(query), places);
        }
        if let SetExpr::Values(values) = query.body.as_mut() {
            let columns = values.rows.first().map_or(0, |row| row.len());
            for at in 0..columns {
                all_numeric(
                    values.rows.iter_mut().filter_map(|row| row.get_mut(at)),
                    true,
                );
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let is_place = |expr: &Expr| {
            is_number(expr)
                || matches!(
                    expr,
                    Expr::Rollup(_) | Expr::Cube(_) | Expr::GroupingSets(_)
                )
        };
        let groups = take_out(groups(select), is_place);
        self.selects
            .push((groups, take_out(distinct(select), is_number)));
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        if let Some((grouped, unique)) = self.selects.pop() {
            put_back(groups(select), grouped);
            put_back(distinct(select), unique);
        }
        for named in &mut select.named_window {
            if let NamedWindowExpr::WindowSpec(spec) = &mut named.1 {
                bounds(spec);
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        self.functions += usize::from(is_function(factor));
        ControlFlow::Continue(())
    }

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        self.functions -= usize::from(is_function(factor));
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if self.functions > 0 {
            return ControlFlow::Continue(());
        }
        match expr {
            // The bounds of a window are read as they are written.
            Expr::Function(function) => {
                if let Some(WindowType::WindowSpec(spec)) = &mut function.over {
                    bounds(spec);
                }
            }
            Expr::Interval(interval) => plain_again(&mut interval.value),
            // The sign belongs to the number: -2147483648 is an integer, 2147483648 is none.
            Expr::UnaryOp {
                op: UnaryOperator::Minus,
                expr: operand,
            } if matches!(operand.as_ref(), Expr::Value(_) | Expr::Dictionary(_)) => {
                let mut bare = operand.as_ref().clone();
                plain_again(&mut bare);
                if is_number(&bare) {
                    let signed = Expr::UnaryOp {
                        op: UnaryOperator::Minus,
                        expr: Box::new(bare),
                    };
                    *expr = with_type(&signed).unwrap_or(signed);
                }
            }
            Expr::UnaryOp {
                op: UnaryOperator::Plus,
                expr: operand,
            } if value_of(operand, NUMERIC).is_some() => *expr = operand.as_ref().clone(),
            Expr::Case {
                conditions,
                else_result,
                ..
            } => {
                let results = conditions.iter_mut().map(|when| &mut when.result);
                all_numeric(results.chain(else_result.as_deref_mut()), false);
            }
            Expr::Value(value) if matches!(value.value, Value::UnicodeStringLiteral(_)) => {
                if let Value::UnicodeStringLiteral(text) = &value.value {
                    value.value = Value::SingleQuotedString(text.clone());
                }
            }
            _ => {
                if let Some(number) = with_type(expr) {
                    *expr = number;
                }
            }
        }
        ControlFlow::Continue(())
    }
}

fn is_function(factor: &TableFactor) -> bool {
    matches!(
        factor,
        TableFactor::Table { args: Some(_), .. } | TableFactor::Function { .. }
    )
}

/// Leaves the numbers that bound a window as they are written.
fn bounds(spec: &mut WindowSpec) {
    let Some(frame) = &mut spec.window_frame else {
        return;
    };
    let both = std::iter::once(&mut frame.start_bound).chain(frame.end_bound.as_mut());
    for bound in both {
        if let WindowFrameBound::Preceding(Some(expr)) | WindowFrameBound::Following(Some(expr)) =
            bound
        {
            plain_again(expr);
            interval_again(expr);
        }
    }
}

/// An interval in front of PRECEDING or FOLLOWING as the engine reads it there, and nothing else.
fn interval_again(expr: &mut Expr) {
    let Expr::Function(function) = &*expr else {
        return;
    };
    let arguments = arguments(function).unwrap_or_default();
    let (true, [argument]) = (is_named(function, "interval"), arguments.as_slice()) else {
        return;
    };
    let Some(written) = literal(argument) else {
        return;
    };
    // Beside numbers it is a number.
    let read = match written.trim().parse::<f64>() {
        Ok(_) => None,
        Err(_) => read_interval(written).ok(),
    };
    let value = match read {
        Some(read) => format!(
            "{} months {} days {} nanoseconds",
            read.months, read.days, read.nanoseconds
        ),
        None => written.to_owned(),
    };
    *expr = Expr::Interval(Interval {
        value: Box::new(text(value)),
        leading_field: None,
        leading_precision: None,
        last_field: None,
        fractional_seconds_precision: None,
    });
}

fn is_named(function: &Function, name: &str) -> bool {
    matches!(parts(&function.name), Some((None, called)) if called == name)
}

/// `{key: number}`.
fn typed(key: &str, number: Expr) -> Expr {
    Expr::Dictionary(vec![DictionaryField {
        key: quoted(key),
        value: Box::new(number),
    }])
}

/// The number without its type.
fn plain_again(expr: &mut Expr) {
    let plain = match value_of(expr, NUMERIC) {
        Some(Expr::Value(value)) => match &value.value {
            Value::SingleQuotedString(digits) => {
                let (sign, digits) = match digits.strip_prefix('-') {
                    Some(digits) => (true, digits),
                    None => (false, digits.as_str()),
                };
                let number = Expr::value(Value::Number(digits.to_owned(), false));
                Some(match sign {
                    true => Expr::UnaryOp {
                        op: UnaryOperator::Minus,
                        expr: Box::new(number),
                    },
                    false => number,
                })
            }
            _ => None,
        },
        _ => value_of(expr, INTEGER).cloned(),
    };
    if let Some(plain) = plain {
        *expr = plain;
    }
}
