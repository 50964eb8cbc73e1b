-- The resource /v1/servers. The first column is the id and orders the list; each other column is a member of
-- the resource object. A link is relative to the API's root.
SELECT
  name,
  named_struct(
    'services', named_struct('links', named_struct('self', 'services/'), 'data', services)
  ) AS relationships,
  named_struct(
    'parameters', named_struct('address', address, 'port', port, 'protocol', protocol),
    'state', state,
    'role', role,
    'statistics', named_struct(
      'connections', connections,
      'total_connections', total_connections,
      'max_connections', max_connections
    )
  ) AS attributes
FROM documents.servers
