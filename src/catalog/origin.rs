//! Which column of which table a column of a result is, as RowDescription tells: drivers look up there whether it may be
//! NULL, and what it belongs to.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::common::{JoinType, TableReference};
use datafusion::logical_expr::{Expr, LogicalPlan};

use super::system::Dictionary;

/// Metadata key under which a field of a result carries its origin: the oid of the table and the number of the column,
/// as `16384.9`.
pub const ORIGIN: &str = "origin";

/// The origin that a field of a result carries.
pub fn origin_of(field: &Field) -> Option<(u32, i16)> {
    let (table, column) = field.metadata().get(ORIGIN)?.split_once('.')?;
    Some((table.parse().ok()?, column.parse().ok()?))
}

/// The schema of a plan's result, with the origins of those columns that have one.
pub(super) fn with_origins(
    schema: &SchemaRef,
    plan: &LogicalPlan,
    dictionary: &Dictionary,
) -> SchemaRef {
    let named = |at: usize, field: &Arc<Field>| {
        let (table, column) = scanned(plan, at)?;
        let (oid, number) = dictionary.column(table.schema(), table.table(), column)?;
        let mut metadata = field.metadata().clone();
        metadata.insert(ORIGIN.to_owned(), format!("{oid}.{number}"));
        Some(Arc::new(field.as_ref().clone().with_metadata(metadata)))
    };
    let fields = schema.fields().iter().enumerate();
    let fields: Vec<Arc<Field>> = fields
        .map(|(at, field)| named(at, field).unwrap_or_else(|| Arc::clone(field)))
        .collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

/// The column of a table that a column of a plan is, if it is nothing but that.
fn scanned(plan: &LogicalPlan, at: usize) -> Option<(&TableReference, &str)> {
    match plan {
        LogicalPlan::TableScan(scan) => {
            let field = scan.projected_schema.fields().get(at)?;
            Some((&scan.table_name, field.name()))
        }
        LogicalPlan::Projection(projection) => through(projection.expr.get(at)?, &projection.input),
        LogicalPlan::Aggregate(aggregate) => {
            through(aggregate.group_expr.get(at)?, &aggregate.input)
        }
        LogicalPlan::Window(window) => {
            let inside = at < window.input.schema().fields().len();
            inside.then(|| scanned(&window.input, at)).flatten()
        }
        LogicalPlan::Join(join) => {
            let left = join.left.schema().fields().len();
            match join.join_type {
                JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => {
                    scanned(&join.right, at)
                }
                _ if at < left => scanned(&join.left, at),
                _ => scanned(&join.right, at - left),
            }
        }
        LogicalPlan::SubqueryAlias(alias) => scanned(&alias.input, at),
        LogicalPlan::Filter(filter) => scanned(&filter.input, at),
        LogicalPlan::Sort(sort) => scanned(&sort.input, at),
        LogicalPlan::Limit(limit) => scanned(&limit.input, at),
        _ => None,
    }
}

fn through<'a>(expr: &'a Expr, input: &'a LogicalPlan) -> Option<(&'a TableReference, &'a str)> {
    let mut expr = expr;
    while let Expr::Alias(alias) = expr {
        expr = &alias.expr;
    }
    let Expr::Column(column) = expr else {
        return None;
    };
    scanned(input, input.schema().maybe_index_of_column(column)?)
}
