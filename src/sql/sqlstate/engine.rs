//! The engine's errors in PostgreSQL's terms: by their structure where there is one, by their wording elsewhere.

use super::nearest::{self, column_hint};
use super::{SqlError, place, rules, wording};
use crate::sql::parse::syntax_error;
use arrow::error::ArrowError;
use datafusion::common::{Column, Diagnostic, SchemaError};
use datafusion::error::DataFusionError;
use std::error::Error;

impl SqlError {
    /// The error that a client gets for an error of the engine. An [`SqlError`] inside comes out as it went in.
    pub fn from_engine(error: &DataFusionError) -> Self {
        translate(error, None, "")
    }

    /// As [`from_engine`](Self::from_engine), with the position in the statement `sql` where the engine knows it.
    pub fn from_engine_in(error: &DataFusionError, sql: &str) -> Self {
        place::located(nearest::aliased(translate(error, None, sql), sql), sql)
    }
}

fn translate(error: &DataFusionError, diagnostic: Option<&Diagnostic>, sql: &str) -> SqlError {
    match error {
        DataFusionError::Context(_, inner) => translate(inner, diagnostic, sql),
        DataFusionError::Shared(inner) => translate(inner, diagnostic, sql),
        DataFusionError::Diagnostic(diagnostic, inner) => translate(inner, Some(diagnostic), sql),
        DataFusionError::Collection(errors) => match errors.first() {
            Some(first) => translate(first, diagnostic, sql),
            None => internal("the engine failed without a reason"),
        },
        DataFusionError::External(inner) => external(inner.as_ref(), sql),
        DataFusionError::ArrowError(inner, _) => arrow(inner, sql),
        DataFusionError::SQL(inner, _) => syntax_error(sql, inner),
        DataFusionError::SchemaError(inner, _) => located(schema(inner), diagnostic, sql),
        DataFusionError::Plan(text) => located(plan(text, diagnostic), diagnostic, sql),
        DataFusionError::NotImplemented(text) => {
            let known = rules::find(rules::NOT_IMPLEMENTED, text)
                .or_else(|| rules::find(rules::PLAN, text));
            known.unwrap_or_else(|| {
                let message = format!("not supported: {}", wording::sentence(text));
                located(SqlError::new("0A000", message), diagnostic, sql)
            })
        }
        DataFusionError::Execution(text) => rules::find(rules::EXECUTION, text)
            .or_else(|| rules::find(rules::PLAN, text))
            .unwrap_or_else(|| SqlError::new("22023", wording::sentence(text))),
        DataFusionError::Configuration(text) => SqlError::new("22023", wording::sentence(text)),
        DataFusionError::ResourcesExhausted(_) => SqlError::new("53200", "out of memory")
            .with_detail("The statement needs more memory than a statement may use.")
            .with_hint("Ask for fewer rows or columns, or narrow the condition."),
        DataFusionError::ExecutionJoin(inner) if inner.is_cancelled() => {
            SqlError::new("57014", "canceling statement due to user request")
        }
        DataFusionError::IoError(inner) => SqlError::new("58030", inner.to_string()),
        DataFusionError::Internal(text) => {
            rules::find(rules::PLAN, text).unwrap_or_else(|| internal(text))
        }
        other => internal(&other.to_string()),
    }
}

/// A failure that is nobody's fault but the engine's.
fn internal(text: &str) -> SqlError {
    SqlError::new(
        "XX000",
        format!("internal error: {}", wording::sentence(text)),
    )
}

/// The error with the place that a diagnostic names.
fn located(error: SqlError, diagnostic: Option<&Diagnostic>, sql: &str) -> SqlError {
    match diagnostic.and_then(|diagnostic| diagnostic.span) {
        Some(span) if !sql.is_empty() => error.at(sql, span.start.line, span.start.column),
        _ => error,
    }
}

