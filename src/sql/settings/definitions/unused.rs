//! Parameters that PostgreSQL has and that have nothing to act on here: drivers and tools set them as a matter of routine.
//! They take what they take there, and tell what they were given.

use super::{Definition, Kind, Unit};

const ASYNCHRONOUS: &str = "Resource Usage / Asynchronous Behavior";
const AUTHENTICATION: &str = "Connections and Authentication / Authentication";
const BEHAVIOR: &str = "Client Connection Defaults / Statement Behavior";
const CONNECTION: &str = "Connections and Authentication / Connection Settings";
const COSTS: &str = "Query Tuning / Planner Cost Constants";
const CUMULATIVE: &str = "Statistics / Cumulative Query and Index Statistics";
const DEVELOPER: &str = "Developer Options";
const DISK: &str = "Resource Usage / Disk";
const GENETIC: &str = "Query Tuning / Genetic Query Optimizer";
const LOCALE: &str = "Client Connection Defaults / Locale and Formatting";
const LOCKS: &str = "Lock Management";
const MEMORY: &str = "Resource Usage / Memory";
const METHODS: &str = "Query Tuning / Planner Method Configuration";
const MONITORING: &str = "Statistics / Monitoring";
const OTHER: &str = "Client Connection Defaults / Other Defaults";
const PLANNER: &str = "Query Tuning / Other Planner Options";
const PRELOADING: &str = "Client Connection Defaults / Shared Library Preloading";
const PREVIOUS: &str = "Version and Platform Compatibility / Previous PostgreSQL Versions";
const SENDING: &str = "Replication / Sending Servers";
const VACUUM_DELAY: &str = "Resource Usage / Cost-Based Vacuum Delay";
const WAL: &str = "Write-Ahead Log / Settings";
const WHAT_TO_LOG: &str = "Reporting and Logging / What to Log";
const WHEN_TO_LOG: &str = "Reporting and Logging / When to Log";

const MAX: i32 = i32::MAX;

const fn unused(
    name: &'static str,
    default: &'static str,
    kind: Kind,
    category: &'static str,
) -> Definition {
    Definition {
        name,
        default,
        kind,
        category,
        reported: false,
        doc: "No effect.",
    }
}

const fn int(min: i32, max: i32, unit: Unit) -> Kind {
    Kind::Integer { min, max, unit }
}

const fn real(min: f64, max: f64) -> Kind {
    Kind::Real { min, max }
}

