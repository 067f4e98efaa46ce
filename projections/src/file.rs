//! The file of the views: opened, made, or refused with a word on how to make it again.
//!
//! Nothing in it is worth repairing, and nothing is deleted unasked: a file that is not ours may be somebody's work.
//! [`discard`] is what `rebuild` calls after a person said so.

use async_trait::async_trait;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection, SqlitePool};
use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};

/// `application_id` of the views: the letters `bVew`.
const APPLICATION_ID: u32 = 0x6256_6577;
/// The schema's steps; the n-th leads to `user_version` n. The tables of the views are made by their runners.
const SCHEMA: [&str; 1] = [include_str!("../../migrations/views/projections.sql")];
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Why the views did not open. The file is left as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file is something else.
    #[error("{path} does not hold views: {why}; move it away, then `clinic-booking rebuild` makes the views again")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What was found instead.
        why: String,
    },
    /// The file is ours, and broken.
    #[error("the views at {path} are damaged: {why}; nothing is lost, `clinic-booking rebuild` makes them again")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A later version of this program wrote the file.
    #[error(
        "{path} has schema version {found}, this program knows up to {known}; `clinic-booking rebuild` makes the views again"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: u32,
        /// The last schema version that this program knows.
        known: u32,
    },
    /// The operating system refused.
    #[error("cannot open the views at {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The database engine refused.
    #[error("cannot open the views at {path}: {why}")]
    Database {
        /// The file.
        path: PathBuf,
        /// What it said.
        why: String,
    },
    /// The views are there, and the log did not answer.
    #[error("cannot load the views: {0}")]
    Load(String),
}

/// True for `SQLITE_CORRUPT`, `SQLITE_NOTADB` and values that are not of their column's type.
pub(crate) fn is_damage(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|e| e.code()?.parse::<i32>().ok());
    let decoded_badly = matches!(error, sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_));
    decoded_badly || matches!(code.map(|code| code & 0xff), Some(11 | 26))
}

pub(crate) fn refused(path: &Path) -> impl Fn(sqlx::Error) -> OpenError {
    move |error| {
        let (path, why) = (path.to_owned(), error.to_string());
        if is_damage(&error) { OpenError::Damaged { path, why } } else { OpenError::Database { path, why } }
    }
}

/// How long a question waits for rows to be written.
const PATIENCE: Duration = Duration::from_secs(1);

/// Has rows that may wait to be written.
#[async_trait]
pub(crate) trait Waiting: Send + Sync {
    /// Writes those that were shown before; false: that cannot be done now, or not within `patience`.
    async fn write_waiting(self: Arc<Self>, patience: Duration) -> bool;
}

/// The file of the views as runners and questions use it.
pub struct Db {
    /// The one writer; none once it is closed.
    writer: Mutex<Option<SqliteConnection>>,
    /// For runners, which know what is written. Questions go through [`Db::rows_of`].
    pub(crate) readers: SqlitePool,
    waiting: RwLock<HashMap<&'static str, Weak<dyn Waiting>>>,
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Db").field("readers", &self.readers).finish_non_exhaustive()
    }
}

impl Db {
    /// Opens the file, or makes it.
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        let (writer, readers) = open(path).await?;
        Ok(Self { writer: Mutex::new(Some(writer)), readers, waiting: RwLock::default() })
    }

    /// From now on whoever asks for the rows of this view waits for those that were shown to be written.
    pub(crate) fn defer(&self, view: &'static str, rows: Weak<dyn Waiting>) {
        self.waiting.write().unwrap_or_else(PoisonError::into_inner).insert(view, rows);
    }

    /// True once everything that a view was shown to have applied is in its rows; false: not within `patience`.
    pub(crate) async fn written(&self, view: &str, patience: Duration) -> bool {
        let waiting = self.waiting.read().unwrap_or_else(PoisonError::into_inner).get(view).and_then(Weak::upgrade);
        match waiting {
            Some(rows) => rows.write_waiting(patience).await,
            None => true,
        }
    }

    /// Connections for a question to the rows of a view: to all that were shown, or if those cannot be written to the rows
    /// as they were. Who needs to know which waits for a position ([`crate::Views::wait_for`]).
    pub(crate) async fn rows_of(&self, view: &str) -> &SqlitePool {
        if !self.written(view, PATIENCE).await {
            tracing::warn!(projection = view, "rows cannot be written; older ones are read");
        }
        &self.readers
    }

    /// The writer, when it is this caller's turn.
    pub(crate) async fn writer(&self) -> Result<MappedMutexGuard<'_, SqliteConnection>, sqlx::Error> {
        MutexGuard::try_map(self.writer.lock().await, Option::as_mut).map_err(|_| sqlx::Error::PoolClosed)
    }

    /// Closes every connection; what is asked afterwards fails.
    pub async fn close(&self) {
        self.readers.close().await;
        let writer = self.writer.lock().await.take();
        if let Some(writer) = writer
            && let Err(problem) = writer.close().await
        {
            tracing::warn!(%problem, "the views were not closed cleanly");
        }
    }
}

