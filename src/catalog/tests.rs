use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::util::pretty::pretty_format_batches;
use async_trait::async_trait;
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;

use super::*;
use crate::session::{
    Connection, ConnectionState, KillReason, Listener, Remote, Service, SessionGuard, State,
    Topology,
};

#[derive(Debug)]
struct Names(HashMap<IpAddr, &'static str>);

#[async_trait]
impl ReverseResolver for Names {
    async fn name_of(&self, address: IpAddr) -> Option<String> {
        self.0.get(&address).map(|name| (*name).to_owned())
    }
}

struct World {
    catalog: Arc<Catalog>,
    listener: Arc<Listener>,
    other: Arc<Listener>,
    caller: Arc<Caller>,
}

impl World {
    fn new() -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 5433));
        let services = [
            Arc::new(Service::new("RW-Split-Router", "readwritesplit")),
            Arc::new(Service::new("catalog", "catalog")),
        ];
        let listener = |service, name| Arc::new(Listener::new(name, service, "mariadb", address));
        let listeners = [listener(&services[0], "rw"), listener(&services[1], "sql")];
        let registry = Registry::new();
        registry.set_topology(Topology {
            services: services.to_vec(),
            listeners: listeners.to_vec(),
            ..Topology::default()
        });
        let localhost = IpAddr::from(Ipv4Addr::LOCALHOST);
        let options = CatalogOptions {
            resolver: Arc::new(Names([(localhost, "localhost.test")].into())),
            ..CatalogOptions::default()
        };
        let [listener, other] = listeners;
        Self {
            catalog: Catalog::new(registry, options).unwrap(),
            listener,
            other,
            caller: Arc::new(Caller::new("admin", true)),
        }
    }

    fn connect(&self, listener: &Arc<Listener>, user: &str, port: u16) -> SessionGuard {
        let remote = Remote::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        let guard = self.catalog.registry().register(listener, remote).unwrap();
        guard.update(|profile| profile.user = Some(user.into()));
        guard.advance(State::Routing);
        guard
    }

    fn sessions(&self) -> Vec<SessionGuard> {
        let (rw, sql) = (&self.listener, &self.other);
        let who = [(rw, "x"), (rw, "y"), (sql, "x"), (rw, "x"), (sql, "z")];
        let connect = |((listener, user), port)| self.connect(listener, user, port);
        who.into_iter().zip(1000..).map(connect).collect()
    }

    async fn prepare(&self, sql: &str) -> Result<Prepared> {
        let parsed = Parser::parse_sql(&PostgreSqlDialect {}, sql)
            .unwrap()
            .remove(0);
        self.catalog
            .prepare(parsed, Vec::new(), Arc::clone(&self.caller))
            .await
    }

    fn run(&self, prepared: &Prepared, parameters: Vec<ScalarValue>) -> Rows {
        let parameters = ParamValues::from(parameters);
        self.catalog
            .run(prepared, parameters, Arc::clone(&self.caller))
    }

    async fn collect(&self, mut rows: Rows) -> Result<Vec<arrow::array::RecordBatch>> {
        rows.demand(u32::MAX);
        let mut batches = Vec::new();
        while let Some(batch) = rows.next().await {
            batches.push(batch?);
        }
        rows.finish();
        Ok(batches)
    }

    /// The rows, each with its values separated by `|`.
    async fn query(&self, sql: &str) -> Result<Vec<String>> {
        let prepared = self.prepare(sql).await?;
        let batches = self.collect(self.run(&prepared, Vec::new())).await?;
        let table = pretty_format_batches(&batches)?.to_string();
        let row = |line: &str| {
            let cells = line.trim_matches('|').split('|');
            cells.map(str::trim).collect::<Vec<_>>().join("|")
        };
        let lines = table.lines().filter(|line| line.starts_with('|'));
        Ok(lines.skip(1).map(row).collect())
    }
}

fn plan_of(rows: &[String]) -> String {
    rows.join("\n")
}

