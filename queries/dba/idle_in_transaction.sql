-- Who holds a transaction open without doing anything? Longest idle first.
SELECT id, "user", database, application_name, server, idle
FROM sessions
WHERE in_transaction AND NOT active
ORDER BY idle DESC;
