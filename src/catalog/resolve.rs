//! Types as PostgreSQL resolves them where the engine's coercion would come to others.
//!
//! A text in quotes has the type of what it stands beside. What must be a truth value is not made one.
//!
//! To the engine a moment without a zone is one in UTC, and a date beside an instant makes both timestamps without a
//! zone. Here whatever stands side by side becomes one type first, by the clock of the client's zone, and texts in quotes
//! are read as the type of what they stand beside. Casts between these types become calls of functions, which know the
//! zone. What is written out is converted at once, so that it reaches scans and kept plans as a plain value.

mod addresses;
mod alike;
mod arithmetic;
mod casts;
mod kinds;
pub(super) mod numerics;
mod union;
mod windows;

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::{Between, Case, InList, ScalarFunction};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::planner::TypePlanner;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    BinaryExpr, Cast, Expr, ExprSchemable, Like, LogicalPlan, Operator, ScalarUDF,
};
use datafusion::optimizer::AnalyzerRule;
use datafusion::sql::sqlparser::ast;

use self::kinds::{common, compares, converter, is_untyped, kind_of, wider};
use super::functions::{
    KEY, KEYS, Kind, NEGATE, NETWORK_KEY, OPERATORS, ORDER, TO_FLOAT, TO_FLOATS, TO_NUMERIC,
    TO_NUMERICS, TRIM, constant, moment_kind, zone_of,
};
use super::operators::{boolean, read_literal, untyped};
use super::type_names::named_type;
use crate::sql::encode::zone::Zone;
use crate::sql::numeric::ordered::COLUMN;
use crate::sql::params::is_relative;
use crate::sql::types::reference_names;

/// Functions whose arguments have one type.
pub(super) const ALIKE: [&str; 4] = ["coalesce", "nullif", "greatest", "least"];

/// The moment at which the statement began.
const NOW: &str = "now";

/// The function that makes a number of an interval, to be compared.
const LENGTH: &str = "interval_length";

/// Types that the engine would give another unit, since PostgreSQL counts microseconds, and those that it has no type for.
#[derive(Debug)]
pub(super) struct PostgresTypes;

impl TypePlanner for PostgresTypes {
    fn plan_type_field(&self, sql_type: &ast::DataType) -> Result<Option<FieldRef>> {
        use ast::TimezoneInfo as Zone;
        let planned = match sql_type {
            ast::DataType::Timestamp(_, zone) => {
                let zone = matches!(zone, Zone::WithTimeZone | Zone::Tz);
                DataType::Timestamp(TimeUnit::Microsecond, zone.then(|| "+00:00".into()))
            }
            ast::DataType::Time(_, Zone::None | Zone::WithoutTimeZone) => {
                DataType::Time64(TimeUnit::Microsecond)
            }
            ast::DataType::Numeric(_) | ast::DataType::Decimal(_) | ast::DataType::Dec(_) => COLUMN,
            _ => return Ok(named_type(sql_type)),
        };
        Ok(Some(Arc::new(Field::new("", planned, true))))
    }
}

/// Makes what stands side by side alike.
#[derive(Debug)]
pub(super) struct ResolveTypes {
    /// The functions that convert, by their names.
    functions: HashMap<&'static str, Arc<ScalarUDF>>,
}

impl ResolveTypes {
    /// With functions of these: of two of one name the later.
    pub fn new(functions: &[Arc<ScalarUDF>]) -> Self {
        let names = [
            "timestamptz",
            "timestamp",
            "date",
            "time",
            "interval",
            NOW,
            LENGTH,
            TO_NUMERIC,
            TO_NUMERICS,
            TO_FLOATS,
            TO_FLOAT,
            "float4",
            "int2",
            "int4",
            "int8",
            KEY,
            KEYS,
            NEGATE,
            NETWORK_KEY,
            ORDER,
            TRIM,
        ];
        let names = names.into_iter().chain(reference_names()).chain(OPERATORS);
        let function = |name: &'static str| {
            let mut functions = functions.iter().rev();
            let function = functions.find(|function| function.name() == name)?;
            Some((name, Arc::clone(function)))
        };
        Self {
            functions: names.filter_map(function).collect(),
        }
    }
}

/// What one node of a plan is rewritten with.
struct Resolver<'a> {
    functions: &'a HashMap<&'static str, Arc<ScalarUDF>>,
    schema: &'a DFSchema,
    zone: &'a Zone,
}

