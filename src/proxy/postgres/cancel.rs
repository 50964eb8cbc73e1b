//! A request to cancel, translated: the client names its session and the key that we gave it, the server hears its own
//! process number and key.

use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::opening::CANCEL_REQUEST;
use crate::proxy::backend::Backend;
use crate::proxy::protocol::Cancel;

/// Length field, request code and process number.
const REQUEST_BYTES: usize = 12;

/// What a session's running statement is cancelled with. The server process is the session's own for all of its life:
/// a request that comes late meets the session's next statement at worst, as it does without a proxy, and never
/// somebody else's.
pub(crate) struct CancelTarget {
    /// The session's server.
    pub backend: Arc<Backend>,
    /// The server's number for the session's process.
    pub process: [u8; 4],
    /// The server's key for it.
    pub secret: Bytes,
    /// How long a connection to the server may take, and the server's answer to a request.
    pub timeout: Duration,
}

impl Cancel for CancelTarget {
    /// The server closes the connection when it has taken note of the request.
    async fn request(&self) {
        let mut server = match self.backend.connect(self.timeout).await {
            Ok(server) => server,
            Err(error) => {
                tracing::warn!(%error, "a statement could not be cancelled");
                return;
            }
        };
        let length = REQUEST_BYTES + self.secret.len();
        let mut request = BytesMut::with_capacity(length);
        request.put_u32(length as u32);
        request.put_u32(CANCEL_REQUEST);
        request.put_slice(&self.process);
        request.put_slice(&self.secret);
        let noted = async {
            server.write_all(&request).await?;
            server.flush().await?;
            server.read(&mut [0]).await
        };
        match tokio::time::timeout(self.timeout, noted).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                let server = &self.backend.server.name;
                tracing::debug!(%server, %error, "a request to cancel was broken off");
            }
            Err(_) => {
                let server = &self.backend.server.name;
                tracing::warn!(%server, "a request to cancel was not taken note of in time");
            }
        }
    }
}
