use std::net::SocketAddr;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Field, Schema};
use datafusion::common::ParamValues;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};

use super::super::document::{DocumentShape, DocumentWriter, Own};
use super::super::json::Style;
use super::super::resource::{DEFINITIONS, Kind};
use super::*;
use crate::catalog::{Caller, Catalog, CatalogOptions};
use crate::session::{
    Connection, ConnectionState, Filter, Listener, Registry, Remote, Server, Service, SessionGuard,
    State, Topology,
};

/// Sessions of which hardly two are alike.
fn world() -> (Arc<Registry>, Vec<SessionGuard>) {
    let registry = Registry::new();
    let names = ["shop", "\"quoted\"", "längere Namen als zwölf"];
    let listeners = names.map(|name| {
        let mut service = Service::new(name, "none");
        service.servers = vec!["db1".into(), "db 2".into()];
        let service = Arc::new(service);
        let bound = SocketAddr::from(([127, 0, 0, 1], 5433));
        Arc::new(Listener::new("in", &service, "postgresql", bound))
    });
    registry.set_topology(Topology {
        services: listeners
            .iter()
            .map(|listener| Arc::clone(&listener.service))
            .collect(),
        listeners: listeners.to_vec(),
        servers: vec![Arc::new(Server::new(
            "db1",
            "::1",
            5432,
            "postgresql",
            None,
        ))],
        filters: vec![Arc::new(Filter {
            name: "audit".into(),
            module: "log".into(),
        })],
    });
    let remotes = [
        Remote::Tcp("127.0.0.1:5000".parse().unwrap()),
        Remote::Tcp("[2001:db8::7]:5001".parse().unwrap()),
        Remote::Tcp("203.0.113.250:5002".parse().unwrap()),
        Remote::Unix,
    ];
    let texts = [
        None,
        Some(""),
        Some("maxuser"),
        Some("tab\tand \\ \"quotes\""),
    ];
    let guards = (0..90).map(|at: usize| {
        let remote = remotes[at % remotes.len()];
        let guard = registry
            .register(&listeners[at % listeners.len()], remote)
            .unwrap();
        guard.update(|profile| {
            profile.user = texts[at / 2 % texts.len()].map(Into::into);
            profile.database = texts[at / 3 % texts.len()].map(Into::into);
            profile.application_name = texts[at / 5 % texts.len()].map(Into::into);
            profile.tls = at
                .is_multiple_of(7)
                .then(|| "TLS13_AES_256_GCM_SHA384".into());
            profile.filters = vec!["audit".into(); at % 3];
            profile.connections = (0..at % 4).map(connection).collect();
        });
        if at.is_multiple_of(2) {
            guard.advance(State::Routing);
        }
        guard
    });
    let guards = guards.collect();
    (registry, guards)
}

fn connection(at: usize) -> Connection {
    Connection {
        server: format!("db{at}").into(),
        connection_id: (at > 0).then_some(at as i64),
        state: ConnectionState::Established,
        connected_us: 0,
        tls: (at > 1).then(|| "TLS13_AES_256_GCM_SHA384".into()),
    }
}

fn caller() -> Arc<Caller> {
    Arc::new(Caller::new("", false))
}

/// The query's projection with its parameters settled.
async fn projection(catalog: &Arc<Catalog>, sql: &str, rdns: bool) -> Projection {
    let prepared = catalog.prepare_sql(sql, caller()).await.unwrap();
    let settled = ParamValues::from(vec![
        ("rdns", ScalarValue::from(rdns)),
        ("version", ScalarValue::from("1.2.3")),
        ("retained", ScalarValue::from(3_i64)),
    ]);
    let plan = prepared.plan().clone();
    match plan.replace_params_with_values(&settled).unwrap() {
        LogicalPlan::Projection(projection) => projection,
        other => panic!("{other}"),
    }
}

