//! What is no request, too much of one, or one that never ends: a clear answer, in bounded time and memory.

use std::collections::HashMap;
use std::time::Duration;

use rollcall::auth::Users;
use rollcall::rest::DoorOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::house::{House, LIMIT};

/// The answer to these bytes, to the end of the connection; the door may hang up without one.
async fn send(house: &House, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    // The door may have answered and gone before it has read everything.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let _ = timeout(LIMIT, stream.read_to_end(&mut answer))
        .await
        .expect("an end in time");
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> Option<u16> {
    let status = answer.strip_prefix("HTTP/1.1 ")?.get(..3)?;
    status.parse().ok()
}

/// The sentence of an answer, which is a document.
fn detail(answer: &str) -> String {
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
    assert!(head.contains("application/json"), "{head}");
    let document: serde_json::Value = serde_json::from_str(body).expect("a document");
    let detail = document["errors"][0]["detail"].as_str();
    detail.expect("a sentence").to_owned()
}

#[tokio::test]
async fn nonsense_is_told_so() {
    let house = House::open().await;
    let guard = house.register_nine();
    for query in [
        "filter=%ff%fe=%ff",
        "filter[%ff]=1",
        "filter=%00=%00",
        "page[size]=%F0%9F%98%80",
        "page[size]=18446744073709551616",
        "page[size]=9223372036854775807&page[number]=9223372036854775807",
        "sort=%2d%2d",
        "fields[sessions]=%00",
        "filter=id=eq(%5B%5B%5B%5B1%5D%5D%5D%5D)",
        "filter=/attributes/idle=eq(1e999)",
    ] {
        let reply = house.ask("GET", &format!("/v1/sessions?{query}")).await;
        assert_eq!(reply.status, 400, "{query}: {}", reply.text());
        assert!(!reply.detail().is_empty());
    }
    // What cannot be read might be what it is about.
    for (query, named) in [
        ("filter=/attributes/user=%22%zz%22", "\"filter\""),
        ("filter=id=9&filter=/attributes/user=%ff", "\"filter\""),
        ("pretty=%ff", "\"pretty\""),
        ("%zz=1", "\"%zz\""),
        ("%", "\"%\""),
        ("a=%+1", "\"a\""),
        ("fi%6cter=%e2%82", "\"filter\""),
    ] {
        for method in ["GET", "DELETE"] {
            let reply = house.ask(method, &format!("/v1/sessions?{query}")).await;
            assert_eq!(reply.status, 400, "{query}: {}", reply.text());
            let detail = reply.detail();
            assert!(detail.contains(named), "{query}: {detail}");
        }
    }
    // Strange, and answered all the same.
    for query in ["&&&==&", "rdns=%00", "a[b[c]d]=1", "%e2%82%ac=%25zz"] {
        let reply = house.ask("GET", &format!("/v1/sessions?{query}")).await;
        assert_eq!(reply.status, 200, "{query}");
    }
    let deep = format!(
        "filter=id={}eq(1){}",
        "not(".repeat(5_000),
        ")".repeat(5_000)
    );
    assert_eq!(
        house
            .ask("GET", &format!("/v1/sessions?{deep}"))
            .await
            .status,
        400
    );
    let path = format!("/v1/{}", "a/".repeat(10_000));
    assert_eq!(house.ask("GET", &path).await.status, 404);
    assert!(!guard.is_killed());
    house.close().await;
}

#[tokio::test]
async fn what_is_too_long_is_not_read() {
    let house = House::open().await;
    let megabyte = "a".repeat(1 << 20);
    let many = "X: y\r\n".repeat(10_000);
    let long = "a".repeat(63 * 1024);
    for (request, told) in [
        (
            format!("GET /v1/sessions?filter={megabyte} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            414,
        ),
        (
            format!("GET /v1/{megabyte} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            414,
        ),
        (
            format!("GET /v1/{long} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            414,
        ),
        (
            format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {megabyte}\r\n\r\n"),
            431,
        ),
        (
            format!("GET / HTTP/1.1\r\nHost: localhost\r\n{many}\r\n"),
            431,
        ),
        (
            format!("{megabyte} / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            414,
        ),
    ] {
        let answer = send(&house, request.as_bytes()).await;
        assert_eq!(status(&answer), Some(told), "{}: {answer}", &request[..40]);
        assert!(!detail(&answer).is_empty());
    }
    // What just fits is read, and told what is wrong with it.
    let long = format!("/v1/sessions?filter={}", "a".repeat(60_000));
    let reply = house.ask("GET", &long).await;
    assert_eq!(reply.status, 400);
    assert!(reply.detail().len() < 1_000);
    house.close().await;
}

#[tokio::test]
async fn smuggled_requests_are_refused() {
    let house = House::open().await;
    let guard = house.register_nine();
    let inner = "DELETE /v1/sessions/9 HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for (head, told) in [
        (
            format!("Content-Length: 3\r\nContent-Length: {}\r\n", inner.len()),
            400,
        ),
        (format!("Content-Length: +{}\r\n", inner.len()), 400),
        ("Content-Length: 1, 2\r\n".to_owned(), 400),
        (
            "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n".to_owned(),
            400,
        ),
        (
            "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n".to_owned(),
            400,
        ),
        ("Transfer-Encoding: xchunked\r\n".to_owned(), 400),
        ("Transfer-Encoding: chunked, chunked\r\n".to_owned(), 400),
        ("Transfer-Encoding: gzip, chunked\r\n".to_owned(), 501),
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n".to_owned(),
            400,
        ),
        ("Content Length: 4\r\n".to_owned(), 400),
        ("Host : localhost\r\n".to_owned(), 400),
        ("X: a\r\n folded\r\n".to_owned(), 400),
        ("X: \0\r\n".to_owned(), 400),
        (
            "Authorization: Basic eDp5\r\nAuthorization: Basic eDp6\r\nConnection: close\r\n"
                .to_owned(),
            400,
        ),
    ] {
        let request = format!("POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\n{head}\r\n{inner}");
        let answer = send(&house, request.as_bytes()).await;
        assert_eq!(status(&answer), Some(told), "{head}: {answer}");
        assert!(!detail(&answer).is_empty());
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
        assert!(!guard.is_killed(), "{head}");
    }
    // A body that is announced is no request of its own.
    let request = format!(
        "POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{inner}",
        inner.len()
    );
    let answer = send(&house, request.as_bytes()).await;
    assert_eq!(status(&answer), Some(405));
    assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
    assert!(!guard.is_killed());
    for no_request in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01"[..],
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"\x00\x00\x00\x00\r\n\r\n",
    ] {
        let answer = send(&house, no_request).await;
        assert_eq!(status(&answer), Some(400), "{answer}");
        assert!(!detail(&answer).is_empty());
    }
    house.close().await;
}

/// What is wrong with a request is said in its turn, and nothing behind it is done.
#[tokio::test]
async fn a_refusal_waits_for_the_answers_before() {
    let house = House::open().await;
    let guard = house.register_nine();
    let body = "{\"data\":{\"attributes\":{\"parameters\":{\"log_info\":true}}}}";
    let chunked = format!(
        "PATCH /v1/sessions/9 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n\
         {:x};a=b\r\n{body}\r\n0\r\nTrailer: GET / HTTP/1.1\r\n\r\n",
        body.len()
    );
    let sized = patch(body.len(), body).replace("Connection: close\r\n", "");
    let quoted =
        "GET /v1/sessions?filter=/attributes/user=\"maxuser\" HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let wrong = "GET /\0 HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let never = "DELETE /v1/sessions/9 HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let all = [&chunked, &sized, quoted, "\r\n", wrong, never].concat();
    let answer = send(&house, all.as_bytes()).await;
    let statuses = answer.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]);
    assert!(statuses.eq(["204", "204", "200", "400"]), "{answer}");
    assert!(answer.contains("\"maxuser\""), "{answer}");
    assert!(!guard.is_killed());

    // A byte at a time makes no difference.
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut reads, mut writes) = stream.split();
    let sent = async {
        for byte in all.bytes() {
            // Behind the refusal nothing is read.
            let _ = writes.write_all(&[byte]).await;
            tokio::task::yield_now().await;
        }
    };
    let mut dripped = Vec::new();
    let (read, ()) = tokio::join!(timeout(LIMIT, reads.read_to_end(&mut dripped)), sent);
    let _reset_or_closed = read.expect("an end in time");
    let dripped = String::from_utf8(dripped).unwrap();
    let statuses = dripped
        .split("HTTP/1.1 ")
        .skip(1)
        .map(|answer| &answer[..3]);
    assert!(statuses.eq(["204", "204", "200", "400"]), "{dripped}");
    house.close().await;
}

