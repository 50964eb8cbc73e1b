//! Numerics beside other numbers, and wherever the engine takes what is equal for one.
//!
//! Equal numerics may print differently (1.5 and 1.50). Whatever asks whether values are equal, comparisons, groups,
//! joins, DISTINCT, asks it of their keys.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, DFSchema, Result, ScalarValue};
use datafusion::functions_aggregate::min_max::min_udaf;
use datafusion::logical_expr::expr::{
    AggregateFunction, InSubquery, ScalarFunction, WindowFunction,
};
use datafusion::logical_expr::{
    Aggregate, Case, Distinct, Expr, ExprSchemable, Join, LogicalPlan, LogicalPlanBuilder,
    Subquery, WindowFrameBound, WindowFrameUnits,
};

use super::{Resolver, windows};
use crate::catalog::functions::{
    KEY, KEYS, Kind, ORDER, TO_FLOAT, TO_NUMERIC, TRIM, narrow_sum, number_converter,
};
use crate::sql::numeric::Numeric;
use crate::sql::numeric::ordered::{self, COLUMN};

/// Functions of arrays and elements that ask whether these are equal.
const OF_EQUAL_ELEMENTS: [&str; 6] = [
    "array_has",
    "array_has_all",
    "array_has_any",
    "array_position",
    "array_positions",
    "array_remove_all",
];

/// Aggregates of intervals whose results depend on how much of each is in days.
const OF_SPANS: [&str; 3] = ["sum", "avg", "percentile_cont"];

/// Whether values are of type `numeric`.
pub(in crate::catalog) fn is_numeric(data_type: &DataType) -> bool {
    *data_type == COLUMN
}

fn is_list_of_numerics(data_type: &DataType) -> bool {
    matches!(data_type, DataType::List(item) if is_numeric(item.data_type()))
}

/// A numeric that is written out, as another number; `None` for what is no constant.
pub(in crate::catalog) fn float_literal(expr: &Expr, wanted: &DataType) -> Option<Expr> {
    let Expr::Literal(ScalarValue::LargeBinary(bytes), metadata) = expr else {
        return None;
    };
    let value = bytes
        .as_deref()
        .map(|bytes| ordered::decode(bytes).to_f64());
    let value = match wanted {
        DataType::Float32 => ScalarValue::Float32(value.map(|value| value as f32)),
        DataType::Float64 => ScalarValue::Float64(value),
        _ => return None,
    };
    Some(Expr::Literal(value, metadata.clone()))
}

