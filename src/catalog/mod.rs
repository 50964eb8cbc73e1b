//! Sessions as Arrow tables, and the engine that answers SQL over them.
//!
//! Each table is one file in `tables/`; each of its columns has one definition. A statement is planned and run on
//! threads of its own; all scans in it see one membership and one clock.
//!
//! Functions that act (`kill_session` …) are no functions of the engine: see `action`.

mod action;
mod apart;
mod brief;
mod column;
mod correlated;
mod count;
mod engine;
mod error;
mod explain;
mod functions;
mod in_turn;
mod joins;
mod kept;
mod keys;
mod latency;
mod opened;
mod operators;
mod origin;
mod parameters;
mod planning;
mod resolve;
mod resolver;
mod rules;
mod runtime;
mod settings;
mod snapshot;
mod sources;
mod statement;
mod stop;
mod system;
mod table;
mod tables;
#[cfg(test)]
mod tests;
mod type_names;
mod waiting;
mod whole_rows;

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::datatypes::{FieldRef, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::common::ParamValues;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::SQLOptions;
use datafusion::sql::parser::Statement as EngineStatement;
use datafusion::sql::sqlparser::ast;
use moka::sync::Cache;

pub(crate) use column::PASSING;
pub use column::{COMMENT, MODIFIER, TYPE};
pub use error::{CatalogError, StopReason};
pub use functions::{DATABASE, VERSION};
pub(crate) use functions::{asctime_texts, read_interval};
pub use latency::Latencies;
pub use opened::{OpenCursor, Opened, PreparedStatement};
pub use origin::{ORIGIN, origin_of};
pub use resolver::{ReverseResolver, SystemResolver};
pub use runtime::{Rows, Stopper};
pub use settings::{ClientSettings, Setting};
pub use snapshot::{PageEnd, Snapshot};
pub use statement::{Caller, Statement};
pub use system::{Role, Roles};

use crate::session::Registry;
use explain::Explain;
use kept::{Keep, Reach};
use system::{Dictionary, Planner, References};

/// The catalog's tables as a schema for an engine of your own: `sessions`, `connections`, `services`,
/// `listeners`, `servers`, `filters`, `session_filters`. Every statement that is planned over them sees one
/// membership and one clock for each table it scans.
///
/// ```
/// use std::sync::Arc;
/// use datafusion::prelude::{SessionConfig, SessionContext};
/// use rollcall::session::{Listener, Registry, Remote, Service, State};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// let service = Arc::new(Service::new("chat", "none"));
/// let listener = Arc::new(Listener::new("in", &service, "chat", socket.local_addr()?));
/// let registry = Registry::new();
/// # let client = tokio::net::TcpStream::connect(socket.local_addr()?);
/// # let client = tokio::spawn(client);
///
/// // In your accept loop: the session lives as long as the guard.
/// let (_stream, peer) = socket.accept().await?;
/// let guard = registry.register(&listener, Remote::Tcp(peer))?;
/// guard.update(|profile| profile.user = Some("maxuser".into()));
/// guard.advance(State::Routing);
///
/// // In your SessionContext: who is connected, as a table.
/// let context = SessionContext::new_with_config(SessionConfig::new());
/// for (name, table) in rollcall::catalog::tables(&registry) {
///     context.register_table(name, table)?;
/// }
/// let who = context.sql("SELECT id, \"user\", service FROM sessions").await?;
/// assert_eq!(who.count().await?, 1);
/// # Ok(()) }
/// ```
pub fn tables(registry: &Arc<Registry>) -> Vec<(&'static str, Arc<dyn TableProvider>)> {
    let table = |source| {
        let table = table::CatalogTable::new(source, registry);
        (table.name(), Arc::new(table) as Arc<dyn TableProvider>)
    };
    tables::all().into_iter().map(table).collect()
}

/// What a catalog is set up with.
#[derive(Clone, Debug)]
pub struct CatalogOptions {
    /// What all running statements may hold together, in bytes.
    pub query_memory_bytes_max: usize,
    /// Who answers `rdns()`.
    pub resolver: Arc<dyn ReverseResolver>,
    /// How long one lookup of `rdns()` may take.
    pub rdns_timeout: Duration,
    /// Who is shown as a role.
    pub roles: Arc<dyn Roles>,
}

impl Default for CatalogOptions {
    fn default() -> Self {
        Self {
            query_memory_bytes_max: 256 << 20,
            resolver: Arc::new(SystemResolver::default()),
            rdns_timeout: Duration::from_secs(1),
            roles: Arc::new(system::NoRoles),
        }
    }
}

/// Planned statements that are remembered.
const PREPARED_MAX: u64 = 512;

/// Length of a statement that is remembered, in bytes.
const REMEMBERED_BYTES_MAX: usize = 8 << 10;

/// The virtual database, and the threads that answer for it.
pub struct Catalog {
    registry: Arc<Registry>,
    /// What the state of each statement is made from; it plans the system's views when they are first named.
    base: Arc<SessionState>,
    references: References,
    dictionary: Arc<Dictionary>,
    runtime: runtime::QueryRuntime,
    threads: usize,
    latencies: Latencies,
    /// What was asked before, by anybody.
    prepared: Cache<PlanKey, Prepared>,
}

/// What must be the same for a planned statement to serve again.
#[derive(Clone, PartialEq, Eq, Hash)]
struct PlanKey {
    statement: ast::Statement,
    parameter_types: Vec<Option<FieldRef>>,
    time_zone: Arc<str>,
    admin: bool,
}

impl Catalog {
    /// A catalog over a registry.
    ///
    /// # Errors
    /// [`CatalogError::Start`] when the engine or its threads cannot be set up.
    pub fn new(
        registry: Arc<Registry>,
        options: CatalogOptions,
    ) -> Result<Arc<Self>, CatalogError> {
        let names = resolver::NameCache::new(options.resolver, options.rdns_timeout);
        let memory = options.query_memory_bytes_max;
        let dictionary = Arc::new(Dictionary::new(&tables::all(), options.roles));
        let planner = Planner::default();
        let base = engine::base_state(&registry, &Arc::new(names), &dictionary, &planner, memory)
            .map_err(|error| CatalogError::Start(error.to_string()))?;
        let base = Arc::new(base);
        let _ = planner.set(Arc::downgrade(&base));
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let runtime = runtime::QueryRuntime::new(threads)
            .map_err(|error| CatalogError::Start(error.to_string()))?;
        Ok(Arc::new(Self {
            registry,
            references: References::new(&base),
            base,
            dictionary,
            runtime,
            threads,
            latencies: Latencies::new().map_err(|error| CatalogError::Start(error.to_string()))?,
            prepared: Cache::new(PREPARED_MAX),
        }))
    }

    /// The sessions that it tells of.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// How long statements have taken.
    pub fn latencies(&self) -> &Latencies {
        &self.latencies
    }

    /// Plans a query or an EXPLAIN of one. `parameter_types` are those that the client declared, by position.
    ///
    /// # Errors
    /// What the engine has against the statement, or a [`CatalogError`] in [`DataFusionError::External`].
    pub async fn prepare(
        self: &Arc<Self>,
        statement: ast::Statement,
        parameter_types: Vec<Option<FieldRef>>,
        caller: Arc<Caller>,
    ) -> Result<Prepared> {
        engine::refuse_documents(&statement)?;
        let key = PlanKey {
            statement,
            parameter_types,
            time_zone: Arc::clone(&caller.time_zone),
            admin: caller.admin,
        };
        if let Some(prepared) = self.prepared.get(&key) {
            return Ok(prepared);
        }
        let catalog = Arc::clone(self);
        let plan = async move {
            let types = key.parameter_types.clone();
            let prepared = catalog.plan(key.statement.clone(), types, &caller).await?;
            if !prepared.keep.reach().caller && is_small(&key.statement) {
                catalog.prepared.insert(key, prepared.clone());
            }
            Ok(prepared)
        };
        // Boxed, so that a statement that is remembered does not move what planning needs room for.
        Box::pin(self.runtime.complete(plan)).await
    }

    /// Plans one statement from text, for queries that ship with the program. Parameters may be named.
    ///
    /// # Errors
    /// As [`Catalog::prepare`].
    pub async fn prepare_sql(self: &Arc<Self>, sql: &str, caller: Arc<Caller>) -> Result<Prepared> {
        let (catalog, sql) = (Arc::clone(self), sql.to_owned());
        let plan = async move {
            let dialect = catalog.base.config().options().sql_parser.dialect;
            match catalog.base.sql_to_statement(&sql, &dialect)? {
                EngineStatement::Statement(statement) => {
                    catalog.plan(*statement, Vec::new(), &caller).await
                }
                other => Err(DataFusionError::Plan(format!("not a query: {other}"))),
            }
        };
        self.runtime.complete(plan).await
    }

    /// Runs a prepared statement: it is optimised, planned and executed on a query thread, with one membership
    /// and one clock, both from now. Its second run is answered where its rows are read, if that is certain to take
    /// no longer than the way to a query thread.
    pub fn run(
        self: &Arc<Self>,
        prepared: &Prepared,
        parameters: ParamValues,
        caller: Arc<Caller>,
    ) -> Rows {
        let asking = Some(Arc::clone(&caller));
        let statement = Statement::with_parameters(&self.registry, asking, parameters);
        self.run_statement(prepared, caller, Arc::new(statement))
    }

    fn run_statement(
        self: &Arc<Self>,
        prepared: &Prepared,
        caller: Arc<Caller>,
        statement: Arc<Statement>,
    ) -> Rows {
        let latency = self.latencies.begin(&caller);
        let said = |rows: Rows| match prepared.is_named {
            true => rows.said(&prepared.schema),
            false => rows,
        };
        if prepared.actions.is_empty()
            && let Some(brief) = prepared.keep.brief(&caller, self.partitions())
        {
            statement.runs_kept(1, false);
            let rows = brief.run(Arc::clone(&statement));
            return said(Rows::at_once(statement, rows, latency));
        }
        let catalog = Arc::clone(self);
        let running = Arc::clone(&statement);
        let begun = prepared.clone();
        let begin = async move { catalog.begin(begun, &caller, running).await };
        said(self.runtime.start(statement, begin, latency))
    }

    async fn plan(
        &self,
        mut statement: ast::Statement,
        declared: Vec<Option<FieldRef>>,
        caller: &Caller,
    ) -> Result<Prepared> {
        let actions = match &mut statement {
            ast::Statement::Query(query) => action::extract(query)?,
            ast::Statement::Explain {
                statement, analyze, ..
            } => {
                if let ast::Statement::Query(query) = statement.as_mut()
                    && let Some(item) = action::extract(query)?.first()
                {
                    allow(item, caller)?;
                    if *analyze {
                        return Err(CatalogError::ActionExplained(item.action.name()).into());
                    }
                }
                Vec::new()
            }
            _ => Vec::new(),
        };
        for item in &actions {
            allow(item, caller)?;
        }
        let (mut statement, explain) = Explain::extract(statement);
        let _ = ast::VisitMut::visit(&mut statement, &mut joins::NameBrackets);
        let _ = ast::VisitMut::visit(&mut statement, &mut planning::NameSubqueries::default());
        system::resolve_tableoids(&mut statement, &self.dictionary);
        let now = Arc::new(Statement::new(&self.registry, None));
        let state = engine::statement_state(&self.base, caller, &now)?;
        joins::write_out(&state, &mut statement).await?;
        let plan = planning::plan_or_name(state.clone(), statement).await?;
        let plan = self.references.spell_result(plan)?;
        // The doors let only queries through; this holds for every other caller too.
        SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false)
            .with_allow_statements(false)
            .verify_plan(&plan)?;
        let (plan, parameters) = parameters::settle(plan, declared)?;
        let prepared = Prepared::new(plan, parameters, actions, (&state, &self.dictionary), &now)?;
        Ok(match explain {
            Some(explain) => prepared.explained(explain),
            None => prepared,
        })
    }

    async fn begin(
        &self,
        prepared: Prepared,
        caller: &Caller,
        statement: Arc<Statement>,
    ) -> Result<SendableRecordBatchStream> {
        let (plan, context) = match self.kept(&prepared, caller, &statement).await? {
            Some(kept) => kept,
            None => {
                let state = engine::statement_state(&self.base, caller, &statement)?;
                let parameters = statement.parameters().clone();
                let plan = Arc::unwrap_or_clone(prepared.plan).with_param_values(parameters)?;
                let begun = Instant::now();
                let plan = correlated::physical_plan(&state, &statement, &plan).await?;
                let (plan, context) = (stop::stoppable(plan)?, state.task_ctx());
                if let Some(explain) = prepared.explain {
                    return Ok(explain.answer(plan, context, begun.elapsed()));
                }
                (plan, context)
            }
        };
        let rows = execute_stream(plan, context)?;
        if prepared.actions.is_empty() {
            return Ok(rows);
        }
        Ok(action::act(rows, prepared.actions, statement))
    }

    /// Into how many parts scans are split now.
    fn partitions(&self) -> usize {
        self.registry.chunks_used().clamp(1, self.threads)
    }

    /// The statement's kept plan for one run; made now if it can be kept and has not been.
    async fn kept(
        &self,
        prepared: &Prepared,
        caller: &Caller,
        statement: &Arc<Statement>,
    ) -> Result<Option<kept::Runnable>> {
        let keep = &prepared.keep;
        if !keep.is_open() {
            return Ok(None);
        }
        let partitions = self.partitions();
        let runtime = self.base.runtime_env();
        let kept = keep.runnable(caller, partitions, statement, runtime)?;
        if kept.is_some() {
            return Ok(kept);
        }
        let planning = Arc::new(Statement::new(&self.registry, None));
        planning.plan_to_be_kept();
        let mut state = engine::statement_state(&self.base, caller, &planning)?;
        keep.plan(&prepared.plan, caller, partitions, &mut state, &planning)
            .await?;
        keep.runnable(caller, partitions, statement, runtime)
    }
}

