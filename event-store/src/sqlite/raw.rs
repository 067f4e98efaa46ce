//! A log as it lies there, read by somebody who does not believe it: for audits and exports.
//!
//! It is opened for reading alone, beside a running server too, and read in short pages, so that it stands in nobody's
//! way. Nothing is repaired, refused or passed over: whatever a row holds is handed out, to be judged by the reader.
//! What a server appends meanwhile is not seen: the log ends where it ended when it was opened.

use super::file::{self, Found};
use super::open::{is_damage, known_version};
use super::options::OpenError;
use crate::port::ReadError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{ConnectOptions, Connection, Row, SqliteConnection};
use std::path::Path;
use std::time::Duration;

/// A row of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawEvent {
    /// Its position.
    pub position: i64,
    /// Name of its stream; none: no such stream, or no text.
    pub stream: Option<String>,
    /// Its revision.
    pub revision: i64,
    /// Its id.
    pub id: Vec<u8>,
    /// Its type; none: no such type, or no text.
    pub event_type: Option<String>,
    /// Its metadata, to the byte.
    pub metadata: Vec<u8>,
    /// Its payload, to the byte.
    pub payload: Vec<u8>,
}

/// A stream of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawStream {
    number: i64,
    /// Its name.
    pub name: String,
}

/// A log that is only read.
#[derive(Debug)]
pub struct RawLog {
    connection: SqliteConnection,
    head: i64,
}

const IN_ORDER: &str = "SELECT e.position, CAST(s.name AS BLOB), e.revision, CAST(e.event_id AS BLOB), \
     CAST(t.name AS BLOB), CAST(e.metadata AS BLOB), CAST(e.payload AS BLOB) \
     FROM events e LEFT JOIN streams s ON s.id = e.stream LEFT JOIN event_types t ON t.id = e.type \
     WHERE e.position > ? AND e.position <= ? ORDER BY e.position LIMIT ?";
const OF_STREAM: &str = "SELECT e.position, NULL, e.revision, CAST(e.event_id AS BLOB), \
     CAST(t.name AS BLOB), CAST(e.metadata AS BLOB), CAST(e.payload AS BLOB) \
     FROM events e LEFT JOIN event_types t ON t.id = e.type \
     WHERE e.stream = ? AND e.revision > ? AND e.position <= ? ORDER BY e.revision, e.position LIMIT ?";
const STREAMS: &str = "SELECT id, name FROM streams WHERE name > ? AND name < ? ORDER BY name LIMIT ?";
/// Streams whose revisions are not 0, 1, 2 ...: counted on the index alone.
const GAPS: &str = "SELECT s.name FROM (SELECT stream FROM events GROUP BY stream \
     HAVING count(*) <> max(revision) + 1 OR min(revision) <> 0 LIMIT 1) LEFT JOIN streams s ON s.id = stream";

