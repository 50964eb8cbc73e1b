-- Who has connected in the last minute?
SELECT id, "user", remote, service, connected
FROM sessions
WHERE seconds_alive < 60
ORDER BY connected DESC;
