//! Between the text of a statement and the engine: what both protocols need.

use std::panic::{AssertUnwindSafe, catch_unwind};

use datafusion::arrow::datatypes::{FieldRef, Fields};
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::ast;

use super::parse::{CopyOptions, Cursor, Kind, ParsedStatement, STACK_BYTES};
use super::sqlstate::SqlError;
use super::{names, parse};
use crate::catalog::{CatalogError, Prepared};

/// A statement up to this length, in bytes, cannot nest deep enough to need more stack than there is.
const SHALLOW_BYTES_MAX: usize = 100;

/// The longest text of statements, in bytes. Reading one takes about a hundred times its length in memory.
const TEXT_BYTES_MAX: usize = 2 << 20;

/// Reads the statements of a text.
///
/// # Errors
/// As [`parse::parse`]; 54000 for a text that is too long, XX000 when the parser gives up on itself.
pub(super) fn parse(sql: &str) -> Result<Vec<ParsedStatement>, SqlError> {
    if sql.len() > TEXT_BYTES_MAX {
        let message = format!("a statement may have at most {TEXT_BYTES_MAX} bytes");
        return Err(SqlError::new("54000", message).with_hint("Send long values as parameters."));
    }
    let read = with_stack(sql, || catch_unwind(AssertUnwindSafe(|| parse::parse(sql))));
    read.unwrap_or_else(|_| {
        tracing::error!("the parser panicked");
        Err(SqlError::new("XX000", "the statement could not be read"))
    })
}

/// The refusal of a statement of the text `sql` of whose parameters, but those that are `declared`, nothing says what
/// type they are.
pub(super) fn open_parameter(
    sql: &str,
    statement: &ast::Statement,
    declared: &[Option<FieldRef>],
) -> Option<SqlError> {
    if !sql.contains('$') {
        return None;
    }
    let is_declared = |number: usize| declared.get(number - 1).is_some_and(Option::is_some);
    with_stack(sql, || parse::open_parameter(sql, statement, is_declared))
}

/// Does work that recurses over the statement `sql`, whose depth is bounded to what fits.
fn with_stack<T>(sql: &str, work: impl FnOnce() -> T) -> T {
    match sql.len() <= SHALLOW_BYTES_MAX {
        true => work(),
        false => stacker::grow(STACK_BYTES, work),
    }
}

/// Who carries a statement out, and what is to be remembered of it.
#[derive(Debug)]
pub(super) enum Work {
    /// The engine answers a query; these are the names of its columns.
    Query(Vec<Option<String>>),
    /// The engine explains a query.
    Explain,
    /// COPY of a query.
    Copy {
        names: Vec<Option<String>>,
        options: CopyOptions,
        table: Option<String>,
    },
    /// DECLARE of a cursor for a query.
    Declare {
        cursor: Cursor,
        names: Vec<Option<String>>,
    },
    /// PREPARE of a query; the types are those of its parameters.
    Prepare {
        name: String,
        types: Vec<u32>,
        names: Vec<Option<String>>,
    },
    /// LOCK TABLE: whether there are the tables is all that it asks.
    Lock,
    /// The door does it.
    Door(ParsedStatement),
}

impl Work {
    /// Splits a statement into what is remembered and what the engine is given, if anything. The engine's part may
    /// be deep, so it is neither copied nor kept.
    pub fn of(parsed: ParsedStatement) -> (Self, Option<ast::Statement>) {
        let (work, query) = match parsed.kind {
            Kind::Query { query, names } => (Self::Query(names), query),
            Kind::Copy {
                query,
                names,
                options,
                table,
            } => {
                let copy = Self::Copy {
                    names,
                    options,
                    table,
                };
                (copy, query)
            }
            Kind::Declare {
                cursor,
                query,
                names,
            } => (Self::Declare { cursor, names }, query),
            Kind::Prepare {
                name,
                types,
                query,
                names,
            } => (Self::Prepare { name, types, names }, query),
            Kind::Lock { query } => (Self::Lock, query),
            Kind::Explain {
                options,
                costs,
                query,
            } => {
                let explain = ast::Statement::Explain {
                    describe_alias: ast::DescribeAlias::Explain,
                    analyze: options.analyze,
                    verbose: options.verbose,
                    query_plan: false,
                    // Another database's word for what PostgreSQL has an option for.
                    estimate: costs,
                    statement: Box::new(ast::Statement::Query(query)),
                    format: options
                        .format
                        .map(|_| ast::AnalyzeFormatKind::Keyword(ast::AnalyzeFormat::JSON)),
                    options: None,
                };
                return (Self::Explain, Some(explain));
            }
            _ => return (Self::Door(parsed), None),
        };
        (work, Some(ast::Statement::Query(query)))
    }

    /// The statement, if it is the door's to carry out.
    pub fn door(&self) -> Option<&ParsedStatement> {
        match self {
            Self::Door(parsed) => Some(parsed),
            _ => None,
        }
    }

    /// The types that it gives to parameters of its query, which are not its own; `None` if they are.
    pub fn own_types(&self) -> Option<&[u32]> {
        match self {
            Self::Prepare { types, .. } => Some(types),
            _ => None,
        }
    }

    /// Whether parameters can be bound to it.
    pub fn takes_parameters(&self) -> bool {
        matches!(self, Self::Query(_) | Self::Explain | Self::Declare { .. })
    }

    /// The names of the columns of its query.
    pub fn column_names(&self, fields: &Fields) -> Vec<String> {
        match self {
            Self::Query(names)
            | Self::Copy { names, .. }
            | Self::Declare { names, .. }
            | Self::Prepare { names, .. } => names::overlay(names, fields),
            Self::Explain | Self::Lock | Self::Door(_) => {
                fields.iter().map(|field| field.name().clone()).collect()
            }
        }
    }

    /// The command tag after so many rows.
    pub fn tag(&self, rows: u64) -> String {
        match self {
            Self::Query(_) => format!("SELECT {rows}"),
            Self::Copy { .. } => format!("COPY {rows}"),
            Self::Explain => "EXPLAIN".to_owned(),
            Self::Declare { .. } => "DECLARE CURSOR".to_owned(),
            Self::Prepare { .. } => "PREPARE".to_owned(),
            Self::Lock => "LOCK TABLE".to_owned(),
            Self::Door(parsed) => parsed.tag.to_owned(),
        }
    }
}

/// The engine's error as the client is told it, with its place in the statement where that is known.
pub(super) fn error(sql: &str, error: &DataFusionError) -> SqlError {
    match error.find_root() {
        DataFusionError::External(inner) => match inner.downcast_ref::<CatalogError>() {
            Some(catalog) => SqlError::new(catalog.sqlstate(), catalog.to_string()),
            None => SqlError::from_engine_in(error, sql),
        },
        _ => SqlError::from_engine_in(error, sql),
    }
}

/// Where there is nothing to bind.
pub(super) fn without_parameters(prepared: &Prepared) -> Result<(), SqlError> {
    if prepared.parameters().is_empty() {
        Ok(())
    } else {
        Err(SqlError::new("42P02", "there is no parameter $1"))
    }
}
