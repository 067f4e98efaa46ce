//! Copying a log into another store: the same events in the same order, so that the ledger is the same tree.
//!
//! What is there already is compared, event by event; what is missing is appended in the order of the whole log; at the
//! end the copy is read again from its beginning and its tree compared. So a copy may be broken off anywhere and begun
//! again, a target that is another log is never written to, and success means: the same leaves.
//!
//! Positions are the store's own and are not copied. [`Copied`] says which position here is which there, for whoever
//! remembers one.

mod places;
mod source;

pub use places::Places;
pub use source::{FileInOrder, InOrder, StoreInOrder};

use crate::port::{AppendError, EventStore, Expected, NewEvent, ReadError, Recorded};
use crate::validate::{MAX_METADATA_BYTES, MAX_PAYLOAD_BYTES};
use booking_domain::stream::StreamName;
use booking_events::ledger::{Hash, StoredEvent, Tree, leaf_hash};
use futures::poll;
use source::OneByOne;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// Bytes of payload and metadata that are on their way at once, unless one append alone has more.
const WINDOW_BYTES: usize = 2_000_000;
/// Events of one append.
const GROUP_EVENTS: usize = 500;
/// How often an append without an outcome is sent again, and a disturbed one looked at again.
const TRIES: u32 = 8;

/// How a log is copied.
#[derive(Clone, Debug)]
pub struct CopyOptions {
    /// Appends on their way at once. More than one only for a store that keeps the order in which they were handed over,
    /// as the one in a file does: there they share a commit.
    pub at_once: usize,
    /// So many events are copied, and the rest left; none: all.
    pub until: Option<u64>,
    /// Sizes of the tree at which the root is wanted.
    pub sizes: BTreeSet<u64>,
}

impl CopyOptions {
    /// All of it, one append after the other: right for every store.
    pub const fn one_by_one() -> Self {
        Self { at_once: 1, until: None, sizes: BTreeSet::new() }
    }

    /// All of it, into a file.
    pub const fn into_a_file() -> Self {
        Self { at_once: 256, until: None, sizes: BTreeSet::new() }
    }
}

/// What was copied.
#[derive(Clone, Debug)]
pub struct Copied {
    /// Events that the copy has.
    pub events: u64,
    /// Of these, the ones that were not there before.
    pub appended: u64,
    /// Root of the ledger's tree over them, the same on both sides.
    pub root: Hash,
    /// Roots at the sizes that were asked for, where the copy is as large.
    pub roots: BTreeMap<u64, Hash>,
    /// Where the events stand in the source.
    pub from: Places,
    /// Where they stand in the copy.
    pub to: Places,
}

/// Why a log was not copied. What was copied stays, and the next run goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The source cannot be read.
    #[error("the log that is copied cannot be read: {0}")]
    Source(ReadError),
    /// The target cannot be read.
    #[error("the copy cannot be read: {0}")]
    Target(ReadError),
    /// The target holds something else.
    #[error(
        "the target is not a beginning of this log: its event {leaf} is {found}, and this log has {expected} there; nothing \
         was written after it"
    )]
    NotAPrefix {
        /// The first event that differs, counted from 0.
        leaf: u64,
        /// What the target has.
        found: String,
        /// What the source has.
        expected: String,
    },
    /// Somebody else writes to the target.
    #[error(
        "somebody else writes to the target: the stream {0} is not as it was left; stop whoever does, and run this again"
    )]
    Disturbed(String),
    /// The target does not take an event.
    #[error("the target did not take event {leaf}: {why}; run this again to go on from there")]
    Append {
        /// The event, counted from 0.
        leaf: u64,
        /// What it said.
        why: AppendError,
    },
    /// Of appends on their way at once a later one was stored without an earlier one.
    #[error(
        "the target stored event {leaf} without one before it, after: {why}; the copy is of no use: delete it, and begin again"
    )]
    OutOfOrder {
        /// The event, counted from 0.
        leaf: u64,
        /// Why the earlier one was not stored.
        why: AppendError,
    },
    /// Read again, the copy is another history.
    #[error("the copy, read again, is not the same history: {events} events with the root {found}, not {expected}")]
    Different {
        /// Events of the copy.
        events: u64,
        /// Its root.
        found: String,
        /// The source's root.
        expected: String,
    },
}

