//! From the client's start-up message to the server's first ReadyForQuery: the server authenticates the client, and
//! what both say passes through here.
//!
//! Everything is relayed as it came, with two exceptions. BackendKeyData is replaced, so that the client knows its
//! session by the number that the catalog shows, and cancels through us. And the offer of `SCRAM-SHA-256-PLUS` is
//! taken out where the client cannot see the server's TLS connection, and would fail to bind to it.
//!
//! Messages are decoded here and encoded with pgwire's types: its decoders take lengths on trust.

use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use pgwire::messages::startup::{Authentication, BackendKeyData, SecretKey};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::error::SqlError;
use super::frame::{self, Frame, FrameError};
use super::opening::StartupMessage;
use super::reply;
use super::walk::application_name;
use crate::proxy::end::End;
use crate::proxy::protocol::Failed;
use crate::proxy::transport::Transport;
use crate::proxy::wire::Wire;
use crate::session::{ConnectionState, State};

/// Longest message of a client before it is accepted, in bytes; PostgreSQL's `PG_MAX_AUTH_TOKEN_LENGTH`.
const CLIENT_BYTES_MAX: usize = 65_535;
/// Longest message of a server before the first ReadyForQuery, in bytes.
const SERVER_BYTES_MAX: usize = 1 << 20;

/// AuthenticationOk.
const AUTHENTICATION_OK: u32 = 0;
/// AuthenticationSASL.
const AUTHENTICATION_SASL: u32 = 10;
/// The mechanisms that bind to the TLS connection have this at the end of their names.
const CHANNEL_BINDING: &str = "-PLUS";

const HUNG_UP: &str = "the server hung up";

/// What a start-up message says of its client; bytes that are not UTF-8 are replaced, for the catalog alone.
#[derive(Debug, Default)]
pub(super) struct Introduction {
    user: Option<Arc<str>>,
    database: Option<Arc<str>>,
}

impl Introduction {
    pub fn read(startup: &StartupMessage) -> Self {
        let mut introduction = Self::default();
        let mut words = startup.body.split(|byte| *byte == 0);
        while let (Some(name), Some(value)) = (words.next(), words.next()) {
            let value = || (!value.is_empty()).then(|| String::from_utf8_lossy(value).into());
            match name {
                b"" => break,
                b"user" => introduction.user = value(),
                b"database" => introduction.database = value(),
                _ => {}
            }
        }
        introduction
    }
}

/// The number and the key of a server's process.
pub(super) struct ServerKey {
    pub process: [u8; 4],
    pub secret: Bytes,
}

/// One login, passing through.
pub(super) struct Passing<'a> {
    pub wire: &'a mut Wire,
    pub server: &'a mut Transport,
    /// Whether the offer of channel binding is taken out.
    pub strips_channel_binding: bool,
    /// Makes the session's own key, when the server's is there.
    pub issue_key: &'a mut (dyn FnMut(&ServerKey) -> Bytes + Send),
}

/// What is known so far.
struct Progress {
    introduction: Introduction,
    accepted: bool,
    /// Something of the server has been passed on.
    heard: bool,
    process: Option<[u8; 4]>,
    application_name: Option<Arc<str>>,
    /// The server's last error.
    error: Option<String>,
}

