//! What PostgreSQL tells of the things of its catalog: definitions, descriptions, visibility.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::{DataType, UInt32Type};
use datafusion::logical_expr::ScalarUDF;

use super::define::{Answer, Function, Gives};
use super::output::Value;
use super::quote::ident;
use super::reg::{format_type, is_searched, oid, relation, type_names, visible_name};
use super::value::{Kind, Row};
use crate::catalog::system::{
    Constraint, Dictionary, Function as Described, Relation, named_objects, operators, schema_name,
};
use crate::proxy::postgres::error::SqlError;

/// The oids of the catalogs that objects are in.
const PG_CLASS: u32 = 1259;
const PG_PROC: u32 = 1255;
const PG_TYPE: u32 = 1247;
const PG_NAMESPACE: u32 = 2615;

fn columns(relation: &Relation, positions: &[usize]) -> String {
    let names = positions.iter().filter_map(|at| relation.columns.get(*at));
    let names: Vec<_> = names.map(|column| ident(&column.name)).collect();
    names.join(", ")
}

fn constraint_definition(dictionary: &Dictionary, oid: u32) -> Option<String> {
    Some(match dictionary.constraint(oid)? {
        (relation, Constraint::Primary(key)) => {
            format!("PRIMARY KEY ({})", columns(relation, &key.columns))
        }
        (relation, Constraint::Foreign(key)) => {
            let other = dictionary.relation(key.references)?;
            format!(
                "FOREIGN KEY ({}) REFERENCES {}({})",
                columns(relation, &key.columns),
                visible_name(other.schema, &other.name),
                columns(other, &key.referenced_columns)
            )
        }
    })
}

fn index_definition(
    dictionary: &Dictionary,
    oid: u32,
    column: i64,
    is_pretty: bool,
) -> Option<String> {
    let index = dictionary.relation(oid).filter(|index| index.kind == 'i')?;
    if column != 0 {
        let number = i16::try_from(column).ok()?;
        return index.column(number).map(|column| ident(&column.name));
    }
    let table = dictionary.relation(index.index_of)?;
    let schema = match is_pretty && is_searched(table.schema) {
        true => String::new(),
        false => format!("{}.", schema_name(table.schema)?),
    };
    let all: Vec<usize> = (0..index.columns.len()).collect();
    Some(format!(
        "CREATE UNIQUE INDEX {} ON {schema}{} USING btree ({})",
        ident(&index.name),
        ident(&table.name),
        columns(index, &all)
    ))
}

fn view_definition(view: &Relation) -> Option<String> {
    let text = view.definition?.trim().trim_end_matches(';');
    Some(format!(" {text};"))
}

fn arguments(dictionary: &Dictionary, function: &Described) -> String {
    let types = function.arguments.iter().enumerate().map(|(at, oid)| {
        let variadic = match function.variadic && at + 1 == function.arguments.len() {
            true => "VARIADIC ",
            false => "",
        };
        format!("{variadic}{}", format_type(dictionary, *oid, -1))
    });
    types.collect::<Vec<_>>().join(", ")
}

fn result(dictionary: &Dictionary, function: &Described) -> String {
    let set = if function.returns_set { "SETOF " } else { "" };
    format!("{set}{}", format_type(dictionary, function.result, -1))
}

fn function_definition(dictionary: &Dictionary, function: &Described) -> Answer {
    if function.kind == 'a' {
        let message = format!("\"{}\" is an aggregate function", function.name);
        return Err(SqlError::new("42809", message));
    }
    let mut properties = match function.volatility {
        'i' => " IMMUTABLE",
        's' => " STABLE",
        _ => "",
    }
    .to_owned();
    if function.kind == 'w' {
        properties.insert_str(0, " WINDOW");
    }
    if function.strict {
        properties.push_str(" STRICT");
    }
    if !properties.is_empty() {
        properties.push('\n');
    }
    Ok(format!(
        "CREATE OR REPLACE FUNCTION {}.{}({})\n RETURNS {}\n LANGUAGE internal\n{properties}AS $function${}$function$\n",
        schema_name(function.schema).unwrap_or("pg_catalog"),
        ident(&function.name),
        arguments(dictionary, function),
        result(dictionary, function),
        function.name,
    )
    .into())
}

