//! What runs can be stopped, what is too deep is refused, and what fails fails alone.

use std::fmt::Write;

use futures::StreamExt;
use nix::sys::signal::Signal;

use crate::support::program::{Program, Psql, eventually};

const ENDLESS: &str = "select count(*) from generate_series(1,100000) a, generate_series(1,100000) b, generate_series(1,100000) c";

/// Waits until the program no longer works: two looks at its CPU time, a query apart, differ by next to nothing.
fn comes_to_rest(program: &Program) {
    eventually(
        || {
            let before = program.cpu_ticks();
            std::process::Command::new("sleep")
                .arg("0.2")
                .status()
                .expect("sleep");
            program.cpu_ticks() - before
        },
        |ticks| *ticks <= 2,
    );
}

#[test]
fn a_statement_timeout_stops_a_busy_query() {
    let program = Program::start("");
    let sql = format!("SET statement_timeout = '200ms'; {ENDLESS}");
    let said = program.psql("dba", &sql);
    assert!(said.err.contains("57014"), "{}", said.err);
    assert!(
        said.err.contains("due to statement timeout"),
        "{}",
        said.err
    );
    comes_to_rest(&program);
}

#[test]
fn an_interrupt_stops_a_busy_query_and_the_client_goes_on() {
    let program = Program::start("");
    let mut psql = Psql::connect(&program, "busy");
    assert_eq!(psql.ask("select 1;"), "1");
    psql.type_in(&format!("{ENDLESS};"));
    let active = "SELECT active, idle FROM sessions WHERE \"user\" = 'busy'";
    eventually(|| program.ask(active), |answer| answer == "t|0");
    psql.interrupt();
    eventually(
        || psql.complaints(),
        |said| said.contains("due to user request"),
    );
    eventually(|| program.ask(active), |answer| !answer.starts_with('t'));
    comes_to_rest(&program);
}

#[test]
fn a_client_that_disappears_takes_its_query_along() {
    let program = Program::start("");
    let mut psql = Psql::connect(&program, "busy");
    psql.type_in(&format!("{ENDLESS};"));
    let rows = "SELECT count(*) FROM sessions WHERE \"user\" = 'busy' AND active";
    eventually(|| program.ask(rows), |count| count == "1");
    psql.kill();
    let rows = "SELECT count(*) FROM sessions WHERE \"user\" = 'busy'";
    eventually(|| program.ask(rows), |count| count == "0");
    comes_to_rest(&program);
}

#[test]
fn a_busy_query_does_not_hold_up_new_clients() {
    let program = Program::start("");
    let mut busy: Vec<Psql> = (0..4).map(|_| Psql::connect(&program, "busy")).collect();
    for psql in &mut busy {
        psql.type_in(&format!("{ENDLESS};"));
    }
    let rows = "SELECT count(*) FROM sessions WHERE \"user\" = 'busy' AND active";
    eventually(|| program.ask(rows), |count| count == "4");
    assert_eq!(program.curl("/v1/sessions", &[]).status, 200);
}

#[test]
fn depth_is_refused_and_length_is_not() {
    let program = Program::start("");
    let file = program.dir.path().join("statement.sql");
    let run = |sql: String| {
        std::fs::write(&file, sql).expect("a file");
        let mut command = program.psql_command("dba");
        let said: crate::support::program::Said =
            crate::support::program::finish(command.arg("-f").arg(&file)).into();
        said
    };
    let deep = format!("SELECT {}1{};", "(".repeat(100_000), ")".repeat(100_000));
    let union = format!("SELECT 1{};", " UNION SELECT 1".repeat(10_000));
    let sum = format!("SELECT 1{};", "+1".repeat(100_000));
    for sql in [deep, union, sum] {
        let said = run(sql);
        assert!(said.err.contains("54001"), "{}", said.err);
    }
    let mut list = String::from("SELECT count(*) FROM sessions WHERE id NOT IN (0");
    for number in 1_000_000..1_050_000 {
        write!(list, ",{number}").expect("text");
    }
    assert_eq!(run(format!("{list});")).out, "1");
    let long = format!("SELECT length('{}');", "x".repeat(1_000_000));
    assert_eq!(run(long).out, "1000000");
    let too_long = format!("SELECT length('{}');", "x".repeat(3_000_000));
    assert!(run(too_long).err.contains("54000"));
    // Rows in rows are no more work than other brackets, but each doubles the quotation marks within it.
    let rows = |n: usize| format!("{}1{}", "(user, ".repeat(n), ")".repeat(n));
    let nested = run(format!("SELECT count({}) FROM sessions;", rows(60)));
    assert_eq!(nested.out, "1", "{}", nested.err);
    let quoted = run(format!("SELECT {} FROM sessions;", rows(40)));
    assert!(quoted.err.contains("54000"), "{}", quoted.err);
    assert_eq!(
        run("SELECT (1, (2, (3, '')));".into()).out,
        r#"(1,"(2,""(3,"""""""")"")")"#
    );
}

