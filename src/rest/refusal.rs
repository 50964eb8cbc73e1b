use axum::body::Body;
use axum::http::header::{ALLOW, CONTENT_LENGTH, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Response, StatusCode};

use super::json::{JsonWriter, Style};
use super::routes::allow_header;

/// A request that is not answered as asked: becomes a JSON:API errors document.
#[derive(Debug)]
pub struct Refusal {
    /// The response's status.
    pub status: StatusCode,
    detail: String,
    allow: Option<String>,
    retry_after_s: Option<u64>,
    /// Who the client said it was, and is not, for the log.
    claimed: Option<String>,
    /// What went wrong inside, for the log.
    cause: Option<String>,
}

impl Refusal {
    /// A refusal with a sentence for whoever sent the request.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
            allow: None,
            retry_after_s: None,
            claimed: None,
            cause: None,
        }
    }

    /// 400: the request itself is wrong.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// 401: who asks is not known. The response says how to tell.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, detail)
    }

    /// 403: who asks may not.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    /// 404: there is no such thing.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// 405: the thing is there, but this cannot be done with it.
    pub fn method_not_allowed(allow: &str) -> Self {
        let detail = format!("the methods of this resource are {allow}");
        Self {
            allow: Some(allow.to_owned()),
            ..Self::new(StatusCode::METHOD_NOT_ALLOWED, detail)
        }
    }

    /// 429: not so often. The response says when again.
    pub fn too_many_requests(detail: impl Into<String>, retry_after_s: u64) -> Self {
        Self {
            retry_after_s: Some(retry_after_s),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, detail)
        }
    }

    /// 500. What went wrong is for the log: the client can do nothing about it.
    pub fn defect(error: impl std::fmt::Display) -> Self {
        let detail = "the request failed; the log says why";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail).because(error)
    }

    /// The same, with what went wrong inside.
    pub fn because(self, error: impl std::fmt::Display) -> Self {
        Self {
            cause: Some(error.to_string()),
            ..self
        }
    }

    /// The same to somebody who said to be this user.
    pub fn of_claimed(self, name: &str) -> Self {
        Self {
            claimed: Some(name.to_owned()),
            ..self
        }
    }

    /// Who the client said it was, and is not.
    pub fn claimed(&self) -> Option<&str> {
        self.claimed.as_deref()
    }

    /// The sentence for whoever sent the request.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// What went wrong inside.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// 503: not now.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    }

    /// The response with its document.
    pub fn into_response(self, style: Style) -> Response<Body> {
        let mut json = JsonWriter::new(style);
        json.begin_object();
        json.name("errors");
        json.begin_array();
        json.element();
        json.begin_object();
        json.name("detail");
        json.string(&self.detail);
        json.end_object();
        json.end_array();
        json.end_object();

        let text = json.into_text();
        let length = HeaderValue::from(text.len());
        let mut response = Response::new(Body::from(text));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_LENGTH, length);
        if let Some(allow) = self.allow {
            headers.insert(ALLOW, allow_header(&allow));
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Basic realm=\"rollcall\"");
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
