//! What the fuzz targets and the property tests call: each parser of this module that reads bytes from outside, and
//! what must hold of it whatever the bytes are.

use std::sync::Arc;

use bytes::BytesMut;

use super::greeting::{self, Greeting, Introduction};
use super::kill;
use super::packet;
use super::status::{self, Status};
use super::walk::Walk;
use crate::proxy::relay::{Passing, Track};
use crate::proxy::statements::Interest;
use crate::session::{LiveValues, Registry, SessionGuard, SessionId, Transaction};

/// The packets of a server up to the end of a login.
pub fn greeting(bytes: &[u8]) {
    let Some(read) = Greeting::read(BytesMut::from(bytes)) else {
        return;
    };
    let (before, length) = (read.capabilities(), bytes.len());
    let Some(session) = SessionId::new(7) else {
        return;
    };
    let told = read.for_client(session, true);
    assert_eq!(told.len(), length);
    let again = Greeting::read(told).expect("still a greeting");
    assert_eq!(again.thread_id(), session.get());
    let kept = !super::capability::NOT_OFFERED & !super::capability::SSL;
    assert_eq!(again.capabilities() & kept, before & kept);
    assert_eq!(again.capabilities() & super::capability::NOT_OFFERED, 0);
}

/// The packets of a client up to the end of a login, and what is read in them and in the server's.
pub fn login(bytes: &[u8]) {
    let mut input = BytesMut::from(bytes);
    while let Ok(Some(packet)) = packet::next(&mut input) {
        let mut answer = packet.body;
        let length = answer.len();
        let introduction = Introduction::of_answer(&answer);
        greeting::answer_for_server(&mut answer, true);
        assert_eq!(answer.len(), length);
        // What is changed concerns nobody's name.
        let again = Introduction::of_answer(&answer);
        assert_eq!(introduction.map(|of| of.user), again.map(|of| of.user));
        let _ = Introduction::of_change(&answer, u64::MAX);
        let _ = (
            Status::read(&answer),
            status::schema(&answer),
            status::error(&answer),
        );
        let _ = kill::find(&answer);
    }
}

/// The packets of both sides that a relay follows: what it learns and what it changes must not depend on how the
/// streams are cut. The streams take turns of so many bytes, from the client first.
pub fn walk(bytes: &[u8]) {
    let [capabilities, turn, piece, bytes @ ..] = bytes else {
        return;
    };
    let turns: Vec<&[u8]> = bytes.chunks(usize::from(*turn) + 1).collect();
    let registry = Registry::new();
    let whole = follow(&registry, *capabilities, &turns, usize::MAX);
    let in_pieces = follow(&registry, *capabilities, &turns, usize::from(*piece) + 1);
    assert_eq!(whole, in_pieces);
}

/// What came of a conversation.
#[derive(Debug, PartialEq)]
pub(super) struct Followed {
    /// What the server was sent, and what is held back.
    pub sent: Vec<u8>,
    pub violation: Option<String>,
    pub statements: u64,
    pub active: bool,
    pub in_transaction: bool,
    pub autocommit: Option<bool>,
    pub to_boundary: usize,
    pub database: Option<Arc<str>>,
}

/// Each bit of the byte is a capability that changes how packets are cut.
pub(super) fn capabilities(bits: u8) -> u64 {
    use super::capability::{
        CACHE_METADATA, DEPRECATE_EOF, QUERY_ATTRIBUTES, SECURE_CONNECTION, SESSION_TRACK,
    };
    let all = [
        DEPRECATE_EOF,
        SESSION_TRACK,
        CACHE_METADATA,
        QUERY_ATTRIBUTES,
    ];
    let taken = all
        .iter()
        .enumerate()
        .filter(|(bit, _)| bits >> bit & 1 == 1);
    taken.fold(SECURE_CONNECTION, |taken, (_, capability)| {
        taken | capability
    })
}

/// Lets both sides speak in turn, in pieces of so many bytes, from the client first.
pub(super) fn follow(
    registry: &Arc<Registry>,
    bits: u8,
    turns: &[&[u8]],
    piece: usize,
) -> Followed {
    let session = session(registry);
    // As if somebody wanted the statements, so that they are followed.
    let interest = Interest {
        retained_max: 2,
        statement_bytes_max: 16,
        ..Interest::default()
    };
    let mut walk = Walk::new(capabilities(bits), &session, &[], Arc::new(interest));
    let (mut sent, mut violation) = (Vec::new(), None);
    for (number, turn) in turns.iter().enumerate() {
        for piece in turn.chunks(piece.min(turn.len().max(1))) {
            let mut piece = piece.to_vec();
            if number % 2 == 1 {
                violation = violation.or(walk.server_sent(&mut piece, &session).err());
                continue;
            }
            match walk.client_sent(&mut piece, &session) {
                Ok(Passing::AsTheyAre) => sent.extend(piece),
                Ok(Passing::Instead(instead)) => sent.extend(instead),
                Err(why) => violation = violation.or(Some(why)),
            }
        }
    }
    sent.extend(walk.withheld());
    let LiveValues {
        statements,
        statement_started_ms,
        transaction,
        autocommit,
        ..
    } = session.live();
    assert_eq!(statement_started_ms.is_some(), walk.is_active());
    let profile = registry.profile(&session);
    Followed {
        sent,
        violation,
        statements,
        active: walk.is_active(),
        in_transaction: transaction != Transaction::None,
        autocommit,
        to_boundary: walk.server_bytes_to_boundary(),
        database: profile.and_then(|profile| profile.database.clone()),
    }
}

/// A session to be followed.
pub(super) fn session(registry: &Arc<Registry>) -> SessionGuard {
    use crate::session::{Listener, Remote, Service};

    let service = Arc::new(Service::new("app", "readconnroute"));
    let address: std::net::SocketAddr = ([127, 0, 0, 1], 1).into();
    let listener = Arc::new(Listener::new("app", &service, "mariadb", address));
    let registered = registry.register(&listener, Remote::Unix);
    registered.expect("a free id")
}
