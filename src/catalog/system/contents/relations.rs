//! Relations and what belongs to them: `pg_class`, `pg_attribute`, `pg_index`, `pg_constraint` and the like.

use crate::catalog::system::dictionary::Dictionary;
use crate::catalog::system::names::{OWNER, PG_CATALOG, PUBLIC, SCHEMAS};
use crate::catalog::system::relation::Relation;
use crate::catalog::system::rows::{Rows, Value};

/// The oids of `pg_class`, `pg_proc` and `pg_namespace`, as `classoid` names them.
const PG_CLASS: u32 = 1259;
const PG_PROC: u32 = 1255;
const PG_NAMESPACE: u32 = 2615;
const PG_TYPE: u32 = 1247;
const PG_CONSTRAINT: u32 = 2606;

/// Access methods.
const HEAP: u32 = 2;
const BTREE: u32 = 403;

/// What keys are compared with: the type, its operator class for B-trees, its operator for equality.
const KEY_TYPES: [(u32, u32, u32); 4] = [
    (20, 3124, 410),
    (21, 1979, 94),
    (23, 1978, 96),
    (25, 3126, 98),
];

pub(super) fn pg_namespace(_: &Dictionary, rows: &mut Rows) {
    for (oid, name) in SCHEMAS {
        rows.push([
            ("oid", oid.into()),
            ("nspname", name.into()),
            ("nspowner", OWNER.into()),
        ]);
    }
}

pub(super) fn pg_class(dictionary: &Dictionary, rows: &mut Rows) {
    for relation in dictionary.relations() {
        let (access, file) = match relation.kind {
            'r' => (HEAP, relation.oid),
            'i' => (BTREE, relation.oid),
            _ => (0, 0),
        };
        let is_ours = relation.schema == PUBLIC && relation.kind == 'r';
        let is_referenced = || {
            let mut others = dictionary.relations().iter();
            others.any(|other| {
                other
                    .foreign_keys
                    .iter()
                    .any(|k| k.references == relation.oid)
            })
        };
        rows.push([
            ("oid", relation.oid.into()),
            ("relname", relation.name.as_str().into()),
            ("relnamespace", relation.schema.into()),
            ("reltype", relation.row_type.into()),
            ("relowner", OWNER.into()),
            ("relam", access.into()),
            ("relfilenode", file.into()),
            (
                "reltuples",
                if relation.kind == 'i' { 0.0 } else { -1.0 }.into(),
            ),
            ("relhasindex", relation.primary_key.is_some().into()),
            ("relpersistence", 'p'.into()),
            ("relkind", relation.kind.into()),
            ("relnatts", count(relation.columns.len()).into()),
            ("relhasrules", (relation.kind == 'v').into()),
            (
                "relhastriggers",
                (!relation.foreign_keys.is_empty() || is_referenced()).into(),
            ),
            ("relispopulated", true.into()),
            ("relreplident", if is_ours { 'd' } else { 'n' }.into()),
        ]);
    }
}

pub(super) fn pg_attribute(dictionary: &Dictionary, rows: &mut Rows) {
    for relation in dictionary.relations() {
        for (column, number) in relation.columns.iter().zip(1_i16..) {
            let Some(this) = dictionary.type_of(column.type_oid) else {
                continue;
            };
            rows.push([
                ("attrelid", relation.oid.into()),
                ("attname", column.name.as_str().into()),
                ("atttypid", column.type_oid.into()),
                ("attstattarget", (-1).into()),
                ("attlen", this.len.into()),
                ("attnum", number.into()),
                ("attndims", i32::from(this.is_array()).into()),
                ("attcacheoff", (-1).into()),
                ("atttypmod", (-1).into()),
                ("attbyval", this.by_value.into()),
                ("attalign", this.alignment.into()),
                ("attstorage", this.storage.into()),
                ("attnotnull", column.not_null.into()),
                ("attislocal", true.into()),
                ("attcollation", this.collation.into()),
            ]);
        }
    }
}

pub(super) fn pg_index(dictionary: &Dictionary, rows: &mut Rows) {
    for relation in dictionary.relations() {
        let Some(key) = &relation.primary_key else {
            continue;
        };
        let columns = || {
            key.columns
                .iter()
                .filter_map(|at| relation.columns.get(*at))
        };
        let collations = columns().map(|column| {
            let this = dictionary.type_of(column.type_oid);
            this.map_or(0, |this| this.collation)
        });
        let classes = columns().map(|column| compared_with(column.type_oid).0);
        rows.push([
            ("indexrelid", key.index.into()),
            ("indrelid", relation.oid.into()),
            ("indnatts", count(key.columns.len()).into()),
            ("indnkeyatts", count(key.columns.len()).into()),
            ("indisunique", true.into()),
            ("indisprimary", true.into()),
            ("indimmediate", true.into()),
            ("indisvalid", true.into()),
            ("indisready", true.into()),
            ("indislive", true.into()),
            ("indkey", numbers(&key.columns)),
            ("indcollation", collations.collect::<Vec<_>>().into()),
            ("indclass", classes.collect::<Vec<_>>().into()),
            ("indoption", vec![0_i16; key.columns.len()].into()),
        ]);
    }
}

