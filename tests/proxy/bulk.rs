//! Much data, both ways, and the tools that move it.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::Proxied;
use crate::support::postgres::{Postgres, QUIET, client};
use crate::support::program::{Said, finish};
use crate::support::wire::query;

/// Runs a program to its end with its output in a file.
fn into_file(command: &mut Command, path: &Path) {
    let file = File::create(path).expect("a file");
    let status = command.stdin(Stdio::null()).stdout(file).status();
    assert!(status.expect("it starts").success(), "{command:?}");
}

/// Byte for byte.
fn assert_equal(one: &Path, other: &Path) {
    let said: Said = finish(Command::new("cmp").args([one, other])).into();
    assert!(said.ok, "{} {}", said.out, said.err);
}

#[test]
fn pgbench_runs_in_all_three_protocols() {
    let server = Postgres::start();
    let mut proxied = Proxied::front(&server);
    let held = proxied.held();
    let made: Said = finish(proxied.client("pgbench").args(["-i", "-s", "1", "-q"])).into();
    assert!(made.ok, "{}", made.err);
    for protocol in ["simple", "extended", "prepared"] {
        let mut command = proxied.client("pgbench");
        command.args(["-n", "-c", "16", "-j", "2", "-T", "5", "-M", protocol]);
        let run: Said = finish(&mut command).into();
        assert!(run.ok, "{protocol}: {}", run.err);
        assert!(
            run.out
                .contains("number of failed transactions: 0 (0.000%)"),
            "{protocol}: {}",
            run.out
        );
        assert_eq!(
            run.err.matches("error").count(),
            0,
            "{protocol}: {}",
            run.err
        );
    }
    // What it has done adds up.
    let sums = "SELECT sum(abalance), (SELECT sum(bbalance) FROM pgbench_branches), \
                (SELECT sum(delta) FROM pgbench_history) FROM pgbench_accounts";
    let said = proxied.said(sums);
    let sums: Vec<&str> = said.out.split('|').collect();
    assert!(sums.iter().all(|sum| *sum == sums[0]), "{sums:?}");
    assert_eq!(
        proxied.ask("SELECT max_connections >= 16 FROM services WHERE name = 'app'"),
        "t"
    );
    proxied.settles(held);
}

/// Rows for 100 MB of COPY's text.
const HUNDRED_MB: &str = "SELECT g, repeat(md5(g::text), 6) FROM generate_series(1, 500000) g";

#[test]
fn a_hundred_megabytes_are_copied_each_way() {
    let server = Postgres::start();
    let mut proxied = Proxied::front(&server);
    let held = proxied.held();
    let dir = proxied.program.dir.path().to_owned();
    let file = |name: &str| dir.join(name);
    let out = format!("COPY ({HUNDRED_MB}) TO STDOUT");
    let mut direct = client("psql", "127.0.0.1", server.port);
    into_file(direct.args(QUIET).args(["-c", &out]), &file("direct"));
    into_file(proxied.psql().args(["-c", &out]), &file("proxied"));
    let size = std::fs::metadata(file("direct")).expect("a file").len();
    assert!(size >= 99_000_000, "{size}");
    assert_equal(&file("direct"), &file("proxied"));

    let copy_in = format!("\\copy bulk from '{}'", file("direct").display());
    let mut psql = proxied.psql();
    psql.args([
        "-c",
        "CREATE UNLOGGED TABLE bulk (a int, b text)",
        "-c",
        &copy_in,
    ]);
    let said: Said = finish(&mut psql).into();
    assert!(said.ok, "{}", said.err);
    let mut direct = client("psql", "127.0.0.1", server.port);
    let back = "COPY bulk TO STDOUT";
    into_file(direct.args(QUIET).args(["-c", back]), &file("back"));
    assert_equal(&file("direct"), &file("back"));
    proxied.settles(held);
}

/// The length of the streamed result. A gigabyte takes the unoptimised program several times as long as the
/// server needs to produce it.
const STREAM_BYTES: usize = 1_000_000_000;

#[test]
fn a_gigabyte_streams_through_flat_memory() {
    let server = Postgres::start();
    let mut proxied = Proxied::front(&server);
    let held = proxied.held();
    let before = proxied.program.proc_status("VmRSS");
    let mut client = proxied.raw();
    let id = client.process;
    let rows = STREAM_BYTES / 10_000;
    let sql = format!("SELECT repeat('x', 9989) FROM generate_series(1, {rows})");
    client.send(&query(&sql));
    let done = AtomicBool::new(false);
    let (received, highest) = thread::scope(|scope| {
        let watched = scope.spawn(|| {
            let mut highest = 0;
            while !done.load(Ordering::Acquire) {
                highest = highest.max(proxied.program.proc_status("VmRSS"));
            }
            highest
        });
        let received = drain(client.tcp(), STREAM_BYTES);
        done.store(true, Ordering::Release);
        (received, watched.join().expect("a watcher"))
    });
    assert!(received >= STREAM_BYTES, "{received}");
    println!("{before} KiB before, at most {highest} KiB while {received} bytes passed");
    assert!(
        highest < before + 8 * 1024,
        "{before} KiB grew to {highest} KiB"
    );
    let counted = format!("SELECT bytes_out >= {STREAM_BYTES} FROM sessions WHERE id = {id}");
    assert_eq!(proxied.ask(&counted), "t");
    drop(client);
    proxied.settles(held);
}

