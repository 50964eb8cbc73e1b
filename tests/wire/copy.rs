//! COPY … TO STDOUT in both protocols.

use super::*;

/// The contents of CopyData messages.
fn data(messages: &[Message]) -> Vec<u8> {
    let data = messages.iter().filter(|message| message.kind == 'd');
    data.flat_map(|message| message.body.clone()).collect()
}

fn text(client: &mut Client, sql: &str) -> String {
    let messages = client.query(sql);
    String::from_utf8(data(&messages)).unwrap_or_else(|_| panic!("{messages:?}"))
}

const ROWS: &str =
    "(values (1, 'a,b', true), (2, null, false), (3, E'x\\ty\\\\', null)) t(n, s, b)";

#[test]
fn rows_are_copied_in_the_three_formats() {
    let door = Opened::plain();
    let mut client = door.client();
    let messages = client.query(&format!("copy (select * from {ROWS}) to stdout"));
    assert_eq!(kinds(&messages), "HdddcCZ");
    assert_eq!(messages[0].body, b"\0\0\x03\0\0\0\0\0\0");
    assert_eq!(first(&messages, 'C').text(), "COPY 3");
    assert_eq!(
        data(&messages),
        b"1\ta,b\tt\n2\t\\N\tf\n3\tx\\ty\\\\\t\\N\n"
    );

    let csv = format!("copy (select * from {ROWS}) to stdout with csv header force quote b");
    let expected = "n,s,b\n1,\"a,b\",\"t\"\n2,,\"f\"\n3,x\ty\\,\n";
    assert_eq!(text(&mut client, &csv), expected);
    let options = "(format csv, delimiter ';', null 'NULL', header false)";
    let csv = format!("copy (select * from {ROWS}) to stdout {options}");
    assert_eq!(
        text(&mut client, &csv),
        "1;a,b;t\n2;NULL;f\n3;x\ty\\;NULL\n"
    );

    let messages = client.query("copy (select 7::int4, 'x', null) to stdout binary");
    assert_eq!(messages[0].body, b"\x01\0\x03\0\x01\0\x01\0\x01");
    let row = b"\0\x03\0\0\0\x04\0\0\0\x07\0\0\0\x01x\xff\xff\xff\xff";
    let header = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
    assert_eq!(messages[1].body, [&header[..], row].concat());
    assert_eq!(messages[2].body, b"\xff\xff");
    let messages = client.query("copy (select 1 where false) to stdout (format binary)");
    assert_eq!(kinds(&messages), "HdcCZ");
    assert_eq!(messages[1].body, [&header[..], b"\xff\xff"].concat());
}

#[test]
fn a_table_is_copied_whole_or_by_columns() {
    let door = Opened::plain();
    let mut client = door.client();
    let row = text(&mut client, "copy sessions (service, id) to stdout");
    assert_eq!(row, format!("catalog\t{}\n", client.process));
    let header = text(
        &mut client,
        "copy public.sessions to stdout (format csv, header)",
    );
    assert!(header.starts_with("id,service,"), "{header}");
    let code = |client: &mut Client, sql: &str| first(&client.query(sql), 'E').code().to_owned();
    for (sql, expected) in [
        ("copy sessions (id, id) to stdout", "42701"),
        ("copy sessions (nothing) to stdout", "42703"),
        ("copy nothing to stdout", "42P01"),
        (
            "copy sessions to stdout (format csv, force_quote (x))",
            "42703",
        ),
        ("copy sessions to stdout (delimiter 'ab')", "0A000"),
        ("copy sessions to stdout (format xml)", "22023"),
        ("copy sessions to stdout (format csv, format csv)", "42601"),
        ("copy sessions to '/tmp/x'", "42501"),
        ("copy sessions to program 'true'", "42501"),
        ("copy sessions from '/tmp/x'", "42501"),
        ("copy sessions from stdin", "25006"),
        ("copy (delete from sessions) to stdout", "25006"),
        ("copy (select $1) to stdout", "42P02"),
    ] {
        assert_eq!(code(&mut client, sql), expected, "{sql}");
    }
}

#[test]
fn a_copy_by_the_extended_protocol_runs_to_its_end() {
    let door = Opened::plain();
    let mut client = door.client();
    let sql = "copy (select * from generate_series(1, 1000)) to stdout";
    let batch = [
        parse("", sql),
        describe('S', ""),
        bind("", ""),
        describe('P', ""),
        execute("", 5),
        execute("", 0),
        sync(),
    ];
    client.send(&batch.concat());
    let messages = client.until_ready();
    assert!(kinds(&messages).starts_with("1tn2nHddd"));
    assert_eq!(first(&messages, 'C').text(), "COPY 1000");
    // It cannot run a second time.
    assert_eq!(first(&messages, 'E').code(), "55000");
}

#[test]
fn a_copy_that_fails_midway_says_so() {
    let door = Opened::plain();
    let mut client = door.client();
    let sql =
        "copy (select 1 / (100000 - generate_series) from generate_series(1, 200000)) to stdout";
    let messages = client.query(sql);
    assert_eq!(first(&messages, 'E').code(), "22012");
    assert!(kinds(&messages).starts_with('H') && !kinds(&messages).contains('c'));
    assert_eq!(client.value("select 'there'"), "there");
    client.send(&query("copy sessions from stdin"));
    assert_eq!(kinds(&client.until_ready()), "EZ");
}
