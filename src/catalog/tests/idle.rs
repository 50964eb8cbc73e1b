use super::*;
use crate::session::monotonic_ms;

/// The clock of traffic is coarse.
fn let_the_clock_move() {
    let before = monotonic_ms();
    while monotonic_ms() == before {
        std::thread::yield_now();
    }
}

/// Sessions that have been idle for two different times, and two that are not.
fn sessions_of_two_ages(world: &World) -> Vec<SessionGuard> {
    let mut sessions = world.sessions();
    let_the_clock_move();
    sessions.extend(world.sessions());
    sessions[1].statement_started();
    sessions[7].statement_started();
    let_the_clock_move();
    sessions
}

#[tokio::test]
async fn bounds_of_idle_choose_what_a_filter_chooses() {
    let world = World::new();
    let _sessions = sessions_of_two_ages(&world);
    for condition in [
        "X > 0",
        "X >= 0",
        "X < 0",
        "X <= 0",
        "0 < X",
        "0.009 >= X",
        "X > 0.001 AND X < 3600",
        "X > 0.009 AND X > 0.001",
        "X > 0.005 AND \"user\" = 'x'",
        "X > 0 AND service = 'catalog' AND \"user\" IN ('x', 'z')",
        "X > 0 AND id IN (2, 1, 7, 8, 99)",
        "X <= 0 AND id = 2 AND \"user\" = 'y'",
        "X > '-0'::double precision",
        "X < '-0'::double precision",
        "X <= 'Infinity'::double precision",
        "X > 'Infinity'::double precision",
        "X < 'NaN'::double precision",
        "X <= 'NaN'::double precision",
        "X > 'NaN'::double precision",
        "X >= 'NaN'::double precision",
        "X > NULL::double precision",
    ] {
        let chosen = condition.replace('X', "idle");
        let filtered = condition.replace('X', "(CASE WHEN id > 0 THEN idle END)");
        let columns = "SELECT id, idle, \"user\", active, seconds_alive, statements FROM sessions";
        for differs in [
            format!("{columns} WHERE {chosen} EXCEPT {columns} WHERE {filtered}"),
            format!("{columns} WHERE {filtered} EXCEPT {columns} WHERE {chosen}"),
        ] {
            let rows = world.query(&differs).await.unwrap();
            assert_eq!(rows, [""; 0], "{condition}");
        }
        let count = "SELECT count(*) AS n FROM sessions";
        let same = format!(
            "SELECT a.n = b.n FROM ({count} WHERE {chosen}) a, ({count} WHERE {filtered}) b"
        );
        assert_eq!(world.query(&same).await.unwrap(), ["true"], "{condition}");
    }
}

#[tokio::test]
async fn bounds_of_idle_are_the_scans() {
    let world = World::new();
    let _sessions = sessions_of_two_ages(&world);
    for (condition, shown) in [
        ("idle > 3600", "idle>3600"),
        ("3600 >= idle", "idle<=3600"),
        ("idle BETWEEN 1 AND 2", "idle>=1, idle<=2"),
        (
            "idle > 1 AND service = 'catalog'",
            "idle>1, service=catalog",
        ),
    ] {
        let explained = format!("EXPLAIN SELECT id FROM sessions WHERE {condition}");
        let plan = plan_of(&world.query(&explained).await.unwrap());
        assert!(
            plan.contains(shown) && !plan.contains("FilterExec"),
            "{plan}"
        );
    }
    let ordered = "SELECT id FROM sessions WHERE idle >= 0 ORDER BY id DESC LIMIT 3";
    assert_eq!(world.query(ordered).await.unwrap(), ["10", "9", "8"]);
    let some = "SELECT id FROM sessions WHERE idle = 0 OR idle >= 0 LIMIT 4";
    assert_eq!(world.query(some).await.unwrap().len(), 4);
    let some = "SELECT id, idle FROM sessions WHERE idle <= 0 LIMIT 1";
    assert_eq!(world.query(some).await.unwrap(), ["2|0.0"]);
}

#[tokio::test]
async fn a_bound_of_idle_may_be_a_parameter() {
    let world = World::new();
    let _sessions = sessions_of_two_ages(&world);
    let prepared = world
        .prepare("SELECT count(*) FROM sessions WHERE idle >= $1")
        .await
        .unwrap();
    for (bound, count) in [(Some(0.0), 10), (Some(1e9), 0), (None, 0), (Some(-1.0), 10)] {
        let rows = world.run(&prepared, vec![ScalarValue::Float64(bound)]);
        let batches = world.collect(rows).await.unwrap();
        let counted = batches[0]
            .column(0)
            .as_primitive::<arrow::datatypes::Int64Type>();
        assert_eq!(counted.value(0), count, "{bound:?}");
        assert!(prepared.is_kept());
    }
}
