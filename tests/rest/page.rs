//! Members, types and links, against the page that the door implements.

use std::sync::Arc;

use rollcall::catalog::{Catalog, CatalogOptions};
use rollcall::rest::Documents;
use rollcall::session::{Connection, ConnectionState, Remote};
use serde_json::{Value, json};

use super::house::House;

/// The page's example, its comments left out.
const PAGE_EXAMPLE: &str = r#"{
    "links": {
        "self": "http://localhost:8989/v1/sessions/9"
    },
    "data": {
        "id": "9",
        "type": "sessions",
        "relationships": {
            "services": {
                "links": {
                    "self": "http://localhost:8989/v1/services/"
                },
                "data": [
                    {
                        "id": "RW-Split-Router",
                        "type": "services"
                    }
                ]
            }
        },
        "attributes": {
            "state": "Session ready for routing",
            "user": "maxuser",
            "remote": "::ffff:127.0.0.1",
            "connected": "Mon Jul 17 11:10:39 2017",
            "idle": 23.800000000000001
        },
        "links": {
            "self": "http://localhost:8989/v1/sessions/9"
        }
    }
}"#;

/// Checks that everything in the example is in the document: the same names, the same types of values, and the
/// same values but for those that time makes.
fn contains_example(example: &Value, document: &Value, path: &str) {
    match (example, document) {
        (Value::Object(members), Value::Object(found)) => {
            for (name, member) in members {
                let path = format!("{path}/{name}");
                let found = found.get(name).unwrap_or_else(|| panic!("no {path}"));
                contains_example(member, found, &path);
            }
        }
        (Value::Array(elements), Value::Array(found)) => {
            assert_eq!(elements.len(), found.len(), "{path}");
            for (element, found) in elements.iter().zip(found) {
                contains_example(element, found, &format!("{path}[]"));
            }
        }
        (Value::Number(_), Value::Number(_)) => {}
        (Value::String(_), Value::String(found)) if path.ends_with("/connected") => {
            let form = regex::Regex::new(
                r"^(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ 1-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-6][0-9] [0-9]{4}$",
            );
            assert!(form.unwrap().is_match(found), "{found:?}");
        }
        _ => assert_eq!(example, document, "{path}"),
    }
}

