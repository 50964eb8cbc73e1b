//! Who may ask, and by which name they reached this door.
//!
//! With users configured every request carries HTTP Basic credentials of one of them, or a token that was given out for
//! such credentials. With none the door is open
//! to this machine: peers on the loopback interface, as admins. A web page that a user of this machine looks at is
//! such a peer too, and by DNS rebinding its own host name can lead here; so while the door is open it answers
//! only to host names that are its own.

use std::net::{IpAddr, SocketAddr};

use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method, Version, request::Parts};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::refusal::Refusal;
use super::server::Arrival;
use super::tokens::{self, SEC_FETCH_SITE, check_privacy};
use crate::auth::{Account, LoginError, Role, Tokens, Users};

/// The user's name in a statement that nobody named themselves for, while the door is open.
const UNNAMED: &str = "admin";

/// Who asks, and how that was shown.
#[derive(Debug)]
pub struct Admitted {
    pub account: Account,
    pub proof: Proof,
}

impl Admitted {
    /// Somebody of whom nothing is known.
    pub fn stranger() -> Self {
        Self {
            account: Account {
                name: "".into(),
                role: Role::Basic,
            },
            proof: Proof::Nothing,
        }
    }
}

/// Whether a request shows nothing of who asks.
pub fn shows_nothing(headers: &HeaderMap) -> bool {
    matches!(Presented::read(headers), Presented::Nothing)
}

/// What shows who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Nothing: what is asked for is for everybody.
    Nothing,
    /// That this machine asks while the door is open.
    Place,
    /// A password.
    Password,
    /// A token in the `Authorization` header.
    Token,
    /// A token that a browser has sent by itself.
    Cookies,
}

/// Finds out who asks.
///
/// # Errors
/// 400 when there are two; 401 when the credentials are missing, malformed or wrong; 403 when the door is open and the peer is not on
/// this machine, and for tokens that others could have read; 429 when too many logins from the address have failed.
pub async fn admit(
    users: &Users,
    tokens: &Tokens,
    arrival: &Arrival,
    headers: &HeaderMap,
) -> Result<Admitted, Refusal> {
    let is_open = users.is_open();
    if is_open && !arrival.peer.ip().to_canonical().is_loopback() {
        return Err(Refusal::forbidden(
            "no users are configured, so only clients on this machine are served: add a [users.NAME] section",
        ));
    }
    let (account, proof) = match Presented::read(headers) {
        Presented::Twice => {
            let detail = "the request has two Authorization headers";
            return Err(Refusal::bad_request(detail));
        }
        Presented::Token(token, proof) => {
            check_privacy(arrival)?;
            match tokens.check(users, &token) {
                Some(account) => (account, proof),
                // A browser goes on sending cookies that nobody needs any more.
                None if is_open && proof == Proof::Cookies => (unnamed(), Proof::Place),
                None => {
                    return Err(Refusal::unauthorized(
                        "the token is not valid here, has expired or its user has changed: ask /v1/auth for another",
                    ));
                }
            }
        }
        presented if is_open => {
            let account = match presented {
                Presented::Password(given) if !given.name.is_empty() => Account {
                    name: given.name.as_str().into(),
                    role: Role::Admin,
                },
                _ => unnamed(),
            };
            (account, Proof::Place)
        }
        Presented::Password(given) => {
            let address = arrival.peer.ip();
            let account = users
                .check_password(&given.name, &given.password, address)
                .await;
            let refused = |error| refused(error).of_claimed(&given.name);
            (account.map_err(refused)?, Proof::Password)
        }
        Presented::Nothing => {
            return Err(Refusal::unauthorized(
                "a user name and a password are needed",
            ));
        }
        Presented::Malformed => {
            return Err(Refusal::unauthorized(
                "the Authorization header is neither that of HTTP Basic nor that of a token",
            ));
        }
    };
    Ok(Admitted { account, proof })
}

fn refused(error: LoginError) -> Refusal {
    match error {
        LoginError::Wrong => Refusal::unauthorized(error.to_string()),
        LoginError::TooManyFailures(too_many) => {
            Refusal::too_many_requests(error.to_string(), too_many.retry_after_s())
        }
    }
}

fn unnamed() -> Account {
    Account {
        name: UNNAMED.into(),
        role: Role::Admin,
    }
}

/// What a request shows of who asks.
enum Presented {
    Nothing,
    Malformed,
    /// Two things, of which others could have looked at another one.
    Twice,
    Password(Credentials),
    Token(String, Proof),
}

