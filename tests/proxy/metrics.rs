//! What a scrape says is what SQL says.

use super::Proxied;
use crate::support::exposition::Exposition;
use crate::support::postgres::Postgres;
use crate::support::program::{Program, eventually};

fn scrape(program: &Program) -> Exposition {
    let answer = program.curl("/metrics", &[]);
    assert_eq!(answer.status, 200);
    let content_type = "content-type: text/plain; version=0.0.4; charset=utf-8";
    assert!(answer.head.contains(content_type), "{}", answer.head);
    Exposition::parse(&answer.body)
}

fn number(text: &str) -> f64 {
    text.parse().expect("a number")
}

const APP: (&str, &str) = ("service", "app");
const DB1: [(&str, &str); 1] = [("server", "db1")];
const ROUTING: &str = "Session ready for routing";

#[test]
fn a_scrape_says_what_sql_says() {
    let server = Postgres::start();
    let mut proxied = Proxied::front(&server);
    let mut psqls = proxied.sessions_of(&[("trusted", "a"), ("trusted", "b"), ("trusted", "c")]);
    psqls[0].ask("SELECT repeat('x', 100000) \\g /dev/null");
    let silent = proxied.connect();
    proxied.comes_to(super::ROWS, "4");

    let text = "SELECT statements, bytes_in, bytes_out FROM services WHERE name = 'app'";
    let told = proxied.ask(text);
    let scraped = scrape(&proxied.program);
    let of = |state| scraped.value("rollcall_sessions", &[APP, ("state", state)]);
    assert_eq!((of(ROUTING), of("Session Allocated")), (3.0, 1.0));
    assert_eq!((of("Session Ready"), of("Stopping session")), (0.0, 0.0));
    let counted = |name| scraped.value(name, &[APP]);
    let told: Vec<f64> = told.split('|').map(number).collect();
    let names = ["statements", "received_bytes", "sent_bytes"];
    let names = names.map(|name| format!("rollcall_{name}_total"));
    assert_eq!(told, names.each_ref().map(|name| counted(name)));
    let sums = "SELECT sum(statements), sum(bytes_in), sum(bytes_out) FROM sessions \
                WHERE service = 'app'";
    let summed: Vec<f64> = proxied.ask(sums).split('|').map(number).collect();
    assert_eq!(told, summed, "nobody has left yet");
    assert!(told[2] > 100_000.0, "{told:?}");
    assert_eq!(scraped.value("rollcall_server_connections", &DB1), 3.0);
    assert_eq!(
        scraped.value("rollcall_server_connections_opened_total", &DB1),
        3.0
    );
    assert_eq!(scraped.value("rollcall_server_up", &DB1), 1.0);
    assert_eq!(scraped.value("rollcall_server_maintenance", &DB1), 0.0);
    assert_eq!(scraped.sum("rollcall_sessions_ended_total", APP), 0.0);
    assert_eq!(counted("rollcall_sessions_accepted_total"), 4.0);

    // Everybody leaves in a way of their own, and what they carried stays counted.
    drop(silent);
    let kill = "SELECT kill_session(id) FROM sessions WHERE application_name = 'a'";
    assert_eq!(proxied.ask(kill), "t");
    psqls.pop().expect("three").quit();
    psqls.pop().expect("two").kill();
    proxied.comes_to(super::ROWS, "0");
    let scraped = eventually(
        || scrape(&proxied.program),
        |scraped| scraped.sum("rollcall_sessions_ended_total", APP) == 4.0,
    );
    let ended = |reason| {
        let labels = [APP, ("reason", reason)];
        scraped.value("rollcall_sessions_ended_total", &labels)
    };
    assert_eq!((ended("killed"), ended("client quit")), (1.0, 1.0));
    // A client that is killed leaves its goodbye to the kernel.
    let gone = ended("client eof") + ended("client reset");
    assert_eq!((gone, ended("unknown")), (2.0, 0.0));
    assert_eq!(
        scraped.value("rollcall_sessions", &[APP, ("state", ROUTING)]),
        0.0
    );
    assert_eq!(scraped.value("rollcall_server_connections", &DB1), 0.0);
    assert!(scraped.value("rollcall_sent_bytes_total", &[APP]) >= told[2]);

    assert_eq!(
        proxied.ask("SELECT set_server_state('db1', 'maintenance')"),
        "t"
    );
    let scraped = scrape(&proxied.program);
    assert_eq!(scraped.value("rollcall_server_maintenance", &DB1), 1.0);
}

#[test]
fn every_way_out_is_counted() {
    let server = Postgres::start();
    let servers = server.section("db1");
    let mut proxied = super::Setup {
        servers: &servers,
        service: "authentication_timeout_s = 1\nidle_timeout_s = 1",
        ..super::Setup::default()
    }
    .start();
    let mut silent = proxied.connect();
    silent.until_closed();
    let mut idle = proxied.raw();
    idle.until_closed();
    let mut wrong = proxied.connect();
    wrong.send(b"GET / HTTP/1.1\r\n\r\n");
    wrong.until_closed();
    proxied.comes_to(super::ROWS, "0");
    let scraped = scrape(&proxied.program);
    let ended = |reason| {
        let labels = [APP, ("reason", reason)];
        scraped.value("rollcall_sessions_ended_total", &labels)
    };
    assert_eq!(ended("login failed"), 1.0);
    assert_eq!(ended("idle timeout"), 1.0);
    assert_eq!(ended("client error"), 1.0);
    assert_eq!(scraped.sum("rollcall_sessions_ended_total", APP), 3.0);
}

#[test]
fn queries_are_timed_by_door() {
    let program = Program::start("");
    let counts = |scraped: &Exposition| {
        ["sql", "rest"].map(|door| {
            let door = [("door", door)];
            scraped.value("rollcall_query_duration_seconds_count", &door)
        })
    };
    let before = scrape(&program);
    assert_eq!(before.count("rollcall_server_connections"), 0);
    let [sql, rest] = counts(&before);
    assert_eq!(program.ask("SELECT pg_sleep(0.3) IS NULL"), "f");
    assert_eq!(program.curl("/v1/sessions", &[]).status, 200);
    let after = scrape(&program);
    // The list, and the sessions that each scrape counts.
    assert_eq!(counts(&after), [sql + 1.0, rest + 2.0]);
    let slow = |bound| {
        let labels = [("door", "sql"), ("le", bound)];
        after.value("rollcall_query_duration_seconds_bucket", &labels)
    };
    assert_eq!(slow("0.5") - slow("0.1"), 1.0);
    let sum = after.value("rollcall_query_duration_seconds_sum", &[("door", "sql")]);
    assert!((0.3..10.0).contains(&sum), "{sum}");

    let methods = program.curl("/metrics", &["-X", "OPTIONS"]);
    assert!(
        methods.head.contains("allow: GET, HEAD, OPTIONS"),
        "{}",
        methods.head
    );
    assert_eq!(program.curl("/metrics", &["-X", "DELETE"]).status, 405);
    assert_eq!(program.curl("/metrics", &["-I"]).body, "");
}
