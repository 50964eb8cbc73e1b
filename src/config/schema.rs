//! The shape of the file, as serde reads it.
//!
//! Values are as they are written: numbers are signed and addresses are strings, so that `check` can say what is
//! wrong with one. A key that is not here is an error.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The whole file.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct File {
    pub sql: Sql,
    pub rest: Rest,
    pub users: BTreeMap<String, User>,
    pub limits: Limits,
    pub log: Log,
    pub servers: BTreeMap<String, Server>,
    pub services: BTreeMap<String, Service>,
    pub listeners: BTreeMap<String, Listener>,
    pub filters: BTreeMap<String, Filter>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct Sql {
    pub listen: Option<String>,
    pub tls: Option<Tls>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct Rest {
    pub listen: Option<String>,
    pub tls: Option<Tls>,
    pub hosts: Vec<String>,
}

#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a table such as { cert = \"server.crt\", key = \"server.key\" }"
)]
pub(super) struct Tls {
    pub cert: String,
    pub key: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with password and role")]
pub(super) struct User {
    pub password: String,
    pub role: String,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct Limits {
    pub sql_connections_max: Option<i64>,
    pub rest_connections_max: Option<i64>,
    pub rest_idle_timeout_s: Option<i64>,
    pub query_memory_mib_max: Option<i64>,
    pub statement_timeout_ms: Option<i64>,
    pub idle_timeout_s: Option<i64>,
    pub authentication_timeout_s: Option<i64>,
    pub frame_mib_max: Option<i64>,
    pub drain_timeout_s: Option<i64>,
    pub rdns_timeout_ms: Option<i64>,
    pub failed_logins_per_address_max: Option<i64>,
    pub failed_logins_per_user_max: Option<i64>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct Log {
    pub level: Option<String>,
    pub format: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default, expecting = "a table with an address")]
pub(super) struct Server {
    pub address: Option<String>,
    pub protocol: Option<String>,
    pub role: Option<String>,
    pub tls: Option<String>,
    pub ca: Option<String>,
    pub certificate: Option<String>,
    pub proxy_protocol: bool,
    pub monitor: Monitor,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct Monitor {
    pub user: Option<String>,
    pub password: Option<String>,
    pub password_file: Option<String>,
    pub database: Option<String>,
    pub interval_ms: Option<i64>,
    pub timeout_ms: Option<i64>,
    pub failures_max: Option<i64>,
}

#[derive(Deserialize, Default)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "a table with router and servers"
)]
pub(super) struct Service {
    pub router: Option<String>,
    pub servers: Option<Vec<String>>,
    pub router_options: RouterOptions,
    pub sessions_max: Option<i64>,
    pub connect_timeout_ms: Option<i64>,
    pub authentication_timeout_s: Option<i64>,
    pub idle_timeout_s: Option<i64>,
    pub idle_in_transaction_timeout_s: Option<i64>,
    pub filters: Vec<String>,
    pub retain_last_statements: Option<i64>,
    pub max_statement_bytes: Option<i64>,
}

#[derive(Deserialize, Default)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "a table such as { role = \"primary\" }"
)]
pub(super) struct RouterOptions {
    pub role: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "a table with service and address"
)]
pub(super) struct Listener {
    pub service: Option<String>,
    pub address: Option<String>,
    pub tls: Option<Tls>,
    pub channel_binding: Option<String>,
    pub proxy_protocol_networks: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "a table with module and file"
)]
pub(super) struct Filter {
    pub module: Option<String>,
    pub file: Option<String>,
    pub rotate_mib: Option<i64>,
    pub files_max: Option<i64>,
}
