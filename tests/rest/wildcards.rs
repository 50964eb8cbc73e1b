//! Filters of many comparisons, and on many members.

use rollcall::session::Attributes;

use super::house::House;
use super::operators::{crowd, selected};

/// Every comparison with every member costs the planner something.
#[tokio::test]
async fn wildcards_do_not_multiply_comparisons() {
    let house = House::open().await;
    let crowd = crowd(&house);
    let any_of = |most: usize| {
        let terms: Vec<String> = (0..most).map(|n| format!("eq({n})")).collect();
        format!("or({})", terms.join(","))
    };
    let once = format!("filter[*.*]={}", any_of(250));
    let one_at_a_time = vec!["filter[*.*]=eq(1)"; 250].join("&");
    let ids = vec![format!("filter=id={}", any_of(250)); 2].join("&");
    for query in [once.clone(), vec![once; 12].join("&"), one_at_a_time, ids] {
        for method in ["GET", "DELETE"] {
            let path = format!("/v1/sessions?{query}");
            let reply = house.ask(method, &path).await;
            assert_eq!(reply.status, 400, "{}", reply.text());
            let detail = reply.detail();
            assert!(detail.contains("more than 256 comparisons"), "{detail}");
        }
    }
    assert!(crowd.iter().all(|guard| !guard.is_killed()));
    // What people write is far below.
    for query in [
        "filter[*.*]=%22maxuser%22".to_owned(),
        format!("filter=id={}", any_of(250)),
        format!("filter[attributes.connections[*].server]={}", any_of(250)),
        format!("filter[*.*]={}", any_of(5)),
        vec![format!("filter=/attributes/idle={}", any_of(250)); 12].join("&"),
    ] {
        let reply = house.ask("GET", &format!("/v1/sessions?{query}")).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    house.close().await;
}

/// What is too much for the planner holds of the same values.
#[tokio::test]
async fn long_conditions_mean_what_short_ones_do() {
    let house = House::open().await;
    let _crowd = crowd(&house);
    let never = vec!["and(gt(0),lt(0))"; 20].join(",");
    let mut some = 0;
    for path in [
        "/attributes/state",
        "/attributes/connected",
        "/attributes/idle",
        "/attributes/seconds_alive",
        "/attributes/remote",
        "/attributes/port",
        "/attributes/user",
        "id",
    ] {
        for condition in [
            "eq(40000)",
            "ge(0)",
            "gt(0.5)",
            "lt(1e300)",
            "ne(39999.5)",
            "not(eq(\"Session Allocated\"))",
            "gt(\"Session\")",
            "and(ne(null),ne(true))",
            "or(lt(\"::ffff:10\"),eq(\"maxuser\"))",
        ] {
            let short = selected(&house, &format!("{path}={condition}")).await;
            let long = format!("{path}=or({condition},{never})");
            assert_eq!(selected(&house, &long).await, short, "{path} {condition}");
            some += usize::from(!short.is_empty());
        }
    }
    assert!(some > 20, "{some}");
    house.close().await;
}

#[tokio::test]
async fn what_all_have_and_what_any_has_is_filtered_by() {
    let house = House::open().await;
    let guard = house.register_nine();
    let _other = house.register([127, 0, 0, 1], "maxuser");
    guard.update(|profile| {
        let attributes = [("_client_name", "pymysql"), ("_pid", "77")];
        let bytes = attributes.map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        profile.attributes = Attributes::new(bytes);
    });
    for (filter, ids) in [
        (
            "[attributes.client.connection_attributes.*]=\"pymysql\"",
            &[9][..],
        ),
        ("[attributes.client.connection_attributes.*]=gt(\"q\")", &[]),
        (
            "[attributes.client.connection_attributes.*]=not(eq(\"pymysql\"))",
            &[9],
        ),
        ("/attributes/client/connection_attributes/_pid=\"77\"", &[9]),
        ("/type=\"sessions\"", &[9, 10]),
        ("[type]=ne(\"sessions\")", &[]),
        ("/type=1", &[]),
    ] {
        assert_eq!(selected(&house, filter).await, ids, "{filter}");
    }
    house.close().await;
}
