use super::*;

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
async fn names_of_addresses() {
    let world = World::new();
    let _sessions = world.sessions();
    let rows = world
        .query("SELECT rdns(remote), rdns('10.0.0.1'), rdns('x') FROM sessions LIMIT 1")
        .await;
    assert_eq!(rows.unwrap(), ["localhost.test||"]);
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
    sessions[0].set_transaction(Transaction::Open);
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
