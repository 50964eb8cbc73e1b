-- Which sessions have moved most bytes, and how many a second over their lives?
SELECT id, "user", application_name, bytes_in, bytes_out, statements,
       (bytes_in + bytes_out) / nullif(seconds_alive, 0) AS bytes_per_second
FROM sessions
ORDER BY bytes_in + bytes_out DESC
LIMIT 20;