/// Reads everything up to the ReadyForQuery that ends a result of at least so many bytes.
fn drain(mut socket: impl Read, bytes_min: usize) -> usize {
    let ready = b"Z\0\0\0\x05I";
    let mut buffer = vec![0; 256 * 1024];
    let mut received = 0;
    loop {
        let read = socket.read(&mut buffer).expect("more of the result");
        assert!(read > 0, "closed after {received} bytes");
        received += read;
        if received >= bytes_min && buffer[..read].ends_with(ready) {
            return received;
        }
    }
}

#[test]
fn a_reader_that_stops_holds_up_nobody_and_costs_no_memory() {
    let server = Postgres::start();
    let mut proxied = Proxied::front(&server);
    let held = proxied.held();
    let before = proxied.program.proc_status("VmRSS");
    let mut slow = proxied.raw();
    let id = slow.process;
    slow.send(&query(
        "SELECT repeat('x', 9989) FROM generate_series(1, 10000)",
    ));
    // Everything that has room in between is full: the server waits for its client to read.
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'ClientWrite' AND usename = 'trusted'";
    let waiting = || server.ask(waits);
    crate::support::program::eventually(waiting, |count| count == "1");
    let sent = format!("SELECT bytes_out FROM sessions WHERE id = {id}");
    let passed: u64 = proxied.ask(&sent).parse().expect("a number");
    assert!(passed < 50_000_000, "{passed}");
    assert_eq!(proxied.said("SELECT 'others'").out, "others");
    assert_eq!(
        proxied.ask(&format!("SELECT active FROM sessions WHERE id = {id}")),
        "t"
    );
    let now = proxied.program.proc_status("VmRSS");
    assert!(now < before + 8 * 1024, "{before} KiB grew to {now} KiB");
    drain(slow.tcp(), 100_000_000);
    assert_eq!(super::rows(&mut slow, "SELECT 1"), ["1"]);
    drop(slow);
    proxied.settles(held);
}

#[test]
fn both_directions_are_full_at_the_same_time_and_go_on() {
    let server = Postgres::start();
    let mut proxied = Proxied::front(&server);
    let held = proxied.held();
    let mut client = proxied.raw();
    // Statements are sent as fast as they are taken and no answer is read meanwhile: a relay that waits for one
    // direction in the other stands still here. More than all buffers on the way hold, in each direction.
    let padding = "-".repeat(20_000);
    let statement = query(&format!("SELECT repeat('x', 20000) /* {padding} */"));
    let times = 2_000;
    let mut sender = client.tcp().try_clone().expect("a second handle");
    thread::scope(|scope| {
        scope.spawn(move || {
            for _ in 0..times {
                sender.write_all(&statement).expect("a server that reads");
            }
        });
        // The sender has come to a halt once the server waits for its answers to be read.
        crate::support::program::eventually(
            || server.ask("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'ClientWrite'"),
            |count| count == "1",
        );
        for _ in 0..times {
            let messages = client.until_ready();
            assert_eq!(messages.len(), 4);
            assert_eq!(messages[1].body.len(), 2 + 4 + 20_000);
        }
    });
    drop(client);
    proxied.settles(held);
}

#[test]
fn a_database_is_dumped_and_restored() {
    let server = Postgres::start();
    let mut proxied = Proxied::front(&server);
    let held = proxied.held();
    server.ask("CREATE DATABASE copy OWNER app");
    let made: Said = finish(proxied.client("pgbench").args(["-i", "-s", "1", "-q"])).into();
    assert!(made.ok, "{}", made.err);
    let more = "CREATE TABLE parts (id serial PRIMARY KEY, at timestamptz, body bytea, tags text[]); \
                INSERT INTO parts (at, body, tags) SELECT to_timestamp(g), decode(md5(g::text), 'hex'), \
                ARRAY['ü', E'tab\\there', NULL] FROM generate_series(1, 1000) g; \
                CREATE VIEW late AS SELECT * FROM parts WHERE id > 500; \
                CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql AS 'SELECT n * 2'; \
                SELECT lo_from_bytea(4242, '\\x00ff80');";
    let said = proxied.said(more);
    assert!(said.ok, "{}", said.err);

    let mut dumped = proxied
        .client("pg_dump")
        .stdout(Stdio::piped())
        .spawn()
        .expect("pg_dump starts");
    let mut restore = proxied.psql();
    restore
        .env("PGDATABASE", "copy")
        .args(["-1", "-f", "-"])
        .stdin(dumped.stdout.take().expect("piped"))
        .stdout(Stdio::null());
    assert!(restore.status().expect("psql starts").success());
    assert!(dumped.wait().expect("an end").success());

    let dump = |database: &str| {
        let mut command = client("pg_dump", "127.0.0.1", server.port);
        let said: Said = finish(command.env("PGDATABASE", database)).into();
        assert!(said.ok, "{}", said.err);
        // Newer versions write a random word around the whole.
        let lines = said
            .out
            .lines()
            .filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict"));
        lines.collect::<Vec<_>>().join("\n")
    };
    let (original, copy) = (dump("app"), dump("copy"));
    assert!(original.len() > 1_000_000, "{}", original.len());
    assert!(original == copy, "the dumps differ");
    proxied.settles(held);
}
