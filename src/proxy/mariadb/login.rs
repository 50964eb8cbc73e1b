//! From the server's greeting to its OK: the server authenticates the client, and what both say passes through here.
//!
//! TLS is each side's own. A request for it is a packet, so with TLS on one side alone the numbers of the packets
//! differ by one until the login has ended, and are changed in passing.
//!
//! What no relay can help: `caching_sha2_password` and `sha256_password` take a password as it is inside TLS and
//! encrypted by the server's key without, and each side decides that by its own connection. Where one has TLS and the
//! other has not, a login that needs the password itself is refused here, before the password is sent.

use std::io;
use std::sync::Arc;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::cancel::KillTarget;
use super::capability::SSL;
use super::decline::Unanswered;
use super::error::SqlError;
use super::greeting::{self, ANSWER_FIXED_BYTES, Greeting, Introduction};
use super::packet::{self, Packet};
use super::session::{MariaDb, Opened};
use super::status::{self, EOF, ERR, OK};
use super::walk::Walk;
use crate::proxy::backend::ConnectError;
use crate::proxy::end::End;
use crate::proxy::protocol::{Failed, LoggedIn, Login};
use crate::proxy::transport::Transport;
use crate::session::{ConnectionState, Remote, State};

const HUNG_UP: &str = "the server hung up";
/// A server's request in `caching_sha2_password` for the password itself.
const FULL_AUTHENTICATION: &[u8] = &[1, 4];

/// Lets a client log in at the server.
///
/// # Errors
/// When either side leaves, or the server refuses the client.
pub(super) async fn run(
    mut login: Login<'_>,
    opened: &mut Opened,
) -> Result<LoggedIn<MariaDb>, Failed> {
    let greeting = greeting(&mut login).await?;
    let (thread, offered) = (greeting.thread_id(), greeting.capabilities());
    if login.backend.has_tls() && offered & SSL == 0 {
        return Err(unavailable("it does not offer TLS"));
    }
    let Login {
        entrance,
        wire,
        backend,
        server,
    } = login;
    let unanswered = Unanswered::new(server);
    let body = greeting.for_client(wire.guard.id(), entrance.tls.is_some());
    packet::put(&mut wire.output, 0, &body);
    *opened = Opened {
        greeted: true,
        sequence: 2,
    };
    let mut passing = Passing { wire, opened };
    passing.flush().await?;
    let mut answer = passing.packet().await?;
    let mut shift = 0u8;
    if answer.body.len() == ANSWER_FIXED_BYTES {
        let Some(slot) = &entrance.tls else {
            return Err(passing.violation("TLS is not offered here"));
        };
        let identity = slot.current();
        if let Err(error) = passing.wire.start_tls(identity.acceptor()).await {
            return Err(Failed::End(End::ClientViolation(format!("TLS: {error}"))));
        }
        passing.wire.show_tls();
        answer = passing.packet().await?;
        shift = 1;
    }
    let taken = greeting::taken(&answer.body);
    let introduction = Introduction::of_answer(&answer.body);
    let (Some(taken), Some(introduction)) = (taken, introduction) else {
        return Err(passing.violation("the answer to the greeting cannot be read"));
    };
    // Inside TLS some, as MariaDB Connector/J 2, do not say once more that they have asked for it.
    if shift == 0 && taken & SSL != 0 {
        return Err(passing.violation("TLS was asked for and not begun"));
    }
    let Some(mut server) = unanswered.take() else {
        return Err(refused(HUNG_UP));
    };
    let limit = entrance.proxied.config.connect_timeout;
    greeting::answer_for_server(&mut answer.body, backend.has_tls());
    if backend.has_tls() {
        let request = answer.body.get(..ANSWER_FIXED_BYTES).unwrap_or_default();
        server = match backend
            .start_tls(server, &packet_of(1, request), limit)
            .await
        {
            Ok(server) => server,
            Err(error) => return Err(passing.no_tls(&error)),
        };
        let tls = server.tls();
        passing.wire.guard.update(|profile| {
            for connection in &mut profile.connections {
                connection.tls = tls.as_deref().map(Into::into);
            }
        });
        shift = shift.wrapping_sub(1);
    }
    let client_is_private =
        passing.wire.tls().is_some() || passing.wire.guard.remote() == Remote::Unix;
    let mut dialogue = Dialogue {
        passing,
        server,
        shift,
        plugin: introduction.plugin.clone(),
        is_mixed: client_is_private != backend.has_tls(),
    };
    dialogue.check_plugin()?;
    dialogue.send(answer).await;
    let mut rest = BytesMut::new();
    let ok = dialogue.run(&mut rest).await?;
    let Dialogue {
        passing, server, ..
    } = dialogue;
    let cancel = backend.monitor.clone().map(|credentials| KillTarget {
        backend: Arc::clone(backend),
        credentials,
        thread,
        timeout: limit,
    });
    let guard = &passing.wire.guard;
    guard.update(|profile| {
        introduction.show(profile);
        for connection in &mut profile.connections {
            connection.state = ConnectionState::Established;
            connection.connection_id = Some(i64::from(thread));
        }
    });
    guard.advance(State::Routing);
    Ok(LoggedIn {
        server,
        rest,
        walk: Walk::new(
            taken & offered,
            guard,
            &ok,
            Arc::clone(&entrance.proxied.interest),
        ),
        key: None,
        cancel: cancel.map(Arc::new),
    })
}

