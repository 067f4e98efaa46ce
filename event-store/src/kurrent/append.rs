//! Appending: the same bytes at the same revision until there is an answer, then a look at whose events are stored.
//!
//! The server recognises a retry by the event ids and answers like the first time. It keeps what it has: if another node of
//! ours was faster with the same command, its events are stored under the same ids with another content, and ours are not.
//! Only reading them back tells.

use super::verdict::{Trouble, Verdict, deleted};
use super::{Inner, KurrentFault};
use crate::port::{AppendError, Appended, Expected, NewEvent, Position, Revision};
use booking_domain::stream::StreamName;
use bytes::Bytes;
use eventstore::{AppendToStreamOptions, Client, EventData, ExpectedRevision, WriteResult};
use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Mutex as Turn, OwnedMutexGuard};
use uuid::Uuid;

/// Revisions are signed on the server, where negative ones mean "any" and "none".
pub(super) const MAX_REVISION: u64 = i64::MAX as u64;

impl Inner {
    pub(super) async fn append(
        &self,
        stream: &StreamName,
        expected: Expected,
        events: &[NewEvent],
    ) -> Result<Appended, AppendError> {
        let Some(first) = events.first() else {
            return Err(AppendError::Invalid("an append without events".to_owned()));
        };
        if let Expected::Exact(revision) = expected
            && revision >= MAX_REVISION
        {
            let actual =
                self.last_revision(stream).await.map_err(|error| AppendError::Unavailable(error.to_string()))?;
            return Err(AppendError::WrongExpectedRevision { actual });
        }
        // Of two that are the same and on their way at once, the server leaves one without an answer for seconds.
        let _turn = self.turns.take(first.id).await;
        let seen = Position(self.seen.load(Ordering::SeqCst));
        let options = AppendToStreamOptions::default().expected_revision(match expected {
            Expected::NoStream => ExpectedRevision::NoStream,
            Expected::Exact(revision) => ExpectedRevision::Exact(revision),
        });
        let batch: Vec<EventData> = events.iter().map(wire).collect();
        let answer = self.send(stream, &options, events, &batch).await.map_err(|verdict| verdict.for_append(stream))?;
        let Some(answer) = answer else {
            // Only with a planted fault: success, and nothing is known.
            return Ok(appended(expected, events, Position(seen.0.saturating_add(1)), false));
        };
        let position = Position(answer.position.commit);
        if position.0 > 0 && position <= seen {
            return Ok(appended(expected, events, position, true));
        }
        self.whose(stream, expected, events).await
    }

    async fn send(
        &self,
        stream: &StreamName,
        options: &AppendToStreamOptions,
        events: &[NewEvent],
        batch: &[EventData],
    ) -> Result<Option<WriteResult>, Verdict> {
        let patience = self.link.options.patience;
        let Some(fault) = self.link.options.fault else {
            return self.link.patiently(patience, |client| once(client, stream, options, batch)).await.map(Some);
        };
        match (self.link.once(|client| once(client, stream, options, batch)).await, fault) {
            (Err(Verdict::Unknown { .. }), KurrentFault::AcknowledgeUnknown) => Ok(None),
            (Err(Verdict::Unknown { .. }), KurrentFault::RetryAnywhere) => {
                let anywhere = AppendToStreamOptions::default().expected_revision(ExpectedRevision::Any);
                let other = |event: &NewEvent| wire(event).id(Uuid::new_v5(&event.id, b"other"));
                let others: Vec<_> = events.iter().map(other).collect();
                self.link.patiently(patience, |client| once(client, stream, &anywhere, &others)).await.map(|_| None)
            }
            (Err(Verdict::Unknown { .. }), _) => {
                self.link.patiently(patience, |client| once(client, stream, options, batch)).await.map(Some)
            }
            (answer, _) => answer.map(Some),
        }
    }

    /// Reads back what is stored under these ids.
    async fn whose(
        &self,
        stream: &StreamName,
        expected: Expected,
        events: &[NewEvent],
    ) -> Result<Appended, AppendError> {
        let stored = match self.stream(stream, expected.next(), events.len()).await {
            Ok(stored) => stored,
            // Stored, and what is stored cannot be told: the same append again finds out.
            Err(error) => return Err(AppendError::Unavailable(error.to_string())),
        };
        let same_ids = stored.iter().map(|event| event.id).eq(events.iter().map(|event| event.id));
        let Some(last) = stored.last().filter(|_| same_ids) else {
            return Err(AppendError::Unavailable(deleted(stream)));
        };
        let ours = stored.iter().zip(events).all(|(stored, sent)| {
            *stored.event_type == *sent.event_type && stored.metadata == sent.metadata && stored.payload == sent.payload
        });
        Ok(appended(expected, events, last.position, !ours))
    }
}

fn appended(expected: Expected, events: &[NewEvent], position: Position, already: bool) -> Appended {
    let first_revision = expected.next();
    let last_revision = last_of(first_revision, events.len());
    Appended { first_revision, last_revision, position, already }
}

const fn last_of(first: Revision, count: usize) -> Revision {
    first.saturating_add(count as u64).saturating_sub(1)
}

fn wire(event: &NewEvent) -> EventData {
    EventData::binary(&event.event_type, Bytes::copy_from_slice(&event.payload))
        .metadata(Bytes::copy_from_slice(event.metadata.as_bytes()))
        .id(event.id)
}

fn once(
    client: Client,
    stream: &StreamName,
    options: &AppendToStreamOptions,
    batch: &[EventData],
) -> impl Future<Output = Result<WriteResult, Trouble>> + use<> {
    let (stream, options, batch) = (stream.to_string(), options.clone(), batch.to_vec());
    async move { Ok(client.append_to_stream(stream, &options, batch).await?) }
}

/// Appends of the same events go one after the other.
#[derive(Default)]
pub(super) struct Turns {
    waiting: Mutex<HashMap<Uuid, Arc<Turn<()>>>>,
}

pub(super) struct TurnTaken<'a> {
    turns: &'a Turns,
    id: Uuid,
    turn: Arc<Turn<()>>,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Turns {
    async fn take(&self, id: Uuid) -> TurnTaken<'_> {
        let turn = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(waiting.entry(id).or_default())
        };
        // Made before the wait: whoever is dropped while waiting leaves no entry behind.
        let mut taken = TurnTaken { turns: self, id, turn: Arc::clone(&turn), guard: None };
        taken.guard = Some(turn.lock_owned().await);
        taken
    }
}

impl Drop for TurnTaken<'_> {
    fn drop(&mut self) {
        drop(self.guard.take());
        let mut waiting = self.turns.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        // One is the map's, one is this one's: nobody else waits.
        if Arc::strong_count(&self.turn) <= 2 {
            waiting.remove(&self.id);
        }
    }
}
