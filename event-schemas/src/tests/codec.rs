//! The decode path itself, on a lamp that had a former version.

use super::{DecodeError, EventCodec, Upcast};
use crate::wire::wire;

#[derive(Clone, PartialEq, Eq, Debug)]
struct LampLit {
    brightness: u32,
    colour: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum LampEvent {
    LampLit(LampLit),
}

wire! {
    /// Version 0 knew no colour, and counted brightness in tenths.
    "lamp-lit.v0" LampLitV0 {
        /// Brightness in tenths.
        tenths: u32,
    }

    /// Version 1 had no colour yet.
    "lamp-lit.v1" LampLitV1 {
        /// Brightness in per cent.
        brightness: u32,
    }

    /// A lamp was lit.
    "lamp-lit.v2" LampLitV2 for LampLit {
        /// Brightness in per cent.
        brightness: u32,
        /// Colour.
        colour: Option<String>,
    }
}

impl From<LampLitV0> for LampLitV1 {
    fn from(old: LampLitV0) -> Self {
        Self { brightness: old.tenths.saturating_mul(10) }
    }
}

impl From<LampLitV1> for LampLitV2 {
    fn from(old: LampLitV1) -> Self {
        Self { brightness: old.brightness, colour: None }
    }
}

codec! {
    LampEvent {
        LampLit(event) = LampLitV2,
    }
    former {
        LampLitV0 => LampLitV1,
        LampLitV1 => LampLitV2,
    }
}

// Declared by every `wire!`; the pages are made from those of the crate's own modules.
const _: usize = DOCS.len();

fn lit(brightness: u32) -> LampEvent {
    LampEvent::LampLit(LampLit { brightness, colour: None })
}

#[test]
fn former_versions_are_lifted_step_by_step_to_the_current_event() {
    assert_eq!(LampEvent::decode("lamp-lit.v0", &[7]), Ok(lit(70)));
    assert_eq!(LampEvent::decode("lamp-lit.v1", &[70]), Ok(lit(70)));
    assert_eq!(LampEvent::decode("lamp-lit.v2", &[70, 0]), Ok(lit(70)));
    assert_eq!(LampLitV0 { tenths: 7 }.upcast(), lit(70));
}

#[test]
fn only_the_current_version_is_written() {
    let encoded = lit(70).encode();
    assert_eq!((encoded.event_type, encoded.payload), ("lamp-lit.v2", vec![70, 0]));
}

#[test]
fn the_stored_fields_are_described_in_the_version_that_was_written() {
    assert_eq!(LampEvent::describe("lamp-lit.v0", &[7]).unwrap(), "{\n  \"tenths\": 7\n}");
}

#[test]
fn an_unknown_type_is_an_error_not_a_default() {
    let error = LampEvent::decode("lamp-lit.v3", &[70, 0]).unwrap_err();
    assert_eq!(error, DecodeError::UnknownType("lamp-lit.v3".into()));
    let long = "x".repeat(10_000);
    assert!(LampEvent::decode(&long, &[]).unwrap_err().to_string().len() < 200);
}

#[test]
fn a_version_is_not_read_as_another() {
    let event_type = "lamp-lit.v1";
    assert_eq!(LampEvent::decode(event_type, &[70, 0]), Err(DecodeError::TrailingBytes { event_type, count: 1 }));
    assert_eq!(
        LampEvent::decode("lamp-lit.v2", &[70]),
        Err(DecodeError::Malformed { event_type: "lamp-lit.v2", reason: "ends too early" })
    );
}

#[test]
fn an_overlong_number_is_refused() {
    assert_eq!(LampEvent::decode("lamp-lit.v2", &[0xc6, 0, 0]), Err(DecodeError::NotCanonical("lamp-lit.v2")));
}

#[test]
fn options_and_texts_are_read_strictly() {
    let reason = |bytes: &[u8]| match LampEvent::decode("lamp-lit.v2", bytes) {
        Err(DecodeError::Malformed { reason, .. }) => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(reason(&[70, 2]), "holds an option that is neither 0 nor 1");
    assert_eq!(reason(&[70, 1, 1, 0xff]), "holds a text that is not UTF-8");
    assert_eq!(reason(&[0xff, 0xff, 0xff, 0xff, 0xff, 0]), "holds a number that is too large");
}
