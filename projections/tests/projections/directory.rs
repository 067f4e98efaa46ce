//! The directory: what it finds is what the matcher finds by looking at everybody.

use crate::support::*;
use booking_domain::ids::PatientId;
use booking_domain::matching::{self, IdentificationOutcome, Record, Why};
use booking_domain::patient::*;
use booking_domain::person::{Email, HealthNumber, Phone, Profile, ProvisionalContact};
use booking_domain::stream::StreamName;
use booking_domain::time::WallDate;
use booking_domain::values::Sex;
use proptest::prelude::*;

pub fn profile(first: &str, last: &str, phone: &str, number: Option<&str>) -> Profile {
    Profile {
        first_name: first.into(),
        last_name: last.into(),
        birth_date: WallDate::from_ymd(1985, 1, 1).unwrap(),
        sex: Sex::Female,
        health_number: number.map(|n| HealthNumber::parse(n).unwrap()),
        health_number_expiry: None,
        phones: vec![Phone::parse(phone).unwrap()],
        emails: vec![Email::parse("m.e@example.ca").unwrap()],
        addresses: vec![],
    }
}

fn contact(profile: &Profile) -> ProvisionalContact {
    ProvisionalContact {
        first_name: profile.first_name.clone(),
        last_name: profile.last_name.clone(),
        birth_date: profile.birth_date,
        sex: profile.sex,
        health_number: None,
        cell_phone: profile.phones.first().cloned(),
        email: None,
    }
}

async fn merge(log: &Log, from: PatientId, into: PatientId) {
    let (loser, survivor) = (StreamName::patient(from), StreamName::patient(into));
    log.happen(&survivor, PatientEvent::MergeReceived(MergeReceived { from })).await;
    log.happen(&loser, PatientEvent::PatientMerged(PatientMerged { into })).await;
    log.happen(&survivor, PatientEvent::MergeCompleted(MergeCompleted { from })).await;
}

#[tokio::test]
async fn staff_find_a_record_by_the_beginnings_of_names_without_accents_by_number_telephone_and_birth_date() {
    let (folder, log) = (folder(), Log::new());
    let marie = log.patient(1, &profile("Marie-Ève", "L'Écuyer Roy", "5145550123", Some("LECM85510112"))).await;
    let luc = log.patient(2, &profile("Luc", "Tremblay", "5145550124", None)).await;
    let views = views(&folder.path().join("views.db"), &log).await;
    let found = |text: &str| views.directory.search(clinic(), text, 10);
    for text in ["lecu", "ROY", "eve lecuyer", "Écu", "marie-eve", "mari roy", "LECM 8551 0112", "(514) 555-0123"] {
        let expected: Vec<_> = if text == "Écu" { vec![] } else { vec![marie] };
        assert_eq!(found(text), expected, "{text}");
    }
    assert_eq!(found("1985-01-01"), [marie, luc]);
    assert_eq!(found("m.e@example.ca"), [marie, luc]);
    assert_eq!(found("trem"), [luc]);
    assert_eq!(views.directory.search(clinic(), "1985-01-01", 1).len(), 1);
    assert!(found("").is_empty() && found("zzz").is_empty() && found("1985-01-02").is_empty());
    views.close().await;
}

#[tokio::test]
async fn a_merged_record_leads_to_its_survivor_and_the_dead_and_erased_are_not_recognized() {
    let (folder, log) = (folder(), Log::new());
    let file = profile("Ève", "Roy", "5145550123", None);
    let old = log.patient(1, &file).await;
    let new =
        log.patient(2, &Profile { last_name: "Tremblay".into(), ..profile("Ève", "x", "5145550999", None) }).await;
    let last = log.patient(3, &profile("Ève", "Gagnon", "5145550777", None)).await;
    merge(&log, old, new).await;
    merge(&log, new, last).await;
    let path = folder.path().join("views.db");
    let views = views(&path, &log).await;
    let d = &views.directory;
    assert_eq!(d.identify(clinic(), &contact(&file)), IdentificationOutcome::Recognized(last));
    assert_eq!((d.survivor(old), d.survivor(last)), (last, last));
    for any in [old, new, last] {
        assert_eq!(d.merged_ids(any), [last, new, old]);
    }
    assert_eq!(d.search(clinic(), "roy", 5), [last]);

    let died = PatientEvent::PatientDeceased(PatientDeceased { death_date: None });
    let position = log.happen(&StreamName::patient(last), died).await;
    assert!(views.wait_for_all(position, PATIENCE).await);
    assert_eq!(d.why_unmatched(clinic(), &contact(&file)), Some(Why::Deceased));
    d.forget(&[old]);
    assert_eq!(d.why_unmatched(clinic(), &contact(&file)), Some(Why::NoRecord));
    assert_eq!(d.get(old).unwrap().profile, None);
    assert_eq!(d.merged_ids(old), [last, new, old]);
    views.close().await;
}