/// Whatever comes, the answer is a document.
#[tokio::test]
async fn no_refusal_is_empty() {
    let house = House::open().await;
    let head = "GET /v1/sessions/9 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    // Every byte of a request in front of its last header replaced by each of these.
    for at in 0..head.find("Connection").unwrap() {
        for byte in [0, b'\t', b'\n', b' ', b'"', b':', b'%', 0x7f, 0xc3] {
            let mut request = head.as_bytes().to_vec();
            request[at] = byte;
            let answer = send(&house, &request).await;
            let mut answers = answer.split("HTTP/1.1 ").skip(1).peekable();
            assert!(answers.peek().is_some(), "{at} {byte}: no answer");
            for answer in answers {
                assert!(!answer.starts_with('5'), "{at} {byte}: {answer}");
                let is_document = match answer.starts_with("200 ") {
                    true => answer.contains("\"data\""),
                    false => answer.contains("\"detail\""),
                };
                assert!(is_document, "{at} {byte}: {answer}");
            }
        }
    }
    house.close().await;
}

/// A request to alter session 9, with a body that may be another one than its head announces.
fn patch(length: usize, body: &str) -> String {
    format!(
        "PATCH /v1/sessions/9 HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

#[tokio::test]
async fn bodies_are_bounded_in_depth_length_and_kind() {
    let house = House::open().await;
    let guard = house.register_nine();
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(6_000), close.repeat(6_000));
    for (body, named) in [
        (deep("[", "]"), "recursion"),
        (deep("{\"data\":", "}"), "recursion"),
        (format!("{{\"data\":{}}}", deep("[", "]")), "recursion"),
        (
            "{\"data\":{\"attributes\":\"x\"}}".to_owned(),
            "data.attributes",
        ),
        ("{\"data\":[1]}".to_owned(), "data"),
        ("{\"data\":{\"id\":9}}".to_owned(), "data.id"),
        ("{\"data\":{},\"data\":".to_owned(), "no JSON"),
        ("\u{feff}{}".to_owned(), "no JSON"),
        ("log_info=true".to_owned(), "no JSON"),
        (String::new(), "no JSON"),
    ] {
        let answer = send(&house, patch(body.len(), &body).as_bytes()).await;
        assert_eq!(status(&answer), Some(400), "{named}: {answer}");
        assert!(answer.contains(named), "{named}: {answer}");
    }
    // Longer than a body may be: refused without having been read, and the client gets to hear of it.
    let long = "x".repeat(4 << 20);
    let answer = send(&house, patch(long.len(), &long).as_bytes()).await;
    assert_eq!(status(&answer), Some(413), "{answer}");
    let announced = send(&house, patch(isize::MAX as usize, "").as_bytes()).await;
    assert_eq!(status(&announced), Some(413), "{announced}");
    // Chunks that are none, and an announced length that is none.
    let chunked = patch(0, "").replace("Content-Length: 0", "Transfer-Encoding: chunked");
    for chunks in [
        "zz\r\n{}\r\n0\r\n\r\n",
        "fffffffffffffffff\r\n",
        "2;x\r\n{}xx0\r\n\r\n",
    ] {
        let answer = send(&house, format!("{chunked}{chunks}").as_bytes()).await;
        assert_eq!(status(&answer), Some(400), "{chunks}: {answer}");
    }
    assert!(!guard.is_killed());
    assert_eq!(guard.filters_asked(), None);
    house.close().await;
}

#[tokio::test]
async fn slow_bodies_are_not_waited_for() {
    let options = DoorOptions {
        head_timeout: Duration::from_millis(300),
        ..DoorOptions::default()
    };
    let house = House::with(Users::new(HashMap::new()), options).await;
    let _guard = house.register_nine();
    // A byte at a time does not make it go on for ever.
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    stream
        .write_all(patch(1_000, "{").as_bytes())
        .await
        .unwrap();
    let (mut reads, mut writes) = stream.split();
    let dripping = async {
        while writes.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let mut answer = Vec::new();
    let answered = async {
        let mut byte = [0];
        while !answer.ends_with(b"in time\"") && reads.read_exact(&mut byte).await.is_ok() {
            answer.push(byte[0]);
        }
    };
    tokio::select! {
        () = dripping => {}
        ended = timeout(LIMIT, answered) => ended.expect("an answer in time"),
    }
    let answer = String::from_utf8(answer).unwrap();
    assert_eq!(status(&answer), Some(408), "{answer}");
    // Nor does one that stops half-way.
    let answer = send(&house, patch(1_000, "{\"data\":").as_bytes()).await;
    assert_eq!(status(&answer), Some(408), "{answer}");
    house.close().await;
}

#[tokio::test]
async fn a_head_that_never_ends_is_told_so() {
    let options = DoorOptions {
        head_timeout: Duration::from_millis(300),
        ..DoorOptions::default()
    };
    let house = House::with(Users::new(HashMap::new()), options).await;
    // Who says nothing at all may be one that only looks whether the port is open.
    for (start, told) in [
        ("", &[][..]),
        ("\r\n", &[]),
        ("GET / HT", &["408"]),
        ("GET / HTTP/1.1\r\nHost: loc", &["408"]),
        (
            "GET /v1 HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HT",
            &["200", "408"],
        ),
        ("PRI * HTTP/2.0\r\n", &[]),
    ] {
        let answer = send(&house, start.as_bytes()).await;
        let answers: Vec<_> = answer.split("HTTP/1.1 ").skip(1).collect();
        let statuses: Vec<_> = answers.iter().map(|answer| &answer[..3]).collect();
        assert_eq!(statuses, told, "{start:?}: {answer}");
        if let (Some(last), true) = (answers.last(), told.contains(&"408")) {
            assert_eq!(detail(last), "the request's head did not come in time");
        }
    }
    // Nor is a body waited for that no method here has.
    let slow = "POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nslow";
    assert_eq!(status(&send(&house, slow.as_bytes()).await), Some(405));
    house.close().await;
}
