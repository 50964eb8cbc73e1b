-- information_schema.check_constraints: one for each column that is never NULL.
SELECT
  'rollcall' AS constraint_catalog,
  n.nspname AS constraint_schema,
  concat(n.oid, '_', c.oid, '_', a.attnum, '_not_null') AS constraint_name,
  concat(a.attname, ' IS NOT NULL') AS check_clause
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE a.attnotnull AND c.relkind = 'r'
