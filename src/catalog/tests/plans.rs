use super::*;

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
    assert_eq!(prepared.parameters()[0].data_type(), &DataType::Int64);
    assert!(prepared.parameters()[1].data_type().is_string());
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
        "SELECT array_to_string(string_to_array(repeat('a,', 1000), ','), repeat('x', 60000000))",
        "SELECT concat(repeat('x', 60000000), repeat('x', 60000000))",
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

#[tokio::test]
async fn a_page_of_one_name_comes_from_the_directory_and_is_the_same() {
    let world = World::new();
    let mut sessions = world.sessions();
    for port in 0..20 {
        sessions.push(world.connect(&world.other, if port % 3 == 0 { "x" } else { "v" }, port));
    }
    drop(sessions.remove(3));
    sessions[1].update(|profile| profile.user = Some("x".into()));
    let conditions = [
        "\"user\" = 'x'",
        "\"user\" IN ('x', 'z', 'nobody')",
        "service = 'catalog'",
        "service IN ('catalog', 'RW-Split-Router')",
        "service = 'catalog' AND \"user\" = 'v'",
    ];
    for condition in conditions {
        // The same condition, in a form that only a filter answers.
        let plain = condition
            .replace("\"user\"", "concat(\"user\")")
            .replace("service", "concat(service)");
        for tail in [
            "ORDER BY id LIMIT 4",
            "ORDER BY id DESC LIMIT 3",
            "ORDER BY id LIMIT 3 OFFSET 2",
            "ORDER BY id",
        ] {
            let ask = |condition: &str| {
                format!("SELECT id, \"user\", service FROM sessions WHERE {condition} {tail}")
            };
            let page = world.query(&ask(condition)).await.unwrap();
            assert_eq!(
                page,
                world.query(&ask(&plain)).await.unwrap(),
                "{condition} {tail}"
            );
            assert!(!page.is_empty());
        }
        let count = |condition: &str| format!("SELECT count(*) FROM sessions WHERE {condition}");
        let counted = world.query(&count(condition)).await.unwrap();
        assert_eq!(
            counted,
            world.query(&count(&plain)).await.unwrap(),
            "{condition}"
        );
        let both = format!(
            "SELECT count(*) AS a, (SELECT count(*) FROM sessions WHERE {condition}) AS b FROM sessions WHERE {condition}"
        );
        assert_eq!(
            world.query(&both).await.unwrap(),
            [format!("{0}|{0}", counted[0])]
        );
    }
}

#[tokio::test]
async fn a_kept_plan_keeps_no_session() {
    let world = World::new();
    let sessions = world.sessions();
    let ended: Vec<_> = sessions
        .iter()
        .map(|s| Arc::downgrade(s.session()))
        .collect();
    let mut prepared = Vec::new();
    for sql in [
        "SELECT count(*) FROM sessions WHERE idle > -1",
        "SELECT count(*) FROM sessions",
        "SELECT id FROM sessions ORDER BY id",
        "SELECT count(*) FROM connections",
    ] {
        let one = world.prepare(sql).await.unwrap();
        world.collect(world.run(&one, Vec::new())).await.unwrap();
        prepared.push(one);
    }
    drop(sessions);
    // A query's own threads let go of it a moment after its last row.
    let gone = async {
        while ended.iter().any(|session| session.strong_count() > 0) {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(20), gone).await;
    assert!(waited.is_ok(), "a kept plan holds on to a session");
}

#[tokio::test]
async fn nested_subqueries_without_names_are_told_apart() {
    let world = World::new();
    let _sessions = world.sessions();
    let sql = "SELECT a FROM (SELECT a + a AS a FROM (SELECT a + a AS a FROM (SELECT id AS a FROM sessions WHERE id = 3)))";
    assert_eq!(world.query(sql).await.unwrap(), ["12"]);
}

#[tokio::test]
async fn a_parameter_has_a_number_that_a_client_can_bind() {
    let world = World::new();
    for number in ["0", "65536", "100000000000", "99999999999999999999999"] {
        let error = world
            .prepare(&format!("SELECT ${number}"))
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("parameter") || error.contains("placeholder"),
            "{error}"
        );
    }
    assert_eq!(
        world
            .prepare("SELECT $65535")
            .await
            .unwrap()
            .parameters()
            .len(),
        65535
    );
}

#[tokio::test]
async fn a_limit_takes_a_number() {
    let world = World::new();
    let _sessions = world.sessions();
    let prepared = world
        .prepare("SELECT id FROM sessions ORDER BY id LIMIT $1 OFFSET $2")
        .await
        .unwrap();
    for parameter in prepared.parameters() {
        assert_eq!(parameter.data_type(), &DataType::Int64);
    }
    let parameters = vec![ScalarValue::from(2i64), ScalarValue::from(1i64)];
    let batches = world
        .collect(world.run(&prepared, parameters))
        .await
        .unwrap();
    assert_eq!(
        batches.iter().map(|batch| batch.num_rows()).sum::<usize>(),
        2
    );
}

#[tokio::test]
async fn what_an_operator_does_not_count_is_not_shown_as_nothing() {
    let world = World::new();
    let _sessions = world.sessions();
    let lines = world
        .query("EXPLAIN ANALYZE SELECT id FROM sessions WHERE port > 0 ORDER BY idle, id")
        .await
        .unwrap();
    let line = |of: &str| lines.iter().find(|line| line.contains(of)).unwrap();
    assert!(line("SortExec").contains(" rows=5 loops=1)"), "{lines:?}");
    assert!(!line("Scan: sessions").contains("actual"), "{lines:?}");
}
