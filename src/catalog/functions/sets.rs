//! Functions that make rows in PostgreSQL: here they make a list, which the door's rewriting unnests.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, Int32Array, Int64Array, LargeBinaryArray, ListArray, StringArray, StructArray,
    TimestampMicrosecondArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::ScalarUDF;

use super::arrays::{dimension_of, first_subscript};
use super::define::{Answer, Function, Gives};
use super::interval::Interval;
use super::output::Value;
use super::planner::{later, later_in};
use super::value::{Kind, Row, list_item, list_of, refuse_over, stamp_type};
use crate::proxy::postgres::error::SqlError;
use crate::sql::numeric::{Numeric, ordered};

/// Bytes that a list of so many numbers takes.
fn check(rows: usize) -> Result<(), SqlError> {
    refuse_over("generate_series", (rows as u64).saturating_mul(8))
}

fn no_step() -> SqlError {
    SqlError::new("22023", "step size cannot equal zero")
}

/// A list as an array of one.
pub(super) fn one_list(elements: ArrayRef) -> Value {
    let field = Arc::new(Field::new_list_field(elements.data_type().clone(), true));
    let offsets = OffsetBuffer::from_lengths([elements.len()]);
    Value::One(Arc::new(ListArray::new(field, offsets, elements, None)))
}

/// Numbers from the first to the last, both included.
fn numbers(first: i128, last: i128, step: i128) -> Result<Vec<i128>, SqlError> {
    if step == 0 {
        return Err(no_step());
    }
    let distance = last.saturating_sub(first);
    if (distance > 0) != (step > 0) && distance != 0 {
        return Ok(Vec::new());
    }
    let count = usize::try_from(distance.checked_div(step).unwrap_or(i128::MAX))
        .unwrap_or(usize::MAX)
        .saturating_add(1);
    check(count)?;
    Ok((0..count as i128).map(|at| first + at * step).collect())
}

fn integers(a: &Row<'_>) -> Answer {
    let step = if a.len() > 2 { a.int(2) } else { 1 };
    let numbers = numbers(a.int(0).into(), a.int(1).into(), step.into())?;
    let numbers: Int64Array = numbers.into_iter().map(|n| i64::try_from(n).ok()).collect();
    Ok(one_list(Arc::new(numbers)))
}

fn decimals(a: &Row<'_>) -> Answer {
    let (mut number, last) = (a.numeric(0), a.numeric(1));
    let step = match a.len() {
        2 => 1_i128.into(),
        _ => a.numeric(2),
    };
    let named = [("start", &number), ("stop", &last), ("step", &step)];
    for (name, value) in named {
        if value.scale().is_none() {
            let what = if *value == Numeric::NaN {
                "NaN"
            } else {
                "infinity"
            };
            let message = format!("{name} value cannot be {what}");
            return Err(SqlError::new("22023", message));
        }
    }
    if step.is_zero() {
        return Err(no_step());
    }
    let mut numbers = Vec::new();
    let mut bytes = 0;
    while match step.is_negative() {
        true => number >= last,
        false => number <= last,
    } {
        let encoded = ordered::encode(&number);
        bytes += encoded.len() as u64 + 8;
        refuse_over("generate_series", bytes)?;
        numbers.push(encoded);
        number = number.add(&step)?;
    }
    let numbers = LargeBinaryArray::from_iter_values(numbers);
    Ok(one_list(Arc::new(numbers)))
}

fn moments(
    first: i64,
    last: i64,
    step: Interval,
    next: impl Fn(i64) -> Result<i64, SqlError>,
) -> Result<Vec<i64>, SqlError> {
    let direction = step.total().signum();
    if direction == 0 {
        return Err(no_step());
    }
    let mut moments = Vec::new();
    let mut moment = first;
    while (direction > 0 && moment <= last) || (direction < 0 && moment >= last) {
        moments.push(moment);
        check(moments.len())?;
        let following = next(moment)?;
        // Parts of unlike sign may stand still.
        if (following > moment) != (direction > 0) {
            return Err(no_step());
        }
        moment = following;
    }
    Ok(moments)
}

fn stamps(a: &Row<'_>) -> Answer {
    let step = a.interval(2);
    let next = |moment: i64| {
        later(moment, step)?
            .checked_add(step.micros)
            .ok_or_else(super::parts::stamp_out_of_range)
    };
    let moments = TimestampMicrosecondArray::from(moments(a.micros(0), a.micros(1), step, next)?);
    Ok(one_list(Arc::new(moments)))
}

fn instants(a: &Row<'_>) -> Answer {
    let step = a.interval(2);
    let next = |moment: i64| match later_in(moment, step, a.zone)? {
        Value::Int(moment) => Ok(moment),
        _ => Err(super::parts::stamp_out_of_range()),
    };
    let moments = TimestampMicrosecondArray::from(moments(a.micros(0), a.micros(1), step, next)?);
    Ok(one_list(Arc::new(moments.with_data_type(stamp_type(true)))))
}

fn option_fields() -> Fields {
    Fields::from(vec![
        Field::new("option_name", DataType::Utf8, true),
        Field::new("option_value", DataType::Utf8, true),
    ])
}

