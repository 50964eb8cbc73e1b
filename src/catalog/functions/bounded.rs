use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::Result;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

use crate::catalog::error::CatalogError;

/// What a function may make of one batch, in bytes. The engine accounts for memory only after it is filled, so
/// without a bound one call could ask for more than the machine has.
pub(super) const RESULT_BYTES_MAX: u64 = 64 << 20;

/// How the length of a function's result follows from its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Growth {
    /// `repeat(text, n)`: n times the text.
    Times,
    /// `lpad(text, n, …)`, `rpad`: n characters.
    Characters,
    /// `replace(text, from, to)`, `regexp_replace`: at worst every place of the text becomes `to`.
    EachPlace,
    /// `array_to_string(array, delimiter)`: a delimiter for each byte of the array, at worst.
    Joined,
    /// `concat(…)`: all arguments.
    Sum,
}

/// A function of the engine that refuses to make too much.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Bounded {
    inner: Arc<ScalarUDF>,
    growth: Growth,
}

/// The function with a bound, if it is one that can make much of little.
pub(super) fn bounded(function: &Arc<ScalarUDF>) -> Option<Arc<ScalarUDF>> {
    let growth = match function.name() {
        "repeat" => Growth::Times,
        "lpad" | "rpad" => Growth::Characters,
        "replace" | "regexp_replace" => Growth::EachPlace,
        "array_to_string" => Growth::Joined,
        "concat" | "concat_ws" => Growth::Sum,
        _ => return None,
    };
    Some(Arc::new(ScalarUDF::from(Bounded {
        inner: Arc::clone(function),
        growth,
    })))
}

impl Bounded {
    fn check(&self, args: &ScalarFunctionArgs) -> Result<()> {
        let rows = args.number_rows as u64;
        if self.growth == Growth::Joined {
            let array = args.args.first().map_or(Ok(0), array_bytes)?;
            let delimiter = args.args.get(1).map_or(Ok(0), longest_text)?;
            return self.refuse_over(array.saturating_mul(delimiter.saturating_add(1)));
        }
        let number = |at: usize| args.args.get(at).map_or(Ok(0), largest_number);
        let bytes = |at: usize| args.args.get(at).map_or(Ok(0), longest_text);
        let each = match self.growth {
            Growth::Times => bytes(0)?.saturating_mul(number(1)?),
            Growth::Characters => number(1)?.saturating_mul(4),
            Growth::Joined => 0,
            Growth::Sum => {
                let mut sum = 0u64;
                for arg in &args.args {
                    sum = sum.saturating_add(longest_text(arg)?);
                }
                // The separator of concat_ws comes once for each argument.
                sum.saturating_add(bytes(0)?.saturating_mul(args.args.len() as u64))
            }
            Growth::EachPlace => bytes(0)?.saturating_add(1).saturating_mul(bytes(2)?.max(1)),
        };
        self.refuse_over(each.saturating_mul(rows))
    }

    fn refuse_over(&self, bytes: u64) -> Result<()> {
        match bytes > RESULT_BYTES_MAX {
            true => Err(CatalogError::ResultTooLarge(self.inner.name().to_owned()).into()),
            false => Ok(()),
        }
    }
}

fn array_bytes(value: &ColumnarValue) -> Result<u64> {
    Ok(value.to_array(1)?.get_buffer_memory_size() as u64)
}

fn largest_number(value: &ColumnarValue) -> Result<u64> {
    let numbers = cast(&value.to_array(1)?, &DataType::Int64)?;
    let largest = arrow::compute::max(numbers.as_primitive::<Int64Type>());
    Ok(largest.map_or(0, |n| u64::try_from(n).unwrap_or(0)))
}

/// The longest of the texts, in bytes; of what is no text, as long as it can become as one.
fn longest_text(value: &ColumnarValue) -> Result<u64> {
    const NO_TEXT: u64 = 64;
    let array = match value {
        ColumnarValue::Scalar(scalar) => {
            let text = scalar.try_as_str().flatten();
            return Ok(text.map_or(NO_TEXT, |text| text.len() as u64));
        }
        ColumnarValue::Array(array) => array,
    };
    let longest = match array.data_type() {
        // The length is in the lower half of a view.
        DataType::Utf8View => array
            .as_string_view()
            .views()
            .iter()
            .map(|v| *v as u32 as u64)
            .max(),
        DataType::Utf8 => {
            let texts = array.as_string::<i32>();
            (0..texts.len())
                .map(|row| texts.value_length(row) as u64)
                .max()
        }
        DataType::LargeUtf8 => {
            let texts = array.as_string::<i64>();
            (0..texts.len())
                .map(|row| texts.value_length(row) as u64)
                .max()
        }
        _ => Some(NO_TEXT),
    };
    Ok(longest.unwrap_or(0))
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<arrow::datatypes::FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(types)
    }

    fn simplify(&self, args: Vec<Expr>, _: &SimplifyContext) -> Result<ExprSimplifyResult> {
        // The engine's own simplification would put its unbounded function back.
        Ok(ExprSimplifyResult::Original(args))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.check(&args)?;
        self.inner.invoke_with_args(args)
    }
}
