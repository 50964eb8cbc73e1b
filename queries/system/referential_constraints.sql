-- information_schema.referential_constraints: foreign keys with the primary keys that they refer to.
SELECT
  'rollcall' AS constraint_catalog,
  n.nspname AS constraint_schema,
  k.conname AS constraint_name,
  'rollcall' AS unique_constraint_catalog,
  n.nspname AS unique_constraint_schema,
  u.conname AS unique_constraint_name,
  'NONE' AS match_option,
  'NO ACTION' AS update_rule,
  'NO ACTION' AS delete_rule
FROM pg_constraint k
JOIN pg_namespace n ON n.oid = k.connamespace
JOIN pg_constraint u ON u.conrelid = k.confrelid AND u.contype = 'p'
WHERE k.contype = 'f'
