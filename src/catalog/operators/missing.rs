//! Operators and functions that there are not, refused by the types of what they are given.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use datafusion::common::Result;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::{literal_type, type_name};
use crate::proxy::postgres::error::SqlError;
use crate::sql::sqlstate::WINDOW_ONLY;
use crate::sql::types::sql_name;

/// The refusal of an operator between these.
pub(in crate::catalog) fn no_operator(
    [(left, left_type), (right, right_type)]: [(&Expr, &DataType); 2],
    op: &str,
) -> DataFusionError {
    let names = (type_name(left, left_type), type_name(right, right_type));
    let message = format!("operator does not exist: {} {op} {}", names.0, names.1);
    let error = SqlError::new("42883", message).with_hint(
        "No operator matches the given name and argument types. You might need to add explicit type casts.",
    );
    let error = error.between(written(left), written(right));
    DataFusionError::External(Box::new(error))
}

/// An operand as a statement has it beside the operator, if it is a name or a constant.
fn written(expr: &Expr) -> String {
    match expr {
        Expr::Column(column) => column.name.clone(),
        Expr::Literal(value, _) => match value.try_as_str() {
            Some(text) => text.unwrap_or_default().to_owned(),
            None => value.to_string(),
        },
        Expr::Placeholder(parameter) => parameter.id.clone(),
        _ => String::new(),
    }
}

/// A function that there is not, in the place of one that a statement calls: it names the types of its arguments.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Missing {
    name: String,
    signature: Signature,
}

/// The function that a statement calls and that there is not.
pub(in crate::catalog) fn unknown_function(refused: &DataFusionError) -> Option<String> {
    let text = refused.to_string();
    let (_, rest) = text.split_once("Invalid function '")?;
    let (name, _) = rest.split_once('\'')?;
    // Functions that exist over a window only are said to be that.
    (!WINDOW_ONLY.contains(&name)).then(|| name.to_owned())
}

/// A function that refuses to be called, by its name and its arguments' types.
pub(in crate::catalog) fn missing(name: &str) -> Arc<ScalarUDF> {
    use datafusion::logical_expr::TypeSignature::{Nullary, VariadicAny};
    Arc::new(ScalarUDF::from(Missing {
        name: name.to_owned(),
        signature: Signature::one_of(vec![Nullary, VariadicAny], Volatility::Stable),
    }))
}

impl ScalarUDFImpl for Missing {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let types: Vec<&str> = types.iter().map(sql_name).collect();
        Err(self.refusal(&types.join(", ")))
    }

    fn return_field_from_args(
        &self,
        args: datafusion::logical_expr::ReturnFieldArgs<'_>,
    ) -> Result<Arc<Field>> {
        let literals = args.scalar_arguments.iter();
        let types = args
            .arg_fields
            .iter()
            .zip(literals)
            .map(|(field, value)| match value {
                Some(value) => literal_type(value),
                None => sql_name(field.data_type()).to_owned(),
            });
        Err(self.refusal(&types.collect::<Vec<_>>().join(", ")))
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Err(self.refusal(""))
    }
}

impl Missing {
    fn refusal(&self, types: &str) -> DataFusionError {
        let message = format!("function {}({types}) does not exist", self.name);
        let error = SqlError::new("42883", message).with_hint(
            "No function matches the given name and argument types. You might need to add explicit type casts.",
        );
        DataFusionError::External(Box::new(error))
    }
}
