//! Operators as PostgreSQL has them: numbers out of range and divisions by zero are errors, texts in quotes take the
//! other operand's type, and operands that no operator takes are refused by PostgreSQL's names of their types.

mod missing;
pub(super) mod numerics;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Datum};
use arrow::compute::kernels::numeric;
use arrow::datatypes::{DataType, Float64Type};
use arrow::error::ArrowError;
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::functions::unicode::expr_fn::substring;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::planner::{
    ExprPlanner, PlannerResult, RawBinaryExpr, RawFieldAccessExpr,
};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, GetFieldAccess, Operator, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility, cast, lit,
};
use datafusion::sql::sqlparser::ast::BinaryOperator;

pub(super) use self::missing::{missing, no_operator, unknown_function};
use super::column::TYPE;
use super::functions::{KEY, OPERATORS, TO_FLOAT, TO_NUMERIC, TO_NUMERICS};
use super::resolve::numerics::is_numeric;
use crate::proxy::postgres::error::SqlError;
use crate::sql::params::decode_parameter;
use crate::sql::parse::{DISTINCT, NOT_DISTINCT};
use crate::sql::types::{Format, sql_name};

/// Plans operators that the engine would evaluate in another way.
#[derive(Debug)]
pub(super) struct OperatorPlanner {
    /// The functions of numerics, by their names.
    numerics: HashMap<&'static str, Arc<ScalarUDF>>,
}

impl OperatorPlanner {
    /// A planner that finds its functions among these.
    pub fn new(functions: &[Arc<ScalarUDF>]) -> Self {
        let names = OPERATORS
            .into_iter()
            .chain([KEY, TO_FLOAT, TO_NUMERIC, TO_NUMERICS]);
        let function = |name| {
            let function = functions.iter().rfind(|function| function.name() == name);
            Some((name, Arc::clone(function?)))
        };
        Self {
            numerics: names.filter_map(function).collect(),
        }
    }

    fn call(&self, name: &str, args: Vec<Expr>) -> Option<Expr> {
        Some(self.numerics.get(name)?.call(args))
    }
}

impl ExprPlanner for OperatorPlanner {
    fn plan_binary_op(
        &self,
        mut expr: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        self.settle_case(&mut expr.left, schema)?;
        self.settle_case(&mut expr.right, schema)?;
        if let Some(operator) = distinction(&expr.op) {
            return Ok(PlannerResult::Planned(
                self.distinct(operator, expr, schema),
            ));
        }
        let types = (expr.left.get_type(schema), expr.right.get_type(schema));
        // What a parameter is follows from what it stands beside.
        let (Ok(left), Ok(right)) = types else {
            return Ok(PlannerResult::Original(expr));
        };
        if matches!(expr.op, BinaryOperator::And | BinaryOperator::Or) {
            let clause = expr.op.to_string();
            expr.left = boolean(expr.left, &left, &clause)?;
            expr.right = boolean(expr.right, &right, &clause)?;
            return Ok(PlannerResult::Original(expr));
        }
        let (left, right) = match read_beside(&mut expr, &left, &right)? {
            true => (expr.left.get_type(schema)?, expr.right.get_type(schema)?),
            false => (left, right),
        };
        if let Some(refused) = of_unlike_arrays(&expr, &left, &right) {
            return Err(refused);
        }
        // A NULL beside an array is one itself, and nothing is put behind an array that is not there.
        if matches!(expr.op, BinaryOperator::StringConcat) {
            match (&left, &right) {
                (DataType::List(_), DataType::Null) if is_literal(&expr.right) => {
                    return Ok(PlannerResult::Planned(expr.left));
                }
                (DataType::Null, DataType::List(_)) if is_literal(&expr.left) => {
                    return Ok(PlannerResult::Planned(expr.right));
                }
                (DataType::Null, DataType::Null) => {
                    for operand in [&mut expr.left, &mut expr.right] {
                        if matches!(operand, Expr::Placeholder(_)) {
                            *operand = cast(operand.clone(), DataType::Utf8);
                        }
                    }
                    return Ok(PlannerResult::Original(expr));
                }
                _ => {}
            }
        }
        if let Some(read) = array_literal(&expr.right, &left)? {
            expr.right = read;
        } else if let Some(read) = array_literal(&expr.left, &right)? {
            expr.left = read;
        } else if let Some(read) = boolean_literal(&expr.right, &left)? {
            expr.right = read;
        } else if let Some(read) = boolean_literal(&expr.left, &right)? {
            expr.left = read;
        }
        if let Some(planned) = self.of_numerics(&mut expr, &left, &right) {
            return Ok(PlannerResult::Planned(planned));
        }
        let (left, right) = match is_numeric(&left) || is_numeric(&right) {
            true => (expr.left.get_type(schema)?, expr.right.get_type(schema)?),
            false => (left, right),
        };
        if is_mismatch(&expr, &left, &right) {
            let sides = [(&expr.left, &left), (&expr.right, &right)];
            return Err(no_operator(sides, &expr.op.to_string()));
        }
        if is_harmless(&expr.op, &expr.right) {
            return Ok(PlannerResult::Original(expr));
        }
        let Some((arithmetic, of)) = Arithmetic::of(&expr.op, &left, &right) else {
            return Ok(PlannerResult::Original(expr));
        };
        let operands = [(expr.left, &left), (expr.right, &right)];
        Ok(PlannerResult::Planned(checked(arithmetic, of, operands)))
    }

