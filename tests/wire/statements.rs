//! Both query protocols, transactions and settings.

use super::*;

#[test]
fn the_largest_row_limit_is_only_a_number() {
    let door = Opened::plain();
    let mut client = door.client();
    for rows_max in [i32::MAX, 0, -1] {
        let batch = [
            parse("", "select * from generate_series(1, 1000)"),
            bind("", ""),
            execute("", rows_max),
            sync(),
        ];
        client.send(&batch.concat());
        let messages = client.until_ready();
        assert_eq!(
            messages
                .iter()
                .filter(|message| message.kind == 'D')
                .count(),
            1_000
        );
        assert_eq!(first(&messages, 'C').text(), "SELECT 1000");
    }
}

#[test]
fn a_result_without_end_streams_from_its_first_row() {
    let door = Opened::plain();
    let mut client = door.client();
    let sql = "select a.a from generate_series(1, 1000000) a, generate_series(1, 1000000) b";
    client.send(&[parse("", sql), bind("", ""), execute("", 0), sync()].concat());
    let messages: Vec<_> = (0..20_000).map(|_| client.message()).collect();
    assert_eq!(kinds(&messages[..3]), "12D");
    client.vanish();
    eventually("the session ends", || door.registry.is_empty());
}

#[test]
fn a_portal_goes_on_where_it_was_suspended() {
    let door = Opened::plain();
    let mut client = door.client();
    let sql = "select generate_series from generate_series(1, 5)";
    let batch = [
        query("begin"),
        parse("five", sql),
        bind("p", "five"),
        describe('P', "p"),
        execute("p", 2),
        execute("p", 2),
        sync(),
    ];
    client.send(&batch.concat());
    client.until_ready();
    let messages = client.until_ready();
    assert_eq!(kinds(&messages), "12TDDsDDsZ");
    assert_eq!(messages[9].body, b"T");
    client.send(&[execute("p", 2), sync(), execute("p", 2), sync()].concat());
    let messages = client.until_ready();
    assert_eq!(kinds(&messages), "DCZ");
    assert_eq!(messages[0].values(), [Some("5".to_owned())]);
    assert_eq!(messages[1].text(), "SELECT 1");
    assert_eq!(kinds(&client.until_ready()), "CZ");

    // A portal does not outlive its transaction.
    client.send(&[bind("q", "five"), query("commit"), execute("q", 0), sync()].concat());
    let messages = [client.until_ready(), client.until_ready()].concat();
    assert_eq!(kinds(&messages), "2CZEZ");
    assert_eq!(messages[3].code(), "34000");
}

#[test]
fn after_an_error_everything_up_to_sync_is_skipped() {
    let door = Opened::plain();
    let mut client = door.client();
    let batch = [
        parse("", "select no_such_column from sessions"),
        bind("", ""),
        execute("", 0),
        query("select 'skipped'"),
        frame('H', b""),
        sync(),
        query("select 'run'"),
    ];
    client.send(&batch.concat());
    let messages = client.until_ready();
    assert_eq!(
        (kinds(&messages).as_str(), messages[0].code()),
        ("EZ", "42703")
    );
    let messages = client.until_ready();
    assert_eq!(first(&messages, 'D').values(), [Some("run".to_owned())]);
}

#[test]
fn an_error_is_told_before_sync() {
    let door = Opened::plain();
    let mut client = door.client();
    let batch = [
        parse("", "select no_such_column from sessions"),
        describe('S', ""),
        frame('H', b""),
    ];
    client.send(&batch.concat());
    assert_eq!(client.message().code(), "42703");
    client.send(&sync());
    assert_eq!(kinds(&client.until_ready()), "Z");
}