impl Passing<'_> {
    /// Passes the start-up message on, and everything that follows. Returns what the server has sent beyond its first
    /// ReadyForQuery.
    ///
    /// # Errors
    /// When either side leaves, or the server refuses the client.
    pub async fn run(mut self, startup: &StartupMessage) -> Result<BytesMut, Failed> {
        let sent = async {
            self.server.write_all(&packet(startup)).await?;
            self.server.flush().await
        };
        if let Err(error) = sent.await {
            return Err(unavailable(&error.to_string()));
        }
        let mut progress = Progress {
            introduction: Introduction::read(startup),
            accepted: false,
            heard: false,
            process: None,
            application_name: None,
            error: None,
        };
        let mut input = BytesMut::new();
        loop {
            while let Some(frame) = next_of_server(&mut input)? {
                if self.pass_to_client(&frame, &mut progress)? {
                    self.flush_client().await?;
                    self.logged_in(&progress);
                    return Ok(input);
                }
            }
            self.flush_client().await?;
            tokio::select! {
                read = self.server.read_buf(&mut input) => match read {
                    Ok(1..) => {}
                    Ok(0) if !progress.heard => {
                        return Err(unavailable(HUNG_UP));
                    }
                    Ok(_) => {
                        let why = progress.error.as_deref().unwrap_or(HUNG_UP);
                        return Err(refused(why));
                    }
                    Err(error) => return Err(Failed::End(End::ServerReset(error))),
                },
                heard = hear(self.wire, progress.accepted) => match heard {
                    Ok(true) => self.pass_to_server().await?,
                    Ok(false) => return Err(Failed::End(End::ClientEof)),
                    Err(error) => return Err(Failed::End(End::ClientReset(error))),
                },
            }
        }
    }

    async fn flush_client(&mut self) -> Result<(), Failed> {
        let flushed = self.wire.flush().await;
        flushed.map_err(|error| Failed::End(End::ClientReset(error)))
    }

    /// Passes the client's messages on that are there whole.
    async fn pass_to_server(&mut self) -> Result<(), Failed> {
        let mut output = BytesMut::new();
        while let Some(frame) = frame::next(&mut self.wire.input, CLIENT_BYTES_MAX)
            .map_err(|error| self.violation(error))?
        {
            frame.put(&mut output);
        }
        let sent = async {
            self.server.write_all(&output).await?;
            self.server.flush().await
        };
        // The server may have said why before it hung up: that is read next.
        let _ = sent.await;
        Ok(())
    }

    fn violation(&mut self, error: FrameError) -> Failed {
        reply::error(&mut self.wire.output, SqlError::from(error.clone()));
        Failed::End(End::ClientViolation(error.to_string()))
    }

    /// Passes one message on; true for the first ReadyForQuery.
    fn pass_to_client(&mut self, frame: &Frame, progress: &mut Progress) -> Result<bool, Failed> {
        let output = &mut self.wire.output;
        let body = &frame.body;
        match frame.kind {
            b'R' => {
                let code = body.first_chunk().map(|code| u32::from_be_bytes(*code));
                match code {
                    Some(AUTHENTICATION_SASL) if self.strips_channel_binding => {
                        reply::put(output, &Authentication::SASL(unbound_mechanisms(body)));
                    }
                    _ => frame.put(output),
                }
                if code == Some(AUTHENTICATION_OK) {
                    progress.accepted = true;
                    self.accepted(&progress.introduction);
                }
            }
            b'K' => {
                let Some((process, _)) = body.split_first_chunk() else {
                    return Err(refused("the server's key cannot be read"));
                };
                let key = ServerKey {
                    process: *process,
                    secret: body.slice(process.len()..),
                };
                let secret = SecretKey::Bytes((self.issue_key)(&key));
                // Ids have 31 bits, so that they are process ids to every client.
                let process = self.wire.guard.id().get() as i32;
                reply::put(&mut self.wire.output, &BackendKeyData::new(process, secret));
                progress.process = Some(key.process);
            }
            b'S' => {
                if let Some(name) = application_name(body) {
                    progress.application_name = name;
                }
                frame.put(output);
            }
            b'E' => {
                let error = ErrorFields::read(body);
                if !progress.heard && error.is_unavailable() {
                    let mut said = BytesMut::new();
                    frame.put(&mut said);
                    return Err(Failed::Unavailable {
                        why: error.message,
                        said: Some(said.freeze()),
                    });
                }
                frame.put(output);
                progress.heard = true;
                // The end of the stream follows.
                progress.error = Some(error.message);
                return Ok(false);
            }
            b'Z' => {
                frame.put(output);
                return Ok(true);
            }
            _ => frame.put(output),
        }
        progress.heard = true;
        Ok(false)
    }

    /// The server has accepted the client as who it says it is.
    fn accepted(&self, introduction: &Introduction) {
        let user = introduction.user.clone();
        // As PostgreSQL does for a client that names no database.
        let database = introduction.database.clone().or_else(|| user.clone());
        self.wire.guard.update(|profile| {
            profile.user = user;
            profile.database = database;
        });
        self.wire.guard.advance(State::Ready);
    }

    fn logged_in(&self, progress: &Progress) {
        self.wire.guard.update(|profile| {
            profile.application_name = progress.application_name.clone();
            for connection in &mut profile.connections {
                connection.state = ConnectionState::Established;
                let process = progress.process.map(i32::from_be_bytes);
                connection.connection_id = process.map(i64::from);
            }
        });
        self.wire.guard.advance(State::Routing);
    }
}

