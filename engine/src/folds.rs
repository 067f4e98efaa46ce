//! Folded streams in memory, each behind its own fair gate.
//!
//! The gate saves work: without it two commands on one stream would both decide and one would decide again. The
//! fold saves reading. Neither is needed for correctness, which rests on the expected revision alone.

use booking_domain::stream::StreamName;
use booking_store::fold::{Aggregate, Folded};
use dashmap::DashMap;
use std::any::Any;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// How many folded streams are kept before the coldest are dropped.
const CAPACITY: usize = 20_000;
/// How many are dropped at once.
const DROPPED: usize = 256;

/// One stream's fold and gate.
#[derive(Debug)]
pub(crate) struct Entry<A> {
    /// Held from the decision to the append; fair.
    pub gate: tokio::sync::Mutex<()>,
    /// How many wait or work.
    pub queue: AtomicU64,
    fold: Mutex<Arc<Folded<A>>>,
}

impl<A: Aggregate> Entry<A> {
    /// The fold as it is known now.
    pub fn get(&self) -> Arc<Folded<A>> {
        Arc::clone(&self.fold.lock().unwrap_or_else(PoisonError::into_inner))
    }
    /// Takes in what was just appended to the fold of revision `before`; none if the fold has moved on meanwhile.
    pub fn advance(
        &self,
        before: Option<booking_store::Revision>,
        take: impl FnOnce(&mut Folded<A>),
    ) -> Option<Arc<Folded<A>>> {
        let mut known = self.fold.lock().unwrap_or_else(PoisonError::into_inner);
        if known.revision != before {
            return None;
        }
        take(Arc::make_mut(&mut known));
        Some(Arc::clone(&known))
    }
    /// Puts a fold in the place of an older one; never goes back.
    pub fn put(&self, fresh: Arc<Folded<A>>) {
        let mut known = self.fold.lock().unwrap_or_else(PoisonError::into_inner);
        if known.revision < fresh.revision {
            *known = fresh;
        }
    }
}

struct Slot {
    entry: Arc<dyn Any + Send + Sync>,
    used: AtomicU64,
}

/// All folds.
pub(crate) struct Folds {
    entries: DashMap<StreamName, Slot>,
    ticks: AtomicU64,
}

impl Folds {
    pub fn new() -> Self {
        Self { entries: DashMap::new(), ticks: AtomicU64::new(0) }
    }

    /// The entry of a stream, made empty if it is new.
    pub fn entry<A: Aggregate>(&self, stream: &StreamName) -> Arc<Entry<A>> {
        let tick = self.ticks.fetch_add(1, Ordering::Relaxed);
        let known = self.entries.get(stream).and_then(|slot| {
            slot.used.store(tick, Ordering::Relaxed);
            Arc::clone(&slot.entry).downcast::<Entry<A>>().ok()
        });
        known.unwrap_or_else(|| self.make(stream, tick))
    }

    fn make<A: Aggregate>(&self, stream: &StreamName, tick: u64) -> Arc<Entry<A>> {
        if self.entries.len() >= CAPACITY {
            self.drop_coldest();
        }
        let fresh = Arc::new(Entry::<A> {
            gate: tokio::sync::Mutex::new(()),
            queue: AtomicU64::new(0),
            fold: Mutex::new(Arc::new(Folded::default())),
        });
        let slot = self
            .entries
            .entry(stream.clone())
            .or_insert_with(|| Slot { entry: Arc::clone(&fresh) as _, used: AtomicU64::new(tick) });
        // Somebody else may have made it meanwhile; a category never changes its type, so the downcast holds.
        Arc::clone(&slot.entry).downcast::<Entry<A>>().unwrap_or(fresh)
    }

    /// Drops the few that were asked for longest ago, unless somebody has them: few at a time, since dropping a full day
    /// takes some microseconds, and others wait for its part of the table meanwhile.
    fn drop_coldest(&self) {
        let mut used: Vec<u64> = self.entries.iter().map(|slot| slot.used.load(Ordering::Relaxed)).collect();
        if used.len() < DROPPED {
            return;
        }
        let (_, horizon, _) = used.select_nth_unstable(DROPPED - 1);
        let horizon = *horizon;
        self.entries
            .retain(|_, slot| Arc::strong_count(&slot.entry) > 1 || slot.used.load(Ordering::Relaxed) > horizon);
    }
}
