//! The engine, set up once: which tables, functions and limits every statement gets.

use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::catalog::{
    CatalogProvider, MemoryCatalogProvider, MemoryCatalogProviderList, MemorySchemaProvider,
    SchemaProvider,
};
use datafusion::common::config::Dialect;
use datafusion::common::{Result, plan_err};
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::object_store::DefaultObjectStoreRegistry;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::execution::{FunctionRegistry, SessionStateDefaults};
use datafusion::optimizer::{Analyzer, AnalyzerRule};
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::prelude::SessionConfig;
use datafusion::sql::sqlparser::ast;

use super::correlated::LateralPlanner;
use super::count::CountScans;
use super::functions::{self, DATABASE, PostgresPlanner, SCHEMA};
use super::in_turn::UnionsInTurn;
use super::operators::OperatorPlanner;
use super::resolve::{PostgresTypes, ResolveTypes};
use super::resolver::NameCache;
use super::rules::{NullWithoutRow, optimizer_rules};
use super::statement::{Caller, Statement};
use super::system::{
    Dictionary, Planner, PublicSchema, References, SystemSchema, role_oid_function,
};
use super::table::CatalogTable;
use super::tables;
use super::waiting::CallBelow;
use crate::session::Registry;
use crate::sql::parse::TypedNumbers;

/// The engine's functions whose type or value depends on the time zone.
const ZONED_FUNCTIONS: [&str; 7] = [
    "now",
    "current_date",
    "current_time",
    "to_timestamp_seconds",
    "to_timestamp_millis",
    "to_timestamp_micros",
    "to_timestamp_nanos",
];

/// The schema of the tables that documents are made of: those of `public`, with lists of what belongs to a row. Views in the
/// shape of another server's find there what the tables do not show.
const DOCUMENTS: &str = "documents";