#[tokio::test]
async fn one_session_is_the_page_s_example() {
    let house = House::open().await;
    let guard = house.register_nine();
    let example: Value = serde_json::from_str(PAGE_EXAMPLE).unwrap();
    let reply = house.ask("GET", "/v1/sessions/9").await;
    assert_eq!(reply.status, 200);
    let document = reply.json();
    contains_example(&example, &document, "");

    // The page's order, too.
    let order = |text: &str| {
        let names = [
            "links\"",
            "\"data\"",
            "\"id\"",
            "\"type\"",
            "relationships",
            "attributes",
        ];
        let found: Vec<_> = names.iter().map(|name| text.find(name).unwrap()).collect();
        assert!(found.is_sorted(), "{text}");
    };
    order(PAGE_EXAMPLE);
    order(reply.text());
    assert!(
        reply
            .text()
            .starts_with("{\n    \"links\": {\n        \"self\"")
    );

    let attributes = &document["data"]["attributes"];
    assert_eq!(attributes["port"], 40_000);
    assert!(attributes["seconds_alive"].is_number());
    assert_eq!(attributes["queries"], json!([]));
    assert_eq!(attributes["connections"], json!([]));
    // What is not known is not there: see the README.
    for absent in [
        "client",
        "database",
        "application_name",
        "memory",
        "io_activity",
        "log",
        "thread",
    ] {
        assert!(attributes.get(absent).is_none(), "{absent}");
    }
    assert!(document["data"]["relationships"].get("filters").is_none());

    // What the client tells later shows; a state before the user is known has no user.
    guard.update(|profile| {
        profile.database = Some("shop".into());
        profile.application_name = Some("psql \"x\"".into());
        profile.tls = Some("TLS13_AES_256_GCM_SHA384".into());
        let connection = |server: &str, connection_id, tls: Option<&str>| Connection {
            server: server.into(),
            connection_id,
            state: ConnectionState::Established,
            connected_us: 0,
            tls: tls.map(Into::into),
        };
        profile.connections = vec![
            connection("db1", Some(77), Some("TLS13_AES_128_GCM_SHA256")),
            connection("db2", None, None),
        ];
        profile.filters = vec!["audit".into(), "limit".into()];
    });
    let document = house.get("/v1/sessions/9").await;
    let attributes = &document["data"]["attributes"];
    assert_eq!(attributes["database"], "shop");
    assert_eq!(attributes["application_name"], "psql \"x\"");
    assert_eq!(
        attributes["client"],
        json!({"cipher": "TLS13_AES_256_GCM_SHA384"})
    );
    let connections = json!([
        {"connection_id": 77, "server": "db1", "cipher": "TLS13_AES_128_GCM_SHA256"},
        {"server": "db2"},
    ]);
    assert_eq!(attributes["connections"], connections);
    let filters = json!({
        "links": {"self": "http://localhost:8989/v1/filters/"},
        "data": [{"id": "audit", "type": "filters"}, {"id": "limit", "type": "filters"}],
    });
    assert_eq!(document["data"]["relationships"]["filters"], filters);

    let v6 = Remote::Tcp("[2001:db8::1]:7".parse().unwrap());
    let early = house.registry.register(&house.listener, v6).unwrap();
    let document = house.get(&format!("/v1/sessions/{}", early.id())).await;
    let attributes = &document["data"]["attributes"];
    assert_eq!(attributes["state"], "Session Allocated");
    assert_eq!(attributes["remote"], "2001:db8::1");
    assert!(attributes.get("user").is_none());
    let local = house
        .registry
        .register(&house.listener, Remote::Unix)
        .unwrap();
    let document = house.get(&format!("/v1/sessions/{}", local.id())).await;
    assert_eq!(document["data"]["attributes"]["remote"], "localhost");
    assert!(document["data"]["attributes"].get("port").is_none());

    drop(guard);
    assert_eq!(house.ask("GET", "/v1/sessions/9").await.status, 404);
    house.close().await;
}

#[tokio::test]
async fn the_list_has_the_same_objects_in_id_order() {
    let house = House::open().await;
    let empty = house.get("/v1/sessions").await;
    assert_eq!(empty["data"], json!([]));
    assert_eq!(empty["links"]["self"], "http://localhost:8989/v1/sessions/");

    // Slots are reused newest first, so ids are out of order in memory.
    let mut guards: Vec<_> = (0..6)
        .map(|_| house.register([127, 0, 0, 1], "maxuser"))
        .collect();
    drop(guards.remove(1));
    drop(guards.remove(2));
    guards.push(house.register([127, 0, 0, 1], "skysql"));
    guards.push(house.register([127, 0, 0, 1], "skysql"));
    let list = house.get("/v1/sessions/").await;
    let ids: Vec<u32> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|object| object["id"].as_str().unwrap().parse().unwrap())
        .collect();
    assert_eq!(ids, [1, 3, 5, 6, 7, 8]);
    let example: Value = serde_json::from_str(PAGE_EXAMPLE).unwrap();
    let mut example = example["data"].clone();
    example["id"] = json!("1");
    example["links"]["self"] = json!("http://localhost:8989/v1/sessions/1");
    contains_example(&example, &list["data"][0], "");
    house.close().await;
}

