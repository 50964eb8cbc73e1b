//! `[listeners.NAME]`: where the clients of services connect, and all addresses together.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;

use super::super::error::dotted;
use super::super::{ChannelBinding, ListenerConfig, Protocol, ServiceConfig, schema};
use super::{CATALOG, Checker};
use crate::session::ListenAddress;

/// Linux' `sun_path` is 108 bytes, of which the last is a NUL.
const UNIX_PATH_BYTES_MAX: usize = 107;

impl Checker<'_> {
    /// All listeners, in the order of their names; a value that was refused is replaced by a harmless one.
    pub(super) fn listeners(
        &mut self,
        written: BTreeMap<String, schema::Listener>,
        services: &[ServiceConfig],
    ) -> Vec<ListenerConfig> {
        let listeners = written.into_iter();
        listeners
            .map(|(name, listener)| self.listener(name, listener, services))
            .collect()
    }

    fn listener(
        &mut self,
        name: String,
        written: schema::Listener,
        services: &[ServiceConfig],
    ) -> ListenerConfig {
        self.name("listeners", "listener", &name);
        let section = ["listeners", name.as_str()];
        let service = self.service_of(&name, written.service, services);
        let mut known = services.iter();
        let protocol = known
            .find(|known| known.name == service)
            .map_or(Protocol::PostgreSql, |service| service.protocol);
        let address = self.listener_address(&name, written.address);
        let has_tls = written.tls.is_some();
        let tls = self.tls(&section, written.tls);
        if has_tls && matches!(address, ListenAddress::Unix(_)) {
            self.report(
                &[section[0], section[1], "tls"],
                "clients ask for no TLS on a UNIX socket: take this out, or listen on an IP address",
            );
        }
        if protocol == Protocol::MariaDb && written.channel_binding.is_some() {
            self.report(
                &[section[0], section[1], "channel_binding"],
                "is of PostgreSQL's logins only, and this listener's service speaks \"mariadb\": take this out",
            );
        }
        let channel_binding = match written.channel_binding.as_deref() {
            None | Some("pass") => ChannelBinding::Pass,
            Some("disable") => ChannelBinding::Disable,
            Some(other) => {
                self.report(
                    &[section[0], section[1], "channel_binding"],
                    format!("{other:?} is neither \"pass\" nor \"disable\""),
                );
                ChannelBinding::Disable
            }
        };
        let networks = self.networks(&section, written.proxy_protocol_networks);
        if !networks.is_empty() && matches!(address, ListenAddress::Unix(_)) {
            self.report(
                &[section[0], section[1], "proxy_protocol_networks"],
                "who connects to a UNIX socket has no address: take this out, or listen on an IP address",
            );
        }
        ListenerConfig {
            name,
            service,
            protocol,
            address,
            tls,
            channel_binding,
            proxy_protocol_networks: networks,
        }
    }

    fn networks(&mut self, section: &[&str; 2], written: Vec<String>) -> Vec<IpNet> {
        let mut networks = Vec::new();
        for text in written {
            match network(&text) {
                Ok(network) => networks.push(network),
                Err(problem) => {
                    let path = [section[0], section[1], "proxy_protocol_networks"];
                    self.report(&path, format!("{text:?} {problem}"));
                }
            }
        }
        networks
    }

    fn service_of(
        &mut self,
        listener: &str,
        written: Option<String>,
        services: &[ServiceConfig],
    ) -> String {
        let path = ["listeners", listener, "service"];
        let Some(service) = written else {
            self.report(&path, "is missing: the name of the service");
            return String::new();
        };
        if !services.iter().any(|known| known.name == service) {
            let message = if service == CATALOG {
                "\"catalog\" is the service of the SQL door, which listens at sql.listen".to_owned()
            } else {
                format!("there is no service {service:?} in this file")
            };
            self.report(&path, message);
        }
        service
    }

    fn listener_address(&mut self, listener: &str, written: Option<String>) -> ListenAddress {
        let parsed = match written {
            None => Err("is missing".to_owned()),
            Some(text) => listen_address(text),
        };
        parsed.unwrap_or_else(|message| {
            self.report(&["listeners", listener, "address"], message);
            // A free port is in nobody's way.
            ListenAddress::Tcp((Ipv4Addr::LOCALHOST, 0).into())
        })
    }

    /// Doors and listeners, each in the way of the ones before it.
    pub(super) fn addresses_together(
        &mut self,
        doors: [(&str, SocketAddr); 2],
        listeners: &[ListenerConfig],
    ) {
        let doors = doors.map(|(door, address)| (vec![door, "listen"], address.into()));
        let listeners = listeners.iter().map(|listener| {
            let path = vec!["listeners", listener.name.as_str(), "address"];
            (path, listener.address.clone())
        });
        let all: Vec<(Vec<&str>, ListenAddress)> = doors.into_iter().chain(listeners).collect();
        for (index, (path, address)) in all.iter().enumerate() {
            let mut before = all.iter().take(index);
            if let Some((other, taken)) = before.find(|(_, taken)| overlap(address, taken)) {
                let other = dotted(other);
                self.report(path, format!("{address} is taken by {other} ({taken})"));
            }
        }
    }
}

/// An address or a network, by the length of its prefix.
fn network(text: &str) -> Result<IpNet, &'static str> {
    let network = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_) => text.parse().map_err(|_| {
            "is not an address or a network, such as \"10.0.0.7\", \"10.0.0.0/8\" or \"2001:db8::/32\""
        })?,
    };
    match network.addr() {
        // Clients of IPv4 have IPv4 addresses here, whatever the listener's is.
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => {
            Err("is IPv4 in the form of IPv6: write it as IPv4")
        }
        _ => Ok(network.trunc()),
    }
}

/// An IP address and port, or the path of a UNIX socket.
fn listen_address(text: String) -> Result<ListenAddress, String> {
    if let Ok(address) = text.parse() {
        return Ok(ListenAddress::Tcp(address));
    }
    if !text.contains('/') {
        return Err(format!(
            "{text:?} is not an IP address and port, such as \"127.0.0.1:6432\", or the path of a UNIX socket"
        ));
    }
    if !text.starts_with('/') {
        return Err(format!("{text:?} is not an absolute path"));
    }
    if text.ends_with('/') {
        return Err(format!(
            "{text:?} is a directory; psql looks for \".s.PGSQL.PORT\" in it, mariadb is told a file"
        ));
    }
    if text.contains(char::is_control) {
        return Err("the path of a UNIX socket cannot have control characters".to_owned());
    }
    if text.len() > UNIX_PATH_BYTES_MAX {
        return Err(format!(
            "the path of a UNIX socket cannot be longer than {UNIX_PATH_BYTES_MAX} bytes; this one has {}",
            text.len()
        ));
    }
    Ok(ListenAddress::Unix(PathBuf::from(text)))
}

/// Whether the system would not let both be listened on. A wildcard address takes the port of all others.
fn overlap(a: &ListenAddress, b: &ListenAddress) -> bool {
    match (a, b) {
        (ListenAddress::Tcp(a), ListenAddress::Tcp(b)) => {
            let (a_ip, b_ip) = (a.ip().to_canonical(), b.ip().to_canonical());
            let one = a_ip == b_ip || a_ip.is_unspecified() || b_ip.is_unspecified();
            one && a.port() == b.port() && a.port() != 0
        }
        (ListenAddress::Unix(a), ListenAddress::Unix(b)) => a == b,
        _ => false,
    }
}
