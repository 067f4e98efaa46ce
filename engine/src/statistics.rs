//! What the engine did since it was made, whatever log it writes to: counters for operators.

use std::sync::atomic::{AtomicU64, Ordering};

/// What the engine did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct EngineStatistics {
    /// Appends that were stored.
    pub appends: u64,
    /// Decisions that were made again since somebody was faster.
    pub conflicts: u64,
    /// Appends that were sent again since their outcome was unknown.
    pub resends: u64,
    /// Commands that were sent away since too many wanted the same stream.
    pub busy: u64,
}

/// The counters behind [`EngineStatistics`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub appends: AtomicU64,
    pub conflicts: AtomicU64,
    pub resends: AtomicU64,
    pub busy: AtomicU64,
}

/// One more.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl crate::Engine {
    /// What it did since it was made.
    pub fn statistics(&self) -> EngineStatistics {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Counters { appends, conflicts, resends, busy } = &self.counters;
        EngineStatistics { appends: get(appends), conflicts: get(conflicts), resends: get(resends), busy: get(busy) }
    }
}
