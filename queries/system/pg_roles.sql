-- pg_catalog.pg_roles: the owner, the configured users and whoever asks.
SELECT
  rolname,
  rolsuper,
  rolinherit,
  rolcreaterole,
  rolcreatedb,
  rolcanlogin,
  rolreplication,
  rolconnlimit,
  '********' AS rolpassword,
  rolvaliduntil,
  rolbypassrls,
  oid
FROM pg_authid
