//! Whole numbers that are written out: an `integer` where it has room for them, as in PostgreSQL.
//!
//! The engine takes all of them for `bigint`. A number that fits into 32 bits is handed over with its type beside it, in
//! the form of a dictionary (`{int4: 5}`), which PostgreSQL does not have and which the catalog's planner turns back.
//! Numbers that count (LIMIT, OFFSET), that stand for a column (ORDER BY 1) or that bound a window stay as they are.

use std::ops::ControlFlow;

use super::build::{boolean, quoted};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::Expr as Planned;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawDictionaryExpr};
use datafusion::sql::sqlparser::ast::{
    DictionaryField, Distinct, Expr, Fetch, GroupByExpr, LimitClause, NamedWindowExpr, OrderByKind,
    Query, Select, TableFactor, UnaryOperator, Value, VisitMut, VisitorMut, WindowFrameBound,
    WindowSpec, WindowType,
};

/// The key of the dictionary.
const INTEGER: &str = "int4";

/// Plans numbers that come with their types.
#[derive(Debug)]
pub(crate) struct TypedNumbers;

impl ExprPlanner for TypedNumbers {
    fn plan_dictionary_literal(
        &self,
        expr: RawDictionaryExpr,
        _: &DFSchema,
    ) -> datafusion::common::Result<PlannerResult<RawDictionaryExpr>> {
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

/// The value of a number that is written out, with its sign, if it is an `integer`.
fn integer(expr: &Expr) -> Option<i32> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) => digits.parse().ok(),
            _ => None,
        },
        Expr::UnaryOp {
            op: UnaryOperator::Minus,
            expr,
        } => match expr.as_ref() {
            Expr::Value(value) => match &value.value {
                Value::Number(digits, _) => format!("-{digits}").parse().ok(),
                _ => None,
            },
            _ => None,
        },
        _ => None,
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
                    if integer(&signed).is_some() {
                        *expr = typed(signed);
                    }
                }
            }
            Expr::Value(value) if matches!(value.value, Value::UnicodeStringLiteral(_)) => {
                if let Value::UnicodeStringLiteral(text) = &value.value {
                    value.value = Value::SingleQuotedString(text.clone());
                }
            }
            _ if integer(expr).is_some() => *expr = typed(expr.clone()),
            _ => {}
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
        }
    }
}

/// `{int4: number}`.
fn typed(number: Expr) -> Expr {
    Expr::Dictionary(vec![DictionaryField {
        key: quoted(INTEGER),
        value: Box::new(number),
    }])
}

/// The number without its type.
fn plain_again(expr: &mut Expr) {
    if let Expr::Dictionary(fields) = expr
        && let [DictionaryField { key, value }] = fields.as_mut_slice()
        && key.value == INTEGER
    {
        *expr = value.as_ref().clone();
    }
}
