-- pg_catalog.pg_stat_activity: sessions in PostgreSQL's shape, one row each, those of proxied services included.
--
-- pid is sessions.id. datid is NULL where the session is in a database of a server, which this catalog does not list.
-- query is the last statement where the session's service retains statements and an administrator asks; elsewhere it is
-- empty, not NULL. query_start is that of the last statement, running or not, and
-- xact_start that of the running one where it is a transaction by itself; a transaction that failed has none. state is
-- NULL until the client is accepted.
SELECT
  CASE WHEN router = 'catalog' THEN 16383 END AS datid,
  database AS datname,
  CAST(id AS INTEGER) AS pid,
  role_oid("user") AS usesysid,
  "user" AS usename,
  coalesce(application_name, '') AS application_name,
  CASE WHEN port IS NOT NULL THEN remote END AS client_addr,
  coalesce(port, -1) AS client_port,
  connected AS backend_start,
  CASE WHEN NOT transaction_failed THEN coalesce(transaction_started, statement_started) END AS xact_start,
  last_statement_started AS query_start,
  -- The clock of the statement that asks, less what the session is idle.
  CASE WHEN active THEN statement_started
    ELSE arrow_cast(
      CAST(connected AS BIGINT) + CAST((seconds_alive - idle) * 1000000 AS BIGINT),
      'Timestamp(Microsecond, Some("+00:00"))')
  END AS state_change,
  CASE WHEN NOT active THEN 'Client' END AS wait_event_type,
  CASE WHEN NOT active THEN 'ClientRead' END AS wait_event,
  CASE
    WHEN state = 'Session Allocated' THEN NULL
    WHEN active THEN 'active'
    WHEN transaction_failed THEN 'idle in transaction (aborted)'
    WHEN in_transaction THEN 'idle in transaction'
    ELSE 'idle'
  END AS state,
  coalesce(get_field(array_element(queries, 1), 'statement'), '') AS query,
  'client backend' AS backend_type
FROM documents.sessions
