//! Prepared statements of SQL, and the settings of a client.

use super::*;

fn answer(client: &mut Client, sql: &str) -> String {
    let messages = client.query(sql);
    if let Some(error) = messages.iter().find(|message| message.kind == 'E') {
        return error.code().to_owned();
    }
    match messages.iter().find(|message| message.kind == 'D') {
        Some(row) => row.values()[0].clone().unwrap_or("null".to_owned()),
        None => first(&messages, 'C').text().to_owned(),
    }
}

#[test]
fn a_statement_is_prepared_run_and_forgotten_by_sql() {
    let door = Opened::plain();
    let mut client = door.client();
    for (sql, expected) in [
        ("prepare one as select 1", "PREPARE"),
        ("prepare one as select 2", "42P05"),
        ("execute one", "1"),
        ("prepare plus(int) as select $1 + 1", "PREPARE"),
        ("execute plus", "42601"),
        ("execute plus(1, 2)", "42601"),
        ("execute plus(5)", "6"),
        ("execute plus('7')", "8"),
        ("execute plus(-7)", "-6"),
        ("execute plus(1.6)", "3"),
        ("execute plus(null)", "null"),
        ("execute plus(2 + 3)", "6"),
        ("execute plus(length('abc'))", "4"),
        ("execute plus('x')", "22P02"),
        ("execute plus(true)", "42804"),
        ("execute plus(current_date)", "42804"),
        ("execute plus((select 4))", "0A000"),
        ("execute nothing", "26000"),
        ("prepare wrong(foo) as select 1", "42704"),
        ("prepare wrong as show all", "42601"),
        ("prepare wrong as delete from sessions", "25006"),
        ("deallocate nothing", "26000"),
        ("deallocate plus", "DEALLOCATE"),
        ("execute plus(1)", "26000"),
        ("deallocate all", "DEALLOCATE ALL"),
        ("execute one", "26000"),
    ] {
        assert_eq!(answer(&mut client, sql), expected, "{sql}");
    }
    client.query("prepare plus(int) as select $1 + 1");
    let messages = client.query("execute plus(1, 2)");
    let error = first(&messages, 'E');
    assert_eq!(error.field('D'), Some("Expected 1 parameters but got 2."));
}

#[test]
fn statements_of_both_protocols_share_their_names() {
    let door = Opened::plain();
    let mut client = door.client();
    client.query("prepare p(text) as select $1 as x");
    let batch = [
        describe('S', "p"),
        bind_text("", "p", &["a"]),
        execute("", 0),
        parse("q", "select $1::int4"),
        parse("e", "execute p('b')"),
        describe('S', "e"),
        bind("", "e"),
        execute("", 0),
        sync(),
    ];
    client.send(&batch.concat());
    let messages = client.until_ready();
    assert_eq!(kinds(&messages), "tT2DC11tT2DCZ");
    assert_eq!(messages[3].values(), [Some("a".to_owned())]);
    assert_eq!(messages[10].values(), [Some("b".to_owned())]);
    assert_eq!(messages[11].text(), "SELECT 1");
    assert_eq!(answer(&mut client, "execute q(3)"), "3");
    assert_eq!(answer(&mut client, "deallocate q"), "DEALLOCATE");
    client.send(&[bind("", "q"), sync()].concat());
    assert_eq!(first(&client.until_ready(), 'E').code(), "26000");
    assert_eq!(answer(&mut client, "discard all"), "DISCARD ALL");
    assert_eq!(answer(&mut client, "execute p('c')"), "26000");
}

#[test]
fn settings_are_read_and_set_by_queries() {
    let door = Opened::plain();
    let mut client = door.client();
    let set = "select set_config('application_name', 'me', false)";
    let messages = client.query(set);
    assert_eq!(first(&messages, 'S').body, b"application_name\0me\0");
    assert_eq!(
        answer(&mut client, "select application_name from sessions"),
        "me"
    );
    for (sql, expected) in [
        ("select current_setting('server_version_num')", "150000"),
        ("select current_setting('my.own')", "42704"),
        ("select current_setting('my.own', true)", "null"),
        ("set my.own = 'x'", "SET"),
        ("select current_setting('my.own')", "x"),
        ("begin", "BEGIN"),
        ("select set_config('my.own', 'y', true)", "y"),
        ("show my.own", "y"),
        ("commit", "COMMIT"),
        ("select current_setting('my.own')", "x"),
        ("begin", "BEGIN"),
        (
            "select set_config('timezone', 'Asia/Tokyo', false)",
            "Asia/Tokyo",
        ),
        ("rollback", "ROLLBACK"),
        ("show timezone", "UTC"),
        (
            "select set_config('statement_timeout', '5 parsecs', false)",
            "22023",
        ),
        ("select set_config('nothing', '', false)", "42704"),
        ("reset all", "RESET"),
        ("show application_name", ""),
    ] {
        assert_eq!(answer(&mut client, sql), expected, "{sql}");
    }
    // A prepared statement sees what holds when it runs.
    client.query("prepare p as select current_setting('work_mem')");
    assert_eq!(answer(&mut client, "execute p"), "4MB");
    client.query("set work_mem = '8192'");
    assert_eq!(answer(&mut client, "execute p"), "8MB");
    let mut other = door.client();
    assert_eq!(
        answer(&mut other, "select current_setting('work_mem')"),
        "4MB"
    );
}

#[test]
fn the_largest_number_of_parameters_can_be_bound() {
    let door = Opened::plain();
    let mut client = door.client();
    // Nothing says of which types they are but the client.
    let (count, int4) = (u16::MAX.to_be_bytes(), 23_u32.to_be_bytes());
    let types = int4.repeat(usize::from(u16::MAX));
    let sql = b"\0select $65535 is null\0";
    let body = [&sql[..], &count, &types].concat();
    client.send(&[frame('P', &body), sync()].concat());
    let messages = client.until_ready();
    assert_eq!(kinds(&messages), "1Z", "{messages:?}");
    let mut body = b"\0\0\0\0\xff\xff".to_vec();
    for _ in 0..65_535 {
        body.extend(b"\0\0\0\x011");
    }
    body.extend(b"\0\0");
    client.send(&[frame('B', &body), execute("", 0), sync()].concat());
    let messages = client.until_ready();
    assert_eq!(kinds(&messages), "2DCZ", "{:?}", messages[0]);
}

#[test]
fn a_statement_of_a_million_bytes_is_answered() {
    let door = Opened::plain();
    let mut client = door.client();
    let sql = format!("select length('{}')", "é".repeat(500_000));
    assert_eq!(client.value(&sql), "500000");
    client.send(&[parse("", &sql), bind("", ""), execute("", 0), sync()].concat());
    assert_eq!(kinds(&client.until_ready()), "12DCZ");
}
