//! What stands in front of the HTTP library, and the library behind it.

#[path = "../../src/rest/chunks.rs"]
mod chunks;
#[path = "../../src/rest/front.rs"]
mod front;
#[path = "../../src/rest/head.rs"]
mod head;
#[path = "../../src/rest/pulse.rs"]
mod pulse;

/// Stands in for the program's, which knows of all resources.
mod refusal {
    use axum::http::StatusCode;

    #[derive(Debug)]
    pub struct Refusal {
        pub status: StatusCode,
        detail: String,
    }

    impl Refusal {
        pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
            let detail = detail.into();
            Self { status, detail }
        }

        pub fn bad_request(detail: impl Into<String>) -> Self {
            Self::new(StatusCode::BAD_REQUEST, detail)
        }

        pub fn detail(&self) -> &str {
            &self.detail
        }
    }
}

mod parameters {
    pub fn shorten(text: &str) -> &str {
        &text[..text.floor_char_boundary(128)]
    }
}

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::header::HOST;
use axum::http::{Request, Response};
use futures::FutureExt;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use self::front::{Front, Refused};
use self::head::HEAD_BYTES_MAX;

/// What a client sends, piece by piece. It does not look at the answers.
struct Client(VecDeque<Vec<u8>>);

impl AsyncRead for Client {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(mut piece) = self.0.pop_front() {
            let rest = piece.split_off(piece.len().min(buffer.remaining()));
            buffer.put_slice(&piece);
            if !rest.is_empty() {
                self.0.push_front(rest);
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Client {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn front(bytes: &[u8], piece: usize) -> (Front<Client>, Arc<Refused>) {
    let pieces = bytes.chunks(piece.max(1)).map(<[u8]>::to_vec);
    let refused = Arc::new(Refused::default());
    let timeout = Duration::from_secs(30);
    let front = Front::new(
        Client(pieces.collect()),
        Arc::default(),
        Arc::clone(&refused),
        timeout,
    );
    (front, refused)
}

/// What is passed on, whether it ends, and which request is refused.
fn passed(bytes: &[u8], piece: usize) -> (Vec<u8>, bool, Option<u64>) {
    let (mut front, refused) = front(bytes, piece);
    let mut text = Vec::new();
    let ended = front.read_to_end(&mut text).now_or_never().is_some();
    (
        text,
        ended,
        (1..1_000).find(|number| refused.take(*number).is_some()),
    )
}

/// Reads a connection's bytes, in pieces as long as the first of them says: that makes no difference, and the library
/// reads every head that it gets.
pub fn http(bytes: &[u8]) {
    let Some((piece, bytes)) = bytes.split_first() else {
        return;
    };
    let (text, ended, refused) = passed(bytes, usize::MAX);
    let cut = passed(bytes, usize::from(*piece));
    assert_eq!((ended, refused), (cut.1, cut.2));
    // Of chunks that are none, what came before the mistake was found has been passed on.
    assert!(cut.0.starts_with(&text));
    assert!(ended || refused.is_some());
    if text.starts_with(b"PRI * HTTP/2.0") {
        return;
    }

    let (front, _) = front(bytes, usize::from(*piece));
    let answered = AtomicU64::new(0);
    let wrong_bodies = AtomicU64::new(0);
    let service = service_fn(async |request: Request<hyper::body::Incoming>| {
        if refused == Some(answered.fetch_add(1, Ordering::Relaxed) + 1) {
            let host = request.headers().get(HOST);
            assert!(request.uri().path() == "/" && host.is_some_and(|host| host == "refused"));
        }
        let body = Body::new(request.into_body());
        if to_bytes(body, usize::MAX).await.is_err() {
            wrong_bodies.fetch_add(1, Ordering::Relaxed);
        }
        Ok::<_, Infallible>(Response::new(String::new()))
    });
    let mut serving = Box::pin(
        http1::Builder::new()
            .max_buf_size(HEAD_BYTES_MAX + 1)
            .serve_connection(TokioIo::new(front), service),
    );
    let ended = (&mut serving).now_or_never();
    if let Some(Err(error)) = ended {
        let is_body = wrong_bodies.load(Ordering::Relaxed) > 0;
        assert!(
            !error.is_parse() || is_body,
            "the library does not read: {error}"
        );
    }
    if let Some(number) = refused {
        assert!(answered.load(Ordering::Relaxed) <= number);
    }
}
