//! Reading: pages that are whole and in order, or an error. A page that broke off must not pass for the end of a stream,
//! since refusals rest on what was read.

use super::append::MAX_REVISION;
use super::verdict::{Trouble, Verdict, deleted};
use super::{Inner, KurrentFault};
use crate::port::{Page, Position, ReadError, Recorded, Revision};
use booking_domain::stream::StreamName;
use eventstore::{
    Client, Position as Place, ReadAllOptions, ReadEvent, ReadStreamOptions, RecordedEvent, ResolvedEvent,
    StreamPosition,
};
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// Events of one call at most.
const PAGE_EVENTS: usize = 4_000;
/// Events of one call at least: those of the server's own are among them.
const LEAST_EVENTS: usize = 64;
/// Payload bytes after which a page of the whole log ends.
const PAGE_BYTES: usize = 8_000_000;
/// Events that one page looks at at most, shown or not.
const MOST_LOOKED_AT: usize = 40_000;

/// The first contact.
pub(super) async fn probe(client: Client) -> Result<(), Trouble> {
    raw(client, StreamPosition::Start, false, 1).await.map(|_| ())
}

/// The position of the last event, the server's own included.
pub(super) async fn newest(client: Client) -> Result<Option<u64>, Trouble> {
    let events = raw(client, StreamPosition::End, true, 1).await?;
    Ok(events.first().map(|event| event.position.commit))
}

/// Events of the whole log, the server's own included. Forwards `from` is among them, backwards it is not.
async fn raw(
    client: Client,
    from: StreamPosition<Place>,
    back: bool,
    count: usize,
) -> Result<Vec<RecordedEvent>, Trouble> {
    let options = ReadAllOptions::default().position(from).max_count(count);
    let options = if back { options.backwards() } else { options.forwards() };
    let mut stream = client.read_all(&options).await?;
    let mut events: Vec<RecordedEvent> = Vec::new();
    while let Some(event) = stream.next().await? {
        let event = original(event)?;
        let last = events.last().map(|last| last.position.commit);
        let in_order =
            last.is_none_or(|last| if back { event.position.commit < last } else { event.position.commit > last });
        if !in_order {
            return Err(Trouble::Incomplete("the log's events came out of their order"));
        }
        events.push(event);
    }
    Ok(events)
}

fn original(event: ResolvedEvent) -> Result<RecordedEvent, Trouble> {
    event.link.or(event.event).ok_or(Trouble::Incomplete("an answer without an event"))
}

/// A page of one stream, and the stream's head.
async fn page_of(
    client: Client,
    stream: String,
    from: Revision,
    count: usize,
    believing: bool,
) -> Result<Vec<RecordedEvent>, Trouble> {
    let options = ReadStreamOptions::default().position(StreamPosition::Position(from)).max_count(count);
    let mut reading = client.read_stream(stream, &options).await?;
    let (mut events, mut head): (Vec<RecordedEvent>, Option<Revision>) = (Vec::new(), None);
    while let Some(message) = reading.next_read_event().await? {
        match message {
            ReadEvent::Event(event) => {
                let event = original(event)?;
                let due = from.saturating_add(events.len() as u64);
                if event.revision < due {
                    return Err(Trouble::Incomplete("a stream's events came out of their order"));
                }
                if event.revision > due {
                    return Err(hidden(&event.stream_id, due));
                }
                events.push(event);
            }
            ReadEvent::LastStreamPosition(last) => head = Some(last),
            ReadEvent::FirstStreamPosition(_) | ReadEvent::LastAllStreamPosition(_) => {}
        }
    }
    if believing {
        return Ok(events);
    }
    // The server says last what the stream's head is: without it, the answer broke off.
    let Some(head) = head else { return Err(Trouble::Incomplete("the answer broke off")) };
    let due = from.saturating_add(events.len() as u64);
    if events.len() < count && due <= head {
        return Err(if events.is_empty() {
            Trouble::Damaged(format!("revision {due} of a stream is not shown any more"))
        } else {
            Trouble::Incomplete("the answer broke off")
        });
    }
    Ok(events)
}

