-- The resource /v1/sessions. The first column is the id and orders the list; each other column is a member of
-- the resource object. $rdns asks for host names instead of addresses. A link is relative to the API's root.
-- Idle time is told in tenths of a second, and an IPv4 address as a dual-stack listener sees it.
SELECT
  id,
  named_struct(
    'services', named_struct(
      'links', named_struct('self', 'services/'),
      'data', make_array(named_struct('id', service, 'type', 'services'))
    ),
    'filters', CASE WHEN filters IS NOT NULL THEN named_struct(
      'links', named_struct('self', 'filters/'),
      'data', filters
    ) END
  ) AS relationships,
  named_struct(
    'state', state,
    'user', "user",
    'remote', coalesce(
      CASE WHEN $rdns THEN rdns(remote) END,
      CASE
        WHEN remote = 'localhost' OR contains(remote, ':') THEN remote
        ELSE concat('::ffff:', remote)
      END
    ),
    'connected', asctime(connected),
    'idle', trunc(idle * 10) / 10,
    'port', port,
    'seconds_alive', trunc(seconds_alive * 10) / 10,
    'database', database,
    'application_name', application_name,
    'client', named_struct('cipher', tls, 'connection_attributes', connection_attributes),
    'connections', connections,
    'statements', statements,
    'bytes_in', bytes_in,
    'bytes_out', bytes_out,
    'queries', queries,
    'parameters', named_struct(
      'log_debug', log_debug,
      'log_info', log_info,
      'log_notice', log_notice,
      'log_warning', log_warning,
      'log_error', log_error
    )
  ) AS attributes
FROM documents.sessions
