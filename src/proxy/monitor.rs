//! Placeholder until merged.
use super::backend::Backend;
use crate::config::MonitorConfig;
use crate::session::{Health, Server};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
/// One look at all servers.
pub async fn first_look(servers: &[(Arc<Backend>, MonitorConfig)]) {
    for (b, c) in servers {
        b.server.set_health(if b.reach(c.timeout).await.is_ok() {
            Health::Up
        } else {
            Health::Down
        });
    }
}
/// Watches.
pub async fn watch(
    _backend: Arc<Backend>,
    _config: MonitorConfig,
    _went_down: impl Fn(&Server),
    shutdown: CancellationToken,
) {
    shutdown.cancelled().await;
}
