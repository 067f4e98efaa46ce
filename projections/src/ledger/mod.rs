//! The ledger: the Merkle tree over every event of the log, kept as a read model.
//!
//! Leaf i is the i-th event of the log, whatever it says and whether or not this release can read it: nothing is
//! passed over, and no event can stop this view. Every node that reads the same log has the same tree.
//!
//! Full tiles are rows of the file, the right edge stands in memory too. A proof reads a few tiles.

mod edge;
mod proofs;
mod stored;

pub use stored::StoredLeaves;

use crate::envelope::FromLog;
use crate::file::Db;
use crate::projection::{At, Rows, View, ViewError};
use crate::sql;
use async_trait::async_trait;
use booking_domain::stream::CATEGORIES;
use booking_events::ledger::{Hash, StoredEvent, leaf_hash};
use booking_store::{Position, Recorded};
use edge::{Edge, TileAt};
use sqlx::{Row, SqliteConnection};
use std::sync::{Arc, PoisonError, RwLock};
use uuid::Uuid;

const VIEW: &str = "ledger";

/// The ledger view.
#[derive(Debug)]
pub struct Ledger {
    db: Arc<Db>,
    edge: RwLock<Arc<Edge>>,
}

/// The event hash of a stored event.
pub fn event_hash(event: &Recorded) -> Hash {
    StoredEvent {
        stream: event.stream.as_str(),
        revision: event.revision,
        id: event.id,
        event_type: &event.event_type,
        metadata: event.metadata.as_bytes(),
        payload: &event.payload,
    }
    .hash()
}

/// What the ledger takes of an event.
#[derive(Clone, Copy, Debug)]
pub struct Hashed {
    position: Position,
    id: Uuid,
    hash: Hash,
}

impl FromLog for Hashed {
    fn read(event: &Recorded) -> Result<Self, String> {
        Ok(Self { position: event.position, id: event.id, hash: event_hash(event) })
    }
    fn position(&self) -> Position {
        self.position
    }
}

/// What a row is found by.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Key {
    /// The right edge.
    Edge,
    /// A full tile.
    Tile(TileAt),
    /// The leaf of an event id, or of the beginning of a leaf's hash.
    Place([u8; 16], u64),
}

/// A row.
#[derive(Clone, Debug)]
pub enum LedgerRow {
    /// The right edge.
    Edge(Edge),
    /// A full tile.
    Tile(Vec<Hash>),
    /// The key says everything.
    Place,
}

/// What a leaf is found by: sixteen bytes of its hash.
fn beginning(hash: &Hash) -> [u8; 16] {
    hash.first_chunk().copied().unwrap_or_default()
}

impl Ledger {
    /// A ledger in this file; its runner feeds it.
    pub fn new(db: Arc<Db>) -> Self {
        Self { db, edge: RwLock::default() }
    }

