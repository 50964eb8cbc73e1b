//! What a relay learns from the messages that pass: headers only, bodies stay unread.
//!
//! A message is a type byte, a length that counts itself but not the type, and a body (PostgreSQL's "Message Formats").
//! Two bodies are looked into, both short: the transaction status of ReadyForQuery, and ParameterStatus for the
//! application's name. One is changed in passing: NotificationResponse names the process that the client knows as
//! its own when the session itself has sent the notification, and another one when somebody else has.

use std::sync::Arc;

use crate::session::{SessionGuard, SessionId};

/// Type byte and length field.
const HEADER_BYTES: usize = 5;
/// The length field counts itself.
const LENGTH_BYTES: u32 = 4;
/// Longest ParameterStatus that is looked into, in bytes: application names have at most 63.
const PARAMETER_BYTES_MAX: usize = 256;

/// A length field that does not even count itself: where the next message begins cannot be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid length {length} of a message of type {kind:?}")]
pub(crate) struct Malformed {
    kind: char,
    length: u32,
}

/// Where one direction stands in its stream of messages.
#[derive(Debug, Default)]
struct Framing {
    header: [u8; HEADER_BYTES],
    header_bytes: u8,
    body_bytes: u32,
    body_left: u32,
}

/// What is seen of a message.
enum Part<'a> {
    /// Its type.
    Header(u8),
    /// A piece of its body that begins at this offset; never empty.
    Body(u8, u32, &'a mut [u8]),
}

impl Framing {
    /// Goes through the next bytes of the stream, however they are cut.
    fn walk(
        &mut self,
        mut bytes: &mut [u8],
        mut see: impl FnMut(Part<'_>),
    ) -> Result<(), Malformed> {
        while !bytes.is_empty() {
            if self.body_left > 0 {
                let piece = bytes.len().min(self.body_left as usize);
                let (body, rest) = bytes.split_at_mut(piece);
                see(Part::Body(
                    self.header[0],
                    self.body_bytes - self.body_left,
                    body,
                ));
                self.body_left -= piece as u32;
                bytes = rest;
                continue;
            }
            let have = usize::from(self.header_bytes);
            let piece = bytes.len().min(HEADER_BYTES - have);
            let (header, rest) = bytes.split_at_mut(piece);
            self.header[have..have + piece].copy_from_slice(header);
            self.header_bytes += piece as u8;
            bytes = rest;
            if usize::from(self.header_bytes) < HEADER_BYTES {
                return Ok(());
            }
            let [kind, length @ ..] = self.header;
            let length = u32::from_be_bytes(length);
            self.body_bytes = length.checked_sub(LENGTH_BYTES).ok_or(Malformed {
                kind: char::from(kind),
                length,
            })?;
            self.body_left = self.body_bytes;
            self.header_bytes = 0;
            see(Part::Header(kind));
        }
        Ok(())
    }

    /// At least so many bytes belong to the message that is under way; 0 between messages.
    fn bytes_to_boundary(&self) -> usize {
        match (self.body_left, usize::from(self.header_bytes)) {
            (0, 0) => 0,
            (0, have) => HEADER_BYTES - have,
            (left, _) => left as usize,
        }
    }
}

/// Follows one session's messages in both directions.
#[derive(Debug)]
pub(crate) struct Walk {
    client: Framing,
    server: Framing,
    /// What makes the server's process id of this session the one that the client was given, and any other process
    /// id one that is not: the two, bit by bit exclusive. Each byte can be changed by itself, wherever a read ends.
    process_mask: [u8; 4],
    /// Query and FunctionCall messages that are not answered yet.
    queries: u32,
    /// Sync messages that are not answered yet.
    syncs: u32,
    /// Messages of the extended protocol were sent that no Sync has followed yet.
    unsynced: bool,
    /// The server takes the client's messages for data, Sync messages too.
    copies_in: bool,
    active: bool,
    in_transaction: bool,
    quit: bool,
    /// The server's last message before the end of the stream was an error.
    failed: bool,
    /// The body of a ParameterStatus, as far as it has come.
    parameter: Vec<u8>,
}

impl Walk {
    /// At the first ReadyForQuery of a session, which the server knows as this process.
    pub fn new(session: SessionId, process: [u8; 4]) -> Self {
        let mask = session.get() ^ u32::from_be_bytes(process);
        Self {
            client: Framing::default(),
            server: Framing::default(),
            process_mask: mask.to_be_bytes(),
            queries: 0,
            syncs: 0,
            unsynced: false,
            copies_in: false,
            active: false,
            in_transaction: false,
            quit: false,
            failed: false,
            parameter: Vec::new(),
        }
    }

    /// Bytes on their way to the server.
    ///
    /// # Errors
    /// When they are not the protocol's.
    pub fn client_bytes(
        &mut self,
        bytes: &mut [u8],
        session: &SessionGuard,
    ) -> Result<(), Malformed> {
        let mut framing = std::mem::take(&mut self.client);
        let walked = framing.walk(bytes, |part| {
            if let Part::Header(kind) = part {
                self.client_message(kind, session);
            }
        });
        self.client = framing;
        walked
    }

    fn client_message(&mut self, kind: u8, session: &SessionGuard) {
        match kind {
            b'Q' | b'F' => {
                self.queries += 1;
                session.count_statement();
                self.work(session);
            }
            b'E' => {
                self.unsynced = true;
                session.count_statement();
                self.work(session);
            }
            b'P' | b'B' => {
                self.unsynced = true;
                self.work(session);
            }
            b'S' if !self.copies_in => {
                self.syncs += 1;
                self.unsynced = false;
            }
            b'c' | b'f' => self.copies_in = false,
            b'X' => self.quit = true,
            _ => {}
        }
    }

