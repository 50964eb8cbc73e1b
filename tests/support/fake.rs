//! A server that says what it is told to and costs next to nothing, where thousands are needed or a real one would
//! never say it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

use super::wire::frame;

/// AuthenticationOk, a key and ReadyForQuery.
pub fn welcome() -> Vec<u8> {
    let mut bytes = frame('R', &[0; 4]);
    bytes.extend(frame('K', &[0, 0, 0, 1, 0, 0, 0, 2]));
    bytes.extend(frame('Z', b"I"));
    bytes
}

/// What becomes of a connection after the answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// It is held until the other side closes; everything that it says is thrown away.
    Listen,
    /// It is closed.
    Close,
}

/// The server, which ends with the test.
pub struct Fake {
    pub address: SocketAddr,
    started: Arc<AtomicUsize>,
    _runtime: Runtime,
}

impl Fake {
    /// Answers every start-up packet with these bytes.
    pub fn start(answer: Vec<u8>, then: Then) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"));
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let started = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&started);
        let answer: Arc<[u8]> = answer.into();
        runtime.spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (answer, count) = (Arc::clone(&answer), Arc::clone(&count));
                tokio::spawn(async move {
                    let _ = serve(socket, &answer, then, &count).await;
                });
            }
        });
        Self {
            address,
            started,
            _runtime: runtime,
        }
    }

    /// How many start-up packets have come.
    pub fn started(&self) -> usize {
        self.started.load(Ordering::Relaxed)
    }

    /// The `[servers.NAME]` lines that lead here.
    pub fn section(&self, name: &str) -> String {
        format!("[servers.{name}]\naddress = \"{}\"\n", self.address)
    }
}

async fn serve(
    mut socket: TcpStream,
    answer: &[u8],
    then: Then,
    started: &AtomicUsize,
) -> std::io::Result<()> {
    let length = socket.read_u32().await? as usize;
    let mut packet = vec![0; length.saturating_sub(4)];
    socket.read_exact(&mut packet).await?;
    started.fetch_add(1, Ordering::Relaxed);
    socket.write_all(answer).await?;
    if then == Then::Close {
        return socket.shutdown().await;
    }
    tokio::io::copy(&mut socket, &mut tokio::io::sink())
        .await
        .map(drop)
}
