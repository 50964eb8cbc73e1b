use super::*;
use arrow::datatypes::{Field, Schema};

#[tokio::test]
async fn only_what_is_certain_to_be_brief_is_answered_at_once() {
    let world = World::new();
    let sessions = world.sessions();
    let many = (1..=17).map(|id| id.to_string()).collect::<Vec<_>>();
    let many = format!("SELECT id FROM sessions WHERE id IN ({})", many.join(","));
    for (sql, brief) in [
        ("SELECT 1", true),
        ("SELECT 1, 'x' AS a, NULL", true),
        ("SELECT * FROM sessions WHERE id = 2", true),
        ("SELECT port, 7, id FROM sessions WHERE id = 2", true),
        ("SELECT 1 FROM sessions WHERE id = 2", true),
        ("SELECT id FROM sessions WHERE id IN (5, 3, 99)", true),
        (
            "SELECT id FROM sessions WHERE id = 2 AND \"user\" = 'y'",
            true,
        ),
        ("SELECT id FROM sessions WHERE id = 99", true),
        ("SELECT id FROM sessions WHERE id = 2 AND idle > 1e9", true),
        ("SELECT id FROM sessions WHERE id = 2 AND idle >= 0", true),
        (&many, false),
        ("SELECT id FROM sessions", false),
        ("SELECT id FROM sessions WHERE \"user\" = 'y'", false),
        ("SELECT rdns(remote) FROM sessions WHERE id = 2", false),
        ("SELECT id + 1 FROM sessions WHERE id = 2", false),
        ("SELECT count(*) FROM sessions WHERE id = 2", false),
        ("SELECT count(*) FROM sessions", true),
        ("SELECT count(1) AS a, 'x', count('y') FROM sessions", true),
        ("SELECT count(*) FROM sessions WHERE \"user\" = 'y'", true),
        (
            "SELECT count(*) FROM sessions WHERE \"user\" IN ('y', 'z')",
            true,
        ),
        (
            "SELECT count(*) FROM sessions WHERE \"user\" = 'y' AND service = 'app'",
            false,
        ),
        ("SELECT count(*) FROM sessions WHERE port > 1", false),
        ("SELECT count(NULL) FROM sessions", false),
        ("SELECT count(DISTINCT 1) FROM sessions", false),
        ("SELECT count(*) FILTER (WHERE active) FROM sessions", false),
        ("SELECT count(*) FROM sessions GROUP BY service", false),
        (
            "SELECT count(*) FROM (SELECT 1 FROM sessions LIMIT 2)",
            false,
        ),
        ("SELECT count(*) + 1 FROM sessions", false),
    ] {
        let prepared = world.prepare(sql).await.unwrap();
        let mut answers = Vec::new();
        for _ in 0..3 {
            let batches = world.collect(world.run(&prepared, Vec::new())).await;
            let batches = batches.unwrap();
            assert!(batches.iter().all(|batch| batch.num_rows() > 0), "{sql}");
            for batch in &batches {
                let (made, said) = (batch.schema(), prepared.schema());
                let columns = |schema: &Schema| -> Vec<(String, DataType, bool)> {
                    let fields = schema.fields().iter();
                    let column =
                        |f: &Arc<Field>| (f.name().clone(), f.data_type().clone(), f.is_nullable());
                    fields.map(column).collect()
                };
                assert_eq!(columns(&made), columns(said));
            }
            answers.push(pretty_format_batches(&batches).unwrap().to_string());
        }
        assert_eq!(prepared.keep.is_brief(), brief, "{sql}");
        // The first run is on a query thread.
        if !sql.starts_with("SELECT *") {
            assert_eq!(answers[0], answers[1], "{sql}");
            assert_eq!(answers[0], answers[2], "{sql}");
        }
    }
    drop(sessions);
}

#[tokio::test]
async fn a_brief_statement_can_be_stopped_before_its_answer() {
    let world = World::new();
    let prepared = world.prepare("SELECT 1").await.unwrap();
    for _ in 0..2 {
        let mut rows = world.run(&prepared, Vec::new());
        rows.stopper().stop(StopReason::TimedOut);
        let error = rows.next().await.unwrap().unwrap_err();
        assert!(error.to_string().contains("timeout"), "{error}");
        assert!(rows.next().await.is_none());
        world
            .collect(world.run(&prepared, Vec::new()))
            .await
            .unwrap();
    }
}
