//! What is wrong with one key of a server, service or listener.

use super::parse_in;
use super::proxied::{certificate, with_lines};

#[test]
fn a_value_that_cannot_be_used_is_refused_where_it_is_written() {
    let dir = tempfile::tempdir().expect("a directory");
    certificate(dir.path(), "a");
    std::fs::write(dir.path().join("empty"), "\n").expect("a writable directory");
    let long_path = format!("address = \"/{}\"", "x".repeat(107));
    let cases = [
        (
            "servers.db1",
            "address = \"db1:0\"",
            "address",
            "from 1 to 65535",
        ),
        (
            "servers.db1",
            "address = \"db1:psql\"",
            "address",
            "from 1 to 65535",
        ),
        ("servers.db1", "address = \"::1\"", "address", "[::1]:5432"),
        (
            "servers.db1",
            "address = \"1..2\"\ntls = \"require\"",
            "address",
            "a certificate can be for",
        ),
        (
            "servers.db1",
            "protocol = \"mysql\"",
            "protocol",
            "neither \"postgresql\" nor \"mariadb\"",
        ),
        (
            "servers.db1",
            "role = \"slave\"",
            "role",
            "neither \"primary\" nor \"replica\"",
        ),
        (
            "servers.db1",
            "proxy_protocol = true",
            "proxy_protocol",
            "PostgreSQL has no PROXY protocol",
        ),
        (
            "listeners.app",
            "proxy_protocol_networks = [\"127.0.0.1\", \"10.0.0.0/33\"]",
            "proxy_protocol_networks",
            "\"10.0.0.0/33\" is not an address or a network",
        ),
        (
            "listeners.app",
            "proxy_protocol_networks = [\"::ffff:10.0.0.0/104\"]",
            "proxy_protocol_networks",
            "write it as IPv4",
        ),
        (
            "listeners.app",
            "address = \"/run/a\"\nproxy_protocol_networks = [\"127.0.0.1\"]",
            "proxy_protocol_networks",
            "has no address",
        ),
        ("servers.db1", "tls = \"prefer\"", "tls", "is not one of"),
        ("servers.db1", "tls = \"verify-full\"", "ca", "is missing"),
        (
            "servers.db1",
            "tls = \"require\"\nca = \"a.crt\"",
            "ca",
            "only looked at with",
        ),
        (
            "servers.db1",
            "tls = \"verify-full\"\nca = \"b.crt\"",
            "ca",
            "cannot read",
        ),
        (
            "servers.db1",
            "tls = \"verify-full\"\nca = \"a.key\"",
            "ca",
            "no PEM certificate",
        ),
        (
            "servers.db1",
            "tls = \"require\"\ncertificate = \"a.key\"",
            "certificate",
            "no PEM certificate",
        ),
        (
            "servers.db1",
            "certificate = \"a.crt\"",
            "certificate",
            "only looked at with",
        ),
        (
            "servers.db1",
            "monitor.password = \"x\"",
            "monitor.password",
            "needs a user",
        ),
        (
            "servers.db1",
            "monitor.password_file = \"a.crt\"",
            "monitor.password_file",
            "needs a user",
        ),
        (
            "servers.db1",
            "monitor.database = \"x\"",
            "monitor.database",
            "needs a user",
        ),
        (
            "servers.db1",
            "monitor.user = \"\"",
            "monitor.user",
            "cannot be empty",
        ),
        (
            "servers.db1",
            "monitor = { user = \"x\", password = \"x\", password_file = \"a.crt\" }",
            "monitor.password_file",
            "there is a password already",
        ),
        (
            "servers.db1",
            "monitor = { user = \"x\", password_file = \"missing\" }",
            "monitor.password_file",
            "cannot read the file",
        ),
        (
            "servers.db1",
            "monitor = { user = \"x\", password_file = \"empty\" }",
            "monitor.password_file",
            "no password in the file",
        ),
        (
            "servers.db1",
            "monitor.interval_ms = 9",
            "monitor.interval_ms",
            "not between 10 and 3600000",
        ),
        (
            "servers.db1",
            "monitor.timeout_ms = 600001",
            "monitor.timeout_ms",
            "not between 10 and 600000",
        ),
        (
            "servers.db1",
            "monitor.failures_max = 0",
            "monitor.failures_max",
            "not between 1 and 1000",
        ),
        (
            "servers.db1",
            "monitor.users = \"x\"",
            "monitor.users",
            "unknown key, expected one of",
        ),
        (
            "services.app",
            "router = \"readwritesplit\"",
            "router",
            "comes later; \"readconnroute\"",
        ),
        (
            "services.app",
            "router = \"catalog\"",
            "router",
            "SQL door alone",
        ),
        (
            "services.app",
            "router = \"roundrobin\"",
            "router",
            "\"roundrobin\" is not a router",
        ),
        ("services.app", "servers = []", "servers", "needs a server"),
        (
            "services.app",
            "servers = [\"db1\", \"db2\"]",
            "servers",
            "no server \"db2\"",
        ),
        (
            "services.app",
            "servers = [\"db1\", \"db1\"]",
            "servers",
            "\"db1\" is there twice",
        ),
        (
            "services.app",
            "router_options.role = \"master\"",
            "router_options.role",
            "neither",
        ),
        (
            "services.app",
            "router_options.role = \"replica\"",
            "router_options.role",
            "no server of this service can be known as a replica",
        ),
        (
            "services.app",
            "router_options.rank = 1",
            "router_options.rank",
            "unknown key",
        ),
        (
            "services.app",
            "sessions_max = 0",
            "sessions_max",
            "not between 1 and 100000",
        ),
        (
            "services.app",
            "connect_timeout_ms = 0",
            "connect_timeout_ms",
            "not between 1 and 600000",
        ),
        (
            "services.app",
            "authentication_timeout_s = 601",
            "authentication_timeout_s",
            "not between 1 and 600",
        ),
        (
            "services.app",
            "idle_timeout_s = -1",
            "idle_timeout_s",
            "not between 0 and",
        ),
        (
            "services.app",
            "idle_in_transaction_timeout_s = -1",
            "idle_in_transaction_timeout_s",
            "not between 0 and",
        ),
        (
            "listeners.app",
            "service = \"db1\"",
            "service",
            "no service \"db1\"",
        ),
        (
            "listeners.app",
            "service = \"catalog\"",
            "service",
            "listens at sql.listen",
        ),
        (
            "listeners.app",
            "address = \"localhost:6432\"",
            "address",
            "is not an IP address and port",
        ),
        (
            "listeners.app",
            "address = \"run/.s.PGSQL.6432\"",
            "address",
            "is not an absolute path",
        ),
        (
            "listeners.app",
            "address = \"/run/rollcall/\"",
            "address",
            "is a directory",
        ),
        (
            "listeners.app",
            "address = \"/run/\\u0000\"",
            "address",
            "control characters",
        ),
        (
            "listeners.app",
            &long_path,
            "address",
            "longer than 107 bytes; this one has 108",
        ),
        (
            "listeners.app",
            "address = \"127.0.0.1:5433\"",
            "address",
            "taken by sql.listen (127.0.0.1:5433)",
        ),
        (
            "listeners.app",
            "address = \"[::]:8989\"",
            "address",
            "taken by rest.listen (127.0.0.1:8989)",
        ),
        (
            "listeners.app",
            "tls = { cert = \"b.crt\", key = \"a.key\" }",
            "tls.cert",
            "cannot read",
        ),
        (
            "listeners.app",
            "address = \"/run/s\"\ntls = { cert = \"a.crt\", key = \"a.key\" }",
            "tls",
            "no TLS on a UNIX socket",
        ),
        (
            "listeners.app",
            "channel_binding = \"require\"",
            "channel_binding",
            "neither \"pass\" nor \"disable\"",
        ),
    ];
    for (section, lines, key, words) in cases {
        let text = with_lines(section, lines);
        let told = parse_in(dir.path(), &text).expect_err(lines);
        let place = format!(": {section}.{key}: ");
        assert!(
            told.contains(&place) && told.contains(words),
            "{lines}\n{told}"
        );
        assert_eq!(told.lines().count(), 1, "{lines}\n{told}");
    }
}
