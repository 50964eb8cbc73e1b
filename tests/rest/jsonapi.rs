//! The rules of JSON:API 1.0 for documents (<https://jsonapi.org/format/1.0/#document-structure>), checked of every
//! resource that the table of routes names.

use std::collections::BTreeSet;

use rollcall::rest::routes::{Operation, table};
use rollcall::session::{Connection, ConnectionState, Remote};
use serde_json::{Map, Value};

use super::house::{House, basic};

type Object = Map<String, Value>;

/// Checks a whole document.
pub fn check_document(document: &Value) {
    let top = object(document, "the document");
    only(
        top,
        &["data", "errors", "meta", "links", "jsonapi", "included"],
    );
    assert!(
        ["data", "errors", "meta"]
            .iter()
            .any(|name| top.contains_key(*name))
    );
    assert!(!(top.contains_key("data") && top.contains_key("errors")));
    if let Some(links) = top.get("links") {
        check_links(links);
        // Those of pages stand beside lists only.
        let paged = ["first", "prev", "next", "last"];
        let is_list = top.get("data").is_some_and(Value::is_array);
        assert!(is_list || !paged.iter().any(|name| links.get(name).is_some()));
    }
    if let Some(meta) = top.get("meta") {
        object(meta, "meta");
    }
    match top.get("data") {
        None | Some(Value::Null) => {}
        Some(Value::Array(all)) => {
            let mut seen = BTreeSet::new();
            for one in all {
                check_resource(one);
                let name = (one["type"].to_string(), one["id"].to_string());
                assert!(seen.insert(name), "{one} is there twice");
            }
        }
        Some(one) => check_resource(one),
    }
    if let Some(errors) = top.get("errors") {
        let errors = errors.as_array().expect("errors are an array");
        assert!(!errors.is_empty());
        for error in errors {
            let members = [
                "id", "links", "status", "code", "title", "detail", "source", "meta",
            ];
            only(object(error, "an error"), &members);
        }
    }
}

/// A resource object, or an identifier object, which is one without members.
fn check_resource(resource: &Value) {
    let resource = object(resource, "a resource");
    only(
        resource,
        &["id", "type", "attributes", "relationships", "links", "meta"],
    );
    check_identity(resource);
    if let Some(links) = resource.get("links") {
        check_links(links);
    }
    let mut fields = BTreeSet::from(["id", "type"]);
    if let Some(attributes) = resource.get("attributes") {
        for (name, value) in object(attributes, "attributes") {
            assert!(fields.insert(name), "the field {name} is there twice");
            check_attribute(value);
        }
    }
    if let Some(relationships) = resource.get("relationships") {
        for (name, relationship) in object(relationships, "relationships") {
            assert!(fields.insert(name), "the field {name} is there twice");
            check_relationship(relationship);
        }
    }
    fields.into_iter().for_each(check_name);
}

fn check_identity(resource: &Object) {
    for name in ["id", "type"] {
        let value = resource.get(name).and_then(Value::as_str);
        assert!(
            value.is_some_and(|value| !value.is_empty()),
            "{name} of {resource:?}"
        );
    }
    check_name(resource["type"].as_str().unwrap());
}

fn check_attribute(value: &Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                check_name(name);
                assert!(!["relationships", "links"].contains(&name.as_str()));
                check_attribute(member);
            }
        }
        Value::Array(elements) => elements.iter().for_each(check_attribute),
        _ => {}
    }
}

fn check_relationship(relationship: &Value) {
    let relationship = object(relationship, "a relationship");
    only(relationship, &["links", "data", "meta"]);
    assert!(!relationship.is_empty());
    if let Some(links) = relationship.get("links") {
        check_links(links);
        let links = object(links, "links");
        assert!(links.contains_key("self") || links.contains_key("related"));
    }
    let identifier = |one: &Value| {
        let one = object(one, "an identifier");
        only(one, &["id", "type", "meta"]);
        check_identity(one);
    };
    match relationship.get("data") {
        None | Some(Value::Null) => {}
        Some(Value::Array(all)) => all.iter().for_each(identifier),
        Some(one) => identifier(one),
    }
}

fn check_links(links: &Value) {
    for (name, link) in object(links, "links") {
        check_name(name);
        match link {
            Value::String(link) => assert!(link.starts_with("http://"), "{link}"),
            Value::Null => {}
            link => {
                let link = object(link, "a link");
                only(link, &["href", "meta"]);
                assert!(link["href"].is_string());
            }
        }
    }
}

/// Letters, digits and, not at the ends, hyphens and underscores: what every client can use.
fn check_name(name: &str) {
    let is_plain = |c: char| c.is_ascii_alphanumeric();
    assert!(
        name.chars().all(|c| is_plain(c) || c == '-' || c == '_'),
        "{name}"
    );
    assert!(
        name.starts_with(is_plain) && name.ends_with(is_plain),
        "{name}"
    );
}

