use arrow::datatypes::{DataType, Field, Schema};

use super::sessions_live::LiveCell;
use super::sessions_statements;
use crate::catalog::column::Nullable::{self, Never, Yes};
use crate::catalog::column::{Cell, bigint, field, opt_text, passing, text};
use crate::session::{LogLevel, Profile, Registry, Session, State, Transaction};

/// `sessions`: who is connected.
#[derive(Debug)]
pub(super) struct Sessions;

/// How many columns the table has: those behind these are for documents, and for views in the shape of another server's.
const SHOWN: usize = 24;

/// The clock of a statement, for values that are computed from time.
pub(super) struct Moment {
    /// On the clock of [`monotonic_ms`](crate::session::monotonic_ms).
    pub now_ms: u64,
    /// Difference between the wall clock and that clock, in microseconds.
    pub wall_offset_us: i64,
}

impl Moment {
    pub fn new(now_ms: u64, registry: &Registry) -> Self {
        Self {
            now_ms,
            wall_offset_us: registry.wall_offset_us(),
        }
    }

    /// A moment of that clock, in microseconds since the UNIX epoch.
    fn utc_us(&self, monotonic_ms: u64) -> i64 {
        monotonic_ms as i64 * 1_000 + self.wall_offset_us
    }
}

/// Where a column's values come from, by how often they change.
pub(super) enum Origin {
    /// Unchanged until the session's profile changes: kept as an array with the chunk.
    Kept(Cell<Session, Profile>),
    /// Changes with traffic: gathered when asked for.
    Live(LiveCell),
    /// Changes with time alone: what the function makes of a `bigint` that is kept.
    Aging(Cell<Session, Profile>, fn(i64, &Moment) -> f64),
    /// Whether lines of this level are logged of the sessions, by the ids that are kept.
    Logged(LogLevel),
    /// The sessions' last statements, by the ids that are kept.
    Statements,
}

impl Origin {
    pub fn data_type(&self) -> DataType {
        match self {
            Self::Kept(cell) => cell.data_type(),
            Self::Live(cell) => cell.data_type(),
            Self::Aging(..) => DataType::Float64,
            Self::Logged(_) => DataType::Boolean,
            Self::Statements => sessions_statements::data_type(),
        }
    }
}

pub(super) struct SessionColumn {
    name: &'static str,
    nullable: Nullable,
    doc: &'static str,
    pub origin: Origin,
}

impl SessionColumn {
    pub fn field(&self) -> Field {
        let field = field(self.name, self.origin.data_type(), self.nullable, self.doc);
        match &self.origin {
            // A session's place in its life is not traffic.
            Origin::Live(LiveCell::OneOf(..)) | Origin::Kept(_) | Origin::Logged(_) => field,
            Origin::Live(_) | Origin::Aging(..) | Origin::Statements => passing(field),
        }
    }
}

const fn kept(
    name: &'static str,
    nullable: Nullable,
    doc: &'static str,
    cell: Cell<Session, Profile>,
) -> SessionColumn {
    SessionColumn {
        name,
        nullable,
        doc,
        origin: Origin::Kept(cell),
    }
}

const fn live(
    name: &'static str,
    nullable: Nullable,
    doc: &'static str,
    cell: LiveCell,
) -> SessionColumn {
    SessionColumn {
        name,
        nullable,
        doc,
        origin: Origin::Live(cell),
    }
}

const fn logged(name: &'static str, doc: &'static str, level: LogLevel) -> SessionColumn {
    SessionColumn {
        name,
        nullable: Never,
        doc,
        origin: Origin::Logged(level),
    }
}

/// Position of `id` among the columns.
pub(super) const ID: usize = 0;

/// Where ids come from.
pub(super) const ID_CELL: Cell<Session, Profile> = Cell::Int(|s, _| Some(s.id().into()));

