//! The extended query protocol: statements that are prepared, bound and run in pieces.

use std::sync::Arc;

use bytes::Bytes;
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::arrow::datatypes::DataType;
use pgwire::messages::extendedquery::ParameterDescription;

use super::command::{self, Done};
use super::connection::{Connection, End, Halt};
use super::message::{self, Bind, Execute, Parse, Target};
use super::parse::{Kind, ParsedStatement};
use super::rows::Source;
use super::sqlstate::SqlError;
use super::types::{Format, pg_type};
use super::{params, query, reply};
use crate::catalog::Prepared;

/// Most prepared statements and most portals of one client.
const STATEMENTS_MAX: usize = 10_000;
const PORTALS_MAX: usize = 1_000;

const PARSE_COMPLETE: u8 = b'1';
const BIND_COMPLETE: u8 = b'2';
const CLOSE_COMPLETE: u8 = b'3';
const EMPTY_QUERY: u8 = b'I';
const NO_DATA: u8 = b'n';
const PORTAL_SUSPENDED: u8 = b's';

/// A prepared statement.
pub(super) struct Statement {
    /// Its text, for the places of errors.
    sql: String,
    /// What it is; `None` for an empty text.
    parsed: Option<ParsedStatement>,
    /// As the engine has planned it, if the engine answers it.
    prepared: Option<Prepared>,
    /// The types of its parameters, as the client declared them or the engine found them.
    parameters: Vec<Parameter>,
}

/// A parameter of a prepared statement.
struct Parameter {
    /// The type on the wire.
    oid: u32,
    /// The type that the engine is given.
    data_type: DataType,
}

impl Statement {
    fn kind(&self) -> Option<&Kind> {
        self.parsed.as_ref().map(|parsed| &parsed.kind)
    }
}

/// A statement with its parameters, and how far it has run.
pub(super) struct Portal {
    statement: Arc<Statement>,
    values: Vec<ScalarValue>,
    formats: Vec<Format>,
    progress: Progress,
}

enum Progress {
    Bound,
    Begun(Source),
    Over,
}

/// There is no such statement.
pub(super) fn no_statement(name: &str) -> SqlError {
    let message = if name.is_empty() {
        "unnamed prepared statement does not exist".to_owned()
    } else {
        format!("prepared statement \"{name}\" does not exist")
    };
    SqlError::new("26000", message)
}

fn no_portal(name: &str) -> SqlError {
    SqlError::new("34000", format!("portal \"{name}\" does not exist"))
}

impl Connection {
    /// One message of the extended protocol but Sync and Flush.
    pub async fn extended(&mut self, kind: u8, body: &Bytes) -> Result<(), Halt> {
        // The transaction around it ends at Sync.
        self.settings.begin();
        match kind {
            b'P' => self.parse(message::parse(body)?).await,
            b'B' => Ok(self.bind(message::bind(body)?)?),
            b'D' => Ok(self.describe(&message::target(body)?)?),
            b'E' => self.execute(message::execute(body)?).await,
            _ => Ok(self.close(&message::target(body)?)),
        }
    }

    /// Sync: the end of a batch, and of what went wrong in it.
    pub async fn sync(&mut self, body: &Bytes) -> Result<(), End> {
        self.skipping = false;
        if let Err(error) = message::nothing(body) {
            self.fail(error);
        }
        self.ready().await
    }

    async fn parse(&mut self, message: Parse) -> Result<(), Halt> {
        let Parse {
            name,
            sql,
            parameter_types,
        } = message;
        let mut statements = query::parse(&sql)?;
        if statements.len() > 1 {
            let message = "cannot insert multiple commands into a prepared statement";
            return Err(SqlError::new("42601", message).into());
        }
        let parsed = statements.pop();
        self.transaction.admit(parsed.as_ref().map(|parsed| &parsed.kind))?;
        if name.is_empty() {
            self.statements.remove("");
        } else if self.statements.contains_key(&name) {
            let message = format!("prepared statement \"{name}\" already exists");
            return Err(SqlError::new("42P05", message).into());
        }
        if self.statements.len() >= STATEMENTS_MAX {
            let message = format!("a client can have at most {STATEMENTS_MAX} prepared statements");
            return Err(SqlError::new("54000", message).into());
        }

        let engine = parsed.as_ref().and_then(|parsed| query::Engine::of(&parsed.kind));
        let mut prepared = None;
        if let Some(engine) = engine {
            let declared = params::declared(&parameter_types)?;
            let watch = self.watch();
            let catalog = self.door.catalog.clone();
            let planned = catalog.prepare(engine.statement, declared, self.caller());
            let planned = watch.run(&mut self.wire, planned).await?;
            prepared = Some(planned.map_err(|error| query::error(&sql, error))?);
        }
        let parameters = parameters(prepared.as_ref(), &parameter_types);
        let statement = Statement {
            sql,
            parsed,
            prepared,
            parameters,
        };
        self.statements.insert(name, Arc::new(statement));
        reply::bare(&mut self.wire.output, PARSE_COMPLETE);
        Ok(())
    }

