//! What the fuzz targets call: each parser of this module that reads bytes from outside, and what must hold of it
//! whatever the bytes are.

use std::sync::Arc;

use bytes::BytesMut;

use super::frame::{self, UNTRUSTED_BYTES_MAX};
use super::login::{ErrorFields, Introduction, next_of_server, unbound_mechanisms};
use super::opening::{StartupMessage, cancel_request, split_code};
use super::walk::{Walk, application_name, session};
use crate::proxy::relay::Track;
use crate::proxy::statements::Interest;
use crate::session::{LiveValues, Registry, Transaction};

/// Start-up packets of a client, and what is read in them.
pub fn startup(bytes: &[u8]) {
    let mut input = BytesMut::from(bytes);
    while let Ok(Some(packet)) = frame::next_startup(&mut input) {
        assert!(packet.len() < UNTRUSTED_BYTES_MAX);
        let Some((version, body)) = split_code(&packet) else {
            continue;
        };
        let _ = cancel_request(&body);
        let _ = Introduction::read(&StartupMessage {
            version,
            body,
            certificate: None,
        });
    }
}

/// Messages of a client, which must be the same ones however the stream is cut.
pub fn frames(bytes: &[u8]) {
    let Some((piece, bytes)) = piece(bytes) else {
        return;
    };
    let cut = |piece| frame::cut_in_pieces(bytes, piece, UNTRUSTED_BYTES_MAX);
    let (frames, error) = cut(bytes.len().max(1));
    let mut again = BytesMut::new();
    frames.iter().for_each(|frame| frame.put(&mut again));
    assert!(bytes.starts_with(&again));
    assert_eq!(cut(piece), (frames, error));
}

/// Messages of a server before its first ReadyForQuery.
pub fn login(bytes: &[u8]) {
    let mut input = BytesMut::from(bytes);
    while let Ok(Some(frame)) = next_of_server(&mut input) {
        let mechanisms = unbound_mechanisms(&frame.body);
        assert!(mechanisms.iter().all(|name| !name.ends_with("-PLUS")));
        let _ = ErrorFields::read(&frame.body);
        let _ = application_name(&frame.body);
    }
}

/// The messages of both sides that a relay follows: what it learns and what it changes must not depend on how the
/// streams are cut. The streams take turns of so many bytes, from the client first.
pub fn walk(bytes: &[u8]) {
    let Some((piece, bytes)) = piece(bytes) else {
        return;
    };
    let Some((turn, bytes)) = bytes.split_first() else {
        return;
    };
    let turn = usize::from(*turn) + 1;
    let registry = Registry::new();
    let whole = follow(&registry, bytes, turn, turn);
    let in_pieces = follow(&registry, bytes, turn, piece);
    assert_eq!(whole, in_pieces);
}

/// What came of a stream.
#[derive(Debug, PartialEq)]
struct Followed {
    bytes: Vec<u8>,
    violation: Option<String>,
    statements: u64,
    active: bool,
    transaction: Transaction,
    to_boundary: usize,
    application_name: Option<Arc<str>>,
}

fn follow(registry: &Arc<Registry>, bytes: &[u8], turn: usize, piece: usize) -> Followed {
    let session = session(registry);
    // The same mask for each session, whatever its number.
    let process = session.id().get() ^ 0x0102_0304;
    // As if somebody wanted the statements, so that they are followed.
    let interest = Interest {
        retained_max: 2,
        statement_bytes_max: 16,
        ..Interest::default()
    };
    let mut walk = Walk::new(&session, process.to_be_bytes(), Arc::new(interest));
    let mut passed = bytes.to_vec();
    let mut violation = None;
    for (number, turn) in passed.chunks_mut(turn).enumerate() {
        // A relay passes nothing on behind what is not the protocol.
        for piece in turn.chunks_mut(piece) {
            let seen = match number % 2 {
                0 => walk.client_sent(piece, &session).map(|_| ()),
                _ => walk.server_sent(piece, &session),
            };
            violation = violation.or(seen.err());
        }
        if violation.is_some() {
            break;
        }
    }
    let LiveValues {
        statements,
        statement_started_ms,
        transaction,
        ..
    } = session.live();
    assert_eq!(statement_started_ms.is_some(), walk.is_active());
    let failed = violation.is_some();
    let profile = registry.profile(&session);
    Followed {
        // How far a turn was walked before the violation depends on how it was cut.
        bytes: if failed { Vec::new() } else { passed },
        violation,
        statements: if failed { 0 } else { statements },
        active: !failed && walk.is_active(),
        transaction: if failed {
            Transaction::None
        } else {
            transaction
        },
        to_boundary: if failed {
            0
        } else {
            walk.server_bytes_to_boundary()
        },
        application_name: profile
            .filter(|_| !failed)
            .and_then(|profile| profile.application_name.clone()),
    }
}

/// How long the pieces are that a stream is cut into, by its first byte.
fn piece(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (piece, bytes) = bytes.split_first()?;
    Some((usize::from(*piece) + 1, bytes))
}
