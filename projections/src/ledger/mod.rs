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
use crate::tables::{Tables, in_generation, insert, pack, unpack};
use async_trait::async_trait;
use booking_domain::stream::CATEGORIES;
use booking_events::ledger::{Hash, StoredEvent, leaf_hash};
use booking_store::{Position, Recorded};
use edge::{Edge, TileAt};
use sqlx::{Row, SqliteConnection};
use std::sync::{Arc, PoisonError, RwLock};
use uuid::Uuid;

const VIEW: &str = "ledger";
/// Leaves of a run of places ([`crate::runs`]): some 300 kilobytes.
const RUN: u64 = 4_096;

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

fn to_sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
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
    const VERSION: u32 = 4;
    const CATEGORIES: &'static [&'static str] = &CATEGORIES;
    const TABLES: Tables = Tables {
        names: &["ledger_edge", "ledger_tiles", "ledger_places"],
        sql: include_str!("../../../migrations/views/ledger.sql"),
    };
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
        for row in rows {
            match row {
                (Key::Edge, LedgerRow::Edge(edge)) => {
                    let sql =
                        in_generation("INSERT OR REPLACE INTO ledger_edge_@ (only, hashes) VALUES (1, ?)", generation);
                    sqlx::query(sql).bind(pack(VIEW, edge)?).execute(&mut *c).await?;
                }
                (Key::Tile(at), LedgerRow::Tile(tile)) => {
                    let sql = "INSERT OR REPLACE INTO ledger_tiles_@ (level, number, hashes) VALUES (?, ?, ?)";
                    let query = sqlx::query(in_generation(sql, generation)).bind(at.level).bind(to_sql(at.number));
                    query.bind(edge::to_bytes(tile)).execute(&mut *c).await?;
                }
                _ => {}
            }
        }
        let mut places = rows.iter().filter_map(|(key, _)| match key {
            Key::Place(id, leaf) => Some(Ok(vec![to_sql(leaf / RUN).into(), (*id).into(), to_sql(*leaf).into()])),
            _ => None,
        });
        insert(c, "INSERT INTO ledger_places_@ (run, id, leaf)", generation, &mut places).await
    }

    async fn count(&self, c: &mut SqliteConnection, generation: i64) -> Result<i64, ViewError> {
        // What is counted has to be the same however the pages fell.
        let edge = read_edge(c, generation).await?.unwrap_or_default();
        Ok(i64::try_from(edge.size).unwrap_or(i64::MAX))
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
    let sql = in_generation("SELECT hashes FROM ledger_edge_@", generation);
    let row = sqlx::query(sql).fetch_optional(c).await?;
    row.map(|row| unpack(VIEW, row.try_get(0)?)).transpose()
}
