//! `[services.NAME]`: what clients connect to, with its router and servers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::super::{FilterConfig, Protocol, RouterConfig, ServerConfig, ServiceConfig, schema};
use super::{
    AUTHENTICATION_TIMEOUT_S_MAX, CONNECTIONS_MAX, Checker, TIMEOUT_S_MAX, count, unless_zero,
};
use crate::session::ServerRole;

const SESSIONS_MAX_DEFAULT: usize = 1000;
const CONNECT_TIMEOUT_DEFAULT: Duration = Duration::from_secs(5);
const CONNECT_TIMEOUT_MS_MAX: i64 = 600_000;
/// Far more than anybody reads; each session may keep so many.
const RETAINED_MAX: i64 = 1000;
const STATEMENT_BYTES_DEFAULT: usize = 4096;
/// 1 MiB.
const STATEMENT_BYTES_MAX: i64 = 1 << 20;
const AUTHENTICATION_TIMEOUT_DEFAULT: Duration = Duration::from_secs(60);

impl Checker<'_> {
    /// All services, in the order of their names; a value that was refused is replaced by a harmless one.
    pub(super) fn services(
        &mut self,
        written: BTreeMap<String, schema::Service>,
        servers: &[ServerConfig],
        filters: &[FilterConfig],
    ) -> Vec<ServiceConfig> {
        let services = written.into_iter();
        services
            .map(|(name, service)| self.service(name, service, servers, filters))
            .collect()
    }

    fn service(
        &mut self,
        name: String,
        written: schema::Service,
        servers: &[ServerConfig],
        filters: &[FilterConfig],
    ) -> ServiceConfig {
        self.name("services", "service", &name);
        let path = |key| ["services", name.as_str(), key];
        self.router(&name, written.router.as_deref());
        let role_path = ["services", name.as_str(), "router_options", "role"];
        let role = self.role(&role_path, written.router_options.role.as_deref());
        let names = self.servers_of(&name, written.servers, servers);
        let protocol = self.protocol_of(&name, &names, servers);
        self.filters_of(&name, &written.filters, filters);
        if let Some(role) = role {
            let mut own = servers.iter().filter(|server| names.contains(&server.name));
            if !names.is_empty() && !own.any(|server| can_play(server, role)) {
                let role = role.as_str();
                self.report(
                    &role_path,
                    format!(
                        "no server of this service can be known as a {role}: give one of them role = {role:?}, or a \
                         monitor with a user, which finds out by itself"
                    ),
                );
            }
        }
        let sessions_max = self.bounded(
            &path("sessions_max"),
            written.sessions_max,
            1..=CONNECTIONS_MAX,
        );
        let connect_timeout = self.bounded(
            &path("connect_timeout_ms"),
            written.connect_timeout_ms,
            1..=CONNECT_TIMEOUT_MS_MAX,
        );
        let authentication_timeout = self.bounded(
            &path("authentication_timeout_s"),
            written.authentication_timeout_s,
            1..=AUTHENTICATION_TIMEOUT_S_MAX,
        );
        let mut idle = |key, value| {
            let seconds = self.bounded(&path(key), value, 0..=TIMEOUT_S_MAX)?;
            unless_zero(Duration::from_secs(seconds))
        };
        let idle_timeout = idle("idle_timeout_s", written.idle_timeout_s);
        let idle_in_transaction_timeout = idle(
            "idle_in_transaction_timeout_s",
            written.idle_in_transaction_timeout_s,
        );
        let retained = self.bounded(
            &path("retain_last_statements"),
            written.retain_last_statements,
            0..=RETAINED_MAX,
        );
        let statement_bytes_max = self.bounded(
            &path("max_statement_bytes"),
            written.max_statement_bytes,
            1..=STATEMENT_BYTES_MAX,
        );
        ServiceConfig {
            router: RouterConfig::ReadConnRoute { role },
            servers: names,
            protocol,
            sessions_max: sessions_max.map_or(SESSIONS_MAX_DEFAULT, count),
            connect_timeout: connect_timeout.map_or(CONNECT_TIMEOUT_DEFAULT, Duration::from_millis),
            authentication_timeout: authentication_timeout
                .map_or(AUTHENTICATION_TIMEOUT_DEFAULT, Duration::from_secs),
            idle_timeout,
            idle_in_transaction_timeout,
            filters: written.filters,
            retain_last_statements: retained.map_or(0, count),
            statement_bytes_max: statement_bytes_max.map_or(STATEMENT_BYTES_DEFAULT, count),
            name,
        }
    }

    fn filters_of(&mut self, service: &str, written: &[String], filters: &[FilterConfig]) {
        let path = ["services", service, "filters"];
        for name in written {
            if !filters.iter().any(|filter| filter.name == *name) {
                self.report(&path, format!("there is no filter {name:?} in this file"));
            }
        }
    }

    fn router(&mut self, service: &str, written: Option<&str>) {
        let message = match written {
            Some("readconnroute") => return,
            None => "is missing: \"readconnroute\" gives each session one server".to_owned(),
            Some("readwritesplit") => {
                "\"readwritesplit\" comes later; \"readconnroute\", which gives each session one server, is there"
                    .to_owned()
            }
            Some("catalog") => {
                "\"catalog\" is the router of the SQL door alone; a service with servers has \"readconnroute\""
                    .to_owned()
            }
            Some(other) => format!("{other:?} is not a router; \"readconnroute\" is"),
        };
        self.report(&["services", service, "router"], message);
    }

    fn servers_of(
        &mut self,
        service: &str,
        written: Option<Vec<String>>,
        servers: &[ServerConfig],
    ) -> Vec<String> {
        let path = ["services", service, "servers"];
        let Some(written) = written else {
            self.report(&path, "is missing: the names of its servers");
            return Vec::new();
        };
        if written.is_empty() {
            self.report(&path, "a service needs a server");
        }
        let mut seen = BTreeSet::new();
        for name in &written {
            if !seen.insert(name) {
                self.report(&path, format!("{name:?} is there twice"));
            } else if !servers.iter().any(|server| server.name == *name) {
                self.report(&path, format!("there is no server {name:?} in this file"));
            }
        }
        written
    }
}

impl Checker<'_> {
    /// What the servers of a service speak: all the same, since a session's client speaks with whichever it gets.
    fn protocol_of(
        &mut self,
        service: &str,
        names: &[String],
        servers: &[ServerConfig],
    ) -> Protocol {
        let find = |name: &String| servers.iter().find(|server| server.name == *name);
        let mut own = names.iter().filter_map(find);
        let Some(first) = own.next() else {
            return Protocol::PostgreSql;
        };
        if let Some(other) = own.find(|server| server.protocol != first.protocol) {
            let message = format!(
                "{:?} speaks {:?} and {:?} speaks {:?}: all servers of a service speak the same protocol",
                first.name,
                first.protocol.as_str(),
                other.name,
                other.protocol.as_str(),
            );
            self.report(&["services", service, "servers"], message);
        }
        first.protocol
    }
}

/// Whether a server can ever be chosen for this part: it is configured for it, or its monitor may find it so.
fn can_play(server: &ServerConfig, role: ServerRole) -> bool {
    server.role == Some(role) || server.monitor.credentials.is_some()
}
