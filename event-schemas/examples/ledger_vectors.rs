//! Writes random trees with proofs, signed checkpoints, and golden leaves as lines of JSON, for other implementations
//! to check: `cargo run -p booking-events --example ledger_vectors -- COUNT SEED`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a tool of the tests fails by panicking")]

use booking_events::ledger::merkle::{Hash, Tree, hash_leaf};
use booking_events::ledger::proof::{consistency, inclusion};
use booking_events::ledger::{Checkpoint, Signer};
use serde_json::{Value, json};
use std::io::Write;
use std::ops::Range;

/// SplitMix64: the same numbers for the same seed.
struct Random(u64);

impl Random {
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    const fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
    fn bytes(&mut self, count: u64) -> Vec<u8> {
        (0..count).map(|_| self.next().to_be_bytes()[0]).collect()
    }
}

fn root(leaves: &[Hash]) -> Hash {
    let mut tree = Tree::default();
    for leaf in leaves {
        tree.push(*leaf);
    }
    tree.root()
}

fn hashes(ranges: Vec<Range<u64>>, leaves: &[Hash]) -> Vec<String> {
    let at = |n: u64| usize::try_from(n).unwrap();
    ranges.into_iter().map(|range| hex::encode(root(&leaves[at(range.start)..at(range.end)]))).collect()
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>().expect("COUNT SEED"));
    let (count, seed) = (arguments.next().unwrap_or(20), arguments.next().unwrap_or(1));
    let mut random = Random(seed);
    let mut out = std::io::BufWriter::new(std::io::stdout());
    let mut line = |value: &Value| writeln!(out, "{value}").unwrap();
    for _ in 0..count {
        // Small trees have every shape; now and then one that is not small.
        let size = if random.below(20) == 0 { random.below(1_025) } else { random.below(40) };
        let entries: Vec<Vec<u8>> = (0..size)
            .map(|_| {
                let length = random.below(60);
                random.bytes(length)
            })
            .collect();
        let leaves: Vec<Hash> = entries.iter().map(|entry| hash_leaf(entry)).collect();
        let mut proofs = Vec::new();
        if size > 0 {
            let (index, of) = {
                let of = 1 + random.below(size);
                (random.below(of), of)
            };
            let from = 1 + random.below(size);
            proofs.push(json!({ "index": index, "size": of, "path": hashes(inclusion(index, of).unwrap(), &leaves) }));
            proofs.push(json!({ "from": from, "to": size, "path": hashes(consistency(from, size).unwrap(), &leaves) }));
        }
        let key = Signer::new(format!("clinic-booking/{seed:016x}"), &random.bytes(32).try_into().unwrap()).unwrap();
        let checkpoint = Checkpoint { origin: key.name().to_owned(), size, root: root(&leaves) };
        line(&json!({
            "entries": entries.iter().map(hex::encode).collect::<Vec<_>>(),
            "root": hex::encode(checkpoint.root),
            "proofs": proofs,
            "key": key.verifier().to_string(),
            "note": checkpoint.sign(&key),
        }));
    }
}
