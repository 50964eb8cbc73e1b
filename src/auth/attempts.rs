//! Slows down whoever guesses passwords.
//!
//! Each wrong password is a failure of an address and of a name. An address that has had too many within a minute is
//! not listened to until one of them is a minute old, in a manner of speaking: failures are paid off one after the
//! other, at the rate that is allowed. A name is never closed, since then anybody could lock its user out: once it has
//! had too many failures, from wherever, each further attempt on it waits a second, and those that wait are bounded.
//!
//! What is remembered is bounded, too: who knows many addresses displaces others, most likely those that came once.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use moka::sync::Cache;
use tokio::sync::Semaphore;
use tokio::time::sleep;

/// What the numbers of failures refer to, in milliseconds.
const MINUTE_MS: u64 = 60_000;
/// Addresses, and names, that are remembered.
const REMEMBERED_MAX: u64 = 10_000;
/// How long an attempt on a name waits that has had too many failures.
const NAME_DELAY: Duration = Duration::from_secs(1);
/// Attempts that may wait at a time.
const WAITING_MAX: usize = 32;
/// An IPv6 client has at least a network of this prefix to itself.
const IPV6_PREFIX_BITS: u32 = 64;

/// How many failed logins are allowed in a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptLimits {
    /// From one address; 0: any number.
    pub per_address_max: u32,
    /// With one name, from all addresses together; 0: any number.
    pub per_user_max: u32,
}

impl Default for AttemptLimits {
    fn default() -> Self {
        Self {
            per_address_max: 20,
            per_user_max: 100,
        }
    }
}

/// There were too many failed logins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many failed logins: try again in {} s", self.retry_after_s())]
pub struct TooManyFailures {
    /// How long another attempt is of no use.
    pub retry_after: Duration,
}

impl TooManyFailures {
    /// The same in whole seconds, at least one.
    pub fn retry_after_s(&self) -> u64 {
        self.retry_after.as_millis().div_ceil(1000).max(1) as u64
    }
}

/// The failed logins of the last minute.
pub struct Attempts {
    begun: Instant,
    addresses: Throttle,
    names: Throttle,
    waiting: Semaphore,
    name_delay: Duration,
    failed: AtomicU64,
    refused: AtomicU64,
}

impl Attempts {
    pub(super) fn new(limits: AttemptLimits) -> Self {
        Self {
            begun: Instant::now(),
            addresses: Throttle::new(limits.per_address_max),
            names: Throttle::new(limits.per_user_max),
            waiting: Semaphore::new(WAITING_MAX),
            name_delay: NAME_DELAY,
            failed: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }

    /// Whether this address is listened to now.
    ///
    /// # Errors
    /// When it is not.
    pub fn check(&self, address: IpAddr) -> Result<(), TooManyFailures> {
        match self.addresses.wait(network(address), self.now_ms()) {
            None => Ok(()),
            Some(retry_after) => Err(self.refuse(retry_after)),
        }
    }

    /// Waits until an attempt on this name may be made: usually not at all.
    ///
    /// # Errors
    /// When too many wait already.
    pub async fn wait_for(&self, name: &str) -> Result<(), TooManyFailures> {
        if self.names.wait(name, self.now_ms()).is_none() {
            return Ok(());
        }
        match self.waiting.try_acquire() {
            Ok(_place) => sleep(self.name_delay).await,
            Err(_) => return Err(self.refuse(self.name_delay)),
        }
        Ok(())
    }

    /// A login from this address with this name was tried with a wrong password.
    pub fn failed(&self, address: IpAddr, name: &str) {
        let now_ms = self.now_ms();
        self.failed.fetch_add(1, Ordering::Relaxed);
        if self.addresses.charge(network(address), now_ms) {
            tracing::warn!(%address, "too many failed logins: the address is not listened to for now");
        }
        if self.names.charge(name, now_ms) {
            tracing::warn!(
                user = name,
                "too many failed logins: further attempts wait a second each"
            );
        }
    }

    /// Logins with a wrong password since the start.
    pub fn failed_total(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// Logins that were refused since the start, since too many had failed.
    pub fn refused_total(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    fn refuse(&self, retry_after: Duration) -> TooManyFailures {
        self.refused.fetch_add(1, Ordering::Relaxed);
        TooManyFailures { retry_after }
    }

    fn now_ms(&self) -> u64 {
        self.begun.elapsed().as_millis() as u64
    }
}

impl fmt::Debug for Attempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempts")
            .field("failed", &self.failed_total())
            .field("refused", &self.refused_total())
            .finish_non_exhaustive()
    }
}

/// What addresses are told apart by.
fn network(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits() >> (u128::BITS - IPV6_PREFIX_BITS),
    }
}

/// So many failures a minute for each key. A key's debt is the moment when it is paid off: a failure moves it on by
/// what one costs, and with a whole minute of it nothing more is allowed (the generic cell rate algorithm).
struct Throttle {
    /// What a failure costs, in milliseconds; 0 where nothing is limited.
    cost_ms: u64,
    /// By the hashes of keys, which nobody outside can foresee.
    debts: Cache<u64, Arc<AtomicU64>>,
    hasher: RandomState,
}

