-- information_schema.routines: functions.
SELECT
  'rollcall' AS specific_catalog,
  n.nspname AS specific_schema,
  concat(p.proname, '_', p.oid) AS specific_name,
  'rollcall' AS routine_catalog,
  n.nspname AS routine_schema,
  p.proname AS routine_name,
  CASE p.prokind WHEN 'f' THEN 'FUNCTION' WHEN 'p' THEN 'PROCEDURE' END AS routine_type,
  CASE
    WHEN t.typcategory = 'A' AND t.typelem <> 0 THEN 'ARRAY'
    ELSE coalesce(s.sql_name, t.typname)
  END AS data_type,
  'rollcall' AS type_udt_catalog,
  tn.nspname AS type_udt_schema,
  t.typname AS type_udt_name,
  '0' AS dtd_identifier,
  'EXTERNAL' AS routine_body,
  p.prosrc AS routine_definition,
  'INTERNAL' AS external_language,
  'GENERAL' AS parameter_style,
  CASE p.provolatile WHEN 'i' THEN 'YES' ELSE 'NO' END AS is_deterministic,
  'MODIFIES' AS sql_data_access,
  CASE WHEN p.proisstrict THEN 'YES' ELSE 'NO' END AS is_null_call,
  'YES' AS schema_level_routine,
  0 AS max_dynamic_result_sets,
  'INVOKER' AS security_type,
  'NO' AS as_locator,
  'NO' AS is_udt_dependent
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
JOIN pg_type t ON t.oid = p.prorettype
JOIN pg_namespace tn ON tn.oid = t.typnamespace
LEFT JOIN (
  VALUES
    ('bool', 'boolean'),
    ('char', '"char"'),
    ('int2', 'smallint'),
    ('int4', 'integer'),
    ('int8', 'bigint'),
    ('float4', 'real'),
    ('float8', 'double precision'),
    ('bpchar', 'character'),
    ('varchar', 'character varying'),
    ('time', 'time without time zone'),
    ('timestamp', 'timestamp without time zone'),
    ('timestamptz', 'timestamp with time zone')
) s (typname, sql_name) ON s.typname = t.typname
