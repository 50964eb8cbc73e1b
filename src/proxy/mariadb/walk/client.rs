//! The client's packets.

use bytes::BytesMut;

use super::{Sends, Walk};
use crate::proxy::mariadb::command::{self, Answer};
use crate::proxy::mariadb::greeting::Introduction;
use crate::proxy::mariadb::packet::{
    self, FRAME_BYTES_MAX, HEADER_BYTES, LOGIN_BYTES_MAX, split_header,
};
use crate::proxy::mariadb::{kill, translate};
use crate::session::SessionGuard;

/// Longest COM_INIT_DB that is looked into, in bytes: names have at most 64 characters.
const DATABASE_BYTES_MAX: usize = 512;

/// Where a client stands in its stream of packets.
#[derive(Debug, Default)]
pub(super) struct ClientFraming {
    pub(super) body_left: usize,
    /// The packet goes on in the next frame.
    pub(super) continues: bool,
}

/// What is passed on instead of a piece of the client's stream.
#[derive(Debug, Default)]
pub(super) struct Changed {
    output: BytesMut,
    /// So much of the piece stands in the output, or is not to.
    copied: usize,
}

impl Changed {
    fn copy(&mut self, bytes: &[u8], to: usize) {
        if let Some(same) = bytes.get(self.copied..to) {
            self.output.extend_from_slice(same);
        }
        self.copied = to;
    }

    pub(super) fn finish(mut self, bytes: &[u8]) -> BytesMut {
        self.copy(bytes, bytes.len());
        self.output
    }
}

impl Walk {
    /// Goes through a piece of the client's stream. What is changed or held back is left out of what was walked, and
    /// stands in `changed`.
    pub(super) fn client_piece(
        &mut self,
        bytes: &[u8],
        changed: &mut Option<Changed>,
        session: &SessionGuard,
    ) -> Result<(), String> {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            if self.client.body_left > 0 {
                let piece = rest.len().min(self.client.body_left);
                self.client.body_left -= piece;
                if let Some(texts) = &mut self.texts {
                    let is_last = self.client.body_left == 0 && !self.client.continues;
                    texts.body(&rest[..piece], is_last, session);
                }
                at += piece;
                continue;
            }
            let Some((header, body)) = rest.split_first_chunk::<HEADER_BYTES>() else {
                self.withhold(bytes, at, changed);
                break;
            };
            let (length, sequence) = split_header(*header);
            if self.client.continues || length == 0 {
                self.client_frame(length, sequence);
                at += HEADER_BYTES;
                continue;
            }
            let Some(&first) = body.first() else {
                self.withhold(bytes, at, changed);
                break;
            };
            if self.is_command(first, sequence) {
                let Some(whole) = body.get(..length) else {
                    if length <= look_bytes_max(first) {
                        self.withhold(bytes, at, changed);
                        break;
                    }
                    self.client_frame(length, sequence);
                    self.command(first, &[], session)?;
                    at += HEADER_BYTES;
                    continue;
                };
                self.client_frame(length, sequence);
                self.client.body_left = 0;
                let looked_at = match length <= look_bytes_max(first) {
                    true => whole,
                    false => &[],
                };
                self.command(first, looked_at, session)?;
                if let Some(texts) = &mut self.texts {
                    texts.body(whole, !self.client.continues, session);
                }
                if let Some(body) = translate::command(looked_at, self.capabilities, session) {
                    let changed = changed.get_or_insert_with(Changed::default);
                    changed.copy(bytes, at);
                    packet::put(&mut changed.output, sequence, &body);
                    changed.copied = at + HEADER_BYTES + length;
                }
                at += HEADER_BYTES + length;
                continue;
            }
            self.client_frame(length, sequence);
            at += HEADER_BYTES;
        }
        Ok(())
    }

    /// The header of a frame is passed on.
    fn client_frame(&mut self, length: usize, sequence: u8) {
        self.sequence = sequence.wrapping_add(1);
        self.client.body_left = length;
        let continued = std::mem::replace(&mut self.client.continues, length == FRAME_BYTES_MAX);
        if length == 0 && !continued && self.sends == Sends::File {
            self.sends = Sends::Commands;
        }
    }

    fn withhold(&mut self, bytes: &[u8], at: usize, changed: &mut Option<Changed>) {
        let changed = changed.get_or_insert_with(Changed::default);
        changed.copy(bytes, at);
        changed.copied = bytes.len();
        self.withheld.extend_from_slice(&bytes[at..]);
    }

    /// Whether a packet that begins so is a command, and not a part of what a command has begun.
    fn is_command(&self, first: u8, sequence: u8) -> bool {
        match self.sends {
            // What is sent while the server asks who it is goes on in the numbers of the command.
            Sends::Commands => sequence == 0,
            Sends::File => false,
            Sends::Acknowledgements => first == command::QUIT,
        }
    }

    /// A command; `body` is empty when it is too long to be looked into.
    fn command(&mut self, first: u8, body: &[u8], session: &SessionGuard) -> Result<(), String> {
        if command::is_statement(first) {
            session.count_statement();
        }
        if let Some(texts) = &mut self.texts {
            texts.command(first);
        }
        self.quit = first == command::QUIT;
        let Some(answer) = command::answer(first) else {
            return Ok(());
        };
        let argument = body.get(1..).unwrap_or_default();
        match answer {
            Answer::Database => {
                let name = String::from_utf8_lossy(argument);
                self.database = (!name.is_empty()).then(|| name.into());
            }
            Answer::Login => {
                let user = Introduction::of_change(argument, self.capabilities);
                self.user = user.map(Box::new);
            }
            Answer::Events => self.sends = Sends::Acknowledgements,
            _ => {}
        }
        if !self.answers.expect(answer) {
            return Err("too many commands are sent ahead of their answers".to_owned());
        }
        if !self.active {
            self.active = true;
            session.work_started();
        }
        Ok(())
    }
}

/// So long may a command be that is looked into.
fn look_bytes_max(command: u8) -> usize {
    match command {
        command::QUERY => 1 + 2 + kill::TEXT_BYTES_MAX,
        command::PROCESS_KILL => 1 + size_of::<u32>(),
        command::INIT_DB => 1 + DATABASE_BYTES_MAX,
        command::CHANGE_USER => LOGIN_BYTES_MAX,
        _ => 0,
    }
}
