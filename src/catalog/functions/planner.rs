//! Where SQL has a syntax of its own for a function, or an operator for which the engine has another meaning or none.

use std::sync::Arc;

use arrow::datatypes::DataType;
use chrono::Months;
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::functions_nested::expr_fn::array_element;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::planner::{
    ExprPlanner, PlannerResult, RawAggregateExpr, RawBinaryExpr, RawFieldAccessExpr,
};
use datafusion::logical_expr::{Expr, ExprSchemable, GetFieldAccess, ScalarUDF};
use datafusion::sql::sqlparser::ast::BinaryOperator;

use super::define::{Answer, Function, Gives};
use super::interval::{DAY, Interval};
use super::output::Value;
use super::parts::{date_of, stamp_out_of_range};
use super::value::{Kind, is_number};
use super::zoned::{clock, instant, local};
use crate::catalog::column::TYPE;
use crate::proxy::postgres::error::SqlError;
use crate::sql::encode::zone::Zone;
use crate::sql::numeric::ordered::COLUMN;

/// Plans calls of PostgreSQL's functions for syntax that has no name.
#[derive(Debug)]
pub(in crate::catalog) struct PostgresPlanner {
    functions: Vec<Arc<ScalarUDF>>,
}

impl PostgresPlanner {
    /// A planner that finds its functions among these.
    pub fn new(functions: &[Arc<ScalarUDF>]) -> Self {
        Self {
            functions: functions.to_vec(),
        }
    }

    /// The function of this name: of two the later, which took the other's place.
    fn find(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        let mut functions = self.functions.iter().rev();
        functions.find(|function| function.name() == name).cloned()
    }

    fn call(&self, name: &str, args: Vec<Expr>) -> PlannerResult<Vec<Expr>> {
        match self.find(name) {
            Some(function) => {
                let call = ScalarFunction::new_udf(function, args);
                PlannerResult::Planned(Expr::ScalarFunction(call))
            }
            None => PlannerResult::Original(args),
        }
    }
}

/// The class of a type, as operators choose by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Integer,
    Number,
    Date,
    Stamp,
    StampTz,
    Interval,
}

fn class(expr: &Expr, schema: &DFSchema) -> Option<Class> {
    use DataType as D;
    Some(match expr.get_type(schema).ok()? {
        data_type if data_type.is_integer() => Class::Integer,
        data_type if is_number(&data_type) => Class::Number,
        D::Date32 | D::Date64 => Class::Date,
        D::Timestamp(_, None) => Class::Stamp,
        D::Timestamp(_, Some(_)) => Class::StampTz,
        D::Interval(_) | D::Duration(_) => Class::Interval,
        _ => return None,
    })
}

/// The function of an operator, and whether its arguments change places.
fn operator(op: &BinaryOperator, left: Class, right: Class) -> Option<(&'static str, bool)> {
    use BinaryOperator as O;
    use Class as C;
    Some(match (op, left, right) {
        (O::Multiply, C::Interval, C::Integer | C::Number) => ("interval_mul", false),
        (O::Multiply, C::Integer | C::Number, C::Interval) => ("interval_mul", true),
        (O::Divide, C::Interval, C::Integer | C::Number) => ("interval_div", false),
        (O::Plus, C::Date, C::Integer) => ("date_pli", false),
        (O::Plus, C::Integer, C::Date) => ("date_pli", true),
        (O::Minus, C::Date, C::Integer) => ("date_mii", false),
        (O::Minus, C::Date, C::Date) => ("date_mi", false),
        (O::Plus, C::Date, C::Interval) => ("date_pl_interval", false),
        (O::Plus, C::Interval, C::Date) => ("date_pl_interval", true),
        (O::Minus, C::Date, C::Interval) => ("date_mi_interval", false),
        (O::Plus, C::StampTz, C::Interval) => ("timestamptz_pl_interval", false),
        (O::Plus, C::Interval, C::StampTz) => ("timestamptz_pl_interval", true),
        (O::Minus, C::StampTz, C::Interval) => ("timestamptz_mi_interval", false),
        _ => return None,
    })
}

