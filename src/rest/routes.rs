//! From a request to its response.
//!
//! One path for all resources: the request's path names the resource and perhaps an id, its method what to do, and
//! the resource's query does the rest.

use std::convert::Infallible;
use std::sync::Arc;

use arrow::array::RecordBatch;
use axum::body::Body;
use axum::http::header::{
    ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Method, Response, StatusCode, request::Parts};
use bytes::Bytes;
use datafusion::common::ParamValues;
use datafusion::error::DataFusionError;
use http_body::Body as _;
use percent_encoding::percent_decode_str;

use super::Door;
use super::access::{addressed_host, admit, check_host};
use super::close::close;
use super::document::DocumentWriter;
use super::json::JsonWriter;
use super::metrics;
use super::parameters::{Parameters, shorten};
use super::refusal::Refusal;
use super::resource::{Resource, integer_id};
use super::server::Arrival;
use super::stream::{list_body, next_batch};
use crate::auth::{Account, Role};
use crate::catalog::{Caller, CatalogError, Prepared, Rows};
use crate::session::SessionId;

const READ: &str = "GET, HEAD, OPTIONS";
const READ_AND_DELETE: &str = "GET, HEAD, DELETE, OPTIONS";

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

/// What a path names.
enum Target<'a> {
    Root,
    Metrics,
    All(&'a Resource),
    One(&'a Resource, String),
}

impl Target<'_> {
    fn methods(&self) -> &'static str {
        match self {
            Self::One(resource, _) if resource.definition.closes_sessions => READ_AND_DELETE,
            _ => READ,
        }
    }
}

/// Answers any request.
pub async fn answer(door: &Door, arrival: Arrival, parts: Parts) -> Response<Body> {
    let parameters = Parameters::parse(parts.uri.query());
    let style = parameters.style();
    let mut response = match respond(door, &arrival, &parts, &parameters).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(style),
    };
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(value);
    }
    if response.status() == StatusCode::NO_CONTENT {
        response.headers_mut().remove(CONTENT_TYPE);
    }
    tracing::debug!(
        method = %parts.method,
        path = parts.uri.path(),
        status = response.status().as_u16(),
        "answered",
    );
    if parts.method == Method::HEAD {
        return without_body(response);
    }
    response
}

async fn respond(
    door: &Door,
    arrival: &Arrival,
    parts: &Parts,
    parameters: &Parameters,
) -> Result<Response<Body>, Refusal> {
    if arrival.closing.is_cancelled() {
        return Err(Refusal::unavailable("the program is shutting down"));
    }
    let host = addressed_host(parts)?;
    if door.users.is_open() {
        check_host(host.as_ref(), &door.options.hosts, arrival.bound)?;
    }
    let authorization = parts.headers.get(AUTHORIZATION);
    let account = admit(&door.users, arrival.peer, authorization).await?;

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
    };
    let target = target(door, parts.uri.path())?;
    match (&parts.method, &target) {
        (&Method::OPTIONS, _) => Ok(options(target.methods())),
        (&Method::GET | &Method::HEAD, Target::Root) => Ok(asked.root()),
        (&Method::GET | &Method::HEAD, Target::Metrics) => asked.metrics().await,
        (&Method::GET | &Method::HEAD, Target::All(resource)) => asked.all(resource).await,
        (&Method::GET | &Method::HEAD, Target::One(resource, id)) => asked.one(resource, id).await,
        (&Method::DELETE, Target::One(resource, id)) if resource.definition.closes_sessions => {
            asked.close(resource, id)
        }
        _ => Err(Refusal::method_not_allowed(target.methods())),
    }
}

