//! Real clients with real work: what comes through is what a direct connection gives.

use std::process::{Child, Command, Stdio};

use super::{client, front, said};
use crate::proxy::{Proxied, ROWS, Setup};
use crate::support::mariadb::MariaDb;
use crate::support::postgres::Identity;
use crate::support::program::{PATIENCE, Psql, Said, finish, lines};

#[test]
fn what_is_dumped_and_loaded_through_the_proxy_is_the_same() {
    let server = MariaDb::start();
    let proxied = front(&server);
    // A value that takes more than one frame, and many rows.
    let made = said(
        &proxied,
        "CREATE TABLE big (id INT PRIMARY KEY, body LONGBLOB);\
         INSERT INTO big SELECT seq, REPEAT(CHAR(seq % 256), 2000) FROM seq_1_to_2000;\
         INSERT INTO big VALUES (0, REPEAT('x', 20000000)), (-1, REPEAT('y', 16777215 - 20)), (-2, NULL)",
    );
    assert!(made.ok, "{}", made.err);
    let mut dump = client(&proxied, "mariadb-dump")
        .args([
            "--max-allowed-packet=64M",
            "--hex-blob",
            "--single-transaction",
            "app",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .expect("mariadb-dump starts");
    let loaded = client(&proxied, "mariadb")
        .args(["--max-allowed-packet=64M", "other"])
        .stdin(dump.stdout.take().expect("piped"))
        .output()
        .expect("an end");
    assert!(dump.wait().expect("an end").success());
    assert!(loaded.status.success(), "{loaded:?}");
    let sums = server.ask("CHECKSUM TABLE app.big, other.big");
    let sums: Vec<&str> = sums
        .lines()
        .filter_map(|line| line.split('\t').nth(1))
        .collect();
    assert_eq!(sums.len(), 2);
    assert_eq!(sums[0], sums[1]);
    // The other way, whole.
    let direct = server.ask("SELECT SHA1(body) FROM app.big WHERE id = 0");
    let program = "import pymysql, sys, hashlib\n\
        c = pymysql.connect(host='127.0.0.1', port=int(sys.argv[1]), user='app', password='secret', database='app')\n\
        k = c.cursor()\n\
        k.execute('SELECT body FROM big WHERE id = 0')\n\
        print(hashlib.sha1(k.fetchone()[0]).hexdigest())\n\
        k.execute('SELECT LENGTH(%s)', ('z' * 40000000,))\n\
        print(k.fetchone()[0])\n";
    assert_eq!(python(&proxied, program), format!("{direct}\n40000000"));
}

/// Runs a Python program that is told the proxy's port.
fn python(proxied: &Proxied, program: &str) -> String {
    let mut command = Command::new("/usr/bin/python3");
    command.args(["-c", program, &proxied.address.port().to_string()]);
    let said: Said = finish(&mut command).into();
    assert!(said.ok, "{}", said.err);
    said.out
}

/// Ended with the value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A sysbench that would load the proxy.
fn sysbench_command(proxied: &Proxied, script: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("sysbench");
    command
        .args([
            "--mysql-host=127.0.0.1",
            "--mysql-user=app",
            "--mysql-password=secret",
        ])
        .args(["--mysql-db=app", "--tables=2", "--table-size=500"])
        .arg(format!("--mysql-port={}", proxied.address.port()))
        .arg(script)
        .args(arguments);
    command
}

fn finished(command: &mut Command) -> String {
    let said: Said = finish(command).into();
    assert!(said.ok, "{}{}", said.out, said.err);
    said.out
}

fn sysbench(proxied: &Proxied, script: &str, arguments: &[&str]) -> String {
    finished(sysbench_command(proxied, script, arguments).arg("--mysql-ssl=off"))
}

#[test]
fn sysbench_runs_with_prepared_statements_and_without() {
    let server = MariaDb::start();
    let mut proxied = front(&server);
    let held = super::ends::held(&mut proxied);
    sysbench(&proxied, "oltp_read_write", &["prepare"]);
    for mode in ["--db-ps-mode=auto", "--db-ps-mode=disable"] {
        for (script, events) in [("oltp_point_select", 4000), ("oltp_read_write", 200)] {
            let events_wanted = format!("--events={events}");
            let arguments = ["--threads=8", "--time=0", &events_wanted, mode, "run"];
            let out = sysbench(&proxied, script, &arguments);
            let total = out
                .lines()
                .find(|line| line.contains("total number of events"));
            let total = total.and_then(|line| line.split_whitespace().last());
            assert_eq!(total, Some(events.to_string().as_str()), "{out}");
        }
    }
    super::ends::settles(&mut proxied, held);
}

/// In front of a server, with TLS for clients; `own.crt` in the program's directory is what to trust.
fn front_in_tls(server: &MariaDb) -> Proxied {
    let dir = tempfile::tempdir().expect("a directory");
    Identity::new().write(dir.path(), "own");
    Setup {
        servers: &server.section("db1"),
        listener: "tls = { cert = \"own.crt\", key = \"own.key\" }",
        ..Setup::default()
    }
    .start_in(dir)
}

const OUTSIDE_TLS: &str = "SELECT count(*) FROM sessions WHERE service = 'app' AND tls IS NULL";

#[test]
fn sysbench_runs_inside_tls() {
    let server = MariaDb::start();
    let mut proxied = front_in_tls(&server);
    // What it calls the files that it takes.
    for (name, file) in [
        ("own.crt", "cacert.pem"),
        ("own.crt", "client-cert.pem"),
        ("own.key", "client-key.pem"),
    ] {
        let dir = proxied.program.dir.path();
        std::fs::copy(dir.join(name), dir.join(file)).expect("a file");
    }
    sysbench(&proxied, "oltp_read_write", &["prepare"]);
    let arguments = ["--threads=4", "--time=0", "--mysql-ssl=on", "run"];
    let mut command = sysbench_command(&proxied, "oltp_read_write", &arguments);
    let command = command.current_dir(proxied.program.dir.path());
    let _running = Running(command.stdout(Stdio::null()).spawn().expect("sysbench"));
    let inside = "SELECT count(*) FROM sessions WHERE service = 'app' AND tls LIKE 'TLSv1%' AND statements > 100";
    proxied.comes_to(inside, "4");
    assert_eq!(proxied.ask(OUTSIDE_TLS), "0");
}

#[test]
fn dumps_and_drivers_work_inside_tls() {
    let server = MariaDb::start();
    let proxied = front_in_tls(&server);
    let ca = proxied.program.dir.path().join("own.crt");
    let ca = ca.display().to_string();
    let checked = ["--ssl-verify-server-cert", "--ssl-ca", &ca];
    let run = |name: &str, arguments: &[&str]| {
        let mut command = client(&proxied, name);
        finished(command.args(checked).args(arguments))
    };
    let made = "CREATE TABLE t (id INT PRIMARY KEY, body LONGTEXT); \
                INSERT INTO t SELECT seq, REPEAT(seq, 5000) FROM seq_1_to_2000";
    run("mariadb", &["-e", made, "app"]);
    let dump = proxied.program.dir.path().join("dump.sql");
    let file = format!("--result-file={}", dump.display());
    run("mariadb-dump", &[&file, "app", "t"]);
    let load = format!("source {}", dump.display());
    run("mariadb", &["-e", &load, "other"]);
    let sums = "CHECKSUM TABLE app.t, other.t";
    let sums = run("mariadb", &["-N", "-e", sums]);
    let sums: Vec<&str> = sums.split_whitespace().collect();
    assert_eq!(sums[1], sums[3], "{sums:?}");
    for connect in [
        format!("import pymysql as m; o = dict(ssl_ca={ca:?}, ssl_verify_cert=True)"),
        format!("import MySQLdb as m; o = dict(ssl=dict(ca={ca:?}))"),
    ] {
        let program = format!(
            "import sys; {connect}\n\
             c = m.connect(host='127.0.0.1', port=int(sys.argv[1]), user='app', password='secret', database='app', **o)\n\
             k = c.cursor()\n\
             k.execute('SELECT count(*), sum(id) FROM t')\n\
             print(k.fetchone()[0])\n\
             k.execute('SELECT body FROM t WHERE id = %s', (7,))\n\
             print(len(k.fetchone()[0]))\n\
             print(c.thread_id())\n\
             sys.stdin.read()\n"
        );
        let mut command = Command::new("/usr/bin/python3");
        command
            .args(["-c", &program, &proxied.address.port().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut running = Running(command.spawn().expect("Python"));
        let said = lines(running.0.stdout.take().expect("its output"));
        let next = || said.recv_timeout(PATIENCE).expect("a line");
        assert_eq!([next(), next()], ["2000", "5000"]);
        let mut door = Psql::connect(&proxied.program, "dba");
        let tls = format!(
            "SELECT tls LIKE 'TLSv1%' FROM sessions WHERE id = {};",
            next()
        );
        assert_eq!(door.ask(&tls), "t", "{connect}");
    }
}

#[test]
fn rows_agree_with_the_servers_own_list_under_load() {
    let server = MariaDb::start();
    let mut proxied = front(&server);
    sysbench(&proxied, "oltp_read_write", &["prepare"]);
    let arguments = ["--threads=8", "--time=0", "--mysql-ssl=off", "run"];
    let mut command = sysbench_command(&proxied, "oltp_read_write", &arguments);
    let running = Running(command.stdout(Stdio::null()).spawn().expect("sysbench"));
    proxied.comes_to(
        "SELECT count(*) FROM sessions WHERE service = 'app' AND statements > 20",
        "8",
    );
    let ours = "SELECT c.connection_id, s.\"user\", s.database, s.server, c.state FROM sessions s \
                JOIN connections c ON c.session_id = s.id WHERE s.service = 'app' ORDER BY 1";
    let theirs = "SELECT ID, USER, DB, 'db1', 'established' FROM information_schema.PROCESSLIST \
                  WHERE USER = 'app' ORDER BY ID";
    let total = "SELECT sum(statements) FROM sessions WHERE service = 'app'";
    let mut before = 0;
    for _ in 0..10 {
        assert_eq!(proxied.ask(ours), server.ask(theirs).replace('\t', "|"));
        let statements: u64 = proxied.ask(total).parse().expect("a number");
        assert!(statements > before, "{statements} after {before}");
        before = statements;
    }
    assert_eq!(proxied.ask(ours).lines().count(), 8);
    drop(running);
    proxied.comes_to(ROWS, "0");
}

#[test]
fn pymysql_does_what_it_does_directly() {
    let server = MariaDb::start();
    let proxied = front(&server);
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("rows");
    let rows: String = (0..50_000)
        .map(|row| format!("{row}\trow {row}\n"))
        .collect();
    std::fs::write(&file, rows).expect("a file");
    let program = format!(
        "import pymysql, pymysql.cursors, sys\n\
         from pymysql.constants import CLIENT\n\
         c = pymysql.connect(host='127.0.0.1', port=int(sys.argv[1]), user='app', password='secret', \
         database='app', local_infile=True, client_flag=CLIENT.MULTI_STATEMENTS)\n\
         k = c.cursor()\n\
         k.execute('SELECT 1; SELECT 2, 3; DO 0')\n\
         print(k.fetchall(), k.nextset(), k.fetchall(), k.nextset(), k.nextset())\n\
         k.execute('CREATE TABLE t (id INT, name TEXT)')\n\
         print(k.execute(\"LOAD DATA LOCAL INFILE '{}' INTO TABLE t\"))\n\
         s = c.cursor(pymysql.cursors.SSCursor)\n\
         s.execute('SELECT id FROM t ORDER BY id')\n\
         print(sum(row[0] for row in s))\n\
         s.close()\n\
         try:\n    k.execute('SELECT * FROM nowhere')\nexcept pymysql.err.ProgrammingError as e:\n    print(e.args[0])\n\
         try:\n    k.execute(\"LOAD DATA LOCAL INFILE '/none' INTO TABLE t\")\nexcept Exception as e:\n    print(e.args[0])\n\
         c.select_db('other')\n\
         k.execute('SELECT DATABASE()')\n\
         print(k.fetchall())\n\
         c.ping(reconnect=False)\n\
         print('MariaDB' in c.get_server_info())\n",
        file.display()
    );
    let expected =
        "((1,),) True ((2, 3),) True None\n50000\n1249975000\n1146\n1017\n(('other',),)\nTrue";
    assert_eq!(python(&proxied, &program), expected);
}

#[test]
fn mysqldb_does_what_it_does_directly() {
    let server = MariaDb::start();
    let proxied = front(&server);
    let program = "import MySQLdb, MySQLdb.cursors, sys\n\
        c = MySQLdb.connect(host='127.0.0.1', port=int(sys.argv[1]), user='app', passwd='secret', db='app')\n\
        k = c.cursor()\n\
        k.execute('CREATE PROCEDURE two() BEGIN SELECT 1; SELECT 2; END')\n\
        k.callproc('two')\n\
        print(k.fetchall(), k.nextset(), k.fetchall(), k.nextset())\n\
        c.change_user('ann', 'secret', 'other')\n\
        k = c.cursor()\n\
        k.execute(\"SELECT SUBSTRING_INDEX(USER(), '@', 1), DATABASE()\")\n\
        print(k.fetchall())\n\
        print(c.stat().split(':')[0])\n\
        c.ping()\n";
    let expected = "((1,),) 1 ((2,),) 1\n(('ann', 'other'),)\nUptime";
    assert_eq!(python(&proxied, program), expected);
}
