-- How is idleness spread? One row for each order of magnitude.
SELECT CASE WHEN idle < 1 THEN 'under 1 s'
            WHEN idle < 60 THEN 'under 1 min'
            WHEN idle < 3600 THEN 'under 1 h'
            ELSE '1 h and more' END AS idle_for,
       count(*) AS sessions, min(idle) AS idle_min, max(idle) AS idle_max
FROM sessions
GROUP BY 1
ORDER BY idle_min;
