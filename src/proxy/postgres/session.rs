//! What is PostgreSQL's own in a proxied client's life.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;

use super::cancel::CancelTarget;
use super::error::SqlError;
use super::keys::{CancelKeys, IssuedKey, KEY_BYTES_3_0, KEY_BYTES_3_2};
use super::login::{Passing, ServerKey};
use super::opening::{self, StartupMessage};
use super::reply;
use super::walk::Walk;
use crate::config::ChannelBinding;
use crate::proxy::backend::{Backend, ConnectError};
use crate::proxy::protocol::{Failed, LoggedIn, Login, Opening, Protocol, Refusal};
use crate::proxy::proxy_protocol::Origin;
use crate::proxy::service::Entrance;
use crate::proxy::transport::Transport;
use crate::proxy::wire::Wire;
use crate::session::KillReason;

/// The protocol, as one listener speaks it.
pub(in crate::proxy) struct Postgres {
    /// The keys of all proxied sessions.
    pub keys: Arc<CancelKeys<Arc<CancelTarget>>>,
    pub channel_binding: ChannelBinding,
}

impl Protocol for Postgres {
    type Opened = StartupMessage;
    type Walk = Walk;
    type Key = IssuedKey<Arc<CancelTarget>>;
    type Cancel = CancelTarget;

    /// Terminate.
    const GOODBYE: &'static [u8] = b"X\0\0\0\x04";

    async fn open(&self, wire: Wire, entrance: &Entrance) -> Opening<Self> {
        match opening::open(wire, entrance.tls.as_deref()).await {
            opening::Opening::Login(wire, startup) => Opening::Login(wire, startup),
            opening::Opening::Cancel(wire, id, secret) => {
                Opening::Cancel(wire, self.keys.open(id, &secret))
            }
            opening::Opening::Refused(wire, error) => {
                Opening::Refused(wire, Refusal::ClientViolation(error.message))
            }
            opening::Opening::Over => Opening::Over,
        }
    }

    async fn connect(
        &self,
        backend: &Backend,
        _: Origin,
        limit: Duration,
    ) -> Result<Transport, ConnectError> {
        backend.connect(limit).await
    }

    async fn log_in(
        &self,
        login: Login<'_>,
        startup: &mut StartupMessage,
    ) -> Result<LoggedIn<Self>, Failed> {
        let Login {
            entrance,
            wire,
            backend,
            mut server,
        } = login;
        let disabled = self.channel_binding == ChannelBinding::Disable;
        let (client_tls, server_tls) = (wire.tls().is_some(), server.tls().is_some());
        let session = wire.guard.id();
        let mut issued = None;
        let mut issue_key = |key: &ServerKey| {
            let target = Arc::new(CancelTarget {
                backend: Arc::clone(backend),
                process: key.process,
                secret: key.secret.clone(),
                timeout: entrance.proxied.config.connect_timeout,
            });
            let bytes = match key.secret.len() {
                ..=KEY_BYTES_3_0 => KEY_BYTES_3_0,
                _ => KEY_BYTES_3_2,
            };
            let key = self.keys.issue(session, bytes, Arc::clone(&target));
            let secret = key.secret.clone();
            issued = Some((key, target));
            secret
        };
        let passing = Passing {
            wire,
            server: &mut server,
            strips_channel_binding: server_tls && (!client_tls || disabled),
            issue_key: &mut issue_key,
        };
        let rest = passing.run(startup).await?;
        let (key, cancel) = issued.unzip();
        let own = session.get().to_be_bytes();
        let process = cancel
            .as_ref()
            .map_or(own, |target: &Arc<CancelTarget>| target.process);
        Ok(LoggedIn {
            server,
            rest,
            walk: Walk::new(&wire.guard, process, Arc::clone(&entrance.proxied.interest)),
            key,
            cancel,
        })
    }

    fn refuse(&self, refusal: &Refusal, _: Option<&StartupMessage>, output: &mut BytesMut) {
        reply::error(output, error(refusal));
    }

    fn send_away(&self, refusal: &Refusal, _: &Walk, output: &mut BytesMut) {
        reply::error(output, error(refusal));
    }
}

/// A refusal under its SQLSTATE.
fn error(refusal: &Refusal) -> SqlError {
    let code = match refusal {
        Refusal::TooManySessions { .. } => "53300",
        Refusal::NoServer { .. } => "57P03",
        Refusal::Unreachable { .. } => "08001",
        Refusal::TooLate => "57014",
        Refusal::Killed { reason, .. } => match reason {
            KillReason::IdleTimeout => "57P05",
            KillReason::IdleInTransactionTimeout => "25P03",
            KillReason::ServerDown => "57P02",
            KillReason::Administrator | KillReason::Shutdown | KillReason::ShutdownDeadline => {
                "57P01"
            }
        },
        Refusal::ClientViolation(_) | Refusal::ServerViolation => "08P01",
    };
    SqlError::fatal(code, refusal.to_string())
}
