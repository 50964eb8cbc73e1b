//! How a session ends: both sides hear what there is to tell, within bounds, and are closed.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::client::Holdings;
use super::end::End;
use super::protocol::{Cancel, Protocol, Refusal};
use super::relay::{Relay, Track};
use super::transport::{LINGER, Transport};

/// How long the message that is under way may take to reach a client that is sent away, and its farewell after it.
const FAREWELL: Duration = Duration::from_secs(1);
/// How long a server may be silent before it is hung up on, when its client has gone.
const SERVER_LINGER: Duration = Duration::from_secs(10);

/// Tells both sides what there is to tell, and closes.
pub(super) async fn part<P: Protocol>(
    mut relay: Relay<P::Walk>,
    mut holdings: Holdings<P>,
    end: End,
) {
    match &end {
        End::ClientQuit | End::ClientEof => leave_client(&mut relay).await,
        End::ClientReset(_) => hang_up(&mut relay.server, P::GOODBYE).await,
        End::ServerEof | End::ServerError | End::ServerReset(_) => {
            leave_server(&mut relay).await;
        }
        End::Killed(_)
        | End::ClientViolation(_)
        | End::ServerViolation(_)
        | End::LoginFailed(_) => {
            if let (true, Some(cancel)) = (relay.track.is_active(), &holdings.cancel) {
                let cancel = Arc::clone(cancel);
                tokio::spawn(async move { cancel.request().await });
            }
            send_away(&mut relay, &holdings, &end).await;
            hang_up(&mut relay.server, P::GOODBYE).await;
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
async fn leave_client<T: Track>(relay: &mut Relay<T>) {
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
    let _ = timeout(LINGER, relay.client.shutdown()).await;
}

/// The server has gone: the client gets what it said, and its end.
async fn leave_server<T: Track>(relay: &mut Relay<T>) {
    // What the server said before it went may still be unread, when it was a write that failed.
    let drained = poll_fn(|cx| relay.poll_drain_server(cx));
    if timeout(FAREWELL, drained).await.is_err() {
        return;
    }
    let _ = timeout(FAREWELL, flush_client(relay)).await;
    relay.client.linger(usize::MAX).await;
}

async fn flush_client<T: Track>(relay: &mut Relay<T>) -> io::Result<()> {
    poll_fn(|cx| relay.to_client.poll_flush(&mut relay.client, cx)).await?;
    relay.client.flush().await
}

/// Tells the client why it is sent away, behind the message that is under way.
async fn send_away<P: Protocol>(relay: &mut Relay<P::Walk>, holdings: &Holdings<P>, end: &End) {
    let Some(refusal) = Refusal::of(end, Some(&holdings.backend.server.name)) else {
        return;
    };
    let told = async {
        poll_fn(|cx| relay.poll_finish_message(cx)).await?;
        let mut message = BytesMut::new();
        let protocol = &holdings.protocol;
        protocol.send_away(&refusal, &relay.track, &mut message);
        relay.session.sent(message.len() as u64);
        relay.to_client.hold(&message);
        flush_client(relay).await
    };
    if matches!(timeout(FAREWELL, told).await, Ok(Ok(()))) {
        relay.client.linger(usize::MAX).await;
    }
}

/// Says goodbye to the server, as far as it takes it at once.
async fn hang_up(server: &mut Transport, goodbye: &[u8]) {
    let said = async {
        server.write_all(goodbye).await?;
        server.shutdown().await
    };
    let _ = timeout(LINGER, said).await;
}
