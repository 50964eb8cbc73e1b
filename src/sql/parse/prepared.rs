//! Prepared statements of SQL: PREPARE and EXECUTE.

use super::build;
use super::session::{Trouble, name, next_is};
use super::{Kind, ParsedStatement, read_query, syntax_error};
use crate::sql::sqlstate::SqlError;
use datafusion::sql::sqlparser::ast::{self, Expr, Ident, SelectItem, UnaryOperator, Value};
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::Token;
use pgwire::api::Type;
use std::ops::ControlFlow;

/// Most arguments of a statement, as the protocol has it.
const ARGUMENTS_MAX: usize = 65_535;

/// An argument of EXECUTE.
#[derive(Debug, Clone, PartialEq)]
pub enum Argument {
    /// NULL.
    Null,
    /// A text, of whatever type the parameter has.
    Text(String),
    /// A number with its sign.
    Number(String),
    /// A truth value.
    Bool(bool),
    /// Anything else: the column of this number of the query of the arguments.
    Computed(usize),
}

/// Reads what follows `PREPARE`.
pub(super) fn prepare(sql: &str, parser: &mut Parser<'_>) -> Result<ParsedStatement, SqlError> {
    let (name, types) = (|| {
        let name = name(parser)?;
        let types = types(parser)?;
        match next_is(parser, "AS") {
            true => Ok((name, types)),
            false => Err(Trouble::Syntax),
        }
    })()
    .map_err(|trouble: Trouble| trouble.locate(sql, parser))?;
    let (query, names) = read_query(sql, parser)?;
    Ok(ParsedStatement {
        kind: Kind::Prepare {
            name,
            types,
            query,
            names,
        },
        tag: "PREPARE",
    })
}

fn types(parser: &mut Parser<'_>) -> Result<Vec<u32>, Trouble> {
    let mut types = Vec::new();
    if !parser.consume_token(&Token::LParen) {
        return Ok(types);
    }
    loop {
        let parsed = parser.parse_data_type().map_err(|_| Trouble::Syntax)?;
        types.push(oid(&parsed).map_err(Trouble::Other)?);
        if parser.consume_token(&Token::RParen) {
            return Ok(types);
        }
        if !parser.consume_token(&Token::Comma) {
            return Err(Trouble::Syntax);
        }
    }
}

/// The OID of a type by its name; modifiers count for nothing.
fn oid(data_type: &ast::DataType) -> Result<u32, SqlError> {
    let written = data_type.to_string().to_lowercase();
    let (element, is_array) = match written.strip_suffix("[]") {
        Some(element) => (element, true),
        None => (written.as_str(), false),
    };
    let bare = match (element.find('('), element.find(')')) {
        (Some(open), Some(close)) if open < close => {
            format!("{}{}", &element[..open], &element[close + 1..])
        }
        _ => element.to_owned(),
    };
    let name = bare.strip_prefix("pg_catalog.").unwrap_or(&bare).trim();
    let (one, many) = match name {
        "bool" | "boolean" => (Type::BOOL, Type::BOOL_ARRAY),
        "smallint" | "int2" => (Type::INT2, Type::INT2_ARRAY),
        "int" | "integer" | "int4" => (Type::INT4, Type::INT4_ARRAY),
        "bigint" | "int8" => (Type::INT8, Type::INT8_ARRAY),
        "real" | "float4" => (Type::FLOAT4, Type::FLOAT4_ARRAY),
        "double precision" | "float" | "float8" => (Type::FLOAT8, Type::FLOAT8_ARRAY),
        "numeric" | "decimal" | "dec" => (Type::NUMERIC, Type::NUMERIC_ARRAY),
        "text" => (Type::TEXT, Type::TEXT_ARRAY),
        "varchar" | "character varying" => (Type::VARCHAR, Type::VARCHAR_ARRAY),
        "char" | "character" | "bpchar" => (Type::BPCHAR, Type::BPCHAR_ARRAY),
        "name" => (Type::NAME, Type::NAME_ARRAY),
        "bytea" => (Type::BYTEA, Type::BYTEA_ARRAY),
        "date" => (Type::DATE, Type::DATE_ARRAY),
        "time" | "time without time zone" => (Type::TIME, Type::TIME_ARRAY),
        "timestamp" | "timestamp without time zone" => (Type::TIMESTAMP, Type::TIMESTAMP_ARRAY),
        "timestamptz" | "timestamp with time zone" => (Type::TIMESTAMPTZ, Type::TIMESTAMPTZ_ARRAY),
        "interval" => (Type::INTERVAL, Type::INTERVAL_ARRAY),
        "uuid" => (Type::UUID, Type::UUID_ARRAY),
        "json" => (Type::JSON, Type::JSON_ARRAY),
        "jsonb" => (Type::JSONB, Type::JSONB_ARRAY),
        "oid" => (Type::OID, Type::OID_ARRAY),
        "unknown" => (Type::UNKNOWN, Type::UNKNOWN),
        _ => {
            let message = format!("type \"{written}\" does not exist");
            return Err(SqlError::new("42704", message));
        }
    };
    Ok(if is_array { many } else { one }.oid())
}

