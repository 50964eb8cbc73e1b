//! Messages that are not what they say.

use rollcall::auth::Role;

use super::*;

#[test]
fn a_frame_hidden_inside_another_is_not_run() {
    let door = Opened::plain();
    let mut client = door.client();
    let mut body = b"select 1\0".to_vec();
    body.extend(query("select 2"));
    client.send(&frame('Q', &body));
    let messages = client.until_ready();
    assert_eq!(kinds(&messages), "EZ");
    assert_eq!(messages[0].code(), "08P01");
    let mut hidden = b"\0select 1\0\0\0".to_vec();
    hidden.extend(query("select 3"));
    client.send(&[frame('P', &hidden), sync()].concat());
    let messages = client.until_ready();
    assert_eq!(
        (kinds(&messages).as_str(), messages[0].code()),
        ("EZ", "08P01")
    );
    assert_eq!(client.value("select 4"), "4");
}

#[test]
fn text_that_is_not_utf8_is_refused() {
    let door = Opened::plain();
    let mut client = door.client();
    client.send(&frame('Q', b"select '\xc3\x28'\0"));
    let messages = client.until_ready();
    assert_eq!(
        (kinds(&messages).as_str(), messages[0].code()),
        ("EZ", "22021")
    );
}

#[test]
fn a_long_frame_is_refused_before_it_is_sent() {
    let users = user("ann", "secret", Role::Admin);
    let door = Opened::new(Wanted {
        users,
        ..limits(|limits| limits.frame_bytes_max = 50_000)
    });
    let mut client = door.connect();
    client.send(&20_000u32.to_be_bytes());
    let messages = client.until_closed();
    assert_eq!(
        (kinds(&messages).as_str(), messages[0].code()),
        ("E", "08P01")
    );

    let mut client = door.connect();
    client.start(PROTOCOL_3_0, &[("user", "ann")]);
    client.message();
    client.send(b"p\x3f\xff\xff\xff");
    let messages = client.until_closed();
    assert_eq!(
        (kinds(&messages).as_str(), messages[0].code()),
        ("E", "08P01")
    );

    let mut client = door.connect();
    client.start(PROTOCOL_3_0, &[("user", "ann")]);
    assert_eq!(client.log_in("secret", None).kind, 'R');
    client.until_ready();
    assert_eq!(
        kinds(&client.query(&format!("select {}", "1 ".repeat(20_000)))),
        "EZ"
    );
    client.send(b"Q\0\0\xc3\x51");
    let messages = client.until_closed();
    assert_eq!(
        (kinds(&messages).as_str(), messages[0].code()),
        ("E", "08P01")
    );
    assert_eq!(messages[0].field('S'), Some("FATAL"));
}

#[test]
fn what_is_pipelined_behind_a_statement_is_kept() {
    let door = Opened::plain();
    let mut client = door.client();
    client.send(&[query("select 1"), query("select 2"), query("select 3")].concat());
    for expected in ["1", "2", "3"] {
        let messages = client.until_ready();
        assert_eq!(first(&messages, 'D').values(), [Some(expected.to_owned())]);
    }
}

#[test]
fn messages_that_belong_nowhere_do_no_harm() {
    let door = Opened::plain();
    let mut client = door.client();
    client.send(
        &[
            frame('d', b"x"),
            frame('c', b""),
            frame('f', b"\0"),
            query("select 1"),
        ]
        .concat(),
    );
    assert_eq!(kinds(&client.until_ready()), "TDCZ");
    client.send(&frame('F', b"\0\0\0\0"));
    let messages = client.until_ready();
    assert_eq!(
        (kinds(&messages).as_str(), messages[0].code()),
        ("EZ", "0A000")
    );
    for alien in [frame('p', b"x\0"), frame('z', b"")] {
        let mut client = door.client();
        client.send(&alien);
        let messages = client.until_closed();
        assert_eq!(
            (kinds(&messages).as_str(), messages[0].code()),
            ("E", "08P01")
        );
    }
    client.send(&frame('X', b""));
    assert_eq!(client.until_closed(), []);
}