    fn edge(&self) -> Arc<Edge> {
        Arc::clone(&self.edge.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn show(&self, edge: Edge) {
        *self.edge.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(edge);
    }
}

#[async_trait]
impl View for Ledger {
    const NAME: &'static str = VIEW;
    const VERSION: u32 = 1;
    const CATEGORIES: &'static [&'static str] = &CATEGORIES;
    type Event = Hashed;
    type Key = Key;
    type Row = LedgerRow;
    type Loaded = Edge;

    fn keys(&self, _: &Hashed) -> Vec<Key> {
        vec![Key::Edge]
    }

    fn fold(&self, event: &Hashed, rows: &mut Rows<Key, LedgerRow>) -> Result<(), String> {
        let LedgerRow::Edge(edge) = rows.change_or(&Key::Edge, || LedgerRow::Edge(Edge::default())) else {
            return Err("the row of the edge is another one".to_owned());
        };
        let index = edge.size;
        let leaf = leaf_hash(index, &event.hash);
        let mut full = Vec::new();
        edge.push(leaf, |at, tile| full.push((at, tile)));
        for (at, tile) in full {
            rows.put(Key::Tile(at), LedgerRow::Tile(tile));
        }
        rows.put(Key::Place(event.id.into_bytes(), index), LedgerRow::Place);
        rows.put(Key::Place(beginning(&leaf), index), LedgerRow::Place);
        Ok(())
    }

    async fn read(&self, c: &mut SqliteConnection, at: At<'_>, key: &Key) -> Result<Option<LedgerRow>, ViewError> {
        match key {
            Key::Edge => read_edge(c, at.generation).await.map(|edge| edge.map(LedgerRow::Edge)),
            // Only ever written.
            Key::Tile(_) | Key::Place(..) => Ok(None),
        }
    }

    async fn write(
        &self,
        c: &mut SqliteConnection,
        generation: i64,
        rows: &[(&Key, &LedgerRow)],
    ) -> Result<(), ViewError> {
        let mut places = Vec::with_capacity(24 * rows.len());
        for row in rows {
            match row {
                (Key::Edge, LedgerRow::Edge(edge)) => {
                    let sql = "INSERT OR REPLACE INTO ledger_edge (generation, hashes) VALUES (?, ?)";
                    sqlx::query(sql).bind(generation).bind(sql::pack(VIEW, edge)?).execute(&mut *c).await?;
                }
                (Key::Tile(at), LedgerRow::Tile(tile)) => {
                    let sql = "INSERT OR REPLACE INTO ledger_tiles (generation, level, number, hashes) \
                               VALUES (?, ?, ?, ?)";
                    let number = i64::try_from(at.number).unwrap_or(i64::MAX);
                    let query = sqlx::query(sql).bind(generation).bind(at.level).bind(number);
                    query.bind(edge::to_bytes(tile)).execute(&mut *c).await?;
                }
                (Key::Place(id, leaf), _) => {
                    places.extend(id);
                    places.extend(leaf.to_be_bytes());
                }
                _ => {}
            }
        }
        // One statement and one parameter for all of them: the driver pays for both, and there are two rows an event.
        let count = i64::try_from(places.len() / 24).unwrap_or(i64::MAX);
        if count > 0 {
            let sql = "INSERT OR REPLACE INTO ledger_places (generation, id, leaf) \
                       WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2) \
                       SELECT ?1, substr(?3, i * 24 + 1, 16), substr(?3, i * 24 + 17, 8) FROM n";
            sqlx::query(sql).bind(generation).bind(count).bind(places).execute(&mut *c).await?;
        }
        Ok(())
    }

    async fn count(&self, c: &mut SqliteConnection, generation: i64) -> Result<i64, ViewError> {
        // What is counted has to be the same however the pages fell.
        let edge = read_edge(c, generation).await?.unwrap_or_default();
        Ok(i64::try_from(edge.size).unwrap_or(i64::MAX))
    }

    async fn prune(&self, c: &mut SqliteConnection, keep: i64, limit: i64) -> Result<u64, ViewError> {
        let places = "DELETE FROM ledger_places WHERE (generation, id, leaf) IN \
                      (SELECT generation, id, leaf FROM ledger_places WHERE generation <> ? LIMIT ?)";
        let tiles = "DELETE FROM ledger_tiles WHERE (generation, level, number) IN \
                     (SELECT generation, level, number FROM ledger_tiles WHERE generation <> ? LIMIT ?)";
        let edges = "DELETE FROM ledger_edge WHERE generation IN \
                     (SELECT generation FROM ledger_edge WHERE generation <> ? LIMIT ?)";
        let places = sql::prune(c, places, keep, limit).await?;
        let tiles = sql::prune(c, tiles, keep, limit).await?;
        Ok(places + tiles + sql::prune(c, edges, keep, limit).await?)
    }

    async fn load(&self, c: &mut SqliteConnection, at: At<'_>) -> Result<Edge, ViewError> {
        Ok(read_edge(c, at.generation).await?.unwrap_or_default())
    }

    fn install(&self, edge: Edge) {
        self.show(edge);
    }

    async fn publish(&self, rows: &[(&Key, &LedgerRow)]) {
        for row in rows {
            if let (Key::Edge, LedgerRow::Edge(edge)) = row {
                self.show(edge.clone());
            }
        }
    }
}

async fn read_edge(c: &mut SqliteConnection, generation: i64) -> Result<Option<Edge>, ViewError> {
    let sql = "SELECT hashes FROM ledger_edge WHERE generation = ?";
    let row = sqlx::query(sql).bind(generation).fetch_optional(c).await?;
    row.map(|row| sql::unpack(VIEW, row.try_get(0)?)).transpose()
}
