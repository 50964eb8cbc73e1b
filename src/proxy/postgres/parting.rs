//! How a session ends: both sides hear what there is to tell, within bounds, and are closed.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::error::SqlError;
use super::reply;
use super::session::Holdings;
use super::walk::Walk;
use crate::proxy::end::End;
use crate::proxy::relay::Relay;
use crate::proxy::transport::{LINGER, Transport};
use crate::session::KillReason;

/// How long the message that is under way may take to reach a client that is sent away, and its farewell after it.
const FAREWELL: Duration = Duration::from_secs(1);
/// How long a server may be silent before it is hung up on, when its client has gone.
const SERVER_LINGER: Duration = Duration::from_secs(10);

/// Terminate.
const TERMINATE: &[u8] = b"X\0\0\0\x04";

/// Tells both sides what there is to tell, and closes.
pub(super) async fn part(mut relay: Relay<Walk>, mut holdings: Holdings, end: End) {
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
    let _ = timeout(LINGER, relay.client.shutdown()).await;
}

/// The server has gone: the client gets what it said, and its end.
async fn leave_server(relay: &mut Relay<Walk>) {
    // What the server said before it went may still be unread, when it was a write that failed.
    let drained = poll_fn(|cx| relay.poll_drain_server(cx));
    if timeout(FAREWELL, drained).await.is_err() {
        return;
    }
    let _ = timeout(FAREWELL, flush_client(relay)).await;
    relay.client.linger(usize::MAX).await;
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
        relay.client.linger(usize::MAX).await;
    }
}

/// What a client hears when its session ends before it wants to.
pub(super) fn farewell(end: &End, server: Option<&str>) -> Option<SqlError> {
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
    let _ = timeout(LINGER, said).await;
}
