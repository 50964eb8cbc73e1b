//! From what is written to what can be used.
//!
//! Every check runs, so that one look at the output is enough to mend a file.

mod channel_binding;
mod filters;
mod listeners;
mod servers;
mod services;

use std::collections::BTreeMap;
use std::net::{Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use tracing_subscriber::EnvFilter;

use super::error::{ConfigError, Document, Problem};
use super::schema;
use super::{Config, Limits, LogConfig, LogFormat, RestConfig, SqlConfig};
use crate::auth::{AttemptLimits, Credential, UserMap};
use crate::tls::{Identity, TlsFiles, TlsPart};

/// Far above what one process can hold; a larger number is a slip.
const CONNECTIONS_MAX: i64 = 100_000;
/// 1 TiB.
const MEMORY_MIB_MAX: i64 = 1 << 20;
/// PostgreSQL's own bound of a message.
const FRAME_MIB_MAX: i64 = 1024;
/// PostgreSQL's own bound of its timeouts: `i32::MAX` milliseconds.
const TIMEOUT_MS_MAX: i64 = i32::MAX as i64;
const TIMEOUT_S_MAX: i64 = TIMEOUT_MS_MAX / 1000;
/// PostgreSQL's own bound of `authentication_timeout`.
const AUTHENTICATION_TIMEOUT_S_MAX: i64 = 600;
const REST_IDLE_TIMEOUT_S_MAX: i64 = 3600;
const DRAIN_TIMEOUT_S_MAX: i64 = 3600;
const RDNS_TIMEOUT_MS_MAX: i64 = 60_000;
/// Above it nothing would be limited: a failure for each millisecond of the minute that they are counted in.
const FAILED_LOGINS_MAX: i64 = 60_000;
/// Longer names are refused by DNS.
const HOST_BYTES_MAX: usize = 253;

/// The SQL door's own service and listener, whose names are taken.
const CATALOG: &str = "catalog";
const SQL: &str = "sql";

pub(super) fn check(
    file: schema::File,
    document: &Document<'_>,
    base_dir: &Path,
) -> Result<Config, ConfigError> {
    let mut checker = Checker {
        document,
        base_dir,
        problems: Vec::new(),
    };
    let has_users = !file.users.is_empty();
    let defaults = Config::default();
    let servers = checker.servers(file.servers);
    let filters = checker.filters(file.filters);
    let services = checker.services(file.services, &servers, &filters);
    let listeners = checker.listeners(file.listeners, &services);
    let config = Config {
        sql: SqlConfig {
            listen: checker.listen("sql", file.sql.listen, defaults.sql.listen),
            tls: checker.tls(&["sql"], file.sql.tls),
        },
        rest: RestConfig {
            listen: checker.listen("rest", file.rest.listen, defaults.rest.listen),
            tls: checker.tls(&["rest"], file.rest.tls),
            hosts: checker.hosts(file.rest.hosts),
        },
        users: checker.users(file.users),
        servers,
        services,
        listeners,
        filters,
        limits: checker.limits(&file.limits, &defaults.limits),
        log: checker.log(file.log, defaults.log),
    };
    let doors = [("sql", config.sql.listen), ("rest", config.rest.listen)];
    checker.addresses_together(doors, &config.listeners);
    checker.channel_bindings(&config.listeners, &config.services, &config.servers);
    if !has_users {
        checker.doors_without_users(doors);
    }
    if checker.problems.is_empty() {
        Ok(config)
    } else {
        checker.problems.sort_by_key(|problem| problem.line);
        Err(ConfigError::Invalid(checker.problems))
    }
}

struct Checker<'a> {
    document: &'a Document<'a>,
    base_dir: &'a Path,
    problems: Vec<Problem>,
}

