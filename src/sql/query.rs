//! Between the text of a statement and the engine: what both protocols need.

use std::panic::{AssertUnwindSafe, catch_unwind};

use datafusion::arrow::datatypes::Fields;
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::ast;

use super::parse::{Kind, ParsedStatement};
use super::sqlstate::SqlError;
use super::{names, parse};
use crate::catalog::Prepared;

/// Stack that reading a statement may take, in bytes: it recurses over the statement, whose depth is bounded to
/// what fits.
const STACK_BYTES: usize = 16 << 20;
/// A statement up to this length, in bytes, cannot nest deep enough to need more stack than there is.
const SHALLOW_BYTES_MAX: usize = 100;

/// Reads the statements of a text.
///
/// # Errors
/// As [`parse::parse`]; XX000 when the parser gives up on itself.
pub(super) fn parse(sql: &str) -> Result<Vec<ParsedStatement>, SqlError> {
    let read = || catch_unwind(AssertUnwindSafe(|| parse::parse(sql)));
    let read = if sql.len() <= SHALLOW_BYTES_MAX {
        read()
    } else {
        stacker::grow(STACK_BYTES, read)
    };
    read.unwrap_or_else(|_| {
        tracing::error!("the parser panicked");
        Err(SqlError::new("XX000", "the statement could not be read"))
    })
}

/// A statement that the engine answers.
pub(super) struct Engine {
    /// The statement in the engine's terms.
    pub statement: ast::Statement,
}

impl Engine {
    /// The engine's part of a statement, if it has one.
    pub fn of(kind: &Kind) -> Option<Self> {
        let statement = match kind {
            Kind::Query { query, .. } => ast::Statement::Query(query.clone()),
            Kind::Explain { options, query } => ast::Statement::Explain {
                describe_alias: ast::DescribeAlias::Explain,
                analyze: options.analyze,
                verbose: options.verbose,
                query_plan: false,
                estimate: false,
                statement: Box::new(ast::Statement::Query(query.clone())),
                format: None,
                options: None,
            },
            _ => return None,
        };
        Some(Self { statement })
    }
}

/// The names of a result's columns.
pub(super) fn column_names(kind: &Kind, fields: &Fields) -> Vec<String> {
    match kind {
        Kind::Query { names, .. } => names::overlay(names, fields),
        _ => fields.iter().map(|field| field.name().clone()).collect(),
    }
}

/// A command tag, with the number of rows where it has one.
pub(super) fn tag(tag: &str, rows: Option<u64>) -> String {
    match rows {
        Some(rows) => format!("{tag} {rows}"),
        None => tag.to_owned(),
    }
}

/// The engine's error as the client is told it.
pub(super) fn error(_sql: &str, error: DataFusionError) -> SqlError {
    SqlError::from(error)
}

/// In the simple protocol there is nothing to bind.
pub(super) fn without_parameters(prepared: &Prepared) -> Result<(), SqlError> {
    if prepared.parameter_types().is_empty() {
        Ok(())
    } else {
        Err(SqlError::new("42P02", "there is no parameter $1"))
    }
}
