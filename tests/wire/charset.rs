//! Clients that do not speak UTF-8.

use super::*;

/// A client that speaks LATIN1 from the start.
fn latin1(door: &Opened) -> Client {
    let mut client = door.connect();
    let parameters = [("user", "ann"), ("client_encoding", "iso-8859-1")];
    client.start(PROTOCOL_3_0, &parameters);
    let messages = client.until_ready();
    let told = messages
        .iter()
        .any(|m| m.body == b"client_encoding\0LATIN1\0");
    assert!(told, "{messages:?}");
    client
}

/// The only value of the only row, as it is.
fn raw(messages: &[Message]) -> Vec<u8> {
    let row = &first(messages, 'D').body;
    // Number of columns, length of the value.
    row[6..].to_vec()
}

#[test]
fn texts_are_in_the_clients_character_set_both_ways() {
    let door = Opened::plain();
    let mut client = latin1(&door);
    client.send(&frame('Q', b"select 'gr\xfcn' as \"gr\xf6\xdfe\"\0"));
    let messages = client.until_ready();
    assert_eq!(raw(&messages), b"gr\xfcn");
    let described = &first(&messages, 'T').body;
    assert!(described[2..].starts_with(b"gr\xf6\xdfe\0\0\0\0\0"));
    assert_eq!(client.value("select pg_client_encoding()"), "LATIN1");

    // The length of a text is that of its characters, and an array's elements are texts.
    client.send(&frame('Q', b"select length('\xfc'), array['\xfc', null]\0"));
    let row = first(&client.until_ready(), 'D').body.clone();
    assert!(row.ends_with(b"\0\0\0\x08{\xfc,NULL}"), "{row:?}");

    client.send(&frame(
        'Q',
        b"copy (select '\xfc' as \"\xe4\", 1) to stdout (format csv, header)\0",
    ));
    let copied: Vec<Vec<u8>> = client
        .until_ready()
        .into_iter()
        .filter(|m| m.kind == 'd')
        .map(|m| m.body)
        .collect();
    assert_eq!(copied, [&b"\xe4,?column?\n"[..], b"\xfc,1\n"]);

    client.send(&frame('Q', b"select no_\xfc\0"));
    let error = &first(&client.until_ready(), 'E').body.clone();
    assert!(
        error.windows(6).any(|part| part == b"\"no_\xfc\""),
        "{}",
        error.escape_ascii()
    );
}

#[test]
fn parameters_and_binary_results_are_too() {
    let door = Opened::plain();
    let mut client = latin1(&door);
    let (text, binary) = (b"\0\0", b"\0\x01");
    for (sql, format, value, result) in [
        ("select $1::text", text, &b"\xfc"[..], &b"\xfc"[..]),
        ("select $1::text", binary, b"\xfc", b"\xfc"),
        (
            "select $1::text[]",
            binary,
            b"\0\0\0\x01\0\0\0\0\0\0\0\x19\0\0\0\x02\0\0\0\x01\0\0\0\x01\xfc\0\0\0\x01a",
            b"\0\0\0\x01\0\0\0\0\0\0\0\x19\0\0\0\x02\0\0\0\x01\0\0\0\x01\xfc\0\0\0\x01a",
        ),
        ("select upper($1::text)", text, b"\xfc", b"\xdc"),
        // What is no text has no character set.
        ("select $1::int", binary, b"\0\0\0\xfc", b"\0\0\0\xfc"),
    ] {
        let length = (value.len() as u32).to_be_bytes();
        let bound = [
            &b"\0\0\0\x01"[..],
            format,
            b"\0\x01",
            &length,
            value,
            b"\0\x01\0\x01",
        ];
        let messages = [
            parse("", sql),
            frame('B', &bound.concat()),
            execute("", 0),
            sync(),
        ];
        client.send(&messages.concat());
        assert_eq!(raw(&client.until_ready()), result, "{sql}");
    }
}

#[test]
fn what_a_character_set_has_not_is_an_error() {
    let door = Opened::plain();
    let mut client = latin1(&door);
    let messages = client.query("select '1 ' || chr(8364)");
    let error = first(&messages, 'E');
    assert_eq!(error.code(), "22P05");
    assert_eq!(
        error.field('M'),
        Some(
            "character with byte sequence 0xe2 0x82 0xac in encoding \"UTF8\" has no equivalent in encoding \"LATIN1\""
        )
    );
    assert_eq!(client.value("select 1"), "1");
    assert_eq!(kinds(&client.query("set client_encoding to 'sjis'")), "CSZ");
    client.send(&frame('Q', b"select '\x8a\xbf\x8e\x9a\x95\x5c'\0"));
    assert_eq!(raw(&client.until_ready()), b"\x8a\xbf\x8e\x9a\x95\x5c");
    client.send(&frame('Q', b"select '\x8a'\0"));
    assert_eq!(first(&client.until_ready(), 'E').code(), "22021");
    // One client's is not another's.
    let mut other = door.client();
    assert_eq!(other.value("show client_encoding"), "UTF8");
    assert_eq!(other.value("select 'ü'"), "ü");
    // As it is.
    assert_eq!(kinds(&client.query("set names 'SQL_ASCII'")), "CSZ");
    assert_eq!(client.value("select 'ü'"), "ü");
}
