//! Expressions that differ in a cast only. The engine's names of columns leave casts out, so that `max(x)` and
//! `max(x::text)`, or groups by `x` and by `x::text`, would be one column to it, and it refuses the second.

use std::ops::ControlFlow;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::utils::take_function_args;
use datafusion::common::{Result, SchemaError};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::sql::sqlparser::ast::{self, VisitMut, VisitorMut};
use std::sync::Arc;

use crate::sql::parse::build::call;

/// What a cast is an argument of, to be told from its operand.
const APART: &str = "apart";

/// The value itself, under a name that tells its casts.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Apart {
    signature: Signature,
}

impl Default for Apart {
    fn default() -> Self {
        Self {
            signature: Signature::any(1, Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for Apart {
    fn name(&self) -> &str {
        APART
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let [value] = take_function_args(APART, args)?;
        Ok(value.to_string())
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let [given] = take_function_args(APART, types)?;
        Ok(given.clone())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let [given] = take_function_args(APART, args.arg_fields)?;
        Ok(Arc::new(Field::clone(given)))
    }

    fn simplify(&self, args: Vec<Expr>, _: &SimplifyContext) -> Result<ExprSimplifyResult> {
        let [value] = take_function_args(APART, args)?;
        Ok(ExprSimplifyResult::Simplified(value))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = take_function_args(APART, args.args)?;
        Ok(value)
    }
}

/// Whether a statement was refused since two columns have one name.
pub(super) fn has_one_name(refused: &DataFusionError) -> bool {
    match refused.find_root() {
        DataFusionError::SchemaError(error, _) => matches!(
            error.as_ref(),
            SchemaError::DuplicateUnqualifiedField { .. }
                | SchemaError::DuplicateQualifiedField { .. }
        ),
        // Those of windows.
        DataFusionError::Plan(sentence) => sentence.contains("require unique expression names"),
        _ => false,
    }
}

/// Names casts for what they are.
pub(super) fn tell_apart(statement: &mut ast::Statement) {
    struct Casts;

    impl VisitorMut for Casts {
        type Break = ();

        fn post_visit_expr(&mut self, expr: &mut ast::Expr) -> ControlFlow<()> {
            if matches!(expr, ast::Expr::Cast { .. }) {
                *expr = call(APART, vec![expr.clone()]);
            }
            ControlFlow::Continue(())
        }
    }

    let _ = statement.visit(&mut Casts);
}