impl Resolver<'_> {
    fn is_numeric(&self, expr: &Expr) -> bool {
        expr.get_type(self.schema)
            .is_ok_and(|given| is_numeric(&given))
    }

    fn function(&self, name: &str, args: Vec<Expr>) -> Option<Expr> {
        Some(self.functions.get(name)?.call(args))
    }

    /// A number as one of another type, where one of both is numeric; `None` where the engine converts.
    pub(super) fn number(&self, expr: &Expr, wanted: &DataType) -> Option<Expr> {
        let given = expr.get_type(self.schema).ok()?;
        if given == *wanted || given.is_null() || matches!(expr, Expr::Placeholder(_)) {
            return None;
        }
        match (is_numeric(&given), is_numeric(wanted)) {
            (true, false) => float_literal(expr, wanted)
                .or_else(|| self.function(number_converter(wanted)?, vec![expr.clone()])),
            (false, true) if given.is_numeric() => self.function(TO_NUMERIC, vec![expr.clone()]),
            _ => None,
        }
    }

    /// Whether these are made an array of, and some are numerics.
    pub(super) fn is_array_of_numerics(&self, function: &str, elements: &[Expr]) -> bool {
        function == "make_array" && elements.iter().any(|element| self.is_numeric(element))
    }

    /// What is compared in the place of a numeric.
    pub(super) fn key(&self, expr: &Expr) -> Option<Expr> {
        match self.is_numeric(expr) {
            true => self.function(KEY, vec![expr.clone()]),
            false => None,
        }
    }

    /// The same, also of arrays of numerics.
    pub(super) fn compared(&self, expr: &Expr) -> Option<Expr> {
        let given = expr.get_type(self.schema).ok()?;
        match is_list_of_numerics(&given) {
            true => self.function(KEYS, vec![expr.clone()]),
            false => self.key(expr),
        }
    }

    /// Puts keys in the place of numerics. Whether there were any.
    pub(super) fn keys<'e>(&self, exprs: impl Iterator<Item = &'e mut Expr>) -> bool {
        let mut changed = false;
        for expr in exprs {
            if let Some(key) = self.key(expr) {
                *expr = key;
                changed = true;
            }
        }
        changed
    }

    /// `NULLIF` of numerics, and functions that look for equal elements.
    pub(super) fn equality(&self, call: &ScalarFunction) -> Result<Option<Expr>> {
        let name = call.func.name();
        if name == "nullif"
            && let [one, other] = call.args.as_slice()
            && [one, other]
                .into_iter()
                .any(|expr| self.is_numeric(expr) || self.is_address(expr))
        {
            let mut compared = [one.clone(), other.clone()];
            self.comparable(compared.iter_mut())?;
            let [left, right] = compared;
            return Ok(Some(Expr::Case(Case::new(
                None,
                vec![(
                    Box::new(left.eq(right)),
                    Box::new(Expr::Literal(ScalarValue::Null, None)),
                )],
                Some(Box::new(one.clone())),
            ))));
        }
        if !OF_EQUAL_ELEMENTS.contains(&name) {
            return Ok(None);
        }
        let types = call.args.iter().map(|arg| arg.get_type(self.schema));
        let types = types.collect::<Result<Vec<_>>>()?;
        let concerns = |given: &DataType| is_numeric(given) || is_list_of_numerics(given);
        if !types.iter().any(concerns) {
            return Ok(None);
        }
        let args = call
            .args
            .iter()
            .zip(&types)
            .map(|(arg, given)| match given {
                DataType::List(_) => self.function(KEYS, vec![arg.clone()]),
                given if given.is_null() => Some(arg.clone()),
                _ => self.function(KEY, vec![arg.clone()]),
            });
        let args: Option<Vec<Expr>> = args.collect();
        Ok(args.map(|args| call.func.call(args)))
    }

    /// `value IN (SELECT …)` where one of both is numeric.
    pub(super) fn in_subquery(&self, found: &InSubquery) -> Result<Option<Expr>> {
        let plan = found.subquery.subquery.as_ref();
        let [field] = plan.schema().fields().as_ref() else {
            return Ok(None);
        };
        let (given, wanted) = (found.expr.get_type(self.schema)?, field.data_type());
        if !is_numeric(&given) && !is_numeric(wanted) {
            return Ok(None);
        }
        let (table, field) = plan.schema().qualified_field(0);
        let mut pair = [
            found.expr.as_ref().clone(),
            Expr::Column(Column::new(table.cloned(), field.name())),
        ];
        let both = Arc::new(self.schema.join(plan.schema())?);
        let resolver = Resolver {
            schema: &both,
            ..*self
        };
        resolver.comparable(pair.iter_mut())?;
        let [expr, column] = pair;
        let column = column.alias(field.name());
        let plan = LogicalPlanBuilder::from(plan.clone()).project([column])?;
        Ok(Some(Expr::InSubquery(InSubquery {
            expr: Box::new(expr),
            subquery: Subquery {
                subquery: Arc::new(plan.build()?),
                ..found.subquery.clone()
            },
            negated: found.negated,
        })))
    }

    /// An aggregate: of numerics that are distinct each has as many digits as it needs, and sums of short integers are the
    /// engine's own, whose type does not change when they are summed up again.
    pub(super) fn aggregate(&self, function: &mut AggregateFunction) -> bool {
        let mut changed = false;
        if function.params.distinct {
            let sorts = function.params.order_by.iter_mut();
            let sorts = sorts.map(|sort| &mut sort.expr);
            for expr in function.params.args.iter_mut().chain(sorts) {
                if self.is_numeric(expr)
                    && let Some(trimmed) = self.function(TRIM, vec![expr.clone()])
                {
                    *expr = trimmed;
                    changed = true;
                }
            }
        }
        if OF_SPANS.contains(&function.func.name()) {
            // What lies between two moments has days.
            let sorts = function
                .params
                .order_by
                .iter_mut()
                .map(|sort| &mut sort.expr);
            for expr in function.params.args.iter_mut().take(1).chain(sorts) {
                if let Ok(DataType::Duration(_)) = expr.get_type(self.schema)
                    && let Some(span) = self.call(Kind::Interval, expr.clone())
                {
                    *expr = span;
                    changed = true;
                }
            }
        }
        if let [arg] = function.params.args.as_mut_slice()
            && let Ok(given) = arg.get_type(self.schema)
            && let Some(engine) = narrow_sum(&function.func, &given)
        {
            function.func = engine;
            *arg = datafusion::logical_expr::cast(arg.clone(), DataType::Int64);
            changed = true;
        }
        changed
    }

    /// Partitions and peers of a window.
    pub(super) fn window(&self, function: &mut WindowFunction) -> bool {
        let mut changed = false;
        // What `lag` and `lead` give beyond the rows.
        if let [value, _, beyond] = function.params.args.as_mut_slice()
            && let Ok(wanted) = value.get_type(self.schema)
            && let Some(number) = self.number(beyond, &wanted)
        {
            changed = true;
            *beyond = match (&number, &*beyond) {
                (Expr::ScalarFunction(_), Expr::Literal(ScalarValue::Int32(Some(n)), _)) => {
                    let number = ordered::encode(&Numeric::from(i64::from(*n)));
                    Expr::Literal(ScalarValue::LargeBinary(Some(number)), None)
                }
                _ => number,
            };
        }
        // A range so far before or behind a row needs a number; all else has to be exact.
        let frame = &function.params.window_frame;
        let is_offset = |bound: &WindowFrameBound| {
            matches!(bound, WindowFrameBound::Preceding(by) | WindowFrameBound::Following(by)
                if !by.is_null())
        };
        let by_number = frame.units == WindowFrameUnits::Range
            && (is_offset(&frame.start_bound) || is_offset(&frame.end_bound));
        let order = if by_number { TO_FLOAT } else { ORDER };
        for sort in &mut function.params.order_by {
            if self.is_numeric(&sort.expr)
                && let Some(order) = self.function(order, vec![sort.expr.clone()])
            {
                sort.expr = order;
                changed = true;
            }
        }
        self.keys(function.params.partition_by.iter_mut()) || changed
    }

    /// A node of a plan that asks which rows are equal.
    pub(super) fn equal_rows(&self, plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
        match plan {
            LogicalPlan::Aggregate(aggregate) => self.groups(aggregate),
            LogicalPlan::Distinct(Distinct::All(input)) => {
                let fields = input.schema().fields();
                if !fields.iter().any(|field| is_numeric(field.data_type())) {
                    return Ok(Transformed::no(LogicalPlan::Distinct(Distinct::All(input))));
                }
                let columns = input.schema().columns().into_iter().map(Expr::Column);
                let aggregate = Aggregate::try_new(Arc::clone(&input), columns.collect(), vec![])?;
                let schema = Arc::clone(input.schema());
                let resolver = Resolver {
                    schema: &schema,
                    ..*self
                };
                resolver.groups(aggregate)
            }
            LogicalPlan::Distinct(Distinct::On(mut on)) => {
                let sorted = on.sort_expr.iter_mut().flatten();
                let sorted = sorted.map(|sort| &mut sort.expr);
                let changed = self.keys(on.on_expr.iter_mut().chain(sorted));
                let plan = LogicalPlan::Distinct(Distinct::On(on));
                Ok(Transformed::new_transformed(plan, changed))
            }
            LogicalPlan::Sort(mut sort) => {
                let changed = self.sorted_addresses(&mut sort.expr);
                Ok(Transformed::new_transformed(
                    LogicalPlan::Sort(sort),
                    changed,
                ))
            }
            LogicalPlan::Join(join) => self.join(join),
            LogicalPlan::Window(window) => windows::with_columns(window),
            other => Ok(Transformed::no(other)),
        }
    }

    /// Groups by the keys of numerics; what is shown of a group is its value with the fewest digits.
    fn groups(&self, aggregate: Aggregate) -> Result<Transformed<LogicalPlan>> {
        let grouped = &aggregate.group_expr;
        let exprs: Vec<&Expr> = match grouped.as_slice() {
            [Expr::GroupingSet(sets)] => sets.distinct_expr(),
            _ => grouped.iter().collect(),
        };
        if !exprs.iter().any(|expr| self.is_numeric(expr)) {
            return Ok(Transformed::no(LogicalPlan::Aggregate(aggregate)));
        }
        let mut shown: Vec<(String, Expr)> = Vec::new();
        for expr in exprs {
            if self.is_numeric(expr) {
                let name = format!("{KEY} {}", shown.len());
                let least = AggregateFunction::new_udf(
                    min_udaf(),
                    vec![expr.clone()],
                    false,
                    None,
                    vec![],
                    None,
                );
                shown.push((name, Expr::AggregateFunction(least)));
            }
        }
        let groups = grouped.iter().map(|expr| self.keys_in(expr.clone()));
        let groups = groups.collect::<Result<Vec<_>>>()?;
        let mut computed = aggregate.aggr_expr.clone();
        let mut asks_for_sets = false;
        for expr in &mut computed {
            let bare = match expr {
                Expr::Alias(alias) => alias.expr.as_mut(),
                bare => bare,
            };
            if let Expr::AggregateFunction(function) = bare
                && function.func.name() == "grouping"
            {
                self.keys(function.params.args.iter_mut());
                asks_for_sets = true;
            }
        }
        for (name, least) in &shown {
            computed.push(least.clone().alias(name));
        }
        let inner = Aggregate::try_new(Arc::clone(&aggregate.input), groups, computed)?;
        let inner = LogicalPlan::Aggregate(inner);
        let mut next = shown.iter();
        let mut items = Vec::new();
        for at in 0..aggregate.schema.fields().len() {
            let (table, field) = aggregate.schema.qualified_field(at);
            // The engine computes GROUPING of it, and takes it away.
            if asks_for_sets && field.name() == Aggregate::INTERNAL_GROUPING_ID {
                continue;
            }
            let (own_table, own_field) = inner.schema().qualified_field(at);
            let own = Expr::Column(Column::new(own_table.cloned(), own_field.name()));
            let is_key = is_numeric(field.data_type()) && *own_field.data_type() == ordered::KEY;
            let item = match is_key.then(|| next.next()).flatten() {
                // A row of a total has no value there.
                Some((name, _)) => Expr::Case(Case::new(
                    None,
                    vec![(
                        Box::new(own.is_not_null()),
                        Box::new(Expr::Column(Column::from_name(name))),
                    )],
                    None,
                )),
                None => own,
            };
            items.push(item.alias_qualified(table.cloned(), field.name()));
        }
        let plan = LogicalPlanBuilder::from(inner).project(items)?.build()?;
        Ok(Transformed::yes(plan))
    }

    /// The expression with keys in the place of the numerics that it groups by.
    fn keys_in(&self, expr: Expr) -> Result<Expr> {
        use datafusion::logical_expr::GroupingSet as Sets;
        let key = |expr: Expr| self.key(&expr).unwrap_or(expr);
        let all = |exprs: Vec<Expr>| exprs.into_iter().map(key).collect::<Vec<_>>();
        Ok(match expr {
            Expr::GroupingSet(Sets::Rollup(exprs)) => Expr::GroupingSet(Sets::Rollup(all(exprs))),
            Expr::GroupingSet(Sets::Cube(exprs)) => Expr::GroupingSet(Sets::Cube(all(exprs))),
            Expr::GroupingSet(Sets::GroupingSets(sets)) => {
                Expr::GroupingSet(Sets::GroupingSets(sets.into_iter().map(all).collect()))
            }
            other => key(other),
        })
    }

    fn join(&self, mut join: Join) -> Result<Transformed<LogicalPlan>> {
        let both: DFSchema = join.left.schema().join(join.right.schema())?;
        let resolver = Resolver {
            schema: &both,
            ..*self
        };
        let mut changed = false;
        for (left, right) in &mut join.on {
            let is_numeric = resolver.is_numeric(left) || resolver.is_numeric(right);
            let is_address = resolver.is_address(left) || resolver.is_address(right);
            if is_numeric || is_address {
                changed |= resolver.comparable([left, right].into_iter())?;
            }
        }
        Ok(Transformed::new_transformed(
            LogicalPlan::Join(join),
            changed,
        ))
    }
}
