//! Encoding and decoding are each other's inverse, and decoding takes nothing else.

use super::sample::Sampler;
use crate::{decode, describe, event_types};
use proptest::prelude::*;

/// A random event of the `nth` type, counted around.
fn draw(nth: usize, seed: u64) -> (&'static str, super::sample::Drawn<crate::DomainEvent>) {
    let lines = crate::events::current();
    let line = &lines[nth % lines.len()];
    (line.name, (line.draw)(&mut Sampler::random(seed)))
}

proptest! {
    #[test]
    fn what_is_encoded_decodes_to_the_same_event(nth: usize, seed: u64) {
        let (name, drawn) = draw(nth, seed);
        let encoded = drawn.event.encode();
        prop_assert_eq!(encoded.event_type, name);
        prop_assert_eq!(&encoded.payload, &drawn.bytes);
        prop_assert_eq!(decode(name, &encoded.payload), Ok(drawn.event));
    }

    #[test]
    fn a_payload_cut_anywhere_is_refused(nth: usize, seed: u64) {
        let (name, drawn) = draw(nth, seed);
        for length in 0..drawn.bytes.len() {
            prop_assert!(decode(name, &drawn.bytes[..length]).is_err(), "{name} cut to {length}");
        }
    }

    #[test]
    fn a_payload_with_one_byte_more_is_refused(nth: usize, seed: u64, byte: u8) {
        let (name, mut drawn) = draw(nth, seed);
        drawn.bytes.push(byte);
        prop_assert!(decode(name, &drawn.bytes).is_err());
    }

    #[test]
    fn random_bytes_never_panic_and_decode_only_if_they_are_canonical(nth: usize, bytes: Vec<u8>) {
        let types: Vec<_> = event_types().collect();
        let name = types[nth % types.len()];
        let described = describe(name, &bytes).is_ok();
        prop_assert_eq!(described, decode(name, &bytes).is_ok());
    }

    #[test]
    fn one_flipped_bit_never_panics(nth: usize, seed: u64, at: usize, bit in 0..8_u32) {
        let (name, mut drawn) = draw(nth, seed);
        if !drawn.bytes.is_empty() {
            let at = at % drawn.bytes.len();
            drawn.bytes[at] ^= 1 << bit;
            let _ = decode(name, &drawn.bytes);
        }
    }
}