    fn bind(&mut self, message: Bind) -> Result<(), SqlError> {
        let statement = self.statements.get(&message.statement);
        let statement = statement.ok_or_else(|| no_statement(&message.statement))?;
        let statement = Arc::clone(statement);
        self.transaction.admit(statement.kind())?;
        if message.portal.is_empty() {
            self.portals.remove("");
        } else if self.portals.contains_key(&message.portal) {
            let message = format!("portal \"{}\" already exists", message.portal);
            return Err(SqlError::new("42P03", message));
        }
        if self.portals.len() >= PORTALS_MAX {
            let message = format!("a client can have at most {PORTALS_MAX} portals");
            return Err(SqlError::new("54000", message));
        }
        let values = values(&statement, &message)?;
        let portal = Portal {
            statement,
            values,
            formats: message.result_formats,
            progress: Progress::Bound,
        };
        self.portals.insert(message.portal, portal);
        reply::bare(&mut self.wire.output, BIND_COMPLETE);
        Ok(())
    }

    fn describe(&mut self, target: &Target) -> Result<(), SqlError> {
        let (statement, formats) = match target {
            Target::Statement(name) => {
                let statement = self.statements.get(name);
                let statement = Arc::clone(statement.ok_or_else(|| no_statement(name))?);
                self.transaction.admit(statement.kind())?;
                let oids = statement.parameters.iter().map(|p| p.oid).collect();
                reply::put(&mut self.wire.output, &ParameterDescription::new(oids));
                (statement, Vec::new())
            }
            Target::Portal(name) => {
                let portal = self.portals.get(name).ok_or_else(|| no_portal(name))?;
                self.transaction.admit(portal.statement.kind())?;
                (Arc::clone(&portal.statement), portal.formats.clone())
            }
        };
        self.describe_columns(&statement, &formats)
    }

    fn describe_columns(&mut self, statement: &Statement, formats: &[Format]) -> Result<(), SqlError> {
        let (schema, names) = match (&statement.prepared, statement.kind()) {
            (Some(prepared), Some(kind)) => {
                let names = query::column_names(kind, prepared.schema().fields());
                (Some(Arc::clone(prepared.schema())), names)
            }
            (None, Some(kind)) => (command::columns(self, kind)?, Vec::new()),
            (_, None) => (None, Vec::new()),
        };
        match schema {
            Some(schema) => reply::row_description(&mut self.wire.output, &names, schema.fields(), formats),
            None => {
                reply::bare(&mut self.wire.output, NO_DATA);
                Ok(())
            }
        }
    }

    async fn execute(&mut self, message: Execute) -> Result<(), Halt> {
        // Taken out while it runs: the statement may end the transaction that its portal belongs to.
        let portal = self.portals.remove(&message.portal);
        let mut portal = portal.ok_or_else(|| no_portal(&message.portal))?;
        self.transaction.admit(portal.statement.kind())?;
        let Some(parsed) = &portal.statement.parsed else {
            reply::bare(&mut self.wire.output, EMPTY_QUERY);
            self.portals.insert(message.portal, portal);
            return Ok(());
        };
        let is_end = matches!(parsed.kind, Kind::Commit { .. } | Kind::Rollback { .. } | Kind::Discard(_));
        self.wire.guard.statement_started();
        let outcome = self.run_portal(&mut portal, message.rows_max).await;
        self.wire.guard.statement_ended();
        outcome?;
        if !is_end {
            self.portals.insert(message.portal, portal);
        }
        Ok(())
    }

    async fn run_portal(&mut self, portal: &mut Portal, rows_max: Option<u32>) -> Result<(), Halt> {
        let watch = self.watch();
        let statement = Arc::clone(&portal.statement);
        let Some(parsed) = &statement.parsed else {
            return Ok(());
        };
        let is_query = matches!(parsed.kind, Kind::Query { .. });
        let mut tag = parsed.tag;
        if let Progress::Bound = portal.progress {
            portal.progress = match &statement.prepared {
                Some(prepared) => {
                    let values = std::mem::take(&mut portal.values);
                    let values = ParamValues::from(values);
                    let caller = self.caller();
                    Progress::Begun(Source::engine(self.door.catalog.run(prepared, values, caller)))
                }
                None => {
                    let Done { tag: done, table } = self.carry_out(parsed)?;
                    tag = done;
                    table.map_or(Progress::Over, |table| Progress::Begun(Source::table(table)))
                }
            };
        } else if let Progress::Over = portal.progress
            && !is_query
        {
            return Err(SqlError::new("55000", "portal cannot be run a second time").into());
        }

        let mut count = 0;
        if let Progress::Begun(source) = &mut portal.progress {
            let zone = self.settings.zone();
            let sent = source.send(&mut self.wire, &watch, &portal.formats, &zone, rows_max);
            let sent = sent.await?;
            if !sent.complete {
                reply::bare(&mut self.wire.output, PORTAL_SUSPENDED);
                return Ok(());
            }
            count = sent.rows;
        }
        if let Progress::Begun(source) = std::mem::replace(&mut portal.progress, Progress::Over) {
            self.finished.extend(source.into_rows());
        }
        reply::complete(&mut self.wire.output, query::tag(tag, is_query.then_some(count)));
        Ok(())
    }

    /// Close, which is no error for what does not exist.
    fn close(&mut self, target: &Target) {
        match target {
            Target::Statement(name) => drop(self.statements.remove(name)),
            Target::Portal(name) => drop(self.portals.remove(name)),
        }
        reply::bare(&mut self.wire.output, CLOSE_COMPLETE);
    }
}
