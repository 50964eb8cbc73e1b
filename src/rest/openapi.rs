//! `GET /v1/openapi.json`: what can be asked and what is answered, for programs (OpenAPI 3.1).
//!
//! Nothing is said twice: paths, methods, parameters and who may use them come from the [table of routes](super::routes),
//! the members of resources from [their queries](schema). What is here is how answers are framed.

mod schema;

use axum::http::Method;
use bytes::Bytes;
use serde_json::{Map, Value, json};

pub use self::schema::members;
use super::format::{FORMATS, Format};
use super::json::Style;
use super::resource::{Kind, Resource};
use super::routes::{Access, Action, Operation, Query, Route};
use super::{metrics, tokens};
use crate::session::LOG_PARAMETERS;

const JSON: &str = "application/json";

/// What stands in a path for a relationship's name.
const RELATIONSHIP: &str = "relationship";

/// What stands for the resource's name in a parameter's.
const TYPE: &str = "[TYPE]";

/// What stands in a parameter's name for any path: it cannot be said as a parameter.
const ANY_PATH: &str = "[JSONPATH]";

/// Errors that any request can meet.
const COMMON: [u16; 10] = [400, 401, 403, 408, 414, 429, 431, 500, 501, 503];

/// The description as it is sent, with white space and without.
pub struct Description {
    pretty: Bytes,
    compact: Bytes,
}

impl Description {
    /// Describes these routes to these resources.
    pub fn new(routes: &[Route], resources: &[Resource]) -> Self {
        let document = document(routes, resources);
        Self {
            pretty: format!("{document:#}\n").into(),
            compact: document.to_string().into(),
        }
    }

    /// The text in a style.
    pub fn text(&self, style: Style) -> Bytes {
        match style {
            Style::Pretty => self.pretty.clone(),
            Style::Compact => self.compact.clone(),
        }
    }
}

fn document(routes: &[Route], resources: &[Resource]) -> Value {
    let paths: Map<_, _> = routes
        .iter()
        .map(|route| (route.path.clone(), path(route, routes, resources)))
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Rollcall",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The live sessions of a database proxy, and what they are connected to. A member that has \
                nothing to say is left out: that is what NULL in a description means. A slash at the end of a path does \
                not matter. Every path answers OPTIONS with 204 and the methods that it has, and HEAD like GET, without a \
                body. A request with the header `X-HTTP-Method-Override` is one with the method that stands there, \
                whatever its own is, and may be sent by those who may send that.",
        },
        "servers": [{"url": "/v1"}],
        "security": proofs(),
        "paths": paths,
        "components": {
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic"},
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "From /auth; over HTTPS, or in clear on the same machine",
                },
                "tokenBody": cookie(tokens::BODY),
                "tokenSignature": cookie(tokens::SIGNATURE),
            },
            "responses": errors(),
            "schemas": schemas(resources),
        },
    })
}

/// What may show who asks: one of these.
fn proofs() -> Vec<Value> {
    vec![
        json!({"basic": []}),
        json!({"token": []}),
        json!({"tokenBody": [], "tokenSignature": []}),
    ]
}

fn cookie(name: &str) -> Value {
    json!({
        "type": "apiKey",
        "in": "cookie",
        "name": name,
        "description": "Set by /auth?persist=yes; what changes something must come from the same origin",
    })
}

/// All that can be done at a path.
fn path(route: &Route, routes: &[Route], resources: &[Resource]) -> Value {
    let mut item = Map::new();
    let names = route.path.split('/');
    let names: Vec<_> = names
        .filter_map(|name| name.strip_prefix('{')?.strip_suffix('}'))
        .collect();
    if !names.is_empty() {
        let parameters = names.iter().map(|name| {
            let mut schema = json!({"type": "string"});
            if *name == RELATIONSHIP {
                schema["enum"] = json!(relationships(route, resources));
            }
            json!({"name": name, "in": "path", "required": true, "schema": schema})
        });
        item.insert("parameters".to_owned(), parameters.collect());
    }
    for operation in &route.operations {
        let method = operation.method.as_str().to_ascii_lowercase();
        item.insert(method, self::operation(route, operation, routes, resources));
    }
    Value::Object(item)
}

