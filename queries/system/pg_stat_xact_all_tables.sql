-- pg_catalog.pg_stat_xact_all_tables: reading the catalog is not counted by table.
SELECT
  c.oid AS relid,
  n.nspname AS schemaname,
  c.relname,
  0 AS seq_scan,
  0 AS seq_tup_read,
  CASE WHEN c.relhasindex THEN 0 END AS idx_scan,
  CASE WHEN c.relhasindex THEN 0 END AS idx_tup_fetch,
  0 AS n_tup_ins,
  0 AS n_tup_upd,
  0 AS n_tup_del,
  0 AS n_tup_hot_upd
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 't', 'm')
