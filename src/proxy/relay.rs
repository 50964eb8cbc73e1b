//! Traffic between a client and its server: two pumps, one for each direction, of which neither waits for the other.
//!
//! A pump reads into a buffer on the stack and writes from there in the same poll. Only what the other side does not
//! take is copied to the heap, and as long as something lies there nothing more is read: an idle session has no
//! buffer, and a slow reader slows down the writer.

use std::io;
use std::mem::MaybeUninit;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::ReadBuf;

use super::end::End;
use super::timeouts::Timeouts;
use super::transport::Transport;
use crate::session::{KillReason, SessionGuard};

/// What is read from a socket at a time, in bytes.
const READ_BYTES: usize = 32 * 1024;

/// What a relay learns from the messages that pass, and may change in them in place.
pub(super) trait Track {
    /// Bytes on their way to the server.
    ///
    /// # Errors
    /// When they are not the protocol's; the sentence says why.
    fn client_sent(&mut self, bytes: &mut [u8], session: &SessionGuard) -> Result<(), String>;

    /// Bytes on their way to the client.
    ///
    /// # Errors
    /// When they are not the protocol's; the sentence says why.
    fn server_sent(&mut self, bytes: &mut [u8], session: &SessionGuard) -> Result<(), String>;

    /// Whether the client may be sent away without losing anything.
    fn is_idle_outside_transaction(&self) -> bool;

    /// At least so many bytes of the server belong to the message that is under way; 0 between messages.
    fn server_bytes_to_boundary(&self) -> usize;

    /// How the session ended when the client's stream did.
    fn client_end(&self) -> End;

    /// How the session ended when the server's stream did.
    fn server_end(&self) -> End;
}

/// One direction.
#[derive(Debug, Default)]
pub(super) struct Pump {
    /// What was read and the other side has not taken yet.
    held: BytesMut,
}

/// Why a pump stops.
pub(super) enum Stop {
    /// The stream that it reads has ended, and everything is passed on.
    End,
    /// The stream that it reads is broken.
    Read(io::Error),
    /// The stream that it writes is broken.
    Write(io::Error),
    /// What it read is not the protocol.
    Protocol(String),
}

impl Pump {
    /// A pump with something to pass on that was read before.
    pub fn holding(held: BytesMut) -> Self {
        Self { held }
    }

