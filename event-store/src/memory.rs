//! The log in memory, for tests: the same answers as a store on a disk, and the faults of one when asked.

use crate::port::{
    AppendError, Appended, EventStore, Expected, NewEvent, Page, Position, ReadError, Recorded, Revision,
};
use crate::validate;
use async_trait::async_trait;
use booking_domain::stream::StreamName;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// A log that lives as long as this value and its clones do.
#[derive(Clone)]
pub struct MemoryStore {
    inner: Arc<Inner>,
}

struct Inner {
    log: Mutex<Log>,
    changed: watch::Sender<u64>,
    /// Distance between two positions.
    step: u64,
}

#[derive(Default)]
struct Log {
    events: Vec<Recorded>,
    streams: HashMap<StreamName, Vec<usize>>,
    types: HashMap<String, Arc<str>>,
    faults: VecDeque<Fault>,
}

enum Fault {
    LoseAcknowledgement,
    Conflict,
    Unavailable,
    Full,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryStore {
    /// An empty log with the positions 1, 2, 3 and so on.
    pub fn new() -> Self {
        Self::with_step(1)
    }

    /// An empty log whose positions have gaps, as those of a cluster have: for finding who counts on positions.
    pub fn sparse() -> Self {
        Self::with_step(7)
    }

    fn with_step(step: u64) -> Self {
        Self { inner: Arc::new(Inner { log: Mutex::default(), changed: watch::Sender::new(0), step }) }
    }

    /// The next append that would succeed stores its events and is then answered with
    /// [`AppendError::Unavailable`]. Faults that are asked for several times come one after the other.
    pub fn lose_next_acknowledgement(&self) {
        self.plan(Fault::LoseAcknowledgement);
    }

    /// The next append that would succeed stores nothing and is answered with
    /// [`AppendError::WrongExpectedRevision`], as if another writer had been faster.
    pub fn conflict_on_next_append(&self) {
        self.plan(Fault::Conflict);
    }

    /// The next append that would succeed stores nothing and is answered with [`AppendError::Unavailable`].
    pub fn fail_next_append(&self) {
        self.plan(Fault::Unavailable);
    }

    /// The next append that would succeed stores nothing and is answered with [`AppendError::Full`].
    pub fn be_full_on_next_append(&self) {
        self.plan(Fault::Full);
    }

    /// Every event, in the order of the log.
    pub fn all(&self) -> Vec<Recorded> {
        self.log().events.clone()
    }

    fn plan(&self, fault: Fault) {
        self.log().faults.push_back(fault);
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        // Nothing is half done when a holder of the lock panics: an append changes the log in one step.
        self.inner.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log {
    fn head(&self, stream: &StreamName) -> Option<Revision> {
        let len = self.streams.get(stream).map_or(0, Vec::len);
        (len as u64).checked_sub(1)
    }

    fn event(&self, stream: &StreamName, revision: Revision) -> Option<&Recorded> {
        let index = self.streams.get(stream)?.get(usize::try_from(revision).ok()?)?;
        self.events.get(*index)
    }

    /// The earlier append of the same events at the same place, if there was one.
    fn earlier(&self, stream: &StreamName, first: Revision, events: &[NewEvent]) -> Option<Appended> {
        let mut last = None;
        if first > self.head(stream)? {
            return None;
        }
        for (revision, event) in (first..).zip(events) {
            last = Some(self.event(stream, revision).filter(|stored| stored.id == event.id)?);
        }
        let last = last?;
        Some(Appended { first_revision: first, last_revision: last.revision, position: last.position, already: true })
    }

    fn store(&mut self, stream: &StreamName, first: Revision, events: Vec<NewEvent>, step: u64) -> Option<Appended> {
        let mut appended = None;
        for (revision, event) in (first..).zip(events) {
            let position = Position(self.events.last().map_or(0, |last| last.position.0) + step);
            let event_type = match self.types.get(event.event_type.as_ref()) {
                Some(known) => Arc::clone(known),
                None => Arc::from(event.event_type.as_ref()),
            };
            self.types.entry(event.event_type.into_owned()).or_insert_with(|| Arc::clone(&event_type));
            self.streams.entry(stream.clone()).or_default().push(self.events.len());
            self.events.push(Recorded {
                position,
                stream: stream.clone(),
                revision,
                id: event.id,
                event_type,
                metadata: event.metadata,
                payload: event.payload,
            });
            appended = Some(Appended { first_revision: first, last_revision: revision, position, already: false });
        }
        appended
    }
}

#[async_trait]
impl EventStore for MemoryStore {
    async fn append(
        &self,
        stream: &StreamName,
        expected: Expected,
        events: Vec<NewEvent>,
    ) -> Result<Appended, AppendError> {
        validate::check(&events)?;
        // Other tasks run between a decision and its append on a disk: let them here too.
        tokio::task::yield_now().await;
        let (stored, lost) = {
            let mut log = self.log();
            let actual = log.head(stream);
            if !expected.holds(actual) {
                let earlier = log.earlier(stream, expected.next(), &events);
                return earlier.ok_or(AppendError::WrongExpectedRevision { actual });
            }
            let lost = match log.faults.pop_front() {
                None => false,
                Some(Fault::LoseAcknowledgement) => true,
                Some(Fault::Conflict) => return Err(AppendError::WrongExpectedRevision { actual }),
                Some(Fault::Unavailable) => return Err(AppendError::Unavailable("planned: not stored".to_owned())),
                Some(Fault::Full) => return Err(AppendError::Full),
            };
            (log.store(stream, expected.next(), events, self.inner.step), lost)
        };
        self.inner.changed.send_modify(|count| *count = count.wrapping_add(1));
        if lost {
            return Err(AppendError::Unavailable("planned: stored, and the answer lost".to_owned()));
        }
        stored.ok_or_else(|| AppendError::Invalid("an append without events".to_owned()))
    }

    async fn read_stream(&self, stream: &StreamName, from: Revision, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        let log = self.log();
        let indexes = log.streams.get(stream).map_or(&[][..], Vec::as_slice);
        let skip = usize::try_from(from).unwrap_or(usize::MAX);
        Ok(indexes.iter().skip(skip).take(limit).filter_map(|index| log.events.get(*index)).cloned().collect())
    }

    async fn read_all(&self, after: Option<Position>, limit: usize) -> Result<Page, ReadError> {
        let log = self.log();
        let start = after.map_or(0, |after| log.events.partition_point(|event| event.position <= after));
        let events: Vec<_> = log.events.iter().skip(start).take(limit).cloned().collect();
        let end = start + events.len() >= log.events.len();
        Ok(Page { next: events.last().map(|event| event.position).or(after), events, end })
    }

    async fn head(&self) -> Result<Option<Position>, ReadError> {
        Ok(self.log().events.last().map(|event| event.position))
    }

    fn new_events(&self) -> watch::Receiver<u64> {
        let mut changes = self.inner.changed.subscribe();
        // Whoever asks may have read before: better one needless look than none.
        changes.mark_changed();
        changes
    }
}
