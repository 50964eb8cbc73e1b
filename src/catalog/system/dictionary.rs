//! What there is in the database, in one place: the tables of `pg_catalog` and the functions that ask about objects
//! (`format_type()`, `obj_description()` …) all answer from it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use datafusion::execution::session_state::SessionState;

use super::functions::{Callable, Function, Functions};
use super::names::{OWNER, OWNER_NAME, PG_CATALOG, PUBLIC, Role, Roles, role_oid, schema_oid};
use super::relation::{ForeignKey, PrimaryKey, Relation, all as all_relations, own_oid};
use super::types::{Type, Types};
use crate::catalog::functions::{self, SCHEMA};
use crate::catalog::table::Source;

/// A constraint of one of our tables.
#[derive(Clone, Copy, Debug)]
pub(in crate::catalog) enum Constraint<'a> {
    /// Its primary key.
    Primary(&'a PrimaryKey),
    /// A foreign key.
    Foreign(&'a ForeignKey),
}

/// All objects of the database: relations, types, functions, roles.
///
/// Most clients never ask for them, so that they are made when the first one does.
pub(in crate::catalog) struct Dictionary {
    sources: Vec<Arc<dyn Source>>,
    objects: OnceLock<Objects>,
    /// Known once the engine has all its functions, some of which ask the dictionary.
    callable: OnceLock<Callable>,
    functions: OnceLock<Functions>,
    roles: Arc<dyn Roles>,
}

/// Relations and types, which name each other.
struct Objects {
    relations: Vec<Relation>,
    by_oid: HashMap<u32, usize>,
    by_name: HashMap<(u32, String), usize>,
    types: Types,
}

impl Objects {
    fn of(sources: &[Arc<dyn Source>]) -> Self {
        let mut types = Types::built_in();
        let relations = all_relations(sources, &mut types);
        let mut by_oid = HashMap::new();
        let mut by_name = HashMap::new();
        for (at, relation) in relations.iter().enumerate() {
            by_oid.insert(relation.oid, at);
            by_name.insert((relation.schema, relation.name.clone()), at);
        }
        Self {
            relations,
            by_oid,
            by_name,
            types,
        }
    }
}

impl Dictionary {
    /// The dictionary of a database with these tables and users. It has no functions until
    /// [`set_functions`](Self::set_functions).
    pub fn new(sources: &[Arc<dyn Source>], roles: Arc<dyn Roles>) -> Self {
        Self {
            sources: sources.to_vec(),
            objects: OnceLock::new(),
            callable: OnceLock::new(),
            functions: OnceLock::new(),
            roles,
        }
    }

    /// Takes note of the functions that can be called as long as `state` is there. Only the first time counts.
    pub fn set_functions(&self, state: &SessionState) {
        let of_statement = functions::of_statement_names();
        let _ = self.callable.set(Callable::of(state, of_statement));
    }

    fn objects(&self) -> &Objects {
        self.objects.get_or_init(|| Objects::of(&self.sources))
    }

    fn described(&self) -> Option<&Functions> {
        let callable = self.callable.get()?;
        let describe = || Functions::of(callable, &self.objects().types);
        Some(self.functions.get_or_init(describe))
    }

    /// All relations: our tables first, then their indexes, then PostgreSQL's.
    pub fn relations(&self) -> &[Relation] {
        &self.objects().relations
    }

    /// The relation with this oid.
    pub fn relation(&self, oid: u32) -> Option<&Relation> {
        let objects = self.objects();
        objects.relations.get(*objects.by_oid.get(&oid)?)
    }

    /// The relation of this name in a schema; without one, in `pg_catalog` or else in `public`.
    pub fn relation_named(&self, schema: Option<&str>, name: &str) -> Option<&Relation> {
        let objects = self.objects();
        let find = |schema: u32| objects.by_name.get(&(schema, name.to_owned()));
        let at = match schema {
            Some(schema) => find(schema_oid(schema)?),
            None => find(PG_CATALOG).or_else(|| find(PUBLIC)),
        };
        objects.relations.get(*at?)
    }

    /// The oid of a table and the number of its column, from 1 on. Our own tables are found without making all else.
    pub fn column(&self, schema: Option<&str>, table: &str, column: &str) -> Option<(u32, i16)> {
        let number = |at: usize| i16::try_from(at + 1).ok();
        let own = self
            .sources
            .iter()
            .position(|source| source.name() == table);
        if let Some(at) = own
            && schema.is_none_or(|schema| schema == SCHEMA)
        {
            let source = self.sources.get(at)?;
            let column = source.schema().index_of(column).ok()?;
            return Some((own_oid(at), number(column)?));
        }
        let schema = schema.filter(|schema| *schema != SCHEMA);
        let relation = self.relation_named(schema, table)?;
        let at = relation
            .columns
            .iter()
            .position(|known| known.name == column)?;
        Some((relation.oid, number(at)?))
    }

    /// The constraint with this oid and its table.
    pub fn constraint(&self, oid: u32) -> Option<(&Relation, Constraint<'_>)> {
        self.objects().relations.iter().find_map(|relation| {
            let primary = relation.primary_key.as_ref();
            if let Some(key) = primary.filter(|key| key.oid == oid) {
                return Some((relation, Constraint::Primary(key)));
            }
            let key = relation.foreign_keys.iter().find(|key| key.oid == oid)?;
            Some((relation, Constraint::Foreign(key)))
        })
    }

    /// All types.
    pub fn types(&self) -> &[Type] {
        self.objects().types.all()
    }

    /// The type with this oid.
    pub fn type_of(&self, oid: u32) -> Option<&Type> {
        self.objects().types.of(oid)
    }

    /// The type of a name, internal or SQL's: `int8`, `bigint`, `_text`, `text[]`, `timestamp(3) with time zone`,
    /// `"char"`, `information_schema.sql_identifier`.
    pub fn type_named(&self, name: &str) -> Option<&Type> {
        self.objects().types.named(name)
    }

    /// The name of a type as SQL writes it, with its modifier (-1 for none); `???` for one that does not exist and `-`
    /// for 0.
    pub fn format_type(&self, oid: u32, modifier: i32) -> String {
        self.objects().types.format(oid, modifier)
    }

    /// All functions, those that are [`listed`](Function::listed) and those that are only names.
    pub fn functions(&self) -> &[Function] {
        self.described().map_or(&[], Functions::all)
    }

    /// The function with this oid.
    pub fn function(&self, oid: u32) -> Option<&Function> {
        self.described()?.of_oid(oid)
    }

    /// All functions of this name, in any schema.
    pub fn functions_named(&self, name: &str) -> impl Iterator<Item = &Function> {
        let functions = self.described().into_iter();
        functions.flat_map(move |functions| functions.named(name))
    }

    /// All roles: the owner, then the configured users.
    pub fn roles(&self) -> Vec<Role> {
        let owner = Role {
            name: OWNER_NAME.into(),
            admin: true,
        };
        let mut users = self.roles.all();
        users.retain(|role| &*role.name != OWNER_NAME);
        users.sort_by(|a, b| a.name.cmp(&b.name));
        std::iter::once(owner).chain(users).collect()
    }

    /// The name of the role with this oid, if it is the owner or a configured user.
    pub fn role(&self, oid: u32) -> Option<Arc<str>> {
        if oid == OWNER {
            return Some(OWNER_NAME.into());
        }
        let users = self.roles.all();
        let role = users.into_iter().find(|role| role_oid(&role.name) == oid);
        role.map(|role| role.name)
    }

    /// The oid of the role of this name, if it is the owner or a configured user.
    pub fn role_named(&self, name: &str) -> Option<u32> {
        let is_role = name == OWNER_NAME || self.roles.all().iter().any(|r| &*r.name == name);
        is_role.then(|| role_oid(name))
    }
}

impl fmt::Debug for Dictionary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dictionary")
            .field("sources", &self.sources)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::names::NoRoles;
    use super::*;
    use crate::catalog::tables;

    /// A dictionary, and the state that keeps its functions callable.
    fn dictionary_and_state() -> (Dictionary, SessionState) {
        let dictionary = Dictionary::new(&tables::all(), Arc::new(NoRoles));
        let state = SessionState::clone(
            &datafusion::execution::session_state::SessionStateBuilder::new()
                .with_default_features()
                .build(),
        );
        dictionary.set_functions(&state);
        (dictionary, state)
    }

    fn dictionary() -> Dictionary {
        dictionary_and_state().0
    }

    #[test]
    fn our_tables_have_fixed_oids_and_keys() {
        let dictionary = dictionary();
        let sessions = dictionary.relation_named(None, "sessions").unwrap();
        assert_eq!((sessions.oid, sessions.kind), (16384, 'r'));
        assert_eq!(dictionary.relation(16387).unwrap().name, "sessions_pkey");
        let connections = dictionary.relation_named(Some("public"), "connections");
        let key = &connections.unwrap().foreign_keys[0];
        assert_eq!(key.name, "connections_session_id_fkey");
        assert_eq!(key.references, sessions.oid);
        assert!(matches!(
            dictionary.constraint(16388),
            Some((_, Constraint::Primary(_)))
        ));
        assert_eq!(dictionary.type_named("sessions[]").unwrap().oid, 16386);
        assert_eq!(dictionary.format_type(16385, -1), "sessions");
    }

    #[test]
    fn built_in_relations_have_all_their_columns() {
        let dictionary = dictionary();
        let class = dictionary.relation_named(None, "pg_class").unwrap();
        assert_eq!((class.oid, class.columns.len()), (1259, 33));
        for relation in dictionary.relations() {
            for column in &relation.columns {
                let name = format!("{}.{}", relation.name, column.name);
                assert!(dictionary.type_of(column.type_oid).is_some(), "{name}");
            }
        }
        assert!(dictionary.relation_named(None, "tables").is_none());
        assert!(
            dictionary
                .relation_named(Some("information_schema"), "tables")
                .is_some()
        );
    }

    #[test]
    fn functions_have_the_oids_of_postgresql() {
        let (dictionary, _state) = dictionary_and_state();
        let now = dictionary.functions_named("now").next().unwrap();
        assert_eq!((now.oid, now.result, now.listed), (1299, 1184, true));
        assert_eq!(dictionary.function(750).unwrap().name, "array_in");
        let kill = dictionary.functions_named("kill_session").next().unwrap();
        assert_eq!((kill.schema, kill.oid), (PUBLIC, 20480));
        let mut oids: Vec<_> = dictionary.functions().iter().map(|f| f.oid).collect();
        oids.sort_unstable();
        oids.dedup();
        assert_eq!(oids.len(), dictionary.functions().len());
    }

    #[test]
    fn the_owner_is_a_role() {
        let dictionary = dictionary();
        assert_eq!(dictionary.role(10).as_deref(), Some("rollcall"));
        assert_eq!(dictionary.role_named("rollcall"), Some(10));
        assert_eq!(dictionary.role_named("nobody"), None);
    }
}
