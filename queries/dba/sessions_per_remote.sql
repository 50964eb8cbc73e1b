-- Which addresses hold most sessions, and do they use them?
SELECT remote, count(*) AS sessions, count(DISTINCT "user") AS users, min(idle) AS idle_min, max(idle) AS idle_max
FROM sessions
GROUP BY remote
ORDER BY sessions DESC, remote
LIMIT 20;
