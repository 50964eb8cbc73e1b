//! Both doors tell of the same sessions.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::program::{Program, Psql, eventually};

/// The documented example of one session, without its comments.
const PAGE_EXAMPLE: &str = r#"{
    "links": { "self": "http://localhost:8989/v1/sessions/9" },
    "data": {
        "id": "9",
        "type": "sessions",
        "relationships": {
            "services": {
                "links": { "self": "http://localhost:8989/v1/services/" },
                "data": [ { "id": "RW-Split-Router", "type": "services" } ]
            }
        },
        "attributes": {
            "state": "Session ready for routing",
            "user": "maxuser",
            "remote": "::ffff:127.0.0.1",
            "connected": "Mon Jul 17 11:10:39 2017",
            "idle": 23.800000000000001
        },
        "links": { "self": "http://localhost:8989/v1/sessions/9" }
    }
}"#;

/// Every member of `page` must be in `ours` with the same JSON type, except inside arrays' further elements.
fn has_members(page: &Value, ours: &Value, path: &str) {
    match (page, ours) {
        (Value::Object(page), Value::Object(ours)) => {
            for (name, value) in page {
                let path = format!("{path}/{name}");
                let found = ours
                    .get(name)
                    .unwrap_or_else(|| panic!("{path} is missing"));
                has_members(value, found, &path);
            }
        }
        (Value::Array(page), Value::Array(ours)) => {
            assert_eq!(page.len(), ours.len(), "{path}");
            for (at, (page, ours)) in page.iter().zip(ours).enumerate() {
                has_members(page, ours, &format!("{path}/{at}"));
            }
        }
        (Value::String(_), Value::String(_))
        | (Value::Number(_), Value::Number(_))
        | (Value::Bool(_), Value::Bool(_)) => {}
        _ => panic!("{path}: the page has {page}, we have {ours}"),
    }
}

#[test]
fn a_psql_sees_itself_and_curl_sees_the_same() {
    let program = Program::start("");
    let mut psql = Psql::connect(&program, "maxuser");
    let row = psql.ask("select id, service, state, \"user\", remote, idle from sessions;");
    let cells: Vec<&str> = row.split('|').collect();
    let pid = psql.ask("select pg_backend_pid();");
    assert_eq!(
        cells,
        [
            &pid,
            "catalog",
            "Session ready for routing",
            "maxuser",
            "127.0.0.1",
            "0"
        ]
    );

    let base = format!("http://{}/v1/", program.rest);
    let answer = program.curl(&format!("/v1/sessions/{pid}"), &[]);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let document = answer.json();
    let page: Value = serde_json::from_str(PAGE_EXAMPLE).expect("the page");
    has_members(&page, &document, "");
    let own = format!("{base}sessions/{pid}");
    assert_eq!(document["links"]["self"], json!(own));
    let data = &document["data"];
    assert_eq!(data["links"]["self"], json!(own));
    assert_eq!(data["id"], json!(pid));
    assert_eq!(data["type"], json!("sessions"));
    let attributes = &data["attributes"];
    assert_eq!(attributes["state"], json!("Session ready for routing"));
    assert_eq!(attributes["user"], json!("maxuser"));
    assert_eq!(attributes["remote"], json!("::ffff:127.0.0.1"));
    let connected = attributes["connected"].as_str().expect("text");
    let form = regex::Regex::new(r"^\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}$").expect("a form");
    assert!(form.is_match(connected), "{connected}");
    let services = &data["relationships"]["services"];
    assert_eq!(
        services["data"],
        json!([{"id": "catalog", "type": "services"}])
    );
    assert_eq!(services["links"]["self"], json!(format!("{base}services/")));

    let list = program.curl("/v1/sessions", &[]).json();
    assert_eq!(list["links"]["self"], json!(format!("{base}sessions/")));
    assert_eq!(list["data"].as_array().map(Vec::len), Some(1));
    assert_eq!(list["data"][0]["id"], json!(pid));
    for link in [
        &services["links"]["self"],
        &data["links"]["self"],
        &list["links"]["self"],
    ] {
        let path = link
            .as_str()
            .and_then(|link| link.strip_prefix(base.trim_end_matches("/v1/")));
        assert_eq!(
            program.curl(path.expect("our own link"), &[]).status,
            200,
            "{link}"
        );
    }

    psql.quit();
    let gone = || program.curl(&format!("/v1/sessions/{pid}"), &[]);
    let answer = eventually(gone, |answer| answer.status == 404);
    let detail = json!({"errors": [{"detail": format!("{pid} is not a session")}]});
    assert_eq!(answer.json(), detail);
    assert_eq!(program.curl("/v1/sessions", &[]).json()["data"], json!([]));
}