    fn work(&mut self, session: &SessionGuard) {
        if !self.active {
            self.active = true;
            session.work_started();
        }
    }

    /// Bytes on their way to the client; those that name the server's process are changed.
    ///
    /// # Errors
    /// When they are not the protocol's.
    pub fn server_bytes(
        &mut self,
        bytes: &mut [u8],
        session: &SessionGuard,
    ) -> Result<(), Malformed> {
        let mut framing = std::mem::take(&mut self.server);
        let walked = framing.walk(bytes, |part| match part {
            Part::Header(kind) => self.server_message(kind),
            Part::Body(b'Z', 0, body) => {
                if let Some(status) = body.first() {
                    self.ready(*status, session);
                }
            }
            Part::Body(b'A', offset, body) => self.rename_process(offset as usize, body),
            Part::Body(b'S', offset, body) => self.parameter_status(offset, body, session),
            Part::Body(..) => {}
        });
        self.server = framing;
        walked
    }

    fn server_message(&mut self, kind: u8) {
        self.failed = kind == b'E';
        match kind {
            b'G' | b'W' => {
                // What the client sent behind the statement that copies has been swallowed as data.
                self.copies_in = true;
                self.syncs = 0;
                self.unsynced = self.queries == 0;
            }
            b'E' => self.copies_in = false,
            b'S' => self.parameter = Vec::new(),
            _ => {}
        }
    }

    fn ready(&mut self, status: u8, session: &SessionGuard) {
        match self.queries {
            0 => self.syncs = self.syncs.saturating_sub(1),
            _ => self.queries -= 1,
        }
        self.copies_in = false;
        let in_transaction = status != b'I';
        if in_transaction != self.in_transaction {
            self.in_transaction = in_transaction;
            session.set_in_transaction(in_transaction);
        }
        let more = self.queries > 0 || self.syncs > 0 || self.unsynced;
        if more && self.active {
            // The next one of a pipeline begins.
            session.work_started();
        } else if self.active {
            self.active = false;
            session.statement_ended();
        }
    }

    fn rename_process(&self, offset: usize, body: &mut [u8]) {
        let mask = self.process_mask.get(offset..).unwrap_or_default();
        for (byte, mask) in body.iter_mut().zip(mask) {
            *byte ^= mask;
        }
    }

    fn parameter_status(&mut self, offset: u32, body: &[u8], session: &SessionGuard) {
        let begins = offset == 0 && APPLICATION_NAME.iter().zip(body).all(|(a, b)| a == b);
        if !begins && self.parameter.is_empty() {
            return;
        }
        if self.parameter.len() + body.len() <= PARAMETER_BYTES_MAX {
            self.parameter.extend_from_slice(body);
        }
        if let Some(name) = application_name(&self.parameter) {
            session.update(|profile| profile.application_name = name);
            self.parameter = Vec::new();
        }
    }

    /// Whether a statement runs, or one was sent that is not answered yet.
    pub fn is_active(&self) -> bool {
        self.active
    }

    /// Whether the client may be sent away without losing anything.
    pub fn is_idle_outside_transaction(&self) -> bool {
        !self.active && !self.in_transaction && self.server.bytes_to_boundary() == 0
    }

    /// At least so many bytes of the server belong to the message that is under way; 0 between messages.
    pub fn server_bytes_to_boundary(&self) -> usize {
        self.server.bytes_to_boundary()
    }

    /// Whether the client has said that it goes.
    pub fn has_quit(&self) -> bool {
        self.quit
    }

    /// Whether the last that the server said was an error.
    pub fn has_failed(&self) -> bool {
        self.failed
    }
}

/// How a ParameterStatus of the application's name begins.
const APPLICATION_NAME: &[u8] = b"application_name\0";

/// The value of `application_name` in the whole body of a ParameterStatus; `Some(None)` when it is empty.
pub(super) fn application_name(body: &[u8]) -> Option<Option<Arc<str>>> {
    let value = body.strip_prefix(APPLICATION_NAME)?.strip_suffix(b"\0")?;
    let name = String::from_utf8_lossy(value);
    Some((!name.is_empty()).then(|| name.into()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::session::{Listener, Registry, Remote, Service};

    fn session(registry: &Arc<Registry>) -> SessionGuard {
        let service = Arc::new(Service::new("app", "readconnroute"));
        let address: std::net::SocketAddr = ([127, 0, 0, 1], 1).into();
        let listener = Arc::new(Listener::new("app", &service, "postgresql", address));
        let registered = registry.register(&listener, Remote::Unix);
        registered.expect("a free id")
    }

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
                walk: Walk::new(session.id(), PROCESS),
                session,
            }
        }

        fn client(&mut self, kinds: &[u8]) {
            let mut bytes = messages(kinds);
            self.walk
                .client_bytes(&mut bytes, &self.session)
                .expect("messages");
        }

        fn server(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
            self.walk
                .server_bytes(&mut bytes, &self.session)
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
        assert!(followed.session.live().in_transaction);
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
            .client_bytes(&mut b"Q\0\0\0\x03".to_vec(), &followed.session);
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
            prop_assert_eq!(whole.walk.in_transaction, cut.walk.in_transaction);
            prop_assert_eq!(whole.walk.server_bytes_to_boundary(), 0);
            prop_assert_eq!(cut.walk.server_bytes_to_boundary(), 0);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut followed = Followed::new();
            let _ = followed.walk.client_bytes(&mut bytes.clone(), &followed.session);
            let _ = followed.walk.server_bytes(&mut bytes.clone(), &followed.session);
        }
    }
}