#[tokio::test]
async fn sessions_are_rows() {
    let world = World::new();
    let sessions = world.sessions();
    sessions[1].received(10);
    sessions[1].sent(20);
    sessions[1].statement_started();
    let rows = world
        .query(
            "SELECT id, service, listener, router, protocol, server, state, active, \"user\", remote, port, idle, \
             in_transaction, statements, bytes_in, bytes_out, tls FROM sessions ORDER BY id LIMIT 2",
        )
        .await
        .unwrap();
    assert!(rows[0].starts_with(
        "1|RW-Split-Router|rw|readwritesplit|mariadb||Session ready for routing|false|x|127.0.0.1|1000|0."
    ));
    assert_eq!(
        rows[1],
        "2|RW-Split-Router|rw|readwritesplit|mariadb||Session ready for routing|true|y|127.0.0.1|1001|0.0|false|1|10|20|"
    );
    let services = world
        .query("SELECT name, router, state, connections, total_connections, max_connections FROM services")
        .await
        .unwrap();
    assert_eq!(
        services,
        [
            "RW-Split-Router|readwritesplit|Started|3|3|3",
            "catalog|catalog|Started|2|2|2"
        ]
    );
    let listeners = world
        .query("SELECT * FROM listeners WHERE name = 'sql'")
        .await
        .unwrap();
    assert_eq!(listeners, ["sql|catalog|mariadb|127.0.0.1|5433|Running"]);
}

#[tokio::test]
async fn connections_and_filters_are_rows() {
    let world = World::new();
    let guard = world.connect(&world.listener, "x", 1);
    guard.update(|profile| {
        profile.filters = vec!["log".into(), "mask".into()];
        profile.connections.push(Connection {
            server: "db1".into(),
            connection_id: Some(77),
            state: ConnectionState::Established,
            connected_us: 0,
            tls: None,
        });
    });
    let connections = world.query("SELECT * FROM connections").await.unwrap();
    assert_eq!(connections, ["1|db1|77|established|1970-01-01T00:00:00Z|"]);
    let filters = world.query("SELECT * FROM session_filters").await.unwrap();
    assert_eq!(filters, ["1|1|log", "1|2|mask"]);
    for table in ["servers", "filters"] {
        let rows = world
            .query(&format!("SELECT * FROM {table}"))
            .await
            .unwrap();
        assert!(rows.is_empty());
    }
}

#[tokio::test]
async fn filters_on_keys_are_answered_by_the_scan() {
    let world = World::new();
    let _sessions = world.sessions();
    let cases = [
        ("id = 3", vec!["3"], true),
        ("3 = id", vec!["3"], true),
        ("id IN (4, 2, 99)", vec!["2", "4"], true),
        ("id = 2 OR id = 5", vec!["2", "5"], true),
        ("id = -1", vec![], true),
        ("\"user\" = 'x'", vec!["1", "3", "4"], true),
        (
            "service = 'catalog' AND \"user\" IN ('x', 'q')",
            vec!["3"],
            true,
        ),
        ("id IN (1, 2, 3) AND \"user\" = 'x'", vec!["1", "3"], true),
        ("id > 3", vec!["4", "5"], false),
        ("id <> 3", vec!["1", "2", "4", "5"], false),
        (
            "\"user\" LIKE 'x%' AND service = 'catalog'",
            vec!["3"],
            false,
        ),
    ];
    for (condition, ids, exact) in cases {
        let sql = format!("SELECT id FROM sessions WHERE {condition}");
        let mut rows = world.query(&sql).await.unwrap();
        rows.sort();
        assert_eq!(rows, ids, "{condition}");
        let explained = world.query(&format!("EXPLAIN {sql}")).await.unwrap();
        let plan = plan_of(&explained);
        assert_eq!(!plan.contains("FilterExec"), exact, "{condition}: {plan}");
    }
}

#[tokio::test]
async fn rows_come_in_the_order_of_ids_without_a_sort() {
    let world = World::new();
    let mut sessions = world.sessions();
    // A freed slot is taken again, so that slot order is no longer id order.
    drop(sessions.remove(1));
    sessions.push(world.connect(&world.listener, "y", 1));
    for (order, ids) in [("", "1 3 4 5 6"), ("DESC", "6 5 4 3 1")] {
        let sql = format!("SELECT id, \"user\" FROM sessions ORDER BY id {order}");
        let rows = world.query(&sql).await.unwrap();
        let found: Vec<&str> = rows
            .iter()
            .filter_map(|row| row.split('|').next())
            .collect();
        assert_eq!(found.join(" "), ids);
        let plan = plan_of(&world.query(&format!("EXPLAIN {sql}")).await.unwrap());
        assert!(!plan.contains("SortExec"), "{plan}");
        let page = world
            .query(&format!("{sql} LIMIT 2 OFFSET 1"))
            .await
            .unwrap();
        assert_eq!(page, rows[1..3]);
    }
}

