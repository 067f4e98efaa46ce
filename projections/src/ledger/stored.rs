//! The leaves that a file of views holds, read without opening the views: for an audit beside a running server.
//!
//! They are not believed for themselves. Those that lead to a signed root are as good as the signature, and tell which
//! leaf of an altered log is the first that differs.

use super::edge::{self, Edge, TILE};
use crate::projection::ViewError;
use crate::tables::unpack;
use booking_events::ledger::Hash;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use std::path::Path;
use std::time::Duration;

/// Leaves as a file of views holds them.
#[derive(Debug)]
pub struct StoredLeaves {
    connection: SqliteConnection,
    edge: Edge,
    /// The tile that was read last.
    tile: Option<(u64, Vec<Hash>)>,
}

impl StoredLeaves {
    /// Opens a file of views for reading alone; none if it holds no ledger.
    pub async fn open(path: &Path) -> Result<Option<Self>, ViewError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .read_only(true)
            .busy_timeout(Duration::from_secs(10))
            .pragma("trusted_schema", "OFF")
            .disable_statement_logging();
        let mut connection = options.connect().await?;
        let sql = "SELECT 1 FROM sqlite_schema WHERE type = 'view' AND name = 'ledger_edge'";
        let known: Option<i64> = sqlx::query_scalar(sql).fetch_optional(&mut connection).await?;
        let found: Option<Vec<u8>> = match known {
            Some(_) => sqlx::query_scalar("SELECT hashes FROM ledger_edge").fetch_optional(&mut connection).await?,
            None => None,
        };
        let Some(hashes) = found else {
            connection.close().await?;
            return Ok(None);
        };
        let edge = unpack(super::VIEW, &hashes)?;
        Ok(Some(Self { connection, edge, tile: None }))
    }

    /// How many leaves it holds.
    pub const fn size(&self) -> u64 {
        self.edge.size
    }

    /// A leaf's hash; none if it is not there.
    pub async fn leaf(&mut self, index: u64) -> Result<Option<Hash>, ViewError> {
        if index >= self.edge.size {
            return Ok(None);
        }
        let (number, slot) = (index / TILE as u64, usize::try_from(index % TILE as u64).unwrap_or(0));
        if number == self.edge.size / TILE as u64 {
            return Ok(self.edge.levels.first().and_then(|tile| tile.get(slot)).copied());
        }
        if self.tile.as_ref().is_none_or(|(known, _)| *known != number) {
            let sql = "SELECT hashes FROM ledger_tiles WHERE level = 0 AND number = ?";
            let query = sqlx::query_scalar(sql).bind(super::to_sql(number));
            let bytes: Option<Vec<u8>> = query.fetch_optional(&mut self.connection).await?;
            self.tile = Some((number, bytes.map(|bytes| edge::from_bytes(&bytes)).unwrap_or_default()));
        }
        Ok(self.tile.as_ref().and_then(|(_, tile)| tile.get(slot)).copied())
    }

    /// Closes the file.
    pub async fn close(self) {
        if let Err(problem) = self.connection.close().await {
            tracing::debug!(%problem, "the views were not closed cleanly");
        }
    }
}
