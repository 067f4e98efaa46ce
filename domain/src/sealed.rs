//! Sealed personal data as events carry it: opaque bytes that only the vault's keys can open.
//!
//! The domain carries these bytes and may copy them between events of one subject. It never opens them: sealing and
//! opening live in the crate of the event schemas, the keys in the engine's vault. No decision rests on what is inside.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Personal data encrypted under one subject's own key (XChaCha20-Poly1305).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// Random; bound into the ciphertext, so that two seals of the same text cannot be swapped unnoticed.
    pub seal_id: [u8; 16],
    /// Which of the subject's keys.
    pub key_version: u16,
    /// Version of the plaintext's layout.
    pub schema: u16,
    /// Random, never used twice under one key.
    pub nonce: [u8; 24],
    /// The encrypted bytes, the 16 bytes of the authentication tag last.
    pub ciphertext: Vec<u8>,
}

impl fmt::Debug for Sealed {
    /// Ciphertext helps nobody who reads a log, and its length says something about the text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[sealed]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_shows_nothing_of_the_bytes() {
        let sealed = Sealed { seal_id: [1; 16], key_version: 1, schema: 1, nonce: [2; 24], ciphertext: vec![3; 40] };
        assert_eq!(format!("{sealed:?}"), "[sealed]");
    }
}
