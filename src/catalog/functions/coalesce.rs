//! `coalesce`, which reads a text in quotes that stands beside arrays as an array, as PostgreSQL does. Everything else is
//! the engine's.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::Result;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

use super::value::is_text;
use crate::catalog::operators::array_literal;

#[derive(Debug, PartialEq, Eq, Hash)]
struct Coalesce {
    inner: Arc<ScalarUDF>,
}

/// The engine's function in PostgreSQL's reading, if it is the one.
pub(super) fn coalesce(function: &Arc<ScalarUDF>) -> Option<Arc<ScalarUDF>> {
    let inner = Arc::clone(function);
    (function.name() == "coalesce").then(|| Arc::new(ScalarUDF::from(Coalesce { inner })))
}

/// The array type that texts in quotes among the arguments are read as.
fn array_type<'a>(types: impl Iterator<Item = &'a DataType> + Clone) -> Option<&'a DataType> {
    let list = types
        .clone()
        .find(|given| matches!(given, DataType::List(_)))?;
    let mut others = types.filter(|given| !given.is_null() && !is_text(given));
    others.all(|given| given == list).then_some(list)
}

impl ScalarUDFImpl for Coalesce {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let fields = args.arg_fields;
        let types = fields.iter().map(|field| field.data_type());
        if let Some(list) = array_type(types) {
            return Ok(Arc::new(Field::new(self.name(), list.clone(), true)));
        }
        self.inner.return_field_from_args(args)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let Some(list) = array_type(types.iter()) else {
            return self.inner.coerce_types(types);
        };
        let coerced = types.iter().map(|given| match is_text(given) {
            // Read when it is known which text it is.
            true => given.clone(),
            false => list.clone(),
        });
        Ok(coerced.collect())
    }

    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        let types = args.iter().map(|arg| info.get_data_type(arg));
        let types = types.collect::<Result<Vec<_>>>()?;
        let Some(list) = array_type(types.iter()) else {
            return self.inner.simplify(args, info);
        };
        let read = args.into_iter().map(|arg| {
            let read = array_literal(&arg, list)?;
            Ok(read.unwrap_or(arg))
        });
        self.inner.simplify(read.collect::<Result<_>>()?, info)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.inner.invoke_with_args(args)
    }

    fn conditional_arguments<'a>(
        &self,
        args: &'a [Expr],
    ) -> Option<(Vec<&'a Expr>, Vec<&'a Expr>)> {
        self.inner.conditional_arguments(args)
    }

    fn short_circuits(&self) -> bool {
        self.inner.short_circuits()
    }
}
