-- information_schema.columns: columns of tables and views. What the standard has for types that do not occur is NULL.
SELECT
  'rollcall' AS table_catalog,
  n.nspname AS table_schema,
  c.relname AS table_name,
  a.attname AS column_name,
  a.attnum AS ordinal_position,
  CASE WHEN a.attnotnull THEN 'NO' ELSE 'YES' END AS is_nullable,
  CASE
    WHEN b.typcategory = 'A' AND b.typelem <> 0 THEN 'ARRAY'
    ELSE coalesce(s.sql_name, b.typname)
  END AS data_type,
  CASE WHEN b.typname IN ('text', 'varchar', 'bpchar') THEN 1073741824 END
    AS character_octet_length,
  CASE b.typname
    WHEN 'int2' THEN 16
    WHEN 'int4' THEN 32
    WHEN 'int8' THEN 64
    WHEN 'float4' THEN 24
    WHEN 'float8' THEN 53
  END AS numeric_precision,
  CASE
    WHEN b.typname IN ('int2', 'int4', 'int8', 'float4', 'float8') THEN 2
    WHEN b.typname = 'numeric' THEN 10
  END AS numeric_precision_radix,
  CASE WHEN b.typname IN ('int2', 'int4', 'int8') THEN 0 END AS numeric_scale,
  CASE
    WHEN b.typname IN ('timestamp', 'timestamptz', 'time', 'interval') THEN 6
    WHEN b.typname = 'date' THEN 0
  END AS datetime_precision,
  CASE WHEN a.attcollation = 950 THEN 'rollcall' END AS collation_catalog,
  CASE WHEN a.attcollation = 950 THEN 'pg_catalog' END AS collation_schema,
  CASE WHEN a.attcollation = 950 THEN 'C' END AS collation_name,
  CASE WHEN t.typtype = 'd' THEN 'rollcall' END AS domain_catalog,
  CASE WHEN t.typtype = 'd' THEN tn.nspname END AS domain_schema,
  CASE WHEN t.typtype = 'd' THEN t.typname END AS domain_name,
  'rollcall' AS udt_catalog,
  bn.nspname AS udt_schema,
  b.typname AS udt_name,
  CAST(a.attnum AS TEXT) AS dtd_identifier,
  'NO' AS is_self_referencing,
  'NO' AS is_identity,
  'NO' AS identity_cycle,
  'NEVER' AS is_generated,
  'NO' AS is_updatable
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type t ON t.oid = a.atttypid
JOIN pg_namespace tn ON tn.oid = t.typnamespace
-- The type itself, or what a domain is over.
JOIN pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
JOIN pg_namespace bn ON bn.oid = b.typnamespace
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
) s (typname, sql_name) ON s.typname = b.typname
WHERE c.relkind IN ('r', 'v')
