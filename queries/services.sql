-- The resource /v1/services. The first column is the id and orders the list; each other column is a member of
-- the resource object.
SELECT
  name,
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
FROM services
