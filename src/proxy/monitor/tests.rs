use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use super::*;
use crate::config::ServerTls;
use crate::proxy::backend::tests::config as server_config;

/// AuthenticationOk and ReadyForQuery.
const WELCOME: &[u8] = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";

/// Nobody waits for this long: it bounds what would otherwise hang.
const LIMIT: Duration = Duration::from_secs(20);

fn tcp_only() -> MonitorConfig {
    MonitorConfig {
        timeout: LIMIT,
        ..MonitorConfig::default()
    }
}

fn with_credentials() -> MonitorConfig {
    let credentials = MonitorCredentials {
        user: "monitor".to_owned(),
        password: Zeroizing::new("hunter2".to_owned()),
        database: Some("postgres".to_owned()),
    };
    MonitorConfig {
        credentials: Some(credentials),
        ..tcp_only()
    }
}

fn backend(address: SocketAddr) -> Arc<Backend> {
    let config = server_config("127.0.0.1", address.port(), ServerTls::Disable);
    let role = Some(ServerRole::Primary);
    let server = Server::new("db1", "127.0.0.1", config.port, "postgresql", role);
    Arc::new(Backend::new(&config, Arc::new(server)).expect("no files to read"))
}

async fn listen(port: u16) -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(("127.0.0.1", port))
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("a bound socket");
    (listener, address)
}

/// A server message: type, length, body.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).expect("a short message");
    [&[kind], &length.to_be_bytes()[..], body].concat()
}

fn refusal(sqlstate: &str) -> Vec<u8> {
    let fields = format!("SFATAL\0VFATAL\0C{sqlstate}\0Mno entrance\0\0");
    message(b'E', fields.as_bytes())
}

/// The answer to `pg_is_in_recovery()`.
fn recovery(value: &str) -> Vec<u8> {
    let column = [
        &1_u16.to_be_bytes()[..],
        b"pg_is_in_recovery\0",
        &[0; 6],
        &16_u32.to_be_bytes(),
        &1_u16.to_be_bytes(),
        &[0xff; 4],
        &[0; 2],
    ];
    let length = u32::try_from(value.len()).expect("a short value");
    let row = [
        &1_u16.to_be_bytes()[..],
        &length.to_be_bytes(),
        value.as_bytes(),
    ];
    [
        message(b'T', &column.concat()),
        message(b'D', &row.concat()),
        message(b'C', b"SELECT 1\0"),
        message(b'Z', b"I"),
    ]
    .concat()
}

async fn heard(tcp: &mut TcpStream) {
    let mut heard = [0; 1024];
    let read = tcp.read(&mut heard).await.expect("an open connection");
    assert!(read > 0, "the monitor hung up");
}

/// Lets one client in.
async fn welcome(listener: &TcpListener) -> TcpStream {
    let (mut tcp, _) = listener.accept().await.expect("a client");
    heard(&mut tcp).await;
    tcp.write_all(WELCOME).await.expect("an open connection");
    tcp
}

async fn answer(tcp: &mut TcpStream, value: &str) {
    heard(tcp).await;
    let answer = recovery(value);
    tcp.write_all(&answer).await.expect("an open connection");
}

#[tokio::test]
async fn a_server_that_comes_and_goes_is_followed() {
    let (listener, address) = listen(0).await;
    let backend = backend(address);
    let server = &backend.server;
    let mut monitor = Monitor::new(Arc::clone(&backend), tcp_only());
    assert_eq!(server.health(), Health::Unknown);
    assert!(!monitor.look().await);
    assert_eq!(server.health(), Health::Up);

    drop(listener);
    assert!(!monitor.look().await, "one failure is not enough");
    assert_eq!(server.health(), Health::Up);
    assert!(monitor.look().await, "the second is");
    assert_eq!(server.health(), Health::Down);
    assert!(!monitor.look().await, "it goes down once");

    let (listener, _) = listen(address.port()).await;
    assert!(!monitor.look().await);
    assert_eq!(server.health(), Health::Up);
    assert_eq!(server.role(), Some(ServerRole::Primary));

    drop(listener);
    assert!(!monitor.look().await, "failures are counted anew");
}

#[tokio::test]
async fn the_first_look_knows_who_is_there() {
    let (_there, address) = listen(0).await;
    let (gone, gone_address) = listen(0).await;
    drop(gone);
    let backends = [backend(address), backend(gone_address)];
    let monitors = first_look(backends.clone().map(|b| (b, tcp_only()))).await;
    assert_eq!(monitors.len(), 2);
    let health = backends.map(|backend| backend.server.health());
    assert_eq!(health, [Health::Up, Health::Down]);
}

