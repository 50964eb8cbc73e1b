//! Relations: PostgreSQL's own by their shape, ours by their definitions.

use std::sync::Arc;

use arrow::datatypes::Field;

use super::facts;
use super::names::{PUBLIC, schema_oid};
use super::types::{Type, Types, name_of_field};
use crate::catalog::column::COMMENT;
use crate::catalog::table::Source;

/// The first oid of what is ours.
pub(super) const FIRST_OWN: u32 = 16384;
/// Oids that each of our tables has: itself, its row type, arrays of that, the index and the constraint of its primary
/// key, its foreign keys.
const OIDS_PER_TABLE: u32 = 16;

/// A column of a relation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::catalog) struct Column {
    /// Its name.
    pub name: String,
    /// The oid of its type.
    pub type_oid: u32,
    /// Whether every row has a value.
    pub not_null: bool,
    /// What it is.
    pub comment: Option<String>,
}

/// A primary key, which has an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::catalog) struct PrimaryKey {
    /// The oid of the constraint.
    pub oid: u32,
    /// The oid of its index.
    pub index: u32,
    /// The name of both.
    pub name: String,
    /// Positions of its columns, from 0.
    pub columns: Vec<usize>,
}

/// A foreign key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::catalog) struct ForeignKey {
    /// The oid of the constraint.
    pub oid: u32,
    /// Its name.
    pub name: String,
    /// Positions of its columns, from 0.
    pub columns: Vec<usize>,
    /// The oid of the table that it refers to.
    pub references: u32,
    /// Positions of the columns there, from 0.
    pub referenced_columns: Vec<usize>,
}

/// A table, a view or an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::catalog) struct Relation {
    /// Its oid.
    pub oid: u32,
    /// The oid of its schema.
    pub schema: u32,
    /// Its name.
    pub name: String,
    /// `r` table, `v` view, `i` index.
    pub kind: char,
    /// The type of its rows, or 0.
    pub row_type: u32,
    /// The type of arrays of its rows, or 0.
    pub row_array_type: u32,
    /// Its columns in their order.
    pub columns: Vec<Column>,
    /// Its primary key, if it has one.
    pub primary_key: Option<PrimaryKey>,
    /// Its foreign keys.
    pub foreign_keys: Vec<ForeignKey>,
    /// What it is.
    pub comment: Option<String>,
    /// The query of a view, where it is known.
    pub definition: Option<&'static str>,
    /// The oid of the table that it is an index of, or 0.
    pub index_of: u32,
}

