//! What is MariaDB's own in a proxied client's life.

use std::convert::Infallible;
use std::time::Duration;

use bytes::BytesMut;

use super::cancel::KillTarget;
use super::decline::GOODBYE;
use super::error::SqlError;
use super::login;
use super::walk::Walk;
use crate::proxy::backend::{Backend, ConnectError};
use crate::proxy::protocol::{Failed, LoggedIn, Login, Opening, Protocol, Refusal};
use crate::proxy::proxy_protocol::Origin;
use crate::proxy::service::Entrance;
use crate::proxy::transport::Transport;
use crate::proxy::wire::Wire;

/// The protocol, as one listener speaks it.
pub(in crate::proxy) struct MariaDb;

/// How far a client and the proxy have come.
#[derive(Debug, Default)]
pub(in crate::proxy) struct Opened {
    /// The client has heard a greeting.
    pub greeted: bool,
    /// The number of the packet that the client waits for, or will once it has sent its own.
    pub sequence: u8,
}

impl Protocol for MariaDb {
    type Opened = Opened;
    type Walk = Walk;
    type Key = Infallible;
    type Cancel = KillTarget;

    /// COM_QUIT.
    const GOODBYE: &'static [u8] = GOODBYE;

    /// The server speaks first.
    async fn open(&self, wire: Wire, _: &Entrance) -> Opening<Self> {
        Opening::Login(wire, Opened::default())
    }

    async fn connect(
        &self,
        backend: &Backend,
        origin: Origin,
        limit: Duration,
    ) -> Result<Transport, ConnectError> {
        backend.connect_plain(origin, limit).await
    }

    async fn log_in(
        &self,
        login: Login<'_>,
        opened: &mut Opened,
    ) -> Result<LoggedIn<Self>, Failed> {
        login::run(login, opened).await
    }

    fn refuse(&self, refusal: &Refusal, opened: Option<&Opened>, output: &mut BytesMut) {
        let Opened { greeted, sequence } = opened.unwrap_or(&Opened {
            greeted: false,
            sequence: 0,
        });
        SqlError::from(refusal).put(output, *sequence, *greeted);
    }

    fn send_away(&self, refusal: &Refusal, walk: &Walk, output: &mut BytesMut) {
        SqlError::from(refusal).put(output, walk.sequence(), true);
    }
}