/// Waits for more of the client: false at its end. Once it is accepted, what it sends is for later.
async fn hear(wire: &mut Wire, accepted: bool) -> io::Result<bool> {
    match accepted {
        true => Err(wire.gone().await),
        false => wire.read().await,
    }
}

fn unavailable(why: &str) -> Failed {
    Failed::Unavailable {
        why: why.to_owned(),
        said: None,
    }
}

fn refused(why: &str) -> Failed {
    Failed::End(End::LoginFailed(why.to_owned()))
}

pub(super) fn next_of_server(input: &mut BytesMut) -> Result<Option<Frame>, Failed> {
    frame::next_of_any(input, SERVER_BYTES_MAX)
        .map_err(|error| Failed::End(End::ServerViolation(error.to_string())))
}

/// The start-up message as it came.
fn packet(startup: &StartupMessage) -> Vec<u8> {
    let length = 2 * size_of::<u32>() + startup.body.len();
    let mut packet = Vec::with_capacity(length);
    // Start-up messages have at most 10,000 bytes.
    packet.extend_from_slice(&(length as u32).to_be_bytes());
    packet.extend_from_slice(&startup.version.to_be_bytes());
    packet.extend_from_slice(&startup.body);
    packet
}

/// The mechanisms of AuthenticationSASL, without those that bind to the channel.
pub(super) fn unbound_mechanisms(body: &[u8]) -> Vec<String> {
    let names = body.get(size_of::<u32>()..).unwrap_or_default();
    names
        .split(|byte| *byte == 0)
        .take_while(|name| !name.is_empty())
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .filter(|name| !name.ends_with(CHANNEL_BINDING))
        .collect()
}

/// Code and message of an ErrorResponse.
#[derive(Debug, Default)]
pub(super) struct ErrorFields {
    code: String,
    message: String,
}

impl ErrorFields {
    pub fn read(body: &[u8]) -> Self {
        let mut fields = Self::default();
        for field in body.split(|byte| *byte == 0) {
            let Some((kind, text)) = field.split_first() else {
                continue;
            };
            let text = || String::from_utf8_lossy(text).into_owned();
            match kind {
                b'C' => fields.code = text(),
                b'M' => fields.message = text(),
                _ => {}
            }
        }
        fields
    }

    /// Whether another server may take the client: this one is starting, stopping or full.
    fn is_unavailable(&self) -> bool {
        matches!(self.code.as_str(), "57P03" | "53300")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn startup(body: &[u8]) -> StartupMessage {
        StartupMessage {
            version: 3 << 16,
            body: Bytes::copy_from_slice(body),
            certificate: None,
        }
    }

    #[test]
    fn a_start_up_message_is_passed_on_as_it_came() {
        let message = startup(b"user\0ann\0\0");
        assert_eq!(packet(&message), b"\0\0\0\x12\0\x03\0\0user\0ann\0\0");
        let introduction = Introduction::read(&startup(b"user\0ann\0database\0\0x\0y\0\0"));
        assert_eq!(introduction.user.as_deref(), Some("ann"));
        assert_eq!(introduction.database, None);
    }

    #[test]
    fn channel_binding_is_taken_out_of_the_offer() {
        let offer = b"\0\0\0\x0aSCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0";
        assert_eq!(unbound_mechanisms(offer), ["SCRAM-SHA-256"]);
        assert_eq!(unbound_mechanisms(b"\0\0"), [""; 0]);
    }

    #[test]
    fn an_error_is_read_for_its_code() {
        let error = ErrorFields::read(b"SFATAL\0C57P03\0Mthe database system is starting up\0\0");
        assert!(error.is_unavailable());
        assert_eq!(error.message, "the database system is starting up");
    }

    proptest! {
        #[test]
        fn arbitrary_bodies_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            let _ = Introduction::read(&startup(&bytes));
            let _ = unbound_mechanisms(&bytes);
            let _ = ErrorFields::read(&bytes);
            let mut input = BytesMut::from(&bytes[..]);
            while let Ok(Some(_)) = next_of_server(&mut input) {}
        }
    }
}
