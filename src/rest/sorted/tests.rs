use std::net::SocketAddr;

use datafusion::common::ParamValues;

use super::*;
use crate::catalog::{Caller, CatalogOptions};
use crate::rest::operators::Operators;
use crate::rest::parameters::Parameters;
use crate::rest::resource::{DEFINITIONS, Resource, SESSIONS};
use crate::session::{Listener, Registry, Remote, Service};

const PATIENCE: Duration = Duration::from_secs(60);

fn caller() -> Arc<Caller> {
    Arc::new(Caller::new("", false))
}

#[tokio::test]
async fn long_lists_are_sorted_in_little_memory() {
    let registry = Registry::new();
    let service = Arc::new(Service::new("shop", "none"));
    let address = SocketAddr::from(([127, 0, 0, 1], 5433));
    let listener = Arc::new(Listener::new("in", &service, "postgresql", address));
    let register = |n: u32| {
        let guard = registry.register(&listener, Remote::Tcp(address)).unwrap();
        let user = format!("user {}", n.wrapping_mul(2_654_435_761) % 10_000);
        guard.update(|profile| profile.user = (!n.is_multiple_of(7)).then(|| user.into()));
        guard
    };
    let guards: Vec<_> = (0..40_000).map(register).collect();
    let options = CatalogOptions {
        query_memory_bytes_max: 8 << 20,
        ..CatalogOptions::default()
    };
    let catalog = Catalog::new(Arc::clone(&registry), options).unwrap();
    let resource = Resource::plan(&DEFINITIONS[SESSIONS], &catalog, caller());
    let sessions = resource.await.unwrap();
    let listing = |query: &str| {
        let operators = Operators::parse(&Parameters::parse(Some(query)), "sessions").unwrap();
        sessions.listing(&operators, false).unwrap()
    };

    let listing_of_users = listing("sort=-user");
    let none = ParamValues::List(Vec::new());
    let mut rows = catalog.run(&listing_of_users.rows, none, caller());
    let refused = loop {
        match rows.next().await {
            Some(Ok(_)) => {}
            Some(Err(error)) => break error,
            None => panic!("documents' columns have been sorted: this shows nothing"),
        }
    };
    let is_memory = matches!(refused.find_root(), DataFusionError::ResourcesExhausted(_));
    assert!(is_memory, "{refused}");
    drop(rows);

    let mut wanted: Vec<(i64, Option<String>)> = guards
        .iter()
        .map(|guard| {
            let profile = registry.profile(guard).unwrap();
            (
                guard.id().into(),
                profile.user.as_deref().map(str::to_owned),
            )
        })
        .collect();
    // Largest first, those that are absent last, equals in the order of ids.
    wanted.sort_by(|(a, x), (b, y)| y.cmp(x).then(a.cmp(b)));
    let snapshot = || catalog.snapshot(caller(), None);
    let sorted = Arc::clone(listing_of_users.sorted.as_ref().unwrap());
    let key_at = sorted.key_at;
    let rows = SortedRows::begin(&catalog, snapshot(), sorted, PATIENCE);
    let mut rows = rows.await.unwrap();
    let mut found: Vec<i64> = Vec::new();
    while let Some(batch) = rows.next(PATIENCE).await.unwrap() {
        assert!(batch.num_rows() <= PIECE_ROWS);
        let ids = batch.column(key_at).as_primitive::<Int64Type>();
        found.extend(ids.values());
    }
    let ids: Vec<i64> = wanted.iter().map(|(id, _)| *id).collect();
    assert!(found == ids, "the order is another one");

    // A long page is a part of it; what the table delivers in order, and a short page, need nothing of this.
    let page = listing("sort=-user&page[size]=5000&page[number]=1");
    let sorted = Arc::clone(page.sorted.as_ref().unwrap());
    let rows = SortedRows::begin(&catalog, snapshot(), sorted, PATIENCE);
    let rows = rows.await.unwrap();
    assert!(rows.ids.as_slice() == &ids[5_000..10_000]);
    for query in ["sort=-id", "sort=-user&page[size]=50", "filter=id=gt(5)"] {
        assert!(listing(query).sorted.is_none(), "{query}");
    }
}