impl Relation {
    /// The position of a column, from 0.
    pub fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == column)
    }

    /// The column with a number as `attnum` has it, from 1.
    pub fn column(&self, number: i16) -> Option<&Column> {
        self.columns
            .get(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    /// A relation of PostgreSQL, from its line.
    fn built_in(line: &'static str, types: &Types) -> Option<Self> {
        let [oid, schema, name, kind, row_type, array, columns] = facts::fields(line)?;
        let column = |text: &str| {
            let (name, type_name) = text.split_once(' ')?;
            let not_null = type_name.ends_with('!');
            let internal = type_name.trim_end_matches('!');
            let of = types.named(&format!("pg_catalog.\"{internal}\""));
            let of = of.or_else(|| types.named(&format!("information_schema.\"{internal}\"")));
            Some(Column {
                name: name.to_owned(),
                type_oid: of.map_or(0, |t| t.oid),
                not_null,
                comment: None,
            })
        };
        Some(Self {
            oid: oid.parse().ok()?,
            schema: schema_oid(schema)?,
            name: name.to_owned(),
            kind: kind.chars().next()?,
            row_type: row_type.parse().ok()?,
            row_array_type: array.parse().ok()?,
            columns: columns.split(',').map(column).collect::<Option<_>>()?,
            primary_key: None,
            foreign_keys: Vec::new(),
            comment: None,
            definition: None,
            index_of: 0,
        })
    }

    /// One of our tables, without its foreign keys.
    fn own(at: usize, source: &dyn Source, types: &Types) -> Self {
        let oid = own_oid(at);
        let schema = source.schema();
        let column = |field: &Arc<Field>| Column {
            name: field.name().clone(),
            type_oid: types
                .named(&format!("\"{}\"", name_of_field(field)))
                .map_or(25, |t| t.oid),
            not_null: !field.is_nullable(),
            comment: field.metadata().get(COMMENT).cloned(),
        };
        let key = source.primary_key();
        Self {
            oid,
            schema: PUBLIC,
            name: source.name().to_owned(),
            kind: 'r',
            row_type: oid + 1,
            row_array_type: oid + 2,
            columns: schema.fields().iter().map(column).collect(),
            primary_key: (!key.is_empty()).then(|| PrimaryKey {
                oid: oid + 4,
                index: oid + 3,
                name: format!("{}_pkey", source.name()),
                columns: key.to_vec(),
            }),
            foreign_keys: Vec::new(),
            comment: Some(source.comment().to_owned()),
            definition: None,
            index_of: 0,
        }
    }

    /// The index of its primary key.
    fn index(&self) -> Option<Self> {
        let key = self.primary_key.as_ref()?;
        let columns = key.columns.iter().filter_map(|at| self.columns.get(*at));
        Some(Self {
            oid: key.index,
            schema: self.schema,
            name: key.name.clone(),
            kind: 'i',
            row_type: 0,
            row_array_type: 0,
            // An index's columns have neither constraints nor comments of their own.
            columns: columns
                .map(|column| Column {
                    not_null: false,
                    comment: None,
                    ..column.clone()
                })
                .collect(),
            primary_key: None,
            foreign_keys: Vec::new(),
            comment: None,
            definition: None,
            index_of: self.oid,
        })
    }
}

/// The oid of our table at this place.
pub(super) fn own_oid(at: usize) -> u32 {
    FIRST_OWN + OIDS_PER_TABLE * at as u32
}

/// The row types of a relation of PostgreSQL.
fn row_types(line: &'static str) -> Option<[Type; 2]> {
    let [oid, schema, name, _, row_type, array] = facts::fields(line)?;
    Some(Type::of_rows(
        name,
        schema_oid(schema)?,
        oid.parse().ok()?,
        row_type.parse().ok()?,
        array.parse().ok()?,
    ))
}

/// All relations: our tables, their indexes, PostgreSQL's.
///
/// Their row types join `types` first: there are columns of such types.
pub(super) fn all(sources: &[Arc<dyn Source>], types: &mut Types) -> Vec<Relation> {
    types.extend(facts::RELATIONS.lines().filter_map(row_types).flatten());
    for (at, source) in sources.iter().enumerate() {
        let oid = own_oid(at);
        types.extend(Type::of_rows(source.name(), PUBLIC, oid, oid + 1, oid + 2));
    }
    let own = sources.iter().enumerate();
    let mut own: Vec<_> = own
        .map(|(at, s)| Relation::own(at, s.as_ref(), types))
        .collect();
    for (at, source) in sources.iter().enumerate() {
        let keys = source.foreign_keys().iter().zip(own_oid(at) + 5..);
        own[at].foreign_keys = keys
            .filter_map(|((column, table, referenced), oid)| {
                let target = own.iter().find(|relation| relation.name == *table)?;
                Some(ForeignKey {
                    oid,
                    name: format!("{}_{column}_fkey", source.name()),
                    columns: vec![own[at].position(column)?],
                    references: target.oid,
                    referenced_columns: vec![target.position(referenced)?],
                })
            })
            .collect();
    }
    let indexes: Vec<_> = own.iter().filter_map(Relation::index).collect();
    let built_in = facts::RELATIONS.lines();
    let built_in = built_in.filter_map(|line| Relation::built_in(line, types));
    let mut all = own;
    all.extend(indexes);
    all.extend(built_in);
    for relation in &mut all {
        if relation.kind == 'v' {
            relation.definition = super::views::definition(&relation.name);
        }
    }
    all
}
