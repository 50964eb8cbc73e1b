//! Functions as PostgreSQL defines them: a name and, for each list of argument types, a result and what a row is worth.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion::common::{Result, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::type_coercion::functions::{UDFCoercionExt, fields_with_udf};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::interval::SPAN;
use super::output::{Output, Value, weight};
use super::value::{
    Column, Kind, Row, list_item, list_of, misfit, refuse_over, stamp_type, wanted,
};
use super::zoned::zone_of;
use crate::catalog::column::{MODIFIER, TYPE};
use crate::proxy::postgres::error::SqlError;
use crate::sql::numeric::ordered;
use crate::sql::types::sql_name;

/// What the engine converts arguments of these types to for its own function.
///
/// # Errors
/// When the function does not take them.
pub(super) fn engine_types(
    function: &impl UDFCoercionExt,
    types: impl IntoIterator<Item = DataType>,
) -> Result<Vec<DataType>> {
    let fields: Vec<FieldRef> = types
        .into_iter()
        .map(|given| Arc::new(Field::new("", given, true)))
        .collect();
    let coerced = fields_with_udf(&fields, function)?;
    Ok(coerced
        .iter()
        .map(|field| field.data_type().clone())
        .collect())
}

/// What a function makes of one row.
pub(super) type Answer = Result<Value, SqlError>;

