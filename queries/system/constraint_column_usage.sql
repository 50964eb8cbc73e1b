-- information_schema.constraint_column_usage: the columns that keys are about; of a foreign key, those referred to.
SELECT
  'rollcall' AS table_catalog,
  n.nspname AS table_schema,
  c.relname AS table_name,
  a.attname AS column_name,
  'rollcall' AS constraint_catalog,
  n.nspname AS constraint_schema,
  k.conname AS constraint_name
FROM (
  SELECT
    conname,
    CASE contype WHEN 'f' THEN confrelid ELSE conrelid END AS relation,
    CASE contype WHEN 'f' THEN confkey ELSE conkey END AS columns
  FROM pg_constraint
) k
JOIN pg_class c ON c.oid = k.relation
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND array_has(k.columns, a.attnum)
