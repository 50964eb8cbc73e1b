-- information_schema.information_schema_catalog_name: the one database.
SELECT 'rollcall' AS catalog_name
