//! Random questions, put to the program and to a real PostgreSQL 15 with the same rows: joins, subqueries, groups, windows
//! and set operations over conditions that NULL is part of, which is where planners err.

mod questions;

use std::time::Duration;

use futures::{SinkExt, TryStreamExt, pin_mut};
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use self::questions::Questions;
use crate::support::twin::Pair;

/// Questions that are asked; ROLLCALL_RANDOM_QUESTIONS asks more.
const QUESTIONS: usize = 200;
/// Where they begin; ROLLCALL_RANDOM_SEED begins elsewhere.
const SEED: u64 = 20_261_126;
/// Sessions that are asked about.
const SESSIONS: usize = 16;
/// How long all of them may take.
const PATIENCE: Duration = Duration::from_secs(240);

/// The sessions that stay, as a table of the program's and of the other server's.
const TABLES: [&str; 2] = [
    "(SELECT * FROM sessions WHERE application_name LIKE 'kept %')",
    "(SELECT * FROM kept)",
];

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

async fn connect(address: &str) -> Client {
    let connected = tokio_postgres::connect(address, NoTls).await;
    let (client, connection) = connected.expect("a server");
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            eprintln!("a connection has ended: {error:?}");
        }
    });
    client
}

/// Sessions that differ in what a session has, and stay as they are while they live.
async fn sessions(address: &str) -> Vec<Client> {
    let mut clients = Vec::new();
    for number in 0..SESSIONS {
        let client = connect(&format!("{address} application_name='kept {}'", number % 5)).await;
        if number % 3 == 0 {
            client.batch_execute("BEGIN").await.expect("a transaction");
        }
        clients.push(client);
    }
    clients
}

/// Copies their rows to the other server.
async fn copy_rows(ours: &Client, theirs: &Client) {
    let table = "CREATE TEMPORARY TABLE kept AS SELECT * FROM sessions WHERE false";
    theirs.batch_execute(table).await.expect("a table");
    let from = format!("COPY {} TO STDOUT", TABLES[0]);
    let rows = ours.copy_out(&from).await.expect("rows");
    let sink = theirs.copy_in("COPY kept FROM STDIN").await.expect("room");
    pin_mut!(rows, sink);
    while let Some(piece) = rows.try_next().await.expect("rows") {
        sink.send(piece).await.expect("room");
    }
    let copied = sink.finish().await.expect("rows");
    assert_eq!(copied, SESSIONS as u64);
}

/// The rows in any order, or the code of the error.
async fn answer(client: &Client, question: &str) -> Result<Vec<String>, String> {
    let messages = client.simple_query(question).await.map_err(|error| {
        let told = error.as_db_error();
        told.map_or_else(
            || format!("lost: {error}"),
            |told| format!("{}: {}", told.code().code(), told.message()),
        )
    })?;
    let rows = messages.into_iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let text = |row: tokio_postgres::SimpleQueryRow| {
        let values = (0..row.len()).map(|at| row.get(at).unwrap_or("<NULL>").to_owned());
        values.collect::<Vec<_>>().join(" | ")
    };
    let mut rows: Vec<String> = rows.map(text).collect();
    rows.sort();
    Ok(rows)
}

#[test]
fn random_questions_have_the_answers_of_postgresql() {
    // By the thread of the test: a server ends with the thread that has started it.
    let pair = Pair::start("");
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    runtime.block_on(ask(&pair));
}

/// Asks both.
async fn ask(pair: &Pair) {
    let [ours, theirs] = pair.addresses();
    let _kept = sessions(&ours).await;
    let (ours, theirs) = (connect(&ours).await, connect(&theirs).await);
    copy_rows(&ours, &theirs).await;
    let count = number("ROLLCALL_RANDOM_QUESTIONS").unwrap_or(QUESTIONS as u64);
    let seed = number("ROLLCALL_RANDOM_SEED").unwrap_or(SEED);
    let mut questions = Questions::new(StdRng::seed_from_u64(seed));
    let asked = async {
        let mut different = Vec::new();
        for _ in 0..count {
            let question = questions.next();
            let [found, expected] =
                [(&ours, TABLES[0]), (&theirs, TABLES[1])].map(|(client, table)| {
                    let question = question.replace(questions::TABLE, table);
                    async move { answer(client, &question).await }
                });
            let (found, expected) = (found.await, expected.await);
            // Whether a number too large is met depends on the order in which things are computed.
            let is_open = [&found, &expected]
                .into_iter()
                .any(|answer| answer.as_ref().is_err_and(|told| told.starts_with("22003")));
            if found != expected && !is_open {
                different.push(format!(
                    "{question}\n  expected {expected:?}\n  found    {found:?}"
                ));
            }
        }
        different
    };
    let different = tokio::time::timeout(PATIENCE, asked)
        .await
        .expect("in time");
    assert!(
        different.is_empty(),
        "{} of {count} with seed {seed}:\n{}",
        different.len(),
        different.join("\n")
    );
}
