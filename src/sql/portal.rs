//! Statements that are ready to run, and portals: statements that run, in one piece or in several. A cursor of SQL is a
//! portal as well, and shares its names with those of Bind.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::BytesMut;
use datafusion::arrow::datatypes::{DataType, Field, Fields, SchemaRef};
use datafusion::common::metadata::{FieldMetadata, ScalarAndMetadata};
use datafusion::common::{ParamValues, ScalarValue};

use super::cancel::Watch;
use super::connection::{Connection, Halt};
use super::parse::Kind;
use super::prepared::Computed;
use super::query::Work;
use super::rows::Source;
use super::sqlstate::SqlError;
use super::transaction::{Transaction, ends_failure};
use super::types::Format;
use super::{command, reply};
use crate::catalog::{OpenCursor, Opened, Prepared, PreparedStatement, Rows, TYPE};
use crate::session::Reading;

/// Most prepared statements and most portals of one client.
const STATEMENTS_MAX: usize = 10_000;
const PORTALS_MAX: usize = 1_000;

const PORTAL_SUSPENDED: u8 = b's';
const EMPTY_QUERY: u8 = b'I';

/// A prepared statement.
pub(super) struct Statement {
    /// What it is; `None` for an empty text.
    pub work: Option<Work>,
    /// As the engine has planned it, if the engine answers it.
    pub prepared: Option<Prepared>,
    /// The types of its parameters, as the client declared them or the engine found them.
    pub parameters: Vec<Parameter>,
    pub origin: Origin,
}

/// Where a prepared statement comes from.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    /// The text that it was sent in, with all other statements of the same message.
    pub text: Arc<str>,
    /// When, in microseconds since the UNIX epoch.
    pub made_us: i64,
    /// Whether PREPARE made it, and no message.
    pub from_sql: bool,
}

impl Origin {
    /// A message with this text, now.
    pub fn message(text: &str) -> Self {
        Self {
            text: text.into(),
            made_us: Reading::now().utc_us,
            from_sql: false,
        }
    }
}

/// A parameter of a prepared statement.
pub(super) struct Parameter {
    /// The type on the wire.
    pub oid: u32,
    /// The type that the engine is given.
    pub data_type: DataType,
}

impl Statement {
    /// A query that is part of another statement, and was planned with it.
    fn query_of(&self, names: &[Option<String>]) -> Self {
        Self {
            work: Some(Work::Query(names.to_vec())),
            prepared: self.prepared.clone(),
            parameters: Vec::new(),
            origin: Origin {
                from_sql: true,
                ..self.origin.clone()
            },
        }
    }

    /// What the door has to do for it, if it is the door's to carry out.
    pub fn door(&self) -> Option<&Kind> {
        self.work.as_ref()?.door().map(|parsed| &parsed.kind)
    }

    /// Whether it may run in the transaction as it is.
    pub fn admitted(&self, transaction: &Transaction) -> Result<(), SqlError> {
        match &self.work {
            None => Ok(()),
            Some(_) => transaction.admit(self.door().is_some_and(ends_failure)),
        }
    }
}

/// The columns of a result and their names.
pub(super) type Columns = (SchemaRef, Vec<String>);

/// A statement with its parameters, and how far it has run.
pub(super) struct Portal {
    /// What it was made of.
    pub statement: Arc<Statement>,
    pub values: Vec<ScalarValue>,
    /// Of its columns, as in Bind.
    pub formats: Vec<Format>,
    pub progress: Progress,
    /// What DECLARE said of it, if it is a cursor of SQL.
    pub cursor: Option<CursorTerms>,
    pub life: Life,
    /// When it was made, in microseconds since the UNIX epoch.
    pub made_us: i64,
}

/// What there is to know of a cursor of SQL when it is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct CursorTerms {
    pub is_binary: bool,
    pub scroll: Option<bool>,
}

/// How long a portal lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// As long as the transaction in which it was made, or the savepoint.
    Transaction {
        /// How many savepoints there were.
        savepoints: usize,
        /// Whether the commit of the transaction makes it a held one.
        hold: bool,
    },
    /// Until it is closed: its transaction was committed.
    Held,
}

