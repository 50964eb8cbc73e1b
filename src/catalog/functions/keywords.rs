//! `pg_get_keywords()`: the words that mean something to SQL, which drivers quote when they are names.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, StringArray, StructArray};
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::logical_expr::ScalarUDF;

use super::define::{Answer, Function, Gives};
use super::sets::one_list;
use super::value::list_of;
use crate::proxy::postgres::error::SqlError;

/// Word, category, and whether it can be a column's name without AS.
const KEYWORDS: &str = include_str!("../system/facts/keywords.tsv");

fn fields() -> Fields {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    Fields::from(vec![
        text("word"),
        text("catcode"),
        Field::new("barelabel", DataType::Boolean, true),
        text("catdesc"),
        text("baredesc"),
    ])
}

fn category(code: &str) -> &'static str {
    match code {
        "U" => "unreserved",
        "C" => "unreserved (cannot be function or type name)",
        "T" => "reserved (can be function or type name)",
        _ => "reserved",
    }
}

fn keywords() -> Answer {
    let lines = || KEYWORDS.lines().filter_map(|line| line.split_once('\t'));
    let lines = || lines().filter_map(|(word, rest)| Some((word, rest.split_once('\t')?)));
    let is_bare = |(_, (_, bare)): (&str, (&str, &str))| bare == "t";
    let words: StringArray = lines().map(|(word, _)| Some(word)).collect();
    let codes: StringArray = lines().map(|(_, (code, _))| Some(code)).collect();
    let bare: BooleanArray = lines().map(|line| Some(is_bare(line))).collect();
    let categories: StringArray = lines().map(|(_, (code, _))| Some(category(code))).collect();
    let labels: StringArray = lines()
        .map(|line| match is_bare(line) {
            true => Some("can be bare label"),
            false => Some("requires AS"),
        })
        .collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(words),
        Arc::new(codes),
        Arc::new(bare),
        Arc::new(categories),
        Arc::new(labels),
    ];
    let rows = StructArray::try_new(fields(), columns, None)
        .map_err(|error| SqlError::new("42804", error.to_string()))?;
    Ok(one_list(Arc::new(rows)))
}

pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    let rows = Gives::Of(|_, _| list_of(DataType::Struct(fields())));
    let function = Function::new("pg_get_keywords").on(&[], rows, |_| keywords());
    vec![function.done()]
}
