//! The server's packets.

use std::sync::Arc;

use super::{Sends, Walk};
use crate::proxy::mariadb::answers::{Outcome, Told};
use crate::proxy::mariadb::capability;
use crate::proxy::mariadb::command::Answer;
use crate::proxy::mariadb::packet::{FRAME_BYTES_MAX, HEADER_BYTES, split_header};
use crate::proxy::mariadb::status::{self, Status};
use crate::session::{SessionGuard, Transaction};

/// Longest beginning of a server's packet that is kept when the packet comes in pieces, in bytes.
const LOOK_BYTES_MAX: usize = 4096;

/// Where a server stands in its stream of packets.
#[derive(Debug, Default)]
pub(super) struct ServerFraming {
    /// Header and first byte.
    header: [u8; HEADER_BYTES + 1],
    pub(super) header_bytes: u8,
    pub(super) body_left: usize,
    pub(super) continues: bool,
    /// The packet is looked at, or was when it began.
    looks: bool,
    /// What has come of it.
    seen: Vec<u8>,
}

impl Walk {
    /// Goes through the next bytes of the server's stream, however they are cut.
    pub(super) fn server_piece(&mut self, mut bytes: &[u8], session: &SessionGuard) {
        while !bytes.is_empty() {
            if self.server.body_left > 0 {
                let piece = bytes.len().min(self.server.body_left);
                let (body, rest) = bytes.split_at(piece);
                self.server.body_left -= piece;
                bytes = rest;
                if self.server.looks {
                    let room = LOOK_BYTES_MAX.saturating_sub(self.server.seen.len());
                    self.server.seen.extend_from_slice(&body[..piece.min(room)]);
                }
                if self.server.body_left == 0 && !self.server.continues {
                    let seen = std::mem::take(&mut self.server.seen);
                    self.server_packet(&seen, session);
                }
                continue;
            }
            // The body of a packet that is there whole is looked at where it is.
            if self.server.header_bytes == 0
                && !self.server.continues
                && let Some((header, behind)) = bytes.split_first_chunk::<HEADER_BYTES>()
            {
                let (length, sequence) = split_header(*header);
                if length < FRAME_BYTES_MAX
                    && let Some((body, rest)) = behind.split_at_checked(length)
                {
                    self.sequence = sequence.wrapping_add(1);
                    let looks = self.looks_at(body.first().copied(), length);
                    let kept = if looks { length.min(LOOK_BYTES_MAX) } else { 0 };
                    self.server_packet(&body[..kept], session);
                    bytes = rest;
                    continue;
                }
            }
            bytes = self.server_header(bytes, session);
        }
    }

