//! The description of the door is true: it is the one in the repository, and what is answered is what it says.

use serde_json::Value;

use super::house::House;

#[tokio::test]
async fn the_description_is_the_one_in_the_repository() {
    let house = House::open().await;
    let reply = house.ask("GET", "/v1/openapi.json").await;
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.header("content-type"),
        "application/json; charset=utf-8"
    );
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let kept = std::fs::read_to_string(kept).expect("a file");
    let kept: Value = serde_json::from_str(&kept).expect("JSON");
    // To take over what has changed on purpose: curl -s localhost:8989/v1/openapi.json > openapi.json
    assert!(
        reply.json() == kept,
        "openapi.json is not what the door says"
    );
    let compact = house.ask("GET", "/openapi.json?pretty=false").await;
    assert_eq!(compact.json(), kept);
    assert!(!compact.text().contains('\n'));
    house.close().await;
}

/// Whether a value has a schema, as far as the description uses schemas. Anything else in one is a mistake of ours.
fn check(document: &Value, schema: &Value, value: &Value, path: &str) {
    for (keyword, wanted) in schema.as_object().expect("a schema") {
        match keyword.as_str() {
            "description" | "format" => {}
            "$ref" => {
                let pointer = wanted.as_str().expect("a reference");
                let pointer = pointer.strip_prefix('#').expect("one within");
                let schema = document.pointer(pointer).expect("what it refers to");
                check(document, schema, value, path);
            }
            "const" => assert_eq!(value, wanted, "{path}"),
            "type" => {
                let fits = match wanted.as_str() {
                    Some("object") => value.is_object(),
                    Some("array") => value.is_array(),
                    Some("string") => value.is_string(),
                    Some("integer") => value.is_i64() || value.is_u64(),
                    Some("number") => value.is_number(),
                    Some("boolean") => value.is_boolean(),
                    other => panic!("type {other:?} at {path}"),
                };
                assert!(fits, "{path} is {value}, not {wanted}");
            }
            "properties" => {
                for (name, value) in value.as_object().expect("an object") {
                    if let Some(schema) = wanted.get(name) {
                        check(document, schema, value, &format!("{path}/{name}"));
                    }
                }
            }
            "required" => {
                for name in wanted.as_array().expect("names") {
                    let name = name.as_str().expect("a name");
                    assert!(value.get(name).is_some(), "no {path}/{name} in {value}");
                }
            }
            "additionalProperties" => {
                for (name, value) in value.as_object().expect("an object") {
                    let known = schema.pointer(&format!("/properties/{name}")).is_some();
                    match wanted {
                        Value::Bool(false) => assert!(known, "{path}/{name} is not described"),
                        schema if !known => {
                            check(document, schema, value, &format!("{path}/{name}"))
                        }
                        _ => {}
                    }
                }
            }
            "items" => {
                for (at, value) in value.as_array().expect("an array").iter().enumerate() {
                    check(document, wanted, value, &format!("{path}/{at}"));
                }
            }
            "minItems" | "maxItems" => {
                let (length, bound) = (value.as_array().map(Vec::len), wanted.as_u64());
                let (length, bound) = (length.expect("an array") as u64, bound.expect("a number"));
                assert!(if keyword == "minItems" {
                    length >= bound
                } else {
                    length <= bound
                });
            }
            other => panic!("{other} at {path} is not checked here"),
        }
    }
}

#[tokio::test]
async fn answers_are_what_is_described() {
    let house = House::open().await;
    let guard = house.register_nine();
    guard.update(|profile| {
        profile.database = Some("shop".into());
        profile.application_name = Some("psql".into());
        profile.tls = Some("TLSv1.3 TLS_AES_256_GCM_SHA384".into());
    });
    let _unknown = house
        .registry
        .register(&house.listener, rollcall::session::Remote::Unix);
    let document = house.get("/v1/openapi.json").await;
    let paths = document["paths"].as_object().expect("paths");
    let mut checked = 0;
    for (path, item) in paths {
        let Some(described) = item.pointer("/get/responses/200/content/application~1json/schema")
        else {
            continue;
        };
        let ids = match path.split('/').nth(1) {
            Some("sessions") => ["9", "10"],
            Some("servers") => ["db1", "db%2F2"],
            Some("listeners") => ["in", "local"],
            Some("filters") => ["audit", "audit"],
            _ => ["RW-Split-Router", "RW-Split-Router"],
        };
        let mut relationships = vec![String::new()];
        for parameter in item["parameters"].as_array().into_iter().flatten() {
            if let Some(names) = parameter.pointer("/schema/enum") {
                let names = names.as_array().expect("names").iter();
                relationships = names
                    .map(|name| name.as_str().expect("a name").to_owned())
                    .collect();
            }
        }
        for (id, relationship) in ids
            .iter()
            .flat_map(|id| relationships.iter().map(move |name| (id, name)))
        {
            let asked = path
                .replace("{id}", id)
                .replace("{relationship}", relationship);
            let reply = house.ask("GET", &format!("/v1{asked}")).await;
            assert_eq!(reply.status, 200, "{asked}");
            check(&document, described, &reply.json(), path);
            checked += 1;
        }
    }
    // Nine without an id, five with one, and eight relationships, all asked twice.
    assert_eq!(checked, 2 * (9 + 5 + 8));
    house.close().await;
}

/// What a list links to is there, and takes an id.
#[tokio::test]
async fn lists_link_to_what_is_in_them() {
    let house = House::open().await;
    let document = house.get("/v1/openapi.json").await;
    let paths = document["paths"].as_object().unwrap();
    let mut linked = 0;
    for item in paths.values() {
        let Some(links) = item.pointer("/get/responses/200/links") else {
            continue;
        };
        for link in links.as_object().unwrap().values() {
            let operations = paths.iter().flat_map(|(path, item)| {
                let operations = item.as_object().unwrap().values();
                operations.map(move |operation| (path, operation))
            });
            let mut named =
                operations.filter(|(_, operation)| operation["operationId"] == link["operationId"]);
            let (path, _) = named.next().expect("an operation");
            assert!(path.contains("{id}") && named.next().is_none(), "{path}");
            assert_eq!(link["parameters"]["id"], "$response.body#/data/0/id");
            linked += 1;
        }
    }
    // A session's are five, and two those of the others.
    assert_eq!(linked, 5 + 4 * 2);
    house.close().await;
}
