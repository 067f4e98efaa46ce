//! What no store takes, judged before an append is queued, so that every store refuses the same things.

use crate::port::{AppendError, NewEvent};
use std::collections::HashSet;

/// Payload bytes of one append, all events together. `KurrentDB` takes a little over this in one append.
pub const MAX_PAYLOAD_BYTES: usize = 1_000_000;
/// Metadata bytes of one append, all events together.
pub const MAX_METADATA_BYTES: usize = 1_000_000;
/// Bytes of one event type's name.
pub const MAX_TYPE_BYTES: usize = 200;
/// Events of one append.
pub const MAX_EVENTS: usize = 10_000;

/// Refuses what cannot be stored, or what only a bug would send.
pub(crate) fn check(events: &[NewEvent]) -> Result<(), AppendError> {
    let invalid = |why: &str| Err(AppendError::Invalid(why.to_owned()));
    if events.is_empty() {
        return invalid("an append without events");
    }
    if events.len() > MAX_EVENTS {
        return invalid("more than 10,000 events in one append");
    }
    let (mut payload, mut metadata) = (0_usize, 0_usize);
    for event in events {
        if event.id.is_nil() {
            return invalid("an event with the nil id");
        }
        if event.event_type.is_empty() || event.event_type.len() > MAX_TYPE_BYTES {
            return invalid("an event type of 0 or of more than 200 bytes");
        }
        if !(event.metadata.starts_with('{') && event.metadata.ends_with('}')) {
            return invalid("metadata that is not a JSON object");
        }
        payload = payload.saturating_add(event.payload.len());
        metadata = metadata.saturating_add(event.metadata.len());
    }
    if payload > MAX_PAYLOAD_BYTES {
        return invalid("more than 1,000,000 bytes of payload in one append");
    }
    if metadata > MAX_METADATA_BYTES {
        return invalid("more than 1,000,000 bytes of metadata in one append");
    }
    if has_repeated_id(events) {
        return invalid("one event id twice in one append");
    }
    Ok(())
}

fn has_repeated_id(events: &[NewEvent]) -> bool {
    if events.len() <= 8 {
        // Nearly every append: no set is worth its allocation.
        return events.iter().enumerate().any(|(i, event)| events.iter().skip(i + 1).any(|other| other.id == event.id));
    }
    let mut seen = HashSet::with_capacity(events.len());
    !events.iter().all(|event| seen.insert(event.id))
}