#[tokio::test]
async fn a_watch_tells_of_the_end_and_ends_itself_when_told() {
    let (listener, address) = listen(0).await;
    let backend = backend(address);
    let config = MonitorConfig {
        interval: Duration::from_millis(1),
        ..tcp_only()
    };
    let monitors = first_look([(Arc::clone(&backend), config)]).await;
    let (told, mut went_down) = mpsc::unbounded_channel();
    let shutdown = CancellationToken::new();
    let watches = monitors.into_iter().map(|monitor| {
        let (told, shutdown) = (told.clone(), shutdown.clone());
        tokio::spawn(monitor.watch(
            move |server| told.send(server.name.clone()).expect("a listening test"),
            shutdown,
        ))
    });
    let watches: Vec<_> = watches.collect();
    drop((listener, told));
    let name = timeout(LIMIT, went_down.recv()).await.expect("a fall");
    assert_eq!(name.as_deref(), Some("db1"));
    shutdown.cancel();
    for watch in watches {
        let ended = timeout(LIMIT, watch).await.expect("an end");
        ended.expect("no panic");
    }
    assert_eq!(went_down.recv().await, None, "told once");
}

#[tokio::test]
async fn the_role_is_learned_over_one_connection() {
    let (listener, address) = listen(0).await;
    let backend = backend(address);
    let server = &backend.server;
    let mut monitor = Monitor::new(Arc::clone(&backend), with_credentials());
    let serve = async {
        let mut tcp = welcome(&listener).await;
        answer(&mut tcp, "t").await;
        tcp
    };
    let (_, mut tcp) = tokio::join!(monitor.look(), serve);
    assert_eq!(server.health(), Health::Up);
    assert_eq!(server.role(), Some(ServerRole::Replica));

    tokio::join!(monitor.look(), answer(&mut tcp, "f"));
    assert_eq!(server.role(), Some(ServerRole::Primary));

    // The server ends the connection, and takes another.
    drop(tcp);
    let serve = async {
        let mut tcp = welcome(&listener).await;
        answer(&mut tcp, "t").await;
    };
    tokio::join!(monitor.look(), serve);
    assert_eq!(server.health(), Health::Up);
    assert_eq!(server.role(), Some(ServerRole::Replica));
    assert_eq!(monitor.failures, 0);
}

#[tokio::test]
async fn a_server_that_refuses_its_monitor_alone_is_up() {
    for (sqlstate, up) in [
        ("28P01", true),
        ("28000", true),
        ("53300", true),
        ("3D000", true),
        ("57P03", false),
        ("57P01", false),
    ] {
        let (listener, address) = listen(0).await;
        let backend = backend(address);
        let server = &backend.server;
        let mut monitor = Monitor::new(Arc::clone(&backend), with_credentials());
        let refuse = async {
            let (mut tcp, _) = listener.accept().await.expect("a client");
            heard(&mut tcp).await;
            let refusal = refusal(sqlstate);
            tcp.write_all(&refusal).await.expect("an open connection");
        };
        tokio::join!(monitor.look(), refuse);
        let expected = if up { Health::Up } else { Health::Down };
        assert_eq!(server.health(), expected, "{sqlstate}");
        assert_eq!(monitor.complained, up, "{sqlstate}");
        assert_eq!(server.role(), Some(ServerRole::Primary), "{sqlstate}");
    }
}

#[tokio::test]
async fn a_way_in_that_the_monitor_does_not_know_is_an_answer() {
    let (listener, address) = listen(0).await;
    let backend = backend(address);
    let mut monitor = Monitor::new(Arc::clone(&backend), with_credentials());
    let ask_for_gss = async {
        let (mut tcp, _) = listener.accept().await.expect("a client");
        heard(&mut tcp).await;
        let request = message(b'R', &7_u32.to_be_bytes());
        tcp.write_all(&request).await.expect("an open connection");
    };
    tokio::join!(monitor.look(), ask_for_gss);
    assert_eq!(backend.server.health(), Health::Up);
    assert!(monitor.complained);
}

#[tokio::test]
async fn silence_is_a_failure() {
    let (_listener, address) = listen(0).await;
    let backend = backend(address);
    let config = MonitorConfig {
        timeout: Duration::from_millis(50),
        ..with_credentials()
    };
    let mut monitor = Monitor::new(Arc::clone(&backend), config);
    assert!(monitor.look().await);
    assert_eq!(backend.server.health(), Health::Down);
}

#[test]
fn an_error_never_tells_the_password() {
    let monitor = Monitor::new(
        backend(SocketAddr::from(([127, 0, 0, 1], 5432))),
        with_credentials(),
    );
    assert!(!format!("{monitor:?} {:?}", monitor.config).contains("hunter2"));
}