#[test]
fn errors_are_postgresqls() {
    let program = Program::start("");
    let cases = [
        ("SELEC 1", "42601", ""),
        (
            "SELECT * FROM nothing",
            "42P01",
            "relation \"nothing\" does not exist",
        ),
        (
            "SELECT nothing FROM sessions",
            "42703",
            "column \"nothing\" does not exist",
        ),
        ("SELECT nothing(1)", "42883", "function nothing"),
        ("SELECT 1/0", "22012", "division by zero"),
        ("SELECT 'x'::bigint", "22P02", ""),
        ("SELECT id FROM sessions a, sessions b", "42702", ""),
        ("SELECT service, count(*) FROM sessions", "42803", ""),
        ("SHOW nothing", "42704", ""),
        ("SELECT (SELECT n FROM (VALUES (1), (2)) v(n))", "21000", ""),
    ];
    for (sql, code, message) in cases {
        let said = program.psql("dba", sql);
        assert!(said.err.contains(code), "{sql}: {}", said.err);
        assert!(said.err.contains(message), "{sql}: {}", said.err);
        for inner in ["DataFusion", "Utf8", "Int64", "Optimizer", "Schema error"] {
            assert!(!said.err.contains(inner), "{sql}: {}", said.err);
        }
    }
}

#[test]
fn a_failed_transaction_stays_failed_until_its_end() {
    let program = Program::start("");
    let mut psql = Psql::connect(&program, "dba");
    assert_eq!(psql.ask("BEGIN; SELECT 1;"), "1");
    assert_eq!(
        program.ask("SELECT in_transaction FROM sessions WHERE id <> pg_backend_pid()"),
        "t"
    );
    assert_eq!(
        psql.ask("SELECT 1/0; SELECT 2; SET TimeZone = 'UTC'; SHOW TimeZone;"),
        ""
    );
    let complaints = psql.complaints();
    assert_eq!(complaints.matches("25P02").count(), 3, "{complaints}");
    assert_eq!(psql.ask("ROLLBACK; SELECT 3;"), "3");
}

#[test]
fn limits_are_kept() {
    let program =
        Program::start("limits.sql_connections_max = 2\nlimits.query_memory_mib_max = 16\n");
    let mut first = Psql::connect(&program, "one");
    let mut second = Psql::connect(&program, "two");
    assert_eq!(
        (first.ask("select 1;"), second.ask("select 1;")),
        ("1".into(), "1".into())
    );
    let said = program.psql("three", "select 1");
    assert!(
        said.err.contains("too many clients already"),
        "{}",
        said.err
    );
    second.quit();
    eventually(|| program.psql("three", "select 1").ok, |ok| *ok);
    let sql = "select a.a, count(*) from generate_series(1,100000000) a group by 1 order by 2 desc";
    // The place of the one before may be a moment in becoming free.
    let said = eventually(
        || program.psql("three", sql),
        |said| !said.err.contains("too many clients"),
    );
    assert!(said.err.contains("53200"), "{}", said.err);
    assert_eq!(first.ask("select 2;"), "2");
}

#[test]
fn a_signal_sends_idle_clients_away_and_a_second_one_the_busy_ones_too() {
    let mut program = Program::start("");
    let mut idle = Psql::connect(&program, "idle");
    assert_eq!(idle.ask("select 1;"), "1");
    let mut busy = Psql::connect(&program, "busy");
    busy.type_in(&format!("{ENDLESS};"));
    let rows = "SELECT count(*) FROM sessions WHERE \"user\" = 'busy' AND active";
    eventually(|| program.ask(rows), |count| count == "1");
    program.signal(Signal::SIGTERM);
    eventually(|| program.log(), |log| log.contains("no new clients"));
    idle.type_in("select 'served';");
    assert_eq!(idle.next_line(), None);
    assert!(idle.complaints().contains("57P01"), "{}", idle.complaints());
    program.signal(Signal::SIGTERM);
    assert_eq!(program.ended(), 143);
    assert_eq!(busy.next_line(), None);
}