    /// Takes what there is of a header, and of the byte behind it.
    fn server_header<'a>(&mut self, bytes: &'a [u8], session: &SessionGuard) -> &'a [u8] {
        let framing = &mut self.server;
        let have = usize::from(framing.header_bytes);
        let wanted = match framing.continues {
            true => HEADER_BYTES,
            false if have >= HEADER_BYTES => HEADER_BYTES + 1,
            false => HEADER_BYTES,
        };
        let piece = bytes.len().min(wanted - have);
        let (header, rest) = bytes.split_at(piece);
        framing.header[have..have + piece].copy_from_slice(header);
        framing.header_bytes += piece as u8;
        if usize::from(framing.header_bytes) < wanted {
            return rest;
        }
        let [a, b, c, sequence, first] = framing.header;
        let (length, sequence) = split_header([a, b, c, sequence]);
        self.sequence = sequence.wrapping_add(1);
        if self.server.continues {
            self.server.header_bytes = 0;
            self.server.body_left = length;
            self.server.continues = length == FRAME_BYTES_MAX;
            if length == 0 {
                let seen = std::mem::take(&mut self.server.seen);
                self.server_packet(&seen, session);
            }
        } else if length == 0 {
            self.server.header_bytes = 0;
            self.server_packet(&[], session);
        } else if wanted > HEADER_BYTES {
            self.server.header_bytes = 0;
            let looks = self.looks_at(Some(first), length);
            self.server.looks = looks;
            self.server.continues = length == FRAME_BYTES_MAX;
            self.server.body_left = length - 1;
            if looks {
                self.server.seen.push(first);
            }
            if length == 1 {
                let seen = std::mem::take(&mut self.server.seen);
                self.server_packet(&seen, session);
            }
        }
        rest
    }

    fn looks_at(&self, first: Option<u8>, length: usize) -> bool {
        self.answers.looks_at(first, length)
            || (!self.answers.is_pending() && first == Some(status::ERR))
    }

    /// A packet of the server has passed; `body` is its beginning, if it was looked at.
    fn server_packet(&mut self, body: &[u8], session: &SessionGuard) {
        self.failed = body.first() == Some(&status::ERR) && !status::is_progress(body);
        if !self.answers.is_pending() {
            return;
        }
        if let Some(texts) = &mut self.texts
            && self.answers.begins_preparation()
            && body.first() == Some(&status::OK)
        {
            texts.prepared(body);
        }
        let told = self.answers.passed(body);
        match told {
            Told::Nothing => {}
            Told::Status => self.status(body, session),
            // It is sent to its end even when the server has had enough of it.
            Told::WantsFile => self.sends = Sends::File,
            Told::Ended(answer, outcome) => {
                self.ended(answer, outcome, body, session);
                if let Some(texts) = &mut self.texts {
                    texts.answered(outcome == Outcome::Failed);
                }
                let more = self.answers.is_pending();
                if more {
                    // The next one of those that were sent ahead begins.
                    session.work_started();
                } else {
                    self.active = false;
                    session.work_ended();
                }
            }
        }
    }

    fn ended(&mut self, answer: Answer, outcome: Outcome, body: &[u8], session: &SessionGuard) {
        match (answer, outcome) {
            (Answer::Database, Outcome::Done) => {
                let database = self.database.take();
                set_database(database, session);
            }
            (Answer::Database, Outcome::Failed) => self.database = None,
            (Answer::Login, Outcome::Done) => {
                let user = self.user.take().unwrap_or_default();
                session.update(|profile| user.show(profile));
                if let Some(texts) = &mut self.texts {
                    texts.statements.user_changed(session);
                }
            }
            (Answer::Login, Outcome::Failed) => self.user = None,
            (Answer::Events, _) => self.sends = Sends::Commands,
            _ => {}
        }
        match outcome {
            // It begins as OK does, and goes on otherwise.
            Outcome::Done if answer == Answer::Prepared => {}
            Outcome::Done => self.status(body, session),
            Outcome::Failed if status::ends_transaction(body) => self.transaction(false, session),
            Outcome::Failed => {}
        }
    }

    /// Takes note of what OK or EOF say of the session.
    pub(super) fn status(&mut self, body: &[u8], session: &SessionGuard) {
        let Some(status) = Status::read(body) else {
            return;
        };
        self.transaction(status.in_transaction(), session);
        let autocommit = Some(status.is_autocommit());
        if self.autocommit != autocommit {
            self.autocommit = autocommit;
            session.set_autocommit(status.is_autocommit());
        }
        if self.capabilities & capability::SESSION_TRACK != 0
            && let Some(database) = status::schema(body)
        {
            set_database(database, session);
        }
    }

    fn transaction(&mut self, inside: bool, session: &SessionGuard) {
        if self.in_transaction != inside {
            self.in_transaction = inside;
            session.set_transaction(match inside {
                true => Transaction::Open,
                false => Transaction::None,
            });
        }
    }
}

fn set_database(database: Option<Arc<str>>, session: &SessionGuard) {
    let known = session.profile();
    if known.is_none_or(|profile| profile.database != database) {
        session.update(|profile| profile.database = database);
    }
}
