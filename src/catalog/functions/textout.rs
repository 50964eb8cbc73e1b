use std::sync::Arc;

use arrow::array::StringArray;
use arrow::datatypes::DataType;
use datafusion::common::utils::take_function_args;
use datafusion::common::{Result, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::value::texts;
use super::zoned::zone_of;

/// Name of the function, which no statement calls: the analyzer puts it where a value is cast to text.
pub(in crate::catalog) const TEXT_OUT: &str = "textout";

/// Whether the engine's text of such values is another than PostgreSQL's.
pub(in crate::catalog) fn has_own_text(data_type: &DataType) -> bool {
    use DataType as D;
    match data_type {
        D::Timestamp(..)
        | D::Interval(_)
        | D::Duration(_)
        | D::Time32(_)
        | D::Time64(_)
        | D::Float32
        | D::Float64
        | D::LargeBinary
        | D::List(_)
        | D::LargeList(_)
        | D::Struct(_) => true,
        D::Dictionary(_, value) => has_own_text(value),
        _ => false,
    }
}

/// `textout(any) → text`: a value as the door would send it, in the caller's time zone.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct TextOut {
    signature: Signature,
}

impl Default for TextOut {
    fn default() -> Self {
        Self {
            signature: Signature::any(1, Volatility::Stable),
        }
    }
}

impl ScalarUDFImpl for TextOut {
    fn name(&self) -> &str {
        TEXT_OUT
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let zone = zone_of(&args.config_options)?;
        let [value] = take_function_args(self.name(), args.args)?;
        let is_constant = matches!(value, ColumnarValue::Scalar(_));
        let array = value.into_array(if is_constant { 1 } else { args.number_rows })?;
        let texts =
            texts(&array, &zone).map_err(|error| DataFusionError::External(Box::new(error)))?;
        Ok(match is_constant {
            true => ColumnarValue::Scalar(ScalarValue::Utf8(texts.into_iter().next().flatten())),
            false => ColumnarValue::Array(Arc::new(StringArray::from(texts))),
        })
    }
}
