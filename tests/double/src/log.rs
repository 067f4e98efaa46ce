//! What the server keeps: streams, the order of everything, what was deleted; and its rules, as measured against
//! a 22.10 server. Nothing here waits or knows a network.

use bytes::Bytes;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use tonic::{Code, Status};
use uuid::Uuid;

/// Data bytes of one append, all events together.
const MAX_APPEND_BYTES: usize = 1_048_576;
/// Where the first event of a fresh server stands.
const FIRST_POSITION: u64 = 548;

/// What the writer says that the stream's head is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Expected {
    Revision(u64),
    NoStream,
    Any,
    StreamExists,
}

/// An event that somebody wants to store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Proposal {
    pub id: Uuid,
    pub event_type: String,
    pub is_json: bool,
    pub metadata: Bytes,
    pub data: Bytes,
}

/// An event as the server holds it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stored {
    /// Its stream.
    pub stream: Arc<str>,
    /// Its place in the stream.
    pub revision: u64,
    /// Its place in the log.
    pub position: u64,
    /// The id that its writer gave it.
    pub id: Uuid,
    /// Its type.
    pub event_type: String,
    /// `application/json` or `application/octet-stream`.
    pub content_type: &'static str,
    /// When it was stored: units of 100 ns since 1970.
    pub created: u64,
    /// The writer's metadata.
    pub metadata: Bytes,
    /// The payload.
    pub data: Bytes,
}

/// How an append ended, if not with an error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Written {
    Done { revision: Option<u64>, position: Option<u64> },
    WrongVersion { current: Option<u64> },
}

#[derive(Default)]
struct Stream {
    /// Indexes into the log.
    events: Vec<usize>,
    /// Events before this revision are not shown.
    truncated_before: u64,
    deleted: bool,
    tombstoned: bool,
}

impl Stream {
    fn head(&self) -> Option<u64> {
        (self.events.len() as u64).checked_sub(1)
    }
}

/// Everything that was stored.
pub(crate) struct Log {
    events: Vec<Stored>,
    streams: HashMap<Arc<str>, Stream>,
    next: u64,
    /// Mixes events of the server's own among the others, as system projections do.
    system: bool,
    known: HashSet<String>,
}

/// A page of a stream.
#[derive(Debug)]
pub(crate) enum Page {
    NotFound,
    Events {
        /// The server jumped over what is not shown.
        first: Option<u64>,
        events: Vec<Stored>,
        head: u64,
    },
}

impl Log {
    pub(crate) fn new(system: bool) -> Self {
        let mut log =
            Self { events: vec![], streams: HashMap::new(), next: FIRST_POSITION, system, known: HashSet::new() };
        if system {
            log.next = 167;
            log.own_event("$$$scavenges", "$metadata");
            log.next = FIRST_POSITION;
        }
        log
    }

    pub(crate) fn all(&self) -> &[Stored] {
        &self.events
    }

    /// Stores the events, recognises a retry, or says what stands against it.
    pub(crate) fn append(
        &mut self,
        name: &str,
        expected: Expected,
        events: &[Proposal],
        now: u64,
    ) -> Result<Written, Status> {
        if name.is_empty() || events.iter().any(|event| event.id.is_nil() || event.event_type.is_empty()) {
            return Err(handler_failed());
        }
        if events.iter().map(|event| event.data.len()).sum::<usize>() > MAX_APPEND_BYTES {
            let mut status =
                Status::new(Code::InvalidArgument, format!("Maximum Append Size of {MAX_APPEND_BYTES} Exceeded."));
            tell(&mut status, "exception", "maximum-append-size-exceeded");
            tell(&mut status, "maximum-append-size", &MAX_APPEND_BYTES.to_string());
            return Err(status);
        }
        let (head, deleted, tombstoned) = self
            .streams
            .get(name)
            .map_or((None, false, false), |stream| (stream.head(), stream.deleted, stream.tombstoned));
        if tombstoned {
            return Err(stream_deleted(name));
        }
        let wrong = Written::WrongVersion { current: head };
        let earlier = match expected {
            Expected::NoStream if head.is_none() => None,
            Expected::NoStream => match self.earlier(name, 0, events) {
                // Recognised on a deleted stream, too: with no position, and nothing to be seen of it.
                Some((revision, position)) => {
                    let position = if deleted { 0 } else { position };
                    return Ok(Written::Done { revision: Some(revision), position: Some(position) });
                }
                None if deleted => None,
                None => return Ok(wrong),
            },
            Expected::Revision(revision) if Some(revision) == head => None,
            Expected::Revision(revision) => match self.earlier(name, revision.saturating_add(1), events) {
                Some(found) if !deleted => Some(found),
                _ => return Ok(wrong),
            },
            Expected::StreamExists if head.is_none() => return Ok(wrong),
            Expected::StreamExists if deleted => return Err(stream_deleted(name)),
            Expected::StreamExists | Expected::Any => {
                let first = events.first().and_then(|event| self.revision_of(name, event.id));
                match first.map(|first| self.earlier(name, first, events)) {
                    None => None,
                    Some(None) => return Ok(wrong),
                    Some(found) => found,
                }
            }
        };
        if let Some((revision, position)) = earlier {
            return Ok(Written::Done { revision: Some(revision), position: Some(position) });
        }
        if events.is_empty() {
            let position = self.events.last().map(|event| event.position);
            return Ok(Written::Done { revision: head, position });
        }
        Ok(self.store(name, head, deleted, events, now))
    }

