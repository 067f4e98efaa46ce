//! The log on a `KurrentDB` (or `EventStoreDB`) cluster: many nodes of ours, one log.
//!
//! | file | what it does |
//! |---|---|
//! | `address` | reads the connection string, and refuses what would break the client later |
//! | `link` | keeps a client that works: calls, retries, replaces it |
//! | `verdict` | what an error of the client means for the caller |
//! | `append` | appends, and finds out whose events are stored |
//! | `read` | reads pages, and refuses what cannot be whole |
//!
//! What was measured of the server and its client, and why each of these does what it does, stands in
//! `docs/adr/0011-kurrentdb.md`. In short: an answer that does not come says nothing, so the same bytes are sent again at
//! the same revision until there is one; the client is replaced when it does not find back; no subscription is trusted.

mod address;
mod append;
mod link;
mod read;
mod verdict;

pub use address::ConnectError;

use crate::port::{
    AppendError, Appended, EventStore, Expected, NewEvent, Page, Position, ReadError, Recorded, Revision,
};
use crate::validate;
use append::Turns;
use async_trait::async_trait;
use booking_domain::stream::StreamName;
use dashmap::DashMap;
use link::Link;
use read::{Boundaries, HeadCache};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::watch;
use verdict::Verdict;

/// A wrong that is done on purpose, so that a test can show that it would notice it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KurrentFault {
    /// Acknowledges an append whose outcome is unknown.
    AcknowledgeUnknown,
    /// Sends an append whose outcome is unknown again without an expectation, and under other ids.
    RetryAnywhere,
    /// Takes a page that broke off for the end of the stream.
    BelieveBrokenPages,
}

/// How the log is reached. [`KurrentOptions::default`] is how a server reaches it.
#[derive(Debug, Clone, Copy)]
pub struct KurrentOptions {
    /// How long a call is tried again before its caller hears that the log is unavailable. Default: 10 s; a fail-over
    /// takes about 1.5 s, the restart of a single server about 5 s.
    pub patience: Duration,
    /// How long one try may be silent. Default: 4 s; a server says after 3 s that it gave up on a commit.
    pub silence: Duration,
    /// How long the first contact is tried. Default: 30 s.
    pub start_patience: Duration,
    /// How often the log is asked whether others wrote, while somebody waits for that. Default: 250 ms.
    pub poll: Duration,
    /// For tests of the tests: a planted fault. Default: none; nothing outside tests sets it.
    pub fault: Option<KurrentFault>,
}

impl Default for KurrentOptions {
    fn default() -> Self {
        Self {
            patience: Duration::from_secs(10),
            silence: Duration::from_secs(4),
            start_patience: Duration::from_secs(30),
            poll: Duration::from_millis(250),
            fault: None,
        }
    }
}

/// The log on a cluster. Cheap to clone; all clones are one store.
#[derive(Clone)]
pub struct KurrentStore {
    inner: Arc<Inner>,
}

struct Inner {
    link: Link,
    turns: Turns,
    types: DashMap<String, Arc<str>>,
    boundaries: Boundaries,
    head: HeadCache,
    /// The greatest position that any answer told.
    seen: AtomicU64,
    changed: watch::Sender<u64>,
}

impl KurrentStore {
    /// Reaches the log at a connection string (`esdb://…`), and reads from it before it says that it has.
    pub async fn connect(connection: &str, options: KurrentOptions) -> Result<Self, ConnectError> {
        let settings = address::settings(connection)?;
        let hosts = address::hosts(&settings);
        let link = Link::new(settings, options).map_err(|why| ConnectError::Client { why: why.to_string() })?;
        let inner = Arc::new(Inner {
            link,
            turns: Turns::default(),
            types: DashMap::new(),
            boundaries: Boundaries::default(),
            head: HeadCache::default(),
            seen: AtomicU64::new(0),
            changed: watch::Sender::new(0),
        });
        // A client exists before there is a server, and a wrong password is found out by the first call: so one is made.
        match inner.link.patiently(options.start_patience, read::probe).await {
            Ok(()) => {}
            Err(Verdict::Refused(why)) => return Err(ConnectError::Refused { hosts, why }),
            Err(other) => return Err(ConnectError::Unreachable { hosts, why: other.to_string() }),
        }
        // What was stored before is known to be no append of this store's.
        match inner.all(None, 1).await.and(inner.head().await) {
            Ok(_) => {}
            Err(ReadError::Corrupt(why)) => return Err(ConnectError::NotALog { hosts, why }),
            Err(ReadError::Unavailable(why)) => return Err(ConnectError::Unreachable { hosts, why }),
        }
        tokio::spawn(look_for_news(Arc::downgrade(&inner), options.poll));
        Ok(Self { inner })
    }

    /// How often the client was replaced by a new one.
    pub fn rebuilds(&self) -> u64 {
        self.inner.link.rebuilds()
    }
}

impl Inner {
    /// Remembers the greatest position that was told.
    fn saw(&self, position: Position) {
        self.seen.fetch_max(position.0, Ordering::SeqCst);
    }

    fn tell(&self) {
        self.changed.send_modify(|count| *count = count.wrapping_add(1));
    }

    fn type_of(&self, name: String) -> Arc<str> {
        if let Some(known) = self.types.get(&name) {
            return Arc::clone(&known);
        }
        let shared: Arc<str> = Arc::from(name.as_str());
        self.types.insert(name, Arc::clone(&shared));
        shared
    }
}

/// Asks for the last event every now and then, as long as there is a store and somebody who waits for news.
///
/// Not a subscription: it may look healthy on a node that is dead or no leader any more, and then nobody would be woken.
async fn look_for_news(store: Weak<Inner>, every: Duration) {
    let mut last = None;
    loop {
        tokio::time::sleep(every).await;
        let Some(inner) = store.upgrade() else { return };
        if inner.changed.receiver_count() == 0 {
            continue;
        }
        if let Ok(newest) = inner.link.once(read::newest).await
            && newest != last
        {
            last = newest;
            inner.tell();
        }
    }
}

#[async_trait]
impl EventStore for KurrentStore {
    async fn append(
        &self,
        stream: &StreamName,
        expected: Expected,
        events: Vec<NewEvent>,
    ) -> Result<Appended, AppendError> {
        validate::check(&events)?;
        let appended = self.inner.append(stream, expected, &events).await?;
        self.inner.saw(appended.position);
        self.inner.tell();
        Ok(appended)
    }

    async fn read_stream(&self, stream: &StreamName, from: Revision, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        self.inner.stream(stream, from, limit).await
    }

    async fn read_all(&self, after: Option<Position>, limit: usize) -> Result<Page, ReadError> {
        self.inner.all(after, limit).await
    }

    async fn head(&self) -> Result<Option<Position>, ReadError> {
        self.inner.head().await
    }

    async fn last(&self) -> Result<Option<Recorded>, ReadError> {
        self.inner.last().await
    }

    fn new_events(&self) -> watch::Receiver<u64> {
        let mut changes = self.inner.changed.subscribe();
        // Whoever asks may have read before: better one needless look than none.
        changes.mark_changed();
        changes
    }
}
