//! Tests of the seal: its known bytes, and that it opens nowhere but where it was made for.

use super::*;

const PLAINTEXT: &[u8] = "Trembley, Zoé, 1985-01-01".as_bytes();

fn clinic() -> ClinicId {
    ClinicId::from_bytes([0x11; 16])
}
fn subject() -> SubjectId {
    SubjectId::from_bytes([0x22; 16])
}
fn key() -> SubjectKey {
    let mut bytes = [0; 32];
    for (at, byte) in (0u8..).zip(&mut bytes) {
        *byte = at;
    }
    SubjectKey::new(bytes)
}
fn sealed() -> Sealed {
    seal(&key(), clinic(), subject(), Field::Profile, 3, 1, [0x33; 16], [0x44; 24], PLAINTEXT)
}
fn opens(sealed: &Sealed) -> bool {
    open(&key(), clinic(), subject(), Field::Profile, sealed).is_ok()
}

#[test]
fn a_seal_opens_where_it_was_made_for() {
    assert_eq!(open(&key(), clinic(), subject(), Field::Profile, &sealed()).unwrap().as_slice(), PLAINTEXT);
}

// The bytes were computed from the docs of `seal` by another implementation of the cipher.
#[test]
fn the_known_seal_never_changes() {
    assert_eq!(
        hex::encode(sealed().ciphertext),
        "d8e63105a3d21d0268eae5972ea81a56f3d8cd9ea9f99b22af67809c02e607261a581ab271b4b7da020e"
    );
}

#[test]
fn the_codes_of_fields_never_change() {
    let codes = [
        (Field::Profile, 1),
        (Field::Contact, 2),
        (Field::Reason, 3),
        (Field::Note, 4),
        (Field::StaffIdentity, 5),
        (Field::DeathDate, 6),
        (Field::VisitIdentity, 7),
        (Field::Message, 8),
    ];
    for (field, code) in codes {
        assert_eq!(field.code(), code, "{field:?}");
    }
}

#[test]
fn a_seal_moved_to_another_clinic_subject_or_field_does_not_open() {
    let sealed = sealed();
    let elsewhere = [
        (ClinicId::from_bytes([0x12; 16]), subject(), Field::Profile),
        (clinic(), SubjectId::from_bytes([0x23; 16]), Field::Profile),
        (clinic(), subject(), Field::Contact),
        (ClinicId::from_bytes([0x22; 16]), SubjectId::from_bytes([0x11; 16]), Field::Profile),
    ];
    for (clinic, subject, field) in elsewhere {
        assert_eq!(open(&key(), clinic, subject, field, &sealed), Err(OpenError::Refused));
    }
}

#[test]
fn a_seal_with_another_schema_key_version_or_seal_id_does_not_open() {
    assert!(!opens(&Sealed { schema: 4, ..sealed() }));
    assert!(!opens(&Sealed { key_version: 2, ..sealed() }));
    assert!(!opens(&Sealed { seal_id: [0x34; 16], ..sealed() }));
}

#[test]
fn no_seal_opens_after_any_one_bit_was_flipped() {
    let good = sealed();
    for bit in 0..good.ciphertext.len() * 8 {
        let mut bad = good.clone();
        bad.ciphertext[bit / 8] ^= 1 << (bit % 8);
        assert!(!opens(&bad), "ciphertext bit {bit}");
    }
    for bit in 0..24 * 8 {
        let mut bad = good.clone();
        bad.nonce[bit / 8] ^= 1 << (bit % 8);
        assert!(!opens(&bad), "nonce bit {bit}");
    }
    for bit in 0..16 * 8 {
        let mut bad = good.clone();
        bad.seal_id[bit / 8] ^= 1 << (bit % 8);
        assert!(!opens(&bad), "seal id bit {bit}");
    }
    for bit in 0..16 {
        assert!(!opens(&Sealed { schema: good.schema ^ (1 << bit), ..good.clone() }), "schema bit {bit}");
        assert!(!opens(&Sealed { key_version: good.key_version ^ (1 << bit), ..good.clone() }), "version bit {bit}");
    }
}

#[test]
fn a_shortened_or_lengthened_seal_does_not_open() {
    let good = sealed();
    for len in 0..good.ciphertext.len() {
        assert!(!opens(&Sealed { ciphertext: good.ciphertext[..len].to_vec(), ..good.clone() }), "{len}");
    }
    let mut long = good;
    long.ciphertext.push(0);
    assert!(!opens(&long));
}

#[test]
fn another_key_does_not_open_it() {
    let other = SubjectKey::new([9; 32]);
    assert_eq!(open(&other, clinic(), subject(), Field::Profile, &sealed()), Err(OpenError::Refused));
}

#[test]
fn the_same_text_sealed_empty_still_opens() {
    let sealed = seal(&key(), clinic(), subject(), Field::Note, 1, 1, [1; 16], [2; 24], b"");
    assert_eq!(sealed.ciphertext.len(), 16);
    assert!(open(&key(), clinic(), subject(), Field::Note, &sealed).unwrap().is_empty());
}

#[test]
fn a_key_never_shows_in_debug_output() {
    assert_eq!(format!("{:?}", key()), "[subject key]");
}
