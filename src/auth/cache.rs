//! A bounded cache of passwords that were found right.
//!
//! PBKDF2 costs milliseconds of one core and HTTP Basic sends the password with each request. An entry is an
//! HMAC under a random key that lives only as long as the cache, so the cache holds nothing that could be tried
//! offline, and looking one up reveals nothing by its timing.

use std::collections::{HashSet, VecDeque};

use parking_lot::Mutex;

use super::verifier::hmac_sha256;

/// Entries kept. A user has one entry: only the right password gets in.
const ENTRIES_MAX: usize = 1024;

type Key = [u8; 32];

/// Which pairs of name and password were found right.
pub(super) struct SuccessCache {
    secret: Key,
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    known: HashSet<Key>,
    /// Oldest first: the next to go.
    order: VecDeque<Key>,
}

impl SuccessCache {
    pub(super) fn new() -> Self {
        Self {
            secret: rand::random(),
            entries: Mutex::default(),
        }
    }

    pub(super) fn contains(&self, name: &str, password: &str) -> bool {
        let key = self.key(name, password);
        self.entries.lock().known.contains(&key)
    }

    pub(super) fn insert(&self, name: &str, password: &str) {
        let key = self.key(name, password);
        let mut entries = self.entries.lock();
        if !entries.known.insert(key) {
            return;
        }
        entries.order.push_back(key);
        if entries.order.len() > ENTRIES_MAX
            && let Some(oldest) = entries.order.pop_front()
        {
            entries.known.remove(&oldest);
        }
    }

    /// The length keeps ("ab", "c") and ("a", "bc") apart.
    fn key(&self, name: &str, password: &str) -> Key {
        let length = (name.len() as u64).to_be_bytes();
        hmac_sha256(
            &self.secret,
            &[&length, name.as_bytes(), password.as_bytes()],
        )
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.lock().known.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_pair_is_found() {
        let cache = SuccessCache::new();
        cache.insert("ab", "c");
        assert!(cache.contains("ab", "c"));
        assert!(!cache.contains("a", "bc"));
        assert!(!cache.contains("ab", ""));
        assert!(!SuccessCache::new().contains("ab", "c"));
    }

    #[test]
    fn the_oldest_entry_makes_room() {
        let cache = SuccessCache::new();
        for number in 0..ENTRIES_MAX + 2 {
            cache.insert("user", &number.to_string());
            cache.insert("user", &number.to_string());
        }
        assert_eq!(cache.len(), ENTRIES_MAX);
        assert!(!cache.contains("user", "1"));
        assert!(cache.contains("user", "2"));
    }
}
