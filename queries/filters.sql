-- The resource /v1/filters. The first column is the id and orders the list; each other column is a member of
-- the resource object. A link is relative to the API's root.
SELECT
  name,
  named_struct(
    'services', named_struct('links', named_struct('self', 'services/'), 'data', services)
  ) AS relationships,
  named_struct('module', module) AS attributes
FROM documents.filters
