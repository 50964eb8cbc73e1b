//! Who is let in, what is closed, and what happens to clients that are many, slow or gone.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rollcall::auth::Users;
use rollcall::rest::DoorOptions;
use rollcall::session::{KillReason, SessionGuard};
use rollcall::tls::{ALPN_REST, TlsFiles, TlsSlot};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::house::{House, LIMIT, basic, exchange_on};

#[tokio::test]
async fn users_are_asked_for_and_basic_ones_only_read() {
    let house = House::with_users().await;
    let guard = house.register_nine();
    for headers in [
        String::new(),
        basic("root:wrong"),
        basic("nobody:secret"),
        basic("root"),
        "Authorization: Bearer secret\r\n".to_owned(),
        "Authorization: Basic !\r\n".to_owned(),
    ] {
        for path in ["/v1/sessions", "/v1/sessions/99", "/nothing"] {
            let reply = house.ask_with("GET", path, &headers).await;
            assert_eq!(reply.status, 401, "{headers}");
            assert_eq!(reply.header("www-authenticate"), "Basic realm=\"rollcall\"");
            assert!(!reply.detail().is_empty());
        }
    }
    // Whoever only looks whether it runs shows nothing; what is wrong does not get better by that.
    for path in ["/", "/v1", "/v1/"] {
        for method in ["GET", "HEAD"] {
            assert_eq!(house.ask(method, path).await.status, 200, "{path}");
        }
        let reply = house.ask("GET", path).await;
        assert_eq!(reply.json().get("meta"), None);
        let wrong = house.ask_with("GET", path, &basic("root:wrong")).await;
        assert_eq!(wrong.status, 401);
        let known = house.ask_with("GET", path, &basic("reader:read")).await;
        assert!(known.json()["meta"]["version"].is_string());
        assert_eq!(house.ask("POST", path).await.status, 405);
    }
    let (root, reader) = (basic("root:secret"), basic("reader:read"));
    for headers in [&root, &reader] {
        let reply = house.ask_with("GET", "/v1/sessions/9", headers).await;
        assert_eq!(reply.status, 200);
    }
    let reply = house.ask_with("DELETE", "/v1/sessions/9", &reader).await;
    assert_eq!(reply.status, 403);
    assert!(!guard.is_killed());
    let reply = house.ask_with("DELETE", "/v1/sessions/9", &root).await;
    assert_eq!(reply.status, 204);
    assert!(guard.is_killed());

    // Not an open door: any host name leads to it, and appears in the links.
    let reply = house
        .send(&format!(
            "GET /v1/sessions/9 HTTP/1.1\r\nHost: rollcall.example\r\nConnection: close\r\n{root}\r\n"
        ))
        .await;
    assert_eq!(
        reply.json()["links"]["self"],
        "http://rollcall.example/v1/sessions/9"
    );
    house.close().await;
}

