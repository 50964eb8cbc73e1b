//! From the connection to the first statement, and who does not get there.

use std::time::Duration;

use rollcall::auth::Role;

use super::*;

#[test]
fn a_client_is_the_session_whose_id_it_is_given() {
    let door = Opened::plain();
    let mut client = door.connect();
    client.start(
        PROTOCOL_3_0,
        &[("user", "ann"), ("application_name", "raw")],
    );
    let greeting = client.until_ready();
    assert_eq!(client.secret.len(), 4);
    let told: Vec<_> = greeting
        .iter()
        .filter(|message| message.kind == 'S')
        .collect();
    let version = told
        .iter()
        .find(|message| message.text() == "server_version");
    let version = version.expect("a version").body.clone();
    assert!(
        version.starts_with(b"server_version\x0015.0 (Rollcall "),
        "{version:?}"
    );
    assert_eq!(
        client.value("select pg_backend_pid()"),
        client.process.to_string()
    );
    let row = client.query(
        "select id, service, state, \"user\", database, application_name, tls from sessions",
    );
    let id = client.process.to_string();
    let expected = [
        Some(id.as_str()),
        Some("catalog"),
        Some("Session ready for routing"),
        Some("ann"),
        Some("rollcall"),
        Some("raw"),
        None,
    ];
    assert_eq!(
        first(&row, 'D').values(),
        expected.map(|value| value.map(str::to_owned))
    );
    client.vanish();
    eventually("the session ends", || door.registry.is_empty());
}

#[test]
fn bytes_in_clear_behind_a_request_for_tls_are_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let (tls, _) = certificate(&directory);
    let door = Opened::new(Wanted {
        tls: Some(tls),
        ..Wanted::default()
    });
    let mut client = door.connect();
    let hidden = [
        packet(SSL_REQUEST, b""),
        startup(PROTOCOL_3_0, &[("user", "ann")]),
        query("select 1"),
    ];
    client.send(&hidden.concat());
    let messages = client.until_closed();
    assert_eq!(
        (kinds(&messages).as_str(), messages[0].code()),
        ("E", "08P01")
    );
}

#[test]
fn tls_is_spoken_after_a_request_and_at_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let (tls, certificate) = certificate(&directory);
    let users = user("ann", "secret", Role::Admin);
    let door = Opened::new(Wanted {
        users,
        tls: Some(tls),
        ..Wanted::default()
    });
    for direct in [false, true] {
        let mut client = door.connect();
        if !direct {
            client.send(&packet(GSSENC_REQUEST, b""));
            assert_eq!(client.byte(), b'N');
            client.send(&packet(SSL_REQUEST, b""));
            assert_eq!(client.byte(), b'S');
        }
        client.start_tls();
        client.start(PROTOCOL_3_0, &[("user", "ann")]);
        // Bound to the certificate the second time.
        let verdict = client.log_in("secret", direct.then_some(&certificate[..]));
        assert_eq!(verdict.kind, 'R', "{verdict:?}");
        client.until_ready();
        let tls = client.value("select tls from sessions where id = pg_backend_pid()");
        assert!(tls.starts_with("TLSv1.3 TLS_"), "{tls}");
    }
    let mut client = door.connect();
    client.send(&packet(SSL_REQUEST, b""));
    assert_eq!(client.byte(), b'S');
    client.start_tls();
    client.send(&packet(SSL_REQUEST, b""));
    assert_eq!(client.message().code(), "08P01");

    let mut client = door.connect();
    client.send(&packet(SSL_REQUEST, b""));
    assert_eq!(client.byte(), b'S');
    client.start_tls();
    client.start(PROTOCOL_3_0, &[("user", "ann")]);
    let verdict = client.log_in("secret", Some(b"another certificate"));
    assert_eq!(verdict.code(), "08P01");

    // Whoever speaks TLS at once has to say what for.
    let mut client = door.connect();
    client.start_tls_for(&[]);
    client.start(PROTOCOL_3_0, &[("user", "ann")]);
    assert_eq!(client.message().code(), "08P01");
    let mut client = door.connect();
    client.send(&packet(SSL_REQUEST, b""));
    assert_eq!(client.byte(), b'S');
    client.start_tls_for(&[]);
    client.start(PROTOCOL_3_0, &[("user", "ann")]);
    assert_eq!(client.log_in("secret", None).kind, 'R');
}

#[test]
fn without_a_certificate_tls_is_declined() {
    let door = Opened::plain();
    let mut client = door.connect();
    client.send(&packet(SSL_REQUEST, b""));
    assert_eq!(client.byte(), b'N');
    client.start(PROTOCOL_3_0, &[("user", "ann")]);
    client.until_ready();
}

