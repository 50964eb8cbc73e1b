//! A system relation whose rows are made here, as a table of the engine.

use std::fmt;
use std::sync::{Arc, OnceLock};

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::Result;

use super::dictionary::Dictionary;
use super::relation::Relation;
use super::rows::{Rows, schema};
use crate::catalog::statement::Statement;
use crate::catalog::table::{Batches, Request, Source};

/// Where the rows of a relation come from.
#[derive(Clone, Copy)]
pub(super) enum Contents {
    /// There are none.
    Empty,
    /// The same in every database.
    Facts(&'static str),
    /// What is in this database.
    Fixed(fn(&Dictionary, &mut Rows)),
    /// Another for each statement: by who asks, or by the moment.
    OfStatement(fn(&Dictionary, &Statement, &mut Rows)),
}

/// A system relation.
pub(super) struct SystemTable {
    name: &'static str,
    schema: SchemaRef,
    dictionary: Arc<Dictionary>,
    contents: Contents,
    /// The rows, where they are the same for all statements.
    kept: OnceLock<RecordBatch>,
}

impl SystemTable {
    pub fn new(
        name: &'static str,
        relation: &Relation,
        dictionary: &Arc<Dictionary>,
        contents: Contents,
    ) -> Self {
        Self {
            name,
            schema: Arc::new(schema(dictionary, relation)),
            dictionary: Arc::clone(dictionary),
            contents,
            kept: OnceLock::new(),
        }
    }

    fn rows(&self, statement: &Statement) -> Result<RecordBatch> {
        if let Some(kept) = self.kept.get() {
            return Ok(kept.clone());
        }
        let mut rows = Rows::new(&self.schema);
        match self.contents {
            Contents::Empty => {}
            Contents::Facts(lines) => rows.extend_from_copy(lines),
            Contents::Fixed(fill) => fill(&self.dictionary, &mut rows),
            Contents::OfStatement(fill) => {
                fill(&self.dictionary, statement, &mut rows);
                return rows.finish();
            }
        }
        let batch = rows.finish()?;
        Ok(self.kept.get_or_init(|| batch).clone())
    }
}

impl fmt::Debug for SystemTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Source for SystemTable {
    fn name(&self) -> &'static str {
        self.name
    }

    fn comment(&self) -> &'static str {
        ""
    }

    fn schema(&self) -> Schema {
        self.schema.as_ref().clone()
    }

    fn len(&self, statement: &Statement) -> usize {
        self.rows(statement).map_or(0, |rows| rows.num_rows())
    }

    fn estimate(&self, statement: &Statement) -> usize {
        self.len(statement)
    }

    fn read(
        &self,
        statement: &Arc<Statement>,
        request: &Request,
        schema: SchemaRef,
        _: (usize, usize),
    ) -> Result<Batches> {
        let rows = self.rows(statement)?;
        let len = rows.num_rows().min(request.limit.unwrap_or(usize::MAX));
        let rows = rows.project(&request.projection)?.slice(0, len);
        let rows = rows.with_schema(schema)?;
        Ok(Box::new(std::iter::once(Ok(rows))))
    }
}
