//! Inclusion and consistency proofs (RFC 6962, section 2.1): which subtrees they name, and how they are verified.
//!
//! Whoever keeps the tree says which hash a range of leaves has ([`split`] takes a range apart into full subtrees);
//! this module says which ranges a proof names. Verification follows RFC 9162, sections 2.1.3.2 and 2.1.4.2.

use super::merkle::{Hash, hash_node};
use std::ops::Range;

/// The greatest power of two below `size`, which is at least 2.
const fn half(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

/// The subtrees whose hashes prove that leaf `index` is in the tree of `size` leaves, from the leaf up. None if it
/// cannot be.
pub fn inclusion(index: u64, size: u64) -> Option<Vec<Range<u64>>> {
    if index >= size {
        return None;
    }
    let (mut path, mut within) = (Vec::new(), 0..size);
    while within.end - within.start > 1 {
        let middle = within.start + half(within.end - within.start);
        if index < middle {
            path.push(middle..within.end);
            within.end = middle;
        } else {
            path.push(within.start..middle);
            within.start = middle;
        }
    }
    path.reverse();
    Some(path)
}

/// The subtrees whose hashes prove that the tree of `from` leaves is the beginning of the tree of `to`. None if it
/// cannot be; nothing needs a proof if `from` is 0.
pub fn consistency(from: u64, to: u64) -> Option<Vec<Range<u64>>> {
    if from > to {
        return None;
    }
    let mut proof = Vec::new();
    if from == 0 {
        return Some(proof);
    }
    // `whole`: the old tree is still a subtree of its own, whose root the verifier knows.
    let (mut within, mut whole) = (0..to, true);
    while from < within.end {
        let middle = within.start + half(within.end - within.start);
        if from <= middle {
            proof.push(middle..within.end);
            within.end = middle;
        } else {
            proof.push(within.start..middle);
            within.start = middle;
            whole = false;
        }
    }
    if !whole {
        proof.push(within);
    }
    proof.reverse();
    Some(proof)
}

/// A full subtree: the `index`-th of 2^`level` leaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Subtree {
    /// Its height.
    pub level: u32,
    /// How many of its height stand before it.
    pub index: u64,
}

/// Takes a range of a proof apart into full subtrees, from the left. `start` is a multiple of a power of two that is
/// not less than the range is long, as in every range that a proof names.
pub fn split(range: Range<u64>) -> Vec<Subtree> {
    let (mut parts, mut start) = (Vec::new(), range.start);
    while start < range.end {
        let length = range.end - start;
        let level = length.ilog2();
        parts.push(Subtree { level, index: start >> level });
        start += 1 << level;
    }
    parts
}

/// Joins what [`split`] took apart; none if there was nothing.
pub fn join(parts: &[Hash]) -> Option<Hash> {
    parts.iter().rev().copied().reduce(|right, left| hash_node(&left, &right))
}

/// The hashes on the way that `proof` leads: the leaf's first, at the end the root that it proves; none if a leaf of
/// this number in a tree of this size has no such proof.
pub fn climb(leaf: Hash, index: u64, size: u64, proof: &[Hash]) -> Option<Vec<Hash>> {
    if index >= size {
        return None;
    }
    let (mut node, mut last, mut hash, mut way) = (index, size - 1, leaf, vec![leaf]);
    for sibling in proof {
        if last == 0 {
            return None;
        }
        if node & 1 == 1 || node == last {
            hash = hash_node(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = hash_node(&hash, sibling);
        }
        way.push(hash);
        node >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(way)
}

/// True if `proof` shows that the leaf with this hash is number `index` of the tree with this size and root.
pub fn verify_inclusion(leaf: Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> bool {
    climb(leaf, index, size, proof).is_some_and(|way| way.last() == Some(root))
}

/// True if `proof` shows that the tree of `from` leaves with `old` as its root is the beginning of the one of `to`
/// leaves with `new` as its root.
pub fn verify_consistency(from: u64, old: &Hash, to: u64, new: &Hash, proof: &[Hash]) -> bool {
    if from > to {
        return false;
    }
    if from == to {
        return proof.is_empty() && old == new;
    }
    if from == 0 {
        return proof.is_empty();
    }
    let mut rest = proof.iter();
    let seed = if from.is_power_of_two() { Some(old) } else { rest.next() };
    let Some(seed) = seed else { return false };
    let (mut node, mut last) = (from - 1, to - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let (mut of_old, mut of_new) = (*seed, *seed);
    for sibling in rest {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            of_old = hash_node(sibling, &of_old);
            of_new = hash_node(sibling, &of_new);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            of_new = hash_node(&of_new, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && of_old == *old && of_new == *new
}
