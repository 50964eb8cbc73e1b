//! The REST door against the page that it implements: members, types, links, statuses and headers.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rollcall::auth::{Credential, Role, Users, Verifier};
use rollcall::catalog::{Catalog, CatalogOptions, ReverseResolver};
use rollcall::rest::{Door, DoorOptions, serve};
use rollcall::session::{
    KillReason, Listener, Registry, Remote, Service, SessionGuard, State, Topology,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// No wait in these tests is longer.
const LIMIT: Duration = Duration::from_secs(60);

/// The page's example, its comments left out.
const PAGE_EXAMPLE: &str = r#"{
    "links": {
        "self": "http://localhost:8989/v1/sessions/9"
    },
    "data": {
        "id": "9",
        "type": "sessions",
        "relationships": {
            "services": {
                "links": {
                    "self": "http://localhost:8989/v1/services/"
                },
                "data": [
                    {
                        "id": "RW-Split-Router",
                        "type": "services"
                    }
                ]
            }
        },
        "attributes": {
            "state": "Session ready for routing",
            "user": "maxuser",
            "remote": "::ffff:127.0.0.1",
            "connected": "Mon Jul 17 11:10:39 2017",
            "idle": 23.800000000000001
        },
        "links": {
            "self": "http://localhost:8989/v1/sessions/9"
        }
    }
}"#;

/// Knows one address.
#[derive(Debug)]
struct OneName;

#[async_trait]
impl ReverseResolver for OneName {
    async fn name_of(&self, address: IpAddr) -> Option<String> {
        (address == IpAddr::from([192, 0, 2, 1])).then(|| "client.example".to_owned())
    }
}

/// A door in this process, over a registry that the test fills.
struct House {
    registry: Arc<Registry>,
    listener: Arc<Listener>,
    address: SocketAddr,
    shutdown: CancellationToken,
    serving: JoinHandle<std::io::Result<()>>,
}

impl House {
    async fn open() -> Self {
        Self::with(Users::new(HashMap::new()), DoorOptions::default()).await
    }

    async fn with_users() -> Self {
        let credential = |password: &str, role| Credential {
            verifier: Verifier::generate(password),
            role,
        };
        let users = HashMap::from([
            ("root".to_owned(), credential("secret", Role::Admin)),
            ("reader".to_owned(), credential("read", Role::Basic)),
        ]);
        Self::with(Users::new(users), DoorOptions::default()).await
    }

    async fn with(users: Users, options: DoorOptions) -> Self {
        let registry = Registry::new();
        let service = Arc::new(Service::new("RW-Split-Router", "readwritesplit"));
        let sql = SocketAddr::from((Ipv4Addr::LOCALHOST, 5433));
        let listener = Arc::new(Listener::new("in", &service, "postgresql", sql));
        registry.set_topology(Topology {
            services: vec![service],
            listeners: vec![Arc::clone(&listener)],
            ..Topology::default()
        });
        let catalog = Catalog::new(
            Arc::clone(&registry),
            CatalogOptions {
                resolver: Arc::new(OneName),
                ..CatalogOptions::default()
            },
        )
        .unwrap();
        let door = Door::new(catalog, Arc::new(users), None, options)
            .await
            .unwrap();
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = socket.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let serving = tokio::spawn(serve(socket, door, shutdown.clone()));
        Self {
            registry,
            listener,
            address,
            shutdown,
            serving,
        }
    }

    fn register(&self, address: [u8; 4], user: &str) -> SessionGuard {
        let remote = Remote::Tcp(SocketAddr::from((address, 40_000)));
        let guard = self.registry.register(&self.listener, remote).unwrap();
        guard.update(|profile| profile.user = Some(user.into()));
        guard.advance(State::Routing);
        guard
    }

    /// Registers and drops sessions until the next one gets the id 9, as on the page.
    fn register_nine(&self) -> SessionGuard {
        for _ in 1..9 {
            drop(self.register([127, 0, 0, 1], "nobody"));
        }
        let guard = self.register([127, 0, 0, 1], "maxuser");
        assert_eq!(guard.id().get(), 9);
        guard
    }

    async fn send(&self, request: &str) -> Reply {
        timeout(LIMIT, exchange(self.address, request))
            .await
            .expect("an answer in time")
    }

    async fn ask(&self, method: &str, path: &str) -> Reply {
        self.ask_with(method, path, "").await
    }

    async fn ask_with(&self, method: &str, path: &str, headers: &str) -> Reply {
        self.send(&format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost:8989\r\nConnection: close\r\n{headers}\r\n"
        ))
        .await
    }

    async fn get(&self, path: &str) -> Value {
        let reply = self.ask("GET", path).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        reply.json()
    }

    async fn close(self) {
        self.shutdown.cancel();
        timeout(LIMIT, self.serving)
            .await
            .expect("the door closes in time")
            .unwrap()
            .unwrap();
    }
}

