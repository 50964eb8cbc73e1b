//! A proxied client, from its first byte to its end.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};

use super::backend::Backend;
use super::end::End;
use super::parting::part;
use super::protocol::{Cancel, Failed, LoggedIn, Login, Opening, Protocol, Refusal};
use super::proxy_protocol::{self, Origin};
use super::relay::{Pump, Relay};
use super::service::{Entrance, Presence};
use super::timeouts::Timeouts;
use super::transport::Transport;
use super::wire::Wire;
use crate::session::{
    Connection, ConnectionState, CountedConnection, EndReason, KillReason, Registry, SessionGuard,
};

/// What a session holds on to besides its sockets, given back when it ends.
pub(super) struct Holdings<P: Protocol> {
    pub protocol: Arc<P>,
    pub key: Option<P::Key>,
    pub cancel: Option<Arc<P::Cancel>>,
    pub backend: Arc<Backend>,
    _connection: CountedConnection,
    _place: OwnedSemaphorePermit,
    _presence: Presence,
}

/// Serves one client: logs it in, and leaves its traffic to a task of its own, since a task keeps the size of its
/// largest moment.
pub(super) async fn serve<P: Protocol>(
    protocol: Arc<P>,
    entrance: Arc<Entrance>,
    wire: Wire,
    presence: Presence,
) {
    let session = Arc::clone(wire.guard.session());
    let config = &entrance.proxied.config;
    let deadline = Instant::now() + config.authentication_timeout;
    match open(&*protocol, wire, &entrance, deadline).await {
        Opening::Login(wire, opened) => {
            log_in(&protocol, &entrance, (wire, opened), deadline, presence).await;
        }
        Opening::Cancel(wire, target) => {
            session.ends_for(EndReason::CancelRequest);
            match target {
                Some(target) => target.request().await,
                None => {
                    tracing::debug!(session = %session.id(), "a request to cancel without the right key")
                }
            }
            // The requester waits for the end of its connection, which tells that the server knows.
            drop(wire);
        }
        Opening::Refused(mut wire, refusal) => {
            protocol.refuse(&refusal, None, &mut wire.output);
            refuse(wire, &refusal.end()).await;
        }
        Opening::Over => {}
    }
}

/// Reads what the client begins with, as long as it may take.
async fn open<P: Protocol>(
    protocol: &P,
    wire: Wire,
    entrance: &Entrance,
    deadline: Instant,
) -> Opening<P> {
    let session = Arc::clone(wire.guard.session());
    // Most who come no further just go.
    session.ends_for(EndReason::ClientEof);
    // It has the session, which is to end when its end has been told of.
    let mut opening = pin!(open_behind_header(protocol, wire, entrance));
    tokio::select! {
        biased;
        () = session.ending() => {
            let reason = session.kill_reason().unwrap_or(KillReason::Administrator);
            End::Killed(reason).report(&session, None);
            Opening::Over
        }
        opened = timeout_at(deadline, opening.as_mut()) => opened.unwrap_or_else(|_| {
            Refusal::TooLate.end().report(&session, None);
            Opening::Over
        }),
    }
}

/// The same behind the header in which a proxy before this one says who the client is.
async fn open_behind_header<P: Protocol>(
    protocol: &P,
    mut wire: Wire,
    entrance: &Entrance,
) -> Opening<P> {
    if entrance.trusts(wire.guard.remote()) {
        match proxy_protocol::read(&mut wire).await {
            Ok(true) => {}
            Ok(false) => return Opening::Over,
            Err(error) => {
                return Opening::Refused(wire, Refusal::ClientViolation(error.to_string()));
            }
        }
    }
    protocol.open(wire, entrance).await
}

async fn log_in<P: Protocol>(
    protocol: &Arc<P>,
    entrance: &Arc<Entrance>,
    (mut wire, mut opened): (Wire, P::Opened),
    deadline: Instant,
    presence: Presence,
) {
    let session = Arc::clone(wire.guard.session());
    let connected = tokio::select! {
        biased;
        () = session.ending() => {
            let reason = session.kill_reason().unwrap_or(KillReason::Administrator);
            Err(NotConnected::Refused(Refusal::Killed { reason, server: None }))
        }
        () = tokio::time::sleep_until(deadline) => Err(NotConnected::Refused(Refusal::TooLate)),
        connected = connect(&**protocol, entrance, &mut wire, &mut opened) => connected,
    };
    match connected {
        Ok((connected, place)) => {
            let protocol = Arc::clone(protocol);
            let holds = (place, presence);
            if let Some(relay) = relay(protocol, entrance, wire, connected, holds) {
                tokio::spawn(relay);
            }
        }
        Err(NotConnected::Refused(refusal)) => {
            protocol.refuse(&refusal, Some(&opened), &mut wire.output);
            refuse(wire, &refusal.end()).await;
        }
        Err(NotConnected::Told(end)) => refuse(wire, &end).await,
    }
}

/// Why a client is sent away before it is a session of a server.
enum NotConnected {
    /// It is to be told.
    Refused(Refusal),
    /// It has been told, or there is nobody to tell.
    Told(End),
}

async fn refuse(wire: Wire, end: &End) {
    end.report(wire.guard.session(), None);
    wire.close().await;
}

/// A client that is logged in, and where.
struct Connected<P: Protocol> {
    logged_in: LoggedIn<P>,
    backend: Arc<Backend>,
    connection: CountedConnection,
}

