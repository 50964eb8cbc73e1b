//! `GET /v1/auth`: a token instead of name and password, and the cookies that a browser may keep it in.
//!
//! As the documented API has it, a cookie has the token without its signature, which a page may read to know who is
//! logged in, and another one, which no script can read, has the signature.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, COOKIE, ORIGIN, SET_COOKIE};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};

use super::json::{JsonWriter, Style};
use super::refusal::Refusal;
use super::server::Arrival;

/// How long a token lives that nobody has asked to live for another time.
pub const AGE_DEFAULT: Duration = Duration::from_secs(28_800);
/// The longest life that can be asked for.
pub const AGE_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The cookie with the token but for its signature.
pub const BODY: &str = "token_body";
/// The cookie with the signature.
pub const SIGNATURE: &str = "token_sig";
/// Where a browser says that a request comes from.
pub const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Tokens are worth a password: they are not given or taken where others may read along.
///
/// # Errors
/// 403 in clear to or from another machine.
pub fn check_privacy(arrival: &Arrival) -> Result<(), Refusal> {
    if arrival.secure || arrival.peer.ip().to_canonical().is_loopback() {
        return Ok(());
    }
    Err(Refusal::forbidden(
        "tokens are given and taken over HTTPS only, or on this machine: configure rest.tls",
    ))
}

/// The token in a request's cookies, if both parts are there.
pub fn from_cookies(headers: &HeaderMap) -> Option<String> {
    let cookie = |wanted: &str| {
        let texts = headers.get_all(COOKIE).iter();
        let texts = texts.filter_map(|value| value.to_str().ok());
        let mut pairs = texts.flat_map(|text| text.split(';'));
        pairs.find_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            (name == wanted).then_some(value)
        })
    };
    Some(format!("{}.{}", cookie(BODY)?, cookie(SIGNATURE)?))
}

/// Refuses what a page of another site has made a browser send. The cookies are marked to stay away from such requests;
/// this is for browsers that do not know the mark, and for other ports of the same host, which are the same site.
///
/// # Errors
/// 403 when the request changes something and does not say that it comes from this door's own pages.
pub fn check_site(
    method: &Method,
    headers: &HeaderMap,
    host: Option<&Authority>,
    secure: bool,
) -> Result<(), Refusal> {
    if [Method::GET, Method::HEAD, Method::OPTIONS].contains(method) {
        return Ok(());
    }
    let own = match (headers.get(SEC_FETCH_SITE), headers.get(ORIGIN)) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => {
            let scheme = if secure { "https" } else { "http" };
            host.is_some_and(|host| origin.as_bytes() == format!("{scheme}://{host}").as_bytes())
        }
        (None, None) => false,
    };
    match own {
        true => Ok(()),
        false => Err(Refusal::forbidden(
            "a request that is authorized by cookies and changes something must come from this host's own pages",
        )),
    }
}

/// The answer with a new token.
pub fn document(token: &str, style: Style) -> Response<Body> {
    let mut json = JsonWriter::new(style);
    json.begin_object();
    json.name("meta");
    json.begin_object();
    json.name("token");
    json.string(token);
    json.end_object();
    json.end_object();
    private(super::frame::document(json.into_text()))
}

/// The answer that leaves a new token with a browser, for as long as it runs or for so long.
///
/// # Errors
/// 400 when the token has characters that cookies cannot have, which no token has.
pub fn cookies(
    token: &str,
    age: Option<Duration>,
    secure: bool,
) -> Result<Response<Body>, Refusal> {
    let unfit = || Refusal::bad_request("this token does not fit into cookies");
    let (body, signature) = token.rsplit_once('.').ok_or_else(unfit)?;
    let age = age.map_or_else(String::new, |age| format!("; Max-Age={}", age.as_secs()));
    let secure = if secure { "; Secure" } else { "" };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    for (name, value, hidden) in [(BODY, body, ""), (SIGNATURE, signature, "; HttpOnly")] {
        let cookie = format!("{name}={value}; Path=/; SameSite=Strict{hidden}{secure}{age}");
        let cookie = HeaderValue::try_from(cookie).map_err(|_| unfit())?;
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(private(response))
}

fn private(mut response: Response<Body>) -> Response<Body> {
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    response
}

#[cfg(test)]
mod tests {
    use axum::http::request::Builder;

    use super::*;

    fn headers(list: &[(&str, &str)]) -> HeaderMap {
        let add = |builder: Builder, (name, value): &(&str, &str)| builder.header(*name, *value);
        let request = list.iter().fold(axum::http::Request::builder(), add);
        request.body(()).unwrap().headers().clone()
    }

    #[test]
    fn a_token_is_read_from_both_its_cookies() {
        let read = |list: &[(&str, &str)]| from_cookies(&headers(list));
        let token = Some("a.b.c".to_owned());
        assert_eq!(read(&[("cookie", "token_body=a.b; token_sig=c")]), token);
        assert_eq!(
            read(&[("cookie", "x=1;token_sig=c; y; token_body=a.b;")]),
            token
        );
        // HTTP/2 may split them.
        let split = [("cookie", "token_sig=c"), ("cookie", "token_body=a.b")];
        assert_eq!(read(&split), token);
        for less in [
            "",
            "token_body=a.b",
            "token_sig=c",
            "xtoken_body=a.b; token_sig=c",
        ] {
            assert_eq!(read(&[("cookie", less)]), None, "{less}");
        }
    }

    #[test]
    fn cookies_are_split_as_they_are_read() {
        let age = Some(Duration::from_secs(60));
        let response = cookies("a.b.c", age, true).unwrap();
        assert_eq!(response.status(), 204);
        let set: Vec<_> = response.headers().get_all(SET_COOKIE).iter().collect();
        assert_eq!(
            set,
            [
                "token_body=a.b; Path=/; SameSite=Strict; Secure; Max-Age=60",
                "token_sig=c; Path=/; SameSite=Strict; HttpOnly; Secure; Max-Age=60",
            ]
        );
        let response = cookies("a.b.c", None, false).unwrap();
        let set: Vec<_> = response.headers().get_all(SET_COOKIE).iter().collect();
        assert_eq!(
            set,
            [
                "token_body=a.b; Path=/; SameSite=Strict",
                "token_sig=c; Path=/; SameSite=Strict; HttpOnly",
            ]
        );
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
    }

    #[test]
    fn what_changes_something_comes_from_the_door_s_own_pages() {
        let host = Authority::from_static("rollcall.example:8989");
        let passes = |method: Method, secure, list: &[(&str, &str)]| {
            check_site(&method, &headers(list), Some(&host), secure).is_ok()
        };
        let foreign = ("origin", "https://evil.example");
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            assert!(passes(method, true, &[foreign]));
        }
        let delete = |secure, list: &[(&str, &str)]| passes(Method::DELETE, secure, list);
        let own = ("origin", "https://rollcall.example:8989");
        assert!(delete(true, &[own]));
        assert!(delete(true, &[("sec-fetch-site", "same-origin")]));
        assert!(delete(true, &[("sec-fetch-site", "same-origin"), own]));
        assert!(!delete(false, &[own]), "another scheme");
        assert!(!delete(true, &[]));
        assert!(!delete(true, &[foreign]));
        assert!(!delete(true, &[("origin", "null")]));
        assert!(!delete(true, &[("origin", "https://rollcall.example")]));
        for site in ["cross-site", "same-site", "none", ""] {
            assert!(!delete(true, &[("sec-fetch-site", site), own]), "{site}");
        }
    }
}
