//! Opening: the checks, the schema, the connections, and the index that is read from the file.

use super::file::{self, APPLICATION_ID, Found};
use super::index::{Head, Index};
use super::options::{OpenError, SqliteOptions};
use booking_domain::stream::StreamName;
use futures::TryStreamExt;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row, SqliteConnection, SqlitePool};
use std::path::Path;
use std::time::Duration;

/// The schema's steps; the n-th leads to `user_version` n. A step that was released is never changed.
const SCHEMA: [&str; 1] = [include_str!("../../../migrations/log/0001_log.sql")];

/// What opening found out and made.
pub(super) struct Opened {
    pub(super) writer: SqliteConnection,
    /// For checkpoints.
    pub(super) beside: SqliteConnection,
    pub(super) readers: SqlitePool,
    pub(super) index: Index,
    pub(super) next: Next,
    pub(super) lock: std::fs::File,
}

/// The numbers that the writer gives out next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Next {
    pub(super) position: u64,
    pub(super) stream: i64,
    pub(super) event_type: i64,
}

/// The last schema version that this program knows.
pub(super) fn known_version() -> u32 {
    u32::try_from(SCHEMA.len()).unwrap_or(u32::MAX)
}

pub(super) async fn open(path: &Path, options: &SqliteOptions) -> Result<Opened, OpenError> {
    if !options.create && !path.exists() {
        return Err(OpenError::Missing(path.to_owned()));
    }
    let lock = file::lock(path)?;
    if file::inspect(path, known_version())? == Found::Nothing {
        create(path).await?;
    }
    let mut writer = connect_writer(path, options).await.map_err(refused(path))?;
    migrate(&mut writer, path).await?;
    let (index, next) = load(&mut writer, path).await?;
    let beside = connect_beside(path).await.map_err(refused(path))?;
    let readers = connect_readers(path, options);
    // Now, and not by whoever reads first: the thread of a connection has the priority of the one that opened it.
    let all = (0..options.readers.max(1)).map(|_| readers.acquire());
    drop(futures::future::try_join_all(all).await.map_err(refused(path))?);
    Ok(Opened { writer, beside, readers, index, next, lock })
}

fn refused(path: &Path) -> impl Fn(sqlx::Error) -> OpenError {
    move |error| {
        let path = path.to_owned();
        let why = error.to_string();
        if is_damage(&error) { OpenError::Corrupt { path, why } } else { OpenError::Database { path, why } }
    }
}

/// The engine's result code, with its details in the upper bits.
pub(super) fn code(error: &sqlx::Error) -> Option<i32> {
    error.as_database_error()?.code()?.parse().ok()
}

/// `SQLITE_CORRUPT` and `SQLITE_NOTADB`, or a value that is not of its column's type.
pub(super) fn is_damage(error: &sqlx::Error) -> bool {
    let decoded_badly = matches!(error, sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_));
    decoded_badly || matches!(code(error).map(|code| code & 0xff), Some(11 | 26))
}

/// Makes the log under another name and moves it into place, so that a crash leaves no half of one.
async fn create(path: &Path) -> Result<(), OpenError> {
    let unfinished = file::beside(path, ".new");
    file::discard(&unfinished)?;
    let make = async {
        let mut connection = base(&unfinished)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Delete)
            .synchronous(SqliteSynchronous::Full)
            .connect()
            .await?;
        let mut transaction = connection.begin().await?;
        let mark = format!("PRAGMA application_id = {APPLICATION_ID}");
        sqlx::raw_sql(AssertSqlSafe(mark)).execute(&mut *transaction).await?;
        for (step, version) in SCHEMA.into_iter().zip(1_u32..) {
            apply(&mut transaction, step, version).await?;
        }
        transaction.commit().await?;
        // Kept in the file's header: every later connection uses a write-ahead file.
        sqlx::raw_sql("PRAGMA journal_mode = WAL").execute(&mut connection).await?;
        connection.close().await
    };
    make.await.map_err(refused(path))?;
    file::put_in_place(&unfinished, path)
}

