//! Real statements against the real engine: code and message as a client sees them.

use super::*;
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringViewArray, TimestampMicrosecondArray};
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use std::sync::Arc;

fn context(memory_bytes: usize) -> SessionContext {
    let runtime =
        RuntimeEnvBuilder::new().with_memory_pool(Arc::new(GreedyMemoryPool::new(memory_bytes)));
    let runtime = Arc::new(runtime.build().unwrap());
    let context = crate::sql::parse::plain_engine(SessionConfig::new(), runtime);
    let batch = RecordBatch::try_from_iter([
        (
            "id",
            Arc::new(Int64Array::from(vec![i64::MAX, 2, 3])) as ArrayRef,
        ),
        ("name", Arc::new(StringViewArray::from(vec!["a", "b", "c"]))),
        (
            "at",
            Arc::new(TimestampMicrosecondArray::from(vec![1, 2, 3]).with_timezone("UTC")),
        ),
    ]);
    context.register_batch("t", batch.unwrap()).unwrap();
    context
}

async fn failure(context: &SessionContext, sql: &str) -> SqlError {
    let statement = match crate::sql::parse::parse(sql) {
        Ok(mut statements) => statements.remove(0).engine_statement().unwrap(),
        Err(error) => return error,
    };
    let run = async {
        let plan = context.state().statement_to_plan(statement).await?;
        context.execute_logical_plan(plan).await?.collect().await
    };
    match run.await {
        Ok(rows) => panic!("{sql} succeeds: {rows:?}"),
        Err(error) => SqlError::from_engine_in(&error, sql),
    }
}