/// What a route's resource can be asked for, by the members of its objects.
fn relationships(route: &Route, resources: &[Resource]) -> Vec<String> {
    let mut operations = route.operations.iter();
    let at = operations.find_map(|operation| match operation.action {
        Action::Related(at) => Some(at),
        _ => None,
    });
    let members = at.and_then(|at| resources.get(at));
    let mut members = members.into_iter().flat_map(|resource| &resource.members);
    let schema = members.find(|(name, _)| name == "relationships");
    let names = schema.and_then(|(_, schema)| schema["properties"].as_object());
    names.map_or_else(Vec::new, |names| names.keys().cloned().collect())
}

/// What can be asked of the things in a list, by their ids.
fn links(list: &Route, routes: &[Route]) -> Value {
    let own = format!("{}/{{id}}", list.path);
    let of_one = routes.iter().filter(|route| {
        let rest = route.path.strip_prefix(&own);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    let links = of_one.flat_map(|route| {
        route.operations.iter().map(|operation| {
            let id = operation_id(&operation.method, &route.path);
            let link = json!({
                "operationId": id,
                "parameters": {"id": "$response.body#/data/0/id"},
            });
            (id, link)
        })
    });
    Value::Object(links.collect())
}

fn operation(
    route: &Route,
    operation: &Operation,
    routes: &[Route],
    resources: &[Resource],
) -> Value {
    let action = operation.action;
    let mut responses = Map::new();
    for (status, mut response) in success(action, resources) {
        if matches!(action, Action::List(_)) {
            response["links"] = links(route, routes);
        }
        responses.insert(status.to_string(), response);
    }
    for status in failures(route, action) {
        let reference = json!({"$ref": format!("#/components/responses/{status}")});
        responses.insert(status.to_string(), reference);
    }
    let mut described = json!({
        "operationId": operation_id(&operation.method, &route.path),
        "summary": operation.summary,
        "responses": responses,
    });
    let of = route.path.split('/').nth(1).unwrap_or_default();
    let mut parameters: Vec<_> = headers(action).iter().map(header).collect();
    let mut remarks = Vec::new();
    if operation.access == Access::Anybody {
        let nothing = json!({});
        described["security"] = std::iter::once(nothing).chain(proofs()).collect();
    }
    if operation.access == Access::Admin {
        remarks.push("Administrators only.".to_owned());
    }
    for query in operation.query {
        match query.name.contains(ANY_PATH) {
            true => remarks.push(format!("The parameter `{}`: {}.", query.name, query.doc)),
            false => parameters.push(parameter(query, of)),
        }
    }
    if !parameters.is_empty() {
        described["parameters"] = Value::Array(parameters);
    }
    if !remarks.is_empty() {
        described["description"] = json!(remarks.join(" "));
    }
    if action == Action::AlterSession {
        described["requestBody"] = json!({
            "required": true,
            "content": {
                JSON: {"schema": {"$ref": "#/components/schemas/alteration"}},
                Format::JsonApi.name(): {"schema": {"$ref": "#/components/schemas/alteration"}},
            },
        });
    }
    described
}

/// `get_sessions_id` for `GET /sessions/{id}`.
fn operation_id(method: &Method, path: &str) -> String {
    let words = path
        .split(['/', '{', '}', '.'])
        .filter(|word| !word.is_empty());
    let words: Vec<_> = words.collect();
    let method = method.as_str().to_ascii_lowercase();
    match words.is_empty() {
        true => format!("{method}_root"),
        false => format!("{method}_{}", words.join("_")),
    }
}

fn parameter(query: &Query, resource: &str) -> Value {
    json!({
        "name": query.name.replace(TYPE, &format!("[{resource}]")),
        "in": "query",
        "description": query.doc,
        "schema": {"type": "string"},
    })
}

/// The headers that an operation looks at, with what they mean.
fn headers(action: Action) -> &'static [(&'static str, &'static str)] {
    match action {
        Action::One(_) => &[
            (
                "If-None-Match",
                "Answers 304 while the resource's ETag is one of these",
            ),
            (
                "If-Match",
                "Answers 412 when the resource's ETag is none of these",
            ),
        ],
        Action::AlterSession | Action::CloseSession | Action::RestartSession => &[(
            "If-Match",
            "Does nothing when the session's ETag is none of these",
        )],
        _ => &[],
    }
}

fn header((name, meaning): &(&str, &str)) -> Value {
    json!({"name": name, "in": "header", "description": meaning, "schema": {"type": "string"}})
}

/// The answers to a request that is answered as asked.
fn success(action: Action, resources: &[Resource]) -> Vec<(u16, Value)> {
    let schema = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    let of = |at: usize, form: &str| {
        let resource = resources.get(at);
        schema(&format!(
            "{}{form}",
            resource.map_or("", |resource| resource.definition.name)
        ))
    };
    let json = |description: &str, schema| (200, document_content(description, schema));
    let done = |description: &str| (204, json!({"description": description}));
    match action {
        Action::Root => vec![json("What there is", schema("root"))],
        Action::List(at) => {
            let text = json!({"type": "string"});
            let forms = FORMATS.iter().map(|(media_type, format)| {
                let schema = match format {
                    Format::Json | Format::JsonApi => of(at, "List"),
                    _ => text.clone(),
                };
                ((*media_type).to_owned(), json!({"schema": schema}))
            });
            let forms = Map::from_iter(forms);
            vec![(200, json!({"description": "The list", "content": forms}))]
        }
        Action::One(at) => {
            let (status, mut found) = json("The resource", of(at, "One"));
            found["headers"] = json!({"ETag": {"schema": {"type": "string"}}});
            let same = json!({"description": "It is still what If-None-Match names"});
            vec![(status, found), (304, same)]
        }
        Action::Related(_) => vec![json("What it is related to", schema("related"))],
        Action::AlterSession => vec![done("It is changed")],
        Action::RestartSession | Action::RestartSessions => vec![done("It is done")],
        Action::CloseSession => vec![done("The session has been told to end, or will be")],
        Action::CloseSessions => vec![json(
            "How many have been told to end, or will be",
            schema("closed"),
        )],
        Action::Token => {
            let (status, mut cookies) = done("With persist: the token is in cookies");
            cookies["headers"] = json!({"Set-Cookie": {"schema": {"type": "string"}}});
            vec![json("The token", schema("token")), (status, cookies)]
        }
        Action::Metrics => {
            let text = content(
                "The numbers",
                metrics::CONTENT_TYPE,
                json!({"type": "string"}),
            );
            vec![(200, text)]
        }
        Action::OpenApi => {
            let object = content("This document", JSON, json!({"type": "object"}));
            vec![(200, object)]
        }
    }
}

fn content(description: &str, content_type: &str, schema: Value) -> Value {
    json!({"description": description, "content": {content_type: {"schema": schema}}})
}

/// A document in both its media types.
fn document_content(description: &str, schema: Value) -> Value {
    let forms = [Format::Json, Format::JsonApi].map(|form| {
        let schema = json!({"schema": schema});
        (form.name().to_owned(), schema)
    });
    json!({"description": description, "content": Map::from_iter(forms)})
}

/// The errors that an operation can answer with.
fn failures(route: &Route, action: Action) -> Vec<u16> {
    let mut statuses = COMMON.to_vec();
    if route.path.contains('{') {
        statuses.push(404);
    }
    statuses.extend_from_slice(match action {
        Action::List(_) => &[406][..],
        Action::One(_)
        | Action::CloseSession
        | Action::CloseSessions
        | Action::RestartSession
        | Action::RestartSessions => &[412],
        Action::AlterSession => &[412, 413, 415],
        _ => &[],
    });
    statuses
}

/// What errors mean.
fn errors() -> Value {
    let described = [
        (400, "The request is wrong; the detail names the place"),
        (
            401,
            "A user name and a password are needed, or they or the token are wrong",
        ),
        (403, "Who asks may not do this, or not this way"),
        (404, "There is no such thing"),
        (406, "There is no form that Accept names"),
        (408, "The request did not come in time"),
        (
            412,
            "The resource has changed, or has not, against If-Match and If-None-Match",
        ),
        (413, "The body is too long"),
        (414, "The request's target is too long"),
        (
            415,
            "The body is not JSON as Content-Type and Content-Encoding say it",
        ),
        (429, "Too many logins from this address have failed"),
        (431, "The request's headers are too long, or too many"),
        (500, "The request failed; the program's log says why"),
        (
            501,
            "The body comes in a Transfer-Encoding that is not known here",
        ),
        (
            503,
            "Not now: the program is shutting down, or has not enough memory or time for this",
        ),
    ];
    let responses = described.map(|(status, description)| {
        let errors = json!({"$ref": "#/components/schemas/errors"});
        let mut response = document_content(description, errors);
        let header = match status {
            401 => Some("WWW-Authenticate"),
            429 => Some("Retry-After"),
            _ => None,
        };
        if let Some(header) = header {
            response["headers"] = json!({header: {"required": true, "schema": {"type": "string"}}});
        }
        (status.to_string(), response)
    });
    Value::Object(Map::from_iter(responses))
}

fn object(properties: Value, required: &[&str]) -> Value {
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn schemas(resources: &[Resource]) -> Value {
    let uri = json!({"type": "string", "format": "uri"});
    let links = object(json!({"self": uri}), &["self"]);
    let identifier = object(
        json!({"id": {"type": "string"}, "type": {"type": "string"}}),
        &["id", "type"],
    );
    let error = object(json!({"detail": {"type": "string"}}), &["detail"]);
    let mut schemas = json!({
        "errors": object(json!({"errors": {"type": "array", "minItems": 1, "items": error}}), &["errors"]),
        "links": links,
        "root": object(
            json!({
                "links": {"type": "object", "additionalProperties": uri},
                "meta": object(json!({"version": {"type": "string"}}), &["version"]),
            }),
            &["links"],
        ),
        "related": object(
            json!({
                "links": {"type": "object", "additionalProperties": uri},
                "data": {"type": "array", "items": identifier},
            }),
            &["links"],
        ),
        "closed": object(
            json!({"meta": object(json!({"closed": {"type": "integer"}}), &["closed"])}),
            &["meta"],
        ),
        "alteration": alteration(&identifier),
        "token": object(
            json!({"meta": object(json!({"token": {"type": "string"}}), &["token"])}),
            &["meta"],
        ),
    });
    let own_links = json!({"$ref": "#/components/schemas/links"});
    for resource in resources {
        let name = resource.definition.name;
        let mut properties = json!({
            "id": {"type": "string"},
            "type": {"const": name},
            "links": own_links,
        });
        for (member, schema) in &resource.members {
            properties[member] = schema.clone();
        }
        schemas[name] = object(properties, &["id", "type", "links"]);
        let reference = json!({"$ref": format!("#/components/schemas/{name}")});
        schemas[format!("{name}One")] = object(
            json!({"links": own_links, "data": reference}),
            &["links", "data"],
        );
        if resource.definition.kind == Kind::Collection {
            schemas[format!("{name}List")] = object(
                json!({
                    "links": {"type": "object", "additionalProperties": uri},
                    "data": {"type": "array", "items": reference},
                    "meta": object(json!({"total": {"type": "integer"}}), &["total"]),
                }),
                &["links", "data"],
            );
        }
    }
    schemas
}

/// What a session can be altered by: which lines are logged of it, and its filters.
fn alteration(identifier: &Value) -> Value {
    let logs = LOG_PARAMETERS.map(|(name, _)| (name.to_owned(), json!({"type": "boolean"})));
    let parameters = json!({"type": "object", "properties": Map::from_iter(logs)});
    let filters =
        json!({"type": "object", "properties": {"data": {"type": "array", "items": identifier}}});
    let data = json!({
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "type": {"const": "sessions"},
            "attributes": {"type": "object", "properties": {"parameters": parameters}},
            "relationships": {"type": "object", "properties": {"filters": filters}},
        },
    });
    json!({"type": "object", "properties": {"data": data}, "required": ["data"]})
}