/// The path's meaning. `/v1` in front may be missing, and a slash at the end does not matter.
fn target<'a>(door: &'a Door, path: &str) -> Result<Target<'a>, Refusal> {
    let unknown = || Refusal::not_found(format!("{} is not a resource", shorten(path)));
    let trimmed = path.strip_prefix('/').unwrap_or(path);
    let trimmed = trimmed.strip_suffix('/').unwrap_or(trimmed);
    let rest = match trimmed.strip_prefix("v1") {
        Some("") => "",
        Some(rest) => rest.strip_prefix('/').unwrap_or(trimmed),
        None => trimmed,
    };
    if rest.is_empty() {
        return Ok(Target::Root);
    }
    if rest == "metrics" {
        return Ok(Target::Metrics);
    }
    let mut segments = rest.split('/');
    let name = segments.next().unwrap_or_default();
    let mut resources = door.resources.iter();
    let resource = resources
        .find(|resource| resource.definition.name == name)
        .ok_or_else(unknown)?;
    match (segments.next(), segments.next()) {
        (None, _) => Ok(Target::All(resource)),
        (Some(id), None) => match percent_decode_str(id).decode_utf8() {
            Ok(id) => Ok(Target::One(resource, id.into_owned())),
            Err(_) => Err(missing(resource, id)),
        },
        _ => Err(unknown()),
    }
}

fn missing(resource: &Resource, id: &str) -> Refusal {
    Refusal::not_found(format!(
        "{} is not a {}",
        shorten(id),
        resource.definition.singular
    ))
}

/// A request that may be answered.
struct Asked<'a> {
    door: &'a Door,
    arrival: &'a Arrival,
    parameters: &'a Parameters,
    /// What links begin with.
    base: Arc<str>,
    account: Account,
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

    async fn metrics(&self) -> Result<Response<Body>, Refusal> {
        let Door {
            catalog, metrics, ..
        } = self.door;
        let mut rows = metrics.count_sessions(catalog, self.caller());
        let mut census = metrics::Census::new();
        while let Some(batch) = self.next(&mut rows).await? {
            metrics::add_sessions(&mut census, &batch).map_err(internal)?;
        }
        let text = metrics::render(catalog, census).map_err(internal)?;
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
        let body = list_body(rows, first, self.writer(resource), wait_max, hold);
        Ok(Response::new(body))
    }

    async fn one(&self, resource: &Resource, id: &str) -> Result<Response<Body>, Refusal> {
        self.parameters.check_operators()?;
        let (prepared, parameters) = resource
            .one(id, self.parameters.rdns())
            .ok_or_else(|| missing(resource, id))?;
        let mut rows = self.run(prepared, parameters);
        while let Some(batch) = self.next(&mut rows).await? {
            if batch.num_rows() > 0 {
                let mut writer = self.writer(resource);
                writer.single(&batch).map_err(internal)?;
                return Ok(document(writer.into_text()));
            }
        }
        Err(missing(resource, id))
    }

    fn close(&self, resource: &Resource, id: &str) -> Result<Response<Body>, Refusal> {
        if self.account.role != Role::Admin {
            return Err(Refusal::forbidden(format!(
                "the user {:?} has the role basic, which reads only",
                self.account.name
            )));
        }
        let ttl = self.parameters.ttl()?;
        let session = integer_id(id)
            .and_then(SessionId::new)
            .and_then(|id| self.door.catalog.registry().get(id))
            .ok_or_else(|| missing(resource, id))?;
        close(&session, ttl, &self.account.name);
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
            .map_err(failed)
    }

    fn writer(&self, resource: &Resource) -> DocumentWriter {
        let shape = Arc::clone(resource.shape(self.parameters.rdns()));
        DocumentWriter::new(shape, Arc::clone(&self.base), self.parameters.style())
    }
}

fn failed(error: DataFusionError) -> Refusal {
    let refused = match error.find_root() {
        DataFusionError::ResourcesExhausted(_) => "there is not enough memory for this request now",
        DataFusionError::External(source) => match source.downcast_ref() {
            Some(CatalogError::Stopped(_)) => "the request took too long",
            Some(CatalogError::ShuttingDown) => "the program is shutting down",
            _ => return internal(error),
        },
        _ => return internal(error),
    };
    tracing::warn!(%error, "a request was given up");
    Refusal::unavailable(refused)
}

/// 500. What went wrong is for the log: the client can do nothing about it.
fn internal(error: impl std::fmt::Display) -> Refusal {
    tracing::error!(%error, "a request failed");
    Refusal::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "the request failed; the log says why",
    )
}

fn document(text: Vec<u8>) -> Response<Body> {
    let length = HeaderValue::from(text.len());
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(CONTENT_LENGTH, length);
    response
}

fn options(methods: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let methods = HeaderValue::from_static(methods);
    response.headers_mut().insert(ALLOW, methods);
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
