-- information_schema.views
SELECT
  'rollcall' AS table_catalog,
  n.nspname AS table_schema,
  c.relname AS table_name,
  pg_get_viewdef(c.oid) AS view_definition,
  'NONE' AS check_option,
  'NO' AS is_updatable,
  'NO' AS is_insertable_into,
  'NO' AS is_trigger_updatable,
  'NO' AS is_trigger_deletable,
  'NO' AS is_trigger_insertable_into
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'v'
