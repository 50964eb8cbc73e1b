-- pg_catalog.pg_stat_wal: there is no log that is written ahead.
SELECT
  0 AS wal_records,
  0 AS wal_fpi,
  0 AS wal_bytes,
  0 AS wal_buffers_full,
  0 AS wal_write,
  0 AS wal_sync,
  0 AS wal_write_time,
  0 AS wal_sync_time,
  pg_postmaster_start_time() AS stats_reset
