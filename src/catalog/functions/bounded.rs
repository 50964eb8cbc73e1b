use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

use crate::catalog::error::CatalogError;

/// What a function may make of one batch, in bytes. The engine accounts for memory only after it is filled, so
/// without a bound one call could ask for more than the machine has.
pub(super) const RESULT_BYTES_MAX: u64 = 64 << 20;

/// `replace(text, from, to)` of the engine, which refuses to make too much: at worst every place of the text becomes
/// `to`.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Bounded {
    inner: Arc<ScalarUDF>,
}

/// The function with a bound, if it is one that can make much of little. Functions of our own have theirs inside.
pub(super) fn bounded(function: &Arc<ScalarUDF>) -> Option<Arc<ScalarUDF>> {
    let inner = Arc::clone(function);
    (function.name() == "replace").then(|| Arc::new(ScalarUDF::from(Bounded { inner })))
}

impl Bounded {
    fn check(&self, args: &ScalarFunctionArgs) -> Result<()> {
        let bytes = |at: usize| args.args.get(at).map_or(Ok(0), longest_text);
        let each = bytes(0)?.saturating_add(1).saturating_mul(bytes(2)?.max(1));
        match each.saturating_mul(args.number_rows as u64) > RESULT_BYTES_MAX {
            true => Err(CatalogError::ResultTooLarge(self.inner.name().to_owned()).into()),
            false => Ok(()),
        }
    }
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
