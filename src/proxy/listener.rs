//! Accepts clients for a service.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener as StdUnixListener, UnixStream as StdUnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::accept;
use super::client;
use super::relays::Relays;
use super::service::{Entrance, Presence, Speaks};
use super::transport::Socket;
use super::wire::Wire;
use crate::session::{ListenAddress, Remote};

/// Everybody on this host may connect to a UNIX socket, as to the servers' own; the server authenticates.
const UNIX_SOCKET_MODE: u32 = 0o777;

/// A bound address.
#[derive(Debug)]
pub(super) enum Bound {
    Tcp(TcpListener, SocketAddr),
    Unix(UnixListener, SocketFile),
}

/// The file of a UNIX socket, which is removed when this is dropped.
#[derive(Debug)]
pub(super) struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A client's socket, between the runtime that accepted it and the one that serves it.
enum Accepted {
    Tcp(std::net::TcpStream, SocketAddr),
    Unix(StdUnixStream),
}

impl Bound {
    /// Binds an address. Must be called inside a runtime.
    ///
    /// # Errors
    /// When the address is taken or not this host's.
    pub fn new(address: &ListenAddress) -> io::Result<Self> {
        match address {
            ListenAddress::Tcp(address) => {
                let (listener, address) = accept::listen(*address)?;
                Ok(Self::Tcp(listener, address))
            }
            ListenAddress::Unix(path) => Self::unix(path),
        }
    }

    fn unix(path: &Path) -> io::Result<Self> {
        remove_stale(path)?;
        let listener = StdUnixListener::bind(path)?;
        let file = SocketFile(path.to_owned());
        fs::set_permissions(path, fs::Permissions::from_mode(UNIX_SOCKET_MODE))?;
        listener.set_nonblocking(true)?;
        Ok(Self::Unix(UnixListener::from_std(listener)?, file))
    }

    /// The real address.
    pub fn address(&self) -> ListenAddress {
        match self {
            Self::Tcp(_, address) => ListenAddress::Tcp(*address),
            Self::Unix(_, file) => ListenAddress::Unix(file.0.clone()),
        }
    }

    async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Self::Tcp(listener, _) => {
                let (tcp, peer) = listener.accept().await?;
                Ok(Accepted::Tcp(tcp.into_std()?, peer))
            }
            Self::Unix(listener, _) => {
                let (unix, _) = listener.accept().await?;
                Ok(Accepted::Unix(unix.into_std()?))
            }
        }
    }
}

/// Removes the file of a socket that nobody listens on any more, as a crash leaves it behind.
fn remove_stale(path: &Path) -> io::Result<()> {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    if !is_socket {
        return Ok(());
    }
    match StdUnixStream::connect(path) {
        Ok(_) => Err(io::ErrorKind::AddrInUse.into()),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        // The bind says what is wrong.
        Err(_) => Ok(()),
    }
}

impl Accepted {
    /// Goes on in the runtime of the caller.
    fn into_socket(self) -> io::Result<(Socket, Remote)> {
        match self {
            Self::Tcp(tcp, peer) => {
                let socket = Socket::tcp(TcpStream::from_std(tcp)?)?;
                Ok((socket, Remote::Tcp(peer)))
            }
            Self::Unix(unix) => Ok((Socket::Unix(UnixStream::from_std(unix)?), Remote::Unix)),
        }
    }
}

/// Accepts clients until `shutdown`; each is served on one of the relay threads, and counted by `clients`.
pub(super) async fn accept(
    bound: Bound,
    entrance: Arc<Entrance>,
    relays: Arc<Relays>,
    clients: TaskTracker,
    shutdown: CancellationToken,
) {
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            accepted = bound.accept() => accepted,
        };
        match accepted {
            Ok(accepted) => serve(accepted, &entrance, &relays, &clients),
            Err(error) => {
                let next = accept::after_failure(&error, &entrance.listener.name, &shutdown);
                if next.await.is_break() {
                    break;
                }
            }
        }
    }
}

fn serve(accepted: Accepted, entrance: &Arc<Entrance>, relays: &Relays, clients: &TaskTracker) {
    let Ok(socket) = Arc::clone(&entrance.proxied.sockets).try_acquire_owned() else {
        let listener = &entrance.listener.name;
        tracing::warn!(%listener, "a client was turned away: too many are logging in");
        return;
    };
    let Some(place) = relays.choose() else {
        return;
    };
    let (runtime, lane) = (place.runtime().clone(), place.lane());
    let presence = Presence::new(socket, place, clients.token());
    let entrance = Arc::clone(entrance);
    runtime.spawn(async move {
        let registered = accepted.into_socket().and_then(|(client, remote)| {
            let registry = &entrance.proxied.registry;
            let guard = registry.register(&entrance.listener, remote);
            let mut guard = guard.map_err(io::Error::other)?;
            guard.count_in(lane);
            Ok(Wire::new(client, guard))
        });
        match registered {
            Ok(wire) => match &entrance.speaks {
                Speaks::Postgres(postgres) => {
                    client::serve(Arc::clone(postgres), entrance, wire, presence).await;
                }
                Speaks::MariaDb(mariadb) => {
                    client::serve(Arc::clone(mariadb), entrance, wire, presence).await;
                }
            },
            Err(error) => tracing::debug!(%error, "a client left before it was served"),
        }
    });
}
