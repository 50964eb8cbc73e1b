//! A list as a table, for readers of tables: CSV and Arrow.
//!
//! Its columns are the values of the documents, named by their way below `attributes` or `relationships`: `user`,
//! `statistics.connections`, `services`. The plan is that of the documents with another projection, which the engine
//! evaluates.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow_ipc::writer::StreamWriter;
use datafusion::common::Column;
use datafusion::logical_expr::expr::Case;
use datafusion::logical_expr::{Expr, Projection, SortExpr};

use super::json::Style;
use super::listing::{filtered, key, ordered_by, page_of, with_fields};
use super::operators::Operators;
use super::paths::members;
use super::refusal::Refusal;
use super::sorted::{Parts, Sorted};
use super::template::{Template, TemplateBuilder};
use super::values::{Scalars, Shape, UnsupportedType};
use crate::catalog::Prepared;

/// What the objects' own links and those of relationships are called: a table has none.
const LINKS: &str = "links";

/// A planned list as a table.
pub struct Flat {
    /// The rows.
    pub rows: Prepared,
    /// The rows by way of their ids, if they are to be found so.
    pub sorted: Option<Arc<Sorted>>,
    /// The columns' names; columns behind them are not shown.
    names: Vec<String>,
}

impl Flat {
    /// Plans the table of a list with these operators.
    ///
    /// # Errors
    /// As [`Listing::plan`](super::listing::Listing::plan).
    pub fn plan(
        resource: &'static str,
        prepared: &Prepared,
        projection: &Projection,
        operators: &Operators,
        sorts_first: bool,
    ) -> Result<Self, Refusal> {
        let sort = ordered_by(resource, projection, &operators.sort)?;
        let shown = match &operators.fields {
            Some(fields) => with_fields(resource, projection, fields)?,
            None => projection.clone(),
        };
        let mut leaves = leaves(&shown);
        let names: Vec<String> = leaves.iter().map(|(name, _)| name.clone()).collect();
        let mut order: Vec<SortExpr> = Vec::new();
        for (at, (place, descending)) in sort.iter().enumerate() {
            let name = format!("order {at}");
            order.push(Expr::Column(Column::from_name(&name)).sort(!descending, false));
            leaves.push((name, place.expr.clone()));
        }
        let key = key(projection)?;
        order.push(key.clone().sort(true, false));
        let columns = leaves.into_iter().map(|(name, expr)| expr.alias(name));
        let columns: Vec<Expr> = std::iter::once(key.clone()).chain(columns).collect();
        let filtered = filtered(resource, projection, operators)?;
        let sorted = sorts_first.then(|| {
            let parts = Parts {
                projection,
                filtered: filtered.clone(),
                columns: columns[..=names.len()].to_vec(),
                sort: &sort,
                page: operators.page,
            };
            Sorted::plan(prepared, parts).map(Arc::new)
        });
        let rows = page_of(filtered, columns, order, operators.page)?;
        Ok(Self {
            sorted: sorted.transpose()?,
            rows: prepared.with_plan(rows),
            names,
        })
    }

    /// The columns of a batch that are shown, with their names: the id first.
    fn columns<'b>(
        &'b self,
        batch: &'b RecordBatch,
    ) -> impl Iterator<Item = (&'b str, &'b ArrayRef)> {
        let names = std::iter::once("id").chain(self.names.iter().map(String::as_str));
        names.zip(batch.columns())
    }
}

/// The values of the objects that a projection makes, but for the id.
fn leaves(projection: &Projection) -> Vec<(String, Expr)> {
    let names = projection.schema.fields().iter().map(|field| field.name());
    let mut leaves = Vec::new();
    for (expr, name) in projection.expr.iter().zip(names).skip(1) {
        let path = match name.as_str() {
            "attributes" | "relationships" => "",
            other => other,
        };
        let related = name == "relationships";
        collect(&expr.clone().unalias(), path, related, &mut leaves);
    }
    leaves
}

fn collect(expr: &Expr, path: &str, related: bool, leaves: &mut Vec<(String, Expr)>) {
    match expr {
        Expr::ScalarFunction(object) if object.func.name() == "named_struct" => {
            for (name, value) in members(object).filter(|(name, _)| *name != LINKS) {
                let path = match (path, name) {
                    ("", name) => name.to_owned(),
                    // What is related is all that a relationship has to say.
                    (path, "data") if related => path.to_owned(),
                    (path, name) => format!("{path}.{name}"),
                };
                collect(value, &path, related, leaves);
            }
        }
        // An object that only some rows have.
        Expr::Case(case) => match (&case.expr, &case.when_then_expr[..], &case.else_expr) {
            (None, [(when, then)], None) if is_object(then) => {
                let mut within = Vec::new();
                collect(then, path, related, &mut within);
                leaves.extend(within.into_iter().map(|(name, leaf)| {
                    let branch = vec![(when.clone(), Box::new(leaf))];
                    (name, Expr::Case(Case::new(None, branch, None)))
                }));
            }
            _ => leaves.push((path.to_owned(), expr.clone())),
        },
        // A list without elements has no type, and nothing to say.
        list if is_empty_list(list) => {}
        leaf => leaves.push((path.to_owned(), leaf.clone())),
    }
}

fn is_object(expr: &Expr) -> bool {
    matches!(expr, Expr::ScalarFunction(object) if object.func.name() == "named_struct")
}

fn is_empty_list(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::ScalarFunction(call) if call.func.name() == "make_array" && call.args.is_empty()
    )
}

/// Writes CSV (RFC 4180). Lists are JSON.
pub struct CsvWriter {
    flat: Arc<Flat>,
    /// What links begin with, escaped.
    base: Vec<u8>,
    text: Vec<u8>,
    headed: bool,
}

