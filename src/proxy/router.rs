//! Which server a session is given to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::backend::Backend;
use crate::config::RouterConfig;
use crate::session::ServerRole;

/// `readconnroute`: one server for a session, chosen when its client connects.
#[derive(Debug)]
pub struct Router {
    role: Option<ServerRole>,
    backends: Vec<Arc<Backend>>,
    /// Where the next choice begins among servers with equally many connections.
    turn: AtomicUsize,
}

impl Router {
    /// A router over these servers.
    pub fn new(config: RouterConfig, backends: Vec<Arc<Backend>>) -> Self {
        let RouterConfig::ReadConnRoute { role } = config;
        Self {
            role,
            backends,
            turn: AtomicUsize::new(0),
        }
    }

    /// The servers that a new session may be given to, the best first: those with the fewest connections, in turn
    /// among equals. So a burst spreads even before its connections count.
    pub fn candidates(&self) -> Vec<Arc<Backend>> {
        let fits = |backend: &&Arc<Backend>| {
            let server = &backend.server;
            server.takes_sessions() && (self.role.is_none() || server.role() == self.role)
        };
        let mut candidates: Vec<_> = self.backends.iter().filter(fits).cloned().collect();
        if !candidates.is_empty() {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed);
            let start = turn % candidates.len();
            candidates.rotate_left(start);
        }
        // The counters move meanwhile: each is read once.
        candidates.sort_by_cached_key(|backend| backend.server.connections.current());
        candidates
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ServerTls;
    use crate::proxy::backend::tests::config;
    use crate::session::{Health, Server};

    fn backend(name: &str, role: Option<ServerRole>) -> Arc<Backend> {
        let config = config("127.0.0.1", 5432, ServerTls::Disable);
        let server = Server::new(name, &config.host, config.port, "postgresql", role);
        Arc::new(Backend::new(&config, Arc::new(server)).expect("no files to read"))
    }

    fn names(router: &Router) -> Vec<String> {
        let candidates = router.candidates();
        let names = candidates.iter().map(|b| b.server.name.to_string());
        names.collect()
    }

    fn router(role: Option<ServerRole>, backends: &[Arc<Backend>]) -> Router {
        Router::new(RouterConfig::ReadConnRoute { role }, backends.to_vec())
    }

    #[test]
    fn only_servers_of_the_role_are_candidates() {
        let backends = [
            backend("a", Some(ServerRole::Primary)),
            backend("b", Some(ServerRole::Replica)),
            backend("c", None),
        ];
        let replicas = router(Some(ServerRole::Replica), &backends);
        assert_eq!(names(&replicas), ["b"]);
        assert_eq!(names(&router(Some(ServerRole::Primary), &backends)), ["a"]);
        assert_eq!(names(&router(None, &backends)), ["a", "b", "c"]);

        backends[1].server.set_role(Some(ServerRole::Primary));
        backends[2].server.set_role(Some(ServerRole::Replica));
        assert_eq!(names(&replicas), ["c"]);
    }

    #[test]
    fn servers_that_are_down_or_in_maintenance_are_none() {
        let backends = [backend("a", None), backend("b", None), backend("c", None)];
        let router = router(None, &backends);
        backends[0].server.set_health(Health::Down);
        backends[1].server.set_health(Health::Up);
        backends[2].server.set_maintenance(true);
        assert_eq!(names(&router), ["b"]);

        backends[1].server.set_health(Health::Down);
        assert!(names(&router).is_empty());

        backends[0].server.set_health(Health::Up);
        backends[2].server.set_maintenance(false);
        let mut back = names(&router);
        back.sort();
        assert_eq!(back, ["a", "c"]);
    }

    #[test]
    fn fewest_connections_come_first() {
        let backends = [backend("a", None), backend("b", None), backend("c", None)];
        let router = router(None, &backends);
        let _a = [(); 2].map(|()| backends[0].server.count_connection());
        let b = backends[1].server.count_connection();
        for _ in 0..3 {
            assert_eq!(names(&router), ["c", "b", "a"]);
        }
        drop(b);
        let order = names(&router);
        assert_eq!(order[2], "a");
    }

    #[test]
    fn equals_take_turns() {
        let backends = [backend("a", None), backend("b", None), backend("c", None)];
        let router = router(None, &backends);
        let busy = backends[1].server.count_connection();
        let first: Vec<_> = (0..6).map(|_| names(&router).swap_remove(0)).collect();
        assert!(!first.contains(&"b".to_owned()));
        assert!(first.contains(&"a".to_owned()) && first.contains(&"c".to_owned()));

        drop(busy);
        let mut first: Vec<_> = (0..6).map(|_| names(&router).swap_remove(0)).collect();
        first.sort();
        assert_eq!(first, ["a", "a", "b", "b", "c", "c"]);
    }
}
