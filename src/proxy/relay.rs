//! Traffic between a client and its server: two pumps, one for each direction, of which neither waits for the other.
//!
//! A pump reads into its thread's buffer and writes from there in the same poll. Only what the other side does not
//! take is copied to the heap, and as long as something lies there nothing more is read: an idle session has no
//! buffer, and a slow reader slows down the writer.

use std::cell::RefCell;
use std::io;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};

use super::end::End;
use super::timeouts::Timeouts;
use super::transport::Transport;
use crate::session::{KillReason, SessionGuard};

/// What is read from a socket at a time, in bytes.
const READ_BYTES: usize = 32 * 1024;

/// What is read in one poll at most before others have their turn.
const READS_MAX: usize = 64;

thread_local! {
    /// What all pumps of a thread read into, one after the other.
    static SPACE: RefCell<[u8; READ_BYTES]> = const { RefCell::new([0; READ_BYTES]) };
}

/// What a relay learns from the messages that pass, and may change in them in place.
pub(super) trait Track {
    /// Bytes on their way to the server.
    ///
    /// # Errors
    /// When they are not the protocol's; the sentence says why.
    fn client_sent(&mut self, bytes: &mut [u8], session: &SessionGuard) -> Result<Passing, String>;

    /// Bytes on their way to the client.
    ///
    /// # Errors
    /// When they are not the protocol's; the sentence says why.
    fn server_sent(&mut self, bytes: &mut [u8], session: &SessionGuard) -> Result<(), String>;

    /// Whether a statement runs, or one was sent that is not answered yet.
    fn is_active(&self) -> bool;

    /// Whether the client may be sent away without losing anything.
    fn is_idle_outside_transaction(&self) -> bool;

    /// Other filters are asked for: they come in unless a statement runs.
    fn replace_filters(&mut self, session: &SessionGuard);

    /// At least so many bytes of the server belong to the message that is under way; 0 between messages.
    fn server_bytes_to_boundary(&self) -> usize;

    /// Whether the client has said goodbye.
    fn has_quit(&self) -> bool;

    /// Whether the last that the server said was an error.
    fn has_failed(&self) -> bool;

    /// How the session ended when the client's stream did.
    fn client_end(&self) -> End {
        match self.has_quit() {
            true => End::ClientQuit,
            false => End::ClientEof,
        }
    }

    /// How the session ended when the server's stream did.
    fn server_end(&self) -> End {
        match (self.has_quit(), self.has_failed()) {
            (true, _) => End::ClientQuit,
            (false, true) => End::ServerError,
            (false, false) => End::ServerEof,
        }
    }
}

/// What is passed on of bytes that were looked at.
pub(super) enum Passing {
    /// They are.
    AsTheyAre,
    /// These instead: what was held back before and what is changed is in it, what is held back now is not.
    Instead(BytesMut),
}

