//! Host names of addresses: cached, bounded in number and time, never on a thread that carries traffic.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hickory_resolver::TokioResolver;
use moka::future::Cache;
use tokio::sync::{OnceCell, Semaphore};
use tokio::time::timeout;

/// Lookups under way at one time.
pub(super) const LOOKUPS_MAX: usize = 64;

/// Addresses whose name, or lack of one, is remembered.
const CACHED_MAX: u64 = 10_000;

/// How long it is remembered.
const CACHED_FOR: Duration = Duration::from_secs(60);

/// Who knows the host name of an address.
#[async_trait]
pub trait ReverseResolver: fmt::Debug + Send + Sync {
    /// The host name of `address`, without a trailing dot; `None` when it has none or cannot be looked up.
    async fn name_of(&self, address: IpAddr) -> Option<String>;
}

/// Asks the name servers that the system is configured with, its hosts file first.
#[derive(Default)]
pub struct SystemResolver {
    /// Set up at the first lookup, on the runtime that looks up. `None` when the system has no configuration.
    resolver: OnceCell<Option<TokioResolver>>,
}

impl fmt::Debug for SystemResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SystemResolver")
    }
}

#[async_trait]
impl ReverseResolver for SystemResolver {
    async fn name_of(&self, address: IpAddr) -> Option<String> {
        let set_up = || async {
            let builder = TokioResolver::builder_tokio();
            let resolver = builder.and_then(|builder| builder.build());
            resolver
                .inspect_err(|error| tracing::warn!(%error, "rdns is off: no usable resolver"))
                .ok()
        };
        let resolver = self.resolver.get_or_init(set_up).await.as_ref()?;
        let lookup = resolver.reverse_lookup(address).await.ok()?;
        let name = lookup
            .answers()
            .iter()
            .find_map(|record| match &record.data {
                hickory_resolver::proto::rr::RData::PTR(name) => Some(name.0.to_utf8()),
                _ => None,
            })?;
        Some(name.trim_end_matches('.').to_owned())
    }
}

/// Remembers what a resolver said. One address is asked for once, however many want to know.
#[derive(Debug)]
pub(super) struct NameCache {
    resolver: Arc<dyn ReverseResolver>,
    timeout: Duration,
    lookups: Semaphore,
    names: Cache<IpAddr, Option<Arc<str>>>,
}

impl NameCache {
    pub fn new(resolver: Arc<dyn ReverseResolver>, timeout: Duration) -> Self {
        Self {
            resolver,
            timeout,
            lookups: Semaphore::new(LOOKUPS_MAX),
            names: Cache::builder()
                .max_capacity(CACHED_MAX)
                .time_to_live(CACHED_FOR)
                .build(),
        }
    }

    pub async fn name_of(&self, address: IpAddr) -> Option<Arc<str>> {
        let look_up = async {
            let _turn = self.lookups.acquire().await.ok()?;
            let name = timeout(self.timeout, self.resolver.name_of(address)).await;
            name.ok().flatten().map(Arc::from)
        };
        self.names.get_with(address, look_up).await
    }
}
