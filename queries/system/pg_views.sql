-- pg_catalog.pg_views: views. Their definitions are those of the engine, where there are any.
SELECT
  n.nspname AS schemaname,
  c.relname AS viewname,
  'rollcall' AS viewowner
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'v'
