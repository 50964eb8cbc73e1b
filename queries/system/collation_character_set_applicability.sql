-- information_schema.collation_character_set_applicability
SELECT
  'rollcall' AS collation_catalog,
  n.nspname AS collation_schema,
  l.collname AS collation_name,
  'UTF8' AS character_set_name
FROM pg_collation l
JOIN pg_namespace n ON n.oid = l.collnamespace
