//! Paths, methods, statuses and headers.

use super::house::{House, basic};

#[tokio::test]
async fn paths_and_methods() {
    let house = House::open().await;
    let _guard = house.register_nine();
    for path in [
        "/",
        "/v1",
        "/v1/",
        "/sessions",
        "/sessions/9/",
        "/v1/sessions/%39",
        "/services/",
    ] {
        assert_eq!(house.ask("GET", path).await.status, 200, "{path}");
    }
    for (path, detail) in [
        ("/v1/sessions/99", "99 is not a session"),
        ("/v1/sessions/99x", "99x is not a session"),
        ("/v1/sessions/-1", "-1 is not a session"),
        (
            "/v1/sessions/99999999999999999999",
            "99999999999999999999 is not a session",
        ),
        ("/v1/sessions/%ff", "%ff is not a session"),
        ("/v1/services/No%20Service", "No Service is not a service"),
        ("/v1/nothing", "/v1/nothing is not a resource"),
        ("/v1/v1/sessions", "/v1/v1/sessions is not a resource"),
        ("/v1x/sessions", "/v1x/sessions is not a resource"),
        (
            "/v1/sessions/9/more",
            "/v1/sessions/9/more is not a resource",
        ),
        (
            "/v1/sessions/9/relationships/servers",
            "servers of a session is not a relationship",
        ),
        (
            "/v1/sessions/99/relationships/services",
            "99 is not a session",
        ),
        ("/v1/maxscale/9", "/v1/maxscale/9 is not a resource"),
        ("//sessions", "//sessions is not a resource"),
    ] {
        let reply = house.ask("GET", path).await;
        assert_eq!((reply.status, reply.detail().as_str()), (404, detail));
    }
    for (method, path, allow) in [
        ("POST", "/v1/sessions", "GET, HEAD, DELETE, OPTIONS"),
        ("PUT", "/v1/sessions", "GET, HEAD, DELETE, OPTIONS"),
        (
            "DELETE",
            "/v1/services/RW-Split-Router",
            "GET, HEAD, OPTIONS",
        ),
        ("PUT", "/v1/sessions/9", "GET, HEAD, DELETE, PATCH, OPTIONS"),
        ("BREW", "/v1/", "GET, HEAD, OPTIONS"),
    ] {
        let reply = house.ask(method, path).await;
        assert_eq!(
            (reply.status, reply.header("allow")),
            (405, allow),
            "{method} {path}"
        );
    }
    let reply = house.ask("OPTIONS", "/v1/sessions/9").await;
    assert_eq!(reply.status, 204);
    assert_eq!(reply.header("allow"), "GET, HEAD, DELETE, PATCH, OPTIONS");
    for (path, allow) in [
        ("/v1/", "GET, HEAD, OPTIONS"),
        ("/v1/maxscale", "GET, HEAD, OPTIONS"),
        (
            "/v1/sessions/9/relationships/services",
            "GET, HEAD, OPTIONS",
        ),
    ] {
        let reply = house.ask("OPTIONS", path).await;
        assert_eq!(
            (reply.status, reply.header("allow")),
            (204, allow),
            "{path}"
        );
    }
    let all = house.ask("OPTIONS", "*").await;
    assert_eq!(
        (all.status, all.header("allow")),
        (204, "GET, HEAD, DELETE, POST, PATCH, OPTIONS")
    );
    assert_eq!(house.ask("GET", "*").await.status, 404);
    assert_eq!(house.ask("GET", "/v1/sessions?unknown=1").await.status, 200);
    house.close().await;
}

#[tokio::test]
async fn head_pretty_and_headers() {
    let house = House::open().await;
    let _guard = house.register_nine();
    let get = house.ask("GET", "/v1/sessions/9").await;
    let head = house.ask("HEAD", "/v1/sessions/9").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), get.body.len().to_string());
    let head = house.ask("HEAD", "/v1/sessions").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(house.ask("HEAD", "/v1/sessions/99").await.status, 404);

    for (name, value) in [
        ("content-type", "application/json; charset=utf-8"),
        ("cache-control", "no-cache"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(get.header(name), value);
        assert_eq!(head.header(name), value);
    }
    for path in ["/v1/sessions", "/v1/sessions/9", "/v1/sessions/99", "/v1/"] {
        let pretty = house.ask("GET", path).await;
        let compact = house.ask("GET", &format!("{path}?pretty=false")).await;
        assert!(pretty.text().contains("\n    \""), "{path}");
        assert!(!compact.text().contains('\n'), "{path}");
    }
    house.close().await;
}

/// HEAD says what GET does, and caches hear what an answer depends on.
#[tokio::test]
async fn head_is_get_in_every_coding() {
    let house = House::open().await;
    let _guard = house.register_nine();
    for path in ["/v1/sessions/9", "/v1/sessions", "/v1/", "/v1/sessions/99"] {
        for headers in ["", "Accept-Encoding: gzip\r\n"] {
            let get = house.ask_with("GET", path, headers).await;
            let head = house.ask_with("HEAD", path, headers).await;
            assert_eq!((head.status, head.body.len()), (get.status, 0));
            for name in [
                "content-type",
                "content-length",
                "content-encoding",
                "etag",
                "vary",
            ] {
                assert_eq!(
                    head.all(name),
                    get.all(name),
                    "{name} of {path} with {headers}"
                );
            }
            let vary = get.all("vary").join(", ");
            assert!(vary.contains("accept"), "{vary}");
            assert_eq!(
                vary.contains("accept-encoding"),
                get.status == 200,
                "{vary}"
            );
        }
    }
    let condition = "If-None-Match: *\r\n";
    let same = house.ask_with("GET", "/v1/sessions/9", condition).await;
    assert_eq!(same.all("vary").join(", "), "accept, accept-encoding");
    house.close().await;
}

#[tokio::test]
async fn another_method_is_authorised_as_what_it_is() {
    let house = House::with_users().await;
    let guard = house.register_nine();
    let ask = async |method: &str, user: &str, wanted: &str| {
        let headers = format!("{}X-HTTP-Method-Override: {wanted}\r\n", basic(user));
        house.ask_with(method, "/v1/sessions/9", &headers).await
    };
    assert_eq!(ask("POST", "reader:read", "DELETE").await.status, 403);
    assert_eq!(ask("GET", "reader:read", "DELETE").await.status, 403);
    assert!(!guard.is_killed());
    assert_eq!(ask("POST", "reader:read", "GET").await.status, 200);
    assert_eq!(ask("POST", "root:secret", "a b").await.status, 400);
    assert_eq!(ask("POST", "root:secret", "PUT").await.status, 405);
    let twice = "GET\r\nX-HTTP-Method-Override: DELETE";
    assert_eq!(ask("POST", "root:secret", twice).await.status, 400);
    assert_eq!(ask("POST", "root:secret", "DELETE").await.status, 204);
    assert!(guard.is_killed());
    house.close().await;
}