#[test]
fn names_of_statements_and_portals_are_checked() {
    let door = Opened::plain();
    let mut client = door.client();
    let mut code = |messages: Vec<Vec<u8>>| {
        client.send(&[messages.concat(), sync()].concat());
        first(&client.until_ready(), 'E').code().to_owned()
    };
    assert_eq!(
        code(vec![parse("s", "select 1"), parse("s", "select 1")]),
        "42P05"
    );
    assert_eq!(code(vec![bind("", "none")]), "26000");
    assert_eq!(code(vec![bind("", "")]), "26000");
    assert_eq!(code(vec![describe('S', "none")]), "26000");
    assert_eq!(code(vec![describe('P', "none")]), "34000");
    assert_eq!(code(vec![execute("none", 0)]), "34000");
    assert_eq!(code(vec![parse("", "select 1; select 2")]), "42601");
    assert_eq!(code(vec![bind_text("", "s", &["1"])]), "08P01");
    assert_eq!(code(vec![bind("p", "s"), bind("p", "s")]), "42P03");
    client.send(&[frame('C', b"Snone\0"), frame('C', b"Pnone\0"), sync()].concat());
    assert_eq!(kinds(&client.until_ready()), "33Z");
}

#[test]
fn parameters_are_described_and_bound() {
    let door = Opened::plain();
    let mut client = door.client();
    let sql = "select id from sessions where service = $1 and id >= $2";
    client.send(&[parse("s", sql), describe('S', "s"), sync()].concat());
    let messages = client.until_ready();
    assert_eq!(kinds(&messages), "1tTZ");
    assert_eq!(messages[1].body, b"\0\x02\0\0\0\x19\0\0\0\x14");
    client.send(
        &[
            bind_text("", "s", &["catalog", "1"]),
            execute("", 0),
            sync(),
        ]
        .concat(),
    );
    let messages = client.until_ready();
    assert_eq!(kinds(&messages), "2DCZ");
    assert_eq!(messages[1].values(), [Some(client.process.to_string())]);
    client.send(&[bind_text("", "s", &["catalog", "x"]), sync()].concat());
    assert_eq!(first(&client.until_ready(), 'E').code(), "22P02");
}

#[test]
fn statements_of_one_text_stand_and_fall_together() {
    let door = Opened::plain();
    let mut client = door.client();
    let messages = client.query("select 1; select 2 as two; ;");
    assert_eq!(kinds(&messages), "TDCTDCZ");
    assert_eq!(kinds(&client.query(" ; ")), "IZ");
    let messages = client.query("set timezone = 'Asia/Tokyo'; select 1/0; select 3");
    assert_eq!(kinds(&messages).replace('T', ""), "CEZ");
    assert_eq!(first(&messages, 'E').code(), "22012");
    assert_eq!(client.value("show timezone"), "UTC");
    let messages = client.query("select 1; selec 2");
    assert_eq!(
        (kinds(&messages).as_str(), messages[0].code()),
        ("EZ", "42601")
    );
    assert_eq!(messages[0].field('P'), Some("11"));
}

#[test]
fn a_failed_transaction_stays_failed_until_it_ends() {
    let door = Opened::plain();
    let mut client = door.client();
    let status = |messages: &[Message]| char::from(messages.last().expect("an end").body[0]);
    let session = door.registry.get(client.session()).expect("a session");
    assert_eq!(status(&client.query("begin")), 'T');
    assert!(session.live().in_transaction());
    let again = client.query("begin");
    assert_eq!((kinds(&again).as_str(), again[0].code()), ("NCZ", "25001"));
    assert_eq!(kinds(&client.query("set timezone = 'Asia/Tokyo'")), "CSZ");
    assert_eq!(client.value("show timezone"), "Asia/Tokyo");
    assert_eq!(
        status(&client.query("select no_such_column from sessions")),
        'E'
    );
    let refused = client.query("select 1");
    assert_eq!(
        (kinds(&refused).as_str(), refused[0].code()),
        ("EZ", "25P02")
    );
    client.send(&[parse("", "select 1"), sync()].concat());
    assert_eq!(first(&client.until_ready(), 'E').code(), "25P02");
    let ended = client.query("commit");
    assert_eq!(
        (kinds(&ended).as_str(), ended[0].text()),
        ("CSZ", "ROLLBACK")
    );
    assert_eq!(client.value("show timezone"), "UTC");
    assert!(!session.live().in_transaction());
    let outside = client.query("commit");
    assert_eq!(
        (kinds(&outside).as_str(), outside[0].code()),
        ("NCZ", "25P01")
    );

    client.query("begin; savepoint a");
    assert_eq!(status(&client.query("select 1/0")), 'E');
    assert_eq!(status(&client.query("rollback to a")), 'T');
    assert_eq!(client.value("select 5"), "5");
    assert_eq!(status(&client.query("rollback")), 'I');
}

