//! A checkpoint: which log, how many leaves, which root (C2SP tlog-checkpoint). Signed, it is a promise.

use super::merkle::Hash;
use super::note::{NoteError, Signer, Verifier};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// What a checkpoint says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    /// Which log: the same in all of its checkpoints.
    pub origin: String,
    /// How many leaves the tree had.
    pub size: u64,
    /// Its root.
    pub root: Hash,
}

impl Checkpoint {
    /// The note's text.
    pub fn to_text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, BASE64.encode(self.root))
    }

    /// Reads a note's text. Lines after the third say nothing to us.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        let plain = size == "0" || (!size.starts_with('0') && size.bytes().all(|b| b.is_ascii_digit()));
        if origin.is_empty() || !plain || lines.any(str::is_empty) {
            return None;
        }
        let root = BASE64.decode(root).ok()?.try_into().ok()?;
        Some(Self { origin: origin.to_owned(), size: size.parse().ok()?, root })
    }

    /// Signs it.
    pub fn sign(&self, key: &Signer) -> String {
        key.sign(&self.to_text())
    }

    /// What a note says that this key signed for the log of its own name.
    pub fn open(note: &str, key: &Verifier) -> Result<Self, NoteError> {
        let checkpoint = Self::parse(key.open(note)?).ok_or(NoteError::Malformed)?;
        if checkpoint.origin == key.name() { Ok(checkpoint) } else { Err(NoteError::Malformed) }
    }

    /// What a note claims, whoever signed it.
    pub fn claimed(note: &str) -> Option<Self> {
        Self::parse(super::note::claimed_text(note)?)
    }
}
