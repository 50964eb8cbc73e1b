//! Functions that list what the database never has: channels, partitions, kinds of words. They are there because psql
//! and drivers ask.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields};
use datafusion::logical_expr::ScalarUDF;

use super::define::{Answer, Function, Gives};
use super::output::Value;
use super::value::{Kind, Row, list_of};

fn no_rows(_: &Row<'_>) -> Answer {
    Ok(Value::Null)
}

/// The columns of `pg_partition_tree(regclass)`.
fn partition_fields() -> Fields {
    Fields::from(vec![
        Field::new("relid", DataType::UInt32, true),
        Field::new("parentrelid", DataType::UInt32, true),
        Field::new("isleaf", DataType::Boolean, true),
        Field::new("level", DataType::Int32, true),
    ])
}

/// The columns of `ts_token_type(oid)`.
fn token_fields() -> Fields {
    Fields::from(vec![
        Field::new("tokid", DataType::Int32, true),
        Field::new("alias", DataType::Utf8, true),
        Field::new("description", DataType::Utf8, true),
    ])
}

pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    let oids = Gives::Of(|_, _| list_of(DataType::UInt32));
    let all = [
        Function::stable("pg_listening_channels").on(&[], Gives::Texts, no_rows),
        Function::stable("pg_partition_ancestors").on(&[Kind::Int], oids, no_rows),
        Function::stable("pg_partition_tree").on(
            &[Kind::Int],
            Gives::Of(|_, _| list_of(DataType::Struct(partition_fields()))),
            no_rows,
        ),
        Function::stable("ts_token_type").on(
            &[Kind::Any],
            Gives::Of(|_, _| list_of(DataType::Struct(token_fields()))),
            no_rows,
        ),
    ];
    all.map(Function::done).into()
}
