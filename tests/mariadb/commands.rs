//! The end of every answer is found: whatever a client does, its row is right afterwards.

use super::{front, raw};
use crate::proxy::Proxied;
use crate::support::mariadb::MariaDb;
use crate::support::mysql::{
    CAPABILITIES, Client, DEPRECATE_EOF, LOCAL_FILES, Packet, SESSION_TRACK, packet,
};

const INIT_DB: u8 = 2;
const QUERY: u8 = 3;
const FIELD_LIST: u8 = 4;
const STATISTICS: u8 = 9;
const PING: u8 = 14;
const CHANGE_USER: u8 = 17;
const PREPARE: u8 = 22;
const EXECUTE: u8 = 23;
const LONG_DATA: u8 = 24;
const CLOSE: u8 = 25;
const RESET: u8 = 26;
const SET_OPTION: u8 = 27;
const FETCH: u8 = 28;
const RESET_CONNECTION: u8 = 31;

/// The session is waiting for its client, and has run so many statements.
fn rests(proxied: &mut Proxied, statements: u32) {
    let row = "SELECT active, statements FROM sessions WHERE service = 'app'";
    proxied.comes_to(row, &format!("f|{statements}"));
}

fn ends(packet: &Packet) -> bool {
    let is_long = packet.body.len() >= 0xff_ffff;
    packet.error().is_some() || (packet.body.first() == Some(&0xfe) && !is_long)
}

/// Rows of a text up to the end of the last result; how many packets end a result depends on the capabilities.
fn results(client: &mut Client, sql: &str, deprecates_eof: bool) -> Vec<Packet> {
    client.command(QUERY, sql.as_bytes());
    let mut packets = client.until(ends);
    if !deprecates_eof && packets.last().is_some_and(|last| last.error().is_none()) {
        packets.extend(client.until(ends));
    }
    packets
}

/// The number of a statement that was prepared.
fn prepare(client: &mut Client, sql: &str, definitions: usize) -> [u8; 4] {
    let ok = client.ask(PREPARE, sql.as_bytes());
    assert!(ok.is_ok(), "{}", ok.text());
    for _ in 0..definitions {
        client.next().expect("a definition");
    }
    ok.body[1..5].try_into().expect("a number")
}

#[test]
fn every_command_is_followed_to_its_end() {
    let server = MariaDb::start();
    for deprecates_eof in [false, true] {
        let mut proxied = front(&server);
        let more = if deprecates_eof { DEPRECATE_EOF } else { 0 };
        let capabilities = CAPABILITIES | SESSION_TRACK | LOCAL_FILES | more;
        let mut client = Client::log_in(proxied.address, capabilities);
        let eof = usize::from(!deprecates_eof);
        rests(&mut proxied, 0);

        assert!(client.ask(PING, b"").is_ok());
        assert!(client.ask(STATISTICS, b"").text().starts_with("Uptime"));
        assert!(client.ask(RESET_CONNECTION, b"").is_ok());
        assert!(ends(&client.ask(SET_OPTION, &[0, 0])));
        rests(&mut proxied, 0);

        let rows = results(&mut client, "SELECT seq FROM seq_1_to_1000", deprecates_eof);
        assert_eq!(rows.len(), 1 + 1 + eof + 1000 + 1);
        rests(&mut proxied, 1);
        assert_eq!(client.query("SELECT nothing").error(), Some(1054));
        assert!(
            client
                .query("CREATE OR REPLACE TABLE t (id INT, body LONGTEXT)")
                .is_ok()
        );
        rests(&mut proxied, 3);

        client.command(FIELD_LIST, b"t\0");
        assert_eq!(client.until(ends).len(), 3);
        rests(&mut proxied, 3);

        // Multi-results: a result set, an OK, an error.
        client.command(QUERY, b"SELECT 1; DO 0; SELECT nothing");
        let packets = client.until(|packet| packet.error().is_some());
        assert_eq!(packets.len(), 1 + 1 + eof + 1 + 1 + 1 + 1);
        rests(&mut proxied, 4);

        prepared(&mut client, &mut proxied, eof);
        file(&mut client, &mut proxied);

        assert!(client.ask(INIT_DB, b"other").is_ok());
        let database = "SELECT database FROM sessions WHERE service = 'app'";
        proxied.comes_to(database, "other");
        assert_eq!(client.ask(INIT_DB, b"nowhere").error(), Some(1044));
        assert!(client.query("USE app").is_ok());
        proxied.comes_to(database, "app");
        let before = proxied.ask("SELECT \"user\" FROM sessions WHERE service = 'app'");
        assert_eq!(before, "trusted");
        client.command(QUERY, b"BEGIN");
        assert!(client.next().expect("an answer").is_ok());
        proxied.comes_to(
            "SELECT in_transaction FROM sessions WHERE service = 'app'",
            "t",
        );
        // Asked once more, as servers do here, `idle` has no password.
        let asked = client.ask(CHANGE_USER, b"idle\0\0other\0\x2d\0mysql_native_password\0");
        if asked.body.first() == Some(&0xfe) {
            client.send(asked.sequence + 1, b"");
            assert!(client.next().expect("an answer").is_ok());
        } else {
            assert!(asked.is_ok(), "{}", asked.text());
        }
        let row =
            "SELECT \"user\", database, in_transaction, active FROM sessions WHERE service = 'app'";
        proxied.comes_to(row, "idle|other|f|f");
        // The server asks for another plugin, and refuses what it then hears.
        client.command(CHANGE_USER, b"ed\0\0app\0\x2d\0mysql_native_password\0");
        let switch = client.next().expect("a question");
        assert_eq!(switch.body[0], 0xfe, "{}", switch.text());
        client.send(switch.sequence + 1, &[7; 64]);
        assert_eq!(client.next().expect("an answer").error(), Some(1045));
        proxied.comes_to(
            "SELECT \"user\" FROM sessions WHERE service = 'app'",
            "idle",
        );
        client.command(1, b"");
        assert_eq!(client.next(), None);
        proxied.comes_to(crate::proxy::ROWS, "0");
    }
}

