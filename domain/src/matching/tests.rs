//! Matching: the rules by example, and index against scan by chance.

use super::*;
use crate::values::Sex;
use proptest::prelude::*;
use std::collections::HashMap;

fn id(n: u8) -> PatientId {
    PatientId::from_bytes([n; 16])
}
fn date(day: u32) -> WallDate {
    WallDate::from_ymd(1985, 1, day).unwrap()
}
fn number(text: &str) -> HealthNumber {
    HealthNumber::parse(text).unwrap()
}
fn phone(text: &str) -> Phone {
    Phone::parse(text).unwrap()
}
fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

/// Marie-Ève, as on file.
fn on_file() -> Profile {
    Profile {
        first_name: "Marie-Ève".into(),
        last_name: "L'Écuyer".into(),
        birth_date: date(1),
        sex: Sex::Female,
        health_number: Some(number("LECM85510112")),
        health_number_expiry: Some((2020, 1)),
        phones: vec![phone("4185550199"), phone("5145550123")],
        emails: vec![email("marie@example.ca")],
        addresses: vec![],
    }
}
/// Marie-Ève, as she fills in the form without her health number.
fn typed() -> ProvisionalContact {
    ProvisionalContact {
        first_name: "marie eve".into(),
        last_name: "L\u{2019}ecuyer".into(),
        birth_date: date(1),
        sex: Sex::Female,
        health_number: None,
        cell_phone: Some(phone("514 555 0123")),
        email: Some(email("Old@Example.ca")),
    }
}
fn with_number(text: &str) -> ProvisionalContact {
    ProvisionalContact { health_number: Some(number(text)), ..typed() }
}
fn record(n: u8, profile: &Profile) -> Record<'_> {
    Record { patient: id(n), survivor: id(n), live: true, profile }
}

