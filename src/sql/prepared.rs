//! EXECUTE: prepared statements of SQL are those of the protocol, and take their parameters from expressions.

use std::sync::Arc;

use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::ast;
use pgwire::api::Type;

use super::cancel::Watch;
use super::connection::{Connection, Halt};
use super::encode::zone::Zone;
use super::parse::Argument;
use super::portal::{Parameter, Statement, no_statement};
use super::sqlstate::SqlError;
use super::types::{Format, is_reference, pg_type, sql_name};
use super::{params, query};

/// Arguments of EXECUTE that have to be computed.
pub(super) struct Computed<'a> {
    /// It yields them as one row.
    pub query: &'a ast::Query,
    /// The text that they stand in.
    pub text: &'a str,
}

impl Connection {
    /// The statement that EXECUTE names, and the values of its parameters.
    ///
    /// # Errors
    /// 26000 if there is none of this name, 42601 for another number of parameters, 42804 for one of a type that does
    /// not fit; what computing them fails with.
    pub async fn bind_arguments(
        &mut self,
        name: &str,
        arguments: &[Argument],
        computed: Option<Computed<'_>>,
        watch: &Watch,
    ) -> Result<(Arc<Statement>, Vec<ScalarValue>), Halt> {
        let statement = self.statements.get(name);
        let statement = Arc::clone(statement.ok_or_else(|| no_statement(name))?);
        let (given, wanted) = (arguments.len(), statement.parameters.len());
        // As in PostgreSQL, nobody asks what a statement without parameters is given.
        if wanted > 0 && given != wanted {
            let message = format!("wrong number of parameters for prepared statement \"{name}\"");
            let detail = format!("Expected {wanted} parameters but got {given}.");
            return Err(SqlError::new("42601", message).with_detail(detail).into());
        }
        let computed = match computed {
            Some(computed) => self.compute(computed, watch).await?,
            None => Vec::new(),
        };
        let zone = self.settings.zone();
        let pairs = arguments.iter().zip(&statement.parameters).enumerate();
        let values = pairs.map(|(n, (argument, parameter))| {
            value(argument, &computed, parameter, &zone).map_err(|misfit| match misfit {
                Misfit::Type(given) => unfit(n + 1, given, parameter),
                Misfit::Value(error) => error,
            })
        });
        let values = values.collect::<Result<_, _>>()?;
        Ok((statement, values))
    }

    /// The row that a query of expressions yields.
    async fn compute(
        &mut self,
        Computed { query, text }: Computed<'_>,
        watch: &Watch,
    ) -> Result<Vec<ScalarValue>, Halt> {
        let refused = |error: &DataFusionError| query::error(text, error);
        let statement = ast::Statement::Query(Box::new(query.clone()));
        let (catalog, caller) = (Arc::clone(&self.door.catalog), self.caller());
        let prepared = catalog.prepare(statement, Vec::new(), Arc::clone(&caller));
        let prepared = watch.run(&mut self.wire, prepared).await?;
        let prepared = prepared.map_err(|error| refused(&error))?;
        query::without_parameters(&prepared)?;
        let mut rows = catalog.run(&prepared, ParamValues::List(Vec::new()), caller);
        rows.demand(1);
        let row = watch.run(&mut self.wire, rows.next()).await?;
        let row = row.transpose().map_err(|error| refused(&error))?;
        let row = row.ok_or_else(|| SqlError::new("XX000", "an expression has no value"))?;
        let fields = row.schema_ref().fields().iter();
        let values = fields.zip(row.columns());
        let values = values.map(|(field, column)| {
            // What a name stands for is assigned as the name.
            let names = column.as_struct_opt().filter(|_| is_reference(field));
            let name = names.and_then(|both| both.columns().last());
            ScalarValue::try_from_array(name.unwrap_or(column), 0)
        });
        let values = values.collect::<Result<_, _>>();
        Ok(values.map_err(|error| refused(&error))?)
    }
}