pub(super) static COLUMNS: [SessionColumn; SHOWN + 11] = [
    kept(
        "id",
        Never,
        "The session's number: what the client was given as its connection id",
        ID_CELL,
    ),
    kept(
        "service",
        Never,
        "The service that it was created on",
        Cell::Text(|s, _| text(&s.listener().service.name)),
    ),
    kept(
        "listener",
        Never,
        "The listener that accepted it",
        Cell::Text(|s, _| text(&s.listener().name)),
    ),
    kept(
        "router",
        Never,
        "The service's router module",
        Cell::Text(|s, _| text(&s.listener().service.router)),
    ),
    kept(
        "protocol",
        Never,
        "The wire protocol that its client speaks",
        Cell::Text(|s, _| text(&s.listener().protocol)),
    ),
    kept(
        "server",
        Yes,
        "The server that its traffic goes to; NULL while there is none",
        Cell::Text(|_, p| opt_text(&p.server)),
    ),
    live(
        "state",
        Never,
        "Session Allocated, Session Ready, Session ready for routing or Stopping session",
        LiveCell::OneOf(&State::NAMES, |rows| rows.each(|v, _| v.state() as u8)),
    ),
    live(
        "active",
        Never,
        "Whether a statement runs",
        LiveCell::Bool(|rows| rows.each(|v, _| v.statement_started_ms().is_some())),
    ),
    kept(
        "user",
        Yes,
        "The user that the client was accepted as; NULL until then",
        Cell::Text(|_, p| opt_text(&p.user)),
    ),
    kept(
        "database",
        Yes,
        "The database that the client is in; NULL until it is accepted",
        Cell::Text(|_, p| opt_text(&p.database)),
    ),
    kept(
        "application_name",
        Yes,
        "What the client calls itself; NULL when it does not say",
        Cell::Text(|_, p| opt_text(&p.application_name)),
    ),
    kept(
        "remote",
        Never,
        "The client's address without port; localhost for a UNIX socket",
        Cell::Text(|s, _| Some(s.remote().address().into())),
    ),
    kept(
        "port",
        Yes,
        "The client's TCP port; NULL for a UNIX socket",
        Cell::SmallInt(|s, _| s.remote().port().map(i32::from)),
    ),
    kept(
        "connected",
        Never,
        "When the client connected",
        Cell::Time(|s, _| Some(s.connected_us())),
    ),
    live(
        "idle",
        Never,
        "Seconds since the last traffic in either direction; 0 while a statement runs",
        LiveCell::Float(|rows| rows.each(|v, m| v.idle_s(m.now_ms))),
    ),
    SessionColumn {
        name: "seconds_alive",
        nullable: Never,
        doc: "Seconds since the client connected",
        origin: Origin::Aging(
            Cell::Int(|s, _| Some(bigint(s.connected_ms()))),
            |connected_ms, m| (m.now_ms as i64 - connected_ms).max(0) as f64 / 1_000.0,
        ),
    },
    live(
        "statement_started",
        Yes,
        "When the running statement began; NULL when none runs",
        LiveCell::Time(|rows| rows.each(|v, m| v.statement_started_ms().map(|ms| m.utc_us(ms)))),
    ),
    live(
        "in_transaction",
        Never,
        "Whether the session is inside a transaction",
        LiveCell::Bool(|rows| rows.each(|v, _| v.in_transaction())),
    ),
    live(
        "autocommit",
        Yes,
        "Whether each statement outside a transaction is one of its own; NULL where the protocol does not tell, as PostgreSQL's",
        LiveCell::MaybeBool(|rows| rows.each(|v, _| v.autocommit())),
    ),
    live(
        "transaction_started",
        Yes,
        "When the transaction that the session is inside began; NULL outside of one",
        LiveCell::Time(|rows| rows.each(|v, m| v.transaction_started_ms().map(|ms| m.utc_us(ms)))),
    ),
    live(
        "statements",
        Never,
        "Statements begun so far",
        LiveCell::Int(|rows| rows.each(|v, _| bigint(v.statements()))),
    ),
    live(
        "bytes_in",
        Never,
        "Bytes received from the client",
        LiveCell::Int(|rows| rows.each(|v, _| bigint(v.bytes_in()))),
    ),
    live(
        "bytes_out",
        Never,
        "Bytes sent to the client",
        LiveCell::Int(|rows| rows.each(|v, _| bigint(v.bytes_out()))),
    ),
    kept(
        "tls",
        Yes,
        "TLS version and cipher suite of the client's connection; NULL in clear",
        Cell::Text(|_, p| opt_text(&p.tls)),
    ),
    kept(
        "connection_attributes",
        Yes,
        "What the client tells of itself by name; NULL when it does not",
        Cell::Attributes(|_, p| p.attributes.as_ref()),
    ),
    kept(
        "connections",
        Never,
        "The session's connections to servers",
        Cell::Connections(|_, p| &p.connections),
    ),
    kept(
        "filters",
        Yes,
        "The session's filters, from the client's side; NULL when it has none",
        Cell::References("filters", |_, p| {
            (!p.filters.is_empty()).then_some(&*p.filters)
        }),
    ),
    live(
        "transaction_failed",
        Never,
        "Whether a statement failed in the transaction that the session is inside",
        LiveCell::Bool(|rows| rows.each(|v, _| v.transaction() == Transaction::Failed)),
    ),
    live(
        "last_statement_started",
        Yes,
        "When the last statement began, whether or not it still runs; NULL before the first",
        LiveCell::Time(|rows| rows.each(|v, m| v.last_statement_ms().map(|ms| m.utc_us(ms)))),
    ),
    SessionColumn {
        name: "queries",
        nullable: Never,
        doc: "The session's last statements, the newest one first; for administrators",
        origin: Origin::Statements,
    },
    logged(
        "log_debug",
        "Whether debug lines of the session are logged, whatever the program's level is",
        LogLevel::Debug,
    ),
    logged(
        "log_info",
        "The same of lines that say what happens",
        LogLevel::Info,
    ),
    logged(
        "log_notice",
        "The same as log_info: there is no level between",
        LogLevel::Info,
    ),
    logged("log_warning", "The same of warnings", LogLevel::Warning),
    logged("log_error", "The same of errors", LogLevel::Error),
];

impl Sessions {
    /// The columns of the table.
    pub fn columns() -> Schema {
        let shown = COLUMNS.iter().take(SHOWN);
        Schema::new(shown.map(SessionColumn::field).collect::<Vec<_>>())
    }

    /// The same, and what only documents and views show.
    pub fn document_columns() -> Schema {
        Schema::new(COLUMNS.iter().map(SessionColumn::field).collect::<Vec<_>>())
    }
}
