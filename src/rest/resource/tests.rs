use std::net::SocketAddr;

use super::*;
use crate::catalog::{CatalogOptions, Rows};
use crate::rest::parameters::Parameters;
use crate::session::{Filter, Listener, Registry, Remote, Server, Service, SessionGuard, Topology};

fn caller() -> Arc<Caller> {
    Arc::new(Caller::new("", false))
}

async fn planned(registry: &Arc<Registry>) -> (Arc<Catalog>, Vec<Resource>) {
    let catalog = Catalog::new(Arc::clone(registry), CatalogOptions::default()).unwrap();
    let mut resources = Vec::new();
    for definition in &DEFINITIONS {
        let resource = Resource::plan(definition, &catalog, caller());
        resources.push(resource.await.unwrap());
    }
    (catalog, resources)
}

/// The physical plan of a statement, as EXPLAIN shows it.
async fn physical(catalog: &Arc<Catalog>, prepared: &Prepared, parameters: ParamValues) -> String {
    let plan = LogicalPlanBuilder::from(prepared.plan().clone());
    let explain = plan.explain(false, false).unwrap().build().unwrap();
    let mut rows = catalog.run(&prepared.with_plan(explain), parameters, caller());
    let batch = rows.next().await.unwrap().unwrap();
    let shown = arrow::util::pretty::pretty_format_batches(&[batch]).unwrap();
    let shown = shown.to_string();
    let physical = shown.find("physical_plan").unwrap();
    shown[physical..].to_owned()
}

#[tokio::test]
async fn rows_are_found_and_ordered_by_the_provider() {
    let (catalog, resources) = planned(&Registry::new()).await;
    let sessions = &resources[0];
    for rdns in [false, true] {
        let none = ParamValues::List(Vec::new());
        let list = physical(&catalog, sessions.all(rdns), none).await;
        // Documents follow from what the scan delivers, as it delivers it.
        assert_eq!(list.contains("ProjectionExec"), rdns, "{list}");
        // The order does not get past an operator that waits for names.
        assert_eq!(list.contains("SortExec"), rdns, "{list}");
        assert_eq!(list.contains("AsyncFuncExec"), rdns, "{list}");
        let (one, id) = sessions.one("9", rdns).unwrap();
        let one = physical(&catalog, one, id).await;
        assert!(!one.contains("FilterExec"), "{one}");
        assert_eq!(one.contains("ProjectionExec"), rdns, "{one}");
        assert_eq!(one.contains("AsyncFuncExec"), rdns, "{one}");
    }
    assert!(sessions.one("9x", false).is_none());
}

/// The physical plans of a list and of its total.
async fn plans(catalog: &Arc<Catalog>, resource: &Resource, query: &str) -> (String, String) {
    let parameters = Parameters::parse(Some(query));
    let operators = Operators::parse(&parameters, resource.definition.name).unwrap();
    let listing = resource.listing(&operators, false).unwrap();
    let none = || ParamValues::List(Vec::new());
    let rows = physical(catalog, &listing.rows, none()).await;
    let total = match &listing.total {
        Some(total) => physical(catalog, total, none()).await,
        None => String::new(),
    };
    (rows, total)
}

