-- The resource /v1/listeners. The first column is the id and orders the list; each other column is a member of
-- the resource object. A link is relative to the API's root. A UNIX socket has a path and no address.
SELECT
  name,
  named_struct(
    'services', named_struct(
      'links', named_struct('self', 'services/'),
      'data', make_array(named_struct('id', service, 'type', 'services'))
    )
  ) AS relationships,
  named_struct(
    'parameters', named_struct(
      'address', CASE WHEN port IS NOT NULL THEN address END,
      'port', port,
      'socket', CASE WHEN port IS NULL THEN address END,
      'protocol', protocol
    ),
    'state', state
  ) AS attributes
FROM documents.listeners
