//! A door in this process, and a client that sees every byte.

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
    Filter, ListenAddress, Listener, Registry, Remote, Server, Service, SessionGuard, State,
    Topology,
};
use rollcall::tls::TlsSlot;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// No wait in these tests is longer.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Bytes that wait for a client in the door's sockets.
const SEND_BYTES: usize = 64 * 1024;

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
pub struct House {
    pub registry: Arc<Registry>,
    pub listener: Arc<Listener>,
    pub address: SocketAddr,
    pub shutdown: CancellationToken,
    serving: JoinHandle<std::io::Result<()>>,
}

impl House {
    pub async fn open() -> Self {
        Self::with(Users::new(HashMap::new()), DoorOptions::default()).await
    }

    pub async fn with_users() -> Self {
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

    pub async fn with(users: Users, options: DoorOptions) -> Self {
        Self::with_tls(users, options, None).await
    }

    pub async fn with_tls(users: Users, options: DoorOptions, tls: Option<Arc<TlsSlot>>) -> Self {
        let registry = Registry::new();
        let mut service = Service::new("RW-Split-Router", "readwritesplit");
        service.servers = vec!["db1".into(), "db/2".into()];
        service.filters = vec!["audit".into()];
        let service = Arc::new(service);
        let server = |name| Arc::new(Server::new(name, "192.0.2.5", 3306, "mariadb", None));
        let filter = Filter {
            name: "audit".into(),
            module: "qlafilter".into(),
        };
        let sql = SocketAddr::from((Ipv4Addr::LOCALHOST, 5433));
        let listener = Arc::new(Listener::new("in", &service, "postgresql", sql));
        registry.set_topology(Topology {
            services: vec![Arc::clone(&service)],
            listeners: vec![
                Arc::clone(&listener),
                Arc::new(Listener::new("local", &service, "mariadb", socket_path())),
            ],
            servers: vec![server("db/2"), server("db1")],
            filters: vec![Arc::new(filter)],
        });
        let catalog = Catalog::new(
            Arc::clone(&registry),
            CatalogOptions {
                resolver: Arc::new(OneName),
                ..CatalogOptions::default()
            },
        )
        .unwrap();
        let door = Door::new(catalog, Arc::new(users), tls, options)
            .await
            .unwrap();
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        // Of lists that are not read, little gets lost in buffers.
        socket2::SockRef::from(&socket)
            .set_send_buffer_size(SEND_BYTES)
            .unwrap();
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

    pub fn register(&self, address: [u8; 4], user: &str) -> SessionGuard {
        let remote = Remote::Tcp(SocketAddr::from((address, 40_000)));
        let guard = self.registry.register(&self.listener, remote).unwrap();
        guard.update(|profile| profile.user = Some(user.into()));
        guard.advance(State::Routing);
        guard
    }

    /// Registers and drops sessions until the next one gets the id 9, as on the page.
    pub fn register_nine(&self) -> SessionGuard {
        for _ in 1..9 {
            drop(self.register([127, 0, 0, 1], "nobody"));
        }
        let guard = self.register([127, 0, 0, 1], "maxuser");
        assert_eq!(guard.id().get(), 9);
        guard
    }

    pub async fn send(&self, request: &str) -> Reply {
        timeout(LIMIT, exchange(self.address, request))
            .await
            .expect("an answer in time")
    }

    pub async fn ask(&self, method: &str, path: &str) -> Reply {
        self.ask_with(method, path, "").await
    }

    pub async fn ask_with(&self, method: &str, path: &str, headers: &str) -> Reply {
        self.send(&format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost:8989\r\nConnection: close\r\n{headers}\r\n"
        ))
        .await
    }

    pub async fn ask_with_body(
        &self,
        method: &str,
        path: &str,
        headers: &str,
        body: &str,
    ) -> Reply {
        self.send(&format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost:8989\r\nConnection: close\r\n{headers}\r\n{body}"
        ))
        .await
    }

    pub async fn get(&self, path: &str) -> Value {
        let reply = self.ask("GET", path).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        reply.json()
    }

    pub async fn close(self) {
        self.shutdown.cancel();
        timeout(LIMIT, self.serving)
            .await
            .expect("the door closes in time")
            .unwrap()
            .unwrap();
    }
}

fn socket_path() -> ListenAddress {
    ListenAddress::Unix("/run/rollcall/app.sock".into())
}

/// One response.
pub struct Reply {
    pub status: u16,
    headers: HashMap<String, Vec<String>>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.all(name).first().map_or("", String::as_str)
    }

    /// All headers of this name.
    pub fn all(&self, name: &str) -> &[String] {
        self.headers.get(name).map_or(&[], Vec::as_slice)
    }

    pub fn detail(&self) -> String {
        self.json()["errors"][0]["detail"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

/// Sends a request that closes its connection, and reads the whole response.
pub async fn exchange(address: SocketAddr, request: &str) -> Reply {
    let stream = TcpStream::connect(address).await.unwrap();
    exchange_on(stream, request).await
}

pub async fn exchange_on(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> Reply {
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
    let mut headers: HashMap<String, Vec<String>> = HashMap::new();
    for line in lines {
        let (name, value) = line.split_once(':').unwrap();
        let values = headers.entry(name.to_ascii_lowercase()).or_default();
        values.push(value.trim().to_owned());
    }
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

pub fn basic(credentials: &str) -> String {
    format!("Authorization: Basic {}\r\n", STANDARD.encode(credentials))
}
