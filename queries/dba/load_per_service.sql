-- How full is each service, and how full has it been?
SELECT v.name, v.router, v.connections, v.max_connections, v.total_connections,
       count(s.id) FILTER (WHERE s.active) AS active,
       count(s.id) FILTER (WHERE s.in_transaction) AS in_transaction
FROM services v
LEFT JOIN sessions s ON s.service = v.name
GROUP BY v.name, v.router, v.connections, v.max_connections, v.total_connections
ORDER BY v.connections DESC, v.name;
