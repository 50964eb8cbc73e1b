//! The extended query protocol: statements that are prepared, bound and run in pieces.

use std::sync::Arc;

use bytes::Bytes;
use datafusion::arrow::datatypes::FieldRef;
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast;
use pgwire::api::Type;
use pgwire::messages::data::ParameterDescription;

use super::cancel::Watch;
use super::charset::Charset;
use super::connection::{Connection, End, Halt};
use super::encode::zone::Zone;
use super::message::{self, Bind, Execute, Parse, Target};
use super::parse::Kind;
use super::portal::{Origin, Parameter, Portal, Statement, no_statement};
use super::query::{self, Work};
use super::sqlstate::SqlError;
use super::transaction::ends_failure;
use super::types::{Format, pg_type, pg_type_of};
use super::{params, reply};
use crate::catalog::Prepared;

const PARSE_COMPLETE: u8 = b'1';
const BIND_COMPLETE: u8 = b'2';
const CLOSE_COMPLETE: u8 = b'3';
const NO_DATA: u8 = b'n';

fn no_portal(name: &str) -> SqlError {
    SqlError::new("34000", format!("portal \"{name}\" does not exist"))
}

impl Connection {
    /// One message of the extended protocol but Sync and Flush.
    pub async fn extended(&mut self, kind: u8, body: &Bytes) -> Result<(), Halt> {
        // The transaction around it ends at Sync.
        self.settings.begin();
        let charset = self.settings.charset();
        match kind {
            // Boxed, so that the other messages do not move what only these two need room for.
            b'P' => Box::pin(self.parse(message::parse(body, charset)?)).await,
            b'B' => Ok(self.bind(message::bind(body, charset)?)?),
            b'D' => Ok(self.describe(&message::target(body, charset)?)?),
            b'E' => Box::pin(self.execute(message::execute(body, charset)?)).await,
            _ => {
                self.close(&message::target(body, charset)?);
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

    /// Plans the engine's part of a statement of the text `sql`.
    pub async fn plan(
        &mut self,
        sql: &str,
        statement: ast::Statement,
        declared: Vec<Option<FieldRef>>,
        watch: &Watch,
    ) -> Result<Prepared, Halt> {
        let (catalog, caller) = (Arc::clone(&self.door.catalog), self.caller());
        let planned = catalog.prepare(statement, declared, caller);
        let planned = watch.run(&mut self.wire, planned).await?;
        Ok(planned.map_err(|error| query::error(sql, &error))?)
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
        self.admit_statement(&name)?;
        let (work, engine) = parsed.map(Work::of).unzip();
        let mut prepared = None;
        if let Some(statement) = engine.flatten() {
            // The parameters of a statement that is prepared by SQL are not those of the one that prepares it.
            let own_types = work.as_ref().and_then(Work::own_types);
            let declared = own_types.unwrap_or(&parameter_types);
            let declared = declared.iter().map(|oid| declared_type(*oid));
            let declared = declared.collect::<Result<Vec<_>, _>>()?;
            let open = query::open_parameter(&sql, &statement, &declared);
            let watch = self.watch();
            let planned = self.plan(&sql, statement, declared, &watch).await?;
            if work
                .as_ref()
                .is_some_and(|work| !work.takes_parameters() && work.own_types().is_none())
            {
                query::without_parameters(&planned)?;
            }
            if let Some(refused) = open {
                return Err(refused.into());
            }
            prepared = Some(planned);
        }
        let parameters = match &work {
            Some(work) if work.takes_parameters() => {
                parameters(prepared.as_ref(), &parameter_types)
            }
            _ => Vec::new(),
        };
        let statement = Statement {
            work,
            prepared,
            parameters,
            origin: Origin::message(&sql),
        };
        self.add_statement(&name, statement)?;
        reply::bare(&mut self.wire.output, PARSE_COMPLETE);
        Ok(())
    }

    fn bind(&mut self, message: Bind) -> Result<(), SqlError> {
        let statement = self.statements.get(&message.statement);
        let statement = statement.ok_or_else(|| no_statement(&message.statement))?;
        let statement = Arc::clone(statement);
        statement.admitted(&self.transaction)?;
        let (zone, charset) = (self.settings.zone(), self.settings.charset());
        let values = values(&statement, &message, &zone, charset)?;
        if let Some((schema, _)) = self.columns_of(&statement)? {
            check_formats(schema.fields().len(), &message)?;
        }
        let portal = Portal::new(statement, values, message.result_formats);
        self.add_portal("portal", &message.portal, portal)?;
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
        match self.columns_of(statement)? {
            Some((schema, names)) => self.describe_rows(&names, schema.fields(), formats),
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
        let ends_portals = portal.statement.door().is_some_and(|kind| {
            matches!(
                kind,
                Kind::Commit { .. }
                    | Kind::Rollback { .. }
                    | Kind::RollbackTo(_)
                    | Kind::Discard(_)
                    | Kind::Close(None)
            )
        });
        let watch = self.watch();
        self.wire.guard.statement_started();
        let (name, rows_max) = (&message.portal, message.rows_max);
        let running = self.run_marked(name, &mut portal, rows_max, false, &watch);
        let outcome = running.await;
        self.wire.guard.statement_ended();
        if !ends_portals {
            self.portals.insert(message.portal, portal);
        }
        outcome
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
pub(super) fn parameters(prepared: Option<&Prepared>, declared: &[u32]) -> Vec<Parameter> {
    let found = prepared.map(Prepared::parameters).unwrap_or_default();
    let parameter = |(n, field): (usize, &FieldRef)| {
        let oid = declared.get(n).copied().filter(|oid| !is_left_open(*oid));
        Parameter {
            oid: oid.unwrap_or_else(|| announced(field)),
            data_type: field.data_type().clone(),
        }
    };
    found.iter().enumerate().map(parameter).collect()
}

/// The type that a client is told of a parameter: one whose values are read here.
fn announced(field: &FieldRef) -> u32 {
    let oid = pg_type_of(field).oid();
    match params::oid_to_arrow(oid) {
        Some(_) => oid,
        None => pg_type(field.data_type()).oid(),
    }
}

/// The engine's type for a type that a client declared; none where it leaves the type to us.
pub(super) fn declared_type(oid: u32) -> Result<Option<FieldRef>, SqlError> {
    if is_left_open(oid) {
        return Ok(None);
    }
    let known = params::oid_to_field(oid).map(Some);
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
fn values(
    statement: &Statement,
    bind: &Bind,
    zone: &Zone,
    charset: Charset,
) -> Result<Vec<ScalarValue>, SqlError> {
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
        let decoded = match bytes {
            Some(bytes) if !charset.is_same() => {
                params::decode_text(bytes, format, parameter.oid, charset)?
            }
            _ => None,
        };
        let bytes = decoded.as_deref().or(bytes);
        params::decode_parameter_in(bytes, format, parameter.oid, &parameter.data_type, zone)
    };
    statement.parameters.iter().enumerate().map(value).collect()
}

/// Whether the client asked for as many result formats as there are columns, for one for all, or for none.
fn check_formats(columns: usize, bind: &Bind) -> Result<(), SqlError> {
    let formats = bind.result_formats.len();
    if formats > 1 && formats != columns {
        let message =
            format!("bind message has {formats} result formats but query has {columns} columns");
        return Err(SqlError::new("08P01", message));
    }
    Ok(())
}
