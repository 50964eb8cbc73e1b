//! The rules of JSON:API 1.0 for documents (<https://jsonapi.org/format/1.0/#document-structure>), checked of every
//! resource that the table of routes names.

use std::collections::BTreeSet;

use rollcall::rest::routes::table;
use serde_json::{Map, Value};

use super::house::House;

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

#[tokio::test]
async fn every_resource_is_a_document_of_json_api() {
    let house = House::open().await;
    let guard = house.register_nine();
    guard.update(|profile| profile.filters = vec!["audit".into()]);
    let ids = [
        ("/sessions/", "9"),
        ("/services/", "RW-Split-Router"),
        ("/servers/", "db1"),
        ("/listeners/", "in"),
        ("/filters/", "audit"),
    ];
    let mut checked = 0;
    for route in table() {
        let reads = |operation: &rollcall::rest::routes::Operation| operation.method == "GET";
        let others = ["/metrics", "/openapi.json"];
        if !route.operations.iter().any(reads) || others.contains(&route.path.as_str()) {
            continue;
        }
        let mut path = route.path.clone();
        for (resource, id) in ids {
            if path.starts_with(resource) {
                path = path.replace("{id}", id);
            }
        }
        let related = if path.starts_with("/sessions/") {
            "filters"
        } else {
            "services"
        };
        let related = if path.starts_with("/services/") {
            "servers"
        } else {
            related
        };
        let path = path.replace("{relationship}", related);
        check_document(&house.get(&format!("/v1{path}")).await);
        checked += 1;
        // An error is a document, too.
        let error = house.ask("GET", &format!("/v1{path}/no/such/path")).await;
        assert_eq!(error.status, 404);
        check_document(&error.json());
    }
    assert!(checked >= 17, "{checked}");
    check_document(
        &house
            .get("/v1/sessions?page[size]=1&fields[sessions]=idle,filters")
            .await,
    );
    let closed = house.ask("DELETE", "/v1/sessions?filter=id=9").await;
    check_document(&closed.json());
    house.close().await;
}
