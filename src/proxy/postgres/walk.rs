//! What a relay learns from the messages that pass: headers only, bodies stay unread.
//!
//! A message is a type byte, a length that counts itself but not the type, and a body (PostgreSQL's "Message Formats").
//! Two bodies are looked into, both short: the transaction status of ReadyForQuery, and ParameterStatus for the
//! application's name. One is changed in passing: NotificationResponse names the process that the client knows as
//! its own when the session itself has sent the notification, and another one when somebody else has.

use std::sync::Arc;

use super::texts::Texts;
use crate::proxy::relay::{Passing, Track};
use crate::proxy::statements::Interest;
use crate::session::{SessionGuard, Transaction};

/// Type byte and length field.
const HEADER_BYTES: usize = 5;
/// The length field counts itself.
const LENGTH_BYTES: u32 = 4;
/// Longest ParameterStatus that is looked into, in bytes: application names have at most 63.
const PARAMETER_BYTES_MAX: usize = 256;

/// A length field that does not even count itself: where the next message begins cannot be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid length {length} of a message of type {kind:?}")]
struct Malformed {
    kind: char,
    length: u32,
}

/// Where one direction stands in its stream of messages.
#[derive(Debug, Default)]
struct Framing {
    header: [u8; HEADER_BYTES],
    header_bytes: u8,
    body_bytes: u32,
    body_left: u32,
}

/// What is seen of a message.
enum Part<'a> {
    /// Its type, and how many bytes its body has.
    Header(u8, u32),
    /// A piece of its body; never empty.
    Body(Piece<'a>),
}

/// A piece of a message's body.
struct Piece<'a> {
    /// The message's type.
    kind: u8,
    /// Where it begins in the body.
    offset: u32,
    bytes: &'a mut [u8],
    /// Whether the body ends with it.
    is_last: bool,
}

impl Framing {
    /// Goes through the next bytes of the stream, however they are cut.
    fn walk(
        &mut self,
        mut bytes: &mut [u8],
        mut see: impl FnMut(Part<'_>),
    ) -> Result<(), Malformed> {
        while !bytes.is_empty() {
            if self.body_left > 0 {
                let piece = bytes.len().min(self.body_left as usize);
                let (body, rest) = bytes.split_at_mut(piece);
                let offset = self.body_bytes - self.body_left;
                self.body_left -= piece as u32;
                see(Part::Body(Piece {
                    kind: self.header[0],
                    offset,
                    bytes: body,
                    is_last: self.body_left == 0,
                }));
                bytes = rest;
                continue;
            }
            let have = usize::from(self.header_bytes);
            let piece = bytes.len().min(HEADER_BYTES - have);
            let (header, rest) = bytes.split_at_mut(piece);
            self.header[have..have + piece].copy_from_slice(header);
            self.header_bytes += piece as u8;
            bytes = rest;
            if usize::from(self.header_bytes) < HEADER_BYTES {
                return Ok(());
            }
            let [kind, length @ ..] = self.header;
            let length = u32::from_be_bytes(length);
            self.body_bytes = length.checked_sub(LENGTH_BYTES).ok_or(Malformed {
                kind: char::from(kind),
                length,
            })?;
            self.body_left = self.body_bytes;
            self.header_bytes = 0;
            see(Part::Header(kind, self.body_bytes));
        }
        Ok(())
    }

    /// At least so many bytes belong to the message that is under way; 0 between messages.
    fn bytes_to_boundary(&self) -> usize {
        match (self.body_left, usize::from(self.header_bytes)) {
            (0, 0) => 0,
            (0, have) => HEADER_BYTES - have,
            (left, _) => left as usize,
        }
    }
}

/// Follows one session's messages in both directions.
pub(in crate::proxy) struct Walk {
    client: Framing,
    server: Framing,
    /// What makes the server's process id of this session the one that the client was given, and any other process
    /// id one that is not: the two, bit by bit exclusive. Each byte can be changed by itself, wherever a read ends.
    process_mask: [u8; 4],
    /// Query and FunctionCall messages that are not answered yet.
    queries: u32,
    /// Sync messages that are not answered yet.
    syncs: u32,
    /// Messages of the extended protocol were sent that no Sync has followed yet.
    unsynced: bool,
    /// The server takes the client's messages for data, Sync messages too.
    copies_in: bool,
    active: bool,
    transaction: Transaction,
    quit: bool,
    /// The server's last message before the end of the stream was an error.
    failed: bool,
    /// The body of a ParameterStatus, as far as it has come.
    parameter: Vec<u8>,
    /// Who wants the statements' texts.
    interest: Arc<Interest>,
    /// The texts, where somebody wants them.
    texts: Option<Box<Texts>>,
}

impl Walk {
    /// At the first ReadyForQuery of a session, which the server knows as this process.
    pub fn new(session: &SessionGuard, process: [u8; 4], interest: Arc<Interest>) -> Self {
        let mask = session.id().get() ^ u32::from_be_bytes(process);
        Self {
            client: Framing::default(),
            server: Framing::default(),
            process_mask: mask.to_be_bytes(),
            queries: 0,
            syncs: 0,
            unsynced: false,
            copies_in: false,
            active: false,
            transaction: Transaction::None,
            quit: false,
            failed: false,
            parameter: Vec::new(),
            texts: interest.follow(session).map(Texts::new).map(Box::new),
            interest,
        }
    }

