-- pg_catalog.pg_tables: tables with their owners.
SELECT
  n.nspname AS schemaname,
  c.relname AS tablename,
  'rollcall' AS tableowner,
  c.relhasindex AS hasindexes,
  c.relhasrules AS hasrules,
  c.relhastriggers AS hastriggers,
  c.relrowsecurity AS rowsecurity
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r'
