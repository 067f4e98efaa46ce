//! The plaintexts of sealed fields are frozen and read as strictly as events.

use super::*;
use crate::tests::golden::{folder, frozen, hex_files};
use booking_domain::values::Sex;

fn text(text: &str) -> String {
    text.to_owned()
}

fn least() -> Profile {
    Profile {
        first_name: text("Zoé"),
        last_name: text("Lévesque-Ó Briain"),
        birth_date: WallDate(-3653),
        sex: Sex::Female,
        health_number: None,
        health_number_expiry: None,
        phones: vec![],
        emails: vec![],
        addresses: vec![],
    }
}

fn full() -> Profile {
    Profile {
        sex: Sex::Unknown(250),
        health_number: HealthNumber::parse("LEVZ 6051 0112").ok(),
        health_number_expiry: Some((2028, 5)),
        phones: vec![Phone::parse("514 555-0123").unwrap(), Phone::parse("+33 6 12 34 56 78").unwrap()],
        emails: vec![Email::parse("Zoe@example.org").unwrap()],
        addresses: vec![text("12, rue Principale\nQuébec"), text("")],
        ..least()
    }
}

fn contact() -> ProvisionalContact {
    ProvisionalContact {
        first_name: text("Jean"),
        last_name: text("Tremblay"),
        birth_date: WallDate(5490),
        sex: Sex::Male,
        health_number: HealthNumber::parse("TREJ85011212").ok(),
        cell_phone: Phone::parse("418 555-0199").ok(),
        email: Email::parse("jean@example.org").ok(),
    }
}

/// Checks one value against its frozen bytes and fields, and back.
#[track_caller]
fn check<T: Plaintext + PartialEq, F: Form>(case: &str, value: &T) {
    let bytes = value.to_plaintext();
    let name = F::DOC.name;
    assert_eq!(name.rsplit_once(".v").unwrap().1, T::SCHEMA.to_string());
    assert!(T::from_plaintext(T::SCHEMA, &bytes).unwrap() == *value, "{name} {case}");
    let file = |ending: &str| folder("golden/sealed").join(format!("{name}.{case}.{ending}"));
    frozen(&file("hex"), &format!("{}\n", hex::encode(&bytes)));
    frozen(&file("json"), &format!("{}\n", crate::codec::describe::<F>(&bytes).unwrap()));
    for length in 0..bytes.len() {
        assert!(T::from_plaintext(T::SCHEMA, &bytes[..length]).is_err(), "{name} {case} cut to {length}");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert!(matches!(T::from_plaintext(T::SCHEMA, &longer), Err(DecodeError::TrailingBytes { count: 1, .. })));
    assert!(matches!(T::from_plaintext(T::SCHEMA + 1, &bytes), Err(DecodeError::UnknownType(_))));
}

#[test]
fn plaintexts_are_written_in_their_frozen_form_and_read_back() {
    check::<_, PersonV1>("empty", &least());
    check::<_, PersonV1>("full", &full());
    check::<_, PersonV1>("contact", &contact());
    check::<_, NoteV1>("empty", &Note { text: text("") });
    check::<_, NoteV1>("full", &Note { text: text("Appelle de préférence le matin.\n😀") });
    check::<_, ReasonV1>("empty", &Reason { choice: None, text: text("") });
    check::<_, ReasonV1>("full", &Reason { choice: Some(300), text: text("Vaccin") });
    check::<_, StaffIdentityV1>("empty", &StaffIdentity { name: text(""), email: text("") });
    check::<_, StaffIdentityV1>("full", &StaffIdentity { name: text("Aïcha Roy"), email: text("aicha@example.org") });
    check::<_, DeathDateV1>("empty", &DeathDate { date: WallDate(0) });
    check::<_, DeathDateV1>("full", &DeathDate { date: WallDate(20_000) });
}

#[test]
fn every_plaintext_has_golden_files_and_a_page() {
    if crate::tests::golden::bless() {
        return;
    }
    let files = hex_files(&folder("golden/sealed"));
    for form in DOCS.iter().filter(|form| form.name.contains('.')) {
        assert!(files.iter().filter(|(file, _)| file.starts_with(form.name)).count() >= 2, "{}", form.name);
        assert!(folder("docs/sealed").join(format!("{}.md", form.name)).exists(), "{}", form.name);
    }
}

#[test]
fn a_record_reads_what_a_visitor_typed_and_the_other_way_round() {
    let typed = contact().to_plaintext();
    assert!(Profile::from_plaintext(1, &typed).unwrap() == contact().to_profile());
    let record = ProvisionalContact::from_plaintext(1, &full().to_plaintext()).unwrap();
    assert_eq!(record.cell_phone.unwrap().as_str(), "+15145550123");
}

/// What was sealed was parsed by the release that sealed it; a parser that became stricter since changes nothing.
#[test]
fn what_the_parsers_refuse_today_is_still_read_and_written_as_it_stands() {
    let form = PersonV1 {
        health_number: Some(text("TREM99999999")),
        phones: vec![text("+1")],
        emails: vec![text("élise@localhost")],
        ..PersonV1::to_wire(&least())
    };
    let bytes = to_bytes(&form);
    let profile = Profile::from_plaintext(1, &bytes).unwrap();
    assert_eq!(profile.health_number.as_ref().map(HealthNumber::as_str), Some("TREM99999999"));
    assert_eq!(*profile.to_plaintext(), bytes);
    let contact = ProvisionalContact::from_plaintext(1, &bytes).unwrap();
    assert_eq!(contact.cell_phone.unwrap().as_str(), "+1");
    assert_eq!(contact.email.unwrap().as_str(), "élise@localhost");
}

#[test]
fn debug_output_shows_nothing_of_a_plaintext() {
    let shown = format!("{:?} {:?}", Reason { choice: None, text: text("secret") }, Note { text: text("secret") });
    assert_eq!(shown, "[phi] [phi]");
}