/// Refuses a client's statement that names a table of documents: to clients there is no such schema, and nothing that
/// tells what there is names it.
///
/// # Errors
/// As if there were none.
pub(super) fn refuse_documents(statement: &ast::Statement) -> Result<()> {
    let named = ast::visit_relations(statement, |name| {
        let mut parts = name.0.iter().rev().filter_map(|part| part.as_ident());
        let (table, schema) = (parts.next(), parts.next());
        let is_quoted = |ident: &ast::Ident| ident.quote_style.is_some();
        let is_documents = |schema: &ast::Ident| match is_quoted(schema) {
            true => schema.value == DOCUMENTS,
            false => schema.value.eq_ignore_ascii_case(DOCUMENTS),
        };
        match (table, schema) {
            (Some(table), Some(schema)) if is_documents(schema) => {
                ControlFlow::Break(table.value.clone())
            }
            _ => ControlFlow::Continue(()),
        }
    });
    match named {
        ControlFlow::Break(table) => plan_err!("table '{DOCUMENTS}.{table}' not found"),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// How far an ordered scan may be read ahead of whoever wants its rows.
const SORT_BUFFER_BYTES: usize = 1 << 20;

/// Builds the state that each statement's own is made from.
///
/// Nothing in it reaches the file system or the network: no file formats, no table factories, an empty object
/// store registry, no spilling to disk.
pub(super) fn base_state(
    registry: &Arc<Registry>,
    names: &Arc<NameCache>,
    dictionary: &Arc<Dictionary>,
    planner: &Planner,
    memory_bytes_max: usize,
) -> Result<SessionState> {
    let mut config = SessionConfig::new()
        .with_default_catalog_and_schema(DATABASE, SCHEMA)
        .with_create_default_catalog_and_schema(false);
    config.options_mut().sql_parser.dialect = Dialect::PostgreSQL;
    // Operators may know better than the planner that a column is never NULL (`IS TRUE`), or not know it; and what a
    // column says of its type may be lost below an aggregate: a result says it once more.
    config
        .options_mut()
        .execution
        .skip_physical_aggregate_schema_check = true;
    // Scans read memory: reading ahead of a slow client would only hold rows twice.
    config.options_mut().execution.sort_pushdown_buffer_capacity = SORT_BUFFER_BYTES;
    let catalogs = MemoryCatalogProviderList::new();
    let database = MemoryCatalogProvider::new();
    let schema = MemorySchemaProvider::new();
    for (name, table) in super::tables(registry) {
        schema.register_table(name.to_owned(), table)?;
    }
    let documents = MemorySchemaProvider::new();
    for source in tables::all() {
        let table = CatalogTable::of_documents(source, registry);
        documents.register_table(table.name().to_owned(), Arc::new(table))?;
    }
    let system = |schema| SystemSchema::new(schema, dictionary, registry, planner);
    let (pg_catalog, information_schema) = (system("pg_catalog"), system("information_schema"));
    let public = PublicSchema {
        own: schema,
        system: Arc::clone(&pg_catalog),
    };
    database.register_schema(SCHEMA, Arc::new(public))?;
    database.register_schema(DOCUMENTS, Arc::new(documents))?;
    database.register_schema("pg_catalog", pg_catalog)?;
    database.register_schema("information_schema", information_schema)?;
    datafusion::catalog::CatalogProviderList::register_catalog(
        &catalogs,
        DATABASE.to_owned(),
        Arc::new(database),
    );
    let mut functions = functions::of_engine();
    functions.extend(functions::shared(names, dictionary));
    functions.push(Arc::new(role_oid_function()));
    let table_functions = SessionStateDefaults::default_table_functions();
    // The first that knows an expression plans it.
    let mut planners = SessionStateDefaults::default_expr_planners();
    planners.insert(0, Arc::new(TypedNumbers));
    planners.insert(0, Arc::new(OperatorPlanner::new(&functions)));
    planners.insert(0, Arc::new(PostgresPlanner::new(&functions)));
    // Types are made alike in PostgreSQL's way before the engine does it in its own.
    let types = Arc::new(ResolveTypes::new(&functions));
    let mut rules: Vec<Arc<dyn AnalyzerRule + Send + Sync>> = vec![types];
    rules.extend(Analyzer::new().rules);
    // Filters have been pushed down by then. This rule does it once more, by names of columns: where two tables of a join
    // have one name, it takes either for the other.
    let mut optimizers = PhysicalOptimizer::new().rules;
    optimizers.retain(|rule| !rule.name().starts_with("FilterPushdown"));
    optimizers.push(Arc::new(CountScans));
    optimizers.push(Arc::new(UnionsInTurn));
    let mut state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(runtime_env(memory_bytes_max)?)
        .with_catalog_list(Arc::new(catalogs))
        .with_expr_planners(planners)
        .with_scalar_functions(functions)
        .with_aggregate_functions(functions::aggregates())
        .with_window_functions(functions::window_functions())
        .with_table_function_list(table_functions)
        .with_type_planner(Arc::new(PostgresTypes))
        .with_analyzer_rules(rules)
        .with_optimizer_rules(optimizer_rules())
        .with_query_planner(Arc::new(LateralPlanner))
        .with_physical_optimizer_rules(optimizers)
        .build();
    dictionary.set_functions(&state);
    let references = Arc::new(References::new(&state));
    state.add_analyzer_rule(references);
    state.add_analyzer_rule(Arc::new(CallBelow));
    state.add_analyzer_rule(Arc::new(NullWithoutRow::default()));
    Ok(state)
}

fn runtime_env(memory_bytes_max: usize) -> Result<Arc<RuntimeEnv>> {
    let stores = DefaultObjectStoreRegistry::new();
    let file = url::Url::parse("file:///");
    if let Ok(file) = file {
        datafusion::execution::object_store::ObjectStoreRegistry::deregister_store(&stores, &file)?;
    }
    RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(GreedyMemoryPool::new(memory_bytes_max)))
        .with_disk_manager_builder(
            DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled),
        )
        .with_object_store_registry(Arc::new(stores))
        .build_arc()
}

/// The state of one statement: the base with the caller's functions, settings and the statement itself.
pub(super) fn statement_state(
    base: &SessionState,
    caller: &Caller,
    statement: &Arc<Statement>,
) -> Result<SessionState> {
    let mut state = base.clone();
    for function in functions::of_caller(caller) {
        state.register_udf(function)?;
    }
    let config = state.config_mut();
    config.options_mut().execution.time_zone = Some(caller.time_zone.to_string());
    config.set_extension(Arc::clone(statement));
    // Functions such as now() take the time zone from the settings that they were made with.
    for name in ZONED_FUNCTIONS {
        let options = state.config().options();
        let zoned = state.scalar_functions().get(name);
        if let Some(zoned) = zoned.and_then(|f| f.inner().with_updated_config(options)) {
            state.register_udf(Arc::new(zoned))?;
        }
    }
    let now = chrono::DateTime::from_timestamp_micros(statement.clock().utc_us);
    if let Some(now) = now {
        let properties = state.execution_props_mut();
        properties.query_execution_start_time = Some(now);
    }
    // Functions that run get the settings from here, the time zone among them.
    let options = Arc::clone(state.config().options());
    state.execution_props_mut().config_options = Some(options);
    Ok(state)
}
