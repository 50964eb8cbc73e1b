-- information_schema.enabled_roles
SELECT rolname AS role_name FROM pg_authid