#[tokio::test]
async fn a_count_reads_no_row_and_is_true_at_each_run() {
    let world = World::new();
    let sessions = world.sessions();
    let plan = plan_of(
        &world
            .query("EXPLAIN SELECT count(*) FROM sessions")
            .await
            .unwrap(),
    );
    assert!(!plan.contains("Scan: sessions columns"), "{plan}");
    let prepared = world
        .prepare("SELECT count(*) FROM sessions")
        .await
        .unwrap();
    let mut counts = Vec::new();
    for extra in 0..3u16 {
        let _more: Vec<_> = (0..extra)
            .map(|port| world.connect(&world.listener, "m", port))
            .collect();
        let batches = world
            .collect(world.run(&prepared, Vec::new()))
            .await
            .unwrap();
        counts.push(
            batches[0]
                .column(0)
                .as_primitive::<arrow::datatypes::Int64Type>()
                .value(0),
        );
    }
    assert_eq!(counts, [5, 6, 7]);
    drop(sessions);
}

#[tokio::test]
async fn all_scans_of_a_statement_see_one_membership_and_one_clock() {
    let world = World::new();
    let sessions = world.sessions();
    let statement = Statement::new(world.catalog.registry(), None);
    let lookup = statement.lookup(sessions[0].id()).unwrap();
    assert_eq!(lookup.0.id(), sessions[0].id());
    statement.will_read_all();
    assert_eq!(statement.membership().len(), 5);
    let gone = sessions[4].id();
    drop(sessions);
    let _new = world.connect(&world.listener, "n", 1);
    assert_eq!(statement.membership().len(), 5);
    assert!(statement.lookup(gone).is_some());
    assert!(statement.lookup(_new.id()).is_none());

    let _sessions = world.sessions();
    let same = world
        .query(
            "SELECT count(*) FROM sessions a JOIN sessions b ON a.id = b.id AND a.idle = b.idle \
             AND a.seconds_alive = b.seconds_alive",
        )
        .await
        .unwrap();
    assert_eq!(same, ["6"]);
}

#[tokio::test]
async fn parameters_are_typed_and_read_at_each_run() {
    let world = World::new();
    let _sessions = world.sessions();
    let prepared = world
        .prepare("SELECT id FROM sessions WHERE id = $1 OR \"user\" = $2 ORDER BY id")
        .await
        .unwrap();
    assert_eq!(prepared.parameter_types()[0], DataType::Int64);
    assert!(prepared.parameter_types()[1].is_string());
    for (id, user, rows) in [(1, "z", 2), (2, "none", 1), (9, "x", 3)] {
        let parameters = vec![ScalarValue::from(id as i64), ScalarValue::from(user)];
        let batches = world
            .collect(world.run(&prepared, parameters))
            .await
            .unwrap();
        assert_eq!(batches.iter().map(|b| b.num_rows()).sum::<usize>(), rows);
    }
    let prepared = world
        .prepare("SELECT id FROM sessions WHERE id = $1")
        .await
        .unwrap();
    let batches = world
        .collect(world.run(&prepared, vec![ScalarValue::from(3i64)]))
        .await
        .unwrap();
    assert_eq!(batches[0].num_rows(), 1);
}

fn killed(sessions: &[SessionGuard]) -> Vec<u32> {
    let killed = sessions.iter().filter(|session| session.is_killed());
    killed.map(|session| session.id().get()).collect()
}

