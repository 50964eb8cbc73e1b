//! What all responses have around what they say.

use std::convert::Infallible;

use axum::body::Body;
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use bytes::Bytes;
use http_body::Body as _;

use super::format::Format;
use super::routes::allow_header;

/// Sent with every response.
const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
];

/// The response with what all have.
pub fn framed(mut response: Response<Body>, request: &HeaderMap) -> Response<Body> {
    let status = response.status();
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(value);
    }
    if status == StatusCode::NO_CONTENT {
        return response;
    }
    if !headers.contains_key(CONTENT_TYPE) {
        headers.append(VARY, HeaderValue::from_static("accept"));
        if status != StatusCode::NOT_MODIFIED {
            headers.insert(CONTENT_TYPE, Format::of_document(request).content_type());
        }
    }
    if [StatusCode::OK, StatusCode::NOT_MODIFIED].contains(&status) {
        headers.append(VARY, HeaderValue::from_static("accept-encoding"));
    }
    response
}

/// A text of a known length.
pub fn document(text: impl Into<Bytes>) -> Response<Body> {
    let text = text.into();
    let length = HeaderValue::from(text.len());
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(CONTENT_LENGTH, length);
    response
}

/// Nothing but a status.
pub fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// The methods that there are.
pub fn options(allow: &str) -> Response<Body> {
    let mut response = empty(StatusCode::NO_CONTENT);
    response.headers_mut().insert(ALLOW, allow_header(allow));
    response
}

/// The same head; HTTP/2 would send the body of a response to HEAD.
pub fn without_body(response: Response<Body>) -> Response<Body> {
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
