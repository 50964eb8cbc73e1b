//! What `pg_stat_activity` says of proxied sessions is what their server's own says of them.

use super::{Proxied, rows};
use crate::support::postgres::Postgres;
use crate::support::program::eventually;
use crate::support::wire::Client;

/// What the catalog says, by the server's own number of the session. What a busy session waits for it does not know.
const OURS: &str = "SELECT c.connection_id, a.datname, a.usename, a.application_name, a.client_hostname, \
     a.state, a.wait_event_type, a.wait_event, a.leader_pid, a.backend_xmin IS NULL, \
     a.query_start < now(), a.xact_start < now(), a.backend_type \
     FROM pg_stat_activity a JOIN connections c ON c.session_id = a.pid ORDER BY c.connection_id";

const THEIRS: &str = "SELECT pid, datname, usename, application_name, client_hostname, \
     state, CASE WHEN state <> 'active' THEN wait_event_type END, CASE WHEN state <> 'active' THEN wait_event END, \
     leader_pid, true, query_start < now(), xact_start < now(), backend_type \
     FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY pid";

/// How far the moments of both may be apart, in seconds: the client's leg is opened before the server's, and both tell
/// a statement's start by their own look at the clock.
const APART_S: f64 = 5.0;

#[test]
fn activity_agrees_with_the_server_row_by_row() {
    let server = Postgres::start();
    let mut proxied = Proxied::front(&server);
    let mut observer = Client::new(([127, 0, 0, 1], server.port).into());
    super::log_in(&mut observer);
    let mut psqls = proxied.sessions_of(&[
        ("app", "idle"),
        ("ann", "open"),
        ("bob", "busy"),
        ("ann", "busy and open"),
        ("app", "failed"),
        ("trusted", ""),
    ]);
    psqls[1].ask("BEGIN; SELECT 1;");
    psqls[2].type_in("SELECT pg_sleep(600);");
    psqls[3].type_in("BEGIN; SELECT pg_sleep(600);");
    psqls[4].ask("BEGIN; SELECT 1/0;");
    let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    eventually(|| rows(&mut observer, sleeping), |count| *count == ["2"]);
    let both = || (rows(&mut proxied.door, OURS), rows(&mut observer, THEIRS));
    let (ours, _) = eventually(both, |(ours, theirs)| ours == theirs);
    assert_eq!(ours.len(), psqls.len(), "{ours:?}");

    let moments =
        |what: &str, filter: &str| format!("SELECT extract(epoch FROM {what}) FROM {filter}");
    for (what, state) in [
        ("backend_start", "true"),
        ("query_start", "true"),
        ("xact_start", "a.xact_start IS NOT NULL"),
        ("state_change", "a.state IS NOT NULL"),
    ] {
        let ours = moments(
            &format!("a.{what}"),
            &format!(
                "pg_stat_activity a JOIN connections c ON c.session_id = a.pid WHERE {state} ORDER BY c.connection_id"
            ),
        );
        let theirs = moments(
            what,
            &format!(
                "pg_stat_activity a WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() \
                 AND {state} ORDER BY pid"
            ),
        );
        let (ours, theirs) = (rows(&mut proxied.door, &ours), rows(&mut observer, &theirs));
        assert_eq!(ours.len(), theirs.len(), "{what}");
        for (a, b) in ours.iter().zip(&theirs) {
            let second = |text: &String| text.parse::<f64>().expect("a moment");
            assert!(
                (second(a) - second(b)).abs() < APART_S,
                "{what}: {ours:?} {theirs:?}"
            );
        }
    }
    // The pid is the one that a client of the proxy is told, not the server's.
    let pid = rows(
        &mut proxied.door,
        "SELECT count(*) FROM pg_stat_activity a JOIN sessions s ON s.id = a.pid \
         WHERE a.usename = s.\"user\" AND a.client_port = s.port AND a.client_addr = s.remote",
    );
    assert_eq!(pid, [(psqls.len() + 1).to_string()]);
}
