//! `percentile_cont`: of numbers, and of intervals. The engine's rounds the part of the way between two values.

use std::cmp::Ordering;
use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, ListArray, PrimitiveArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{
    DataType, Field, FieldRef, Float64Type, IntervalMonthDayNano, IntervalMonthDayNanoType,
};
use datafusion::common::{Result, ScalarValue, not_impl_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility,
};
use datafusion::physical_expr::expressions::Literal;

use super::aggregates::fraction;
use super::define::{IntoExternal, no_function};
use super::interval::{Interval, SPAN, out_of_range};
use super::numbers::floats;
use super::value::is_number;
use crate::sql::numeric::ordered::COLUMN;
use crate::sql::types::sql_name;

#[derive(Debug, PartialEq, Eq, Hash)]
struct Percentile {
    signature: Signature,
}

/// The aggregate.
pub(super) fn percentile_cont() -> Arc<AggregateUDF> {
    Arc::new(AggregateUDF::from(Percentile {
        signature: Signature::user_defined(Volatility::Immutable),
    }))
}

fn is_span(given: &DataType) -> bool {
    matches!(given, DataType::Interval(_) | DataType::Duration(_))
}

impl AggregateUDFImpl for Percentile {
    fn name(&self) -> &str {
        "percentile_cont"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let value = match types {
            [given, _] if is_span(given) => SPAN,
            [COLUMN, _] => COLUMN,
            [given, _] if is_number(given) || given.is_null() => DataType::Float64,
            _ => {
                let names: Vec<&str> = types.iter().map(sql_name).collect();
                return Err(no_function(self.name(), &names.join(", ")).into_external());
            }
        };
        Ok(vec![value, DataType::Float64])
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(match types.first().is_some_and(is_span) {
            true => SPAN,
            false => DataType::Float64,
        })
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(match is_span(args.return_field.data_type()) {
            true => Box::new(Values::<IntervalMonthDayNanoType>::new(&args)?),
            false => Box::new(Values::<Float64Type>::new(&args)?),
        })
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let name = format_state_name(args.name, "values");
        let item = Field::new_list_field(args.return_field.data_type().clone(), true);
        Ok(vec![Arc::new(Field::new_list(name, item, true))])
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn supports_within_group_clause(&self) -> bool {
        true
    }
}

/// What lies so far on the way from one number to another.
pub(super) fn between(low: f64, high: f64, part: f64) -> f64 {
    low + part * (high - low)
}

/// Values that have others between them.
trait Between: ArrowPrimitiveType {
    fn compare(one: &Self::Native, other: &Self::Native) -> Ordering;

    /// What lies so far on the way from one to the other; `None` beyond what the type holds.
    fn between(low: Self::Native, high: Self::Native, part: f64) -> Option<Self::Native>;
}

impl Between for Float64Type {
    fn compare(one: &f64, other: &f64) -> Ordering {
        one.total_cmp(other)
    }

    fn between(low: f64, high: f64, part: f64) -> Option<f64> {
        Some(between(low, high, part))
    }
}

impl Between for IntervalMonthDayNanoType {
    fn compare(one: &IntervalMonthDayNano, other: &IntervalMonthDayNano) -> Ordering {
        let total = |interval| Interval::from_arrow(interval).total();
        total(*one).cmp(&total(*other))
    }

    fn between(
        low: IntervalMonthDayNano,
        high: IntervalMonthDayNano,
        part: f64,
    ) -> Option<IntervalMonthDayNano> {
        let (low, high) = (Interval::from_arrow(low), Interval::from_arrow(high));
        let way = high.minus(low)?.scaled(|whole| whole * part).ok()?;
        Some(low.plus(way)?.to_arrow())
    }
}

/// All values that there are, and which part of them comes before what is asked for.
#[derive(Debug)]
struct Values<T: Between> {
    values: Vec<T::Native>,
    fraction: Option<f64>,
    is_descending: bool,
}

impl<T: Between + Debug> Values<T> {
    fn new(args: &AccumulatorArgs) -> Result<Self> {
        let given = args
            .exprs
            .get(1)
            .and_then(|expr| expr.downcast_ref::<Literal>());
        let given = match given.map(Literal::value) {
            Some(ScalarValue::Float64(given)) => *given,
            Some(null) if null.is_null() => None,
            _ => return not_impl_err!("a fraction of percentile_cont that is no constant"),
        };
        let checked = given.map(fraction).transpose();
        Ok(Self {
            values: Vec::new(),
            fraction: checked.map_err(IntoExternal::into_external)?,
            is_descending: args
                .order_bys
                .first()
                .is_some_and(|sort| sort.options.descending),
        })
    }

    fn add(&mut self, values: &ArrayRef) {
        if *values.data_type() == COLUMN {
            return self.add(&(Arc::new(floats(values)) as ArrayRef));
        }
        if let Some(values) = values.as_primitive_opt::<T>() {
            match values.null_count() {
                0 => self.values.extend_from_slice(values.values()),
                _ => self.values.extend(values.iter().flatten()),
            }
        }
    }
}

impl<T: Between + Debug> Accumulator for Values<T> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        values.iter().take(1).for_each(|values| self.add(values));
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let lists = states.first().and_then(|lists| lists.as_list_opt::<i32>());
        for values in lists.into_iter().flat_map(ListArray::iter).flatten() {
            self.add(&values);
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let values = std::mem::take(&mut self.values);
        let values = PrimitiveArray::<T>::from_iter_values(values);
        let offsets = OffsetBuffer::from_lengths([values.len()]);
        let item = Arc::new(Field::new_list_field(T::DATA_TYPE, true));
        let list = ListArray::new(item, offsets, Arc::new(values), None);
        Ok(vec![ScalarValue::List(Arc::new(list))])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let null = || ScalarValue::try_from(T::DATA_TYPE);
        let (Some(fraction), Some(last)) = (self.fraction, self.values.len().checked_sub(1)) else {
            return null();
        };
        let is_descending = self.is_descending;
        let compare = |one: &T::Native, other: &T::Native| match is_descending {
            true => T::compare(other, one),
            false => T::compare(one, other),
        };
        let place = fraction * last as f64;
        let (_, low, above) = self
            .values
            .select_nth_unstable_by(place.floor() as usize, compare);
        let found = match above.iter().min_by(|one, other| compare(one, other)) {
            Some(high) if place.fract() > 0.0 => T::between(*low, *high, place.fract()),
            _ => Some(*low),
        };
        let found = found.ok_or_else(|| out_of_range().into_external())?;
        ScalarValue::try_from_array(&PrimitiveArray::<T>::from_iter_values([found]), 0)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.values.capacity() * size_of::<T::Native>()
    }
}
