//! `pg_catalog` and `information_schema` as schemas of the engine.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, Weak};

use async_trait::async_trait;
use datafusion::catalog::{MemorySchemaProvider, SchemaProvider, TableProvider};
use datafusion::common::{Result, internal_err};
use datafusion::execution::session_state::SessionState;
use parking_lot::Mutex;

use super::contents;
use super::dictionary::Dictionary;
use super::facts;
use super::rows;
use super::table::SystemTable;
use super::views::{self, View};
use crate::catalog::table::CatalogTable;
use crate::session::Registry;

/// What views are planned with, once it is there. It belongs to the catalog, and holds the schemas itself.
pub(in crate::catalog) type Planner = Arc<OnceLock<Weak<SessionState>>>;

/// What MariaDB calls `information_schema.processlist`, for whoever writes it in quotes.
const MARIADB_PROCESSLIST: &str = "PROCESSLIST";

/// A schema of system relations. What a relation needs is made when it is first named.
#[derive(Debug)]
pub(in crate::catalog) struct SystemSchema {
    names: HashMap<&'static str, u32>,
    made: Mutex<HashMap<&'static str, Arc<dyn TableProvider>>>,
    dictionary: Arc<Dictionary>,
    registry: Arc<Registry>,
    planner: Planner,
}

impl SystemSchema {
    /// The schema of this name.
    pub fn new(
        schema: &str,
        dictionary: &Arc<Dictionary>,
        registry: &Arc<Registry>,
        planner: &Planner,
    ) -> Arc<Self> {
        let relation = |line: &'static str| {
            let [oid, of, name] = facts::fields(line)?;
            (of == schema).then_some(name).zip(oid.parse().ok())
        };
        Arc::new(Self {
            names: facts::RELATIONS.lines().filter_map(relation).collect(),
            made: Mutex::default(),
            dictionary: Arc::clone(dictionary),
            registry: Arc::clone(registry),
            planner: Arc::clone(planner),
        })
    }

    async fn make(&self, name: &'static str, oid: u32) -> Result<Arc<dyn TableProvider>> {
        let Some(relation) = self.dictionary.relation(oid) else {
            return internal_err!("there is no relation {oid}");
        };
        if let Some(query) = views::definition(name) {
            let Some(planner) = self.planner.get().and_then(Weak::upgrade) else {
                return internal_err!("there is nothing to plan views with");
            };
            let schema = rows::schema(&self.dictionary, relation);
            return Ok(Arc::new(View::plan(&planner, query, &schema).await?));
        }
        let contents = contents::of(name);
        let table = SystemTable::new(name, relation, &self.dictionary, contents);
        Ok(Arc::new(CatalogTable::new(Arc::new(table), &self.registry)))
    }
}

#[async_trait]
impl SchemaProvider for SystemSchema {
    fn table_names(&self) -> Vec<String> {
        self.names.keys().map(|name| (*name).to_owned()).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let name = match name {
            MARIADB_PROCESSLIST => "processlist",
            name => name,
        };
        let Some((name, oid)) = self.names.get_key_value(name) else {
            return Ok(None);
        };
        if let Some(made) = self.made.lock().get(name) {
            return Ok(Some(Arc::clone(made)));
        }
        let table = self.make(name, *oid).await?;
        // Whoever was first.
        let mut made = self.made.lock();
        Ok(Some(Arc::clone(made.entry(name).or_insert(table))))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.names.contains_key(name)
            || name == MARIADB_PROCESSLIST && self.names.contains_key("processlist")
    }
}

/// The schema of our tables, in which the relations of `pg_catalog` are found too, as if it came first in the search
/// path.
#[derive(Debug)]
pub(in crate::catalog) struct PublicSchema {
    pub own: MemorySchemaProvider,
    pub system: Arc<SystemSchema>,
}

#[async_trait]
impl SchemaProvider for PublicSchema {
    fn table_names(&self) -> Vec<String> {
        self.own.table_names()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        match self.own.table(name).await? {
            Some(table) => Ok(Some(table)),
            None => self.system.table(name).await,
        }
    }

    fn table_exist(&self, name: &str) -> bool {
        self.own.table_exist(name) || self.system.table_exist(name)
    }
}