#[tokio::test]
async fn an_open_door_checks_the_host() {
    let options = DoorOptions {
        hosts: vec!["rollcall.example".to_owned()],
        ..DoorOptions::default()
    };
    let house = House::with(Users::new(HashMap::new()), options).await;
    let guard = house.register_nine();
    let status = async |host: &str| {
        let request =
            format!("DELETE /v1/sessions/8 HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        house.send(&request).await.status
    };
    assert_eq!(status("localhost:1234").await, 404);
    assert_eq!(status("127.0.0.1").await, 404);
    assert_eq!(status("[::1]:8989").await, 404);
    assert_eq!(status("rollcall.example").await, 404);
    assert_eq!(status("evil.example").await, 403);
    assert_eq!(status("192.0.2.7:8989").await, 403);
    assert_eq!(status("a b").await, 400);
    let two =
        "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    assert_eq!(house.send(two).await.status, 400);
    let none = "GET / HTTP/1.1\r\nConnection: close\r\n\r\n";
    assert_eq!(house.send(none).await.status, 400);
    let absolute =
        "GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    assert_eq!(house.send(absolute).await.status, 403);

    // HTTP/1.0 has no Host: links begin with the bound address.
    let reply = house.send("GET /v1/sessions/9 HTTP/1.0\r\n\r\n").await;
    let expected = format!("http://{}/v1/sessions/9", house.address);
    assert_eq!(reply.json()["links"]["self"], expected);
    assert!(!guard.is_killed());
    house.close().await;
}

#[tokio::test]
async fn delete_closes_now_or_later() {
    let house = House::open().await;
    let [now, zero, negative, later, ended] =
        [(); 5].map(|()| house.register([127, 0, 0, 1], "maxuser"));
    let delete = async |path: String| house.ask("DELETE", &path).await.status;
    assert_eq!(delete(format!("/v1/sessions/{}", now.id())).await, 204);
    assert_eq!(now.kill_reason(), Some(KillReason::Administrator));
    let document = house.get(&format!("/v1/sessions/{}", now.id())).await;
    assert_eq!(document["data"]["attributes"]["state"], "Stopping session");
    assert_eq!(delete(format!("/sessions/{}/?ttl=0", zero.id())).await, 204);
    assert!(zero.is_killed());
    assert_eq!(
        delete(format!("/v1/sessions/{}?ttl=-1", negative.id())).await,
        204
    );
    assert!(negative.is_killed());
    assert_eq!(
        delete(format!("/v1/sessions/{}?ttl=soon", later.id())).await,
        400
    );
    assert!(!later.is_killed());
    assert_eq!(
        delete(format!("/v1/sessions/{}?ttl=3600", later.id())).await,
        204
    );
    assert!(!later.is_killed());
    assert_eq!(
        delete(format!("/v1/sessions/{}?ttl=0.1", later.id())).await,
        204
    );
    timeout(LIMIT, later.killed())
        .await
        .expect("its ttl is over");
    let id = ended.id();
    drop(ended);
    assert_eq!(delete(format!("/v1/sessions/{id}")).await, 404);
    assert_eq!(delete("/v1/sessions/9x".to_owned()).await, 404);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_sessions_stream_as_one_document() {
    let house = House::open().await;
    let guards: Vec<_> = (0..10_000)
        .map(|n| house.register([10, 0, 0, 1], &format!("user {n}")))
        .collect();
    for path in ["/v1/sessions", "/v1/sessions?pretty=no"] {
        let list = house.get(path).await;
        let objects = list["data"].as_array().unwrap();
        assert_eq!(objects.len(), guards.len());
        for (n, object) in objects.iter().enumerate() {
            assert_eq!(object["id"], (n + 1).to_string());
            assert_eq!(object["attributes"]["user"], format!("user {n}"));
        }
    }

    // A client that leaves in the middle of a list leaves nothing behind: the door closes at once.
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    let request = "GET /v1/sessions HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut start = [0; 1024];
    stream.read_exact(&mut start).await.unwrap();
    drop(stream);
    house.close().await;
}

#[tokio::test]
async fn too_many_connections_are_told_so() {
    let options = DoorOptions {
        connections_max: 1,
        ..DoorOptions::default()
    };
    let house = House::with(Users::new(HashMap::new()), options).await;
    let mut first = TcpStream::connect(house.address).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    first.write_all(request).await.unwrap();
    let mut status = [0; 12];
    first.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
    let second = house.ask("GET", "/").await;
    assert_eq!(second.status, 503);
    assert_eq!(second.detail(), "there are too many connections");
    house.close().await;
}

#[tokio::test]
async fn another_site_s_page_changes_nothing() {
    let open = House::open().await;
    let closed = House::with_users().await;
    let root = basic("root:secret");
    for (house, proof) in [(&open, ""), (&closed, root.as_str())] {
        let ask = async |method: &str, path: &str, from: &str| {
            let headers = format!("{proof}Content-Type: text/plain\r\n{from}");
            house.ask_with(method, path, &headers).await.status
        };
        let restart = "/v1/sessions/restart";
        for foreign in [
            "Origin: http://evil.example\r\n",
            "Origin: http://evil.example\r\nSec-Fetch-Site: cross-site\r\n",
            "Origin: http://localhost:3000\r\nSec-Fetch-Site: same-site\r\n",
            "Origin: null\r\n",
            "Sec-Fetch-Site: cross-site\r\n",
        ] {
            assert_eq!(ask("POST", restart, foreign).await, 403, "{foreign}");
            let disguised = format!("{foreign}X-HTTP-Method-Override: POST\r\n");
            assert_eq!(ask("GET", restart, &disguised).await, 403, "{foreign}");
            assert_eq!(ask("GET", "/v1/sessions", foreign).await, 200, "{foreign}");
        }
        for own in [
            "",
            "Origin: http://localhost:8989\r\nSec-Fetch-Site: same-origin\r\n",
            "Sec-Fetch-Site: none\r\n",
        ] {
            assert_eq!(ask("POST", restart, own).await, 204, "{own}");
        }
    }
    open.close().await;
    closed.close().await;
}

/// Registers so many sessions that their list does not fit into the sockets' buffers, asks for it and reads only
/// its beginning.
async fn begin_list(house: &House, headers: &str) -> (Vec<SessionGuard>, TcpStream) {
    let guards = (0..40_000)
        .map(|_| house.register([10, 0, 0, 1], "maxuser"))
        .collect();
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    let request = format!("GET /v1/sessions HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut start = [0; 1024];
    let read = stream.read_exact(&mut start);
    timeout(LIMIT, read).await.unwrap().unwrap();
    (guards, stream)
}

/// Reads on to the end of the connection; returns whether the list is whole.
async fn read_on(mut stream: TcpStream) -> bool {
    let mut rest = Vec::new();
    let read = timeout(LIMIT, stream.read_to_end(&mut rest));
    let _reset_or_closed = read.await.expect("the connection ends");
    rest.ends_with(b"0\r\n\r\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_lets_lists_end_and_ends_itself() {
    let house = House::open().await;
    let (_guards, slow) = begin_list(&house, "").await;
    let idle = TcpStream::connect(house.address).await.unwrap();
    house.shutdown.cancel();
    assert!(read_on(slow).await, "the list was whole");
    assert!(!read_on(idle).await);
    house.close().await;

    let options = DoorOptions {
        drain_timeout: Duration::from_millis(100),
        ..DoorOptions::default()
    };
    let house = House::with(Users::new(HashMap::new()), options).await;
    let (_guards, stalled) = begin_list(&house, "").await;
    house.close().await;
    assert!(!read_on(stalled).await, "the list was cut off");
}

#[tokio::test]
async fn with_a_certificate_the_door_speaks_tls_only() {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let files = TlsFiles {
        cert: directory.path().join("server.crt"),
        key: directory.path().join("server.key"),
    };
    std::fs::write(&files.cert, certified.cert.pem()).unwrap();
    std::fs::write(&files.key, certified.signing_key.serialize_pem()).unwrap();
    let slot = Arc::new(TlsSlot::load(&files, ALPN_REST).unwrap());
    let house = House::with_tls(
        Users::new(HashMap::new()),
        DoorOptions::default(),
        Some(slot),
    )
    .await;
    let _guard = house.register_nine();

    let mut roots = rustls::RootCertStore::empty();
    roots.add(certified.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let name = "localhost".try_into().unwrap();
    let stream = TcpStream::connect(house.address).await.unwrap();
    let stream = connector.connect(name, stream).await.unwrap();
    let request = "GET /v1/sessions/9 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let reply = timeout(LIMIT, exchange_on(stream, request)).await.unwrap();
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.json()["links"]["self"],
        "https://localhost/v1/sessions/9"
    );

    // In clear there is nothing but the word that there is nothing, in either version.
    for request in [request, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let plain = TcpStream::connect(house.address).await.unwrap();
        let reply = timeout(LIMIT, exchange_on(plain, request)).await.unwrap();
        assert_eq!(reply.status, 400);
        assert!(reply.detail().contains("HTTPS"), "{}", reply.detail());
    }
    house.close().await;
}
