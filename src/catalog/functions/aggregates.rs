//! Aggregates that PostgreSQL has and the engine lacks. Each is a function of the list of its values, which the engine
//! gathers, sorted and accounted for, with `array_agg`.

use std::hash::Hash;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, FieldRef, Float64Type};
use datafusion::common::{Result, ScalarValue, not_impl_err};
use datafusion::execution::SessionStateDefaults;
use datafusion::logical_expr::expr::{AggregateFunction, ScalarFunction};
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::planner::{PlannerResult, RawAggregateExpr};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Expr, ScalarUDF, Signature, Volatility,
};

use super::arrays::failed;
use super::define::{Answer, Function, Gives, no_function};
use super::gathered::array_agg;
use super::numbers::floats;
use super::numeric::TO_FLOAT;
use super::output::Value;
use super::percentile::{between, percentile_cont};
use super::sets::one_list;
use super::value::{Kind, Row, is_text, list_item, list_of, refuse_over};
use crate::catalog::resolve::numerics::float_literal;
use crate::proxy::postgres::error::SqlError;
use crate::sql::numeric::ordered::COLUMN;
use crate::sql::types::sql_name;

/// Names of aggregates, the function of the list that each is, and whether it takes WITHIN GROUP.
const MADE: [(&str, &str, bool); 6] = [
    ("mode", "list_mode", true),
    ("percentile_disc", "list_percentile_disc", true),
    ("json_agg", "json_of_elements", false),
    ("jsonb_agg", "jsonb_of_elements", false),
    ("json_object_agg", "json_of_pairs", false),
    ("jsonb_object_agg", "jsonb_of_pairs", false),
];

/// Aggregates that show the order of the values which they were given.
const GATHERS: [&str; 4] = ["array_agg", "json_agg", "jsonb_agg", "string_agg"];

/// What `string_agg` is where its values have an order, or each its own delimiter: the engine would sort the rows once for
/// all aggregates of a query, and takes one delimiter.
const STRING_AGG: (&str, &str) = ("string_agg", "list_string_agg");

/// Those of [`MADE`] that are functions of the values as they are where only different ones count: the engine compares
/// what it gathers.
const OF_DISTINCT: [(&str, &str); 2] =
    [("json_agg", "json_of_list"), ("jsonb_agg", "jsonb_of_list")];

/// A name that the planner of SQL has to know; [`planned`] puts something else in its place.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Named {
    name: &'static str,
    is_ordered_set: bool,
    signature: Signature,
}

impl AggregateUDFImpl for Named {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        not_impl_err!("{} as a window function", self.name)
    }

    fn supports_within_group_clause(&self) -> bool {
        self.is_ordered_set
    }
}

/// The engine's aggregates and PostgreSQL's.
pub(in crate::catalog) fn aggregates() -> Vec<Arc<AggregateUDF>> {
    let mut all = SessionStateDefaults::default_aggregate_functions();
    for function in &mut all {
        if let Some(exact) = super::totals::exact(function) {
            *function = exact;
        }
        if function.name() == "array_agg" {
            *function = array_agg();
        }
        if function.name() == "percentile_cont" {
            *function = percentile_cont();
        }
        if function.name() == "bool_and" {
            let with_alias = function.as_ref().clone().with_aliases(["every"]);
            *function = Arc::new(with_alias);
        }
    }
    all.extend(MADE.iter().map(|(name, _, is_ordered_set)| {
        Arc::new(AggregateUDF::from(Named {
            name,
            is_ordered_set: *is_ordered_set,
            signature: Signature::variadic_any(Volatility::Immutable),
        }))
    }));
    all
}

/// Whether an expression is an array of fractions.
fn is_array(expr: &Expr) -> bool {
    match expr {
        Expr::ScalarFunction(call) => call.func.name() == "make_array",
        Expr::Literal(value, _) => list_item(&value.data_type()).is_some(),
        Expr::Cast(cast) => list_item(cast.field.data_type()).is_some(),
        _ => false,
    }
}

/// An aggregate of the engine that takes `double precision` alone, with what it is given as such.
fn of_floats(mut raw: RawAggregateExpr, to_float: Option<Arc<ScalarUDF>>) -> RawAggregateExpr {
    const OF_FLOATS: [&str; 14] = [
        "corr",
        "covar_pop",
        "covar_samp",
        "regr_avgx",
        "regr_avgy",
        "regr_count",
        "regr_intercept",
        "regr_r2",
        "regr_slope",
        "regr_sxx",
        "regr_sxy",
        "regr_syy",
        "approx_percentile_cont",
        "median",
    ];
    let name = raw.func.name();
    let only_fraction = name == "percentile_cont";
    let concerns = only_fraction || OF_FLOATS.contains(&name);
    let Some(to_float) = to_float.filter(|_| concerns) else {
        return raw;
    };
    let float = |expr: &Expr| {
        let literal = float_literal(expr, &DataType::Float64);
        literal.unwrap_or_else(|| match expr {
            Expr::Literal(..) => expr.clone(),
            expr => to_float.call(vec![expr.clone()]),
        })
    };
    if only_fraction {
        raw.args
            .iter_mut()
            .skip(1)
            .for_each(|arg| *arg = float(arg));
        return raw;
    }
    raw.args = raw.args.iter().map(float).collect();
    // What is sorted by is one of the arguments.
    for sort in &mut raw.order_by {
        sort.expr = float(&sort.expr);
    }
    raw
}

