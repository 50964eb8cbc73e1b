-- pg_catalog.pg_stat_bgwriter: nothing is written to disk.
SELECT
  0 AS checkpoints_timed,
  0 AS checkpoints_req,
  0 AS checkpoint_write_time,
  0 AS checkpoint_sync_time,
  0 AS buffers_checkpoint,
  0 AS buffers_clean,
  0 AS maxwritten_clean,
  0 AS buffers_backend,
  0 AS buffers_backend_fsync,
  0 AS buffers_alloc,
  pg_postmaster_start_time() AS stats_reset
