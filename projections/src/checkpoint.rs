//! How far each projection has come, which generation of its rows is read, and what it was told to leave out.
//!
//! A checkpoint only ever moves in the transaction that wrote the rows it speaks of, and only from the place where
//! its runner believes it to be: whoever comes second finds another place and stops.

use booking_store::Position;
use sqlx::{Row, SqliteConnection};
use std::collections::HashSet;

/// Where a projection stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Checkpoint {
    pub(crate) generation: i64,
    pub(crate) position: Option<Position>,
}

pub(crate) fn to_sql(position: Position) -> i64 {
    i64::try_from(position.0).unwrap_or(i64::MAX)
}

pub(crate) fn from_sql(position: i64) -> Position {
    Position(u64::try_from(position).unwrap_or(0))
}

/// Reads a projection's checkpoint. One that is new, or that another version of its fold left, begins anew in a
/// fresh generation; the second answer says so.
pub(crate) async fn register(
    c: &mut SqliteConnection,
    name: &str,
    version: u32,
) -> Result<(Checkpoint, bool), sqlx::Error> {
    let found = sqlx::query("SELECT version, generation, position FROM projections WHERE name = ?")
        .bind(name)
        .fetch_optional(&mut *c)
        .await?;
    let mut generation = 1;
    if let Some(row) = found {
        generation = row.try_get::<i64, _>(1)?;
        if row.try_get::<i64, _>(0)? == i64::from(version) {
            let position = row.try_get::<Option<i64>, _>(2)?.map(from_sql);
            return Ok((Checkpoint { generation, position }, false));
        }
        // Leftovers of a broken rebuild carry the next number.
        generation += 2;
    }
    let sql = "INSERT INTO projections (name, version, generation, position) VALUES (?, ?, ?, NULL) \
               ON CONFLICT (name) DO UPDATE SET version = excluded.version, generation = excluded.generation, position = NULL";
    sqlx::query(sql).bind(name).bind(version).bind(generation).execute(c).await?;
    Ok((Checkpoint { generation, position: None }, true))
}

/// Moves a checkpoint from `at` to `to`; false: it is not there, somebody else moved it.
pub(crate) async fn advance(
    c: &mut SqliteConnection,
    name: &str,
    at: Checkpoint,
    to: Checkpoint,
) -> Result<bool, sqlx::Error> {
    let sql = "UPDATE projections SET generation = ?, position = ? WHERE name = ? AND generation = ? AND position IS ?";
    let done = sqlx::query(sql)
        .bind(to.generation)
        .bind(to.position.map(to_sql))
        .bind(name)
        .bind(at.generation)
        .bind(at.position.map(to_sql))
        .execute(c)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// The events that a projection leaves out.
pub(crate) async fn quarantined(c: &mut SqliteConnection, name: &str) -> Result<HashSet<Position>, sqlx::Error> {
    let positions: Vec<i64> =
        sqlx::query_scalar("SELECT position FROM quarantine WHERE projection = ?").bind(name).fetch_all(c).await?;
    Ok(positions.into_iter().map(from_sql).collect())
}

/// Records that a projection leaves out an event.
pub(crate) async fn quarantine(
    c: &mut SqliteConnection,
    name: &str,
    position: Position,
    reason: &str,
) -> Result<(), sqlx::Error> {
    let sql = "INSERT INTO quarantine (projection, position, reason) VALUES (?, ?, ?) \
               ON CONFLICT (projection, position) DO UPDATE SET reason = excluded.reason";
    sqlx::query(sql).bind(name).bind(to_sql(position)).bind(reason).execute(c).await.map(|_| ())
}
