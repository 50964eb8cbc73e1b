//! Servers, services and listeners.

use std::net::SocketAddr;

use zeroize::Zeroizing;

use super::*;
use crate::config::{
    ChannelBinding, FilterConfig, FilterModule, ListenerConfig, MonitorConfig, MonitorCredentials,
    Protocol, QueryLogConfig, RouterConfig, ServerConfig, ServerTls, ServiceConfig,
};
use crate::session::{ListenAddress, ServerRole};

/// One server, one service and one listener, with nothing that could be left out.
const SMALLEST: &str = r#"
[servers.db1]
address = "127.0.0.1"
[services.app]
router = "readconnroute"
servers = ["db1"]
[listeners.app]
service = "app"
address = "127.0.0.1:6432"
"#;

/// Writes `NAME.crt` and `NAME.key`.
pub(super) fn certificate(dir: &Path, name: &str) {
    let pair =
        rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let write = |ending, text| {
        std::fs::write(dir.join(format!("{name}.{ending}")), text).expect("a writable directory");
    };
    write("crt", pair.cert.pem());
    write("key", pair.signing_key.serialize_pem());
}

fn tcp(address: &str) -> ListenAddress {
    let address: SocketAddr = address.parse().expect("an address");
    ListenAddress::Tcp(address)
}

#[test]
fn what_is_left_out_has_its_default() {
    let config = parse(SMALLEST).expect("a good file");
    let server = ServerConfig {
        name: "db1".to_owned(),
        host: "127.0.0.1".to_owned(),
        port: 5432,
        protocol: Protocol::PostgreSql,
        role: None,
        tls: ServerTls::Disable,
        certificate: None,
        proxy_protocol: false,
        monitor: MonitorConfig::default(),
    };
    assert_eq!(config.servers, [server]);
    let service = ServiceConfig {
        name: "app".to_owned(),
        router: RouterConfig::ReadConnRoute { role: None },
        servers: vec!["db1".to_owned()],
        protocol: Protocol::PostgreSql,
        sessions_max: 1000,
        connect_timeout: Duration::from_secs(5),
        authentication_timeout: Duration::from_secs(60),
        idle_timeout: None,
        idle_in_transaction_timeout: None,
        filters: Vec::new(),
        retain_last_statements: 0,
        statement_bytes_max: 4096,
    };
    assert_eq!(config.services, [service]);
    let listener = ListenerConfig {
        name: "app".to_owned(),
        service: "app".to_owned(),
        protocol: Protocol::PostgreSql,
        address: tcp("127.0.0.1:6432"),
        tls: None,
        channel_binding: ChannelBinding::Pass,
        proxy_protocol_networks: Vec::new(),
    };
    assert_eq!(config.listeners, [listener]);
}

#[test]
fn a_service_speaks_what_its_servers_speak() {
    let text = SMALLEST.replace(
        "[servers.db1]",
        "[servers.db1]\nprotocol = \"mariadb\"\nproxy_protocol = true",
    );
    let config = parse(&text).expect("a good file");
    assert!(config.servers[0].proxy_protocol);
    assert_eq!(config.servers[0].protocol, Protocol::MariaDb);
    assert_eq!(config.servers[0].port, 3306);
    assert_eq!(config.services[0].protocol, Protocol::MariaDb);
    assert_eq!(config.listeners[0].protocol, Protocol::MariaDb);
}

