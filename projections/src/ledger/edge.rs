//! The tree in tiles: what of it is full, and the right edge that is not yet. Pure.
//!
//! A tile holds up to 256 hashes that stand beside each other: leaves at level 0, roots of full tiles one level above.
//! The edge holds the one tile of each level that is not full.

use booking_events::ledger::Hash;
use booking_events::ledger::merkle::hash_node;
use booking_events::ledger::proof::Subtree;
use serde::{Deserialize, Serialize};

/// Hashes of a full tile.
pub const TILE: usize = 256;

/// The right edge of the tree.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Edge {
    /// How many leaves the tree has.
    pub size: u64,
    /// The unfinished tile of each level, the leaves first.
    pub levels: Vec<Vec<Hash>>,
}

/// Where a tile stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TileAt {
    /// 0: leaves.
    pub level: u8,
    /// From the left.
    pub number: u64,
}

impl Edge {
    /// Adds a leaf; `full` takes the tiles that became full.
    pub fn push(&mut self, leaf: Hash, mut full: impl FnMut(TileAt, Vec<Hash>)) {
        self.size += 1;
        let (mut hash, mut level) = (leaf, 0_u8);
        loop {
            let at = usize::from(level);
            if self.levels.len() <= at {
                self.levels.push(Vec::new());
            }
            let Some(tile) = self.levels.get_mut(at) else { return };
            tile.push(hash);
            if tile.len() < TILE {
                return;
            }
            let tile = std::mem::take(tile);
            hash = root(&tile);
            // The level holds one hash for each 256^level leaves.
            let number = (self.size >> (8 * u32::from(level) + 8)).saturating_sub(1);
            full(TileAt { level, number }, tile);
            level += 1;
        }
    }

    /// Number of the unfinished tile of a level.
    const fn open_number(&self, level: u8) -> u64 {
        match self.size.checked_shr(8 * level as u32 + 8) {
            Some(number) => number,
            None => 0,
        }
    }

    /// The tile that holds a subtree, or its hash if the edge knows it. `None` if the tree has no such subtree.
    pub fn find(&self, part: Subtree) -> Option<Place> {
        let level = u8::try_from(part.level / 8).ok()?;
        let rest = part.level % 8;
        let first = part.index << rest;
        let (number, from) = (first / TILE as u64, usize::try_from(first % TILE as u64).ok()?);
        let slots = from..from + (1 << rest);
        if number < self.open_number(level) {
            return Some(Place::Tile(TileAt { level, number }, slots));
        }
        let open = (number == self.open_number(level)).then(|| self.levels.get(usize::from(level))).flatten()?;
        open.get(slots).map(|hashes| Place::Known(root(hashes)))
    }
}

/// Where a subtree's hash is found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// The root of these hashes of a full tile.
    Tile(TileAt, std::ops::Range<usize>),
    /// This is it.
    Known(Hash),
}

/// The root of a power of two of hashes that stand beside each other.
pub fn root(hashes: &[Hash]) -> Hash {
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        row = row
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => hash_node(left, right),
                _ => pair.first().copied().unwrap_or_default(),
            })
            .collect();
    }
    row.first().copied().unwrap_or_default()
}

/// A tile as it is stored.
pub fn to_bytes(tile: &[Hash]) -> Vec<u8> {
    tile.concat()
}

/// Reads a stored tile.
pub fn from_bytes(bytes: &[u8]) -> Vec<Hash> {
    bytes.as_chunks().0.to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_events::ledger::Tree;
    use booking_events::ledger::merkle::hash_leaf;
    use booking_events::ledger::proof::{join, split};
    use std::collections::HashMap;

    fn root_of(edge: &Edge, tiles: &HashMap<TileAt, Vec<Hash>>, size: u64) -> Option<Hash> {
        let hash = |place| match place {
            Place::Known(hash) => hash,
            Place::Tile(at, slots) => root(&tiles[&at][slots]),
        };
        let parts: Option<Vec<Hash>> = split(0..size).into_iter().map(|part| edge.find(part).map(hash)).collect();
        join(&parts?)
    }

    #[test]
    fn the_root_of_every_earlier_size_is_found_in_tiles_and_edge() {
        let (mut edge, mut tree, mut tiles) = (Edge::default(), Tree::default(), HashMap::new());
        let mut roots = Vec::new();
        for n in 0..66_000_u64 {
            let leaf = hash_leaf(&n.to_be_bytes());
            edge.push(leaf, |at, tile| assert_eq!(tiles.insert(at, tile), None, "{at:?} became full twice"));
            tree.push(leaf);
            // A root costs little, all of them cost much: those around the ends of tiles, and some between.
            if n % 256 < 2 || n % 256 > 253 || n % 1_009 == 0 {
                assert_eq!(root_of(&edge, &tiles, n + 1), Some(tree.root()), "{n}");
                roots.push((n + 1, tree.root()));
            }
        }
        for (size, root) in roots {
            assert_eq!(root_of(&edge, &tiles, size), Some(root), "{size} of {}", edge.size);
        }
        assert!(tiles.contains_key(&TileAt { level: 1, number: 0 }) && edge.levels.len() == 3);
        assert_eq!(edge.find(Subtree { level: 0, index: 66_000 }), None);
        assert_eq!(edge.find(Subtree { level: 9, index: 128 }), None, "not full");
    }

    #[test]
    fn a_tile_is_read_as_it_was_written() {
        let tile: Vec<Hash> = (0..TILE).map(|n| hash_leaf(&n.to_be_bytes())).collect();
        assert_eq!(from_bytes(&to_bytes(&tile)), tile);
    }
}
