//! Functions in FROM that have nothing to tell here.

use super::build::{alias, derived, quoted, select};
use datafusion::sql::sqlparser::ast::{DataType, Expr, SelectItem, TableAlias, TableFactor, Value};

/// The type of a column that has no values.
#[derive(Clone, Copy)]
pub(super) enum Of {
    Bool,
    Int,
    BigInt,
    Text,
    Moment,
}

/// Functions that have nothing to tell here, for there are no partitions, publications, extensions, text search parsers or
/// files: their columns.
pub(super) fn empty(name: &str) -> Option<&'static [(&'static str, Of)]> {
    use Of::{BigInt, Bool, Int, Moment, Text};
    Some(match name {
        "ts_token_type" => &[("tokid", Int), ("alias", Text), ("description", Text)],
        "ts_parse" => &[("tokid", Int), ("token", Text)],
        "pg_partition_tree" => &[
            ("relid", Int),
            ("parentrelid", Int),
            ("isleaf", Bool),
            ("level", Int),
        ],
        "pg_get_publication_tables" => &[("relid", Int)],
        "pg_available_extensions" => {
            &[("name", Text), ("default_version", Text), ("comment", Text)]
        }
        "pg_available_extension_versions" => &[
            ("name", Text),
            ("version", Text),
            ("superuser", Bool),
            ("trusted", Bool),
            ("relocatable", Bool),
            ("schema", Text),
            ("comment", Text),
        ],
        "pg_ls_archive_statusdir" | "pg_ls_logdir" | "pg_ls_tmpdir" | "pg_ls_waldir" => {
            &[("name", Text), ("size", BigInt), ("modification", Moment)]
        }
        "pg_event_trigger_ddl_commands" => &[("classid", Int), ("objid", Int)],
        _ => return None,
    })
}

/// A table with these columns that is empty.
pub(super) fn without_rows(
    name: &str,
    columns: &[(&'static str, Of)],
    old: Option<TableAlias>,
    ordinality: bool,
) -> TableFactor {
    let item = |name: &'static str, data_type| SelectItem::ExprWithAlias {
        expr: super::build::cast(Expr::Value(Value::Null.into()), data_type),
        alias: quoted(name),
    };
    let mut items: Vec<SelectItem> = columns
        .iter()
        .map(|(column, of)| match of {
            Of::Bool => item(column, DataType::Boolean),
            Of::Int => item(column, DataType::Int(None)),
            Of::BigInt => item(column, DataType::BigInt(None)),
            Of::Text => item(column, DataType::Text),
            Of::Moment => {
                let zoned = datafusion::sql::sqlparser::ast::TimezoneInfo::WithTimeZone;
                item(column, DataType::Timestamp(None, zoned))
            }
        })
        .collect();
    if ordinality {
        items.push(item("ordinality", DataType::BigInt(None)));
    }
    derived(
        false,
        select(items, None, Some(super::build::boolean(false))),
        old.unwrap_or_else(|| alias(quoted(name), Vec::new())),
    )
}
