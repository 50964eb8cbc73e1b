-- pg_catalog.pg_stat_database: sessions of the catalog itself are counted; there is nothing that the other counters
-- would count. The first row is that of objects which belong to no database, as in PostgreSQL.
SELECT
  datid,
  datname,
  numbackends,
  0 AS xact_commit,
  0 AS xact_rollback,
  0 AS blks_read,
  0 AS blks_hit,
  0 AS tup_returned,
  0 AS tup_fetched,
  0 AS tup_inserted,
  0 AS tup_updated,
  0 AS tup_deleted,
  0 AS conflicts,
  0 AS temp_files,
  0 AS temp_bytes,
  0 AS deadlocks,
  0 AS blk_read_time,
  0 AS blk_write_time,
  0 AS session_time,
  0 AS active_time,
  0 AS idle_in_transaction_time,
  sessions,
  0 AS sessions_abandoned,
  0 AS sessions_fatal,
  0 AS sessions_killed
FROM (
  SELECT 0 AS datid, NULL AS datname, 0 AS numbackends, 0 AS sessions
  UNION ALL
  SELECT 16383, 'rollcall', coalesce(sum(connections), 0)::bigint, coalesce(sum(total_connections), 0)::bigint
  FROM services
  WHERE router = 'catalog'
)