#[tokio::test]
async fn every_link_resolves() {
    let house = House::open().await;
    let guard = house.register_nine();
    guard.update(|profile| profile.filters = vec!["audit".into()]);
    let mut seen = Vec::new();
    let mut open = vec!["http://localhost:8989/v1/".to_owned()];
    while let Some(link) = open.pop() {
        if seen.contains(&link) {
            continue;
        }
        let path = link.strip_prefix("http://localhost:8989").unwrap();
        collect_links(&house.get(path).await, &mut open);
        seen.push(link);
    }
    for expected in [
        "sessions/",
        "sessions/9",
        "services/",
        "services/RW-Split-Router",
        "servers/",
        "servers/db%2F2",
        "listeners/in",
        "filters/audit",
        "maxscale/",
    ] {
        let expected = format!("http://localhost:8989/v1/{expected}");
        assert!(seen.contains(&expected), "{expected} in {seen:?}");
    }
    let service = house.get("/v1/services/RW-Split-Router").await;
    let attributes = &service["data"]["attributes"];
    assert_eq!(attributes["router"], "readwritesplit");
    assert_eq!(attributes["state"], "Started");
    let statistics = json!({"connections": 1, "total_connections": 9, "max_connections": 1});
    assert_eq!(attributes["statistics"], statistics);
    house.close().await;
}

