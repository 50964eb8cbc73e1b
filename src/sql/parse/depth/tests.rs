use super::super::dialect::DoorDialect;
use super::super::parse;
use super::*;
use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use datafusion::prelude::SessionConfig;
use datafusion::sql::sqlparser::tokenizer::Tokenizer;
use std::sync::Arc;

fn refusal(sql: &str) -> (&'static str, String) {
    let error = parse(sql).expect_err("too deep");
    (error.code, error.message)
}

/// Statements that grow with `n` in the ways that cost stack or time.
fn deep(kind: usize, n: usize) -> Option<String> {
    let nested = |open: &str, middle: &str, close: &str| {
        format!("{}{middle}{}", open.repeat(n), close.repeat(n))
    };
    let numbered = |text: &dyn Fn(usize) -> String| (0..n).map(text).collect::<String>();
    let expressions = [
        nested("(", "a", ")"),
        nested("", "a", " + 1"),
        nested("", "a", " - 1"),
        nested("", "a = 0", " OR a = 1 AND a > 1"),
        nested("", "a > 0", " AND NOT a = 1"),
        nested("NOT ", "true", ""),
        nested("- ", "a", ""),
        nested("+ ", "a", ""),
        nested("~ ", "a", ""),
        nested("abs(", "a", ")"),
        nested("coalesce(1, ", "a", ")"),
        nested("CASE WHEN true THEN ", "a", " END"),
        nested("CASE a WHEN ", "1", " THEN 1 END"),
        nested("", "a", "::bigint"),
        nested("CAST(", "a", " AS bigint)"),
        nested("", "'a'", " || 'b'"),
        nested("", "a", " IS NULL"),
        nested("", "a", " BETWEEN 1 AND 2"),
        nested("a IN (", "1", ")"),
        nested("ARRAY[", "1", "]"),
        nested("", "a", "[1]"),
        nested("(1, ", "1", ")"),
        nested("(SELECT ", "a", ")"),
        nested("a IN (SELECT a FROM t WHERE ", "true", ")"),
        nested("EXISTS (SELECT 1 FROM t WHERE ", "true", ")"),
        nested("INTERVAL ", "'1 day'", ""),
        nested("EXTRACT(YEAR FROM ", "now()", ")"),
        nested("POSITION('a' IN ", "'a'", ")"),
        nested("a.", "a", ""),
    ];
    let queries = [
        nested("SELECT * FROM (", "SELECT a FROM t", ") x"),
        nested(
            "SELECT * FROM (SELECT a FROM t WHERE a IN (1, 2) ORDER BY a LIMIT 5) y JOIN (",
            "SELECT a AS b FROM t",
            ") x ON true",
        ),
        format!("SELECT 1 FROM t t0{}", numbered(&|i| format!(", t u{i}"))),
        format!(
            "SELECT 1 FROM t t0{}",
            numbered(&|i| format!(" JOIN t u{i} ON t0.a = u{i}.a"))
        ),
        format!(
            "SELECT 1 FROM t t0{}",
            numbered(&|i| format!(" LEFT JOIN t u{i} ON t0.a = u{i}.a AND u{i}.a > {i}"))
        ),
        format!("SELECT 1 FROM {}", nested("(", "t x CROSS JOIN t y", ")")),
        format!(
            "WITH c0 AS (SELECT a FROM t){} SELECT * FROM c{n}",
            numbered(&|i| format!(", c{} AS (SELECT a + 1 AS a FROM c{i})", i + 1))
        ),
        format!(
            "WITH c0 AS (SELECT a FROM t){} SELECT count(*) FROM c{n}",
            numbered(&|i| format!(", c{} AS (SELECT x.a FROM c{i} x, c{i} y)", i + 1))
        ),
        nested("WITH c AS (", "SELECT 1", ") SELECT 1"),
        nested("", "SELECT 1", " UNION ALL SELECT 1"),
        nested("", "SELECT 1", " UNION SELECT 1"),
        nested("", "SELECT 1", " INTERSECT SELECT 1"),
        nested("", "SELECT 1", " EXCEPT SELECT 2"),
        nested("(", "SELECT 1", " UNION SELECT 1)"),
        // Not SQL, but the parser does not know before it has tried.
        format!("SELECT {}", "CAST(".repeat(n)),
        format!("SELECT {}", "abs(".repeat(n)),
        format!("SELECT {}", "EXTRACT(a FROM ".repeat(n)),
        format!("SELECT {}", "INTERVAL (".repeat(n)),
        format!("SELECT 1 FROM {}", "(".repeat(n)),
        format!("SELECT 1 FROM {}", "(SELECT 1 FROM ".repeat(n)),
        format!("SELECT 1 FROM {}", "((SELECT 1) x JOIN ".repeat(n)),
    ];
    let expressions = expressions
        .into_iter()
        .map(|expression| format!("SELECT {expression} FROM t"));
    expressions.chain(queries).nth(kind)
}

