//! What client and server tell each other of themselves: the server's greeting, and the client's answer to it.
//!
//! Both are passed on with a few bytes changed in place. The client hears the session's id as its thread id, and is
//! offered TLS as its listener has it; neither side hears of what is [not offered](capability::NOT_OFFERED).

use std::sync::Arc;

use bytes::BytesMut;

use super::capability::{self, CONNECT_ATTRS, CONNECT_WITH_DB, MYSQL, PROTOCOL_41, SSL};
use super::packet::Values;
use crate::session::{Attributes, Profile, SessionId};

/// Protocol version of every server since MySQL 3.21.
const VERSION: u8 = 10;
/// Where values are in a greeting, counted from behind the zero byte of the server's version.
const SCRAMBLE: usize = 4;
const SCRAMBLE_BYTES: usize = 8;
const CAPABILITIES_LOW: usize = 13;
const CAPABILITIES_HIGH: usize = 18;
const CAPABILITIES_MARIADB: usize = 27;
const FIXED_BYTES: usize = 31;

/// The part of a client's answer that has always the same length; all that there is of it before TLS.
pub(super) const ANSWER_FIXED_BYTES: usize = 32;
const ANSWER_MARIADB: usize = 28;
/// The attribute in which a client's program names itself.
const PROGRAM_NAME: &str = "program_name";

/// A server's first packet.
#[derive(Debug)]
pub(super) struct Greeting {
    body: BytesMut,
    /// Where the fixed part begins.
    fixed: usize,
}

impl Greeting {
    /// `None`: it is none of a server that is understood.
    pub fn read(body: BytesMut) -> Option<Self> {
        let mut values = Values(&body);
        if values.u8()? != VERSION {
            return None;
        }
        values.text()?;
        let fixed = body.len() - values.0.len();
        values.bytes(FIXED_BYTES)?;
        let greeting = Self { body, fixed };
        (greeting.capabilities() & PROTOCOL_41 != 0).then_some(greeting)
    }

    /// The server's number for the connection.
    pub fn thread_id(&self) -> u32 {
        self.values(0).u32().unwrap_or_default()
    }

    /// The server's version.
    pub fn version(&self) -> &[u8] {
        let end = self.fixed.saturating_sub(1);
        self.body.get(1..end).unwrap_or_default()
    }

    /// What a password is proved with: eight bytes, and mostly twelve more.
    pub fn scramble(&self) -> Vec<u8> {
        let first = self
            .values(SCRAMBLE)
            .bytes(SCRAMBLE_BYTES)
            .unwrap_or_default();
        let more = self.values(FIXED_BYTES).text().unwrap_or_default();
        [first, more].concat()
    }

    /// How users prove their passwords unless the server says otherwise.
    pub fn plugin(&self) -> &[u8] {
        let mut values = self.values(FIXED_BYTES);
        values.text();
        // Some servers leave the last zero byte out.
        values.text().unwrap_or(values.0)
    }

    /// What the server offers.
    pub fn capabilities(&self) -> u64 {
        let half = |offset| u64::from(self.values(offset).u16().unwrap_or_default());
        let low = half(CAPABILITIES_LOW) | half(CAPABILITIES_HIGH) << 16;
        match low & MYSQL {
            0 => low | u64::from(self.values(CAPABILITIES_MARIADB).u32().unwrap_or_default()) << 32,
            _ => low,
        }
    }

    /// The packet's body as the client is to hear it.
    pub fn for_client(mut self, session: SessionId, tls: bool) -> BytesMut {
        let before = self.capabilities();
        let mut offered = before & !capability::NOT_OFFERED & !SSL;
        if tls {
            offered |= SSL;
        }
        self.put(0, &session.get().to_le_bytes());
        let [a, b, c, d, mariadb @ ..] = offered.to_le_bytes();
        self.put(CAPABILITIES_LOW, &[a, b]);
        self.put(CAPABILITIES_HIGH, &[c, d]);
        if before & MYSQL == 0 {
            self.put(CAPABILITIES_MARIADB, &mariadb);
        }
        self.body
    }

    fn values(&self, offset: usize) -> Values<'_> {
        Values(self.body.get(self.fixed + offset..).unwrap_or_default())
    }

    fn put(&mut self, offset: usize, value: &[u8]) {
        let at = self.fixed + offset;
        if let Some(place) = self.body.get_mut(at..at + value.len()) {
            place.copy_from_slice(value);
        }
    }
}

