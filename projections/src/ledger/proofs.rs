//! What the ledger is asked: its root at any size, where an event stands, and proofs.

use super::edge::{self, Place, TileAt};
use super::{Ledger, VIEW, beginning, to_sql};
use crate::projection::ViewError;
use crate::runs::every_run;
use booking_events::ledger::Hash;
use booking_events::ledger::merkle::empty_root;
use booking_events::ledger::proof::{Subtree, consistency, inclusion, join, split};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Range;
use uuid::Uuid;

const PLACES: &str =
    concat!("SELECT leaf FROM ledger_places WHERE ", every_run!("ledger_places"), " AND id = ? ORDER BY leaf LIMIT 8");

impl Ledger {
    /// How many leaves the tree has.
    pub fn size(&self) -> u64 {
        self.edge().size
    }

    /// The root at this size; none if the tree is not as large.
    pub async fn root_at(&self, size: u64) -> Result<Option<Hash>, ViewError> {
        if size == 0 {
            return Ok(Some(empty_root()));
        }
        self.one(0..size).await
    }

    /// The hash of a leaf; none if there is none yet.
    pub async fn leaf(&self, index: u64) -> Result<Option<Hash>, ViewError> {
        self.one(index..index.saturating_add(1)).await
    }

    /// The leaf of the event with this id; the first, should the log hold it twice.
    pub async fn leaf_of_event(&self, id: Uuid) -> Result<Option<u64>, ViewError> {
        Ok(self.places(id.into_bytes()).await?.into_iter().next())
    }

    /// The leaf with this hash.
    pub async fn leaf_of_hash(&self, hash: &Hash) -> Result<Option<u64>, ViewError> {
        for index in self.places(beginning(hash)).await? {
            if self.leaf(index).await?.as_ref() == Some(hash) {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    /// The proof that a leaf is in the tree of this size, from the leaf up; none if the tree has no such leaf or size.
    pub async fn inclusion(&self, index: u64, size: u64) -> Result<Option<Vec<Hash>>, ViewError> {
        self.proof(size, inclusion(index, size)).await
    }

    /// The proof that the tree of `from` leaves is the beginning of that of `to`; none if the tree has no such size.
    pub async fn consistency(&self, from: u64, to: u64) -> Result<Option<Vec<Hash>>, ViewError> {
        self.proof(to, consistency(from, to)).await
    }

    async fn proof(&self, size: u64, ranges: Option<Vec<Range<u64>>>) -> Result<Option<Vec<Hash>>, ViewError> {
        match ranges {
            Some(ranges) if size <= self.size() => self.hashes(&ranges).await,
            _ => Ok(None),
        }
    }

    async fn places(&self, id: [u8; 16]) -> Result<Vec<u64>, ViewError> {
        let found: Vec<i64> =
            sqlx::query_scalar(PLACES).bind(id.to_vec()).fetch_all(self.db.rows_of(VIEW).await).await?;
        Ok(found.into_iter().filter_map(|leaf| u64::try_from(leaf).ok()).collect())
    }

    async fn one(&self, range: Range<u64>) -> Result<Option<Hash>, ViewError> {
        Ok(self.hashes(std::slice::from_ref(&range)).await?.and_then(|hashes| hashes.first().copied()))
    }

    /// The hashes of ranges that a proof names; none if the tree does not reach as far.
    async fn hashes(&self, ranges: &[Range<u64>]) -> Result<Option<Vec<Hash>>, ViewError> {
        let edge = self.edge();
        let mut tiles: HashMap<TileAt, Vec<Hash>> = HashMap::new();
        let mut hashes = Vec::with_capacity(ranges.len());
        for range in ranges {
            if range.end > edge.size {
                return Ok(None);
            }
            let mut parts = Vec::new();
            for part in split(range.clone()) {
                let Some(hash) = self.subtree(edge.find(part), part, &mut tiles).await? else { return Ok(None) };
                parts.push(hash);
            }
            hashes.extend(join(&parts));
        }
        Ok(Some(hashes))
    }

    async fn subtree(
        &self,
        place: Option<Place>,
        part: Subtree,
        tiles: &mut HashMap<TileAt, Vec<Hash>>,
    ) -> Result<Option<Hash>, ViewError> {
        match place {
            None => Ok(None),
            Some(Place::Known(hash)) => Ok(Some(hash)),
            Some(Place::Tile(at, slots)) => {
                let tile = match tiles.entry(at) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(unknown) => unknown.insert(self.tile(at).await?),
                };
                let hashes = tile.get(slots);
                let missing = || ViewError::Row { view: VIEW, why: format!("a tile is too short for {part:?}") };
                hashes.map(|hashes| Some(edge::root(hashes))).ok_or_else(missing)
            }
        }
    }

    async fn tile(&self, at: TileAt) -> Result<Vec<Hash>, ViewError> {
        let sql = "SELECT hashes FROM ledger_tiles WHERE level = ? AND number = ?";
        let query = sqlx::query_scalar(sql).bind(at.level).bind(to_sql(at.number));
        let tile: Option<Vec<u8>> = query.fetch_optional(self.db.rows_of(VIEW).await).await?;
        let missing = || ViewError::Row { view: VIEW, why: format!("{at:?} is missing") };
        tile.map(|bytes| edge::from_bytes(&bytes)).ok_or_else(missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Db;
    use crate::ledger::{Key, LedgerRow, RUN};
    use crate::projection::View;

    #[tokio::test]
    async fn an_event_is_found_in_whichever_run_its_place_stands() {
        let folder = tempfile::TempDir::new().unwrap();
        let db = std::sync::Arc::new(Db::open(&folder.path().join("views.db")).await.unwrap());
        let ledger = Ledger::new(std::sync::Arc::clone(&db));
        let leaves = [0, RUN - 1, RUN, 2 * RUN - 1, 30 * RUN + 7];
        {
            let mut writer = db.writer().await.unwrap();
            Ledger::TABLES.create(&mut writer, 1).await.unwrap();
            Ledger::TABLES.show(&mut writer, 1).await.unwrap();
            let keys: Vec<_> = (1..).zip(leaves).map(|(id, leaf)| Key::Place([id; 16], leaf)).collect();
            let again = Key::Place([1; 16], 9 * RUN);
            let rows: Vec<_> = keys.iter().chain([&again]).map(|key| (key, &LedgerRow::Place)).collect();
            ledger.write(&mut writer, 1, &rows).await.unwrap();
        }
        for (id, leaf) in (1..).zip(leaves) {
            assert_eq!(ledger.leaf_of_event(Uuid::from_bytes([id; 16])).await.unwrap(), Some(leaf));
        }
        assert_eq!(ledger.places([1; 16]).await.unwrap(), [0, 9 * RUN]);
        assert_eq!(ledger.leaf_of_event(Uuid::from_bytes([9; 16])).await.unwrap(), None);
    }
}
