//! Filters, fields, orders and pages: what they select, and mistakes that are told.

use rollcall::session::{Connection, ConnectionState, Remote, SessionGuard, State};
use serde_json::{Value, json};

use super::house::{House, basic};

/// What a query string has of a text.
pub fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// Twelve sessions that differ in most things.
pub fn crowd(house: &House) -> Vec<SessionGuard> {
    let users = [Some("maxuser"), Some("skysql"), Some("a \"b\" é"), None];
    let session = |n: usize| {
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], 40_000 + n as u16));
        let remote = match n {
            5 => Remote::Unix,
            _ => Remote::Tcp(address),
        };
        let guard = house.registry.register(&house.listener, remote).unwrap();
        guard.update(|profile| {
            profile.user = users[n % 4].map(Into::into);
            profile.database = n.is_multiple_of(3).then(|| "shop".into());
            profile.tls = (n == 7).then(|| "TLS13_AES_256_GCM_SHA384".into());
            profile.connections = (0..n % 3)
                .map(|at| Connection {
                    server: format!("db{at}").into(),
                    connection_id: (at == 0).then_some(70 + n as i64),
                    state: ConnectionState::Established,
                    connected_us: 0,
                    tls: None,
                })
                .collect();
        });
        if users[n % 4].is_some() {
            guard.advance(State::Routing);
        }
        (0..n % 5).for_each(|_| guard.count_statement());
        guard.sent(n as u64 * 100);
        guard
    };
    (0..12).map(session).collect()
}

fn ids(document: &Value) -> Vec<u64> {
    let objects = document["data"].as_array().unwrap().iter();
    objects
        .map(|object| object["id"].as_str().unwrap().parse().unwrap())
        .collect()
}

/// The ids of the sessions that a filter selects.
pub async fn selected(house: &House, filter: &str) -> Vec<u64> {
    let (name, value) = match filter.strip_prefix('[') {
        Some(path) => {
            let (path, value) = path.rsplit_once("]=").unwrap();
            (format!("filter[{path}]"), value)
        }
        None => ("filter".to_owned(), filter),
    };
    let path = format!("/v1/sessions?{}={}", encoded(&name), encoded(value));
    ids(&house.get(&path).await)
}

