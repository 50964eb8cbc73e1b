-- information_schema.collations
SELECT
  'rollcall' AS collation_catalog,
  n.nspname AS collation_schema,
  l.collname AS collation_name,
  'NO PAD' AS pad_attribute
FROM pg_collation l
JOIN pg_namespace n ON n.oid = l.collnamespace
