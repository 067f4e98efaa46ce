//! The files: whose they are, and what is refused.

use super::*;
use booking_engine::vault::{OsEntropy, RootKey};

#[cfg(unix)]
#[tokio::test]
async fn the_root_key_and_the_vault_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let given = Given::a_vault(On::File).await;
    for entry in fs::read_dir(given.dir.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.file_name());
    }
    let text = fs::read_to_string(given.dir.path().join(ROOT_KEY_FILE)).unwrap();
    assert_eq!((text.len(), text.ends_with('\n')), (65, true));
}

#[cfg(unix)]
#[tokio::test]
async fn a_root_key_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let given = Given::a_vault(On::File).await;
    given.vault.close().await;
    let key = given.dir.path().join(ROOT_KEY_FILE);
    for mode in [0o640, 0o604, 0o660] {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        let refusal = Given::refusal(given.dir.path()).await;
        assert!(matches!(refusal, VaultError::ExposedRootKey { mode: found, .. } if found == mode), "{refusal}");
    }
}

#[tokio::test]
async fn a_wrong_root_key_is_refused() {
    let given = Given::a_vault(On::File).await;
    given.vault.close().await;
    let key = given.dir.path().join(ROOT_KEY_FILE);
    let good = fs::read_to_string(&key).unwrap();
    let flipped = if good.starts_with('0') { "1" } else { "0" };
    let bytes = fs::read(given.file()).unwrap();
    fs::write(&key, format!("{flipped}{}", &good[1..])).unwrap();
    assert!(matches!(Given::refusal(given.dir.path()).await, VaultError::WrongRootKey));
    assert!(fs::read(given.file()).unwrap() == bytes, "the vault was changed");
    fs::write(&key, &good[..60]).unwrap();
    assert!(matches!(Given::refusal(given.dir.path()).await, VaultError::MalformedRootKey { .. }));
    fs::write(&key, &good).unwrap();
    Given::reopened(given).await.vault.clinic_keys(CLINIC).await.unwrap();
}

#[tokio::test]
async fn a_missing_root_key_beside_a_vault_is_refused_and_none_is_made() {
    let given = Given::a_vault(On::File).await;
    given.vault.close().await;
    let key = given.dir.path().join(ROOT_KEY_FILE);
    fs::remove_file(&key).unwrap();
    assert!(matches!(Given::refusal(given.dir.path()).await, VaultError::MissingRootKey { .. }));
    assert!(matches!(RootKey::load(&key), Err(VaultError::MissingRootKey { .. })));
    assert!(matches!(RootKey::load_or_create(&key, &OsEntropy), Err(VaultError::MissingRootKey { .. })));
    assert!(!key.exists());
}

/// Says whether a refusal is the right one.
type Check = fn(&VaultError) -> bool;

#[tokio::test]
async fn foreign_truncated_and_newer_files_are_refused_with_their_bytes_unchanged() {
    let given = Given::a_vault(On::File).await;
    given.vault.close().await;
    let good = fs::read(given.file()).unwrap();
    let with = |at: usize, bytes: &[u8]| {
        let mut changed = good.clone();
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        changed
    };
    let foreign: Check = |e| matches!(e, VaultError::ForeignFile { .. });
    let truncated: Check = |e| matches!(e, VaultError::TruncatedFile { .. });
    let newer: Check = |e| matches!(e, VaultError::NewerFile { found: 99, .. });
    let cases: [(&str, Vec<u8>, Check); 6] = [
        ("text", b"Dear diary, today I installed a booking engine.".repeat(9), foreign),
        ("another program's database", with(68, &[0, 0, 0, 9]), foreign),
        ("cut in the header", good[..50].to_vec(), truncated),
        ("cut in the middle", good[..good.len() / 2].to_vec(), truncated),
        ("cut by a byte", good[..good.len() - 1].to_vec(), truncated),
        ("from the future", with(60, &99u32.to_be_bytes()), newer),
    ];
    for (name, bytes, check) in cases {
        fs::write(given.file(), &bytes).unwrap();
        let refusal = Given::refusal(given.dir.path()).await;
        assert!(check(&refusal), "{name}: {refusal}");
        assert!(fs::read(given.file()).unwrap() == bytes, "{name}: the file was changed");
    }
}
