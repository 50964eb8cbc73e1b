//! Who may do what: everybody may read everything, nobody may write anything.

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;

use super::define::{Answer, Function, Gives};
use super::output::Value;
use super::reg::{has_schema, no_role, oid, relation};
use super::value::{Kind, Row};
use crate::catalog::functions::DATABASE;
use crate::catalog::system::{DATABASE_OID, Dictionary, named_objects, schema_oid};
use crate::proxy::postgres::error::SqlError;

/// A thing that privileges are on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Thing {
    Table,
    Schema,
    Database,
    Function,
    Type,
    Sequence,
    Tablespace,
    Server,
    Language,
}

use Thing::{Database, Language, Schema, Sequence, Server, Table, Tablespace, Type};

impl Thing {
    /// Its privileges, and whether they are had.
    fn privileges(self) -> &'static [(&'static str, bool)] {
        match self {
            Table => &[
                ("SELECT", true),
                ("INSERT", false),
                ("UPDATE", false),
                ("DELETE", false),
                ("TRUNCATE", false),
                ("REFERENCES", false),
                ("TRIGGER", false),
            ],
            Schema => &[("USAGE", true), ("CREATE", false)],
            Database => &[
                ("CONNECT", true),
                ("CREATE", false),
                ("TEMPORARY", false),
                ("TEMP", false),
            ],
            Thing::Function => &[("EXECUTE", true)],
            Type | Language | Server => &[("USAGE", true)],
            Sequence => &[("USAGE", false), ("SELECT", true), ("UPDATE", false)],
            Tablespace => &[("CREATE", false)],
        }
    }

    /// Whether there is one of this oid.
    fn exists(self, dictionary: &Dictionary, oid: u32) -> bool {
        match self {
            Table | Sequence => dictionary.relation(oid).is_some(),
            Schema => has_schema(oid),
            Database => oid == DATABASE_OID,
            Thing::Function => dictionary.function(oid).is_some(),
            Type => dictionary.type_of(oid).is_some(),
            Tablespace => named_objects("pg_tablespace").any(|(known, _)| known == oid),
            Language => named_objects("pg_language").any(|(known, _)| known == oid),
            Server => false,
        }
    }

    /// Refuses a name that nothing has.
    fn find(self, dictionary: &Dictionary, name: &str) -> Result<(), SqlError> {
        let missing = |code, what: &str| {
            Err(SqlError::new(
                code,
                format!("{what} \"{name}\" does not exist"),
            ))
        };
        let named = |table| named_objects(table).any(|(_, known)| known == name);
        match self {
            Table | Sequence => relation(dictionary, name).map(|_| ()),
            Schema if schema_oid(name).is_none() => missing("3F000", "schema"),
            Database if name != DATABASE => missing("3D000", "database"),
            Type if dictionary.type_named(name).is_none() => missing("42704", "type"),
            Thing::Function => {
                let bare = name.split('(').next().unwrap_or(name).trim().to_lowercase();
                let bare = bare.rsplit('.').next().unwrap_or(&bare);
                match dictionary.functions_named(bare).next() {
                    Some(_) => Ok(()),
                    None => missing("42883", "function"),
                }
            }
            Tablespace if !named("pg_tablespace") => missing("42704", "tablespace"),
            Language if !named("pg_language") => missing("42704", "language"),
            Server => missing("42704", "server"),
            _ => Ok(()),
        }
    }
}

/// Whether any of the privileges, separated by commas, is had.
fn has_any(thing: Thing, privileges: &str) -> Result<bool, SqlError> {
    let mut has = false;
    for privilege in privileges.split(',') {
        let given = privilege.trim();
        let upper = given.to_ascii_uppercase();
        let (name, to_grant) = match upper.strip_suffix(" WITH GRANT OPTION") {
            Some(name) => (name, true),
            None => (upper.as_str(), false),
        };
        let found = thing
            .privileges()
            .iter()
            .find(|(known, _)| *known == name.trim());
        let Some((_, had)) = found else {
            return Err(SqlError::new(
                "22023",
                format!("unrecognized privilege type: \"{given}\""),
            ));
        };
        has |= *had && !to_grant;
    }
    Ok(has)
}

/// Refuses a role that there is not; where anybody may log in, everybody is one.
fn find_role(
    dictionary: &Dictionary,
    a: &Row<'_>,
    place: usize,
    kind: Kind,
) -> Result<(), SqlError> {
    let name = a.text(place);
    let is_open = || dictionary.roles().len() == 1;
    match kind {
        Kind::Text if name != "public" && dictionary.role_named(name).is_none() && !is_open() => {
            Err(no_role(name))
        }
        _ => Ok(()),
    }
}

