use std::sync::Arc;

use proptest::prelude::*;

use super::super::fuzz::{Followed, capabilities, follow, session};
use super::super::packet::FRAME_BYTES_MAX;
use super::super::{command, kill};
use super::*;
use crate::session::{Connection, ConnectionState, Registry};

fn frame(sequence: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = body;
    let mut sequence = sequence;
    loop {
        let (head, tail) = rest.split_at(rest.len().min(FRAME_BYTES_MAX));
        bytes.extend_from_slice(&(head.len() as u32).to_le_bytes()[..3]);
        bytes.push(sequence);
        bytes.extend_from_slice(head);
        sequence = sequence.wrapping_add(1);
        rest = tail;
        if head.len() < FRAME_BYTES_MAX {
            return bytes;
        }
    }
}

fn command(command: u8, argument: &[u8]) -> Vec<u8> {
    frame(0, &[&[command], argument].concat())
}

/// A server's packets, numbered from 1.
fn answer(bodies: &[Vec<u8>]) -> Vec<u8> {
    let mut sequence = 0u8;
    let frames = bodies.iter().map(|body| {
        sequence = sequence.wrapping_add(1);
        frame(sequence, body)
    });
    frames.collect::<Vec<_>>().concat()
}

const MORE: u16 = 8;
const INSIDE: u16 = 1;
const CURSOR: u16 = 64;

fn ok(status: u16) -> Vec<u8> {
    [&[0, 1, 0xfc, 1, 1][..], &status.to_le_bytes(), &[0, 0]].concat()
}

/// What ends rows, and their columns.
fn end(bits: u8, status: u16) -> Vec<u8> {
    match bits & 1 {
        0 => [&[0xfe, 0, 0][..], &status.to_le_bytes()].concat(),
        _ => [&[0xfe, 0, 0][..], &status.to_le_bytes(), &[0, 0]].concat(),
    }
}

fn err() -> Vec<u8> {
    b"\xff\x20\x04#42000no".to_vec()
}

fn progress() -> Vec<u8> {
    b"\xff\xff\xff\x01\x01\x01\0\0\0\x01x".to_vec()
}

/// A result set up to before its end.
fn rows(bits: u8, columns: u8, rows: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut packets = vec![vec![columns]];
    let cached = bits & 4 != 0;
    if cached {
        packets[0].push(1);
    }
    packets.extend((0..columns).map(|_| b"\x03def\0\0\0".to_vec()));
    if bits & 1 == 0 {
        packets.push(end(bits, 2));
    }
    packets.extend(rows.iter().cloned());
    packets
}

/// What a client sends, what it hears, and what is known afterwards.
#[derive(Debug, Clone)]
struct Exchange {
    client: Vec<u8>,
    server: Vec<u8>,
    statements: u64,
    in_transaction: Option<bool>,
}

fn exchange(client: Vec<u8>, server: &[Vec<u8>], statements: u64, status: Option<u16>) -> Exchange {
    Exchange {
        client,
        server: answer(server),
        statements,
        in_transaction: status.map(|status| status & INSIDE != 0),
    }
}

