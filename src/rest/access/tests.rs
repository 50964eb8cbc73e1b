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
    assert!(passes(Method::GET, std::slice::from_ref(&foreign)));
    let own = (ORIGIN, "https://rollcall.example:8989");
    for list in [
        &[][..],
        std::slice::from_ref(&own),
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
