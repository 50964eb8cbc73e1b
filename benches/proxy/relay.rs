//! Bare relays: what a proxy costs that knows nothing of what it carries. Each in a process of its own.
//!
//! `copy` is Tokio's `copy_bidirectional` as anybody would write it. `lazy` reads into a buffer on the stack and
//! writes from there in the same poll; only what the other side does not take is kept: the yardstick for the cost of
//! tracking, since it does the same system calls as a relay that tracks.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use anyhow::Result;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional};
use tokio::net::{TcpStream, tcp};

use super::process::argument;
use super::stand_in::listen;

/// The first argument of the process that relays; then follow the kind and the addresses to listen on and to go to,
/// in pairs.
pub const MODE: &str = "--relay";
/// The kinds.
pub const COPY: &str = "copy";
pub const LAZY: &str = "lazy";

/// What is read at a time.
const PIECE_BYTES: usize = 16 * 1024;

/// Relays until the process is ended.
pub fn serve(arguments: &[String]) -> Result<()> {
    let kind: String = argument(arguments, 0)?;
    let mut routes = Vec::new();
    for at in (1..arguments.len()).step_by(2) {
        routes.push((argument(arguments, at)?, argument(arguments, at + 1)?));
    }
    // As many threads as there are cores for it: one when it is pinned.
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let mut listeners = tokio::task::JoinSet::new();
        for (from, to) in routes {
            listeners.spawn(accept(from, to, kind == LAZY));
        }
        while let Some(ended) = listeners.join_next().await {
            ended??;
        }
        Ok(())
    })
}

async fn accept(from: SocketAddr, to: SocketAddr, lazy: bool) -> io::Result<()> {
    let listener = listen(from)?;
    loop {
        let (client, _) = listener.accept().await?;
        // A connection that breaks is the client's to notice.
        match lazy {
            true => drop(tokio::spawn(relay_lazily(client, to))),
            false => drop(tokio::spawn(relay_copying(client, to))),
        }
    }
}

async fn connect(client: &TcpStream, to: SocketAddr) -> io::Result<TcpStream> {
    client.set_nodelay(true)?;
    let server = TcpStream::connect(to).await?;
    server.set_nodelay(true)?;
    Ok(server)
}

async fn relay_copying(mut client: TcpStream, to: SocketAddr) -> io::Result<()> {
    let mut server = connect(&client, to).await?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

async fn relay_lazily(mut client: TcpStream, to: SocketAddr) -> io::Result<()> {
    let mut server = connect(&client, to).await?;
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let (mut request, mut answer) = (Pump::default(), Pump::default());
    tokio::try_join!(
        poll_fn(|context| request.poll(context, &mut from_client, &mut to_server)),
        poll_fn(|context| answer.poll(context, &mut from_server, &mut to_client)),
    )?;
    Ok(())
}

/// One direction.
#[derive(Default)]
struct Pump {
    /// What the other side has not taken; empty, and without memory, while it takes all.
    kept: Vec<u8>,
    /// How much of it has been taken since.
    taken: usize,
    ended: bool,
}

impl Pump {
    /// Carries what there is, up to the end of the stream.
    fn poll(
        &mut self,
        context: &mut Context<'_>,
        from: &mut tcp::ReadHalf<'_>,
        to: &mut tcp::WriteHalf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            while self.taken < self.kept.len() {
                let rest = &self.kept[self.taken..];
                self.taken += ready!(Pin::new(&mut *to).poll_write(context, rest))?;
            }
            self.kept = Vec::new();
            self.taken = 0;
            if self.ended {
                return Pin::new(&mut *to).poll_shutdown(context);
            }
            let mut piece = [MaybeUninit::<u8>::uninit(); PIECE_BYTES];
            let mut piece = ReadBuf::uninit(&mut piece);
            ready!(Pin::new(&mut *from).poll_read(context, &mut piece))?;
            let piece = piece.filled();
            self.ended = piece.is_empty();
            if self.ended {
                continue;
            }
            let written = match Pin::new(&mut *to).poll_write(context, piece) {
                Poll::Ready(written) => written?,
                Poll::Pending => 0,
            };
            self.kept = piece[written..].to_vec();
        }
    }
}