/// The type of a result.
#[derive(Clone, Copy)]
pub(super) enum Gives {
    Bool,
    Int4,
    Int8,
    Oid,
    Float,
    Numeric,
    /// A numeric with room for so many digits as the constant second argument says, and behind the point the third.
    FittedNumeric,
    Text,
    /// Text under the name of another type of PostgreSQL.
    Named(&'static str),
    /// The same, with room for so many characters as the constant second argument says.
    FittedText(&'static str),
    /// An oid under the name of another type of PostgreSQL.
    Reference(&'static str),
    /// `jsonb` if the first argument is, else `json`.
    Json,
    /// `text[]` under the name of another type of PostgreSQL.
    NamedTexts(&'static str),
    Bytes,
    Date,
    Time,
    Stamp,
    StampTz,
    Interval,
    Texts,
    Ints,
    /// The type of an argument.
    Same(usize),
    /// The type of the elements of an argument.
    Element(usize),
    /// What follows from the arguments' types and constant values.
    Of(fn(&[FieldRef], &[Option<&ScalarValue>]) -> DataType),
}

impl Gives {
    fn data_type(self, fields: &[FieldRef], constants: &[Option<&ScalarValue>]) -> DataType {
        let given = |place: usize| fields.get(place).map_or(&DataType::Utf8, |f| f.data_type());
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int4 => DataType::Int32,
            Self::Int8 => DataType::Int64,
            Self::Oid | Self::Reference(_) => DataType::UInt32,
            Self::Float => DataType::Float64,
            Self::Numeric | Self::FittedNumeric => ordered::COLUMN,
            Self::Text | Self::Named(_) | Self::FittedText(_) | Self::Json => DataType::Utf8,
            Self::Bytes => DataType::Binary,
            Self::Date => DataType::Date32,
            Self::Time => DataType::Time64(TimeUnit::Microsecond),
            Self::Stamp => stamp_type(false),
            Self::StampTz => stamp_type(true),
            Self::Interval => SPAN,
            Self::Texts | Self::NamedTexts(_) => list_of(DataType::Utf8),
            Self::Ints => list_of(DataType::Int32),
            Self::Same(place) => given(place).clone(),
            Self::Element(place) => list_item(given(place)).unwrap_or(&DataType::Utf8).clone(),
            Self::Of(of) => of(fields, constants),
        }
    }
}

type Body = Arc<dyn Fn(&Row<'_>) -> Answer + Send + Sync>;

#[derive(Clone)]
struct Overload {
    takes: Vec<Kind>,
    /// The last of `takes` may come any number of times, also none.
    is_variadic: bool,
    /// NULL for a NULL argument, without asking.
    is_strict: bool,
    gives: Gives,
    body: Body,
}

impl Overload {
    fn kind(&self, place: usize) -> Option<Kind> {
        match self.is_variadic && place + 1 >= self.takes.len() {
            true => self.takes.last().copied(),
            false => self.takes.get(place).copied(),
        }
    }

    fn misfit<'a>(&self, mut given: impl ExactSizeIterator<Item = &'a DataType>) -> Option<u32> {
        let fits = match self.is_variadic {
            true => given.len() + 1 >= self.takes.len(),
            false => given.len() == self.takes.len(),
        };
        if !fits {
            return None;
        }
        (0..).zip(&mut given).try_fold(0, |sum, (place, given)| {
            Some(sum + misfit(self.kind(place)?, given)?)
        })
    }
}

/// A function under construction, then the function.
#[derive(Clone)]
pub(super) struct Function {
    name: &'static str,
    signature: Signature,
    overloads: Vec<Overload>,
}

impl Function {
    /// An immutable function without any overload yet.
    pub fn new(name: &'static str) -> Self {
        Self::with_volatility(name, Volatility::Immutable)
    }

    /// A function whose answer depends on more than its arguments, as `dependence` tells.
    pub fn stable(name: &'static str) -> Self {
        Self::with_volatility(name, Volatility::Stable)
    }

    /// A function that may answer differently for each row.
    pub fn volatile(name: &'static str) -> Self {
        Self::with_volatility(name, Volatility::Volatile)
    }

    fn with_volatility(name: &'static str, volatility: Volatility) -> Self {
        Self {
            name,
            signature: Signature::user_defined(volatility),
            overloads: Vec::new(),
        }
    }

    fn with(
        mut self,
        takes: &[Kind],
        (is_variadic, is_strict): (bool, bool),
        gives: Gives,
        body: impl Fn(&Row<'_>) -> Answer + Send + Sync + 'static,
    ) -> Self {
        self.overloads.push(Overload {
            takes: takes.to_vec(),
            is_variadic,
            is_strict,
            gives,
            body: Arc::new(body),
        });
        self
    }

    /// Adds an overload that is NULL for a NULL argument.
    pub fn on(
        self,
        takes: &[Kind],
        gives: Gives,
        body: impl Fn(&Row<'_>) -> Answer + Send + Sync + 'static,
    ) -> Self {
        self.with(takes, (false, true), gives, body)
    }

    /// Adds an overload that decides about NULL itself.
    pub fn on_nulls(
        self,
        takes: &[Kind],
        gives: Gives,
        body: impl Fn(&Row<'_>) -> Answer + Send + Sync + 'static,
    ) -> Self {
        self.with(takes, (false, false), gives, body)
    }

    /// Adds an overload whose last argument may come any number of times, and that decides about NULL itself.
    pub fn on_any_number(
        self,
        takes: &[Kind],
        gives: Gives,
        body: impl Fn(&Row<'_>) -> Answer + Send + Sync + 'static,
    ) -> Self {
        self.with(takes, (true, false), gives, body)
    }

    /// The finished function.
    pub fn done(self) -> Arc<ScalarUDF> {
        Arc::new(ScalarUDF::from(self))
    }

    /// The type of an argument in calls with so many, if all such calls take the same there.
    fn argument_type(&self, place: usize, len: usize) -> Option<DataType> {
        let fits = |overload: &&Overload| match overload.is_variadic {
            true => len + 1 >= overload.takes.len(),
            false => len == overload.takes.len(),
        };
        let mut kinds = self.overloads.iter().filter(fits).map(|o| o.kind(place));
        let kind = kinds.next()??;
        match kinds.all(|other| other == Some(kind)) {
            true => wanted(kind),
            false => None,
        }
    }

    fn overload<'a>(
        &self,
        given: impl ExactSizeIterator<Item = &'a DataType> + Clone,
    ) -> Result<&Overload> {
        let fitting = self
            .overloads
            .iter()
            .filter_map(|overload| Some((overload.misfit(given.clone())?, overload)));
        match fitting.min_by_key(|(misfit, _)| *misfit) {
            Some((_, overload)) => Ok(overload),
            None => {
                let names: Vec<_> = given.map(type_name).collect();
                Err(no_function(self.name, &names.join(", ")).into_external())
            }
        }
    }
}

/// Bytes of a length, which count in every modifier of a type of variable length.
const HEAD: i32 = 4;

/// A whole number among the constant arguments.
fn whole(constants: &[Option<&ScalarValue>], place: usize) -> Option<i32> {
    match constants.get(place).copied().flatten()? {
        ScalarValue::Int32(whole) => *whole,
        ScalarValue::Int64(whole) => i32::try_from((*whole)?).ok(),
        _ => None,
    }
}

/// `atttypmod` of a numeric with room for so many digits as the arguments say.
fn digits(constants: &[Option<&ScalarValue>]) -> Option<i32> {
    let (precision, scale) = (whole(constants, 1)?, whole(constants, 2)?);
    // The scale has eleven bits, one of them for its sign.
    Some(((precision << 16) | (scale & 0x7FF)) + HEAD)
}

/// `atttypmod` of a text with room for so many characters as the second argument says.
fn characters(constants: &[Option<&ScalarValue>]) -> Option<i32> {
    whole(constants, 1)?.checked_add(HEAD)
}

/// What the function of this name makes of a text or another moment, if it is one that casts are written as.
pub(in crate::catalog) fn moment_kind(name: &str) -> Option<Kind> {
    Some(match name {
        "timestamptz" => Kind::StampTz,
        "timestamp" => Kind::Stamp,
        "date" => Kind::Date,
        "time" => Kind::Time,
        _ => return None,
    })
}

/// The type that one of these functions takes at a place in calls with so many arguments, if that is certain.
pub(in crate::catalog) fn argument_type(
    function: &ScalarUDF,
    place: usize,
    len: usize,
) -> Option<DataType> {
    let function = function.inner().downcast_ref::<Function>()?;
    function.argument_type(place, len)
}

fn type_name(given: &DataType) -> &'static str {
    match given {
        DataType::Null => "unknown",
        DataType::UInt32 => "oid",
        given => sql_name(given),
    }
}

/// What PostgreSQL says of a function that is not there.
pub(super) fn no_function(name: &str, arguments: &str) -> SqlError {
    SqlError::new("42883", format!("function {name}({arguments}) does not exist")).with_hint(
        "No function matches the given name and argument types. You might need to add explicit type casts.",
    )
}

/// An error of a function on its way through the engine.
pub(super) trait IntoExternal {
    fn into_external(self) -> DataFusionError;
}

impl IntoExternal for SqlError {
    fn into_external(self) -> DataFusionError {
        DataFusionError::External(Box::new(self))
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        let bodies = |function: &Self| -> Vec<*const ()> {
            let bodies = function.overloads.iter();
            bodies.map(|o| Arc::as_ptr(&o.body).cast()).collect()
        };
        self.name == other.name && bodies(self) == bodies(other)
    }
}

impl Eq for Function {}

impl Hash for Function {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Arguments stay what they are: they are converted where they are read, with the caller's time zone.
    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        Ok(given.to_vec())
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        let fields = given
            .iter()
            .map(|given| Field::new("", given.clone(), true));
        let fields: Vec<FieldRef> = fields.map(Arc::new).collect();
        let constants = vec![None; fields.len()];
        let overload = self.overload(given.iter())?;
        Ok(overload.gives.data_type(&fields, &constants))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let overload = self
            .overload(args.arg_fields.iter().map(|field| field.data_type()))
            .map_err(|_| {
                // A text in quotes has no type yet.
                let names = args.arg_fields.iter().zip(args.scalar_arguments);
                let names = names.map(|(field, constant)| match constant {
                    Some(ScalarValue::Utf8(_)) => "unknown",
                    _ => type_name(field.data_type()),
                });
                let names: Vec<_> = names.collect();
                no_function(self.name, &names.join(", ")).into_external()
            })?;
        let data_type = overload
            .gives
            .data_type(args.arg_fields, args.scalar_arguments);
        let field = Field::new(self.name, data_type, true);
        let constants = args.scalar_arguments;
        let (name, modifier) = match overload.gives {
            Gives::Named(name) | Gives::NamedTexts(name) | Gives::Reference(name) => {
                (Some(name), None)
            }
            Gives::Json => {
                let given = args.arg_fields.first();
                let given = given.and_then(|given| given.metadata().get(TYPE));
                let is_binary = given.is_some_and(|given| given == "jsonb");
                (Some(if is_binary { "jsonb" } else { "json" }), None)
            }
            Gives::FittedText(name) => (Some(name), characters(constants)),
            Gives::FittedNumeric => (None, digits(constants)),
            _ => (None, None),
        };
        let name = name.map(|name| (TYPE.to_owned(), name.to_owned()));
        let modifier = modifier.map(|modifier| (MODIFIER.to_owned(), modifier.to_string()));
        let metadata = name.into_iter().chain(modifier).collect();
        Ok(Arc::new(field.with_metadata(metadata)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let types: Vec<DataType> = args.args.iter().map(ColumnarValue::data_type).collect();
        let overload = self.overload(types.iter())?;
        let zone = zone_of(&args.config_options)?;
        let columns = args.args.iter().enumerate().map(|(place, arg)| {
            let (array, is_constant) = match arg {
                ColumnarValue::Array(array) => (Arc::clone(array), false),
                ColumnarValue::Scalar(scalar) => (scalar.to_array()?, true),
            };
            let kind = overload.kind(place).unwrap_or(Kind::Any);
            let column = Column::read(array, is_constant, kind, &zone)?;
            Ok(column.of_field(args.arg_fields.get(place)))
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let is_constant = self.signature.volatility != Volatility::Volatile
            && args
                .args
                .iter()
                .all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { args.number_rows };
        let data_type = args.return_field.data_type();
        let mut output = match overload.gives {
            Gives::Texts | Gives::NamedTexts(_) => Output::lists(&DataType::Utf8),
            Gives::Ints => Output::lists(&DataType::Int32),
            Gives::Same(_) | Gives::Element(_) => Output::ones(data_type, rows),
            _ => Output::new(data_type, rows),
        };
        let mut bytes = 0;
        for row in 0..rows {
            let row = Row {
                columns: &columns,
                row,
                zone: &zone,
            };
            let is_null = overload.is_strict && (0..columns.len()).any(|place| row.is_null(place));
            let value = match is_null {
                true => Value::Null,
                false => (overload.body)(&row).map_err(SqlError::into_external)?,
            };
            bytes += weight(&value);
            refuse_over(self.name, bytes).map_err(SqlError::into_external)?;
            output.push(value).map_err(SqlError::into_external)?;
        }
        let array: ArrayRef = output.finish()?;
        match is_constant {
            true => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(
                &array, 0,
            )?)),
            false => Ok(ColumnarValue::Array(array)),
        }
    }
}