/// Whether a statement is one that is worth remembering: a long one does not come twice.
fn is_small(statement: &ast::Statement) -> bool {
    statement.to_string().len() <= REMEMBERED_BYTES_MAX
}

fn allow(item: &action::Item, caller: &Caller) -> Result<(), CatalogError> {
    match caller.admin {
        true => Ok(()),
        false => Err(CatalogError::NotAdministrator(item.action.name())),
    }
}

/// A planned statement, to be run any number of times.
#[derive(Clone, Debug)]
pub struct Prepared {
    plan: Arc<LogicalPlan>,
    schema: SchemaRef,
    /// Whether the schema says of a column that it is of another type than the engine would say.
    is_named: bool,
    parameters: Arc<[FieldRef]>,
    actions: Vec<action::Item>,
    keep: Arc<Keep>,
    reads_opened: bool,
    /// It is not answered but explained.
    explain: Option<Explain>,
}

impl Prepared {
    fn new(
        plan: LogicalPlan,
        parameters: Vec<FieldRef>,
        actions: Vec<action::Item>,
        (state, dictionary): (&SessionState, &Dictionary),
        statement: &Arc<Statement>,
    ) -> Result<Self> {
        // The analyzer settles the types of set operations and the like; it may lack parameter values for that,
        // and then the plan as it stands tells as much as is known.
        let options = state.config().options();
        let analyzed = state
            .analyzer()
            .execute_and_check(plan.clone(), options, |_, _| {})
            .or_else(|_| {
                let plan = correlated::analysable(state, statement, &plan)?;
                state.analyzer().execute_and_check(plan, options, |_, _| {})
            });
        let analyzed = match analyzed {
            // What is wrong has been said in PostgreSQL's words: no parameter could mend it.
            Err(refused) if error::is_refusal(&refused) => return Err(refused),
            analyzed => analyzed.ok(),
        };
        let known = analyzed.as_ref().unwrap_or(&plan);
        let (schema, reach) = (known.schema().inner(), Reach::of(known)?);
        let schema = type_names::with_element_types(schema);
        let schema = origin::with_origins(&schema, &plan, dictionary);
        let schema = action::result_schema(&schema, &actions);
        Ok(Self {
            is_named: type_names::has_names(&schema),
            schema,
            keep: Arc::new(Keep::new(reach)),
            reads_opened: opened::reads_opened(&plan)?,
            plan: Arc::new(plan),
            parameters: parameters.into(),
            actions,
            explain: None,
        })
    }