#[tokio::test]
async fn a_kill_closes_exactly_the_rows_of_the_result() {
    let cases = [
        (
            "SELECT kill_session(id) FROM sessions WHERE \"user\" = 'x'",
            vec![1, 3, 4],
        ),
        (
            "SELECT id, kill_session(id) AS done FROM sessions WHERE \"user\" = 'x' AND idle < 1e9 AND id > 1",
            vec![3, 4],
        ),
        (
            "SELECT kill_session(id) FROM sessions WHERE \"user\" = 'y' OR service = 'catalog' AND \"user\" = 'z'",
            vec![2, 5],
        ),
        (
            "SELECT kill_session(id) FROM sessions WHERE CASE WHEN \"user\" = 'x' THEN id > 3 ELSE false END",
            vec![4],
        ),
        (
            "SELECT kill_session(id) FROM sessions WHERE id IN (SELECT max(id) FROM sessions)",
            vec![5],
        ),
        (
            "SELECT kill_session(id) FROM sessions ORDER BY id DESC LIMIT 1",
            vec![5],
        ),
        (
            "SELECT kill_session(min(id)) FROM sessions GROUP BY service HAVING count(*) > 2",
            vec![1],
        ),
        (
            "SELECT pg_catalog.pg_terminate_backend(id) FROM (SELECT id FROM sessions ORDER BY id LIMIT 2) s",
            vec![1, 2],
        ),
        ("SELECT kill_session(3)", vec![3]),
        ("EXPLAIN SELECT kill_session(id) FROM sessions", vec![]),
        (
            "SELECT kill_session(id) FROM sessions WHERE id > 99",
            vec![],
        ),
        ("SELECT kill_session(id, 3600) FROM sessions", vec![]),
    ];
    for (sql, ids) in cases {
        let world = World::new();
        let sessions = world.sessions();
        let rows = world
            .query(sql)
            .await
            .unwrap_or_else(|e| panic!("{sql}: {e}"));
        assert_eq!(killed(&sessions), ids, "{sql}");
        if !sql.starts_with("EXPLAIN") && !sql.contains("3600") {
            assert!(
                rows.iter().all(|row| row.ends_with("true")),
                "{sql}: {rows:?}"
            );
            assert_eq!(rows.len(), ids.len(), "{sql}");
        }
    }
}

#[tokio::test]
async fn a_kill_goes_as_far_as_rows_are_wanted() {
    let world = World::new();
    let sessions = world.sessions();
    let prepared = world
        .prepare("SELECT kill_session(id) FROM sessions")
        .await
        .unwrap();
    assert!(killed(&sessions).is_empty());
    let mut rows = world.run(&prepared, Vec::new());
    rows.demand(2);
    for _ in 0..2 {
        assert_eq!(rows.next().await.unwrap().unwrap().num_rows(), 1);
    }
    assert_eq!(killed(&sessions), [1, 2]);
    rows.demand(1);
    rows.next().await.unwrap().unwrap();
    drop(rows);
    assert_eq!(killed(&sessions), [1, 2, 3]);
}

#[tokio::test]
async fn a_kill_stands_in_the_top_level_select_list_only() {
    let world = World::new();
    let sessions = world.sessions();
    let cases = [
        (
            "SELECT id FROM sessions WHERE kill_session(id)",
            "may stand only by itself",
        ),
        (
            "SELECT id FROM sessions ORDER BY kill_session(id)",
            "may stand only by itself",
        ),
        (
            "SELECT id FROM (SELECT id, kill_session(id) FROM sessions) s",
            "may stand only by itself",
        ),
        (
            "SELECT CASE WHEN idle > 5 THEN kill_session(id) END FROM sessions",
            "may stand only by itself",
        ),
        (
            "SELECT count(kill_session(id)) FROM sessions",
            "may stand only by itself",
        ),
        (
            "SELECT kill_session(id) FROM sessions UNION SELECT true",
            "may stand only by itself",
        ),
        (
            "WITH k AS (SELECT kill_session(id) FROM sessions) SELECT 1",
            "may stand only by itself",
        ),
        ("SELECT DISTINCT kill_session(id) FROM sessions", "DISTINCT"),
        (
            "SELECT kill_session(id) AS k FROM sessions ORDER BY k",
            "after sorting",
        ),
        (
            "SELECT kill_session(id) AS k FROM sessions ORDER BY 1",
            "after sorting",
        ),
        (
            "EXPLAIN ANALYZE SELECT kill_session(id) FROM sessions",
            "EXPLAIN ANALYZE",
        ),
        ("SELECT kill_session() FROM sessions", "does not exist"),
    ];
    for (sql, part) in cases {
        let error = world.query(sql).await.expect_err(sql).to_string();
        assert!(error.contains(part), "{sql}: {error}");
    }
    let basic = World {
        caller: Arc::new(Caller::new("reader", false)),
        ..world
    };
    for sql in [
        "SELECT kill_session(id) FROM sessions",
        "EXPLAIN SELECT pg_cancel_backend(1)",
    ] {
        let error = basic.query(sql).await.expect_err(sql).to_string();
        assert!(error.contains("permission denied"), "{error}");
    }
    assert!(killed(&sessions).is_empty());
}