/// The function that reads the text in quotes that stands beside a moment or an interval.
fn reader(op: &BinaryOperator, beside: Class) -> Option<&'static str> {
    use BinaryOperator as O;
    use Class as C;
    Some(match (op, beside) {
        (O::Plus, C::Stamp | C::StampTz | C::Interval) => "interval",
        (
            O::Eq | O::NotEq | O::Lt | O::LtEq | O::Gt | O::GtEq | O::Minus,
            C::Stamp | C::StampTz | C::Interval,
        ) => match beside {
            C::Stamp => "timestamp",
            C::StampTz => "timestamptz",
            _ => "interval",
        },
        (O::Eq | O::NotEq | O::Lt | O::LtEq | O::Gt | O::GtEq | O::Minus, C::Date) => "date",
        _ => return None,
    })
}

impl PostgresPlanner {
    /// Has a text in quotes read as what the other operand is, as PostgreSQL does.
    fn read_text(&self, expr: &mut RawBinaryExpr, schema: &DFSchema) {
        let is_text = |expr: &Expr| matches!(expr, Expr::Literal(ScalarValue::Utf8(Some(_)), _));
        let (text, other) = match (is_text(&expr.left), is_text(&expr.right)) {
            (true, false) => (&mut expr.left, &expr.right),
            (false, true) => (&mut expr.right, &expr.left),
            _ => return,
        };
        let name = class(other, schema).and_then(|class| reader(&expr.op, class));
        if let Some(name) = name
            && let PlannerResult::Planned(read) = self.call(name, vec![text.clone()])
        {
            *text = read;
        }
    }
}

impl ExprPlanner for PostgresPlanner {
    fn plan_binary_op(
        &self,
        mut expr: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        self.read_text(&mut expr, schema);
        let classes = class(&expr.left, schema).zip(class(&expr.right, schema));
        let Some((name, is_swapped)) =
            classes.and_then(|(left, right)| operator(&expr.op, left, right))
        else {
            return Ok(PlannerResult::Original(expr));
        };
        let RawBinaryExpr { op, left, right } = expr;
        let args = if is_swapped {
            vec![right, left]
        } else {
            vec![left, right]
        };
        Ok(match self.call(name, args) {
            PlannerResult::Planned(call) => PlannerResult::Planned(call),
            PlannerResult::Original(mut args) => match (args.pop(), args.pop()) {
                (Some(right), Some(left)) => {
                    PlannerResult::Original(RawBinaryExpr { op, left, right })
                }
                _ => {
                    return Err(datafusion::error::DataFusionError::Internal(
                        "two operands".to_owned(),
                    ));
                }
            },
        })
    }

    fn plan_aggregate(&self, expr: RawAggregateExpr) -> Result<PlannerResult<RawAggregateExpr>> {
        Ok(super::aggregates::planned(expr, |name| self.find(name)))
    }

    /// The engine would make an aggregate of its own of an element of `array_agg`, which does not take our numbers.
    fn plan_field_access(
        &self,
        expr: RawFieldAccessExpr,
        _: &DFSchema,
    ) -> Result<PlannerResult<RawFieldAccessExpr>> {
        Ok(match expr {
            RawFieldAccessExpr {
                field_access: GetFieldAccess::ListIndex { key },
                expr: array @ Expr::AggregateFunction(_),
            } => PlannerResult::Planned(array_element(array, *key)),
            other => PlannerResult::Original(other),
        })
    }

    fn plan_array_literal(
        &self,
        elements: Vec<Expr>,
        schema: &DFSchema,
    ) -> Result<PlannerResult<Vec<Expr>>> {
        let is_ours = |element: &Expr| {
            let given = element.to_field(schema);
            given.is_ok_and(|(_, given)| {
                *given.data_type() == COLUMN || given.metadata().contains_key(TYPE)
            })
        };
        // The engine would not know what numerics become beside other numbers, nor of types that only columns tell.
        match elements.iter().any(is_ours) {
            true => Ok(self.call("make_array", elements)),
            false => Ok(PlannerResult::Original(elements)),
        }
    }