/// The plan of an aggregate that is one of ours. `find` gives a scalar function by its name.
pub(super) fn planned(
    mut raw: RawAggregateExpr,
    find: impl Fn(&str) -> Option<Arc<ScalarUDF>>,
) -> PlannerResult<RawAggregateExpr> {
    let name = raw.func.name().to_owned();
    // PostgreSQL finds distinct values by sorting them.
    if raw.distinct
        && raw.order_by.is_empty()
        && GATHERS.contains(&name.as_str())
        && let Some(value) = raw.args.first()
    {
        raw.order_by = vec![value.clone().sort(true, false)];
    }
    let of_fractions = name == "percentile_cont" && raw.args.get(1).is_some_and(is_array);
    let made = MADE.iter().find(|(known, ..)| *known == name);
    let of_distinct = OF_DISTINCT
        .iter()
        .find(|(known, _)| raw.distinct && *known == name);
    let has_delimiters = !matches!(raw.args.get(1), Some(Expr::Literal(..)));
    let is_string =
        name == STRING_AGG.0 && raw.args.len() == 2 && (has_delimiters || !raw.order_by.is_empty());
    let function = match (made, of_fractions) {
        (Some((_, function, _)), _) => find(of_distinct.map_or(function, |(_, function)| function)),
        (None, true) => find("list_percentile_cont"),
        (None, false) if is_string => find(STRING_AGG.1),
        (None, false) => None,
    };
    let Some(function) = function else {
        return PlannerResult::Original(of_floats(raw, find(TO_FLOAT)));
    };
    let mut args = raw.args.iter().cloned();
    let Some(mut value) = args.next() else {
        return PlannerResult::Original(raw);
    };
    let is_ordered_set = of_fractions || made.is_some_and(|(.., is_ordered_set)| *is_ordered_set);
    let mut filter = raw.filter.clone();
    let mut rest: Vec<Expr> = args.collect();
    if is_ordered_set || is_string {
        let present = value.clone().is_not_null();
        filter = Some(Box::new(match filter {
            Some(filter) => filter.and(present),
            None => present,
        }));
    }
    if is_string {
        if has_delimiters && let (Some(pair), Some(delimiter)) = (find("struct"), rest.pop()) {
            value = pair.call(vec![value, delimiter]);
        }
    } else if !is_ordered_set && let Some(member) = rest.pop() {
        if let (Some(to_json), Some(pair)) = (find("to_json"), find("struct")) {
            value = pair.call(vec![value, to_json.call(vec![member])]);
        }
    } else if let (false, None, Some(element)) = (is_ordered_set, of_distinct, find("json_element"))
    {
        value = element.call(vec![value]);
    }
    let list = AggregateFunction::new_udf(
        array_agg(),
        vec![value],
        raw.distinct,
        filter,
        raw.order_by,
        None,
    );
    let mut given = vec![Expr::AggregateFunction(list)];
    given.extend(rest);
    PlannerResult::Planned(Expr::ScalarFunction(ScalarFunction::new_udf(
        function, given,
    )))
}

/// The value that comes most often: of several the first.
fn mode(a: &Row<'_>) -> Answer {
    let elements = a.elements(0);
    let mut best = (0, 0);
    let mut start = 0;
    for end in 1..=elements.len() {
        if end < elements.len() && elements.slice(start, 1) == elements.slice(end, 1) {
            continue;
        }
        if end - start > best.1 {
            best = (start, end - start);
        }
        start = end;
    }
    Ok(match best.1 {
        0 => Value::Null,
        _ => Value::One(elements.slice(best.0, 1)),
    })
}

pub(super) fn fraction(value: f64) -> Result<f64, SqlError> {
    match (0.0..=1.0).contains(&value) {
        true => Ok(value),
        false => Err(SqlError::new(
            "22003",
            format!("percentile value {value} is not between 0 and 1"),
        )),
    }
}

/// The place of the first value that has at least this part of all at or before it.
fn place(fraction: f64, count: usize) -> usize {
    let rank = (fraction * count as f64).ceil() as usize;
    rank.clamp(1, count.max(1)) - 1
}

