//! One end of a connection: a TCP or UNIX socket, in clear or inside TLS.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustix::io::retry_on_intr;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use rustls::ProtocolVersion;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, Interest, ReadBuf, Ready};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_rustls::{client, server};

/// Silence after which the other host is probed, the time between probes, and how many may go unanswered.
const KEEPALIVE_TIME: Duration = Duration::from_secs(60);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_RETRIES: u32 = 6;

/// How long sent data may wait for the other host to take note of it.
const USER_TIMEOUT: Duration = Duration::from_secs(120);

/// How long the other side may take to close what is closed here.
pub(super) const LINGER: Duration = Duration::from_millis(250);
/// What is read of it meanwhile at a time, in bytes: one TLS record.
const LINGER_READ_BYTES: usize = 16 * 1024;

/// A connected stream socket.
#[derive(Debug)]
pub enum Socket {
    /// TCP.
    Tcp(TcpStream),
    /// A UNIX domain socket.
    Unix(UnixStream),
}

impl Socket {
    /// A TCP connection, set up so that messages leave at once and a host that is gone is noticed.
    ///
    /// # Errors
    /// When the other side is gone already.
    pub fn tcp(tcp: TcpStream) -> io::Result<Self> {
        tcp.set_nodelay(true)?;
        let keepalive = TcpKeepalive::new()
            .with_time(KEEPALIVE_TIME)
            .with_interval(KEEPALIVE_INTERVAL)
            .with_retries(KEEPALIVE_RETRIES);
        let socket = SockRef::from(&tcp);
        socket.set_tcp_keepalive(&keepalive)?;
        // Keepalive is silent while something unsent waits: this ends a connection whose host has gone then.
        socket.set_tcp_user_timeout(Some(USER_TIMEOUT))?;
        Ok(Self::Tcp(tcp))
    }

    /// The first byte that the other side sends, left where it is; `None` at the end.
    ///
    /// # Errors
    /// When the connection is broken.
    pub async fn peek(&self) -> io::Result<Option<u8>> {
        let mut byte = [0];
        let read = match self {
            Self::Tcp(tcp) => tcp.peek(&mut byte).await?,
            Self::Unix(unix) => peek_unix(unix, &mut byte).await?,
        };
        Ok((read > 0).then_some(byte[0]))
    }

    /// The address of this side of a TCP connection.
    pub fn local_address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(tcp) => tcp.local_addr().ok(),
            Self::Unix(_) => None,
        }
    }

    /// Waits for readiness; an end of the stream shows as [`Ready::is_read_closed`] even while unread bytes hide it.
    ///
    /// # Errors
    /// When the connection is broken.
    pub async fn ready(&self, interest: Interest) -> io::Result<Ready> {
        match self {
            Self::Tcp(tcp) => tcp.ready(interest).await,
            Self::Unix(unix) => unix.ready(interest).await,
        }
    }
}

/// What came of one attempt to receive.
enum Attempt {
    /// So many bytes; 0 at the end of the stream.
    Received(usize),
    /// Nothing had come since the last attempt: the kernel was not asked.
    NotReady,
    /// The kernel had nothing.
    Empty,
}

impl Socket {
    /// One attempt to read, by a system call of its own: the C library's would look for a cancelled thread before and
    /// after, which is a good part of what a small message costs in this process. A short read says that nothing is
    /// left, as Tokio's own reading takes it.
    ///
    /// # Errors
    /// When the connection is broken.
    fn try_receive(&self, space: &mut [u8]) -> io::Result<Attempt> {
        let mut attempt = Attempt::NotReady;
        let receive = |fd: BorrowedFd<'_>| {
            attempt = Attempt::Empty;
            let (_, received) = retry_on_intr(|| recv(fd, &mut *space, RecvFlags::empty()))?;
            attempt = Attempt::Received(received);
            match 0 < received && received < space.len() {
                true => Err(io::ErrorKind::WouldBlock.into()),
                false => Ok(()),
            }
        };
        match self.try_io(Interest::READABLE, receive) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(attempt),
        }
    }

    /// Sends what the kernel takes at once.
    fn poll_send(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            let mut taken = None;
            let send = |fd: BorrowedFd<'_>| {
                let sent = retry_on_intr(|| send(fd, bytes, SendFlags::NOSIGNAL))?;
                taken = Some(sent);
                match sent < bytes.len() {
                    true => Err(io::ErrorKind::WouldBlock.into()),
                    false => Ok(()),
                }
            };
            match (self.try_io(Interest::WRITABLE, send), taken) {
                (_, Some(sent)) => return Poll::Ready(Ok(sent)),
                (Err(error), None) if error.kind() != io::ErrorKind::WouldBlock => {
                    return Poll::Ready(Err(error));
                }
                (_, None) => ready!(self.poll_write_ready(cx))?,
            }
        }
    }

    fn try_io(
        &self,
        interest: Interest,
        attempt: impl FnOnce(BorrowedFd<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        match self {
            Self::Tcp(tcp) => tcp.try_io(interest, || attempt(tcp.as_fd())),
            Self::Unix(unix) => unix.try_io(interest, || attempt(unix.as_fd())),
        }
    }

    fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(tcp) => tcp.poll_read_ready(cx),
            Self::Unix(unix) => unix.poll_read_ready(cx),
        }
    }

    fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(tcp) => tcp.poll_write_ready(cx),
            Self::Unix(unix) => unix.poll_write_ready(cx),
        }
    }
}