fn hidden(stream: &str, revision: Revision) -> Trouble {
    Trouble::Damaged(format!(
        "revision {revision} of stream {stream} is missing: the log's streams may have no limits ($maxCount, $maxAge, $tb) and \
         nothing in them may be deleted"
    ))
}

fn is_the_server_s(event: &RecordedEvent) -> bool {
    event.stream_id.starts_with('$')
}

impl Inner {
    pub(super) async fn stream(
        &self,
        stream: &StreamName,
        from: Revision,
        limit: usize,
    ) -> Result<Vec<Recorded>, ReadError> {
        let mut events = Vec::new();
        let believing = self.link.options.fault == Some(KurrentFault::BelieveBrokenPages);
        while events.len() < limit {
            let from = from.saturating_add(events.len() as u64);
            if from > MAX_REVISION {
                break;
            }
            let count = (limit - events.len()).min(PAGE_EVENTS);
            let call = |client| page_of(client, stream.to_string(), from, count, believing);
            let page = match self.link.patiently(self.link.options.patience, call).await {
                Ok(page) => page,
                Err(Verdict::NotFound) if events.is_empty() => break,
                Err(Verdict::NotFound | Verdict::Deleted) => return Err(ReadError::Corrupt(deleted(stream))),
                Err(other) => return Err(other.for_read()),
            };
            let read = page.len();
            for event in page {
                events.push(self.recorded(event)?);
            }
            if read < count {
                break;
            }
        }
        Ok(events)
    }

    /// The stream's last revision.
    pub(super) async fn last_revision(&self, stream: &StreamName) -> Result<Option<Revision>, ReadError> {
        let call = |client: Client| {
            let stream = stream.to_string();
            async move {
                let options = ReadStreamOptions::default().position(StreamPosition::End).max_count(1);
                let mut reading = client.read_stream(stream, &options).await?;
                Ok(reading.next().await?.map(original).transpose()?.map(|event| event.revision))
            }
        };
        match self.link.patiently(self.link.options.patience, call).await {
            Ok(revision) => Ok(revision),
            Err(Verdict::NotFound) => Ok(None),
            Err(Verdict::Deleted) => Err(ReadError::Corrupt(deleted(stream))),
            Err(other) => Err(other.for_read()),
        }
    }

    pub(super) async fn all(&self, after: Option<Position>, limit: usize) -> Result<Page, ReadError> {
        let limit = limit.min(PAGE_EVENTS);
        let (mut events, mut next, mut bytes, mut looked_at) = (Vec::new(), after, 0_usize, 0_usize);
        if after.is_some_and(|after| after.0 > MAX_REVISION) {
            return Ok(Page { events, next, end: true });
        }
        let mut from = after;
        loop {
            // One more than asked for, to know whether there is more; and the one at `from`, which was seen.
            let count = (limit - events.len()).saturating_add(2).clamp(LEAST_EVENTS, PAGE_EVENTS);
            let page = match self.raw(from, count).await {
                Err(Verdict::NotAPosition) if from == after && looked_at == 0 => {
                    // Nobody was told this position: it lies between two events, or is another log's.
                    from = after.and_then(|after| self.boundaries.before(after));
                    looked_at += 1;
                    continue;
                }
                page => page.map_err(Verdict::for_read)?,
            };
            let full = page.len() >= count;
            looked_at += page.len();
            for event in page {
                let position = Position(event.position.commit);
                from = from.max(Some(position));
                // The one at `from` was seen, and those before a position that nobody was told are not asked for.
                if Some(position) <= next {
                    continue;
                }
                if is_the_server_s(&event) {
                    next = Some(position);
                    continue;
                }
                if events.len() >= limit || bytes >= PAGE_BYTES {
                    return Ok(self.page(events, (after, next), false));
                }
                bytes = bytes.saturating_add(event.data.len());
                events.push(self.recorded(event)?);
                next = Some(position);
            }
            if !full || looked_at >= MOST_LOOKED_AT && next > after {
                return Ok(self.page(events, (after, next), !full));
            }
        }
    }