#[tokio::test]
async fn filters_select_by_value() {
    let house = House::open().await;
    let _crowd = crowd(&house);
    let all: Vec<u64> = (1..=12).collect();
    for (filter, expected) in [
        ("/attributes/user=\"maxuser\"", vec![1, 5, 9]),
        ("attributes/user=eq(\"maxuser\")", vec![1, 5, 9]),
        ("/attributes/user=\"a \\\"b\\\" é\"", vec![3, 7, 11]),
        // Nothing holds of a user that is not there.
        ("/attributes/user=ne(\"maxuser\")", vec![2, 3, 6, 7, 10, 11]),
        (
            "/attributes/user=not(eq(\"maxuser\"))",
            vec![2, 3, 6, 7, 10, 11],
        ),
        (
            "/attributes/user=or(lt(\"b\"),gt(\"n\"))",
            vec![2, 3, 6, 7, 10, 11],
        ),
        (
            "/relationships/services/data/0/id=\"RW-Split-Router\"",
            all.clone(),
        ),
        ("/relationships/services/data/0/id=\"other\"", vec![]),
        (
            "[relationships.services.data[*].id]=\"RW-Split-Router\"",
            all.clone(),
        ),
        // An id is a number, and a string of its digits.
        ("id=and(ge(5),le(7))", vec![5, 6, 7]),
        ("id=9", vec![9]),
        ("/id=\"9\"", vec![9]),
        ("id=9.0", vec![9]),
        ("id=\"9.0\"", vec![]),
        ("id=gt(11.5)", vec![12]),
        ("id=lt(1e300)", all.clone()),
        ("id=lt(-1e300)", vec![]),
        ("/attributes/statements=4", vec![5, 10]),
        ("/attributes/statements=gt(2.5)", vec![4, 5, 9, 10]),
        ("/attributes/statements=eq(2.5)", vec![]),
        // Values of another kind are different, and in no order.
        ("/attributes/statements=\"4\"", vec![]),
        ("/attributes/user=5", vec![]),
        (
            "/attributes/port=ne(\"x\")",
            vec![1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12],
        ),
        ("/attributes/port=lt(\"x\")", vec![]),
        ("/attributes/user=null", vec![]),
        (
            "/attributes/client/cipher=\"TLS13_AES_256_GCM_SHA384\"",
            vec![8],
        ),
        (
            "[attributes.client.*]=\"TLS13_AES_256_GCM_SHA384\"",
            vec![8],
        ),
        ("/attributes/state=\"Session Allocated\"", vec![4, 8, 12]),
        ("/attributes/idle=lt(1000)", all.clone()),
        ("/attributes/idle=ge(1000)", vec![]),
        // Of a wildcard's hits one suffices.
        (
            "[attributes.connections[*].server]=\"db1\"",
            vec![3, 6, 9, 12],
        ),
        ("[attributes.connections[*].connection_id]=gt(80)", vec![12]),
        (
            "[$.attributes.connections[1].server]=\"db1\"",
            vec![3, 6, 9, 12],
        ),
        (
            "/attributes/connections/0/server=\"db0\"",
            vec![2, 3, 5, 6, 8, 9, 11, 12],
        ),
        ("[attributes.*]=\"shop\"", vec![1, 4, 7, 10]),
    ] {
        assert_eq!(selected(&house, filter).await, expected, "{filter}");
    }
    let both = "filter=/attributes/database=%22shop%22&filter[attributes.user]=%22maxuser%22";
    assert_eq!(ids(&house.get(&format!("/v1/sessions?{both}")).await), [1]);
    // Every collection has them.
    let found = house
        .get("/v1/servers?filter=/attributes/parameters/port=3306&sort=-id")
        .await;
    let names: Vec<_> = found["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| &s["id"])
        .collect();
    assert_eq!(names, ["db1", "db/2"]);
    let found = house
        .get("/v1/services?filter[relationships.servers.data[*].id]=%22db1%22")
        .await;
    assert_eq!(found["data"][0]["id"], "RW-Split-Router");
    let found = house
        .get("/v1/listeners?filter=id=%22in%22&fields[listeners]=state")
        .await;
    assert_eq!(found["data"][0]["attributes"], json!({"state": "Running"}));
    house.close().await;
}

#[tokio::test]
async fn a_filter_on_a_name_that_is_looked_up() {
    let house = House::open().await;
    let _known = house.register([192, 0, 2, 1], "maxuser");
    let _unknown = house.register([192, 0, 2, 2], "maxuser");
    let filter = encoded("/attributes/remote=\"client.example\"");
    let named = house
        .get(&format!("/v1/sessions?rdns=true&filter={filter}"))
        .await;
    assert_eq!(ids(&named), [1]);
    let sorted = house.get("/v1/sessions?rdns=true&sort=-remote").await;
    assert_eq!(ids(&sorted), [1, 2]);
    let plain = house.get(&format!("/v1/sessions?filter={filter}")).await;
    assert_eq!(plain["data"], json!([]));
    house.close().await;
}

#[tokio::test]
async fn fields_are_all_that_is_shown() {
    let house = House::open().await;
    let _crowd = crowd(&house);
    let fields = "fields[sessions]=user,client/cipher,/relationships/services";
    let one = house.get(&format!("/v1/sessions/8?{fields}")).await;
    let list = house
        .get(&format!("/v1/sessions?{fields}&filter=id=8"))
        .await;
    assert_eq!(one["data"], list["data"][0]);
    let attributes = json!({"client": {"cipher": "TLS13_AES_256_GCM_SHA384"}});
    assert_eq!(one["data"]["attributes"], attributes);
    let members: Vec<_> = one["data"].as_object().unwrap().keys().collect();
    assert_eq!(
        members,
        ["attributes", "id", "links", "relationships", "type"]
    );
    let none = house.get("/v1/sessions/1?fields[sessions]=").await;
    assert!(none["data"].get("attributes").is_none());
    assert_eq!(none["data"]["id"], "1");
    let program = house.get("/v1/maxscale?fields[maxscale]=uptime").await;
    assert_eq!(program["data"]["attributes"].as_object().unwrap().len(), 1);
    house.close().await;
}

#[tokio::test]
async fn pages_say_where_they_are() {
    let house = House::open().await;
    let crowd = crowd(&house);
    let page = house
        .get("/v1/sessions?page[size]=5&page[number]=1&pretty=true")
        .await;
    assert_eq!(ids(&page), [6, 7, 8, 9, 10]);
    assert_eq!(page["meta"], json!({"total": 12}));
    let link = |number: usize| {
        format!(
            "http://localhost:8989/v1/sessions?page%5Bsize%5D=5&pretty=true&page%5Bnumber%5D={number}"
        )
    };
    let links = json!({
        "self": link(1), "first": link(0), "prev": link(0), "next": link(2), "last": link(2),
    });
    assert_eq!(page["links"], links);
    // Followed from the first to the last, the pages are the list.
    let filter = encoded("/attributes/database=\"shop\"");
    let mut next = format!("/v1/sessions?page[size]=3&filter={filter}&sort=-id");
    let mut seen = Vec::new();
    loop {
        let page = house.get(&next).await;
        assert_eq!(page["meta"]["total"], 4);
        seen.extend(ids(&page));
        match page["links"].get("next") {
            Some(link) => next = link.as_str().unwrap().replace("http://localhost:8989", ""),
            None => break,
        }
    }
    assert_eq!(seen, [10, 7, 4, 1]);
    let beyond = house.get("/v1/sessions?page[size]=5&page[number]=7").await;
    assert_eq!(
        (&beyond["data"], &beyond["meta"]["total"]),
        (&json!([]), &json!(12))
    );
    assert_eq!(beyond["links"]["prev"], beyond["links"]["last"]);
    // A user's page and its total are of one moment, and come from the user's own directory.
    let filter = encoded("/attributes/user=\"maxuser\"");
    for _ in 0..3 {
        let page = house
            .get(&format!("/v1/sessions?filter={filter}&page[size]=2"))
            .await;
        assert_eq!(
            (ids(&page), &page["meta"]["total"]),
            (vec![1, 5], &json!(3))
        );
    }
    drop(crowd);
    let empty = house
        .get(&format!("/v1/sessions?filter={filter}&page[size]=2"))
        .await;
    assert_eq!(
        (&empty["data"], &empty["meta"]["total"]),
        (&json!([]), &json!(0))
    );
    house.close().await;
}

#[tokio::test]
async fn mistakes_are_told_with_their_place() {
    let house = House::open().await;
    let _crowd = crowd(&house);
    for (query, named) in [
        ("filter=/attributes/usr=%22x%22", "/attributes/usr"),
        ("filter=/attributes=1", "/attributes"),
        ("filter=/attributes/user", "no '='"),
        ("filter=/attributes/user=maxuser", "character 1"),
        ("filter[attributes..user]=1", "character 11"),
        ("filter[$..id]=1", "character 2"),
        ("filter=id=and(eq(1)", "')' is expected"),
        ("sort=attributes", "attributes"),
        ("sort=-nothing", "nothing"),
        ("sort=connections", "connections"),
        ("fields[sessions]=idle,nothing", "nothing"),
        ("fields[sessions]=services/data/0", "services/data/0"),
        ("page[size]=x", "page[size]"),
        ("page[size]=0", "page[size]"),
        ("page[number]=1", "page[size]"),
        ("page[limit]=1", "page[limit]"),
    ] {
        let reply = house.ask("GET", &format!("/v1/sessions?{query}")).await;
        assert_eq!(reply.status, 400, "{query}: {}", reply.text());
        assert!(
            reply.detail().contains(named),
            "{query}: {}",
            reply.detail()
        );
    }
    for query in ["filter=id=1", "sort=id", "page[size]=1"] {
        let reply = house.ask("GET", &format!("/v1/sessions/1?{query}")).await;
        assert_eq!(reply.status, 400, "{query}");
    }
    house.close().await;
}

#[tokio::test]
async fn delete_by_filter_ends_exactly_those() {
    let house = House::with_users().await;
    let crowd = crowd(&house);
    let delete = async |user: &str, query: &str| {
        house
            .ask_with("DELETE", &format!("/v1/sessions{query}"), &basic(user))
            .await
    };
    assert_eq!(delete("reader:read", "?filter=id=1").await.status, 403);
    for refused in [
        "",
        "?ttl=0",
        "?filter=id",
        "?filter=id=1&page[size]=1",
        "?filter=id=1&ttl=x",
    ] {
        assert_eq!(
            delete("root:secret", refused).await.status,
            400,
            "{refused}"
        );
    }
    assert!(crowd.iter().all(|guard| !guard.is_killed()));
    let filter = format!("?filter={}", encoded("/attributes/user=\"maxuser\""));
    let reply = delete("root:secret", &filter).await;
    assert_eq!(
        (reply.status, reply.json()),
        (200, json!({"meta": {"closed": 3}}))
    );
    let killed = crowd.iter().filter(|guard| guard.is_killed());
    let killed: Vec<u32> = killed.map(|guard| guard.id().get()).collect();
    assert_eq!(killed, [1, 5, 9]);
    // Those have been told already.
    assert_eq!(
        delete("root:secret", &filter).await.json(),
        json!({"meta": {"closed": 0}})
    );
    // One that has not authenticated yet can be closed, too.
    let filter = format!(
        "?filter={}",
        encoded("/attributes/state=\"Session Allocated\"")
    );
    let reply = delete("root:secret", &format!("{filter}&ttl=0")).await;
    assert_eq!(reply.json()["meta"]["closed"], 3);
    house.close().await;
}

#[tokio::test]
async fn tags_stand_for_what_a_session_is() {
    let house = House::open().await;
    let guard = house.register_nine();
    let tag = house
        .ask("GET", "/v1/sessions/9")
        .await
        .header("etag")
        .to_owned();
    assert!(tag.starts_with('"') && tag.len() > 2);
    let ask = async |method: &str, path: &str, name: &str, tag: &str| {
        house
            .ask_with(method, path, &format!("{name}: {tag}\r\n"))
            .await
    };
    // Traffic and time do not change it, nor does what is shown of it.
    guard.sent(1_000);
    guard.count_statement();
    for path in [
        "/v1/sessions/9",
        "/v1/sessions/9?fields[sessions]=idle&pretty=no",
    ] {
        let reply = ask("GET", path, "If-None-Match", &tag).await;
        assert_eq!((reply.status, reply.body.len()), (304, 0), "{path}");
        assert_eq!(reply.header("etag"), tag);
        assert_eq!(reply.header("cache-control"), "no-cache");
    }
    assert_eq!(
        ask("HEAD", "/v1/sessions/9", "If-None-Match", "*")
            .await
            .status,
        304
    );
    assert_eq!(
        ask("GET", "/v1/sessions/9", "If-None-Match", "\"x\"")
            .await
            .status,
        200
    );
    // What it is does.
    guard.update(|profile| profile.database = Some("shop".into()));
    let reply = ask("GET", "/v1/sessions/9", "If-None-Match", &tag).await;
    assert_eq!(reply.status, 200);
    let changed = reply.header("etag").to_owned();
    assert_ne!(changed, tag);
    assert_eq!(
        ask("DELETE", "/v1/sessions/9", "If-Match", &tag)
            .await
            .status,
        412
    );
    assert!(!guard.is_killed());
    assert_eq!(
        ask("DELETE", "/v1/sessions/9", "If-Match", &changed)
            .await
            .status,
        204
    );
    assert!(guard.is_killed());
    assert_eq!(
        ask("DELETE", "/v1/sessions/99", "If-Match", "*")
            .await
            .status,
        404
    );
    // Lists are live and carry none.
    assert_eq!(house.ask("GET", "/v1/sessions").await.header("etag"), "");
    assert!(
        !house
            .ask("GET", "/v1/services/RW-Split-Router")
            .await
            .header("etag")
            .is_empty()
    );
    house.close().await;
}
