//! The relations of `pg_catalog` and `information_schema`, asked as clients ask.

use super::*;
use crate::catalog::system::{Dictionary, NoRoles};

#[tokio::test]
async fn every_system_relation_has_the_columns_of_postgresql() {
    let world = World::new();
    let dictionary = Dictionary::new(&tables::all(), Arc::new(NoRoles));
    for relation in dictionary.relations() {
        let schema = crate::catalog::system::schema_name(relation.schema).unwrap();
        if relation.kind == 'i' || schema == "public" {
            continue;
        }
        let from = format!("SELECT * FROM {schema}.{}", relation.name);
        match world.query(&format!("{from} LIMIT 0")).await {
            Ok(rows) => assert!(rows.is_empty(), "{from}"),
            Err(error) => panic!("{from}: {error}"),
        }
        let prepared = world.prepare(&from).await;
        let prepared = prepared.unwrap_or_else(|error| panic!("{from}: {error}"));
        let batches = world.collect(world.run(&prepared, Vec::new())).await;
        let batches = batches.unwrap_or_else(|error| panic!("{from}: {error}"));
        let fields = prepared.schema().fields();
        assert_eq!(fields.len(), relation.columns.len(), "{from}");
        for (field, column) in fields.iter().zip(&relation.columns) {
            let place = format!("{}.{}", relation.name, column.name);
            assert_eq!(*field.name(), column.name);
            let mut wanted = dictionary.type_of(column.type_oid).unwrap();
            if wanted.kind == 'd' {
                wanted = dictionary.type_of(wanted.base).unwrap();
            }
            let name = crate::catalog::system::name_of_field(field);
            assert_eq!(name, wanted.name, "{place}");
        }
        for batch in batches {
            for (column, array) in relation.columns.iter().zip(batch.columns()) {
                let place = format!("{}.{}", relation.name, column.name);
                assert!(!column.not_null || array.null_count() == 0, "{place}");
            }
        }
    }
}

#[tokio::test]
async fn keys_and_indexes_are_found_by_joins() {
    let world = World::new();
    let keys = world
        .query(
            "SELECT c.relname, con.conname, con.contype, t.relname FROM pg_catalog.pg_constraint con
             JOIN pg_catalog.pg_class c ON c.oid = con.conrelid
             LEFT JOIN pg_catalog.pg_class t ON t.oid = con.confrelid
             WHERE c.relname IN ('sessions', 'connections') ORDER BY con.oid",
        )
        .await
        .unwrap();
    assert_eq!(
        keys,
        [
            "sessions|sessions_pkey|p|",
            "sessions|sessions_service_fkey|f|services",
            "sessions|sessions_listener_fkey|f|listeners",
            "connections|connections_session_id_fkey|f|sessions",
            "connections|connections_server_fkey|f|servers",
        ]
    );
    let indexes = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1 LIMIT 1";
    assert_eq!(
        world.query(indexes).await.unwrap(),
        ["CREATE UNIQUE INDEX filters_pkey ON public.filters USING btree (name)"]
    );
}

#[tokio::test]
async fn columns_are_described_as_the_standard_says() {
    let world = World::new();
    let columns =
        "SELECT column_name, ordinal_position, is_nullable, data_type, udt_name, numeric_precision
                   FROM information_schema.columns
                   WHERE table_name = 'connections' ORDER BY ordinal_position";
    assert_eq!(
        world.query(columns).await.unwrap(),
        [
            "session_id|1|NO|bigint|int8|64",
            "server|2|NO|text|text|",
            "connection_id|3|YES|bigint|int8|64",
            "state|4|NO|text|text|",
            "connected|5|NO|timestamp with time zone|timestamptz|",
            "tls|6|YES|text|text|",
        ]
    );
    let usage = "SELECT column_name, table_name FROM information_schema.constraint_column_usage
                 WHERE constraint_name = 'connections_session_id_fkey'";
    assert_eq!(world.query(usage).await.unwrap(), ["id|sessions"]);
}

#[tokio::test]
async fn a_kept_plan_of_roles_shows_whoever_asks() {
    let mut world = World::new();
    let roles = "SELECT rolname, rolsuper, rolpassword FROM pg_roles ORDER BY 1";
    let asked = |rows: Vec<String>| rows.join(" ");
    for user in ["ann", "bob"] {
        world.caller = Arc::new(Caller::new(user, false));
        for _ in 0..2 {
            let rows = asked(world.query(roles).await.unwrap());
            assert_eq!(
                rows,
                format!("{user}|false|******** rollcall|true|********")
            );
        }
    }
}

