use std::net::SocketAddr;
use std::sync::Arc;

use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING};
use axum::http::{HeaderMap, HeaderValue, Response};
use datafusion::common::ParamValues;
use http_body_util::BodyExt;

use super::*;
use crate::catalog::{Caller, Catalog, CatalogOptions, Prepared};
use crate::rest::compress::compressed;
use crate::rest::json::Style;
use crate::rest::operators::Operators;
use crate::rest::resource::{DEFINITIONS, Resource, SESSIONS};
use crate::rest::server::Arrival;
use crate::session::{Listener, Registry, Remote, Service};

/// How many sessions there are: more than come in one batch.
const SESSIONS_MAX: i64 = 20_000;

fn caller() -> Arc<Caller> {
    Arc::new(Caller::new("", false))
}

/// A list's bytes, and whether they end in order; the query fails behind its first batch if it is to.
async fn sent(
    mut rows: Rows,
    fails: bool,
    writer: ListWriter,
    coding: &'static str,
) -> (Vec<u8>, bool) {
    let arrival = Arrival::of(SocketAddr::from(([127, 0, 0, 1], 40_000)), false);
    let patience = Duration::from_secs(60);
    let first = next_batch(&mut rows, patience).await.unwrap();
    assert!(first.is_some());
    if fails {
        rows.stopper().stop(StopReason::TimedOut);
    }
    let log = RequestLog::begin(1, [127, 0, 0, 1].into());
    let body = list_body(
        rows.into(),
        first,
        writer,
        patience,
        arrival.hold.clone(),
        log,
    );
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(coding));
    let response = compressed(&headers, Response::new(body)).await;
    let is_coded = response.headers().get(CONTENT_ENCODING).is_some();
    assert_eq!(is_coded, coding != "identity");
    let mut body = response.into_body();
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => bytes.extend_from_slice(frame.data_ref().unwrap()),
            Err(_) => return (bytes, false),
        }
    }
    (bytes, true)
}

#[tokio::test]
async fn a_query_that_fails_half_way_cuts_off_every_list() {
    let registry = Registry::new();
    let service = Arc::new(Service::new("shop", "none"));
    let address = SocketAddr::from(([127, 0, 0, 1], 5433));
    let listener = Arc::new(Listener::new("in", &service, "postgresql", address));
    let register = |_| registry.register(&listener, Remote::Tcp(address)).unwrap();
    let guards: Vec<_> = (0..SESSIONS_MAX).map(register).collect();
    assert_eq!(i64::from(guards.last().unwrap().id()), SESSIONS_MAX);
    let catalog = Catalog::new(Arc::clone(&registry), CatalogOptions::default()).unwrap();
    let resource = Resource::plan(&DEFINITIONS[SESSIONS], &catalog, caller());
    let sessions = resource.await.unwrap();
    let flat = sessions.flat(&Operators::default(), false).unwrap();

    let base: Arc<str> = "http://localhost/v1/".into();
    let objects =
        |style| DocumentWriter::new(Arc::clone(sessions.shape(false)), Arc::clone(&base), style);
    let lists: [(&str, &Prepared, &dyn Fn() -> ListWriter); 4] = [
        ("document", sessions.all(false), &|| {
            ListWriter::Document(objects(Style::Pretty))
        }),
        ("lines", sessions.all(false), &|| {
            ListWriter::Lines(objects(Style::Compact))
        }),
        ("CSV", &flat.rows, &|| {
            ListWriter::Csv(CsvWriter::new(Arc::clone(&flat), &base))
        }),
        ("Arrow", &flat.rows, &|| {
            ListWriter::Arrow(Box::new(ArrowWriter::new(Arc::clone(&flat)).unwrap()))
        }),
    ];
    for (name, prepared, writer) in lists {
        for coding in ["identity", "gzip", "zstd"] {
            let run = |fails| {
                let rows = catalog.run(prepared, ParamValues::List(Vec::new()), caller());
                sent(rows, fails, writer(), coding)
            };
            let (whole, is_ended) = run(false).await;
            assert!(is_ended, "{name} {coding}");
            let (part, is_ended) = run(true).await;
            assert!(!is_ended, "{name} {coding}");
            assert!(part.len() < whole.len(), "{name} {coding}");
        }
    }
}