impl Presented {
    fn read(headers: &HeaderMap) -> Self {
        let mut given = headers.get_all(AUTHORIZATION).iter();
        let Some(authorization) = given.next() else {
            return match tokens::from_cookies(headers) {
                Some(token) => Self::Token(token, Proof::Cookies),
                None => Self::Nothing,
            };
        };
        if given.next().is_some() {
            return Self::Twice;
        }
        let split = authorization.to_str().ok();
        match split.and_then(|text| text.trim().split_once(' ')) {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
                Self::Token(token.trim().to_owned(), Proof::Token)
            }
            Some((scheme, encoded)) if scheme.eq_ignore_ascii_case("basic") => {
                Credentials::decode(encoded.trim()).map_or(Self::Malformed, Self::Password)
            }
            _ => Self::Malformed,
        }
    }
}

/// What an `Authorization: Basic` header says (RFC 7617).
struct Credentials {
    name: String,
    password: Zeroizing<String>,
}

impl Credentials {
    fn decode(encoded: &str) -> Option<Self> {
        let decoded = Zeroizing::new(STANDARD.decode(encoded).ok()?);
        let (name, password) = str::from_utf8(&decoded).ok()?.split_once(':')?;
        Some(Self {
            name: name.to_owned(),
            password: Zeroizing::new(password.to_owned()),
        })
    }
}

/// The host that the request is addressed to; none when it does not say (HTTP/1.0).
///
/// # Errors
/// 400 when it says none and must, several, or something that is no host.
pub fn addressed_host(parts: &Parts) -> Result<Option<Authority>, Refusal> {
    let no_host = || Refusal::bad_request("the request's Host is not a host name or address");
    if let Some(authority) = parts.uri.authority() {
        return plain(authority.clone()).map(Some).ok_or_else(no_host);
    }
    let mut headers = parts.headers.get_all(HOST).iter();
    match (headers.next(), headers.next()) {
        (None, _) if parts.version <= Version::HTTP_10 => Ok(None),
        (None, _) => Err(Refusal::bad_request("the request has no Host header")),
        (Some(_), Some(_)) => Err(Refusal::bad_request("the request has two Host headers")),
        (Some(host), None) => Authority::try_from(host.as_bytes())
            .ok()
            .and_then(plain)
            .map(Some)
            .ok_or_else(no_host),
    }
}

/// Only host and port: a user name in front would end up in the links.
fn plain(authority: Authority) -> Option<Authority> {
    (!authority.as_str().contains('@') && !authority.host().is_empty()).then_some(authority)
}

/// Refuses a host that is not this door's, while it is open.
///
/// The refusal is 403 rather than 421: a browser answers 421 by asking again over another connection, and the
/// page that asks would only come back.
///
/// # Errors
/// 403 with what to configure.
pub fn check_host(
    host: Option<&Authority>,
    hosts: &[String],
    bound: SocketAddr,
) -> Result<(), Refusal> {
    // A request without one does not come from a browser.
    let Some(authority) = host else {
        return Ok(());
    };
    let host = authority.host();
    let unbracketed = host.trim_start_matches('[').trim_end_matches(']');
    let own = match unbracketed.parse::<IpAddr>() {
        Ok(address) => {
            let address = address.to_canonical();
            address.is_loopback() || address == bound.ip().to_canonical()
        }
        Err(_) => host.trim_end_matches('.').eq_ignore_ascii_case("localhost"),
    };
    let configured = || {
        let mut known = hosts.iter();
        known.any(|known| known.eq_ignore_ascii_case(unbracketed))
    };
    if own || configured() {
        return Ok(());
    }
    Err(Refusal::forbidden(format!(
        "no users are configured, so only requests to localhost are answered: add {host:?} to hosts in the [rest] section, or configure users",
    )))
}