    /// The catalog's vectors begin at 0, where arrays begin at 1; a name is an array of its characters, from 0, too.
    fn plan_field_access(
        &self,
        mut expr: RawFieldAccessExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawFieldAccessExpr>> {
        if let GetFieldAccess::ListIndex { key } = &mut expr.field_access
            && let Ok((_, field)) = expr.expr.to_field(schema)
        {
            let from_one = || key.as_ref().clone() + lit(1_i64);
            match field.metadata().get(TYPE).map(String::as_str) {
                Some("int2vector" | "oidvector") => **key = from_one(),
                Some("name") => {
                    let character = substring(expr.expr, from_one(), lit(1_i64));
                    return Ok(PlannerResult::Planned(character));
                }
                _ => {}
            }
        }
        Ok(PlannerResult::Original(expr))
    }
}

/// The operator that `IS [NOT] DISTINCT FROM` is written as, for the planner to ask about it.
fn distinction(operator: &BinaryOperator) -> Option<Operator> {
    match operator {
        BinaryOperator::Custom(symbol) if symbol == DISTINCT => Some(Operator::IsDistinctFrom),
        BinaryOperator::Custom(symbol) if symbol == NOT_DISTINCT => {
            Some(Operator::IsNotDistinctFrom)
        }
        _ => None,
    }
}

/// Arithmetic done in one type.
fn checked(arithmetic: Arithmetic, of: DataType, operands: [(Expr, &DataType); 2]) -> Expr {
    let operands = operands.map(|(operand, given)| match *given == of {
        true => operand,
        false => cast(operand, of.clone()),
    });
    ScalarUDF::from(Checked::new(arithmetic, of)).call(operands.into())
}

/// Arithmetic that was planned for other types than its operands have turned out to be of: the operator, and the call
/// for their types where they are integers or numbers of floating point.
pub(super) fn replanned(
    call: &ScalarFunction,
    types: [&DataType; 2],
) -> Option<(BinaryOperator, Option<Expr>)> {
    let planned = call.func.inner().downcast_ref::<Checked>()?;
    if types.iter().all(|given| **given == planned.of) {
        return None;
    }
    let operator = planned.arithmetic.operator();
    let [left, right] = types;
    let written = Arithmetic::of(&operator, left, right)
        .zip(<[Expr; 2]>::try_from(call.args.clone()).ok())
        .map(|((arithmetic, of), [one, other])| {
            checked(arithmetic, of, [(one, left), (other, right)])
        });
    Some((operator, written))
}

/// A text in quotes beside a boolean, as a boolean.
fn boolean_literal(expr: &Expr, other: &DataType) -> Result<Option<Expr>> {
    let (Expr::Literal(ScalarValue::Utf8(Some(text)), _), DataType::Boolean) = (expr, other) else {
        return Ok(None);
    };
    let read = decode_parameter(Some(text.as_bytes()), Format::Text, 0, other);
    let read = read.map_err(|error| DataFusionError::External(Box::new(error)))?;
    Ok(Some(Expr::Literal(read, None)))
}

/// Reads a text in quotes beside a number or a truth value as one. Whether there was one.
fn read_beside(expr: &mut RawBinaryExpr, left: &DataType, right: &DataType) -> Result<bool> {
    let computes = computes(&expr.op);
    if !computes && !compares(&expr.op) {
        return Ok(false);
    }
    match (untyped(&expr.left), untyped(&expr.right)) {
        (Some(_), Some(_)) if computes => {
            let message = format!("operator is not unique: unknown {} unknown", expr.op);
            let error = SqlError::new("42725", message).with_hint(
                "Could not choose a best candidate operator. You might need to add explicit type casts.",
            );
            Err(DataFusionError::External(Box::new(error)))
        }
        (Some(text), None) => match read_literal(text, right)? {
            Some(read) => {
                expr.left = read;
                Ok(true)
            }
            None => Ok(false),
        },
        (None, Some(text)) => match read_literal(text, left)? {
            Some(read) => {
                expr.right = read;
                Ok(true)
            }
            None => Ok(false),
        },
        _ => Ok(false),
    }
}

/// The text of a literal in quotes, which has no type yet.
pub(super) fn untyped(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Literal(value, _) => value.try_as_str().flatten(),
        _ => None,
    }
}

