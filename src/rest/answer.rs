//! From a request to its response.
//!
//! One path for all resources: the [table of routes](super::routes) says what the request's path and method mean, and
//! the resource's query does the rest.

use std::convert::Infallible;
use std::sync::Arc;

use arrow::array::RecordBatch;
use axum::body::Body;
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Method, Response, StatusCode, request::Parts};
use bytes::Bytes;
use datafusion::common::ParamValues;
use datafusion::error::DataFusionError;
use http_body::Body as _;

use super::Door;
use super::access::{Admitted, Proof, addressed_host, admit, check_host};
use super::close::close;
use super::document::{DocumentShape, DocumentWriter};
use super::json::JsonWriter;
use super::metrics;
use super::parameters::{Parameters, shorten};
use super::refusal::Refusal;
use super::request_log::RequestLog;
use super::resource::{Kind, Resource, integer_id};
use super::routes::{Access, Action, allow_header, find};
use super::server::Arrival;
use super::stream::{list_body, next_batch};
use super::tokens;
use crate::auth::{Account, Role};
use crate::catalog::{Caller, CatalogError, Prepared, Rows};
use crate::session::SessionId;

/// Sent with every response.
const HEADERS: [(HeaderName, HeaderValue); 5] = [
    (
        CONTENT_TYPE,
        HeaderValue::from_static("application/json; charset=utf-8"),
    ),
    (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
];

/// The header that asks for another method than the request has.
const METHOD_OVERRIDE: HeaderName = HeaderName::from_static("x-http-method-override");

/// Answers any request.
pub async fn answer(door: &Door, arrival: Arrival, parts: Parts) -> Response<Body> {
    let parameters = Parameters::parse(parts.uri.query());
    let style = parameters.style();
    let mut log = RequestLog::begin(door.next_request());
    let outcome = match method(&parts) {
        Ok(method) => respond(door, &arrival, &parts, &method, &parameters, &mut log).await,
        Err(refusal) => Err(refusal),
    };
    let mut response = match outcome {
        Ok(response) => response,
        Err(refusal) => {
            log.refused(&refusal);
            refusal.into_response(style)
        }
    };
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(value);
    }
    if response.status() == StatusCode::NO_CONTENT {
        response.headers_mut().remove(CONTENT_TYPE);
    }
    log.answered(&parts.method, parts.uri.path(), response.status());
    if parts.method == Method::HEAD {
        return without_body(response);
    }
    response
}

/// What the request wants done: it is authorised as that, whatever its own method is.
///
/// # Errors
/// 400 when the header that says so is no method.
fn method(parts: &Parts) -> Result<Method, Refusal> {
    let mut overrides = parts.headers.get_all(METHOD_OVERRIDE).iter();
    match (overrides.next(), overrides.next()) {
        (None, _) => Ok(parts.method.clone()),
        (Some(wanted), None) => Method::from_bytes(wanted.as_bytes())
            .map_err(|_| Refusal::bad_request("X-HTTP-Method-Override is not a method")),
        (Some(_), Some(_)) => Err(Refusal::bad_request(
            "the request has two X-HTTP-Method-Override headers",
        )),
    }
}

async fn respond(
    door: &Door,
    arrival: &Arrival,
    parts: &Parts,
    method: &Method,
    parameters: &Parameters,
    log: &mut RequestLog,
) -> Result<Response<Body>, Refusal> {
    if arrival.closing.is_cancelled() {
        return Err(Refusal::unavailable("the program is shutting down"));
    }
    let host = addressed_host(parts)?;
    if door.users.is_open() {
        check_host(host.as_ref(), &door.options.hosts, arrival.bound)?;
    }
    let Admitted { account, proof } =
        admit(&door.users, &door.tokens, arrival, &parts.headers).await?;
    log.known(&account.name);
    if proof == Proof::Cookies {
        tokens::check_site(method, &parts.headers, host.as_ref(), arrival.secure)?;
    }

    let path = parts.uri.path();
    let (route, filled) = find(&door.routes, path)
        .ok_or_else(|| Refusal::not_found(format!("{} is not a resource", shorten(path))))?;
    if method == Method::OPTIONS {
        return Ok(options(route.allow()));
    }
    let operation = route
        .operation(method)
        .ok_or_else(|| Refusal::method_not_allowed(route.allow()))?;
    if operation.access == Access::Admin && account.role != Role::Admin {
        return Err(Refusal::forbidden(format!(
            "the user {:?} has the role basic, which reads only",
            account.name
        )));
    }
    let asked = Asked {
        door,
        arrival,
        parameters,
        base: {
            let scheme = if arrival.secure { "https" } else { "http" };
            match host {
                Some(host) => format!("{scheme}://{host}/v1/").into(),
                None => format!("{scheme}://{}/v1/", arrival.bound).into(),
            }
        },
        account,
        log,
    };
    let mut filled = filled.iter().map(String::as_str);
    let mut fill = || filled.next().unwrap_or_default();
    match operation.action {
        Action::Root => Ok(asked.root()),
        Action::List(at) => asked.all(door.resource(at)?).await,
        Action::One(at) => {
            let resource = door.resource(at)?;
            match resource.definition.kind {
                Kind::Collection => asked.one(resource, fill()).await,
                Kind::Single => asked.one(resource, resource.definition.name).await,
            }
        }
        Action::Related(at) => asked.related(door.resource(at)?, fill(), fill()).await,
        Action::CloseSession => asked.close(fill()),
        Action::Metrics => asked.metrics().await,
        Action::Token => asked.token(proof),
    }
}

