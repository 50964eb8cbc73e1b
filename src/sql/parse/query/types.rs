//! Casts: the types that PostgreSQL knows and the engine does not.
//!
//! Types of the catalog become calls (`E::regclass` is `regclass(E)`), texts under other names become text, and what is
//! unknown is refused here, where its place in the statement is known.

use std::ops::ControlFlow;

use super::arrays;
use super::build::{bare, call, cast, literal, number, parts, text, type_named};
use crate::sql::params::typed_text;
use crate::sql::sqlstate::SqlError;
use crate::sql::types::reference_names;
use datafusion::sql::sqlparser::ast::{
    ArrayElemTypeDef, CharacterLength, DataType, ExactNumberInfo, Expr, ObjectName, TimezoneInfo,
    TypedString, UnaryOperator, Value,
};

/// Types whose values are texts to the engine, and that it does not tell from `text`.
const TEXTS: [&str; 22] = [
    "cstring",
    "unknown",
    "text",
    "jsonpath",
    "xml",
    "citext",
    "pg_lsn",
    "tid",
    "pg_node_tree",
    "int2vector",
    "oidvector",
    "aclitem",
    "macaddr",
    "macaddr8",
    "tsvector",
    "tsquery",
    "refcursor",
    "pg_snapshot",
    "txid_snapshot",
    "anyelement",
    "pg_ndistinct",
    "pg_dependencies",
];

/// Functions that read texts as types whose values are texts to the engine, but not any.
const TEXT_INPUTS: [&str; 4] = ["uuid_in", "json_in", "jsonb_in", "bytea"];

/// The types that parameters are cast to as they are.
pub(super) fn takes_parameters(input: &str) -> bool {
    TEXT_INPUTS.contains(&input) || input == "inet" || input == "cidr"
}

fn is_parameter(expr: &Expr) -> bool {
    matches!(bare(expr), Expr::Value(value) if matches!(value.value, Value::Placeholder(_)))
}

