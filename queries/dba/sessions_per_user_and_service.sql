-- How many sessions has each user on each service, and how many of them work?
SELECT service, "user", count(*) AS sessions, count(*) FILTER (WHERE active) AS active
FROM sessions
GROUP BY service, "user"
ORDER BY sessions DESC, service, "user";
