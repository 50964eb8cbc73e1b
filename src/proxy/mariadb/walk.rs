//! What a relay learns from the packets that pass, and what it changes in them.
//!
//! A packet is told by its length, its first byte and what was asked before; bodies pass unread. Three kinds are looked
//! into, all short: the ends of a server's answers, for the status in them; a client's commands that change who or
//! where it is; and its texts that may be a KILL. A KILL of a session is changed into one of that session's thread on
//! the server, which mostly has another length: a short command is passed on only once it is there whole, which it
//! nearly always is.

use std::sync::Arc;

use bytes::BytesMut;

use super::answers::{Answers, Outcome, Told};
use super::command::{self, Answer};
use super::greeting::Introduction;
use super::packet::{self, FRAME_BYTES_MAX, HEADER_BYTES, LOGIN_BYTES_MAX, split_header};
use super::status::{self, Status};
use super::texts::Texts;
use super::{capability, kill, translate};
use crate::proxy::relay::{Passing, Track};
use crate::proxy::statements::Interest;
use crate::session::{SessionGuard, Transaction};

/// Longest beginning of a server's packet that is kept when the packet comes in pieces, in bytes.
const LOOK_BYTES_MAX: usize = 4096;
/// Longest COM_INIT_DB that is looked into, in bytes: names have at most 64 characters.
const DATABASE_BYTES_MAX: usize = 512;

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

/// Where a client stands in its stream of packets.
#[derive(Debug, Default)]
struct ClientFraming {
    body_left: usize,
    /// The packet goes on in the next frame.
    continues: bool,
}

/// Where a server stands in its stream of packets.
#[derive(Debug, Default)]
struct ServerFraming {
    /// Header and first byte.
    header: [u8; HEADER_BYTES + 1],
    header_bytes: u8,
    body_left: usize,
    continues: bool,
    /// The packet is looked at, or was when it began.
    looks: bool,
    /// What has come of it.
    seen: Vec<u8>,
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

    /// Goes through a piece of the client's stream. What is changed or held back is left out of what was walked, and
    /// stands in `changed`.
    fn client_piece(
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

    /// Goes through the next bytes of the server's stream, however they are cut.
    fn server_piece(&mut self, mut bytes: &[u8], session: &SessionGuard) {
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
    fn status(&mut self, body: &[u8], session: &SessionGuard) {
        let Some(status) = Status::read(body) else {
            return;
        };
        self.transaction(status.in_transaction(), session);
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

/// What is passed on instead of a piece of the client's stream.
#[derive(Debug, Default)]
struct Changed {
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

    fn finish(mut self, bytes: &[u8]) -> BytesMut {
        self.copy(bytes, bytes.len());
        self.output
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

fn set_database(database: Option<Arc<str>>, session: &SessionGuard) {
    let known = session.profile();
    if known.is_none_or(|profile| profile.database != database) {
        session.update(|profile| profile.database = database);
    }
}

#[cfg(test)]
mod tests;