/// Why an argument is not taken.
enum Misfit {
    /// By its type, which has this name.
    Type(&'static str),
    /// By its value.
    Value(SqlError),
}

impl From<SqlError> for Misfit {
    fn from(error: SqlError) -> Self {
        Self::Value(error)
    }
}

fn unfit(number: usize, given: &str, parameter: &Parameter) -> SqlError {
    let expected = params::oid_to_arrow(parameter.oid);
    let expected = sql_name(expected.as_ref().unwrap_or(&parameter.data_type));
    let message = format!(
        "parameter ${number} of type {given} cannot be coerced to the expected type {expected}"
    );
    SqlError::new("42804", message).with_hint("You will need to rewrite or cast the expression.")
}

/// The value of an argument in the type of the parameter, as an assignment takes it.
fn value(
    argument: &Argument,
    computed: &[ScalarValue],
    parameter: &Parameter,
    zone: &Zone,
) -> Result<ScalarValue, Misfit> {
    let read = |text: Option<&str>| {
        let (oid, wanted) = (parameter.oid, &parameter.data_type);
        let bytes = text.map(str::as_bytes);
        let value = params::decode_parameter_in(bytes, Format::Text, oid, wanted, zone);
        value.map_err(Misfit::Value)
    };
    let number = |text: &str| match kind_of(parameter) {
        Sort::Whole => read(Some(&rounded(text))),
        Sort::Fraction | Sort::Text => read(Some(text)),
        _ if text.contains(['.', 'e', 'E']) => Err(Misfit::Type("numeric")),
        _ => Err(Misfit::Type("integer")),
    };
    match argument {
        Argument::Null => read(None),
        Argument::Text(text) => read(Some(text)),
        Argument::Number(text) => number(text),
        Argument::Bool(value) => match kind_of(parameter) {
            Sort::Bool | Sort::Text => read(Some(if *value { "true" } else { "false" })),
            _ => Err(Misfit::Type("boolean")),
        },
        Argument::Computed(at) => {
            let value = computed.get(*at).cloned().unwrap_or(ScalarValue::Null);
            if value.is_null() {
                return read(None);
            }
            let given = value.data_type();
            match (sort(pg_type(&given)), kind_of(parameter)) {
                (Sort::Whole | Sort::Fraction, Sort::Whole | Sort::Fraction) => {
                    number(&value.to_string())
                }
                (given, wanted) if given == wanted || wanted == Sort::Text => {
                    Ok(params::convert(value, &parameter.data_type, zone)?)
                }
                _ => Err(Misfit::Type(sql_name(&given))),
            }
        }
    }
}

/// Types that an assignment converts into each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Bool,
    Whole,
    Fraction,
    Text,
    Moment,
    Other,
}

fn kind_of(parameter: &Parameter) -> Sort {
    match Type::from_oid(parameter.oid) {
        Some(known) => sort(known),
        None => match parameter.data_type {
            DataType::Utf8 => Sort::Text,
            _ => Sort::Other,
        },
    }
}

fn sort(known: Type) -> Sort {
    match known {
        Type::BOOL => Sort::Bool,
        Type::INT2 | Type::INT4 | Type::INT8 | Type::OID => Sort::Whole,
        Type::FLOAT4 | Type::FLOAT8 | Type::NUMERIC => Sort::Fraction,
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN => Sort::Text,
        Type::DATE | Type::TIMESTAMP | Type::TIMESTAMPTZ => Sort::Moment,
        _ => Sort::Other,
    }
}

/// A number without its fraction, rounded away from zero at the half.
fn rounded(text: &str) -> String {
    if !text.contains(['.', 'e', 'E']) {
        return text.to_owned();
    }
    match text.parse::<f64>() {
        Ok(number) => format!("{:.0}", number.round()),
        Err(_) => text.to_owned(),
    }
}