impl RawLog {
    /// Opens the log at this path for reading.
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        if file::inspect(path, known_version())? == Found::Nothing {
            return Err(OpenError::Missing(path.to_owned()));
        }
        Self::open_unseen(path).await
    }

    /// Opens a database that has the tables of a log, whatever else it is.
    pub async fn open_unseen(path: &Path) -> Result<Self, OpenError> {
        let refused = |error: sqlx::Error| {
            let (path, why) = (path.to_owned(), error.to_string());
            if is_damage(&error) { OpenError::Corrupt { path, why } } else { OpenError::Database { path, why } }
        };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .read_only(true)
            .foreign_keys(false)
            .busy_timeout(Duration::from_secs(10))
            .pragma("query_only", "ON")
            .pragma("trusted_schema", "OFF")
            .pragma("cache_size", "-16384")
            .disable_statement_logging();
        let mut connection = options.connect().await.map_err(refused)?;
        let head = sqlx::query_scalar("SELECT coalesce(max(position), 0) FROM events");
        let head = head.fetch_one(&mut connection).await.map_err(refused)?;
        Ok(Self { connection, head })
    }

    /// The last position.
    pub const fn head(&self) -> i64 {
        self.head
    }

    /// Up to `limit` events after a position, in the order of their positions; none: the end.
    pub async fn in_order(&mut self, after: i64, limit: u32) -> Result<Vec<RawEvent>, ReadError> {
        let query = sqlx::query(IN_ORDER).bind(after).bind(self.head).bind(limit);
        read(query.fetch_all(&mut self.connection).await)
    }

    /// Up to `limit` streams of a category after a name, in the order of their names; none: the end.
    pub async fn streams(
        &mut self,
        category: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<RawStream>, ReadError> {
        // `.` is the character after `-`.
        let (first, end) = (format!("{category}-"), format!("{category}."));
        let query = sqlx::query(STREAMS).bind(after.unwrap_or(&first)).bind(end).bind(limit);
        let rows = query.fetch_all(&mut self.connection).await.map_err(|error| refused(&error))?;
        let stream = |row: &SqliteRow| Ok(RawStream { number: row.try_get(0)?, name: row.try_get(1)? });
        rows.iter().map(stream).collect::<Result<_, _>>().map_err(|error: sqlx::Error| refused(&error))
    }

    /// The stream of this name; none: there is none.
    pub async fn stream_named(&mut self, name: &str) -> Result<Option<RawStream>, ReadError> {
        let found = sqlx::query_scalar("SELECT id FROM streams WHERE name = ?").bind(name);
        let number: Option<i64> = found.fetch_optional(&mut self.connection).await.map_err(|error| refused(&error))?;
        Ok(number.map(|number| RawStream { number, name: name.to_owned() }))
    }

    /// Up to `limit` events of a stream after a revision, in the order of their revisions; none: the end.
    pub async fn of_stream(&mut self, stream: &RawStream, after: i64, limit: u32) -> Result<Vec<RawEvent>, ReadError> {
        let query = sqlx::query(OF_STREAM).bind(stream.number).bind(after).bind(self.head).bind(limit);
        let mut events = read(query.fetch_all(&mut self.connection).await)?;
        for event in &mut events {
            event.stream = Some(stream.name.clone());
        }
        Ok(events)
    }

    /// A stream whose revisions have gaps or repetitions; none: there is none.
    pub async fn gap(&mut self) -> Result<Option<String>, ReadError> {
        let found: Option<Option<String>> =
            sqlx::query_scalar(GAPS).fetch_optional(&mut self.connection).await.map_err(|error| refused(&error))?;
        Ok(found.map(|name| name.unwrap_or_else(|| "a stream without a name".to_owned())))
    }

    /// Closes the file.
    pub async fn close(self) {
        // Nothing was written: there is nothing to lose.
        let _ = self.connection.close().await;
    }
}

fn read(rows: Result<Vec<SqliteRow>, sqlx::Error>) -> Result<Vec<RawEvent>, ReadError> {
    let rows = rows.map_err(|error| refused(&error))?;
    rows.iter().map(raw).collect::<Result<_, _>>().map_err(|error: sqlx::Error| refused(&error))
}

fn raw(row: &SqliteRow) -> Result<RawEvent, sqlx::Error> {
    let text = |at: usize| -> Result<Option<String>, sqlx::Error> {
        let bytes: Option<Vec<u8>> = row.try_get(at)?;
        Ok(bytes.and_then(|bytes| String::from_utf8(bytes).ok()))
    };
    Ok(RawEvent {
        position: row.try_get(0)?,
        stream: text(1)?,
        revision: row.try_get(2)?,
        id: row.try_get(3)?,
        event_type: text(4)?,
        metadata: row.try_get(5)?,
        payload: row.try_get(6)?,
    })
}

fn refused(error: &sqlx::Error) -> ReadError {
    if is_damage(error) { ReadError::Corrupt(error.to_string()) } else { ReadError::Unavailable(error.to_string()) }
}