#[tokio::test]
async fn operators_are_those_of_the_plan() {
    let registry = Registry::new();
    let service = Arc::new(Service::new("shop", "none"));
    let address = SocketAddr::from(([127, 0, 0, 1], 5433));
    let listener = Arc::new(Listener::new("in", &service, "postgresql", address));
    // Of nobody, all is known before it is asked.
    let _guard = registry.register(&listener, Remote::Tcp(address)).unwrap();
    let (catalog, resources) = planned(&registry).await;
    let [sessions, services, ..] = resources.as_slice() else {
        panic!("several resources");
    };
    // Filters on keys and pages in the order of ids are the scan's.
    for (filter, key) in [
        ("/attributes/user=\"a\"", "user=a"),
        ("/relationships/services/data/0/id=\"a\"", "service=a"),
        ("id=9", "id=9"),
        ("id=\"9\"", "id=9"),
    ] {
        let filter = filter.replace('"', "%22");
        let query = format!("filter={filter}&page[size]=10&page[number]=2&sort=-id");
        let (rows, total) = plans(&catalog, sessions, &query).await;
        assert!(rows.contains(key), "{rows}");
        assert!(rows.contains("limit=30"), "{rows}");
        for operator in ["FilterExec", "SortExec", "ProjectionExec"] {
            assert!(!rows.contains(operator), "{operator} in {rows}");
        }
        assert!(
            total.contains(key) && !total.contains("FilterExec"),
            "{total}"
        );
    }
    // Any other filter is one scan of the columns that it names and those that are shown.
    let query = "filter=/attributes/bytes_out=gt(5)&fields[sessions]=user&page[size]=10";
    let (rows, total) = plans(&catalog, sessions, query).await;
    assert!(rows.contains("columns=[id, user, bytes_out]"), "{rows}");
    assert_eq!(rows.matches("Scan:").count(), 1, "{rows}");
    assert!(rows.contains("FilterExec"), "{rows}");
    assert!(total.contains("columns=[bytes_out]"), "{total}");
    // An order other than that of ids keeps a page's rows only.
    let (rows, _) = plans(&catalog, sessions, "sort=-idle,user&page[size]=10").await;
    assert!(rows.contains("TopK(fetch=10)"), "{rows}");
    // Without a page, nothing is sorted but ids, by what they are sorted by.
    let operators = Operators::parse(&Parameters::parse(Some("sort=-idle,user")), "sessions");
    let listing = sessions.listing(&operators.unwrap(), false).unwrap();
    let none = ParamValues::List(Vec::new());
    let keys = &listing.sorted.as_ref().unwrap().keys;
    let keys = physical(&catalog, keys, none).await;
    assert!(keys.contains("columns=[id, user, idle]"), "{keys}");
    let (rows, _) = plans(&catalog, services, "fields[services]=router&page[size]=1").await;
    assert!(rows.contains("columns=[name, router]"), "{rows}");
}

#[tokio::test]
async fn every_collection_reads_what_a_request_names() {
    let registry = Registry::new();
    let service = Arc::new(Service::new("shop", "none"));
    let address = SocketAddr::from(([127, 0, 0, 1], 5433));
    let listener = Arc::new(Listener::new("in", &service, "postgresql", address));
    let _guard = registry.register(&listener, Remote::Tcp(address)).unwrap();
    let server = Server::new("db1", "192.0.2.5", 5432, "postgresql", None);
    let (name, module) = ("audit".into(), "qlafilter".into());
    registry.set_topology(Topology {
        services: vec![service],
        listeners: vec![listener],
        servers: vec![Arc::new(server)],
        filters: vec![Arc::new(Filter { name, module })],
    });
    let (catalog, resources) = planned(&registry).await;
    let collections = resources
        .iter()
        .filter(|resource| resource.definition.kind == Kind::Collection);
    let names: Vec<_> = collections
        .map(|resource| resource.definition.name)
        .collect();
    let asked = [
        (
            "sessions",
            "/attributes/client/cipher",
            "fields[sessions]=idle",
            "columns=[id, idle, tls]",
        ),
        (
            "sessions",
            "/relationships/services/data/0/id",
            "fields[sessions]=state",
            "columns=[id, service, state]",
        ),
        (
            "services",
            "/attributes/router",
            "fields[services]=state",
            "columns=[name, router, state]",
        ),
        (
            "servers",
            "/attributes/parameters/address",
            "fields[servers]=state",
            "columns=[name, address, state]",
        ),
        (
            "listeners",
            "/relationships/services/data/0/id",
            "fields[listeners]=state",
            "columns=[name, service, state]",
        ),
        (
            "filters",
            "/attributes/module",
            "fields[filters]=",
            "columns=[name, module]",
        ),
    ];
    assert!(
        names
            .iter()
            .all(|name| asked.iter().any(|(of, ..)| of == name)),
        "{names:?}"
    );
    for (name, pointer, fields, columns) in asked {
        let mut known = resources.iter();
        let resource = known
            .find(|resource| resource.definition.name == name)
            .unwrap();
        let json_path = pointer
            .trim_start_matches('/')
            .replace("/0/", "[0]/")
            .replace('/', ".");
        let member = pointer.trim_start_matches('/');
        let rest = format!("{fields}&sort={member},-id&page[size]=7");
        let mut seen = Vec::new();
        for filter in [
            format!("filter={pointer}=%22x%22"),
            format!("filter={pointer}=eq(%22x%22)"),
            format!("filter[{json_path}]=%22x%22"),
            format!("filter[$.{json_path}]=%22x%22"),
        ] {
            let (rows, total) = plans(&catalog, resource, &format!("{filter}&{rest}")).await;
            assert_eq!(rows.matches("Scan:").count(), 1, "{rows}");
            assert!(rows.contains(columns), "{columns} in {rows}");
            // One that the scan answers itself stands with its columns.
            let is_key = rows.contains(": sessions") && rows.contains("service=x");
            assert_eq!(rows.contains("FilterExec"), !is_key, "{rows}");
            // What is the same in all rows is nothing to be ordered by.
            assert!(
                rows.contains("limit=7") || rows.contains("fetch=7"),
                "{rows}"
            );
            assert_eq!(total.matches("Scan:").count(), 1, "{total}");
            seen.push((rows, total));
        }
        // Whichever way a member is named, it is the same question.
        assert!(seen.iter().all(|plans| plans == &seen[0]), "{seen:?}");
    }
}

