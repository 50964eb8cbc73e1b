//! What PostgreSQL 15 has built in, as data: the columns of its relations and the rows of those tables that are the
//! same in every database. Read off a running server; one line each.

/// The relations of `pg_catalog` and `information_schema`: oid, schema, name, kind, row type, its array type, columns.
pub(super) const RELATIONS: &str = include_str!("facts/relations.tsv");

/// The functions of `pg_catalog`: oid, name, kind, argument types, result type, properties.
pub(super) const FUNCTIONS: &str = include_str!("facts/functions.tsv");

/// The rows of `pg_type` that are no relations' row types.
pub(super) const TYPES: &str = include_str!("facts/pg_type.tsv");

/// The rows of a table of `pg_catalog` that are the same in every database, as COPY writes them.
pub(super) fn rows(relation: &str) -> Option<&'static str> {
    Some(match relation {
        "pg_aggregate" => include_str!("facts/pg_aggregate.tsv"),
        "pg_am" => include_str!("facts/pg_am.tsv"),
        "pg_amop" => include_str!("facts/pg_amop.tsv"),
        "pg_amproc" => include_str!("facts/pg_amproc.tsv"),
        "pg_cast" => include_str!("facts/pg_cast.tsv"),
        "pg_collation" => include_str!("facts/pg_collation.tsv"),
        "pg_conversion" => include_str!("facts/pg_conversion.tsv"),
        "pg_language" => include_str!("facts/pg_language.tsv"),
        "pg_opclass" => include_str!("facts/pg_opclass.tsv"),
        "pg_operator" => include_str!("facts/pg_operator.tsv"),
        "pg_opfamily" => include_str!("facts/pg_opfamily.tsv"),
        "pg_range" => include_str!("facts/pg_range.tsv"),
        "pg_tablespace" => include_str!("facts/pg_tablespace.tsv"),
        "pg_ts_config" => include_str!("facts/pg_ts_config.tsv"),
        "pg_ts_config_map" => include_str!("facts/pg_ts_config_map.tsv"),
        "pg_ts_dict" => include_str!("facts/pg_ts_dict.tsv"),
        "pg_ts_parser" => include_str!("facts/pg_ts_parser.tsv"),
        "pg_ts_template" => include_str!("facts/pg_ts_template.tsv"),
        "pg_type" => TYPES,
        _ => return None,
    })
}

/// The fields of a line.
pub(super) fn fields<const N: usize>(line: &'static str) -> Option<[&'static str; N]> {
    let mut fields = line.split('\t');
    let mut taken = [""; N];
    for field in &mut taken {
        *field = fields.next()?;
    }
    Some(taken)
}