/// One direction.
#[derive(Debug, Default)]
pub(super) struct Pump {
    /// What was read and the other side has not taken yet.
    held: BytesMut,
    /// Whether the task is woken when there is something to read.
    waits: bool,
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
        see: &mut impl FnMut(&mut [u8]) -> Result<Passing, String>,
    ) -> Poll<Stop> {
        let most = at_most.map_or(READ_BYTES, |most| most.clamp(1, READ_BYTES));
        let reads_max = at_most.map_or(READS_MAX, |_| 1);
        SPACE.with_borrow_mut(|space| {
            for _ in 0..reads_max {
                if let Err(error) = ready!(self.poll_flush(to, cx)) {
                    return Poll::Ready(Stop::Write(error));
                }
                let read = match from.poll_receive(&mut space[..most], &mut self.waits, cx) {
                    Poll::Pending => return self.poll_sent(to, cx),
                    Poll::Ready(Ok(0)) => return Poll::Ready(Stop::End),
                    Poll::Ready(Ok(read)) => read,
                    // The end of the connection without one of TLS, as some servers leave.
                    Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                        return Poll::Ready(Stop::End);
                    }
                    Poll::Ready(Err(error)) => return Poll::Ready(Stop::Read(error)),
                };
                let bytes = &mut space[..read];
                match see(bytes) {
                    Ok(Passing::AsTheyAre) => {}
                    Ok(Passing::Instead(instead)) => {
                        self.held = instead;
                        continue;
                    }
                    Err(why) => return Poll::Ready(Stop::Protocol(why)),
                }
                let sent = match to.poll_send(bytes, cx) {
                    Poll::Ready(Ok(sent)) => sent,
                    Poll::Ready(Err(error)) => return Poll::Ready(Stop::Write(error)),
                    Poll::Pending => 0,
                };
                if sent < bytes.len() {
                    self.hold(&bytes[sent..]);
                }
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
    }

    /// Passes on what is held.
    pub fn poll_flush(&mut self, to: &mut Transport, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.held.is_empty() {
            match ready!(to.poll_send(&self.held, cx))? {
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
    /// Whether a kill wakes the task.
    pub hears_kill: bool,
}

impl<T: Track> Relay<T> {
    /// What either side has sent ahead is the first traffic. The client's was counted when it came.
    ///
    /// # Errors
    /// When it is not the protocol's; the sentence says why.
    pub fn begin(&mut self, mut ahead: BytesMut, mut rest: BytesMut) -> Result<(), String> {
        self.session.sent(rest.len() as u64);
        let passing = self.track.client_sent(&mut ahead, &self.session)?;
        self.track.server_sent(&mut rest, &self.session)?;
        self.to_server.held = match passing {
            Passing::AsTheyAre => ahead,
            Passing::Instead(instead) => instead,
        };
        self.to_client.held = rest;
        Ok(())
    }

    /// Relays until one of both sides, or the program, has enough. What is left to be told to either side is the
    /// caller's business.
    pub fn poll_run(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        if self.session.is_refiltered() {
            // Being asked for filters uses up the waker that a kill needs.
            self.hears_kill = false;
        }
        let told = match self.poll_killed(cx) {
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
        if let Poll::Ready(stop) = self.poll_to_client(None, cx) {
            return Poll::Ready(match stop {
                Stop::End => self.track.server_end(),
                Stop::Read(error) => End::ServerReset(error),
                Stop::Write(error) => End::ClientReset(error),
                Stop::Protocol(why) => End::ServerViolation(why),
            });
        }
        if self.session.is_refiltered() {
            self.track.replace_filters(&self.session);
            self.hears_kill = false;
        }
        match told && self.may_leave() {
            true => Poll::Ready(End::Killed(KillReason::Shutdown)),
            false => Poll::Pending,
        }
    }

    /// A kill leaves its reason before it wakes: as long as there is none, the task's waker is where it was put.
    fn poll_killed(&mut self, cx: &mut Context<'_>) -> Poll<KillReason> {
        if self.hears_kill && self.session.kill_reason().is_none() {
            return Poll::Pending;
        }
        self.hears_kill = true;
        self.session.poll_killed(cx)
    }

    fn may_leave(&self) -> bool {
        self.to_server.is_empty()
            && self.to_client.is_empty()
            && self.track.is_idle_outside_transaction()
    }

    fn poll_to_server(&mut self, cx: &mut Context<'_>) -> Poll<Stop> {
        let (track, session) = (&mut self.track, &self.session);
        let hears_kill = &mut self.hears_kill;
        let mut see = |bytes: &mut [u8]| {
            // Whoever asked for filters has been told so: what the client sends afterwards goes through these.
            if session.is_refiltered() {
                track.replace_filters(session);
                *hears_kill = false;
            }
            session.received(bytes.len() as u64);
            track.client_sent(bytes, session)
        };
        let (client, server) = (&mut self.client, &mut self.server);
        let pump = &mut self.to_server;
        pump.poll(client, server, None, cx, &mut see)
    }

    fn poll_to_client(&mut self, at_most: Option<usize>, cx: &mut Context<'_>) -> Poll<Stop> {
        let (track, session) = (&mut self.track, &self.session);
        let mut see = |bytes: &mut [u8]| {
            session.sent(bytes.len() as u64);
            track.server_sent(bytes, session)?;
            Ok(Passing::AsTheyAre)
        };
        let (client, server) = (&mut self.client, &mut self.server);
        let pump = &mut self.to_client;
        pump.poll(server, client, at_most, cx, &mut see)
    }

    /// Goes on towards the client alone: until the server's stream ends or the client's breaks.
    pub fn poll_drain_server(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_to_client(None, cx).map(|_| ())
    }

    /// Goes on towards the client until the message that is under way has reached it whole.
    pub fn poll_finish_message(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.to_client.poll_flush(&mut self.client, cx))?;
        let left = self.track.server_bytes_to_boundary();
        if left == 0 {
            return self.client.poll_flush(cx);
        }
        let stop = ready!(self.poll_to_client(Some(left), cx));
        Poll::Ready(Err(match stop {
            Stop::Read(error) | Stop::Write(error) => error,
            Stop::End | Stop::Protocol(_) => io::ErrorKind::UnexpectedEof.into(),
        }))
    }
}
