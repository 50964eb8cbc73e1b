//! `sum`, `avg`, `variance` and `stddev` of integers and numerics: exact, and numerics where PostgreSQL says so. Of other
//! types they are the engine's.

mod groups;
mod real;
mod running;
mod spans;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use datafusion::common::{Result, ScalarValue, not_impl_err};
use datafusion::logical_expr::expr::AggregateFunctionParams;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Expr, GroupsAccumulator, ReversedUDAF,
    SetMonotonicity, Signature, StatisticsArgs, Volatility,
};

use self::groups::Groups;
use self::running::{Distinct, Exact, Whole};
use self::spans::Spans;
use super::define::{IntoExternal, engine_types};
use super::interval::SPAN;
use crate::proxy::postgres::error::SqlError;
use crate::sql::numeric::Numeric;
use crate::sql::numeric::ordered::{self, COLUMN};

/// What is computed of the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Total {
    Sum,
    Average,
    /// The mean square of the distances from the average, of a sample or of all there is, or the root of it.
    Deviation {
        sample: bool,
        root: bool,
    },
}

/// Aggregates of the engine that are exact here.
const TOTALS: [(&str, Total); 6] = [
    ("sum", Total::Sum),
    ("avg", Total::Average),
    ("var", deviation(true, false)),
    ("var_pop", deviation(false, false)),
    ("stddev", deviation(true, true)),
    ("stddev_pop", deviation(false, true)),
];

const fn deviation(sample: bool, root: bool) -> Total {
    Total::Deviation { sample, root }
}

/// An aggregate of the engine with exact numbers.
#[derive(Debug, PartialEq, Eq, Hash)]
struct ExactTotal {
    engine: Arc<AggregateUDF>,
    aliases: Vec<String>,
    total: Total,
    signature: Signature,
}

/// The aggregate with exact numbers, if it is one of these.
pub(super) fn exact(engine: &Arc<AggregateUDF>) -> Option<Arc<AggregateUDF>> {
    let (_, total) = TOTALS.iter().find(|(name, _)| *name == engine.name())?;
    let mut aliases = engine.aliases().to_vec();
    if engine.name() == "var" {
        aliases.push("variance".to_owned());
    }
    Some(Arc::new(AggregateUDF::from(ExactTotal {
        aliases,
        engine: Arc::clone(engine),
        total: *total,
        signature: Signature::user_defined(Volatility::Immutable),
    })))
}

/// The engine's sum in the place of an exact one of integers of at most 32 bits.
pub(in crate::catalog) fn narrow_sum(
    function: &AggregateUDF,
    given: &DataType,
) -> Option<Arc<AggregateUDF>> {
    let exact = function.inner().downcast_ref::<ExactTotal>()?;
    let is_narrow = matches!(given, DataType::Int8 | DataType::Int16 | DataType::Int32);
    (exact.total == Total::Sum && is_narrow).then(|| Arc::clone(&exact.engine))
}

fn is_exact(data_type: &DataType) -> bool {
    data_type.is_signed_integer() || *data_type == COLUMN
}

impl Total {
    /// The type of the result for exact numbers.
    fn returns(self, given: &DataType) -> DataType {
        match (self, given) {
            (Self::Sum, DataType::Int8 | DataType::Int16 | DataType::Int32) => DataType::Int64,
            _ => COLUMN,
        }
    }

    /// Whether squares of the values are needed.
    fn needs_squares(self) -> bool {
        matches!(self, Self::Deviation { .. })
    }

    /// The result of a sum of integers.
    fn of_whole(self, sum: i128, count: i64) -> Result<Option<Numeric>> {
        if count == 0 {
            return Ok(None);
        }
        let sum = Numeric::from(sum);
        match self {
            Self::Average => sum
                .divide(&count.into())
                .map(Some)
                .map_err(SqlError::into_external),
            _ => Ok(Some(sum)),
        }
    }
}

/// A result in its type.
fn scalar(result: Option<Numeric>, returns: &DataType) -> Result<ScalarValue> {
    let beyond = || SqlError::new("22003", "bigint out of range").into_external();
    match (result, returns) {
        (Some(result), DataType::Int64) => {
            let whole = result.to_i128().and_then(|whole| i64::try_from(whole).ok());
            Ok(ScalarValue::Int64(Some(whole.ok_or_else(beyond)?)))
        }
        (None, DataType::Int64) => Ok(ScalarValue::Int64(None)),
        (result, _) => Ok(ScalarValue::LargeBinary(
            result.as_ref().map(ordered::encode),
        )),
    }
}

/// Integers of any width.
fn integers(array: &ArrayRef) -> Result<Int64Array> {
    let wide = cast(array, &DataType::Int64)?;
    Ok(wide.as_primitive::<Int64Type>().clone())
}

/// Numbers without NULLs, each with `of`.
fn each_number(array: &ArrayRef, mut of: impl FnMut(Numeric) -> Result<()>) -> Result<()> {
    match array.data_type() {
        DataType::LargeBinary => {
            for bytes in array.as_binary::<i64>().iter().flatten() {
                of(ordered::decode(bytes))?;
            }
        }
        _ => {
            for value in integers(array)?.iter().flatten() {
                of(value.into())?;
            }
        }
    }
    Ok(())
}

impl ExactTotal {
    fn is_ours(&self, args: &AccumulatorArgs) -> bool {
        let given = args.expr_fields.first();
        given.is_some_and(|field| is_exact(field.data_type()))
    }

