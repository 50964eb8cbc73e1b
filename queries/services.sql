-- The resource /v1/services. The first column is the id and orders the list; each other column is a member of
-- the resource object. A link is relative to the API's root.
SELECT
  name,
  named_struct(
    'servers', named_struct('links', named_struct('self', 'servers/'), 'data', servers),
    'filters', named_struct('links', named_struct('self', 'filters/'), 'data', filters),
    'listeners', named_struct('links', named_struct('self', 'listeners/'), 'data', listeners)
  ) AS relationships,
  named_struct(
    'router', router,
    'state', state,
    'started', asctime(started),
    'statistics', named_struct(
      'connections', connections,
      'total_connections', total_connections,
      'max_connections', max_connections
    )
  ) AS attributes
FROM documents.services
