//! Bearer secrets: 256 random bits that a visitor, a staff browser or a machine shows. The vault keeps only their
//! SHA-256: nobody can guess 256 bits, so a slow or keyed hash would add nothing.

use super::entropy::{Entropy, draw};
use sha2::{Digest, Sha256};
use std::fmt;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A secret that opens a visit, a session, an invitation or a machine's access. Its `Debug` shows nothing.
#[derive(Clone)]
pub struct Token(Zeroizing<[u8; 32]>);

impl Token {
    pub(super) fn draw(entropy: &dyn Entropy) -> Self {
        Self(Zeroizing::new(draw(entropy)))
    }
    /// Reads what [`Token::reveal`] printed: 64 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        from_hex(text).map(Self)
    }
    /// The token as text, for the one who is to hold it. It goes into no log, no URL path and no trace.
    #[must_use]
    pub fn reveal(&self) -> Zeroizing<String> {
        to_hex(&self.0)
    }
    pub(super) fn hash(&self) -> [u8; 32] {
        Sha256::digest(*self.0).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[token]")
    }
}

/// Compares two hashes in constant time.
pub(super) fn same(a: &[u8; 32], b: &[u8; 32]) -> bool {
    a.ct_eq(b).into()
}

/// 64 hexadecimal digits.
pub(super) fn to_hex(bytes: &[u8; 32]) -> Zeroizing<String> {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let mut text = Zeroizing::new(String::with_capacity(64));
    for byte in bytes {
        text.push(DIGITS[usize::from(byte >> 4)]);
        text.push(DIGITS[usize::from(byte & 15)]);
    }
    text
}

/// Reads exactly 64 lower-case hexadecimal digits.
pub(super) fn from_hex(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let digit = |c: u8| match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    };
    let mut bytes = Zeroizing::new([0; 32]);
    let pairs = text.as_bytes().chunks_exact(2);
    if text.len() != 64 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*pair.first()?)? << 4 | digit(*pair.last()?)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::entropy::SeededEntropy;
    use super::*;

    #[test]
    fn a_token_reads_back_what_it_printed_and_nothing_else() {
        let token = Token::draw(&SeededEntropy::new(7));
        let text = token.reveal();
        assert_eq!(Token::parse(&text).unwrap().hash(), token.hash());
        for wrong in [&text[1..], &text.to_uppercase(), "", "zz", &text.replace('a', "é")] {
            assert!(Token::parse(wrong).is_none() || *wrong == **text, "{wrong}");
        }
    }

    #[test]
    fn a_token_never_shows_in_debug_output() {
        assert_eq!(format!("{:?}", Token::draw(&SeededEntropy::new(7))), "[token]");
    }
}
