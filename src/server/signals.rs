//! The signals that the program answers.

use std::io;

use tokio::signal::unix;

/// A signal that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    Hangup,
    Interrupt,
    Terminate,
}

impl Signal {
    /// What a shell reports for a process that the signal ended: 128 and its number.
    pub(super) fn exit_code(self) -> i32 {
        let kind = match self {
            Self::Hangup => unix::SignalKind::hangup(),
            Self::Interrupt => unix::SignalKind::interrupt(),
            Self::Terminate => unix::SignalKind::terminate(),
        };
        128 + kind.as_raw_value()
    }
}

/// From [`Signals::listen`] on, none of the three ends the process by itself.
pub(super) struct Signals {
    hangup: unix::Signal,
    interrupt: unix::Signal,
    terminate: unix::Signal,
}

impl Signals {
    /// Must be called on a Tokio runtime.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            hangup: unix::signal(unix::SignalKind::hangup())?,
            interrupt: unix::signal(unix::SignalKind::interrupt())?,
            terminate: unix::signal(unix::SignalKind::terminate())?,
        })
    }

    pub(super) async fn next(&mut self) -> Signal {
        tokio::select! {
            biased;
            Some(()) = self.interrupt.recv() => Signal::Interrupt,
            Some(()) = self.terminate.recv() => Signal::Terminate,
            Some(()) = self.hangup.recv() => Signal::Hangup,
            else => std::future::pending().await,
        }
    }
}
