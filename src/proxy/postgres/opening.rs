//! From the first byte to the start-up message: encryption and requests to cancel.

use std::sync::Arc;

use bytes::{BufMut, Bytes};

use super::error::SqlError;
use super::frame;
use crate::proxy::wire::Wire;
use crate::session::SessionId;
use crate::tls::TlsSlot;

/// Request codes that stand where a protocol version would.
pub(crate) const CANCEL_REQUEST: u32 = 80_877_102;
const SSL_REQUEST: u32 = 80_877_103;
const GSSENC_REQUEST: u32 = 80_877_104;

/// The first byte of TLS: a handshake record.
const TLS_HANDSHAKE: u8 = 0x16;

/// What came of a connection's first packets.
pub(crate) enum Opening {
    /// The client wants to log in.
    Login(Wire, StartupMessage),
    /// A request to cancel what a session runs, with the secret key that it is to be allowed by. The requester waits
    /// for the end of the connection, and for nothing else.
    Cancel(Wire, SessionId, Bytes),
    /// What it sent is refused.
    Refused(Wire, SqlError),
    /// There is nobody left to answer.
    Over,
}

/// A start-up message, and what it came over.
pub(crate) struct StartupMessage {
    /// The protocol version: major in the upper half, minor in the lower.
    pub version: u32,
    /// Names and values, each ended by a zero byte, and a zero byte at the end.
    pub body: Bytes,
    /// The certificate that the client was shown, in PEM; `None` in clear.
    pub certificate: Option<Arc<[u8]>>,
}

/// Reads up to the start-up message.
pub(crate) async fn open(mut wire: Wire, tls: Option<&TlsSlot>) -> Opening {
    let mut certificate = None;
    if let Some(slot) = tls
        && matches!(wire.peek().await, Ok(Some(TLS_HANDSHAKE)))
    {
        match start_tls(&mut wire, slot).await {
            Some(shown) => certificate = Some(shown),
            None => return Opening::Over,
        }
        // Whoever is led to this port to speak another protocol is found out by that (as PostgreSQL 17 has it).
        if !wire.has_alpn() {
            let message = "received direct SSL connection request without ALPN protocol negotiation extension";
            return Opening::Refused(wire, SqlError::fatal("08P01", message));
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
                return match cancel_request(&body) {
                    Some((session, secret)) => Opening::Cancel(wire, session, secret),
                    None => Opening::Over,
                };
            }
            SSL_REQUEST if !ssl_asked => {
                ssl_asked = true;
                if !wire.input.is_empty() {
                    return Opening::Refused(wire, behind_request("SSLRequest"));
                }
                wire.output.put_u8(if tls.is_some() { b'S' } else { b'N' });
                if wire.flush().await.is_err() {
                    return Opening::Over;
                }
                if let Some(slot) = tls {
                    match start_tls(&mut wire, slot).await {
                        Some(shown) => certificate = Some(shown),
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
                let startup = StartupMessage {
                    version,
                    body,
                    certificate,
                };
                return Opening::Login(wire, startup);
            }
        }
    }
}

pub(super) fn split_code(packet: &Bytes) -> Option<(u32, Bytes)> {
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

/// Goes on inside TLS. Returns the certificate that the client is shown.
async fn start_tls(wire: &mut Wire, slot: &TlsSlot) -> Option<Arc<[u8]>> {
    // Taken once: the certificate may be replaced between two looks.
    let identity = slot.current();
    let (session, remote) = (wire.guard.id(), wire.guard.remote());
    match wire.start_tls(identity.acceptor()).await {
        Ok(()) => Some(Arc::clone(identity.certificate_pem())),
        Err(error) => {
            tracing::debug!(%session, ?remote, %error, "TLS did not come about");
            None
        }
    }
}

/// A request to cancel: process id and secret key.
pub(super) fn cancel_request(body: &Bytes) -> Option<(SessionId, Bytes)> {
    let process = body.first_chunk()?;
    let id = SessionId::new(i64::from(u32::from_be_bytes(*process)))?;
    Some((id, body.slice(process.len()..)))
}
