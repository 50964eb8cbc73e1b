//! Which clients can log in to which servers through a listener.
//!
//! Logins pass through, and SCRAM lets the client check the server through the TLS channel: what it saw as the
//! server's certificate is part of what the server verifies (RFC 5802, `tls-server-end-point` of RFC 5929). With
//! TLS on both legs the client sees the listener's certificate, so the login fails unless that is the server's own.
//! Taking the server's offer out does not help by itself: a client under TLS that would have bound the channel
//! tells the server so, and the server takes that for an attack. With TLS on one leg, or none, every login works.

use std::path::Path;

use rustls_pki_types::CertificateDer;

use super::super::{
    ChannelBinding, ListenerConfig, Protocol, ServerConfig, ServerTls, ServiceConfig,
};
use super::Checker;
use crate::session::ListenAddress;
use crate::tls::read_certificates;

impl Checker<'_> {
    /// Reports each listener and server whose certificates make logins fail.
    pub(super) fn channel_bindings(
        &mut self,
        listeners: &[ListenerConfig],
        services: &[ServiceConfig],
        servers: &[ServerConfig],
    ) {
        for listener in listeners {
            let (Some(files), ListenAddress::Tcp(_), ChannelBinding::Pass) =
                (&listener.tls, &listener.address, listener.channel_binding)
            else {
                continue;
            };
            let service = services
                .iter()
                .find(|service| service.name == listener.service);
            let Some(service) = service else { continue };
            let shown = leaf(&files.cert);
            let under_tls = servers.iter().filter(|server| {
                service.servers.contains(&server.name)
                    && server.protocol == Protocol::PostgreSql
                    && server.tls != ServerTls::Disable
            });
            for server in under_tls {
                let is_other = match &server.certificate {
                    None => true,
                    // A file that cannot be read has been reported where it is named.
                    Some(own) => match (&shown, leaf(own)) {
                        (Some(shown), Some(own)) => *shown != own,
                        _ => false,
                    },
                };
                if is_other {
                    self.report(&["listeners", &listener.name, "tls"], ways_out(server));
                }
            }
        }
    }
}

fn ways_out(server: &ServerConfig) -> String {
    let name = &server.name;
    let what = match server.certificate {
        None => "is not known to show the same certificate as this listener",
        Some(_) => "shows another certificate than this listener",
    };
    format!(
        "server {name:?} {what}, so SCRAM's channel binding would fail and clients could not log in. Ways out: \
         (1) give this listener the server's own certificate and key, and name that certificate as `certificate` \
         of the server; (2) set channel_binding = \"disable\" here and channel_binding=disable in the clients; \
         (3) do without TLS on one of the two legs: take `tls` out here, or set tls = \"disable\" at the server"
    )
}

/// The certificate that is shown: the first of the file.
fn leaf(file: &Path) -> Option<CertificateDer<'static>> {
    read_certificates(file).ok()?.into_iter().next()
}
