//! Lists as something else than a document, and responses in gzip and zstd.

use std::io::Read;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use arrow_ipc::reader::StreamReader;
use rollcall::rest::routes::{Action, Operation, table};
use serde_json::Value;

use super::house::{House, Reply};

async fn ask(house: &House, path: &str, accept: &str) -> Reply {
    house
        .ask_with("GET", path, &format!("Accept: {accept}\r\n"))
        .await
}

#[tokio::test]
async fn lists_are_lines_tables_and_streams() {
    let house = House::open().await;
    let first = house.register([127, 0, 0, 1], "maxuser");
    let second = house.register([127, 0, 0, 1], "sky, \"sql\"");
    first.update(|profile| profile.filters = vec!["audit".into()]);
    let _third = second;

    let whole = house.get("/v1/sessions?fields[sessions]=user,state").await;
    let lines = ask(
        &house,
        "/v1/sessions?fields[sessions]=user,state",
        "application/x-ndjson",
    )
    .await;
    assert_eq!(lines.header("content-type"), "application/x-ndjson");
    let objects: Vec<Value> = lines
        .text()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(&Value::from(objects), &whole["data"]);

    let path = "/v1/sessions?fields[sessions]=user,port,filters&sort=-id";
    let csv = ask(&house, path, "text/csv").await;
    assert_eq!(
        csv.header("content-type"),
        "text/csv; charset=utf-8; header=present"
    );
    let expected = "id,filters,user,port\r\n\
                    2,,\"sky, \"\"sql\"\"\",40000\r\n\
                    1,\"[{\"\"id\"\":\"\"audit\"\",\"\"type\"\":\"\"filters\"\"}]\",maxuser,40000\r\n";
    assert_eq!(csv.text(), expected);
    let page = ask(&house, &format!("{path}&page[size]=1"), "text/csv").await;
    assert_eq!(page.text().lines().count(), 2);
    let services = ask(
        &house,
        "/v1/services?fields[services]=statistics/connections",
        "text/csv",
    )
    .await;
    assert_eq!(
        services.text(),
        "id,statistics.connections\r\nRW-Split-Router,2\r\n"
    );

    let arrow = "application/vnd.apache.arrow.stream";
    let stream = ask(&house, "/v1/sessions", arrow).await;
    assert_eq!(stream.header("content-type"), arrow);
    let reader = StreamReader::try_new(stream.body.as_slice(), None).unwrap();
    let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    let ids: Vec<i64> = batches
        .iter()
        .flat_map(|batch| batch["id"].as_primitive::<Int64Type>().values().to_vec())
        .collect();
    assert_eq!(ids, [1, 2]);
    let remotes = batches[0]["remote"].as_string::<i32>();
    assert_eq!(remotes.value(0), "::ffff:127.0.0.1");
    let empty = ask(&house, "/v1/sessions?filter=id=99", arrow).await;
    assert_eq!(
        StreamReader::try_new(empty.body.as_slice(), None)
            .unwrap()
            .count(),
        0
    );

    let refused = ask(&house, "/v1/sessions", "text/html").await;
    assert_eq!(refused.status, 406);
    assert!(refused.detail().contains("text/csv"));
    // Every collection has all of them.
    let is_list = |operation: &Operation| matches!(operation.action, Action::List(_));
    for route in table() {
        if !route.operations.iter().any(is_list) {
            continue;
        }
        for accept in [
            "application/vnd.api+json",
            "application/x-ndjson",
            "text/csv",
            arrow,
        ] {
            let reply = ask(&house, &format!("/v1{}", route.path), accept).await;
            assert_eq!(
                reply.status,
                200,
                "{} {accept}: {}",
                route.path,
                reply.text()
            );
            assert!(reply.header("content-type").starts_with(accept));
        }
    }
    house.close().await;
}