#[test]
fn two_hundred_psqls_are_counted_alike_by_both_doors() {
    let program = Program::start("limits.sql_connections_max = 300\n");
    let mut clients: Vec<Psql> = (0..200)
        .map(|n| Psql::connect(&program, if n % 3 == 0 { "alice" } else { "bob" }))
        .collect();
    for client in &mut clients {
        assert_eq!(client.ask("select 1;"), "1");
    }
    let list = program.curl("/v1/sessions", &[]).json();
    let sessions = list["data"].as_array().expect("a list");
    assert_eq!(sessions.len(), 200);
    let ids: Vec<i64> = sessions
        .iter()
        .map(|s| {
            s["id"]
                .as_str()
                .and_then(|id| id.parse().ok())
                .expect("an id")
        })
        .collect();
    assert!(ids.is_sorted());
    let mut users: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for (session, id) in sessions.iter().zip(&ids) {
        let user = session["attributes"]["user"].as_str().expect("a user");
        let (count, sum) = users.entry(user.to_owned()).or_default();
        *count += 1;
        *sum += id;
    }
    let counted: Vec<String> = users
        .iter()
        .map(|(user, (count, sum))| format!("{user}|{count}|{sum}"))
        .collect();
    assert_eq!(counted.len(), 2);
    let asking = "WHERE id <> pg_backend_pid()";
    assert_eq!(
        program.ask(&format!(
            "SELECT \"user\", count(*), sum(id) FROM sessions {asking} GROUP BY 1 ORDER BY 1"
        )),
        counted.join("\n")
    );
    assert_eq!(
        program.ask(&format!(
            "SELECT count(*), count(DISTINCT \"user\"), min(id), max(id) FROM sessions {asking}"
        )),
        format!("200|2|{}|{}", ids[0], ids[199])
    );
    let ports = |session: &Value| session["attributes"]["port"].as_i64().expect("a port");
    assert_eq!(
        program.ask(&format!(
            "SELECT sum(port) FROM sessions {asking} AND state LIKE '%routing'"
        )),
        sessions.iter().map(ports).sum::<i64>().to_string()
    );
    let service = program.curl("/v1/services/catalog", &[]).json();
    let statistics = &service["data"]["attributes"]["statistics"];
    assert_eq!(statistics["connections"], json!(200));
    assert_eq!(program.ask("SELECT connections FROM services"), "201");
}

#[test]
fn a_prepared_count_is_true_at_each_execution() {
    let program = Program::start("");
    let mut psql = Psql::connect(&program, "dba");
    assert_eq!(psql.ask("select 1;"), "1");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let client = program.driver("app").await;
        let count = client
            .prepare("SELECT count(*) FROM sessions")
            .await
            .expect("a statement");
        let first: i64 = client.query_one(&count, &[]).await.expect("a row").get(0);
        assert_eq!(first, 2);
        let mut more = Psql::connect(&program, "dba");
        assert_eq!(more.ask("select 1;"), "1");
        let second: i64 = client.query_one(&count, &[]).await.expect("a row").get(0);
        assert_eq!(second, 3);
    });
    assert_eq!(psql.ask("select 1;"), "1");
}
