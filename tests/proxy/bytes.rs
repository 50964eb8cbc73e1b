//! A session through the proxy is, byte for byte, the session that a direct connection has.

use std::net::SocketAddr;

use super::script::{Until, steps};
use super::{Proxied, rows};
use crate::support::postgres::{PASSWORD, Postgres};
use crate::support::wire::{
    Client, GSSENC_REQUEST, Message, PROTOCOL_3_0, PROTOCOL_3_2, SSL_REQUEST, frame, packet, query,
    startup,
};

/// Two servers that are alike to the last bit, one of them behind the proxy.
struct Pair {
    direct: Postgres,
    behind: Postgres,
    proxied: Proxied,
}

impl Pair {
    fn start() -> Self {
        let (direct, behind) = (Postgres::start(), Postgres::start());
        let proxied = Proxied::front(&behind);
        Self {
            direct,
            behind,
            proxied,
        }
    }

    fn addresses(&self) -> [SocketAddr; 2] {
        [
            ([127, 0, 0, 1], self.direct.port).into(),
            self.proxied.address,
        ]
    }

    /// Does the same on both sides and insists on the same answer.
    fn same(&self, act: impl Fn(&mut Client) -> Vec<Message>) -> Vec<Message> {
        let [direct, proxied] = self
            .addresses()
            .map(|address| act(&mut Client::new(address)));
        assert_same("", &direct, &proxied);
        proxied
    }
}

/// The same messages, but for the key that each side has of its own.
fn assert_same(step: &str, direct: &[Message], proxied: &[Message]) {
    for (at, (direct, proxied)) in direct.iter().zip(proxied).enumerate() {
        if direct.kind == 'K' && proxied.kind == 'K' {
            assert_eq!(
                direct.body.len(),
                proxied.body.len(),
                "{step}: length of the key"
            );
            continue;
        }
        if direct != proxied {
            let show = |message: &Message| {
                let text = String::from_utf8_lossy(&message.body).into_owned();
                format!("{} {:.300?}", message.kind, text)
            };
            panic!(
                "{step}: message {at}\ndirect  {}\nproxied {}",
                show(direct),
                show(proxied)
            );
        }
    }
    assert_eq!(direct.len(), proxied.len(), "{step}: number of messages");
}

fn receive(client: &mut Client, until: &Until) -> Vec<Message> {
    let mut messages = Vec::new();
    let (kind, times) = match until {
        Until::Ready(times) => ('Z', *times),
        Until::Kind(kind) => (*kind, 1),
    };
    let mut seen = 0;
    while seen < times {
        let message = client.message();
        seen += usize::from(message.kind == kind);
        messages.push(message);
    }
    messages
}

#[test]
fn a_script_of_two_hundred_statements_gives_what_a_direct_connection_gives() {
    let mut pair = Pair::start();
    let [mut direct, mut proxied] = pair.addresses().map(Client::new);
    let steps = steps();
    assert!(steps.len() >= 200, "{}", steps.len());
    let parameters = [
        ("user", "trusted"),
        ("database", "app"),
        ("application_name", "bytes"),
        ("options", "-c geqo=off"),
    ];
    let begin = |client: &mut Client| {
        client.start(PROTOCOL_3_0, &parameters);
        client.until_ready()
    };
    assert_same("the start", &begin(&mut direct), &begin(&mut proxied));
    for step in &steps {
        let text = String::from_utf8_lossy(&step.send);
        let text: String = text.chars().take(200).collect();
        direct.send(&step.send);
        let expected = receive(&mut direct, &step.until);
        proxied.send(&step.send);
        assert_same(&text, &expected, &receive(&mut proxied, &step.until));
    }
    let id = proxied.process;
    let counted = format!(
        "SELECT in_transaction, active, application_name, state FROM sessions WHERE id = {id}"
    );
    assert_eq!(
        pair.proxied.ask(&counted),
        "f|f|bytes|Session ready for routing"
    );
    for client in [&mut direct, &mut proxied] {
        client.send(&frame('X', b""));
        assert_eq!(client.until_closed(), []);
    }
    pair.proxied.comes_to(super::ROWS, "0");
}

