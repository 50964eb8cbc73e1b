//! What maxctrl's session commands send, to the header, and what they read of the answers.

use rollcall::session::{Connection, ConnectionState, LogLevel};
use serde_json::{Value, json};

use super::house::{House, Reply, basic};

/// The request of a command, as maxctrl's HTTP library writes it.
async fn command(house: &House, method: &str, path: &str, more: &str) -> Reply {
    command_with(house, method, path, more, "").await
}

async fn command_with(house: &House, method: &str, path: &str, more: &str, body: &str) -> Reply {
    let headers = format!(
        "Accept: application/json, text/plain, */*\r\n{}User-Agent: axios/0.21.4\r\n{more}",
        basic("root:secret")
    );
    house.ask_with_body(method, path, &headers, body).await
}

/// A value by its way through objects and arrays, as the client looks it up.
fn lookup<'v>(value: &'v Value, way: &str) -> &'v Value {
    let found = value.pointer(&format!("/{}", way.replace('.', "/")));
    found.unwrap_or_else(|| panic!("no {way} in {value}"))
}

/// The parameters of a session of which these levels are logged.
fn logged(on: &[&str]) -> Value {
    let names = [
        "log_debug",
        "log_info",
        "log_notice",
        "log_warning",
        "log_error",
    ];
    let parameters = names
        .iter()
        .map(|name| ((*name).to_owned(), json!(on.contains(name))));
    Value::Object(parameters.collect())
}

