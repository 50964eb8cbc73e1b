//! KILL, from a session's number to what the server of whoever sends it is to hear.
//!
//! A session of the same server is named by its thread there, and whether it may be ended is the server's business. One
//! of the same service and user on another server is ended from here: there is nobody at the client's own server to ask
//! for it, and Ctrl-C in a client, which opens a connection of its own, may come by any server.

use std::sync::Arc;

use super::{capability, command, kill, query_attributes};
use crate::session::{KillReason, Session, SessionGuard, SessionId};

/// Whom a KILL names.
enum Named {
    /// A session of the same server, by its thread there.
    Here(u32),
    /// One of the same service and user on another server.
    Elsewhere(Arc<Session>),
    /// One of the same service and another user on another server.
    Foreign,
    /// None of the service's.
    Unknown,
}

/// What is sent instead of a command, where it ends a session's statement or connection.
pub(super) fn command(body: &[u8], capabilities: u64, session: &SessionGuard) -> Option<Vec<u8>> {
    let (first, argument) = body.split_first()?;
    let has_attributes = capabilities & capability::QUERY_ATTRIBUTES != 0;
    match *first {
        command::PROCESS_KILL => {
            let number = u64::from(u32::from_le_bytes(*argument.first_chunk()?));
            Some(match answer(number, false, session) {
                Ok(thread) => [&[command::PROCESS_KILL][..], &thread.to_le_bytes()].concat(),
                Err(text) if has_attributes => query(query_attributes::NONE, text.as_bytes()),
                Err(text) => query(b"", text.as_bytes()),
            })
        }
        command::QUERY if argument.len() <= kill::TEXT_BYTES_MAX => {
            let (attributes, text) = match has_attributes {
                false => (&[][..], argument),
                true => query_attributes::split(argument)?,
            };
            let kill = kill::find(text)?;
            Some(match answer(kill.number, kill.of_query, session) {
                Ok(thread) => {
                    let (before, behind) = (&text[..kill.place.start], &text[kill.place.end..]);
                    let text = [before, thread.to_string().as_bytes(), behind].concat();
                    query(attributes, &text)
                }
                Err(text) => query(attributes, text.as_bytes()),
            })
        }
        _ => None,
    }
}

/// COM_QUERY.
fn query(attributes: &[u8], text: &[u8]) -> Vec<u8> {
    [&[command::QUERY], attributes, text].concat()
}

/// The thread that is meant, or what is asked of the server instead of a KILL.
fn answer(number: u64, of_query: bool, session: &SessionGuard) -> Result<u32, String> {
    match named(number, session).unwrap_or(Named::Unknown) {
        Named::Here(thread) => Ok(thread),
        Named::Elsewhere(named) => {
            let told = match of_query {
                true => named.cancel_statement(),
                false => named.kill(KillReason::Administrator),
            };
            Err(match told {
                true => kill::DONE.to_owned(),
                false => kill::unknown(number),
            })
        }
        Named::Foreign => Err(kill::denied(number)),
        Named::Unknown => Err(kill::unknown(number)),
    }
}

fn named(number: u64, session: &SessionGuard) -> Option<Named> {
    let id = SessionId::new(i64::try_from(number).ok()?)?;
    let registry = session.registry();
    let own = registry.profile(session)?;
    let named = registry.get(id)?;
    let profile = registry.profile(&named)?;
    let mut connections = profile.connections.iter();
    let here = connections.find(|connection| own.server.as_ref() == Some(&connection.server));
    if let Some(connection) = here {
        let thread = connection.connection_id?;
        return Some(Named::Here(u32::try_from(thread).ok()?));
    }
    if named.listener().service.name != session.listener().service.name {
        return None;
    }
    Some(match own.user.is_some() && own.user == profile.user {
        true => Named::Elsewhere(named),
        false => Named::Foreign,
    })
}