fn description(dictionary: &Dictionary, oid: u32, catalog: Option<&str>) -> Option<String> {
    let is_in = |name: &str| catalog.is_none_or(|catalog| catalog == name);
    let of_relation = || dictionary.relation(oid)?.comment.clone();
    let of_function = || dictionary.function(oid)?.description.clone();
    let of_schema = || match oid {
        11 => Some("system catalog schema".to_owned()),
        2200 => Some("standard public schema".to_owned()),
        _ => None,
    };
    let found = is_in("pg_class").then(of_relation).flatten();
    let found = found.or_else(|| is_in("pg_proc").then(of_function).flatten());
    found.or_else(|| is_in("pg_namespace").then(of_schema).flatten())
}

/// One object in words, as dependencies name it.
fn described(dictionary: &Dictionary, class: u32, object: u32, part: i64) -> Option<String> {
    Some(match class {
        PG_CLASS => {
            let relation = dictionary.relation(object)?;
            let kind = match relation.kind {
                'v' => "view",
                'i' => "index",
                _ => "table",
            };
            let name = format!("{kind} {}", visible_name(relation.schema, &relation.name));
            match part {
                0 => name,
                part => {
                    let column = relation.column(i16::try_from(part).ok()?)?;
                    format!("column {} of {name}", ident(&column.name))
                }
            }
        }
        PG_PROC => {
            let function = dictionary.function(object)?;
            let types = type_names(dictionary, &function.arguments);
            format!("function {}({types})", ident(&function.name))
        }
        PG_TYPE => {
            dictionary.type_of(object)?;
            format!("type {}", format_type(dictionary, object, -1))
        }
        PG_NAMESPACE => format!("schema {}", schema_name(object)?),
        _ => return None,
    })
}

/// What the indexes of primary keys, all of them B-trees in ascending order, can do.
fn index_property(name: &str) -> Option<bool> {
    Some(match name {
        "can_order" | "can_unique" | "can_multi_col" | "can_exclude" | "can_include"
        | "clusterable" | "index_scan" | "bitmap_scan" | "backward_scan" | "asc" | "nulls_last"
        | "orderable" | "returnable" | "search_array" | "search_nulls" => true,
        "desc" | "nulls_first" | "distance_orderable" => false,
        _ => return None,
    })
}

/// An owned copy of the dictionary's handle for each function that asks it.
struct With<'a>(&'a Arc<Dictionary>);

