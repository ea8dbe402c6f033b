//! A small cache that forgets everything when it is full.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A cache of at most `N` values.
#[derive(Debug)]
pub(crate) struct Cache<K, V, const N: usize>(Mutex<HashMap<K, Arc<V>>>);

impl<K, V, const N: usize> Default for Cache<K, V, N> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V, const N: usize> Cache<K, V, N> {
    pub(crate) fn get(&self, key: &K) -> Option<Arc<V>> {
        self.lock().get(key).cloned()
    }

    pub(crate) fn put(&self, key: K, value: Arc<V>) {
        let mut values = self.lock();
        if values.len() >= N {
            values.clear();
        }
        values.insert(key, value);
    }

    pub(crate) fn remove(&self, key: &K) {
        self.lock().remove(key);
    }

    pub(crate) fn retain(&self, keep: impl Fn(&K) -> bool) {
        self.lock().retain(|key, _| keep(key));
    }

    /// The first value that fits, in no order.
    pub(crate) fn find(&self, fits: impl Fn(&K, &V) -> bool) -> Option<Arc<V>> {
        self.lock().iter().find(|(key, value)| fits(key, value)).map(|(_, value)| Arc::clone(value))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Arc<V>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
