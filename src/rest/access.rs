//! Who may ask, and by which name they reached this door.
//!
//! With users configured every request carries HTTP Basic credentials of one of them, or a token that was given out for
//! such credentials. With none the door is open
//! to this machine: peers on the loopback interface, as admins. A web page that a user of this machine looks at is
//! such a peer too, and by DNS rebinding its own host name can lead here; so while the door is open it answers
//! only to host names that are its own.

#[cfg(test)]
mod tests;

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
