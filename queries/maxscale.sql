-- The resource /v1/maxscale: this program. There is one, so it is no list. $version is the program's version.
-- $retained is how many of its last statements a session retains at most: clients read it before they ask for them.
SELECT
  name,
  named_struct(
    'version', $version,
    'started_at', concat(
      to_char(pg_postmaster_start_time() AT TIME ZONE 'UTC', 'Dy, DD Mon YYYY HH24:MI:SS'), ' GMT'
    ),
    'uptime', CAST(floor(extract(epoch FROM now() - pg_postmaster_start_time())) AS BIGINT),
    'parameters', named_struct('retain_last_statements', $retained)
  ) AS attributes
FROM (VALUES ('maxscale')) AS program (name)
