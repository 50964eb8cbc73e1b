use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::ParamValues;

use super::document::DocumentWriter;
use super::json::Style;
use super::resource::{DEFINITIONS, Resource, ResourceError};
use super::values::UnsupportedType;
use crate::catalog::{Caller, Catalog, Rows};

/// The documents of the resource `sessions`, compact, as the door writes them, for whoever has another way to send
/// them.
pub struct Documents {
    catalog: Arc<Catalog>,
    sessions: Resource,
    caller: Arc<Caller>,
}

impl Documents {
    /// Plans the resource's statements over the catalog.
    ///
    /// # Errors
    /// When the resource's query cannot be planned.
    pub async fn new(catalog: &Arc<Catalog>) -> Result<Self, ResourceError> {
        let caller = Arc::new(Caller::new("", false));
        let [sessions, ..] = &DEFINITIONS;
        Ok(Self {
            sessions: Resource::plan(sessions, catalog, Arc::clone(&caller)).await?,
            catalog: Arc::clone(catalog),
            caller,
        })
    }

    /// Starts the query of the list, in id order.
    pub fn all(&self) -> Rows {
        let none = ParamValues::List(Vec::new());
        let prepared = self.sessions.all(false);
        self.catalog.run(prepared, none, Arc::clone(&self.caller))
    }

    /// Starts the query of one session; `None` when the text cannot be an id.
    pub fn one(&self, id: &str) -> Option<Rows> {
        let (prepared, parameters) = self.sessions.one(id, false)?;
        let caller = Arc::clone(&self.caller);
        Some(self.catalog.run(prepared, parameters, caller))
    }

    /// Appends the document of the list with these batches of [`Documents::all`]. Links begin with `base`, which
    /// ends in a slash.
    ///
    /// # Errors
    /// When a batch is not one of the query's.
    pub fn list(
        &self,
        batches: &[RecordBatch],
        base: &str,
        text: &mut Vec<u8>,
    ) -> Result<(), UnsupportedType> {
        let mut writer = self.writer(base, text);
        let outcome = write_list(&mut writer, batches);
        *text = writer.into_text();
        outcome
    }

    /// Appends the document of the session in the batch's first row, from [`Documents::one`]; nothing when the
    /// batch is empty.
    ///
    /// # Errors
    /// When the batch is not one of the query's.
    pub fn single(
        &self,
        batch: &RecordBatch,
        base: &str,
        text: &mut Vec<u8>,
    ) -> Result<(), UnsupportedType> {
        let mut writer = self.writer(base, text);
        let outcome = writer.single(batch);
        *text = writer.into_text();
        outcome
    }

    fn writer(&self, base: &str, text: &mut Vec<u8>) -> DocumentWriter {
        let shape = Arc::clone(self.sessions.shape(false));
        DocumentWriter::after(std::mem::take(text), shape, base.into(), Style::Compact)
    }
}

fn write_list(writer: &mut DocumentWriter, batches: &[RecordBatch]) -> Result<(), UnsupportedType> {
    writer.begin_list();
    for batch in batches {
        let objects = writer.bind(batch)?;
        writer.objects(&objects, 0..batch.num_rows());
    }
    writer.end_list();
    Ok(())
}