fn renamed(names: &[String], columns: &[ArrayRef]) -> RecordBatch {
    let fields = names.iter().zip(columns);
    let fields = fields.map(|(name, column)| Field::new(name, column.data_type().clone(), true));
    let schema = Schema::new(fields.collect::<Vec<_>>());
    RecordBatch::try_new(Arc::new(schema), columns.to_vec()).unwrap()
}

fn written(compiled: Compiled, batch: &RecordBatch, style: Style) -> Vec<String> {
    let shape = Arc::new(DocumentShape::new("things", compiled, Own::Id));
    let writer = || DocumentWriter::new(Arc::clone(&shape), "http://host/v1/".into(), style);
    let mut list = writer();
    let objects = list.bind(batch).unwrap();
    list.begin_list();
    list.objects(&objects, 0..batch.num_rows());
    list.end_list();
    let single = |row| {
        let mut single = writer();
        single.single(&batch.slice(row, 1)).unwrap();
        single.into_text()
    };
    let texts = (0..batch.num_rows()).map(single);
    let texts = [list.into_text()].into_iter().chain(texts);
    texts.map(|text| String::from_utf8(text).unwrap()).collect()
}

/// Checks that the documents are those that the engine's own evaluation leads to, of all rows as a list and of each.
/// Both come from one run: the clock is the same. What the engine was asked for is handed back.
async fn agree(catalog: &Arc<Catalog>, sql: &str, rdns: bool) -> Vec<String> {
    let projection = projection(catalog, sql, rdns).await;
    let names: Vec<String> = projection
        .schema
        .fields()
        .iter()
        .map(|f| f.name().clone())
        .collect();
    let compile = || compile(&projection).unwrap();
    let Compiled {
        queried: asked,
        key,
        ..
    } = compile();
    let whole = projection.expr.iter().skip(1).enumerate();
    let whole = whole.map(|(at, expr)| expr.clone().unalias().alias(format!("whole {at}")));
    let all: Vec<Expr> = asked.iter().cloned().chain(whole).collect();
    let plan = LogicalPlanBuilder::from(Arc::unwrap_or_clone(Arc::clone(&projection.input)));
    let plan = plan.project(all).unwrap().build().unwrap();
    let prepared = catalog
        .prepare_sql(sql, caller())
        .await
        .unwrap()
        .with_plan(plan);
    let mut rows = catalog.run(&prepared, ParamValues::List(Vec::new()), caller());
    let mut count = 0;
    while let Some(batch) = rows.next().await {
        let batch = batch.unwrap();
        count += batch.num_rows();
        let (queried, whole) = batch.columns().split_at(asked.len());
        let queried_names: Vec<String> = (0..asked.len()).map(|at| at.to_string()).collect();
        let queried = renamed(&queried_names, queried);
        let mut columns = vec![Arc::clone(batch.column(key))];
        columns.extend_from_slice(whole);
        let whole = renamed(&names, &columns);
        for style in [Style::Compact, Style::Pretty] {
            let by_engine = Compiled::of_columns(&whole.schema()).unwrap();
            let expected = written(by_engine, &whole, style);
            assert_eq!(written(compile(), &queried, style), expected, "{sql}");
        }
    }
    assert!(count > 0, "{sql}");
    let besides = asked.iter().enumerate().filter(|(at, _)| *at != key);
    besides.map(|(_, expr)| expr.to_string()).collect()
}

#[tokio::test]
async fn the_resources_are_written_as_the_engine_evaluates_them() {
    let (registry, _guards) = world();
    let catalog = Catalog::new(registry, CatalogOptions::default()).unwrap();
    for definition in &DEFINITIONS {
        let asked = agree(&catalog, definition.sql, false).await;
        // What is told of the program is computed.
        let is_plain = |expr: &String| expr.starts_with("documents.");
        let computed = definition.kind == Kind::Single;
        assert!(computed || asked.iter().all(is_plain), "{asked:?}");
    }
    let asked = agree(&catalog, DEFINITIONS[0].sql, true).await;
    assert!(asked.iter().any(|expr| expr.contains("rdns")), "{asked:?}");
}

