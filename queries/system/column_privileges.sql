-- information_schema.column_privileges: everybody reads everything.
SELECT
  'rollcall' AS grantor,
  'PUBLIC' AS grantee,
  'rollcall' AS table_catalog,
  n.nspname AS table_schema,
  c.relname AS table_name,
  a.attname AS column_name,
  'SELECT' AS privilege_type,
  'NO' AS is_grantable
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v')
