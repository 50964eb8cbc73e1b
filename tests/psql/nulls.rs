//! What is NULL in the system relations, beside what is NULL in those of a real PostgreSQL with the same tables.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;
use std::time::Duration;

use super::Pair;
use super::differences::Allowed;
use crate::support::program::{Said, finish_within};

/// The relations whose rows both sides have, and what is the same row on both.
const KEYS: [(&str, &str); 15] = [
    ("pg_catalog.pg_am", "oid"),
    ("pg_catalog.pg_attribute", "attrelid::oid || ' ' || attnum"),
    (
        "pg_catalog.pg_cast",
        "castsource::oid || ' ' || casttarget::oid",
    ),
    ("pg_catalog.pg_class", "oid"),
    ("pg_catalog.pg_collation", "oid"),
    ("pg_catalog.pg_language", "oid"),
    ("pg_catalog.pg_namespace", "oid"),
    ("pg_catalog.pg_opclass", "oid"),
    ("pg_catalog.pg_operator", "oid"),
    ("pg_catalog.pg_opfamily", "oid"),
    ("pg_catalog.pg_proc", "oid"),
    ("pg_catalog.pg_roles", "rolname"),
    ("pg_catalog.pg_settings", "name"),
    ("pg_catalog.pg_type", "oid"),
    (
        "information_schema.columns",
        "table_schema || '.' || table_name || '.' || column_name",
    ),
];

/// For some two hundred statements over views of views, planned by an engine that is not optimised here.
const PATIENCE: Duration = Duration::from_secs(600);

/// The columns of each relation, in the order of their numbers.
type Relations = BTreeMap<String, Vec<String>>;

/// The rows that a psql prints of a script, divided into their columns.
fn rows(mut psql: Command, script: &str) -> Vec<Vec<String>> {
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), script).expect("written");
    let separated = ["-t", "-F", "\u{1f}", "-v", "ON_ERROR_STOP=1", "-f"];
    let said: Said = finish_within(PATIENCE, psql.args(separated).arg(file.path())).into();
    assert!(said.ok, "{}", said.err);
    let lines = said.out.lines().filter(|line| !line.is_empty());
    lines
        .map(|line| line.split('\u{1f}').map(str::to_owned).collect())
        .collect()
}

fn relations(psql: Command) -> Relations {
    let mut relations = Relations::new();
    let columns = "SELECT n.nspname || '.' || c.relname, a.attname \
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
        WHERE n.nspname IN ('pg_catalog', 'information_schema') AND c.relkind IN ('r', 'v') AND a.attnum > 0 \
        ORDER BY c.relname, a.attnum";
    for row in rows(psql, columns) {
        let [relation, column] = row.try_into().expect("two columns");
        relations.entry(relation).or_default().push(column);
    }
    relations
}

/// How many rows each relation has, and in how many of them each column has a value.
fn values(psql: Command, relations: &Relations) -> BTreeMap<String, (u64, Vec<u64>)> {
    let counted = relations.iter().map(|(relation, columns)| {
        let counts: Vec<String> = columns
            .iter()
            .map(|column| format!("count(\"{column}\")"))
            .collect();
        let counts = counts.join(", ");
        format!("SELECT '{relation}', count(*), {counts} FROM {relation};\n")
    });
    let script: String = counted.collect();
    let numbers = rows(psql, &script).into_iter().map(|row| {
        let (relation, numbers) = row.split_first().expect("a name");
        let mut numbers = numbers
            .iter()
            .map(|number| number.parse().expect("a number"));
        let all = numbers.next().expect("how many rows");
        (relation.clone(), (all, numbers.collect()))
    });
    numbers.collect()
}

/// Of each row that has a key, for each of its columns whether it is NULL.
fn patterns(psql: Command, relations: &Relations) -> BTreeMap<(String, String), String> {
    let asked = KEYS.iter().map(|(relation, key)| {
        let columns = relations[*relation].iter();
        let nulls: Vec<String> = columns
            .map(|column| format!("CASE WHEN \"{column}\" IS NULL THEN 'n' ELSE 'v' END"))
            .collect();
        let nulls = nulls.join(" || ");
        format!("SELECT '{relation}', {key}, {nulls} FROM {relation};\n")
    });
    let script: String = asked.collect();
    let rows = rows(psql, &script).into_iter().map(|row| {
        let [relation, key, pattern] = row.try_into().expect("three columns");
        ((relation, key), pattern)
    });
    rows.collect()
}

/// A relation at a time: `- column` for one that is NULL only in PostgreSQL, `+ column` for one that is only here.
fn difference(pair: &Pair, relations: &Relations) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut say = |relation: &String, mark: &str, column: &String| {
        let lines = found.entry(relation.clone()).or_default();
        lines.insert(format!("{mark} {column}"));
    };
    let [ours, theirs] = [pair.ask_ours(), pair.ask_theirs()].map(|psql| values(psql, relations));
    for (relation, columns) in relations {
        let ((all, our_values), (their_all, their_values)) = (&ours[relation], &theirs[relation]);
        if *all == 0 || *their_all == 0 {
            continue;
        }
        for (column, (our, their)) in columns.iter().zip(our_values.iter().zip(their_values)) {
            if *their == 0 && *our > 0 {
                say(relation, "-", column);
            }
            if their == their_all && our < all {
                say(relation, "+", column);
            }
        }
    }
    let [ours, theirs] = [pair.ask_ours(), pair.ask_theirs()].map(|psql| patterns(psql, relations));
    let mut shared: BTreeSet<&str> = BTreeSet::new();
    for (key, our) in &ours {
        let Some(their) = theirs.get(key) else {
            continue;
        };
        let relation = &key.0;
        shared.insert(relation);
        for (column, (our, their)) in relations[relation]
            .iter()
            .zip(our.chars().zip(their.chars()))
        {
            match (our, their) {
                ('v', 'n') => say(relation, "-", column),
                ('n', 'v') => say(relation, "+", column),
                _ => {}
            }
        }
    }
    assert_eq!(
        shared.len(),
        KEYS.len(),
        "only these have rows in common: {shared:?}"
    );
    found
}

#[test]
fn what_is_null_in_postgresql_is_null_here_and_nothing_else() {
    let pair = Pair::start("");
    let relations = relations(pair.ask_theirs());
    assert!(relations.len() > 180, "{} relations", relations.len());
    let mut allowed = Allowed::read(include_str!("nulls.txt"));
    let complaints: Vec<String> = difference(&pair, &relations)
        .into_iter()
        .filter_map(|(relation, lines)| {
            allowed.judge(&relation, &lines.into_iter().collect::<Vec<_>>())
        })
        .collect();
    let left = allowed.left();
    assert!(
        complaints.is_empty() && left.is_empty(),
        "{}\nlisted, but the same: {left:?}",
        complaints.join("\n")
    );
}