/// A column of a batch, ready to be written.
pub enum Cells {
    /// Texts.
    Texts(ArrayRef),
    /// What stands for itself.
    Scalars(ArrayRef, Scalars),
    /// Lists and objects.
    Json(ArrayRef, Template),
}

impl CsvWriter {
    /// Writes this table.
    pub fn new(flat: Arc<Flat>, base: &str) -> Self {
        Self {
            flat,
            base: base.as_bytes().to_vec(),
            text: Vec::new(),
            headed: false,
        }
    }

    /// The first line.
    pub fn begin(&mut self) {
        if !std::mem::replace(&mut self.headed, true) {
            self.text.extend_from_slice(b"id");
            for name in &self.flat.names {
                self.text.push(b',');
                push_cell(&mut self.text, name.as_bytes());
            }
            self.text.extend_from_slice(b"\r\n");
        }
    }

    /// Prepares a batch.
    ///
    /// # Errors
    /// When a column has no form.
    pub fn bind(&self, batch: &RecordBatch) -> Result<Vec<Cells>, UnsupportedType> {
        let cells = |(name, column): (&str, &ArrayRef)| {
            let shape = Shape::new(column.data_type(), name)?;
            let array = Arc::clone(column);
            Ok(match Scalars::bind(column) {
                Some(_) if column.data_type().is_string() => Cells::Texts(array),
                Some(scalars) => Cells::Scalars(array, scalars),
                None => {
                    let template = TemplateBuilder::new(Style::Compact, 0, &self.base);
                    Cells::Json(array, template.of_column(&shape, column))
                }
            })
        };
        self.flat.columns(batch).map(cells).collect()
    }

    /// Some rows.
    pub fn rows(&mut self, cells: &[Cells], rows: Range<usize>) {
        let mut json = Vec::new();
        for row in rows {
            for (at, cell) in cells.iter().enumerate() {
                if at > 0 {
                    self.text.push(b',');
                }
                match cell {
                    Cells::Texts(array) | Cells::Scalars(array, _) | Cells::Json(array, _)
                        if array.is_null(row) => {}
                    Cells::Texts(array) => match array.data_type() {
                        DataType::Utf8View => {
                            push_cell(&mut self.text, array.as_string_view().value(row).as_bytes());
                        }
                        DataType::LargeUtf8 => {
                            push_cell(
                                &mut self.text,
                                array.as_string::<i64>().value(row).as_bytes(),
                            );
                        }
                        _ => push_cell(
                            &mut self.text,
                            array.as_string::<i32>().value(row).as_bytes(),
                        ),
                    },
                    Cells::Scalars(_, scalars) => scalars.push(row, &mut self.text),
                    Cells::Json(_, template) => {
                        json.clear();
                        template.write(row, &mut json);
                        push_cell(&mut self.text, &json);
                    }
                }
            }
            self.text.extend_from_slice(b"\r\n");
        }
    }

    /// What has been written.
    pub fn text(&mut self) -> &mut Vec<u8> {
        &mut self.text
    }
}

/// A cell, in quotes where it needs them.
fn push_cell(text: &mut Vec<u8>, cell: &[u8]) {
    let special = |byte: &u8| matches!(byte, b'"' | b',' | b'\r' | b'\n');
    if !cell.iter().any(special) {
        return text.extend_from_slice(cell);
    }
    text.push(b'"');
    for byte in cell {
        if *byte == b'"' {
            text.push(b'"');
        }
        text.push(*byte);
    }
    text.push(b'"');
}

/// Writes Arrow's IPC stream. Texts are plain strings: not every reader knows views.
pub struct ArrowWriter {
    flat: Arc<Flat>,
    schema: SchemaRef,
    stream: StreamWriter<Vec<u8>>,
}

impl ArrowWriter {
    /// Writes this table, and begins with its schema.
    ///
    /// # Errors
    /// When a column's type cannot be told in a stream.
    pub fn new(flat: Arc<Flat>) -> Result<Self, ArrowError> {
        let schema = flat.rows.plan().schema().as_arrow().clone();
        let names = std::iter::once("id").chain(flat.names.iter().map(String::as_str));
        let field =
            |(name, field): (&str, &Arc<Field>)| Field::new(name, plain(field.data_type()), true);
        let fields: Vec<Field> = names.zip(schema.fields()).map(field).collect();
        let schema = Arc::new(Schema::new(fields));
        Ok(Self {
            stream: StreamWriter::try_new(Vec::new(), &schema)?,
            schema,
            flat,
        })
    }

    /// A batch.
    ///
    /// # Errors
    /// When the batch is not one of the table's.
    pub fn rows(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let columns = self.flat.columns(batch).zip(self.schema.fields());
        let columns = columns.map(|((_, column), field)| cast(column, field.data_type()));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns)?;
        self.stream.write(&batch)
    }

    /// The end.
    ///
    /// # Errors
    /// None that can happen in memory.
    pub fn end(&mut self) -> Result<(), ArrowError> {
        self.stream.finish()
    }

    /// What has been written.
    pub fn text(&mut self) -> &mut Vec<u8> {
        self.stream.get_mut()
    }
}

fn plain(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8View => DataType::Utf8,
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_where_they_need_it() {
        let mut text = Vec::new();
        for cell in ["plain", "a,b", "say \"x\"", "two\nlines", ""] {
            push_cell(&mut text, cell.as_bytes());
            text.push(b'|');
        }
        let expected = "plain|\"a,b\"|\"say \"\"x\"\"\"|\"two\nlines\"||";
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }
}
