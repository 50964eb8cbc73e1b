//! What PostgreSQL 15 answers.

pub(super) const CASES: &[(&str, &str)] = &[
    ("series(1, 5)", "{1,2,3,4,5}"),
    ("series(5, 1, -2)", "{5,3,1}"),
    ("series(1, 0)", "{}"),
    ("series(1, 2, 0)", "!22023: step size cannot equal zero"),
    (
        "series(\"timestamp\"('2024-01-30 00:00'), \"timestamp\"('2024-03-31 00:00'), \"interval\"('1 month'))",
        "{\"2024-01-30 00:00:00\",\"2024-02-29 00:00:00\",\"2024-03-29 00:00:00\"}",
    ),
    (
        "series(timestamptz('2024-03-30 12:00'), timestamptz('2024-04-01 12:00'), \"interval\"('1 day'))",
        "{\"2024-03-30 12:00:00+01\",\"2024-03-31 12:00:00+02\",\"2024-04-01 12:00:00+02\"}",
    ),
    ("generate_subscripts(array['a','b','c'], 1)", "{1,2,3}"),
    (
        "generate_subscripts(array['a','b','c'], 1, true)",
        "{3,2,1}",
    ),
    ("_pg_expandarray(array[7,8])", "{\"(7,1)\",\"(8,2)\"}"),
    (
        "pg_options_to_table(array['a=1','b'])",
        "{\"(a,1)\",\"(b,)\"}",
    ),
    ("regexp_split_to_table('a1b2c', '[0-9]')", "{a,b,c}"),
    (
        "regexp_matches('foobarbequebazilbarfbonk', '(b[^b]+)(b[^b]+)', 'g')",
        "{{bar,beque},{bazil,barf}}",
    ),
    ("string_to_table('a,b', ',')", "{a,b}"),
    (
        "(SELECT mode() WITHIN GROUP (ORDER BY x) FROM (VALUES (3), (1), (3), (2), (1)) AS t(x))",
        "1",
    ),
    (
        "(SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY x) FROM (VALUES (3), (1), (NULL), (2), (10)) AS t(x))",
        "2",
    ),
    (
        "(SELECT percentile_disc(array[0.25, 0.75]) WITHIN GROUP (ORDER BY x) FROM (VALUES (3), (1), (2), (10)) AS t(x))",
        "{1,3}",
    ),
    (
        "(SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x) FROM (VALUES (3), (1), (2), (10)) AS t(x))",
        "2.5",
    ),
    (
        "(SELECT percentile_cont(array[0.25, 0.5]) WITHIN GROUP (ORDER BY x) FROM (VALUES (3), (1), (2), (10)) AS t(x))",
        "{1.75,2.5}",
    ),
    (
        "(SELECT percentile_disc(1.5) WITHIN GROUP (ORDER BY x) FROM (VALUES (3)) AS t(x))",
        "!22003: percentile value 1.5 is not between 0 and 1",
    ),
    (
        "(SELECT json_agg(x ORDER BY x) FROM (VALUES (3), (1)) AS t(x))",
        "[1, 3]",
    ),
    (
        "(SELECT jsonb_agg(x ORDER BY x DESC) FROM (VALUES ('a'), ('b')) AS t(x))",
        "[\"b\", \"a\"]",
    ),
    (
        "(SELECT json_object_agg(k, v) FROM (VALUES ('a', 1), ('b', 2)) AS t(k, v))",
        "{ \"a\" : 1, \"b\" : 2 }",
    ),
    (
        "(SELECT string_agg(x, ',' ORDER BY x DESC) FROM (VALUES ('a'), ('b')) AS t(x))",
        "b,a",
    ),
    (
        "(SELECT array_agg(x ORDER BY x) FROM (VALUES (3), (1)) AS t(x))",
        "{1,3}",
    ),
    (
        "(SELECT bool_and(x > 0) FROM (VALUES (3), (1)) AS t(x))",
        "t",
    ),
    ("(SELECT every(x > 1) FROM (VALUES (3), (1)) AS t(x))", "f"),
    (
        "(SELECT bool_or(x > 2) FROM (VALUES (3), (1)) AS t(x))",
        "t",
    ),
    (
        "(SELECT count(DISTINCT x) FROM (VALUES (3), (1), (3)) AS t(x))",
        "2",
    ),
    (
        "(SELECT regr_slope(x, y) FROM (VALUES (3, 1), (5, 2)) AS t(x, y))",
        "2",
    ),
    ("to_json('a\"b'::text)", "\"a\\\"b\""),
    ("to_json(array[1,2])", "[1,2]"),
    ("to_json(NULL::text)", "NULL"),
    (
        "to_json(\"timestamp\"('2024-01-02 03:04:05.5'))",
        "\"2024-01-02T03:04:05.5\"",
    ),
    (
        "to_json(timestamptz('2024-01-02 03:04:05+00'))",
        "\"2024-01-02T04:04:05+01:00\"",
    ),
    (
        "json_build_object('a', 1, 'b', 'x', 'c', NULL, 'd', true)",
        "{\"a\" : 1, \"b\" : \"x\", \"c\" : null, \"d\" : true}",
    ),
    (
        "json_build_object('a')",
        "!22023: argument list must have even number of elements",
    ),
    (
        "json_build_object(NULL, 1)",
        "!22023: argument 1 cannot be null",
    ),
    (
        "json_build_array(1, 'x', NULL, array[1,2])",
        "[1, \"x\", null, [1,2]]",
    ),
    (
        "json_build_object('a', json_build_array(1, 2))",
        "{\"a\" : [1, 2]}",
    ),
    (
        "jsonb_build_object('bb', 1, 'a', json_build_array(1, 2))",
        "{\"a\": [1, 2], \"bb\": 1}",
    ),
    ("to_jsonb(array['x','y'])", "[\"x\", \"y\"]"),
    ("json_array_length('[1,2,3]')", "3"),
    (
        "json_array_length('{}')",
        "!22023: cannot get array length of a non-array",
    ),
    ("json_typeof('[1]')", "array"),
    ("json_object_field('{\"a\":{\"b\":1}}', 'a')", "{\"b\":1}"),
    ("json_object_field_text('{\"a\":\"x\"}', 'a')", "x"),
    ("json_object_field_text('[1,\"x\"]', 1)", "x"),
    ("json_object_field_text('[1,\"x\"]', -2)", "1"),
    (
        "json_extract_path_text('{\"a\":{\"b\":[5]}}', 'a', 'b', '0')",
        "5",
    ),
    ("json_extract_path('{\"a\":{\"b\":[5]}}', 'a', 'z')", "NULL"),
    (
        "json_array_elements('[1,{\"a\":2}]')",
        "{1,\"{\\\"a\\\":2}\"}",
    ),
    (
        "json_typeof('[1')",
        "!22P02: invalid input syntax for type json",
    ),
];