    fn plan_extract(&self, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        Ok(self.call("extract", args))
    }

    fn plan_substring(&self, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        Ok(self.call("substring", args))
    }

    fn plan_position(&self, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        // The text comes first here.
        Ok(self.call("strpos", args))
    }

    fn plan_overlay(&self, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        Ok(self.call("overlay", args))
    }
}

/// A clock's time so much later: months first, then days, then the rest.
pub(super) fn later(micros: i64, interval: Interval) -> Result<i64, SqlError> {
    let with_months = match interval.months {
        0 => micros,
        months => {
            let moment = clock(micros).ok_or_else(stamp_out_of_range)?;
            let moved = match months {
                0.. => moment.checked_add_months(Months::new(months.unsigned_abs())),
                _ => moment.checked_sub_months(Months::new(months.unsigned_abs())),
            };
            moved
                .ok_or_else(stamp_out_of_range)?
                .and_utc()
                .timestamp_micros()
        }
    };
    let days = i64::from(interval.days).checked_mul(DAY);
    days.and_then(|days| with_months.checked_add(days))
        .ok_or_else(stamp_out_of_range)
}

/// An instant so much later: days and months are counted on the zone's clock, hours are not.
pub(super) fn later_in(micros: i64, interval: Interval, zone: &Zone) -> Answer {
    let moved = match (interval.months, interval.days) {
        (0, 0) => micros,
        _ => instant(later(local(micros, zone), interval)?, zone),
    };
    moved
        .checked_add(interval.micros)
        .map(Value::Int)
        .ok_or_else(stamp_out_of_range)
}

fn later_date(days: i32, interval: Interval) -> Answer {
    let midnight = i64::from(days)
        .checked_mul(DAY)
        .ok_or_else(stamp_out_of_range)?;
    let moved = later(midnight, interval)?;
    moved
        .checked_add(interval.micros)
        .map(Value::Int)
        .ok_or_else(stamp_out_of_range)
}

fn moved_date(days: i32, by: i64) -> Answer {
    let day = i64::from(days)
        .checked_add(by)
        .and_then(|day| i32::try_from(day).ok());
    match day.filter(|day| date_of(*day).is_some()) {
        Some(day) => Ok(day.into()),
        None => Err(SqlError::new("22008", "date out of range")),
    }
}

pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    use Kind as K;
    let all = [
        Function::new("date_pli").on(&[K::Date, K::Int], Gives::Date, |a| {
            moved_date(a.date(0), a.int(1))
        }),
        Function::new("date_mii").on(&[K::Date, K::Int], Gives::Date, |a| {
            moved_date(a.date(0), a.int(1).saturating_neg())
        }),
        Function::new("date_mi").on(&[K::Date, K::Date], Gives::Int4, |a| {
            Ok(Value::Int(i64::from(a.date(0)) - i64::from(a.date(1))))
        }),
        Function::new("date_pl_interval").on(&[K::Date, K::Interval], Gives::Stamp, |a| {
            later_date(a.date(0), a.interval(1))
        }),
        Function::new("date_mi_interval").on(&[K::Date, K::Interval], Gives::Stamp, |a| {
            later_date(a.date(0), a.interval(1).negated()?)
        }),
        Function::stable("timestamptz_pl_interval").on(
            &[K::StampTz, K::Interval],
            Gives::StampTz,
            |a| later_in(a.micros(0), a.interval(1), a.zone),
        ),
        Function::stable("timestamptz_mi_interval").on(
            &[K::StampTz, K::Interval],
            Gives::StampTz,
            |a| later_in(a.micros(0), a.interval(1).negated()?, a.zone),
        ),
    ];
    all.map(Function::done).into()
}