/// Runs `sql` through the whole engine on three quarters of the stack that the door has; returns whether it succeeds.
fn run(sql: String) -> bool {
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let Ok(mut statements) = parse(&sql) else {
            return false;
        };
        let statement = statements.remove(0).engine_statement().unwrap();
        let run = async {
            let config = SessionConfig::new().with_target_partitions(2);
            let context = crate::sql::parse::plain_engine(config, Arc::default());
            let column = Arc::new(Int64Array::from(vec![1])) as ArrayRef;
            context.register_batch("t", RecordBatch::try_from_iter([("a", column)])?)?;
            let plan = context.state().statement_to_plan(statement).await?;
            context.execute_logical_plan(plan).await?.collect().await
        };
        runtime.block_on(run).is_ok()
    };
    std::thread::Builder::new()
        .stack_size(STACK_BYTES / 4 * 3)
        .spawn(work)
        .unwrap()
        .join()
        .unwrap()
}

fn passes_the_gate(sql: &str) -> bool {
    let tokens = Tokenizer::new(&DoorDialect::new(0), sql)
        .tokenize_with_location()
        .unwrap();
    check(&tokens).is_ok()
}

#[test]
fn a_statement_just_within_the_bounds_runs_on_the_stack_of_the_door() {
    let sizes: Vec<usize> = (1..=DEPTH_MAX).collect();
    for kind in 0.. {
        let within = |n: &usize| deep(kind, *n).is_some_and(|sql| passes_the_gate(&sql));
        let largest = sizes.partition_point(within);
        let Some(largest) = deep(kind, largest) else {
            assert!(kind > 40);
            break;
        };
        // It may say that it does not support it; what matters is that it comes back.
        run(largest);
    }
}

#[test]
fn a_statement_beyond_the_bounds_is_refused_before_it_is_parsed() {
    for sql in (0..).map_while(|kind| deep(kind, 10_000)) {
        let (code, message) = refusal(&sql);
        let flat = code == "42601" && sql.contains("a.a.a");
        assert!(
            flat || (code, message.as_str()) == ("54001", "stack depth limit exceeded"),
            "{}",
            &sql[..60]
        );
    }
    assert_eq!(refusal(&"(".repeat(100_000)).0, "54001");
    assert_eq!(
        refusal(&format!("SELECT {}", "[".repeat(100_000))).0,
        "54001"
    );
}

#[test]
fn usual_statements_are_far_from_the_bounds() {
    let alternatives = " OR (user = 'x' AND idle > 5)".repeat(150);
    assert!(parse(&format!("SELECT * FROM sessions WHERE false{alternatives}")).is_ok());
    let unions = " UNION ALL SELECT 1, 2, 3".repeat(100);
    assert!(parse(&format!("SELECT 1, 2, 3{unions}")).is_ok());
    let joins = " LEFT JOIN services USING (name)".repeat(50);
    assert!(parse(&format!("SELECT 1 FROM services{joins}")).is_ok());
}

#[test]
fn long_flat_statements_pass() {
    let numbers = (0..50_000)
        .map(|n| n.to_string())
        .collect::<Vec<_>>()
        .join(", ");
    assert!(run(format!("SELECT a FROM t WHERE a IN ({numbers})")));
    assert!(parse(&format!("SELECT 1 WHERE 1 IN ({numbers}, {numbers})")).is_ok());
    assert!(parse(&format!("VALUES ({})", numbers.replace(", ", "), ("))).is_ok());
    assert!(parse(&"SELECT 1 + 1;".repeat(1_000)).is_ok());
    let cases = " WHEN a = 1 THEN a + 1".repeat(2_000);
    assert!(parse(&format!("SELECT CASE{cases} END FROM t")).is_ok());
    // Brackets and operators inside texts and comments are not counted.
    let text = "((((1+1+1+1".repeat(1_000);
    let quoted =
        format!("SELECT '{text}', $x${text}$x$, E'{text}\\'', \"{text}\" /* {text} */ -- {text}");
    assert!(parse(&quoted).is_ok());
}

#[test]
fn common_table_expressions_do_not_multiply_without_end() {
    let doubling = |n: usize| deep(36, n).unwrap();
    assert!(doubling(3).contains("FROM c0 x, c0 y"));
    assert!(parse(&doubling(10)).is_ok());
    assert_eq!(
        refusal(&doubling(30)),
        ("54001", "statement is too complex".to_owned())
    );
}
