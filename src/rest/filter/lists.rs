//! Conditions that are no expressions of the engine's: on the elements of list columns, for which it has no operator, and
//! those that its planner would take too long for.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type};
use datafusion::common::utils::take_function_args;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use serde_json::Value;

use super::{Comparison, Condition};
use crate::rest::paths::Step;

/// A value that is there.
pub enum Found<'a> {
    /// A string.
    Text(&'a str),
    /// A number.
    Integer(i64),
    /// A number.
    Float(f64),
    /// `true` or `false`.
    Boolean(bool),
}

impl Found<'_> {
    /// Whether it compares so with a value.
    pub fn compares(&self, comparison: Comparison, wanted: &Value) -> bool {
        let order = match (self, wanted) {
            (Self::Text(text), Value::String(wanted)) => Some((*text).cmp(wanted.as_str())),
            (Self::Integer(integer), Value::Number(wanted)) => match wanted.as_i64() {
                Some(wanted) => Some(integer.cmp(&wanted)),
                None => wanted.as_f64().and_then(|wanted| order(*integer, wanted)),
            },
            (Self::Float(float), Value::Number(wanted)) => wanted
                .as_f64()
                .and_then(|wanted| float.partial_cmp(&wanted)),
            (Self::Boolean(flag), Value::Bool(wanted))
                if matches!(comparison, Comparison::Equal | Comparison::NotEqual) =>
            {
                Some(flag.cmp(wanted))
            }
            _ => None,
        };
        match (order, comparison) {
            (None, comparison) => comparison.of_strangers(),
            (Some(order), Comparison::Equal) => order.is_eq(),
            (Some(order), Comparison::NotEqual) => order.is_ne(),
            (Some(order), Comparison::Less) => order.is_lt(),
            (Some(order), Comparison::LessOrEqual) => order.is_le(),
            (Some(order), Comparison::Greater) => order.is_gt(),
            (Some(order), Comparison::GreaterOrEqual) => order.is_ge(),
        }
    }
}

/// The order of two numbers by value, without rounding either.
fn order(integer: i64, float: f64) -> Option<Ordering> {
    // Both ends are powers of two, which floats have.
    const END: f64 = 9_223_372_036_854_775_808.0;
    match float {
        _ if float.is_nan() => None,
        _ if float >= END => Some(Ordering::Less),
        _ if float < -END => Some(Ordering::Greater),
        _ => {
            let whole = integer.cmp(&(float.trunc() as i64));
            whole
                .then_with(|| 0.0.partial_cmp(&float.fract()).unwrap_or(Ordering::Equal))
                .into()
        }
    }
}

/// Whether a condition holds of anything that a path leads to from a value.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct AnyValue {
    path: Vec<Step>,
    condition: Condition,
    signature: Signature,
}

impl AnyValue {
    /// The condition on a value, or on what is at the end of the path `within` each of its elements.
    pub fn new(within: Option<&[Step]>, condition: Condition) -> Self {
        let path = within.map(|within| [&[Step::All], within].concat());
        Self {
            path: path.unwrap_or_default(),
            condition,
            signature: Signature::any(1, Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for AnyValue {
    fn name(&self) -> &str {
        "any_value"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType, DataFusionError> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        let [value] = take_function_args(self.name(), args.args)?;
        let value = value.into_array(args.number_rows)?;
        let rows = holding(&value, &self.path, &self.condition);
        Ok(ColumnarValue::Array(Arc::new(BooleanArray::from(rows))))
    }
}

/// The rows in which the condition holds of anything at the path.
fn holding(array: &ArrayRef, path: &[Step], condition: &Condition) -> BooleanBuffer {
    let rows = array.len();
    let there = |row: usize| array.is_valid(row);
    match (array.data_type(), path) {
        (DataType::Struct(fields), [step, rest @ ..]) => {
            let columns = fields.iter().zip(array.as_struct().columns());
            let mut any = BooleanBuffer::new_unset(rows);
            for (field, column) in columns {
                if step_names(step, field.name()) {
                    any = &any | &holding(column, rest, condition);
                }
            }
            BooleanBuffer::collect_bool(rows, |row| there(row) && any.value(row))
        }
        (DataType::List(_), [step, rest @ ..]) => {
            let list = array.as_list::<i32>();
            let elements = holding(list.values(), rest, condition);
            let offsets = list.offsets();
            BooleanBuffer::collect_bool(rows, |row| {
                let mut all = offsets[row] as usize..offsets[row + 1] as usize;
                let found = match step {
                    Step::All => all.any(|at| elements.value(at)),
                    Step::At(at) => all.nth(*at).is_some_and(|at| elements.value(at)),
                    Step::Name(name) => {
                        let at = name.parse().ok().and_then(|at| all.nth(at));
                        at.is_some_and(|at| elements.value(at))
                    }
                };
                there(row) && found
            })
        }
        (DataType::Map(..), [Step::All, rest @ ..]) => {
            let map = array.as_map();
            let values = holding(map.values(), rest, condition);
            let offsets = map.offsets();
            BooleanBuffer::collect_bool(rows, |row| {
                let mut all = offsets[row] as usize..offsets[row + 1] as usize;
                there(row) && all.any(|at| values.value(at))
            })
        }
        (_, []) => BooleanBuffer::collect_bool(rows, |row| {
            there(row) && value(array, row).is_some_and(|value| condition.holds(&value))
        }),
        _ => BooleanBuffer::new_unset(rows),
    }
}

fn step_names(step: &Step, name: &str) -> bool {
    match step {
        Step::All => true,
        Step::Name(wanted) => wanted == name,
        Step::At(_) => false,
    }
}

fn value(array: &ArrayRef, row: usize) -> Option<Found<'_>> {
    Some(match array.data_type() {
        DataType::Utf8 => Found::Text(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => Found::Text(array.as_string::<i64>().value(row)),
        DataType::Utf8View => Found::Text(array.as_string_view().value(row)),
        DataType::Int32 => Found::Integer(array.as_primitive::<Int32Type>().value(row).into()),
        DataType::Int64 => Found::Integer(array.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => Found::Float(array.as_primitive::<Float64Type>().value(row)),
        DataType::Boolean => Found::Boolean(array.as_boolean().value(row)),
        _ => return None,
    })
}