    /// The same statement, to be explained.
    fn explained(self, explain: Explain) -> Self {
        let once = Reach {
            moment: true,
            ..self.keep.reach()
        };
        Self {
            schema: explain.schema(),
            is_named: false,
            keep: Arc::new(Keep::new(once)),
            actions: Vec::new(),
            explain: Some(explain),
            ..self
        }
    }

    /// The result's columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The parameters' types, by position, as those of columns; text where nothing is known.
    pub fn parameters(&self) -> &[FieldRef] {
        &self.parameters
    }

    /// Whether it reads what its caller has open, [`Caller::opened`].
    pub fn reads_opened(&self) -> bool {
        self.reads_opened
    }

    /// The plan of the query.
    pub fn plan(&self) -> &LogicalPlan {
        &self.plan
    }

    /// The same statement with another plan. Its [`schema`](Self::schema) stays that of the query that was prepared.
    pub fn with_plan(&self, plan: LogicalPlan) -> Self {
        Self {
            plan: Arc::new(plan),
            keep: Arc::new(Keep::new(self.keep.reach())),
            is_named: false,
            ..self.clone()
        }
    }

    /// Whether a physical plan is kept for the next run.
    #[cfg(test)]
    pub(crate) fn is_kept(&self) -> bool {
        self.keep.is_kept()
    }
}
