//! From the first byte to the start-up message: encryption, requests to cancel, and what the client says of itself.

use std::sync::Arc;

use bytes::{BufMut, Bytes};
use pgwire::messages::startup::NegotiateProtocolVersion;

use super::Door;
use super::cancel::{KEY_BYTES_3_0, KEY_BYTES_3_2};
use super::sqlstate::SqlError;
use super::wire::Wire;
use super::{frame, message, reply};
use crate::session::SessionId;

/// Request codes that stand where a protocol version would.
const CANCEL_REQUEST: u32 = 80_877_102;
const SSL_REQUEST: u32 = 80_877_103;
const GSSENC_REQUEST: u32 = 80_877_104;

/// The first byte of TLS: a handshake record.
const TLS_HANDSHAKE: u8 = 0x16;

const PROTOCOL_MAJOR: u16 = 3;
const PROTOCOL_MINOR_MAX: u16 = 2;
/// Names of protocol extensions begin so; there are none that this server knows.
const PROTOCOL_EXTENSION: &str = "_pq_.";

/// What came of a connection's first packets.
pub(super) enum Opening {
    /// The client wants to log in.
    Login(Wire, Startup),
    /// What it sent is refused.
    Refused(Wire, SqlError),
    /// There is nobody left to answer: a request to cancel, or a client that went away.
    Over,
}

/// A start-up message, and what it came over.
pub(super) struct Startup {
    version: u32,
    body: Bytes,
    /// The certificate that the client was shown, in PEM; `None` in clear.
    pub certificate: Option<Arc<[u8]>>,
}

/// What the client said of itself.
pub(super) struct Introduction {
    /// The user, not yet authenticated.
    pub user: String,
    /// The database.
    pub database: Option<String>,
    /// Values for parameters, in their order.
    pub settings: Vec<(String, String)>,
    /// Length of the secret key that its protocol version has room for, in bytes.
    pub key_bytes: usize,
}

/// Reads up to the start-up message.
pub(super) async fn open(mut wire: Wire, door: &Door) -> Opening {
    let mut certificate = None;
    if door.tls.is_some() && matches!(wire.peek().await, Ok(Some(TLS_HANDSHAKE))) {
        match start_tls(wire, door).await {
            Some(inside) => (wire, certificate) = inside,
            None => return Opening::Over,
        }
    }
    let (mut ssl_asked, mut gss_asked) = (certificate.is_some(), false);
    loop {
        let packet = match frame::next_startup(&mut wire.input) {
            Ok(Some(packet)) => packet,
            Ok(None) => match wire.read().await {
                Ok(true) => continue,
                Ok(false) | Err(_) => return Opening::Over,
            },
            Err(error) => return Opening::Refused(wire, error.into()),
        };
        let Some((code, body)) = split_code(&packet) else {
            return Opening::Over;
        };
        match code {
            CANCEL_REQUEST => {
                cancel(door, &body);
                return Opening::Over;
            }
            SSL_REQUEST if !ssl_asked => {
                ssl_asked = true;
                if !wire.input.is_empty() {
                    return Opening::Refused(wire, behind_request("SSLRequest"));
                }
                wire.output
                    .put_u8(if door.tls.is_some() { b'S' } else { b'N' });
                if wire.flush().await.is_err() {
                    return Opening::Over;
                }
                if door.tls.is_some() {
                    match start_tls(wire, door).await {
                        Some(inside) => (wire, certificate) = inside,
                        None => return Opening::Over,
                    }
                }
            }
            GSSENC_REQUEST if !gss_asked => {
                gss_asked = true;
                if !wire.input.is_empty() {
                    return Opening::Refused(wire, behind_request("GSSENCRequest"));
                }
                wire.output.put_u8(b'N');
                if wire.flush().await.is_err() {
                    return Opening::Over;
                }
            }
            SSL_REQUEST | GSSENC_REQUEST => {
                let error = SqlError::fatal("08P01", "encryption was requested a second time");
                return Opening::Refused(wire, error);
            }
            version => {
                let startup = Startup {
                    version,
                    body,
                    certificate,
                };
                return Opening::Login(wire, startup);
            }
        }
    }
}

fn split_code(packet: &Bytes) -> Option<(u32, Bytes)> {
    let code = packet.first_chunk()?;
    Some((u32::from_be_bytes(*code), packet.slice(code.len()..)))
}

/// Somebody between the client and here could have put them there, to be taken for the client's own once
/// everything is encrypted.
fn behind_request(request: &str) -> SqlError {
    SqlError::fatal(
        "08P01",
        format!("received unencrypted data after {request}"),
    )
}

/// Goes on inside TLS, with the certificate that the client is shown.
async fn start_tls(wire: Wire, door: &Door) -> Option<(Wire, Option<Arc<[u8]>>)> {
    // Taken once: the certificate may be replaced between two looks.
    let identity = door.tls.as_ref()?.current();
    let (session, remote) = (wire.guard.id(), wire.guard.remote());
    match wire.start_tls(identity.acceptor()).await {
        Ok(wire) => Some((wire, Some(Arc::clone(identity.certificate_pem())))),
        Err(error) => {
            tracing::debug!(%session, ?remote, %error, "TLS did not come about");
            None
        }
    }
}

