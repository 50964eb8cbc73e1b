//! A client's socket, in clear or inside TLS, with what is buffered on either side of it.
//!
//! Buffers exist only while data moves: what is read is collected on the stack first and kept only as long as it is
//! not consumed, and a flushed output gives its memory back. Waiting for an idle client takes no buffer at all.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{Interest, ReadBuf};
use tokio_rustls::TlsAcceptor;

use super::transport::{LINGER, Socket, Transport};
use crate::session::SessionGuard;

/// Output that has grown to this is flushed while a statement still runs, in bytes.
pub(crate) const FLUSH_BYTES: usize = 32 * 1024;

/// What is read from the socket at a time, in bytes: one TLS record.
const READ_BYTES: usize = 16 * 1024;
/// What a client may send ahead while its statement runs, in bytes; more stays in the socket. The end of a client
/// that has sent more than this and the socket take together is noticed only when its statement ends.
const READ_AHEAD_BYTES_MAX: usize = 64 * 1024;
/// How often the socket is asked for its end while unread bytes hide it.
const HIDDEN_END_POLL: Duration = Duration::from_millis(50);
/// How often a client that was sent away, and goes on sending, is still read.
const LINGER_READS_MAX: usize = 64;

/// A client's connection and the session that it is.
pub(crate) struct Wire {
    /// None once a handshake of TLS has failed, which takes the socket with it.
    transport: Option<Transport>,
    /// Received and not yet consumed.
    pub input: BytesMut,
    /// To be sent.
    pub output: BytesMut,
    /// The session; its traffic is counted here.
    pub guard: SessionGuard,
}

impl Wire {
    /// A client that was just accepted.
    pub fn new(socket: Socket, guard: SessionGuard) -> Self {
        Self {
            transport: Some(Transport::Plain(socket)),
            input: BytesMut::new(),
            output: BytesMut::new(),
            guard,
        }
    }

    /// The first byte that the client sends, left where it is; `None` at the end.
    pub async fn peek(&self) -> io::Result<Option<u8>> {
        match &self.transport {
            Some(transport) => transport.socket().peek().await,
            None => Ok(None),
        }
    }

    /// Goes on inside TLS. Nothing may be buffered on either side, since it would come from outside of TLS.
    ///
    /// # Errors
    /// When it does not come about, or has before: then the connection is lost.
    pub async fn start_tls(&mut self, acceptor: TlsAcceptor) -> io::Result<()> {
        let Some(Transport::Plain(socket)) = self.transport.take() else {
            return Err(io::Error::other("TLS inside TLS"));
        };
        if !self.input.is_empty() || !self.output.is_empty() {
            return Err(io::Error::other("bytes in clear behind the start of TLS"));
        }
        let tls = acceptor.accept(socket).await?;
        self.transport = Some(Transport::TlsServer(Box::new(tls)));
        Ok(())
    }

    /// Where a client of TCP connected to.
    pub fn local_address(&self) -> Option<SocketAddr> {
        self.transport.as_ref()?.socket().local_address()
    }

    /// TLS version and cipher suite, `None` in clear.
    pub fn tls(&self) -> Option<String> {
        self.transport.as_ref()?.tls()
    }

    /// Shows TLS version and cipher suite in the session's row.
    pub fn show_tls(&self) {
        if let Some(tls) = self.tls() {
            self.guard.update(|profile| profile.tls = Some(tls.into()));
        }
    }

    /// Whether client and server agreed inside TLS to speak a protocol of this server's.
    pub fn has_alpn(&self) -> bool {
        let transport = self.transport.as_ref();
        transport.is_some_and(|transport| transport.alpn().is_some())
    }

    /// Waits for more input and appends it; false at the end of the client's stream. Cancel-safe.
    pub async fn read(&mut self) -> io::Result<bool> {
        self.read_at_most(READ_BYTES).await
    }

    /// The same with a bound, for whoever must leave what follows in the socket. Cancel-safe.
    pub async fn read_at_most(&mut self, bytes_max: usize) -> io::Result<bool> {
        if self.input.is_empty() {
            self.input = BytesMut::new();
        }
        poll_fn(|cx| self.poll_read(bytes_max, cx)).await
    }

    /// Sends all output, at the pace at which the client takes it. Cancel-safe.
    pub async fn flush(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.poll_send(cx)).await?;
        self.output = BytesMut::new();
        Ok(())
    }

    /// Keeps what arrives, and completes only when the client is gone. Cancel-safe.
    pub async fn gone(&mut self) -> io::Error {
        loop {
            if let Some(error) = poll_fn(|cx| self.poll_read_ahead(cx)).await {
                return error;
            }
            tokio::time::sleep(HIDDEN_END_POLL).await;
            let Some(transport) = &self.transport else {
                return io::ErrorKind::UnexpectedEof.into();
            };
            match transport.socket().ready(Interest::READABLE).await {
                Ok(ready) if ready.is_read_closed() => return io::ErrorKind::UnexpectedEof.into(),
                Ok(_) => {}
                Err(error) => return error,
            }
        }
    }

    /// The connection and the session, without the buffers; `None` when the connection is lost.
    pub fn into_parts(self) -> Option<(Transport, SessionGuard)> {
        Some((self.transport?, self.guard))
    }

    /// Sends what is left, as far as the client takes it within a short time, and closes. The session ends first.
    pub async fn close(mut self) {
        let sent = tokio::time::timeout(LINGER, poll_fn(|cx| self.poll_send(cx))).await;
        drop(self.guard);
        if let (Some(mut transport), Ok(Ok(()))) = (self.transport, sent) {
            transport.linger(LINGER_READS_MAX).await;
        }
    }

    fn poll_read(&mut self, bytes_max: usize, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let mut space = [MaybeUninit::uninit(); READ_BYTES];
        let bytes_max = bytes_max.clamp(1, READ_BYTES);
        let mut chunk = ReadBuf::uninit(&mut space[..bytes_max]);
        let Some(transport) = &mut self.transport else {
            return Poll::Ready(Ok(false));
        };
        ready!(transport.poll_read(cx, &mut chunk))?;
        let chunk = chunk.filled();
        if chunk.is_empty() {
            return Poll::Ready(Ok(false));
        }
        self.input.extend_from_slice(chunk);
        self.guard.received(chunk.len() as u64);
        Poll::Ready(Ok(true))
    }

    /// Reads until the client is gone, or up to the bound, behind which its end is hidden.
    fn poll_read_ahead(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Error>> {
        while self.input.len() < READ_AHEAD_BYTES_MAX {
            match ready!(self.poll_read(READ_BYTES, cx)) {
                Ok(true) => {}
                Ok(false) => return Poll::Ready(Some(io::ErrorKind::UnexpectedEof.into())),
                Err(error) => return Poll::Ready(Some(error)),
            }
        }
        Poll::Ready(None)
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(transport) = &mut self.transport else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        while !self.output.is_empty() {
            let sent = ready!(transport.poll_write(cx, &self.output))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.output.advance(sent);
            self.guard.sent(sent as u64);
        }
        transport.poll_flush(cx)
    }
}