/// Reads what follows `EXECUTE`.
pub(super) fn execute(sql: &str, parser: &mut Parser<'_>) -> Result<ParsedStatement, SqlError> {
    let syntax = |parser: &Parser<'_>| Trouble::Syntax.locate(sql, parser);
    let name = name(parser).map_err(|trouble| trouble.locate(sql, parser))?;
    let mut arguments = Vec::new();
    let mut computed = Vec::new();
    if parser.consume_token(&Token::LParen) {
        loop {
            let expr = parser
                .parse_expr()
                .map_err(|error| syntax_error(sql, &error))?;
            if arguments.len() == ARGUMENTS_MAX {
                let message = format!("a statement can have at most {ARGUMENTS_MAX} parameters");
                return Err(SqlError::new("54000", message));
            }
            arguments.push(match constant(&expr) {
                Some(argument) => argument,
                None => {
                    without_subqueries(&expr)?;
                    // The outcome has no name that anybody sees, but two may not share one.
                    let at = computed.len();
                    computed.push(SelectItem::ExprWithAlias {
                        expr,
                        alias: Ident::new(format!("a{at}")),
                    });
                    Argument::Computed(at)
                }
            });
            if parser.consume_token(&Token::RParen) {
                break;
            }
            if !parser.consume_token(&Token::Comma) {
                return Err(syntax(parser));
            }
        }
    }
    let query = match computed.is_empty() {
        true => None,
        false => {
            let mut query = build::select(computed, None, None);
            super::query::prepare(sql, &mut query)?;
            Some(Box::new(query))
        }
    };
    Ok(ParsedStatement {
        kind: Kind::Execute {
            name,
            arguments,
            query,
        },
        tag: "EXECUTE",
    })
}

/// An argument that is said as it is.
fn constant(expr: &Expr) -> Option<Argument> {
    match expr {
        Expr::Nested(inner) => constant(inner),
        Expr::Value(value) => match &value.value {
            Value::Null => Some(Argument::Null),
            Value::Boolean(value) => Some(Argument::Bool(*value)),
            Value::Number(number, _) => Some(Argument::Number(number.clone())),
            Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text) => {
                Some(Argument::Text(text.clone()))
            }
            Value::DollarQuotedString(text) => Some(Argument::Text(text.value.clone())),
            _ => None,
        },
        Expr::UnaryOp { op, expr } => match (op, constant(expr)?) {
            (UnaryOperator::Minus, Argument::Number(number)) if !number.starts_with('-') => {
                Some(Argument::Number(format!("-{number}")))
            }
            (UnaryOperator::Plus, Argument::Number(number)) => Some(Argument::Number(number)),
            _ => None,
        },
        _ => None,
    }
}

fn without_subqueries(expr: &Expr) -> Result<(), SqlError> {
    let found = ast::visit_expressions(expr, |expr| match expr {
        Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    match found {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(SqlError::new(
            "0A000",
            "cannot use subquery in EXECUTE parameter",
        )),
    }
}
