//! From what is written to what can be used.
//!
//! Every check runs, so that one look at the output is enough to mend a file.

use std::collections::BTreeMap;
use std::net::{Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use tracing_subscriber::EnvFilter;

use super::error::{ConfigError, Document, Problem};
use super::schema;
use super::{Config, Limits, LogConfig, LogFormat, RestConfig, SqlConfig};
use crate::auth::{Credential, UserMap};
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
const DRAIN_TIMEOUT_S_MAX: i64 = 3600;
const RDNS_TIMEOUT_MS_MAX: i64 = 60_000;
/// Longer names are refused by DNS.
const HOST_BYTES_MAX: usize = 253;

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
    checker.refuse_later_sections(&file);
    let has_users = !file.users.is_empty();
    let defaults = Config::default();
    let config = Config {
        sql: SqlConfig {
            listen: checker.listen("sql", file.sql.listen, defaults.sql.listen),
            tls: checker.tls("sql", file.sql.tls),
        },
        rest: RestConfig {
            listen: checker.listen("rest", file.rest.listen, defaults.rest.listen),
            tls: checker.tls("rest", file.rest.tls),
            hosts: checker.hosts(file.rest.hosts),
        },
        users: checker.users(file.users),
        servers: Vec::new(),
        services: Vec::new(),
        listeners: Vec::new(),
        limits: checker.limits(&file.limits, &defaults.limits),
        log: checker.log(file.log, defaults.log),
    };
    checker.listeners_together(config.sql.listen, config.rest.listen, has_users);
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

    fn refuse_later_sections(&mut self, file: &schema::File) {
        for (section, tables) in [
            ("servers", &file.servers),
            ("services", &file.services),
            ("listeners", &file.listeners),
            ("filters", &file.filters),
        ] {
            let Some(tables) = tables else { continue };
            let message = format!("[{section}] is not supported by this version");
            if tables.is_empty() {
                self.report(&[section], &message);
            }
            for name in tables.keys() {
                self.report(&[section, name], &message);
            }
        }
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

    /// The addresses together, and with the users: what no key alone shows.
    fn listeners_together(&mut self, sql: SocketAddr, rest: SocketAddr, has_users: bool) {
        let overlap =
            sql.ip() == rest.ip() || sql.ip().is_unspecified() || rest.ip().is_unspecified();
        if sql.port() == rest.port() && sql.port() != 0 && overlap {
            self.report(
                &["rest", "listen"],
                format!("{rest} is taken by sql.listen ({sql})"),
            );
        }
        if has_users {
            return;
        }
        for (door, address) in [("sql", sql), ("rest", rest)] {
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

    fn tls(&mut self, door: &str, written: Option<schema::Tls>) -> Option<TlsFiles> {
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
            self.report(&[door, "tls", part], error.to_string());
        }
        Some(files)
    }

    fn hosts(&mut self, written: Vec<String>) -> Vec<String> {
        let is_name = |host: &str| {
            (1..=HOST_BYTES_MAX).contains(&host.len())
                && host
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        };
        for host in &written {
            if !is_name(host) && host.parse::<Ipv6Addr>().is_err() {
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

    fn limits(&mut self, written: &schema::Limits, defaults: &Limits) -> Limits {
        let mut bounded = |name: &str, value: Option<i64>, range: RangeInclusive<i64>| {
            let value = value?;
            if !range.contains(&value) {
                let (from, to) = (range.start(), range.end());
                self.report(
                    &["limits", name],
                    format!("{value} is not between {from} and {to}"),
                );
                return None;
            }
            // The range starts at 0 or 1.
            Some(value.unsigned_abs())
        };
        let count = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        let bytes = |mib: u64| usize::try_from(mib << 20).unwrap_or(usize::MAX);
        let unless_zero = |timeout: Duration| Some(timeout).filter(|timeout| !timeout.is_zero());

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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::auth::{Role, Verifier};

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(text, "rollcall.toml", Path::new("")).map_err(|error| error.to_string())
    }

    #[test]
    fn an_empty_file_is_the_defaults() {
        assert_eq!(parse(""), Ok(Config::default()));
        assert_eq!(parse("[users]\n[limits]\n"), Ok(Config::default()));
    }

    #[test]
    fn every_key_is_taken() {
        let verifier = Verifier::generate("secret");
        let text = format!(
            r#"
            [sql]
            listen = "0.0.0.0:15433"
            [rest]
            listen = "[::1]:18989"
            hosts = ["Rollcall.example", "fe80::1"]
            [users.alice]
            password = "{verifier}"
            role = "admin"
            [users."bob b"]
            password = "{verifier}"
            role = "basic"
            [limits]
            sql_connections_max = 1
            rest_connections_max = 2
            query_memory_mib_max = 3
            statement_timeout_ms = 4
            idle_timeout_s = 5
            authentication_timeout_s = 6
            frame_mib_max = 7
            drain_timeout_s = 8
            rdns_timeout_ms = 9
            [log]
            level = "rollcall=debug,warn"
            format = "json"
            "#
        );
        let config = parse(&text).expect("a good file");
        assert_eq!(config.sql.listen.to_string(), "0.0.0.0:15433");
        assert_eq!(config.rest.listen.to_string(), "[::1]:18989");
        assert_eq!(config.rest.hosts, ["rollcall.example", "fe80::1"]);
        assert_eq!(config.users["alice"].role, Role::Admin);
        assert_eq!(config.users["alice"].verifier, verifier);
        assert_eq!(config.users["bob b"].role, Role::Basic);
        let limits = Limits {
            sql_connections_max: 1,
            rest_connections_max: 2,
            query_memory_bytes_max: 3 * 1024 * 1024,
            statement_timeout: Some(Duration::from_millis(4)),
            idle_timeout: Some(Duration::from_secs(5)),
            authentication_timeout: Duration::from_secs(6),
            frame_bytes_max: 7 * 1024 * 1024,
            drain_timeout: Duration::from_secs(8),
            rdns_timeout: Duration::from_millis(9),
        };
        assert_eq!(config.limits, limits);
        assert_eq!(config.log.level, "rollcall=debug,warn");
        assert_eq!(config.log.format, LogFormat::Json);
    }

    #[test]
    fn all_problems_are_told_in_the_order_of_the_file() {
        let text =
            "[rest]\nlisten = \"nowhere\"\n[limits]\nframe_mib_max = 0\nidle_timeout_s = -1\n";
        assert_eq!(
            parse(text).expect_err("three problems"),
            "rollcall.toml:2: rest.listen: \"nowhere\" is not an IP address and port, such as \"127.0.0.1:8989\"\n\
             rollcall.toml:4: limits.frame_mib_max: 0 is not between 1 and 1024\n\
             rollcall.toml:5: limits.idle_timeout_s: -1 is not between 0 and 2147483"
        );
    }

    #[test]
    fn no_message_quotes_a_password() {
        for text in [
            "users = \"hunter2\"",
            "[users]\nalice = \"hunter2\"",
            "[users.alice]\npassword = [\"hunter2\"]\nrole = \"admin\"",
            "[users.alice]\npassword = \"hunter2\"\nrole = \"admin\"",
            "[users.alice]\npassword = \"hunter2\nrole = \"admin\"",
            "[users.alice]\npassword = hunter2\nrole = \"admin\"",
            "[users.alice]\npassword = \"admin\"\nrole = \"hunter2\"",
            "[limits]\nidle_timeout_s = \"hunter2, expected hunter2\"",
        ] {
            let message = parse(text).expect_err(text);
            assert!(!message.contains("hunter2"), "{message}");
        }
    }

    #[test]
    fn zero_means_no_timeout_where_that_is_documented() {
        let config = parse("limits = { statement_timeout_ms = 0, idle_timeout_s = 0 }");
        assert_eq!(config, Ok(Config::default()));
    }

    #[test]
    fn a_wildcard_address_takes_the_port_of_all_others() {
        let user = format!(
            "[users.a]\nrole = \"basic\"\npassword = \"{}\"\n",
            Verifier::generate("")
        );
        for (sql, rest, good) in [
            ("127.0.0.1:7000", "127.0.0.1:7000", false),
            ("0.0.0.0:7000", "127.0.0.1:7000", false),
            ("127.0.0.1:7000", "[::]:7000", false),
            ("127.0.0.1:7000", "127.0.0.2:7000", true),
            ("127.0.0.1:0", "127.0.0.1:0", true),
        ] {
            let text = format!("{user}[sql]\nlisten = \"{sql}\"\n[rest]\nlisten = \"{rest}\"\n");
            assert_eq!(parse(&text).is_ok(), good, "{sql} {rest}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_configuration_or_an_error(text in any::<String>()) {
            let _ = parse(&text);
        }

        #[test]
        fn any_toml_like_text_is_a_configuration_or_an_error(
            lines in proptest::collection::vec(
                prop_oneof![
                    r"\[{1,2}(sql|rest|users|limits|log|servers)(\.[a-z]{1,3}){0,2}\]{0,2}",
                    r"(listen|tls|hosts|role|password|frame_mib_max|a)(\.[a-z])? = .{0,20}",
                    r#"(listen|tls|hosts|role|level) = (-?[0-9]{1,25}|"[^"]{0,9}"|\[\]|\{( a = 1)?\}|true|1e9|1979-05-27)"#,
                ],
                0..8,
            )
        ) {
            let text = lines.join("\n");
            if let Err(message) = parse(&text) {
                for line in message.lines() {
                    prop_assert!(line.starts_with("rollcall.toml:"), "{}", line);
                }
            }
        }
    }
}
