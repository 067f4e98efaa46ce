//! A bounded map in memory. It may forget anything at any time, and it must never bring back what was deleted.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Two generations: when the young one is full it becomes the old one, and what was not asked for since is dropped.
///
/// A reader that loads a row while somebody else deletes it must not put the deleted row back. So whoever loads takes
/// the [`Cache::epoch`] first and hands it to [`Cache::put`], which does nothing if anything was deleted in between.
pub(super) struct Cache<K, V> {
    inner: Mutex<Generations<K, V>>,
    half: usize,
}

struct Generations<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    epoch: u64,
}

/// The state of deletions when a load began.
#[derive(Clone, Copy)]
pub(super) struct Epoch(u64);

impl<K: Hash + Eq + Clone, V: Clone> Cache<K, V> {
    /// At most about `capacity` entries; none at all with 0.
    pub(super) fn new(capacity: usize) -> Self {
        let inner = Generations { young: HashMap::new(), old: HashMap::new(), epoch: 0 };
        Self { inner: Mutex::new(inner), half: capacity.div_ceil(2) }
    }

    pub(super) fn get(&self, key: &K) -> Option<V> {
        let mut inner = self.lock();
        if let Some(value) = inner.young.get(key) {
            return Some(value.clone());
        }
        let value = inner.old.remove(key)?;
        self.insert(&mut inner, key.clone(), value.clone());
        Some(value)
    }

    pub(super) fn epoch(&self) -> Epoch {
        Epoch(self.lock().epoch)
    }

    /// Remembers a value that was loaded since `epoch`, unless something was deleted since or it is there already.
    pub(super) fn put(&self, epoch: Epoch, key: K, value: V) {
        let mut inner = self.lock();
        if inner.epoch == epoch.0 && !inner.young.contains_key(&key) && !inner.old.contains_key(&key) {
            self.insert(&mut inner, key, value);
        }
    }

    /// Changes a value where it is remembered.
    pub(super) fn update(&self, key: &K, change: impl FnOnce(&mut V)) {
        let mut inner = self.lock();
        if inner.young.contains_key(key) {
            if let Some(value) = inner.young.get_mut(key) {
                change(value);
            }
        } else if let Some(value) = inner.old.get_mut(key) {
            change(value);
        }
    }

    /// Forgets what does not pass, after it was deleted on the disk.
    pub(super) fn retain(&self, keep: impl Fn(&K, &V) -> bool) {
        let mut inner = self.lock();
        inner.epoch += 1;
        inner.young.retain(|k, v| keep(k, v));
        inner.old.retain(|k, v| keep(k, v));
    }

    /// Forgets these keys, after they were deleted on the disk.
    pub(super) fn forget<'k>(&self, keys: impl IntoIterator<Item = &'k K>)
    where
        K: 'k,
    {
        let mut inner = self.lock();
        inner.epoch += 1;
        for key in keys {
            inner.young.remove(key);
            inner.old.remove(key);
        }
    }

    fn insert(&self, inner: &mut Generations<K, V>, key: K, value: V) {
        if self.half == 0 {
            return;
        }
        if inner.young.len() >= self.half {
            inner.old = std::mem::take(&mut inner.young);
        }
        inner.young.insert(key, value);
    }

    fn lock(&self) -> MutexGuard<'_, Generations<K, V>> {
        // No code between the locks can leave the maps half changed.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_bounded_and_keeps_what_is_asked_for() {
        let cache = Cache::new(10);
        for n in 0..1000 {
            cache.put(cache.epoch(), n, n);
            cache.get(&0);
        }
        assert_eq!(cache.get(&0), Some(0));
        let held = (0..1000).filter(|n| cache.get(n).is_some()).count();
        assert!(held <= 10, "{held}");
    }

    #[test]
    fn a_row_deleted_while_it_was_loaded_is_not_brought_back() {
        let cache = Cache::new(10);
        let before = cache.epoch();
        cache.forget([&1]);
        cache.put(before, 1, "loaded before the deletion");
        assert_eq!(cache.get(&1), None);
    }
}
