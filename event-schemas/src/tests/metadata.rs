//! Metadata has one form, and reading it takes no other.

use super::{Actor, BadMetadata, CODEC, Metadata, Object, TraceParent};
use crate::tests::golden::{folder, frozen};
use booking_domain::ids::{AppointmentId, ClinicId, CommandId, MemberId, VisitId};
use booking_domain::time::Instant;
use proptest::prelude::*;
use uuid::Uuid;

fn least() -> Metadata {
    Metadata {
        correlation_id: Uuid::from_bytes([1; 16]),
        causation_id: Uuid::from_bytes([2; 16]),
        command_id: CommandId::from_bytes([3; 16]),
        clinic: ClinicId::from_bytes([4; 16]),
        actor: Actor::System,
        received_at: Instant(1_795_500_000_000_000),
        occurred_at: Instant(1_795_500_000_000_001),
        traceparent: None,
        body_hash: None,
    }
}

fn full() -> Metadata {
    Metadata {
        actor: Actor::Visit(VisitId::from_bytes([0xab; 16])),
        traceparent: TraceParent::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        body_hash: Some([0xcd; 32]),
        ..least()
    }
}

fn parse(text: &str) -> Result<Metadata, BadMetadata> {
    Metadata::parse(text.as_bytes())
}

#[test]
fn metadata_is_written_in_its_frozen_form_and_reads_back() {
    let actors = [
        ("least", least()),
        ("full", full()),
        ("staff", Metadata { actor: Actor::Staff(MemberId::from_bytes([5; 16])), ..least() }),
        ("token", Metadata { actor: Actor::Token(MemberId::from_bytes([6; 16])), ..least() }),
        ("link", Metadata { actor: Actor::Link(AppointmentId::from_bytes([7; 16])), ..least() }),
        ("operator", Metadata { actor: Actor::Operator, ..least() }),
    ];
    for (case, metadata) in actors {
        let json = metadata.to_json();
        frozen(&folder("golden/metadata").join(format!("{case}.json")), &json);
        assert_eq!(parse(&json), Ok(metadata));
        // What is written and read by hand is what a JSON library would write and read.
        let object: Object<'_> = serde_json::from_str(&json).unwrap();
        assert_eq!(Object::canonical(json.as_bytes()).as_ref(), Some(&object));
        assert_eq!(serde_json::to_string(&object).unwrap(), json);
    }
}

#[test]
fn keys_of_newer_releases_are_passed_over_and_their_order_does_not_matter() {
    let json = full().to_json();
    let newer = json.replace(r#"{"$corr"#, r#"{"region":"qc","$corr"#);
    assert_eq!(parse(&newer), Ok(full()));
    let unknown = json.replace("visit:", "oracle:");
    assert!(matches!(parse(&unknown).unwrap().actor, Actor::Unknown(_)));
}

#[test]
fn an_actor_is_a_word_alone_or_a_kind_with_an_id() {
    assert_eq!(Actor::parse("operator"), Some(Actor::Operator));
    assert_eq!(Actor::Operator.to_string(), "operator");
    for bad in ["", "operator:", "Operator", "operators", "staff"] {
        assert_eq!(Actor::parse(bad), None, "{bad}");
    }
    let with_id = "operator:01010101-0101-0101-0101-010101010101";
    assert_eq!(Actor::parse(with_id), Some(Actor::Unknown(Uuid::from_bytes([1; 16]))));
}

#[test]
fn every_other_shape_is_refused() {
    let json = full().to_json();
    for bad in ["", "{}", "[]", "null", &json[1..], &format!("{json}x")] {
        assert_eq!(parse(bad), Err(BadMetadata::Shape), "{bad}");
    }
    let twice = json.replacen('{', r#"{"codec":"postcard/1","#, 1);
    assert_eq!(parse(&twice), Err(BadMetadata::Shape));
    assert_eq!(parse(&json.replace(CODEC, "json/1")), Err(BadMetadata::Codec));
    for (key, from, to) in [
        ("command_id", "03030303-", "03030303"),
        ("clinic", "04040404-", "{4040404-"),
        ("actor", "visit:", "visit"),
        ("occurred_at", "1795500000000001", "+1795500000000001"),
        ("occurred_at", "1795500000000001", "99999999999999999999"),
        ("received_at", "\"1795500000000000\"", "\"01795500000000000\""),
        ("body_hash", "cdcd", "cd"),
    ] {
        assert_eq!(parse(&json.replacen(from, to, 1)), Err(BadMetadata::Value(key)), "{key}: {to}");
    }
}

#[test]
fn what_is_no_trace_is_not_kept() {
    for text in ["", "00", "jane.doe@example.com", "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"] {
        assert_eq!(TraceParent::parse(text), None, "{text}");
    }
    let json = full().to_json().replace("\"00-", "\"99-");
    assert_eq!(parse(&json).unwrap().traceparent, None);
}

proptest! {
    #[test]
    fn every_instant_and_id_reads_back(received: i64, occurred: i64, ids: [[u8; 16]; 4]) {
        let metadata = Metadata {
            correlation_id: Uuid::from_bytes(ids[0]),
            causation_id: Uuid::from_bytes(ids[1]),
            command_id: CommandId::from_bytes(ids[2]),
            clinic: ClinicId::from_bytes(ids[3]),
            received_at: Instant(received),
            occurred_at: Instant(occurred),
            ..full()
        };
        prop_assert_eq!(Metadata::parse(metadata.to_json().as_bytes()), Ok(metadata));
    }

    #[test]
    fn the_short_way_takes_nothing_that_a_json_parser_refuses(at: usize, byte: u8, insert: bool) {
        let mut json = full().to_json().into_bytes();
        let at = at % json.len();
        if insert { json.insert(at, byte) } else { json[at] = byte }
        if let Some(object) = Object::canonical(&json) {
            prop_assert_eq!(Some(object), serde_json::from_slice(&json).ok());
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes: Vec<u8>) {
        prop_assert!(Metadata::parse(&bytes).is_err());
    }
}