#[tokio::test]
async fn responses_are_compressed_when_that_is_wanted() {
    let house = House::open().await;
    let _sessions: Vec<_> = (0..100)
        .map(|_| house.register([127, 0, 0, 1], "maxuser"))
        .collect();
    let path = "/v1/sessions?fields[sessions]=user";
    let plain = house.ask("GET", path).await;
    assert_eq!(plain.header("content-encoding"), "");
    for coding in ["gzip", "zstd"] {
        let header = format!("Accept-Encoding: {coding}\r\n");
        let reply = house.ask_with("GET", path, &header).await;
        assert_eq!(reply.header("content-encoding"), coding);
        assert!(reply.body.len() < plain.body.len() / 4);
        let mut text = Vec::new();
        match coding {
            "gzip" => flate2::read::GzDecoder::new(reply.body.as_slice()).read_to_end(&mut text),
            _ => zstd::Decoder::new(reply.body.as_slice())
                .unwrap()
                .read_to_end(&mut text),
        }
        .unwrap();
        assert_eq!(text, plain.body, "{coding}");
        let one = house.ask_with("GET", "/v1/sessions/1", &header).await;
        let tag = one.header("etag");
        assert!(tag.starts_with("W/"), "{tag}");
        let again = format!("If-None-Match: {tag}\r\n{header}");
        assert_eq!(
            house.ask_with("GET", "/v1/sessions/1", &again).await.status,
            304
        );
        assert_eq!(house.ask_with("HEAD", path, &header).await.body.len(), 0);
    }
    let other = house.ask_with("GET", path, "Accept-Encoding: br\r\n").await;
    assert_eq!(other.header("content-encoding"), "");
    house.close().await;
}

#[tokio::test]
async fn every_document_comes_as_the_type_that_was_asked_for() {
    let house = House::open().await;
    let _guard = house.register_nine();
    for (accept, content_type) in [
        ("application/vnd.api+json", "application/vnd.api+json"),
        ("application/json", "application/json; charset=utf-8"),
        ("*/*", "application/json; charset=utf-8"),
    ] {
        let accept = format!("Accept: {accept}\r\n");
        for path in [
            "/v1/",
            "/v1/sessions",
            "/v1/sessions/9",
            "/v1/sessions/9/relationships/services",
            "/v1/maxscale",
            "/v1/sessions/99",
            "/v1/sessions?filter=x",
        ] {
            let reply = house.ask_with("GET", path, &accept).await;
            assert_eq!(reply.header("content-type"), content_type, "{path}");
            assert!(reply.all("vary").join(", ").contains("accept"), "{path}");
        }
    }
    house.close().await;
}

#[tokio::test]
async fn a_body_is_json_or_refused() {
    let house = House::open().await;
    let _guard = house.register_nine();
    let body = "{\"data\":{\"attributes\":{\"parameters\":{\"log_info\":true}}}}";
    for (kind, status) in [
        ("", 204),
        ("Content-Type: application/json\r\n", 204),
        ("Content-Type: Application/JSON; charset=utf-8\r\n", 204),
        (
            "Content-Type: application/vnd.api+json\r\nContent-Encoding: identity\r\n",
            204,
        ),
        ("Content-Type: text/plain\r\n", 415),
        ("Content-Type: application/x-www-form-urlencoded\r\n", 415),
        (
            "Content-Type: application/json\r\nContent-Type: text/plain\r\n",
            415,
        ),
        ("Content-Type: application/jsonx\r\n", 415),
        (
            "Content-Type: application/json\r\nContent-Encoding: gzip\r\n",
            415,
        ),
    ] {
        let headers = format!("{kind}Content-Length: {}\r\n", body.len());
        let reply = house
            .ask_with_body("PATCH", "/v1/sessions/9", &headers, body)
            .await;
        assert_eq!(reply.status, status, "{kind}");
        assert!(
            status == 204 || reply.detail().contains("Content-"),
            "{kind}"
        );
    }
    // A form that is empty is what some clients' commands without a body have.
    let form = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 0\r\n";
    let reply = house.ask_with("POST", "/v1/sessions/9/restart", form).await;
    assert_eq!(reply.status, 204);
    house.close().await;
}
