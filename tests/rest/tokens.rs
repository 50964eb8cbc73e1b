//! Tokens in place of passwords, as scripts and browsers use them.

use serde_json::json;

use super::house::{House, Reply, basic};

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

fn token(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{}", reply.text());
    let document = reply.json();
    let token = document["meta"]["token"].as_str().expect("a token");
    assert_eq!(document, json!({"meta": {"token": token}}));
    token.to_owned()
}

#[tokio::test]
async fn a_token_stands_for_its_user_everywhere() {
    let house = House::with_users().await;
    let guard = house.register_nine();
    let (root, reader) = (basic("root:secret"), basic("reader:read"));
    let ask = |path: &'static str, headers: String| {
        let house = &house;
        async move { house.ask_with("GET", path, &headers).await }
    };
    let reply = ask("/v1/auth", root.clone()).await;
    assert_eq!(reply.header("cache-control"), "no-store");
    let roots = bearer(&token(&reply));
    let readers = bearer(&token(&ask("/auth/?max-age=60&pretty=no", reader).await));
    for headers in [&roots, &readers] {
        for path in ["/v1/sessions", "/v1/sessions/9", "/", "/metrics"] {
            assert_eq!(ask(path, headers.clone()).await.status, 200, "{path}");
        }
        // It is not renewed by itself.
        assert_eq!(ask("/v1/auth", headers.clone()).await.status, 403);
    }
    let delete = async |headers: &str| {
        let reply = house.ask_with("DELETE", "/v1/sessions/9", headers).await;
        reply.status
    };
    assert_eq!(delete(&readers).await, 403);
    assert!(!guard.is_killed());
    assert_eq!(delete(&roots).await, 204);
    assert!(guard.is_killed());

    let (mut forged, _) = roots.trim_end().split_at(roots.trim_end().len() - 1);
    forged = forged.trim_start();
    let refused = ask("/v1/sessions", format!("{forged}\r\n")).await;
    assert_eq!(refused.status, 401);
    assert_eq!(
        refused.header("www-authenticate"),
        "Basic realm=\"rollcall\""
    );
    assert_eq!(ask("/v1/auth", String::new()).await.status, 401);
    assert_eq!(ask("/v1/auth", basic("root:wrong")).await.status, 401);
    let refused = ask("/v1/auth?max-age=soon", root.clone()).await;
    assert_eq!(refused.status, 400);
    assert!(refused.detail().contains("max-age"), "{}", refused.detail());
    let refused = house.ask_with("POST", "/v1/auth", &root).await;
    assert_eq!(refused.status, 405);
    assert_eq!(refused.header("allow"), "GET, HEAD, OPTIONS");
    house.close().await;
}

#[tokio::test]
async fn a_browser_keeps_a_token_and_no_other_site_uses_it() {
    let house = House::with_users().await;
    let _guard = house.register_nine();
    let path = "/v1/auth?persist=yes&max-age=60";
    let reply = house.ask_with("GET", path, &basic("root:secret")).await;
    assert_eq!((reply.status, reply.body.len()), (204, 0));
    let set = reply.all("set-cookie");
    let value = |name: &str| {
        let cookie = set.iter().find(|cookie| cookie.starts_with(name));
        let cookie = cookie.unwrap_or_else(|| panic!("no {name} in {set:?}"));
        assert!(cookie.ends_with("; Max-Age=60"), "{cookie}");
        assert!(cookie.contains("; SameSite=Strict"), "{cookie}");
        cookie.split(';').next().unwrap_or_default().to_owned()
    };
    let cookies = format!(
        "Cookie: {}; {}\r\n",
        value("token_body="),
        value("token_sig=")
    );
    let read = house.ask_with("GET", "/v1/sessions", &cookies).await;
    assert_eq!(read.status, 200);

    let delete = async |more: &str| {
        let headers = format!("{cookies}{more}");
        let reply = house.ask_with("DELETE", "/v1/sessions/8", &headers).await;
        reply.status
    };
    // There is no such session: what comes that far was let through.
    assert_eq!(delete("Origin: http://localhost:8989\r\n").await, 404);
    assert_eq!(delete("Sec-Fetch-Site: same-origin\r\n").await, 404);
    for foreign in [
        "",
        "Origin: http://evil.example\r\n",
        "Origin: http://localhost:8990\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\nOrigin: http://localhost:8989\r\n",
    ] {
        assert_eq!(delete(foreign).await, 403, "{foreign}");
    }
    // Whoever shows more than cookies is no page's victim.
    let both = format!("{cookies}{}", basic("root:secret"));
    let reply = house.ask_with("DELETE", "/v1/sessions/8", &both).await;
    assert_eq!(reply.status, 404);
    house.close().await;
}

#[tokio::test]
async fn an_open_door_gives_tokens_too() {
    let house = House::open().await;
    let token = token(&house.ask("GET", "/v1/auth").await);
    let reply = house.ask_with("GET", "/v1/sessions", &bearer(&token)).await;
    assert_eq!(reply.status, 200);
    let reply = house
        .ask_with("GET", "/v1/sessions", &bearer("x.y.z"))
        .await;
    assert_eq!(reply.status, 401);
    let stale = "Cookie: token_body=x.y; token_sig=z\r\n";
    let reply = house.ask_with("GET", "/v1/sessions", stale).await;
    assert_eq!(reply.status, 200);
    house.close().await;
}
