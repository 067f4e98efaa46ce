//! What the tests do, in words: appending, reading everything, following, and choosing at random from a seed.

use booking_domain::ids::{AgendaId, PatientId};
use booking_domain::stream::StreamName;
use booking_domain::time::WallDate;
use booking_store::{AppendError, Appended, EventStore, Expected, NewEvent, Position, Recorded};
use std::any::Any;
use std::borrow::Cow;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use uuid::Uuid;

/// A store to be tested, and what has to live as long as it (a folder, say).
pub struct Subject {
    pub store: Arc<dyn EventStore>,
    pub keep: Box<dyn Any + Send>,
    /// Events of somebody else stand between those of the log, and are not shown.
    pub foreign: bool,
}

impl Subject {
    /// A store whose log is all its own.
    pub fn new(store: impl EventStore + 'static, keep: impl Any + Send) -> Self {
        Self { store: Arc::new(store), keep: Box::new(keep), foreign: false }
    }
}

/// The n-th patient's stream.
pub fn patient(n: u64) -> StreamName {
    StreamName::patient(PatientId(Uuid::from_u64_pair(1, n)))
}

/// One day of the n-th agenda.
pub fn day(n: u64) -> StreamName {
    StreamName::agenda_day(AgendaId(Uuid::from_u64_pair(2, n)), WallDate::from_ymd(2026, 11, 24).unwrap())
}

/// An id that no other test has.
pub fn fresh_id() -> Uuid {
    static LAST: AtomicU64 = AtomicU64::new(0);
    Uuid::from_u64_pair(3, LAST.fetch_add(1, Ordering::Relaxed) + 1)
}

/// An event with a new id and a small payload.
pub fn event() -> NewEvent {
    event_with(fresh_id(), vec![1, 2, 3])
}

/// An event with this id and payload.
pub fn event_with(id: Uuid, payload: Vec<u8>) -> NewEvent {
    NewEvent {
        id,
        event_type: Cow::Borrowed("appointment-booked.v1"),
        metadata: r#"{"actor":"visit","codec":"postcard/1"}"#.into(),
        payload: payload.into(),
    }
}

/// So many events with new ids.
pub fn events(count: usize) -> Vec<NewEvent> {
    (0..count).map(|_| event()).collect()
}

/// Appends, and has to succeed.
#[track_caller]
pub fn stored(result: Result<Appended, AppendError>) -> Appended {
    let appended = result.unwrap();
    assert!(!appended.already, "stored by an earlier append: {appended:?}");
    appended
}

/// Fills a stream that is empty with so many events, one append each.
pub async fn fill(store: &dyn EventStore, stream: &StreamName, count: u64) {
    for revision in 0..count {
        stored(store.append(stream, Expected::head(revision.checked_sub(1)), vec![event()]).await);
    }
}

/// The stream's last revision.
pub async fn head(store: &dyn EventStore, stream: &StreamName) -> Option<u64> {
    store.read_stream(stream, 0, usize::MAX).await.unwrap().last().map(|event| event.revision)
}

/// The whole log in pages of this size; checks what every page promises.
pub async fn everything(store: &dyn EventStore, limit: usize) -> Vec<Recorded> {
    let (mut all, mut after): (Vec<Recorded>, Option<Position>) = (Vec::new(), None);
    loop {
        let page = store.read_all(after, limit).await.unwrap();
        assert!(page.events.len() <= limit);
        assert!(page.events.first().is_none_or(|event| Some(event.position) > after));
        assert!(page.events.windows(2).all(|two| two[0].position < two[1].position), "positions do not increase");
        assert!(page.next >= page.events.last().map(|event| event.position), "the page looks at less than it shows");
        assert!(page.end || page.next > after, "a page that is not the last one has to move on");
        all.extend(page.events);
        after = page.next;
        if page.end {
            return all;
        }
    }
}

/// Choices from a seed.
pub struct Dice(u64);

impl Dice {
    /// From `CONFORMANCE_SEED`, or from a new seed, which is printed.
    pub fn cast(test: &str) -> Self {
        let seed = match std::env::var("CONFORMANCE_SEED").ok().and_then(|seed| seed.parse().ok()) {
            Some(seed) => seed,
            None => RandomState::new().build_hasher().finish() | 1,
        };
        println!("{test}: CONFORMANCE_SEED={seed}");
        Self(seed)
    }

    /// From this seed.
    pub fn from(seed: u64) -> Self {
        Self(seed)
    }

    /// A seed for something of its own.
    pub fn seed(&mut self) -> u64 {
        self.next() | 1
    }

    /// Other dice for another task, from the same seed.
    pub fn split(&mut self) -> Self {
        Self(self.next() | 1)
    }

    /// A number below this one.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn next(&mut self) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
