//! What everybody does who accepts clients.

use std::io;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1024;
/// Pause after a failed accept that is the system's trouble and not the client's, such as no free descriptor.
const PAUSE: Duration = Duration::from_millis(100);

/// Listens on a TCP address; returns the real one, too. Must be called inside a runtime.
///
/// # Errors
/// When the address is taken or not this host's.
pub(crate) fn listen(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let kind = Type::STREAM.nonblocking();
    let socket = Socket::new(Domain::for_address(address), kind, Some(Protocol::TCP))?;
    // A restart must not wait until the kernel has forgotten the last clients.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    let listener = TcpListener::from_std(socket.into())?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Takes note of a failed accept, with a pause if the next one would fail as well. Breaks at `shutdown`.
pub(crate) async fn after_failure(
    error: &io::Error,
    listener: &str,
    shutdown: &CancellationToken,
) -> ControlFlow<()> {
    if is_the_clients(error) {
        tracing::debug!(listener, %error, "a client left before it was accepted");
        return ControlFlow::Continue(());
    }
    tracing::warn!(listener, %error, "cannot accept a client");
    tokio::select! {
        () = shutdown.cancelled() => ControlFlow::Break(()),
        () = sleep(PAUSE) => ControlFlow::Continue(()),
    }
}

/// Whether a failed accept concerns only the client that was about to be accepted.
fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionReset | Interrupted
    )
}
