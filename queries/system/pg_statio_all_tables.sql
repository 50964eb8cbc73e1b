-- pg_catalog.pg_statio_all_tables: nothing is read from disk.
SELECT
  c.oid AS relid,
  n.nspname AS schemaname,
  c.relname,
  0 AS heap_blks_read,
  0 AS heap_blks_hit,
  CASE WHEN c.relhasindex THEN 0 END AS idx_blks_read,
  CASE WHEN c.relhasindex THEN 0 END AS idx_blks_hit
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 't', 'm')
