//! `float8`: any number as `double precision`.

use std::sync::Arc;

use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::utils::take_function_args;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::define::{IntoExternal, no_function};
use super::numbers::floats;
use super::numeric::TO_FLOAT;
use super::value::is_number;
use crate::sql::numeric::ordered::COLUMN;
use crate::sql::types::sql_name;

/// `float8(any number) → double precision`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ToFloat {
    signature: Signature,
}

impl Default for ToFloat {
    fn default() -> Self {
        Self {
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for ToFloat {
    fn name(&self) -> &str {
        TO_FLOAT
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let fits = |given: &DataType| is_number(given) || given.is_null() || given.is_string();
        match types {
            [given] if *given == COLUMN => Ok(types.to_vec()),
            [given] if fits(given) => Ok(vec![DataType::Float64]),
            _ => {
                let names: Vec<&str> = types.iter().map(sql_name).collect();
                Err(no_function(self.name(), &names.join(", ")).into_external())
            }
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn simplify(&self, mut args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        match args
            .first()
            .map(|arg| info.get_data_type(arg))
            .transpose()?
        {
            Some(DataType::Float64) => Ok(ExprSimplifyResult::Simplified(args.remove(0))),
            _ => Ok(ExprSimplifyResult::Original(args)),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [number] = take_function_args(self.name(), args.args)?;
        let is_constant = matches!(number, ColumnarValue::Scalar(_));
        let array = number.into_array(if is_constant { 1 } else { args.number_rows })?;
        let floats = match *array.data_type() == COLUMN {
            true => Arc::new(floats(&array)),
            false => cast(&array, &DataType::Float64)?,
        };
        Ok(match is_constant {
            true => ColumnarValue::Scalar(ScalarValue::try_from_array(&floats, 0)?),
            false => ColumnarValue::Array(floats),
        })
    }
}
