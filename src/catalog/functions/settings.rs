//! `current_setting` and `set_config`: the caller's parameters in queries.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature,
    Volatility,
};

use crate::catalog::settings::ClientSettings;
use crate::catalog::statement::Caller;
use crate::proxy::postgres::error::SqlError;

/// The functions, over the parameters of `caller`.
pub(super) fn of_caller(caller: &Caller) -> [Arc<ScalarUDF>; 2] {
    let parameters = || Parameters(Arc::clone(&caller.settings));
    let texts_and_bool = |texts: usize| {
        let mut types = vec![DataType::Utf8; texts];
        types.push(DataType::Boolean);
        TypeSignature::Coercible(types.iter().map(coercible).collect())
    };
    let one_text = TypeSignature::Coercible(vec![coercible(&DataType::Utf8)]);
    // The value may change while a statement runs, by the statement itself.
    let current = Signature::one_of(vec![one_text, texts_and_bool(1)], Volatility::Volatile);
    let set = Signature::one_of(vec![texts_and_bool(2)], Volatility::Volatile);
    [
        Arc::new(ScalarUDF::from(CurrentSetting {
            parameters: parameters(),
            signature: current,
        })),
        Arc::new(ScalarUDF::from(SetConfig {
            parameters: parameters(),
            signature: set,
        })),
    ]
}

fn coercible(data_type: &DataType) -> datafusion::logical_expr::Coercion {
    use datafusion::common::types::{logical_boolean, logical_string};
    use datafusion::logical_expr::{Coercion, TypeSignatureClass};
    let class = match data_type {
        DataType::Boolean => logical_boolean(),
        _ => logical_string(),
    };
    Coercion::new_exact(TypeSignatureClass::Native(class))
}

/// The parameters of one caller; two are the same if they are one object.
#[derive(Debug, Clone)]
struct Parameters(Arc<dyn ClientSettings>);

impl Parameters {
    fn address(&self) -> *const () {
        Arc::as_ptr(&self.0).cast()
    }
}

impl PartialEq for Parameters {
    fn eq(&self, other: &Self) -> bool {
        self.address() == other.address()
    }
}

impl Eq for Parameters {}

impl Hash for Parameters {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.address().hash(state);
    }
}

/// `current_setting(name text [, missing_ok boolean]) → text`: NULL for a name that is no parameter if `missing_ok`.
#[derive(Debug, PartialEq, Eq, Hash)]
struct CurrentSetting {
    parameters: Parameters,
    signature: Signature,
}

impl ScalarUDFImpl for CurrentSetting {
    fn name(&self) -> &str {
        "current_setting"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arguments = Arguments::of(&args)?;
        arguments.map(|row| {
            let Some(name) = arguments.text(0, row) else {
                return Ok(None);
            };
            let missing_ok = match arguments.columns.len() {
                1 => false,
                _ => match arguments.boolean(1, row) {
                    Some(missing_ok) => missing_ok,
                    None => return Ok(None),
                },
            };
            match self.parameters.0.get(name) {
                None if !missing_ok => {
                    let message = format!("unrecognized configuration parameter \"{name}\"");
                    Err(SqlError::new("42704", message))
                }
                value => Ok(value),
            }
        })
    }
}

/// `set_config(name text, value text, is_local boolean) → text`: what the parameter is from now on. NULL as the value
/// resets it.
#[derive(Debug, PartialEq, Eq, Hash)]
struct SetConfig {
    parameters: Parameters,
    signature: Signature,
}

impl ScalarUDFImpl for SetConfig {
    fn name(&self) -> &str {
        "set_config"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arguments = Arguments::of(&args)?;
        arguments.map(|row| {
            let Some(name) = arguments.text(0, row) else {
                return Err(SqlError::new("22004", "SET requires parameter name"));
            };
            let is_local = arguments.boolean(2, row).unwrap_or(false);
            let value = arguments.text(1, row);
            self.parameters.0.set(name, value, is_local).map(Some)
        })
    }
}

/// The arguments of a call, as texts and booleans.
struct Arguments {
    columns: Vec<ArrayRef>,
    rows: usize,
}

impl Arguments {
    fn of(args: &ScalarFunctionArgs) -> Result<Self> {
        let columns = args.args.iter().map(|arg| {
            let array = arg.to_array(args.number_rows)?;
            Ok(match array.data_type() {
                DataType::Boolean | DataType::Utf8 => array,
                _ => cast(&array, &DataType::Utf8)?,
            })
        });
        Ok(Self {
            columns: columns.collect::<Result<_>>()?,
            rows: args.number_rows,
        })
    }

    fn text(&self, column: usize, row: usize) -> Option<&str> {
        let texts = self.columns.get(column)?.as_string_opt::<i32>()?;
        (!texts.is_null(row)).then(|| texts.value(row))
    }

    fn boolean(&self, column: usize, row: usize) -> Option<bool> {
        let values = self.columns.get(column)?.as_boolean_opt()?;
        (!values.is_null(row)).then(|| values.value(row))
    }

    fn map(
        &self,
        value: impl Fn(usize) -> std::result::Result<Option<String>, SqlError>,
    ) -> Result<ColumnarValue> {
        let mut texts = StringBuilder::new();
        for row in 0..self.rows {
            let value = value(row).map_err(|error| DataFusionError::External(Box::new(error)))?;
            texts.append_option(value);
        }
        Ok(ColumnarValue::Array(Arc::new(texts.finish())))
    }
}
