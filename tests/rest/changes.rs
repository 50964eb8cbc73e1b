//! Changes on a condition, and what happens between a request's head and its body.

use rollcall::session::{LogLevel, SessionGuard};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::house::{House, LIMIT};

const BODY: &str = "{\"data\":{\"attributes\":{\"parameters\":{\"log_debug\":true}}}}";

/// A `PATCH` of session 9 whose body the door waits for.
async fn begin(house: &House, headers: &str) -> TcpStream {
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    let head = format!(
        "PATCH /v1/sessions/9 HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nExpect: 100-continue\r\nConnection: close\r\n{headers}\r\n",
        BODY.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut goes_on = [0; 25];
    let read = timeout(LIMIT, stream.read_exact(&mut goes_on));
    read.await.expect("an answer in time").unwrap();
    assert_eq!(&goes_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

/// Sends the body and returns the status.
async fn finish(mut stream: TcpStream) -> String {
    stream.write_all(BODY.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = timeout(LIMIT, stream.read_to_string(&mut answer));
    read.await.expect("an answer in time").unwrap();
    answer.get(9..12).unwrap_or_default().to_owned()
}

async fn tag(house: &House) -> String {
    let reply = house.ask("GET", "/v1/sessions/9").await;
    reply.header("etag").to_owned()
}

#[tokio::test]
async fn a_condition_is_checked_when_the_body_is_there() {
    let house = House::open().await;
    let guard = house.register_nine();
    let condition = format!("If-Match: {}\r\n", tag(&house).await);
    let late = begin(&house, &condition).await;
    guard.update(|profile| profile.database = Some("shop".into()));
    assert_eq!(finish(late).await, "412");
    assert!(!house.registry.logs().any());
    let condition = format!("If-Match: {}\r\n", tag(&house).await);
    assert_eq!(finish(begin(&house, &condition).await).await, "204");
    assert!(house.registry.logs().contains(guard.id(), LogLevel::Debug));
    house.close().await;
}

#[tokio::test]
async fn a_session_that_ends_before_the_body_is_gone() {
    let house = House::open().await;
    let guard: SessionGuard = house.register_nine();
    let late = begin(&house, "").await;
    drop(guard);
    assert_eq!(finish(late).await, "404");
    assert!(!house.registry.logs().any());
    house.close().await;
}

#[tokio::test]
async fn every_change_heeds_its_condition() {
    let house = House::open().await;
    let guard = house.register_nine();
    guard.update(|profile| profile.filters = vec!["audit".into()]);
    let ask = async |method: &str, path: &str, condition: &str| {
        let headers = format!("{condition}\r\n");
        house.ask_with(method, path, &headers).await.status
    };
    let one = "/v1/sessions/9/restart";
    assert_eq!(ask("POST", one, "If-Match: \"x\"").await, 412);
    assert_eq!(ask("POST", one, "If-None-Match: *").await, 412);
    // Lists have no tag, but they are there.
    let all = "/v1/sessions/restart";
    let list = "/v1/sessions?filter=id=9";
    for (method, path) in [("POST", all), ("DELETE", list)] {
        assert_eq!(ask(method, path, "If-Match: \"x\"").await, 412, "{path}");
        assert_eq!(ask(method, path, "If-None-Match: *").await, 412, "{path}");
    }
    assert_eq!(guard.filters_asked(), None);
    assert!(!guard.is_killed());
    let own = format!("If-Match: {}", tag(&house).await);
    assert_eq!(ask("POST", one, &own).await, 204);
    assert!(guard.filters_asked().is_some());
    assert_eq!(ask("POST", all, "If-Match: *").await, 204);
    assert!(guard.filters_asked().is_some());
    assert_eq!(ask("DELETE", list, "If-Match: *").await, 200);
    assert!(guard.is_killed());
    house.close().await;
}
