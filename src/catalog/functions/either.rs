//! Functions of the engine that take numerics too: those for which there is one of our own compute with them, all others
//! take them as `double precision`, as in PostgreSQL.

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

use super::define::engine_types;
use super::numbers::floats;
use crate::sql::numeric::ordered::{self, COLUMN};

/// Functions of the engine that take numbers of any type.
const MATHEMATICS: [&str; 31] = [
    "abs",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cbrt",
    "ceil",
    "cos",
    "cosh",
    "cot",
    "degrees",
    "factorial",
    "floor",
    "gcd",
    "isnan",
    "iszero",
    "lcm",
    "log2",
    "nanvl",
    "power",
    "radians",
    "round",
    "signum",
    "sin",
    "sinh",
    "tan",
    "tanh",
    "trunc",
];

/// Those that PostgreSQL has for `double precision` and for numerics, but not for integers.
const ROUNDING: [&str; 2] = ["round", "trunc"];

#[derive(Debug, PartialEq, Eq, Hash)]
struct Either {
    engine: Arc<ScalarUDF>,
    /// Called for numerics.
    own: Option<Arc<ScalarUDF>>,
    signature: Signature,
}

/// The functions, of which those that take numbers take numerics as well.
pub(super) fn with_numerics(functions: Vec<Arc<ScalarUDF>>) -> Vec<Arc<ScalarUDF>> {
    let ours = super::numeric::beside_engine();
    let with = |engine: Arc<ScalarUDF>| {
        if !MATHEMATICS.contains(&engine.name()) {
            return engine;
        }
        let own = ours.iter().find(|own| own.name() == engine.name());
        Arc::new(ScalarUDF::from(Either {
            signature: Signature::user_defined(engine.signature().volatility),
            own: own.cloned(),
            engine,
        }))
    };
    functions.into_iter().map(with).collect()
}

fn is_numeric(data_type: &DataType) -> bool {
    *data_type == COLUMN
}

/// The type that the engine is given in the place of one.
fn plain(data_type: &DataType) -> DataType {
    match is_numeric(data_type) {
        true => DataType::Float64,
        false => data_type.clone(),
    }
}

impl Either {
    /// The function that takes these, if it is ours.
    fn own<'a>(&self, types: impl Iterator<Item = &'a DataType>) -> Option<&Arc<ScalarUDF>> {
        let types: Vec<&DataType> = types.collect();
        // Numbers are rounded to so many places as numerics only.
        let to_places = match types.as_slice() {
            [given, _] => given.is_integer() && ROUNDING.contains(&self.name()),
            _ => false,
        };
        // The engine rounds halves away from zero.
        let to_even = match types.as_slice() {
            [given] => given.is_numeric() && self.name() == "round",
            _ => false,
        };
        let own = self.own.as_ref();
        own.filter(|_| to_places || to_even || types.into_iter().any(is_numeric))
    }
}

impl ScalarUDFImpl for Either {
    fn name(&self) -> &str {
        self.engine.name()
    }

    fn aliases(&self) -> &[String] {
        self.engine.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        if self.own(types.iter()).is_some() {
            return Ok(types.to_vec());
        }
        let asked = types.iter().enumerate().map(|(place, given)| {
            let is_rounded = place == 0 && ROUNDING.contains(&self.name());
            match is_rounded && given.is_integer() {
                true => DataType::Float64,
                false => plain(given),
            }
        });
        let coerced = engine_types(self.engine.as_ref(), asked)?;
        let coerced = coerced.into_iter().zip(types).map(|(coerced, given)| {
            // Converted when the function is called.
            match is_numeric(given) && coerced.is_floating() {
                true => given.clone(),
                false => coerced,
            }
        });
        Ok(coerced.collect())
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match self.own(types.iter()) {
            Some(own) => own.inner().return_type(types),
            None => {
                let types: Vec<DataType> = types.iter().map(plain).collect();
                self.engine.inner().return_type(&types)
            }
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        if let Some(own) = self.own(args.arg_fields.iter().map(|field| field.data_type())) {
            return own.inner().return_field_from_args(args);
        }
        let fields: Vec<FieldRef> = args
            .arg_fields
            .iter()
            .map(|field| match is_numeric(field.data_type()) {
                true => Arc::new(field.as_ref().clone().with_data_type(DataType::Float64)),
                false => Arc::clone(field),
            })
            .collect();
        let constants = args.scalar_arguments.iter().map(|constant| match constant {
            Some(ScalarValue::LargeBinary(_)) => None,
            other => *other,
        });
        let constants: Vec<_> = constants.collect();
        self.engine.inner().return_field_from_args(ReturnFieldArgs {
            arg_fields: &fields,
            scalar_arguments: &constants,
        })
    }

    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        let types = args.iter().map(|arg| info.get_data_type(arg));
        let types = types.collect::<Result<Vec<_>>>()?;
        match types.iter().any(is_numeric) || self.own(types.iter()).is_some() {
            true => Ok(ExprSimplifyResult::Original(args)),
            false => self.engine.inner().simplify(args, info),
        }
    }

    fn invoke_with_args(&self, mut args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if let Some(own) = self.own(args.arg_fields.iter().map(|field| field.data_type())) {
            return own.inner().invoke_with_args(args);
        }
        for (arg, field) in args.args.iter_mut().zip(&mut args.arg_fields) {
            if !is_numeric(field.data_type()) {
                continue;
            }
            *field = Arc::new(field.as_ref().clone().with_data_type(DataType::Float64));
            *arg = match arg {
                ColumnarValue::Array(array) => ColumnarValue::Array(Arc::new(floats(array))),
                ColumnarValue::Scalar(value) => {
                    let bytes = match value {
                        ScalarValue::LargeBinary(bytes) => bytes.as_deref(),
                        _ => None,
                    };
                    let value = bytes.map(|bytes| ordered::decode(bytes).to_f64());
                    ColumnarValue::Scalar(ScalarValue::Float64(value))
                }
            };
        }
        self.engine.inner().invoke_with_args(args)
    }
}