fn interpolated(values: &Float64Array, fraction: f64) -> f64 {
    let at = fraction * (values.len() - 1) as f64;
    let (low, high) = (
        values.value(at.floor() as usize),
        values.value(at.ceil() as usize),
    );
    between(low, high, at.fract())
}

/// Numbers as `double precision`.
pub(super) fn floats_of(numbers: &ArrayRef) -> Result<Float64Array, arrow::error::ArrowError> {
    match *numbers.data_type() == COLUMN {
        true => Ok(floats(numbers)),
        false => Ok(cast(numbers, &DataType::Float64)?
            .as_primitive::<Float64Type>()
            .clone()),
    }
}

fn fractions(a: &Row<'_>) -> Result<Vec<Option<f64>>, SqlError> {
    let given = floats_of(&a.elements(1)).map_err(failed)?;
    given
        .iter()
        .map(|value| value.map(fraction).transpose())
        .collect()
}

/// Texts or bytes in a row, with a delimiter between them: the second argument, or beside each value its own.
fn string_agg(a: &Row<'_>) -> Answer {
    if a.is_null(0) {
        return Ok(Value::Null);
    }
    let elements = a.elements(0);
    let (values, delimiters) = match elements.as_struct_opt().map(|pairs| pairs.columns()) {
        Some([values, delimiters]) => (values, Some(delimiters)),
        _ => (&elements, None),
    };
    if !is_text(values.data_type()) && !values.data_type().is_binary() {
        let types = format!("{}, text", sql_name(values.data_type()));
        return Err(no_function(STRING_AGG.0, &types));
    }
    let bytes = |array: &ArrayRef| cast(array, &DataType::Binary).map_err(failed);
    let (is_bytes, values) = (values.data_type().is_binary(), bytes(values)?);
    let delimiters = delimiters.map(bytes).transpose()?;
    let mut out = Vec::new();
    for (at, value) in values.as_binary::<i32>().iter().enumerate() {
        let delimiter = match &delimiters {
            Some(own) if own.is_valid(at) => own.as_binary::<i32>().value(at),
            Some(_) => &[],
            None => a.opt_text(1).unwrap_or_default().as_bytes(),
        };
        if at > 0 {
            out.extend_from_slice(delimiter);
        }
        out.extend_from_slice(value.unwrap_or_default());
        refuse_over(STRING_AGG.0, out.len() as u64)?;
    }
    Ok(match is_bytes {
        true => out.into(),
        false => String::from_utf8_lossy(&out).into_owned().into(),
    })
}

pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    use Kind::{Array, Float, Text};
    let text_or_bytes = |fields: &[FieldRef], _: &[Option<&ScalarValue>]| {
        let item = fields
            .first()
            .and_then(|field| list_item(field.data_type()));
        let value = match item {
            Some(DataType::Struct(fields)) => fields.first().map(|field| field.data_type()),
            item => item,
        };
        match value.is_some_and(DataType::is_binary) {
            true => DataType::Binary,
            false => DataType::Utf8,
        }
    };
    let all = [
        Function::new(STRING_AGG.1)
            .on_nulls(&[Array], Gives::Of(text_or_bytes), string_agg)
            .on_nulls(&[Array, Text], Gives::Of(text_or_bytes), string_agg),
        Function::new("list_mode").on(&[Array], Gives::Element(0), mode),
        Function::new("list_percentile_disc")
            .on(&[Array, Float], Gives::Element(0), |a| {
                let elements = a.elements(0);
                let at = place(fraction(a.float(1))?, elements.len());
                Ok(if elements.is_empty() {
                    Value::Null
                } else {
                    Value::One(elements.slice(at, 1))
                })
            })
            .on(&[Array, Array], Gives::Same(0), move |a| {
                let elements = a.elements(0);
                if elements.is_empty() {
                    return Ok(Value::Null);
                }
                let at = |fraction: Option<f64>| fraction.map(|f| place(f, elements.len()) as u64);
                let places: arrow::array::UInt64Array = fractions(a)?.into_iter().map(at).collect();
                let picked: ArrayRef = take(&elements, &places, None).map_err(failed)?;
                Ok(one_list(picked))
            }),
        Function::new("list_percentile_cont").on(
            &[Array, Array],
            Gives::Of(|_, _| list_of(DataType::Float64)),
            move |a| {
                let values = floats_of(&a.elements(0)).map_err(failed)?;
                if values.is_empty() {
                    return Ok(Value::Null);
                }
                let at = |fraction: Option<f64>| fraction.map(|f| interpolated(&values, f));
                let picked: Float64Array = fractions(a)?.into_iter().map(at).collect();
                Ok(one_list(Arc::new(picked)))
            },
        ),
    ];
    all.map(Function::done).into()
}
