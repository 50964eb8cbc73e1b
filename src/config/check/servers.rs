//! `[servers.NAME]`: backend database servers and their monitors.
//!
//! No message here quotes a value: an address may be a connection URL with a password in it, and a monitor's
//! password stands beside keys that it is easily mistaken for.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustls::RootCertStore;
use rustls_pki_types::ServerName;
use zeroize::Zeroizing;

use super::super::{MonitorConfig, MonitorCredentials, Protocol, ServerConfig, ServerTls, schema};
use super::{Checker, is_host_name};
use crate::session::ServerRole;
use crate::tls::read_certificates;

const MONITOR_INTERVAL_MS_MAX: i64 = 3_600_000;
const MONITOR_TIMEOUT_MS_MAX: i64 = 600_000;
/// A monitor that looks more often than this is a load of its own.
const MONITOR_MS_MIN: i64 = 10;
const MONITOR_FAILURES_MAX: i64 = 1000;
/// A longer file does not hold a password.
const PASSWORD_FILE_BYTES_MAX: u64 = 4096;

impl Checker<'_> {
    /// All servers, in the order of their names; a value that was refused is replaced by a harmless one.
    pub(super) fn servers(
        &mut self,
        written: BTreeMap<String, schema::Server>,
    ) -> Vec<ServerConfig> {
        let servers = written.into_iter();
        servers
            .map(|(name, server)| self.server(name, server))
            .collect()
    }

    fn server(&mut self, name: String, written: schema::Server) -> ServerConfig {
        self.name("servers", "server", &name);
        let section = ["servers", name.as_str()];
        let protocol = self.protocol(&section, written.protocol.as_deref());
        let role = self.role(&[&section[..], &["role"]].concat(), written.role.as_deref());
        let tls = self.server_tls(&section, written.tls.as_deref(), written.ca);
        let certificate = self.server_certificate(&section, &tls, written.certificate);
        let (host, port) = self.server_address(&section, protocol, &tls, written.address);
        if written.proxy_protocol && protocol == Protocol::PostgreSql {
            self.report(
                &[&section[..], &["proxy_protocol"]].concat(),
                "PostgreSQL has no PROXY protocol and would take it for a broken message: take this out",
            );
        }
        let monitor = self.monitor(&name, protocol, written.monitor);
        ServerConfig {
            name,
            host,
            port,
            protocol,
            role,
            tls,
            certificate,
            proxy_protocol: written.proxy_protocol,
            monitor,
        }
    }

    fn server_address(
        &mut self,
        section: &[&str; 2],
        protocol: Protocol,
        tls: &ServerTls,
        written: Option<String>,
    ) -> (String, u16) {
        let path = [section[0], section[1], "address"];
        let parsed = written
            .as_deref()
            .map_or(Err("is missing"), host_and_port)
            .and_then(|(host, port)| {
                if *tls != ServerTls::Disable && ServerName::try_from(host).is_err() {
                    return Err("the host is not a name that a certificate can be for");
                }
                Ok((host.to_owned(), port.unwrap_or_else(|| protocol.port())))
            });
        parsed.unwrap_or_else(|message| {
            self.report(&path, message);
            (String::new(), protocol.port())
        })
    }

    fn protocol(&mut self, section: &[&str; 2], written: Option<&str>) -> Protocol {
        match written {
            None | Some("postgresql") => Protocol::PostgreSql,
            Some("mariadb") => Protocol::MariaDb,
            Some(_) => {
                let message = "is neither \"postgresql\" nor \"mariadb\", which is the protocol of MySQL, too";
                self.report(&[section[0], section[1], "protocol"], message);
                Protocol::PostgreSql
            }
        }
    }

    /// The part that a server plays, or must play.
    pub(super) fn role(&mut self, path: &[&str], written: Option<&str>) -> Option<ServerRole> {
        match written? {
            "primary" => Some(ServerRole::Primary),
            "replica" => Some(ServerRole::Replica),
            _ => {
                self.report(path, "is neither \"primary\" nor \"replica\"");
                None
            }
        }
    }

    fn server_tls(
        &mut self,
        section: &[&str; 2],
        written: Option<&str>,
        ca: Option<String>,
    ) -> ServerTls {
        let path = |key| [section[0], section[1], key];
        let is_checked = written == Some("verify-full");
        match written {
            None | Some("disable" | "require" | "verify-full") => {}
            Some(_) => self.report(
                &path("tls"),
                "is not one of \"disable\", \"require\" and \"verify-full\"",
            ),
        }
        if ca.is_none() && is_checked {
            self.report(
                &path("ca"),
                "is missing: the PEM file with the authorities that tls = \"verify-full\" trusts",
            );
        }
        if ca.is_some() && !is_checked {
            self.report(
                &path("ca"),
                "is only looked at with tls = \"verify-full\": set that, or take this out",
            );
        }
        match written {
            Some("require") => ServerTls::Require,
            Some("verify-full") => {
                let ca = ca.map(|ca| self.base_dir.join(ca));
                if let Some(file) = &ca {
                    self.authorities(&path("ca"), file);
                }
                ServerTls::VerifyFull {
                    ca: ca.unwrap_or_default(),
                }
            }
            _ => ServerTls::Disable,
        }
    }

    /// Certificates that are good as authorities.
    fn authorities(&mut self, path: &[&str], file: &Path) {
        let problem = match read_certificates(file) {
            Err(error) => error.to_string(),
            Ok(certificates) => {
                let mut store = RootCertStore::empty();
                match certificates.into_iter().try_for_each(|ca| store.add(ca)) {
                    Ok(()) => return,
                    Err(error) => format!("cannot use a certificate in it: {error}"),
                }
            }
        };
        self.report(path, problem);
    }

    fn server_certificate(
        &mut self,
        section: &[&str; 2],
        tls: &ServerTls,
        written: Option<String>,
    ) -> Option<PathBuf> {
        let path = [section[0], section[1], "certificate"];
        let file = self.base_dir.join(written?);
        if let Err(error) = read_certificates(&file) {
            self.report(&path, error.to_string());
        }
        if *tls == ServerTls::Disable {
            self.report(
                &path,
                "is only looked at with tls = \"require\" or \"verify-full\": set one of them, or take this out",
            );
        }
        Some(file)
    }

    fn monitor(
        &mut self,
        server: &str,
        protocol: Protocol,
        mut written: schema::Monitor,
    ) -> MonitorConfig {
        let path = |key| ["servers", server, "monitor", key];
        let defaults = MonitorConfig::default();
        let credentials = self.monitor_credentials(server, protocol, &mut written);
        MonitorConfig {
            credentials,
            interval: self
                .bounded(
                    &path("interval_ms"),
                    written.interval_ms,
                    MONITOR_MS_MIN..=MONITOR_INTERVAL_MS_MAX,
                )
                .map_or(defaults.interval, Duration::from_millis),
            timeout: self
                .bounded(
                    &path("timeout_ms"),
                    written.timeout_ms,
                    MONITOR_MS_MIN..=MONITOR_TIMEOUT_MS_MAX,
                )
                .map_or(defaults.timeout, Duration::from_millis),
            failures_max: self
                .bounded(
                    &path("failures_max"),
                    written.failures_max,
                    1..=MONITOR_FAILURES_MAX,
                )
                .map_or(defaults.failures_max, |count| {
                    u32::try_from(count).unwrap_or(u32::MAX)
                }),
        }
    }

    fn monitor_credentials(
        &mut self,
        server: &str,
        protocol: Protocol,
        written: &mut schema::Monitor,
    ) -> Option<MonitorCredentials> {
        let path = |key| ["servers", server, "monitor", key];
        let password = written.password.take().map(Zeroizing::new);
        let (user, database) = (written.user.take(), written.database.take());
        for (key, value) in [
            ("user", user.as_deref()),
            ("password", password.as_deref().map(String::as_str)),
            ("database", database.as_deref()),
        ] {
            let Some(value) = value else { continue };
            if value.is_empty() {
                self.report(&path(key), "cannot be empty");
            } else if value.contains('\0') {
                self.report(&path(key), "cannot have a NUL character");
            }
        }
        let from_file = written.password_file.take().and_then(|file| {
            if password.is_some() {
                self.report(&path("password_file"), "there is a password already");
                return None;
            }
            let read = read_password(&self.base_dir.join(file));
            let problem = match read {
                Ok(password) if password.is_empty() => {
                    "there is no password in the file".to_owned()
                }
                Ok(password) if password.contains('\0') => {
                    "the password in the file has a NUL character".to_owned()
                }
                Ok(password) => return Some(password),
                Err(error) => format!("cannot read the file: {error}"),
            };
            self.report(&path("password_file"), problem);
            Some(Zeroizing::default())
        });
        let Some(user) = user else {
            for (key, is_written) in [
                ("password", password.is_some()),
                ("password_file", from_file.is_some()),
                ("database", database.is_some()),
            ] {
                if is_written {
                    self.report(
                        &path(key),
                        "needs a user beside it; a monitor without one only looks whether the server takes \
                         connections",
                    );
                }
            }
            return None;
        };
        Some(MonitorCredentials {
            user,
            password: password.or(from_file).unwrap_or_default(),
            database: database.or_else(|| database_default(protocol)),
        })
    }
}

