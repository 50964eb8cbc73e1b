-- Who holds a transaction open without doing anything? The oldest first.
SELECT id, "user", database, application_name, server, idle, transaction_started
FROM sessions
WHERE in_transaction AND NOT active
ORDER BY transaction_started;
