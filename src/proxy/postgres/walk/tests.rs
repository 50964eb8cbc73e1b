use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::session::Registry;

/// What the server calls the session.
const PROCESS: [u8; 4] = 12_345_u32.to_be_bytes();

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = body.len() as u32 + LENGTH_BYTES;
    [&[kind][..], &length.to_be_bytes(), body].concat()
}

fn messages(kinds: &[u8]) -> Vec<u8> {
    kinds
        .iter()
        .flat_map(|kind| message(*kind, b"x\0"))
        .collect()
}

struct Followed {
    registry: Arc<Registry>,
    walk: Walk,
    session: SessionGuard,
}

impl Followed {
    fn new() -> Self {
        let registry = Registry::new();
        let session = session(&registry);
        Self {
            registry,
            walk: Walk::new(&session, PROCESS, Arc::default()),
            session,
        }
    }

    fn client(&mut self, kinds: &[u8]) {
        let mut bytes = messages(kinds);
        self.walk
            .client_sent(&mut bytes, &self.session)
            .expect("messages");
    }

    fn server(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        self.walk
            .server_sent(&mut bytes, &self.session)
            .expect("messages");
        bytes
    }

    fn ready(&mut self, status: u8) {
        self.server(message(b'Z', &[status]));
    }

    fn active(&self) -> bool {
        self.session.live().statement_started_ms.is_some()
    }
}

#[test]
fn a_simple_query_is_active_until_it_is_ready() {
    let mut followed = Followed::new();
    followed.client(b"Q");
    assert!(followed.active());
    followed.server(messages(b"TDDC"));
    assert!(followed.active());
    followed.ready(b'T');
    assert!(!followed.active());
    assert!(followed.session.live().in_transaction());
    assert!(!followed.walk.is_idle_outside_transaction());
    followed.client(b"Q");
    followed.ready(b'I');
    assert!(followed.walk.is_idle_outside_transaction());
    assert_eq!(followed.session.live().statements, 2);
}

#[test]
fn a_pipeline_is_active_until_its_last_sync_is_answered() {
    let mut followed = Followed::new();
    followed.client(b"PBDESBESPBE");
    for _ in 0..2 {
        followed.ready(b'I');
        assert!(followed.active());
    }
    followed.client(b"S");
    followed.ready(b'I');
    assert!(!followed.active());
    assert_eq!(followed.session.live().statements, 3);
}

#[test]
fn syncs_that_are_swallowed_by_a_copy_are_not_waited_for() {
    let mut followed = Followed::new();
    followed.client(b"PBDES");
    followed.server(messages(b"12G"));
    followed.client(b"ddS");
    followed.client(b"cS");
    assert!(followed.active());
    followed.server(messages(b"C"));
    followed.ready(b'I');
    assert!(!followed.active());

    followed.client(b"Q");
    followed.server(messages(b"G"));
    followed.client(b"ddf");
    followed.server(messages(b"E"));
    followed.ready(b'I');
    assert!(!followed.active());
}

#[test]
fn a_notification_names_the_process_that_the_client_knows() {
    let mut followed = Followed::new();
    let notification = |process: [u8; 4]| message(b'A', &[&process[..], b"news\0\0"].concat());
    let known = notification(followed.session.id().get().to_be_bytes());
    assert_eq!(followed.server(notification(PROCESS)), known);
    // Somebody else's is nobody's own, not even when the numbers happen to be the same.
    let id = followed.session.id().get().to_be_bytes();
    for process in [id, [0, 0, 0x30, 0x38], [1, 0, 0x30, 0x39]] {
        assert_ne!(followed.server(notification(process)), known);
    }
}

#[test]
fn the_application_name_is_followed() {
    let mut followed = Followed::new();
    let name = |followed: &Followed| {
        let profile = followed.registry.profile(followed.session.session());
        profile.and_then(|profile| profile.application_name.as_deref().map(str::to_owned))
    };
    followed.server(message(b'S', b"application_name\0psql\0"));
    assert_eq!(name(&followed).as_deref(), Some("psql"));
    followed.server(message(b'S', b"TimeZone\0UTC\0"));
    followed.server(message(b'S', b"application_name\0\0"));
    assert_eq!(name(&followed), None);
}

#[test]
fn a_length_that_does_not_count_itself_is_refused() {
    let mut followed = Followed::new();
    let walked = followed
        .walk
        .client_sent(&mut b"Q\0\0\0\x03".to_vec(), &followed.session);
    assert!(walked.is_err());
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    let kind = prop::sample::select(b"ZSADTCEGWNQ".to_vec());
    let body = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..20),
        Just(b"application_name\0x\0".to_vec())
    ];
    let messages = prop::collection::vec((kind, body), 0..12);
    messages.prop_map(|messages| {
        let framed = messages.iter().map(|(kind, body)| message(*kind, body));
        framed.collect::<Vec<_>>().concat()
    })
}

proptest! {
    #[test]
    fn however_a_stream_is_cut_the_same_is_seen(bytes in stream(), piece in 1usize..30) {
        let (mut whole, mut cut) = (Followed::new(), Followed::new());
        // The two sessions have different registries and so the same id.
        let at_once = whole.server(bytes.clone());
        let in_pieces: Vec<u8> = bytes.chunks(piece).flat_map(|piece| cut.server(piece.to_vec())).collect();
        prop_assert_eq!(at_once, in_pieces);
        prop_assert_eq!(whole.walk.transaction, cut.walk.transaction);
        prop_assert_eq!(whole.walk.server_bytes_to_boundary(), 0);
        prop_assert_eq!(cut.walk.server_bytes_to_boundary(), 0);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut followed = Followed::new();
        let _ = followed.walk.client_sent(&mut bytes.clone(), &followed.session);
        let _ = followed.walk.server_sent(&mut bytes.clone(), &followed.session);
    }
}
