//! The extended query protocol: statements that are prepared, bound and run in pieces.

use std::sync::Arc;

use bytes::Bytes;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{ParamValues, ScalarValue};
use pgwire::api::Type;
use pgwire::messages::data::ParameterDescription;

use super::command;
use super::connection::{Connection, End, Halt};
use super::encode::zone::Zone;
use super::message::{self, Bind, Execute, Parse, Target};
use super::parse::Kind;
use super::query::{self, Work};
use super::rows::Source;
use super::sqlstate::SqlError;
use super::transaction::{Transaction, ends_failure};
use super::types::{Format, pg_type};
use super::{params, reply};
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
    /// What it is; `None` for an empty text.
    work: Option<Work>,
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
    /// Whether it may run in the transaction as it is.
    fn admitted(&self, transaction: &Transaction) -> Result<(), SqlError> {
        match &self.work {
            None => Ok(()),
            Some(work) => {
                let ends = work.door().is_some_and(|parsed| ends_failure(&parsed.kind));
                transaction.admit(ends)
            }
        }
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
            // Boxed, so that the other messages do not move what only these two need room for.
            b'P' => Box::pin(self.parse(message::parse(body)?)).await,
            b'B' => Ok(self.bind(message::bind(body)?)?),
            b'D' => Ok(self.describe(&message::target(body)?)?),
            b'E' => Box::pin(self.execute(message::execute(body)?)).await,
            _ => {
                self.close(&message::target(body)?);
                Ok(())
            }
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
        if let Some(parsed) = &parsed {
            self.transaction.admit(ends_failure(&parsed.kind))?;
        }
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

        let (work, engine) = parsed.map(Work::of).unzip();
        let mut prepared = None;
        if let Some(statement) = engine.flatten() {
            let declared = parameter_types.iter().map(|oid| declared_type(*oid));
            let declared = declared.collect::<Result<_, _>>()?;
            let watch = self.watch();
            let catalog = Arc::clone(&self.door.catalog);
            let planned = catalog.prepare(statement, declared, self.caller());
            let planned = watch.run(&mut self.wire, planned).await?;
            prepared = Some(planned.map_err(|error| query::error(&sql, &error))?);
        }
        let parameters = parameters(prepared.as_ref(), &parameter_types);
        let statement = Statement {
            work,
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
        statement.admitted(&self.transaction)?;
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
        let values = values(&statement, &message, &self.settings.zone())?;
        check_formats(&statement, &message)?;
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
                statement.admitted(&self.transaction)?;
                let oids = statement.parameters.iter().map(|p| p.oid).collect();
                reply::put(&mut self.wire.output, &ParameterDescription::new(oids));
                (statement, Vec::new())
            }
            Target::Portal(name) => {
                let portal = self.portals.get(name).ok_or_else(|| no_portal(name))?;
                portal.statement.admitted(&self.transaction)?;
                (Arc::clone(&portal.statement), portal.formats.clone())
            }
        };
        self.describe_columns(&statement, &formats)
    }

    fn describe_columns(
        &mut self,
        statement: &Statement,
        formats: &[Format],
    ) -> Result<(), SqlError> {
        let (schema, names) = match (&statement.prepared, &statement.work) {
            (Some(prepared), Some(work)) => {
                let names = work.column_names(prepared.schema().fields());
                (Some(Arc::clone(prepared.schema())), names)
            }
            (None, Some(Work::Door(parsed))) => (command::columns(self, &parsed.kind)?, Vec::new()),
            _ => (None, Vec::new()),
        };
        match schema {
            Some(schema) => {
                reply::row_description(&mut self.wire.output, &names, schema.fields(), formats)
            }
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
        portal.statement.admitted(&self.transaction)?;
        let Some(work) = &portal.statement.work else {
            reply::bare(&mut self.wire.output, EMPTY_QUERY);
            self.portals.insert(message.portal, portal);
            return Ok(());
        };
        let ends_portals = work.door().is_some_and(|parsed| {
            let kind = &parsed.kind;
            matches!(
                kind,
                Kind::Commit { .. } | Kind::Rollback { .. } | Kind::Discard(_)
            )
        });
        self.wire.guard.statement_started();
        let outcome = self.run_portal(&mut portal, message.rows_max).await;
        self.wire.guard.statement_ended();
        outcome?;
        if !ends_portals {
            self.portals.insert(message.portal, portal);
        }
        Ok(())
    }

    async fn run_portal(&mut self, portal: &mut Portal, rows_max: Option<u32>) -> Result<(), Halt> {
        let watch = self.watch();
        let statement = Arc::clone(&portal.statement);
        let Some(work) = &statement.work else {
            return Ok(());
        };
        let mut tag = None;
        match (&portal.progress, &statement.prepared, work.door()) {
            (Progress::Bound, Some(prepared), _) => {
                let values = ParamValues::from(std::mem::take(&mut portal.values));
                let caller = self.caller();
                let rows = self.door.catalog.run(prepared, values, caller);
                portal.progress = Progress::Begun(Source::engine(rows));
            }
            (Progress::Bound, None, Some(parsed)) => {
                let done = self.carry_out(parsed)?;
                tag = Some(done.tag.to_owned());
                portal.progress = match done.table {
                    Some(table) => Progress::Begun(Source::table(table)),
                    None => Progress::Over,
                };
            }
            (Progress::Over, None, _) => {
                let message = "the portal has run and cannot be run again";
                return Err(SqlError::new("55000", message).into());
            }
            _ => {}
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
        self.take_over_settings()?;
        let tag = tag.unwrap_or_else(|| work.tag(count));
        reply::complete(&mut self.wire.output, tag);
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

/// The parameters as both sides know them: what the client declared, or else what the engine found.
fn parameters(prepared: Option<&Prepared>, declared: &[u32]) -> Vec<Parameter> {
    let found = prepared.map(Prepared::parameter_types).unwrap_or_default();
    let parameter = |(n, data_type): (usize, &DataType)| {
        let oid = declared.get(n).copied().filter(|oid| !is_left_open(*oid));
        Parameter {
            oid: oid.unwrap_or_else(|| pg_type(data_type).oid()),
            data_type: data_type.clone(),
        }
    };
    found.iter().enumerate().map(parameter).collect()
}

/// The engine's type for a type that a client declared; none where it leaves the type to us.
fn declared_type(oid: u32) -> Result<Option<DataType>, SqlError> {
    if is_left_open(oid) {
        return Ok(None);
    }
    let known = params::oid_to_arrow(oid).map(Some);
    known.ok_or_else(|| {
        let message = format!("parameters of the type with OID {oid} are not supported");
        SqlError::new("0A000", message)
    })
}

/// Whether a client leaves the type of a parameter to the server.
fn is_left_open(oid: u32) -> bool {
    oid == 0 || oid == Type::UNKNOWN.oid()
}

/// The values of a Bind message in the engine's types.
fn values(statement: &Statement, bind: &Bind, zone: &Zone) -> Result<Vec<ScalarValue>, SqlError> {
    let (given, wanted) = (bind.parameters.len(), statement.parameters.len());
    if given != wanted {
        let message = format!(
            "bind message supplies {given} parameters, but prepared statement \"{}\" requires {wanted}",
            bind.statement
        );
        return Err(SqlError::new("08P01", message));
    }
    let formats = &bind.parameter_formats;
    if formats.len() > 1 && formats.len() != given {
        let message = format!(
            "bind message has {} parameter formats but {given} parameters",
            formats.len()
        );
        return Err(SqlError::new("08P01", message));
    }
    let first = formats.first().copied().unwrap_or_default();
    let value = |(n, parameter): (usize, &Parameter)| {
        let format = formats.get(n).copied().unwrap_or(first);
        let bytes = bind.parameters.get(n).and_then(Option::as_ref);
        let bytes = bytes.map(|bytes| &**bytes);
        params::decode_parameter_in(bytes, format, parameter.oid, &parameter.data_type, zone)
    };
    statement.parameters.iter().enumerate().map(value).collect()
}

/// Whether the client asked for as many result formats as there are columns, for one for all, or for none.
fn check_formats(statement: &Statement, bind: &Bind) -> Result<(), SqlError> {
    let formats = bind.result_formats.len();
    let columns = statement
        .prepared
        .as_ref()
        .map(|prepared| prepared.schema().fields().len());
    match columns {
        Some(columns) if formats > 1 && formats != columns => {
            let message = format!(
                "bind message has {formats} result formats but query has {columns} columns"
            );
            Err(SqlError::new("08P01", message))
        }
        _ => Ok(()),
    }
}
