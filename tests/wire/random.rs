//! Whatever clients send, the door goes on serving others.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::io::{Read, Write};

/// Pieces of statements, of which some make sense together.
const WORDS: [&str; 48] = [
    "select",
    "1",
    "from",
    "sessions",
    "where",
    "id",
    "=",
    "$1",
    "(",
    ")",
    ",",
    ";",
    "copy",
    "to",
    "stdout",
    "csv",
    "binary",
    "declare",
    "c",
    "cursor",
    "for",
    "with",
    "hold",
    "scroll",
    "fetch",
    "2",
    "-1",
    "all",
    "backward",
    "move",
    "close",
    "begin",
    "commit",
    "rollback",
    "savepoint",
    "s",
    "prepare",
    "as",
    "execute",
    "deallocate",
    "set",
    "work_mem",
    "'x'",
    "null",
    "show",
    "reset",
    "discard",
    "values",
];

fn sql() -> impl Strategy<Value = String> {
    vec(prop::sample::select(WORDS.to_vec()), 0..14).prop_map(|words| words.join(" "))
}

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["", "c", "s", "p"])
}

/// A message that may be any.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let noise = (any::<u8>(), vec(any::<u8>(), 0..40));
    prop_oneof![
        4 => sql().prop_map(|sql| query(&sql)),
        4 => (name(), sql()).prop_map(|(name, sql)| parse(name, &sql)),
        3 => (name(), name()).prop_map(|(portal, name)| bind(portal, name)),
        2 => (name(), name()).prop_map(|(p, name)| bind_text(p, name, &["1"])),
        2 => (prop::bool::ANY, name()).prop_map(|(s, name)| describe(if s { 'S' } else { 'P' }, name)),
        3 => (name(), -1..4).prop_map(|(name, max)| execute(name, max)),
        3 => Just(sync()),
        1 => (prop::sample::select(b"QPBDECHScdfFX".to_vec()), vec(any::<u8>(), 0..40))
            .prop_map(|(kind, body)| frame(char::from(kind), &body)),
        1 => noise.prop_map(|(kind, body)| [vec![kind], body].concat()),
    ]
}

#[test]
fn no_sequence_of_messages_stops_the_door() {
    let door = Opened::plain();
    let witness = std::cell::RefCell::new(door.client());
    let mut runner = TestRunner::new(Config::with_cases(150));
    let outcome = runner.run(&vec(message(), 1..25), |messages| {
        let client = door.client();
        let mut socket = client.tcp().try_clone().expect("a second handle");
        // The server may have had enough before all is sent.
        let _ = socket.write_all(&messages.concat());
        let _ = socket.shutdown(std::net::Shutdown::Write);
        let mut answers = Vec::new();
        let _ = socket.read_to_end(&mut answers);
        prop_assert!(!String::from_utf8_lossy(&answers).contains("XX000"));
        prop_assert_eq!(witness.borrow_mut().value("select 'there'"), "there");
        Ok(())
    });
    outcome.expect("a door that goes on");
    drop(witness);
    eventually("all sessions end", || door.registry.is_empty());
}
