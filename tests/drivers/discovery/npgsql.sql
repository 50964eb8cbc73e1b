-- What Npgsql, and so Power BI, needs to know before its first query: which types there are, elements before arrays.
SELECT version() LIKE 'PostgreSQL 15%';
SELECT nspname, typname, typtype, typnotnull, element
FROM (
    SELECT t.oid, t.typname, t.typnamespace, t.typnotnull, t.relkind, t.typtype, t.element,
        e.typname AS element_name, c.relkind AS element_relkind,
        CASE WHEN p.proname = 'array_recv' THEN 'a' ELSE e.typtype END AS element_type
    FROM (
        SELECT typ.oid, typnamespace, typname, typrelid, typnotnull, relkind, typelem,
            CASE WHEN proc.proname = 'array_recv' THEN 'a' ELSE typ.typtype END AS typtype,
            CASE
                WHEN proc.proname = 'array_recv' THEN typ.typelem
                WHEN typ.typtype = 'r' THEN rngsubtype
                WHEN typ.typtype = 'm' THEN (SELECT rngtypid FROM pg_range WHERE rngmultitypid = typ.oid)
                WHEN typ.typtype = 'd' THEN typ.typbasetype
            END AS element
        FROM pg_type AS typ
        LEFT JOIN pg_class AS cls ON cls.oid = typ.typrelid
        LEFT JOIN pg_proc AS proc ON proc.oid = typ.typreceive
        LEFT JOIN pg_range ON pg_range.rngtypid = typ.oid
    ) AS t
    LEFT JOIN pg_type AS e ON e.oid = element
    LEFT JOIN pg_class AS c ON c.oid = e.typrelid
    LEFT JOIN pg_proc AS p ON p.oid = e.typreceive
) AS t
JOIN pg_namespace AS ns ON ns.oid = typnamespace
WHERE (typtype IN ('b', 'r', 'm', 'e', 'd')
    OR (typtype = 'c' AND relkind = 'c')
    OR (typtype = 'p' AND typname IN ('record', 'void'))
    OR (typtype = 'a' AND (element_type IN ('b', 'r', 'm', 'e', 'd')
        OR (element_type = 'p' AND element_name IN ('record', 'void'))
        OR (element_type = 'c' AND element_relkind = 'c'))))
    AND nspname = 'pg_catalog'
ORDER BY CASE
    WHEN typtype IN ('b', 'e', 'p') THEN 0
    WHEN typtype = 'r' THEN 1
    WHEN typtype = 'm' THEN 2
    WHEN typtype = 'c' THEN 3
    WHEN typtype = 'd' AND element_type <> 'a' THEN 4
    WHEN typtype = 'a' THEN 5
    WHEN typtype = 'd' AND element_type = 'a' THEN 6
END, typname;
-- Fields of free-standing composite types, and labels of enums.
SELECT typ.oid, att.attname, att.atttypid
FROM pg_type AS typ
JOIN pg_namespace AS ns ON ns.oid = typ.typnamespace
JOIN pg_class AS cls ON cls.oid = typ.typrelid
JOIN pg_attribute AS att ON att.attrelid = typ.typrelid
WHERE typ.typtype = 'c' AND cls.relkind = 'c' AND attnum > 0 AND NOT attisdropped
ORDER BY typ.oid, att.attnum;
SELECT pg_type.oid, enumlabel FROM pg_enum JOIN pg_type ON pg_type.oid = enumtypid ORDER BY oid, enumsortorder;
-- What a connection does on its way back to the pool, in one piece and in its parts.
SET statement_timeout = 1000;
DISCARD ALL;
SHOW statement_timeout;
SET SESSION AUTHORIZATION DEFAULT;
RESET ALL;
CLOSE ALL;
UNLISTEN *;
SELECT pg_advisory_unlock_all();
DISCARD SEQUENCES;
DISCARD TEMP;