#[tokio::test]
async fn functions_are_listed_with_their_arguments() {
    let world = World::new();
    let ours = "SELECT p.proname, p.pronargs FROM pg_proc p
                JOIN pg_namespace n ON n.oid = p.pronamespace
                WHERE n.nspname = 'public' ORDER BY p.oid LIMIT 2";
    assert_eq!(
        world.query(ours).await.unwrap(),
        ["kill_session|1", "kill_session|2"]
    );
    let input = "SELECT p.proname FROM pg_type t JOIN pg_proc p ON p.oid = t.typreceive
                 WHERE t.typname = 'sessions' OR t.typname = 'int8' ORDER BY 1";
    assert_eq!(
        world.query(input).await.unwrap(),
        ["int8recv", "record_recv"]
    );
}

#[tokio::test]
async fn rows_know_the_oid_of_their_table() {
    let world = World::new();
    let described = "SELECT n.tableoid, d.objsubid FROM pg_catalog.pg_namespace n
                     JOIN pg_description d ON d.classoid = n.tableoid AND d.objoid = n.oid
                     WHERE n.nspname = 'public'";
    assert_eq!(world.query(described).await.unwrap(), ["2615|0"]);
    let prepared = world
        .prepare("SELECT \"pg_class\".tableoid FROM pg_class LIMIT 1")
        .await;
    let prepared = prepared.unwrap();
    assert_eq!(prepared.schema().field(0).name(), "tableoid");
    assert_eq!(*prepared.schema().field(0).data_type(), DataType::UInt32);
    for (sql, oids) in [
        ("SELECT tableoid FROM pg_class LIMIT 1", ["1259"]),
        (
            "SELECT c.tableoid FROM (pg_class c JOIN pg_proc p ON true) LIMIT 1",
            ["1259"],
        ),
        (
            "SELECT x.tableoid FROM (SELECT tableoid FROM pg_type) x LIMIT 1",
            ["1247"],
        ),
    ] {
        assert_eq!(world.query(sql).await.unwrap(), oids, "{sql}");
    }
    assert!(
        world
            .query("SELECT x.tableoid FROM pg_class")
            .await
            .is_err()
    );
}

#[tokio::test]
async fn views_are_shown_with_their_queries() {
    let world = World::new();
    for (column, view) in [
        ("definition", "pg_views WHERE viewname"),
        (
            "view_definition",
            "information_schema.views WHERE table_name",
        ),
    ] {
        let sql = format!("SELECT {column} LIKE '%SELECT%FROM %' FROM {view} = 'pg_stat_activity'");
        assert_eq!(world.query(&sql).await.unwrap(), ["true"], "{sql}");
    }
}

#[tokio::test]
async fn what_a_caller_has_open_is_told_to_it_alone() {
    let mut world = World::new();
    let opened = Opened {
        statements: vec![PreparedStatement {
            name: "p".to_owned(),
            text: "PREPARE p AS SELECT 1".into(),
            prepared_us: 0,
            parameter_types: vec![23],
            from_sql: true,
        }],
        cursors: Vec::new(),
    };
    let nobody = Arc::clone(&world.caller);
    let caller = Caller {
        opened: Arc::new(opened),
        ..Caller::new("admin", true)
    };
    let sql = "SELECT name, statement FROM pg_prepared_statements";
    for (caller, rows) in [
        (Arc::new(caller), &["p|PREPARE p AS SELECT 1"][..]),
        (nobody, &[]),
    ] {
        world.caller = caller;
        assert_eq!(world.query(sql).await.unwrap(), rows);
    }
    for (sql, reads) in [
        (sql, true),
        ("SELECT 1 WHERE EXISTS (SELECT 1 FROM pg_cursors)", true),
        ("SELECT name FROM pg_settings", false),
    ] {
        assert_eq!(
            world.prepare(sql).await.unwrap().reads_opened(),
            reads,
            "{sql}"
        );
    }
}

#[tokio::test]
async fn what_documents_are_made_of_is_no_table_of_clients() {
    let world = World::new();
    for from in [
        "documents.sessions",
        "DOCUMENTS.sessions",
        "\"documents\".\"sessions\"",
        "rollcall.documents.servers",
        "sessions s JOIN documents.sessions USING (id)",
        "sessions WHERE id IN (SELECT id FROM documents.sessions)",
    ] {
        let refused = world.prepare(&format!("SELECT 1 FROM {from}")).await;
        let refused = refused.err().map(|error| error.to_string());
        assert!(
            refused.is_some_and(|error| error.contains("not found")),
            "{from}"
        );
    }
    let explained = world
        .query("EXPLAIN SELECT * FROM documents.sessions")
        .await;
    assert!(explained.is_err());
    // A name is not a schema, and views that are made of them are there.
    let named = "WITH documents AS (SELECT 1 AS sessions) SELECT documents.sessions FROM documents";
    assert_eq!(world.query(named).await.unwrap(), ["1"]);
    assert!(
        world
            .query("SELECT pid FROM pg_stat_activity")
            .await
            .is_ok()
    );
    let listed = "SELECT 1 FROM information_schema.tables WHERE table_schema = 'documents' \
         UNION ALL SELECT 1 FROM pg_namespace WHERE nspname = 'documents'";
    assert!(world.query(listed).await.unwrap().is_empty());
}