fn missing(singular: &str, id: &str) -> Refusal {
    Refusal::not_found(format!("{} is not a {singular}", shorten(id)))
}

/// A request that may be answered.
struct Asked<'a> {
    door: &'a Door,
    arrival: &'a Arrival,
    parameters: &'a Parameters,
    /// What links begin with.
    base: Arc<str>,
    account: Account,
    log: &'a RequestLog,
}

impl Asked<'_> {
    fn root(&self) -> Response<Body> {
        let mut json = JsonWriter::new(self.parameters.style());
        json.begin_object();
        json.name("links");
        json.begin_object();
        json.name("self");
        json.string(&self.base);
        for resource in &self.door.resources {
            let name = resource.definition.name;
            json.name(name);
            json.string_of(&[&self.base, name, "/"]);
        }
        json.end_object();
        json.name("meta");
        json.begin_object();
        json.name("version");
        json.string(env!("CARGO_PKG_VERSION"));
        json.end_object();
        json.end_object();
        document(json.into_text())
    }

    fn token(&self, proof: Proof) -> Result<Response<Body>, Refusal> {
        tokens::check_privacy(self.arrival)?;
        if matches!(proof, Proof::Token | Proof::Cookies) {
            return Err(Refusal::forbidden(
                "a token is given for a user name and a password, not for another token",
            ));
        }
        let age = self.parameters.max_age()?;
        let Door { tokens, users, .. } = self.door;
        let token = tokens.issue(users, &self.account, age.unwrap_or(tokens::AGE_DEFAULT));
        // The user may have been removed since.
        let token = token.ok_or_else(|| Refusal::unauthorized("there is no such user any more"))?;
        match self.parameters.persist() {
            true => tokens::cookies(&token, age, self.arrival.secure),
            false => Ok(tokens::document(&token, self.parameters.style())),
        }
    }

    async fn metrics(&self) -> Result<Response<Body>, Refusal> {
        let Door {
            catalog,
            users,
            metrics,
            ..
        } = self.door;
        let mut rows = metrics.count_sessions(catalog, self.caller());
        let mut census = metrics::Census::new();
        while let Some(batch) = self.next(&mut rows).await? {
            metrics::add_sessions(&mut census, &batch).map_err(|error| self.internal(error))?;
        }
        let text = metrics::render(catalog, users, census).map_err(|error| self.internal(error))?;
        let mut response = document(text.into_bytes());
        let text = HeaderValue::from_static(metrics::CONTENT_TYPE);
        response.headers_mut().insert(CONTENT_TYPE, text);
        Ok(response)
    }

    async fn all(&self, resource: &Resource) -> Result<Response<Body>, Refusal> {
        self.parameters.check_operators()?;
        let none = ParamValues::List(Vec::new());
        let mut rows = self.run(resource.all(self.parameters.rdns()), none);
        // The first batch decides about the status: what fails later can only cut the body off.
        let first = self.next(&mut rows).await?;
        let hold = self.arrival.hold.clone();
        let wait_max = self.door.options.wait_max;
        let writer = self.writer(resource.shape(self.parameters.rdns()));
        let body = list_body(rows, first, writer, wait_max, hold, self.log.clone());
        Ok(Response::new(body))
    }

    async fn one(&self, resource: &Resource, id: &str) -> Result<Response<Body>, Refusal> {
        self.parameters.check_operators()?;
        let rdns = self.parameters.rdns();
        let (prepared, parameters) = resource
            .one(id, rdns)
            .ok_or_else(|| missing(resource.definition.singular, id))?;
        let found = self.found(prepared, parameters, resource.shape(rdns));
        found
            .await?
            .ok_or_else(|| missing(resource.definition.singular, id))
    }

    async fn related(
        &self,
        resource: &Resource,
        id: &str,
        name: &str,
    ) -> Result<Response<Body>, Refusal> {
        self.parameters.check_operators()?;
        let singular = resource.definition.singular;
        let (prepared, parameters, shape) = resource.related(id, name).ok_or_else(|| {
            Refusal::not_found(format!(
                "{} of a {singular} is not a relationship",
                shorten(name)
            ))
        })?;
        let found = self.found(prepared, parameters, shape).await?;
        found.ok_or_else(|| missing(singular, id))
    }

    /// The document of the statement's first row, if there is one.
    async fn found(
        &self,
        prepared: &Prepared,
        parameters: ParamValues,
        shape: &Arc<DocumentShape>,
    ) -> Result<Option<Response<Body>>, Refusal> {
        let mut rows = self.run(prepared, parameters);
        while let Some(batch) = self.next(&mut rows).await? {
            if batch.num_rows() > 0 {
                let mut writer = self.writer(shape);
                writer
                    .single(&batch)
                    .map_err(|error| self.internal(error))?;
                return Ok(Some(document(writer.into_text())));
            }
        }
        Ok(None)
    }

    fn close(&self, id: &str) -> Result<Response<Body>, Refusal> {
        let ttl = self.parameters.ttl()?;
        let session = integer_id(id)
            .and_then(SessionId::new)
            .and_then(|id| self.door.catalog.registry().get(id))
            .ok_or_else(|| missing("session", id))?;
        close(&session, ttl);
        self.log.closes(session.id(), ttl, StatusCode::NO_CONTENT);
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        Ok(response)
    }

    fn run(&self, prepared: &Prepared, parameters: ParamValues) -> Rows {
        self.door.catalog.run(prepared, parameters, self.caller())
    }

    fn caller(&self) -> Arc<Caller> {
        let admin = self.account.role == Role::Admin;
        Arc::new(Caller::new(&self.account.name, admin))
    }

    async fn next(&self, rows: &mut Rows) -> Result<Option<RecordBatch>, Refusal> {
        next_batch(rows, self.door.options.wait_max)
            .await
            .map_err(|error| self.failed(error))
    }

    fn writer(&self, shape: &Arc<DocumentShape>) -> DocumentWriter {
        let shape = Arc::clone(shape);
        DocumentWriter::new(shape, Arc::clone(&self.base), self.parameters.style())
    }

    fn failed(&self, error: DataFusionError) -> Refusal {
        let refused = match error.find_root() {
            DataFusionError::ResourcesExhausted(_) => {
                "there is not enough memory for this request now"
            }
            DataFusionError::External(source) => match source.downcast_ref() {
                Some(CatalogError::Stopped(_)) => "the request took too long",
                Some(CatalogError::ShuttingDown) => "the program is shutting down",
                _ => return self.internal(error),
            },
            _ => return self.internal(error),
        };
        Refusal::unavailable(refused).because(error)
    }

    /// 500. What went wrong is for the log: the client can do nothing about it.
    fn internal(&self, error: impl std::fmt::Display) -> Refusal {
        Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the request failed; the log says why",
        )
        .because(error)
    }
}

pub(super) fn document(text: Vec<u8>) -> Response<Body> {
    let length = HeaderValue::from(text.len());
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(CONTENT_LENGTH, length);
    response
}

fn options(allow: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(ALLOW, allow_header(allow));
    response
}

/// The same head; HTTP/2 would send the body of a response to HEAD.
fn without_body(response: Response<Body>) -> Response<Body> {
    let (mut head, body) = response.into_parts();
    let Some(length) = body.size_hint().exact() else {
        // A list has no known length: an empty body would claim that it has none.
        let nothing = futures::stream::empty::<Result<Bytes, Infallible>>();
        return Response::from_parts(head, Body::from_stream(nothing));
    };
    if length > 0 {
        head.headers
            .insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    Response::from_parts(head, Body::empty())
}
