use std::sync::Arc;

use super::{Door, ServerError};
use crate::auth::{Role as UserRole, Users};
use crate::catalog::{Catalog, CatalogOptions, Role, Roles};
use crate::config::Config;
use crate::proxy::Proxy;
use crate::session::{Listener, Registry, Service, Topology};
use crate::{rest, sql};

/// The service that clients of the SQL door are sessions on, and its listener.
const CATALOG: &str = "catalog";
const LISTENER: &str = "sql";

/// The configured users as the catalog's roles.
#[derive(Debug)]
struct UserRoles(Arc<Users>);

impl Roles for UserRoles {
    fn all(&self) -> Vec<Role> {
        let accounts = self.0.accounts().into_iter();
        accounts
            .map(|account| Role {
                admin: account.role == UserRole::Admin,
                name: account.name,
            })
            .collect()
    }
}

/// What is behind the two doors, ready to be served.
pub(super) struct Doors {
    pub sql: Arc<sql::Door>,
    pub rest: Arc<rest::Door>,
}

impl Doors {
    /// Sets up the catalog over the registry, and both doors to it.
    ///
    /// # Errors
    /// When the query engine cannot be set up.
    pub async fn open(
        sql: &Door,
        rest: &Door,
        registry: Arc<Registry>,
        proxy: &Proxy,
        users: &Arc<Users>,
        config: &Config,
    ) -> Result<Self, ServerError> {
        let service = Arc::new(Service::new(CATALOG, CATALOG));
        let listener = Listener::new(LISTENER, &service, "postgresql", sql.address);
        let listener = Arc::new(listener);
        let mut topology = Topology {
            services: vec![service],
            listeners: vec![Arc::clone(&listener)],
            ..Topology::default()
        };
        proxy.describe(&mut topology);
        registry.set_topology(topology);
        let options = CatalogOptions {
            query_memory_bytes_max: config.limits.query_memory_bytes_max,
            rdns_timeout: config.limits.rdns_timeout,
            roles: Arc::new(UserRoles(Arc::clone(users))),
            ..CatalogOptions::default()
        };
        let catalog = Catalog::new(registry, options)?;
        let rest = rest::Door::new(
            Arc::clone(&catalog),
            Arc::clone(users),
            rest.tls.clone(),
            rest::DoorOptions {
                hosts: config.rest.hosts.clone(),
                connections_max: config.limits.rest_connections_max,
                head_timeout: config.limits.rest_idle_timeout,
                drain_timeout: config.limits.drain_timeout,
                ..rest::DoorOptions::default()
            },
        )
        .await?;
        let limits = sql::Limits {
            connections_max: config.limits.sql_connections_max,
            authentication_timeout: config.limits.authentication_timeout,
            idle_timeout: config.limits.idle_timeout,
            statement_timeout: config.limits.statement_timeout,
            frame_bytes_max: config.limits.frame_bytes_max,
        };
        let sql = sql::Door::new(
            catalog,
            listener,
            Arc::clone(users),
            sql.tls.clone(),
            limits,
        );
        Ok(Self {
            sql: Arc::new(sql),
            rest,
        })
    }
}