#[tokio::test]
async fn what_was_updated_is_found_by_the_new_details_and_no_longer_by_the_old() {
    let (folder, log) = (folder(), Log::new());
    let before = profile("Ève", "Roy", "5145550123", None);
    let patient = log.patient(1, &before).await;
    let views = views(&folder.path().join("views.db"), &log).await;
    let after = profile("Ève", "Gagnon", "5145550777", None);
    let updated = PatientEvent::PatientUpdated(PatientUpdated { profile: seal(&after) });
    let position = log.happen(&StreamName::patient(patient), updated).await;
    assert!(views.wait_for_all(position, PATIENCE).await);
    let identify = |p: &Profile| views.directory.identify(clinic(), &contact(p));
    assert_eq!(identify(&after), IdentificationOutcome::Recognized(patient));
    assert!(matches!(identify(&before), IdentificationOutcome::Unrecognized(_)));
    assert!(views.directory.search(clinic(), "roy", 5).is_empty());
    assert_eq!(views.directory.get(patient).unwrap().touched, 1);
    views.close().await;
}

fn any_profile() -> impl Strategy<Value = Profile> {
    let first = prop::sample::select(vec!["Ève", "eve", "Luc"]);
    let last = prop::sample::select(vec!["Roy", "D'Arc", "d\u{2019}arc"]);
    let number = prop::option::of(prop::sample::select(vec!["ROYE85510112", "ROYE85510113"]));
    let phone = prop::sample::select(vec!["5145550123", "5145550124"]);
    (first, last, phone, number, any::<bool>()).prop_map(|(first, last, phone, number, female)| {
        let sex = if female { Sex::Female } else { Sex::Male };
        Profile { sex, ..profile(first, last, phone, number) }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn the_directory_finds_what_a_scan_of_all_records_finds(
        people in prop::collection::vec((any_profile(), any::<bool>(), 0..4_u8), 1..8),
        contacts in prop::collection::vec((any_profile(), any::<bool>()), 1..6),
    ) {
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let (folder, log) = (folder(), Log::new());
            let mut ids = vec![];
            for (n, (profile, ..)) in (1..).zip(&people) {
                ids.push(log.patient(n, profile).await);
            }
            let mut merged: Vec<Option<usize>> = vec![None; people.len()];
            for (n, (_, dies, to)) in people.iter().enumerate() {
                // Only to a later one: no circles.
                let into = n + usize::from(*to);
                if *to > 0 && into < people.len() {
                    merge(&log, ids[n], ids[into]).await;
                    merged[n] = Some(into);
                } else if *dies {
                    let died = PatientEvent::PatientDeceased(PatientDeceased { death_date: None });
                    log.happen(&StreamName::patient(ids[n]), died).await;
                }
            }
            let views = views(&folder.path().join("views.db"), &log).await;
            let survivor = |mut n: usize| { while let Some(into) = merged[n] { n = into; } n };
            let dead = |n: usize| people[n].1 && merged[n].is_none();
            let all = || people.iter().enumerate().map(|(n, (profile, ..))| {
                let to = survivor(n);
                Record { patient: ids[n], survivor: ids[to], live: !dead(to), profile }
            });
            for (profile, numbered) in &contacts {
                let health_number = profile.health_number.clone().filter(|_| *numbered);
                let asked = ProvisionalContact { health_number, ..contact(profile) };
                let d = &views.directory;
                assert_eq!(d.identify(clinic(), &asked), matching::identify(&asked, all()));
                assert_eq!(d.why_unmatched(clinic(), &asked), matching::why_unmatched(&asked, all()));
                assert_eq!(d.proposals(clinic(), &asked), matching::proposals(&asked, all()));
            }
            views.close().await;
        });
    }
}
