//! Leaves: the golden file, every field in the hash, and events whose metadata cannot be read.

use crate::ledger::leaf::{StoredEvent, leaf_entry, leaf_hash};
use crate::ledger::merkle::{Hash, hash_leaf};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

const METADATA: &str = concat!(
    r#"{"$correlationId":"11111111-1111-1111-1111-111111111111","$causationId":"22222222-2222-2222-2222-222222222222","#,
    r#""command_id":"33333333-3333-3333-3333-333333333333","clinic":"44444444-4444-4444-4444-444444444444","#,
    r#""actor":"operator","received_at":"1795442400000000","occurred_at":"1795442400000001","codec":"postcard/1"}"#
);

fn event() -> StoredEvent<'static> {
    StoredEvent {
        stream: "clinic-44444444444444444444444444444444",
        revision: 258,
        id: Uuid::from_bytes([5; 16]),
        event_type: "portal-activated.v1",
        metadata: METADATA.as_bytes(),
        payload: &[1, 2, 255],
    }
}

/// The encoding once more, as `docs/ledger.md` has it.
fn encoding(event: &StoredEvent<'_>, clinic: &[u8], occurred_at: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (metadata, payload) = (Sha256::digest(event.metadata), Sha256::digest(event.payload));
    let revision = event.revision.to_be_bytes();
    for field in [
        b"clinic-booking/ledger-event/v1",
        clinic,
        event.stream.as_bytes(),
        &revision,
        event.id.as_bytes(),
        event.event_type.as_bytes(),
        occurred_at,
        &metadata,
        &payload,
    ] {
        bytes.extend(u32::try_from(field.len()).unwrap().to_be_bytes());
        bytes.extend(field);
    }
    bytes
}

#[test]
fn an_event_hash_covers_the_documented_encoding() {
    let occurred_at = 1_795_442_400_000_001_i64.to_be_bytes();
    let expected: Hash = Sha256::digest(encoding(&event(), &[0x44; 16], &occurred_at)).into();
    assert_eq!(event().hash(), expected);
    let entry = [&[0, 0, 0, 8][..], &7_u64.to_be_bytes(), &[0, 0, 0, 32], &expected].concat();
    assert_eq!(leaf_entry(7, &expected).to_vec(), entry);
    assert_eq!(leaf_hash(7, &expected), hash_leaf(&entry));
}

#[test]
fn every_field_and_the_place_count() {
    let base = event();
    let others = [
        StoredEvent { stream: "clinic-44444444444444444444444444444445", ..base },
        StoredEvent { revision: 259, ..base },
        StoredEvent { id: Uuid::from_bytes([6; 16]), ..base },
        StoredEvent { event_type: "portal-activated.v2", ..base },
        StoredEvent { metadata: b"{}", ..base },
        StoredEvent { payload: &[1, 2], ..base },
        // A byte that moves from one field to the next.
        StoredEvent { stream: "clinic-4444444444444444444444444444444", event_type: "4portal-activated.v1", ..base },
    ];
    let mut seen = vec![base.hash()];
    for other in others {
        assert!(!seen.contains(&other.hash()), "{other:?}");
        seen.push(other.hash());
    }
    assert_ne!(leaf_hash(1, &base.hash()), leaf_hash(2, &base.hash()));
}

#[test]
fn metadata_that_cannot_be_read_has_a_leaf_too_without_clinic_and_moment() {
    let spaced = METADATA.replace("\":\"", "\": \"");
    let newer = METADATA.replace("postcard/1", "postcard/9");
    let known = |metadata: &str| {
        let event = StoredEvent { metadata: metadata.as_bytes(), ..event() };
        let occurred_at = 1_795_442_400_000_001_i64.to_be_bytes();
        event.hash() == Hash::from(Sha256::digest(encoding(&event, &[0x44; 16], &occurred_at)))
    };
    assert!(known(METADATA) && known(&spaced) && known(&newer), "whatever else stands there");
    for bad in
        ["", "{}", "[]", &METADATA.replace("4444-", "444-"), &METADATA.replace("\"1795442400000001\"", "1"), "\u{0}"]
    {
        let event = StoredEvent { metadata: bad.as_bytes(), ..event() };
        assert_eq!(event.hash(), Hash::from(Sha256::digest(encoding(&event, &[], &[]))), "{bad}");
    }
}

/// `golden/ledger/leaves.json`: made once, read by decoders in other languages too, never changed.
#[test]
fn the_golden_leaves_never_change() {
    let none = StoredEvent { metadata: b"no JSON", payload: &[], revision: 0, ..event() };
    let cases: Vec<Value> = [(0, event()), (u64::MAX, event()), (300, none)]
        .iter()
        .map(|(index, event)| {
            json!({ "index": index.to_string(), "stream": event.stream, "revision": event.revision, "id": event.id,
                "type": event.event_type, "metadata_hex": hex::encode(event.metadata),
                "payload_hex": hex::encode(event.payload), "event_hash": hex::encode(event.hash()),
                "leaf_hash": hex::encode(leaf_hash(*index, &event.hash())) })
        })
        .collect();
    let text = format!("{}\n", serde_json::to_string_pretty(&cases).unwrap());
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/ledger/leaves.json");
    if !path.exists() && std::env::var("BLESS").is_ok_and(|value| value == "1") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}