    fn store(&mut self, name: &str, head: Option<u64>, revived: bool, events: &[Proposal], now: u64) -> Written {
        let name: Arc<str> = Arc::from(name);
        let first = head.map_or(0, |head| head + 1);
        let mut last = (first, 0);
        for (revision, event) in (first..).zip(events) {
            let position = self.next;
            let index = self.events.len();
            self.next += 100 + (name.len() + event.data.len() + event.metadata.len()) as u64;
            self.events.push(Stored {
                stream: Arc::clone(&name),
                revision,
                position,
                id: event.id,
                event_type: event.event_type.clone(),
                content_type: if event.is_json { "application/json" } else { "application/octet-stream" },
                created: now,
                metadata: event.metadata.clone(),
                data: event.data.clone(),
            });
            let stream = self.streams.entry(Arc::clone(&name)).or_default();
            stream.events.push(index);
            if revived {
                stream.deleted = false;
                stream.truncated_before = first;
            }
            last = (revision, position);
        }
        if self.system {
            let category = name.split_once('-').map_or(&*name, |(category, _)| category).to_owned();
            let types: Vec<_> = events.iter().map(|event| event.event_type.clone()).collect();
            self.project(&category, &types);
        }
        Written::Done { revision: Some(last.0), position: Some(last.1) }
    }

    /// What the system projections add: more at the first event of a category or type, two links afterwards.
    fn project(&mut self, category: &str, types: &[String]) {
        for event_type in types {
            if self.known.insert(format!("$et-{event_type}")) {
                self.own_event(&format!("$$$et-{event_type}"), "$metadata");
            }
            if self.known.insert(format!("$ce-{category}")) {
                self.own_event(&format!("$$$ce-{category}"), "$metadata");
                self.own_event("$streams", "$>");
                self.own_event(&format!("$category-{category}"), "$>");
            }
            self.own_event(&format!("$ce-{category}"), "$>");
            self.own_event(&format!("$et-{event_type}"), "$>");
        }
    }

    /// An event of the server's own.
    pub(crate) fn own_event(&mut self, name: &str, event_type: &str) {
        let name: Arc<str> = Arc::from(name);
        let stream = self.streams.entry(Arc::clone(&name)).or_default();
        let revision = stream.events.len() as u64;
        stream.events.push(self.events.len());
        self.events.push(Stored {
            stream: name,
            revision,
            position: self.next,
            id: Uuid::from_u64_pair(0x5e1f, self.next),
            event_type: event_type.to_owned(),
            content_type: "application/json",
            created: 0,
            metadata: Bytes::new(),
            data: Bytes::from_static(b"{}"),
        });
        self.next += 117;
    }

    /// Revision and position of the last of these events, if exactly they stand at `first` and after it.
    fn earlier(&self, name: &str, first: u64, events: &[Proposal]) -> Option<(u64, u64)> {
        let stream = self.streams.get(name)?;
        let mut last = None;
        for (revision, event) in (first..).zip(events) {
            let index = *stream.events.get(usize::try_from(revision).ok()?)?;
            let stored = self.events.get(index).filter(|stored| stored.id == event.id)?;
            last = Some((revision, stored.position));
        }
        last
    }

    fn revision_of(&self, name: &str, id: Uuid) -> Option<u64> {
        let stream = self.streams.get(name)?;
        let found = stream.events.iter().position(|index| self.events.get(*index).is_some_and(|e| e.id == id))?;
        Some(found as u64)
    }