/// A text as a number or a truth value; `None` where another type is wanted.
///
/// # Errors
/// 22P02 and 22003.
pub(super) fn read_literal(text: &str, wanted: &DataType) -> Result<Option<Expr>> {
    let (oid, wanted) = match wanted {
        numeric if is_numeric(numeric) => (0, numeric.clone()),
        DataType::Boolean
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::Float32
        | DataType::Float64 => (0, wanted.clone()),
        _ => return Ok(None),
    };
    let read = decode_parameter(Some(text.as_bytes()), Format::Text, oid, &wanted)
        .map_err(|error| DataFusionError::External(Box::new(error)))?;
    Ok(Some(Expr::Literal(read, None)))
}

/// An operand that has to be a truth value.
///
/// # Errors
/// 42804 if it is none.
pub(super) fn boolean(expr: Expr, given: &DataType, clause: &str) -> Result<Expr> {
    if matches!(given, DataType::Boolean | DataType::Null) {
        return Ok(expr);
    }
    if let Some(text) = untyped(&expr)
        && let Some(read) = read_literal(text, &DataType::Boolean)?
    {
        return Ok(read);
    }
    let name = type_name(&expr, given);
    let message = format!("argument of {clause} must be type boolean, not type {name}");
    let error = SqlError::new("42804", message);
    Err(DataFusionError::External(Box::new(error)))
}

/// A text in quotes beside an array, as an array of the same type.
pub(super) fn array_literal(expr: &Expr, other: &DataType) -> Result<Option<Expr>> {
    let (
        Expr::Literal(ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)), _),
        DataType::List(item),
    ) = (expr, other)
    else {
        return Ok(None);
    };
    let elements = crate::sql::parse::array_elements(text)
        .map_err(|error| DataFusionError::External(Box::new(error)))?;
    let texts = elements
        .into_iter()
        .map(ScalarValue::Utf8)
        .collect::<Vec<_>>();
    let mut typed = Vec::with_capacity(texts.len());
    for text in texts {
        typed.push(text.cast_to(item.data_type())?);
    }
    let list = ScalarValue::new_list(&typed, item.data_type(), true);
    Ok(Some(Expr::Literal(ScalarValue::List(list), None)))
}

/// The kinds of types that operators tell apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Number,
    Text,
    Boolean,
    Moment,
    Interval,
    /// Anything goes with these, or the engine knows better.
    Other,
}

fn kind(data_type: &DataType) -> Kind {
    match data_type {
        data_type if data_type.is_numeric() || is_numeric(data_type) => Kind::Number,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Kind::Text,
        DataType::Boolean => Kind::Boolean,
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => Kind::Moment,
        DataType::Interval(_) | DataType::Duration(_) => Kind::Interval,
        _ => Kind::Other,
    }
}

fn is_literal(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(..))
}

fn compares(op: &BinaryOperator) -> bool {
    use BinaryOperator as B;
    matches!(op, B::Eq | B::NotEq | B::Lt | B::LtEq | B::Gt | B::GtEq)
}

fn computes(op: &BinaryOperator) -> bool {
    use BinaryOperator as B;
    matches!(op, B::Plus | B::Minus | B::Multiply | B::Divide | B::Modulo)
}

/// The refusal of an operation of an array and what is no element of it, or of two arrays that have none in common.
fn of_unlike_arrays(
    expr: &RawBinaryExpr,
    left: &DataType,
    right: &DataType,
) -> Option<DataFusionError> {
    use BinaryOperator as B;
    let is_text = |expr: &Expr| untyped(expr).is_some();
    let unlike = match (left, right) {
        (DataType::List(one), DataType::List(other)) => {
            let asks =
                compares(&expr.op) || matches!(expr.op, B::AtArrow | B::ArrowAt | B::StringConcat);
            asks && is_unlike(one.data_type(), other.data_type())
        }
        (DataType::List(item), other) if expr.op == B::StringConcat && !is_text(&expr.right) => {
            is_unlike(item.data_type(), other)
        }
        (other, DataType::List(item)) if expr.op == B::StringConcat && !is_text(&expr.left) => {
            is_unlike(item.data_type(), other)
        }
        _ => false,
    };
    let sides = [(&expr.left, left), (&expr.right, right)];
    unlike.then(|| no_operator(sides, &expr.op.to_string()))
}

