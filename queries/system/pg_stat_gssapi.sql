-- pg_catalog.pg_stat_gssapi: nobody is authenticated or encrypted by GSSAPI.
SELECT
  CAST(id AS INTEGER) AS pid,
  false AS gss_authenticated,
  false AS encrypted
FROM sessions
