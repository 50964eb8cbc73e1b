//! Logins of servers that Debian has none of, word by word: what either side says reaches the other as it is.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::thread::{self, JoinHandle};

use crate::proxy::{Proxied, Setup};
use crate::support::mysql::{self, Packet};
use crate::support::wire::PATIENCE;

/// A greeting of a server with this plugin: protocol 4.1, plugins, attributes, DEPRECATE_EOF.
fn greeting(version: &str, plugin: &str) -> Vec<u8> {
    let mut body = format!("\n{version}\0").into_bytes();
    body.extend(4711u32.to_le_bytes());
    body.extend(b"abcdefgh\0\xff\xf7\x2d\x02\0\xff\x81\x15");
    body.extend([0; 10]);
    body.extend(b"ijklmnopqrst\0");
    body.extend(format!("{plugin}\0").into_bytes());
    body
}

fn read(stream: &mut impl Read) -> Option<Packet> {
    let mut header = [0; 4];
    stream.read_exact(&mut header).ok()?;
    let length = u32::from_le_bytes([header[0], header[1], header[2], 0]);
    let mut body = vec![0; length as usize];
    stream.read_exact(&mut body).ok()?;
    Some(Packet {
        sequence: header[3],
        body,
    })
}

/// A server that greets the second of its clients (the first is its monitor's look) and then says each of these, after
/// a packet of the client's; tells what it has heard.
fn serve(greeting: Vec<u8>, says: Vec<Vec<u8>>) -> (u16, JoinHandle<Vec<Packet>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let serving = thread::spawn(move || {
        loop {
            let (mut tcp, _) = listener.accept().expect("a client");
            tcp.set_read_timeout(Some(PATIENCE)).expect("a timeout");
            tcp.write_all(&mysql::packet(0, &greeting))
                .expect("a client");
            let Some(answer) = read(&mut tcp) else {
                continue;
            };
            let is_look = answer.body.windows(8).any(|name| name == b"rollcall");
            if is_look {
                let _ = tcp.write_all(&mysql::packet(2, b"\xff\x15\x04#28000no"));
                continue;
            }
            return converse(&mut tcp, answer, &says);
        }
    });
    (port, serving)
}

fn converse(tcp: &mut TcpStream, answer: Packet, says: &[Vec<u8>]) -> Vec<Packet> {
    let mut heard = vec![answer];
    for (number, said) in says.iter().enumerate() {
        let last = heard.last().expect("an answer").sequence;
        tcp.write_all(&mysql::packet(last + 1, said))
            .expect("a client");
        // Behind the last word nothing more is said.
        if number + 1 < says.len() {
            match read(tcp) {
                Some(packet) => heard.push(packet),
                None => return heard,
            }
        }
    }
    // Until the client has gone.
    while let Some(packet) = read(tcp) {
        heard.push(packet);
    }
    heard
}

fn in_front(port: u16, listener: &str) -> Proxied {
    let servers = format!(
        "[servers.db1]\nprotocol = \"mariadb\"\naddress = \"127.0.0.1:{port}\"\n\
         [servers.db1.monitor]\ninterval_ms = 3600000\n"
    );
    Setup {
        servers: &servers,
        listener,
        ..Setup::default()
    }
    .start()
}

/// Each of these is said by the server, and answered by the client with what stands beside it.
fn passes(plugin: &str, dialogue: &[(&[u8], &[u8])], last: &[u8]) {
    let says: Vec<Vec<u8>> = dialogue
        .iter()
        .map(|(said, _)| said.to_vec())
        .chain([last.to_vec()])
        .collect();
    let (port, serving) = serve(greeting("11.8.2-MariaDB", plugin), says);
    let mut proxied = in_front(port, "");
    let mut client = mysql::Client::connect(proxied.address);
    assert!(client.greeting.text().contains(plugin));
    assert_ne!(client.thread_id(), 4711);
    client.answer(mysql::CAPABILITIES);
    let mut sequence = 2;
    for (said, answer) in dialogue {
        let packet = client.next().expect("a question");
        assert_eq!((packet.sequence, &packet.body[..]), (sequence, *said));
        client.send(sequence + 1, answer);
        sequence += 2;
    }
    let packet = client.next().expect("the last word");
    assert_eq!((packet.sequence, &packet.body[..]), (sequence, last));
    proxied.comes_to("SELECT connection_id FROM connections", "4711");
    proxied.comes_to(
        "SELECT \"user\", database FROM sessions WHERE service = 'app'",
        "trusted|app",
    );
    client.command(1, b"");
    drop(client);
    let heard = serving.join().expect("the server");
    let answers: Vec<&[u8]> = dialogue
        .iter()
        .map(|(_, answer)| *answer)
        .chain([&b"\x01"[..]])
        .collect();
    let bodies: Vec<&[u8]> = heard[1..].iter().map(|packet| &packet.body[..]).collect();
    assert_eq!(bodies, answers);
}

