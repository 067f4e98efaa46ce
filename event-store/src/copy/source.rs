//! Logs that are read from their beginning to the end that they had.

use crate::port::{EventStore, Position, ReadError, Recorded};
use crate::sqlite::{RawEvent, RawLog};
use async_trait::async_trait;
use booking_domain::stream::StreamName;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use uuid::Uuid;

/// Events of one read.
const PAGE: usize = 2_000;

/// A log that is read once, in its order.
#[async_trait]
pub trait InOrder: Send {
    /// The next events; none: that was the end.
    async fn next(&mut self) -> Result<Vec<Recorded>, ReadError>;
}

/// An open log, up to the end that it has when it is reached.
pub struct StoreInOrder {
    store: Arc<dyn EventStore>,
    after: Option<Position>,
    done: bool,
}

impl StoreInOrder {
    /// Everything that the log holds.
    pub fn to_its_end(store: Arc<dyn EventStore>) -> Self {
        Self { store, after: None, done: false }
    }
}

#[async_trait]
impl InOrder for StoreInOrder {
    async fn next(&mut self) -> Result<Vec<Recorded>, ReadError> {
        while !self.done {
            let page = self.store.read_all(self.after, PAGE).await?;
            (self.after, self.done) = (page.next, page.end);
            if !page.events.is_empty() {
                return Ok(page.events);
            }
        }
        Ok(Vec::new())
    }
}

/// A log in a file, beside a server that writes to it too: up to the end that it had when it was opened.
pub struct FileInOrder {
    log: RawLog,
    after: i64,
    types: HashMap<String, Arc<str>>,
}

impl FileInOrder {
    /// Everything up to the log's end now.
    pub fn new(log: RawLog) -> Self {
        Self { log, after: 0, types: HashMap::new() }
    }

    fn recorded(&mut self, raw: RawEvent) -> Result<Recorded, ReadError> {
        let at = raw.position;
        let damaged = |what: &str| ReadError::Corrupt(format!("the event at position {at} has {what}"));
        let expected = self.after.saturating_add(1);
        if at != expected {
            return Err(ReadError::Corrupt(format!("there is no event at position {expected}, and later ones are")));
        }
        self.after = at;
        let event_type = raw.event_type.ok_or_else(|| damaged("no type"))?;
        let shared = self.types.entry(event_type).or_insert_with_key(|name| Arc::from(name.as_str()));
        let stream = raw.stream.ok_or_else(|| damaged("no stream"))?;
        Ok(Recorded {
            position: Position(u64::try_from(at).map_err(|_| damaged("a bad position"))?),
            stream: StreamName::parse(&stream).map_err(|_| damaged("a bad stream name"))?,
            revision: u64::try_from(raw.revision).map_err(|_| damaged("a bad revision"))?,
            id: Uuid::from_slice(&raw.id).map_err(|_| damaged("a bad id"))?,
            event_type: Arc::clone(shared),
            metadata: str::from_utf8(&raw.metadata).map_err(|_| damaged("metadata that is no text"))?.into(),
            payload: raw.payload.into(),
        })
    }
}

#[async_trait]
impl InOrder for FileInOrder {
    async fn next(&mut self) -> Result<Vec<Recorded>, ReadError> {
        let limit = u32::try_from(PAGE).unwrap_or(u32::MAX);
        let page = self.log.in_order(self.after, limit).await?;
        if page.is_empty() && self.after < self.log.head() {
            return Err(ReadError::Corrupt(format!("there is no event after position {}", self.after)));
        }
        page.into_iter().map(|raw| self.recorded(raw)).collect()
    }
}

/// One event after the other.
pub(super) struct OneByOne<'a> {
    from: &'a mut dyn InOrder,
    read: VecDeque<Recorded>,
}

impl<'a> OneByOne<'a> {
    pub(super) fn new(from: &'a mut dyn InOrder) -> Self {
        Self { from, read: VecDeque::new() }
    }

    pub(super) async fn next(&mut self) -> Result<Option<Recorded>, ReadError> {
        if self.read.is_empty() {
            self.read = self.from.next().await?.into();
        }
        Ok(self.read.pop_front())
    }
}
