//! What came before is remembered, and no secret leaks.

use super::*;
use booking_domain::ids::CommandId;
use booking_engine::vault::{KeyUse, Remembered, RootKey, draw};
use booking_events::sealing::{Field, open, seal};

on_both!(
    the_same_key_with_another_body_is_different_also_after_a_reopen,
    remembering_commands_does_not_wait_for_the_disk,
    no_secret_appears_in_debug_output,
    the_raw_files_hold_none_of_twenty_plaintexts,
    a_closed_vault_says_so,
);

async fn the_same_key_with_another_body_is_different_also_after_a_reopen(on: On) {
    let given = Given::a_vault(on).await;
    let key = CommandId::from_bytes([3; 16]);
    assert_eq!(given.vault.remember(key, [1; 32], NOW).await.unwrap(), Remembered::New);
    let mut given = given;
    for _ in 0..2 {
        assert_eq!(given.vault.remember(key, [1; 32], NOW).await.unwrap(), Remembered::Same);
        assert_eq!(given.vault.remember(key, [2; 32], NOW).await.unwrap(), Remembered::Different);
        given = given.reopened().await;
    }
    given.vault.purge_idempotency(NOW.plus_minutes(DAY - 1)).await.unwrap();
    assert_eq!(given.vault.remember(key, [2; 32], NOW).await.unwrap(), Remembered::Different);
    given.vault.purge_idempotency(NOW.plus_minutes(DAY)).await.unwrap();
    assert_eq!(given.vault.remember(key, [2; 32], NOW).await.unwrap(), Remembered::New);
}

async fn remembering_commands_does_not_wait_for_the_disk(on: On) {
    let given = Given::a_vault(on).await;
    let before = given.vault.commits();
    for n in 0..2_000 {
        given.vault.remember(CommandId::from_bytes(id(n)), [1; 32], NOW).await.unwrap();
    }
    given.vault.flush().await.unwrap();
    let commits = given.vault.commits() - before;
    assert!(commits < 100, "{commits}");
}

async fn no_secret_appears_in_debug_output(on: On) {
    let given = Given::a_vault(on).await;
    let root = RootKey::load(&given.dir.path().join(ROOT_KEY_FILE)).unwrap();
    let keys = given.vault.clinic_keys(CLINIC).await.unwrap();
    let new = visit(1);
    let before = format!("{:?} {root:?} {keys:?} {new:?} {:?}", given.vault, keys.audit());
    let opened = given.vault.open_visit(new).await.unwrap();
    let found = given.vault.visit_by_token(CLINIC, &opened.token, NOW).await.unwrap();
    let shown = format!("{before} {opened:?} {found:?} {:?}", given.vault.visit_identity(&opened.visit).await.unwrap());
    let mut secrets = vec![
        fs::read_to_string(given.dir.path().join(ROOT_KEY_FILE)).unwrap().trim().to_owned(),
        opened.token.reveal().to_string(),
        "Trembley".to_owned(),
    ];
    for bytes in [&opened.key, &given.vault.subject_key(CLINIC, subject(1)).await.unwrap().unwrap()] {
        secrets.push(format!("{:?}", bytes.expose()));
        secrets.push(format!("{:?}", &bytes.expose()[..4]).trim_matches(['[', ']']).to_owned());
    }
    secrets.push(format!("{:?}", &opened.visit.identity.ciphertext[..4]).trim_matches(['[', ']']).to_owned());
    for secret in secrets {
        assert!(!shown.contains(&secret), "{secret} in {shown}");
    }
}

async fn the_raw_files_hold_none_of_twenty_plaintexts(on: On) {
    let given = Given::a_vault(on).await;
    let vault = &given.vault;
    let canaries: Vec<String> = (0..20).map(|n| format!("Canari-{n:02}-Éloïse")).collect();
    let seeded = SeededEntropy::new(4);
    let mut seals = Vec::new();
    for (n, canary) in (0u128..).zip(&canaries) {
        let email = text(&format!("{canary}@example.org"));
        match n % 5 {
            0 => {
                let identity = text(canary).map(String::into_bytes);
                let opened = vault.open_visit(NewVisit { identity, ..visit(n) }).await.unwrap();
                vault.prove_visit(&opened.visit, 1, None).await.unwrap();
            }
            1 => drop(vault.invite(member(n), &email, NOW, NOW).await.unwrap()),
            2 => {
                vault.invite(member(n), &email, NOW, NOW).await.unwrap();
                vault.set_password(member(n), &text(canary), NOW).await.unwrap();
                assert_eq!(vault.verify_password(None, &email, &text(canary)).await.unwrap(), [member(n)]);
            }
            3 => {
                let key = vault.create_subject(CLINIC, subject(n), NOW).await.unwrap();
                let (id, nonce) = (draw(&seeded), draw(&seeded));
                let sealed = seal(&key, CLINIC, subject(n), Field::Profile, 1, 1, id, nonce, canary.as_bytes());
                seals.push((n, canary, sealed));
            }
            _ => {
                let keys = vault.clinic_keys(CLINIC).await.unwrap();
                let hash = keys.keyed_hash(KeyUse::Idempotency, &[canary.as_bytes()]);
                vault.remember(CommandId::from_bytes(id(n)), hash, NOW).await.unwrap();
            }
        }
    }
    vault.flush().await.unwrap();
    for canary in &canaries {
        assert!(!given.holds(canary.as_bytes()).await, "{canary} in the files while the vault is open");
    }
    let given = given.reopened().await;
    for canary in &canaries {
        assert!(!given.holds(canary.as_bytes()).await, "{canary} in the files after it was closed");
    }
    for (n, canary, sealed) in seals {
        let key = given.vault.subject_key(CLINIC, subject(n)).await.unwrap().unwrap();
        let plain = open(&key, CLINIC, subject(n), Field::Profile, &sealed).unwrap();
        assert_eq!(plain.as_slice(), canary.as_bytes());
    }
}

async fn a_closed_vault_says_so(on: On) {
    let given = Given::a_vault(on).await;
    given.vault.close().await;
    assert!(matches!(given.vault.create_subject(CLINIC, subject(1), NOW).await, Err(VaultError::Closed)));
    assert!(matches!(given.vault.keep_subject(CLINIC, subject(1)).await, Err(VaultError::Closed)));
}
