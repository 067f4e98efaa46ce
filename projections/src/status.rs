//! What a projection says about its health: how far it is, when it last asked the log, and why it stopped.

use booking_store::Position;
use std::time::Duration;

/// Why a projection stopped. The others go on.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StopReason {
    /// An event cannot be read or applied; everything before it is applied. Quarantine it, or run a newer release.
    #[error("the event at position {position} ({event_type}) is bad: {reason}")]
    BadEvent {
        /// Its position.
        position: Position,
        /// Its type.
        event_type: String,
        /// What is wrong with it; never holds its payload.
        reason: String,
    },
    /// Another runner moved the checkpoint.
    #[error("another runner feeds this projection from the same file")]
    Fenced,
    /// The file of the views, or the log, holds what cannot be.
    #[error("{0}; if the views are damaged, `clinic-booking rebuild` makes them again")]
    Damaged(String),
    /// The runner broke: a bug. A restart begins again at the checkpoint.
    #[error("the runner broke: {0}")]
    Broken(String),
}

/// How a projection is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProjectionStatus {
    /// Its name.
    pub name: &'static str,
    /// Version of its fold.
    pub version: u32,
    /// The last position that it has applied.
    pub position: Option<Position>,
    /// The last position of the log that it has heard of.
    pub head: Option<Position>,
    /// Time since it last read the log; none: it never did.
    pub last_poll_age: Option<Duration>,
    /// Why it stopped; none: it runs.
    pub stopped: Option<StopReason>,
    /// A new generation of its rows is being built beside the one that is read.
    pub rebuilding: bool,
    /// Why the last attempt failed, while it is being tried again.
    pub trouble: Option<String>,
}

impl ProjectionStatus {
    /// True if it runs and asked the log within `patience`.
    pub fn is_healthy(&self, patience: Duration) -> bool {
        self.stopped.is_none() && self.last_poll_age.is_some_and(|age| age <= patience)
    }
    /// True if it has applied everything that it knows of.
    pub fn is_current(&self) -> bool {
        self.position >= self.head
    }
}
