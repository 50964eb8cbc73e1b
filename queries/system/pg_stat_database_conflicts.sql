-- pg_catalog.pg_stat_database_conflicts: there is no recovery that a query could be in conflict with.
SELECT
  oid AS datid,
  datname,
  0 AS confl_tablespace,
  0 AS confl_lock,
  0 AS confl_snapshot,
  0 AS confl_bufferpin,
  0 AS confl_deadlock
FROM pg_database
