//! Visits: opened together, found by their token, gone after a day.

use super::*;
use booking_domain::ids::PatientId;
use booking_engine::vault::{Token, VisitLookup};

on_both!(
    a_thousand_visits_at_once_share_a_few_commits,
    one_visit_that_cannot_open_does_not_sink_the_others,
    a_visit_is_found_by_its_token_in_its_clinic_until_it_ends,
    a_touched_visit_lasts_longer_but_never_beyond_a_day,
    what_a_visitor_proved_is_remembered,
    the_key_of_a_visit_is_gone_a_day_later_unless_it_was_kept,
    a_contact_has_one_quota_until_nothing_of_it_is_ahead_or_its_people_are_erased,
);

async fn a_thousand_visits_at_once_share_a_few_commits(on: On) {
    let given = Given::a_vault(on).await;
    let before = given.vault.commits();
    let started = std::time::Instant::now();
    let opening = (0..1000).map(|n| {
        let vault = Arc::clone(&given.vault);
        tokio::spawn(async move { vault.open_visit(visit(n)).await })
    });
    let opened = futures::future::join_all(opening.collect::<Vec<_>>()).await;
    let took = started.elapsed();
    let commits = given.vault.commits() - before;
    eprintln!("1,000 visits: {took:?}, {commits} commits");
    assert!(commits < 100, "{commits}");
    let given = given.reopened().await;
    for opened in opened {
        let opened = opened.unwrap().unwrap();
        let found = given.vault.visit_by_token(CLINIC, &opened.token, NOW).await.unwrap();
        assert!(matches!(found, VisitLookup::Open(visit) if visit.id == opened.visit.id));
    }
}

async fn one_visit_that_cannot_open_does_not_sink_the_others(on: On) {
    let given = Given::a_vault(on).await;
    // The same subject twice breaks a constraint in the middle of the batch.
    let visits = (0..100).map(|n| NewVisit { subject: subject(if n == 50 { 49 } else { n }), ..visit(n) });
    let opened = futures::future::join_all(visits.map(|visit| given.vault.open_visit(visit))).await;
    let failed: Vec<_> = (0..).zip(&opened).filter(|(_, opened)| opened.is_err()).map(|(n, _)| n).collect();
    assert_eq!(failed, [50]);
    assert!(matches!(opened[50], Err(VaultError::Exists)));
    let keys: Vec<_> = (0..100).filter(|n| *n != 50).map(subject).collect();
    let given = given.reopened().await;
    assert_eq!(given.vault.subject_keys(CLINIC, &keys).await.unwrap().len(), 99);
}

async fn a_visit_is_found_by_its_token_in_its_clinic_until_it_ends(on: On) {
    let given = Given::a_vault(on).await;
    given.vault.create_clinic(OTHER_CLINIC, NOW).await.unwrap();
    let opened = given.vault.open_visit(visit(1)).await.unwrap();
    let mut given = given;
    for _ in 0..2 {
        let look = |clinic, minutes| given.vault.visit_by_token(clinic, &opened.token, NOW.plus_minutes(minutes));
        let VisitLookup::Open(found) = look(CLINIC, 59).await.unwrap() else { panic!("it is open") };
        let identity = given.vault.visit_identity(&found).await.unwrap().unwrap();
        assert_eq!(identity.expose().as_slice(), "Trembley, Zoé".as_bytes());
        assert!(matches!(look(OTHER_CLINIC, 59).await.unwrap(), VisitLookup::Unknown));
        assert!(matches!(look(CLINIC, 60).await.unwrap(), VisitLookup::Expired));
        let stranger = Token::parse(&"0".repeat(64)).unwrap();
        let unknown = given.vault.visit_by_token(CLINIC, &stranger, NOW).await.unwrap();
        assert!(matches!(unknown, VisitLookup::Unknown));
        given = given.reopened().await;
    }
}

async fn a_touched_visit_lasts_longer_but_never_beyond_a_day(on: On) {
    let given = Given::a_vault(on).await;
    let opened = given.vault.open_visit(visit(1)).await.unwrap();
    given.vault.touch(&opened.visit, NOW.plus_minutes(90));
    given.vault.touch(&opened.visit, NOW.plus_minutes(80));
    given.settled().await;
    let look = async |given: &Given, minutes| {
        given.vault.visit_by_token(CLINIC, &opened.token, NOW.plus_minutes(minutes)).await.unwrap()
    };
    assert!(matches!(look(&given, 89).await, VisitLookup::Open(_)));
    let given = given.reopened().await;
    assert!(matches!(look(&given, 89).await, VisitLookup::Open(_)));
    given.vault.touch(&opened.visit, NOW.plus_minutes(3 * DAY));
    given.settled().await;
    assert!(matches!(look(&given, DAY - 1).await, VisitLookup::Open(_)));
    assert!(matches!(look(&given, DAY).await, VisitLookup::Expired));
}

