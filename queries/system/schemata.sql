-- information_schema.schemata
SELECT
  'rollcall' AS catalog_name,
  nspname AS schema_name,
  'rollcall' AS schema_owner
FROM pg_namespace
