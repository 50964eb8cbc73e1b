-- pg_catalog.pg_stat_all_indexes: looking sessions up is not counted by index.
SELECT
  c.oid AS relid,
  x.oid AS indexrelid,
  n.nspname AS schemaname,
  c.relname AS relname,
  x.relname AS indexrelname,
  0 AS idx_scan,
  0 AS idx_tup_read,
  0 AS idx_tup_fetch
FROM pg_index i
JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_class x ON x.oid = i.indexrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 't', 'm')
