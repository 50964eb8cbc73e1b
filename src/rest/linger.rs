//! A stream that is closed so that the other side gets to read the last answer.
//!
//! Whoever closes a socket in which unread bytes stand, or which more is sent to, has the other side's system throw away
//! what it has not read yet. That is the case of everybody whose request is refused before it has been read whole.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};
use tokio_util::sync::CancellationToken;

use super::server::Pulse;

/// How long the other side may take to go.
const LINGER_MAX: Duration = Duration::from_secs(1);

/// What a client is told whose request's head did not come whole in time.
const TOO_SLOW: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\ncontent-type: application/vnd.api+json\r\n\
    content-length: 65\r\nconnection: close\r\n\r\n\
    {\"errors\":[{\"detail\":\"the request's head did not come in time\"}]}";
/// What a client of HTTP/2 begins with, who is not told so.
const HTTP2: &[u8] = b"PRI";

/// Who has spoken last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// The door, or nobody yet.
    Ours,
    /// The client, when so many requests had begun.
    Theirs(u64),
    /// It speaks HTTP/2, or is gone: there is nothing to be told.
    Nobodys,
}

/// Reads on for a moment after it was shut down. When it is given up with no request begun from what has come last, the
/// other side is told that it was too slow, which the HTTP library leaves out.
pub struct Lingering<S: AsyncWrite + Unpin> {
    stream: S,
    turn: Turn,
    pulse: Arc<Pulse>,
    /// Cancelled when nobody is waited for.
    closing: CancellationToken,
    /// When it is over, once it was shut down.
    until: Option<Pin<Box<Sleep>>>,
}

impl<S: AsyncWrite + Unpin> Lingering<S> {
    pub fn new(stream: S, pulse: Arc<Pulse>, closing: CancellationToken) -> Self {
        Self {
            stream,
            turn: Turn::Ours,
            pulse,
            closing,
            until: None,
        }
    }

    fn answering(&mut self) {
        if self.turn != Turn::Nobodys {
            self.turn = Turn::Ours;
        }
    }
}

impl<S: AsyncWrite + Unpin> Drop for Lingering<S> {
    fn drop(&mut self) {
        let in_a_head = self.turn == Turn::Theirs(self.pulse.begun());
        if !in_a_head || self.closing.is_cancelled() {
            return;
        }
        // Nobody is waited for: what the socket does not take at once is not told.
        let mut context = Context::from_waker(Waker::noop());
        let stream = Pin::new(&mut self.stream);
        if let Poll::Ready(Ok(_)) = stream.poll_write(&mut context, TOO_SLOW) {
            let _ = Pin::new(&mut self.stream).poll_flush(&mut context);
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Lingering<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.stream).poll_read(context, buffer));
        let new = buffer.filled().get(before..).unwrap_or_default();
        if read.is_err() || new.is_empty() || new.starts_with(HTTP2) {
            self.turn = Turn::Nobodys;
        } else if self.turn == Turn::Ours {
            self.turn = Turn::Theirs(self.pulse.begun());
        }
        Poll::Ready(read)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.answering();
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.answering();
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.until.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(context))?;
        }
        let until = this
            .until
            .get_or_insert_with(|| Box::pin(sleep(LINGER_MAX)));
        let mut unread = [0; 4096];
        while !this.closing.is_cancelled() && until.as_mut().poll(context).is_pending() {
            let mut buffer = ReadBuf::new(&mut unread);
            match ready!(Pin::new(&mut this.stream).poll_read(context, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {}
                // It has gone, in order or not.
                Ok(()) | Err(_) => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}
