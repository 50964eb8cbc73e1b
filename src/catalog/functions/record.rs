//! `ROW(…)`: the engine's `struct`, whose fields are called `f1`, `f2` … as in PostgreSQL.

use std::sync::Arc;

use arrow::array::{ArrayRef, StructArray};
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

#[derive(Debug, PartialEq, Eq, Hash)]
struct Record {
    engine: Arc<ScalarUDF>,
    signature: Signature,
}

/// The engine's function with PostgreSQL's names, if it is this one.
pub(super) fn record(function: &Arc<ScalarUDF>) -> Option<Arc<ScalarUDF>> {
    (function.name() == "struct").then(|| {
        Arc::new(ScalarUDF::from(Record {
            engine: Arc::clone(function),
            signature: Signature::variadic_any(Volatility::Immutable),
        }))
    })
}

/// The fields of rows of values of these types.
fn fields<'a>(types: impl Iterator<Item = &'a DataType>) -> Fields {
    (1..)
        .zip(types)
        .map(|(number, given)| Field::new(format!("f{number}"), given.clone(), true))
        .collect()
}

impl ScalarUDFImpl for Record {
    fn name(&self) -> &str {
        self.engine.name()
    }

    fn aliases(&self) -> &[String] {
        self.engine.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Struct(fields(types.iter())))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let types = args.arg_fields.iter().map(|field| field.data_type());
        let data_type = DataType::Struct(fields(types));
        Ok(Arc::new(Field::new(self.name(), data_type, false)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_constant = args
            .args
            .iter()
            .all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { args.number_rows };
        let columns = args.args.into_iter().map(|arg| arg.into_array(rows));
        let columns: Vec<ArrayRef> = columns.collect::<Result<_>>()?;
        let fields = fields(columns.iter().map(|column| column.data_type()));
        let record = StructArray::try_new(fields, columns, None)?;
        match is_constant {
            true => Ok(ColumnarValue::Scalar(ScalarValue::Struct(Arc::new(record)))),
            false => Ok(ColumnarValue::Array(Arc::new(record) as ArrayRef)),
        }
    }
}
