use super::*;
use proptest::prelude::*;

fn one(sql: &str) -> ParsedStatement {
    let mut statements = parse(sql).unwrap_or_else(|error| panic!("{sql:.200}: {error:?}"));
    assert_eq!(statements.len(), 1, "{sql}");
    statements.remove(0)
}

fn refused(sql: &str) -> (&'static str, String) {
    match parse(sql) {
        Ok(_) => panic!("{sql:.200} passes"),
        Err(error) => (error.code, error.message),
    }
}

/// The query as the engine gets it.
/// What the engine gets, without the types of whole numbers.
fn rewritten(sql: &str) -> String {
    const TYPE: &str = "{\"int4\": ";
    let mut text = one(sql).engine_statement().unwrap().to_string();
    while let Some(at) = text.find(TYPE) {
        let end = at + text[at..].find('}').unwrap();
        text.remove(end);
        text.replace_range(at..at + TYPE.len(), "");
    }
    text
}

#[test]
fn whole_numbers_come_with_their_type_but_where_they_count() {
    let told = |sql: &str| one(sql).engine_statement().unwrap().to_string();
    let text = told(
        "SELECT 5, -2147483648, 2147483648 FROM t WHERE a = 1 ORDER BY 1, a + 1 LIMIT 3 OFFSET 4",
    );
    for part in [
        "SELECT {\"int4\": 5} AS",
        " {\"int4\": -2147483648} AS",
        " 2147483648 AS",
        "WHERE a = {\"int4\": 1} ORDER BY 1, a + {\"int4\": 1} LIMIT 3 OFFSET 4",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let text = told("SELECT a, sum(b) OVER (ROWS 2 PRECEDING) FROM t GROUP BY 1, ROLLUP (2)");
    assert!(!text.contains("int4"), "{text}");
}

fn set(name: &str, values: &[&str], scope: Scope) -> Kind {
    Kind::Set {
        name: name.into(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
        scope,
    }
}

#[test]
fn statements_about_the_session_are_read() {
    use Kind as K;
    let modes = |isolation, read_only, deferrable| TransactionModes {
        isolation,
        read_only,
        deferrable,
    };
    let name = |text: &str| Some(text.to_owned());
    for (sql, kind, tag) in [
        (
            "SET application_name = 'x'",
            set("application_name", &["x"], Scope::Session),
            "SET",
        ),
        (
            "set session DateStyle to ISO, mdy",
            set("datestyle", &["iso", "mdy"], Scope::Session),
            "SET",
        ),
        (
            "SET LOCAL statement_timeout TO -5",
            set("statement_timeout", &["-5"], Scope::Local),
            "SET",
        ),
        ("SET x TO DEFAULT", set("x", &[], Scope::Session), "SET"),
        ("SET a.b = on", set("a.b", &["on"], Scope::Session), "SET"),
        (
            "SET TIME ZONE 'Europe/Berlin'",
            set("timezone", &["Europe/Berlin"], Scope::Session),
            "SET",
        ),
        (
            "SET TIME ZONE LOCAL",
            set("timezone", &[], Scope::Session),
            "SET",
        ),
        (
            "SET TIME ZONE -3.5",
            set("timezone", &["-3.5"], Scope::Session),
            "SET",
        ),
        (
            "SET TIME ZONE INTERVAL '-08:00' HOUR TO MINUTE",
            set("timezone", &["<-08>+08"], Scope::Session),
            "SET",
        ),
        (
            "SET NAMES 'UTF8'",
            set("client_encoding", &["UTF8"], Scope::Session),
            "SET",
        ),
        ("SET ROLE NONE", set("role", &[], Scope::Session), "SET"),
        (
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
            K::SetTransaction {
                modes: modes(None, Some(true), None),
                session: true,
            },
            "SET",
        ),
        (
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, NOT DEFERRABLE",
            K::SetTransaction {
                modes: modes(Some("repeatable read"), None, Some(false)),
                session: false,
            },
            "SET",
        ),
        ("RESET ALL", K::Reset(None), "RESET"),
        ("RESET TIME ZONE", K::Reset(name("timezone")), "RESET"),
        ("SHOW ALL", K::Show(None), "SHOW"),
        ("SHOW TimeZone", K::Show(name("timezone")), "SHOW"),
        (
            "SHOW TRANSACTION ISOLATION LEVEL",
            K::Show(name("transaction_isolation")),
            "SHOW",
        ),
        ("BEGIN", K::Begin(modes(None, None, None)), "BEGIN"),
        (
            "begin work read write",
            K::Begin(modes(None, Some(false), None)),
            "BEGIN",
        ),
        (
            "START TRANSACTION ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE",
            K::Begin(modes(Some("serializable"), Some(true), Some(true))),
            "START TRANSACTION",
        ),
        ("COMMIT AND CHAIN", K::Commit { chain: true }, "COMMIT"),
        ("END TRANSACTION", K::Commit { chain: false }, "COMMIT"),
        ("ABORT", K::Rollback { chain: false }, "ROLLBACK"),
        (
            "ROLLBACK WORK AND NO CHAIN",
            K::Rollback { chain: false },
            "ROLLBACK",
        ),
        ("SAVEPOINT \"A b\"", K::Savepoint("A b".into()), "SAVEPOINT"),
        (
            "ROLLBACK TO SAVEPOINT a",
            K::RollbackTo("a".into()),
            "ROLLBACK",
        ),
        ("RELEASE a", K::Release("a".into()), "RELEASE"),
        (
            "DEALLOCATE PREPARE s1",
            K::Deallocate(name("s1")),
            "DEALLOCATE",
        ),
        ("DEALLOCATE ALL", K::Deallocate(None), "DEALLOCATE ALL"),
        ("CLOSE ALL", K::Close(None), "CLOSE CURSOR ALL"),
        ("DISCARD TEMPORARY", K::Discard("TEMP"), "DISCARD TEMP"),
        ("LISTEN c", K::Listen("c".into()), "LISTEN"),
        ("UNLISTEN *", K::Unlisten(None), "UNLISTEN"),
    ] {
        assert_eq!(one(sql), ParsedStatement { kind, tag }, "{sql}");
    }
}

#[test]
fn a_text_holds_any_number_of_statements() {
    assert_eq!(parse("").unwrap(), []);
    assert_eq!(parse(" ; -- nothing\n ;/* /* nested */ */").unwrap(), []);
    let tags: Vec<_> =
        parse("BEGIN; SELECT ';'; TABLE t; VALUES (1); (SELECT 1); EXPLAIN SELECT 1; END;")
            .unwrap()
            .iter()
            .map(|statement| statement.tag)
            .collect();
    assert_eq!(
        tags,
        [
            "BEGIN", "SELECT", "SELECT", "SELECT", "SELECT", "EXPLAIN", "COMMIT"
        ]
    );
    // PostgreSQL's pool reset, as asyncpg sends it.
    assert_eq!(
        parse("SELECT pg_advisory_unlock_all(); CLOSE ALL; UNLISTEN *; RESET ALL;")
            .unwrap()
            .len(),
        4
    );
}

#[test]
fn what_is_not_allowed_is_refused_with_postgresqls_sentence() {
    for (sql, code, message) in [
        (
            "INSERT INTO t VALUES (1)",
            "25006",
            "cannot execute INSERT in a read-only transaction",
        ),
        (
            "update t set a = 1",
            "25006",
            "cannot execute UPDATE in a read-only transaction",
        ),
        (
            "DELETE FROM t",
            "25006",
            "cannot execute DELETE in a read-only transaction",
        ),
        (
            "TRUNCATE t",
            "25006",
            "cannot execute TRUNCATE TABLE in a read-only transaction",
        ),
        (
            "CREATE OR REPLACE VIEW v AS SELECT 1",
            "25006",
            "cannot execute CREATE VIEW in a read-only transaction",
        ),
        (
            "CREATE UNIQUE INDEX ON t (a)",
            "25006",
            "cannot execute CREATE INDEX in a read-only transaction",
        ),
        (
            "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
            "25006",
            "cannot execute CREATE EXTERNAL TABLE in a read-only transaction",
        ),
        (
            "DROP TABLE sessions",
            "25006",
            "cannot execute DROP TABLE in a read-only transaction",
        ),
        (
            "COPY t TO '/tmp/x'",
            "42501",
            "must be superuser or have privileges of the pg_write_server_files role to COPY to a file",
        ),
        (
            "SELECT 1 INTO x",
            "25006",
            "cannot execute SELECT INTO in a read-only transaction",
        ),
        (
            "SELECT * FROM t FOR UPDATE",
            "25006",
            "cannot execute SELECT FOR UPDATE in a read-only transaction",
        ),
        (
            "SELECT (SELECT 1 FROM t FOR SHARE)",
            "25006",
            "cannot execute SELECT FOR SHARE in a read-only transaction",
        ),
        (
            "WITH a AS (DELETE FROM t RETURNING 1) SELECT 1",
            "25006",
            "cannot execute DELETE in a read-only transaction",
        ),
        (
            "WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a",
            "25006",
            "cannot execute INSERT in a read-only transaction",
        ),
        (
            "EXPLAIN ANALYZE DELETE FROM t",
            "25006",
            "cannot execute DELETE in a read-only transaction",
        ),
        (
            "CREATE ROLE x SUPERUSER",
            "42501",
            "permission denied to execute CREATE ROLE",
        ),
        (
            "CREATE EXTENSION x",
            "42501",
            "permission denied to execute CREATE EXTENSION",
        ),
        (
            "GRANT ALL ON t TO x",
            "42501",
            "permission denied to execute GRANT",
        ),
        (
            "DO $$ BEGIN END $$",
            "42501",
            "permission denied to execute DO",
        ),
        (
            "SET ROLE admin",
            "42501",
            "permission denied to set role \"admin\"",
        ),
        (
            "SET SESSION AUTHORIZATION 'x'",
            "42501",
            "permission denied to set session authorization \"x\"",
        ),
        (
            "SET datafusion.catalog.location = '/'",
            "42704",
            "unrecognized configuration parameter \"datafusion.catalog.location\"",
        ),
        (
            "SHOW \"DataFusion\".x",
            "42704",
            "unrecognized configuration parameter \"datafusion.x\"",
        ),
        (
            "SELECT * FROM t TABLESAMPLE SYSTEM (10)",
            "0A000",
            "TABLESAMPLE is not supported",
        ),
        (
            "frobnicate",
            "42601",
            "syntax error at or near \"frobnicate\"",
        ),
        ("KILL 1", "42601", "syntax error at or near \"KILL\""),
        (
            "SELECT 1 SELECT 2",
            "42601",
            "syntax error at or near \"SELECT\"",
        ),
        ("SET a", "42601", "syntax error at end of input"),
        ("COMMIT AND", "42601", "syntax error at end of input"),
        ("SELECT (1", "42601", "syntax error at end of input"),
        ("SELECT )", "42601", "syntax error at or near \")\""),
        ("SELECT 1 x 'é'", "42601", "syntax error at or near \"'é'\""),
        (
            "SELECT 'a",
            "42601",
            "unterminated quoted string at or near \"'a\"",
        ),
        (
            "EXPLAIN (FORMAT yaml) SELECT 1",
            "0A000",
            "EXPLAIN answers in the formats text and json only",
        ),
    ] {
        assert_eq!(refused(sql), (code, message.to_owned()), "{sql}");
    }
    let error = parse("SELECT 1,\n  2 é è").unwrap_err();
    assert_eq!(
        (error.message.as_str(), error.position),
        ("syntax error at or near \"è\"", Some(17))
    );
}

#[test]
fn explain_takes_postgresqls_options() {
    for (sql, analyze, verbose, shows_costs) in [
        ("EXPLAIN SELECT 1", false, false, true),
        ("EXPLAIN ANALYZE VERBOSE SELECT 1", true, true, true),
        (
            "EXPLAIN (ANALYZE, BUFFERS, FORMAT TEXT) SELECT 1",
            true,
            false,
            true,
        ),
        (
            "EXPLAIN (VERBOSE on, COSTS off) TABLE t",
            false,
            true,
            false,
        ),
        ("EXPLAIN (COSTS) TABLE t", false, false, true),
        ("EXPLAIN (COSTS FALSE) TABLE t", false, false, false),
        ("EXPLAIN (SELECT 1)", false, false, true),
    ] {
        let Kind::Explain { options, costs, .. } = one(sql).kind else {
            panic!("{sql}")
        };
        assert_eq!(
            (options.analyze, options.verbose, costs),
            (analyze, verbose, shows_costs),
            "{sql}"
        );
    }
}

#[test]
fn words_without_parentheses_are_columns_or_functions() {
    for (sql, expected) in [
        ("SELECT user", "SELECT current_user()"),
        ("SELECT USER FROM sessions", "SELECT \"user\" FROM sessions"),
        (
            "SELECT s.user AS u FROM sessions s",
            "SELECT s.user AS u FROM sessions s",
        ),
        (
            "SELECT count(*) FROM t WHERE user = current_user GROUP BY user ORDER BY user",
            "SELECT count(*) FROM t WHERE \"user\" = current_user() GROUP BY \"user\" ORDER BY \"user\"",
        ),
        (
            "SELECT (SELECT user) FROM t",
            "SELECT (SELECT current_user() AS \"user\") FROM t",
        ),
        (
            "SELECT \"user\", \"current_user\"",
            "SELECT \"user\", \"current_user\"",
        ),
        (
            "SELECT session_user, current_role, current_catalog, current_schema, current_schema()",
            "SELECT session_user() AS \"session_user\", current_role() AS \"current_role\", \
             current_catalog() AS \"current_catalog\", current_schema() AS \"current_schema\", \
             current_schema() AS \"current_schema\u{1f}5\"",
        ),
    ] {
        assert_eq!(rewritten(sql), expected, "{sql}");
    }
    let Kind::Query { names, .. } = one("SELECT user, current_user FROM t").kind else {
        panic!()
    };
    assert_eq!(
        names,
        ["user", "current_user"].map(|name| Some(name.to_owned()))
    );
}

#[test]
fn what_only_postgresql_allows_is_put_into_the_engines_terms() {
    for (sql, expected) in [
        (
            "SELECT 1, 1, 2",
            "SELECT 1 AS \"?column?\", 1 AS \"?column?\u{1f}2\", 2 AS \"?column?\u{1f}3\"",
        ),
        (
            "SELECT id::text, id, t.id FROM t",
            "SELECT id::TEXT AS \"id\", id AS \"id\u{1f}2\", t.id AS \"id\u{1f}3\" FROM t",
        ),
        ("SELECT a.id, b.id FROM a, b", "SELECT a.id, b.id FROM a, b"),
        ("SELECT 1 AS x, 2 AS x", "SELECT 1 AS x, 2 AS \"x\u{1f}2\""),
        (
            "SELECT *, id FROM t",
            "SELECT *, id AS \"id\u{1f}2\" FROM t",
        ),
        (
            "SELECT a, count(*) FROM t GROUP BY a ORDER BY count DESC",
            "SELECT a, count(*) AS \"count\" FROM t GROUP BY a ORDER BY 2 DESC",
        ),
        ("SELECT a FROM t ORDER BY a", "SELECT a FROM t ORDER BY a"),
        ("SELECT 1 FETCH FIRST 5 ROWS ONLY", "SELECT 1 LIMIT 5"),
        (
            "SELECT 1 OFFSET 2 FETCH NEXT ROW ONLY",
            "SELECT 1 LIMIT 1 OFFSET 2",
        ),
        ("SELECT /*+ hint */ 1", "SELECT 1"),
        ("TABLE t", "SELECT * FROM t"),
        (
            "(TABLE a.t) UNION ALL TABLE u LIMIT 5",
            "(SELECT * FROM a.t) UNION ALL SELECT * FROM u LIMIT 5",
        ),
        (
            "WITH c AS (TABLE t) TABLE c",
            "WITH c AS (SELECT * FROM t) SELECT * FROM c",
        ),
    ] {
        assert_eq!(rewritten(sql), expected, "{sql}");
    }
}

proptest! {
    #[test]
    fn no_text_panics(sql in "\\PC*") {
        let _ = parse(&sql);
    }

    #[test]
    fn no_sequence_of_words_panics(words in prop::collection::vec(prop::sample::select(vec![
        "SELECT", "FROM", "WITH", "AS", "(", ")", ",", ";", "*", "'a'", "1", "$1", "a", "\"user\"", "user", "SET", "TO", "=",
        "EXPLAIN", "ANALYZE", "UNION", "CASE", "WHEN", "END", "IN", "NOT", "-", ".", "::", "[", "]", "BEGIN", "READ", "ONLY",
        "INTERVAL", "TIME", "ZONE", "SHOW", "ALL", "CREATE", "OR", "REPLACE", "FOR", "UPDATE", "é", "/*", "*/", "--", "\n",
        "DATE", "ARRAY", "VALUES", "TABLE", "JOIN", "ON", "GROUP", "ORDER", "BY", "LIMIT", "FETCH", "INSERT", "INTO", "{", "}",
    ]), 0..30)) {
        let _ = parse(&words.join(" "));
    }

    #[test]
    fn allowed_statements_survive_among_others(comment in "[a-z (+]{0,20}", n: i64) {
        let sql = format!("/* {comment} */ SELECT {n} -- {comment}\n; SET a = '{comment}' ;; COMMIT");
        prop_assert_eq!(parse(&sql).unwrap().len(), 3);
    }
}