const OK: &[u8] = b"\0\0\0\x02\0\0\0";

#[test]
fn parsec_passes() {
    let salt = [&b"\x01P\x02"[..], &[9; 18]].concat();
    let signed = [7; 96];
    let switch = b"\xfeparsec\0abcdefghijklmnopqrstuvwxyzabcdef\0";
    passes(
        "mysql_native_password",
        &[(switch, b""), (&salt, &signed)],
        OK,
    );
}

#[test]
fn caching_sha2_passes_by_its_cache_and_by_the_servers_key() {
    let fast: &[u8] = &[1, 3];
    let full: &[u8] = &[1, 4];
    // The server goes on without waiting in the fast case, which is its own word all the same.
    passes("caching_sha2_password", &[], OK);
    passes("caching_sha2_password", &[(fast, b"")], OK);
    let key = [&b"\x01-----BEGIN PUBLIC KEY-----"[..], &[b'k'; 400]].concat();
    let secret = [5; 256];
    passes(
        "caching_sha2_password",
        &[(full, b"\x02"), (&key, &secret)],
        OK,
    );
}

#[test]
fn what_a_server_proves_its_certificate_by_passes() {
    // MariaDB 11.4: in the text of OK, behind a byte of one, the hash of password, scramble and certificate.
    let proof = [&b"\0\0\0\x02\0\0\0\x01"[..], &[b'A'; 64]].concat();
    passes("mysql_native_password", &[], &proof);
}

/// A client on a UNIX socket would send its password as it is, and the server takes it encrypted only.
#[test]
fn a_password_itself_does_not_pass_from_a_private_side_to_one_in_clear() {
    let full: &[u8] = &[1, 4];
    for (plugin, says) in [
        ("caching_sha2_password", vec![full.to_vec(), OK.to_vec()]),
        (
            "mysql_native_password",
            vec![
                b"\xfesha256_password\0abcdefghijklmnopqrst\0".to_vec(),
                OK.to_vec(),
            ],
        ),
    ] {
        let (port, serving) = serve(greeting("8.4.3", plugin), says);
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("socket");
        let more = format!(
            "[listeners.private]\nservice = \"app\"\naddress = \"{}\"\n",
            path.display()
        );
        let servers = format!(
            "[servers.db1]\nprotocol = \"mariadb\"\naddress = \"127.0.0.1:{port}\"\n\
             [servers.db1.monitor]\ninterval_ms = 3600000\n"
        );
        let _proxied = Setup {
            servers: &servers,
            more: &more,
            ..Setup::default()
        }
        .start();
        let mut client = UnixStream::connect(&path).expect("a listener");
        client.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        read(&mut client).expect("a greeting");
        let mut answer = (mysql::CAPABILITIES | 8).to_le_bytes().to_vec();
        answer.extend([0; 28]);
        answer.extend(format!("trusted\0\0app\0{plugin}\0").into_bytes());
        client
            .write_all(&mysql::packet(1, &answer))
            .expect("a server");
        let told = read(&mut client).expect("an error");
        assert_eq!(
            (told.error(), told.sequence),
            (Some(1251), 2),
            "{}",
            told.text()
        );
        assert!(told.text().contains("TLS on both sides"), "{}", told.text());
        assert!(read(&mut client).is_none());
        drop(client);
        assert_eq!(serving.join().expect("the server").len(), 1);
    }
}
