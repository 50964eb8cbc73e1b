//! `pg_stat_activity` and its relatives tell what is so.

use crate::support::program::{Program, Psql};

/// Who is in which state, whoever asks left out.
const OTHERS: &str = "SELECT application_name, state, wait_event_type, wait_event, query_start IS NULL, \
     xact_start IS NULL, state_change <= now() FROM pg_stat_activity \
     WHERE pid <> pg_backend_pid() AND application_name <> '' ORDER BY 1";

fn named(program: &Program, name: &str) -> Psql {
    let mut command = program.psql_command("dba");
    Psql::spawn(program, command.env("PGAPPNAME", name))
}

#[test]
fn states_are_those_of_postgresql() {
    let program = Program::start("");
    let mut idle = named(&program, "a idle");
    let mut open = named(&program, "b open");
    let mut busy = named(&program, "c busy");
    let mut failed = named(&program, "d failed");
    assert_eq!(idle.ask("SELECT 1;"), "1");
    assert_eq!(open.ask("BEGIN; SELECT 2;"), "2");
    failed.ask("BEGIN; SELECT 1/0;");
    busy.type_in("SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b, generate_series(1, 100000) c;");
    let mut asking = named(&program, "e asking");
    crate::support::program::eventually(
        || asking.ask("SELECT state FROM pg_stat_activity WHERE application_name = 'c busy';"),
        |state| state == "active",
    );
    let others = asking.ask(&format!("{OTHERS};"));
    assert_eq!(
        others,
        "a idle|idle|Client|ClientRead|f|t|t\n\
         b open|idle in transaction|Client|ClientRead|f|f|t\n\
         c busy|active|||f|f|t\n\
         d failed|idle in transaction (aborted)|Client|ClientRead|f|t|t"
    );
    let own = "SELECT datname, usename, application_name, client_addr, client_port > 0, state, query, backend_type, \
               backend_start < query_start, query_start = xact_start, query_start < now() + interval '1 second' \
               FROM pg_stat_activity WHERE pid = pg_backend_pid();";
    assert_eq!(
        asking.ask(own),
        "rollcall|dba|e asking|127.0.0.1|t|active||client backend|t|t|t"
    );
    let counted = "SELECT state, count(*) FROM pg_stat_activity GROUP BY state ORDER BY state;";
    assert_eq!(
        asking.ask(counted),
        "active|2\nidle|1\nidle in transaction|1\nidle in transaction (aborted)|1"
    );
    busy.kill();
}

#[test]
fn everything_is_shaped_as_in_postgresql() {
    let program = Program::start("");
    let columns = program.ask(
        "SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum) \
         FROM pg_attribute WHERE attrelid = 'pg_stat_activity'::regclass AND attnum > 0",
    );
    assert_eq!(
        columns,
        "datid oid, datname name, pid integer, leader_pid integer, usesysid oid, usename name, application_name text, \
         client_addr inet, client_hostname text, client_port integer, backend_start timestamp with time zone, \
         xact_start timestamp with time zone, query_start timestamp with time zone, \
         state_change timestamp with time zone, wait_event_type text, wait_event text, state text, backend_xid xid, \
         backend_xmin xid, query_id bigint, query text, backend_type text"
    );
    for (view, expected) in [("pg_stat_ssl", "f||||||"), ("pg_stat_gssapi", "f||f")] {
        let row = program.ask(&format!("SELECT * FROM {view}"));
        assert_eq!(
            row.split_once('|').map(|(_, rest)| rest),
            Some(expected),
            "{view}"
        );
    }
    for (sql, expected) in [
        (
            "SELECT datname, numbackends, sessions > 0 FROM pg_stat_database",
            "|0|f\nrollcall|1|t",
        ),
        ("SELECT count(*) FROM pg_stat_replication", "0"),
        ("SELECT count(*) FROM pg_locks", "0"),
        ("SELECT count(*) FROM pg_stat_progress_vacuum", "0"),
        (
            "SELECT checkpoints_timed, stats_reset = pg_postmaster_start_time() FROM pg_stat_bgwriter",
            "0|t",
        ),
        ("SELECT archived_count FROM pg_stat_archiver", "0"),
        ("SELECT wal_bytes FROM pg_stat_wal", "0"),
        (
            "SELECT relname, seq_scan FROM pg_stat_user_tables WHERE relname = 'sessions'",
            "sessions|0",
        ),
        (
            "SELECT relname, heap_blks_read FROM pg_statio_user_tables WHERE relname = 'sessions'",
            "sessions|0",
        ),
        (
            "SELECT count(*) FROM pg_stat_activity a JOIN pg_database d ON d.oid = a.datid \
             JOIN pg_stat_ssl s ON s.pid = a.pid",
            "1",
        ),
    ] {
        assert_eq!(program.ask(sql), expected, "{sql}");
    }
}

#[test]
fn the_process_list_is_shaped_as_in_mariadb() {
    let program = Program::start("");
    let mut idle = named(&program, "idle");
    assert_eq!(idle.ask("SELECT 1;"), "1");
    let list = "SELECT p.user, p.host = concat(s.remote, ':', s.port), p.db, p.command, p.time >= 0, p.info, \
                p.time_ms >= 0, p.progress FROM information_schema.processlist p JOIN sessions s ON s.id = p.id \
                ORDER BY p.command";
    assert_eq!(
        program.ask(list),
        "dba|t|rollcall|Query|t||t|0\ndba|t|rollcall|Sleep|t||t|0"
    );
    for name in [
        "PROCESSLIST",
        "\"PROCESSLIST\"",
        "ProcessList",
        "\"processlist\"",
    ] {
        let sql = format!("SELECT count(*) FROM information_schema.{name}");
        assert_eq!(program.ask(&sql), "2", "{name}");
    }
}
