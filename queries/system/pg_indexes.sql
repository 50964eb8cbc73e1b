-- pg_catalog.pg_indexes: the indexes of primary keys.
SELECT
  n.nspname AS schemaname,
  c.relname AS tablename,
  i.relname AS indexname,
  concat(
    'CREATE UNIQUE INDEX ', i.relname, ' ON ', n.nspname, '.', c.relname, ' USING btree (',
    k.columns, ')') AS indexdef
FROM pg_index x
JOIN pg_class c ON c.oid = x.indrelid
JOIN pg_class i ON i.oid = x.indexrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN (
  SELECT attrelid, string_agg(attname, ', ' ORDER BY attnum) AS columns
  FROM pg_attribute
  GROUP BY attrelid
) k ON k.attrelid = i.oid