/// Prepared statements: with rows, with a cursor, with data that is sent ahead.
fn prepared(client: &mut Client, proxied: &mut Proxied, eof: usize) {
    let execute = |flags: u8, rest: &[u8]| [&[flags, 1, 0, 0, 0], rest].concat();
    let id = prepare(
        client,
        "SELECT seq FROM seq_1_to_5 WHERE seq < ?",
        2 + 2 * eof,
    );
    // One integer, 4.
    let parameter = [0, 1, 3, 0, 4, 0, 0, 0];
    client.command(EXECUTE, &[&id[..], &execute(0, &parameter)].concat());
    let count = 1 + 1 + eof + 3 + 1;
    for _ in 0..count {
        client.next().expect("a packet of the result");
    }
    rests(proxied, 5);
    // The same with a cursor that reads only.
    client.command(EXECUTE, &[&id[..], &execute(1, &parameter)].concat());
    assert_eq!(client.until(ends).len(), 1 + 1 + 1);
    rests(proxied, 6);
    for expected in [2 + 1, 1 + 1] {
        client.command(FETCH, &[&id[..], &[2, 0, 0, 0]].concat());
        assert_eq!(client.until(ends).len(), expected);
    }
    assert!(client.ask(RESET, &id).is_ok());
    client.command(CLOSE, &id);
    let nothing = prepare(client, "DO 0", 0);
    assert!(
        client
            .ask(EXECUTE, &[&nothing[..], &[0, 1, 0, 0, 0]].concat())
            .is_ok()
    );
    rests(proxied, 7);
    let id = prepare(client, "INSERT INTO t VALUES (1, ?)", 1 + eof);
    for piece in [&[b'a'; 100_000][..], &[b'b'; 70_000]] {
        client.command(LONG_DATA, &[&id[..], &[0, 0], piece].concat());
    }
    let text = execute(0, &[0, 1, 0xfc, 0]);
    let ok = client.ask(EXECUTE, &[&id[..], &text].concat());
    assert!(ok.is_ok(), "{}", ok.text());
    rests(proxied, 8);
    client.command(CLOSE, &id);
    assert_eq!(client.ask(PREPARE, b"SELECT nothing").error(), Some(1054));
    rests(proxied, 8);
}

/// A file of the client's, one that it has not, and one that the server does not like.
fn file(client: &mut Client, proxied: &mut Proxied) {
    let load = |client: &mut Client, contents: &[&[u8]]| {
        let asked = client.query("LOAD DATA LOCAL INFILE 'f' INTO TABLE t");
        assert_eq!(asked.body, b"\xfbf", "{}", asked.text());
        let mut sequence = 2u8;
        for piece in contents {
            client.send(sequence, piece);
            sequence = sequence.wrapping_add(1);
        }
        client.send(sequence, b"");
        client.next().expect("an answer")
    };
    // More packets than there are numbers, and contents that look like commands.
    let pieces = [&b"\x01\t2\n"[..]; 600];
    let loaded = load(client, &pieces);
    assert!(
        loaded.is_ok() || loaded.error() == Some(1366),
        "{}",
        loaded.text()
    );
    rests(proxied, 9);
    assert!(load(client, &[]).is_ok());
    rests(proxied, 10);
}

#[test]
fn commands_that_are_sent_ahead_are_answered_in_order() {
    let server = MariaDb::start();
    let mut proxied = front(&server);
    let mut client = raw(&proxied);
    let mut ahead = Vec::new();
    for number in 0..2000 {
        ahead.extend(packet(0, format!("\u{3}SELECT {number}").as_bytes()));
        ahead.extend(packet(0, &[PING]));
    }
    client.send_bytes(&ahead);
    for number in 0..2000 {
        let packets = [client.until(ends), client.until(ends)].concat();
        assert_eq!(
            packets[3].text(),
            format!("{}{number}", char::from(number.to_string().len() as u8))
        );
        assert!(client.next().expect("an answer").is_ok());
    }
    rests(&mut proxied, 2000);
}

#[test]
fn packets_of_more_than_one_frame_pass_in_both_directions() {
    let server = MariaDb::start();
    let mut proxied = front(&server);
    let mut client = raw(&proxied);
    // At the edge of a frame, one before and one behind, and more than two.
    for length in [0xff_ffff - 1, 0xff_ffff, 0xff_ffff + 1, 34_000_000] {
        let mut sql = b"SELECT '".to_vec();
        sql.resize(length - 2, b'x');
        sql.push(b'\'');
        client.command(QUERY, &sql);
        let mut packets = client.until(ends);
        packets.extend(client.until(ends));
        let [.., row, _] = &packets[..] else {
            panic!("a row")
        };
        assert!(row.body.ends_with(&vec![b'x'; length - 11]), "{length}");
    }
    rests(&mut proxied, 4);
}

/// A client that hands its bytes over one by one, KILL included.
#[test]
fn bytes_may_come_one_by_one() {
    let server = MariaDb::start();
    let mut proxied = front(&server);
    let mut client = raw(&proxied);
    for (sql, code) in [
        ("DO 1", None),
        ("KILL 2147483647", Some(1094)),
        ("USE other", None),
    ] {
        for byte in packet(0, &[&[QUERY], sql.as_bytes()].concat()) {
            client.send_bytes(&[byte]);
        }
        assert_eq!(client.next().expect("an answer").error(), code, "{sql}");
    }
    rests(&mut proxied, 3);
}
