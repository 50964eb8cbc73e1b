//! The sum of values of type `real`, which is one itself: added up by the engine as `double precision`.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl};

/// The field as one of `double precision`.
fn wide(field: &FieldRef) -> FieldRef {
    let wide: Field = field.as_ref().clone().with_data_type(DataType::Float64);
    Arc::new(wide)
}

/// An accumulator of the engine, whose result is made a `real`.
///
/// # Errors
/// Of the engine's.
pub(super) fn narrowed(
    args: AccumulatorArgs,
    of: impl Fn(AccumulatorArgs) -> Result<Box<dyn Accumulator>>,
) -> Result<Box<dyn Accumulator>> {
    let fields: Vec<FieldRef> = args.expr_fields.iter().map(wide).collect();
    let inner = of(AccumulatorArgs {
        return_field: wide(&args.return_field),
        expr_fields: &fields,
        ..args
    })?;
    Ok(Box::new(Narrowed(inner)))
}

/// The state of it.
///
/// # Errors
/// Of the engine's.
pub(super) fn state_fields(
    engine: &dyn AggregateUDFImpl,
    args: StateFieldsArgs,
) -> Result<Vec<FieldRef>> {
    let fields: Vec<FieldRef> = args.input_fields.iter().map(wide).collect();
    engine.state_fields(StateFieldsArgs {
        return_field: wide(&args.return_field),
        input_fields: &fields,
        ..args
    })
}

#[derive(Debug)]
struct Narrowed(Box<dyn Accumulator>);

fn widened(values: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
    let wide = values.iter().map(|array| cast(array, &DataType::Float64));
    Ok(wide.collect::<Result<_, _>>()?)
}

impl Accumulator for Narrowed {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.0.update_batch(&widened(values)?)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.0.retract_batch(&widened(values)?)
    }

    fn supports_retract_batch(&self) -> bool {
        self.0.supports_retract_batch()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.0.merge_batch(states)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.0.state()
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.0.evaluate()?.cast_to(&DataType::Float32)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.0.size()
    }
}