async fn count(mut rows: Rows) -> usize {
    let mut count = 0;
    while let Some(batch) = rows.next().await {
        count += batch.unwrap().num_rows();
    }
    count
}

#[tokio::test]
async fn statements_keep_their_plans_but_no_answers() {
    let registry = Registry::new();
    let service = Arc::new(Service::new("shop", "none"));
    let address = SocketAddr::from(([127, 0, 0, 1], 5433));
    let listener = Arc::new(Listener::new("in", &service, "postgresql", address));
    let register = || registry.register(&listener, Remote::Tcp(address)).unwrap();
    let (catalog, resources) = planned(&registry).await;
    let [sessions, services, ..] = resources.as_slice() else {
        panic!("several resources");
    };
    let mut guards: Vec<SessionGuard> = Vec::new();
    // The answers are right either way; plans without the lookup of names are kept for certain.
    for rdns in [false, true] {
        for _ in 0..3 {
            guards.push(register());
            let all = sessions.all(rdns);
            let none = ParamValues::List(Vec::new());
            assert_eq!(count(catalog.run(all, none, caller())).await, guards.len());
            assert!(all.is_kept());
            let found = async |id: u32| {
                let (one, parameters) = sessions.one(&id.to_string(), rdns).unwrap();
                let found = count(catalog.run(one, parameters, caller())).await;
                assert!(one.is_kept());
                found
            };
            let last = guards.last().unwrap().id().get();
            assert_eq!(found(last).await, 1);
            assert_eq!(found(last + 1).await, 0);
        }
    }
    // A plain table finds no row by itself: its filter wants a literal.
    let (one, parameters) = services.one("shop", false).unwrap();
    assert_eq!(count(catalog.run(one, parameters, caller())).await, 0);
    assert!(!one.is_kept());
}

#[test]
fn an_integer_id_is_digits_in_range() {
    assert_eq!(integer_id("9"), Some(9));
    assert_eq!(integer_id("9223372036854775807"), Some(i64::MAX));
    for wrong in [
        "",
        "99x",
        "-1",
        "+1",
        " 1",
        "1.0",
        "9223372036854775808",
        "٣",
    ] {
        assert_eq!(integer_id(wrong), None, "{wrong:?}");
    }
}
