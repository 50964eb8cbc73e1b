-- Which statements have been running longest?
SELECT id, "user", server, now() - statement_started AS running, statement_started
FROM sessions
WHERE active
ORDER BY statement_started
LIMIT 20;
