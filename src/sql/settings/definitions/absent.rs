//! Parameters of a server's files, processes and write-ahead log, which this program has none of. Monitors and consoles ask
//! for them as a matter of routine; they hear that there is none, that it is off, or how many it is there for: none.

use super::{Definition, Kind, Type};

const ASYNCHRONOUS: &str = "Resource Usage / Asynchronous Behavior";
const AUTOVACUUM: &str = "Autovacuum";
const CONNECTION: &str = "Connections and Authentication / Connection Settings";
const CUMULATIVE: &str = "Statistics / Cumulative Query and Index Statistics";
const FILES: &str = "File Locations";
const LOCKS: &str = "Lock Management";
const MEMORY: &str = "Resource Usage / Memory";
const PRELOADING: &str = "Client Connection Defaults / Shared Library Preloading";
const PRESET: &str = "Preset Options";
const PRIMARY: &str = "Replication / Primary Server";
const PROCESS_TITLE: &str = "Reporting and Logging / Process Title";
const RECOVERY: &str = "Write-Ahead Log / Archive Recovery";
const SENDING: &str = "Replication / Sending Servers";
const STANDBY: &str = "Replication / Standby Servers";
const SUBSCRIBERS: &str = "Replication / Subscribers";
const WAL: &str = "Write-Ahead Log / Settings";
const WAL_ARCHIVING: &str = "Write-Ahead Log / Archiving";
const WHAT_TO_LOG: &str = "Reporting and Logging / What to Log";
const WHERE_TO_LOG: &str = "Reporting and Logging / Where to Log";

const fn absent(
    name: &'static str,
    value: &'static str,
    kind: Kind,
    category: &'static str,
) -> Definition {
    Definition {
        name,
        default: value,
        kind,
        category,
        reported: false,
        doc: "Of nothing that this server has.",
    }
}

/// What the server says.
const BOOL: Kind = Kind::Fixed(Type::Bool);
const INTEGER: Kind = Kind::Fixed(Type::Integer);
const TEXT: Kind = Kind::Fixed(Type::Text);

/// In the order of SHOW ALL.
#[rustfmt::skip]
pub(super) const ABSENT: &[Definition] = &[
    absent("archive_command", "(disabled)", TEXT, WAL_ARCHIVING),
    absent("archive_library", "", TEXT, WAL_ARCHIVING),
    absent("archive_mode", "off", Kind::OneOf(&["off"]), WAL_ARCHIVING),
    absent("autovacuum", "off", BOOL, AUTOVACUUM),
    absent("autovacuum_freeze_max_age", "200000000", INTEGER, AUTOVACUUM),
    absent("autovacuum_max_workers", "0", INTEGER, AUTOVACUUM),
    absent("autovacuum_multixact_freeze_max_age", "400000000", INTEGER, AUTOVACUUM),
    absent("cluster_name", "", TEXT, PROCESS_TITLE),
    absent("config_file", "", TEXT, FILES),
    absent("data_checksums", "off", BOOL, PRESET),
    absent("data_directory", "", TEXT, FILES),
    absent("fsync", "off", BOOL, WAL),
    absent("full_page_writes", "off", BOOL, WAL),
    absent("hba_file", "", TEXT, FILES),
    absent("hot_standby", "off", BOOL, STANDBY),
    absent("hot_standby_feedback", "off", BOOL, STANDBY),
    absent("huge_pages", "off", Kind::OneOf(&["off"]), MEMORY),
    absent("ident_file", "", TEXT, FILES),
    absent("log_destination", "stderr", TEXT, WHERE_TO_LOG),
    absent("log_directory", "", TEXT, WHERE_TO_LOG),
    absent("log_filename", "", TEXT, WHERE_TO_LOG),
    absent("log_line_prefix", "", TEXT, WHAT_TO_LOG),
    absent("logging_collector", "off", BOOL, WHERE_TO_LOG),
    absent("max_locks_per_transaction", "64", INTEGER, LOCKS),
    absent("max_logical_replication_workers", "0", INTEGER, SUBSCRIBERS),
    absent("max_pred_locks_per_transaction", "64", INTEGER, LOCKS),
    absent("max_prepared_transactions", "0", INTEGER, MEMORY),
    absent("max_replication_slots", "0", INTEGER, SENDING),
    absent("max_wal_senders", "0", INTEGER, SENDING),
    absent("max_worker_processes", "0", INTEGER, ASYNCHRONOUS),
    absent("primary_conninfo", "", TEXT, STANDBY),
    absent("primary_slot_name", "", TEXT, STANDBY),
    absent("restore_command", "", TEXT, RECOVERY),
    absent("session_preload_libraries", "", TEXT, PRELOADING),
    absent("shared_preload_libraries", "", TEXT, PRELOADING),
    absent("superuser_reserved_connections", "0", INTEGER, CONNECTION),
    absent("synchronous_standby_names", "", TEXT, PRIMARY),
    absent("track_commit_timestamp", "off", BOOL, SENDING),
    absent("track_wal_io_timing", "off", BOOL, CUMULATIVE),
    absent("update_process_title", "off", BOOL, PROCESS_TITLE),
    absent("vacuum_defer_cleanup_age", "0", INTEGER, PRIMARY),
    absent("wal_block_size", "8192", INTEGER, PRESET),
    absent("wal_compression", "off", Kind::OneOf(&["off"]), WAL),
    absent("wal_init_zero", "off", BOOL, WAL),
    absent("wal_level", "minimal", Kind::OneOf(&["minimal"]), WAL),
    absent("wal_log_hints", "off", BOOL, WAL),
    absent("wal_recycle", "off", BOOL, WAL),
    absent("wal_sync_method", "fsync", Kind::OneOf(&["fsync"]), WAL),
];