/// Refuses what a page of another site has made a browser send, whoever's name it goes by: a browser sends much without
/// asking first whether it may, and adds the password or the place that opens this door by itself. Programs say nothing
/// of where a request comes from, and are let through.
///
/// # Errors
/// 403 when the request changes something and says that it comes from elsewhere.
pub fn check_origin(
    method: &Method,
    headers: &HeaderMap,
    host: Option<&Authority>,
) -> Result<(), Refusal> {
    if method.is_safe() {
        return Ok(());
    }
    // `none`: somebody's own doing, not a page's.
    let is_own_site = |site: &HeaderValue| site == "same-origin" || site == "none";
    let is_own_origin = |origin: &HeaderValue| {
        let text = origin.to_str().unwrap_or_default();
        match (text.split_once("://"), host) {
            (Some((scheme, origin)), Some(host)) => {
                let port = if scheme == "https" { ":443" } else { ":80" };
                let bare = |host| str::strip_suffix(host, port).unwrap_or(host);
                bare(origin).eq_ignore_ascii_case(bare(host.as_str()))
            }
            _ => false,
        }
    };
    let sites = headers.get_all(SEC_FETCH_SITE).iter();
    let origins = headers.get_all(ORIGIN).iter();
    match sites
        .map(is_own_site)
        .chain(origins.map(is_own_origin))
        .all(|own| own)
    {
        true => Ok(()),
        false => Err(Refusal::forbidden(
            "a request that changes something must not come from another site's page (Origin, Sec-Fetch-Site)",
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::net::Ipv4Addr;

    use axum::http::HeaderName;
    use axum::http::Request;
    use axum::http::header::COOKIE;
    use proptest::prelude::*;

    use super::*;
    use crate::auth::{Credential, Verifier};

    const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 40_000);
    const STRANGER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)), 40_000);

    fn basic(text: &str) -> HeaderValue {
        HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(text))).unwrap()
    }

    fn users() -> Users {
        let credential = Credential {
            verifier: Verifier::generate("pass:word"),
            role: Role::Basic,
        };
        Users::new(HashMap::from([("maxuser".to_owned(), credential)]))
    }

    async fn ask(
        users: &Users,
        peer: SocketAddr,
        header: Option<&HeaderValue>,
    ) -> Result<Account, u16> {
        let arrival = Arrival::of(peer, false);
        let headers = header.map(|header| (AUTHORIZATION, header.clone()));
        let headers = HeaderMap::from_iter(headers);
        let admitted = admit(users, &Tokens::new(), &arrival, &headers).await;
        admitted
            .map(|admitted| admitted.account)
            .map_err(|refusal| refusal.status.as_u16())
    }

    async fn status(users: &Users, peer: SocketAddr, header: Option<&HeaderValue>) -> u16 {
        match ask(users, peer, header).await {
            Ok(_) => 200,
            Err(status) => status,
        }
    }

    #[tokio::test]
    async fn a_token_is_taken_in_private_only() {
        let (users, tokens) = (users(), Tokens::new());
        let account = users.account("maxuser").unwrap();
        let token = tokens.issue(&users, &account, tokens::AGE_DEFAULT).unwrap();
        let (rest, signature) = token.rsplit_once('.').unwrap();
        let cookies = format!("token_body={rest}; token_sig={signature}");
        let bearer = format!("Bearer {token}");
        let presented = [
            (AUTHORIZATION, bearer, Proof::Token),
            (COOKIE, cookies, Proof::Cookies),
        ];
        for (name, text, proof) in presented {
            let headers = HeaderMap::from_iter([(name, HeaderValue::try_from(text).unwrap())]);
            for (peer, secure, status) in [
                (PEER, false, 200),
                (PEER, true, 200),
                (STRANGER, true, 200),
                (STRANGER, false, 403),
            ] {
                let arrival = Arrival::of(peer, secure);
                match admit(&users, &tokens, &arrival, &headers).await {
                    Ok(admitted) => {
                        assert_eq!((status, admitted.proof), (200, proof));
                        assert_eq!(admitted.account, account);
                    }
                    Err(refusal) => assert_eq!(refusal.status, status),
                }
            }
        }
    }

    #[tokio::test]
    async fn configured_users_are_asked_for_their_password() {
        let users = users();
        let right = ask(&users, STRANGER, Some(&basic("maxuser:pass:word"))).await;
        assert_eq!(right.unwrap().role, Role::Basic);
        assert_eq!(status(&users, PEER, None).await, 401);
        let lower = HeaderValue::from_str(
            basic("maxuser:pass:word")
                .to_str()
                .unwrap()
                .replace("Basic", "basic")
                .as_str(),
        );
        assert_eq!(status(&users, PEER, Some(&lower.unwrap())).await, 200);
        for wrong in ["maxuser:wrong", "nobody:pass:word", "maxuser", ":", ""] {
            assert_eq!(
                status(&users, PEER, Some(&basic(wrong))).await,
                401,
                "{wrong}"
            );
        }
        for malformed in ["Bearer abc", "Basic", "Basic !!!", "Basic /w==", ""] {
            let header = HeaderValue::from_static(malformed);
            assert_eq!(
                status(&users, PEER, Some(&header)).await,
                401,
                "{malformed}"
            );
        }
    }

    #[tokio::test]
    async fn an_open_door_is_for_this_machine() {
        let open = Users::new(HashMap::new());
        let account = ask(&open, PEER, Some(&basic("anna:any"))).await.unwrap();
        assert_eq!((&*account.name, account.role), ("anna", Role::Admin));
        let stale = HeaderValue::from_static("Bearer abc");
        assert_eq!(status(&open, PEER, Some(&stale)).await, 401);
        assert_eq!(status(&open, PEER, None).await, 200);
        assert_eq!(status(&open, STRANGER, None).await, 403);
        let mapped: SocketAddr = "[::ffff:127.0.0.1]:9".parse().unwrap();
        assert_eq!(status(&open, mapped, None).await, 200);
    }

    #[test]
    fn the_host_is_that_of_the_request() {
        let host = |version, uri: &str, hosts: &[&str]| {
            let mut request = Request::builder().version(version).uri(uri);
            for host in hosts {
                request = request.header(HOST, *host);
            }
            let (parts, ()) = request.body(()).unwrap().into_parts();
            addressed_host(&parts)
                .map(|host| host.map(|host| host.to_string()))
                .map_err(|refusal| refusal.status.as_u16())
        };
        let named = |name: &str| Ok(Some(name.to_owned()));
        assert_eq!(host(Version::HTTP_11, "/", &["a:80"]), named("a:80"));
        assert_eq!(host(Version::HTTP_11, "http://b/", &["a"]), named("b"));
        assert_eq!(host(Version::HTTP_10, "/", &[]), Ok(None));
        assert_eq!(host(Version::HTTP_11, "/", &[]), Err(400));
        assert_eq!(host(Version::HTTP_11, "/", &["a", "b"]), Err(400));
        for wrong in ["", "a/b", "u@a", "a b", ":80"] {
            assert_eq!(host(Version::HTTP_11, "/", &[wrong]), Err(400), "{wrong}");
        }
    }

    #[test]
    fn what_changes_something_comes_from_no_other_site() {
        let host = Authority::from_static("rollcall.example:8989");
        let passes = |method: Method, list: &[(HeaderName, &'static str)]| {
            let list = list.iter().cloned();
            let headers = list.map(|(name, value)| (name, HeaderValue::from_static(value)));
            check_origin(&method, &headers.collect(), Some(&host)).is_ok()
        };
        let foreign = (ORIGIN, "http://evil.example");
        assert!(passes(Method::GET, &[foreign.clone()]));
        let own = (ORIGIN, "https://rollcall.example:8989");
        for list in [
            &[][..],
            &[own.clone()],
            &[(ORIGIN, "http://Rollcall.example:8989")],
            &[(SEC_FETCH_SITE, "same-origin"), own.clone()],
            &[(SEC_FETCH_SITE, "none")],
        ] {
            assert!(passes(Method::POST, list), "{list:?}");
        }
        for list in [
            &[foreign.clone()][..],
            &[own.clone(), foreign.clone()],
            &[(ORIGIN, "null")],
            &[(ORIGIN, "http://rollcall.example")],
            &[(ORIGIN, "rollcall.example:8989")],
            &[(SEC_FETCH_SITE, "cross-site")],
            &[(SEC_FETCH_SITE, "same-site"), own.clone()],
            &[(SEC_FETCH_SITE, "same-origin"), foreign.clone()],
        ] {
            assert!(!passes(Method::POST, list), "{list:?}");
        }
        // The port that the scheme stands for may be left out.
        let bare = Authority::from_static("rollcall.example");
        let own = HeaderMap::from_iter([(
            ORIGIN,
            HeaderValue::from_static("https://rollcall.example:443"),
        )]);
        assert!(check_origin(&Method::POST, &own, Some(&bare)).is_ok());
        assert!(check_origin(&Method::POST, &own, None).is_err());
    }

    #[test]
    fn an_open_door_answers_to_its_own_names_only() {
        let hosts = ["rollcall.example".to_owned()];
        let answers = |host: &str| {
            let authority = Authority::try_from(host).unwrap();
            check_host(Some(&authority), &hosts, PEER).is_ok()
        };
        for own in [
            "localhost",
            "LOCALHOST:8989",
            "localhost.",
            "127.0.0.1:1",
            "127.8.8.8",
            "[::1]:8989",
            "[::ffff:127.0.0.1]",
            "Rollcall.example:8989",
        ] {
            assert!(answers(own), "{own}");
        }
        for other in [
            "evil.example",
            "localhost.evil.example",
            "0.0.0.0:8989",
            "192.0.2.7",
            "127.0.0.1.evil.example",
            "2130706433",
        ] {
            assert!(!answers(other), "{other}");
        }
        assert!(check_host(None, &hosts, PEER).is_ok());
    }

    proptest! {
        #[test]
        fn any_authorization_reads(bytes in proptest::collection::vec(32u8..=255, 0..64)) {
            if let Ok(header) = HeaderValue::from_bytes(&bytes) {
                let headers = HeaderMap::from_iter([(AUTHORIZATION, header)]);
                let _ = Presented::read(&headers);
            }
        }

        #[test]
        fn any_credentials_read_back(name in "[^:]{1,20}", password in any::<String>()) {
            let header = basic(&format!("{name}:{password}"));
            let headers = HeaderMap::from_iter([(AUTHORIZATION, header)]);
            let Presented::Password(given) = Presented::read(&headers) else {
                panic!("a password");
            };
            prop_assert_eq!(given.name, name);
            prop_assert_eq!(&*given.password, &password);
        }
    }
}
