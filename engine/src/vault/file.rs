//! Opening `vault.db`: looks at the file's own bytes first and changes nothing unless it is a vault of this program.

use super::VAULT_FILE;
use super::error::{Result, VaultError};
use super::root_key::private;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, Row};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

/// `clbv`, in the database header's application id: this file is a vault.
const APPLICATION_ID: u32 = 0x636c_6276;

/// The schema, step by step. Step n takes a file from schema n to n + 1. A released step never changes.
const MIGRATIONS: [&str; 7] = [
    include_str!("../../../migrations/vault/0001_vault.sql"),
    include_str!("../../../migrations/vault/0002_messages.sql"),
    include_str!("../../../migrations/vault/0003_visit_drafts.sql"),
    include_str!("../../../migrations/vault/0004_contact_quotas.sql"),
    include_str!("../../../migrations/vault/0005_undelivered.sql"),
    include_str!("../../../migrations/vault/0006_key_rotation.sql"),
    include_str!("../../../migrations/vault/0007_keys_of_requests_by_age.sql"),
];

/// The schema that this program writes.
const SCHEMA: u32 = 7;

/// Readers beside the one writer.
const READERS: u32 = 4;

/// The one writing connection and the readers.
pub(super) struct OpenFile {
    pub(super) writer: SqliteConnection,
    pub(super) readers: SqlitePool,
}

/// Opens the file, makes it if there is none, and brings its schema up to date.
pub(super) async fn open(path: &Path) -> Result<OpenFile> {
    let schema = inspect(path)?;
    if schema < SCHEMA {
        migrate(path, schema).await?;
    }
    let writer = options(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        // Keys of people come in no order: each write looks at a page of its own.
        .pragma("cache_size", "-16384")
        // What a statement of many rows may have to take back is in memory: never in another file, and sooner done.
        .pragma("temp_store", "MEMORY")
        .connect()
        .await?;
    let readers = SqlitePoolOptions::new().max_connections(READERS).connect_with(options(path).read_only(true)).await?;
    // The header was read without the write-ahead log; what stands there counts too.
    let found: i64 = sqlx::query("PRAGMA user_version").fetch_one(&readers).await?.try_get(0)?;
    if found == i64::from(SCHEMA) {
        Ok(OpenFile { writer, readers })
    } else {
        let found = u32::try_from(found).unwrap_or(u32::MAX);
        Err(VaultError::NewerFile { path: path.to_owned(), found, known: SCHEMA })
    }
}

fn options(path: &Path) -> SqliteConnectOptions {
    let options = SqliteConnectOptions::new().filename(path).busy_timeout(Duration::from_secs(5));
    // Deleted keys are overwritten with zeros, not only unlinked.
    options.pragma("secure_delete", "ON").disable_statement_logging()
}

/// Looks at the header without the database library. Answers the schema; 0: a new or empty file.
fn inspect(path: &Path) -> Result<u32> {
    let failed = |error| VaultError::file(path, error);
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            private().write(true).create_new(true).open(path).map_err(failed)?;
            return Ok(0);
        }
        Err(error) => return Err(failed(error)),
    };
    let found = file.metadata().map_err(failed)?.len();
    if found == 0 {
        return Ok(0);
    }
    let foreign = || VaultError::ForeignFile { path: path.to_owned() };
    let mut header = Vec::with_capacity(100);
    (&mut file).take(100).read_to_end(&mut header).map_err(failed)?;
    if !header.starts_with(b"SQLite format 3\0") {
        return Err(foreign());
    }
    let number = |at: usize| header.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_be_bytes);
    let page_size = match header.get(16..18) {
        Some([0, 1]) => 65_536,
        Some(&[high, low]) => u64::from(u16::from_be_bytes([high, low])),
        _ => 0,
    };
    let (Some(pages), Some(schema), Some(application)) = (number(28), number(60), number(68)) else {
        return Err(VaultError::TruncatedFile { path: path.to_owned(), found, expected: 100 });
    };
    if application != APPLICATION_ID {
        return Err(foreign());
    }
    if schema > SCHEMA {
        return Err(VaultError::NewerFile { path: path.to_owned(), found: schema, known: SCHEMA });
    }
    // After a crash within a checkpoint the file may be behind its header, and the write-ahead log has the rest.
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let log_is_empty = std::fs::metadata(&log).map_or(true, |log| log.len() == 0);
    let expected = page_size * u64::from(pages);
    if found < expected && log_is_empty {
        return Err(VaultError::TruncatedFile { path: path.to_owned(), found, expected });
    }
    Ok(schema)
}

/// One transaction in rollback-journal mode, so that afterwards the main file's header says whose it is, whatever
/// happens to the write-ahead log.
async fn migrate(path: &Path, from: u32) -> Result<()> {
    let mut conn = options(path).synchronous(SqliteSynchronous::Full).connect().await?;
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut conn).await?;
    for step in MIGRATIONS.iter().skip(usize::try_from(from).unwrap_or(usize::MAX)) {
        sqlx::raw_sql(*step).execute(&mut conn).await?;
    }
    let mark = format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA}; COMMIT");
    sqlx::raw_sql(sqlx::AssertSqlSafe(mark)).execute(&mut conn).await?;
    conn.close().await?;
    tracing::info!(file = VAULT_FILE, from, to = SCHEMA, "the vault's schema is up to date");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_number_is_the_number_of_migrations() {
        assert_eq!(usize::try_from(SCHEMA).unwrap(), MIGRATIONS.len());
    }
}