/// The capabilities that a client takes, in its answer or its request for TLS; `None`: it is neither.
pub(super) fn taken(answer: &[u8]) -> Option<u64> {
    let mut values = Values(answer.get(..ANSWER_FIXED_BYTES)?);
    let low = u64::from(values.u32()?);
    let mariadb = Values(answer.get(ANSWER_MARIADB..)?).u32()?;
    if low & PROTOCOL_41 == 0 {
        return None;
    }
    Some(match low & MYSQL {
        0 => low | u64::from(mariadb) << 32,
        _ => low,
    })
}

/// Changes a client's answer to what the server is to hear.
pub(super) fn answer_for_server(answer: &mut [u8], tls: bool) {
    let Some(before) = taken(answer) else { return };
    let mut taken = before & !capability::NOT_OFFERED & !SSL;
    if tls {
        taken |= SSL;
    }
    let [low @ .., _, _, _, _] = taken.to_le_bytes();
    let [_, _, _, _, mariadb @ ..] = taken.to_le_bytes();
    if let Some(place) = answer.get_mut(..low.len()) {
        place.copy_from_slice(&low);
    }
    if before & MYSQL == 0
        && let Some(place) = answer.get_mut(ANSWER_MARIADB..ANSWER_FIXED_BYTES)
    {
        place.copy_from_slice(&mariadb);
    }
}

/// Who a client says that it is. Bytes that are not UTF-8 are replaced, for the catalog alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Introduction {
    pub user: Option<Arc<str>>,
    pub database: Option<Arc<str>>,
    /// How it means to authenticate itself.
    pub plugin: Vec<u8>,
    /// What it tells of itself.
    pub attributes: Option<Attributes>,
}

impl Introduction {
    /// Reads a client's answer to the greeting; `None`: it is none.
    pub fn of_answer(answer: &[u8]) -> Option<Self> {
        let taken = taken(answer)?;
        let mut values = Values(answer.get(ANSWER_FIXED_BYTES..)?);
        let user = name(values.text()?);
        if taken & capability::PLUGIN_AUTH_LENENC != 0 {
            values.string()?;
        } else if taken & capability::SECURE_CONNECTION != 0 {
            let length = values.u8()?;
            values.bytes(usize::from(length))?;
        } else {
            values.text()?;
        }
        let database = match taken & CONNECT_WITH_DB {
            0 => None,
            _ => name(values.text()?),
        };
        Some(Self {
            user,
            database,
            ..Self::of_rest(values, taken)
        })
    }

    /// Reads the body of COM_CHANGE_USER behind its command byte.
    pub fn of_change(body: &[u8], taken: u64) -> Option<Self> {
        let mut values = Values(body);
        let user = name(values.text()?);
        if taken & capability::SECURE_CONNECTION != 0 {
            let length = values.u8()?;
            values.bytes(usize::from(length))?;
        } else {
            values.text()?;
        }
        let database = name(values.text()?);
        // The character set, which need not be there, and then nothing is.
        let rest = match values.u16() {
            Some(_) => Self::of_rest(values, taken),
            None => Self::default(),
        };
        Some(Self {
            user,
            database,
            ..rest
        })
    }

    /// The plugin and the attributes, which nothing depends on here.
    fn of_rest(mut values: Values<'_>, taken: u64) -> Self {
        let mut plugin = Vec::new();
        if taken & capability::PLUGIN_AUTH != 0 {
            // Some clients leave the last zero byte out.
            let name = values.text().unwrap_or(values.0);
            plugin = name.to_vec();
        }
        let mut attributes = None;
        if taken & CONNECT_ATTRS != 0
            && let Some(block) = values.string()
        {
            let mut block = Values(block);
            attributes = Attributes::new(std::iter::from_fn(|| {
                Some((block.string()?, block.string()?))
            }));
        }
        Self {
            plugin,
            attributes,
            ..Self::default()
        }
    }

    /// Shows it in a session's row.
    pub fn show(self, profile: &mut Profile) {
        let program = self
            .attributes
            .as_ref()
            .and_then(|told| told.get(PROGRAM_NAME));
        let program = program.filter(|name| !name.is_empty());
        profile.application_name = program.map(Into::into);
        profile.attributes = self.attributes;
        profile.user = self.user;
        profile.database = self.database;
    }
}

fn name(bytes: &[u8]) -> Option<Arc<str>> {
    (!bytes.is_empty()).then(|| String::from_utf8_lossy(bytes).into())
}

#[cfg(test)]
mod tests;