/// One command with one of its answers, for these capabilities.
fn exchanges(bits: u8) -> impl Strategy<Value = Exchange> {
    let status = prop_oneof![Just(2u16), Just(2 | INSIDE)];
    let row = prop_oneof![
        // None begins as the end of the rows does, but for the one that is too long for it.
        8 => prop::collection::vec(0u8..0xfb, 1..40),
        1 => Just([&[0xfb][..], &[1; 6]].concat()),
        1 => Just(vec![0; 300]),
    ];
    let some_rows = prop::collection::vec(row, 0..5);
    let text = prop::collection::vec(any::<u8>(), 1..700);
    (0..14u8, status, some_rows, 1..4u8, text, any::<bool>()).prop_map(
        move |(kind, status, some_rows, columns, text, more)| {
            // Not a text that is translated.
            let mut text = [&b"\0\x01S"[..], &text].concat();
            if bits & 8 == 0 {
                text.drain(..2);
            }
            let query = command(command::QUERY, &text);
            let told = Some(status);
            let result =
                |status| [rows(bits, columns, &some_rows), vec![end(bits, status)]].concat();
            match kind {
                0 => exchange(query, &[ok(status)], 1, told),
                1 => exchange(query, &[err()], 1, None),
                2 => exchange(query, &result(status), 1, told),
                3 => {
                    let many = [
                        result(status | MORE),
                        vec![ok(status | MORE)],
                        result(status),
                    ];
                    exchange(query, &many.concat(), 1, told)
                }
                4 => {
                    let cut = [rows(bits, columns, &some_rows), vec![err()]].concat();
                    // Between columns and rows an EOF may have told something.
                    let between = (bits & 1 == 0).then_some(2);
                    exchange(query, &cut, 1, between)
                }
                5 => {
                    let slow = [vec![progress(), progress()], result(status)].concat();
                    exchange(query, &slow, 1, told)
                }
                6 => {
                    let (columns, parameters) = (columns - 1, u8::from(more));
                    let mut packets = vec![vec![0, 1, 0, 0, 0, columns, 0, parameters, 0, 0, 0, 0]];
                    for count in [parameters, columns] {
                        packets.extend((0..count).map(|_| b"\x03def\0".to_vec()));
                        if count > 0 && bits & 1 == 0 {
                            packets.push(end(bits, 2));
                        }
                    }
                    exchange(command(0x16, &text), &packets, 0, None)
                }
                7 => {
                    // A cursor: no rows, and the last packet says so.
                    let mut packets = rows(bits, columns, &[]);
                    packets.truncate(1 + usize::from(columns));
                    packets.push(end(bits, status | CURSOR));
                    exchange(
                        command(0x17, b"\x01\0\0\0\x01\x01\0\0\0"),
                        &packets,
                        1,
                        told,
                    )
                }
                8 => {
                    let fetched = [some_rows, vec![end(bits, status | CURSOR)]].concat();
                    exchange(command(0x1c, b"\x01\0\0\0\x02\0\0\0"), &fetched, 0, told)
                }
                9 => {
                    let silent = [command(0x18, &text), command(0x19, b"\x01\0\0\0")].concat();
                    exchange(
                        [silent, command(0x1f, b"")].concat(),
                        &[ok(status)],
                        0,
                        told,
                    )
                }
                10 => exchange(command(9, b""), &[b"Uptime: 1".to_vec()], 0, None),
                11 => {
                    let fields = (0..columns).map(|_| b"\x03def\0".to_vec());
                    let packets: Vec<_> = fields.chain([end(bits, status)]).collect();
                    exchange(command(4, b"t\0"), &packets, 0, told)
                }
                12 => exchange(command(0x0e, b""), &[ok(status)], 0, told),
                _ => exchange(command(0x1b, b"\0\0"), &[end(bits, status)], 0, told),
            }
        },
    )
}

fn conversation() -> impl Strategy<Value = (u8, Vec<Exchange>)> {
    (0..16u8).prop_flat_map(|bits| (Just(bits), prop::collection::vec(exchanges(bits), 1..8)))
}

fn expected(exchanges: &[Exchange]) -> (u64, bool) {
    let statements = exchanges.iter().map(|exchange| exchange.statements).sum();
    let mut told = exchanges
        .iter()
        .rev()
        .filter_map(|exchange| exchange.in_transaction);
    (statements, told.next().unwrap_or(false))
}

fn check(followed: &Followed, exchanges: &[Exchange]) -> Result<(), TestCaseError> {
    let (statements, in_transaction) = expected(exchanges);
    let sent: Vec<u8> = exchanges
        .iter()
        .flat_map(|exchange| exchange.client.clone())
        .collect();
    prop_assert_eq!(&followed.violation, &None);
    prop_assert!(!followed.active);
    prop_assert_eq!(followed.to_boundary, 0);
    prop_assert_eq!(followed.statements, statements);
    prop_assert_eq!(followed.in_transaction, in_transaction);
    prop_assert_eq!(&followed.sent, &sent);
    Ok(())
}

