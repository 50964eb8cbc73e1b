-- Who has connected without having logged in, and for how long?
SELECT id, remote, port, listener, seconds_alive
FROM sessions
WHERE state = 'Session Allocated'
ORDER BY seconds_alive DESC;
