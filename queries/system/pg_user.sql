-- pg_catalog.pg_user: who may log in, with a mask for every password.
SELECT
  usename,
  usesysid,
  usecreatedb,
  usesuper,
  userepl,
  usebypassrls,
  '********' AS passwd,
  valuntil
FROM pg_shadow