proptest! {
    #[test]
    fn every_answer_is_followed_to_its_end_however_it_is_cut(
        (bits, exchanges) in conversation(), piece in 1usize..50,
    ) {
        let registry = Registry::new();
        let turns: Vec<&[u8]> = exchanges
            .iter()
            .flat_map(|exchange| [&exchange.client[..], &exchange.server[..]])
            .collect();
        for piece in [piece, usize::MAX] {
            check(&follow(&registry, bits, &turns, piece), &exchanges)?;
        }
    }

    #[test]
    fn commands_may_be_sent_ahead_of_their_answers(
        (bits, exchanges) in conversation(), piece in 1usize..50,
    ) {
        let registry = Registry::new();
        let client: Vec<u8> = exchanges.iter().flat_map(|exchange| exchange.client.clone()).collect();
        let server: Vec<u8> = exchanges.iter().flat_map(|exchange| exchange.server.clone()).collect();
        for piece in [piece, usize::MAX] {
            check(&follow(&registry, bits, &[&client, &server], piece), &exchanges)?;
        }
    }

    #[test]
    fn whatever_comes_is_followed_the_same_however_it_is_cut(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        super::super::fuzz::walk(&bytes);
        super::super::fuzz::greeting(&bytes);
        super::super::fuzz::login(&bytes);
    }

    #[test]
    fn short_packets_are_followed_the_same_however_they_are_cut(
        head in any::<[u8; 3]>(),
        packets in prop::collection::vec((0u8..4, prop::sample::select(vec![0u8, 1, 2, 3, 17, 0x12, 0xfb, 0xfe, 0xff]),
            prop::collection::vec(any::<u8>(), 0..12)), 0..20),
    ) {
        let frames = packets.iter().flat_map(|(sequence, first, rest)| {
            frame(*sequence, &[&[*first], &rest[..]].concat())
        });
        let bytes: Vec<u8> = head.into_iter().chain(frames).collect();
        super::super::fuzz::walk(&bytes);
    }
}

/// A session of the server `db1`, whose thread there has this number.
fn on_db1(registry: &Arc<Registry>, thread: i64) -> SessionGuard {
    let session = session(registry);
    session.update(|profile| {
        profile.server = Some("db1".into());
        profile.connections = vec![Connection {
            server: "db1".into(),
            connection_id: Some(thread),
            state: ConnectionState::Established,
            connected_us: 0,
            tls: None,
        }];
    });
    session
}

fn sent(walk: &mut Walk, session: &SessionGuard, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    match walk.client_sent(&mut bytes, session).expect("the protocol") {
        Passing::AsTheyAre => bytes,
        Passing::Instead(instead) => instead.to_vec(),
    }
}

#[test]
fn a_kill_among_other_commands_is_translated_alone() {
    let registry = Registry::new();
    let (own, other) = (on_db1(&registry, 1000), on_db1(&registry, 123_456));
    let mut walk = Walk::new(capabilities(0), &own, &[], Arc::default());
    let id = other.id();
    let select = command(command::QUERY, b"SELECT 'KILL 2'");
    let kill = command(command::QUERY, format!("KILL QUERY {id}").as_bytes());
    let process_kill = command(command::PROCESS_KILL, &id.get().to_le_bytes());
    let ping = command(0x0e, b"");
    let bytes = [&select[..], &kill, &process_kill, &ping].concat();
    let translated = [
        &select[..],
        &command(command::QUERY, b"KILL QUERY 123456"),
        &command(command::PROCESS_KILL, &123_456u32.to_le_bytes()),
        &ping,
    ]
    .concat();
    assert_eq!(sent(&mut walk, &own, &bytes), translated);
    let mut one_by_one = Vec::new();
    for byte in &bytes {
        one_by_one.extend(sent(&mut walk, &own, &[*byte]));
    }
    assert_eq!(one_by_one, translated);
}

#[test]
fn a_kill_of_a_session_on_another_server_is_one_of_an_unknown_thread() {
    let registry = Registry::new();
    let (own, other) = (on_db1(&registry, 1000), on_db1(&registry, 7));
    // Nobody cancels its statements.
    other.update(|profile| {
        profile.connections[0].server = "db2".into();
        profile.user = Some("app".into());
    });
    own.update(|profile| profile.user = Some("app".into()));
    let mut walk = Walk::new(capabilities(8), &own, &[], Arc::default());
    let id = other.id();
    // Behind the count of its attributes, of which there are none.
    let kill = command(command::QUERY, format!("\0\x01KILL QUERY {id}").as_bytes());
    let text = format!("\0\x01{}", kill::unknown(u64::from(id.get())));
    assert_eq!(
        sent(&mut walk, &own, &kill),
        command(command::QUERY, text.as_bytes())
    );
    // With one, a text, which stays.
    let attribute = "\x01\x01\0\x01\u{7f}\0\x01a\x02bc";
    let kill = command(
        command::QUERY,
        format!("{attribute}KILL QUERY {id}").as_bytes(),
    );
    let text = format!("{attribute}{}", kill::unknown(u64::from(id.get())));
    assert_eq!(
        sent(&mut walk, &own, &kill),
        command(command::QUERY, text.as_bytes())
    );
    // What does not end is not looked into.
    let kill = command(command::QUERY, format!("\x01\x01KILL {id}").as_bytes());
    assert_eq!(sent(&mut walk, &own, &kill), kill);
}

