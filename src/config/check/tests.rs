mod channel_binding;
mod proxied;
mod refused;

use proptest::prelude::*;

use super::*;
use crate::auth::{Role, Verifier};

fn parse(text: &str) -> Result<Config, String> {
    parse_in(Path::new(""), text)
}

fn parse_in(base_dir: &Path, text: &str) -> Result<Config, String> {
    Config::parse(text, "rollcall.toml", base_dir).map_err(|error| error.to_string())
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
        rest_idle_timeout_s = 11
        query_memory_mib_max = 3
        statement_timeout_ms = 4
        idle_timeout_s = 5
        authentication_timeout_s = 6
        frame_mib_max = 7
        drain_timeout_s = 8
        rdns_timeout_ms = 9
        failed_logins_per_address_max = 10
        failed_logins_per_user_max = 0
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
        rest_idle_timeout: Duration::from_secs(11),
        query_memory_bytes_max: 3 * 1024 * 1024,
        statement_timeout: Some(Duration::from_millis(4)),
        idle_timeout: Some(Duration::from_secs(5)),
        authentication_timeout: Duration::from_secs(6),
        frame_bytes_max: 7 * 1024 * 1024,
        drain_timeout: Duration::from_secs(8),
        rdns_timeout: Duration::from_millis(9),
        failed_logins: AttemptLimits {
            per_address_max: 10,
            per_user_max: 0,
        },
    };
    assert_eq!(config.limits, limits);
    assert_eq!(config.log.level, "rollcall=debug,warn");
    assert_eq!(config.log.format, LogFormat::Json);
}

#[test]
fn all_problems_are_told_in_the_order_of_the_file() {
    let text = "[rest]\nlisten = \"nowhere\"\n[limits]\nframe_mib_max = 0\nidle_timeout_s = -1\nfailed_logins_per_user_max = 60001\n";
    assert_eq!(
        parse(text).expect_err("four problems"),
        "rollcall.toml:2: rest.listen: \"nowhere\" is not an IP address and port, such as \"127.0.0.1:8989\"\n\
         rollcall.toml:4: limits.frame_mib_max: 0 is not between 1 and 1024\n\
         rollcall.toml:5: limits.idle_timeout_s: -1 is not between 0 and 2147483\n\
         rollcall.toml:6: limits.failed_logins_per_user_max: 60001 is not between 0 and 60000"
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
        "[servers.a]\naddress = \"postgres://a:hunter2@a\"\nmonitor = { password = \"hunter2\" }",
        "[servers.a]\naddress = \"a\"\nmonitor = \"hunter2\"",
        "[servers.a.monitor]\nuser = [\"hunter2\"]",
        "[servers.a.monitor]\nuser = \"a\"\npassword = [\"hunter2\"]",
        "[servers.a.monitor]\nuser = \"a\"\npassword = \"hunter2\\u0000\"",
        "[servers.a.monitor]\nuser = \"a\"\npassword = \"hunter2\"\npassword_file = \"hunter2\"",
        "[servers.a.monitor]\nuser = \"a\"\npassword_file = \"hunter2\"",
        "[servers.a.monitor]\ninterval_ms = \"hunter2\"",
        "[servers.a]\nprotocol = \"hunter2\"\nrole = \"hunter2\"\ntls = \"hunter2\"",
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
                r"\[{1,2}(sql|rest|users|limits|log|filters)(\.[a-z]{1,3}){0,2}\]{0,2}",
                r"\[(servers|services|listeners)\.[ab](\.(monitor|router_options))?\]",
                r#"(address|service|protocol|role|tls|router|user|password|password_file|channel_binding) = "[^"]{0,9}""#,
                r#"(servers = \["a"(, "b")?\]|service = "a"|address = "127.0.0.1:[0-9]{0,6}"|router = "readconnroute")"#,
                r"(interval_ms|timeout_ms|failures_max|sessions_max|idle_timeout_s) = -?[0-9]{1,19}",
                r"(listen|tls|hosts|role|password|frame_mib_max|a)(\.[a-z])? = .{0,20}",
                r#"(listen|tls|hosts|role|level) = (-?[0-9]{1,25}|"[^"]{0,9}"|\[\]|\{( a = 1)?\}|true|1e9|1979-05-27)"#,
            ],
            0..16,
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
