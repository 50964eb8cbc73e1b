-- Who has been idle longest?
SELECT id, "user", application_name, remote, service, idle
FROM sessions
WHERE NOT active
ORDER BY idle DESC
LIMIT 20;
