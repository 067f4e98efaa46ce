//! The ledger: what makes the history of a log impossible to rewrite unnoticed. Pure; nothing here reads or writes.
//!
//! Every event of the log, in its order, is a leaf of one Merkle tree (RFC 6962). From time to time the server signs
//! the tree's size and root: a checkpoint. Whoever keeps a checkpoint can find out later whether anything before it
//! was changed, taken out, put in or moved.
//!
//! | module | what it is |
//! |---|---|
//! | [`leaf`] | from a stored event to its leaf; frozen like the events themselves, `docs/ledger.md` describes it |
//! | [`merkle`] | hashes of leaves and nodes, the growing tree |
//! | [`proof`] | inclusion and consistency proofs, made and verified |
//! | [`note`] | signed notes (C2SP signed-note, Ed25519) and their keys |
//! | [`checkpoint`] | what a checkpoint says (C2SP tlog-checkpoint) |

pub mod checkpoint;
pub mod leaf;
pub mod merkle;
pub mod note;
pub mod proof;

pub use checkpoint::Checkpoint;
pub use leaf::{StoredEvent, leaf_hash};
pub use merkle::{Hash, Tree};
pub use note::{NoteError, Signer, Verifier};

#[cfg(test)]
#[path = "../tests/ledger/mod.rs"]
mod tests;