    fn client_message(&mut self, kind: u8, session: &SessionGuard) {
        match kind {
            b'Q' | b'F' => {
                self.queries += 1;
                session.count_statement();
                self.work(session);
            }
            b'E' => {
                self.unsynced = true;
                session.count_statement();
                self.work(session);
            }
            b'P' | b'B' => {
                self.unsynced = true;
                self.work(session);
            }
            b'S' if !self.copies_in => {
                self.syncs += 1;
                self.unsynced = false;
                if let Some(texts) = &mut self.texts {
                    texts.sync();
                }
            }
            b'c' | b'f' => self.copies_in = false,
            b'X' => self.quit = true,
            _ => {}
        }
    }

    fn work(&mut self, session: &SessionGuard) {
        if !self.active {
            self.active = true;
            session.work_started();
        }
    }

    fn server_message(&mut self, kind: u8) {
        self.failed = kind == b'E';
        if let Some(texts) = &mut self.texts {
            texts.server_message(kind);
        }
        match kind {
            b'G' | b'W' => {
                // What the client sent behind the statement that copies has been swallowed as data.
                self.copies_in = true;
                self.syncs = 0;
                self.unsynced = self.queries == 0;
            }
            b'E' => self.copies_in = false,
            b'S' => self.parameter = Vec::new(),
            _ => {}
        }
    }

    fn ready(&mut self, status: u8, session: &SessionGuard) {
        match self.queries {
            0 => self.syncs = self.syncs.saturating_sub(1),
            _ => self.queries -= 1,
        }
        self.copies_in = false;
        let transaction = match status {
            b'I' => Transaction::None,
            b'E' => Transaction::Failed,
            _ => Transaction::Open,
        };
        if let Some(texts) = &mut self.texts {
            texts.ready(transaction != Transaction::None);
        }
        if transaction != self.transaction {
            self.transaction = transaction;
            session.set_transaction(transaction);
        }
        let more = self.queries > 0 || self.syncs > 0 || self.unsynced;
        if more && self.active {
            // The next one of a pipeline begins.
            session.work_started();
        } else if self.active {
            self.active = false;
            session.work_ended();
        }
    }

    fn rename_process(&self, offset: usize, body: &mut [u8]) {
        let mask = self.process_mask.get(offset..).unwrap_or_default();
        for (byte, mask) in body.iter_mut().zip(mask) {
            *byte ^= mask;
        }
    }

