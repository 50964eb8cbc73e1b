//! From a request to its response.
//!
//! One path for all resources: the [table of routes](super::routes) says what the request's path and method mean, and
//! the resource's query does the rest.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, ETAG, VARY};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, request::Parts};
use datafusion::common::ParamValues;
use datafusion::error::DataFusionError;
use hyper::body::Incoming;

use super::Door;
use super::access::{
    Admitted, Proof, addressed_host, admit, check_host, check_origin, shows_nothing,
};
use super::compress::compressed;
use super::conditions::{check, tag};
use super::document::{DocumentShape, DocumentWriter, PageFrame};
use super::flat::{ArrowWriter, CsvWriter};
use super::format::Format;
use super::frame::{document, empty, framed, options, without_body};
use super::head::Unread;
use super::json::{JsonWriter, Style};
use super::metrics;
use super::operators::{Operators, Page};
use super::parameters::{Parameters, shorten};
use super::refusal::Refusal;
use super::request_log::{AskedFor, RequestLog};
use super::resource::{Kind, Resource, SESSIONS};
use super::routes::{Access, Action, all_methods, find};
use super::server::Arrival;
use super::sorted::{Sorted, SortedRows};
use super::stream::{ListRows, ListWriter, list_body, next_batch};
use super::tokens;
use crate::auth::{Account, Role};
use crate::catalog::{Caller, CatalogError, PageEnd, Prepared, Rows, Snapshot};

/// The header that asks for another method than the request has.
const METHOD_OVERRIDE: HeaderName = HeaderName::from_static("x-http-method-override");

/// The target of a request that is about no resource (RFC 9110, section 9.3.7).
const EVERYTHING: &str = "*";

/// Answers any request.
pub async fn answer(door: &Door, arrival: Arrival, parts: Parts, body: Incoming) -> Response<Body> {
    let parameters = Parameters::parse(parts.uri.query());
    let style = parameters.style();
    let mut log = RequestLog::begin(door.next_request(), arrival.peer.ip());
    let wanted = method(&parts);
    let method = wanted
        .as_ref()
        .map_or(&parts.method, |method| method)
        .clone();
    let outcome = match wanted {
        Ok(_) => {
            let sent = Sent {
                parts: &parts,
                method: &method,
                parameters: &parameters,
                body,
            };
            respond(door, &arrival, sent, &mut log).await
        }
        Err(refusal) => Err(refusal),
    };
    let response = match outcome {
        Ok(response) => response,
        Err(refusal) => {
            log.refused(&refusal);
            refusal.into_response(style)
        }
    };
    let asked = AskedFor {
        method: &method,
        sent: &parts.method,
        path: parts.uri.path(),
    };
    log.answered(&asked, response.status());
    let response = framed(response, &parts.headers);
    let response = compressed(&parts.headers, response).await;
    match parts.method {
        Method::HEAD => without_body(response),
        _ => response,
    }
}

/// Answers a request that could not be read.
pub fn refuse(door: &Door, arrival: &Arrival, unread: Unread) -> Response<Body> {
    let mut log = RequestLog::begin(door.next_request(), arrival.peer.ip());
    log.refused(&unread.refusal);
    let asked = AskedFor {
        method: &unread.method,
        sent: &unread.method,
        path: &unread.path,
    };
    log.answered(&asked, unread.refusal.status);
    let response = unread.refusal.into_response(Style::Pretty);
    let response = framed(response, &HeaderMap::new());
    match unread.method {
        Method::HEAD => without_body(response),
        _ => response,
    }
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

/// What a client sent.
struct Sent<'a> {
    parts: &'a Parts,
    /// What it wants done.
    method: &'a Method,
    parameters: &'a Parameters,
    body: Incoming,
}

