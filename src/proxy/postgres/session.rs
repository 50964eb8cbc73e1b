//! A proxied client, from its first byte to its end.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;

use bytes::BytesMut;
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};

use super::cancel::CancelTarget;
use super::error::SqlError;
use super::keys::{IssuedKey, KEY_BYTES_3_0, KEY_BYTES_3_2};
use super::login::{Failed, Login, ServerKey};
use super::opening::{self, Opening, StartupMessage};
use super::parting::{farewell, part};
use super::reply;
use super::walk::Walk;
use super::wire::Wire;
use crate::config::ChannelBinding;
use crate::proxy::backend::Backend;
use crate::proxy::end::End;
use crate::proxy::relay::{Pump, Relay, Track};
use crate::proxy::service::{Entrance, Presence};
use crate::proxy::timeouts::Timeouts;
use crate::proxy::transport::Transport;
use crate::session::{
    Connection, ConnectionState, CountedConnection, EndReason, KillReason, Session, SessionGuard,
};

/// What a session holds on to besides its sockets, given back when it ends.
pub(super) struct Holdings {
    pub key: Option<IssuedKey<Arc<CancelTarget>>>,
    pub target: Option<Arc<CancelTarget>>,
    pub backend: Arc<Backend>,
    _connection: CountedConnection,
    _place: OwnedSemaphorePermit,
    _presence: Presence,
}

/// Serves one client: logs it in, and leaves its traffic to a task of its own, since a task keeps the size of its
/// largest moment.
pub(in crate::proxy) async fn serve(entrance: Arc<Entrance>, wire: Wire, presence: Presence) {
    let session = Arc::clone(wire.guard.session());
    let config = &entrance.proxied.config;
    let deadline = Instant::now() + config.authentication_timeout;
    match open(wire, &entrance, deadline).await {
        Opening::Login(wire, startup) => {
            log_in(&entrance, &session, wire, &startup, deadline, presence).await;
        }
        Opening::Cancel(wire, id, secret) => {
            session.ends_for(EndReason::CancelRequest);
            match entrance.proxied.keys.open(id, &secret) {
                Some(target) => target.request().await,
                None => tracing::debug!(session = %id, "a request to cancel without the right key"),
            }
            // The requester waits for the end of its connection, which tells that the server knows.
            drop(wire);
        }
        Opening::Refused(wire, error) => {
            let end = End::ClientViolation(error.message.clone());
            refuse(wire, &session, Some(error), &end).await;
        }
        Opening::Over => {}
    }
}

/// Reads what the client begins with, as long as it may take.
async fn open(wire: Wire, entrance: &Entrance, deadline: Instant) -> Opening {
    let session = Arc::clone(wire.guard.session());
    // Most who come no further just go.
    session.ends_for(EndReason::ClientEof);
    // It has the session, which is to end when its end has been told of.
    let mut opening = pin!(opening::open(wire, entrance.tls.as_deref()));
    tokio::select! {
        biased;
        () = session.ending() => Opening::Over,
        opened = timeout_at(deadline, opening.as_mut()) => opened.unwrap_or_else(|_| {
            End::LoginFailed(TOO_LATE.to_owned()).report(&session, None);
            Opening::Over
        }),
    }
}

const TOO_LATE: &str = "canceling authentication due to timeout";

async fn log_in(
    entrance: &Arc<Entrance>,
    session: &Arc<Session>,
    mut wire: Wire,
    startup: &StartupMessage,
    deadline: Instant,
    presence: Presence,
) {
    let connected = tokio::select! {
        biased;
        () = session.ending() => {
            let reason = session.kill_reason().unwrap_or(KillReason::Administrator);
            Err(Refusal::of_session(End::Killed(reason)))
        }
        () = tokio::time::sleep_until(deadline) => {
            let error = SqlError::fatal("57014", TOO_LATE);
            Err(Refusal::new(error))
        }
        connected = connect(entrance, &mut wire, startup) => connected,
    };
    match connected {
        Ok((connected, place)) => {
            tokio::spawn(relay(entrance, wire, connected, (place, presence)));
        }
        Err(Refusal { error, end }) => refuse(wire, session, error, &end).await,
    }
}

/// Why a client is sent away before it is a session of a server.
struct Refusal {
    /// What it is told; `None` when it has been told, or there is nobody to tell.
    error: Option<SqlError>,
    end: End,
}

impl Refusal {
    fn new(error: SqlError) -> Self {
        let end = End::LoginFailed(error.message.clone());
        Self {
            error: Some(error),
            end,
        }
    }

    fn of_session(end: End) -> Self {
        Self {
            error: farewell(&end, None),
            end,
        }
    }
}

async fn refuse(mut wire: Wire, session: &Session, error: Option<SqlError>, end: &End) {
    end.report(session, None);
    if let Some(error) = error {
        reply::error(&mut wire.output, error);
    }
    wire.close().await;
}

/// A client that is logged in.
struct Connected {
    server: Transport,
    /// What the server has sent ahead.
    rest: BytesMut,
    key: Option<(IssuedKey<Arc<CancelTarget>>, Arc<CancelTarget>)>,
    backend: Arc<Backend>,
    connection: CountedConnection,
}

