//! The sockets of the REST door: accepting, TLS, HTTP/1.1 and HTTP/2, limits and drain.

use std::convert::Infallible;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Door;
use super::answer::{answer, refuse};
use super::front::{Front, Refused};
use super::head::{HEAD_BYTES_MAX, TLS_HANDSHAKE};
use super::linger::Lingering;
use super::pulse::{Hold, Pulse};

/// Requests of one HTTP/2 connection at a time.
const STREAMS_MAX: u32 = 32;
/// Bytes of an HTTP/2 response that wait for the client.
const SEND_BYTES_MAX: usize = 256 * 1024;
/// Clients over the limit that are waited for at a time until they have read that they are; others are hung up on as
/// soon as it is sent.
const TURNED_AWAY_MAX: usize = 256;
/// How long they are waited for.
const TURN_AWAY_TIMEOUT: Duration = Duration::from_secs(1);
/// The pause after an error that the next accept would meet again, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The share of the drain that requests under way have. What is left is for cutting the others off: whoever waits
/// for the door as long as it was told to drain sees it closed, not given up.
const DRAIN_SHARE: (u32, u32) = (9, 10);

/// What a client is told that does not encrypt where it must.
const TLS_ONLY: &str = "this door speaks HTTPS only: begin the address with https://";

const BUSY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    Content-Type: application/json; charset=utf-8\r\n\
    Content-Length: 56\r\n\
    Connection: close\r\n\r\n\
    {\"errors\":[{\"detail\":\"there are too many connections\"}]}";

/// What a request needs to know of the connection that it came by.
pub struct Arrival {
    /// The client's address.
    pub peer: SocketAddr,
    /// The address that it connected to.
    pub bound: SocketAddr,
    /// Whether the connection is encrypted.
    pub secure: bool,
    /// Cancelled when no further request is answered.
    pub closing: CancellationToken,
    /// Kept for as long as the request is under way.
    pub hold: Hold,
}

#[cfg(test)]
impl Arrival {
    /// A request of nobody's connection.
    pub fn of(peer: SocketAddr, secure: bool) -> Self {
        Self {
            peer,
            bound: SocketAddr::from(([127, 0, 0, 1], 8989)),
            secure,
            closing: CancellationToken::new(),
            hold: Hold::new(&Arc::default()),
        }
    }
}

/// Serves clients of the listener until `shutdown`, then lets the requests under way end, for a bounded time.
///
/// # Errors
/// When the listener has no address.
pub async fn serve(
    listener: TcpListener,
    door: Arc<Door>,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let drain_timeout = door.options.drain_timeout * DRAIN_SHARE.0 / DRAIN_SHARE.1;
    let room = Arc::new(Semaphore::new(door.options.connections_max));
    let turned_away = Arc::new(Semaphore::new(TURNED_AWAY_MAX));
    let tasks = TaskTracker::new();
    let cut_off = CancellationToken::new();
    let server = Arc::new(Server {
        bound: listener.local_addr()?,
        http: http(door.options.head_timeout),
        door,
        closing: shutdown.clone(),
        cut_off: cut_off.clone(),
    });
    let mut is_full = false;
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a client");
                tokio::select! {
                    () = shutdown.cancelled() => break,
                    () = sleep(ACCEPT_PAUSE) => continue,
                }
            }
        };
        if let Ok(permit) = Arc::clone(&room).try_acquire_owned() {
            is_full = false;
            let server = Arc::clone(&server);
            tasks.spawn(async move {
                server.greet(stream, peer).await;
                drop(permit);
            });
            continue;
        }
        if !is_full {
            is_full = true;
            let connections = server.door.options.connections_max;
            tracing::warn!(%peer, connections, "all connections are taken: clients are turned away");
        }
        // It would take a handshake to tell a client that expects TLS.
        if server.door.tls.is_some() {
            continue;
        }
        tell_busy(&stream);
        if let Ok(permit) = Arc::clone(&turned_away).try_acquire_owned() {
            tasks.spawn(async move {
                see_off(stream).await;
                drop(permit);
            });
        }
    }
    drop(listener);
    tasks.close();
    if timeout(drain_timeout, tasks.wait()).await.is_err() {
        cut_off.cancel();
        tasks.wait().await;
    }
    Ok(())
}

fn http(head_timeout: Duration) -> auto::Builder<TokioExecutor> {
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        // Heads come to it whole.
        .header_read_timeout(None)
        .max_buf_size(HEAD_BYTES_MAX + 1);
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEAD_BYTES_MAX as u32)
        .max_send_buf_size(SEND_BYTES_MAX)
        .keep_alive_interval(head_timeout)
        .keep_alive_timeout(head_timeout);
    http
}

/// Whether a connection is encrypted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Security {
    /// It is not.
    None,
    Tls,
    /// It is not, and should be.
    Missing,
}

/// What a client of a door with a certificate begins with.
enum Greeted {
    Tls(Box<TlsStream<TcpStream>>),
    Plain(TcpStream),
}

