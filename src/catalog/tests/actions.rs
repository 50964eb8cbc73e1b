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