impl Checker<'_> {
    fn report(&mut self, path: &[&str], message: impl Into<String>) {
        let problem = self.document.problem(path, message);
        self.problems.push(problem);
    }

    /// The name of a server, service, listener or filter: it is shown in tables and logs.
    fn name(&mut self, section: &str, what: &str, name: &str) {
        let message = if name.is_empty() {
            format!("a {what}'s name cannot be empty")
        } else if name.contains(char::is_control) {
            format!("a {what}'s name cannot have control characters")
        } else if matches!((section, name), ("services", CATALOG) | ("listeners", SQL)) {
            format!("this is the name of the SQL door's own {what}: choose another")
        } else {
            return;
        };
        self.report(&[section, name], message);
    }

    fn listen(&mut self, door: &str, written: Option<String>, default: SocketAddr) -> SocketAddr {
        let Some(text) = written else { return default };
        text.parse().unwrap_or_else(|_| {
            self.report(
                &[door, "listen"],
                format!("{text:?} is not an IP address and port, such as \"{default}\""),
            );
            default
        })
    }

    /// Without users a door is open to whoever reaches it.
    fn doors_without_users(&mut self, doors: [(&str, SocketAddr); 2]) {
        for (door, address) in doors {
            if !address.ip().to_canonical().is_loopback() {
                self.report(
                    &[door, "listen"],
                    format!(
                        "{address} is not a loopback address, and without users anyone who reaches it would be an \
                         admin: configure a user ([users.NAME] with password and role; `rollcall hash-password` \
                         makes the password), or listen on 127.0.0.1"
                    ),
                );
            }
        }
    }

    fn tls(&mut self, section: &[&str], written: Option<schema::Tls>) -> Option<TlsFiles> {
        let written = written?;
        let files = TlsFiles {
            cert: self.base_dir.join(written.cert),
            key: self.base_dir.join(written.key),
        };
        if let Err(error) = Identity::load(&files, &[]) {
            let part = match error.part() {
                TlsPart::Cert => "cert",
                TlsPart::Key => "key",
            };
            self.report(&[section, &["tls", part]].concat(), error.to_string());
        }
        Some(files)
    }

    fn hosts(&mut self, written: Vec<String>) -> Vec<String> {
        for host in &written {
            if !is_host_name(host) && host.parse::<Ipv6Addr>().is_err() {
                self.report(
                    &["rest", "hosts"],
                    format!("{host:?} is not a host name; write it without scheme, port and path"),
                );
            }
        }
        let lower = |host: String| host.to_ascii_lowercase();
        written.into_iter().map(lower).collect()
    }

    fn users(&mut self, written: BTreeMap<String, schema::User>) -> UserMap {
        let mut users = UserMap::new();
        for (name, user) in written {
            if name.is_empty() {
                self.report(&["users", &name], "a user's name cannot be empty");
            } else if name.contains(|c: char| c == ':' || c.is_control()) {
                self.report(
                    &["users", &name],
                    "a user's name cannot have a colon (HTTP Basic could not send it) or a control character",
                );
            }
            let verifier = user.password.parse();
            if let Err(error) = &verifier {
                let message = format!("{error}");
                self.report(&["users", &name, "password"], message);
            }
            let role = user.role.parse();
            if let Err(error) = &role {
                let message = format!("{error}");
                self.report(&["users", &name, "role"], message);
            }
            if let (Ok(verifier), Ok(role)) = (verifier, role) {
                users.insert(name, Credential { verifier, role });
            }
        }
        users
    }

    /// A number that is written, unless it is out of range. The range starts at 0 or above.
    fn bounded(
        &mut self,
        path: &[&str],
        value: Option<i64>,
        range: RangeInclusive<i64>,
    ) -> Option<u64> {
        let value = value?;
        if !range.contains(&value) {
            let (from, to) = (range.start(), range.end());
            self.report(path, format!("{value} is not between {from} and {to}"));
            return None;
        }
        Some(value.unsigned_abs())
    }

    fn limits(&mut self, written: &schema::Limits, defaults: &Limits) -> Limits {
        let mut bounded = |name: &str, value, range| self.bounded(&["limits", name], value, range);
        let bytes = |mib: u64| count(mib << 20);

        Limits {
            sql_connections_max: bounded(
                "sql_connections_max",
                written.sql_connections_max,
                1..=CONNECTIONS_MAX,
            )
            .map_or(defaults.sql_connections_max, count),
            rest_connections_max: bounded(
                "rest_connections_max",
                written.rest_connections_max,
                1..=CONNECTIONS_MAX,
            )
            .map_or(defaults.rest_connections_max, count),
            rest_idle_timeout: bounded(
                "rest_idle_timeout_s",
                written.rest_idle_timeout_s,
                1..=REST_IDLE_TIMEOUT_S_MAX,
            )
            .map_or(defaults.rest_idle_timeout, Duration::from_secs),
            query_memory_bytes_max: bounded(
                "query_memory_mib_max",
                written.query_memory_mib_max,
                1..=MEMORY_MIB_MAX,
            )
            .map_or(defaults.query_memory_bytes_max, bytes),
            statement_timeout: bounded(
                "statement_timeout_ms",
                written.statement_timeout_ms,
                0..=TIMEOUT_MS_MAX,
            )
            .map_or(defaults.statement_timeout, |ms| {
                unless_zero(Duration::from_millis(ms))
            }),
            idle_timeout: bounded("idle_timeout_s", written.idle_timeout_s, 0..=TIMEOUT_S_MAX)
                .map_or(defaults.idle_timeout, |s| {
                    unless_zero(Duration::from_secs(s))
                }),
            authentication_timeout: bounded(
                "authentication_timeout_s",
                written.authentication_timeout_s,
                1..=AUTHENTICATION_TIMEOUT_S_MAX,
            )
            .map_or(defaults.authentication_timeout, Duration::from_secs),
            frame_bytes_max: bounded("frame_mib_max", written.frame_mib_max, 1..=FRAME_MIB_MAX)
                .map_or(defaults.frame_bytes_max, bytes),
            drain_timeout: bounded(
                "drain_timeout_s",
                written.drain_timeout_s,
                1..=DRAIN_TIMEOUT_S_MAX,
            )
            .map_or(defaults.drain_timeout, Duration::from_secs),
            rdns_timeout: bounded(
                "rdns_timeout_ms",
                written.rdns_timeout_ms,
                1..=RDNS_TIMEOUT_MS_MAX,
            )
            .map_or(defaults.rdns_timeout, Duration::from_millis),
            failed_logins: AttemptLimits {
                per_address_max: bounded(
                    "failed_logins_per_address_max",
                    written.failed_logins_per_address_max,
                    0..=FAILED_LOGINS_MAX,
                )
                .map_or(defaults.failed_logins.per_address_max, |max| max as u32),
                per_user_max: bounded(
                    "failed_logins_per_user_max",
                    written.failed_logins_per_user_max,
                    0..=FAILED_LOGINS_MAX,
                )
                .map_or(defaults.failed_logins.per_user_max, |max| max as u32),
            },
        }
    }

    fn log(&mut self, written: schema::Log, defaults: LogConfig) -> LogConfig {
        let level = written.level.unwrap_or(defaults.level);
        if level.trim().is_empty() || EnvFilter::try_new(&level).is_err() {
            self.report(
                &["log", "level"],
                format!(
                    "{level:?} is not a level (error, warn, info, debug, trace) or a list such as \
                     \"rollcall=debug,warn\""
                ),
            );
        }
        let format = match written.format.as_deref() {
            None => defaults.format,
            Some("text") => LogFormat::Text,
            Some("json") => LogFormat::Json,
            Some(other) => {
                self.report(
                    &["log", "format"],
                    format!("{other:?} is neither \"text\" nor \"json\""),
                );
                defaults.format
            }
        };
        LogConfig { level, format }
    }
}

fn is_host_name(host: &str) -> bool {
    (1..=HOST_BYTES_MAX).contains(&host.len())
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

/// A timeout that 0 switches off.
fn unless_zero(timeout: Duration) -> Option<Duration> {
    Some(timeout).filter(|timeout| !timeout.is_zero())
}

fn count(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
