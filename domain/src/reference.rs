//! The booking reference: ten characters that can be read out on the telephone (8.11).
//!
//! Nine characters of Crockford's base32 and one check character. The check is a weighted sum in the field of 32
//! elements, not modulo 32: there, weights that find every wrong character are all odd, their differences are even,
//! and some swaps of two characters go unnoticed. In the field the weights are powers of a generator, so that every
//! single wrong character and every swap of two is found.

use std::fmt;
use std::str::FromStr;

/// Crockford's alphabet: no I, L, O, U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Data characters.
const DATA: usize = 9;
/// All characters.
const LENGTH: usize = DATA + 1;

/// A reference whose check character is right.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference([u8; LENGTH]);

/// What is wrong with a reference, for the person who typed it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadReference {
    /// It has not ten characters.
    #[error("a reference has ten letters and digits")]
    Length,
    /// A character that references do not have.
    #[error("a reference holds no such character: {0:?}")]
    Character(char),
    /// The check character does not fit the others.
    #[error("one of the characters is wrong, or two changed places")]
    Check,
}

/// Twice `x` in the field of 32 elements, modulo x^5 + x^2 + 1; 2 generates its 31 non-zero elements.
const fn double(x: u8) -> u8 {
    let twice = x << 1;
    if twice & 32 == 0 { twice } else { twice ^ 0b10_0101 }
}

/// The sum of the values, each weighted by a power of the generator, the last by one: Horner's rule.
fn weighted(values: impl IntoIterator<Item = u8>) -> u8 {
    values.into_iter().fold(0, |sum, value| double(sum) ^ value)
}

impl Reference {
    /// The reference made of 45 random bits; the last three of the 48 are not used.
    #[must_use]
    pub fn from_entropy(entropy: [u8; 6]) -> Self {
        let bits = entropy.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte)) >> 3;
        let mut values = [0_u8; LENGTH];
        for (place, value) in values.iter_mut().take(DATA).enumerate() {
            *value = u8::try_from(bits >> (5 * (DATA - 1 - place)) & 31).unwrap_or(0);
        }
        // With the check character in the last place, of weight one, the whole sum is zero.
        values[DATA] = double(weighted(values.into_iter().take(DATA)));
        Self(values)
    }
    /// Reads what a person typed or heard: any case, spaces and hyphens anywhere, O for 0, I and L for 1.
    pub fn parse(text: &str) -> Result<Self, BadReference> {
        let mut values = [0_u8; LENGTH];
        let mut length = 0;
        for typed in text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '\u{2010}'..='\u{2015}')) {
            let value = value_of(typed).ok_or(BadReference::Character(typed))?;
            *values.get_mut(length).ok_or(BadReference::Length)? = value;
            length += 1;
        }
        match length {
            LENGTH if weighted(values) == 0 => Ok(Self(values)),
            LENGTH => Err(BadReference::Check),
            _ => Err(BadReference::Length),
        }
    }
    /// The ten characters without a hyphen, as they stand in events and indexes.
    #[must_use]
    pub fn compact(self) -> String {
        self.0.iter().map(|value| char::from(ALPHABET[usize::from(*value & 31)])).collect()
    }
}

fn value_of(typed: char) -> Option<u8> {
    let plain = match typed.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    ALPHABET.iter().position(|c| char::from(*c) == plain).and_then(|at| u8::try_from(at).ok())
}

impl FromStr for Reference {
    type Err = BadReference;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for Reference {
    /// In two groups of five, such as `7K3QX-29FMA`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let compact = self.compact();
        let (first, second) = compact.split_at(LENGTH / 2);
        write!(f, "{first}-{second}")
    }
}
impl fmt::Debug for Reference {
    /// With a birth date a reference opens an appointment, so it stands in no log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[reference]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Three backgrounds; the check is linear, so that they stand for all.
    fn samples() -> [Reference; 3] {
        [[0; 6], [0xff; 6], [0x3a, 0x91, 0x5c, 0xe7, 0x08, 0xd2]].map(Reference::from_entropy)
    }
    fn text(values: [u8; LENGTH]) -> String {
        Reference(values).compact()
    }

    #[test]
    fn every_single_wrong_character_is_found() {
        for Reference(good) in samples() {
            for place in 0..LENGTH {
                for value in (0..32).filter(|v| *v != good[place]) {
                    let mut bad = good;
                    bad[place] = value;
                    assert_eq!(Reference::parse(&text(bad)), Err(BadReference::Check), "{}", text(bad));
                }
            }
        }
    }

    #[test]
    fn every_swap_of_two_characters_is_found_neighbours_or_not() {
        // Every pair of places with every pair of values; a free place elsewhere makes the reference right first.
        for first in 0..LENGTH {
            for second in first + 1..LENGTH {
                let free = (0..LENGTH).find(|p| *p != first && *p != second).unwrap();
                for (a, b) in (0..32).flat_map(|a| (0..32).map(move |b| (a, b))).filter(|(a, b)| a != b) {
                    let mut values = [0; LENGTH];
                    (values[first], values[second]) = (a, b);
                    values[free] = (0..32)
                        .find(|v| {
                            let mut with = values;
                            with[free] = *v;
                            weighted(with) == 0
                        })
                        .unwrap();
                    assert!(Reference::parse(&text(values)).is_ok());
                    values.swap(first, second);
                    assert_eq!(Reference::parse(&text(values)), Err(BadReference::Check));
                }
            }
        }
    }

    #[test]
    fn a_reference_reads_back_however_it_is_typed() {
        for good in samples() {
            let shown = good.to_string();
            assert_eq!((shown.len(), &shown[5..6]), (11, "-"));
            for typed in [
                shown.clone(),
                good.compact(),
                shown.to_lowercase(),
                shown.replace('-', " \u{2011} "),
                shown.replace('0', "o").replace('1', "l"),
                shown.replace('0', "O").replace('1', "I"),
            ] {
                assert_eq!(Reference::parse(&typed), Ok(good), "{typed}");
            }
        }
    }

    #[test]
    fn what_is_no_reference_is_told_apart() {
        assert_eq!(Reference::parse(""), Err(BadReference::Length));
        assert_eq!(Reference::parse("000000000"), Err(BadReference::Length));
        assert_eq!(Reference::parse("00000000000"), Err(BadReference::Length));
        assert_eq!(Reference::parse("00000-0000U"), Err(BadReference::Character('U')));
        assert_eq!(Reference::parse("00000-0000\u{e9}"), Err(BadReference::Character('\u{e9}')));
    }

    proptest! {
        #[test]
        fn all_45_bits_come_back_and_the_check_fits(entropy in any::<[u8; 6]>()) {
            let reference = Reference::from_entropy(entropy);
            prop_assert_eq!(Reference::parse(&reference.compact()), Ok(reference));
            let bits = reference.0.iter().take(DATA).fold(0_u64, |bits, v| bits << 5 | u64::from(*v));
            let given = entropy.iter().fold(0_u64, |bits, b| bits << 8 | u64::from(*b));
            prop_assert_eq!(bits, given >> 3);
        }
    }
}