    /// Whether what is computed of values of this type is of it, too.
    fn is_real(&self, given: &DataType) -> bool {
        self.total == Total::Sum && *given == DataType::Float32
    }

    /// Whether an average of this type is one of intervals.
    fn is_span(&self, given: &DataType) -> bool {
        self.total == Total::Average && *given == SPAN
    }

    fn averages_spans(&self, args: &AccumulatorArgs) -> bool {
        let given = args.expr_fields.first();
        given.is_some_and(|field| self.is_span(field.data_type()))
    }

    fn sums_reals(&self, args: &AccumulatorArgs) -> bool {
        let given = args.expr_fields.first();
        given.is_some_and(|field| self.is_real(field.data_type()))
    }

    /// Whether the sum of whole numbers is enough.
    fn is_whole(&self, given: &DataType) -> bool {
        given.is_integer() && !self.total.needs_squares()
    }
}

impl AggregateUDFImpl for ExactTotal {
    fn name(&self) -> &str {
        self.engine.name()
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    /// With the casts of the arguments, which the engine's names leave out: `avg(n)` and `avg(n::bigint)` are two columns.
    fn schema_name(&self, params: &AggregateFunctionParams) -> Result<String> {
        let name = self.engine.inner().schema_name(params)?;
        let casts = params
            .args
            .iter()
            .filter(|arg| matches!(arg, Expr::Cast(_)));
        let casts: Vec<String> = casts.map(ToString::to_string).collect();
        Ok(match casts.is_empty() {
            true => name,
            false => format!("{name} {}", casts.join(" ")),
        })
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        if let [given] = types
            && (is_exact(given) || self.is_real(given) || self.is_span(given))
        {
            return Ok(types.to_vec());
        }
        engine_types(self.engine.as_ref(), types.iter().cloned())
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [given] if is_exact(given) => Ok(self.total.returns(given)),
            [given] if self.is_real(given) || self.is_span(given) => Ok(given.clone()),
            _ => self.engine.inner().return_type(types),
        }
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        if self.sums_reals(&args) {
            let inner = self.engine.inner();
            return real::narrowed(args, |args| inner.accumulator(args));
        }
        if self.averages_spans(&args) {
            return match args.is_distinct {
                true => not_impl_err!("avg(DISTINCT) of intervals"),
                false => Ok(Box::new(Spans::default())),
            };
        }
        if !self.is_ours(&args) {
            return self.engine.inner().accumulator(args);
        }
        let returns = args.return_field.data_type().clone();
        if args.is_distinct {
            return Ok(Box::new(Distinct::new(self.total, returns)));
        }
        let given = args.expr_fields.first().map(|field| field.data_type());
        Ok(match given.is_some_and(|given| self.is_whole(given)) {
            true => Box::new(Whole::new(self.total, returns)),
            false => Box::new(Exact::new(self.total, returns)),
        })
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let inner = self.engine.inner();
        if self.sums_reals(&args) {
            return real::narrowed(args, |args| inner.create_sliding_accumulator(args));
        }
        match self.is_ours(&args) || self.averages_spans(&args) {
            true => self.accumulator(args),
            false => inner.create_sliding_accumulator(args),
        }
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let given = args.input_fields.first().map(|field| field.data_type());
        if given.is_some_and(|given| self.is_real(given)) {
            return real::state_fields(self.engine.inner().as_ref(), args);
        }
        if given.is_some_and(|given| self.is_span(given)) {
            let field =
                |(part, data_type)| Field::new(format_state_name(args.name, part), data_type, true);
            return Ok(spans::STATE
                .into_iter()
                .map(|state| Arc::new(field(state)))
                .collect());
        }
        let Some(given) = given.filter(|given| is_exact(given)) else {
            return self.engine.inner().state_fields(args);
        };
        let name = |part: &str| format_state_name(args.name, part);
        let field = |part: &str, data_type| Arc::new(Field::new(name(part), data_type, true));
        if args.is_distinct {
            let item = Field::new_list_field(COLUMN, true);
            return Ok(vec![Arc::new(Field::new_list(name("values"), item, true))]);
        }
        Ok(match self.is_whole(given) {
            true => groups::STATE
                .into_iter()
                .map(|(part, data_type)| field(part, data_type))
                .collect(),
            false => running::STATE
                .into_iter()
                .map(|(part, data_type)| field(part, data_type))
                .collect(),
        })
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        if self.sums_reals(&args) || self.averages_spans(&args) {
            return false;
        }
        if !self.is_ours(&args) {
            return self.engine.inner().groups_accumulator_supported(args);
        }
        let given = args.expr_fields.first().map(|field| field.data_type());
        !args.is_distinct && given.is_some_and(|given| self.is_whole(given))
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        match self.is_ours(&args) {
            true => {
                let returns = args.return_field.data_type().clone();
                Ok(Box::new(Groups::new(self.total, returns)))
            }
            false => self.engine.inner().create_groups_accumulator(args),
        }
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn value_from_stats(&self, args: &StatisticsArgs) -> Option<ScalarValue> {
        match *args.return_type == COLUMN {
            true => None,
            false => self.engine.inner().value_from_stats(args),
        }
    }

    fn set_monotonicity(&self, _: &DataType) -> SetMonotonicity {
        SetMonotonicity::NotMonotonic
    }
}