/// Plans `SELECT id, {expr} AS a FROM sessions` and checks it; what it asks for besides the id.
async fn asked(catalog: &Arc<Catalog>, expr: &str) -> Vec<String> {
    agree(
        catalog,
        &format!("SELECT id, {expr} AS a FROM sessions"),
        false,
    )
    .await
}

#[tokio::test]
async fn what_the_writer_knows_is_as_the_engine_has_it() {
    let (registry, _guards) = world();
    let catalog = Catalog::new(registry, CatalogOptions::default()).unwrap();
    for expr in [
        "\"user\"",
        "NULL",
        "'a \"text\"'",
        "1.5",
        "true",
        "named_struct('none', NULL, 'user', \"user\", 'yes', true, 'pi', 3.5, 'ten', 10)",
        "named_struct('user', \"user\", 'in', named_struct('tls', tls), 'database', database)",
        "named_struct('links', named_struct('self', concat('users/', \"user\", '/', database)))",
        "make_array()",
        "make_array(\"user\", database, 'x', tls)",
        "make_array(named_struct('user', \"user\"), named_struct('user', database))",
        "named_struct('list', make_array(make_array(\"user\")), 'user', \"user\")",
        "concat(\"user\", ' of ', database, NULL)",
        "concat(\"user\", asctime(statement_started))",
        "coalesce(\"user\", database, tls)",
        "coalesce(\"user\", concat('::', database))",
        "CASE WHEN \"user\" = 'maxuser' THEN database WHEN tls IS NULL THEN 'plain' END",
        "CASE WHEN NOT (\"user\" <> 'maxuser' AND database = '') THEN 1 ELSE 2 END",
        "CASE WHEN \"user\" = '' OR contains(database, 'u') THEN port END",
        "CASE WHEN contains(\"user\", '\"') AND database IS NOT NULL THEN named_struct('u', tls) END",
        "CASE WHEN active THEN 'on' ELSE 'off' END",
        "CASE WHEN NULL THEN 1 WHEN false THEN 2 WHEN true THEN 3 ELSE 4 END",
        "CASE WHEN tls IS NOT NULL THEN make_array(tls, \"user\") ELSE make_array(database) END",
        "named_struct('x', CASE WHEN tls IS NULL THEN \"user\" END, 'y', coalesce(tls, database))",
        "trunc(seconds_alive * 3 + 0.5) / 10 - 1",
        "asctime(connected)",
        "asctime(statement_started)",
    ] {
        for column in asked(&catalog, expr).await {
            assert!(column.starts_with("sessions."), "{expr} asks for {column}");
        }
    }
}

#[tokio::test]
async fn the_rest_is_left_to_the_engine() {
    let (registry, _guards) = world();
    let catalog = Catalog::new(registry, CatalogOptions::default()).unwrap();
    for (expr, count) in [
        ("upper(\"user\")", 1),
        (
            "named_struct('u', upper(\"user\"), 'd', database, 'again', upper(\"user\"))",
            2,
        ),
        ("concat(upper(\"user\"), database)", 2),
        ("concat(\"user\", port)", 1),
        ("coalesce(upper(\"user\"), database)", 2),
        ("CASE WHEN port > 5000 THEN \"user\" END", 2),
        // What is not evaluated for all rows is not to be evaluated ahead.
        ("CASE WHEN tls IS NULL THEN upper(\"user\") END", 1),
        ("CASE WHEN id < 0 THEN 1 / (id - id) ELSE id END", 1),
        (
            "CASE WHEN tls IS NOT NULL THEN 1 WHEN 1 / port > 7 THEN 2 END",
            1,
        ),
        ("coalesce(\"user\", upper(database))", 1),
        ("coalesce(port, 5)", 1),
        ("CASE port WHEN 5001 THEN 'v6' END", 1),
        ("CASE WHEN tls IS NULL THEN 1 ELSE 2.5 END", 1),
        ("make_array(1, 2.5, port)", 1),
        ("idle > 5", 1),
        ("port * 10", 1),
    ] {
        assert_eq!(asked(&catalog, expr).await.len(), count, "{expr}");
    }
}
