-- pg_catalog.pg_stat_ssl: the client's leg of each session. Cipher suites have their registered names, also those of
-- TLS 1.2, and none of them uses keys of other than 128 or 256 bits. Certificates of clients are not asked for.
SELECT
  CAST(id AS INTEGER) AS pid,
  tls IS NOT NULL AS ssl,
  split_part(tls, ' ', 1) AS version,
  split_part(tls, ' ', 2) AS cipher,
  CASE WHEN tls LIKE '%AES_128%' THEN 128 WHEN tls IS NOT NULL THEN 256 END AS bits
FROM sessions