/// A request to cancel: process id and secret key. Nothing is answered, whether or not it fits.
fn cancel(door: &Door, body: &[u8]) {
    let Some((process, secret)) = body.split_first_chunk() else {
        return;
    };
    let Some(id) = SessionId::new(i64::from(u32::from_be_bytes(*process))) else {
        return;
    };
    if !door.keys.is_key_of(id, secret) {
        tracing::debug!(session = %id, "a request to cancel without the right key");
        return;
    }
    if let Some(session) = door.catalog.registry().get(id) {
        session.cancel_statement();
    }
}

impl Startup {
    /// Reads the message, and tells the client through `wire` where it asked for more than there is.
    ///
    /// # Errors
    /// 0A000 for another protocol, 08P01 for a message that cannot be read, 28000 without a user.
    pub fn introduction(&self, wire: &mut Wire) -> Result<Introduction, SqlError> {
        let (major, minor) = ((self.version >> 16) as u16, self.version as u16);
        if major != PROTOCOL_MAJOR {
            let message = format!(
                "unsupported frontend protocol {major}.{minor}: server supports 3.0 to 3.{PROTOCOL_MINOR_MAX}"
            );
            return Err(SqlError::fatal("0A000", message));
        }
        let parameters = message::startup_parameters(&self.body).map_err(fatal)?;
        let mut introduction = Introduction {
            user: String::new(),
            database: None,
            settings: Vec::new(),
            key_bytes: if minor < 2 {
                KEY_BYTES_3_0
            } else {
                KEY_BYTES_3_2
            },
        };
        let mut unknown = Vec::new();
        for (name, value) in parameters {
            match name.as_str() {
                "user" => introduction.user = value,
                "database" => introduction.database = Some(value).filter(|v| !v.is_empty()),
                "options" => introduction.settings.extend(options(&value)?),
                "replication" if matches!(value.as_str(), "false" | "off" | "no" | "0") => {}
                "replication" => {
                    return Err(SqlError::fatal(
                        "0A000",
                        "there is nothing to replicate from the catalog",
                    ));
                }
                extension if extension.starts_with(PROTOCOL_EXTENSION) => unknown.push(name),
                _ => introduction.settings.push((name, value)),
            }
        }
        if minor > PROTOCOL_MINOR_MAX || !unknown.is_empty() {
            let newest = minor.min(PROTOCOL_MINOR_MAX);
            let version = i32::from(PROTOCOL_MAJOR) << 16 | i32::from(newest);
            reply::put(
                &mut wire.output,
                &NegotiateProtocolVersion::new(version, unknown),
            );
        }
        if introduction.user.is_empty() {
            return Err(SqlError::fatal(
                "28000",
                "no user name specified in startup packet",
            ));
        }
        Ok(introduction)
    }
}

/// The same error, as one that ends the session.
pub(super) fn fatal(error: SqlError) -> SqlError {
    SqlError {
        severity: super::sqlstate::Severity::Fatal,
        ..error
    }
}

/// The start-up parameter `options`: `-c name=value` and `--name=value`, separated by spaces; a backslash takes the
/// next character as it is.
fn options(text: &str) -> Result<Vec<(String, String)>, SqlError> {
    let mut words = split_words(text).into_iter();
    let mut settings = Vec::new();
    while let Some(word) = words.next() {
        let setting = match (word.strip_prefix("--"), word.strip_prefix("-c")) {
            (Some(long), _) => Some(long.to_owned()),
            (None, Some("")) => words.next(),
            (None, Some(short)) => Some(short.to_owned()),
            (None, None) => None,
        };
        let pair = setting
            .as_deref()
            .and_then(|setting| setting.split_once('='));
        let Some((name, value)) = pair else {
            let message = format!("invalid option \"{word}\" in the startup packet");
            return Err(SqlError::fatal("42601", message)
                .with_hint("Options are of the form -c name=value or --name=value."));
        };
        settings.push((name.trim().replace('-', "_"), value.to_owned()));
    }
    Ok(settings)
}

fn split_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = None::<String>;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            c if c.is_ascii_whitespace() => words.extend(word.take()),
            '\\' => word.get_or_insert_default().extend(characters.next()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        options(text).unwrap_or_default()
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn options_are_read_in_both_forms() {
        assert_eq!(pairs(""), []);
        let all = pairs(r"-c statement_timeout=5s  --search-path=a\ b -cTimeZone=UTC");
        let expected = [
            pair("statement_timeout", "5s"),
            pair("search_path", "a b"),
            pair("TimeZone", "UTC"),
        ];
        assert_eq!(all, expected);
        for wrong in ["-c", "-d 1", "x", "--x", "-c x"] {
            assert!(options(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_options_never_panic(text in ".{0,80}") {
            let _ = options(&text);
        }
    }
}
