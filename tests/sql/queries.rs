//! Statements that are put to the program and to a real PostgreSQL 15 with the same tables: the rows, the columns' names
//! and types, and what is said of mistakes must be the same.

use std::fmt::Write;
use std::time::Duration;

use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::psql::Pair;

/// Statements that have an answer, one a line.
const ANSWERS: &str = include_str!("answers.sql");

/// Statements that have none, one a line.
const MISTAKES: &str = include_str!("mistakes.sql");

/// How long all statements of a file may take on one side.
const PATIENCE: Duration = Duration::from_secs(120);

fn statements(file: &str) -> Vec<&str> {
    file.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect()
}

async fn connect(address: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(address, NoTls)
        .await
        .expect("a server");
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            eprintln!("a connection has ended: {error:?}");
        }
    });
    // Where the day is another one than in UTC for some hours.
    client
        .batch_execute("SET TimeZone = 'America/New_York'")
        .await
        .expect("a zone");
    client
}

/// What is wrong, as a client is told it.
fn told(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(error) => format!(
            "{}: {} {:?}",
            error.code().code(),
            error.message(),
            error.position()
        ),
        None => format!("lost: {error}"),
    }
}

/// The columns' names and types, then the rows.
async fn answer(client: &Client, sql: &str) -> String {
    let mut answer = String::new();
    match client.prepare(sql).await {
        Ok(statement) => {
            for column in statement.columns() {
                let _ = write!(answer, "{} {}, ", column.name(), column.type_());
            }
        }
        Err(error) => answer.push_str(&told(&error)),
    }
    match client.simple_query(sql).await {
        Ok(messages) => {
            for message in messages {
                if let SimpleQueryMessage::Row(row) = message {
                    answer.push('\n');
                    for at in 0..row.len() {
                        let _ = write!(answer, "{} | ", row.get(at).unwrap_or("<NULL>"));
                    }
                }
            }
        }
        Err(error) => {
            let _ = write!(answer, "\n{}", told(&error));
        }
    }
    answer
}

async fn mistake(client: &Client, sql: &str) -> String {
    match client.simple_query(sql).await {
        Ok(_) => "no mistake".to_owned(),
        Err(error) => told(&error),
    }
}

/// Puts all statements to both sides and lists what is not the same.
fn compare(file: &str, least: usize, of_mistakes: bool) {
    // By the thread of the test: a server ends with the thread that has started it.
    let pair = Pair::start("");
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    runtime.block_on(compare_with(&pair, file, least, of_mistakes));
}

async fn compare_with(pair: &Pair, file: &str, least: usize, of_mistakes: bool) {
    let [ours, theirs] = pair.addresses();
    let (ours, theirs) = (connect(&ours).await, connect(&theirs).await);
    let statements = statements(file);
    assert!(statements.len() >= least, "{}", statements.len());
    let both = async {
        let mut different = Vec::new();
        for sql in &statements {
            let (found, expected) = match of_mistakes {
                true => (mistake(&ours, sql).await, mistake(&theirs, sql).await),
                false => (answer(&ours, sql).await, answer(&theirs, sql).await),
            };
            if found != expected {
                different.push(format!("{sql}\n  expected {expected}\n  found    {found}"));
            }
        }
        different
    };
    let different = tokio::time::timeout(PATIENCE, both).await.expect("in time");
    assert!(
        different.is_empty(),
        "{} of {}:\n{}",
        different.len(),
        statements.len(),
        different.join("\n")
    );
}

#[test]
fn answers_are_those_of_postgresql() {
    compare(ANSWERS, 150, false);
}

#[test]
fn mistakes_are_told_as_by_postgresql() {
    compare(MISTAKES, 80, true);
}
