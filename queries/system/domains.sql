-- information_schema.domains: the types of this schema's own columns.
SELECT
  'rollcall' AS domain_catalog,
  n.nspname AS domain_schema,
  t.typname AS domain_name,
  CASE b.typname
    WHEN 'int4' THEN 'integer'
    WHEN 'varchar' THEN 'character varying'
    WHEN 'timestamptz' THEN 'timestamp with time zone'
    ELSE b.typname
  END AS data_type,
  'rollcall' AS udt_catalog,
  bn.nspname AS udt_schema,
  b.typname AS udt_name,
  '1' AS dtd_identifier
FROM pg_type t
JOIN pg_namespace n ON n.oid = t.typnamespace
JOIN pg_type b ON b.oid = t.typbasetype
JOIN pg_namespace bn ON bn.oid = b.typnamespace
WHERE t.typtype = 'd'
