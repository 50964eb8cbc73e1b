-- pg_catalog.pg_shadow: who may log in. Passwords are never shown.
SELECT
  rolname AS usename,
  oid AS usesysid,
  rolcreatedb AS usecreatedb,
  rolsuper AS usesuper,
  rolreplication AS userepl,
  rolbypassrls AS usebypassrls,
  rolvaliduntil AS valuntil
FROM pg_authid
WHERE rolcanlogin