async fn apply(connection: &mut SqliteConnection, step: &'static str, version: u32) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(step).execute(&mut *connection).await?;
    let mark = format!("PRAGMA user_version = {version}");
    sqlx::raw_sql(AssertSqlSafe(mark)).execute(connection).await.map(|_| ())
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

async fn connect_writer(path: &Path, options: &SqliteOptions) -> Result<SqliteConnection, sqlx::Error> {
    let mut settings = base(path)
        .synchronous(SqliteSynchronous::Full)
        // Checkpoints are run by the writer between two batches: those that the engine runs by itself hide a failed
        // fsync, and stand in the way of the commit that happens to start them.
        .pragma("wal_autocheckpoint", "0")
        .pragma("journal_size_limit", "67108864")
        // The warm parts of the indexes, and no more: a COMMIT after pages were balanced looks at every page that is kept.
        // A batch has room beside them, since nothing is written before COMMIT.
        .pragma("cache_size", "-8192")
        .pragma("cache_spill", "OFF")
        .pragma("temp_store", "MEMORY");
    if let Some(pages) = options.max_pages {
        settings = settings.pragma("max_page_count", pages.to_string());
    }
    settings.connect().await
}

async fn connect_beside(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    base(path).synchronous(SqliteSynchronous::Full).pragma("wal_autocheckpoint", "0").connect().await
}

fn connect_readers(path: &Path, options: &SqliteOptions) -> SqlitePool {
    let settings = base(path)
        .read_only(true)
        .pragma("query_only", "ON")
        .pragma("cache_size", "-16384")
        // Blocks of events that the connection's thread may be ahead by.
        .row_buffer_size(4);
    SqlitePoolOptions::new()
        .max_connections(options.readers.max(1))
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(Duration::from_secs(10))
        .connect_lazy_with(settings)
}

async fn integer(connection: &mut SqliteConnection, sql: &'static str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(sql).fetch_one(connection).await
}

/// Brings the schema to this program's version. What the header said is asked again: the write-ahead file may know more.
async fn migrate(writer: &mut SqliteConnection, path: &Path) -> Result<(), OpenError> {
    let application = integer(writer, "PRAGMA application_id").await.map_err(refused(path))?;
    if application != i64::from(APPLICATION_ID) {
        return Err(OpenError::NotALog { path: path.to_owned(), why: "another program made this database".to_owned() });
    }
    let found = integer(writer, "PRAGMA user_version").await.map_err(refused(path))?;
    let found = u32::try_from(found).unwrap_or(u32::MAX);
    if found > known_version() {
        return Err(OpenError::Newer { path: path.to_owned(), found, known: known_version() });
    }
    for (step, version) in SCHEMA.into_iter().zip(1_u32..).filter(|(_, version)| *version > found) {
        let step = async {
            let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
            apply(&mut transaction, step, version).await?;
            transaction.commit().await
        };
        step.await.map_err(refused(path))?;
    }
    Ok(())
}

/// Reads the index, inside a write transaction: whoever still writes to the file is waited for.
async fn load(writer: &mut SqliteConnection, path: &Path) -> Result<(Index, Next), OpenError> {
    let corrupt = |why: String| OpenError::Corrupt { path: path.to_owned(), why };
    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await.map_err(refused(path))?;
    let loaded = read_index(&mut transaction).await.map_err(refused(path))?;
    transaction.commit().await.map_err(refused(path))?;
    if let Some(bad) = loaded.bad {
        return Err(corrupt(bad));
    }
    // Revisions and positions are dense: three ways to count the events have one result.
    let Loaded { events, rows, last, .. } = loaded;
    if events != last || rows != last {
        let why = format!("its streams have {events} events, its table has {rows}, and the last position is {last}");
        return Err(corrupt(why));
    }
    loaded.index.set_last(loaded.last);
    let next = Next {
        position: loaded.last.saturating_add(1),
        stream: loaded.last_stream.saturating_add(1),
        event_type: loaded.last_type.saturating_add(1),
    };
    Ok((loaded.index, next))
}

/// The index, with what is needed to judge it.
#[derive(Default)]
struct Loaded {
    index: Index,
    events: u64,
    rows: u64,
    last: u64,
    last_stream: i64,
    last_type: i64,
    bad: Option<String>,
}

async fn read_index(connection: &mut SqliteConnection) -> Result<Loaded, sqlx::Error> {
    let mut loaded = Loaded::default();
    let last = integer(connection, "SELECT coalesce(max(position), 0) FROM events").await?;
    loaded.last = u64::try_from(last).unwrap_or(0);
    let rows = integer(connection, "SELECT count(*) FROM events").await?;
    loaded.rows = u64::try_from(rows).unwrap_or(0);
    {
        let mut rows = sqlx::query("SELECT id, name FROM event_types").fetch(&mut *connection);
        while let Some(row) = rows.try_next().await? {
            let id: i64 = row.try_get(0)?;
            loaded.index.add_type(id, row.try_get(1)?);
            loaded.last_type = loaded.last_type.max(id);
        }
    }
    let heads = "SELECT id, name, (SELECT max(revision) FROM events WHERE stream = streams.id) FROM streams";
    let mut rows = sqlx::query(heads).fetch(connection);
    while let Some(row) = rows.try_next().await? {
        let (id, name): (i64, &str) = (row.try_get(0)?, row.try_get(1)?);
        let last: Option<i64> = row.try_get(2)?;
        loaded.last_stream = loaded.last_stream.max(id);
        match (StreamName::parse(name), last.and_then(|last| u64::try_from(last).ok())) {
            (Ok(name), Some(last)) => {
                loaded.index.set_head(&name, Head { id, last });
                loaded.events = loaded.events.saturating_add(last).saturating_add(1);
            }
            (Err(bad), _) => loaded.bad = Some(bad.to_string()),
            (Ok(name), None) => loaded.bad = Some(format!("the stream {name} has no event")),
        }
    }
    Ok(loaded)
}

/// Reads the whole index again, after the writer found that the file is not as it left it.
pub(super) async fn reload(connection: &mut SqliteConnection, index: &Index) -> Result<Next, sqlx::Error> {
    let loaded = read_index(connection).await?;
    index.take(loaded.index);
    index.set_last(loaded.last);
    Ok(Next {
        position: loaded.last.saturating_add(1),
        stream: loaded.last_stream.saturating_add(1),
        event_type: loaded.last_type.saturating_add(1),
    })
}
