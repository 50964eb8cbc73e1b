-- How many sessions there are, by service and state: the metric rollcall_sessions.
SELECT service, state, count(*) AS sessions
FROM sessions
GROUP BY service, state