#[tokio::test]
async fn the_callers_own_kill_waits_for_the_answer() {
    let mut world = World::new();
    let sessions = world.sessions();
    let own = Arc::clone(sessions[1].session());
    world.caller = Arc::new(Caller {
        session: Some(Arc::clone(&own)),
        ..Caller::new("y", true)
    });
    assert_eq!(
        world
            .query("SELECT pg_backend_pid(), \"current_user\"()")
            .await
            .unwrap(),
        ["2|y"]
    );
    let prepared = world
        .prepare("SELECT kill_session(id) FROM sessions")
        .await
        .unwrap();
    let mut rows = world.run(&prepared, Vec::new());
    rows.demand(u32::MAX);
    let mut answered = 0;
    while let Some(batch) = rows.next().await {
        answered += batch.unwrap().num_rows();
        assert!(own.kill_reason().is_none());
    }
    assert_eq!(answered, 5);
    rows.finish();
    assert_eq!(own.kill_reason(), Some(KillReason::Administrator));
}

#[tokio::test]
async fn names_of_addresses() {
    let world = World::new();
    let _sessions = world.sessions();
    let rows = world
        .query("SELECT rdns(remote), rdns('10.0.0.1'), rdns('x') FROM sessions LIMIT 1")
        .await;
    assert_eq!(rows.unwrap(), ["localhost.test||"]);
}

#[tokio::test]
async fn a_stopped_statement_ends_at_once_whatever_it_does() {
    let world = World::new();
    let busy = [
        "SELECT count(*) FROM generate_series(1,100000) a, generate_series(1,100000) b, generate_series(1,100000) c",
        "SELECT max(a.value * b.value) FROM generate_series(1,100000) a, generate_series(1,100000) b",
        "SELECT count(*) FROM generate_series(1,100000) a JOIN generate_series(1,100000) b ON a.value <> b.value",
        "SELECT a.value FROM generate_series(1,1000000000) a ORDER BY a.value DESC LIMIT 1",
        "SELECT count(DISTINCT a.value) FROM generate_series(1,1000000000) a",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT max(n) FROM r",
        "SELECT row_number() OVER (ORDER BY a.value) FROM generate_series(1,100000000) a",
    ];
    for sql in busy {
        let prepared = world.prepare(sql).await.unwrap();
        let mut rows = world.run(&prepared, Vec::new());
        let running = Arc::downgrade(&rows.statement());
        rows.stopper().stop(StopReason::Cancelled);
        let error = rows.next().await.unwrap().unwrap_err();
        assert!(error.to_string().contains("due to user request"), "{error}");
        assert!(rows.next().await.is_none());
        drop(rows);
        // The plan lets go of the statement when its last operator has stopped.
        let gone = async {
            while running.strong_count() > 0 {
                tokio::task::yield_now().await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(20), gone).await;
        assert!(waited.is_ok(), "still running: {sql}");
    }
}

#[tokio::test]
async fn memory_is_limited() {
    let world = World::new();
    let error = world
        .query("SELECT a.value, count(*) FROM generate_series(1,100000000) a GROUP BY a.value ORDER BY 2")
        .await
        .unwrap_err();
    let root = error.find_root();
    assert!(
        matches!(root, DataFusionError::ResourcesExhausted(_)),
        "{error}"
    );
}

#[tokio::test]
async fn every_column_has_a_comment_and_no_name_twice() {
    let world = World::new();
    for (name, table) in tables(world.catalog.registry()) {
        let mut seen = BTreeMap::new();
        for field in table.schema().fields() {
            assert!(
                field.metadata().contains_key(COMMENT),
                "{name}.{}",
                field.name()
            );
            assert!(seen.insert(field.name().clone(), ()).is_none());
        }
    }
}

#[tokio::test]
async fn the_ready_questions_have_answers() {
    let world = World::new();
    let sessions = world.sessions();
    sessions[0].set_in_transaction(true);
    sessions[1].statement_started();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/queries/dba");
    let mut asked = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let sql = std::fs::read_to_string(&path).unwrap();
        assert!(sql.starts_with("-- "), "{path:?} begins with its question");
        let rows = world
            .query(&sql)
            .await
            .unwrap_or_else(|e| panic!("{path:?}: {e}"));
        let none = ["not_yet_authenticated", "clients_without_tls"];
        let expected = none
            .iter()
            .any(|name| path.to_string_lossy().contains(name));
        assert_eq!(rows.is_empty(), expected, "{path:?}: {rows:?}");
        asked += 1;
    }
    assert!(asked >= 10);
}