async fn respond(
    door: &Door,
    arrival: &Arrival,
    sent: Sent<'_>,
    log: &mut RequestLog,
) -> Result<Response<Body>, Refusal> {
    let Sent {
        parts,
        method,
        parameters,
        body,
    } = sent;
    if arrival.closing.is_cancelled() {
        return Err(Refusal::unavailable("the program is shutting down"));
    }
    let host = addressed_host(parts)?;
    if door.users.is_open() {
        check_host(host.as_ref(), &door.options.hosts, arrival.bound)?;
    }
    let path = parts.uri.path();
    let found = find(&door.routes, path);
    let is_public = found.as_ref().is_some_and(|(route, _)| route.is_public());
    let is_stranger = is_public && !door.users.is_open() && shows_nothing(&parts.headers);
    let Admitted { account, proof } = match is_stranger {
        true => Admitted::stranger(),
        false => admit(&door.users, &door.tokens, arrival, &parts.headers).await?,
    };
    log.known(&account.name);
    check_origin(method, &parts.headers, host.as_ref())?;
    if proof == Proof::Cookies {
        tokens::check_site(method, &parts.headers, host.as_ref(), arrival.secure)?;
    }

    if method == Method::OPTIONS && path == EVERYTHING {
        return Ok(options(&all_methods(&door.routes)));
    }
    let (route, filled) =
        found.ok_or_else(|| Refusal::not_found(format!("{} is not a resource", shorten(path))))?;
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
    parameters.check()?;
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
        headers: &parts.headers,
        log,
    };
    let mut filled = filled.iter().map(String::as_str);
    let mut fill = || filled.next().unwrap_or_default();
    match operation.action {
        Action::Root => Ok(asked.root(proof)),
        Action::List(at) => asked.all(door.resource(at)?).await,
        Action::One(at) => {
            let resource = door.resource(at)?;
            match resource.definition.kind {
                Kind::Collection => asked.one(resource, fill()).await,
                Kind::Single => asked.one(resource, resource.definition.name).await,
            }
        }
        Action::Related(at) => asked.related(door.resource(at)?, fill(), fill()).await,
        Action::AlterSession => asked.alter(door.resource(SESSIONS)?, fill(), body).await,
        Action::RestartSession => asked.restart(door.resource(SESSIONS)?, fill()).await,
        Action::RestartSessions => asked.restart_all(),
        Action::CloseSession => asked.close(door.resource(SESSIONS)?, fill()).await,
        Action::CloseSessions => asked.close_all(door.resource(SESSIONS)?).await,
        Action::Metrics => asked.metrics().await,
        Action::Token => asked.token(proof),
        Action::OpenApi => {
            let mut response = document(door.description.text(parameters.style()));
            let json = Format::Json.content_type();
            response.headers_mut().insert(CONTENT_TYPE, json);
            Ok(response)
        }
    }
}

pub(super) fn missing(singular: &str, id: &str) -> Refusal {
    Refusal::not_found(format!("{} is not a {singular}", shorten(id)))
}

/// A request that may be answered.
pub(super) struct Asked<'a> {
    pub(super) door: &'a Door,
    pub(super) arrival: &'a Arrival,
    pub(super) parameters: &'a Parameters,
    /// What links begin with.
    pub(super) base: Arc<str>,
    pub(super) account: Account,
    pub(super) headers: &'a HeaderMap,
    pub(super) log: &'a RequestLog,
}

