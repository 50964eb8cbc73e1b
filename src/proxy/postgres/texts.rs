//! The statements' texts of a session, picked from the client's messages, and which message of the server answers
//! which of them ("Message Flow" in PostgreSQL's protocol chapter).

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::proxy::statements::Statements;
use crate::session::SessionGuard;

/// The longest name of a prepared statement or portal that is looked into, in bytes: PostgreSQL tells no more apart.
const NAME_BYTES_MAX: usize = 64;

/// What the texts of prepared statements and portals of one session may take, in bytes.
const KEPT_BYTES_MAX: usize = 1024 * 1024;

/// What has been sent to the server and is answered in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    /// A statement that is over with ReadyForQuery.
    Query,
    /// A statement that is over with its own last message.
    Execute,
    /// Answered with ReadyForQuery, before which the server passes over what follows an error.
    Sync,
}

/// A message of the client that is looked into.
struct Message {
    kind: u8,
    body: Vec<u8>,
    /// What is kept of the body, in bytes.
    most: usize,
}

/// Follows the texts of one session.
pub(super) struct Texts {
    pub statements: Statements,
    message: Option<Message>,
    sent: VecDeque<Sent>,
    prepared: Names,
    portals: Names,
}

impl AsMut<Statements> for Texts {
    fn as_mut(&mut self) -> &mut Statements {
        &mut self.statements
    }
}

impl Texts {
    pub fn new(statements: Statements) -> Self {
        Self {
            statements,
            message: None,
            sent: VecDeque::new(),
            prepared: Names::default(),
            portals: Names::default(),
        }
    }

    /// A message of the client begins.
    pub fn client_message(&mut self, kind: u8, body_bytes: u32, session: &SessionGuard) {
        let text = self.statements.bytes_max();
        let most = match kind {
            b'Q' => text,
            b'P' => NAME_BYTES_MAX + text,
            b'B' => 2 * (NAME_BYTES_MAX + 1),
            b'E' | b'C' => NAME_BYTES_MAX + 2,
            b'F' => 0,
            _ => return,
        };
        self.message = Some(Message {
            kind,
            body: Vec::new(),
            most,
        });
        if body_bytes == 0 {
            self.client_body(&[], true, session);
        }
    }

    /// A piece of the body of that message, and whether it is the last one.
    pub fn client_body(&mut self, piece: &[u8], is_last: bool, session: &SessionGuard) {
        let Some(message) = &mut self.message else {
            return;
        };
        let room = message.most.saturating_sub(message.body.len());
        message
            .body
            .extend_from_slice(piece.get(..room).unwrap_or(piece));
        if is_last && let Some(Message { kind, body, .. }) = self.message.take() {
            self.whole_message(kind, &body, session);
        }
    }

    fn whole_message(&mut self, kind: u8, body: &[u8], session: &SessionGuard) {
        match kind {
            b'Q' => {
                let text = self.statements.text(until_zero(body).0);
                self.begin(Sent::Query, "Query", text, session);
            }
            b'F' => self.begin(Sent::Query, "FunctionCall", "".into(), session),
            b'P' => {
                let (name, text) = until_zero(body);
                let text = self.statements.text(until_zero(text).0);
                self.prepared.insert(name, text);
            }
            b'B' => {
                let (portal, rest) = until_zero(body);
                let text = self.prepared.get(until_zero(rest).0);
                self.portals.insert(portal, text);
            }
            b'E' => {
                let text = self.portals.get(until_zero(body).0);
                self.begin(Sent::Execute, "Execute", text, session);
            }
            b'C' => match body.split_first() {
                Some((b'S', name)) => self.prepared.remove(until_zero(name).0),
                Some((_, name)) => self.portals.remove(until_zero(name).0),
                None => {}
            },
            _ => {}
        }
    }

    fn begin(&mut self, sent: Sent, command: &'static str, text: Arc<str>, session: &SessionGuard) {
        self.sent.push_back(sent);
        self.statements.begin(command, text, session);
    }

    /// A Sync that the server will answer.
    pub fn sync(&mut self) {
        self.sent.push_back(Sent::Sync);
    }

    /// A message of the server begins.
    pub fn server_message(&mut self, kind: u8) {
        match kind {
            // CommandComplete, EmptyQueryResponse, PortalSuspended.
            b'C' | b'I' | b's' if self.sent.front() == Some(&Sent::Execute) => self.finish(),
            // ErrorResponse.
            b'E' => match self.sent.front() {
                Some(Sent::Query) => self.statements.fail(),
                Some(Sent::Execute) => {
                    self.statements.fail();
                    self.finish();
                }
                Some(Sent::Sync) | None => {}
            },
            // CopyInResponse, CopyBothResponse: what was sent behind the statement is taken for data.
            b'G' | b'W' => {
                while self.sent.len() > 1 {
                    if self.sent.pop_back() != Some(Sent::Sync) {
                        self.statements.skip_last();
                    }
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self) {
        self.sent.pop_front();
        self.statements.finish();
    }

    /// ReadyForQuery, and whether a transaction is open.
    pub fn ready(&mut self, in_transaction: bool) {
        if !in_transaction {
            self.portals.clear();
        }
        while let Some(sent) = self.sent.pop_front() {
            match sent {
                Sent::Query => return self.statements.finish(),
                Sent::Execute => self.statements.skip(),
                Sent::Sync => return,
            }
        }
    }
}

/// What stands before the first zero byte, and behind it.
fn until_zero(bytes: &[u8]) -> (&[u8], &[u8]) {
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    let first = parts.next().unwrap_or_default();
    (first, parts.next().unwrap_or_default())
}

/// Texts by the names of their prepared statements or portals.
#[derive(Default)]
struct Names {
    texts: HashMap<Box<[u8]>, Arc<str>>,
    bytes: usize,
}

impl Names {
    /// One that does not fit in any more is not known later.
    fn insert(&mut self, name: &[u8], text: Arc<str>) {
        self.remove(name);
        let bytes = name.len() + text.len();
        if self.bytes + bytes <= KEPT_BYTES_MAX {
            self.bytes += bytes;
            self.texts.insert(name.into(), text);
        }
    }

    fn get(&self, name: &[u8]) -> Arc<str> {
        match self.texts.get(name) {
            Some(text) => Arc::clone(text),
            None => format!("EXECUTE \"{}\"", String::from_utf8_lossy(name)).into(),
        }
    }

    fn remove(&mut self, name: &[u8]) {
        if let Some((name, text)) = self.texts.remove_entry(name) {
            self.bytes -= name.len() + text.len();
        }
    }

    fn clear(&mut self) {
        self.texts.clear();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests;