/// How far a portal has run.
pub(super) enum Progress {
    Bound,
    Begun(Running),
    Over,
    /// It failed, and is there for its name only.
    Failed,
}

/// A result of a portal.
pub(super) struct Running {
    pub source: Source,
    pub tag: Tag,
}

/// What CommandComplete says.
pub(super) enum Tag {
    /// What the statement makes of the number of rows that were sent.
    Of(Arc<Statement>),
    /// This.
    Fixed(String),
}

impl Tag {
    fn text(&self, rows: u64) -> String {
        match self {
            Self::Of(statement) => {
                let work = statement.work.as_ref();
                work.map_or_else(String::new, |work| work.tag(rows))
            }
            Self::Fixed(tag) => tag.clone(),
        }
    }
}

impl Portal {
    /// A statement that has yet to run.
    pub fn new(statement: Arc<Statement>, values: Vec<ScalarValue>, formats: Vec<Format>) -> Self {
        Self {
            statement,
            values,
            formats,
            progress: Progress::Bound,
            cursor: None,
            life: Life::Transaction {
                savepoints: 0,
                hold: false,
            },
            made_us: Reading::now().utc_us,
        }
    }
}

/// What a parameter is said to be, where its value does not show it.
fn said(field: &Field) -> Option<FieldMetadata> {
    let name = field.metadata().get(TYPE)?;
    Some(FieldMetadata::from(HashMap::from([(
        TYPE.to_owned(),
        name.clone(),
    )])))
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

/// A portal that cannot go on.
pub(super) fn cannot_run(name: &str) -> SqlError {
    SqlError::new("55000", format!("portal \"{name}\" cannot be run"))
}

impl Connection {
    /// Remembers a prepared statement.
    ///
    /// # Errors
    /// 42P05 if there is one of this name, 54000 if there are too many.
    pub fn add_statement(&mut self, name: &str, statement: Statement) -> Result<(), SqlError> {
        self.admit_statement(name)?;
        self.statements.insert(name.to_owned(), Arc::new(statement));
        Ok(())
    }

    /// Whether a prepared statement of this name may be made. An earlier one without a name goes.
    ///
    /// # Errors
    /// As [`add_statement`](Self::add_statement).
    pub fn admit_statement(&mut self, name: &str) -> Result<(), SqlError> {
        if name.is_empty() {
            self.statements.remove("");
        } else if self.statements.contains_key(name) {
            let message = format!("prepared statement \"{name}\" already exists");
            return Err(SqlError::new("42P05", message));
        }
        if self.statements.len() >= STATEMENTS_MAX {
            let message = format!("a client can have at most {STATEMENTS_MAX} prepared statements");
            return Err(SqlError::new("54000", message));
        }
        Ok(())
    }

    /// Remembers a portal, which is called a `what`. An earlier one without a name goes.
    ///
    /// # Errors
    /// 42P03 if there is one of this name, 54000 if there are too many.
    pub fn add_portal(
        &mut self,
        what: &str,
        name: &str,
        mut portal: Portal,
    ) -> Result<(), SqlError> {
        if name.is_empty() {
            self.portals.remove("");
        } else if self.portals.contains_key(name) {
            let message = format!("{what} \"{name}\" already exists");
            return Err(SqlError::new("42P03", message));
        }
        if self.portals.len() >= PORTALS_MAX {
            let message = format!("a client can have at most {PORTALS_MAX} portals");
            return Err(SqlError::new("54000", message));
        }
        if let Life::Transaction { savepoints, .. } = &mut portal.life {
            *savepoints = self.transaction.savepoints();
        }
        self.portals.insert(name.to_owned(), portal);
        Ok(())
    }

    /// The transaction is over, by itself or by COMMIT: what is to be held is held, and the rest goes.
    pub fn hold_portals(&mut self) {
        self.portals.retain(|_, portal| {
            let stays = matches!(
                portal.life,
                Life::Held | Life::Transaction { hold: true, .. }
            );
            portal.life = Life::Held;
            stays
        });
    }

    /// The transaction is over without effect: what was held before it stays.
    pub fn drop_portals(&mut self) {
        self.portals.retain(|_, portal| portal.life == Life::Held);
    }

    /// Goes back to the time when there were so many savepoints.
    pub fn drop_portals_behind(&mut self, savepoints_then: usize) {
        self.portals.retain(|_, portal| match portal.life {
            Life::Held => true,
            Life::Transaction { savepoints, .. } => savepoints <= savepoints_then,
        });
    }

    /// There are so many savepoints only from now on, and portals stay.
    pub fn keep_portals_behind(&mut self, savepoints_now: usize) {
        for portal in self.portals.values_mut() {
            if let Life::Transaction { savepoints, .. } = &mut portal.life {
                *savepoints = savepoints_now.min(*savepoints);
            }
        }
    }

    /// The columns of what a statement answers with; none if it answers without rows.
    ///
    /// # Errors
    /// 42704 for SHOW of what is not there.
    pub fn columns_of(&self, statement: &Statement) -> Result<Option<Columns>, SqlError> {
        if let (Some(Work::Query(_) | Work::Explain), Some(prepared)) =
            (&statement.work, &statement.prepared)
        {
            let work = statement.work.as_ref();
            let names = work.map(|work| work.column_names(prepared.schema().fields()));
            return Ok(Some((
                Arc::clone(prepared.schema()),
                names.unwrap_or_default(),
            )));
        }
        let inner = match statement.door() {
            Some(Kind::Fetch {
                cursor,
                moves: false,
                ..
            }) => self.portals.get(cursor).map(|portal| &portal.statement),
            Some(Kind::Execute { name, .. }) => self.statements.get(name),
            Some(kind) => {
                let schema = command::columns(self, kind)?;
                return Ok(schema.map(|schema| {
                    let names = schema.fields().iter().map(|field| field.name().clone());
                    (Arc::clone(&schema), names.collect())
                }));
            }
            None => None,
        };
        match inner {
            // What FETCH and EXECUTE name does not refer to others in its turn: it could not run.
            Some(inner)
                if !matches!(
                    inner.door(),
                    Some(Kind::Fetch { .. } | Kind::Execute { .. })
                ) =>
            {
                self.columns_of(inner)
            }
            _ => Ok(None),
        }
    }

    /// RowDescription, in the client's character set.
    ///
    /// # Errors
    /// 54011 for more columns than a result may have, 22P05 for a name that the client cannot be told.
    pub fn describe_rows(
        &mut self,
        names: &[String],
        fields: &Fields,
        formats: &[Format],
    ) -> Result<(), SqlError> {
        let charset = self.settings.charset();
        if charset.is_same() || names.iter().all(|name| name.is_ascii()) {
            return reply::row_description(&mut self.wire.output, names, fields, formats);
        }
        let mut message = BytesMut::new();
        reply::row_description(&mut message, names, fields, formats)?;
        reply::recode_row_description(&message, charset, &mut self.wire.output)
    }

    /// Runs a portal, named `name`, until it is done or has sent `rows_max` rows. With `describes` its rows come
    /// behind their description, as in the simple protocol.
    async fn run_portal(
        &mut self,
        name: &str,
        portal: &mut Portal,
        rows_max: Option<u32>,
        describes: bool,
        watch: &Watch,
    ) -> Result<(), Halt> {
        match (&portal.progress, &portal.statement.work) {
            (Progress::Failed, _) => return Err(cannot_run(name).into()),
            (Progress::Over, Some(work @ (Work::Query(_) | Work::Explain))) => {
                reply::complete(&mut self.wire.output, work.tag(0));
                return Ok(());
            }
            (Progress::Over, _) => return Err(cannot_run(name).into()),
            (Progress::Begun(_), _) => {}
            (Progress::Bound, _) => {
                if describes && let Some((schema, names)) = self.columns_of(&portal.statement)? {
                    self.describe_rows(&names, schema.fields(), &portal.formats)?;
                }
                if let Some(tag) = self.begin_portal(portal, rows_max, watch).await? {
                    portal.progress = Progress::Over;
                    self.take_over_settings()?;
                    reply::complete(&mut self.wire.output, tag);
                    return Ok(());
                }
            }
        }
        let Progress::Begun(running) = &mut portal.progress else {
            return Ok(());
        };
        let (forms, charset) = (self.settings.forms(), self.settings.charset());
        let (formats, source) = (&portal.formats, &mut running.source);
        let sent = source.send(&mut self.wire, watch, formats, &forms, charset, rows_max);
        let sent = sent.await?;
        if !sent.complete {
            reply::bare(&mut self.wire.output, PORTAL_SUSPENDED);
            return Ok(());
        }
        let tag = running.tag.text(sent.rows);
        // A cursor may be read again.
        if portal.cursor.is_none()
            && let Progress::Begun(running) =
                std::mem::replace(&mut portal.progress, Progress::Over)
        {
            self.finished.extend(running.source.into_rows());
        }
        self.take_over_settings()?;
        reply::complete(&mut self.wire.output, tag);
        Ok(())
    }

    /// Begins a portal that has not run: its result is to be sent, or else it is done, with this tag.
    async fn begin_portal(
        &mut self,
        portal: &mut Portal,
        rows_max: Option<u32>,
        watch: &Watch,
    ) -> Result<Option<String>, Halt> {
        let statement = Arc::clone(&portal.statement);
        let values = std::mem::take(&mut portal.values);
        let Some(work) = &statement.work else {
            return Ok(Some(String::new()));
        };
        let names = |prepared: &Prepared| work.column_names(prepared.schema().fields());
        match (work, &statement.prepared) {
            (Work::Copy { options, table, .. }, Some(prepared)) => {
                let rows = self.run_prepared(prepared, values);
                let (table, names) = (table.as_deref(), names(prepared));
                let schema = prepared.schema();
                let copying = self.copy_out(options, table, schema, &names, rows, watch);
                let rows = Box::pin(copying).await?;
                Ok(Some(work.tag(rows)))
            }
            (Work::Declare { cursor, names }, _) => {
                let query = statement.query_of(names);
                self.declare(cursor, query, values)?;
                Ok(Some(work.tag(0)))
            }
            (Work::Prepare { name, types, names }, prepared) => {
                let mut query = statement.query_of(names);
                query.parameters = super::extended::parameters(prepared.as_ref(), types);
                self.add_statement(name, query)?;
                Ok(Some(work.tag(0)))
            }
            (Work::Lock, _) if !self.transaction.is_block() => {
                let message = "LOCK TABLE can only be used in transaction blocks";
                Err(SqlError::new("25P01", message).into())
            }
            (Work::Lock, _) => Ok(Some(work.tag(0))),
            (Work::Door(parsed), _) => match &parsed.kind {
                Kind::Fetch {
                    cursor,
                    direction,
                    moves,
                } => {
                    let fetching = self.fetch(portal, cursor, *direction, *moves, rows_max, watch);
                    Box::pin(fetching).await
                }
                Kind::Execute {
                    name,
                    arguments,
                    query,
                } => {
                    let computed = query.as_deref().map(|query| Computed {
                        query,
                        text: &statement.origin.text,
                    });
                    let binding = self.bind_arguments(name, arguments, computed, watch);
                    let (inner, values) = Box::pin(binding).await?;
                    self.start(portal, &inner, values)
                }
                _ => self.start(portal, &statement, values),
            },
            _ => self.start(portal, &statement, values),
        }
    }

    /// Starts what answers with rows, or carries out what does not refer to other statements.
    fn start(
        &mut self,
        portal: &mut Portal,
        statement: &Arc<Statement>,
        values: Vec<ScalarValue>,
    ) -> Result<Option<String>, Halt> {
        let (source, tag) = match (&statement.work, &statement.prepared) {
            (Some(Work::Query(_) | Work::Explain), Some(prepared)) => {
                let rows = self.run_prepared(prepared, values);
                let source = match portal.cursor {
                    Some(terms) => Source::cursor(rows, terms.scroll),
                    None => Source::engine(rows),
                };
                (source, Tag::Of(Arc::clone(statement)))
            }
            (Some(Work::Door(parsed)), _)
                if !matches!(parsed.kind, Kind::Fetch { .. } | Kind::Execute { .. }) =>
            {
                let done = self.carry_out(parsed)?;
                match done.table {
                    Some(table) => {
                        let tag = Tag::Fixed(done.tag.to_owned());
                        (Source::ready(vec![table]), tag)
                    }
                    None => return Ok(Some(done.tag.to_owned())),
                }
            }
            _ => {
                let message = "EXECUTE is for statements that answer with rows of their own";
                return Err(SqlError::new("0A000", message).into());
            }
        };
        portal.progress = Progress::Begun(Running { source, tag });
        Ok(None)
    }

    /// Starts a query, if the portal has not begun.
    ///
    /// # Errors
    /// 55000 for a portal that has no rows to read.
    pub fn open(&mut self, name: &str, portal: &mut Portal) -> Result<(), Halt> {
        let is_query = matches!(portal.statement.work, Some(Work::Query(_) | Work::Explain));
        match portal.progress {
            Progress::Bound if is_query => {
                let statement = Arc::clone(&portal.statement);
                let values = std::mem::take(&mut portal.values);
                self.start(portal, &statement, values).map(drop)
            }
            Progress::Bound | Progress::Failed => Err(cannot_run(name).into()),
            Progress::Begun(_) | Progress::Over => Ok(()),
        }
    }

    fn run_prepared(&mut self, prepared: &Prepared, values: Vec<ScalarValue>) -> Rows {
        let mut caller = self.caller();
        if prepared.reads_opened() {
            Arc::make_mut(&mut caller).opened = Arc::new(self.opened());
        }
        let values = values.into_iter().zip(prepared.parameters());
        let values = values.map(|(value, field)| ScalarAndMetadata::new(value, said(field)));
        let values = ParamValues::List(values.collect());
        self.door.catalog.run(prepared, values, caller)
    }

    /// What the client has open, oldest first.
    fn opened(&self) -> Opened {
        let named = self.statements.iter().filter(|(name, _)| !name.is_empty());
        let statement = |(name, statement): (&String, &Arc<Statement>)| PreparedStatement {
            name: name.clone(),
            text: Arc::clone(&statement.origin.text),
            prepared_us: statement.origin.made_us,
            parameter_types: statement.parameters.iter().map(|p| p.oid).collect(),
            from_sql: statement.origin.from_sql,
        };
        let mut statements: Vec<_> = named.map(statement).collect();
        statements.sort_by(|a, b| (a.prepared_us, &a.name).cmp(&(b.prepared_us, &b.name)));
        let cursor = |(name, portal): (&String, &Portal)| OpenCursor {
            name: name.clone(),
            text: Arc::clone(&portal.statement.origin.text),
            created_us: portal.made_us,
            is_holdable: matches!(
                portal.life,
                Life::Held | Life::Transaction { hold: true, .. }
            ),
            is_binary: portal.cursor.is_some_and(|terms| terms.is_binary),
            is_scrollable: portal
                .cursor
                .is_some_and(|terms| terms.scroll != Some(false)),
        };
        let mut cursors: Vec<_> = self.portals.iter().map(cursor).collect();
        cursors.sort_by(|a, b| (a.created_us, &a.name).cmp(&(b.created_us, &b.name)));
        Opened {
            statements,
            cursors,
        }
    }

    /// Runs a portal, and marks it if it fails.
    pub async fn run_marked(
        &mut self,
        name: &str,
        portal: &mut Portal,
        rows_max: Option<u32>,
        describes: bool,
        watch: &Watch,
    ) -> Result<(), Halt> {
        if portal.statement.work.is_none() {
            reply::bare(&mut self.wire.output, EMPTY_QUERY);
            return Ok(());
        }
        let running = self.run_portal(name, portal, rows_max, describes, watch);
        let outcome = running.await;
        if outcome.is_err() {
            portal.progress = Progress::Failed;
        }
        outcome
    }
}
