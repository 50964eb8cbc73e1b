//! Requests that change something: sessions are ended, and altered.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use axum::body::{Body, to_bytes};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH};
use axum::http::{HeaderValue, Response, StatusCode};
use bytes::Bytes;
use datafusion::common::ParamValues;
use http_body::Body as _;
use http_body_util::LengthLimitError;
use hyper::body::Incoming;
use tokio::time::timeout;

use super::alter::Changes;
use super::answer::{Asked, missing};
use super::close::close;
use super::conditions::{check, check_list, tag};
use super::format::Format;
use super::frame::{document, empty};
use super::json::{JsonWriter, push_integer};
use super::operators::Operators;
use super::refusal::Refusal;
use super::resource::{Resource, integer_id};
use crate::session::{Profile, Session, SessionId};

/// Bytes of a request's body, at most.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// The router of services whose clients are answered here.
const CATALOG: &str = "catalog";

/// New sessions of the filters that the session has.
fn restart(session: &Session, profile: &Profile) {
    if !profile.filters.is_empty() {
        session.ask_for_filters(profile.filters.iter().cloned().collect());
    }
}

impl Asked<'_> {
    /// Checks whether the resource is what the request wants changed.
    async fn check_unchanged(&self, resource: &Resource, id: &str) -> Result<(), Refusal> {
        let conditional = [IF_MATCH, IF_NONE_MATCH];
        if !conditional
            .iter()
            .any(|name| self.headers.contains_key(name))
        {
            return Ok(());
        }
        let statements = resource.selected(&Operators::default(), false)?;
        let unknown = || missing(resource.definition.singular, id);
        let parameters = resource.id(id).ok_or_else(unknown)?;
        let row = self.row(&statements.one, parameters).await?;
        let tag = tag(&row.ok_or_else(unknown)?, &statements.lasting);
        check(self.headers, &tag, false).map(|_| ())
    }

    /// Ends a session.
    pub(super) async fn close(
        &self,
        sessions: &Resource,
        id: &str,
    ) -> Result<Response<Body>, Refusal> {
        let ttl = self.parameters.ttl()?;
        self.check_unchanged(sessions, id).await?;
        let session = self.session(integer_id(id));
        let session = session.ok_or_else(|| missing("session", id))?;
        close(&session, ttl);
        self.log.closes(session.id(), ttl, StatusCode::NO_CONTENT);
        Ok(empty(StatusCode::NO_CONTENT))
    }

    /// Changes what is logged of a session, and its filters.
    pub(super) async fn alter(
        &self,
        sessions: &Resource,
        id: &str,
        body: Incoming,
    ) -> Result<Response<Body>, Refusal> {
        // A client may take its time with the body: what it is about is looked at afterwards.
        let text = self.body(body).await?;
        self.check_unchanged(sessions, id).await?;
        let session = self.session(integer_id(id));
        let session = session.ok_or_else(|| missing("session", id))?;
        let changes = Changes::parse(&text, id)?;
        if let Some(filters) = &changes.filters {
            self.check_filters(&session, filters)?;
            session.ask_for_filters(filters.iter().map(|name| name.as_str().into()).collect());
        }
        let registry = self.door.catalog.registry();
        for (level, on) in changes.logs {
            registry.set_log(&session, level, on);
        }
        Ok(empty(StatusCode::NO_CONTENT))
    }

    /// Refuses filters that the session cannot have.
    fn check_filters(&self, session: &Session, names: &[String]) -> Result<(), Refusal> {
        let topology = self.door.catalog.registry().topology();
        for name in names {
            if !topology.filters.iter().any(|filter| *filter.name == **name) {
                return Err(missing("filter", name));
            }
        }
        // Its statements are answered here, and pass nothing.
        let service = &session.listener().service;
        match &*service.router == CATALOG && !names.is_empty() {
            true => Err(Refusal::bad_request(format!(
                "a session of {:?} has no filters: nothing of it is routed",
                service.name
            ))),
            false => Ok(()),
        }
    }

    /// Makes a session's filter sessions anew. Its connection to a server stays, since the client's authentication
    /// passed through it, and a router of today keeps nothing else.
    pub(super) async fn restart(
        &self,
        sessions: &Resource,
        id: &str,
    ) -> Result<Response<Body>, Refusal> {
        self.check_unchanged(sessions, id).await?;
        let session = self.session(integer_id(id));
        let session = session.ok_or_else(|| missing("session", id))?;
        if let Some(profile) = self.door.catalog.registry().profile(&session) {
            restart(&session, &profile);
        }
        Ok(empty(StatusCode::NO_CONTENT))
    }

    /// The same of all sessions.
    pub(super) fn restart_all(&self) -> Result<Response<Body>, Refusal> {
        check_list(self.headers)?;
        for image in self.door.catalog.registry().membership().images() {
            image
                .rows()
                .for_each(|row| restart(row.session, row.profile));
        }
        Ok(empty(StatusCode::NO_CONTENT))
    }

    /// Refuses a body that does not say to be JSON as it is; nothing said is taken for that.
    fn check_kind(&self) -> Result<(), Refusal> {
        let unsupported = |detail: &str| Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail);
        let names = |value: &HeaderValue, known: &[&str]| {
            let value = value.to_str().unwrap_or_default();
            let name = value.split(';').next().unwrap_or_default().trim();
            known.iter().any(|known| name.eq_ignore_ascii_case(known))
        };
        let mut types = self.headers.get_all(CONTENT_TYPE).iter();
        if !types.all(|value| names(value, &[Format::Json.name(), Format::JsonApi.name()])) {
            return Err(unsupported(
                "the body's Content-Type must be application/json or application/vnd.api+json",
            ));
        }
        let mut codings = self.headers.get_all(CONTENT_ENCODING).iter();
        match codings.all(|value| names(value, &["identity"])) {
            true => Ok(()),
            false => Err(unsupported("the body must have no Content-Encoding")),
        }
    }

    /// A request's body, in bounded time and memory.
    async fn body(&self, body: Incoming) -> Result<Bytes, Refusal> {
        self.check_kind()?;
        let too_long = || {
            Refusal::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("the body is longer than {BODY_BYTES_MAX} bytes"),
            )
        };
        // What is announced is not waited for.
        if body.size_hint().lower() > BODY_BYTES_MAX as u64 {
            return Err(too_long());
        }
        let whole = to_bytes(Body::new(body), BODY_BYTES_MAX);
        match timeout(self.door.options.head_timeout, whole).await {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(error)) => Err(match error.into_inner().is::<LengthLimitError>() {
                true => too_long(),
                false => Refusal::bad_request("the body did not come whole"),
            }),
            Err(_) => Err(Refusal::new(
                StatusCode::REQUEST_TIMEOUT,
                "the body did not come in time",
            )),
        }
    }

    /// Ends all sessions that the filters select.
    pub(super) async fn close_all(&self, sessions: &Resource) -> Result<Response<Body>, Refusal> {
        let ttl = self.parameters.ttl()?;
        check_list(self.headers)?;
        let operators = Operators::parse(self.parameters, sessions.definition.name)?;
        if operators.filters.is_empty() {
            return Err(Refusal::bad_request(
                "DELETE of sessions needs a filter: it ends all that it selects",
            ));
        }
        if operators.page.is_some() {
            return Err(Refusal::bad_request(
                "DELETE of sessions takes no page: it ends all that the filter selects",
            ));
        }
        let ids = sessions.ids(&operators)?;
        let mut rows = self.run(&ids, ParamValues::List(Vec::new()));
        let mut selected = Vec::new();
        while let Some(batch) = self.next(&mut rows).await? {
            let ids = batch.column(0).as_primitive::<Int64Type>();
            selected.extend(ids.values().iter().copied());
        }
        let mut closed = 0;
        for session in selected.into_iter().filter_map(|id| self.session(Some(id))) {
            if close(&session, ttl) {
                closed += 1;
                self.log.closes(session.id(), ttl, StatusCode::OK);
            }
        }
        let mut json = JsonWriter::new(self.parameters.style());
        json.begin_object();
        json.name("meta");
        json.begin_object();
        json.name("closed");
        push_integer(json.text(), closed);
        json.end_object();
        json.end_object();
        Ok(document(json.into_text()))
    }

    /// The live session with this id.
    pub(super) fn session(&self, id: Option<i64>) -> Option<Arc<Session>> {
        let id = id.and_then(SessionId::new)?;
        self.door.catalog.registry().get(id)
    }
}