    fn page(&self, events: Vec<Recorded>, (after, next): (Option<Position>, Option<Position>), end: bool) -> Page {
        if let Some(next) = next.filter(|_| next > after) {
            self.boundaries.add(next);
        }
        Page { events, next, end }
    }

    async fn raw(&self, from: Option<Position>, count: usize) -> Result<Vec<RecordedEvent>, Verdict> {
        let from = from
            .map_or(StreamPosition::Start, |from| StreamPosition::Position(Place { commit: from.0, prepare: from.0 }));
        let call = |client| raw(client, from, false, count);
        self.link.patiently(self.link.options.patience, call).await
    }

    /// The position of the last event of ours.
    pub(super) async fn head(&self) -> Result<Option<Position>, ReadError> {
        let known = self.head.get();
        let (mut from, mut newest, mut count) = (StreamPosition::End, None, 8);
        let head = 'found: loop {
            let call = |client| raw(client, from, true, count);
            let page = self.link.patiently(self.link.options.patience, call).await.map_err(Verdict::for_read)?;
            for event in &page {
                let position = event.position.commit;
                newest.get_or_insert(position);
                if position <= known.looked_at {
                    break 'found known.head;
                }
                if !is_the_server_s(event) {
                    break 'found Some(Position(position));
                }
            }
            let Some(last) = page.last().filter(|_| page.len() >= count) else { break None };
            from = StreamPosition::Position(last.position);
            count = PAGE_EVENTS.min(count * 8);
        };
        if let Some(looked_at) = newest {
            self.head.set(Head { looked_at, head });
        }
        if let Some(head) = head {
            self.saw(head);
        }
        Ok(head)
    }

    /// The last event of ours. Asked for at its own position: one between two events is an error of the server's, after which
    /// the client takes the server for gone and looks for another.
    pub(super) async fn last(&self) -> Result<Option<Recorded>, ReadError> {
        let Some(head) = self.head().await? else { return Ok(None) };
        let page = self.raw(Some(head), 1).await.map_err(Verdict::for_read)?;
        page.into_iter().next().map(|event| self.recorded(event)).transpose()
    }

    fn recorded(&self, event: RecordedEvent) -> Result<Recorded, ReadError> {
        let place = event.position.commit;
        let damaged = |why: String| ReadError::Corrupt(format!("the event at position {place}: {why}"));
        let stream = StreamName::parse(&event.stream_id)
            .map_err(|_| damaged(format!("stream {:?} is none of a booking log's", event.stream_id)))?;
        if event.event_type.starts_with('$') {
            return Err(ReadError::Corrupt(deleted(&stream)));
        }
        if place == 0 || place > MAX_REVISION {
            return Err(damaged("the server tells no position: it is older than 22.10".to_owned()));
        }
        let metadata =
            str::from_utf8(&event.custom_metadata).map_err(|_| damaged("its metadata is not text".to_owned()))?;
        self.saw(Position(place));
        Ok(Recorded {
            position: Position(place),
            stream,
            revision: event.revision,
            id: event.id,
            event_type: self.type_of(event.event_type),
            metadata: metadata.into(),
            payload: event.data.as_ref().into(),
        })
    }
}

/// Positions at which an event is known to stand, for finding a place near one at which none does.
#[derive(Default)]
pub(super) struct Boundaries {
    known: Mutex<BTreeSet<u64>>,
}

impl Boundaries {
    const KEPT: usize = 65_536;

    fn add(&self, position: Position) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(position.0);
        if known.len() > Self::KEPT {
            let mut odd = false;
            known.retain(|_| {
                odd = !odd;
                odd
            });
        }
    }

    fn before(&self, position: Position) -> Option<Position> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.range(..position.0).next_back().copied().map(Position)
    }
}

/// What is known of the log's end, so that the server's own events at the end are looked at once.
#[derive(Debug, Clone, Copy, Default)]
struct Head {
    looked_at: u64,
    head: Option<Position>,
}

#[derive(Default)]
pub(super) struct HeadCache(Mutex<Head>);

impl HeadCache {
    fn get(&self) -> Head {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, head: Head) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if head.looked_at > known.looked_at {
            *known = head;
        }
    }
}