#[tokio::test]
async fn a_kept_plan_keeps_no_answer() {
    let world = World::new();
    let mut sessions = world.sessions();
    let cases = [
        ("SELECT count(*) FROM sessions", true),
        ("SELECT count(*), max(bytes_in) FROM sessions", true),
        ("SELECT count(*) FROM sessions WHERE \"user\" = 'x'", true),
        (
            "SELECT service, \"user\", count(*) FROM sessions GROUP BY 1, 2 ORDER BY 1, 2",
            true,
        ),
        (
            "SELECT id, bytes_in FROM sessions ORDER BY bytes_in DESC, id LIMIT 2",
            true,
        ),
        (
            "SELECT id, bytes_in FROM sessions ORDER BY bytes_in, id LIMIT 2",
            true,
        ),
        (
            "SELECT id FROM sessions WHERE bytes_in > 5 ORDER BY id",
            true,
        ),
        ("SELECT id, \"user\" FROM sessions WHERE id = 2", true),
        (
            "SELECT min(id) FROM sessions WHERE service = 'catalog'",
            true,
        ),
        (
            "SELECT id FROM sessions WHERE bytes_in = (SELECT max(bytes_in) FROM sessions)",
            false,
        ),
        (
            "SELECT count(*) FROM sessions a JOIN sessions b ON a.service = b.service",
            false,
        ),
        (
            "SELECT count(*) FROM sessions WHERE connected <= now()",
            false,
        ),
    ];
    let mut prepared = Vec::new();
    for (sql, _) in cases {
        prepared.push(world.prepare(sql).await.unwrap());
    }
    for round in 0..4u64 {
        for ((sql, kept), prepared) in cases.iter().zip(&prepared) {
            let again = world
                .collect(world.run(prepared, Vec::new()))
                .await
                .unwrap();
            let again = pretty_format_batches(&again).unwrap().to_string();
            // A statement with other white space in its text, so that it is planned anew.
            let fresh = world
                .catalog
                .prepare_sql(sql, Arc::clone(&world.caller))
                .await
                .unwrap();
            let fresh = world.collect(world.run(&fresh, Vec::new())).await.unwrap();
            let fresh = pretty_format_batches(&fresh).unwrap().to_string();
            assert_eq!(again, fresh, "{sql}, round {round}");
            assert_eq!(prepared.keep.is_open(), *kept, "{sql}");
        }
        // Values rise and fall, sessions come and go.
        sessions[0].received(round * 7 + 1);
        sessions[2].received(40 - 10 * round);
        drop(sessions.remove(3));
        sessions.push(world.connect(&world.listener, "x", 1));
        sessions.push(world.connect(&world.other, "w", 1));
    }
}

#[tokio::test]
async fn a_kept_plan_serves_several_at_once() {
    let world = World::new();
    let _sessions = world.sessions();
    let sql = "SELECT \"user\", count(*), max(idle) < 1000 FROM sessions WHERE id <> 0 GROUP BY 1 ORDER BY 1";
    let prepared = world.prepare(sql).await.unwrap();
    let runs = (0..50).map(|_| world.collect(world.run(&prepared, Vec::new())));
    for answer in futures::future::join_all(runs).await {
        let rows: usize = answer.unwrap().iter().map(|batch| batch.num_rows()).sum();
        assert_eq!(rows, 3);
    }
}

