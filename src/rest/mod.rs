//! Door 2: HTTP, JSON:API.
//!
//! | file | what it is |
//! | --- | --- |
//! | `server` | sockets, TLS, limits, drain |
//! | `linger` | closing a socket so that the last answer arrives |
//! | `front` | what stands in front of the HTTP library, so that every request gets an answer of ours |
//! | `head`, `chunks` | heads that the library can read, and how long what follows them is |
//! | `pulse` | whether a connection is idle |
//! | `routes` | the table of all that can be asked: paths, methods, who may |
//! | `answer` | from a request to its response |
//! | `frame` | what all responses have |
//! | `request_log` | what the log says of it |
//! | `access` | who may ask, under which host name |
//! | `openapi` | the description of all of this for programs |
//! | `tokens` | tokens in place of passwords, and the cookies for them |
//! | `parameters` | the query string |
//! | `resource` | a planned query of `queries/`, and what a request adds to its plan |
//! | `paths` | where in a document something stands, and the query's expression of it |
//! | `operators`, `filter` | which objects and members a request wants, in which order, which page |
//! | `listing` | the plan of a list with these |
//! | `sorted` | long lists in an order that the table does not deliver |
//! | `conditions` | entity tags, and requests that depend on them |
//! | `compile` | what the engine delivers for it, and how documents follow from that |
//! | `form`, `derived` | those rules: values, and the columns that the door makes itself |
//! | `document` | batches as JSON:API documents |
//! | `template`, `presence`, `values`, `json` | what a batch's rows share, what they leave out, Arrow columns as JSON values, JSON text |
//! | `documents` | the same documents without HTTP |
//! | `format`, `flat` | what a list is written as, and lists as tables: CSV, Arrow |
//! | `compress` | responses in gzip and zstd |
//! | `stream` | a list's body, rendered while the query runs |
//! | `metrics` | what the catalog counts, for Prometheus |
//! | `act` | requests that change something |
//! | `alter` | the document that changes a session |
//! | `close` | ends sessions, now or later |
//! | `refusal` | errors documents |
//!
//! A resource is a query: no file here knows what a session's document looks like, `queries/sessions.sql` does.

mod access;
mod act;
mod alter;
mod answer;
mod chunks;
mod close;
mod compile;
mod compress;
mod conditions;
mod derived;
mod document;
mod documents;
mod filter;
mod flat;
mod form;
mod format;
mod frame;
mod front;
mod head;
mod json;
mod linger;
mod listing;
mod metrics;
mod openapi;
mod operators;
mod parameters;
mod paths;
mod presence;
mod pulse;
mod refusal;
mod request_log;
mod resource;
pub mod routes;
mod server;
mod sorted;
mod stream;
mod template;
mod tokens;
mod values;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub use documents::Documents;
pub use resource::ResourceError;
pub use server::serve;
pub use values::UnsupportedType;

use self::metrics::Metrics;
use self::openapi::Description;
use self::refusal::Refusal;
use self::resource::{DEFINITIONS, Resource};
use self::routes::Route;
use crate::auth::{Tokens, Users};
use crate::catalog::{Caller, Catalog};
use crate::tls::TlsSlot;

/// What can be set about the door.
#[derive(Clone, Debug)]
pub struct DoorOptions {
    /// Host names and addresses, without ports, that an open door answers to besides its own.
    pub hosts: Vec<String>,
    /// Connections at a time; a client over it gets 503.
    pub connections_max: usize,
    /// How long a request's head may take, and how long a connection is kept that asks nothing.
    pub head_timeout: Duration,
    /// How long a TLS handshake may take.
    pub handshake_timeout: Duration,
    /// How long a query may take for its next batch, and a client to take a piece of a list.
    pub wait_max: Duration,
    /// How long requests under way may take once the door is being closed.
    pub drain_timeout: Duration,
}

impl Default for DoorOptions {
    fn default() -> Self {
        Self {
            hosts: Vec::new(),
            connections_max: 200,
            head_timeout: Duration::from_secs(30),
            handshake_timeout: Duration::from_secs(10),
            wait_max: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(10),
        }
    }
}

/// The REST door, ready to [`serve`].
pub struct Door {
    catalog: Arc<Catalog>,
    users: Arc<Users>,
    tokens: Tokens,
    tls: Option<Arc<TlsSlot>>,
    options: DoorOptions,
    resources: Vec<Resource>,
    metrics: Metrics,
    routes: Vec<Route>,
    description: Description,
    /// So far.
    requests: AtomicU64,
}

impl Door {
    /// Plans all resources over the catalog. With a certificate the door speaks TLS only.
    ///
    /// # Errors
    /// When a resource's query is not one that a resource can be made of.
    pub async fn new(
        catalog: Arc<Catalog>,
        users: Arc<Users>,
        tls: Option<Arc<TlsSlot>>,
        options: DoorOptions,
    ) -> Result<Arc<Self>, ResourceError> {
        let caller = Arc::new(Caller::new("", false));
        let mut resources = Vec::with_capacity(DEFINITIONS.len());
        for definition in &DEFINITIONS {
            resources.push(Resource::plan(definition, &catalog, Arc::clone(&caller)).await?);
        }
        let metrics = Metrics::plan(&catalog, caller).await;
        let metrics = metrics.map_err(|source| ResourceError::Plan {
            name: "metrics/sessions",
            source,
        })?;
        let routes = routes::table();
        Ok(Arc::new(Self {
            description: Description::new(&routes, &resources),
            catalog,
            users,
            tokens: Tokens::new(),
            tls,
            options,
            resources,
            metrics,
            routes,
            requests: AtomicU64::new(0),
        }))
    }

    /// The id of a request that begins now.
    fn next_request(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn resource(&self, at: usize) -> Result<&Resource, Refusal> {
        let unknown = || Refusal::not_found("there is no such resource");
        self.resources.get(at).ok_or_else(unknown)
    }
}
