//! From a stored event to its leaf. Frozen: a byte more or less here is another tree.
//!
//! Two steps, so that an event can be promised before its place in the log is known: the *event hash* covers everything
//! that is known when the event is stored, and the *leaf* is the place and the event hash. `docs/ledger.md` says the
//! same in words, for other languages.

use super::merkle::{Hash, hash_leaf};
use crate::metadata::clinic_and_moment;
use booking_domain::ids::ClinicId;
use booking_domain::time::Instant;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Begins every event's encoding: no other use of SHA-256 in this product hashes the same bytes.
const EVENT: &[u8] = b"clinic-booking/ledger-event/v1";

/// An event as the log holds it: the bytes that are hashed, and nothing that was read into them.
#[derive(Clone, Copy, Debug)]
pub struct StoredEvent<'a> {
    /// Name of its stream.
    pub stream: &'a str,
    /// Its place in the stream.
    pub revision: u64,
    /// Its id.
    pub id: Uuid,
    /// Type and version.
    pub event_type: &'a str,
    /// The metadata, to the byte.
    pub metadata: &'a [u8],
    /// The payload, to the byte; what is sealed in it is sealed.
    pub payload: &'a [u8],
}

impl StoredEvent<'_> {
    /// The event hash: SHA-256 of the event's encoding.
    pub fn hash(&self) -> Hash {
        self.hash_with(clinic_and_moment(self.metadata))
    }

    fn hash_with(&self, known: Option<(ClinicId, Instant)>) -> Hash {
        let mut hash = Sha256::new();
        field(&mut hash, EVENT);
        match known {
            Some((clinic, _)) => field(&mut hash, &clinic.bytes()),
            None => field(&mut hash, &[]),
        }
        field(&mut hash, self.stream.as_bytes());
        field(&mut hash, &self.revision.to_be_bytes());
        field(&mut hash, self.id.as_bytes());
        field(&mut hash, self.event_type.as_bytes());
        match known {
            Some((_, occurred_at)) => field(&mut hash, &occurred_at.0.to_be_bytes()),
            None => field(&mut hash, &[]),
        }
        field(&mut hash, &Sha256::digest(self.metadata));
        field(&mut hash, &Sha256::digest(self.payload));
        hash.finalize().into()
    }
}

/// A length in four bytes, most significant first, then the bytes.
fn field(hash: &mut Sha256, bytes: &[u8]) {
    // Nothing that a store takes comes near four gigabytes.
    hash.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    hash.update(bytes);
}

/// The bytes of a leaf: its place among all events of the log, from 0, and the event hash; each with its length before.
pub fn leaf_entry(index: u64, event_hash: &Hash) -> [u8; 48] {
    let mut entry = [0; 48];
    entry[3] = 8;
    entry[4..12].copy_from_slice(&index.to_be_bytes());
    entry[15] = 32;
    entry[16..].copy_from_slice(event_hash);
    entry
}

/// The leaf's hash in the tree.
pub fn leaf_hash(index: u64, event_hash: &Hash) -> Hash {
    hash_leaf(&leaf_entry(index, event_hash))
}
