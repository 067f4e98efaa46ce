//! The end of the log in memory: whoever follows it finds what is new here, and the file is asked only by those who are
//! further behind.
//!
//! Nine read models and the reactor follow the log. Read from the file, every event would go through the database driver
//! ten times, which costs more than storing it. The writer puts a batch here after its COMMIT and before it is shown, so
//! that nothing is here that is not on the disk.

use super::plan::Plan;
use crate::port::{Position, Recorded};
use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock};

/// Bytes of metadata and payloads that are kept: some ten thousand bookings. Read from the file an event costs several times
/// as much, so that views which fall behind would fall behind further.
const KEPT: usize = 16_000_000;

/// The last events, in the order of their positions, without gaps.
#[derive(Debug, Default)]
pub(super) struct Tail(RwLock<Kept>);

#[derive(Debug, Default)]
struct Kept {
    events: VecDeque<Recorded>,
    bytes: usize,
}

fn size(event: &Recorded) -> usize {
    // What the event takes besides its texts is about this much.
    200 + event.metadata.len() + event.payload.len()
}

impl Tail {
    /// Takes in a batch that was committed.
    pub(super) fn extend(&self, plan: &Plan<'_>) {
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for accepted in &plan.accepted {
            let places = (accepted.first_position..).zip(accepted.first_revision..);
            for ((position, revision), event) in places.zip(&accepted.work.events) {
                let event = Recorded {
                    position: Position(position),
                    stream: accepted.work.stream.clone(),
                    revision,
                    id: event.id,
                    event_type: Arc::from(&*event.event_type),
                    metadata: Arc::clone(&event.metadata),
                    payload: Arc::clone(&event.payload),
                };
                // A batch that did not come through here leaves a gap: what was before it is of no use.
                if kept.events.back().is_some_and(|last| last.position.0 + 1 != position) {
                    *kept = Kept::default();
                }
                kept.bytes += size(&event);
                kept.events.push_back(event);
            }
        }
        while kept.bytes > KEPT
            && let Some(oldest) = kept.events.pop_front()
        {
            kept.bytes -= size(&oldest);
        }
    }

    /// Forgets everything: the file is being read again.
    pub(super) fn clear(&self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Kept::default();
    }

    /// Up to `limit` events after a position, none later than `last`; nothing if they do not all lie here.
    pub(super) fn after(&self, position: u64, last: u64, limit: u64) -> Option<Vec<Recorded>> {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let first = kept.events.front()?.position.0;
        let from = usize::try_from((position + 1).checked_sub(first)?).ok()?;
        let wanted = usize::try_from(last.checked_sub(position)?.min(limit)).ok()?;
        let to = from.checked_add(wanted)?;
        (to <= kept.events.len()).then(|| kept.events.range(from..to).cloned().collect())
    }
}
