use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::{KillReason, Session};

/// Ten years: no session lives longer, and no clock overflows.
const DELAY_MAX: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

impl Session {
    /// Tells the session to end when `ttl` is over, if it still lives then. Of several such orders the last one counts:
    /// a session has one timer at most, which ends with it. Must be called on a Tokio runtime.
    ///
    /// Returns whether the session will be told by this call: false when it has been told before or has ended.
    pub fn kill_after(self: &Arc<Self>, ttl: Duration) -> bool {
        if self.is_ended() || self.kill_reason().is_some() {
            return false;
        }
        let at = Instant::now() + ttl.min(DELAY_MAX);
        let mut first = None;
        let timer = self.kill_at.get_or_init(|| {
            let (timer, moments) = watch::channel(at);
            first = Some(moments);
            timer
        });
        match first {
            Some(moments) => {
                tokio::spawn(kill_at(Arc::clone(self), moments));
            }
            None => {
                timer.send_replace(at);
            }
        }
        true
    }
}

async fn kill_at(session: Arc<Session>, mut moments: watch::Receiver<Instant>) {
    loop {
        let at = *moments.borrow_and_update();
        tokio::select! {
            () = session.ending() => return,
            () = sleep_until(at) => {
                session.kill(KillReason::Administrator);
                return;
            }
            Ok(()) = moments.changed() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use tokio::time::timeout;

    use super::*;
    use crate::session::{Listener, Registry, Remote, Service, SessionGuard};

    const LIMIT: Duration = Duration::from_secs(20);
    const LONG: Duration = Duration::from_secs(3600);

    fn session() -> SessionGuard {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let service = Arc::new(Service::new("app", "readconnroute"));
        let listener = Arc::new(Listener::new("app", &service, "postgresql", address));
        let registry = Registry::new();
        let guard = registry.register(&listener, Remote::Unix);
        guard.expect("a free id")
    }

    #[tokio::test]
    async fn the_last_order_counts() {
        let guard = session();
        let session = guard.session();
        assert!(session.kill_after(Duration::MAX));
        assert!(session.kill_after(LONG));
        assert_eq!(session.kill_reason(), None);
        assert!(session.kill_after(Duration::from_millis(1)));
        timeout(LIMIT, guard.killed()).await.expect("a kill");
        assert_eq!(session.kill_reason(), Some(KillReason::Administrator));
        assert!(!session.kill_after(LONG));
    }

    #[tokio::test]
    async fn the_timer_ends_with_the_session() {
        let guard = session();
        let session = Arc::downgrade(guard.session());
        for _ in 0..3 {
            assert!(guard.session().kill_after(LONG));
        }
        drop(guard);
        let gone = async {
            while session.upgrade().is_some() {
                tokio::task::yield_now().await;
            }
        };
        timeout(LIMIT, gone).await.expect("nobody holds it");
    }
}
