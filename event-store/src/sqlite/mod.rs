//! The log in one `SQLite` file: one writer, many readers, one fsync for all who wait.
//!
//! | file | what it does |
//! |---|---|
//! | `file` | looks at the file before the database engine does |
//! | `open` | schema, connections, reading the index |
//! | `index` | stream heads and event types in memory |
//! | `plan` | decides a batch in memory |
//! | `writer` | stores the batch |
//! | `checkpoints` | checkpoints that appends do not wait for |
//! | `read` | reads pages |
//! | `blocks` | many events in one row of the driver |
//! | `tail` | the last events in memory, for those who follow the log |
//! | `raw` | reads what is there, beside a running server, for audits |
//! | `sql` | the inserts' fixed shapes |

mod blocks;
mod checkpoints;
mod file;
mod index;
mod open;
mod options;
mod plan;
mod raw;
mod read;
mod sql;
mod stats;
mod tail;
mod writer;

pub use options::{Delay, Fault, OnFatal, OpenError, SqliteOptions};
pub use raw::{RawEvent, RawLog, RawStream};
pub use stats::Statistics;

use crate::port::{
    AppendError, Appended, EventStore, Expected, NewEvent, Page, Position, ReadError, Recorded, Revision,
};
use crate::validate;
use async_trait::async_trait;
use booking_domain::stream::StreamName;
use checkpoints::Beside;
use plan::{Outcome, Recent, Work};
use read::Reader;
use stats::Counters;
use std::path::Path;
use std::sync::Arc;
use tail::Tail;
use tokio::sync::{mpsc, oneshot, watch};
use writer::{Message, Statements, Writer};

/// The log in a `SQLite` file. Cheap to clone; all clones are one store.
///
/// When the last clone goes away, the writer stores what is queued and closes the file in the background.
/// [`SqliteStore::close`] waits for that. It is a task of the runtime that the log was opened on: where that ends first, the
/// file is left as by a crash, and nobody is told that something was stored which was not.
#[derive(Clone)]
pub struct SqliteStore {
    inner: Arc<Inner>,
}

struct Inner {
    queue: mpsc::Sender<Message>,
    reader: Reader,
    counters: Arc<Counters>,
    changed: watch::Receiver<u64>,
    /// Its sender is dropped when the writer has closed the file.
    closed: watch::Receiver<()>,
    options: SqliteOptions,
}

impl SqliteStore {
    /// Opens the log at this path, or makes it.
    ///
    /// Beside the log lies a file of the same name with `.lock` at its end; while it is locked, nobody else opens the
    /// log through this function.
    pub async fn open(path: impl AsRef<Path>, options: SqliteOptions) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let opened = open::open(path, &options).await?;
        let (index, tail) = (Arc::new(opened.index), Arc::new(Tail::default()));
        let counters = Arc::new(Counters::default());
        let (changed_sender, changed) = watch::channel(0);
        let (closed_sender, closed) = watch::channel(());
        let (queue, queued) = mpsc::channel(options.queue.max(1));
        let writer = Writer {
            connection: opened.writer,
            index: Arc::clone(&index),
            tail: Arc::clone(&tail),
            counters: Arc::clone(&counters),
            next: opened.next,
            recent: Recent::default(),
            statements: Statements::default(),
            changed: changed_sender,
            on_fatal: Arc::clone(&options.on_fatal),
            fault: options.fault,
            batch: options.batch.max(1),
            checkpoint_frames: u64::from(options.checkpoint_frames),
            beside: Beside::new(opened.beside),
            long: 0,
            pages_since_look: 0,
            stopped: false,
            lock: opened.lock,
        };
        // A task, not a thread: between a caller and the connection's thread another one would have to be woken twice.
        tokio::spawn(async move {
            writer.run(queued).await;
            drop(closed_sender);
        });
        let reader = Reader { pool: opened.readers, index, tail };
        Ok(Self { inner: Arc::new(Inner { queue, reader, counters, changed, closed, options }) })
    }

    /// Stores what is queued, then closes the file. Later appends are answered with [`AppendError::Unavailable`].
    pub async fn close(&self) {
        self.inner.reader.pool.close().await;
        // If this cannot be sent, the writer has stopped already.
        let _ = self.inner.queue.send(Message::Close).await;
        let mut closed = self.inner.closed.clone();
        while closed.changed().await.is_ok() {}
    }

    /// What the writer did since the log was opened.
    pub fn statistics(&self) -> Statistics {
        self.inner.counters.read()
    }

    /// Appends that wait for the writer.
    pub fn waiting(&self) -> usize {
        self.inner.queue.max_capacity().saturating_sub(self.inner.queue.capacity())
    }

    /// The version of the database engine that is linked in.
    pub async fn engine_version(&self) -> Result<String, ReadError> {
        let version = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&self.inner.reader.pool).await;
        version.map_err(|error| ReadError::Unavailable(error.to_string()))
    }

    /// Answers an append that was late, but whose events the stream may hold already.
    async fn look(&self, work: (&StreamName, Expected, &[uuid::Uuid]), actual: u64) -> Result<Appended, AppendError> {
        let (stream, expected, ids) = work;
        let first_revision = expected.next();
        let last_revision = first_revision.saturating_add(ids.len() as u64).saturating_sub(1);
        match self.inner.reader.find(stream, first_revision, ids).await {
            Ok(Some(position)) => {
                Ok(Appended { first_revision, last_revision, position: Position(position), already: true })
            }
            Ok(None) => Err(AppendError::WrongExpectedRevision { actual: Some(actual) }),
            Err(error) => Err(AppendError::Unavailable(error.to_string())),
        }
    }
}

#[async_trait]
impl EventStore for SqliteStore {
    async fn append(
        &self,
        stream: &StreamName,
        expected: Expected,
        events: Vec<NewEvent>,
    ) -> Result<Appended, AppendError> {
        validate::check(&events)?;
        if let Some(delay) = &self.inner.options.delay {
            tokio::time::sleep(delay()).await;
        }
        let ids: Vec<_> = events.iter().map(|event| event.id).collect();
        let (reply, answer) = oneshot::channel();
        let work = Work { stream: stream.clone(), expected, events };
        let gone = |_| AppendError::Unavailable("the log has stopped".to_owned());
        self.inner.queue.send(Message::Append(work, reply)).await.map_err(gone)?;
        let lost = |_| AppendError::Unavailable("the log stopped before it answered".to_owned());
        match answer.await.map_err(lost)?? {
            Outcome::Stored(appended) => Ok(appended),
            Outcome::Look { actual } => self.look((stream, expected, &ids), actual).await,
        }
    }

    async fn read_stream(&self, stream: &StreamName, from: Revision, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        self.inner.reader.stream(stream, from, limit).await
    }

    async fn read_all(&self, after: Option<Position>, limit: usize) -> Result<Page, ReadError> {
        self.inner.reader.all(after, limit).await
    }

    async fn head(&self) -> Result<Option<Position>, ReadError> {
        Ok(Some(self.inner.reader.index.last()).filter(|last| *last > 0).map(Position))
    }

    fn new_events(&self) -> watch::Receiver<u64> {
        let mut changes = self.inner.changed.clone();
        // Whoever asks may have read before: better one needless look than none.
        changes.mark_changed();
        changes
    }
}
