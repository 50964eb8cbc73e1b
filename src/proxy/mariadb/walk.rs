//! What a relay learns from the packets that pass, and what it changes in them.
//!
//! A packet is told by its length, its first byte and what was asked before; bodies pass unread. Three kinds are looked
//! into, all short: the ends of a server's answers, for the status in them; a client's commands that change who or
//! where it is; and its texts that may be a KILL. A KILL of a session is changed into one of that session's thread on
//! the server, which mostly has another length: a short command is passed on only once it is there whole, which it
//! nearly always is.

mod client;
mod server;

use std::sync::Arc;

use bytes::BytesMut;

use self::client::ClientFraming;
use self::server::ServerFraming;
use super::answers::Answers;
use super::greeting::Introduction;
use super::packet::HEADER_BYTES;
use super::texts::Texts;
use crate::proxy::relay::{Passing, Track};
use crate::proxy::statements::Interest;
use crate::session::SessionGuard;

/// What the packets of a client are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sends {
    /// Commands.
    Commands,
    /// The contents of a file, up to an empty packet.
    File,
    /// What a replica acknowledges, until it says goodbye.
    Acknowledgements,
}

/// Follows one session's packets in both directions.
pub(in crate::proxy) struct Walk {
    capabilities: u64,
    client: ClientFraming,
    sends: Sends,
    /// The beginning of a command that is not there whole.
    withheld: BytesMut,
    server: ServerFraming,
    answers: Answers,
    /// The number of the packet that either side sends next.
    sequence: u8,
    active: bool,
    in_transaction: bool,
    autocommit: Option<bool>,
    quit: bool,
    /// The server's last packet before the end of the stream was an error.
    failed: bool,
    /// Where and who the session is once the server has agreed.
    database: Option<Arc<str>>,
    user: Option<Box<Introduction>>,
    /// Who wants the statements' texts.
    interest: Arc<Interest>,
    /// The texts, where somebody wants them.
    texts: Option<Box<Texts>>,
}

impl Walk {
    /// Of a session that was just logged in, with these capabilities and the status of the server's OK.
    pub fn new(
        capabilities: u64,
        session: &SessionGuard,
        ok: &[u8],
        interest: Arc<Interest>,
    ) -> Self {
        let mut walk = Self {
            capabilities,
            client: ClientFraming::default(),
            sends: Sends::Commands,
            withheld: BytesMut::new(),
            server: ServerFraming::default(),
            answers: Answers::new(capabilities),
            sequence: 1,
            active: false,
            in_transaction: false,
            autocommit: None,
            quit: false,
            failed: false,
            database: None,
            user: None,
            texts: None,
            interest,
        };
        let texts = |statements| Box::new(Texts::new(capabilities, statements));
        walk.texts = walk.interest.follow(session).map(texts);
        walk.status(ok, session);
        walk
    }

    /// The sequence number of a packet that comes next from the server, or would answer the client's next command.
    pub fn sequence(&self) -> u8 {
        match self.active {
            true => self.sequence,
            false => 1,
        }
    }

    /// What is held back.
    #[cfg(any(test, fuzzing))]
    pub fn withheld(&self) -> &[u8] {
        &self.withheld
    }
}

impl Track for Walk {
    fn client_sent(&mut self, bytes: &mut [u8], session: &SessionGuard) -> Result<Passing, String> {
        let mut changed = None;
        if self.withheld.is_empty() {
            self.client_piece(bytes, &mut changed, session)?;
            return Ok(match changed {
                None => Passing::AsTheyAre,
                Some(changed) => Passing::Instead(changed.finish(bytes)),
            });
        }
        let mut whole = std::mem::take(&mut self.withheld);
        whole.extend_from_slice(bytes);
        self.client_piece(&whole, &mut changed, session)?;
        Ok(Passing::Instead(match changed {
            None => whole,
            Some(changed) => changed.finish(&whole),
        }))
    }

    fn server_sent(&mut self, bytes: &mut [u8], session: &SessionGuard) -> Result<(), String> {
        self.server_piece(bytes, session);
        Ok(())
    }

    fn is_active(&self) -> bool {
        self.active
    }

    fn replace_filters(&mut self, session: &SessionGuard) {
        let in_a_packet = self.client.body_left > 0
            || self.client.continues
            || !self.withheld.is_empty()
            || self.server_bytes_to_boundary() > 0;
        if self.active || in_a_packet {
            return;
        }
        let texts = |statements| Texts::new(self.capabilities, statements);
        self.interest
            .replace_filters(&mut self.texts, session, texts);
    }

    fn is_idle_outside_transaction(&self) -> bool {
        !self.active && !self.in_transaction && self.server_bytes_to_boundary() == 0
    }

    fn server_bytes_to_boundary(&self) -> usize {
        let framing = &self.server;
        match (framing.body_left, usize::from(framing.header_bytes)) {
            (0, 0) if framing.continues => HEADER_BYTES,
            (0, 0) => 0,
            (0, have) => (HEADER_BYTES + 1).saturating_sub(have).max(1),
            (left, _) => left,
        }
    }

    fn has_quit(&self) -> bool {
        self.quit
    }

    fn has_failed(&self) -> bool {
        self.failed
    }
}

#[cfg(test)]
mod tests;