#[tokio::test]
async fn maxctrl_s_session_commands_are_answered() {
    let house = House::with_users().await;
    let guard = house.register_nine();
    guard.update(|profile| {
        profile.tls = Some("TLS13_AES_256_GCM_SHA384".into());
        profile.connections = vec![Connection {
            server: "db1".into(),
            connection_id: Some(77),
            state: ConnectionState::Established,
            connected_us: 0,
            tls: None,
        }];
        profile.filters = vec!["audit".into()];
    });

    // list sessions [--rdns]
    for path in ["/v1/sessions", "/v1/sessions?rdns=true"] {
        let list = command(&house, "GET", path, "").await.json();
        let object = &list["data"][0];
        assert_eq!(object["id"], "9");
        assert_eq!(lookup(object, "attributes.user"), "maxuser");
        assert!(lookup(object, "attributes.remote").is_string());
        assert!(lookup(object, "attributes.connected").is_string());
        assert!(lookup(object, "attributes.idle").is_number());
        let services = lookup(object, "relationships.services.data")
            .as_array()
            .unwrap();
        let ids: Vec<&Value> = services.iter().map(|service| &service["id"]).collect();
        assert_eq!(ids, ["RW-Split-Router"]);
        // What has nothing true to say is a blank cell.
        for absent in ["/attributes/memory", "/attributes/io_activity"] {
            assert_eq!(object.pointer(absent), None);
        }
    }

    // show sessions, show session ID [--rdns]
    let all = command(&house, "GET", "/v1/sessions/", "").await.json();
    for path in ["/v1/sessions/9", "/v1/sessions/9?rdns=true"] {
        let one = command(&house, "GET", path, "").await.json();
        for object in [&one["data"], &all["data"][0]] {
            assert_eq!(
                lookup(object, "attributes.state"),
                "Session ready for routing"
            );
            assert_eq!(lookup(object, "attributes.port"), 40_000);
            assert_eq!(
                lookup(object, "attributes.client.cipher"),
                "TLS13_AES_256_GCM_SHA384"
            );
            assert_eq!(lookup(object, "attributes.connections.0.server"), "db1");
            assert_eq!(lookup(object, "attributes.connections.0.connection_id"), 77);
            assert_eq!(lookup(object, "attributes.queries"), &json!([]));
            assert_eq!(lookup(object, "attributes.parameters"), &logged(&[]));
            assert_eq!(object.pointer("/attributes/log"), None);
        }
    }

    // list queries
    let program = command(&house, "GET", "/v1/maxscale", "").await.json();
    let retained = lookup(
        &program,
        "data.attributes.parameters.retain_last_statements",
    );
    assert_eq!(retained, 0);
    let list = command(&house, "GET", "/v1/sessions", "").await.json();
    assert!(lookup(&list, "data.0.attributes.queries").is_array());

    // reload session ID, reload sessions
    let form = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 0\r\n";
    for path in ["/v1/sessions/9/restart", "/v1/sessions/restart"] {
        let reply = command(&house, "POST", path, form).await;
        assert_eq!((reply.status, reply.body.len()), (204, 0), "{path}");
        let renewed = guard.filters_asked();
        assert_eq!(renewed.as_deref(), Some(&["audit".into()][..]), "{path}");
    }
    let unknown = command(&house, "POST", "/v1/sessions/99/restart", form).await;
    assert_eq!(
        (unknown.status, unknown.detail().as_str()),
        (404, "99 is not a session")
    );
    assert!(!guard.is_killed());
    let reader = format!("{}{form}", basic("reader:read"));
    let refused = house
        .ask_with("POST", "/v1/sessions/9/restart", &reader)
        .await;
    assert_eq!(refused.status, 403);

    // alter session ID KEY VALUE, alter session-filters ID F…
    let alter = async |body: Value| {
        let body = body.to_string();
        let headers = format!(
            "Content-Type: application/json;charset=utf-8\r\nContent-Length: {}\r\n",
            body.len()
        );
        command_with(&house, "PATCH", "/v1/sessions/9", &headers, &body).await
    };
    let parameters_of = async |path: &str| {
        let one = command(&house, "GET", path, "").await.json();
        lookup(&one, "data.attributes.parameters").clone()
    };
    let parameters = json!({"data": {"attributes": {"parameters": {"log_debug": "true"}}}});
    let reply = alter(parameters).await;
    assert_eq!((reply.status, reply.body.len()), (204, 0));
    assert!(house.registry.logs().contains(guard.id(), LogLevel::Debug));
    assert_eq!(
        parameters_of("/v1/sessions/9").await,
        logged(&["log_debug"])
    );
    let other = house.register([127, 0, 0, 1], "maxuser");
    let path = format!("/v1/sessions/{}", other.id());
    assert_eq!(parameters_of(&path).await, logged(&[]));
    let list = command(&house, "GET", "/v1/sessions", "").await.json();
    let of_list = |place: usize| &list["data"][place]["attributes"]["parameters"];
    assert_eq!(
        (of_list(0), of_list(1)),
        (&logged(&["log_debug"]), &logged(&[]))
    );
    let filter = "filter=/attributes/parameters/log_debug=true";
    let found = command(&house, "GET", &format!("/v1/sessions?{filter}"), "")
        .await
        .json();
    assert_eq!(
        (
            &found["data"][0]["id"],
            found["data"].as_array().unwrap().len()
        ),
        (&json!("9"), 1)
    );
    drop(other);
    let filters = |data: Value| json!({"data": {"relationships": {"filters": {"data": data}}}});
    assert_eq!(alter(filters(json!([]))).await.status, 204);
    let unknown = alter(filters(json!([{"id": "none", "type": "filters"}]))).await;
    assert_eq!(
        (unknown.status, unknown.detail().as_str()),
        (404, "none is not a filter")
    );
    let known = alter(filters(json!([{"id": "audit", "type": "filters"}]))).await;
    assert_eq!(known.status, 204);
    // Whoever serves the session hears of it.
    assert_eq!(
        guard.filters_asked().as_deref(),
        Some(&["audit".into()][..])
    );
    let wrong = alter(json!({"data": {"attributes": {"parameters": {"trace": true}}}})).await;
    assert_eq!(wrong.status, 400);
    assert!(
        wrong
            .detail()
            .starts_with("data.attributes.parameters.trace")
    );
    let long = alter(json!({"data": "x".repeat(100_000)})).await;
    assert_eq!(long.status, 413);

    // destroy session ID [--ttl N]
    let later = house.register([127, 0, 0, 1], "maxuser");
    let path = format!("/v1/sessions/{}?ttl=100", later.id());
    assert_eq!(command(&house, "DELETE", &path, "").await.status, 204);
    assert!(!later.is_killed());
    assert_eq!(
        command(&house, "DELETE", "/v1/sessions/9?ttl=0", "")
            .await
            .status,
        204
    );
    assert!(guard.is_killed());
    house.close().await;
}