    fn parameter_status(&mut self, offset: u32, body: &[u8], session: &SessionGuard) {
        let begins = offset == 0 && APPLICATION_NAME.iter().zip(body).all(|(a, b)| a == b);
        if !begins && self.parameter.is_empty() {
            return;
        }
        if self.parameter.len() + body.len() <= PARAMETER_BYTES_MAX {
            self.parameter.extend_from_slice(body);
        }
        if let Some(name) = application_name(&self.parameter) {
            session.update(|profile| profile.application_name = name);
            self.parameter = Vec::new();
        }
    }
}

impl Track for Walk {
    fn client_sent(&mut self, bytes: &mut [u8], session: &SessionGuard) -> Result<Passing, String> {
        let mut framing = std::mem::take(&mut self.client);
        let walked = framing.walk(bytes, |part| match (part, &mut self.texts) {
            (Part::Header(kind, body_bytes), texts) => {
                if let Some(texts) = texts {
                    texts.client_message(kind, body_bytes, session);
                }
                self.client_message(kind, session);
            }
            (Part::Body(piece), Some(texts)) => {
                texts.client_body(piece.bytes, piece.is_last, session);
            }
            (Part::Body(_), None) => {}
        });
        self.client = framing;
        match walked {
            Ok(()) => Ok(Passing::AsTheyAre),
            Err(malformed) => Err(malformed.to_string()),
        }
    }

    /// Bytes that name the server's process are changed.
    fn server_sent(&mut self, bytes: &mut [u8], session: &SessionGuard) -> Result<(), String> {
        let mut framing = std::mem::take(&mut self.server);
        let walked = framing.walk(bytes, |part| match part {
            Part::Header(kind, _) => self.server_message(kind),
            Part::Body(Piece {
                kind,
                offset,
                bytes,
                ..
            }) => match (kind, offset) {
                (b'Z', 0) => {
                    if let Some(status) = bytes.first() {
                        self.ready(*status, session);
                    }
                }
                (b'A', _) => self.rename_process(offset as usize, bytes),
                (b'S', _) => self.parameter_status(offset, bytes, session),
                _ => {}
            },
        });
        self.server = framing;
        walked.map_err(|malformed| malformed.to_string())
    }

    fn is_active(&self) -> bool {
        self.active
    }

    fn replace_filters(&mut self, session: &SessionGuard) {
        let in_a_message = self.client.bytes_to_boundary() + self.server.bytes_to_boundary() > 0;
        if self.active || in_a_message {
            return;
        }
        self.interest
            .replace_filters(&mut self.texts, session, Texts::new);
    }

    fn is_idle_outside_transaction(&self) -> bool {
        !self.active
            && self.transaction == Transaction::None
            && self.server.bytes_to_boundary() == 0
    }

    fn server_bytes_to_boundary(&self) -> usize {
        self.server.bytes_to_boundary()
    }

    fn has_quit(&self) -> bool {
        self.quit
    }

    fn has_failed(&self) -> bool {
        self.failed
    }
}

/// How a ParameterStatus of the application's name begins.
const APPLICATION_NAME: &[u8] = b"application_name\0";

/// The value of `application_name` in the whole body of a ParameterStatus; `Some(None)` when it is empty.
pub(super) fn application_name(body: &[u8]) -> Option<Option<Arc<str>>> {
    let value = body.strip_prefix(APPLICATION_NAME)?.strip_suffix(b"\0")?;
    let name = String::from_utf8_lossy(value);
    Some((!name.is_empty()).then(|| name.into()))
}

/// A session to be followed.
#[cfg(any(test, fuzzing))]
pub(super) fn session(registry: &Arc<crate::session::Registry>) -> SessionGuard {
    use crate::session::{Listener, Remote, Service};

    let service = Arc::new(Service::new("app", "readconnroute"));
    let address: std::net::SocketAddr = ([127, 0, 0, 1], 1).into();
    let listener = Arc::new(Listener::new("app", &service, "postgresql", address));
    let registered = registry.register(&listener, Remote::Unix);
    registered.expect("a free id")
}

#[cfg(test)]
mod tests;