/// Finds a server for the client, and lets it log in there.
async fn connect<P: Protocol>(
    protocol: &P,
    entrance: &Arc<Entrance>,
    wire: &mut Wire,
    opened: &mut P::Opened,
) -> Result<(Connected<P>, OwnedSemaphorePermit), NotConnected> {
    let proxied = &entrance.proxied;
    let service = &proxied.service.name;
    wire.show_tls();
    let place = Arc::clone(&proxied.places).try_acquire_owned();
    let place = place.map_err(|_| {
        let service = Arc::clone(service);
        NotConnected::Refused(Refusal::TooManySessions { service })
    })?;
    let candidates = proxied.router.candidates();
    if candidates.is_empty() {
        let service = Arc::clone(service);
        return Err(NotConnected::Refused(Refusal::NoServer { service }));
    }
    let session = wire.guard.id();
    let mut said = None;
    for backend in candidates {
        let limit = proxied.config.connect_timeout;
        let server = match protocol.connect(&backend, Origin::of(wire), limit).await {
            Ok(server) => server,
            Err(error) => {
                tracing::warn!(%session, %service, %error, "cannot give a session to a server");
                continue;
            }
        };
        match log_in_to(protocol, entrance, wire, opened, (&backend, server)).await {
            Ok(connected) => return Ok((connected, place)),
            Err(Failed::Unavailable { why, said: heard }) => {
                let server = &backend.server.name;
                tracing::warn!(%session, %service, %server, why, "a server does not take a session");
                said = heard.or(said);
            }
            Err(Failed::End(end)) => return Err(NotConnected::Told(end)),
        }
    }
    if let Some(message) = said {
        wire.output.extend_from_slice(&message);
        let end = End::LoginFailed("no server takes the session".to_owned());
        return Err(NotConnected::Told(end));
    }
    let service = Arc::clone(service);
    Err(NotConnected::Refused(Refusal::Unreachable { service }))
}

async fn log_in_to<P: Protocol>(
    protocol: &P,
    entrance: &Arc<Entrance>,
    wire: &mut Wire,
    opened: &mut P::Opened,
    (backend, server): (&Arc<Backend>, Transport),
) -> Result<Connected<P>, Failed> {
    let connection = backend.server.count_connection();
    let name = &backend.server.name;
    let tls = server.tls();
    wire.guard.update(|profile| {
        profile.server = Some(Arc::clone(name));
        profile.connections = vec![Connection {
            server: Arc::clone(name),
            connection_id: None,
            state: ConnectionState::Connecting,
            connected_us: crate::session::Reading::now().utc_us,
            tls: tls.as_deref().map(Into::into),
        }];
    });
    let login = Login {
        entrance,
        wire,
        backend,
        server,
    };
    let logged_in = protocol.log_in(login, opened).await;
    if matches!(logged_in, Err(Failed::Unavailable { .. })) {
        wire.guard.update(|profile| {
            profile.server = None;
            profile.connections = Vec::new();
        });
    }
    Ok(Connected {
        logged_in: logged_in?,
        backend: Arc::clone(backend),
        connection,
    })
}

/// The traffic of a client that is logged in, to its end; `None` when its connection has been lost.
fn relay<P: Protocol>(
    protocol: Arc<P>,
    entrance: &Arc<Entrance>,
    mut wire: Wire,
    connected: Connected<P>,
    (place, presence): (OwnedSemaphorePermit, Presence),
) -> Option<impl Future<Output = ()> + Send + use<P>> {
    let LoggedIn {
        server,
        rest,
        walk,
        key,
        cancel,
    } = connected.logged_in;
    let holdings = Holdings {
        protocol,
        key,
        cancel,
        backend: connected.backend,
        _connection: connected.connection,
        _place: place,
        _presence: presence,
    };
    let config = &entrance.proxied.config;
    let timeouts = Timeouts::new(config.idle_timeout, config.idle_in_transaction_timeout);
    let ahead = std::mem::take(&mut wire.input);
    let (client, session) = wire.into_parts()?;
    if let Some(cancel) = &holdings.cancel {
        let (cancel, runtime) = (Arc::clone(cancel), Handle::current());
        session.on_cancel(move || {
            let cancel = Arc::clone(&cancel);
            runtime.spawn(async move { cancel.request().await });
        });
    }
    let mut relay = Relay {
        client,
        server,
        to_server: Pump::default(),
        to_client: Pump::default(),
        track: walk,
        session,
        timeouts,
        hears_kill: false,
    };
    let passed = relay.begin(ahead, rest);
    let user = log_begin(&relay.session, &holdings, &entrance.proxied.registry);
    Some(async move {
        let end = match passed {
            Ok(()) => poll_fn(|cx| relay.poll_run(cx)).await,
            Err(why) => End::ClientViolation(why),
        };
        end.report(relay.session.session(), user.as_deref());
        // Boxed, so that the task of a session is no larger than relaying needs.
        Box::pin(part(relay, holdings, end)).await;
    })
}

fn log_begin<P: Protocol>(
    session: &SessionGuard,
    holdings: &Holdings<P>,
    registry: &Registry,
) -> Option<Arc<str>> {
    let user = registry.profile(session).and_then(|p| p.user.clone());
    let (service, server) = (
        &session.listener().service.name,
        &holdings.backend.server.name,
    );
    let (id, remote) = (session.id(), session.remote().address());
    let name = user.as_deref();
    tracing::debug!(session = %id, %service, %server, user = name, remote, "a client logged in");
    user
}