async fn open(path: &Path) -> Result<(SqliteConnection, SqlitePool), OpenError> {
    inspect(path)?;
    let mut writer = base(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .pragma("cache_size", "-32768")
        .pragma("temp_store", "MEMORY")
        .pragma("journal_size_limit", "67108864")
        .connect()
        .await
        .map_err(refused(path))?;
    migrate(&mut writer, path).await?;
    let readers = SqlitePoolOptions::new()
        .max_connections(4)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(Duration::from_secs(10))
        .connect_lazy_with(base(path).read_only(true).pragma("query_only", "ON"));
    Ok((writer, readers))
}

fn base(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .foreign_keys(false)
        .busy_timeout(Duration::from_secs(10))
        .pragma("trusted_schema", "OFF")
        .disable_statement_logging()
}

async fn migrate(writer: &mut SqliteConnection, path: &Path) -> Result<(), OpenError> {
    let steps = async {
        let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
        let found: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *transaction).await?;
        for (step, version) in SCHEMA.into_iter().zip(1_i64..).filter(|(_, version)| *version > found) {
            sqlx::raw_sql(step).execute(&mut *transaction).await?;
            let mark = format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {version}");
            sqlx::raw_sql(AssertSqlSafe(mark)).execute(&mut *transaction).await?;
        }
        transaction.commit().await
    };
    steps.await.map_err(refused(path))
}

/// Looks at the file before the database engine does, which would write into an empty or a foreign one.
fn inspect(path: &Path) -> Result<(), OpenError> {
    let foreign = |why: &str| Err(OpenError::Foreign { path: path.to_owned(), why: why.to_owned() });
    let damaged = |why: String| Err(OpenError::Damaged { path: path.to_owned(), why });
    let io = |source| OpenError::Io { path: path.to_owned(), source };
    let length = match std::fs::metadata(path) {
        Ok(found) if found.is_file() => found.len(),
        Ok(_) => return foreign("it is not a file"),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(io(source)),
    };
    let mut header = [0_u8; 100];
    match File::open(path).and_then(|mut file| file.read_exact(&mut header)) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
            return damaged(if length == 0 { "the file is empty".into() } else { "the file was cut off".into() });
        }
        Err(source) => return Err(io(source)),
    }
    if !header.starts_with(MAGIC) {
        return foreign("the file is not a database");
    }
    if number(&header, 68) != APPLICATION_ID {
        // A start that broke before its schema reached this file leaves one page, which holds no table.
        let blank = number(&header, 68) == 0 && number(&header, 60) == 0 && length <= page_size(&header);
        return if blank { Ok(()) } else { foreign("another program made this database") };
    }
    let (found, known) = (number(&header, 60), u32::try_from(SCHEMA.len()).unwrap_or(u32::MAX));
    if found > known {
        return Err(OpenError::Newer { path: path.to_owned(), found, known });
    }
    let whole = u64::from(number(&header, 28)) * page_size(&header);
    if wal_length(path) == 0 && length < whole {
        return damaged(format!("it should have {whole} bytes and has {length}"));
    }
    Ok(())
}

/// Four bytes of the header, most significant first.
fn number(header: &[u8; 100], at: usize) -> u32 {
    header.iter().skip(at).take(4).fold(0, |number, byte| number << 8 | u32::from(*byte))
}

fn page_size(header: &[u8; 100]) -> u64 {
    // Two bytes; 65,536 does not fit them and is written as 1.
    match number(header, 16) >> 16 {
        1 => 65_536,
        size => u64::from(size),
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

fn wal_length(path: &Path) -> u64 {
    std::fs::metadata(beside(path, "-wal")).map_or(0, |found| found.len())
}

/// Deletes the views, so that the next start makes them again from the log. Only for a caller who was told to.
///
/// A file that another program made is refused even then.
pub fn discard(path: &Path) -> Result<(), OpenError> {
    if let Err(refusal @ (OpenError::Foreign { .. } | OpenError::Io { .. })) = inspect(path) {
        return Err(refusal);
    }
    for suffix in ["", "-journal", "-wal", "-shm"] {
        let path = beside(path, suffix);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != ErrorKind::NotFound => return Err(OpenError::Io { path, source }),
            _ => {}
        }
    }
    Ok(())
}