impl Throttle {
    fn new(per_minute: u32) -> Self {
        let cost_ms = MINUTE_MS.checked_div(u64::from(per_minute));
        Self {
            cost_ms: cost_ms.map_or(0, |cost| cost.max(1)),
            // After a minute nothing is owed.
            debts: Cache::builder()
                .max_capacity(REMEMBERED_MAX)
                .time_to_idle(Duration::from_millis(MINUTE_MS))
                .build(),
            hasher: RandomState::new(),
        }
    }

    /// How long until another failure is affordable, if it is not.
    fn wait(&self, key: impl Hash, now_ms: u64) -> Option<Duration> {
        let paid_ms = self.debts.get(&self.hasher.hash_one(key))?;
        self.excess(paid_ms.load(Ordering::Relaxed), now_ms)
    }

    /// Adds a failure; returns whether it is the one after which there may be no other.
    fn charge(&self, key: impl Hash, now_ms: u64) -> bool {
        if self.cost_ms == 0 {
            return false;
        }
        let paid_ms = self.debts.get_with(self.hasher.hash_one(key), Arc::default);
        let charged = |before: u64| before.max(now_ms) + self.cost_ms;
        let (Ok(before) | Err(before)) =
            paid_ms.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |before| {
                Some(charged(before))
            });
        let is_excess = |paid_ms| self.excess(paid_ms, now_ms).is_some();
        is_excess(charged(before)) && !is_excess(before)
    }

    fn excess(&self, paid_ms: u64, now_ms: u64) -> Option<Duration> {
        let next_ms = paid_ms.saturating_sub(now_ms) + self.cost_ms;
        let excess_ms = next_ms.saturating_sub(MINUTE_MS);
        (excess_ms > 0).then(|| Duration::from_millis(excess_ms))
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures::poll;

    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn failures_are_paid_off_at_the_rate_that_is_allowed() {
        let throttle = Throttle::new(3);
        let waits = |now_ms| throttle.wait("a", now_ms).map(|wait| wait.as_millis());
        assert_eq!(waits(1_000), None);
        assert!(!throttle.charge("a", 1_000));
        assert!(!throttle.charge("a", 1_000));
        assert_eq!(waits(1_000), None);
        assert!(throttle.charge("a", 1_000), "this one is the last");
        assert!(!throttle.charge("a", 1_000), "which is told once");
        assert_eq!(waits(1_000), Some(40_000));
        assert_eq!(waits(40_999), Some(1));
        assert_eq!(waits(41_000), None);
        assert_eq!(throttle.wait("b", 1_000), None);
        assert!(throttle.charge("a", 41_000), "one a period from then on");
        assert_eq!(waits(41_000), Some(20_000));
    }

    #[test]
    fn without_a_limit_nothing_is_remembered() {
        let throttle = Throttle::new(0);
        for _ in 0..1_000 {
            assert!(!throttle.charge("a", 0));
        }
        assert_eq!(throttle.wait("a", 0), None);
    }

    #[test]
    fn a_guesser_displaces_nobody_who_guesses_more() {
        let throttle = Throttle::new(2);
        for _ in 0..4 {
            throttle.charge("guesser", 0);
        }
        for other in 0..10 * REMEMBERED_MAX {
            throttle.charge(other, 0);
            throttle.wait("guesser", 0);
        }
        throttle.debts.run_pending_tasks();
        assert!(throttle.debts.entry_count() <= REMEMBERED_MAX);
        assert!(throttle.wait("guesser", 0).is_some());
    }

    #[test]
    fn addresses_are_told_apart_by_network() {
        let attempts = Attempts::new(AttemptLimits {
            per_address_max: 2,
            per_user_max: 0,
        });
        for _ in 0..2 {
            attempts.failed(address("192.0.2.1"), "alice");
            attempts.failed(address("2001:db8::1"), "alice");
        }
        for (other, listened_to) in [
            ("192.0.2.1", false),
            ("::ffff:192.0.2.1", false),
            ("192.0.2.2", true),
            ("2001:db8::ffff", false),
            ("2001:db8:0:1::1", true),
        ] {
            let checked = attempts.check(address(other));
            assert_eq!(checked.is_ok(), listened_to, "{other}");
        }
        assert_eq!((attempts.failed_total(), attempts.refused_total()), (4, 3));
        let refused = attempts.check(address("192.0.2.1")).unwrap_err();
        assert!((29..=30).contains(&refused.retry_after_s()), "{refused}");
    }

    #[tokio::test]
    async fn a_name_under_attack_is_slow_and_never_closed() {
        let limits = AttemptLimits {
            per_address_max: 0,
            per_user_max: 5,
        };
        let attempts = Attempts {
            name_delay: Duration::from_millis(20),
            ..Attempts::new(limits)
        };
        for host in 0..5 {
            attempts.failed(address(&format!("192.0.2.{host}")), "alice");
        }
        assert!(poll!(pin!(attempts.wait_for("bob"))).is_ready());
        let begun = Instant::now();
        assert_eq!(attempts.wait_for("alice").await, Ok(()));
        assert!(begun.elapsed() >= attempts.name_delay);
        // However many wait, others are told at once.
        let mut waiting: Vec<_> = (0..WAITING_MAX)
            .map(|_| Box::pin(attempts.wait_for("alice")))
            .collect();
        for attempt in &mut waiting {
            assert!(poll!(attempt).is_pending());
        }
        let refused = attempts.wait_for("alice").await.unwrap_err();
        assert_eq!(refused.retry_after_s(), 1);
        for attempt in waiting {
            assert_eq!(attempt.await, Ok(()));
        }
    }
}