async fn peek_unix(unix: &UnixStream, byte: &mut [u8; 1]) -> io::Result<usize> {
    loop {
        unix.readable().await?;
        let peek = || {
            let (_, read) = recv(unix, &mut byte[..], RecvFlags::PEEK)?;
            Ok(read)
        };
        match unix.try_io(Interest::READABLE, peek) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            peeked => return peeked,
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Self::Unix(unix) => Pin::new(unix).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_write(cx, buf),
            Self::Unix(unix) => Pin::new(unix).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The kernel has it all.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::Unix(unix) => Pin::new(unix).poll_shutdown(cx),
        }
    }
}

/// A socket, in clear or inside TLS on either side of the handshake.
#[derive(Debug)]
pub enum Transport {
    /// In clear.
    Plain(Socket),
    /// Inside TLS, as the side that shows a certificate.
    TlsServer(Box<server::TlsStream<Socket>>),
    /// Inside TLS, as the side that checks one.
    TlsClient(Box<client::TlsStream<Socket>>),
}

impl Transport {
    /// What is below TLS.
    pub fn socket(&self) -> &Socket {
        match self {
            Self::Plain(socket) => socket,
            Self::TlsServer(tls) => tls.get_ref().0,
            Self::TlsClient(tls) => tls.get_ref().0,
        }
    }

    /// TLS version and cipher suite, `None` in clear.
    pub fn tls(&self) -> Option<String> {
        let connection: &rustls::CommonState = match self {
            Self::Plain(_) => return None,
            Self::TlsServer(tls) => tls.get_ref().1,
            Self::TlsClient(tls) => tls.get_ref().1,
        };
        let version = match connection.protocol_version() {
            Some(ProtocolVersion::TLSv1_3) => "TLSv1.3",
            Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
            _ => "TLS",
        };
        let suite = connection.negotiated_cipher_suite()?.suite();
        let suite = suite
            .as_str()
            .unwrap_or_default()
            .replacen("TLS13_", "TLS_", 1);
        Some(format!("{version} {suite}"))
    }

    /// The protocol that client and server agreed on inside TLS (ALPN), if any.
    pub fn alpn(&self) -> Option<&[u8]> {
        let connection: &rustls::CommonState = match self {
            Self::Plain(_) => return None,
            Self::TlsServer(tls) => tls.get_ref().1,
            Self::TlsClient(tls) => tls.get_ref().1,
        };
        connection.alpn_protocol()
    }

    /// Reads into `space`, for whoever reads in one task only: while `waits` is set, the task is woken when something
    /// comes, and the socket need not be told again.
    ///
    /// # Errors
    /// When the connection is broken.
    pub fn poll_receive(
        &mut self,
        space: &mut [u8],
        waits: &mut bool,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let Self::Plain(socket) = self else {
            let mut read = ReadBuf::new(space);
            ready!(self.poll_read(cx, &mut read))?;
            return Poll::Ready(Ok(read.filled().len()));
        };
        loop {
            match socket.try_receive(space)? {
                Attempt::Received(bytes) => {
                    *waits = false;
                    return Poll::Ready(Ok(bytes));
                }
                Attempt::NotReady if *waits => return Poll::Pending,
                Attempt::NotReady | Attempt::Empty => {}
            }
            *waits = true;
            ready!(socket.poll_read_ready(cx))?;
        }
    }

