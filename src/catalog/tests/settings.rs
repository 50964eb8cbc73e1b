use super::*;

fn another_caller() -> Arc<Caller> {
    Arc::new(Caller::new("admin", true))
}

#[tokio::test]
async fn what_a_statement_sets_holds_at_once_and_for_its_caller_only() {
    let mut world = World::new();
    let ask = "SELECT current_setting('application_name'), current_setting('no.such', true)";
    assert_eq!(world.query(ask).await.unwrap(), ["|"]);
    let set = "SELECT set_config('application_name', 'x', false) AS s, current_setting('TIMEZONE')";
    assert_eq!(world.query(set).await.unwrap(), ["x|UTC"]);
    assert_eq!(world.query(ask).await.unwrap(), ["x|"]);
    world.caller = another_caller();
    assert_eq!(world.query(ask).await.unwrap(), ["|"]);
}

#[tokio::test]
async fn a_statement_that_was_planned_sees_what_holds_now() {
    let world = World::new();
    let ask = "SELECT current_setting('application_name')";
    let prepared = world.prepare(ask).await.unwrap();
    for name in ["a", "b"] {
        let settings = &world.caller.settings;
        settings.set("application_name", Some(name), false).unwrap();
        let batches = world.collect(world.run(&prepared, Vec::new())).await;
        let batches = batches.unwrap();
        assert_eq!(batches[0].column(0).as_string::<i32>().value(0), name);
        assert!(!prepared.is_kept());
    }
}

#[tokio::test]
async fn what_cannot_be_set_or_is_not_there_is_an_error() {
    let world = World::new();
    for (sql, code) in [
        ("SELECT current_setting('nothing')", "42704"),
        ("SELECT set_config('nothing', '1', false)", "42704"),
        ("SELECT set_config('server_version', '1', false)", "55P02"),
        (
            "SELECT set_config('statement_timeout', 'x', false)",
            "22023",
        ),
        ("SELECT set_config(NULL, 'x', false)", "22004"),
    ] {
        let error = world.query(sql).await.expect_err(sql);
        let error = crate::sql::sqlstate::SqlError::from_engine(&error);
        assert_eq!(error.code, code, "{sql}");
    }
    let all = world.caller.settings.all();
    assert!(all.iter().any(|setting| setting.name == "TimeZone"));
}