impl Asked<'_> {
    fn root(&self, proof: Proof) -> Response<Body> {
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
        // Strangers need not know what they could try.
        if proof != Proof::Nothing {
            json.name("meta");
            json.begin_object();
            json.name("version");
            json.string(env!("CARGO_PKG_VERSION"));
            json.end_object();
        }
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
            metrics::add_sessions(&mut census, &batch).map_err(Refusal::defect)?;
        }
        let text = metrics::render(catalog, users, census).map_err(Refusal::defect)?;
        let mut response = document(text.into_bytes());
        let text = HeaderValue::from_static(metrics::CONTENT_TYPE);
        response.headers_mut().insert(CONTENT_TYPE, text);
        Ok(response)
    }

    async fn all(&self, resource: &Resource) -> Result<Response<Body>, Refusal> {
        let name = resource.definition.name;
        let operators = Operators::parse(self.parameters, name)?;
        let rdns = self.parameters.rdns();
        let format = Format::accepted(self.headers)?;
        if let Format::Csv | Format::Arrow = format {
            let flat = resource.flat(&operators, rdns)?;
            let rows = match &flat.sorted {
                Some(sorted) => self.sorted(self.snapshot(None), sorted).await?,
                None => self.run(&flat.rows, ParamValues::List(Vec::new())).into(),
            };
            let writer = match format {
                Format::Arrow => {
                    ListWriter::Arrow(Box::new(ArrowWriter::new(flat).map_err(Refusal::defect)?))
                }
                _ => ListWriter::Csv(CsvWriter::new(flat, &self.base)),
            };
            return self.list(rows, writer, format).await;
        }
        if operators.is_none() && !rdns {
            let rows = self
                .run(resource.all(rdns), ParamValues::List(Vec::new()))
                .into();
            let writer = self.objects(resource.shape(rdns), format);
            return self.list(rows, writer, format).await;
        }
        let listing = resource.listing(&operators, rdns)?;
        let page = operators.page.filter(|_| format != Format::Lines);
        let (Some(total), Some(page)) = (&listing.total, page) else {
            let rows = match &listing.sorted {
                Some(sorted) => self.sorted(self.snapshot(None), sorted).await?,
                None => self
                    .run(&listing.rows, ParamValues::List(Vec::new()))
                    .into(),
            };
            let writer = self.objects(&listing.shape, format);
            return self.list(rows, writer, format).await;
        };
        let catalog = &self.door.catalog;
        let snapshot = self.snapshot(listing.end);
        let mut rows = catalog.run_at(&snapshot, total);
        let mut total = 0;
        while let Some(batch) = self.next(&mut rows).await? {
            let counted = batch.column(0).as_primitive::<Int64Type>().value(0);
            total = usize::try_from(counted).unwrap_or_default();
        }
        drop(rows);
        let writer = self.writer(&listing.shape).of_page(PageFrame {
            links: self.page_links(name, page, total),
            total,
        });
        let rows = match &listing.sorted {
            Some(sorted) => self.sorted(snapshot, sorted).await?,
            None => catalog.run_at(&snapshot, &listing.rows).into(),
        };
        self.list(rows, ListWriter::Document(writer), format).await
    }

    fn snapshot(&self, end: Option<PageEnd>) -> Snapshot {
        self.door.catalog.snapshot(self.caller(), end)
    }

    /// The rows of a list by way of their ids.
    async fn sorted(&self, snapshot: Snapshot, sorted: &Arc<Sorted>) -> Result<ListRows, Refusal> {
        let Door {
            catalog, options, ..
        } = self.door;
        let rows = SortedRows::begin(catalog, snapshot, Arc::clone(sorted), options.wait_max);
        let rows = rows.await.map_err(failed)?;
        Ok(ListRows::Sorted(Box::new(rows)))
    }

    /// Writes a list of objects, in a document or one a line.
    fn objects(&self, shape: &Arc<DocumentShape>, format: Format) -> ListWriter {
        if format == Format::Lines {
            let (shape, base) = (Arc::clone(shape), Arc::clone(&self.base));
            return ListWriter::Lines(DocumentWriter::new(shape, base, Style::Compact));
        }
        ListWriter::Document(self.writer(shape))
    }

    /// Links to the pages beside one, with the request's other parameters.
    fn page_links(&self, name: &str, page: Page, total: usize) -> Vec<(&'static str, String)> {
        let last = page.last(total);
        let link =
            |number: usize| format!("{name}{}", self.parameters.with("page[number]", number));
        let mut links = vec![("self", link(page.number)), ("first", link(0))];
        if let Some(before) = page.number.checked_sub(1) {
            links.push(("prev", link(before.min(last))));
        }
        if page.number < last {
            links.push(("next", link(page.number + 1)));
        }
        links.push(("last", link(last)));
        links
    }

    async fn list(
        &self,
        mut rows: ListRows,
        writer: ListWriter,
        format: Format,
    ) -> Result<Response<Body>, Refusal> {
        // The first batch decides about the status: what fails later can only cut the body off.
        let wait_max = self.door.options.wait_max;
        let first = rows.next(wait_max).await.map_err(failed)?;
        let hold = self.arrival.hold.clone();
        let body = list_body(rows, first, writer, wait_max, hold, self.log.clone());
        let mut response = Response::new(body);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, format.content_type());
        headers.append(VARY, HeaderValue::from_static("accept"));
        Ok(response)
    }

    async fn one(&self, resource: &Resource, id: &str) -> Result<Response<Body>, Refusal> {
        let operators = Operators::of_one(self.parameters, resource.definition.name)?;
        let statements = resource.selected(&operators, self.parameters.rdns())?;
        let unknown = || missing(resource.definition.singular, id);
        let parameters = resource.id(id).ok_or_else(unknown)?;
        let row = self.row(&statements.one, parameters).await?;
        let row = row.ok_or_else(unknown)?;
        let tag = tag(&row, &statements.lasting);
        let mut response = match check(self.headers, &tag, true)? {
            Some(status) => empty(status),
            None => self.single(&row, &statements.shape)?,
        };
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            response.headers_mut().insert(ETAG, tag);
        }
        Ok(response)
    }

    async fn related(
        &self,
        resource: &Resource,
        id: &str,
        name: &str,
    ) -> Result<Response<Body>, Refusal> {
        let singular = resource.definition.singular;
        let (prepared, parameters, shape) = resource.related(id, name).ok_or_else(|| {
            Refusal::not_found(format!(
                "{} of a {singular} is not a relationship",
                shorten(name)
            ))
        })?;
        let row = self.row(prepared, parameters).await?;
        let row = row.ok_or_else(|| missing(singular, id))?;
        self.single(&row, shape)
    }

    /// A batch that begins with the statement's first row, if there is one.
    pub(super) async fn row(
        &self,
        prepared: &Prepared,
        parameters: ParamValues,
    ) -> Result<Option<RecordBatch>, Refusal> {
        let mut rows = self.run(prepared, parameters);
        self.next(&mut rows).await
    }

    /// The document of the batch's first row.
    fn single(
        &self,
        row: &RecordBatch,
        shape: &Arc<DocumentShape>,
    ) -> Result<Response<Body>, Refusal> {
        let mut writer = self.writer(shape);
        writer.single(row).map_err(Refusal::defect)?;
        Ok(document(writer.into_text()))
    }

    pub(super) fn run(&self, prepared: &Prepared, parameters: ParamValues) -> Rows {
        self.door.catalog.run(prepared, parameters, self.caller())
    }

    fn caller(&self) -> Arc<Caller> {
        let admin = self.account.role == Role::Admin;
        Arc::new(Caller::new(&self.account.name, admin))
    }

    pub(super) async fn next(&self, rows: &mut Rows) -> Result<Option<RecordBatch>, Refusal> {
        next_batch(rows, self.door.options.wait_max)
            .await
            .map_err(failed)
    }

    fn writer(&self, shape: &Arc<DocumentShape>) -> DocumentWriter {
        let shape = Arc::clone(shape);
        DocumentWriter::new(shape, Arc::clone(&self.base), self.parameters.style())
    }
}

fn failed(error: DataFusionError) -> Refusal {
    let refused = match error.find_root() {
        DataFusionError::ResourcesExhausted(_) => "there is not enough memory for this request now",
        DataFusionError::External(source) => match source.downcast_ref() {
            Some(CatalogError::Stopped(_)) => "the request took too long",
            Some(CatalogError::ShuttingDown) => "the program is shutting down",
            _ => return Refusal::defect(error),
        },
        _ => return Refusal::defect(error),
    };
    Refusal::unavailable(refused).because(error)
}