#[test]
fn logins_are_answered_as_by_the_server() {
    let pair = Pair::start();
    // What needs no password, is refused, or names no database.
    for parameters in [
        &[("user", "trusted"), ("database", "app")][..],
        &[("user", "trusted"), ("database", "nothing")],
        &[
            ("user", "trusted"),
            ("database", "app"),
            ("client_encoding", "LATIN1"),
        ],
        &[("user", "trusted"), ("database", "app"), ("work_mem", "x")],
        &[("user", "trusted"), ("database", "app"), ("nothing", "x")],
        &[("user", "trusted"), ("replication", "true")],
        &[
            ("user", "trusted"),
            ("database", "app"),
            ("options", "-c nothing=x"),
        ],
        &[("user", "nobody"), ("replication", "x")],
        &[("user", ""), ("database", "app")],
        &[],
    ] {
        pair.same(|client| {
            client.start(PROTOCOL_3_0, parameters);
            let mut messages = Vec::new();
            while let Some(message) = client.next() {
                let over = message.kind == 'Z';
                messages.push(message);
                if over {
                    client.send(&frame('X', b""));
                }
            }
            messages
        });
    }
    // A version that is newer than the server's, and one that no server has.
    let negotiated = pair.same(|client| {
        client.start(
            PROTOCOL_3_2,
            &[("user", "trusted"), ("database", "app"), ("_pq_.x", "1")],
        );
        client.until_ready()
    });
    assert_eq!(negotiated[0].kind, 'v');
    pair.same(|client| {
        client.send(&startup(9 << 16, &[("user", "trusted")]));
        client.until_closed()
    });
    // A password in clear, right and wrong.
    for (password, verdict) in [(PASSWORD, 'R'), ("wrong", 'E')] {
        let messages = pair.same(|client| {
            client.start(PROTOCOL_3_0, &[("user", "clear"), ("database", "app")]);
            let asked = client.message();
            client.send(&frame('p', format!("{password}\0").as_bytes()));
            vec![asked, client.message()]
        });
        assert_eq!(messages[1].kind, verdict);
    }
    // SCRAM is different each time; what counts is how it ends.
    for (user, password, code) in [
        ("app", PASSWORD, None),
        ("app", "wrong", Some("28P01")),
        ("nobody", PASSWORD, Some("28P01")),
    ] {
        for address in pair.addresses() {
            let mut client = Client::new(address);
            client.start(PROTOCOL_3_0, &[("user", user), ("database", "app")]);
            let last = client.log_in(password, None);
            match code {
                Some(code) => assert_eq!(last.code(), code),
                None => assert_eq!(client.until_ready().last().map(|m| m.kind), Some('Z')),
            }
        }
    }
    // The oldest exchange of all, by a client that knows it.
    let mut command = pair.proxied.psql();
    command
        .env("PGUSER", "md5")
        .args(["-c", "SELECT current_user"]);
    let said: crate::support::program::Said = crate::support::program::finish(&mut command).into();
    assert_eq!((said.out.as_str(), said.err.as_str()), ("md5", ""));
    drop(pair.behind);
}

#[test]
fn requests_for_encryption_are_answered_before_the_login() {
    let pair = Pair::start();
    let mut client = pair.proxied.connect();
    client.send(&packet(GSSENC_REQUEST, b""));
    assert_eq!(client.byte(), b'N');
    client.send(&packet(SSL_REQUEST, b""));
    assert_eq!(client.byte(), b'N');
    super::log_in(&mut client);
    assert_eq!(rows(&mut client, "SELECT 1"), ["1"]);
}

/// The next notification, whatever else comes before it.
fn notification(client: &mut Client) -> Message {
    loop {
        let message = client.message();
        if message.kind == 'A' {
            return message;
        }
    }
}

#[test]
fn a_notification_is_ones_own_or_somebody_elses() {
    let server = Postgres::start();
    let mut proxied = Proxied::front(&server);
    let (mut listener, notifier) = (proxied.raw(), proxied.raw());
    let mut stranger = Client::new(([127, 0, 0, 1], server.port).into());
    super::log_in(&mut stranger);
    listener.query("LISTEN news");
    let split = |message: Message| {
        let (process, text) = message.body.split_first_chunk().expect("a process id");
        (
            u32::from_be_bytes(*process),
            String::from_utf8_lossy(text).into_owned(),
        )
    };
    // From oneself: by the process id that the login has told.
    listener.send(&query("NOTIFY news, 'own'"));
    let own = split(notification(&mut listener));
    assert_eq!(own, (listener.process, "news\0own\0".to_owned()));
    // From another session and from a connection past the proxy: never by one's own, and always by the same.
    let mut others = Vec::new();
    let mut senders = [notifier, stranger];
    for at in [0, 1, 0, 1] {
        senders[at].query("NOTIFY news, 'other'");
        let (process, text) = split(notification(&mut listener));
        assert_eq!(text, "news\0other\0");
        assert_ne!(process, listener.process);
        others.push(process);
    }
    assert_eq!(others[..2], others[2..]);
    assert_ne!(others[0], others[1]);
    // Many, among rows and cut anywhere.
    senders[1].query(
        "DO $$ BEGIN FOR i IN 1..2000 LOOP PERFORM pg_notify('news', i || repeat('x', i)); END LOOP; END $$",
    );
    listener.send(&query(
        "SELECT repeat('r', 1000) FROM generate_series(1, 2000)",
    ));
    let (mut seen, mut ready) = (0, 0);
    while seen < 2_000 || ready == 0 {
        let message = listener.message();
        ready += usize::from(message.kind == 'Z');
        if message.kind == 'A' {
            seen += 1;
            let expected = format!("news\0{seen}{}\0", "x".repeat(seen));
            assert_eq!(split(message), (others[1], expected));
        }
    }
    let id = listener.process;
    assert_eq!(
        proxied.ask(&format!("SELECT count(*) FROM sessions WHERE id = {id}")),
        "1"
    );
}
