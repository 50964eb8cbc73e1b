use std::sync::Arc;

use proptest::prelude::*;

use crate::proxy::postgres::walk::{Walk, session};
use crate::proxy::relay::Track;
use crate::proxy::statements::Interest;
use crate::session::{Registry, SessionGuard};

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = body.len() as u32 + 4;
    [&[kind][..], &length.to_be_bytes(), body].concat()
}

fn query(text: &str) -> Vec<u8> {
    message(b'Q', format!("{text}\0").as_bytes())
}

fn parse(name: &str, text: &str) -> Vec<u8> {
    message(b'P', format!("{name}\0{text}\0\0\0").as_bytes())
}

fn bind(portal: &str, name: &str) -> Vec<u8> {
    let counts = [0; 6];
    message(
        b'B',
        &[format!("{portal}\0{name}\0").as_bytes(), &counts].concat(),
    )
}

fn execute(portal: &str) -> Vec<u8> {
    message(b'E', &[format!("{portal}\0").as_bytes(), &[0; 4]].concat())
}

fn close(kind: char, name: &str) -> Vec<u8> {
    message(b'C', format!("{kind}{name}\0").as_bytes())
}

const SYNC: &[u8] = b"S\0\0\0\x04";

struct Followed {
    session: SessionGuard,
    walk: Walk,
    /// In pieces of so many bytes.
    piece: usize,
    _registry: Arc<Registry>,
}

impl Followed {
    fn new(statement_bytes_max: usize, piece: usize) -> Self {
        let registry = Registry::new();
        let session = session(&registry);
        let interest = Interest {
            retained_max: 100,
            statement_bytes_max,
            filters: Vec::new(),
            all_filters: Arc::default(),
        };
        Self {
            walk: Walk::new(&session, [0; 4], Arc::new(interest)),
            session,
            piece,
            _registry: registry,
        }
    }

    fn client(&mut self, messages: &[&[u8]]) {
        for piece in messages.concat().chunks_mut(self.piece) {
            let walked = self.walk.client_sent(piece, &self.session);
            walked.expect("messages");
        }
    }

    /// One message for each character, and ReadyForQuery outside a transaction for each `Z`.
    fn server(&mut self, kinds: &str) {
        for kind in kinds.bytes() {
            let mut bytes = message(kind, if kind == b'Z' { b"I" } else { b"x\0" });
            for piece in bytes.chunks_mut(self.piece) {
                let walked = self.walk.server_sent(piece, &self.session);
                walked.expect("messages");
            }
        }
    }

    /// The oldest one first: text and outcome.
    fn retained(&self) -> Vec<(String, &'static str)> {
        let statements = self.session.retained_statements().into_iter().rev();
        statements
            .map(|s| {
                let outcome = s.answer().map_or("", |answer| answer.outcome.as_str());
                (s.text.to_string(), outcome)
            })
            .collect()
    }

    fn check(&self, expected: &[(&str, &str)]) {
        let retained = self.retained();
        let retained: Vec<_> = retained.iter().map(|(t, o)| (t.as_str(), *o)).collect();
        assert_eq!(retained, expected);
    }
}

fn followed() -> Followed {
    Followed::new(100, 7)
}

#[test]
fn a_simple_query_runs_until_it_is_ready() {
    let mut followed = followed();
    followed.client(&[&query("select 1; select 2")]);
    followed.check(&[("select 1; select 2", "")]);
    followed.server("TDCTDC");
    followed.check(&[("select 1; select 2", "")]);
    followed.server("Z");
    followed.check(&[("select 1; select 2", "ok")]);
    followed.client(&[&query("select 1/0")]);
    followed.server("EZ");
    followed.check(&[("select 1; select 2", "ok"), ("select 1/0", "error")]);
}

#[test]
fn a_prepared_statement_is_known_by_its_text() {
    let mut followed = followed();
    followed.client(&[&parse("s", "select $1"), &bind("", "s"), &execute(""), SYNC]);
    followed.server("12DCZ");
    followed.client(&[&bind("p", "s"), &execute("p"), SYNC]);
    followed.server("2DsZ");
    followed.client(&[&close('S', "s"), &bind("", "s"), &execute(""), SYNC]);
    followed.server("3EZ");
    followed.check(&[
        ("select $1", "ok"),
        ("select $1", "ok"),
        ("EXECUTE \"s\"", "error"),
    ]);
}

#[test]
fn what_follows_an_error_in_a_pipeline_is_skipped() {
    let mut followed = followed();
    let one = |text: &str| [parse("", text), bind("", ""), execute("")].concat();
    followed.client(&[&one("a"), &one("b"), &one("c"), SYNC, &one("d"), SYNC]);
    followed.server("12C12E");
    followed.check(&[("a", "ok"), ("b", "error"), ("c", ""), ("d", "")]);
    followed.server("Z");
    followed.check(&[("a", "ok"), ("b", "error"), ("c", "skipped"), ("d", "")]);
    followed.server("12CZ");
    followed.check(&[("a", "ok"), ("b", "error"), ("c", "skipped"), ("d", "ok")]);
}

#[test]
fn what_a_copy_takes_for_data_is_skipped() {
    let mut followed = followed();
    let copy = [parse("", "copy t from stdin"), bind("", ""), execute("")].concat();
    followed.client(&[&copy, SYNC, &execute(""), SYNC]);
    followed.server("12G");
    followed.client(&[&message(b'd', b"1\n"), &message(b'c', b""), SYNC]);
    followed.server("CZ");
    followed.check(&[
        ("copy t from stdin", "ok"),
        ("copy t from stdin", "skipped"),
    ]);
}

#[test]
fn a_text_is_cut_between_characters_and_its_passwords_are_masked() {
    let mut followed = Followed::new(10, 3);
    followed.client(&[&query("select 'äöü'")]);
    followed.client(&[&query("password 'secret'")]);
    followed.check(&[("select 'ä", ""), ("password '***'", "")]);
}

#[test]
fn what_is_not_answered_when_the_session_ends_stays_so() {
    let mut followed = followed();
    followed.client(&[&query("a"), &query("b")]);
    let Followed { session, walk, .. } = followed;
    drop(walk);
    let statements = session.retained_statements();
    let outcomes: Vec<_> = statements
        .iter()
        .map(|s| s.answer().map(|answer| answer.outcome.as_str()))
        .collect();
    assert_eq!(outcomes, [Some("unanswered"), Some("unanswered")]);
}

proptest! {
    /// Whatever is sent and answered, nothing is told twice, and all are told when the session ends.
    #[test]
    fn every_statement_is_over_once(
        turns in prop::collection::vec((
            prop::collection::vec(prop::sample::select(b"QPBESCFdcH".to_vec()), 0..8),
            "[TDCEIsZG123N]{0,8}",
        ), 0..8),
        piece in 1..20_usize,
    ) {
        let mut followed = Followed::new(20, piece);
        let mut sent = 0;
        for (kinds, answer) in turns {
            sent += kinds.iter().filter(|kind| b"QEF".contains(kind)).count();
            let messages: Vec<u8> = kinds.iter().flat_map(|kind| message(*kind, b"S\0\0x\0")).collect();
            followed.client(&[&messages]);
            followed.server(&answer);
        }
        let session = followed.session;
        drop(followed.walk);
        let statements = session.retained_statements();
        prop_assert_eq!(statements.len(), sent.min(100));
        prop_assert!(statements.iter().all(|statement| statement.answer().is_some()));
    }
}