    /// Sends some of the bytes; those that TLS holds back go with [`poll_flush`](Self::poll_flush).
    ///
    /// # Errors
    /// When the connection is broken.
    pub fn poll_send(&mut self, bytes: &[u8], cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(socket) => socket.poll_send(cx, bytes),
            _ => self.poll_write(cx, bytes),
        }
    }

    /// As [`AsyncRead::poll_read`].
    pub fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(socket) => Pin::new(socket).poll_read(cx, buf),
            Self::TlsServer(tls) => Pin::new(tls).poll_read(cx, buf),
            Self::TlsClient(tls) => Pin::new(tls).poll_read(cx, buf),
        }
    }

    /// As [`AsyncWrite::poll_write`].
    pub fn poll_write(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(socket) => Pin::new(socket).poll_write(cx, buf),
            Self::TlsServer(tls) => Pin::new(tls).poll_write(cx, buf),
            Self::TlsClient(tls) => Pin::new(tls).poll_write(cx, buf),
        }
    }

    /// As [`AsyncWrite::poll_flush`]: what TLS holds back goes to the kernel.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(_) => Poll::Ready(Ok(())),
            Self::TlsServer(tls) => Pin::new(tls).poll_flush(cx),
            Self::TlsClient(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    /// As [`AsyncWrite::poll_shutdown`]: says that nothing more will be sent.
    pub fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Self::TlsServer(tls) => Pin::new(tls).poll_shutdown(cx),
            Self::TlsClient(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }

    /// Says that nothing more will be sent, and waits a moment for the other side to close, too: closing a socket with
    /// unread bytes in it would reset the connection, and the last message would be lost with it. `reads_max` bounds
    /// what the other side may still send.
    pub async fn linger(&mut self, reads_max: usize) {
        let closed = async {
            self.shutdown().await?;
            for _ in 0..reads_max {
                let more = poll_fn(|cx| {
                    let mut space = [MaybeUninit::uninit(); LINGER_READ_BYTES];
                    let mut unread = ReadBuf::uninit(&mut space);
                    ready!(self.poll_read(cx, &mut unread))?;
                    Poll::Ready(io::Result::Ok(!unread.filled().is_empty()))
                });
                if !more.await? {
                    break;
                }
            }
            io::Result::Ok(())
        };
        // Whether the other side waited for the end or not, the connection is over.
        let _ = timeout(LINGER, closed).await;
    }

    /// Says that nothing more will be sent.
    ///
    /// # Errors
    /// When the connection is broken.
    pub async fn shutdown(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.shutdown().await,
            Self::TlsServer(tls) => tls.shutdown().await,
            Self::TlsClient(tls) => tls.shutdown().await,
        }
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Self::poll_read(self.get_mut(), cx, buf)
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Self::poll_write(self.get_mut(), cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Self::poll_flush(self.get_mut(), cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Self::poll_shutdown(self.get_mut(), cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kernel does the rest, after minutes.
    #[tokio::test]
    async fn a_tcp_connection_notices_a_host_that_is_gone() -> io::Result<()> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let client = TcpStream::connect(listener.local_addr()?).await?;
        let Socket::Tcp(tcp) = Socket::tcp(client)? else {
            panic!("another kind of socket");
        };
        let socket = SockRef::from(&tcp);
        assert!(socket.keepalive()?);
        assert_eq!(socket.tcp_keepalive_time()?, KEEPALIVE_TIME);
        assert_eq!(socket.tcp_keepalive_interval()?, KEEPALIVE_INTERVAL);
        assert_eq!(socket.tcp_keepalive_retries()?, KEEPALIVE_RETRIES);
        assert_eq!(socket.tcp_user_timeout()?, Some(USER_TIMEOUT));
        assert!(tcp.nodelay()?);
        Ok(())
    }

    #[tokio::test]
    async fn what_is_received_is_what_was_sent_however_it_comes() -> io::Result<()> {
        let (one, other) = UnixStream::pair()?;
        let (mut one, mut other) = (
            Transport::Plain(Socket::Unix(one)),
            Transport::Plain(Socket::Unix(other)),
        );
        // More than the kernel holds, so that both sides wait for each other.
        let all: Vec<u8> = (0..3_000_000_u32).map(|number| number as u8).collect();
        let sending = async {
            let mut rest = &all[..];
            while !rest.is_empty() {
                let sent = poll_fn(|cx| one.poll_send(rest, cx)).await?;
                rest = &rest[sent..];
            }
            one.shutdown().await
        };
        let receiving = async {
            let (mut came, mut waits, mut space) = (Vec::new(), false, [0; 1_000]);
            loop {
                let received = poll_fn(|cx| other.poll_receive(&mut space, &mut waits, cx)).await?;
                if received == 0 {
                    return io::Result::Ok(came);
                }
                came.extend_from_slice(&space[..received]);
            }
        };
        // Two tasks would be woken for themselves; here each poll may find nothing.
        let (sent, came) = tokio::join!(sending, receiving);
        sent?;
        assert!(came? == all);
        Ok(())
    }
}