impl Resolver<'_> {
    fn kind(&self, expr: &Expr) -> Option<Kind> {
        kind_of(&expr.get_type(self.schema).ok()?)
    }

    /// The expression as one of a kind; `None` where it is that already or cannot become it.
    fn converted(&self, expr: &Expr, kind: Kind) -> Result<Option<Expr>> {
        if matches!(expr, Expr::Placeholder(_)) {
            return Ok(None);
        }
        let is_text = untyped(expr).is_some();
        match self.kind(expr) {
            Some(given) if given == kind => return Ok(None),
            None if !is_text => return Ok(None),
            _ => {}
        }
        if let Expr::Literal(value, _) = expr
            && !value.is_null()
            && !untyped(expr).is_some_and(is_relative)
        {
            let read = constant(value, kind, self.zone)?;
            return Ok(Some(Expr::Literal(read, None)));
        }
        let is_now = untyped(expr).is_some_and(|text| text.trim().eq_ignore_ascii_case(NOW));
        if is_now && let Some(now) = self.functions.get(NOW) {
            // It has no zone before a statement gives it one, and counts in UTC.
            let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()));
            let now = Expr::Cast(Cast::new(Box::new(now.call(Vec::new())), utc));
            return Ok(self.call(kind, now));
        }
        Ok(self.call(kind, expr.clone()))
    }

    fn call(&self, kind: Kind, expr: Expr) -> Option<Expr> {
        let function = self.functions.get(converter(kind)?)?;
        Some(function.call(vec![expr]))
    }

    /// Makes all of these of one kind, if they are moments or texts in quotes beside such. Whether anything changed.
    fn alike<'e>(&self, exprs: impl Iterator<Item = &'e mut Expr>) -> Result<bool> {
        let exprs: Vec<&mut Expr> = exprs.collect();
        let is_moment = |expr: &&mut Expr| is_untyped(expr) || self.kind(expr).is_some();
        if !exprs.iter().all(is_moment) {
            return self.plain(exprs);
        }
        let mut found: Option<Kind> = None;
        for expr in exprs.iter().filter(|expr| !is_untyped(expr)) {
            let Some(kind) = self.kind(expr) else {
                return Ok(false);
            };
            let both = match found {
                None => Some(kind),
                Some(found) => common(found, kind),
            };
            let Some(both) = both else {
                return Ok(false);
            };
            found = Some(both);
        }
        let Some(kind) = found else {
            return Ok(false);
        };
        let mut changed = false;
        for expr in exprs {
            if let Some(converted) = self.converted(expr, kind)? {
                *expr = converted;
                changed = true;
            }
        }
        Ok(changed)
    }

    /// Reads texts in quotes that stand beside numbers or truth values as such. Whether there were any.
    fn plain(&self, exprs: Vec<&mut Expr>) -> Result<bool> {
        let mut wanted: Option<DataType> = None;
        for expr in exprs.iter().filter(|expr| !is_untyped(expr)) {
            let Ok(given) = expr.get_type(self.schema) else {
                return Ok(false);
            };
            let wider = match wanted {
                None => Some(given),
                Some(wanted) => wider(wanted, given),
            };
            let Some(wider) = wider else {
                return self.unlike(&exprs);
            };
            wanted = Some(wider);
        }
        let Some(wanted) = wanted else {
            return Ok(false);
        };
        let mut changed = false;
        for expr in exprs {
            let read = match untyped(expr) {
                Some(text) => read_literal(text, &wanted)?,
                None => self.number(expr, &wanted),
            };
            if let Some(read) = read {
                *expr = read;
                changed = true;
            }
        }
        Ok(changed)
    }

    /// What has to be a truth value and is none is refused. Whether a text in quotes was read.
    fn truth(&self, expr: &mut Expr, clause: &str) -> Result<bool> {
        let Ok(given) = expr.get_type(self.schema) else {
            return Ok(false);
        };
        let is_read = untyped(expr).is_some();
        *expr = boolean(std::mem::take(expr), &given, clause)?;
        Ok(is_read)
    }

    /// The same of operands that are compared: of intervals, what is compared is how long they are.
    fn comparable<'e>(&self, exprs: impl Iterator<Item = &'e mut Expr>) -> Result<bool> {
        let mut exprs: Vec<&mut Expr> = exprs.collect();
        if self.compared_addresses(&mut exprs) {
            return Ok(true);
        }
        let changed = self.alike(exprs.iter_mut().map(|expr| &mut **expr))?;
        let is_interval = |expr: &Expr| {
            self.kind(expr) == Some(Kind::Interval) && !matches!(expr, Expr::Placeholder(_))
        };
        if exprs.iter().any(|expr| self.compared(expr).is_some()) {
            for expr in exprs {
                if let Some(key) = self.compared(expr) {
                    *expr = key;
                }
            }
            return Ok(true);
        }
        let Some(length) = self.functions.get(LENGTH) else {
            return Ok(changed);
        };
        if !exprs.iter().all(|expr| is_interval(expr)) {
            return Ok(changed);
        }
        for expr in exprs {
            *expr = length.call(vec![expr.clone()]);
        }
        Ok(true)
    }

    fn resolve(&self, mut expr: Expr) -> Result<Transformed<Expr>> {
        let changed = match &mut expr {
            Expr::Cast(cast) => return self.cast(cast.clone()),
            Expr::ScalarFunction(call) if let Some(written) = self.equality(call)? => {
                return Ok(Transformed::yes(written));
            }
            Expr::ScalarFunction(call) if let Some(written) = self.arithmetic(call)? => {
                return Ok(Transformed::yes(written));
            }
            Expr::ScalarFunction(ScalarFunction { func, args }) => {
                if ALIKE.contains(&func.name()) || self.is_array_of_numerics(func.name(), args) {
                    self.alike(args.iter_mut())?
                } else if let (Some(kind), [arg]) = (moment_kind(func.name()), args.as_slice())
                    && matches!(arg, Expr::Literal(..))
                {
                    return Ok(match self.converted(arg, kind)? {
                        Some(read) => Transformed::yes(read),
                        None => Transformed::no(expr),
                    });
                } else {
                    false
                }
            }
            Expr::BinaryExpr(BinaryExpr { left, op, right }) if compares(*op) => {
                self.comparable([left.as_mut(), right.as_mut()].into_iter())?
            }
            Expr::BinaryExpr(BinaryExpr {
                left,
                op: Operator::Minus,
                right,
            }) if !is_untyped(left) && !is_untyped(right) => {
                self.alike([left.as_mut(), right.as_mut()].into_iter())?
            }
            Expr::Between(Between {
                expr, low, high, ..
            }) => {
                self.refuse_unlike(expr, low, ">=")?;
                self.refuse_unlike(expr, high, "<=")?;
                self.comparable([expr.as_mut(), low.as_mut(), high.as_mut()].into_iter())?
            }
            Expr::Like(Like {
                negated,
                expr: text,
                pattern,
                case_insensitive,
                ..
            }) => {
                let operator = match (*negated, *case_insensitive) {
                    (false, false) => "~~",
                    (false, true) => "~~*",
                    (true, false) => "!~~",
                    (true, true) => "!~~*",
                };
                self.refuse_no_text(text, pattern, operator)?;
                false
            }
            Expr::InList(InList { expr, list, .. }) => {
                let has_read = self.read_references(expr, list);
                for item in list.iter() {
                    self.refuse_unlike(expr, item, "=")?;
                }
                has_read | self.comparable([expr.as_mut()].into_iter().chain(list.iter_mut()))?
            }
            Expr::Case(Case {
                expr,
                when_then_expr,
                else_expr,
            }) => {
                let mut tested = Vec::new();
                let mut results = Vec::new();
                for (when, then) in when_then_expr.iter_mut() {
                    tested.push(when.as_mut());
                    results.push(then.as_mut());
                }
                results.extend(else_expr.as_deref_mut());
                let mut changed = self.alike(results.iter_mut().map(|result| &mut **result))?;
                changed |= self.one_width(&mut results)?;
                match expr.as_deref_mut() {
                    Some(expr) => {
                        for when in &tested {
                            self.refuse_unlike(expr, when, "=")?;
                        }
                        changed |= self.comparable([expr].into_iter().chain(tested))?;
                    }
                    None => {
                        for when in tested {
                            changed |= self.truth(when, "CASE/WHEN")?;
                        }
                    }
                }
                changed
            }
            Expr::Negative(operand) => match self.key(operand) {
                Some(_) => {
                    let negate = self
                        .functions
                        .get(NEGATE)
                        .map(|negate| negate.call(vec![operand.as_ref().clone()]));
                    return Ok(match negate {
                        Some(negated) => Transformed::yes(negated),
                        None => Transformed::no(expr),
                    });
                }
                None => false,
            },
            Expr::InSubquery(found) => {
                return Ok(match self.in_subquery(found)? {
                    Some(written) => Transformed::yes(written),
                    None => Transformed::no(expr),
                });
            }
            Expr::WindowFunction(function) => {
                self.sorted_addresses(&mut function.params.order_by) | self.window(function)
            }
            Expr::AggregateFunction(function) => {
                let changed = self.aggregated_addresses(function) | self.aggregate(function);
                match &mut function.params.filter {
                    Some(filter) => self.truth(filter, "FILTER")? || changed,
                    None => changed,
                }
            }
            Expr::Not(expr) => self.truth(expr, "NOT")?,
            Expr::IsTrue(expr) => self.truth(expr, "IS TRUE")?,
            Expr::IsFalse(expr) => self.truth(expr, "IS FALSE")?,
            Expr::IsUnknown(expr) => self.truth(expr, "IS UNKNOWN")?,
            Expr::IsNotTrue(expr) => self.truth(expr, "IS NOT TRUE")?,
            Expr::IsNotFalse(expr) => self.truth(expr, "IS NOT FALSE")?,
            Expr::IsNotUnknown(expr) => self.truth(expr, "IS NOT UNKNOWN")?,
            _ => false,
        };
        if let Some(field) = self.case_type(&expr) {
            let cast = Cast::new_from_field(Box::new(expr), field);
            return Ok(Transformed::yes(Expr::Cast(cast)));
        }
        Ok(match changed {
            true => Transformed::yes(expr),
            false => Transformed::no(expr),
        })
    }

    /// A cast to a moment, of another one or a text.
    fn cast(&self, cast: Cast) -> Result<Transformed<Expr>> {
        let wants = cast.field.data_type().clone();
        let unchanged = |cast| Ok(Transformed::no(Expr::Cast(cast)));
        if let Some(number) = self.cast_number(&cast, &wants)? {
            return Ok(Transformed::yes(number));
        }
        let Some(kind) = kind_of(&wants).filter(|kind| *kind != Kind::Interval) else {
            return unchanged(cast);
        };
        let given = cast.expr.get_type(self.schema);
        let is_text = given.as_ref().is_ok_and(DataType::is_string);
        let is_moment = given
            .ok()
            .and_then(|given| kind_of(&given))
            .is_some_and(|given| given != kind);
        if !(is_text || is_moment) || matches!(*cast.expr, Expr::Placeholder(_)) {
            return unchanged(cast);
        }
        let converted = match self.converted(&cast.expr, kind)? {
            Some(converted) => Some(converted),
            None => self.call(kind, cast.expr.as_ref().clone()),
        };
        let Some(converted) = converted else {
            return unchanged(cast);
        };
        let converted = converted.cast_to(&wants, self.schema)?;
        Ok(Transformed::yes(converted))
    }
}

