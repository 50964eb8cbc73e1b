//! What stops a statement and what ends a client.

use rollcall::session::KillReason;

use super::*;

#[test]
fn a_cancel_stops_a_statement_that_never_yields() {
    let door = Opened::new(limits(|limits| limits.connections_max = 1));
    for version in [PROTOCOL_3_0, PROTOCOL_3_2] {
        let mut client = door.connect();
        client.start(version, &[("user", "ann")]);
        client.until_ready();
        client.send(&query(ENDLESS));
        wait_until_busy(&door, &client);
        let key = [&client.process.to_be_bytes()[..], &client.secret].concat();
        // Neither another's key nor the limit of connections is in its way.
        let mut wrong = key.clone();
        wrong[5] ^= 1;
        for key in [wrong, key] {
            let mut canceller = door.connect();
            canceller.send(&packet(CANCEL_REQUEST, &key));
            assert_eq!(canceller.next(), None);
        }
        let messages = client.until_ready();
        let error = first(&messages, 'E');
        assert_eq!(
            (error.code(), error.field('M')),
            ("57014", Some("canceling statement due to user request"))
        );
        assert_eq!(client.value("select 1"), "1");
        client.vanish();
        eventually("the place is free", || door.registry.is_empty());
    }
}

#[test]
fn a_statement_ends_at_its_timeout_in_both_protocols() {
    let door = Opened::plain();
    let mut client = door.client();
    client.query("set statement_timeout = '100ms'");
    let messages = client.query(ENDLESS);
    let error = first(&messages, 'E');
    assert_eq!(
        (error.code(), error.field('M')),
        (
            "57014",
            Some("canceling statement due to statement timeout")
        )
    );
    client.send(&[parse("", ENDLESS), bind("", ""), execute("", 0), sync()].concat());
    assert_eq!(first(&client.until_ready(), 'E').code(), "57014");
    assert_eq!(client.value("select 1"), "1");
}

#[test]
fn a_statement_does_not_outlive_its_client() {
    let door = Opened::plain();
    let mut client = door.client();
    client.send(&query(ENDLESS));
    wait_until_busy(&door, &client);
    client.vanish();
    eventually("the session ends", || door.registry.is_empty());

    // More than is read ahead hides the end of the stream; it is less than the socket takes besides, or the end would
    // not even have arrived.
    let mut client = door.client();
    client.send(&query(ENDLESS));
    wait_until_busy(&door, &client);
    client.send(&query("select 1").repeat(5_200));
    client.vanish();
    eventually("the session ends", || door.registry.is_empty());
}

#[test]
fn a_killed_client_is_told_so() {
    let door = Opened::plain();
    let mut idle = door.client();
    let mut busy = door.client();
    busy.send(&query(ENDLESS));
    wait_until_busy(&door, &busy);
    for client in [&mut idle, &mut busy] {
        let session = door.registry.get(client.session()).expect("a session");
        assert!(session.kill(KillReason::Administrator));
        let messages = client.until_closed();
        let last = messages.last().expect("a word");
        assert_eq!((last.code(), last.field('S')), ("57P01", Some("FATAL")));
    }
    let mut suicidal = door.client();
    let messages = {
        suicidal.send(&query("select kill_session(pg_backend_pid())"));
        suicidal.until_closed()
    };
    assert_eq!(kinds(&messages), "TDCZE");
    eventually("the sessions end", || door.registry.is_empty());
}

#[test]
fn a_door_that_closes_sends_idle_clients_away_and_waits_for_the_others() {
    let mut door = Opened::plain();
    let (mut idle, mut busy) = (door.client(), door.client());
    busy.query("set statement_timeout = '500ms'");
    busy.send(&query(ENDLESS));
    wait_until_busy(&door, &busy);
    door.shutdown.cancel();
    let messages = idle.until_closed();
    assert_eq!(
        (kinds(&messages).as_str(), messages[0].code()),
        ("E", "57P01")
    );
    let messages = busy.until_closed();
    assert_eq!(kinds(&messages).replace('T', ""), "EZE");
    assert_eq!(
        (
            messages[messages.len() - 3].code(),
            messages[messages.len() - 1].code()
        ),
        ("57014", "57P01")
    );
    door.drained();
    assert!(door.registry.is_empty());
}
