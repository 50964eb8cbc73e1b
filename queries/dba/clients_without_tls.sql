-- Who talks to us in clear from another machine?
SELECT id, "user", application_name, remote, listener
FROM sessions
WHERE tls IS NULL AND remote NOT IN ('127.0.0.1', '::1', 'localhost')
ORDER BY id;