/// What a cast to a type is written as.
pub(super) enum Target {
    /// The engine knows the type.
    Known,
    /// The same type under the name that the engine knows.
    As(DataType),
    /// A function converts.
    Call(&'static str),
    /// Text.
    Text,
    /// Text under this name, of so many characters at most.
    Named(&'static str, Option<u64>),
    /// An array of these.
    Array(Box<Target>),
    /// Nobody knows it.
    Unknown(String),
}

/// Rewrites a cast or a typed literal, whose operand has been rewritten already.
pub(super) fn rewrite(sql: &str, expr: &mut Expr) -> ControlFlow<SqlError> {
    match expr {
        Expr::Cast {
            expr: operand,
            data_type,
            ..
        } => {
            if let Some((precision, scale)) = digits(data_type)? {
                let operand = std::mem::replace(operand.as_mut(), number(0));
                let operand = cast(operand, DataType::Numeric(ExactNumberInfo::None));
                *expr = call("numeric", vec![operand, whole(precision), whole(scale)]);
                return ControlFlow::Continue(());
            }
            if let Some((plain, places)) = precise(data_type) {
                let name = moment(&plain).unwrap_or("timestamp");
                *data_type = plain;
                rewrite(sql, expr)?;
                *expr = call(name, vec![expr.clone(), places]);
                return ControlFlow::Continue(());
            }
            let operand = operand.as_ref().clone();
            if let Some(name) = moment(data_type)
                && literal(&operand).is_some()
            {
                *expr = call(name, vec![operand]);
                return ControlFlow::Continue(());
            }
            if let Some(written) = convert(sql, operand, data_type, target(data_type))? {
                *expr = written;
            }
        }
        Expr::TypedString(TypedString {
            data_type, value, ..
        }) => {
            let Some(value) = literal(&Expr::Value(value.clone())).map(str::to_owned) else {
                return ControlFlow::Continue(());
            };
            if let Some((plain, places)) = precise(data_type) {
                let name = moment(&plain).unwrap_or("timestamp");
                *expr = call(name, vec![call(name, vec![text(value)]), places]);
                return ControlFlow::Continue(());
            }
            if let Some(name) = moment(data_type) {
                *expr = call(name, vec![text(value)]);
                return ControlFlow::Continue(());
            }
            if let Some(written) = convert(sql, text(value), data_type, target(data_type))? {
                *expr = written;
            }
        }
        Expr::Interval(interval)
            if interval.leading_field.is_none() && literal(&interval.value).is_some() =>
        {
            *expr = call("interval", vec![interval.value.as_ref().clone()]);
        }
        _ => {}
    }
    ControlFlow::Continue(())
}

/// The digits that a `numeric` has room for, and how many of them stand behind the point.
fn digits(data_type: &DataType) -> ControlFlow<SqlError, Option<(i64, i64)>> {
    const MOST: i64 = 1000;
    let (DataType::Numeric(info) | DataType::Decimal(info) | DataType::Dec(info)) = data_type
    else {
        return ControlFlow::Continue(None);
    };
    let (precision, scale) = match info {
        ExactNumberInfo::None => return ControlFlow::Continue(None),
        ExactNumberInfo::Precision(precision) => (*precision, 0),
        ExactNumberInfo::PrecisionAndScale(precision, scale) => (*precision, *scale),
    };
    let precision = i64::try_from(precision).unwrap_or(i64::MAX);
    let beyond = |what: &str, given: i64, least: i64| {
        let message = format!("NUMERIC {what} {given} must be between {least} and {MOST}");
        ControlFlow::Break(SqlError::new("22023", message))
    };
    if !(1..=MOST).contains(&precision) {
        return beyond("precision", precision, 1);
    }
    if !(-MOST..=MOST).contains(&scale) {
        return beyond("scale", scale, -MOST);
    }
    ControlFlow::Continue(Some((precision, scale)))
}

/// A whole number with its sign.
fn whole(value: i64) -> Expr {
    let digits = number(usize::try_from(value.unsigned_abs()).unwrap_or(usize::MAX));
    match value < 0 {
        true => Expr::UnaryOp {
            op: UnaryOperator::Minus,
            expr: Box::new(digits),
        },
        false => digits,
    }
}

/// A type that counts so many places of a second, without them.
fn precise(data_type: &DataType) -> Option<(DataType, Expr)> {
    let (plain, places) = match data_type {
        DataType::Timestamp(Some(places), zone) => (DataType::Timestamp(None, *zone), places),
        DataType::Time(Some(places), zone) => (DataType::Time(None, *zone), places),
        _ => return None,
    };
    Some((
        plain,
        number(usize::try_from(*places).unwrap_or(usize::MAX)),
    ))
}

/// The function that reads a moment or an interval from text in all of PostgreSQL's forms.
fn moment(data_type: &DataType) -> Option<&'static str> {
    Some(match data_type {
        DataType::Timestamp(None, TimezoneInfo::WithTimeZone | TimezoneInfo::Tz) => "timestamptz",
        DataType::Timestamp(None, _) => "timestamp",
        DataType::Date => "date",
        DataType::Time(None, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => "time",
        DataType::Interval {
            fields: None,
            precision: None,
        } => "interval",
        _ => return None,
    })
}

/// The conversion; `None` where the engine does it under that name.
fn convert(
    sql: &str,
    operand: Expr,
    data_type: &DataType,
    target: Target,
) -> ControlFlow<SqlError, Option<Expr>> {
    let written = match target {
        Target::Known => return ControlFlow::Continue(None),
        Target::As(known) => cast(operand, known),
        // The type of a parameter is that of the cast.
        Target::Call(name) if takes_parameters(name) && is_parameter(&operand) => {
            return ControlFlow::Continue(None);
        }
        Target::Call(name @ ("json_in" | "jsonb_in")) => {
            check_json(sql, &operand, name.trim_end_matches("_in"))?;
            call(name, vec![operand])
        }
        Target::Call("oid") if is_parameter(&operand) => cast(operand, DataType::IntUnsigned(None)),
        Target::Call(name) => call(name, vec![operand]),
        Target::Text if matches!(data_type, DataType::Text) => return ControlFlow::Continue(None),
        Target::Text => cast(operand, DataType::Text),
        Target::Named(name, length) => {
            let named = cast(operand, type_named(name));
            match (name, length) {
                (_, Some(length)) => {
                    let length = number(usize::try_from(length).unwrap_or(usize::MAX));
                    call(name, vec![named, length])
                }
                ("name" | "char", None) => call(name, vec![named]),
                _ => named,
            }
        }
        Target::Array(element) => {
            return array(sql, operand, data_type, *element);
        }
        Target::Unknown(name) => return ControlFlow::Break(unknown(sql, data_type, &name)),
    };
    ControlFlow::Continue(Some(written))
}

/// Checks a constant that is to be JSON: what is wrong with it is not said by its text.
fn check_json(sql: &str, operand: &Expr, name: &str) -> ControlFlow<SqlError> {
    let (Expr::Value(value), Some(text)) = (bare(operand), literal(operand)) else {
        return ControlFlow::Continue(());
    };
    match typed_text(name, text) {
        Ok(_) => ControlFlow::Continue(()),
        Err(error) => {
            let start = value.span.start;
            ControlFlow::Break(error.at(sql, start.line, start.column))
        }
    }
}

/// A conversion to an array. Literals are read here: the engine does not read arrays from text.
fn array(
    sql: &str,
    operand: Expr,
    data_type: &DataType,
    element: Target,
) -> ControlFlow<SqlError, Option<Expr>> {
    let DataType::Array(ArrayElemTypeDef::SquareBracket(element_type, _)) = data_type else {
        return ControlFlow::Continue(None);
    };
    // An array of arrays is of the same type as those in it.
    if let Expr::Array(outer) = bare(&operand)
        && outer
            .elem
            .iter()
            .any(|inner| matches!(bare(inner), Expr::Array(_)))
    {
        let mut inner = Vec::with_capacity(outer.elem.len());
        for element in &outer.elem {
            let converted = convert(sql, element.clone(), data_type, target(data_type))?;
            inner.push(converted.unwrap_or_else(|| cast(element.clone(), data_type.clone())));
        }
        return ControlFlow::Continue(Some(arrays::array(inner)));
    }
    // `int[][]` says no more than `int[]`.
    if let Target::Array(_) = element {
        return convert(sql, operand, element_type, target(element_type));
    }
    if let Target::Unknown(name) = element {
        return ControlFlow::Break(unknown(sql, element_type, &format!("{name}[]")));
    }
    let number = match &element {
        Target::As(known) => Some(known.clone()).filter(is_number),
        Target::Known => Some(element_type.as_ref().clone()).filter(is_number),
        _ => None,
    };
    let known: DataType = match &element {
        Target::Known => element_type.as_ref().clone(),
        Target::As(known) => known.clone(),
        Target::Call("oid" | "xid") => DataType::IntUnsigned(None),
        Target::Named(name, _) => type_named(name),
        Target::Call("bytea") => DataType::Bytea,
        Target::Call(name) if takes_parameters(name) => element_type.as_ref().clone(),
        Target::Call(name) if reference_names().any(|known| known == *name) => type_named(name),
        _ => DataType::Text,
    };
    let whole = DataType::Array(ArrayElemTypeDef::SquareBracket(Box::new(known), None));
    let source = match literal(&operand) {
        Some(value) => match arrays::read(value) {
            Ok(elements) => Some(elements),
            Err(error) => return ControlFlow::Break(error),
        },
        None => match bare(&operand) {
            Expr::Array(array) => Some(array.elem.clone()),
            _ => None,
        },
    };
    let operand = match (source, &element) {
        (Some(elements), Target::Call(name)) => {
            arrays::array(elements.into_iter().map(|e| call(name, vec![e])).collect())
        }
        (Some(elements), _) => match number {
            // The engine knows nothing of numerics among them.
            Some(number) => {
                let number = |element| cast(element, number.clone());
                arrays::array(elements.into_iter().map(number).collect())
            }
            None => arrays::array(elements),
        },
        (None, Target::Call(name)) if TEXT_INPUTS.contains(name) => operand,
        // Whatever has it already is an array of oids.
        (None, Target::Call(_)) => return ControlFlow::Continue(Some(operand)),
        (None, _) => operand,
    };
    ControlFlow::Continue(Some(cast(operand, whole)))
}

/// Whether a type is one of numbers.
fn is_number(data_type: &DataType) -> bool {
    use DataType as D;
    matches!(
        data_type,
        D::SmallInt(_)
            | D::Int(_)
            | D::Integer(_)
            | D::BigInt(_)
            | D::Real
            | D::Float(_)
            | D::Double(_)
            | D::DoublePrecision
            | D::Numeric(_)
            | D::Decimal(_)
            | D::Dec(_)
    )
}

/// The refusal of a cast to a type that is not known.
fn unknown(sql: &str, data_type: &DataType, name: &str) -> SqlError {
    let error = SqlError::new("42704", format!("type \"{name}\" does not exist"));
    match data_type {
        DataType::Custom(name, _) => match name.0.first().and_then(|part| part.as_ident()) {
            Some(ident) => error.at(sql, ident.span.start.line, ident.span.start.column),
            None => error,
        },
        _ => error,
    }
}

pub(super) fn target(data_type: &DataType) -> Target {
    use DataType as D;
    let length = |length: &Option<CharacterLength>| match length {
        Some(CharacterLength::IntegerLength { length, .. }) => Some(*length),
        _ => None,
    };
    match data_type {
        D::Regclass => Target::Call("regclass"),
        D::Uuid => Target::Call("uuid_in"),
        D::JSON => Target::Call("json_in"),
        D::JSONB => Target::Call("jsonb_in"),
        D::Bytea => Target::Call("bytea"),
        D::TsVector | D::TsQuery | D::Text => Target::Text,
        D::Float(of) => Target::As(floating(of)),
        // Without a length it is one character.
        D::Char(of) | D::Character(of) => Target::Named("bpchar", length(of).or(Some(1))),
        D::Varchar(of) | D::CharacterVarying(of) | D::CharVarying(of) => {
            Target::Named("varchar", length(of))
        }
        D::Array(ArrayElemTypeDef::SquareBracket(element, _)) => {
            Target::Array(Box::new(target(element)))
        }
        D::Bit(_) | D::BitVarying(_) | D::VarBit(_) => Target::Unknown("bit".to_owned()),
        D::Custom(name, _) => named(name),
        _ => Target::Known,
    }
}

/// `float`, whose digits are binary ones.
fn floating(digits: &ExactNumberInfo) -> DataType {
    match digits {
        ExactNumberInfo::Precision(..=24) => DataType::Real,
        _ => DataType::DoublePrecision,
    }
}

fn named(name: &ObjectName) -> Target {
    use DataType as D;
    let unknown = || Target::Unknown(name.to_string().to_lowercase());
    let Some((schema, last)) = parts(name) else {
        return unknown();
    };
    if schema
        .as_deref()
        .is_some_and(|schema| !["pg_catalog", "information_schema", "public"].contains(&schema))
    {
        return unknown();
    }
    if let Some(reference) = reference_names().find(|known| *known == last) {
        return Target::Call(reference);
    }
    let quoted = name
        .0
        .last()
        .and_then(|part| part.as_ident())
        .is_some_and(|ident| ident.quote_style.is_some());
    let known = match last.as_str() {
        "oid" | "cid" | "xid8" => return Target::Call("oid"),
        "xid" => return Target::Call("xid"),
        "uuid" => return Target::Call("uuid_in"),
        "json" => return Target::Call("json_in"),
        "jsonb" => return Target::Call("jsonb_in"),
        "bytea" => return Target::Call("bytea"),
        "inet" => return Target::Call("inet"),
        "cidr" => return Target::Call("cidr"),
        "char" if quoted || schema.is_some() => return Target::Named("char", None),
        "char" => return Target::Named("bpchar", Some(1)),
        "bpchar" => return Target::Named("bpchar", None),
        "varchar" | "character_data" | "yes_or_no" => return Target::Named("varchar", None),
        "name" | "sql_identifier" => return Target::Named("name", None),
        text if TEXTS.contains(&text) => return Target::Text,
        "int2" => D::SmallInt(None),
        "int4" | "cardinal_number" => D::Int(None),
        "int8" => D::BigInt(None),
        "float4" => D::Real,
        "float8" => D::DoublePrecision,
        "bool" => D::Boolean,
        "numeric" => D::Numeric(ExactNumberInfo::None),
        "date" => D::Date,
        "time" => D::Time(None, TimezoneInfo::None),
        "timestamp" => D::Timestamp(None, TimezoneInfo::None),
        "timestamptz" | "time_stamp" | "abstime" => D::Timestamp(None, TimezoneInfo::Tz),
        "interval" => D::Interval {
            fields: None,
            precision: None,
        },
        _ => return unknown(),
    };
    Target::As(known)
}
