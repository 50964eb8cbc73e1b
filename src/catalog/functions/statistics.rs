//! PostgreSQL's counters of what happens to tables and databases, function by function. The views that stand on them show
//! nothing but zeros and NULLs here, and so do these: nothing is written, vacuumed or read from a disk.

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;

use super::define::{Function, Gives};
use super::output::Value;
use super::value::Kind;

/// Counts for a relation, a function or a database.
const COUNTS: [&str; 48] = [
    "pg_stat_get_analyze_count",
    "pg_stat_get_autoanalyze_count",
    "pg_stat_get_autovacuum_count",
    "pg_stat_get_blocks_fetched",
    "pg_stat_get_blocks_hit",
    "pg_stat_get_db_blocks_fetched",
    "pg_stat_get_db_blocks_hit",
    "pg_stat_get_db_checksum_failures",
    "pg_stat_get_db_conflict_all",
    "pg_stat_get_db_conflict_bufferpin",
    "pg_stat_get_db_conflict_lock",
    "pg_stat_get_db_conflict_snapshot",
    "pg_stat_get_db_conflict_startup_deadlock",
    "pg_stat_get_db_conflict_tablespace",
    "pg_stat_get_db_deadlocks",
    "pg_stat_get_db_temp_bytes",
    "pg_stat_get_db_temp_files",
    "pg_stat_get_db_tuples_deleted",
    "pg_stat_get_db_tuples_fetched",
    "pg_stat_get_db_tuples_inserted",
    "pg_stat_get_db_tuples_returned",
    "pg_stat_get_db_tuples_updated",
    "pg_stat_get_db_xact_commit",
    "pg_stat_get_db_xact_rollback",
    "pg_stat_get_dead_tuples",
    "pg_stat_get_function_calls",
    "pg_stat_get_ins_since_vacuum",
    "pg_stat_get_live_tuples",
    "pg_stat_get_mod_since_analyze",
    "pg_stat_get_numscans",
    "pg_stat_get_tuples_deleted",
    "pg_stat_get_tuples_fetched",
    "pg_stat_get_tuples_hot_updated",
    "pg_stat_get_tuples_inserted",
    "pg_stat_get_tuples_returned",
    "pg_stat_get_tuples_updated",
    "pg_stat_get_vacuum_count",
    "pg_stat_get_xact_blocks_fetched",
    "pg_stat_get_xact_blocks_hit",
    "pg_stat_get_xact_function_calls",
    "pg_stat_get_xact_numscans",
    "pg_stat_get_xact_tuples_deleted",
    "pg_stat_get_xact_tuples_fetched",
    "pg_stat_get_xact_tuples_hot_updated",
    "pg_stat_get_xact_tuples_inserted",
    "pg_stat_get_xact_tuples_returned",
    "pg_stat_get_xact_tuples_updated",
    "pg_stat_get_db_sessions_abandoned",
];

/// Moments, which have not been.
const MOMENTS: [&str; 6] = [
    "pg_stat_get_db_checksum_last_failure",
    "pg_stat_get_db_stat_reset_time",
    "pg_stat_get_last_analyze_time",
    "pg_stat_get_last_autoanalyze_time",
    "pg_stat_get_last_autovacuum_time",
    "pg_stat_get_last_vacuum_time",
];

/// Milliseconds that were spent.
const TIMES: [&str; 4] = [
    "pg_stat_get_db_blk_read_time",
    "pg_stat_get_db_blk_write_time",
    "pg_stat_get_function_self_time",
    "pg_stat_get_function_total_time",
];

/// Counts of the background writer.
const WRITER: [&str; 8] = [
    "pg_stat_get_bgwriter_buf_written_checkpoints",
    "pg_stat_get_bgwriter_buf_written_clean",
    "pg_stat_get_bgwriter_maxwritten_clean",
    "pg_stat_get_bgwriter_requested_checkpoints",
    "pg_stat_get_bgwriter_timed_checkpoints",
    "pg_stat_get_buf_alloc",
    "pg_stat_get_buf_fsync_backend",
    "pg_stat_get_buf_written_backend",
];

pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    let of = |name, takes: &[Kind], gives, value: Value| {
        let function = Function::stable(name).on(takes, gives, move |_| Ok(value.clone()));
        function.done()
    };
    let of_thing = &[Kind::Int];
    let counts = COUNTS.map(|name| of(name, of_thing, Gives::Int8, Value::Int(0)));
    let moments = MOMENTS.map(|name| of(name, of_thing, Gives::StampTz, Value::Null));
    let times = TIMES.map(|name| of(name, of_thing, Gives::Float, Value::Float(0.0)));
    let writer = WRITER.map(|name| of(name, &[], Gives::Int8, Value::Int(0)));
    counts
        .into_iter()
        .chain(moments)
        .chain(times)
        .chain(writer)
        .collect()
}
