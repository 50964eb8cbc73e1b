//! `pg_sleep`: it waits without a thread, and ends with its statement.

use std::time::Duration;

use arrow::array::{Array, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type};
use async_trait::async_trait;
use datafusion::common::utils::take_function_args;
use datafusion::common::{Result, internal_err};
use datafusion::logical_expr::async_udf::AsyncScalarUDFImpl;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, TypeSignature,
    Volatility,
};

use super::numbers::floats;
use crate::sql::numeric::ordered::COLUMN;

/// The longest wait of one batch.
const WAIT_MAX: Duration = Duration::from_secs(86_400);

/// `pg_sleep(double precision) → void`: waits so many seconds for each row. A statement that is stopped stops waiting.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Sleep {
    signature: Signature,
}

impl Default for Sleep {
    fn default() -> Self {
        Self {
            signature: Signature::one_of(
                vec![
                    TypeSignature::Exact(vec![DataType::Float64]),
                    TypeSignature::Exact(vec![COLUMN]),
                ],
                Volatility::Volatile,
            ),
        }
    }
}

impl ScalarUDFImpl for Sleep {
    fn name(&self) -> &str {
        "pg_sleep"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs) -> Result<FieldRef> {
        Ok(super::named(Field::new(self.name(), DataType::Utf8, true), "void").into())
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        internal_err!("pg_sleep() waits: it runs only as an async function")
    }
}

#[async_trait]
impl AsyncScalarUDFImpl for Sleep {
    async fn invoke_async_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [seconds] = take_function_args(self.name(), args.args)?;
        let seconds = seconds.into_array(args.number_rows)?;
        let seconds = match *seconds.data_type() == COLUMN {
            true => floats(&seconds),
            false => cast(&seconds, &DataType::Float64)?
                .as_primitive::<Float64Type>()
                .clone(),
        };
        let total: f64 = seconds.iter().flatten().map(|s| s.max(0.0)).sum();
        let wait = Duration::try_from_secs_f64(total).unwrap_or(WAIT_MAX);
        tokio::time::sleep(wait.min(WAIT_MAX)).await;
        let done = (0..seconds.len()).map(|row| seconds.is_valid(row).then_some(""));
        let done: StringArray = done.collect();
        Ok(ColumnarValue::Array(std::sync::Arc::new(done)))
    }
}
