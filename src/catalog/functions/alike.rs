//! Functions of values of one type, in PostgreSQL's reading: `coalesce` takes a text in quotes that stands beside arrays
//! for an array, and numerics beside other numbers are made one type before the engine is asked for it. Everything else
//! is the engine's.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

use super::define::engine_types;
use super::value::{is_number, is_text, list_of};
use crate::catalog::column::{MODIFIER, TYPE};
use crate::catalog::operators::array_literal;
use crate::catalog::type_names::common_type;
use crate::sql::numeric::ordered::COLUMN;

/// The functions.
const ALIKE: [&str; 5] = ["coalesce", "greatest", "least", "make_array", "nullif"];

#[derive(Debug, PartialEq, Eq, Hash)]
struct Alike {
    inner: Arc<ScalarUDF>,
    signature: Signature,
}

/// The engine's function in PostgreSQL's reading, if it is one of these.
pub(super) fn alike(function: &Arc<ScalarUDF>) -> Option<Arc<ScalarUDF>> {
    let inner = Arc::clone(function);
    ALIKE.contains(&function.name()).then(|| {
        let signature = Signature::user_defined(inner.signature().volatility);
        Arc::new(ScalarUDF::from(Alike { inner, signature }))
    })
}

/// The array type that texts in quotes among the arguments are read as.
fn array_type<'a>(types: impl Iterator<Item = &'a DataType> + Clone) -> Option<&'a DataType> {
    let list = types
        .clone()
        .find(|given| matches!(given, DataType::List(_)))?;
    let mut others = types.filter(|given| !given.is_null() && !is_text(given));
    others.all(|given| given == list).then_some(list)
}

/// The type of numbers of which at least one is a numeric.
fn number_type<'a>(types: impl Iterator<Item = &'a DataType> + Clone) -> Option<DataType> {
    if !types.clone().any(|given| *given == COLUMN) {
        return None;
    }
    let fits = |given: &DataType| is_number(given) || given.is_null() || is_text(given);
    if !types.clone().all(fits) {
        return None;
    }
    Some(match types.clone().any(DataType::is_floating) {
        true => DataType::Float64,
        false => COLUMN,
    })
}

impl Alike {
    fn reads_arrays(&self) -> bool {
        self.inner.name() == "coalesce"
    }
}

impl ScalarUDFImpl for Alike {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let fields = args.arg_fields;
        let types = fields.iter().map(|field| field.data_type());
        if self.reads_arrays()
            && let Some(list) = array_type(types)
        {
            return Ok(Arc::new(Field::new(self.name(), list.clone(), true)));
        }
        let number = number_type(fields.iter().map(|field| field.data_type()));
        if let Some(number) = number.filter(|number| *number != COLUMN) {
            let made = match self.name() == "make_array" {
                true => list_of(number),
                false => number,
            };
            return Ok(Arc::new(Field::new(self.name(), made, true)));
        }
        let typed = fields.iter().zip(args.scalar_arguments);
        let typed = typed.filter_map(|(field, constant)| {
            let is_literal = matches!(constant, Some(ScalarValue::Utf8(_)))
                && !field.metadata().contains_key(TYPE);
            (!is_literal && !field.data_type().is_null()).then_some(field.as_ref())
        });
        let common = common_type(typed.clone());
        let field = self.inner.inner().return_field_from_args(args)?;
        let Some(mut said) = common else {
            return Ok(field);
        };
        match self.name() {
            "make_array" => {
                said.remove(MODIFIER);
                if let Some(name) = said.get_mut(TYPE) {
                    name.insert(0, '_');
                }
            }
            // There is no equality of its own for it.
            "nullif" if said.get(TYPE).is_some_and(|name| name == "varchar") => return Ok(field),
            _ => {}
        }
        Ok(Arc::new(field.as_ref().clone().with_metadata(said)))
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        if let Some(number) = number_type(types.iter()) {
            // A text is read before, or refused by the engine, and a numeric beside floating point converted.
            let coerced = types
                .iter()
                .map(|given| match is_text(given) || *given == COLUMN {
                    true => given.clone(),
                    false => number.clone(),
                });
            return Ok(coerced.collect());
        }
        if self.reads_arrays()
            && let Some(list) = array_type(types.iter())
        {
            let coerced = types.iter().map(|given| match is_text(given) {
                // Read when it is known which text it is.
                true => given.clone(),
                false => list.clone(),
            });
            return Ok(coerced.collect());
        }
        engine_types(self.inner.as_ref(), types.iter().cloned())
    }

    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        let types = args.iter().map(|arg| info.get_data_type(arg));
        let types = types.collect::<Result<Vec<_>>>()?;
        let list = array_type(types.iter()).filter(|_| self.reads_arrays());
        let Some(list) = list else {
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