#[track_caller]
fn assert_recognized(contact: &ProvisionalContact, records: &[Record<'_>], n: u8) {
    assert_eq!(identify(contact, records.iter().copied()), IdentificationOutcome::Recognized(id(n)));
    assert_eq!(why_unmatched(contact, records.iter().copied()), None);
}
#[track_caller]
fn assert_unrecognized(contact: &ProvisionalContact, records: &[Record<'_>], why: Why) {
    assert_eq!(identify(contact, records.iter().copied()), IdentificationOutcome::Unrecognized(why));
}

#[test]
fn accents_case_hyphens_apostrophes_and_spaces_are_ignored_but_ligatures_are_not() {
    for same in [
        "Jean-François d'Arc",
        "JEAN FRANCOIS D\u{2019}ARC",
        " jeanfranc\u{327}ois\u{a0}d\u{2bc}arc",
        "Jean\u{2011}François D`Arc",
    ] {
        assert_eq!(fold_name(same), "jeanfrancoisdarc", "{same}");
    }
    assert_eq!(fold_name("Weiß"), fold_name("WEISS"));
    assert_eq!(fold_name("WEIẞ"), fold_name("weiss"));
    let marks_meet = fold_name("\u{5e0}\u{5bc}`\u{a3c}");
    assert_eq!(fold_name(&marks_meet), marks_meet, "marks that an apostrophe kept apart find their order");
    assert_eq!(fold_name("Nguyễn"), "nguyen");
    assert_eq!(fold_name("Μαρία"), fold_name("ΜΑΡΙΑ"));
    assert_ne!(fold_name("राम"), fold_name("रमा"), "vowel signs are no accents");
    assert_ne!(fold_name("が"), fold_name("か"), "nor are voicing marks");
    assert_ne!(fold_name("Bœuf"), fold_name("Boeuf"));
    assert_ne!(fold_name("O.K."), fold_name("OK"));
    assert_eq!(fold_name(" - '"), "");
}

#[test]
fn scenario_5_without_a_number_one_contact_that_matches_is_enough() {
    assert_recognized(&typed(), &[record(1, &on_file())], 1);
    let by_mail = ProvisionalContact { cell_phone: None, email: Some(email("MARIE@example.ca")), ..typed() };
    assert_recognized(&by_mail, &[record(1, &on_file())], 1);
}

#[test]
fn scenario_6_without_a_number_each_field_that_differs_is_enough_to_miss() {
    let file = on_file();
    let miss = |contact: ProvisionalContact, why| assert_unrecognized(&contact, &[record(1, &file)], why);
    miss(ProvisionalContact { sex: Sex::Male, ..typed() }, Why::SexDiffers);
    miss(ProvisionalContact { birth_date: date(2), ..typed() }, Why::BirthDateDiffers);
    miss(ProvisionalContact { first_name: "Marie".into(), ..typed() }, Why::NameDiffers);
    miss(ProvisionalContact { last_name: "Lécuyère".into(), ..typed() }, Why::NameDiffers);
    miss(ProvisionalContact { cell_phone: Some(phone("5145550124")), ..typed() }, Why::ContactDiffers);
    let stranger = ProvisionalContact { first_name: "Luc".into(), cell_phone: None, ..typed() };
    miss(stranger, Why::NoRecord);
    assert_unrecognized(&typed(), &[], Why::NoRecord);
}

#[test]
fn a_health_number_needs_its_birth_date_and_nothing_else() {
    let contact = ProvisionalContact {
        first_name: "M".into(),
        sex: Sex::Other,
        cell_phone: Some(phone("5145550000")),
        ..with_number("LECM85510112")
    };
    assert_recognized(&contact, &[record(1, &on_file())], 1);
    let contact = ProvisionalContact { birth_date: date(2), ..contact };
    assert_unrecognized(&contact, &[record(1, &on_file())], Why::HealthNumberBirthDateDiffers);
}

#[test]
fn a_health_number_that_is_not_on_file_does_not_fall_back_to_the_name() {
    assert_unrecognized(&with_number("LECM85510113"), &[record(1, &on_file())], Why::HealthNumberUnknown);
    let without = Profile { health_number: None, ..on_file() };
    assert_unrecognized(&with_number("LECM85510112"), &[record(1, &without)], Why::HealthNumberUnknown);
    assert_unrecognized(&typed(), &[record(1, &on_file()), record(2, &without)], Why::SeveralRecords);
}

#[test]
fn two_records_with_one_number_are_not_guessed_between_even_if_one_birth_date_fits() {
    let (file, other) = (on_file(), Profile { birth_date: date(2), ..on_file() });
    let both = [record(1, &file), record(2, &other)];
    assert_unrecognized(&with_number("LECM85510112"), &both, Why::SeveralRecords);
}

#[test]
fn the_dead_are_not_recognized_and_one_of_the_dead_beside_the_living_is_one_too_many() {
    let file = on_file();
    let dead = Record { live: false, ..record(2, &file) };
    for contact in [typed(), with_number("LECM85510112")] {
        assert_unrecognized(&contact, &[dead], Why::Deceased);
        assert_unrecognized(&contact, &[dead, record(1, &file)], Why::SeveralRecords);
    }
}

#[test]
fn a_merged_records_old_details_lead_to_the_survivor() {
    let file = on_file();
    let married = Profile { last_name: "Roy".into(), health_number: None, phones: vec![], ..on_file() };
    let old = Record { survivor: id(2), ..record(1, &file) };
    for contact in [typed(), with_number("LECM85510112")] {
        assert_recognized(&contact, &[old, record(2, &married)], 2);
        assert_recognized(&contact, &[old, record(2, &file)], 2);
        assert_unrecognized(&contact, &[Record { live: false, ..old }], Why::Deceased);
    }
}

#[test]
fn fields_of_two_records_are_not_put_together_to_make_one() {
    let mother = Profile { sex: Sex::Male, ..on_file() };
    let no_contact = Profile { phones: vec![], emails: vec![], ..on_file() };
    let one_person = [Record { survivor: id(2), ..record(1, &mother) }, record(2, &no_contact)];
    assert_unrecognized(&typed(), &one_person, Why::ContactDiffers);
}

#[test]
fn proposals_are_graded_name_what_differs_and_are_three_at_most() {
    let file = on_file();
    let exact = ProvisionalContact { email: None, ..typed() };
    let moved = Profile { phones: vec![], ..on_file() };
    let brother = Profile { first_name: "Luc".into(), birth_date: date(9), sex: Sex::Male, ..on_file() };
    let stranger = Profile { first_name: "Zoé".into(), last_name: "Roy".into(), phones: vec![], ..on_file() };
    let records = [record(9, &stranger), record(3, &brother), record(2, &moved), record(1, &file)];
    let found = proposals(&exact, records);
    let (grades, patients): (Vec<_>, Vec<_>) = found.iter().map(|p| (p.grade, p.patient)).unzip();
    assert_eq!(grades, [Grade::Exact, Grade::Strong, Grade::Possible]);
    assert_eq!(patients, [id(1), id(2), id(3)]);
    assert_eq!(found[1].differs, [FieldName::Phone]);
    assert_eq!(found[2].differs, [FieldName::FirstName, FieldName::BirthDate, FieldName::Sex]);
    let four = [1, 2, 3, 4].map(|n| record(n, &file));
    assert_eq!(proposals(&exact, four).len(), 3);
}

#[test]
fn a_person_with_two_records_is_proposed_once_and_the_dead_come_last() {
    let (file, moved) = (on_file(), Profile { phones: vec![], ..on_file() });
    let merged = Record { survivor: id(2), ..record(1, &file) };
    let dead = Record { live: false, ..record(3, &file) };
    let found = proposals(&typed(), [dead, record(2, &moved), merged]);
    let shown: Vec<_> = found.iter().map(|p| (p.patient, p.live, p.differs.clone())).collect();
    assert_eq!(shown, [(id(2), true, vec![FieldName::Email]), (id(3), false, vec![FieldName::Email])]);
}

#[test]
fn names_of_the_api_are_all_different() {
    use FieldName::{BirthDate, Email, FirstName, HealthNumber, LastName, Phone, Sex};
    let fields = [FirstName, LastName, BirthDate, Sex, HealthNumber, Phone, Email].map(FieldName::name);
    let whys = [Why::SeveralRecords, Why::Deceased, Why::HealthNumberBirthDateDiffers, Why::HealthNumberUnknown];
    let nears = [Why::ContactDiffers, Why::SexDiffers, Why::BirthDateDiffers, Why::NameDiffers, Why::NoRecord];
    let grades = [Grade::Exact, Grade::Strong, Grade::Possible].map(Grade::name);
    let all: Vec<_> = fields.into_iter().chain(whys.map(Why::name)).chain(nears.map(Why::name)).chain(grades).collect();
    let distinct: std::collections::BTreeSet<_> = all.iter().collect();
    assert_eq!(distinct.len(), all.len());
}

/// Few values for each field, so that they meet often.
fn any_profile() -> impl Strategy<Value = Profile> {
    let first = prop::sample::select(vec!["Ève", "eve", "Luc"]);
    let last = prop::sample::select(vec!["Roy", "D'Arc", "d\u{2019}arc"]);
    let sex = prop::sample::select(vec![Sex::Female, Sex::Male]);
    let hin = prop::option::of(prop::sample::select(vec!["ROYE85510112", "ROYE85510113"]));
    let phones = prop::collection::vec(prop::sample::select(vec!["5145550123", "5145550124"]), 0..3);
    let emails = prop::collection::vec(prop::sample::select(vec!["a@example.ca", "B@example.ca"]), 0..3);
    (first, last, 1..3_u32, sex, hin, phones, emails).prop_map(|(first, last, day, sex, hin, phones, emails)| Profile {
        first_name: first.into(),
        last_name: last.into(),
        birth_date: date(day),
        sex,
        health_number: hin.map(number),
        health_number_expiry: None,
        phones: phones.into_iter().map(phone).collect(),
        emails: emails.into_iter().map(email).collect(),
        addresses: vec![],
    })
}
fn any_contact() -> impl Strategy<Value = ProvisionalContact> {
    (any_profile(), any::<bool>()).prop_map(|(profile, numbered)| ProvisionalContact {
        first_name: profile.first_name,
        last_name: profile.last_name,
        birth_date: profile.birth_date,
        sex: profile.sex,
        health_number: profile.health_number.filter(|_| numbered),
        cell_phone: profile.phones.into_iter().next().or_else(|| Some(phone("5145550125"))),
        email: profile.emails.into_iter().next().map(|e| email(&e.folded())),
    })
}
/// Profiles with the survivors and lives that a directory would give them.
fn any_directory() -> impl Strategy<Value = Vec<(Profile, u8, bool)>> {
    prop::collection::vec((any_profile(), any::<u8>(), prop::bool::weighted(0.8)), 0..7).prop_map(|rows| {
        let lives: Vec<bool> = rows.iter().map(|row| row.2).collect();
        let length = u8::try_from(rows.len()).unwrap();
        let survivor = |n: usize, draw: u8| if draw < 128 { u8::try_from(n).unwrap() } else { draw % length };
        let survivors: Vec<u8> = rows.iter().enumerate().map(|(n, row)| survivor(n, row.1)).collect();
        rows.into_iter().zip(survivors).map(|((profile, ..), to)| (profile, to, lives[usize::from(to)])).collect()
    })
}
fn as_records(directory: &[(Profile, u8, bool)]) -> Vec<Record<'_>> {
    let rows = (0..).zip(directory);
    rows.map(|(n, (profile, to, live))| Record { patient: id(n), survivor: id(*to), live: *live, profile }).collect()
}

#[test]
fn folding_twice_is_folding_once_for_every_character_there_is() {
    for c in '\0'..=char::MAX {
        let once = fold_name(c.encode_utf8(&mut [0; 4]));
        assert_eq!(fold_name(&once), once, "{c:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn an_index_finds_what_a_scan_finds(contact in any_contact(), directory in any_directory()) {
        let records = as_records(&directory);
        let mut index: HashMap<Key, Vec<usize>> = HashMap::new();
        for (n, record) in records.iter().enumerate() {
            for key in keys(record.profile) {
                index.entry(key).or_default().push(n);
            }
        }
        let mut hits: Vec<usize> = contact_keys(&contact).iter().filter_map(|k| index.get(k)).flatten().copied().collect();
        hits.sort_unstable();
        hits.dedup();
        let candidates = || hits.iter().map(|n| records[*n]);
        let all = || records.iter().copied();
        prop_assert_eq!(identify(&contact, candidates()), identify(&contact, all()));
        prop_assert_eq!(why_unmatched(&contact, candidates()), why_unmatched(&contact, all()));
        prop_assert_eq!(proposals(&contact, candidates()), proposals(&contact, all()));
        let sought = Sought::new(&contact);
        for (n, record) in records.iter().enumerate() {
            prop_assert_eq!(hits.contains(&n), sought.compare(record.profile).related());
        }
    }

    #[test]
    fn the_order_of_the_records_decides_nothing(contact in any_contact(), directory in any_directory()) {
        let records = as_records(&directory);
        let turned = || records.iter().rev().copied();
        prop_assert_eq!(identify(&contact, turned()), identify(&contact, records.iter().copied()));
        prop_assert_eq!(proposals(&contact, turned()), proposals(&contact, records.iter().copied()));
    }

    /// The rules again, written as they are read, against the one pass of `identify`.
    #[test]
    fn nothing_fuzzier_than_equality_decides(contact in any_contact(), directory in any_directory()) {
        let records = as_records(&directory);
        let matches = |r: &&Record<'_>| match &contact.health_number {
            Some(number) => r.profile.health_number.as_ref() == Some(number),
            None => {
                fold_name(&contact.first_name) == fold_name(&r.profile.first_name)
                    && fold_name(&contact.last_name) == fold_name(&r.profile.last_name)
                    && contact.birth_date == r.profile.birth_date
                    && contact.sex == r.profile.sex
                    && (r.profile.phones.iter().any(|p| contact.cell_phone.as_ref() == Some(p))
                        || r.profile.emails.iter().any(|e| contact.email.as_ref() == Some(e)))
            }
        };
        let found: Vec<&Record<'_>> = records.iter().filter(matches).collect();
        let one = found.first().filter(|first| found.iter().all(|r| r.survivor == first.survivor));
        let born = found.iter().any(|r| r.profile.birth_date == contact.birth_date);
        let expected = one.filter(|r| r.live && born).map(|r| r.survivor);
        match identify(&contact, records.iter().copied()) {
            IdentificationOutcome::Recognized(patient) => prop_assert_eq!(Some(patient), expected),
            IdentificationOutcome::Unrecognized(_) => prop_assert_eq!(None, expected),
        }
    }

    #[test]
    fn folding_twice_is_folding_once(name in any::<String>()) {
        let once = fold_name(&name);
        prop_assert_eq!(fold_name(&once), once);
    }
}
