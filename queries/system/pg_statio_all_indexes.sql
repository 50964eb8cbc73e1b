-- pg_catalog.pg_statio_all_indexes: nothing is read from disk.
SELECT
  c.oid AS relid,
  x.oid AS indexrelid,
  n.nspname AS schemaname,
  c.relname AS relname,
  x.relname AS indexrelname,
  0 AS idx_blks_read,
  0 AS idx_blks_hit
FROM pg_index i
JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_class x ON x.oid = i.indexrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 't', 'm')