/// What a monitor logs in to when nobody says otherwise. PostgreSQL's `postgres` is always there; MariaDB needs none.
fn database_default(protocol: Protocol) -> Option<String> {
    match protocol {
        Protocol::PostgreSql => Some("postgres".to_owned()),
        Protocol::MariaDb => None,
    }
}

/// The text of a file without the end of its last line.
fn read_password(file: &Path) -> io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    File::open(file)?
        .take(PASSWORD_FILE_BYTES_MAX + 1)
        .read_to_string(&mut text)?;
    if text.len() as u64 > PASSWORD_FILE_BYTES_MAX {
        let message = format!("it is longer than {PASSWORD_FILE_BYTES_MAX} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    let password = text.strip_suffix('\n').unwrap_or(&text);
    let password = password.strip_suffix('\r').unwrap_or(password);
    Ok(Zeroizing::new(password.to_owned()))
}

/// `HOST`, `HOST:PORT`, `[IPV6]` or `[IPV6]:PORT`. An address without brackets that has more colons could mean
/// two things, and is refused.
fn host_and_port(text: &str) -> Result<(&str, Option<u16>), &'static str> {
    const NOT_AN_ADDRESS: &str =
        "is not a host and port, such as \"db1.example:5432\" or \"[::1]:5432\"";
    const NOT_A_PORT: &str = "the port is not a number from 1 to 65535";

    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']').ok_or(NOT_AN_ADDRESS)?;
            if host.parse::<Ipv6Addr>().is_err() {
                return Err(NOT_AN_ADDRESS);
            }
            match after.strip_prefix(':') {
                None if !after.is_empty() => return Err(NOT_AN_ADDRESS),
                port => (host, port),
            }
        }
        None => {
            let (host, port) = match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            };
            if !is_host_name(host) || port.is_some_and(|port| port.contains(':')) {
                return Err(NOT_AN_ADDRESS);
            }
            (host, port)
        }
    };
    let Some(port) = port else {
        return Ok((host, None));
    };
    let is_digits = port.bytes().all(|byte| byte.is_ascii_digit());
    match port.parse() {
        Ok(port) if is_digits && port != 0 => Ok((host, Some(port))),
        _ => Err(NOT_A_PORT),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_is_a_host_and_maybe_a_port() {
        for (text, host, port) in [
            ("127.0.0.1:5433", "127.0.0.1", Some(5433)),
            ("db1", "db1", None),
            ("db-1.example:1", "db-1.example", Some(1)),
            ("[::1]:65535", "::1", Some(65535)),
            ("[fe80::1]", "fe80::1", None),
        ] {
            assert_eq!(host_and_port(text), Ok((host, port)), "{text}");
        }
        for text in [
            "",
            ":5432",
            "db1:",
            "db1:0",
            "db1:65536",
            "db1:+5432",
            "db1:postgresql",
            "::1",
            "::1:5432",
            "1:2:3",
            "[db1]:5432",
            "[::1",
            "[::1]5432",
            "[::1]:",
            "/run/postgresql",
            "postgres://alice:secret@db1/app",
            "db 1",
        ] {
            assert!(host_and_port(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_taken_as_an_address_says_what_was_written(text in r"\[?[a-f0-9:.]{0,12}\]?(:[0-9]{0,6})?") {
            if let Ok((host, port)) = host_and_port(&text) {
                let port = port.unwrap_or_default();
                let written = [
                    host.to_owned(),
                    format!("[{host}]"),
                    format!("{host}:{port}"),
                    format!("[{host}]:{port}"),
                ];
                let digits = text.rsplit(':').next().unwrap_or_default();
                let has_zeros = digits.len() > 1 && digits.starts_with('0');
                prop_assert!(has_zeros || written.contains(&text), "{} {}", host, port);
            }
        }
    }

    #[test]
    fn a_password_file_may_end_its_line() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("password");
        for (text, password) in [
            ("secret", "secret"),
            ("secret\n", "secret"),
            ("secret\r\n", "secret"),
            (" two\nlines\n\n", " two\nlines\n"),
        ] {
            std::fs::write(&file, text).expect("a writable directory");
            assert_eq!(*read_password(&file).expect("a password"), password);
        }
        for bad in [&b"\xff"[..], &[b'x'; 5000]] {
            std::fs::write(&file, bad).expect("a writable directory");
            assert!(read_password(&file).is_err());
        }
        assert!(read_password(dir.path()).is_err());
    }
}
