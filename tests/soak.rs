//! Nothing is left behind by clients that come and go.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio_postgres::NoTls;

use crate::support::program::{Program, eventually};

async fn cycle(port: u16) {
    let config = format!("host=127.0.0.1 port={port} user=soak");
    let (client, connection) = tokio_postgres::connect(&config, NoTls)
        .await
        .expect("a connection");
    let served = tokio::spawn(connection);
    let row = client
        .query_one("SELECT pg_backend_pid()", &[])
        .await
        .expect("a row");
    assert!(row.get::<_, i32>(0) > 0);
    drop(client);
    served.await.expect("it ends").expect("in order");
}

/// Connects and is closed by somebody else in the midst of whatever it does.
async fn victim(port: u16) {
    let config = format!("host=127.0.0.1 port={port} user=victim");
    let Ok((client, connection)) = tokio_postgres::connect(&config, NoTls).await else {
        return;
    };
    let served = tokio::spawn(connection);
    while client
        .simple_query("SELECT count(*) FROM sessions")
        .await
        .is_ok()
    {}
    let _ = served.await.expect("it ends");
}

#[test]
fn ten_thousand_connections_and_a_kill_storm_leave_nothing() {
    let program = Program::start("limits.sql_connections_max = 500\n");
    let port = program.sql.port();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let done = Arc::new(AtomicBool::new(false));
    let round = |cycles: usize, workers: usize| {
        runtime.block_on(async {
            let workers: Vec<_> = (0..workers)
                .map(|_| {
                    tokio::spawn(async move {
                        for _ in 0..cycles / workers {
                            cycle(port).await;
                        }
                    })
                })
                .collect();
            for worker in workers {
                worker.await.expect("a worker");
            }
        });
    };
    let watch = |path: &'static str| {
        let program = &program;
        let done = Arc::clone(&done);
        move || {
            let mut looks = 0;
            while !done.load(Ordering::Acquire) {
                match path {
                    "" => {
                        program.ask(
                            "SELECT count(*), max(idle), string_agg(state, ',') FROM sessions",
                        );
                    }
                    path => {
                        let answer = program.curl(path, &[]);
                        assert_eq!(answer.status, 200);
                        assert!(answer.json()["data"].is_array());
                    }
                }
                looks += 1;
            }
            looks
        }
    };
    let (settled, after) = std::thread::scope(|scope| {
        let watchers = [scope.spawn(watch("")), scope.spawn(watch("/v1/sessions"))];
        round(2_000, 8);
        let settled = program.proc_status("VmRSS");
        round(8_000, 8);
        // The storm: victims come as fast as they are closed.
        runtime.block_on(async {
            let victims: Vec<_> = (0..8)
                .map(|_| {
                    tokio::spawn(async move {
                        for _ in 0..25 {
                            victim(port).await;
                        }
                    })
                })
                .collect();
            let config = format!("host=127.0.0.1 port={port} user=dba");
            let (killer, connection) = tokio_postgres::connect(&config, NoTls)
                .await
                .expect("a connection");
            tokio::spawn(connection);
            while victims.iter().any(|victim| !victim.is_finished()) {
                let sql = "SELECT kill_session(id) FROM sessions WHERE \"user\" = 'victim'";
                killer.query(sql, &[]).await.expect("an answer");
            }
            for victim in victims {
                victim.await.expect("a victim");
            }
        });
        done.store(true, Ordering::Release);
        for watcher in watchers {
            assert!(watcher.join().expect("a watcher") > 0);
        }
        let only_us = || program.ask("SELECT count(*) FROM sessions");
        eventually(only_us, |count| count == "1");
        (settled, program.proc_status("VmRSS"))
    });
    eventually(
        || program.curl("/v1/sessions", &[]).json()["data"].clone(),
        |data| *data == serde_json::json!([]),
    );
    println!(
        "resident after 2,000 connections {settled} KiB, after 10,000 and the storm {after} KiB"
    );
    println!("{} descriptors are open", program.descriptors());
    assert!(
        after < settled + 16 * 1024,
        "{settled} KiB grew to {after} KiB"
    );
    assert!(program.descriptors() < 40);
}