/// Waits for the server's greeting, or for what it says instead.
async fn greeting(login: &mut Login<'_>) -> Result<Greeting, Failed> {
    let limit = login.entrance.proxied.config.connect_timeout;
    let (wire, server) = (&mut *login.wire, &mut login.server);
    let mut input = BytesMut::new();
    let first = async {
        loop {
            match packet::next(&mut input) {
                Ok(Some(packet)) => return Ok(packet),
                Ok(None) => match server.read_buf(&mut input).await {
                    Ok(1..) => {}
                    Ok(0) => return Err(unavailable(HUNG_UP)),
                    Err(error) => return Err(unavailable(&error.to_string())),
                },
                Err(error) => return Err(unavailable(&error.to_string())),
            }
        }
    };
    let first = tokio::select! {
        first = timeout(limit, first) => first,
        error = wire.gone() => return Err(Failed::End(client_gone(error))),
    };
    let Ok(first) = first else {
        let why = format!("no greeting within {} ms", limit.as_millis());
        return Err(unavailable(&why));
    };
    let first = first?;
    if let Some((code, message)) = status::error(&first.body) {
        let said = packet_of(first.sequence, &first.body);
        return Err(Failed::Unavailable {
            why: format!("error {code}: {message}"),
            said: Some(said.freeze()),
        });
    }
    Greeting::read(first.body).ok_or_else(|| unavailable("its greeting cannot be read"))
}

fn packet_of(sequence: u8, body: &[u8]) -> BytesMut {
    let mut packet = BytesMut::new();
    packet::put(&mut packet, sequence, body);
    packet
}

fn unavailable(why: &str) -> Failed {
    Failed::Unavailable {
        why: why.to_owned(),
        said: None,
    }
}

fn refused(why: &str) -> Failed {
    Failed::End(End::LoginFailed(why.to_owned()))
}

fn client_gone(error: io::Error) -> End {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => End::ClientEof,
        _ => End::ClientReset(error),
    }
}

/// The client's side of a login.
struct Passing<'a> {
    wire: &'a mut crate::proxy::wire::Wire,
    opened: &'a mut Opened,
}

impl Passing<'_> {
    async fn flush(&mut self) -> Result<(), Failed> {
        let flushed = self.wire.flush().await;
        flushed.map_err(|error| Failed::End(End::ClientReset(error)))
    }

    /// The client's next packet.
    async fn packet(&mut self) -> Result<Packet, Failed> {
        loop {
            if let Some(packet) = self.next()? {
                return Ok(packet);
            }
            // What follows a request for TLS is the handshake, which clients begin without waiting.
            let missing = packet::missing(&self.wire.input);
            match self.wire.read_at_most(missing).await {
                Ok(true) => {}
                Ok(false) => return Err(Failed::End(End::ClientEof)),
                Err(error) => return Err(Failed::End(End::ClientReset(error))),
            }
        }
    }

    fn next(&mut self) -> Result<Option<Packet>, Failed> {
        let packet = match packet::next(&mut self.wire.input) {
            Ok(packet) => packet,
            Err(error) => return Err(self.violation(&error.to_string())),
        };
        if let Some(packet) = &packet {
            self.opened.sequence = packet.sequence.wrapping_add(1);
        }
        Ok(packet)
    }

    fn say(&mut self, error: &SqlError) {
        error.put(&mut self.wire.output, self.opened.sequence, true);
    }

    fn violation(&mut self, why: &str) -> Failed {
        self.say(&SqlError::new(
            1043,
            b"08S01",
            format!("Bad handshake: {why}"),
        ));
        Failed::End(End::ClientViolation(why.to_owned()))
    }

    /// The server had greeted, and then TLS with it did not come about.
    fn no_tls(&mut self, error: &ConnectError) -> Failed {
        let session = self.wire.guard.id();
        tracing::warn!(%session, %error, "cannot give a session to a server");
        let message = "Unable to connect to foreign data source: TLS did not come about";
        self.say(&SqlError::new(1429, b"HY000", message));
        refused(&error.to_string())
    }
}

