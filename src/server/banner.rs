//! What is printed at start: the addresses, and for each a line to paste.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::Door;
use crate::auth::UserMap;

pub(super) fn banner(sql: &Door, rest: &Door, users: &UserMap) -> String {
    let user = example_user(users);
    let addresses = [sql, rest].map(|door| door.address.to_string());
    let width = addresses.iter().map(String::len).max().unwrap_or_default();
    let [sql_address, rest_address] = addresses;
    format!(
        "rollcall {}\n  SQL   {sql_address:width$}   {}\n  REST  {rest_address:width$}   {}\n",
        env!("CARGO_PKG_VERSION"),
        psql(reachable(sql.address), sql.tls.is_some(), user),
        curl(reachable(rest.address), rest.tls.is_some(), user),
    )
}

fn psql(address: SocketAddr, tls: bool, user: Option<&str>) -> String {
    let (host, port) = (address.ip(), address.port());
    match (tls, user) {
        (false, None) => format!("psql -h {host} -p {port}"),
        (false, Some(user)) => format!("psql -h {host} -p {port} -U {user}"),
        (true, None) => format!("psql 'host={host} port={port} sslmode=require'"),
        (true, Some(user)) => {
            format!("psql 'host={host} port={port} user={user} sslmode=require'")
        }
    }
}

fn curl(address: SocketAddr, tls: bool, user: Option<&str>) -> String {
    let scheme = if tls { "https" } else { "http" };
    let user = user.map(|user| format!("-u {user} ")).unwrap_or_default();
    let url = format!("{scheme}://{address}/v1/sessions");
    // Brackets are a pattern to some shells.
    let quote = if address.is_ipv6() { "'" } else { "" };
    format!("curl {user}{quote}{url}{quote}")
}

/// An address to connect to: a wildcard can be listened on only.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, address.port())
}

/// The first user whose name needs no quotes in a shell.
fn example_user(users: &UserMap) -> Option<&str> {
    let is_plain = |name: &str| {
        name.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    users
        .keys()
        .map(String::as_str)
        .filter(|name| is_plain(name))
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_fit_the_configuration() {
        let v4: SocketAddr = "127.0.0.1:5433".parse().expect("an address");
        let v6: SocketAddr = "[::1]:8989".parse().expect("an address");
        assert_eq!(psql(v4, false, None), "psql -h 127.0.0.1 -p 5433");
        assert_eq!(psql(v4, false, Some("a")), "psql -h 127.0.0.1 -p 5433 -U a");
        assert_eq!(
            psql(v4, true, None),
            "psql 'host=127.0.0.1 port=5433 sslmode=require'"
        );
        assert_eq!(
            psql(v4, true, Some("a")),
            "psql 'host=127.0.0.1 port=5433 user=a sslmode=require'"
        );
        assert_eq!(
            curl(v4, false, None),
            "curl http://127.0.0.1:5433/v1/sessions"
        );
        assert_eq!(
            curl(v6, true, Some("a")),
            "curl -u a 'https://[::1]:8989/v1/sessions'"
        );
    }

    #[test]
    fn a_wildcard_is_shown_as_loopback() {
        for (bound, shown) in [
            ("0.0.0.0:1", "127.0.0.1:1"),
            ("[::]:1", "[::1]:1"),
            ("10.0.0.1:1", "10.0.0.1:1"),
        ] {
            let bound = bound.parse().expect("an address");
            assert_eq!(reachable(bound).to_string(), shown);
        }
    }
}
