use std::sync::Arc;

use bytes::BytesMut;

use crate::proxy::mariadb::capability;
use crate::proxy::mariadb::fuzz::session;
use crate::proxy::mariadb::packet;
use crate::proxy::mariadb::walk::Walk;
use crate::proxy::relay::Track;
use crate::proxy::statements::Interest;
use crate::session::{Registry, SessionGuard};

struct Followed {
    session: SessionGuard,
    walk: Walk,
    /// In pieces of so many bytes.
    piece: usize,
    _registry: Arc<Registry>,
}

const OK: &[u8] = &[0, 0, 0, 2, 0, 0, 0];
const ERR: &[u8] = b"\xff\x20\x04#42000no";

impl Followed {
    fn new(statement_bytes_max: usize, piece: usize) -> Self {
        Self::with(capability::DEPRECATE_EOF, statement_bytes_max, piece)
    }

    fn with(capabilities: u64, statement_bytes_max: usize, piece: usize) -> Self {
        let registry = Registry::new();
        let session = session(&registry);
        let interest = Interest {
            retained_max: 100,
            statement_bytes_max,
            ..Interest::default()
        };
        Self {
            walk: Walk::new(capabilities, &session, &[], Arc::new(interest)),
            session,
            piece,
            _registry: registry,
        }
    }

    fn client(&mut self, command: u8, argument: &[u8]) {
        let mut bytes = BytesMut::new();
        packet::put(&mut bytes, 0, &[&[command], argument].concat());
        for piece in bytes.chunks_mut(self.piece) {
            self.walk
                .client_sent(piece, &self.session)
                .expect("packets");
        }
    }

    fn server(&mut self, bodies: &[&[u8]]) {
        for (sequence, body) in (1..).zip(bodies) {
            let mut bytes = BytesMut::new();
            packet::put(&mut bytes, sequence, body);
            for piece in bytes.chunks_mut(self.piece) {
                let walked = self.walk.server_sent(piece, &self.session);
                walked.expect("packets");
            }
        }
    }

    /// The oldest one first: command, text and outcome.
    fn check(&self, expected: &[(&str, &str, &str)]) {
        let statements = self.session.retained_statements();
        let retained: Vec<_> = statements
            .iter()
            .rev()
            .map(|s| {
                let outcome = s.answer().map_or("", |answer| answer.outcome.as_str());
                (s.command, &*s.text, outcome)
            })
            .collect();
        assert_eq!(retained, expected);
    }
}

#[test]
fn texts_are_known_until_they_are_answered() {
    for piece in [1, 3, 1000] {
        let mut followed = Followed::new(20, piece);
        followed.client(0x03, b"SELECT 1");
        followed.check(&[("COM_QUERY", "SELECT 1", "")]);
        // A column and a row of one value.
        followed.server(&[&[1], b"\x03def\0\0\0", b"\x011", b"\xfe\0\0\x02\0\0\0"]);
        // It is longer than what is looked into for a KILL, and than what is kept.
        let long = [b"SELECT 'long' ".to_vec(), vec![b'x'; 5000]].concat();
        followed.client(0x03, &long);
        followed.server(&[ERR]);
        followed.client(0x0e, b"");
        followed.server(&[OK]);
        followed.check(&[
            ("COM_QUERY", "SELECT 1", "ok"),
            ("COM_QUERY", "SELECT 'long' xxxxxx", "error"),
        ]);
    }
}

#[test]
fn attributes_are_no_part_of_a_text() {
    let capabilities = capability::DEPRECATE_EOF | capability::QUERY_ATTRIBUTES;
    for piece in [1, 7, 10_000] {
        let mut followed = Followed::with(capabilities, 20, piece);
        followed.client(0x03, b"\0\x01SELECT 1");
        // A text and a number.
        let two = b"\x02\x01\0\x01\xfe\0\x05trace\x03\0\x01n\x03abc\x07\0\0\0SELECT 'and its text is cut'";
        followed.client(0x03, two);
        let long = vec![b'x'; 5000];
        let one = [
            b"\x01\x01\0\x01\xfe\0\x01a\xfc\x88\x13",
            &long[..],
            b"SELECT 2",
        ]
        .concat();
        followed.client(0x03, &one);
        followed.check(&[
            ("COM_QUERY", "SELECT 1", ""),
            ("COM_QUERY", "SELECT 'and its text", ""),
            ("COM_QUERY", "", ""),
        ]);
    }
}

#[test]
fn a_prepared_statement_is_known_by_its_text() {
    let mut followed = Followed::new(100, 5);
    let id = |id: u32| [&id.to_le_bytes()[..], &[0, 1, 0, 0, 0]].concat();
    followed.client(0x16, b"SELECT ?");
    // MariaDB's clients may execute it before they know its number.
    followed.client(0x17, &id(u32::MAX));
    followed.check(&[("COM_STMT_EXECUTE", "SELECT ?", "")]);
    let no_columns = [&[0][..], &7u32.to_le_bytes(), &[0; 7]].concat();
    followed.server(&[&no_columns]);
    followed.server(&[OK]);
    followed.client(0x17, &id(7));
    followed.server(&[ERR]);
    followed.client(0x19, &7u32.to_le_bytes());
    followed.client(0x17, &id(7));
    followed.server(&[ERR]);
    followed.check(&[
        ("COM_STMT_EXECUTE", "SELECT ?", "ok"),
        ("COM_STMT_EXECUTE", "SELECT ?", "error"),
        ("COM_STMT_EXECUTE", "EXECUTE 7", "error"),
    ]);
}