    /// Deletes softly: what is there is not shown any more, and the next append goes on with the numbers.
    pub(crate) fn delete(&mut self, name: &str, expected: Expected, for_ever: bool) -> Result<u64, Status> {
        if self.streams.get(name).is_some_and(|stream| stream.tombstoned) {
            return Err(stream_deleted(name));
        }
        let head = self.streams.get(name).and_then(Stream::head);
        let fits = match expected {
            Expected::Any => head.is_some() || for_ever,
            Expected::StreamExists => head.is_some(),
            Expected::NoStream => false,
            Expected::Revision(revision) => head == Some(revision),
        };
        if !fits {
            let signed = |head: Option<u64>| head.map_or("-1".to_owned(), |head| head.to_string());
            let wanted = match expected {
                Expected::Revision(revision) => revision.to_string(),
                Expected::NoStream => "-1".to_owned(),
                Expected::Any => "-2".to_owned(),
                Expected::StreamExists => "-4".to_owned(),
            };
            let message = format!(
                "Delete failed due to WrongExpectedVersion. Stream: {name}, Expected version: {wanted}, Actual version: {}",
                signed(head)
            );
            let mut status = Status::new(Code::FailedPrecondition, message);
            tell(&mut status, "exception", "wrong-expected-version");
            tell(&mut status, "expected-version", &wanted);
            tell(&mut status, "actual-version", &signed(head));
            return Err(status);
        }
        let position = self.next;
        if for_ever {
            let index = self.events.len();
            let stream = self.streams.entry(Arc::from(name)).or_default();
            stream.tombstoned = true;
            stream.events.push(index);
            self.events.push(Stored {
                stream: Arc::from(name),
                revision: i64::MAX as u64,
                position,
                id: Uuid::from_u64_pair(0xdead, position),
                event_type: "$streamDeleted".to_owned(),
                content_type: "application/octet-stream",
                created: 0,
                metadata: Bytes::new(),
                data: Bytes::new(),
            });
            self.next += 117;
        } else {
            if let Some(stream) = self.streams.get_mut(name) {
                stream.deleted = true;
            }
            self.own_event(&format!("$${name}"), "$metadata");
        }
        Ok(position)
    }

    /// `$tb` of the stream's metadata: what stands before is not shown any more.
    pub(crate) fn truncate(&mut self, name: &str, before: u64) {
        if let Some(stream) = self.streams.get_mut(name) {
            stream.truncated_before = before;
        }
        self.own_event(&format!("$${name}"), "$metadata");
    }

    /// A page of a stream. `from`: none is the end.
    pub(crate) fn read_stream(&self, name: &str, from: Option<u64>, back: bool, count: u64) -> Result<Page, Status> {
        if count == 0 || (from.is_none() && !back) || from.is_some_and(|from| i64::try_from(from).is_err()) {
            return Err(Status::unknown("Unexpected ReadStreamResult: Error"));
        }
        let Some(stream) = self.streams.get(name) else { return Ok(Page::NotFound) };
        if stream.tombstoned {
            return Err(stream_deleted(name));
        }
        let Some(head) = stream.head().filter(|_| !stream.deleted) else { return Ok(Page::NotFound) };
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let shown = |revision: u64| {
            let index = stream.events.get(usize::try_from(revision).ok()?)?;
            self.events.get(*index).filter(|_| revision >= stream.truncated_before).cloned()
        };
        if back {
            let from = from.unwrap_or(head).min(head);
            let events = (0..=from).rev().filter_map(shown).take(count).collect();
            return Ok(Page::Events { first: None, events, head });
        }
        let from = from.unwrap_or_default();
        let visible = from.max(stream.truncated_before);
        let jumps = from > head || (visible > from && visible - from >= count as u64);
        let first = jumps.then_some(visible.min(head + 1));
        let events = (visible..=head).filter_map(shown).take(count).collect();
        Ok(Page::Events { first, events, head })
    }

    /// A page of everything. Forwards the place is included, backwards it is not. `from`: none is the end.
    pub(crate) fn read_all(&self, from: Option<(u64, u64)>, back: bool, count: u64) -> Result<Vec<Stored>, Status> {
        let start = match from {
            None => self.events.len(),
            Some((0, 0)) => 0,
            Some((commit, prepare)) if prepare > commit => return Err(handler_failed()),
            Some((commit, _)) => match self.events.binary_search_by_key(&commit, |event| event.position) {
                Ok(index) => index,
                Err(index) if index == self.events.len() && commit >= self.next => index,
                Err(_) => return Err(Status::unknown("Unexpected ReadAllResult: Error")),
            },
        };
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let (before, after) = self.events.split_at(start);
        Ok(if back {
            before.iter().rev().take(count).cloned().collect()
        } else {
            after.iter().take(count).cloned().collect()
        })
    }
}

fn handler_failed() -> Status {
    Status::unknown("Exception was thrown by handler.")
}

fn stream_deleted(name: &str) -> Status {
    let mut status = Status::new(Code::FailedPrecondition, format!("Event stream '{name}' is deleted."));
    tell(&mut status, "exception", "stream-deleted");
    tell(&mut status, "stream-name", name);
    status
}

/// Adds a header to an error.
pub(crate) fn tell(status: &mut Status, key: &'static str, value: &str) {
    if let Ok(value) = value.parse() {
        status.metadata_mut().insert(key, value);
    }
}