fn matches_regex(op: &BinaryOperator) -> bool {
    use BinaryOperator as B;
    matches!(
        op,
        B::PGRegexMatch | B::PGRegexIMatch | B::PGRegexNotMatch | B::PGRegexNotIMatch
    )
}

/// Whether PostgreSQL has no such operator where the engine would convert one operand.
fn is_mismatch(expr: &RawBinaryExpr, left: &DataType, right: &DataType) -> bool {
    use BinaryOperator as B;
    let (compares, computes) = (compares(&expr.op), computes(&expr.op));
    let (left_kind, right_kind) = (kind(left), kind(right));
    // A text in quotes is of any type.
    let is_unknown = |expr: &Expr, kind| kind == Kind::Text && is_literal(expr);
    if matches_regex(&expr.op) {
        let is_text = |kind| matches!(kind, Kind::Text | Kind::Other);
        return !is_text(left_kind) || !is_text(right_kind);
    }
    if is_unknown(&expr.left, left_kind) || is_unknown(&expr.right, right_kind) {
        return false;
    }
    match (left_kind, right_kind) {
        (Kind::Other, _) | (_, Kind::Other) => false,
        (Kind::Interval, other) | (other, Kind::Interval) => match other {
            // Times any number, a moment so much later.
            Kind::Number => compares || matches!(expr.op, B::Plus | B::Minus | B::Modulo),
            Kind::Moment => compares || matches!(expr.op, B::Multiply | B::Divide | B::Modulo),
            Kind::Interval => matches!(expr.op, B::Multiply | B::Divide | B::Modulo),
            _ => compares || computes,
        },
        (left, right) if left != right => {
            compares || (computes && left != Kind::Moment && right != Kind::Moment)
        }
        (Kind::Text | Kind::Boolean, _) => computes,
        _ => false,
    }
}

/// Whether no two of these can be compared, where the engine would convert one of them. Texts in quotes are of any type.
pub(super) fn is_unlike(left: &DataType, right: &DataType) -> bool {
    match (kind(left), kind(right)) {
        (Kind::Other, _) | (_, Kind::Other) => false,
        (left, right) => left != right,
    }
}

/// The type that PostgreSQL gives an expression of `data_type`: small numbers that are written out are integers.
pub(super) fn type_name(expr: &Expr, data_type: &DataType) -> String {
    match expr {
        Expr::Literal(value, _) => literal_type(value),
        _ => sql_name(data_type).to_owned(),
    }
}

/// The type that PostgreSQL gives a literal.
pub(super) fn literal_type(value: &ScalarValue) -> String {
    match value {
        ScalarValue::Int64(Some(number)) if i32::try_from(*number).is_ok() => "integer".to_owned(),
        ScalarValue::Float64(Some(_)) => "numeric".to_owned(),
        ScalarValue::Utf8(_) | ScalarValue::Null => "unknown".to_owned(),
        other => sql_name(&other.data_type()).to_owned(),
    }
}

/// Whether it is a division that cannot fail: by a number that is written out.
fn is_harmless(op: &BinaryOperator, divisor: &Expr) -> bool {
    let divides = matches!(op, BinaryOperator::Divide | BinaryOperator::Modulo);
    divides
        && match divisor {
            Expr::Literal(ScalarValue::Int64(Some(divisor)), _) => *divisor > 0,
            Expr::Literal(ScalarValue::Int32(Some(divisor)), _) => *divisor > 0,
            // A smaller one could make more than there is a number for.
            Expr::Literal(ScalarValue::Float64(Some(divisor)), _) => divisor.abs() >= 1.0,
            _ => false,
        }
}

/// Arithmetic that fails where the engine's wraps around or gives infinity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

impl Arithmetic {
    /// The operation and the type that it is done in.
    fn of(op: &BinaryOperator, left: &DataType, right: &DataType) -> Option<(Self, DataType)> {
        let arithmetic = match op {
            BinaryOperator::Plus => Self::Add,
            BinaryOperator::Minus => Self::Subtract,
            BinaryOperator::Multiply => Self::Multiply,
            BinaryOperator::Divide => Self::Divide,
            BinaryOperator::Modulo => Self::Modulo,
            _ => return None,
        };
        if left.is_integer() && right.is_integer() {
            let width = |data_type: &DataType| match data_type {
                DataType::Int8 | DataType::Int16 | DataType::UInt8 => 2,
                DataType::Int32 | DataType::UInt16 => 4,
                _ => 8,
            };
            let of = match width(left).max(width(right)) {
                2 => DataType::Int16,
                4 => DataType::Int32,
                _ => DataType::Int64,
            };
            return Some((arithmetic, of));
        }
        let is_float =
            |data_type: &DataType| matches!(data_type, DataType::Float64 | DataType::Float32);
        let divides = matches!(arithmetic, Self::Divide | Self::Modulo);
        let numbers = left.is_numeric() && right.is_numeric();
        (divides && numbers && (is_float(left) || is_float(right)))
            .then_some((arithmetic, DataType::Float64))
    }