fn acl_fields() -> Fields {
    Fields::from(vec![
        Field::new("grantor", DataType::UInt32, true),
        Field::new("grantee", DataType::UInt32, true),
        Field::new("privilege_type", DataType::Utf8, true),
        Field::new("is_grantable", DataType::Boolean, true),
    ])
}

/// The elements of an array with their numbers: `x` and `n`.
fn expanded_fields(given: &DataType) -> Fields {
    let item = list_item(given).unwrap_or(&DataType::Utf8).clone();
    Fields::from(vec![
        Field::new("x", item, true),
        Field::new("n", DataType::Int32, true),
    ])
}

fn expanded_type(fields: &[FieldRef], _: &[Option<&ScalarValue>]) -> DataType {
    let given = fields
        .first()
        .map_or(&DataType::Utf8, |field| field.data_type());
    list_of(DataType::Struct(expanded_fields(given)))
}

fn expanded(a: &Row<'_>) -> Answer {
    let elements = a.elements(0);
    let Some(column) = a.columns.first() else {
        return Ok(Value::Null);
    };
    let fields = expanded_fields(column.array().data_type());
    let count = i32::try_from(elements.len()).unwrap_or(i32::MAX);
    let numbers = Int32Array::from_iter_values(1..=count);
    let rows = StructArray::try_new(fields, vec![elements, Arc::new(numbers)], None)
        .map_err(|error| SqlError::new("42804", error.to_string()))?;
    Ok(one_list(Arc::new(rows)))
}

/// `name=value` in two.
fn options(a: &Row<'_>) -> Answer {
    let given = super::value::texts(&a.elements(0), a.zone)?;
    let pairs: Vec<(String, Option<String>)> = given
        .into_iter()
        .flatten()
        .map(|option| match option.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (option, None),
        })
        .collect();
    let names: StringArray = pairs.iter().map(|(name, _)| Some(name.as_str())).collect();
    let values: StringArray = pairs.iter().map(|(_, value)| value.as_deref()).collect();
    let rows = StructArray::try_new(
        option_fields(),
        vec![Arc::new(names), Arc::new(values)],
        None,
    )
    .map_err(|error| SqlError::new("42804", error.to_string()))?;
    Ok(one_list(Arc::new(rows)))
}

pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    use Kind::{Array, Bool, Int, Stamp, StampTz};
    let integer = Gives::Of(|fields, _| {
        let is_narrow = |field: &FieldRef| {
            matches!(
                field.data_type(),
                DataType::Int32 | DataType::Int16 | DataType::Int8
            )
        };
        list_of(match fields.iter().all(is_narrow) {
            true => DataType::Int32,
            false => DataType::Int64,
        })
    });
    let numerics = Gives::Of(|_, _| list_of(ordered::COLUMN));
    let all = [
        Function::stable("series")
            .on(&[Int, Int], integer, integers)
            .on(&[Int, Int, Int], integer, integers)
            .on(&[Kind::Numeric, Kind::Numeric], numerics, decimals)
            .on(
                &[Kind::Numeric, Kind::Numeric, Kind::Numeric],
                numerics,
                decimals,
            )
            .on(
                &[Stamp, Stamp, Kind::Interval],
                Gives::Of(|_, _| list_of(stamp_type(false))),
                stamps,
            )
            .on(
                &[StampTz, StampTz, Kind::Interval],
                Gives::Of(|_, _| list_of(stamp_type(true))),
                instants,
            ),
        Function::new("generate_subscripts")
            .on(&[Array, Int], Gives::Ints, |a| subscripts(a, false))
            .on(&[Array, Int, Bool], Gives::Ints, |a| {
                subscripts(a, a.bool(2))
            }),
        Function::new("_pg_expandarray").on(&[Array], Gives::Of(expanded_type), expanded),
        Function::new("pg_options_to_table").on(
            &[Array],
            Gives::Of(|_, _| list_of(DataType::Struct(option_fields()))),
            options,
        ),
        // Nobody is notified of anything.
        Function::stable("pg_listening_channels").on(&[], Gives::Texts, |_| Ok(Value::Null)),
        // Nothing is a partition.
        Function::new("pg_partition_ancestors").on(
            &[Kind::Any],
            Gives::Of(|_, _| list_of(DataType::UInt32)),
            |_| Ok(Value::Null),
        ),
        // Nobody grants anything.
        Function::new("aclexplode").on(
            &[Kind::Any],
            Gives::Of(|_, _| list_of(DataType::Struct(acl_fields()))),
            |_| Ok(Value::Null),
        ),
    ];
    all.map(Function::done).into()
}

fn subscripts(a: &Row<'_>, is_reversed: bool) -> Answer {
    let length = dimension_of(a).unwrap_or(0);
    let length = i32::try_from(length).unwrap_or(i32::MAX);
    let first = first_subscript(a) as i32;
    let mut numbers: Vec<_> = (0..length).map(|at| Some(first + at)).collect();
    if is_reversed {
        numbers.reverse();
    }
    Ok(Value::Ints(numbers))
}
