use std::sync::Arc;

use arrow::array::{AsArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use chrono::{DateTime, Local};
use datafusion::common::{Result, utils::take_function_args};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use crate::catalog::column::timestamp_type;

/// `asctime(timestamptz) → text`: the moment in the server's local time, in the form of C's `asctime`, as the
/// documented REST resource shows it: `Mon Jul 17 11:10:39 2017`, the day of the month padded with a space.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct AscTime {
    signature: Signature,
}

impl Default for AscTime {
    fn default() -> Self {
        Self {
            signature: Signature::any(1, Volatility::Stable),
        }
    }
}

impl ScalarUDFImpl for AscTime {
    fn name(&self) -> &str {
        "asctime"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [moments] = take_function_args(self.name(), args.args)?;
        let moments = moments.into_array(args.number_rows)?;
        let moments = cast(&moments, &timestamp_type())?;
        let moments = moments.as_primitive::<TimestampMicrosecondType>();
        let mut texts = StringBuilder::with_capacity(moments.len(), moments.len() * 24);
        // Sessions often share a second: it is formatted once.
        let mut last = (i64::MIN, String::new());
        for moment in moments {
            let second = moment.map(|us| us.div_euclid(1_000_000));
            if let Some(second) = second
                && second != last.0
            {
                let local =
                    DateTime::from_timestamp(second, 0).map(|utc| utc.with_timezone(&Local));
                let text = local.map(|local| local.format("%a %b %e %H:%M:%S %Y").to_string());
                last = (second, text.unwrap_or_default());
            }
            texts.append_option(second.map(|_| &last.1));
        }
        Ok(ColumnarValue::Array(Arc::new(texts.finish())))
    }
}
