use std::fmt;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::Result;

use crate::catalog::column::Column;
use crate::catalog::error::CatalogError;
use crate::catalog::keys::Keys;
use crate::catalog::statement::Statement;
use crate::catalog::table::{Batches, Request, Source};

/// What the rows of a table are made of, two halves each.
pub(super) type Rows<A, B> = Vec<(Arc<A>, B)>;

/// A table of few rows, made whole when it is read.
pub(super) struct Plain<A: 'static, B: 'static> {
    pub name: &'static str,
    pub comment: &'static str,
    pub columns: &'static [Column<A, B>],
    pub primary_key: &'static [usize],
    pub foreign_keys: &'static [(&'static str, &'static str, &'static str)],
    /// Whether the rows come from all sessions.
    pub reads_sessions: bool,
    pub administrators_only: bool,
    pub rows: fn(&Statement) -> Rows<A, B>,
}

impl<A, B> fmt::Debug for Plain<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl<A, B> Source for Plain<A, B>
where
    A: Send + Sync + 'static,
    B: Send + Sync + 'static,
{
    fn name(&self) -> &'static str {
        self.name
    }

    fn comment(&self) -> &'static str {
        self.comment
    }

    fn schema(&self) -> Schema {
        let flat = self
            .columns
            .iter()
            .filter(|column| !column.cell.is_nested());
        Schema::new(flat.map(Column::field).collect::<Vec<_>>())
    }

    fn document_schema(&self) -> Schema {
        Schema::new(self.columns.iter().map(Column::field).collect::<Vec<_>>())
    }

    fn foreign_keys(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        self.foreign_keys
    }

    fn primary_key(&self) -> &'static [usize] {
        self.primary_key
    }

    fn permit(&self, statement: &Statement) -> Result<()> {
        let admin = statement.caller().is_some_and(|caller| caller.admin);
        match self.administrators_only && !admin {
            true => Err(CatalogError::NotReadable(self.name).into()),
            false => Ok(()),
        }
    }

    fn announce(&self, statement: &Statement, _: &Keys) {
        if self.reads_sessions {
            statement.will_scan();
            statement.will_read_all();
        }
    }

    fn len(&self, statement: &Statement) -> usize {
        (self.rows)(statement).len()
    }

    fn read(
        &self,
        statement: &Arc<Statement>,
        request: &Request,
        schema: SchemaRef,
        _: (usize, usize),
    ) -> Result<Batches> {
        let mut rows = (self.rows)(statement);
        rows.truncate(request.limit.unwrap_or(usize::MAX));
        let columns = request
            .projection
            .iter()
            .map(|column| {
                let rows = rows.iter().map(|(a, b)| (a.as_ref(), b));
                self.columns[*column].cell.build(rows)
            })
            .collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        let batch = RecordBatch::try_new_with_options(schema, columns, &options);
        Ok(Box::new(std::iter::once(batch.map_err(Into::into))))
    }
}
