-- information_schema.constraint_table_usage: the tables that keys are about; of a foreign key, the one referred to.
SELECT
  'rollcall' AS table_catalog,
  n.nspname AS table_schema,
  c.relname AS table_name,
  'rollcall' AS constraint_catalog,
  n.nspname AS constraint_schema,
  k.conname AS constraint_name
FROM pg_constraint k
JOIN pg_class c ON c.oid = CASE k.contype WHEN 'f' THEN k.confrelid ELSE k.conrelid END
JOIN pg_namespace n ON n.oid = c.relnamespace