/// Copies a log into a store, and reads the copy again. `told` hears how many events it has come by.
pub async fn copy(
    from: &mut dyn InOrder,
    to: Arc<dyn EventStore>,
    options: &CopyOptions,
    mut told: impl FnMut(u64) + Send,
) -> Result<Copied, CopyError> {
    let mut copy = Copy { leaves: Leaves::new(options), from: Places::default(), appended: 0 };
    let mut source = OneByOne::new(from);
    let next = copy.compare(&mut source, &to, &mut told).await?;
    copy.append(next, &mut source, &to, options, &mut told).await?;
    let root = copy.leaves.tree.root();
    let (events, found, places) = read_again(to, options).await?;
    if events != copy.leaves.tree.size() || found != root {
        let (found, expected) = (hex(&found), hex(&root));
        return Err(CopyError::Different { events, found, expected });
    }
    let Copy { leaves, from, appended } = copy;
    Ok(Copied { events, appended, root, roots: leaves.roots, from, to: places })
}

/// The tree of a log, with the roots at some sizes on the way.
#[derive(Debug)]
struct Leaves {
    tree: Tree,
    sizes: BTreeSet<u64>,
    roots: BTreeMap<u64, Hash>,
    until: Option<u64>,
}

impl Leaves {
    fn new(options: &CopyOptions) -> Self {
        let CopyOptions { sizes, until, .. } = options.clone();
        Self { tree: Tree::default(), sizes, roots: BTreeMap::new(), until }
    }

    fn is_full(&self) -> bool {
        self.until.is_some_and(|until| self.tree.size() >= until)
    }

    fn push(&mut self, hash: &Hash) {
        self.tree.push(leaf_hash(self.tree.size(), hash));
        if self.sizes.contains(&self.tree.size()) {
            self.roots.insert(self.tree.size(), self.tree.root());
        }
    }
}

struct Copy {
    leaves: Leaves,
    from: Places,
    appended: u64,
}

impl Copy {
    fn take(&mut self, event: &Recorded) {
        self.leaves.push(&hash(event));
        self.from.push(event.position);
    }

    /// Compares what the target has. Answers the first event that it has not.
    async fn compare(
        &mut self,
        source: &mut OneByOne<'_>,
        to: &Arc<dyn EventStore>,
        told: &mut (impl FnMut(u64) + Send),
    ) -> Result<Option<Recorded>, CopyError> {
        let mut there = StoreInOrder::to_its_end(Arc::clone(to));
        let mut there = OneByOne::new(&mut there);
        loop {
            let found = there.next().await.map_err(CopyError::Target)?;
            let wanted = if self.leaves.is_full() { None } else { source.next().await.map_err(CopyError::Source)? };
            match (found, wanted) {
                (None, wanted) => return Ok(wanted),
                (Some(found), Some(wanted)) if hash(&found) == hash(&wanted) => self.take(&wanted),
                (Some(found), wanted) => {
                    let expected = wanted.map_or_else(|| "nothing more".to_owned(), |event| name(&event));
                    return Err(CopyError::NotAPrefix { leaf: self.leaves.tree.size(), found: name(&found), expected });
                }
            }
            if self.leaves.tree.size().is_multiple_of(1_000) {
                told(1_000);
            }
        }
    }

    /// Appends what the target has not, in windows of appends that follow each other in the log.
    async fn append(
        &mut self,
        mut next: Option<Recorded>,
        source: &mut OneByOne<'_>,
        to: &Arc<dyn EventStore>,
        options: &CopyOptions,
        told: &mut (impl FnMut(u64) + Send),
    ) -> Result<(), CopyError> {
        while next.is_some() {
            let (mut window, mut bytes) = (Vec::<Group>::new(), 0);
            while let Some(event) = next.take_if(|_| !self.leaves.is_full()) {
                let size = event.payload.len() + event.metadata.len();
                let fits = window.last().is_some_and(|group| group.takes(&event));
                if !window.is_empty() && (bytes + size > WINDOW_BYTES || (!fits && window.len() >= options.at_once)) {
                    next = Some(event);
                    break;
                }
                bytes += size;
                let leaf = self.leaves.tree.size();
                self.take(&event);
                match window.last_mut().filter(|_| fits) {
                    Some(group) => group.events.push(event),
                    None => window.push(Group { leaf, events: vec![event] }),
                }
                next = source.next().await.map_err(CopyError::Source)?;
            }
            if window.is_empty() {
                break;
            }
            let stored: u64 = window.iter().map(|group| group.events.len() as u64).sum();
            store(&**to, window).await?;
            self.appended += stored;
            told(stored);
        }
        Ok(())
    }
}

/// Events of one stream that follow each other in the log: one append.
struct Group {
    leaf: u64,
    events: Vec<Recorded>,
}

impl Group {
    fn takes(&self, next: &Recorded) -> bool {
        let Some(last) = self.events.last() else { return true };
        let payload: usize = self.events.iter().map(|event| event.payload.len()).sum();
        let metadata: usize = self.events.iter().map(|event| event.metadata.len()).sum();
        last.stream == next.stream
            && last.revision.checked_add(1) == Some(next.revision)
            && self.events.len() < GROUP_EVENTS
            && payload + next.payload.len() <= MAX_PAYLOAD_BYTES
            && metadata + next.metadata.len() <= MAX_METADATA_BYTES
            // An id stands in an append once.
            && self.events.iter().all(|event| event.id != next.id)
    }

