-- information_schema.role_table_grants: everybody reads everything.
SELECT * FROM information_schema.table_privileges