/// In the order of SHOW ALL.
#[rustfmt::skip]
pub(super) const UNUSED: &[Definition] = &[
    unused("array_nulls", "on", Kind::Bool, PREVIOUS),
    unused("backend_flush_after", "0", int(0, 256, Unit::Pages), ASYNCHRONOUS),
    unused("check_function_bodies", "on", Kind::Bool, BEHAVIOR),
    unused("client_connection_check_interval", "0", int(0, MAX, Unit::Ms), CONNECTION),
    unused("commit_delay", "0", int(0, 100000, Unit::None), WAL),
    unused("commit_siblings", "5", int(0, 1000, Unit::None), WAL),
    unused("compute_query_id", "auto", Kind::OneOf(&["auto", "regress", "on", "off"]), MONITORING),
    unused("constraint_exclusion", "partition", Kind::OneOf(&["partition", "on", "off"]), PLANNER),
    unused("cpu_index_tuple_cost", "0.005", real(0.0, f64::MAX), COSTS),
    unused("cpu_operator_cost", "0.0025", real(0.0, f64::MAX), COSTS),
    unused("cpu_tuple_cost", "0.01", real(0.0, f64::MAX), COSTS),
    unused("cursor_tuple_fraction", "0.1", real(0.0, 1.0), PLANNER),
    unused("deadlock_timeout", "1s", int(1, MAX, Unit::Ms), LOCKS),
    unused("debug_pretty_print", "on", Kind::Bool, WHAT_TO_LOG),
    unused("debug_print_parse", "off", Kind::Bool, WHAT_TO_LOG),
    unused("debug_print_plan", "off", Kind::Bool, WHAT_TO_LOG),
    unused("debug_print_rewritten", "off", Kind::Bool, WHAT_TO_LOG),
    unused("default_statistics_target", "100", int(1, 10000, Unit::None), PLANNER),
    unused("default_table_access_method", "heap", Kind::Text, BEHAVIOR),
    unused("default_toast_compression", "pglz", Kind::OneOf(&["pglz", "lz4"]), BEHAVIOR),
    unused("effective_cache_size", "4GB", int(1, MAX, Unit::Pages), COSTS),
    unused("effective_io_concurrency", "1", int(0, 1000, Unit::None), ASYNCHRONOUS),
    unused("enable_async_append", "on", Kind::Bool, METHODS),
    unused("enable_bitmapscan", "on", Kind::Bool, METHODS),
    unused("enable_gathermerge", "on", Kind::Bool, METHODS),
    unused("enable_hashagg", "on", Kind::Bool, METHODS),
    unused("enable_hashjoin", "on", Kind::Bool, METHODS),
    unused("enable_incremental_sort", "on", Kind::Bool, METHODS),
    unused("enable_indexonlyscan", "on", Kind::Bool, METHODS),
    unused("enable_indexscan", "on", Kind::Bool, METHODS),
    unused("enable_material", "on", Kind::Bool, METHODS),
    unused("enable_memoize", "on", Kind::Bool, METHODS),
    unused("enable_mergejoin", "on", Kind::Bool, METHODS),
    unused("enable_nestloop", "on", Kind::Bool, METHODS),
    unused("enable_parallel_append", "on", Kind::Bool, METHODS),
    unused("enable_parallel_hash", "on", Kind::Bool, METHODS),
    unused("enable_partition_pruning", "on", Kind::Bool, METHODS),
    unused("enable_partitionwise_aggregate", "off", Kind::Bool, METHODS),
    unused("enable_partitionwise_join", "off", Kind::Bool, METHODS),
    unused("enable_seqscan", "on", Kind::Bool, METHODS),
    unused("enable_sort", "on", Kind::Bool, METHODS),
    unused("enable_tidscan", "on", Kind::Bool, METHODS),
    unused("escape_string_warning", "on", Kind::Bool, PREVIOUS),
    unused("force_parallel_mode", "off", Kind::OneOf(&["off", "on", "regress"]), DEVELOPER),
    unused("from_collapse_limit", "8", int(1, MAX, Unit::None), PLANNER),
    unused("geqo", "on", Kind::Bool, GENETIC),
    unused("geqo_effort", "5", int(1, 10, Unit::None), GENETIC),
    unused("geqo_generations", "0", int(0, MAX, Unit::None), GENETIC),
    unused("geqo_pool_size", "0", int(0, MAX, Unit::None), GENETIC),
    unused("geqo_seed", "0", real(0.0, 1.0), GENETIC),
    unused("geqo_selection_bias", "2", real(1.5, 2.0), GENETIC),
    unused("geqo_threshold", "12", int(2, MAX, Unit::None), GENETIC),
    unused("gin_fuzzy_search_limit", "0", int(0, MAX, Unit::None), OTHER),
    unused("gin_pending_list_limit", "4MB", int(64, MAX, Unit::Kb), BEHAVIOR),
    unused("hash_mem_multiplier", "2", real(1.0, 1000.0), MEMORY),
    unused("jit", "off", Kind::Bool, PLANNER),
    unused("jit_above_cost", "100000", real(-1.0, f64::MAX), COSTS),
    unused("jit_expressions", "on", Kind::Bool, DEVELOPER),
    unused("jit_inline_above_cost", "500000", real(-1.0, f64::MAX), COSTS),
    unused("jit_optimize_above_cost", "500000", real(-1.0, f64::MAX), COSTS),
    unused("jit_tuple_deforming", "on", Kind::Bool, DEVELOPER),
    unused("join_collapse_limit", "8", int(1, MAX, Unit::None), PLANNER),
    unused("lc_monetary", "C", Kind::Text, LOCALE),
    unused("lc_numeric", "C", Kind::Text, LOCALE),
    unused("lc_time", "C", Kind::Text, LOCALE),
    unused("lo_compat_privileges", "off", Kind::Bool, PREVIOUS),
    unused("local_preload_libraries", "", Kind::Text, PRELOADING),
    unused("lock_timeout", "0", int(0, MAX, Unit::Ms), BEHAVIOR),
    unused("log_duration", "off", Kind::Bool, WHAT_TO_LOG),
    unused("log_error_verbosity", "default", Kind::OneOf(&["terse", "default", "verbose"]), WHAT_TO_LOG),
    unused("log_min_duration_statement", "-1", int(-1, MAX, Unit::Ms), WHEN_TO_LOG),
    unused("log_min_messages", "warning", Kind::OneOf(&["debug5", "debug4", "debug3", "debug2", "debug1", "info", "notice", "warning", "error", "log", "fatal", "panic"]), WHEN_TO_LOG),
    unused("log_statement", "none", Kind::OneOf(&["none", "ddl", "mod", "all"]), WHAT_TO_LOG),
    unused("logical_decoding_work_mem", "64MB", int(64, MAX, Unit::Kb), MEMORY),
    unused("maintenance_io_concurrency", "10", int(0, 1000, Unit::None), ASYNCHRONOUS),
    unused("maintenance_work_mem", "64MB", int(1024, MAX, Unit::Kb), MEMORY),
    unused("max_parallel_maintenance_workers", "2", int(0, 1024, Unit::None), ASYNCHRONOUS),
    unused("max_parallel_workers", "8", int(0, 1024, Unit::None), ASYNCHRONOUS),
    unused("max_parallel_workers_per_gather", "0", int(0, 1024, Unit::None), ASYNCHRONOUS),
    unused("max_stack_depth", "2MB", int(100, MAX, Unit::Kb), MEMORY),
    unused("min_parallel_index_scan_size", "512kB", int(0, 715827882, Unit::Pages), COSTS),
    unused("min_parallel_table_scan_size", "8MB", int(0, 715827882, Unit::Pages), COSTS),
    unused("parallel_leader_participation", "on", Kind::Bool, ASYNCHRONOUS),
    unused("parallel_setup_cost", "1000", real(0.0, f64::MAX), COSTS),
    unused("parallel_tuple_cost", "0.1", real(0.0, f64::MAX), COSTS),
    unused("password_encryption", "scram-sha-256", Kind::OneOf(&["md5", "scram-sha-256"]), AUTHENTICATION),
    unused("plan_cache_mode", "auto", Kind::OneOf(&["auto", "force_generic_plan", "force_custom_plan"]), PLANNER),
    unused("quote_all_identifiers", "off", Kind::Bool, PREVIOUS),
    unused("random_page_cost", "4", real(0.0, f64::MAX), COSTS),
    unused("recursive_worktable_factor", "10", real(0.001, 1e6), PLANNER),
    unused("restrict_nonsystem_relation_kind", "", Kind::Text, BEHAVIOR),
    unused("row_security", "on", Kind::Bool, BEHAVIOR),
    unused("seq_page_cost", "1", real(0.0, f64::MAX), COSTS),
    unused("session_replication_role", "origin", Kind::OneOf(&["origin", "replica", "local"]), BEHAVIOR),
    unused("stats_fetch_consistency", "cache", Kind::OneOf(&["none", "cache", "snapshot"]), CUMULATIVE),
    unused("synchronize_seqscans", "on", Kind::Bool, PREVIOUS),
    unused("synchronous_commit", "on", Kind::OneOf(&["local", "remote_write", "remote_apply", "on", "off"]), WAL),
    unused("tcp_keepalives_count", "0", int(0, MAX, Unit::None), CONNECTION),
    unused("tcp_keepalives_idle", "0", int(0, MAX, Unit::S), CONNECTION),
    unused("tcp_keepalives_interval", "0", int(0, MAX, Unit::S), CONNECTION),
    unused("tcp_user_timeout", "0", int(0, MAX, Unit::Ms), CONNECTION),
    unused("temp_buffers", "8MB", int(100, 1073741823, Unit::Pages), MEMORY),
    unused("temp_file_limit", "-1", int(-1, MAX, Unit::Kb), DISK),
    unused("temp_tablespaces", "", Kind::Text, BEHAVIOR),
    unused("timezone_abbreviations", "", Kind::Text, LOCALE),
    unused("trace_notify", "off", Kind::Bool, DEVELOPER),
    unused("trace_sort", "off", Kind::Bool, DEVELOPER),
    unused("track_activities", "on", Kind::Bool, CUMULATIVE),
    unused("track_counts", "on", Kind::Bool, CUMULATIVE),
    unused("track_functions", "none", Kind::OneOf(&["none", "pl", "all"]), CUMULATIVE),
    unused("track_io_timing", "off", Kind::Bool, CUMULATIVE),
    unused("vacuum_cost_delay", "0", real(0.0, 100.0), VACUUM_DELAY),
    unused("vacuum_cost_limit", "200", int(1, 10000, Unit::None), VACUUM_DELAY),
    unused("vacuum_cost_page_dirty", "20", int(0, 10000, Unit::None), VACUUM_DELAY),
    unused("vacuum_cost_page_hit", "1", int(0, 10000, Unit::None), VACUUM_DELAY),
    unused("vacuum_cost_page_miss", "2", int(0, 10000, Unit::None), VACUUM_DELAY),
    unused("vacuum_failsafe_age", "1600000000", int(0, 2100000000, Unit::None), BEHAVIOR),
    unused("vacuum_freeze_min_age", "50000000", int(0, 1000000000, Unit::None), BEHAVIOR),
    unused("vacuum_freeze_table_age", "150000000", int(0, 2000000000, Unit::None), BEHAVIOR),
    unused("vacuum_multixact_failsafe_age", "1600000000", int(0, 2100000000, Unit::None), BEHAVIOR),
    unused("vacuum_multixact_freeze_min_age", "5000000", int(0, 1000000000, Unit::None), BEHAVIOR),
    unused("vacuum_multixact_freeze_table_age", "150000000", int(0, 2000000000, Unit::None), BEHAVIOR),
    unused("wal_sender_timeout", "1min", int(0, MAX, Unit::Ms), SENDING),
    unused("wal_skip_threshold", "2MB", int(0, MAX, Unit::Kb), WAL),
    unused("work_mem", "4MB", int(64, MAX, Unit::Kb), MEMORY),
    unused("xmlbinary", "base64", Kind::OneOf(&["base64", "hex"]), BEHAVIOR),
    unused("xmloption", "content", Kind::OneOf(&["content", "document"]), BEHAVIOR),
    unused("zero_damaged_pages", "off", Kind::Bool, DEVELOPER),
];
