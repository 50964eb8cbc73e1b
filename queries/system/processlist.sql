-- information_schema.processlist: sessions in the shape of MariaDB's table of that name. Its columns have lower-case
-- names, which is what clients of this door make of names without quotes; MariaDB does not tell the cases apart. What
-- is decimal there is double precision here, with the same three digits behind the point.
--
-- time and time_ms are how long the session is in its state. info is the statement that runs, where the session's service
-- retains statements and an administrator asks. What is not measured is NULL.
SELECT
  id,
  coalesce("user", 'unauthenticated user') AS user,
  CASE WHEN port IS NULL THEN remote ELSE concat(remote, ':', port) END AS host,
  database AS db,
  CASE WHEN state = 'Session Allocated' THEN 'Connect' WHEN active THEN 'Query' ELSE 'Sleep' END AS command,
  CAST(trunc(seconds) AS INTEGER) AS time,
  CASE WHEN state = 'Session Allocated' THEN 'login' ELSE '' END AS state,
  CASE WHEN active THEN get_field(array_element(queries, 1), 'statement') END AS info,
  round(seconds * 1000, 3) AS time_ms,
  0 AS stage,
  0 AS max_stage,
  0 AS progress
FROM (
  SELECT
    *,
    CASE WHEN active
      THEN greatest(seconds_alive - (CAST(statement_started AS BIGINT) - CAST(connected AS BIGINT)) / 1000000.0, 0)
      ELSE idle
    END AS seconds
  FROM documents.sessions
)
