-- information_schema.role_column_grants: everybody reads everything.
SELECT * FROM information_schema.column_privileges