impl AnalyzerRule for ResolveTypes {
    fn analyze(&self, plan: LogicalPlan, config: &ConfigOptions) -> Result<LogicalPlan> {
        let zone = zone_of(config)?;
        let changed = Cell::new(false);
        plan.transform_up_with_subqueries(|plan| {
            let names = NamePreserver::new(&plan);
            let schema = merge_schema(&plan.inputs());
            let resolver = Resolver {
                functions: &self.functions,
                schema: &schema,
                zone: &zone,
            };
            let plan = plan.map_expressions(|expr| {
                let name = names.save(&expr);
                let resolved = expr.transform_up(|expr| resolver.resolve(expr))?;
                Ok(match resolved.transformed {
                    true => resolved.update_data(|expr| name.restore(expr)),
                    false => resolved,
                })
            })?;
            let plan = plan.transform_data(|plan| self.union(plan, &zone))?;
            let plan = plan.transform_data(union::recursive)?;
            let plan = plan.transform_data(|plan| {
                let schema = merge_schema(&plan.inputs());
                let resolver = Resolver {
                    functions: &self.functions,
                    schema: &schema,
                    zone: &zone,
                };
                resolver.equal_rows(plan)
            })?;
            changed.set(changed.get() || plan.transformed);
            match changed.get() {
                true => plan.map_data(LogicalPlan::recompute_schema),
                false => Ok(plan),
            }
        })
        .data()
    }

    fn name(&self) -> &str {
        "resolve_types"
    }
}
