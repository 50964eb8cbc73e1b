//! The catalog, asked as the doors ask it.

mod actions;
mod activity;
mod brief;
mod functions;
mod idle;
mod plans;
mod rows;
mod settings;
mod system;

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::DataType;
use arrow::util::pretty::pretty_format_batches;
use async_trait::async_trait;
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;

use super::*;
use crate::session::{
    Connection, ConnectionState, KillReason, Listener, Remote, Server, Service, SessionGuard,
    State, Topology, Transaction,
};

#[derive(Debug)]
struct Names(HashMap<IpAddr, &'static str>);

#[async_trait]
impl ReverseResolver for Names {
    async fn name_of(&self, address: IpAddr) -> Option<String> {
        self.0.get(&address).map(|name| (*name).to_owned())
    }
}

struct World {
    catalog: Arc<Catalog>,
    listener: Arc<Listener>,
    other: Arc<Listener>,
    caller: Arc<Caller>,
}

impl World {
    fn new() -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 5433));
        let services = [
            Arc::new(Service::new("RW-Split-Router", "readwritesplit")),
            Arc::new(Service::new("catalog", "catalog")),
        ];
        let listener = |service, name| Arc::new(Listener::new(name, service, "mariadb", address));
        let listeners = [listener(&services[0], "rw"), listener(&services[1], "sql")];
        let registry = Registry::new();
        registry.set_topology(Topology {
            services: services.to_vec(),
            listeners: listeners.to_vec(),
            ..Topology::default()
        });
        let localhost = IpAddr::from(Ipv4Addr::LOCALHOST);
        let options = CatalogOptions {
            resolver: Arc::new(Names([(localhost, "localhost.test")].into())),
            ..CatalogOptions::default()
        };
        let [listener, other] = listeners;
        Self {
            catalog: Catalog::new(registry, options).unwrap(),
            listener,
            other,
            caller: Arc::new(Caller::new("admin", true)),
        }
    }

    fn connect(&self, listener: &Arc<Listener>, user: &str, port: u16) -> SessionGuard {
        let remote = Remote::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        let guard = self.catalog.registry().register(listener, remote).unwrap();
        guard.update(|profile| profile.user = Some(user.into()));
        guard.advance(State::Routing);
        guard
    }

    fn sessions(&self) -> Vec<SessionGuard> {
        let (rw, sql) = (&self.listener, &self.other);
        let who = [(rw, "x"), (rw, "y"), (sql, "x"), (rw, "x"), (sql, "z")];
        let connect = |((listener, user), port)| self.connect(listener, user, port);
        who.into_iter().zip(1000..).map(connect).collect()
    }

    async fn prepare(&self, sql: &str) -> Result<Prepared> {
        let parsed = Parser::parse_sql(&PostgreSqlDialect {}, sql)
            .unwrap()
            .remove(0);
        self.catalog
            .prepare(parsed, Vec::new(), Arc::clone(&self.caller))
            .await
    }

    fn run(&self, prepared: &Prepared, parameters: Vec<ScalarValue>) -> Rows {
        let parameters = ParamValues::from(parameters);
        self.catalog
            .run(prepared, parameters, Arc::clone(&self.caller))
    }

    async fn collect(&self, mut rows: Rows) -> Result<Vec<arrow::array::RecordBatch>> {
        rows.demand(u32::MAX);
        let mut batches = Vec::new();
        while let Some(batch) = rows.next().await {
            batches.push(batch?);
        }
        rows.finish();
        Ok(batches)
    }

    /// The rows, each with its values separated by `|`.
    async fn query(&self, sql: &str) -> Result<Vec<String>> {
        let prepared = self.prepare(sql).await?;
        let batches = self.collect(self.run(&prepared, Vec::new())).await?;
        let table = pretty_format_batches(&batches)?.to_string();
        let row = |line: &str| {
            let cells = line.trim_matches('|').split('|');
            cells.map(str::trim).collect::<Vec<_>>().join("|")
        };
        let lines = table.lines().filter(|line| line.starts_with('|'));
        Ok(lines.skip(1).map(row).collect())
    }
}

fn plan_of(rows: &[String]) -> String {
    rows.join("\n")
}
