//! What a vault remembers of a log's positions: how far the messages and the erasures have followed it, and from which
//! event a message comes. Another store has other positions, and a log that was restored ends earlier.
//!
//! A vault that is not open is told here, in its file. Whoever runs a server on it may not call this.

use anyhow::Context as _;
use booking_store::Position;
use booking_store::copy::Places;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// A row that says that this file was told already; it goes when the work that it belongs to is done.
const MARK: &str = "moved.";

/// How many events each follower has seen, by the positions of the log that it followed.
pub(crate) async fn seen(vault: &Path, places: &Places) -> anyhow::Result<BTreeMap<String, u64>> {
    let mut connection = open(vault, true).await?;
    let rows: Vec<(String, i64)> =
        sqlx::query_as("SELECT name, position FROM cursors").fetch_all(&mut connection).await?;
    connection.close().await?;
    let count = |(name, position): (String, i64)| (name, places.up_to(at(position)));
    Ok(rows.into_iter().filter(|(name, _)| !name.starts_with(MARK)).map(count).collect())
}

/// Sets the followers to what they had seen, in the positions of the log that they follow from now on.
pub(crate) async fn set(vault: &Path, seen: &BTreeMap<String, u64>, places: &Places) -> anyhow::Result<()> {
    let mut connection = open(vault, false).await?;
    let mut all = connection.begin_with("BEGIN IMMEDIATE").await?;
    for (name, events) in seen {
        let position = number(places.of(*events))?;
        sqlx::query("UPDATE cursors SET position = ? WHERE name = ?")
            .bind(position)
            .bind(name)
            .execute(&mut *all)
            .await?;
    }
    all.commit().await?;
    Ok(connection.close().await?)
}

/// Says every position in those of another log that holds the same events. Once for each `mark`: a switch that was broken
/// off may ask again.
pub(crate) async fn translate(vault: &Path, mark: &str, (from, to): (&Places, &Places)) -> anyhow::Result<()> {
    let mark = format!("{MARK}{mark}");
    let mut connection = open(vault, false).await?;
    let mut all = connection.begin_with("BEGIN IMMEDIATE").await?;
    let done: i64 =
        sqlx::query_scalar("SELECT count(*) FROM cursors WHERE name = ?").bind(&mark).fetch_one(&mut *all).await?;
    if done == 0 {
        sqlx::query("DELETE FROM cursors WHERE name LIKE ? || '%'").bind(MARK).execute(&mut *all).await?;
        let cursors: Vec<(String, i64)> =
            sqlx::query_as("SELECT name, position FROM cursors").fetch_all(&mut *all).await?;
        for (name, old) in cursors {
            let new = number(to.of(from.up_to(at(old))))?;
            sqlx::query("UPDATE cursors SET position = ? WHERE name = ?")
                .bind(new)
                .bind(name)
                .execute(&mut *all)
                .await?;
        }
        let messages: Vec<(Vec<u8>, i64)> =
            sqlx::query_as("SELECT id, position FROM outbox WHERE position IS NOT NULL").fetch_all(&mut *all).await?;
        for (id, old) in messages {
            let new = number(to.of(from.up_to(at(old))))?;
            sqlx::query("UPDATE outbox SET position = ? WHERE id = ?").bind(new).bind(id).execute(&mut *all).await?;
        }
        sqlx::query("INSERT INTO cursors (name, position) VALUES (?, 0)").bind(&mark).execute(&mut *all).await?;
    }
    all.commit().await?;
    Ok(connection.close().await?)
}

/// The switch is done.
pub(crate) async fn unmark(vault: &Path) -> anyhow::Result<()> {
    let mut connection = open(vault, false).await?;
    sqlx::query("DELETE FROM cursors WHERE name LIKE ? || '%'").bind(MARK).execute(&mut connection).await?;
    Ok(connection.close().await?)
}

/// The file of a vault, as it is.
pub(crate) async fn open(vault: &Path, read_only: bool) -> anyhow::Result<SqliteConnection> {
    let options = SqliteConnectOptions::new()
        .filename(vault)
        .create_if_missing(false)
        .read_only(read_only)
        .busy_timeout(Duration::from_secs(10))
        .synchronous(SqliteSynchronous::Full)
        .pragma("secure_delete", "ON")
        .pragma("trusted_schema", "OFF")
        .disable_statement_logging();
    options.connect().await.with_context(|| format!("cannot open the vault {}", vault.display()))
}

fn at(position: i64) -> Position {
    Position(u64::try_from(position).unwrap_or(0))
}

/// 0: before the first event.
fn number(position: Option<Position>) -> anyhow::Result<i64> {
    Ok(i64::try_from(position.map_or(0, |position| position.0))?)
}
