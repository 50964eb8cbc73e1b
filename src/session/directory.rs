use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::HashMap;
use parking_lot::Mutex;

use super::SessionId;
use super::handle::Session;

const SHARDS: usize = 16;

type Members = BTreeMap<SessionId, Arc<Session>>;
type Shard = Mutex<HashMap<Arc<str>, Members>>;

/// Sessions by a name that they share, such as their user, in the order of their ids: so that a page of one name's
/// sessions costs the page, and their number nothing, however many sessions there are.
pub(super) struct Directory {
    hasher: RandomState,
    shards: Box<[Shard]>,
}

impl Directory {
    pub fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }

    pub fn insert(&self, name: &Arc<str>, session: &Arc<Session>) {
        let mut names = self.shard(name).lock();
        let members = names.entry_ref(&**name).or_default();
        members.insert(session.id(), Arc::clone(session));
    }

    pub fn remove(&self, name: &str, id: SessionId) {
        let mut names = self.shard(name).lock();
        if let Some(members) = names.get_mut(name) {
            members.remove(&id);
            if members.is_empty() {
                names.remove(name);
            }
        }
    }

    pub fn count(&self, name: &str) -> usize {
        self.shard(name).lock().get(name).map_or(0, BTreeMap::len)
    }

    /// The first `most` sessions by id, or the last ones, from the last.
    pub fn first(&self, name: &str, most: usize, from_the_last: bool) -> Vec<Arc<Session>> {
        self.count_and_first(name, most, from_the_last).1
    }

    /// How many there are, and the first `most` of them.
    pub fn count_and_first(
        &self,
        name: &str,
        most: usize,
        from_the_last: bool,
    ) -> (usize, Vec<Arc<Session>>) {
        let names = self.shard(name).lock();
        let Some(members) = names.get(name) else {
            return (0, Vec::new());
        };
        let first = match from_the_last {
            true => members.values().rev().take(most).cloned().collect(),
            false => members.values().take(most).cloned().collect(),
        };
        (members.len(), first)
    }

    fn shard(&self, name: &str) -> &Shard {
        &self.shards[self.hasher.hash_one(name) as usize % SHARDS]
    }
}
