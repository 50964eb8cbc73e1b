-- information_schema.tables: tables and views. Nothing can be inserted into any.
SELECT
  'rollcall' AS table_catalog,
  n.nspname AS table_schema,
  c.relname AS table_name,
  CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'BASE TABLE' END AS table_type,
  'NO' AS is_insertable_into,
  'NO' AS is_typed
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v')
