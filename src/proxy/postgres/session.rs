//! A proxied client, from its first byte to its end.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout, timeout_at};

use super::cancel::CancelTarget;
use super::error::SqlError;
use super::keys::{IssuedKey, KEY_BYTES_3_0, KEY_BYTES_3_2};
use super::login::{Failed, Login, ServerKey};
use super::opening::{self, Opening, StartupMessage};
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
    Connection, ConnectionState, CountedConnection, KillReason, Session, SessionGuard,
};

/// How long the message that is under way may take to reach a client that is sent away, and its farewell after it.
const FAREWELL: Duration = Duration::from_secs(1);
/// How long a server may be silent before it is hung up on, when its client has gone.
const SERVER_LINGER: Duration = Duration::from_secs(10);
/// How long a client may take to hang up, when its server has gone: closing a socket with unread bytes in it would
/// reset the connection, and the last message would be lost with it.
const CLIENT_LINGER: Duration = Duration::from_millis(250);

/// Terminate.
const TERMINATE: &[u8] = b"X\0\0\0\x04";

impl Track for Walk {
    fn client_sent(&mut self, bytes: &mut [u8], session: &SessionGuard) -> Result<(), String> {
        self.client_bytes(bytes, session)
            .map_err(|error| error.to_string())
    }

    fn server_sent(&mut self, bytes: &mut [u8], session: &SessionGuard) -> Result<(), String> {
        self.server_bytes(bytes, session)
            .map_err(|error| error.to_string())
    }

    fn is_idle_outside_transaction(&self) -> bool {
        Walk::is_idle_outside_transaction(self)
    }

    fn server_bytes_to_boundary(&self) -> usize {
        Walk::server_bytes_to_boundary(self)
    }

    fn client_end(&self) -> End {
        match self.has_quit() {
            true => End::ClientQuit,
            false => End::ClientEof,
        }
    }

    fn server_end(&self) -> End {
        match (self.has_quit(), self.has_failed()) {
            (true, _) => End::ClientQuit,
            (false, true) => End::ServerError,
            (false, false) => End::ServerEof,
        }
    }
}

