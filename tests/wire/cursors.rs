//! Cursors of SQL, over both protocols.

use super::*;

/// The first values of the rows, and the tag.
fn fetched(messages: &[Message]) -> (Vec<String>, String) {
    if let Some(error) = messages.iter().find(|message| message.kind == 'E') {
        return (Vec::new(), error.code().to_owned());
    }
    let rows = messages.iter().filter(|message| message.kind == 'D');
    let rows = rows.map(|row| row.values()[0].clone().expect("a value"));
    (rows.collect(), first(messages, 'C').text().to_owned())
}

fn ask(client: &mut Client, sql: &str) -> (Vec<String>, String) {
    fetched(&client.query(sql))
}

const FIVE: &str = "select generate_series from generate_series(1, 5)";

#[test]
fn a_cursor_is_read_in_every_direction() {
    let door = Opened::plain();
    let mut client = door.client();
    client.query("begin");
    client.query(&format!("declare c scroll cursor for {FIVE}"));
    for (sql, rows, count) in [
        ("fetch c", "1", 1),
        ("fetch 2 from c", "2 3", 2),
        ("fetch prior from c", "2", 1),
        ("fetch relative 0 in c", "2", 1),
        ("fetch 0 c", "2", 1),
        ("fetch last c", "5", 1),
        ("fetch next c", "", 0),
        ("fetch backward 2 c", "5 4", 2),
        ("fetch first c", "1", 1),
        ("fetch backward all c", "", 0),
        ("fetch forward all c", "1 2 3 4 5", 5),
        ("fetch backward all in c", "5 4 3 2 1", 5),
        ("fetch absolute 3 from c", "3", 1),
        ("fetch absolute -2 c", "4", 1),
        ("fetch relative -2 c", "2", 1),
        ("fetch absolute 9 c", "", 0),
        ("fetch absolute 0 c", "", 0),
        ("fetch -1 c", "", 0),
        ("fetch all c", "1 2 3 4 5", 5),
    ] {
        let rows: Vec<_> = rows.split_whitespace().map(str::to_owned).collect();
        assert_eq!(
            ask(&mut client, sql),
            (rows, format!("FETCH {count}")),
            "{sql}"
        );
    }
    assert_eq!(ask(&mut client, "move backward 3 c").1, "MOVE 3");
    assert_eq!(ask(&mut client, "fetch c").0, ["4"]);
    assert_eq!(ask(&mut client, "close c").1, "CLOSE CURSOR");
    assert_eq!(ask(&mut client, "fetch c").1, "34000");
}

#[test]
fn a_cursor_that_only_goes_forward_says_so() {
    let door = Opened::plain();
    let mut client = door.client();
    let mut script = |sql: &[&str]| {
        client.query("begin");
        let last = sql.iter().map(|sql| ask(&mut client, sql)).last();
        client.query("rollback");
        last.expect("some statement")
    };
    let declare = format!("declare c no scroll cursor for {FIVE}");
    for back in [
        "fetch prior c",
        "fetch first c",
        "fetch 0 c",
        "fetch last c",
    ] {
        assert_eq!(script(&[&declare, "fetch 2 c", back]).1, "55000", "{back}");
    }
    assert_eq!(script(&[&declare, "fetch absolute 4 c"]).0, ["4"]);
    assert_eq!(script(&[&declare, "move 0 c"]).1, "MOVE 0");
    assert_eq!(script(&[&declare, "move 2 c", "move 0 c"]).1, "MOVE 1");
    // Without a word about it, a cursor goes back as long as that is cheap.
    let declare = format!("declare c cursor for {FIVE}");
    assert_eq!(script(&[&declare, "fetch 2 c", "fetch prior c"]).0, ["1"]);
    let long = "declare c cursor for select generate_series from generate_series(1, 1000000)";
    assert_eq!(script(&[long, "move 900000 c", "fetch c"]).0, ["900001"]);
    assert_eq!(script(&[long, "move 900000 c", "fetch prior c"]).1, "55000");
    let kept = "declare c scroll cursor for select generate_series, repeat('x', 500) from generate_series(1, 1000000)";
    assert_eq!(script(&[kept, "move all c"]).1, "53400");
}