#[tokio::test]
async fn each_mistake_has_the_state_and_sentence_that_postgresql_gives() {
    let context = context(usize::MAX);
    let mut wrong = Vec::new();
    for (sql, code, message) in [
        (
            "select *",
            "42601",
            "SELECT * with no tables specified is not valid",
        ),
        ("select 1 +", "42601", "syntax error at end of input"),
        ("select 1 form t", "42601", "syntax error at or near \"t\""),
        (
            "select * from nope",
            "42P01",
            "relation \"nope\" does not exist",
        ),
        (
            "select * from a.b.nope",
            "42P01",
            "relation \"a.b.nope\" does not exist",
        ),
        (
            "select x.id from t",
            "42P01",
            "missing FROM-clause entry for table \"x\"",
        ),
        (
            "select x.* from t",
            "42P01",
            "missing FROM-clause entry for table \"x\"",
        ),
        (
            "select nope from t",
            "42703",
            "column \"nope\" does not exist",
        ),
        (
            "select t.nope from t",
            "42703",
            "column t.nope does not exist",
        ),
        (
            "select id from t a, t b",
            "42702",
            "column reference \"id\" is ambiguous",
        ),
        (
            "select t.id from t, t",
            "42712",
            "table name \"t\" specified more than once",
        ),
        ("select nope(1)", "42883", "function nope does not exist"),
        (
            "select * from nope(1)",
            "42883",
            "function nope does not exist",
        ),
        (
            "select abs('x', 1)",
            "42883",
            "function abs(text, integer) does not exist",
        ),
        (
            "select lower(at, 2) from t",
            "42883",
            "function lower(timestamp with time zone, integer) does not exist",
        ),
        (
            "select row_number() from t",
            "42809",
            "window function row_number requires an OVER clause",
        ),
        (
            "select id + name from t",
            "42883",
            "operator does not exist: bigint + text",
        ),
        (
            "select at + 1 from t",
            "42883",
            "operator does not exist: timestamp with time zone + integer",
        ),
        (
            "select id || 1 from t",
            "42883",
            "operator does not exist: bigint || integer",
        ),
        (
            "select id like 'x' from t",
            "42883",
            "operator does not exist: bigint ~~ text",
        ),
        (
            "select id, count(*) from t",
            "42803",
            "column \"t.id\" must appear in the GROUP BY clause or be used in an aggregate function",
        ),
        (
            "select id from t where count(*) > 1",
            "42803",
            "aggregate functions are not allowed in WHERE",
        ),
        (
            "select sum(sum(id)) from t",
            "42803",
            "aggregate function calls cannot be nested",
        ),
        (
            "select * from t where id",
            "42804",
            "argument of WHERE must be type boolean, not type bigint",
        ),
        (
            "select not 1",
            "42804",
            "argument of NOT must be type boolean, not type integer",
        ),
        (
            "select at from t union select id from t",
            "42804",
            "UNION types timestamp with time zone and bigint cannot be matched",
        ),
        (
            "select * from t limit 'x'",
            "22P02",
            "invalid input syntax for type bigint: \"x\"",
        ),
        ("select id/0 from t", "22012", "division by zero"),
        (
            "select (0 - id - 1) / -1 from t",
            "22003",
            "value out of range: -9223372036854775808 / -1",
        ),
        (
            "select '999999999999'::int",
            "22003",
            "value \"999999999999\" is out of range for type integer",
        ),
        ("select 999999999999::int", "22003", "integer out of range"),
        (
            "select name::bigint from t",
            "22P02",
            "invalid input syntax for type bigint: \"a\"",
        ),
        (
            "select 'x'::bool",
            "22P02",
            "invalid input syntax for type boolean: \"x\"",
        ),
        (
            "select 1 = 'it''s'",
            "22P02",
            "invalid input syntax for type integer: \"it's\"",
        ),
        (
            "select name::date from t",
            "22007",
            "invalid input syntax for type date: \"a\"",
        ),
        (
            "select (select id from t)",
            "21000",
            "more than one row returned by a subquery used as an expression",
        ),
        (
            "select (select id, name from t)",
            "42601",
            "subquery must return only one column",
        ),
        (
            "select id from t union select id, name from t",
            "42601",
            "each UNION query must have the same number of columns",
        ),
        (
            "values (1), (1, 2)",
            "42601",
            "VALUES lists must all be the same length",
        ),
        ("select $1", "42P02", "there is no parameter $1"),
        (
            "select * from t order by 5",
            "42P10",
            "ORDER BY position 5 is not in select list",
        ),
        (
            "select * from t limit -1",
            "2201W",
            "LIMIT must not be negative",
        ),
        (
            "select cast(id as foo) from t",
            "42704",
            "type \"foo\" does not exist",
        ),
        (
            "select 'a' ~ '('",
            "2201B",
            "invalid regular expression: unclosed group",
        ),
        (
            "select date_part('foo', now())",
            "22023",
            "unit \"foo\" not recognized",
        ),
        (
            "select sqrt(-1)",
            "2201F",
            "cannot take square root of a negative number",
        ),
        (
            "select (select b.name from t b where b.id = t.id) from t",
            "0A000",
            "this form of correlated subquery is not supported",
        ),
        (
            "select 'a' collate \"nope\"",
            "42704",
            "collation \"nope\" for encoding \"UTF8\" does not exist",
        ),
    ] {
        let error = failure(&context, sql).await;
        if (error.code, error.message.as_str()) != (code, message) {
            wrong.push(format!("{sql}: {} {}", error.code, error.message));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn the_place_is_told_where_it_is_known() {
    let context = context(usize::MAX);
    assert_eq!(
        failure(&context, "select 1\nfrom nope").await.position,
        Some(15)
    );
    assert_eq!(failure(&context, "select nope(1)").await.position, Some(8));
    assert_eq!(
        failure(&context, "select 'é' form t").await.position,
        Some(17)
    );
}

#[tokio::test]
async fn a_statement_past_its_memory_is_out_of_memory() {
    let error = failure(
        &context(1000),
        "select name, count(*) from t group by name order by 1",
    )
    .await;
    assert_eq!(
        (error.code, error.message.as_str()),
        ("53200", "out of memory")
    );
}

#[test]
fn our_own_errors_pass_through_the_engine_unchanged() {
    let own = SqlError::new("57014", "canceling statement due to statement timeout").with_hint("h");
    let inside = DataFusionError::External(Box::new(own.clone())).context("somewhere");
    let around = ArrowError::from(DataFusionError::Shared(Arc::new(inside)));
    assert_eq!(SqlError::from_engine(&around.into()), own);
}

#[test]
fn no_name_of_the_engine_is_left() {
    for (text, expected) in [
        (
            "Execution error: got Int64(1) and Utf8(\"x\") of List(Int64).",
            "got 1 and 'x' of bigint[]",
        ),
        (
            "Unsupported Decimal128(10, 2) with Boolean\nbacktrace",
            "Unsupported numeric with boolean",
        ),
        ("Internal error: Utf8View(", "text("),
    ] {
        assert_eq!(wording::sentence(text), expected);
    }
    let internal = SqlError::from_engine(&DataFusionError::Internal(
        "Int64 failed.\nThis was likely a bug".into(),
    ));
    assert_eq!(
        (internal.code, internal.message.as_str()),
        ("XX000", "internal error: bigint failed")
    );
}
