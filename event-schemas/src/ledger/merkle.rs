//! The Merkle tree of RFC 6962, section 2.1: how leaves and nodes are hashed, and the tree as it grows.

use sha2::{Digest, Sha256};

/// A SHA-256.
pub type Hash = [u8; 32];

/// Hash of a leaf: SHA-256 of a zero byte and the leaf's bytes.
pub fn hash_leaf(entry: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(entry).finalize().into()
}

/// Hash of a node: SHA-256 of a one byte and the two hashes below it.
pub fn hash_node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// Root of the tree without leaves.
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// A tree that only grows. It keeps the roots of its full subtrees, one for each bit of its size, and no leaf.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tree {
    size: u64,
    /// Roots of the full subtrees, the greatest first.
    peaks: Vec<Hash>,
}

impl Tree {
    /// How many leaves it has.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf.
    pub fn push(&mut self, leaf: Hash) {
        let mut node = leaf;
        // As in counting: every full subtree of the same height is joined with the new one.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                node = hash_node(&left, &node);
            }
        }
        self.peaks.push(node);
        self.size += 1;
    }

    /// The root over all leaves so far.
    pub fn root(&self) -> Hash {
        let joined = self.peaks.iter().rev().copied().reduce(|right, left| hash_node(&left, &right));
        joined.unwrap_or_else(empty_root)
    }
}
