//! Taking leave of a server that has greeted a client which then left.
//!
//! A server counts each host whose connections end before a login, and after `max_connect_errors` (100) of them in a
//! row it refuses that host (error 1129, "Host is blocked") until somebody logs in from there or flushes its hosts.
//! Behind the proxy every client has the same host: one that only looks whether the port is open, as load balancers
//! do all day, would have everybody locked out. A login that is refused does not count. So the server is told a user
//! that it does not have, as HAProxy's `option mysql-check user` does for the same reason.

use std::io;
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Handle;

use super::capability::{PLUGIN_AUTH, PROTOCOL_41, SECURE_CONNECTION};
use super::packet;
use super::status::{EOF, ERR, OK};
use crate::proxy::backend::{Backend, ConnectError};
use crate::proxy::proxy_protocol::Origin;
use crate::proxy::transport::Transport;

/// Who logs in for nothing: a user that no server should have.
const USER: &[u8] = b"rollcall\0";
/// Longest packet that the server is to send, as clients say by default, in bytes.
const PACKET_BYTES_MAX: u32 = 1 << 24;
/// utf8mb4.
const CHARACTER_SET: u8 = 45;
/// How long a server may take for its refusal.
const PATIENCE: Duration = Duration::from_secs(5);
/// It may ask for an authentication by other means, but not for ever.
const ROUNDS_MAX: usize = 4;

/// COM_QUIT.
pub(super) const GOODBYE: &[u8] = b"\x01\0\0\0\x01";

/// A connection whose server has greeted and has not been answered. When it is dropped, the server is told that
/// nobody comes.
pub(super) struct Unanswered(Option<Transport>);

impl Unanswered {
    pub fn new(server: Transport) -> Self {
        Self(Some(server))
    }

    /// The client answers.
    pub fn take(mut self) -> Option<Transport> {
        self.0.take()
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        if let (Some(server), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(async move {
                let _ = tokio::time::timeout(PATIENCE, decline(server)).await;
            });
        }
    }
}

/// Connects and takes leave again: whether there is a server that answers, if only to say that it takes nobody.
///
/// # Errors
/// When none answers within `limit`.
pub(in crate::proxy) async fn look(backend: &Backend, limit: Duration) -> Result<(), ConnectError> {
    let mut server = backend.connect_plain(Origin::Proxy, limit).await?;
    let mut input = BytesMut::new();
    let greeting = async {
        loop {
            match packet::next(&mut input) {
                Ok(Some(packet)) => return Ok(packet),
                Ok(None) if server.read_buf(&mut input).await? > 0 => {}
                Ok(None) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Err(error) => return Err(io::Error::other(error)),
            }
        }
    };
    let greeting: io::Result<packet::Packet> = tokio::time::timeout(limit, greeting)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    let greeting = greeting.map_err(|source| backend.broken(source))?;
    if greeting.body.first() != Some(&ERR) {
        drop(Unanswered::new(server));
    }
    Ok(())
}

/// Answers a greeting as somebody whom the server refuses.
async fn decline(mut server: Transport) -> io::Result<()> {
    let mut answer = BytesMut::new();
    let capabilities = PROTOCOL_41 | SECURE_CONNECTION | PLUGIN_AUTH;
    // All of them are in the lower half.
    answer.put_u32_le(capabilities as u32);
    answer.put_u32_le(PACKET_BYTES_MAX);
    answer.put_u8(CHARACTER_SET);
    answer.put_bytes(0, 23);
    answer.put_slice(USER);
    // No password.
    answer.put_u8(0);
    answer.put_slice(b"mysql_native_password\0");
    let (mut output, mut input) = (BytesMut::new(), BytesMut::new());
    packet::put(&mut output, 1, &answer);
    for _ in 0..ROUNDS_MAX {
        server.write_all_buf(&mut output).await?;
        server.flush().await?;
        let said = loop {
            match packet::next(&mut input) {
                Ok(Some(packet)) => break packet,
                Ok(None) if server.read_buf(&mut input).await? > 0 => {}
                Ok(None) | Err(_) => return Ok(()),
            }
        };
        match said.body.first() {
            Some(&ERR) | None => break,
            Some(&OK) => {
                server.write_all(GOODBYE).await?;
                break;
            }
            Some(_) => {
                let proof = proof(&said.body);
                packet::put(&mut output, said.sequence.wrapping_add(1), proof);
            }
        }
    }
    server.shutdown().await
}

/// What is said to a server that asks for more. It asks a user that it does not know as it would ask one that it
/// knows, by whatever plugin that one has; a proof of another length than the plugin's would count as no login at all.
fn proof(asked: &[u8]) -> &'static [u8] {
    match asked {
        [EOF, asked @ ..] if asked.starts_with(b"client_ed25519\0") => &[0; 64],
        // PARSEC's salt: `P`, a factor, and bytes of it.
        [1, b'P', _, _, ..] | [b'P', _, _, ..] => &[0; 96],
        _ => &[],
    }
}
