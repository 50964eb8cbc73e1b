-- information_schema.table_constraints: keys, and a check for each column that is never NULL.
SELECT
  'rollcall' AS constraint_catalog,
  n.nspname AS constraint_schema,
  k.conname AS constraint_name,
  'rollcall' AS table_catalog,
  n.nspname AS table_schema,
  c.relname AS table_name,
  CASE k.contype WHEN 'p' THEN 'PRIMARY KEY' ELSE 'FOREIGN KEY' END AS constraint_type,
  'NO' AS is_deferrable,
  'NO' AS initially_deferred,
  'YES' AS enforced
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
UNION ALL
SELECT
  'rollcall' AS constraint_catalog,
  n.nspname AS constraint_schema,
  concat(n.oid, '_', c.oid, '_', a.attnum, '_not_null') AS constraint_name,
  'rollcall' AS table_catalog,
  n.nspname AS table_schema,
  c.relname AS table_name,
  'CHECK' AS constraint_type,
  'NO' AS is_deferrable,
  'NO' AS initially_deferred,
  'YES' AS enforced
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE a.attnotnull AND c.relkind = 'r'
