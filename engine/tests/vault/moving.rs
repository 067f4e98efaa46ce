//! A vault goes from its file onto a server.

use super::*;
use booking_engine::vault::{SessionLookup, VisitLookup, copy_to_server};

/// More than one statement takes.
const PEOPLE: u128 = 1_203;

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_a_vault_holds_is_on_the_server_and_what_was_destroyed_is_not() {
    let given = Given::a_vault(On::File).await;
    let people: Vec<_> = (0..PEOPLE).map(subject).collect();
    given.vault.create_subjects(CLINIC, &people, NOW).await.unwrap();
    given.vault.destroy_subjects(CLINIC, &[subject(5)], NOW).await.unwrap();
    let visitor = given.vault.open_visit(visit(5_000)).await.unwrap();
    let session = given.vault.open_session(member(1), NOW).await.unwrap();
    let invited = given.vault.invite(member(2), &text("zoe@example.org"), NOW, NOW.plus_minutes(9)).await.unwrap();
    let keys = given.vault.subject_keys(CLINIC, &people).await.unwrap();
    given.vault.close().await;

    let url = throwaway_postgres::database().await;
    let rows = copy_to_server(&given.file(), &url).await.unwrap();
    assert!(u128::from(rows) > PEOPLE, "{rows} rows");
    // A crash between the copy and what comes after it: again, and nothing is there twice.
    assert_eq!(copy_to_server(&given.file(), &url).await.unwrap(), rows);
    fs::rename(given.file(), given.dir.path().join("aside")).unwrap();

    let (vault, created) = open(given.dir.path(), Some(&url), 9).await.unwrap();
    assert_eq!(created, Created::Found);
    let there = vault.subject_keys(CLINIC, &people).await.unwrap();
    assert_eq!(there.len(), keys.len());
    assert!(keys.iter().all(|(id, key)| there[id].expose() == key.expose()));
    assert!(vault.subject_key(CLINIC, subject(5)).await.unwrap().is_none());
    let VisitLookup::Open(found) = vault.visit_by_token(CLINIC, &visitor.token, NOW).await.unwrap() else {
        panic!("the visit is open")
    };
    assert_eq!(vault.visit_identity(&found).await.unwrap().unwrap().expose().as_slice(), "Trembley, Zoé".as_bytes());
    assert!(matches!(vault.session(&session, NOW).await.unwrap(), SessionLookup::Open(_)));
    assert!(vault.redeem_invitation(&invited, NOW).await.unwrap().is_some());
    // It has gone on: the file is not what is there any more.
    let refused = copy_to_server(&given.dir.path().join("aside"), &url).await;
    assert!(matches!(refused, Err(VaultError::Unsuitable(_))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_does_not_go_where_another_is_and_none_is_made_of_a_file_that_is_not_there() {
    let (mine, theirs) = (Given::a_vault(On::File).await, Given::a_vault(On::Server).await);
    theirs.vault.open_visit(visit(1)).await.unwrap();
    let url = theirs.url.clone().unwrap();
    let before = rows_of(&url).await;
    mine.vault.close().await;
    let refused = copy_to_server(&mine.file(), &url).await;
    assert!(matches!(refused, Err(VaultError::Unsuitable(_))), "{refused:?}");
    assert_eq!(rows_of(&url).await, before);
    let nowhere = mine.dir.path().join("nowhere.db");
    assert!(copy_to_server(&nowhere, &url).await.is_err() && !nowhere.exists());
}