#[test]
fn a_signal_lets_a_running_statement_finish() {
    let mut program = Program::start("");
    let mut busy = Psql::connect(&program, "busy");
    busy.type_in("SET statement_timeout = '2s';");
    busy.type_in(&format!("{ENDLESS};"));
    let rows = "SELECT count(*) FROM sessions WHERE \"user\" = 'busy' AND active";
    eventually(|| program.ask(rows), |count| count == "1");
    program.signal(Signal::SIGTERM);
    assert_eq!(program.ended(), 0);
    let complaints = busy.complaints();
    assert!(
        complaints.contains("due to statement timeout"),
        "{complaints}"
    );
}

#[test]
fn a_failed_transaction_refuses_what_was_prepared_before() {
    let program = Program::start("");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let client = program.driver("dba").await;
        let prepared = client
            .prepare("SELECT 42::bigint")
            .await
            .expect("a statement");
        client.batch_execute("BEGIN").await.expect("a transaction");
        client
            .batch_execute("SELECT 1/0")
            .await
            .expect_err("it fails");
        let refused = client
            .query(&prepared, &[])
            .await
            .expect_err("it is refused");
        assert_eq!(refused.code().map(|code| code.code()), Some("25P02"));
        client.batch_execute("ROLLBACK").await.expect("an end");
        let row = client.query_one(&prepared, &[]).await.expect("a row");
        assert_eq!(row.get::<_, i64>(0), 42);
    });
}

#[test]
fn what_is_prepared_once_is_of_the_moment_it_runs() {
    let program = Program::start("");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let client = program.driver("dba").await;
        let moments = "statement_timestamp() AS s, transaction_timestamp() AS t, now() AS n, \
                       current_timestamp AS c, 'now'::timestamptz AS w";
        let asked = format!(
            "SELECT s::text, s = t AND t = n AND n = c AND c = w, current_setting('application_name') \
             FROM (SELECT {moments}) x"
        );
        let prepared = client.prepare(&asked).await.expect("a statement");
        let mut before = String::new();
        for name in ["one", "two", "three"] {
            let set = format!("SET application_name = '{name}'");
            client.batch_execute(&set).await.expect("a setting");
            let row = client.query_one(&prepared, &[]).await.expect("a row");
            let moment: String = row.get(0);
            assert!(moment > before && row.get(1), "{moment} after {before}");
            assert_eq!(row.get::<_, &str>(2), name);
            before = moment;
        }
    });
}

#[test]
fn a_wide_or_wordy_statement_is_refused_at_once() {
    let program = Program::start("");
    let columns: Vec<String> = (0..60_000).map(|n| n.to_string()).collect();
    let words = "SELECT 1;".repeat(150_000);
    for (sql, code) in [
        (format!("SELECT {};", columns.join(",")), "54011"),
        (words, "54001"),
    ] {
        // In one message, as a driver sends it.
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let refused = runtime.block_on(async {
            let client = program.driver("dba").await;
            client.simple_query(&sql).await.expect_err("it is refused")
        });
        assert_eq!(
            refused
                .code()
                .map(|found| found.code().to_owned())
                .as_deref(),
            Some(code)
        );
    }
}

#[test]
fn a_large_result_streams_and_an_untyped_array_is_an_array_of_what_it_is_compared_with() {
    let program = Program::start("");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let client = program.driver("dba").await;
        client
            .simple_query("SELECT count(*) FROM sessions")
            .await
            .expect("an answer");
        let before = program.proc_status("VmHWM");
        let none: [i64; 0] = [];
        let rows = client
            .query_raw(
                "SELECT generate_series, repeat('x', 100) FROM generate_series(1, 2000000)",
                none,
            )
            .await
            .expect("a result");
        let count = rows.fold(0u64, |count, row| {
            row.expect("a row");
            std::future::ready(count + 1)
        });
        assert_eq!(count.await, 2_000_000);
        let grown = program.proc_status("VmHWM") - before;
        assert!(
            grown < 64 * 1024,
            "memory grew by {grown} KiB for a result of 220 MB"
        );

        let sql = "SELECT count(*) FROM sessions WHERE service = ANY($1)";
        let untyped = client.prepare(sql).await.expect("a statement");
        let services: &[&str] = &["catalog", "another"];
        let row = client
            .query_one(&untyped, &[&services])
            .await
            .expect("a row");
        assert_eq!(row.get::<_, i64>(0), 1);
        let sql = "SELECT count(*) FROM sessions WHERE id = ANY($1)";
        let ids: &[i64] = &[1, 2, 99];
        let row = client.query_one(sql, &[&ids]).await.expect("a row");
        assert_eq!(row.get::<_, i64>(0), 1);
    });
}
