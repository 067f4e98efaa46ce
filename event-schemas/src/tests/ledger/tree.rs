//! Trees and proofs: the vectors that the authors of RFC 6962 publish with their own implementation, the RFC's text
//! written down once more, and proofs that were meddled with.

use crate::ledger::merkle::{Hash, Tree, empty_root, hash_leaf, hash_node};
use crate::ledger::proof::{consistency, inclusion, join, split, verify_consistency, verify_inclusion};
use std::ops::Range;

/// The entries of the published trees.
const ENTRIES: [&str; 8] =
    ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
/// The roots of the first one to eight of them.
const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];
/// Published inclusion proofs: leaf, size, path.
const INCLUSION: [(u64, u64, &[&str]); 4] = [
    (
        0,
        8,
        &[
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        &[
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (2, 3, &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (
        1,
        5,
        &[
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
];
/// Published consistency proofs: from, to, path.
const CONSISTENCY: [(u64, u64, &[&str]); 4] = [
    (1, 1, &[]),
    (
        1,
        8,
        &[
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        6,
        8,
        &[
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        5,
        &[
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
];

fn hex(text: &str) -> Hash {
    hex::decode(text).unwrap().try_into().unwrap()
}

fn published() -> Vec<Hash> {
    ENTRIES.iter().map(|entry| hash_leaf(&hex::decode(entry).unwrap())).collect()
}

/// `MTH` as the RFC defines it.
fn root_of(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let mut k = 1;
            while k * 2 < leaves.len() {
                k *= 2;
            }
            hash_node(&root_of(&leaves[..k]), &root_of(&leaves[k..]))
        }
    }
}

/// `PATH` as the RFC defines it.
fn path_of(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return vec![];
    }
    let mut k = 1;
    while k * 2 < leaves.len() {
        k *= 2;
    }
    let (mut path, sibling) = if index < k {
        (path_of(index, &leaves[..k]), root_of(&leaves[k..]))
    } else {
        (path_of(index - k, &leaves[k..]), root_of(&leaves[..k]))
    };
    path.push(sibling);
    path
}

/// `SUBPROOF` as the RFC defines it.
fn subproof(old: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if old == leaves.len() {
        return if whole { vec![] } else { vec![root_of(leaves)] };
    }
    let mut k = 1;
    while k * 2 < leaves.len() {
        k *= 2;
    }
    let (mut proof, sibling) = if old <= k {
        (subproof(old, &leaves[..k], whole), root_of(&leaves[k..]))
    } else {
        (subproof(old - k, &leaves[k..], false), root_of(&leaves[..k]))
    };
    proof.push(sibling);
    proof
}

fn hashes(ranges: Vec<Range<u64>>, leaves: &[Hash]) -> Vec<Hash> {
    let of_subtree = |level: u32, index: u64| {
        let width = 1_usize << level;
        let start = usize::try_from(index).unwrap() * width;
        root_of(&leaves[start..start + width])
    };
    let of_range = |range: Range<u64>| {
        let parts: Vec<Hash> = split(range).into_iter().map(|part| of_subtree(part.level, part.index)).collect();
        join(&parts).unwrap()
    };
    ranges.into_iter().map(of_range).collect()
}

fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|n| hash_leaf(&n.to_be_bytes())).collect()
}

#[test]
fn the_published_roots_and_proofs_come_out() {
    let published = published();
    assert_eq!(empty_root(), hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
    let mut tree = Tree::default();
    for (leaf, root) in published.iter().zip(ROOTS) {
        tree.push(*leaf);
        assert_eq!(tree.root(), hex(root), "{} leaves", tree.size());
    }
    for (index, size, path) in INCLUSION {
        let path: Vec<Hash> = path.iter().map(|text| hex(text)).collect();
        assert_eq!(hashes(inclusion(index, size).unwrap(), &published), path, "{index} of {size}");
        let (leaf, root) = (published[usize::try_from(index).unwrap()], hex(ROOTS[usize::try_from(size).unwrap() - 1]));
        assert!(verify_inclusion(leaf, index, size, &path, &root));
    }
    for (from, to, path) in CONSISTENCY {
        let path: Vec<Hash> = path.iter().map(|text| hex(text)).collect();
        assert_eq!(hashes(consistency(from, to).unwrap(), &published), path, "{from} to {to}");
        let root = |size: u64| hex(ROOTS[usize::try_from(size).unwrap() - 1]);
        assert!(verify_consistency(from, &root(from), to, &root(to), &path));
    }
}

#[test]
fn trees_of_0_to_1024_leaves_have_the_root_that_the_definition_gives() {
    let leaves = leaves(1_024);
    let mut tree = Tree::default();
    for size in 0..=1_024 {
        assert_eq!(tree.size(), u64::try_from(size).unwrap());
        assert_eq!(tree.root(), root_of(&leaves[..size]), "{size} leaves");
        if let Some(leaf) = leaves.get(size) {
            tree.push(*leaf);
        }
    }
}

#[test]
fn every_proof_of_small_trees_is_the_definitions_and_verifies() {
    let leaves = leaves(40);
    for size in 1..=40_u64 {
        let of = &leaves[..usize::try_from(size).unwrap()];
        let root = root_of(of);
        for index in 0..size {
            let at = usize::try_from(index).unwrap();
            let proof = hashes(inclusion(index, size).unwrap(), of);
            assert_eq!(proof, path_of(at, of), "{index} of {size}");
            assert!(verify_inclusion(of[at], index, size, &proof, &root));
        }
        for from in 1..=size {
            let proof = hashes(consistency(from, size).unwrap(), of);
            let old = &of[..usize::try_from(from).unwrap()];
            assert_eq!(proof, subproof(old.len(), of, true), "{from} to {size}");
            assert!(verify_consistency(from, &root_of(old), size, &root, &proof));
        }
    }
    assert_eq!((inclusion(3, 3), consistency(4, 3)), (None, None));
}

#[test]
fn a_proof_that_was_meddled_with_does_not_verify() {
    let leaves = leaves(21);
    let root = root_of(&leaves);
    for index in 0..21_u64 {
        let leaf = leaves[usize::try_from(index).unwrap()];
        let proof = hashes(inclusion(index, 21).unwrap(), &leaves);
        for wrong in (0..25).filter(|wrong| *wrong != index) {
            assert!(!verify_inclusion(leaf, wrong, 21, &proof, &root), "{index} passed for {wrong}");
        }
        assert!(!verify_inclusion(hash_leaf(b"other"), index, 21, &proof, &root));
        for at in 0..proof.len() {
            let mut bad = proof.clone();
            bad[at][7] ^= 1;
            assert!(!verify_inclusion(leaf, index, 21, &bad, &root));
            bad = proof.clone();
            bad.remove(at);
            assert!(!verify_inclusion(leaf, index, 21, &bad, &root));
        }
        let mut longer = proof.clone();
        longer.push([0; 32]);
        assert!(!verify_inclusion(leaf, index, 21, &longer, &root));
    }
    for from in 1..21_u64 {
        let old = root_of(&leaves[..usize::try_from(from).unwrap()]);
        let proof = hashes(consistency(from, 21).unwrap(), &leaves);
        for wrong in (1..25).filter(|wrong| *wrong != from) {
            assert!(!verify_consistency(wrong, &old, 21, &root, &proof), "{from} passed for {wrong}");
        }
        assert!(!verify_consistency(from, &[1; 32], 21, &root, &proof));
        for at in 0..proof.len() {
            let mut bad = proof.clone();
            bad[at][0] ^= 128;
            assert!(!verify_consistency(from, &old, 21, &root, &bad));
        }
    }
}