fn asked(thing: Thing, dictionary: &Dictionary, a: &Row<'_>, place: usize, kind: Kind) -> Answer {
    match kind {
        Kind::Int if !thing.exists(dictionary, oid(a, place)?) => return Ok(Value::Null),
        Kind::Int => {}
        _ => thing.find(dictionary, a.text(place))?,
    }
    let last = a.len().saturating_sub(1);
    Ok(has_any(thing, a.text(last))?.into())
}

/// Refuses a column that the relation does not have.
fn find_column(
    dictionary: &Dictionary,
    a: &Row<'_>,
    table: usize,
    kinds: [Kind; 2],
) -> Result<(), SqlError> {
    let [table_kind, column_kind] = kinds;
    let table = match table_kind {
        Kind::Int => dictionary.relation(oid(a, table)?),
        _ => Some(relation(dictionary, a.text(table))?),
    };
    let place = a.len().saturating_sub(2);
    match (table, column_kind) {
        (Some(table), Kind::Text) if table.position(a.text(place)).is_none() => {
            let message = format!(
                "column \"{}\" of relation \"{}\" does not exist",
                a.text(place),
                table.name
            );
            Err(SqlError::new("42703", message))
        }
        _ => Ok(()),
    }
}

pub(super) fn functions(dictionary: &Arc<Dictionary>) -> Vec<Arc<ScalarUDF>> {
    use Kind::{Int, Text};
    let of = |name: &'static str, thing: Thing| {
        let mut function = Function::stable(name);
        for kind in [Int, Text] {
            let own = Arc::clone(dictionary);
            function = function.on(&[kind, Text], Gives::Bool, move |a| {
                asked(thing, &own, a, 0, kind)
            });
            for user in [Int, Text] {
                let own = Arc::clone(dictionary);
                function = function.on(&[user, kind, Text], Gives::Bool, move |a| {
                    find_role(&own, a, 0, user)?;
                    asked(thing, &own, a, 1, kind)
                });
            }
        }
        function.done()
    };
    let mut columns = Function::stable("has_column_privilege");
    for kinds in [[Int, Int], [Int, Text], [Text, Int], [Text, Text]] {
        let [table, column] = kinds;
        let own = Arc::clone(dictionary);
        columns = columns.on(&[table, column, Text], Gives::Bool, move |a| {
            find_column(&own, a, 0, kinds)?;
            asked(Table, &own, a, 0, table)
        });
        for user in [Int, Text] {
            let own = Arc::clone(dictionary);
            columns = columns.on(&[user, table, column, Text], Gives::Bool, move |a| {
                find_role(&own, a, 0, user)?;
                find_column(&own, a, 1, kinds)?;
                asked(Table, &own, a, 1, table)
            });
        }
    }
    let mut roles = Function::stable("pg_has_role");
    for role in [Int, Text] {
        let own = Arc::clone(dictionary);
        roles = roles.on(&[role, Text], Gives::Bool, move |a| {
            find_role(&own, a, 0, role)?;
            Ok(true.into())
        });
        for user in [Int, Text] {
            let own = Arc::clone(dictionary);
            roles = roles.on(&[user, role, Text], Gives::Bool, move |a| {
                find_role(&own, a, 0, user)?;
                find_role(&own, a, 1, role)?;
                // Nobody is a member of another.
                let same = match (user, role) {
                    (Text, Text) => a.text(0) == a.text(1),
                    (Int, Int) => a.int(0) == a.int(1),
                    (Text, _) => own.role_named(a.text(0)).map(i64::from) == Some(a.int(1)),
                    _ => own.role_named(a.text(1)).map(i64::from) == Some(a.int(0)),
                };
                Ok(same.into())
            });
        }
    }
    vec![
        of("has_table_privilege", Table),
        of("has_any_column_privilege", Table),
        of("has_schema_privilege", Schema),
        of("has_database_privilege", Database),
        of("has_function_privilege", Thing::Function),
        of("has_type_privilege", Type),
        of("has_sequence_privilege", Sequence),
        of("has_tablespace_privilege", Tablespace),
        of("has_server_privilege", Server),
        of("has_foreign_data_wrapper_privilege", Server),
        of("has_language_privilege", Language),
        columns.done(),
        roles.done(),
    ]
}