#[tokio::test]
async fn what_real_clients_read_of_other_resources() {
    let house = House::open().await;
    let references = |resource: &str, ids: &[&str]| {
        let reference = |id: &&str| json!({"id": id, "type": resource});
        json!({
            "links": {"self": format!("http://localhost:8989/v1/{resource}/")},
            "data": ids.iter().map(reference).collect::<Vec<_>>(),
        })
    };
    let service = house.get("/v1/services/RW-Split-Router").await;
    let related = json!({
        "servers": references("servers", &["db1", "db/2"]),
        "filters": references("filters", &["audit"]),
        "listeners": references("listeners", &["in", "local"]),
    });
    assert_eq!(service["data"]["relationships"], related);

    let servers = house.get("/v1/servers").await;
    let ids: Vec<&Value> = servers["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| &s["id"])
        .collect();
    assert_eq!(ids, ["db/2", "db1"]);
    let server = house.get("/v1/servers/db%2F2").await;
    let attributes = json!({
        "parameters": {"address": "192.0.2.5", "port": 3306, "protocol": "mariadb"},
        "state": "Unknown",
        "statistics": {"connections": 0, "total_connections": 0, "max_connections": 0},
    });
    assert_eq!(server["data"]["attributes"], attributes);
    let services = references("services", &["RW-Split-Router"]);
    assert_eq!(
        server["data"]["relationships"],
        json!({"services": services})
    );

    let listeners = house.get("/v1/listeners").await;
    let listener = |at: usize| listeners["data"][at]["attributes"].clone();
    let parameters = json!({"address": "127.0.0.1", "port": 5433, "protocol": "postgresql"});
    assert_eq!(
        listener(0),
        json!({"parameters": parameters, "state": "Running"})
    );
    let parameters = json!({"socket": "/run/rollcall/app.sock", "protocol": "mariadb"});
    assert_eq!(
        listener(1),
        json!({"parameters": parameters, "state": "Running"})
    );
    let filter = house.get("/v1/filters/audit").await;
    assert_eq!(filter["data"]["attributes"], json!({"module": "qlafilter"}));
    assert_eq!(
        filter["data"]["relationships"],
        json!({"services": services})
    );

    let maxscale = house.get("/v1/maxscale").await;
    assert_eq!(
        maxscale["links"]["self"],
        "http://localhost:8989/v1/maxscale/"
    );
    assert_eq!(maxscale["data"]["links"], maxscale["links"]);
    assert_eq!(maxscale["data"]["id"], "maxscale");
    assert_eq!(maxscale["data"]["type"], "maxscale");
    let attributes = &maxscale["data"]["attributes"];
    assert_eq!(attributes["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(
        attributes["parameters"],
        json!({"retain_last_statements": 0})
    );
    assert!((0..60).contains(&attributes["uptime"].as_i64().unwrap()));
    let form =
        regex::Regex::new(r"^[A-Z][a-z]{2}, [0-3][0-9] [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT$");
    let started = attributes["started_at"].as_str().unwrap();
    assert!(form.unwrap().is_match(started), "{started}");
    house.close().await;
}

#[tokio::test]
async fn relationships_are_resources_of_their_own() {
    let house = House::open().await;
    let guard = house.register_nine();
    let related = house.get("/v1/sessions/9/relationships/services").await;
    let expected = json!({
        "links": {"self": "http://localhost:8989/v1/sessions/9/relationships/services"},
        "data": [{"id": "RW-Split-Router", "type": "services"}],
    });
    assert_eq!(related, expected);
    // A session without filters is related to none.
    let path = "/v1/sessions/9/relationships/filters";
    assert_eq!(house.get(path).await["data"], json!([]));
    guard.update(|profile| profile.filters = vec!["audit".into()]);
    let related = house.get(path).await;
    assert_eq!(related["data"], json!([{"id": "audit", "type": "filters"}]));
    let related = house
        .get("/v1/servers/db%2F2/relationships/services/")
        .await;
    let link = "http://localhost:8989/v1/servers/db%2F2/relationships/services";
    assert_eq!(related["links"]["self"], link);
    house.close().await;
}

fn collect_links(document: &Value, links: &mut Vec<String>) {
    match document {
        Value::Object(members) => {
            for (name, member) in members {
                if name == "links" {
                    let found = member.as_object().unwrap().values();
                    links.extend(found.map(|link| link.as_str().unwrap().to_owned()));
                } else {
                    collect_links(member, links);
                }
            }
        }
        Value::Array(elements) => elements.iter().for_each(|e| collect_links(e, links)),
        _ => {}
    }
}

#[tokio::test]
async fn rdns_replaces_the_address_where_there_is_a_name() {
    let house = House::open().await;
    let _known = house.register([192, 0, 2, 1], "maxuser");
    let _unknown = house.register([192, 0, 2, 2], "maxuser");
    let remote = |object: &Value| object["attributes"]["remote"].as_str().unwrap().to_owned();
    let one = house.get("/v1/sessions/1?rdns=true").await;
    assert_eq!(remote(&one["data"]), "client.example");
    let one = house.get("/v1/sessions/2?rdns=1").await;
    assert_eq!(remote(&one["data"]), "::ffff:192.0.2.2");
    let list = house.get("/v1/sessions?rdns=yes").await;
    assert_eq!(remote(&list["data"][0]), "client.example");
    assert_eq!(remote(&list["data"][1]), "::ffff:192.0.2.2");
    let list = house.get("/v1/sessions?rdns=false").await;
    assert_eq!(remote(&list["data"][0]), "::ffff:192.0.2.1");
    house.close().await;
}

/// The document without what two readings of the clock tell differently.
fn timeless(mut document: Value) -> Value {
    let objects = match &mut document["data"] {
        Value::Array(objects) => objects.as_mut_slice(),
        one => std::slice::from_mut(one),
    };
    for object in objects {
        let attributes = object["attributes"].as_object_mut().unwrap();
        assert!(attributes.remove("idle").is_some());
        assert!(attributes.remove("seconds_alive").is_some());
    }
    document
}

#[tokio::test]
async fn documents_without_a_door_are_the_same() {
    let house = House::open().await;
    let _guards = [(); 3].map(|()| house.register([127, 0, 0, 1], "maxuser"));
    let catalog = Catalog::new(Arc::clone(&house.registry), CatalogOptions::default()).unwrap();
    let documents = Documents::new(&catalog).await.unwrap();
    let base = "http://localhost:8989/v1/";

    let mut rows = documents.all();
    let mut batches = Vec::new();
    while let Some(batch) = rows.next().await {
        batches.push(batch.unwrap());
    }
    let mut text = Vec::new();
    documents.list(&batches, base, &mut text).unwrap();
    let list = serde_json::from_slice(&text).unwrap();
    assert_eq!(timeless(list), timeless(house.get("/v1/sessions").await));

    let mut rows = documents.one("2").unwrap();
    let batch = rows.next().await.unwrap().unwrap();
    text.clear();
    documents.single(&batch, base, &mut text).unwrap();
    let one = serde_json::from_slice(&text).unwrap();
    assert_eq!(timeless(one), timeless(house.get("/v1/sessions/2").await));
    assert!(documents.one("2x").is_none());
    house.close().await;
}
