use super::*;

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

fn with_servers() -> World {
    let world = World::new();
    let registry = world.catalog.registry();
    let server = |name| Arc::new(Server::new(name, "127.0.0.1", 5432, "postgresql", None));
    registry.set_topology(Topology {
        servers: ["db1", "db2"].map(server).to_vec(),
        ..Topology::clone(&registry.topology())
    });
    world
}

#[tokio::test]
async fn a_server_goes_into_maintenance_and_back() {
    let world = with_servers();
    let states = "SELECT name, state FROM servers ORDER BY name";
    for (sql, rows, after) in [
        (
            "SELECT set_server_state('db1', 'maintenance')",
            &["true"][..],
            ["db1|Maintenance, Unknown", "db2|Unknown"],
        ),
        (
            "SELECT name, set_server_state(name, 'Maintenance') FROM servers ORDER BY name",
            &["db1|false", "db2|true"],
            ["db1|Maintenance, Unknown", "db2|Maintenance, Unknown"],
        ),
        (
            "SELECT set_server_state(name, 'running') AS back FROM servers WHERE state LIKE 'Maintenance%' AND name = 'db1'",
            &["true"],
            ["db1|Unknown", "db2|Maintenance, Unknown"],
        ),
        (
            "SELECT set_server_state('db1', 'running')",
            &["false"],
            ["db1|Unknown", "db2|Maintenance, Unknown"],
        ),
        (
            "SELECT set_server_state(NULL, 'maintenance'), set_server_state('db1', NULL)",
            &["|"],
            ["db1|Unknown", "db2|Maintenance, Unknown"],
        ),
        (
            "EXPLAIN SELECT set_server_state(name, 'running') FROM servers",
            &[],
            ["db1|Unknown", "db2|Maintenance, Unknown"],
        ),
    ] {
        let answer = world.query(sql).await;
        let answer = answer.unwrap_or_else(|e| panic!("{sql}: {e}"));
        assert!(rows.is_empty() || answer == rows, "{sql}: {answer:?}");
        assert_eq!(world.query(states).await.unwrap(), after, "{sql}");
    }
}

#[tokio::test]
async fn a_servers_state_is_set_by_parameters_too() {
    let world = with_servers();
    let prepared = world.prepare("SELECT set_server_state($1, $2)").await;
    let prepared = prepared.unwrap();
    for (state, maintained) in [("maintenance", true), ("running", false)] {
        let parameters = vec![ScalarValue::from("db2"), ScalarValue::from(state)];
        let rows = world.run(&prepared, parameters);
        let batches = world.collect(rows).await.unwrap();
        assert!(batches[0].column(0).as_boolean().value(0));
        let topology = world.catalog.registry().topology();
        assert_eq!(topology.servers[1].in_maintenance(), maintained);
    }
}

#[tokio::test]
async fn a_servers_state_is_set_by_administrators_to_what_exists() {
    let world = with_servers();
    let refused = [
        (
            "SELECT set_server_state('db3', 'maintenance')",
            "42704",
            "server \"db3\" does not exist",
        ),
        (
            "SELECT set_server_state('db1', 'down')",
            "22023",
            "a server cannot be put into state \"down\": it can be \"maintenance\" or \"running\"",
        ),
        (
            "SELECT set_server_state('db1')",
            "42883",
            "function set_server_state('db1') does not exist",
        ),
        (
            "SELECT name FROM servers WHERE set_server_state(name, 'maintenance')",
            "0A000",
            "set_server_state() may stand only by itself",
        ),
    ];
    let basic = World {
        catalog: Arc::clone(&world.catalog),
        caller: Arc::new(Caller::new("reader", false)),
        ..with_servers()
    };
    let denied = "permission denied for function set_server_state";
    let denied = (
        "SELECT set_server_state('db1', 'maintenance')",
        "42501",
        denied,
    );
    let cases = refused.map(|case| (&world, case));
    for (world, (sql, sqlstate, message)) in cases.into_iter().chain([(&basic, denied)]) {
        let error = world.query(sql).await.expect_err(sql);
        let DataFusionError::External(inner) = error.find_root() else {
            panic!("{sql}: {error}");
        };
        let error = inner.downcast_ref::<CatalogError>().expect(sql);
        assert_eq!(error.sqlstate(), sqlstate, "{sql}");
        assert!(error.to_string().starts_with(message), "{sql}: {error}");
    }
    let topology = world.catalog.registry().topology();
    assert!(
        !topology
            .servers
            .iter()
            .any(|server| server.in_maintenance())
    );
}
