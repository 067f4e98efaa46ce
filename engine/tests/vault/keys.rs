//! Keys of clinics and of subjects.

use super::*;
use booking_engine::vault::{ClinicKeys, KeyUse};

on_both!(
    a_clinic_keeps_its_keys_through_a_second_registration_and_a_restart,
    a_destroyed_key_is_gone_from_memory_and_files_and_no_other_takes_its_place,
    an_import_of_twenty_thousand_makes_each_key_once_however_often_it_runs,
    a_subject_of_another_clinic_has_no_key_here,
    many_who_make_the_same_key_at_once_all_get_the_same,
);

async fn a_clinic_keeps_its_keys_through_a_second_registration_and_a_restart(on: On) {
    let given = Given::a_vault(on).await;
    let hash = |keys: &ClinicKeys| keys.keyed_hash(KeyUse::Lookup, &[b"zoe@example.org"]);
    let first = hash(&given.vault.create_clinic(CLINIC, NOW).await.unwrap());
    let other = hash(&given.vault.create_clinic(OTHER_CLINIC, NOW).await.unwrap());
    assert_ne!(first, other);
    let given = given.reopened().await;
    let keys = given.vault.clinic_keys(CLINIC).await.unwrap();
    assert_eq!(hash(&keys), first);
    assert_ne!(keys.keyed_hash(KeyUse::Link, &[b"zoe@example.org"]), first, "each use has its own key");
    let unknown = given.vault.clinic_keys(ClinicId::from_bytes([9; 16])).await;
    assert!(matches!(unknown, Err(VaultError::UnknownClinic(_))));
}

async fn a_destroyed_key_is_gone_from_memory_and_files_and_no_other_takes_its_place(on: On) {
    let given = Given::a_vault(on).await;
    given.vault.create_subject(CLINIC, subject(1), NOW).await.unwrap();
    given.vault.create_subject(CLINIC, subject(2), NOW).await.unwrap();
    let wrapped = given.wrapped_key(subject(1)).await;
    assert!(given.holds(&wrapped).await);

    assert_eq!(given.vault.destroy_subjects(CLINIC, &[subject(1)], NOW).await.unwrap(), 1);
    assert_eq!(given.vault.destroy_subjects(CLINIC, &[subject(1)], NOW).await.unwrap(), 0);
    assert!(given.vault.subject_key(CLINIC, subject(1)).await.unwrap().is_none());
    assert!(given.vault.subject_key(CLINIC, subject(2)).await.unwrap().is_some());
    assert!(matches!(given.vault.create_subject(CLINIC, subject(1), NOW).await, Err(VaultError::Gone)));
    assert!(matches!(given.vault.keep_subject(CLINIC, subject(1)).await, Err(VaultError::Gone)));
    assert!(!given.holds(&wrapped).await, "a copy of the wrapped key is still on the disk");

    let given = given.reopened().await;
    assert!(given.vault.subject_key(CLINIC, subject(1)).await.unwrap().is_none());
}

async fn an_import_of_twenty_thousand_makes_each_key_once_however_often_it_runs(on: On) {
    let given = Given::a_vault(on).await;
    let subjects: Vec<_> = (0..20_000).map(subject).collect();
    given.vault.create_subject(CLINIC, subject(77), NOW).await.unwrap();
    // Somebody who was erased gets no key by an import, also where the vault did not know them yet.
    given.vault.destroy_subjects(CLINIC, &[subject(78)], NOW).await.unwrap();
    let first = given.vault.create_subjects(CLINIC, &subjects, NOW).await.unwrap();
    let again = given.vault.create_subjects(CLINIC, &subjects, NOW).await.unwrap();
    assert_eq!(first.len(), subjects.len() - 1);
    assert!(first.iter().all(|(subject, key)| again[subject].expose() == key.expose()));
    assert!(given.vault.commits() < 20, "{}", given.vault.commits());
    let given = given.reopened().await;
    let read = given.vault.subject_keys(CLINIC, &subjects).await.unwrap();
    assert!(first.iter().all(|(subject, key)| read[subject].expose() == key.expose()));
}

async fn a_subject_of_another_clinic_has_no_key_here(on: On) {
    let given = Given::a_vault(on).await;
    given.vault.create_clinic(OTHER_CLINIC, NOW).await.unwrap();
    given.vault.create_subject(CLINIC, subject(1), NOW).await.unwrap();
    assert!(given.vault.subject_key(OTHER_CLINIC, subject(1)).await.unwrap().is_none());
    assert!(given.vault.subject_keys(OTHER_CLINIC, &[subject(1)]).await.unwrap().is_empty());
    assert_eq!(given.vault.destroy_subjects(OTHER_CLINIC, &[subject(1)], NOW).await.unwrap(), 0);
    assert!(given.vault.subject_key(CLINIC, subject(1)).await.unwrap().is_some());
}

async fn many_who_make_the_same_key_at_once_all_get_the_same(on: On) {
    let given = Given::a_vault(on).await;
    let make = |_| given.vault.create_subject(CLINIC, subject(1), NOW);
    let keys = futures::future::try_join_all((0..50).map(make)).await.unwrap();
    assert!(keys.iter().all(|key| key.expose() == keys[0].expose()));
}