/// Finds a server for the client, and lets it log in there.
async fn connect(
    entrance: &Arc<Entrance>,
    wire: &mut Wire,
    startup: &StartupMessage,
) -> Result<(Connected, OwnedSemaphorePermit), Refusal> {
    let proxied = &entrance.proxied;
    let service = &proxied.service.name;
    let tls = wire.tls().map(Into::into);
    if tls.is_some() {
        wire.guard.update(|profile| profile.tls = tls);
    }
    let place = Arc::clone(&proxied.places).try_acquire_owned();
    let place = place.map_err(|_| {
        let message = format!("too many sessions on service \"{service}\"");
        Refusal::new(SqlError::fatal("53300", message))
    })?;
    let candidates = proxied.router.candidates();
    if candidates.is_empty() {
        let message = format!("service \"{service}\" has no server that takes sessions");
        return Err(Refusal::new(SqlError::fatal("57P03", message)));
    }
    let session = wire.guard.id();
    let mut said = None;
    for backend in candidates {
        let server = match backend.connect(proxied.config.connect_timeout).await {
            Ok(server) => server,
            Err(error) => {
                tracing::warn!(%session, %service, %error, "cannot give a session to a server");
                continue;
            }
        };
        match log_in_to(entrance, wire, startup, &backend, server).await {
            Ok(connected) => return Ok((connected, place)),
            Err(Failed::Unavailable { why, said: frame }) => {
                let server = &backend.server.name;
                tracing::warn!(%session, %service, %server, why, "a server does not take a session");
                said = frame.or(said);
            }
            Err(Failed::End(end)) => return Err(Refusal { error: None, end }),
        }
    }
    if let Some(frame) = said {
        frame.put(&mut wire.output);
        let end = End::LoginFailed("no server takes the session".to_owned());
        return Err(Refusal { error: None, end });
    }
    let message = format!("no server of service \"{service}\" can be reached");
    Err(Refusal::new(SqlError::fatal("08001", message)))
}

async fn log_in_to(
    entrance: &Arc<Entrance>,
    wire: &mut Wire,
    startup: &StartupMessage,
    backend: &Arc<Backend>,
    mut server: Transport,
) -> Result<Connected, Failed> {
    let proxied = &entrance.proxied;
    let connection = backend.server.count_connection();
    let name = &backend.server.name;
    let (client_tls, server_tls) = (wire.tls().is_some(), server.tls());
    wire.guard.update(|profile| {
        profile.server = Some(Arc::clone(name));
        profile.connections = vec![Connection {
            server: Arc::clone(name),
            connection_id: None,
            state: ConnectionState::Connecting,
            connected_us: crate::session::Reading::now().utc_us,
            tls: server_tls.as_deref().map(Into::into),
        }];
    });
    let disabled = entrance.channel_binding == ChannelBinding::Disable;
    let id = wire.guard.id();
    let mut issued = None;
    let mut issue_key = |key: &ServerKey| {
        let target = Arc::new(CancelTarget {
            backend: Arc::clone(backend),
            process: key.process,
            secret: key.secret.clone(),
            timeout: proxied.config.connect_timeout,
        });
        let bytes = match key.secret.len() {
            ..=KEY_BYTES_3_0 => KEY_BYTES_3_0,
            _ => KEY_BYTES_3_2,
        };
        let key = proxied.keys.issue(id, bytes, Arc::clone(&target));
        let secret = key.secret.clone();
        issued = Some((key, target));
        secret
    };
    let login = Login {
        wire,
        server: &mut server,
        strips_channel_binding: server_tls.is_some() && (!client_tls || disabled),
        issue_key: &mut issue_key,
    };
    let rest = login.run(startup).await;
    if matches!(rest, Err(Failed::Unavailable { .. })) {
        wire.guard.update(|profile| {
            profile.server = None;
            profile.connections = Vec::new();
        });
    }
    Ok(Connected {
        server,
        rest: rest?,
        key: issued,
        backend: Arc::clone(backend),
        connection,
    })
}

/// The traffic of a client that is logged in, to its end.
fn relay(
    entrance: &Arc<Entrance>,
    mut wire: Wire,
    connected: Connected,
    (place, presence): (OwnedSemaphorePermit, Presence),
) -> impl Future<Output = ()> + Send + use<> {
    let Connected {
        server, mut rest, ..
    } = connected;
    let (key, target) = connected.key.unzip();
    let holdings = Holdings {
        key,
        target,
        backend: connected.backend,
        _connection: connected.connection,
        _place: place,
        _presence: presence,
    };
    let config = &entrance.proxied.config;
    let timeouts = Timeouts::new(config.idle_timeout, config.idle_in_transaction_timeout);
    let mut ahead = std::mem::take(&mut wire.input);
    let (client, session) = wire.into_parts();
    if let Some(target) = &holdings.target {
        let (target, runtime) = (Arc::clone(target), Handle::current());
        session.on_cancel(move || {
            let target = Arc::clone(&target);
            runtime.spawn(async move { target.request().await });
        });
    }
    let own = session.id().get().to_be_bytes();
    let process = holdings
        .target
        .as_ref()
        .map_or(own, |target| target.process);
    let mut walk = Walk::new(session.id(), process);
    // What either side has sent ahead is the first traffic.
    session.sent(rest.len() as u64);
    let passed = walk
        .client_sent(&mut ahead, &session)
        .and_then(|()| walk.server_sent(&mut rest, &session));
    let mut relay = Relay {
        client,
        server,
        to_server: Pump::holding(ahead),
        to_client: Pump::holding(rest),
        track: walk,
        session,
        timeouts,
        hears_kill: false,
    };
    let user = log_begin(&relay.session, &holdings, &entrance.proxied.registry);
    async move {
        let end = match passed {
            Ok(()) => poll_fn(|cx| relay.poll_run(cx)).await,
            Err(why) => End::ClientViolation(why),
        };
        end.report(relay.session.session(), user.as_deref());
        // Boxed, so that the task of a session is no larger than relaying needs.
        Box::pin(part(relay, holdings, end)).await;
    }
}

fn log_begin(
    session: &SessionGuard,
    holdings: &Holdings,
    registry: &crate::session::Registry,
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