/// What a session holds on to besides its sockets, given back when it ends.
struct Holdings {
    key: Option<IssuedKey<Arc<CancelTarget>>>,
    target: Option<Arc<CancelTarget>>,
    backend: Arc<Backend>,
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
    let opened = tokio::select! {
        biased;
        () = session.ending() => return,
        opened = timeout_at(deadline, opening::open(wire, entrance.tls.as_deref())) => opened,
    };
    match opened {
        Ok(Opening::Login(wire, startup)) => {
            log_in(&entrance, &session, wire, &startup, deadline, presence).await;
        }
        Ok(Opening::Cancel(wire, id, secret)) => {
            match entrance.proxied.keys.open(id, &secret) {
                Some(target) => target.request().await,
                None => tracing::debug!(session = %id, "a request to cancel without the right key"),
            }
            // The requester waits for the end of its connection, which tells that the server knows.
            drop(wire);
        }
        Ok(Opening::Refused(wire, error)) => {
            let end = End::ClientViolation(error.message.clone());
            refuse(wire, &session, Some(error), &end).await;
        }
        Ok(Opening::Over) => {}
        Err(_) => report(&session, None, &End::LoginFailed(TOO_LATE.to_owned())),
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
            Err(Refusal::of_session(End::Killed(reason), None))
        }
        () = tokio::time::sleep_until(deadline) => {
            let error = SqlError::fatal("57014", TOO_LATE);
            Err(Refusal::new(error))
        }
        connected = connect(entrance, &mut wire, startup) => connected,
    };
    match connected {
        Ok(connected) => {
            tokio::spawn(relay(entrance, wire, connected, presence));
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

    fn of_session(end: End, server: Option<&str>) -> Self {
        Self {
            error: farewell(&end, server),
            end,
        }
    }
}

async fn refuse(mut wire: Wire, session: &Session, error: Option<SqlError>, end: &End) {
    report(session, None, end);
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
    place: OwnedSemaphorePermit,
}

/// Finds a server for the client, and lets it log in there.
async fn connect(
    entrance: &Arc<Entrance>,
    wire: &mut Wire,
    startup: &StartupMessage,
) -> Result<Connected, Refusal> {
    let proxied = &entrance.proxied;
    let service = &proxied.service.name;
    let tls = wire.tls().map(Into::into);
    if tls.is_some() {
        wire.guard.update(|profile| profile.tls = tls);
    }
    let place = Arc::clone(&proxied.places).try_acquire_owned();
    let mut place = Some(place.map_err(|_| {
        let message = format!("too many sessions on service \"{service}\"");
        Refusal::new(SqlError::fatal("53300", message))
    })?);
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
        match log_in_to(entrance, wire, startup, &backend, server, &mut place).await {
            Ok(connected) => return Ok(connected),
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
    place: &mut Option<OwnedSemaphorePermit>,
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
    let rest = rest?;
    let Some(place) = place.take() else {
        return Err(Failed::End(End::LoginFailed("no place".to_owned())));
    };
    Ok(Connected {
        server,
        rest,
        key: issued,
        backend: Arc::clone(backend),
        connection,
        place,
    })
}

/// The traffic of a client that is logged in, to its end.
fn relay(
    entrance: &Arc<Entrance>,
    mut wire: Wire,
    connected: Connected,
    presence: Presence,
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
        _place: connected.place,
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
    let passed = walk
        .client_sent(&mut ahead, &session)
        .and_then(|()| walk.server_sent(&mut rest, &session));
    session.sent(rest.len() as u64);
    let mut relay = Relay {
        client,
        server,
        to_server: Pump::holding(ahead),
        to_client: Pump::holding(rest),
        track: walk,
        session,
        timeouts,
    };
    let user = log_begin(&relay.session, &holdings, &entrance.proxied.registry);
    async move {
        let end = match passed {
            Ok(()) => poll_fn(|cx| relay.poll_run(cx)).await,
            Err(why) => End::ClientViolation(why),
        };
        report(relay.session.session(), user.as_deref(), &end);
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

fn report(session: &Session, user: Option<&str>, end: &End) {
    let (id, service) = (session.id(), &session.listener().service.name);
    let (remote, reason) = (session.remote().address(), end.reason());
    match end.is_usual() {
        true => tracing::debug!(session = %id, %service, user, remote, reason, "a session ended"),
        false => {
            tracing::info!(session = %id, %service, user, remote, reason, %end, "a session ended");
        }
    }
}

/// Tells both sides what there is to tell, and closes.
async fn part(mut relay: Relay<Walk>, mut holdings: Holdings, end: End) {
    match &end {
        End::ClientQuit | End::ClientEof => leave_client(&mut relay).await,
        End::ClientReset(_) => hang_up(&mut relay.server).await,
        End::ServerEof | End::ServerError | End::ServerReset(_) => {
            leave_server(&mut relay).await;
        }
        End::Killed(_)
        | End::ClientViolation(_)
        | End::ServerViolation(_)
        | End::LoginFailed(_) => {
            if let (true, Some(target)) = (relay.track.is_active(), &holdings.target) {
                let target = Arc::clone(target);
                tokio::spawn(async move { target.request().await });
            }
            send_away(&mut relay, &holdings, &end).await;
            hang_up(&mut relay.server).await;
        }
    }
    // The key goes before the session, whose number may be given out again once it has ended; the place after it, so
    // that there are never more sessions than places.
    drop(holdings.key.take());
    drop(relay);
    drop(holdings);
}

/// The client's stream has ended: the server hears so, and what it still says goes to the client, which may have
/// closed only its own direction.
async fn leave_client(relay: &mut Relay<Walk>) {
    let finished = async {
        poll_fn(|cx| relay.to_server.poll_flush(&mut relay.server, cx)).await?;
        relay.server.shutdown().await
    };
    if !matches!(timeout(SERVER_LINGER, finished).await, Ok(Ok(()))) {
        return;
    }
    loop {
        let before = relay.session.live().bytes_out;
        let drained = poll_fn(|cx| relay.poll_drain_server(cx));
        match timeout(SERVER_LINGER, drained).await {
            Ok(()) => break,
            Err(_) if relay.session.live().bytes_out > before => {}
            Err(_) => return,
        }
    }
    let _ = timeout(CLIENT_LINGER, relay.client.shutdown()).await;
}

/// The server has gone: the client gets what it said, and its end.
async fn leave_server(relay: &mut Relay<Walk>) {
    // What the server said before it went may still be unread, when it was a write that failed.
    let drained = poll_fn(|cx| relay.poll_drain_server(cx));
    if timeout(FAREWELL, drained).await.is_err() {
        return;
    }
    let _ = timeout(FAREWELL, flush_client(relay)).await;
    linger(&mut relay.client).await;
}

async fn flush_client(relay: &mut Relay<Walk>) -> io::Result<()> {
    poll_fn(|cx| relay.to_client.poll_flush(&mut relay.client, cx)).await?;
    relay.client.flush().await
}

/// Tells the client why it is sent away, behind the message that is under way.
async fn send_away(relay: &mut Relay<Walk>, holdings: &Holdings, end: &End) {
    let server = &holdings.backend.server.name;
    let Some(error) = farewell(end, Some(server)) else {
        return;
    };
    let told = async {
        poll_fn(|cx| relay.poll_finish_message(cx)).await?;
        let mut message = BytesMut::new();
        reply::error(&mut message, error);
        relay.session.sent(message.len() as u64);
        relay.to_client.hold(&message);
        flush_client(relay).await
    };
    if matches!(timeout(FAREWELL, told).await, Ok(Ok(()))) {
        linger(&mut relay.client).await;
    }
}

/// What a client hears when its session ends before it wants to.
fn farewell(end: &End, server: Option<&str>) -> Option<SqlError> {
    let (code, message) = match end {
        End::Killed(KillReason::IdleTimeout) => (
            "57P05",
            "terminating connection due to idle-session timeout".to_owned(),
        ),
        End::Killed(KillReason::IdleInTransactionTimeout) => (
            "25P03",
            "terminating connection due to idle-in-transaction timeout".to_owned(),
        ),
        End::Killed(KillReason::ServerDown) => (
            "57P02",
            match server {
                Some(server) => {
                    format!("terminating connection because server \"{server}\" is down")
                }
                None => "terminating connection because its server is down".to_owned(),
            },
        ),
        End::Killed(_) => (
            "57P01",
            "terminating connection due to administrator command".to_owned(),
        ),
        End::ClientViolation(why) => ("08P01", why.clone()),
        End::ServerViolation(_) => (
            "08P01",
            "the server does not follow the protocol".to_owned(),
        ),
        _ => return None,
    };
    Some(SqlError::fatal(code, message))
}

/// Says goodbye to the server, as far as it takes it at once.
async fn hang_up(server: &mut Transport) {
    let said = async {
        server.write_all(TERMINATE).await?;
        server.shutdown().await
    };
    let _ = timeout(CLIENT_LINGER, said).await;
}

/// Closes the direction to the client, and waits a moment for the client to close its own.
async fn linger(client: &mut Transport) {
    let gone = async {
        client.shutdown().await?;
        let mut unread = [0; 4096];
        while client.read(&mut unread).await? > 0 {}
        io::Result::Ok(())
    };
    let _ = timeout(CLIENT_LINGER, gone).await;
}
