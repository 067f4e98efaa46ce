//! The port: what a log can be asked, in types that every store can keep its word about.
//!
//! There is no `Any` among the expectations: whoever appends has read the stream, and says what it read.

use async_trait::async_trait;
use booking_domain::stream::StreamName;
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use tokio::sync::watch;
use uuid::Uuid;

/// The place of an event in its stream: the first one is 0, and there are no gaps.
pub type Revision = u64;

/// The place of an event in the whole log: an opaque token, greater than 0, that only its order says something about.
///
/// Positions may have gaps (those of `KurrentDB` do), so their difference counts nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u64);

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A text that is not a position: not plain decimal digits, 0, or too great.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a position of the log")]
pub struct ParsePositionError;

impl FromStr for Position {
    type Err = ParsePositionError;

    fn from_str(text: &str) -> Result<Self, ParsePositionError> {
        // The number's own parser would take a sign and leading zeros: one position, one text.
        let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
        let number = text.parse().map_err(|_| ParsePositionError)?;
        if plain { Ok(Self(number)) } else { Err(ParsePositionError) }
    }
}

/// What the appender has read of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// The stream has no event yet.
    NoStream,
    /// The stream's last event has this revision.
    Exact(Revision),
}

impl Expected {
    /// What to expect of a stream whose last event has this revision.
    pub const fn head(last: Option<Revision>) -> Self {
        match last {
            None => Self::NoStream,
            Some(revision) => Self::Exact(revision),
        }
    }

    /// The revision that the first appended event gets.
    pub const fn next(self) -> Revision {
        match self {
            Self::NoStream => 0,
            Self::Exact(revision) => revision.saturating_add(1),
        }
    }

    /// True if a stream with this last revision is the expected one.
    pub fn holds(self, last: Option<Revision>) -> bool {
        self == Self::head(last)
    }
}

/// An event that is to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// Made from the command's id, so that a retry carries the same one. Never nil.
    pub id: Uuid,
    /// Type and version: `appointment-booked.v1`.
    pub event_type: Cow<'static, str>,
    /// One flat JSON object of strings, without personal data.
    pub metadata: Arc<str>,
    /// The event's frozen wire form; any bytes, or none.
    pub payload: Arc<[u8]>,
}

/// An event as the log holds it. A copy shares its texts: everybody who follows the log has one of each event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its place in the whole log.
    pub position: Position,
    /// The stream that it belongs to.
    pub stream: StreamName,
    /// Its place in the stream.
    pub revision: Revision,
    /// The id that it was appended with.
    pub id: Uuid,
    /// Type and version, shared between events of one type.
    pub event_type: Arc<str>,
    /// The metadata, to the byte.
    pub metadata: Arc<str>,
    /// The payload, to the byte.
    pub payload: Arc<[u8]>,
}

/// A stored append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Revision of its first event.
    pub first_revision: Revision,
    /// Revision of its last event.
    pub last_revision: Revision,
    /// Position of its last event: read models that have reached it show the whole append.
    pub position: Position,
    /// True if an earlier, identical append had stored these events: this one was a retry and stored nothing.
    pub already: bool,
}

/// Why an append has no success to report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The stream's head is another one. Nothing was stored: read again, decide again.
    #[error("the stream's last revision is {actual:?}, which is not the expected one")]
    WrongExpectedRevision {
        /// The last revision; `None`: the stream has no event.
        actual: Option<Revision>,
    },
    /// No store takes such an append. Nothing was stored, and a retry will not help.
    #[error("cannot be appended: {0}")]
    Invalid(String),
    /// No room on the disk. Nothing was stored.
    #[error("no room for the events: the disk is full")]
    Full,
    /// Not stored, or stored without our knowing: retry with identical bytes at the identical revision.
    #[error("the log is unavailable: {0}")]
    Unavailable(String),
}

/// Why a read has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// What is stored cannot be what was appended: stop, and restore from a backup.
    #[error("the log is damaged: {0}")]
    Corrupt(String),
    /// No answer for now.
    #[error("the log is unavailable: {0}")]
    Unavailable(String),
}

/// One page of the whole log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// In the order of their positions.
    pub events: Vec<Recorded>,
    /// Continue after this one: the last position that was looked at, which may be later than the last event shown.
    /// `None` only if nothing was looked at and the page was asked for from the start.
    pub next: Option<Position>,
    /// True if there was nothing after this page when it was read.
    pub end: bool,
}

/// A log of events in streams.
#[async_trait]
pub trait EventStore: Send + Sync {
    /// Stores these events at the end of the stream, all or none, if the stream's head is the expected one.
    ///
    /// If the head is another one, but the stream holds exactly these event ids right after `expected`, this is a
    /// retry whose answer was lost: it is answered with [`Appended::already`] and the stored revisions.
    ///
    /// Event ids are compared for that alone. Appended again at a revision that holds, they are stored again.
    ///
    /// The future may be dropped, which does not take the append back.
    async fn append(
        &self,
        stream: &StreamName,
        expected: Expected,
        events: Vec<NewEvent>,
    ) -> Result<Appended, AppendError>;

    /// Up to `limit` events of one stream from revision `from` on; none if there are none.
    ///
    /// Fewer than `limit` means that the stream's end was reached.
    async fn read_stream(&self, stream: &StreamName, from: Revision, limit: usize) -> Result<Vec<Recorded>, ReadError>;

    /// Up to `limit` events of the whole log after a position. A store may answer with fewer: ask [`Page::end`].
    async fn read_all(&self, after: Option<Position>, limit: usize) -> Result<Page, ReadError>;

    /// The position of the last event.
    async fn head(&self) -> Result<Option<Position>, ReadError>;

    /// The last event, or one that was the last a moment ago.
    async fn last(&self) -> Result<Option<Recorded>, ReadError> {
        let Some(head) = self.head().await? else { return Ok(None) };
        // Positions of such a store are dense; one whose positions are not has a way of its own.
        let page = self.read_all(head.0.checked_sub(1).map(Position), 1).await?;
        Ok(page.events.into_iter().next())
    }

    /// Changes when there may be something new to read, and counts as changed when it is given out. A hint against
    /// needless polling, never a promise.
    fn new_events(&self) -> watch::Receiver<u64>;
}
