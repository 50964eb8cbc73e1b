//! Casts from and to numerics, of which the engine knows nothing.

use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Cast, Expr, ExprSchemable};

use super::numerics::{self, is_numeric};
use super::{Resolver, is_untyped};
use crate::catalog::functions::{TO_FLOATS, TO_NUMERICS, number_converter};
use crate::catalog::operators::{read_literal, untyped};
use crate::sql::sqlstate::SqlError;
use crate::sql::types::sql_name;

impl Resolver<'_> {
    /// A cast to or from a numeric; `None` if it is none, or the engine's.
    pub(super) fn cast_number(&self, cast: &Cast, wants: &DataType) -> Result<Option<Expr>> {
        let Ok(given) = cast.expr.get_type(self.schema) else {
            return Ok(None);
        };
        if let (DataType::List(given), DataType::List(wants)) = (&given, wants)
            && given.data_type() != wants.data_type()
        {
            let (given, wants) = (given.data_type(), wants.data_type());
            if is_numeric(wants) && given.is_numeric() {
                let function = self.functions.get(TO_NUMERICS);
                return Ok(function.map(|function| function.call(vec![cast.expr.as_ref().clone()])));
            }
            if is_numeric(given) && wants.is_floating() {
                let floats = self.functions.get(TO_FLOATS);
                let floats = floats.map(|floats| floats.call(vec![cast.expr.as_ref().clone()]));
                return floats
                    .map(|floats| floats.cast_to(cast.field.data_type(), self.schema))
                    .transpose();
            }
            if is_numeric(wants) || is_numeric(given) {
                let (given, wants) = (sql_name(given), sql_name(wants));
                let message = format!("cannot cast type {given}[] to {wants}[]");
                return Err(DataFusionError::External(Box::new(SqlError::new(
                    "0A000", message,
                ))));
            }
        }
        if let Some(text) = untyped(&cast.expr)
            && is_numeric(wants)
        {
            return read_literal(text, wants);
        }
        if given == *wants && is_numeric(wants) && !matches!(*cast.expr, Expr::Placeholder(_)) {
            return Ok(Some(cast.expr.as_ref().clone()));
        }
        let from_text = given.is_string() && is_numeric(wants);
        // The engine would cut digits off.
        let is_rounded = given.is_floating() && wants.is_signed_integer();
        if from_text || is_rounded || is_numeric(&given) || is_numeric(wants) {
            let is_placeholder = matches!(*cast.expr, Expr::Placeholder(_));
            let refused = given == DataType::Boolean || *wants == DataType::Boolean;
            if given.is_null() || is_placeholder {
                return Ok(None);
            }
            if refused {
                let (given, wants) = (sql_name(&given), sql_name(wants));
                let message = format!("cannot cast type {given} to {wants}");
                return Err(DataFusionError::External(Box::new(SqlError::new(
                    "42846", message,
                ))));
            }
            if let Some(float) = numerics::float_literal(&cast.expr, wants) {
                return Ok(Some(float));
            }
            let function = number_converter(wants).and_then(|name| self.functions.get(name));
            return Ok(function.map(|function| function.call(vec![cast.expr.as_ref().clone()])));
        }
        Ok(None)
    }

    /// Whether the engine may decide what becomes of values of types that have nothing in common: it knows no numerics.
    pub(super) fn unlike(&self, exprs: &[&mut Expr]) -> Result<bool> {
        let typed = exprs.iter().filter(|expr| !is_untyped(expr));
        let types = typed.map(|expr| expr.get_type(self.schema));
        let types = types.collect::<Result<Vec<_>>>()?;
        let other = types
            .iter()
            .find(|given| !given.is_numeric() && !is_numeric(given));
        match other.filter(|_| types.iter().any(is_numeric)) {
            Some(other) => {
                let message = format!("types numeric and {} cannot be matched", sql_name(other));
                Err(DataFusionError::External(Box::new(SqlError::new(
                    "42804", message,
                ))))
            }
            None => Ok(false),
        }
    }
}