#[test]
fn a_service_does_not_speak_two_protocols() {
    let text = SMALLEST.replace(
        "servers = [\"db1\"]",
        "servers = [\"db1\", \"db2\"]\n[servers.db2]\nprotocol = \"mariadb\"\naddress = \"127.0.0.1\"",
    );
    let told = parse(&text).expect_err("two protocols");
    let words =
        ": services.app.servers: \"db1\" speaks \"postgresql\" and \"db2\" speaks \"mariadb\"";
    assert!(told.contains(words), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
}

#[test]
fn what_is_of_postgresql_alone_is_refused_for_mariadb() {
    let text = SMALLEST.replace("[servers.db1]", "[servers.db1]\nprotocol = \"mariadb\"");
    let told = parse(&format!("{text}channel_binding = \"disable\"\n")).expect_err("SCRAM");
    let words = ": listeners.app.channel_binding: is of PostgreSQL's logins only";
    assert!(told.contains(words), "{told}");
}

#[test]
fn every_key_is_taken() {
    let dir = tempfile::tempdir().expect("a directory");
    certificate(dir.path(), "ca");
    certificate(dir.path(), "own");
    std::fs::write(dir.path().join("password"), "from a file\n").expect("a writable directory");
    let text = r#"
        [servers.db2]
        address = "[::1]:5433"
        protocol = "postgresql"
        role = "replica"
        tls = "require"
        certificate = "own.crt"
        [servers.db2.monitor]
        user = "monitor"
        password_file = "password"
        [servers.db1]
        address = "db1.example:5434"
        role = "primary"
        tls = "verify-full"
        ca = "ca.crt"
        certificate = "own.crt"
        [servers.db1.monitor]
        user = "monitor"
        password = "secret"
        database = "app"
        interval_ms = 10
        timeout_ms = 20
        failures_max = 3
        [services.app]
        router = "readconnroute"
        servers = ["db2", "db1"]
        router_options = { role = "primary" }
        sessions_max = 4
        connect_timeout_ms = 5
        authentication_timeout_s = 6
        idle_timeout_s = 7
        idle_in_transaction_timeout_s = 8
        filters = ["log"]
        retain_last_statements = 9
        max_statement_bytes = 10
        [filters.log]
        module = "qlafilter"
        file = "queries.csv"
        rotate_mib = 11
        files_max = 12
        [services.reports]
        router = "readconnroute"
        servers = ["db2"]
        router_options.role = "replica"
        [listeners.b]
        service = "app"
        address = "0.0.0.0:6432"
        tls = { cert = "own.crt", key = "own.key" }
        channel_binding = "pass"
        proxy_protocol_networks = ["10.1.2.3/8", "192.0.2.7", "2001:db8::/32"]
        [listeners.a]
        service = "reports"
        address = "/run/rollcall/.s.PGSQL.6432"
        channel_binding = "disable"
    "#;
    let config = parse_in(dir.path(), text).expect("a good file");
    let [db1, db2] = &config.servers[..] else {
        panic!("two servers: {:?}", config.servers)
    };
    assert_eq!((db1.host.as_str(), db1.port), ("db1.example", 5434));
    assert_eq!(db1.role, Some(ServerRole::Primary));
    let ca = dir.path().join("ca.crt");
    assert_eq!(db1.tls, ServerTls::VerifyFull { ca });
    assert_eq!(db1.certificate, Some(dir.path().join("own.crt")));
    let monitor = MonitorConfig {
        credentials: Some(MonitorCredentials {
            user: "monitor".to_owned(),
            password: Zeroizing::new("secret".to_owned()),
            database: Some("app".to_owned()),
        }),
        interval: Duration::from_millis(10),
        timeout: Duration::from_millis(20),
        failures_max: 3,
    };
    assert_eq!(db1.monitor, monitor);
    assert_eq!((db2.host.as_str(), db2.port), ("::1", 5433));
    assert_eq!(db2.role, Some(ServerRole::Replica));
    assert_eq!(db2.tls, ServerTls::Require);
    let credentials = db2.monitor.credentials.as_ref().expect("a user");
    assert_eq!(*credentials.password, "from a file");
    assert_eq!(credentials.database.as_deref(), Some("postgres"));

    let [app, reports] = &config.services[..] else {
        panic!("two services: {:?}", config.services)
    };
    let service = ServiceConfig {
        name: "app".to_owned(),
        router: RouterConfig::ReadConnRoute {
            role: Some(ServerRole::Primary),
        },
        servers: vec!["db2".to_owned(), "db1".to_owned()],
        protocol: Protocol::PostgreSql,
        sessions_max: 4,
        connect_timeout: Duration::from_millis(5),
        authentication_timeout: Duration::from_secs(6),
        idle_timeout: Some(Duration::from_secs(7)),
        idle_in_transaction_timeout: Some(Duration::from_secs(8)),
        filters: vec!["log".to_owned()],
        retain_last_statements: 9,
        statement_bytes_max: 10,
    };
    let log = FilterConfig {
        name: "log".to_owned(),
        module: FilterModule::QueryLog(QueryLogConfig {
            file: dir.path().join("queries.csv"),
            rotate_bytes: Some(11 << 20),
            files_max: 12,
        }),
    };
    assert_eq!(config.filters, [log]);
    assert_eq!(*app, service);
    let role = Some(ServerRole::Replica);
    assert_eq!(reports.router, RouterConfig::ReadConnRoute { role });

    let [a, b] = &config.listeners[..] else {
        panic!("two listeners: {:?}", config.listeners)
    };
    let path = "/run/rollcall/.s.PGSQL.6432".into();
    assert_eq!(a.address, ListenAddress::Unix(path));
    assert_eq!(a.channel_binding, ChannelBinding::Disable);
    assert_eq!(b.address, tcp("0.0.0.0:6432"));
    let networks: Vec<String> = b
        .proxy_protocol_networks
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(networks, ["10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32"]);
    assert!(a.proxy_protocol_networks.is_empty());
    let files = TlsFiles {
        cert: dir.path().join("own.crt"),
        key: dir.path().join("own.key"),
    };
    assert_eq!(b.tls, Some(files));
    let shown = format!("{config:?}");
    assert!(!shown.contains("secret") && !shown.contains("from a file"));
}

#[test]
fn all_problems_of_all_sections_are_told_in_the_order_of_the_file() {
    let text = r#"[listeners.app]
service = "ap"
[services.app]
servers = ["db1", "db2"]
[servers.db1]
role = "master"
[servers.db1.monitor]
failures_max = 0
"#;
    let told = parse(text).expect_err("problems");
    let places: Vec<&str> = told
        .lines()
        .filter_map(|line| line.strip_prefix("rollcall.toml:")?.split(": ").nth(1))
        .collect();
    assert_eq!(
        places,
        [
            "listeners.app.address",
            "listeners.app.service",
            "services.app.router",
            "services.app.servers",
            "servers.db1.address",
            "servers.db1.role",
            "servers.db1.monitor.failures_max",
        ],
        "{told}"
    );
}

/// The smallest file with these lines: each in place of the line with the same key, or added to the section.
pub(super) fn with_lines(section: &str, lines: &str) -> String {
    let key = |line: &str| line.split(" = ").next().unwrap_or_default().to_owned();
    let replaced: Vec<String> = lines.lines().map(key).collect();
    let header = format!("[{section}]");
    let mut text = String::new();
    let mut inside = false;
    for line in SMALLEST.lines() {
        if line.starts_with('[') {
            inside = line == header;
        }
        if !(inside && replaced.contains(&key(line))) {
            text.push_str(line);
            text.push('\n');
        }
        if line == header {
            text.push_str(lines);
            text.push('\n');
        }
    }
    text
}

#[test]
fn names_that_cannot_be_used_are_refused() {
    for (text, place, words) in [
        (
            "[servers.\"\"]\naddress = \"a\"",
            "1: servers.\"\": ",
            "cannot be empty",
        ),
        (
            "[servers.\"a\\n\"]\naddress = \"a\"",
            "1: servers.\"a\\n\": ",
            "control characters",
        ),
        (
            "[services.catalog]",
            "1: services.catalog: ",
            "the SQL door's own service",
        ),
        (
            "[listeners.sql]",
            "1: listeners.sql: ",
            "the SQL door's own listener",
        ),
    ] {
        let told = parse(text).expect_err(text);
        let place = format!("rollcall.toml:{place}");
        assert!(told.contains(&place) && told.contains(words), "{told}");
    }
    assert!(parse("servers = { catalog.address = \"a\", sql.address = \"a\" }").is_ok());
}

#[test]
fn a_monitor_with_a_user_may_find_the_role() {
    let monitor = "monitor = { user = \"monitor\" }";
    let text = with_lines("servers.db1", monitor).replace(
        "servers = [\"db1\"]",
        "servers = [\"db1\"]\nrouter_options.role = \"replica\"",
    );
    assert!(parse(&text).is_ok());
}

#[test]
fn listeners_are_in_each_others_way_as_the_doors_are() {
    for (first, second, good) in [
        ("127.0.0.1:6432", "127.0.0.1:6432", false),
        ("127.0.0.1:6432", "127.0.0.1:6433", true),
        ("127.0.0.1:6432", "127.0.0.2:6432", true),
        ("127.0.0.1:6432", "[::ffff:127.0.0.1]:6432", false),
        ("0.0.0.0:6432", "127.0.0.1:6432", false),
        ("127.0.0.1:0", "127.0.0.1:0", true),
        ("/run/a", "/run/a", false),
        ("/run/a", "/run//a", false),
        ("/run/a", "/run/b", true),
        ("/run/a", "127.0.0.1:6432", true),
    ] {
        let text = SMALLEST.replace("127.0.0.1:6432", first);
        let text = format!("{text}[listeners.b]\nservice = \"app\"\naddress = \"{second}\"\n");
        let told = parse(&text);
        assert_eq!(told.is_ok(), good, "{first} {second}: {told:?}");
        if let Err(told) = told {
            let place = "rollcall.toml:12: listeners.b.address: ";
            assert!(told.starts_with(place), "{told}");
            assert!(
                told.contains("is taken by listeners.app.address ("),
                "{told}"
            );
        }
    }
}

#[test]
fn a_listener_that_others_reach_needs_no_users() {
    let text = SMALLEST.replace("127.0.0.1:6432", "0.0.0.0:6432");
    assert!(parse(&text).is_ok());
}

#[test]
fn the_files_of_the_readme_work_when_pasted() {
    let readme = include_str!("../../../../README.md");
    for heading in ["## Put it in front of PostgreSQL", "## Configuration"] {
        let section = readme.split_once(heading).expect(heading).1;
        let (_, block) = section.split_once("```toml\n").expect("a file");
        let (file, _) = block.split_once("```").expect("its end");
        if let Err(told) = parse(file) {
            panic!("{heading}\n{told}");
        }
    }
}
