-- information_schema.table_privileges: everybody reads everything.
SELECT
  'rollcall' AS grantor,
  'PUBLIC' AS grantee,
  'rollcall' AS table_catalog,
  n.nspname AS table_schema,
  c.relname AS table_name,
  'SELECT' AS privilege_type,
  'NO' AS is_grantable,
  'YES' AS with_hierarchy
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v')
