//! Columns of numerics and of other numbers, made of each other.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, Float64Array, LargeBinaryArray, LargeBinaryBuilder,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int64Type};
use datafusion::common::Result;
use datafusion::error::DataFusionError;

use super::output::Value;
use super::sets::one_list;
use crate::proxy::postgres::error::SqlError;
use crate::sql::numeric::{Numeric, ordered};

/// Numbers as values of `numeric`.
pub(super) fn numerics(array: &ArrayRef) -> Result<LargeBinaryArray> {
    if *array.data_type() == ordered::COLUMN {
        return Ok(array.as_binary::<i64>().clone());
    }
    if *array.data_type() == DataType::Float32 {
        let floats = array.as_primitive::<Float32Type>().iter();
        let encode = |float| ordered::encode(&Numeric::from_f32(float));
        return Ok(floats.map(|float| float.map(encode)).collect());
    }
    if array.data_type().is_floating() {
        let wide = cast(array, &DataType::Float64)?;
        let floats = wide.as_primitive::<Float64Type>().iter();
        let encode = |float| ordered::encode(&Numeric::from_f64(float));
        return Ok(floats.map(|float| float.map(encode)).collect());
    }
    let rows = array.len();
    let mut column = LargeBinaryBuilder::with_capacity(rows, rows * 12);
    let mut bytes = Vec::new();
    let whole = cast(array, &DataType::Int64)?;
    for value in whole.as_primitive::<Int64Type>() {
        match value {
            Some(value) => {
                bytes.clear();
                ordered::encode_i128(value.into(), 0, &mut bytes);
                column.append_value(&bytes);
            }
            None => column.append_null(),
        }
    }
    Ok(column.finish())
}

/// The keys of the elements of an array of numbers, as an array.
pub(super) fn numeric_keys(elements: &ArrayRef) -> Result<Value, SqlError> {
    let failed = |error: DataFusionError| SqlError::from_engine(&error);
    let numbers = numerics(elements).map_err(failed)?;
    let keys: BinaryArray = numbers
        .iter()
        .map(|bytes| bytes.map(ordered::key))
        .collect();
    Ok(one_list(Arc::new(keys)))
}

/// Values of `numeric` as `double precision`.
pub(super) fn floats(array: &ArrayRef) -> Float64Array {
    let numerics = array.as_binary::<i64>().iter();
    numerics
        .map(|bytes| bytes.map(|bytes| ordered::decode(bytes).to_f64()))
        .collect()
}
