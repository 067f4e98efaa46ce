//! The frozen form of sealed personal data: how plaintext becomes [`Sealed`] and back.
//!
//! Pure: nonce and seal id come from the caller, who must draw both at random for every seal. What is bound into a
//! seal (see [`seal`]) is part of the storage format: changing one byte of it makes every old event unreadable, so it
//! never changes; a new layout gets a new domain tag and the old one stays readable.

use booking_domain::ids::{ClinicId, SubjectId};
pub use booking_domain::sealed::Sealed;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// First bytes of what every seal binds: separates these seals from every other use of the same cipher.
const DOMAIN_TAG: &[u8; 24] = b"clinic-booking/sealed/v1";

/// Length of the bound bytes: tag, clinic, subject, field, schema, key version, seal id.
const AAD_LEN: usize = 24 + 16 + 16 + 2 + 2 + 2 + 16;

/// Which fact about a person a seal holds. The codes stand in every seal and never change.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u16)]
pub enum Field {
    /// Identity and contacts of a person, as one record.
    Profile = 1,
    /// One contact: an e-mail address or a phone number.
    Contact = 2,
    /// The reason for a visit.
    Reason = 3,
    /// A note about a person.
    Note = 4,
    /// Who a staff member is; sealed under the clinic's audit key, which no patient's erasure destroys.
    StaffIdentity = 5,
    /// The day a person died.
    DeathDate = 6,
    /// What a visitor of the portal typed to identify the person who will be seen.
    VisitIdentity = 7,
    /// The text or the address of a message to a person.
    Message = 8,
    /// What a visitor of the portal chose and typed so far; it stands in the vault only, and goes with the visit.
    VisitDraft = 9,
}

impl Field {
    /// The stable code.
    pub const fn code(self) -> u16 {
        self as u16
    }
}

/// The key of one subject in one clinic. Wiped when dropped; its `Debug` shows nothing.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SubjectKey([u8; 32]);

impl SubjectKey {
    /// The key made of these bytes; the caller wipes its own copy.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
    /// The key's bytes, to wrap them. Only the vault has a use for this.
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SubjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[subject key]")
    }
}

/// Why sealed bytes did not open.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OpenError {
    /// The key is another one, a byte changed, or the seal was made for another clinic, subject, field or version.
    /// The cipher cannot tell which.
    #[error("sealed data does not open: wrong key, altered bytes, or sealed for another place")]
    Refused,
}

/// Seals `plaintext` for exactly this clinic, subject, field, schema version, key version and seal id.
///
/// Bound as associated data, in this order, all integers big-endian:
/// `"clinic-booking/sealed/v1"` (24 bytes), clinic (16), subject (16), field (2), schema (2), key version (2),
/// seal id (16). Everything has a fixed width, so no two places share their bytes.
///
/// `nonce` and `seal_id` must be fresh random bytes: a nonce used twice under one key gives the plaintexts away.
#[allow(clippy::too_many_arguments, reason = "each is bound into the seal; a struct would only rename the list")]
pub fn seal(
    key: &SubjectKey,
    clinic: ClinicId,
    subject: SubjectId,
    field: Field,
    schema: u16,
    key_version: u16,
    seal_id: [u8; 16],
    nonce: [u8; 24],
    plaintext: &[u8],
) -> Sealed {
    let aad = bound(clinic, subject, field, schema, key_version, seal_id);
    // The cipher refuses only plaintexts beyond 256 GiB; the empty ciphertext that this would leave never opens.
    let ciphertext =
        cipher(key).encrypt(&XNonce::from(nonce), Payload { msg: plaintext, aad: &aad }).unwrap_or_default();
    Sealed { seal_id, key_version, schema, nonce, ciphertext }
}

/// Opens what [`seal`] made for the same clinic, subject and field. The plaintext is wiped when dropped.
pub fn open(
    key: &SubjectKey,
    clinic: ClinicId,
    subject: SubjectId,
    field: Field,
    sealed: &Sealed,
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let aad = bound(clinic, subject, field, sealed.schema, sealed.key_version, sealed.seal_id);
    cipher(key)
        .decrypt(&XNonce::from(sealed.nonce), Payload { msg: &sealed.ciphertext, aad: &aad })
        .map(Zeroizing::new)
        .map_err(|_| OpenError::Refused)
}

fn cipher(key: &SubjectKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new((&key.0).into())
}

fn bound(
    clinic: ClinicId,
    subject: SubjectId,
    field: Field,
    schema: u16,
    key_version: u16,
    seal_id: [u8; 16],
) -> Vec<u8> {
    let mut aad = Vec::with_capacity(AAD_LEN);
    aad.extend_from_slice(DOMAIN_TAG);
    aad.extend_from_slice(&clinic.bytes());
    aad.extend_from_slice(&subject.bytes());
    aad.extend_from_slice(&field.code().to_be_bytes());
    aad.extend_from_slice(&schema.to_be_bytes());
    aad.extend_from_slice(&key_version.to_be_bytes());
    aad.extend_from_slice(&seal_id);
    aad
}

#[cfg(test)]
#[path = "sealing_tests.rs"]
mod tests;