/// Whether a client begins with TLS, of which nothing is read; one that says nothing does.
async fn speaks_tls(stream: &TcpStream) -> io::Result<bool> {
    let mut first = [TLS_HANDSHAKE];
    stream.peek(&mut first).await?;
    Ok(first == [TLS_HANDSHAKE])
}

/// What all connections share.
struct Server {
    door: Arc<Door>,
    bound: SocketAddr,
    http: auto::Builder<TokioExecutor>,
    /// Drains the connections.
    closing: CancellationToken,
    /// Ends the drain.
    cut_off: CancellationToken,
}

impl Server {
    /// Gets to HTTP, by TLS where there is a certificate.
    async fn greet(&self, stream: TcpStream, peer: SocketAddr) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%peer, %error, "cannot turn off delayed sending");
        }
        let Some(tls) = &self.door.tls else {
            return self.converse(stream, peer, Security::None).await;
        };
        let handshake = timeout(self.door.options.handshake_timeout, async {
            match speaks_tls(&stream).await? {
                true => tls
                    .acceptor()
                    .accept(stream)
                    .await
                    .map(|stream| Greeted::Tls(Box::new(stream))),
                false => Ok(Greeted::Plain(stream)),
            }
        });
        let outcome = tokio::select! {
            outcome = handshake => outcome,
            () = self.closing.cancelled() => return,
        };
        match outcome {
            Ok(Ok(Greeted::Tls(stream))) => self.converse(*stream, peer, Security::Tls).await,
            Ok(Ok(Greeted::Plain(stream))) => self.converse(stream, peer, Security::Missing).await,
            Ok(Err(error)) => tracing::debug!(%peer, %error, "a TLS handshake failed"),
            Err(_) => tracing::debug!(%peer, "a TLS handshake took too long"),
        }
    }

    /// Serves one connection to its end.
    async fn converse<S>(&self, stream: S, peer: SocketAddr, security: Security)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let pulse = Arc::new(Pulse::default());
        let refused = Arc::new(Refused::default());
        let requests = AtomicU64::new(0);
        let service = service_fn(|request: hyper::Request<Incoming>| {
            let unread = refused.take(requests.fetch_add(1, Ordering::Relaxed) + 1);
            let door = Arc::clone(&self.door);
            let arrival = Arrival {
                peer,
                bound: self.bound,
                secure: security == Security::Tls,
                closing: self.closing.clone(),
                hold: Hold::new(&pulse),
            };
            let (head, body) = request.into_parts();
            async move {
                Ok::<_, Infallible>(match unread {
                    Some(unread) => refuse(&door, &arrival, unread),
                    None => answer(&door, arrival, head, body).await,
                })
            }
        });
        let idle_max = self.door.options.head_timeout;
        let stream = Lingering::new(stream, self.closing.clone());
        let stream = Front::new(stream, Arc::clone(&pulse), Arc::clone(&refused), idle_max)
            .refusing((security == Security::Missing).then_some(TLS_ONLY));
        let stream = TokioIo::new(stream);
        let mut connection = pin!(self.http.serve_connection(stream, service));
        let mut draining = false;
        let mut next_look = Instant::now() + idle_max;
        loop {
            tokio::select! {
                outcome = connection.as_mut() => {
                    if let Err(error) = outcome {
                        tracing::debug!(%peer, %error, "a connection failed");
                    }
                    return;
                }
                () = self.cut_off.cancelled() => return,
                () = self.closing.cancelled(), if !draining => {
                    draining = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = sleep_until(next_look) => {
                    let quiet = pulse.quiet();
                    if quiet.is_some_and(|quiet| quiet >= idle_max) {
                        tracing::debug!(%peer, "an idle connection is closed");
                        return;
                    }
                    next_look = Instant::now() + idle_max.saturating_sub(quiet.unwrap_or_default());
                }
            }
        }
    }
}

/// Tells a client over the limit that it is, without waiting: it may be one of many that never say anything.
fn tell_busy(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    let mut socket = &*socket;
    // A socket that is closed with unread bytes may take its answer back.
    let read = socket.read(&mut [0; 4096]);
    let told = match read {
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
        _ => socket.write_all(BUSY),
    };
    // Errors do not matter: it is leaving.
    if let Err(error) = told.and_then(|()| socket.shutdown(Shutdown::Write)) {
        tracing::debug!(%error, "a client over the limit left");
    }
}

/// Waits for a client that was told to leave: what it still sends would otherwise take the answer back.
async fn see_off(mut stream: TcpStream) {
    let mut request = [0; 4096];
    let leaving = async {
        while stream.read(&mut request).await? > 0 {}
        io::Result::Ok(())
    };
    match timeout(TURN_AWAY_TIMEOUT, leaving).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a client over the limit left"),
        Err(_) => tracing::debug!("a client over the limit stayed"),
    }
}
