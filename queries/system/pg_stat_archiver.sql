-- pg_catalog.pg_stat_archiver: nothing is archived.
SELECT
  0 AS archived_count,
  NULL AS last_archived_wal,
  NULL AS last_archived_time,
  0 AS failed_count,
  NULL AS last_failed_wal,
  NULL AS last_failed_time,
  NULL AS stats_reset
