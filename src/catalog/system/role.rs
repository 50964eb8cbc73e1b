//! `role_oid(name)`: the oid of a role, for views that have only its name.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, UInt32Array};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};

use super::names::role_oid;

/// The function.
pub(in crate::catalog) fn function() -> ScalarUDF {
    create_udf(
        "role_oid",
        vec![DataType::Utf8View],
        DataType::UInt32,
        Volatility::Immutable,
        Arc::new(oids),
    )
}

fn oids(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let arrays = ColumnarValue::values_to_arrays(arguments)?;
    let oids = arrays.first().map(|names| {
        let names = cast(names, &DataType::Utf8View)?;
        let names = names.as_string_view().iter();
        let oids: UInt32Array = names.map(|name| name.map(role_oid)).collect();
        Ok(Arc::new(oids) as ArrayRef)
    });
    oids.unwrap_or_else(|| datafusion::common::internal_err!("role_oid() takes a name"))
        .map(ColumnarValue::Array)
}