#[test]
fn nothing_is_served_after_a_failed_password() {
    let door = Opened::new(Wanted {
        users: user("ann", "secret", Role::Admin),
        ..Wanted::default()
    });
    for (name, password) in [("ann", "wrong"), ("nobody", "secret")] {
        let mut client = door.connect();
        client.start(PROTOCOL_3_0, &[("user", name)]);
        let verdict = client.log_in(password, None);
        assert_eq!(
            (verdict.code(), verdict.field('S')),
            ("28P01", Some("FATAL"))
        );
        let message = format!("password authentication failed for user \"{name}\"");
        assert_eq!(verdict.field('M'), Some(message.as_str()));
        client.send(&query("select 1"));
        assert_eq!(client.until_closed(), []);
    }
    let mut client = door.connect();
    client.start(PROTOCOL_3_0, &[("user", "ann")]);
    client.message();
    client.send(&query("select 1"));
    let messages = client.until_closed();
    assert_eq!(
        (kinds(&messages).as_str(), messages[0].code()),
        ("E", "08P01")
    );
    eventually("the sessions end", || door.registry.is_empty());
}

#[test]
fn every_login_works_and_not_only_the_first() {
    let door = Opened::new(Wanted {
        users: user("ann", "secret", Role::Basic),
        ..Wanted::default()
    });
    for _ in 0..3 {
        let mut client = door.connect();
        client.start(PROTOCOL_3_0, &[("user", "ann")]);
        assert_eq!(client.log_in("secret", None).kind, 'R');
        client.until_ready();
        assert_eq!(client.value("select current_user"), "ann");
        assert_eq!(client.value("show is_superuser"), "off");
    }
}

#[test]
fn protocol_versions_are_negotiated() {
    let door = Opened::plain();
    let mut client = door.connect();
    client.start(PROTOCOL_3_2, &[("user", "ann")]);
    client.until_ready();
    assert_eq!(client.secret.len(), 32);

    let mut client = door.connect();
    client.start(
        3 << 16 | 9_999,
        &[("user", "ann"), ("_pq_.extension", "on")],
    );
    let messages = client.until_ready();
    assert_eq!(messages[0].kind, 'v');
    assert_eq!(messages[0].body, b"\0\x03\0\x02\0\0\0\x01_pq_.extension\0");

    let refused = |version, parameters: &[(&str, &str)]| {
        let mut client = door.connect();
        client.start(version, parameters);
        let messages = client.until_closed();
        messages.last().expect("an error").code().to_owned()
    };
    assert_eq!(refused(2 << 16, &[("user", "ann")]), "0A000");
    assert_eq!(refused(PROTOCOL_3_0, &[]), "28000");
    assert_eq!(
        refused(PROTOCOL_3_0, &[("user", "ann"), ("database", "postgres")]),
        "3D000"
    );
    assert_eq!(
        refused(
            PROTOCOL_3_0,
            &[("user", "ann"), ("client_encoding", "EBCDIC")]
        ),
        "22023"
    );
    assert_eq!(
        refused(PROTOCOL_3_0, &[("user", "ann"), ("no_such", "1")]),
        "42704"
    );
    assert_eq!(
        refused(PROTOCOL_3_0, &[("user", "ann"), ("options", "-x")]),
        "42601"
    );
}

#[test]
fn a_database_is_the_catalog_under_its_name_or_the_users() {
    let door = Opened::plain();
    for database in ["rollcall", "ann", ""] {
        let mut client = door.connect();
        let options = "-c statement_timeout=5s --TimeZone=Asia/Tokyo";
        client.start(
            PROTOCOL_3_0,
            &[
                ("user", "ann"),
                ("database", database),
                ("options", options),
            ],
        );
        client.until_ready();
        assert_eq!(
            client.value("select database from sessions where id = pg_backend_pid()"),
            "rollcall"
        );
        assert_eq!(client.value("show statement_timeout"), "5s");
        assert_eq!(client.value("show timezone"), "Asia/Tokyo");
    }
}

#[test]
fn too_many_clients_are_turned_away() {
    let door = Opened::new(limits(|limits| limits.connections_max = 2));
    let (one, _other) = (door.client(), door.client());
    let mut third = door.connect();
    third.start(PROTOCOL_3_0, &[("user", "ann")]);
    let messages = third.until_closed();
    assert_eq!(
        (kinds(&messages).as_str(), messages[0].code()),
        ("E", "53300")
    );
    one.vanish();
    eventually("a place is free", || door.registry.len() == 1);
    door.client();
}

#[test]
fn a_client_that_does_not_log_in_or_does_nothing_is_sent_away() {
    let users = user("ann", "secret", Role::Admin);
    let wanted = limits(|limits| limits.authentication_timeout = Duration::from_millis(100));
    let door = Opened::new(Wanted { users, ..wanted });
    assert_eq!(door.connect().until_closed(), []);
    let mut client = door.connect();
    client.start(PROTOCOL_3_0, &[("user", "ann")]);
    let messages = client.until_closed();
    assert_eq!(
        (kinds(&messages).as_str(), messages[1].code()),
        ("RE", "57014")
    );

    let door = Opened::new(limits(|limits| {
        limits.idle_timeout = Some(Duration::from_millis(100))
    }));
    let messages = door.client().until_closed();
    assert_eq!(
        (kinds(&messages).as_str(), messages[0].code()),
        ("E", "57P05")
    );
}
