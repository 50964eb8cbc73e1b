//! Ending what a session's server runs for it, with the rights of its server's monitor: MariaDB ends nobody's statement
//! without a login, and the proxy keeps no passwords of clients.

use std::sync::Arc;
use std::time::Duration;

use super::client::{Client, ClientError};
use crate::config::MonitorCredentials;
use crate::proxy::backend::Backend;
use crate::proxy::protocol::Cancel;

/// A thread of a server whose monitor may log in.
pub(in crate::proxy) struct KillTarget {
    /// The session's server.
    pub backend: Arc<Backend>,
    /// Who its monitor logs in as.
    pub credentials: Arc<MonitorCredentials>,
    /// The server's number for the session.
    pub thread: u32,
    /// How long a connection to the server may take, and all of it.
    pub timeout: Duration,
}

impl KillTarget {
    async fn kill(&self) -> Result<(), ClientError> {
        let mut client = Client::log_in(&self.backend, &self.credentials, self.timeout).await?;
        client.ask(&format!("KILL QUERY {}", self.thread)).await?;
        client.quit().await;
        Ok(())
    }
}

impl Cancel for KillTarget {
    async fn request(&self) {
        let server = &self.backend.server.name;
        match tokio::time::timeout(self.timeout, self.kill()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%server, %error, "a statement could not be cancelled"),
            Err(_) => tracing::warn!(%server, "a statement was not cancelled in time"),
        }
    }
}
