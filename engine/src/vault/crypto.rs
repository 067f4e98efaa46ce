//! The vault's two primitives: wrapping one key by another, and keyed hashes. No storage here.

use super::entropy::{Entropy, draw};
use super::error::{Result, VaultError};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// A secret key of 32 bytes, wiped when dropped.
pub(super) type Key = Zeroizing<[u8; 32]>;

/// What a wrapped key is for; part of what is bound into the wrapping, so the codes never change.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Vault = 1,
    Clinic = 2,
    Subject = 3,
}

/// What is bound into a wrapping: a row that is copied to another clinic or subject does not open.
pub(super) struct Place {
    pub(super) purpose: Purpose,
    pub(super) clinic: [u8; 16],
    pub(super) subject: [u8; 16],
    pub(super) version: u16,
}

impl Place {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = b"clinic-booking/wrap/v1".to_vec();
        bytes.push(self.purpose as u8);
        bytes.extend_from_slice(&self.clinic);
        bytes.extend_from_slice(&self.subject);
        bytes.extend_from_slice(&self.version.to_be_bytes());
        bytes
    }
}

/// Nonce (24 bytes), encrypted key (32), tag (16).
pub(super) fn wrap(by: &[u8; 32], place: &Place, key: &[u8; 32], entropy: &dyn Entropy) -> Vec<u8> {
    let nonce: [u8; 24] = draw(entropy);
    let payload = Payload { msg: key, aad: &place.bytes() };
    let mut wrapped = nonce.to_vec();
    // The cipher fails only beyond 256 GiB; a wrapped key cut to its nonce would not open.
    wrapped.extend(XChaCha20Poly1305::new(by.into()).encrypt(&XNonce::from(nonce), payload).unwrap_or_default());
    wrapped
}

/// The key, or `None` if it was wrapped by another key or for another place, or was altered.
pub(super) fn unwrap(by: &[u8; 32], place: &Place, wrapped: &[u8]) -> Option<Key> {
    let (nonce, ciphertext) = wrapped.split_first_chunk::<24>()?;
    let payload = Payload { msg: ciphertext, aad: &place.bytes() };
    let bytes = Zeroizing::new(XChaCha20Poly1305::new(by.into()).decrypt(&XNonce::from(*nonce), payload).ok()?);
    let mut key = Zeroizing::new([0; 32]);
    (bytes.len() == 32).then(|| key.copy_from_slice(&bytes))?;
    Some(key)
}

/// As [`unwrap`], where failing means that the vault is damaged.
pub(super) fn unwrap_or_damaged(by: &[u8; 32], place: &Place, wrapped: &[u8]) -> Result<Key> {
    unwrap(by, place, wrapped).ok_or(VaultError::Damaged("a wrapped key does not open"))
}

/// HMAC-SHA-256 over length-prefixed parts, so that no two lists of parts give the same bytes.
pub(super) fn keyed_hash(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC pads a short key with zeros to the hash's block; done here, the constructor cannot fail.
    let mut block = Zeroizing::new([0; 64]);
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    let mut mac = Hmac::<Sha256>::new((&*block).into());
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// A key for one use, from a key that is used for nothing else than this.
pub(super) fn derive(key: &[u8; 32], label: &str) -> Key {
    Zeroizing::new(keyed_hash(key, &[b"clinic-booking/derive/v1", label.as_bytes()]))
}

#[cfg(test)]
mod tests {
    use super::super::entropy::SeededEntropy;
    use super::*;

    fn place(clinic: u8, subject: u8, version: u16) -> Place {
        Place { purpose: Purpose::Subject, clinic: [clinic; 16], subject: [subject; 16], version }
    }

    #[test]
    fn a_wrapped_key_opens_only_in_its_place_and_under_its_key() {
        let wrapped = wrap(&[1; 32], &place(1, 2, 1), &[9; 32], &SeededEntropy::new(1));
        assert_eq!(*unwrap(&[1; 32], &place(1, 2, 1), &wrapped).unwrap(), [9; 32]);
        for (by, place) in [(2, place(1, 2, 1)), (1, place(2, 2, 1)), (1, place(1, 1, 1)), (1, place(1, 2, 2))] {
            assert!(unwrap(&[by; 32], &place, &wrapped).is_none());
        }
        let other = Place { purpose: Purpose::Clinic, ..place(1, 2, 1) };
        assert!(unwrap(&[1; 32], &other, &wrapped).is_none());
        assert!(unwrap(&[1; 32], &place(1, 2, 1), &wrapped[..20]).is_none());
    }

    #[test]
    fn a_keyed_hash_is_hmac_sha_256_and_tells_parts_apart() {
        // HMAC-SHA-256 of eight length bytes and "abc" under thirty-two times 0x0b, from another implementation.
        let hash = keyed_hash(&[0x0b; 32], &[b"abc"]);
        assert_eq!(
            *super::super::token::to_hex(&hash),
            "e3028d8389ed94e64aaa23100abd1ec5cf1a9a897994ff74a175f60c0d4752be"
        );
        assert_ne!(keyed_hash(&[1; 32], &[b"ab", b"c"]), keyed_hash(&[1; 32], &[b"a", b"bc"]));
    }
}
