//! Counters of what the writer did, for metrics and for tests.

use crate::durations::{DurationCounts, Durations};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What the writer did since the log was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Statistics {
    /// Appends that stored something.
    pub appends: u64,
    /// Transactions that were committed; fewer than `appends` when callers shared them.
    pub batches: u64,
    /// Events that were stored.
    pub rows: u64,
    /// Appends whose expected revision was not the stream's.
    pub conflicts: u64,
    /// Appends that were found to be stored already.
    pub retries: u64,
    /// Batches that were rolled back.
    pub rollbacks: u64,
    /// Checkpoints that were run.
    pub checkpoints: u64,
    /// Microseconds that the last COMMIT took, fsync included.
    pub last_commit_micros: u64,
    /// How long COMMITs took.
    pub commits: DurationCounts,
    /// Microseconds that the slowest COMMIT took.
    pub slowest_commit_micros: u64,
    /// Microseconds that the last checkpoint between two batches took.
    pub last_checkpoint_micros: u64,
    /// Microseconds that the slowest checkpoint between two batches took: no append waited longer for one.
    pub slowest_checkpoint_micros: u64,
    /// Frames in the write-ahead file when it was last looked at.
    pub wal_frames: u64,
}

/// The counters behind [`Statistics`].
#[derive(Debug, Default)]
pub(super) struct Counters {
    appends: AtomicU64,
    batches: AtomicU64,
    rows: AtomicU64,
    conflicts: AtomicU64,
    retries: AtomicU64,
    rollbacks: AtomicU64,
    checkpoints: AtomicU64,
    last_commit: AtomicU64,
    all_commits: Durations,
    slowest_commit: AtomicU64,
    last_checkpoint: AtomicU64,
    slowest_checkpoint: AtomicU64,
    wal_frames: AtomicU64,
}

fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

impl Counters {
    pub(super) fn committed(&self, appends: usize, rows: usize, took: Duration) {
        self.appends.fetch_add(appends as u64, Ordering::Relaxed);
        self.rows.fetch_add(rows as u64, Ordering::Relaxed);
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.last_commit.store(micros(took), Ordering::Relaxed);
        self.all_commits.add(took);
        self.slowest_commit.fetch_max(micros(took), Ordering::Relaxed);
    }

    pub(super) fn conflict(&self) {
        self.conflicts.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn rolled_back(&self) {
        self.rollbacks.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn checkpointed(&self, took: Duration) {
        self.checkpoints.fetch_add(1, Ordering::Relaxed);
        self.last_checkpoint.store(micros(took), Ordering::Relaxed);
        self.slowest_checkpoint.fetch_max(micros(took), Ordering::Relaxed);
    }

    /// One that no append waited for.
    pub(super) fn checkpointed_beside(&self) {
        self.checkpoints.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn wal(&self, frames: u64) {
        self.wal_frames.store(frames, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Statistics {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Statistics {
            appends: get(&self.appends),
            batches: get(&self.batches),
            rows: get(&self.rows),
            conflicts: get(&self.conflicts),
            retries: get(&self.retries),
            rollbacks: get(&self.rollbacks),
            checkpoints: get(&self.checkpoints),
            last_commit_micros: get(&self.last_commit),
            commits: self.all_commits.counts(),
            slowest_commit_micros: get(&self.slowest_commit),
            last_checkpoint_micros: get(&self.last_checkpoint),
            slowest_checkpoint_micros: get(&self.slowest_checkpoint),
            wal_frames: get(&self.wal_frames),
        }
    }
}
