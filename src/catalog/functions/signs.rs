//! `+` and `-` in front of an operand.

use std::sync::Arc;

use arrow::compute::kernels::numeric::neg;
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::common::utils::take_function_args;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::define::IntoExternal;
use super::numeric::{NEGATE, functions as of_numerics};
use super::value::is_number;
use crate::proxy::postgres::error::SqlError;
use crate::sql::numeric::ordered::COLUMN;
use crate::sql::types::sql_name;

/// A sign, which the optimizer puts the engine's operator in the place of, or the function of numerics.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Sign {
    name: &'static str,
    symbol: char,
    /// Changes the sign of a numeric.
    negate: Arc<ScalarUDF>,
    signature: Signature,
}

/// Both signs.
pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    let negate = of_numerics().into_iter().find(|f| f.name() == NEGATE);
    let signs = negate.into_iter().flat_map(|negate| {
        [("unary_minus", '-'), ("unary_plus", '+')].map(|(name, symbol)| {
            Arc::new(ScalarUDF::from(Sign {
                name,
                symbol,
                negate: Arc::clone(&negate),
                signature: Signature::any(1, Volatility::Immutable),
            }))
        })
    });
    signs.collect()
}

impl ScalarUDFImpl for Sign {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let [given] = take_function_args(self.name, types)?;
        let is_number = is_number(given) || given.is_null();
        let is_interval = matches!(given, DataType::Interval(_) | DataType::Duration(_));
        if is_number || (is_interval && self.symbol == '-') {
            return Ok(given.clone());
        }
        let message = format!(
            "operator does not exist: {} {}",
            self.symbol,
            sql_name(given)
        );
        let error = SqlError::new("42883", message).with_hint(
            "No operator matches the given name and argument type. You might need to add an explicit type cast.",
        );
        Err(error.into_external())
    }

    fn display_name(&self, args: &[Expr]) -> Result<String> {
        match args {
            [operand] => Ok(format!("({} {operand})", self.symbol)),
            _ => Ok(self.name.to_owned()),
        }
    }

    fn simplify(&self, mut args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        let Some(operand) = args.pop() else {
            return Ok(ExprSimplifyResult::Original(args));
        };
        let given = info.get_data_type(&operand)?;
        Ok(ExprSimplifyResult::Simplified(
            match (self.symbol, given == COLUMN) {
                ('+', _) => operand,
                (_, true) => self.negate.call(vec![operand]),
                (_, false) => Expr::Negative(Box::new(operand)),
            },
        ))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_numeric = *args.return_field.data_type() == COLUMN;
        if is_numeric && self.symbol == '-' {
            return self.negate.invoke_with_args(args);
        }
        let [operand] = take_function_args(self.name, args.args)?;
        if self.symbol == '+' {
            return Ok(operand);
        }
        let negated = neg(&operand.into_array(args.number_rows)?)?;
        Ok(ColumnarValue::Array(negated))
    }
}
