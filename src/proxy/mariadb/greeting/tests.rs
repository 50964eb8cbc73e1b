use super::*;
use crate::proxy::mariadb::capability::{
    CACHE_METADATA, COM_MULTI, COMPRESS, DEPRECATE_EOF, OPTIONAL_METADATA, ZSTD,
};

/// What MariaDB 10.11 of Debian 12 says, without TLS.
const MARIADB: &[u8] =
    b"\n5.5.5-10.11.19-MariaDB-0+deb12u1\0&\0\0\x004,|P[Y+i\0\xfe\xf7\x08\x02\0\xff\x81\x15\
    \0\0\0\0\0\0\x1d\0\0\0O2Kb-VJP3Npf\0mysql_native_password\0";

/// What its client answers: `mariadb -u app app`.
const ANSWER: &[u8] = b"\x8c\xa2\xbf\0\0\0\0\x10\0!\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x1d\0\0\0app\0\x14;\xea \
    \xd9-\x9b\xfb\xcf\x18\xbfZ\x90\x15ZN~\x9b``\xbeapp\0mysql_native_password\0\x7f\x03_os\x05Linux\x0c_client_name\
    \nlibmariadb\x04_pid\x0528916\x0f_client_version\x063.3.20\t_platform\x06x86_64\x0cprogram_name\x05mysql\x0c\
    _server_host\t127.0.0.1";

/// A greeting as MySQL 8 has it, with everything that it offers.
fn mysql() -> Vec<u8> {
    let mut body = b"\n8.0.36\0\x07\0\0\0abcdefgh\0\xff\xff\xff\x02\0\xff\xdf\x15".to_vec();
    body.extend([0; 10]);
    body.extend(b"ijklmnopqrst\0caching_sha2_password\0");
    body
}

fn session() -> SessionId {
    SessionId::new(0x0102_0304).expect("an id")
}

#[test]
fn a_greeting_is_changed_in_its_number_and_in_what_is_offered() {
    let greeting = Greeting::read(MARIADB.into()).expect("a greeting");
    assert_eq!(greeting.thread_id(), 38);
    assert_eq!(greeting.version(), b"5.5.5-10.11.19-MariaDB-0+deb12u1");
    assert_eq!(greeting.scramble(), b"4,|P[Y+iO2Kb-VJP3Npf");
    assert_eq!(greeting.plugin(), b"mysql_native_password");
    let before = greeting.capabilities();
    assert_eq!(before & (SSL | MYSQL), 0);
    assert_ne!(before & COMPRESS, 0);
    let both = CACHE_METADATA | DEPRECATE_EOF;
    assert_eq!(before & both, both);
    let told = greeting.for_client(session(), true);
    let mut expected = MARIADB.to_vec();
    let fixed = expected
        .iter()
        .position(|byte| *byte == 0)
        .expect("a version")
        + 1;
    expected[fixed..fixed + 4].copy_from_slice(&[4, 3, 2, 1]);
    // COMPRESS is gone, SSL is there.
    expected[fixed + CAPABILITIES_LOW] &= !(COMPRESS as u8);
    expected[fixed + CAPABILITIES_LOW + 1] |= (SSL >> 8) as u8;
    assert_eq!(&told[..], &expected[..]);
    let again = Greeting::read(told)
        .expect("a greeting")
        .for_client(session(), false);
    assert_eq!(
        Greeting::read(again).expect("a greeting").capabilities(),
        before & !COMPRESS
    );
}

#[test]
fn mysql_has_no_capabilities_of_mariadbs() {
    let greeting = Greeting::read(mysql().as_slice().into()).expect("a greeting");
    assert_eq!(greeting.capabilities() >> 32, 0);
    let both = ZSTD | OPTIONAL_METADATA;
    assert_eq!(greeting.capabilities() & both, both);
    let told = greeting.for_client(session(), false);
    assert_eq!(told.len(), mysql().len());
    let told = Greeting::read(told).expect("a greeting").capabilities();
    assert_eq!(told & (capability::NOT_OFFERED | SSL), 0);
    assert_ne!(told & DEPRECATE_EOF, 0);
}

#[test]
fn what_is_no_greeting_is_not_taken_for_one() {
    for body in [
        &b""[..],
        b"\n",
        b"\x095.0\0",
        b"\n5.5.5-10.11.19",
        &MARIADB[..50],
        // Of before protocol 4.1.
        b"\n4.0.30\0\x01\0\0\0abcdefgh\0\x2c\0\x08\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    ] {
        assert!(Greeting::read(body.into()).is_none(), "{body:?}");
    }
}

#[test]
fn a_clients_answer_tells_who_it_is() {
    let introduction = Introduction::of_answer(ANSWER).expect("an answer");
    assert_eq!(introduction.user.as_deref(), Some("app"));
    assert_eq!(introduction.database.as_deref(), Some("app"));
    assert_eq!(introduction.plugin, b"mysql_native_password");
    let told = introduction.attributes.clone().expect("attributes");
    let names: Vec<&str> = told.iter().map(|(name, _)| name).collect();
    let expected = [
        "_os",
        "_client_name",
        "_pid",
        "_client_version",
        "_platform",
        "program_name",
        "_server_host",
    ];
    assert_eq!(names, expected);
    let mut profile = Profile::default();
    introduction.show(&mut profile);
    assert_eq!(profile.application_name.as_deref(), Some("mysql"));
    assert_eq!(profile.attributes, Some(told));
    for length in 0..ANSWER.len() {
        if let Some(cut) = Introduction::of_answer(&ANSWER[..length]) {
            assert_eq!(cut.user.as_deref(), Some("app"));
        }
    }
}

#[test]
fn an_answer_is_changed_in_what_it_takes() {
    let mut answer = ANSWER.to_vec();
    answer[0] |= COMPRESS as u8;
    answer[ANSWER_MARIADB] |= (COM_MULTI >> 32) as u8;
    let mut changed = answer.clone();
    answer_for_server(&mut changed, true);
    let mut expected = ANSWER.to_vec();
    expected[1] |= (SSL >> 8) as u8;
    assert_eq!(changed, expected);
    answer_for_server(&mut changed, false);
    assert_eq!(changed, ANSWER);
}

#[test]
fn a_change_of_user_is_read() {
    let body = b"bob\0\x02xyother\0\x2d\0mysql_native_password\0\x0f\x0cprogram_name\x01p";
    let taken = capability::SECURE_CONNECTION | capability::PLUGIN_AUTH | CONNECT_ATTRS;
    let introduction = Introduction::of_change(body, taken).expect("a change");
    assert_eq!(introduction.user.as_deref(), Some("bob"));
    assert_eq!(introduction.database.as_deref(), Some("other"));
    let told = introduction.attributes.expect("attributes");
    assert_eq!(told.iter().collect::<Vec<_>>(), [("program_name", "p")]);
    // All that old clients send.
    let introduction = Introduction::of_change(b"bob\0\0\0", taken).expect("a change");
    assert_eq!(
        (introduction.user.as_deref(), introduction.database),
        (Some("bob"), None)
    );
    assert_eq!(Introduction::of_change(b"bob", taken), None);
}
