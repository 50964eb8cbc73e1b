use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

/// A function without arguments that has one answer as long as a statement runs.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Constant {
    name: &'static str,
    value: ScalarValue,
    /// The type that it is of in PostgreSQL, if Arrow's says another.
    pg_type: Option<&'static str>,
    signature: Signature,
}

pub(super) fn function(name: &'static str, value: ScalarValue) -> Arc<ScalarUDF> {
    of_type(name, value, None)
}

/// The same of a value of PostgreSQL's type `name`.
pub(super) fn name_function(name: &'static str, value: Option<&str>) -> Arc<ScalarUDF> {
    let value = ScalarValue::Utf8(value.map(str::to_owned));
    of_type(name, value, Some("name"))
}

fn of_type(
    name: &'static str,
    value: ScalarValue,
    pg_type: Option<&'static str>,
) -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(Constant {
        name,
        value,
        pg_type,
        signature: Signature::nullary(Volatility::Stable),
    }))
}

impl ScalarUDFImpl for Constant {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.value.data_type())
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs) -> Result<FieldRef> {
        let field = Field::new(self.name, self.value.data_type(), true);
        Ok(Arc::new(match self.pg_type {
            Some(pg_type) => super::named(field, pg_type),
            None => field,
        }))
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Ok(ColumnarValue::Scalar(self.value.clone()))
    }
}
