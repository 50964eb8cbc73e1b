//! A list that ends in its midst: whoever reads it can tell, in every shape, coding and version of HTTP.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::time::Duration;

use axum::http::Request;
use rollcall::auth::Users;
use rollcall::rest::DoorOptions;
use rollcall::session::SessionGuard;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::house::{House, LIMIT};

const SHAPES: [&str; 4] = [
    "application/json",
    "application/x-ndjson",
    "text/csv",
    "application/vnd.apache.arrow.stream",
];
const CODINGS: [&str; 3] = ["identity", "gzip", "zstd"];

/// Bytes that a client's socket takes although nobody reads them.
const RECEIVE_BYTES: u32 = 16 * 1024;

/// Sessions whose list does not fit into the sockets' buffers, however well it is compressed.
fn crowd(house: &House) -> Vec<SessionGuard> {
    let state = RandomState::new();
    let register = |n: u64| {
        let hash = |salt| state.hash_one((n, salt));
        let user = format!("{:016x}{:016x}{:016x}", hash(1), hash(2), hash(3));
        house.register([10, 0, 0, 1], &user)
    };
    (0..20_000).map(register).collect()
}

async fn connect(address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(RECEIVE_BYTES).unwrap();
    socket.connect(address).await.unwrap()
}

async fn read_to_end(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let read = timeout(LIMIT, stream.read_to_end(&mut bytes));
    let _reset_or_closed = read.await.expect("the connection ends");
    bytes
}

async fn impatient() -> House {
    let options = DoorOptions {
        wait_max: Duration::from_secs(8),
        head_timeout: Duration::from_secs(1),
        ..DoorOptions::default()
    };
    House::with(Users::new(HashMap::new()), options).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_takes_nothing_is_cut_off() {
    let house = impatient().await;
    let _crowd = crowd(&house);
    let address = house.address;
    let mut clients = Vec::new();
    for shape in SHAPES {
        for coding in CODINGS {
            let client = async move {
                let mut stream = connect(address).await;
                let request = format!(
                    "GET /v1/sessions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
                     Accept: {shape}\r\nAccept-Encoding: {coding}\r\n\r\n"
                );
                stream.write_all(request.as_bytes()).await.unwrap();
                let mut start = Vec::new();
                let mut beginning = (&mut stream).take(1024);
                let begun = beginning.read_to_end(&mut start);
                timeout(LIMIT, begun).await.expect("a beginning").unwrap();
                let head = String::from_utf8_lossy(&start).to_ascii_lowercase();
                assert!(head.starts_with("http/1.1 200"), "{head}");
                assert_eq!(head.contains("content-encoding"), coding != "identity");
                // The door lets go of the connection although the client reads nothing: only then can it close
                // undrained.
                let mut pace = tokio::time::interval(Duration::from_millis(20));
                let gone = async {
                    while stream.write_all(b" ").await.is_ok() {
                        pace.tick().await;
                    }
                };
                timeout(LIMIT, gone).await.expect("it is closed");
                let rest = read_to_end(&mut stream).await;
                assert!(!rest.ends_with(b"0\r\n\r\n"), "{shape} {coding}");
            };
            clients.push(tokio::spawn(client));
        }
    }
    for client in clients {
        client.await.unwrap();
    }
    // Whoever reads gets all of it.
    for shape in SHAPES {
        for coding in CODINGS {
            let headers = format!("Accept: {shape}\r\nAccept-Encoding: {coding}\r\n");
            let whole = house.ask_with("GET", "/v1/sessions", &headers).await;
            assert_eq!(whole.status, 200, "{shape} {coding}");
        }
    }
    house.close().await;
}

/// A list over HTTP/2: how many bytes came, of a client that makes room for more or does not.
async fn list(
    address: SocketAddr,
    shape: &str,
    coding: &str,
    takes: bool,
) -> Result<usize, h2::Error> {
    let (mut client, connection) = h2::client::handshake(connect(address).await).await?;
    let driving = tokio::spawn(connection);
    let request = Request::get("http://localhost/v1/sessions")
        .header("accept", shape)
        .header("accept-encoding", coding)
        .body(())
        .unwrap();
    let (response, _) = client.send_request(request, true)?;
    let response = response.await?;
    assert_eq!(response.status(), 200);
    let mut body = response.into_body();
    let mut bytes = 0;
    while let Some(piece) = body.data().await {
        let piece = piece?;
        bytes += piece.len();
        if takes {
            body.flow_control().release_capacity(piece.len())?;
        }
    }
    driving.abort();
    Ok(bytes)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_of_http_2_is_told_by_the_stream() {
    let house = impatient().await;
    let _crowd = crowd(&house);
    let address = house.address;
    let mut stalled = Vec::new();
    for shape in SHAPES {
        for coding in CODINGS {
            let whole = timeout(LIMIT, list(address, shape, coding, true)).await;
            let whole = whole.expect("an end in time").unwrap();
            assert!(whole > 500_000, "{shape} {coding}: {whole}");
            stalled.push(tokio::spawn(timeout(
                LIMIT,
                list(address, shape, coding, false),
            )));
        }
    }
    for list in stalled {
        let part = list.await.unwrap().expect("an end in time");
        assert!(part.is_err(), "{part:?}");
    }
    house.close().await;
}
