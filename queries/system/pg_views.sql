-- pg_catalog.pg_views: views. Their definitions are queries of the engine's; those that are always empty have none.
SELECT
  n.nspname AS schemaname,
  c.relname AS viewname,
  'rollcall' AS viewowner,
  pg_get_viewdef(c.oid) AS definition
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'v'