#[tokio::test]
async fn a_kept_plan_reads_its_parameters_at_each_run() {
    let world = World::new();
    let _sessions = world.sessions();
    let prepared = world
        .prepare("SELECT \"user\" FROM sessions WHERE id = $1")
        .await
        .unwrap();
    for (id, user) in [
        (2, Some("y")),
        (5, Some("z")),
        (9, None),
        (1, Some("x")),
        (-1, None),
    ] {
        let parameters = vec![ScalarValue::from(id as i64)];
        let batches = world
            .collect(world.run(&prepared, parameters))
            .await
            .unwrap();
        let found = batches
            .first()
            .map(|batch| batch.column(0).as_string_view().value(0).to_owned());
        assert_eq!(found.as_deref(), user);
        assert!(prepared.keep.is_open());
    }
    let none = world.run(&prepared, vec![ScalarValue::Int64(None)]);
    assert!(world.collect(none).await.unwrap().is_empty());
    let missing = world.run(&prepared, Vec::new());
    assert!(world.collect(missing).await.is_err());
}

#[tokio::test]
async fn nothing_makes_more_than_memory_holds() {
    let world = World::new();
    let cases = [
        "SELECT repeat('x', 2000000000)",
        "SELECT length(repeat(CAST(a.value AS TEXT), 1000000)) FROM generate_series(1, 1000) a",
        "SELECT lpad('x', 2000000000)",
        "SELECT rpad('x', 2000000000, 'yz')",
        "SELECT replace(repeat('x', 1000000), 'x', repeat('y', 1000000))",
        "SELECT regexp_replace(repeat('x', 1000000), 'x', repeat('y', 1000000), 'g')",
    ];
    for sql in cases {
        let error = world.query(sql).await.expect_err(sql).to_string();
        assert!(error.contains("too large"), "{sql}: {error}");
    }
    for sql in [
        "SELECT generate_series(1, 10000000000)",
        "SELECT array_repeat(1, 10000000000)",
    ] {
        assert!(world.query(sql).await.is_err(), "{sql}");
    }
    let rows = world
        .query("SELECT repeat('ab', 3), lpad('7', 3, '0'), replace('aXb', 'X', '--')")
        .await;
    assert_eq!(rows.unwrap(), ["ababab|007|a--b"]);
}

#[tokio::test]
async fn moments_are_in_the_callers_time_zone() {
    let mut world = World::new();
    world.caller = Arc::new(Caller {
        time_zone: "Europe/Berlin".into(),
        ..Caller::new("dba", true)
    });
    let prepared = world
        .prepare("SELECT now(), current_timestamp")
        .await
        .unwrap();
    for field in prepared.schema().fields() {
        let DataType::Timestamp(_, Some(zone)) = field.data_type() else {
            panic!("{field} is no timestamptz");
        };
        assert_eq!(&**zone, "Europe/Berlin");
    }
}

/// The tables' columns as the README shows them.
fn documented() -> String {
    let mut text = String::new();
    for (name, table) in tables(&Registry::new()) {
        text.push_str(&format!(
            "\n#### `{name}`\n\n| column | type | meaning |\n| --- | --- | --- |\n"
        ));
        for field in table.schema().fields() {
            let data_type = match field.data_type() {
                DataType::Int64 => "bigint",
                DataType::Int32 => "integer",
                DataType::Float64 => "double precision",
                DataType::Boolean => "boolean",
                DataType::Timestamp(..) => "timestamptz",
                _ => "text",
            };
            let comment = &field.metadata()[COMMENT];
            text.push_str(&format!(
                "| `{}` | {data_type} | {comment} |\n",
                field.name()
            ));
        }
    }
    text
}

#[test]
fn the_readme_shows_the_columns_as_they_are() {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let documented = documented();
    assert!(
        readme.contains(&documented),
        "README.md must contain:\n{documented}"
    );
}