/// Errors of other libraries, and our own on the way through the engine.
fn external(error: &(dyn Error + Send + Sync + 'static), sql: &str) -> SqlError {
    if let Some(error) = error.downcast_ref::<SqlError>() {
        return error.clone();
    }
    if let Some(error) = error.downcast_ref::<DataFusionError>() {
        return translate(error, None, sql);
    }
    if let Some(error) = error.downcast_ref::<ArrowError>() {
        return arrow(error, sql);
    }
    let text = error.to_string();
    match text.strip_prefix("regex parse error:") {
        Some(rest) => {
            let reason = rest
                .rsplit_once("error: ")
                .map_or("syntax", |(_, reason)| reason.trim());
            SqlError::new("2201B", format!("invalid regular expression: {reason}"))
        }
        None => internal(&text),
    }
}

fn schema(error: &SchemaError) -> SqlError {
    match error {
        SchemaError::FieldNotFound {
            field,
            valid_fields,
        } => missing_column(field, valid_fields),
        SchemaError::AmbiguousReference { field } => SqlError::new(
            "42702",
            format!("column reference \"{}\" is ambiguous", field.name),
        ),
        SchemaError::DuplicateQualifiedField { qualifier, .. } => SqlError::new(
            "42712",
            format!(
                "table name \"{}\" specified more than once",
                qualifier.table()
            ),
        ),
        SchemaError::DuplicateUnqualifiedField { name } => SqlError::new(
            "42701",
            format!("column \"{name}\" specified more than once"),
        ),
    }
}

fn missing_column(field: &Column, valid: &[Column]) -> SqlError {
    /// Tables that the optimizer makes of correlated subqueries.
    const CORRELATED: &str = "__correlated_sq_";
    let table_of = |column: &Column| {
        column
            .relation
            .as_ref()
            .map(|relation| relation.table().to_owned())
    };
    if valid
        .iter()
        .chain([field])
        .any(|column| table_of(column).is_some_and(|table| table.starts_with(CORRELATED)))
    {
        return correlated();
    }
    let name = &field.name;
    match table_of(field) {
        Some(table)
            if !valid
                .iter()
                .any(|column| table_of(column).as_ref() == Some(&table)) =>
        {
            SqlError::new(
                "42P01",
                format!("missing FROM-clause entry for table \"{table}\""),
            )
        }
        table => {
            let message = match &table {
                Some(table) => format!("column {table}.{name} does not exist"),
                None => format!("column \"{name}\" does not exist"),
            };
            let error = SqlError::new("42703", message);
            match column_hint(name, table.as_deref(), valid) {
                Some(hint) => error.with_hint(hint),
                None => error,
            }
        }
    }
}

/// The refusal of subqueries that the engine cannot turn into joins.
pub(super) fn correlated() -> SqlError {
    SqlError::new("0A000", "this form of correlated subquery is not supported")
        .with_hint("Write it as a join, or aggregate in the subquery.")
}

fn plan(text: &str, diagnostic: Option<&Diagnostic>) -> SqlError {
    // The diagnostic has names as they were written, the text has them resolved.
    diagnostic
        .and_then(|diagnostic| rules::find(rules::DIAGNOSTIC, &diagnostic.message))
        .or_else(|| rules::find(rules::PLAN, text))
        .unwrap_or_else(|| SqlError::new("42000", wording::sentence(text)))
}

fn arrow(error: &ArrowError, sql: &str) -> SqlError {
    match error {
        ArrowError::DivideByZero => SqlError::new("22012", "division by zero"),
        ArrowError::ArithmeticOverflow(text) => {
            let operation = text.strip_prefix("Overflow happened on: ").unwrap_or(text);
            SqlError::new(
                "22003",
                format!("value out of range: {}", wording::sentence(operation)),
            )
        }
        ArrowError::CastError(text) | ArrowError::ParseError(text) => {
            wording::unreadable_value(text)
                .or_else(|| rules::find(rules::VALUE, text))
                .unwrap_or_else(|| SqlError::new("22P02", wording::sentence(text)))
        }
        ArrowError::InvalidArgumentError(text) | ArrowError::ComputeError(text) => {
            rules::find(rules::VALUE, text)
                .or_else(|| rules::find(rules::EXECUTION, text))
                .unwrap_or_else(|| SqlError::new("22000", wording::sentence(text)))
        }
        ArrowError::NotYetImplemented(text) => SqlError::new(
            "0A000",
            format!("not supported: {}", wording::sentence(text)),
        ),
        ArrowError::MemoryError(_) => SqlError::new("53200", "out of memory"),
        ArrowError::OffsetOverflowError(_) => {
            SqlError::new("54000", "values of a column are too long together")
        }
        ArrowError::ExternalError(inner) => external(inner.as_ref(), sql),
        other => internal(&other.to_string()),
    }
}

#[cfg(test)]
mod tests;
