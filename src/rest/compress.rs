use std::convert::Infallible;
use std::future::ready;

use axum::body::Body;
use axum::http::header::{ACCEPT_ENCODING, ETAG};
use axum::http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use tower::{ServiceExt, service_fn};
use tower_http::compression::Compression;

/// The response in the coding that the request wants, gzip or zstd: piece by piece, so that an error in the middle of
/// a list still cuts it off.
pub async fn compressed(headers: &HeaderMap, response: Response<Body>) -> Response<Body> {
    let is_wanted = |wanted: &HeaderValue| {
        let wanted = wanted.to_str().unwrap_or_default().to_ascii_lowercase();
        ["gzip", "zstd", "*"]
            .iter()
            .any(|coding| wanted.contains(coding))
    };
    let mut codings = headers.get_all(ACCEPT_ENCODING).iter();
    if response.status() != StatusCode::OK || !codings.any(is_wanted) {
        return response;
    }
    let mut request = Request::new(());
    for coding in headers.get_all(ACCEPT_ENCODING) {
        request
            .headers_mut()
            .append(ACCEPT_ENCODING, coding.clone());
    }
    let mut uncompressed = Some(response);
    let answer = service_fn(move |_: Request<()>| {
        let response = uncompressed.take().unwrap_or_default();
        ready(Ok::<_, Infallible>(response))
    });
    let Ok(response) = Compression::new(answer).oneshot(request).await;
    let mut response = response.map(Body::new);
    // The bytes are others, what they stand for is the same.
    let tag = response
        .headers()
        .get(ETAG)
        .and_then(|tag| tag.to_str().ok());
    if response.headers().contains_key("content-encoding")
        && let Some(tag) = tag
        && let Ok(weak) = HeaderValue::from_str(&format!("W/{tag}"))
    {
        response.headers_mut().insert(ETAG, weak);
    }
    response
}