pub(super) fn pg_constraint(dictionary: &Dictionary, rows: &mut Rows) {
    for relation in dictionary.relations() {
        if let Some(key) = &relation.primary_key {
            rows.push([
                ("oid", key.oid.into()),
                ("conname", key.name.as_str().into()),
                ("connamespace", relation.schema.into()),
                ("contype", 'p'.into()),
                ("convalidated", true.into()),
                ("conrelid", relation.oid.into()),
                ("conindid", key.index.into()),
                ("confupdtype", ' '.into()),
                ("confdeltype", ' '.into()),
                ("confmatchtype", ' '.into()),
                ("conislocal", true.into()),
                ("connoinherit", true.into()),
                ("conkey", numbers(&key.columns)),
            ]);
        }
        for key in &relation.foreign_keys {
            let target = dictionary.relation(key.references);
            let index = target.and_then(|target| target.primary_key.as_ref());
            let equal: Vec<u32> = equality(relation, &key.columns).collect();
            rows.push([
                ("oid", key.oid.into()),
                ("conname", key.name.as_str().into()),
                ("connamespace", relation.schema.into()),
                ("contype", 'f'.into()),
                ("convalidated", true.into()),
                ("conrelid", relation.oid.into()),
                ("conindid", index.map_or(0, |index| index.index).into()),
                ("confrelid", key.references.into()),
                ("confupdtype", 'a'.into()),
                ("confdeltype", 'a'.into()),
                ("confmatchtype", 's'.into()),
                ("conislocal", true.into()),
                ("connoinherit", true.into()),
                ("conkey", numbers(&key.columns)),
                ("confkey", numbers(&key.referenced_columns)),
                ("conpfeqop", equal.clone().into()),
                ("conppeqop", equal.clone().into()),
                ("conffeqop", equal.into()),
            ]);
        }
    }
}

pub(super) fn pg_description(dictionary: &Dictionary, rows: &mut Rows) {
    let mut describe = |class: u32, object: u32, part: i32, text: &str| {
        rows.push([
            ("objoid", object.into()),
            ("classoid", class.into()),
            ("objsubid", part.into()),
            ("description", text.into()),
        ]);
    };
    for relation in dictionary.relations() {
        if let Some(text) = &relation.comment {
            describe(PG_CLASS, relation.oid, 0, text);
        }
        for (column, number) in relation.columns.iter().zip(1..) {
            if let Some(text) = &column.comment {
                describe(PG_CLASS, relation.oid, number, text);
            }
        }
    }
    for function in dictionary.functions().iter().filter(|f| f.listed) {
        if let Some(text) = &function.description {
            describe(PG_PROC, function.oid, 0, text);
        }
    }
    describe(
        PG_NAMESPACE,
        PUBLIC,
        0,
        "Who is connected, and through what",
    );
    describe(
        PG_NAMESPACE,
        PG_CATALOG,
        0,
        "What PostgreSQL's clients ask about a database",
    );
}

/// What of ours depends on what, as PostgreSQL says it of a schema with such tables. What is built in is pinned and has no
/// rows here, as there.
pub(super) fn pg_depend(dictionary: &Dictionary, rows: &mut Rows) {
    let mut depend = |(class, object): (u32, u32), on: (u32, u32, i32), how: char| {
        let (on_class, on_object, on_part) = on;
        rows.push([
            ("classid", class.into()),
            ("objid", object.into()),
            ("refclassid", on_class.into()),
            ("refobjid", on_object.into()),
            ("refobjsubid", on_part.into()),
            ("deptype", how.into()),
        ]);
    };
    let ours = dictionary.relations().iter();
    for table in ours.filter(|relation| relation.schema == PUBLIC && relation.kind == 'r') {
        let columns = |of: &Relation, positions: &[usize]| -> Vec<(u32, u32, i32)> {
            let numbers = positions.iter().map(|at| i32::from(count(*at + 1)));
            numbers.map(|number| (PG_CLASS, of.oid, number)).collect()
        };
        depend((PG_CLASS, table.oid), (PG_NAMESPACE, PUBLIC, 0), 'n');
        depend((PG_TYPE, table.row_type), (PG_CLASS, table.oid, 0), 'i');
        if let Some(array) = dictionary.type_of(table.row_array_type) {
            depend((PG_TYPE, array.oid), (PG_TYPE, table.row_type, 0), 'i');
        }
        if let Some(key) = &table.primary_key {
            for column in columns(table, &key.columns) {
                depend((PG_CONSTRAINT, key.oid), column, 'a');
            }
            depend((PG_CLASS, key.index), (PG_CONSTRAINT, key.oid, 0), 'i');
        }
        for key in &table.foreign_keys {
            for column in columns(table, &key.columns) {
                depend((PG_CONSTRAINT, key.oid), column, 'a');
            }
            let Some(target) = dictionary.relation(key.references) else {
                continue;
            };
            for column in columns(target, &key.referenced_columns) {
                depend((PG_CONSTRAINT, key.oid), column, 'n');
            }
            if let Some(index) = &target.primary_key {
                depend((PG_CONSTRAINT, key.oid), (PG_CLASS, index.index, 0), 'n');
            }
        }
    }
    let functions = dictionary.functions().iter();
    for function in functions.filter(|f| f.listed && f.schema == PUBLIC) {
        depend((PG_PROC, function.oid), (PG_NAMESPACE, PUBLIC, 0), 'n');
    }
}

/// The operator class and the equality of a type, or 0.
fn compared_with(type_oid: u32) -> (u32, u32) {
    let known = KEY_TYPES.iter().find(|(oid, ..)| *oid == type_oid);
    known.map_or((0, 0), |(_, class, equal)| (*class, *equal))
}

fn equality(relation: &Relation, columns: &[usize]) -> impl Iterator<Item = u32> {
    let columns = columns.iter().filter_map(|at| relation.columns.get(*at));
    columns.map(|column| compared_with(column.type_oid).1)
}

/// The numbers of columns, from 1.
fn numbers(columns: &[usize]) -> Value {
    let numbers = columns.iter().map(|at| count(*at + 1));
    numbers.collect::<Vec<_>>().into()
}

/// A number of columns: there are never as many as a number can say.
fn count(columns: usize) -> i16 {
    i16::try_from(columns).unwrap_or(i16::MAX)
}