/// The authentication.
struct Dialogue<'a> {
    passing: Passing<'a>,
    server: Transport,
    /// By so much the numbers of the client's packets are ahead of the server's.
    shift: u8,
    plugin: Vec<u8>,
    /// One side would send a password as it is, and the other would not.
    is_mixed: bool,
}

impl Dialogue<'_> {
    /// Passes on what both say up to the server's OK, and returns that. What the server has sent behind it is left in
    /// `input`.
    async fn run(&mut self, input: &mut BytesMut) -> Result<BytesMut, Failed> {
        loop {
            while let Some(packet) = packet::next(input)
                .map_err(|error| Failed::End(End::ServerViolation(error.to_string())))?
            {
                match packet.body.first() {
                    Some(&OK) => {
                        self.pass_to_client(&packet);
                        self.passing.flush().await?;
                        return Ok(packet.body);
                    }
                    Some(&ERR) => {
                        self.pass_to_client(&packet);
                        let why = status::error(&packet.body).map(|(_, message)| message);
                        return Err(refused(why.as_deref().unwrap_or(HUNG_UP)));
                    }
                    Some(&EOF) => {
                        let mut values = packet::Values(packet.body.get(1..).unwrap_or_default());
                        self.plugin = values.text().unwrap_or_default().to_vec();
                        self.check_plugin()?;
                    }
                    _ if packet.body == FULL_AUTHENTICATION
                        && self.plugin == b"caching_sha2_password"
                        && self.is_mixed =>
                    {
                        return Err(self.mixed());
                    }
                    _ => {}
                }
                self.pass_to_client(&packet);
            }
            self.passing.flush().await?;
            tokio::select! {
                read = self.server.read_buf(input) => match read {
                    Ok(1..) => {}
                    Ok(0) => return Err(refused(HUNG_UP)),
                    Err(error) => return Err(Failed::End(End::ServerReset(error))),
                },
                packet = self.passing.packet() => self.send(packet?).await,
            }
        }
    }

    /// Passes a packet of the client's on.
    async fn send(&mut self, packet: Packet) {
        let mut packet = packet_of(packet.sequence.wrapping_sub(self.shift), &packet.body);
        let sent = async {
            self.server.write_all_buf(&mut packet).await?;
            self.server.flush().await
        };
        // The server may have said why before it hung up: that is read next.
        let _: io::Result<()> = sent.await;
    }

    fn pass_to_client(&mut self, packet: &Packet) {
        let sequence = packet.sequence.wrapping_add(self.shift);
        packet::put(&mut self.passing.wire.output, sequence, &packet.body);
        self.passing.opened.sequence = sequence.wrapping_add(2);
    }

    /// A plugin whose first word may be the password itself.
    fn check_plugin(&mut self) -> Result<(), Failed> {
        match self.plugin == b"sha256_password" && self.is_mixed {
            true => Err(self.mixed()),
            false => Ok(()),
        }
    }

    fn mixed(&mut self) -> Failed {
        let plugin = String::from_utf8_lossy(&self.plugin).into_owned();
        let message = format!(
            "Client does not support authentication protocol requested by server: '{plugin}' needs the password \
             itself, which passes only with TLS on both sides of the proxy or on neither"
        );
        self.passing
            .say(&SqlError::new(1251, b"08004", message.as_str()));
        refused(&message)
    }
}