    fn operator(self) -> BinaryOperator {
        match self {
            Self::Add => BinaryOperator::Plus,
            Self::Subtract => BinaryOperator::Minus,
            Self::Multiply => BinaryOperator::Multiply,
            Self::Divide => BinaryOperator::Divide,
            Self::Modulo => BinaryOperator::Modulo,
        }
    }

    fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
        }
    }

    fn apply(self, left: &dyn Datum, right: &dyn Datum) -> Result<ArrayRef, ArrowError> {
        match self {
            Self::Add => numeric::add(left, right),
            Self::Subtract => numeric::sub(left, right),
            Self::Multiply => numeric::mul(left, right),
            Self::Divide => numeric::div(left, right),
            Self::Modulo => numeric::rem(left, right),
        }
    }
}

/// An arithmetic function of two operands of one type.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Checked {
    arithmetic: Arithmetic,
    of: DataType,
    signature: Signature,
}

impl Checked {
    fn new(arithmetic: Arithmetic, of: DataType) -> Self {
        Self {
            signature: Signature::exact(vec![of.clone(), of.clone()], Volatility::Immutable),
            arithmetic,
            of,
        }
    }

    fn failure(&self, error: ArrowError) -> DataFusionError {
        let error = match error {
            ArrowError::ArithmeticOverflow(_) => {
                SqlError::new("22003", format!("{} out of range", sql_name(&self.of)))
            }
            ArrowError::DivideByZero => SqlError::new("22012", "division by zero"),
            other => return other.into(),
        };
        DataFusionError::External(Box::new(error))
    }

    /// Division of floats by zero gives infinity there and an error here.
    fn check_divisor(&self, divisor: &ColumnarValue) -> Result<()> {
        if self.of != DataType::Float64 {
            return Ok(());
        }
        let has_zero = match divisor {
            ColumnarValue::Scalar(ScalarValue::Float64(value)) => *value == Some(0.0),
            ColumnarValue::Scalar(_) => false,
            ColumnarValue::Array(array) => {
                let values = array.as_primitive::<Float64Type>();
                match values.null_count() {
                    0 => values.values().contains(&0.0),
                    _ => values.iter().any(|value| value == Some(0.0)),
                }
            }
        };
        match has_zero {
            true => Err(self.failure(ArrowError::DivideByZero)),
            false => Ok(()),
        }
    }
}

impl ScalarUDFImpl for Checked {
    fn name(&self) -> &str {
        self.arithmetic.symbol()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.of.clone())
    }

    fn display_name(&self, args: &[Expr]) -> Result<String> {
        match args {
            [left, right] => Ok(format!("{left} {} {right}", self.arithmetic.symbol())),
            _ => Ok(self.name().to_owned()),
        }
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        match args {
            [left, right] => Ok(format!(
                "{} {} {}",
                left.schema_name(),
                self.arithmetic.symbol(),
                right.schema_name()
            )),
            _ => Ok(self.name().to_owned()),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [left, right] = datafusion::common::utils::take_function_args(self.name(), args.args)?;
        self.check_divisor(&right)?;
        let computed = match (&left, &right) {
            (ColumnarValue::Array(left), ColumnarValue::Array(right)) => {
                self.arithmetic.apply(left, right)
            }
            (ColumnarValue::Array(left), ColumnarValue::Scalar(right)) => {
                self.arithmetic.apply(left, &right.to_scalar()?)
            }
            (ColumnarValue::Scalar(left), ColumnarValue::Array(right)) => {
                self.arithmetic.apply(&left.to_scalar()?, right)
            }
            (ColumnarValue::Scalar(left), ColumnarValue::Scalar(right)) => {
                let computed = self
                    .arithmetic
                    .apply(&left.to_scalar()?, &right.to_scalar()?)
                    .map_err(|error| self.failure(error))?;
                return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(
                    &computed, 0,
                )?));
            }
        };
        match computed {
            Ok(array) => Ok(ColumnarValue::Array(array)),
            Err(error) => Err(self.failure(error)),
        }
    }
}
