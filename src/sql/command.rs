//! The statements that the door carries out itself, without the engine.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::connection::Connection;
use super::parse::{Kind, ParsedStatement, Scope};
use super::sqlstate::SqlError;

/// What came of a statement.
pub(super) struct Done {
    /// Its command tag.
    pub tag: &'static str,
    /// Its rows, if it has any.
    pub table: Option<RecordBatch>,
}

/// The columns that a statement answers with, if it does.
pub(super) fn columns(connection: &Connection, kind: &Kind) -> Result<Option<SchemaRef>, SqlError> {
    let text = |name: &str| Field::new(name, DataType::Utf8, false);
    let fields = match kind {
        Kind::Show(None) => vec![text("name"), text("setting"), text("description")],
        Kind::Show(Some(name)) => vec![text(&connection.settings.show(name)?.0)],
        _ => return Ok(None),
    };
    Ok(Some(Arc::new(Schema::new(fields))))
}

impl Connection {
    /// Carries out any statement but a query.
    pub fn carry_out(&mut self, statement: &ParsedStatement) -> Result<Done, SqlError> {
        let mut tag = statement.tag;
        let mut table = None;
        match &statement.kind {
            // The engine's, which are split off before.
            Kind::Query { .. }
            | Kind::Explain { .. }
            | Kind::Copy { .. }
            | Kind::Declare { .. }
            | Kind::Prepare { .. }
            | Kind::Lock { .. } => {}
            // They are run as portals, with what they name.
            Kind::Fetch { .. } | Kind::Execute { .. } => {}
            Kind::Set {
                name,
                values,
                scope,
            } => {
                if *scope == Scope::Local && !self.transaction.is_open() {
                    self.warn("25P01", "SET LOCAL can only be used in transaction blocks");
                }
                self.settings.set(name, values, *scope)?;
            }
            Kind::SetConstraints => {
                if !self.transaction.is_block() {
                    self.warn(
                        "25P01",
                        "SET CONSTRAINTS can only be used in transaction blocks",
                    );
                }
            }
            Kind::SetTransaction { modes, session } => {
                if !session && !self.transaction.is_open() {
                    self.warn(
                        "25P01",
                        "SET TRANSACTION can only be used in transaction blocks",
                    );
                }
                self.settings.set_transaction(modes, *session)?;
            }
            Kind::Reset(name) => self.settings.reset(name.as_deref())?,
            Kind::Show(_) => table = self.show(&statement.kind)?,
            Kind::Begin(modes) => self.begin(modes)?,
            Kind::Commit { chain } => tag = self.commit(*chain)?,
            Kind::Rollback { chain } => self.roll_back(*chain)?,
            Kind::Savepoint(name) => self.savepoint(name)?,
            Kind::Release(name) => self.release(name)?,
            Kind::RollbackTo(name) => self.roll_back_to(name)?,
            Kind::Deallocate(name) => self.deallocate(name.as_deref())?,
            Kind::Close(name) => self.close_cursor(name.as_deref())?,
            Kind::Discard(what) => self.discard(what)?,
            // Nobody notifies, so there is nothing to remember.
            Kind::Listen(_) | Kind::Unlisten(_) => {}
        }
        Ok(Done { tag, table })
    }

    fn show(&self, kind: &Kind) -> Result<Option<RecordBatch>, SqlError> {
        let Some(schema) = columns(self, kind)? else {
            return Ok(None);
        };
        let column = |values: Vec<&str>| Arc::new(StringArray::from(values)) as ArrayRef;
        let arrays = match kind {
            Kind::Show(Some(name)) => vec![column(vec![&self.settings.show(name)?.1])],
            _ => {
                let all: Vec<_> = self.settings.show_all().collect();
                vec![
                    column(all.iter().map(|row| row.0).collect()),
                    column(all.iter().map(|row| row.1).collect()),
                    column(all.iter().map(|row| row.2).collect()),
                ]
            }
        };
        let batch = RecordBatch::try_new(schema, arrays);
        batch
            .map(Some)
            .map_err(|error| SqlError::new("XX000", error.to_string()))
    }

    fn deallocate(&mut self, name: Option<&str>) -> Result<(), SqlError> {
        let Some(name) = name else {
            self.statements.clear();
            return Ok(());
        };
        match self.statements.remove(name) {
            Some(_) => Ok(()),
            None => Err(super::portal::no_statement(name)),
        }
    }

    fn discard(&mut self, what: &str) -> Result<(), SqlError> {
        if what != "ALL" {
            // Plans are made anew for each statement, and there are no sequences and no temporary tables.
            return Ok(());
        }
        if self.transaction.is_open() {
            let message = "DISCARD ALL cannot run inside a transaction block";
            return Err(SqlError::new("25001", message));
        }
        self.portals.clear();
        self.statements.clear();
        self.settings.reset(None)
    }
}