async fn what_a_visitor_proved_is_remembered(on: On) {
    let given = Given::a_vault(on).await;
    let opened = given.vault.open_visit(visit(1)).await.unwrap();
    let patient = Some(PatientId::from_bytes([5; 16]));
    given.vault.prove_visit(&opened.visit, 2, patient).await.unwrap();
    let mut given = given;
    for _ in 0..2 {
        let VisitLookup::Open(found) = given.vault.visit_by_token(CLINIC, &opened.token, NOW).await.unwrap() else {
            panic!("it is open")
        };
        assert_eq!((found.proof, found.patient, found.terms_version), (2, patient, 3));
        given = given.reopened().await;
    }
}

async fn the_key_of_a_visit_is_gone_a_day_later_unless_it_was_kept(on: On) {
    let given = Given::a_vault(on).await;
    let mut tokens = Vec::new();
    for n in 0..4 {
        let opened_at = NOW.plus_minutes(i64::from(n == 3));
        tokens.push(given.vault.open_visit(NewVisit { opened_at, ..visit(n) }).await.unwrap().token);
    }
    let wrapped = given.wrapped_key(subject(0)).await;
    given.vault.keep_subject(CLINIC, subject(1)).await.unwrap();

    assert_eq!(given.vault.purge_visits(NOW.plus_minutes(DAY - 1), |_| false).await.unwrap(), 0);
    // Of the second the log knows a booking, though a crash came before its keeping; the third is a minute younger.
    let booked = |asked| asked == subject(2);
    assert_eq!(given.vault.purge_visits(NOW.plus_minutes(DAY), booked).await.unwrap(), 1);

    assert!(!given.holds(&wrapped).await, "a copy of the wrapped key is still on the disk");
    let mut given = given;
    for _ in 0..2 {
        let mut has = Vec::new();
        for n in 0..4 {
            has.push(given.vault.subject_key(CLINIC, subject(n)).await.unwrap().is_some());
        }
        assert_eq!(has, [false, true, true, true]);
        let gone = given.vault.visit_by_token(CLINIC, &tokens[1], NOW.plus_minutes(DAY)).await.unwrap();
        assert!(matches!(gone, VisitLookup::Unknown), "the visit itself is deleted");
        given = given.reopened().await;
    }
    assert!(matches!(given.vault.keep_subject(CLINIC, subject(0)).await, Err(VaultError::Gone)));
}

async fn a_contact_has_one_quota_until_nothing_of_it_is_ahead_or_its_people_are_erased(on: On) {
    let given = Given::a_vault(on).await;
    let (first, second) = ([1; 32], [2; 32]);
    let later = NOW.plus_minutes(600);
    let take = async |vault: &Vault, who: u128, contacts: &[[u8; 32]], until| {
        vault.take_contact_quotas(CLINIC, subject(who), contacts, until).await.unwrap()
    };
    assert!(given.vault.contact_quotas(&[first]).await.unwrap().is_empty());
    let one = take(&given.vault, 1, &[first], NOW.plus_minutes(60)).await;
    assert_eq!(take(&given.vault, 2, &[first], later).await, one, "whoever books");
    let both = take(&given.vault, 3, &[first, second], later).await;
    assert_eq!((both.len(), both[0]), (2, one[0]));
    assert_ne!(both[0], both[1]);
    // One of three is over, one is erased: the third still knows it.
    let given = given.reopened().await;
    given.vault.purge_contact_quotas(NOW.plus_minutes(61)).await.unwrap();
    given.vault.destroy_subjects(CLINIC, &[subject(3)], NOW).await.unwrap();
    assert_eq!(
        given.vault.contact_quotas(&[first, second]).await.unwrap(),
        one,
        "the second was only the erased one's"
    );
    assert!(!given.holds(&second).await, "nor is its hash left on the disk");
    given.vault.purge_contact_quotas(later).await.unwrap();
    assert!(given.vault.contact_quotas(&[first]).await.unwrap().is_empty());
    assert_ne!(take(&given.vault, 1, &[first], later).await, one, "another one from then on");
}
