//! A kill closes exactly those that it should.

use crate::support::program::{Program, Psql, eventually};

/// Connects psqls of these users and returns them with their ids.
fn connect(program: &Program, users: &[&str]) -> Vec<(String, Psql)> {
    users
        .iter()
        .map(|user| {
            let mut psql = Psql::connect(program, user);
            (psql.ask("select pg_backend_pid();"), psql)
        })
        .collect()
}

fn live(program: &Program) -> String {
    program.ask(
        "SELECT string_agg(id::text, ' ' ORDER BY id) FROM sessions WHERE id <> pg_backend_pid()",
    )
}

/// Kills by this statement and compares who is left, by position.
fn leaves(sql: &str, left: &[usize]) {
    let program = Program::start("");
    let clients = connect(&program, &["x", "y", "x", "z"]);
    // All have been idle for longer than the condition asks, none for as long as it excludes.
    eventually(
        || program.ask("SELECT min(idle) > 0.2 FROM sessions WHERE id <> pg_backend_pid()"),
        |answer| answer == "t",
    );
    program.ask(sql);
    let expected: Vec<&str> = left.iter().map(|at| clients[*at].0.as_str()).collect();
    eventually(|| live(&program), |live| *live == expected.join(" "));
    for (at, (_, mut psql)) in clients.into_iter().enumerate() {
        let answer = psql_answer(&mut psql);
        assert_eq!(answer, left.contains(&at), "{sql}: client {at}");
        if !answer {
            let complaints = psql.complaints();
            assert!(complaints.contains("57P01"), "{complaints}");
        }
    }
}

/// Whether a psql is still served. One that is not says so and ends, since its input is no terminal.
fn psql_answer(psql: &mut Psql) -> bool {
    psql.type_in("select 'served';");
    psql.next_line().as_deref() == Some("served")
}

#[test]
fn by_user_and_idleness() {
    leaves(
        "SELECT kill_session(id) FROM sessions WHERE \"user\" = 'x' AND idle > 0.2",
        &[1, 3],
    );
    leaves(
        "SELECT kill_session(id) FROM sessions WHERE \"user\" = 'x' AND idle > 3600",
        &[0, 1, 2, 3],
    );
}

#[test]
fn by_or_case_and_subquery() {
    leaves(
        "SELECT kill_session(id) FROM sessions WHERE \"user\" = 'y' OR \"user\" = 'z' AND idle > 0.2",
        &[0, 2],
    );
    leaves(
        "SELECT kill_session(id) FROM sessions WHERE CASE \"user\" WHEN 'x' THEN idle > 0.2 ELSE false END",
        &[1, 3],
    );
    leaves(
        "SELECT kill_session(id) FROM sessions WHERE id IN (SELECT max(id) FROM sessions WHERE \"user\" = 'x')",
        &[0, 1, 3],
    );
}

#[test]
fn by_order_and_limit_and_not_under_explain() {
    leaves(
        "SELECT kill_session(id) FROM sessions WHERE \"user\" = 'x' ORDER BY id LIMIT 1",
        &[1, 2, 3],
    );
    leaves(
        "EXPLAIN SELECT kill_session(id) FROM sessions",
        &[0, 1, 2, 3],
    );
}

#[test]
fn not_at_describe_and_as_many_as_a_portal_fetches() {
    let program = Program::start("");
    let clients = connect(&program, &["x", "x", "x", "x"]);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let mut client = program.driver("dba").await;
        let kill = client
            .prepare("SELECT kill_session(id) FROM sessions WHERE \"user\" = 'x' ORDER BY id")
            .await
            .expect("a statement");
        assert_eq!(live(&program).split(' ').count(), 5);
        let transaction = client.transaction().await.expect("a transaction");
        let portal = transaction.bind(&kill, &[]).await.expect("a portal");
        let fetched = transaction.query_portal(&portal, 3).await.expect("rows");
        assert!(fetched.iter().all(|row| row.get(0)));
        assert_eq!(fetched.len(), 3);
        eventually(|| live(&program).split(' ').count(), |count| *count == 2);
        transaction.commit().await.expect("a commit");
        assert_eq!(live(&program).split(' ').count(), 2);
    });
    drop(clients);
}

#[test]
fn where_it_may_not_stand_it_says_where_it_may() {
    let program = Program::start("");
    let clients = connect(&program, &["x"]);
    let said = program.psql("dba", "SELECT id FROM sessions WHERE kill_session(id)");
    assert!(!said.ok);
    assert!(said.err.contains("0A000"), "{}", said.err);
    assert!(
        said.err.contains("item of the top-level SELECT list"),
        "{}",
        said.err
    );
    assert_eq!(live(&program), clients[0].0);
}

#[test]
fn oneself_last() {
    let program = Program::start("");
    let clients = connect(&program, &["x", "y"]);
    let mut own = Psql::connect(&program, "dba");
    own.type_in("SELECT kill_session(id) FROM sessions ORDER BY id DESC;");
    let rows: Vec<_> = (0..3).map(|_| own.next_line()).collect();
    assert_eq!(rows, [Some("t".into()), Some("t".into()), Some("t".into())]);
    assert!(!psql_answer(&mut own));
    assert!(own.complaints().contains("57P01"), "{}", own.complaints());
    eventually(
        || program.ask("SELECT count(*) FROM sessions"),
        |count| count == "1",
    );
    drop(clients);
}

#[test]
fn pg_names_and_a_time_to_live() {
    let program = Program::start("");
    let mut clients = connect(&program, &["x", "y", "z"]);
    let id = |at: usize| clients[at].0.clone();
    assert_eq!(
        program.ask(&format!("SELECT pg_terminate_backend({})", id(0))),
        "t"
    );
    assert_eq!(
        program.ask("SELECT pg_terminate_backend(2147483647), kill_session(NULL)"),
        "f|"
    );
    assert_eq!(
        program.ask(&format!("SELECT kill_session({}, 1)", id(1))),
        "t"
    );
    eventually(|| live(&program), |live| *live == id(2));
    let busy = id(2);
    let mut psql = clients.pop().expect("three").1;
    psql.type_in("select count(*) from generate_series(1,100000) a, generate_series(1,100000) b, generate_series(1,100000) c;");
    let active = format!("SELECT active FROM sessions WHERE id = {busy}");
    eventually(|| program.ask(&active), |active| active == "t");
    assert_eq!(
        program.ask(&format!("SELECT pg_cancel_backend({busy})")),
        "t"
    );
    assert_eq!(psql.ask("select 'next';"), "next");
    assert!(psql.complaints().contains("57014"), "{}", psql.complaints());
    // A client that cancels over the protocol is served the same.
    psql.type_in("select count(*) from generate_series(1,100000) a, generate_series(1,100000) b, generate_series(1,100000) c;");
    eventually(|| program.ask(&active), |active| active == "t");
    psql.interrupt();
    eventually(
        || psql.complaints().matches("57014").count(),
        |times| *times == 2,
    );
}
