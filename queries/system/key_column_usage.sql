-- information_schema.key_column_usage: the columns of primary and foreign keys. Every foreign key has one column.
SELECT
  'rollcall' AS constraint_catalog,
  n.nspname AS constraint_schema,
  k.conname AS constraint_name,
  'rollcall' AS table_catalog,
  n.nspname AS table_schema,
  c.relname AS table_name,
  a.attname AS column_name,
  array_position(k.conkey, a.attnum) AS ordinal_position,
  CASE k.contype WHEN 'f' THEN 1 END AS position_in_unique_constraint
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND array_has(k.conkey, a.attnum)