impl With<'_> {
    fn body(
        &self,
        of: impl Fn(&Dictionary, &Row<'_>) -> Answer + Send + Sync + 'static,
    ) -> impl Fn(&Row<'_>) -> Answer + Send + Sync + 'static {
        let dictionary = Arc::clone(self.0);
        move |a| of(&dictionary, a)
    }

    fn of_oid(
        &self,
        name: &'static str,
        gives: Gives,
        of: fn(&Dictionary, u32) -> Value,
    ) -> Function {
        Function::stable(name).on(
            &[Kind::Int],
            gives,
            self.body(move |d, a| Ok(of(d, oid(a, 0)?))),
        )
    }

    fn function(&self, name: &'static str, of: fn(&Dictionary, &Described) -> Answer) -> Function {
        let body = self.body(move |d, a| match d.function(oid(a, 0)?) {
            Some(function) => of(d, function),
            None => Ok(Value::Null),
        });
        Function::stable(name).on(&[Kind::Int], Gives::Text, body)
    }
}

pub(super) fn functions(dictionary: &Arc<Dictionary>) -> Vec<Arc<ScalarUDF>> {
    use Kind::{Any, Bool, Int, Text};
    let with = With(dictionary);
    let constraint = |d: &Dictionary, a: &Row<'_>| Ok(constraint_definition(d, oid(a, 0)?).into());
    let view =
        |d: &Dictionary, a: &Row<'_>| Ok(d.relation(oid(a, 0)?).and_then(view_definition).into());
    let view_named =
        |d: &Dictionary, a: &Row<'_>| Ok(view_definition(relation(d, a.text(0))?).into());
    let mut all = vec![
        with.of_oid("pg_get_userbyid", Gives::Named("name"), |d, oid| {
            match d.role(oid) {
                Some(name) => (&*name).into(),
                None => format!("unknown (OID={oid})").into(),
            }
        }),
        Function::stable("pg_get_constraintdef")
            .on(&[Int], Gives::Text, with.body(constraint))
            .on(&[Int, Bool], Gives::Text, with.body(constraint)),
        Function::stable("pg_get_indexdef")
            .on(
                &[Int],
                Gives::Text,
                with.body(|d, a| Ok(index_definition(d, oid(a, 0)?, 0, false).into())),
            )
            .on(
                &[Int, Int, Bool],
                Gives::Text,
                with.body(|d, a| Ok(index_definition(d, oid(a, 0)?, a.int(1), a.bool(2)).into())),
            ),
        Function::stable("pg_get_viewdef")
            .on(&[Int], Gives::Text, with.body(view))
            .on(&[Int, Bool], Gives::Text, with.body(view))
            .on(&[Int, Int], Gives::Text, with.body(view))
            .on(&[Text], Gives::Text, with.body(view_named))
            .on(&[Text, Bool], Gives::Text, with.body(view_named)),
        Function::stable("oidvectortypes").on(
            &[Kind::Array],
            Gives::Text,
            with.body(|d, a| {
                let oids = cast(&a.elements(0), &DataType::UInt32)
                    .map_err(|error| SqlError::new("42804", error.to_string()))?;
                let types = oids.as_primitive::<UInt32Type>().iter().flatten();
                let types = types.map(|oid| format_type(d, oid, -1));
                Ok(types.collect::<Vec<_>>().join(", ").into())
            }),
        ),
        with.function("pg_get_functiondef", function_definition),
        with.function("pg_get_function_result", |d, f| Ok(result(d, f).into())),
        with.function("pg_get_function_arguments", |d, f| {
            Ok(arguments(d, f).into())
        }),
        with.function("pg_get_function_identity_arguments", |d, f| {
            Ok(arguments(d, f).into())
        }),
        Function::stable("pg_get_serial_sequence").on(
            &[Text, Text],
            Gives::Text,
            with.body(|d, a| {
                let table = relation(d, a.text(0))?;
                match table.position(a.text(1)) {
                    Some(_) => Ok(Value::Null),
                    None => {
                        let message = format!(
                            "column \"{}\" of relation \"{}\" does not exist",
                            a.text(1),
                            table.name
                        );
                        Err(SqlError::new("42703", message))
                    }
                }
            }),
        ),
        Function::stable("obj_description")
            .on(
                &[Int],
                Gives::Text,
                with.body(|d, a| Ok(description(d, oid(a, 0)?, None).into())),
            )
            .on(
                &[Int, Text],
                Gives::Text,
                with.body(|d, a| Ok(description(d, oid(a, 0)?, Some(a.text(1))).into())),
            ),
        Function::stable("col_description").on(
            &[Int, Int],
            Gives::Text,
            with.body(|d, a| {
                let number = i16::try_from(a.int(1)).unwrap_or(0);
                let column = d
                    .relation(oid(a, 0)?)
                    .and_then(|relation| relation.column(number));
                Ok(column.and_then(|column| column.comment.clone()).into())
            }),
        ),
        Function::stable("pg_describe_object").on(
            &[Int, Int, Int],
            Gives::Text,
            with.body(|d, a| Ok(described(d, oid(a, 0)?, oid(a, 1)?, a.int(2)).into())),
        ),
        with.of_oid("pg_table_is_visible", Gives::Bool, |d, oid| {
            d.relation(oid)
                .map(|relation| is_searched(relation.schema))
                .into()
        }),
        with.of_oid("pg_type_is_visible", Gives::Bool, |d, oid| {
            d.type_of(oid).map(|found| is_searched(found.schema)).into()
        }),
        with.of_oid("pg_function_is_visible", Gives::Bool, |d, oid| {
            d.function(oid)
                .map(|found| is_searched(found.schema))
                .into()
        }),
        with.of_oid("pg_operator_is_visible", Gives::Bool, |_, oid| {
            operators()
                .any(|(known, ..)| known == oid)
                .then_some(true)
                .into()
        }),
        with.of_oid("pg_relation_filenode", Gives::Oid, |d, oid| {
            d.relation(oid).map(|_| oid).into()
        }),
        Function::stable("pg_relation_is_updatable")
            .on(&[Int, Bool], Gives::Int4, |_| Ok(Value::Int(0))),
        Function::stable("pg_column_is_updatable")
            .on(&[Int, Int, Bool], Gives::Bool, |_| Ok(false.into())),
        // An expression is kept as its text.
        Function::new("pg_get_expr")
            .on(&[Text, Int], Gives::Text, |a| Ok(a.text(0).into()))
            .on(&[Text, Int, Bool], Gives::Text, |a| Ok(a.text(0).into())),
        Function::new("pg_tablespace_location").on(&[Int], Gives::Text, |_| Ok("".into())),
        Function::new("shobj_description").on(&[Int, Text], Gives::Text, |_| Ok(Value::Null)),
        Function::new("pg_relation_is_publishable").on(&[Any], Gives::Bool, |_| Ok(false.into())),
        Function::new("row_security_active").on(&[Any], Gives::Bool, |_| Ok(false.into())),
        Function::new("pg_get_function_arg_default")
            .on(&[Int, Int], Gives::Text, |_| Ok(Value::Null)),
    ];
    all.extend(
        ["pg_indexam_has_property", "pg_index_has_property"].map(|name| {
            Function::new(name).on(&[Int, Text], Gives::Bool, |a| {
                Ok(index_property(a.text(1)).into())
            })
        }),
    );
    all.push(Function::new("pg_index_column_has_property").on(
        &[Int, Int, Text],
        Gives::Bool,
        |a| Ok(index_property(a.text(2)).into()),
    ));
    // There are none of these.
    let nothing = [
        "pg_get_ruledef",
        "pg_get_triggerdef",
        "pg_get_partkeydef",
        "pg_get_statisticsobjdef",
        "pg_get_statisticsobjdef_columns",
        "pg_get_statisticsobjdef_expressions",
        "pg_get_partition_constraintdef",
        "pg_get_function_sqlbody",
    ];
    all.extend(nothing.map(|name| {
        Function::new(name)
            .on(&[Int], Gives::Text, |_| Ok(Value::Null))
            .on(&[Int, Bool], Gives::Text, |_| Ok(Value::Null))
    }));
    let visible = [
        ("pg_opclass_is_visible", "pg_opclass"),
        ("pg_opfamily_is_visible", "pg_opfamily"),
        ("pg_collation_is_visible", "pg_collation"),
        ("pg_conversion_is_visible", "pg_conversion"),
        ("pg_ts_config_is_visible", "pg_ts_config"),
        ("pg_ts_dict_is_visible", "pg_ts_dict"),
        ("pg_ts_parser_is_visible", "pg_ts_parser"),
        ("pg_ts_template_is_visible", "pg_ts_template"),
        ("pg_statistics_obj_is_visible", "pg_statistic_ext"),
    ];
    all.extend(visible.map(|(name, table)| {
        Function::new(name).on(&[Int], Gives::Bool, move |a| {
            let oid = oid(a, 0)?;
            Ok(named_objects(table)
                .any(|(known, _)| known == oid)
                .then_some(true)
                .into())
        })
    }));
    all.into_iter().map(Function::done).collect()
}