/// One response.
struct Reply {
    status: u16,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

impl Reply {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    fn detail(&self) -> String {
        self.json()["errors"][0]["detail"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

/// Sends a request that closes its connection, and reads the whole response.
async fn exchange(address: SocketAddr, request: &str) -> Reply {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let end = bytes
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .expect("a response head");
    let head = std::str::from_utf8(&bytes[..end]).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let headers: HashMap<String, String> = lines
        .map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        })
        .collect();
    let raw = &bytes[end + 4..];
    let body = match headers.get("transfer-encoding") {
        Some(_) if !raw.is_empty() => unchunk(raw),
        _ => raw.to_vec(),
    };
    Reply {
        status: status.parse().unwrap(),
        headers,
        body,
    }
}

fn unchunk(mut raw: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let line = raw
            .windows(2)
            .position(|window| window == b"\r\n")
            .expect("a chunk that is whole");
        let size = std::str::from_utf8(&raw[..line]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        raw = &raw[line + 2..];
        if size == 0 {
            return body;
        }
        body.extend_from_slice(&raw[..size]);
        raw = &raw[size + 2..];
    }
}

fn basic(credentials: &str) -> String {
    format!("Authorization: Basic {}\r\n", STANDARD.encode(credentials))
}

/// Checks that everything in the example is in the document: the same names, the same types of values, and the
/// same values but for those that time makes.
fn contains_example(example: &Value, document: &Value, path: &str) {
    match (example, document) {
        (Value::Object(members), Value::Object(found)) => {
            for (name, member) in members {
                let path = format!("{path}/{name}");
                let found = found.get(name).unwrap_or_else(|| panic!("no {path}"));
                contains_example(member, found, &path);
            }
        }
        (Value::Array(elements), Value::Array(found)) => {
            assert_eq!(elements.len(), found.len(), "{path}");
            for (element, found) in elements.iter().zip(found) {
                contains_example(element, found, &format!("{path}[]"));
            }
        }
        (Value::Number(_), Value::Number(_)) => {}
        (Value::String(_), Value::String(found)) if path.ends_with("/connected") => {
            let form = regex::Regex::new(
                r"^(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ 1-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-6][0-9] [0-9]{4}$",
            );
            assert!(form.unwrap().is_match(found), "{found:?}");
        }
        _ => assert_eq!(example, document, "{path}"),
    }
}

#[tokio::test]
async fn one_session_is_the_page_s_example() {
    let house = House::open().await;
    let guard = house.register_nine();
    let example: Value = serde_json::from_str(PAGE_EXAMPLE).unwrap();
    let reply = house.ask("GET", "/v1/sessions/9").await;
    assert_eq!(reply.status, 200);
    let document = reply.json();
    contains_example(&example, &document, "");

    // The page's order, too.
    let order = |text: &str| {
        let names = [
            "links\"",
            "\"data\"",
            "\"id\"",
            "\"type\"",
            "relationships",
            "attributes",
        ];
        let found: Vec<_> = names.iter().map(|name| text.find(name).unwrap()).collect();
        assert!(found.is_sorted(), "{text}");
    };
    order(PAGE_EXAMPLE);
    order(reply.text());
    assert!(
        reply
            .text()
            .starts_with("{\n    \"links\": {\n        \"self\"")
    );

    let attributes = &document["data"]["attributes"];
    assert_eq!(attributes["port"], 40_000);
    assert!(attributes["seconds_alive"].is_number());
    assert_eq!(attributes["queries"], json!([]));
    for absent in ["client", "database", "application_name"] {
        assert!(attributes.get(absent).is_none(), "{absent}");
    }

    // What the client tells later shows; a state before the user is known has no user.
    guard.update(|profile| {
        profile.database = Some("shop".into());
        profile.application_name = Some("psql \"x\"".into());
        profile.tls = Some("TLS13_AES_256_GCM_SHA384".into());
    });
    let document = house.get("/v1/sessions/9").await;
    let attributes = &document["data"]["attributes"];
    assert_eq!(attributes["database"], "shop");
    assert_eq!(attributes["application_name"], "psql \"x\"");
    assert_eq!(
        attributes["client"],
        json!({"cipher": "TLS13_AES_256_GCM_SHA384"})
    );

    let v6 = Remote::Tcp("[2001:db8::1]:7".parse().unwrap());
    let early = house.registry.register(&house.listener, v6).unwrap();
    let document = house.get(&format!("/v1/sessions/{}", early.id())).await;
    let attributes = &document["data"]["attributes"];
    assert_eq!(attributes["state"], "Session Allocated");
    assert_eq!(attributes["remote"], "2001:db8::1");
    assert!(attributes.get("user").is_none());
    let local = house
        .registry
        .register(&house.listener, Remote::Unix)
        .unwrap();
    let document = house.get(&format!("/v1/sessions/{}", local.id())).await;
    assert_eq!(document["data"]["attributes"]["remote"], "localhost");
    assert!(document["data"]["attributes"].get("port").is_none());

    drop(guard);
    assert_eq!(house.ask("GET", "/v1/sessions/9").await.status, 404);
    house.close().await;
}

#[tokio::test]
async fn the_list_has_the_same_objects_in_id_order() {
    let house = House::open().await;
    let empty = house.get("/v1/sessions").await;
    assert_eq!(empty["data"], json!([]));
    assert_eq!(empty["links"]["self"], "http://localhost:8989/v1/sessions/");

    // Slots are reused newest first, so ids are out of order in memory.
    let mut guards: Vec<_> = (0..6)
        .map(|_| house.register([127, 0, 0, 1], "maxuser"))
        .collect();
    drop(guards.remove(1));
    drop(guards.remove(2));
    guards.push(house.register([127, 0, 0, 1], "skysql"));
    guards.push(house.register([127, 0, 0, 1], "skysql"));
    let list = house.get("/v1/sessions/").await;
    let ids: Vec<u32> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|object| object["id"].as_str().unwrap().parse().unwrap())
        .collect();
    assert_eq!(ids, [1, 3, 5, 6, 7, 8]);
    let example: Value = serde_json::from_str(PAGE_EXAMPLE).unwrap();
    let mut example = example["data"].clone();
    example["id"] = json!("1");
    example["links"]["self"] = json!("http://localhost:8989/v1/sessions/1");
    contains_example(&example, &list["data"][0], "");
    house.close().await;
}

#[tokio::test]
async fn every_link_resolves() {
    let house = House::open().await;
    let _guard = house.register_nine();
    let mut seen = Vec::new();
    let mut open = vec!["http://localhost:8989/v1/".to_owned()];
    while let Some(link) = open.pop() {
        if seen.contains(&link) {
            continue;
        }
        let path = link.strip_prefix("http://localhost:8989").unwrap();
        collect_links(&house.get(path).await, &mut open);
        seen.push(link);
    }
    for expected in [
        "sessions/",
        "sessions/9",
        "services/",
        "services/RW-Split-Router",
    ] {
        let expected = format!("http://localhost:8989/v1/{expected}");
        assert!(seen.contains(&expected), "{expected} in {seen:?}");
    }
    let service = house.get("/v1/services/RW-Split-Router").await;
    let attributes = &service["data"]["attributes"];
    assert_eq!(attributes["router"], "readwritesplit");
    assert_eq!(attributes["state"], "Started");
    let statistics = json!({"connections": 1, "total_connections": 9, "max_connections": 1});
    assert_eq!(attributes["statistics"], statistics);
    house.close().await;
}

fn collect_links(document: &Value, links: &mut Vec<String>) {
    match document {
        Value::Object(members) => {
            for (name, member) in members {
                if name == "links" {
                    let found = member.as_object().unwrap().values();
                    links.extend(found.map(|link| link.as_str().unwrap().to_owned()));
                } else {
                    collect_links(member, links);
                }
            }
        }
        Value::Array(elements) => elements.iter().for_each(|e| collect_links(e, links)),
        _ => {}
    }
}

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
        ("//sessions", "//sessions is not a resource"),
    ] {
        let reply = house.ask("GET", path).await;
        assert_eq!((reply.status, reply.detail().as_str()), (404, detail));
    }
    for (method, path, allow) in [
        ("POST", "/v1/sessions", "GET, HEAD, OPTIONS"),
        ("DELETE", "/v1/sessions", "GET, HEAD, OPTIONS"),
        (
            "DELETE",
            "/v1/services/RW-Split-Router",
            "GET, HEAD, OPTIONS",
        ),
        ("PUT", "/v1/sessions/9", "GET, HEAD, DELETE, OPTIONS"),
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
    assert_eq!(reply.header("allow"), "GET, HEAD, DELETE, OPTIONS");
    for parameter in ["filter=/id=9", "page%5Bsize%5D=1", "fields[sessions]=user"] {
        for path in ["/v1/sessions", "/v1/sessions/9"] {
            let reply = house.ask("GET", &format!("{path}?{parameter}")).await;
            assert_eq!(reply.status, 400, "{path}?{parameter}");
        }
    }
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

#[tokio::test]
async fn rdns_replaces_the_address_where_there_is_a_name() {
    let house = House::open().await;
    let _known = house.register([192, 0, 2, 1], "maxuser");
    let _unknown = house.register([192, 0, 2, 2], "maxuser");
    let remote = |object: &Value| object["attributes"]["remote"].as_str().unwrap().to_owned();
    let one = house.get("/v1/sessions/1?rdns=true").await;
    assert_eq!(remote(&one["data"]), "client.example");
    let one = house.get("/v1/sessions/2?rdns=1").await;
    assert_eq!(remote(&one["data"]), "::ffff:192.0.2.2");
    let list = house.get("/v1/sessions?rdns=yes").await;
    assert_eq!(remote(&list["data"][0]), "client.example");
    assert_eq!(remote(&list["data"][1]), "::ffff:192.0.2.2");
    let list = house.get("/v1/sessions?rdns=false").await;
    assert_eq!(remote(&list["data"][0]), "::ffff:192.0.2.1");
    house.close().await;
}

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
        for path in ["/v1/sessions", "/v1/sessions/99", "/", "/nothing"] {
            let reply = house.ask_with("GET", path, &headers).await;
            assert_eq!(reply.status, 401, "{headers}");
            assert_eq!(reply.header("www-authenticate"), "Basic realm=\"rollcall\"");
            assert!(!reply.detail().is_empty());
        }
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