    /// Appends to what is to be passed on.
    pub fn hold(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    /// Moves what there is to move; with `at_most`, no more than so many bytes, and then waits to be asked again.
    pub fn poll(
        &mut self,
        from: &mut Transport,
        to: &mut Transport,
        at_most: Option<usize>,
        cx: &mut Context<'_>,
        see: &mut impl FnMut(&mut [u8]) -> Result<(), String>,
    ) -> Poll<Stop> {
        let mut space = [MaybeUninit::uninit(); READ_BYTES];
        loop {
            if let Err(error) = ready!(self.poll_flush(to, cx)) {
                return Poll::Ready(Stop::Write(error));
            }
            let most = at_most.map_or(READ_BYTES, |most| most.clamp(1, READ_BYTES));
            let mut read = ReadBuf::uninit(&mut space[..most]);
            match from.poll_read(cx, &mut read) {
                Poll::Pending => return self.poll_sent(to, cx),
                Poll::Ready(Err(error)) => return Poll::Ready(Stop::Read(error)),
                Poll::Ready(Ok(())) => {}
            }
            let bytes = read.filled_mut();
            if bytes.is_empty() {
                return Poll::Ready(Stop::End);
            }
            if let Err(why) = see(bytes) {
                return Poll::Ready(Stop::Protocol(why));
            }
            let sent = match to.poll_write(cx, bytes) {
                Poll::Ready(Ok(sent)) => sent,
                Poll::Ready(Err(error)) => return Poll::Ready(Stop::Write(error)),
                Poll::Pending => 0,
            };
            if sent < bytes.len() {
                self.hold(&bytes[sent..]);
            }
            if at_most.is_some() {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
    }

    /// Passes on what is held.
    pub fn poll_flush(&mut self, to: &mut Transport, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.held.is_empty() {
            match ready!(to.poll_write(cx, &self.held))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                sent => self.held.advance(sent),
            }
            if self.held.is_empty() {
                self.held = BytesMut::new();
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Nothing is left to read: sees to it that nothing stays in the buffers of TLS.
    fn poll_sent(&self, to: &mut Transport, cx: &mut Context<'_>) -> Poll<Stop> {
        match to.poll_flush(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Stop::Write(error)),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
        }
    }

    /// Whether everything that was read is passed on.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }
}

/// A session whose client and server are connected.
pub(super) struct Relay<T> {
    pub client: Transport,
    pub server: Transport,
    pub to_server: Pump,
    pub to_client: Pump,
    pub track: T,
    pub session: SessionGuard,
    /// Boxed and there only where something is to be timed.
    pub timeouts: Option<Box<Timeouts>>,
}

impl<T: Track> Relay<T> {
    /// Relays until one of both sides, or the program, has enough. What is left to be told to either side is the
    /// caller's business.
    pub fn poll_run(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        let told = match self.session.poll_killed(cx) {
            Poll::Ready(KillReason::Shutdown) => {
                if self.may_leave() {
                    return Poll::Ready(End::Killed(KillReason::Shutdown));
                }
                true
            }
            Poll::Ready(reason) => return Poll::Ready(End::Killed(reason)),
            Poll::Pending => false,
        };
        if let Some(timeouts) = &mut self.timeouts
            && let Poll::Ready(reason) = timeouts.poll(cx, &self.session)
        {
            self.session.kill(reason);
            return Poll::Ready(End::Killed(reason));
        }
        if let Poll::Ready(stop) = self.poll_to_server(cx) {
            return Poll::Ready(match stop {
                Stop::End => self.track.client_end(),
                Stop::Read(error) => End::ClientReset(error),
                // The server may have said why before it went.
                Stop::Write(_) => self.track.server_end(),
                Stop::Protocol(why) => End::ClientViolation(why),
            });
        }
        if let Poll::Ready(stop) = self.poll_to_client(cx, None) {
            return Poll::Ready(match stop {
                Stop::End => self.track.server_end(),
                Stop::Read(error) => End::ServerReset(error),
                Stop::Write(error) => End::ClientReset(error),
                Stop::Protocol(why) => End::ServerViolation(why),
            });
        }
        match told && self.may_leave() {
            true => Poll::Ready(End::Killed(KillReason::Shutdown)),
            false => Poll::Pending,
        }
    }

    fn may_leave(&self) -> bool {
        self.to_server.is_empty()
            && self.to_client.is_empty()
            && self.track.is_idle_outside_transaction()
    }

    fn poll_to_server(&mut self, cx: &mut Context<'_>) -> Poll<Stop> {
        let (track, session) = (&mut self.track, &self.session);
        let mut see = |bytes: &mut [u8]| {
            session.received(bytes.len() as u64);
            track.client_sent(bytes, session)
        };
        let (client, server) = (&mut self.client, &mut self.server);
        self.to_server.poll(client, server, None, cx, &mut see)
    }

    fn poll_to_client(&mut self, cx: &mut Context<'_>, at_most: Option<usize>) -> Poll<Stop> {
        let (track, session) = (&mut self.track, &self.session);
        let mut see = |bytes: &mut [u8]| {
            session.sent(bytes.len() as u64);
            track.server_sent(bytes, session)
        };
        let (client, server) = (&mut self.client, &mut self.server);
        self.to_client.poll(server, client, at_most, cx, &mut see)
    }

    /// Goes on towards the client alone: until the server's stream ends or the client's breaks.
    pub fn poll_drain_server(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_to_client(cx, None).map(|_| ())
    }

    /// Goes on towards the client until the message that is under way has reached it whole.
    pub fn poll_finish_message(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.to_client.poll_flush(&mut self.client, cx))?;
        let left = self.track.server_bytes_to_boundary();
        if left == 0 {
            return self.client.poll_flush(cx);
        }
        Poll::Ready(Err(match ready!(self.poll_to_client(cx, Some(left))) {
            Stop::Read(error) | Stop::Write(error) => error,
            Stop::End | Stop::Protocol(_) => io::ErrorKind::UnexpectedEof.into(),
        }))
    }
}