#[test]
fn cursors_live_as_long_as_their_transaction_unless_they_are_held() {
    let door = Opened::plain();
    let mut client = door.client();
    let mut code = |sql: &str| ask(&mut client, sql).1;
    assert_eq!(code("declare c cursor for select 1"), "25P01");
    assert_eq!(code("fetch c"), "34000");
    // Several statements in one message are a transaction.
    assert_eq!(
        code("declare c cursor for select 1; fetch c; close c"),
        "DECLARE CURSOR"
    );

    code("begin");
    assert_eq!(
        code(&format!("declare a cursor for {FIVE}")),
        "DECLARE CURSOR"
    );
    assert_eq!(
        code(&format!("declare h cursor with hold for {FIVE}")),
        "DECLARE CURSOR"
    );
    code("fetch 2 h");
    code("savepoint s");
    code(&format!("declare b cursor with hold for {FIVE}"));
    assert_eq!(code("declare a cursor for select 1"), "42P03");
    assert_eq!(code("fetch a"), "25P02");
    code("rollback to s");
    assert_eq!(code("fetch b"), "34000");
    code("rollback to s");
    assert_eq!(code("fetch a"), "FETCH 1");
    code("commit");
    assert_eq!(code("fetch a"), "34000");
    assert_eq!(code("fetch h"), "FETCH 1");
    code("begin");
    code("declare r cursor with hold for select 1");
    assert_eq!(code("fetch h"), "FETCH 1");
    code("rollback");
    assert_eq!(code("fetch r"), "34000");
    assert_eq!(ask(&mut client, "fetch h").0, ["5"]);
    assert_eq!(ask(&mut client, "close all").1, "CLOSE CURSOR ALL");
    assert_eq!(ask(&mut client, "fetch h").1, "34000");
}

#[test]
fn fetch_by_the_extended_protocol_is_described_and_sent_in_the_formats_of_bind() {
    let door = Opened::plain();
    let mut client = door.client();
    client.query("begin");
    let declare = "declare c scroll cursor for select generate_series::int4 as n from generate_series(1, 9) where generate_series <= $1";
    client.send(
        &[
            parse("", declare),
            bind_text("", "", &["5"]),
            execute("", 0),
            sync(),
        ]
        .concat(),
    );
    assert_eq!(kinds(&client.until_ready()), "12CZ");
    let batch = [
        parse("f", "fetch 3 from c"),
        describe('S', "f"),
        bind("p", "f"),
        describe('P', "p"),
        execute("p", 2),
        execute("p", 0),
        sync(),
    ];
    client.send(&batch.concat());
    let messages = client.until_ready();
    assert_eq!(kinds(&messages), "1tT2TDDsDCZ");
    assert!(messages[2].body.starts_with(b"\0\x01n\0"), "{messages:?}");
    assert_eq!(first(&messages, 'C').text(), "FETCH 3");
    let binary = [0, 0, 0, 1, 0, 1];
    let bound = frame(
        'B',
        &[&b"\0f\0"[..], &binary[..0], &[0, 0, 0, 0, 0, 1, 0, 1]].concat(),
    );
    client.send(&[bound, execute("", 0), sync()].concat());
    let messages = client.until_ready();
    assert_eq!(kinds(&messages), "2DDCZ");
    assert_eq!(messages[1].body, b"\0\x01\0\0\0\x04\0\0\0\x04");
    // MOVE has no rows to describe.
    client.send(&[parse("m", "move first in c"), describe('S', "m"), sync()].concat());
    assert_eq!(kinds(&client.until_ready()), "1tnZ");
}

#[test]
fn portals_of_both_protocols_share_their_names() {
    let door = Opened::plain();
    let mut client = door.client();
    client.query("begin");
    client.send(&[parse("s", FIVE), bind("p", "s"), execute("p", 2), sync()].concat());
    assert_eq!(kinds(&client.until_ready()), "12DDsZ");
    assert_eq!(ask(&mut client, "fetch 2 from p").0, ["3", "4"]);
    assert_eq!(ask(&mut client, "declare p cursor for select 1").1, "42P03");
    client.query("rollback; begin");
    client.query(&format!("declare c binary cursor for {FIVE}"));
    client.send(&[execute("c", 2), sync()].concat());
    assert_eq!(kinds(&client.until_ready()), "DDsZ");
    let messages = client.query("fetch c");
    assert_eq!(first(&messages, 'D').body, b"\0\x01\0\0\0\x04\0\0\0\x03");
    client.send(&[frame('C', b"Pc\0"), sync()].concat());
    client.until_ready();
    assert_eq!(ask(&mut client, "fetch c").1, "34000");
}
