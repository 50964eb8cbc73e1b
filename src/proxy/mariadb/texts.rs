//! The statements' texts of a session, picked from the client's commands, and which answer of the server is to which of
//! them: answers come in the order of the commands.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::{capability, command, query_attributes};
use crate::proxy::statements::Statements;
use crate::session::SessionGuard;

/// What the texts of the prepared statements of one session may take, in bytes.
const KEPT_BYTES_MAX: usize = 1024 * 1024;

/// The number that stands for the statement that was prepared last (MariaDB's COM_STMT_EXECUTE).
const LAST_PREPARED: u32 = u32::MAX;

/// A command whose answer is to come.
enum Sent {
    Statement,
    /// COM_STMT_PREPARE of this text, once it is there.
    Preparation(Option<Arc<str>>),
    Other,
}

/// A command of the client that is looked into.
struct Command {
    number: u8,
    body: Vec<u8>,
    /// What is kept of the body, in bytes.
    most: usize,
}

/// Follows the texts of one session.
pub(super) struct Texts {
    pub statements: Statements,
    has_attributes: bool,
    command: Option<Command>,
    sent: VecDeque<Sent>,
    prepared: HashMap<u32, Arc<str>>,
    prepared_bytes: usize,
    last_prepared: Arc<str>,
}

impl AsMut<Statements> for Texts {
    fn as_mut(&mut self) -> &mut Statements {
        &mut self.statements
    }
}

impl Texts {
    pub fn new(capabilities: u64, statements: Statements) -> Self {
        Self {
            statements,
            has_attributes: capabilities & capability::QUERY_ATTRIBUTES != 0,
            command: None,
            sent: VecDeque::new(),
            prepared: HashMap::new(),
            prepared_bytes: 0,
            last_prepared: "".into(),
        }
    }

    /// A command of the client begins.
    pub fn command(&mut self, number: u8) {
        let text = self.statements.bytes_max();
        let attributes = match self.has_attributes {
            true => query_attributes::BYTES_MAX,
            false => 0,
        };
        let (sent, most) = match number {
            command::QUERY => (Some(Sent::Statement), text + attributes),
            command::STMT_EXECUTE | command::STMT_BULK_EXECUTE => (Some(Sent::Statement), 4),
            command::STMT_PREPARE => (Some(Sent::Preparation(None)), text),
            command::STMT_CLOSE => (None, 4),
            number => (command::answer(number).map(|_| Sent::Other), 0),
        };
        self.sent.extend(sent);
        self.command = (most > 0).then(|| Command {
            number,
            body: Vec::new(),
            // The number of the command is there, too.
            most: 1 + most,
        });
    }

    /// A piece of the command, and whether it ends with that.
    pub fn body(&mut self, piece: &[u8], is_last: bool, session: &SessionGuard) {
        let Some(command) = &mut self.command else {
            return;
        };
        let room = command.most.saturating_sub(command.body.len());
        command
            .body
            .extend_from_slice(piece.get(..room).unwrap_or(piece));
        if (is_last || command.body.len() == command.most)
            && let Some(Command { number, body, .. }) = self.command.take()
        {
            self.whole(number, body.get(1..).unwrap_or_default(), session);
        }
    }

    fn whole(&mut self, number: u8, argument: &[u8], session: &SessionGuard) {
        match number {
            command::QUERY => {
                let text = match self.has_attributes {
                    // Too many of them to find the text: they are not it.
                    true => query_attributes::split(argument).map_or(&[][..], |(_, text)| text),
                    false => argument,
                };
                let text = self.statements.text(text);
                self.statements.begin("COM_QUERY", text, session);
            }
            command::STMT_PREPARE => {
                let text = self.statements.text(argument);
                self.last_prepared = Arc::clone(&text);
                if let Some(Sent::Preparation(prepares)) = self.sent.back_mut() {
                    *prepares = Some(text);
                }
            }
            command::STMT_CLOSE => {
                if let Some(text) = number_in(argument).and_then(|id| self.prepared.remove(&id)) {
                    self.prepared_bytes -= text.len();
                }
            }
            _ => {
                let text = self.prepared_text(number_in(argument).unwrap_or_default());
                let command = match number {
                    command::STMT_EXECUTE => "COM_STMT_EXECUTE",
                    _ => "COM_STMT_BULK_EXECUTE",
                };
                self.statements.begin(command, text, session);
            }
        }
    }

    fn prepared_text(&self, id: u32) -> Arc<str> {
        match (id, self.prepared.get(&id)) {
            (LAST_PREPARED, _) => Arc::clone(&self.last_prepared),
            (_, Some(text)) => Arc::clone(text),
            (_, None) => format!("EXECUTE {id}").into(),
        }
    }

    /// The server has prepared the statement that is asked for first; `ok` is what it says of it.
    pub fn prepared(&mut self, ok: &[u8]) {
        let Some(Sent::Preparation(Some(text))) = self.sent.front() else {
            return;
        };
        let id = ok.get(1..).and_then(number_in);
        if let Some(id) = id
            && self.prepared_bytes + text.len() <= KEPT_BYTES_MAX
        {
            self.prepared_bytes += text.len();
            if let Some(before) = self.prepared.insert(id, Arc::clone(text)) {
                self.prepared_bytes -= before.len();
            }
        }
    }

    /// The answer that came first is at its end.
    pub fn answered(&mut self, failed: bool) {
        if let Some(Sent::Statement) = self.sent.pop_front() {
            if failed {
                self.statements.fail();
            }
            self.statements.finish();
        }
    }
}

fn number_in(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.first_chunk()?))
}

#[cfg(test)]
mod tests;