    fn stream(&self) -> Option<&StreamName> {
        self.events.first().map(|event| &event.stream)
    }

    fn expected(&self) -> Expected {
        Expected::head(self.events.first().and_then(|event| event.revision.checked_sub(1)))
    }

    fn new_events(&self) -> Vec<NewEvent> {
        let new = |event: &Recorded| NewEvent {
            id: event.id,
            event_type: event.event_type.to_string().into(),
            metadata: Arc::clone(&event.metadata),
            payload: Arc::clone(&event.payload),
        };
        self.events.iter().map(new).collect()
    }
}

/// Hands the appends of a window over in their order, then waits for all of them.
async fn store(to: &dyn EventStore, window: Vec<Group>) -> Result<(), CopyError> {
    let window = match <[Group; 1]>::try_from(window) {
        Ok([alone]) => return insist(to, alone).await,
        Err(window) => window,
    };
    let mut waiting = Vec::with_capacity(window.len());
    for group in &window {
        let Some(stream) = group.stream() else { continue };
        let mut append = to.append(stream, group.expected(), group.new_events());
        // The first look at it hands it over: the order of the log is the order of these looks.
        let early = poll!(append.as_mut());
        waiting.push((group.leaf, append, early));
    }
    let mut refused = None;
    for (leaf, append, early) in waiting {
        let outcome = match early {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => append.await,
        };
        match (outcome, &refused) {
            (Ok(_), None) | (Err(_), Some(_)) => {}
            (Err(why), None) => refused = Some((leaf, why)),
            (Ok(_), Some((_, why))) => return Err(CopyError::OutOfOrder { leaf, why: why.clone() }),
        }
    }
    refused.map_or(Ok(()), |(leaf, why)| Err(CopyError::Append { leaf, why }))
}

/// One append alone: sent again while its outcome is unknown. Where the stream has grown meanwhile, an append of a run
/// that was broken off has arrived late: what it stored is left out.
async fn insist(to: &dyn EventStore, mut group: Group) -> Result<(), CopyError> {
    let mut tries = 0;
    while let Some(stream) = group.stream() {
        let leaf = group.leaf;
        match to.append(stream, group.expected(), group.new_events()).await {
            Ok(_) => return Ok(()),
            Err(AppendError::WrongExpectedRevision { .. }) => {
                let there = to.read_stream(stream, group.expected().next(), group.events.len()).await;
                let there = there.map_err(CopyError::Target)?;
                let same = there.iter().zip(&group.events).all(|(there, ours)| hash(there) == hash(ours));
                if there.is_empty() || !same {
                    return Err(CopyError::Disturbed(stream.to_string()));
                }
                group.leaf += there.len() as u64;
                group.events.drain(..there.len());
            }
            Err(AppendError::Unavailable(why)) if tries < TRIES => {
                tries += 1;
                tracing::warn!(why, "an append of the copy has no outcome; sent again");
                tokio::time::sleep(Duration::from_millis(50 << tries)).await;
            }
            Err(why) => return Err(CopyError::Append { leaf, why }),
        }
    }
    Ok(())
}

/// The tree of a store, read from its beginning.
async fn read_again(to: Arc<dyn EventStore>, options: &CopyOptions) -> Result<(u64, Hash, Places), CopyError> {
    let mut leaves = Leaves::new(&CopyOptions { until: None, sizes: BTreeSet::new(), ..options.clone() });
    let (mut places, mut all) = (Places::default(), StoreInOrder::to_its_end(to));
    let mut all = OneByOne::new(&mut all);
    while let Some(event) = all.next().await.map_err(CopyError::Target)? {
        leaves.push(&hash(&event));
        places.push(event.position);
    }
    Ok((leaves.tree.size(), leaves.tree.root(), places))
}

fn hash(event: &Recorded) -> Hash {
    let stored = StoredEvent {
        stream: event.stream.as_str(),
        revision: event.revision,
        id: event.id,
        event_type: &event.event_type,
        metadata: event.metadata.as_bytes(),
        payload: &event.payload,
    };
    stored.hash()
}

/// An event for a message: ids alone.
fn name(event: &Recorded) -> String {
    format!("{} {} of {} ({})", event.event_type, event.revision, event.stream, event.id)
}

fn hex(hash: &Hash) -> String {
    let digits = |byte: &u8| [byte >> 4, byte & 15].map(|half| char::from_digit(half.into(), 16).unwrap_or_default());
    hash.iter().flat_map(digits).collect()
}