fn object<'a>(value: &'a Value, what: &str) -> &'a Object {
    value
        .as_object()
        .unwrap_or_else(|| panic!("{what} is {value}"))
}

fn only(object: &Object, members: &[&str]) {
    for name in object.keys() {
        assert!(members.contains(&name.as_str()), "{name} in {object:?}");
    }
}

/// Everything that is there: the root, each list, all that is in it, and all that this is related to.
async fn check_all(house: &House) -> usize {
    let mut checked = 0;
    for route in table() {
        let reads = |operation: &Operation| operation.method == "GET";
        let others = ["/metrics", "/openapi.json"];
        if !route.operations.iter().any(reads) || others.contains(&route.path.as_str()) {
            continue;
        }
        // Those with an id are found by the lists.
        if route.path.contains('{') {
            continue;
        }
        let document = house.get(&format!("/v1{}", route.path)).await;
        check_document(&document);
        checked += 1;
        let Some(objects) = document["data"].as_array() else {
            continue;
        };
        assert!(!objects.is_empty(), "{} is empty", route.path);
        for object in objects {
            let link = object["links"]["self"].as_str().unwrap();
            let path = link.strip_prefix("http://localhost:8989").unwrap();
            let one = house.get(path).await;
            check_document(&one);
            assert_eq!(
                (&one["data"]["id"], &one["data"]["type"]),
                (&object["id"], &object["type"])
            );
            checked += 1;
            for name in object["relationships"].as_object().unwrap().keys() {
                check_document(&house.get(&format!("{path}/relationships/{name}")).await);
                checked += 1;
            }
            for parameters in [
                "fields[TYPE]=",
                "fields[TYPE]=state,services",
                "rdns=true&pretty=no",
            ] {
                let parameters = parameters.replace("TYPE", object["type"].as_str().unwrap());
                let some = house.ask("GET", &format!("{path}?{parameters}")).await;
                check_document(&some.json());
            }
        }
        let paged = format!("/v1{}?page[size]=1&page[number]=1&sort=-id", route.path);
        check_document(&house.get(&paged).await);
    }
    checked
}

#[tokio::test]
async fn every_resource_is_a_document_of_json_api() {
    let house = House::open().await;
    let guard = house.register_nine();
    guard.update(|profile| {
        profile.filters = vec!["audit".into()];
        profile.database = Some("shop".into());
        profile.application_name = Some("psql".into());
        profile.tls = Some("TLS13_AES_256_GCM_SHA384".into());
        profile.connections = vec![Connection {
            server: "db1".into(),
            connection_id: Some(77),
            state: ConnectionState::Established,
            connected_us: 0,
            tls: Some("TLS13_AES_256_GCM_SHA384".into()),
        }];
    });
    let _early = house.registry.register(&house.listener, Remote::Unix);
    let checked = check_all(&house).await;
    // The root, a token, this program and five lists; two sessions, a service, two servers, two listeners and a filter;
    // what they are related to.
    assert_eq!(checked, 8 + 8 + 11);
    let closed = house.ask("DELETE", "/v1/sessions?filter=id=9").await;
    check_document(&closed.json());
    house.close().await;
}

#[tokio::test]
async fn every_error_is_a_document_of_json_api() {
    let house = House::with_users().await;
    let _guard = house.register_nine();
    let (root, reader) = (basic("root:secret"), basic("reader:read"));
    let patch = |length: usize| format!("{root}Content-Length: {length}\r\n");
    for (status, method, path, headers, body) in [
        (400, "GET", "/v1/sessions?filter=x", root.clone(), ""),
        (400, "PATCH", "/v1/sessions/9", patch(1), "x"),
        (401, "GET", "/v1/sessions", String::new(), ""),
        (403, "DELETE", "/v1/sessions/9", reader, ""),
        (404, "GET", "/v1/sessions/99", root.clone(), ""),
        (404, "GET", "/v1/nothing", root.clone(), ""),
        (405, "PUT", "/v1/servers", root.clone(), ""),
        (
            406,
            "GET",
            "/v1/servers",
            format!("{root}Accept: text/html\r\n"),
            "",
        ),
        (
            412,
            "DELETE",
            "/v1/sessions/9",
            format!("{root}If-Match: \"x\"\r\n"),
            "",
        ),
        (413, "PATCH", "/v1/sessions/9", patch(1 << 20), ""),
    ] {
        let reply = house.ask_with_body(method, path, &headers, body).await;
        assert_eq!(reply.status, status, "{method} {path}");
        let document = reply.json();
        check_document(&document);
        only(document.as_object().unwrap(), &["errors"]);
    }
    house.close().await;
}