#[test]
fn a_kill_of_a_session_on_another_server_is_for_its_user() {
    let registry = Registry::new();
    let (own, other) = (on_db1(&registry, 1000), on_db1(&registry, 7));
    let mut walk = Walk::new(capabilities(0), &own, &[], Arc::default());
    let kill = command(command::QUERY, format!("KILL {}", other.id()).as_bytes());
    for (user, text, killed) in [
        ("bob", kill::denied(u64::from(other.id().get())), false),
        ("ann", kill::DONE.to_owned(), true),
    ] {
        other.update(|profile| {
            profile.connections[0].server = "db2".into();
            profile.user = Some("ann".into());
        });
        own.update(|profile| profile.user = Some(user.into()));
        let expected = command(command::QUERY, text.as_bytes());
        assert_eq!(sent(&mut walk, &own, &kill), expected);
        assert_eq!(other.is_killed(), killed);
    }
}

#[test]
fn a_long_row_that_begins_like_an_end_is_none() {
    let registry = Registry::new();
    let mut row = vec![0xfe];
    row.resize(FRAME_BYTES_MAX + 10, 0);
    for bits in [0, 1] {
        let query = command(command::QUERY, b"SELECT 1");
        let mut packets = rows(bits, 1, &[row.clone()]);
        let unfinished = answer(&packets);
        let followed = follow(&registry, bits, &[&query, &unfinished], usize::MAX);
        assert!(followed.active && followed.to_boundary == 0);
        packets.push(end(bits, 2));
        let followed = follow(&registry, bits, &[&query, &answer(&packets)], 1 << 20);
        assert!(!followed.active);
    }
}

#[test]
fn the_database_is_known_when_the_server_has_agreed() {
    let registry = Registry::new();
    let init = command(command::INIT_DB, b"other");
    let followed = follow(&registry, 0, &[&init], usize::MAX);
    assert_eq!(followed.database, None);
    let followed = follow(&registry, 0, &[&init, &answer(&[ok(2)])], usize::MAX);
    assert_eq!(followed.database.as_deref(), Some("other"));
    let followed = follow(&registry, 0, &[&init, &answer(&[err()])], usize::MAX);
    assert_eq!(followed.database, None);
    // As MariaDB tells it who listens.
    let tracked = b"\0\0\0\x02\x40\0\0\0\x08\x01\x06\x05other".to_vec();
    let used = command(command::QUERY, b"USE other");
    let followed = follow(&registry, 2, &[&used, &answer(&[tracked])], 1);
    assert_eq!(followed.database.as_deref(), Some("other"));
}

#[test]
fn what_a_replica_acknowledges_is_no_command() {
    let registry = Registry::new();
    let dump = command(0x12, b"\x04\0\0\0\0\0\x01\0\0\0");
    let events = answer(&[vec![0; 30], vec![0, 0xfe, 1, 2]]);
    let acknowledged = frame(0, b"\xef\0\0\0\0\0\0\0\0binlog");
    let followed = follow(&registry, 1, &[&dump, &events, &acknowledged, &events], 5);
    assert!(followed.active);
    assert_eq!(followed.statements, 0);
    let quit = command(command::QUIT, b"");
    let followed = follow(&registry, 1, &[&dump, &events, &quit], 5);
    assert_eq!(followed.violation, None);
}

#[test]
fn the_number_of_a_farewell_is_the_next_one() {
    let registry = Registry::new();
    let session = session(&registry);
    let mut walk = Walk::new(capabilities(1), &session, &[], Arc::default());
    assert_eq!(walk.sequence(), 1);
    let mut query = command(command::QUERY, b"SELECT 1");
    let _ = walk.client_sent(&mut query, &session);
    assert_eq!(walk.sequence(), 1);
    let mut packets = rows(1, 1, &[]);
    let _ = walk.server_sent(&mut answer(&packets), &session);
    assert_eq!(walk.sequence(), 3);
    packets.push(end(1, 2));
    let _ = walk.server_sent(&mut frame(3, &end(1, 2)), &session);
    assert_eq!(walk.sequence(), 1);
}
