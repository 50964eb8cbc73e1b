-- pg_catalog.pg_indexes: the indexes of primary keys.
SELECT
  n.nspname AS schemaname,
  c.relname AS tablename,
  i.relname AS indexname,
  pg_get_indexdef(i.oid) AS indexdef
FROM pg_index x
JOIN pg_class c ON c.oid = x.indrelid
JOIN pg_class i ON i.oid = x.indexrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