#[test]
fn what_one_client_sets_is_its_own() {
    let door = Opened::plain();
    let (mut one, mut other) = (door.client(), door.client());
    assert_eq!(kinds(&one.query("set timezone = 'Asia/Tokyo'")), "CSZ");
    assert_eq!(
        one.value("select timestamptz '2024-01-01 00:00:00+00'"),
        "2024-01-01 09:00:00+09"
    );
    assert_eq!(other.value("show timezone"), "UTC");
    one.query("set application_name = 'renamed'");
    let sql = format!(
        "select application_name from sessions where id = {}",
        one.process
    );
    assert_eq!(other.value(&sql), "renamed");
    assert_eq!(first(&one.query("set no_such = 1"), 'E').code(), "42704");
    assert_eq!(
        first(&one.query("set client_encoding = 'EBCDIC'"), 'E').code(),
        "22023"
    );
    let all = one.query("show all");
    assert!(all.iter().filter(|message| message.kind == 'D').count() > 40);
    one.send(
        &[
            parse("", "show timezone"),
            describe('S', ""),
            bind("", ""),
            execute("", 0),
            sync(),
        ]
        .concat(),
    );
    assert_eq!(kinds(&one.until_ready()), "1tT2DCZ");
}

#[test]
fn a_series_between_constants_is_never_a_list() {
    let door = Opened::plain();
    let mut client = door.client();
    // As a list it would be longer than a list may be.
    let sql = "select count(*), min(n), max(n) from generate_series(-1 + 2, (3000 * 3000)::bigint, (1)) n";
    let row = first(&client.query(sql), 'D').values();
    let row: Vec<&str> = row.iter().flatten().map(String::as_str).collect();
    assert_eq!(row, ["9000000", "1", "9000000"]);
    for (bounds, count) in [
        ("5, 1 * 3, -1", "3"),
        ("1, 0", "0"),
        ("9223372036854775806, 9223372036854775806 + 1", "2"),
    ] {
        let sql = format!("select count(*) from generate_series({bounds})");
        assert_eq!(client.value(&sql), count, "{bounds}");
    }
}

#[test]
fn a_portal_acts_on_as_many_rows_as_are_fetched() {
    let door = Opened::plain();
    let victims: Vec<_> = (0..3).map(|_| door.client()).collect();
    let mut client = door.client();
    let sql = format!(
        "select kill_session(id) from sessions where id <> {} order by id",
        client.process
    );
    client.send(
        &[
            query("begin"),
            parse("k", &sql),
            describe('S', "k"),
            bind("p", "k"),
            execute("p", 2),
            sync(),
        ]
        .concat(),
    );
    client.until_ready();
    assert_eq!(kinds(&client.until_ready()), "1tT2DDsZ");
    eventually("two are gone", || door.registry.len() == 2);
    assert!(door.registry.get(victims[2].session()).is_some());
    client.query("rollback");
    assert!(door.registry.get(victims[2].session()).is_some());
}

#[test]
fn a_statement_too_deep_for_the_stack_is_only_refused() {
    let door = Opened::plain();
    let mut client = door.client();
    let deep = format!("select {}1{}", "(".repeat(100_000), ")".repeat(100_000));
    assert_eq!(first(&client.query(&deep), 'E').code(), "54001");
    let union = vec!["select 1"; 10_000].join(" union all ");
    assert_eq!(first(&client.query(&union), 'E').code(), "54001");
    let list = (0..10_000)
        .map(|n| n.to_string())
        .collect::<Vec<_>>()
        .join(",");
    assert_eq!(
        client.value(&format!(
            "select count(*) from sessions where id in ({list})"
        )),
        "1"
    );
}
