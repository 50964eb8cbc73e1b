//! The secret keys that clients of PostgreSQL's protocol cancel with.

use std::sync::Arc;

use bytes::Bytes;
use hashbrown::HashMap;
use parking_lot::Mutex;
use subtle::ConstantTimeEq;

use crate::session::SessionId;

/// Bytes of a secret key in protocol 3.0.
pub(crate) const KEY_BYTES_3_0: usize = 4;
/// Bytes of a secret key from protocol 3.2 on.
pub(crate) const KEY_BYTES_3_2: usize = 32;

/// The secret keys of the clients that are connected, each with what it opens.
pub(crate) struct CancelKeys<T>(Mutex<HashMap<SessionId, (Bytes, T)>>);

impl<T> Default for CancelKeys<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> CancelKeys<T> {
    /// Gives a session a new key of so many bytes, at most [`KEY_BYTES_3_2`].
    pub fn issue(self: &Arc<Self>, id: SessionId, bytes: usize, target: T) -> IssuedKey<T> {
        let random: [u8; KEY_BYTES_3_2] = rand::random();
        let secret = Bytes::copy_from_slice(random.get(..bytes).unwrap_or(&random));
        self.0.lock().insert(id, (secret.clone(), target));
        IssuedKey {
            keys: Arc::clone(self),
            id,
            secret,
        }
    }

    /// What the key of that session opens. Takes the same time for every wrong key of the right length.
    pub fn open(&self, id: SessionId, secret: &[u8]) -> Option<T> {
        let (issued, target) = self.0.lock().get(&id).cloned()?;
        bool::from(issued.ct_eq(secret)).then_some(target)
    }
}

/// A session's key, which is valid until this is dropped.
pub(crate) struct IssuedKey<T> {
    keys: Arc<CancelKeys<T>>,
    id: SessionId,
    /// The key.
    pub secret: Bytes,
}

impl<T> Drop for IssuedKey<T> {
    fn drop(&mut self) {
        self.keys.0.lock().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: i64) -> SessionId {
        SessionId::new(number).expect("a valid id")
    }

    #[test]
    fn only_the_issued_key_fits_and_only_while_it_is_held() {
        let keys = Arc::new(CancelKeys::default());
        let issued = keys.issue(id(7), KEY_BYTES_3_2, ());
        assert_eq!(issued.secret.len(), KEY_BYTES_3_2);
        let secret = issued.secret.clone();
        assert!(keys.open(id(7), &secret).is_some());
        assert!(keys.open(id(8), &secret).is_none());
        assert!(keys.open(id(7), &secret[..KEY_BYTES_3_0]).is_none());
        assert!(keys.open(id(7), &[]).is_none());
        drop(issued);
        assert!(keys.open(id(7), &secret).is_none());
    }
}
