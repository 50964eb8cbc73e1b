//! The views of live sessions: what of them reaches the sessions' own table.

use super::*;

/// The scans of a statement's plan.
async fn scans(world: &World, sql: &str) -> String {
    let plan = plan_of(&world.query(&format!("EXPLAIN {sql}")).await.unwrap());
    let scans = plan
        .lines()
        .filter(|line| line.contains("Scan: sessions columns="));
    let scans: Vec<&str> = scans
        .map(|line| line.trim_start_matches(['|', ' ']))
        .collect();
    scans.join("\n")
}

#[tokio::test]
async fn one_pid_is_a_lookup() {
    let mut world = World::new();
    let sessions = world.sessions();
    let own = sessions[1].session();
    let caller = Caller {
        session: Some(Arc::clone(own)),
        ..Caller::new("admin", true)
    };
    world.caller = Arc::new(caller);
    for view in ["pg_stat_activity", "pg_stat_ssl", "pg_stat_gssapi"] {
        for condition in [
            "pid = 2",
            "pid = 2::bigint",
            "pid = pg_backend_pid()",
            "pid IN (2)",
            "pid IN (2, 3)",
            "pid = 2 OR pid = 3",
            "pid IN (2, 3, 4, 5, 100, 200)",
        ] {
            let sql = format!("SELECT * FROM {view} WHERE {condition}");
            let scans = scans(&world, &sql).await;
            assert!(scans.contains(", id="), "{sql}: {scans}");
            assert_eq!(scans.lines().count(), 1, "{scans}");
        }
    }
    let prepared = world
        .prepare("SELECT usename FROM pg_stat_activity WHERE pid = $1")
        .await
        .unwrap();
    assert_eq!(prepared.parameters()[0].data_type(), &DataType::Int32);
    for _ in 0..2 {
        let parameters = vec![ScalarValue::Int32(Some(2))];
        let batches = world
            .collect(world.run(&prepared, parameters))
            .await
            .unwrap();
        assert_eq!(
            batches.iter().map(|batch| batch.num_rows()).sum::<usize>(),
            1
        );
    }
    assert!(prepared.is_kept());
}

#[tokio::test]
async fn nothing_is_read_that_is_not_asked_for() {
    let world = World::new();
    let _sessions = world.sessions();
    let count = "SELECT count(*) FROM pg_stat_activity";
    assert_eq!(scans(&world, count).await, "");
    assert_eq!(world.query(count).await.unwrap(), ["5"]);
    let states = "SELECT state, count(*) FROM pg_stat_activity GROUP BY state";
    let scan = scans(&world, states).await;
    assert!(
        scan.contains("columns=[state, active, in_transaction, transaction_failed]"),
        "{scan}"
    );
    assert_eq!(world.query(states).await.unwrap(), ["idle|5"]);
    let users = "SELECT usename FROM pg_stat_activity WHERE usename = 'x'";
    let scan = scans(&world, users).await;
    assert!(
        scan.contains("columns=[user]") && scan.contains("user=x"),
        "{scan}"
    );
}

#[tokio::test]
async fn states_follow_the_session() {
    let world = World::new();
    let guard = world.connect(&world.listener, "x", 1000);
    let state =
        "SELECT state, wait_event, query_start IS NULL, xact_start IS NULL FROM pg_stat_activity";
    for (change, expected) in [
        (None::<fn(&SessionGuard)>, "idle|ClientRead|true|true"),
        (
            Some(|guard: &SessionGuard| guard.statement_started()),
            "active||false|false",
        ),
        (
            Some(|guard: &SessionGuard| guard.set_transaction(Transaction::Open)),
            "active||false|false",
        ),
        (
            Some(|guard: &SessionGuard| guard.statement_ended()),
            "idle in transaction|ClientRead|false|false",
        ),
        (
            Some(|guard: &SessionGuard| guard.set_transaction(Transaction::Failed)),
            "idle in transaction (aborted)|ClientRead|false|true",
        ),
        (
            Some(|guard: &SessionGuard| guard.set_transaction(Transaction::None)),
            "idle|ClientRead|false|true",
        ),
    ] {
        if let Some(change) = change {
            change(&guard);
        }
        assert_eq!(world.query(state).await.unwrap(), [expected]);
    }
}

#[tokio::test]
async fn tls_is_told_in_its_parts() {
    let world = World::new();
    let guard = world.connect(&world.listener, "x", 1000);
    let ssl = "SELECT ssl, version, cipher, bits, client_dn FROM pg_stat_ssl";
    assert_eq!(world.query(ssl).await.unwrap(), ["false||||"]);
    for (suite, bits) in [
        ("TLSv1.3 TLS_AES_128_GCM_SHA256", 128),
        ("TLSv1.3 TLS_CHACHA20_POLY1305_SHA256", 256),
        ("TLSv1.2 TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", 256),
    ] {
        guard.update(|profile| profile.tls = Some(suite.into()));
        let (version, cipher) = suite.split_once(' ').unwrap();
        let expected = format!("true|{version}|{cipher}|{bits}|");
        assert_eq!(world.query(ssl).await.unwrap(), [expected]);
    }
}
